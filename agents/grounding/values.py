"""What a statement asserts: every address, hash, name, path, command, time and number in it, as typed values.

A statement is read in one spelling (`agents.grounding.normal`), the surest forms first; what one has taken no other
sees. Values between backticks or quotes are verbatim. Outside of them a value is what has the form of one, what follows
`user` or `host` or does what only users and programs do, and what is called as an entity of the case is. Plain words
are nobody's values: whoever writes a name as a plain word elsewhere is not caught, which the prompt asks models not to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from agents.grounding.normal import is_lookalike, normalized
from agents.grounding.times import LENGTH, POINTS, WEEKDAY, point_of
from agents.grounding.vocabulary import (
    DOERS,
    HOST_ROLES,
    NUMBER_WORDS,
    PLAIN,
    PROPER,
    ROLES,
    STARTERS,
    TECHNICAL,
    TOOLS,
    VAGUE,
)

LITERAL, ADDRESS, MAC, HASH, EMAIL, URL, DOMAIN, PATH = (
    *("literal", "address", "MAC address", "hash", "e-mail address", "URL", "domain or file", "path"),
)
TIME, WEEKLY, DURATION, NUMBER, TECHNIQUE, TOKEN, USER, HOST, NAME, WORD, LOOKALIKE = (
    *("time", "weekday", "duration", "number", "technique", "value", "user", "host", "name", "proper name"),
    "word in look-alike letters",
)
MAX_VALUES: Final = 80
MAX_STATED: Final = 4000  # characters of a statement that are read; what is longer is refused
CONTEXT: Final = 32  # characters before and after a number that tell what it counts
TAKEN: Final = "\x00"
_QUOTES: Final = (
    re.compile(r"```([^`]+)```"),
    re.compile(r"`([^`]+)`"),
    re.compile(r'"((?:[^"\\]|\\.)*+)"'),
    re.compile(r"(?<!\w)'([^'\x00]+)'(?!\w)"),
)
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\x00\"'`<>]+", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^\s\x00@\"'`<>(),;:=/\\|]{1,128}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_MAC: Final = re.compile(
    r"(?<![\w:-])(?:[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})(?![\w:-])", re.IGNORECASE
)
_IPV6: Final = re.compile(
    r"(?<![\w:.])\[?(?=[0-9a-f.]{0,4}:)([0-9a-f:]{2,45}(?:\.\d{1,3}){0,3})(?:%\w{1,16})?\]?(?![\w:])", re.IGNORECASE
)
_IPV4: Final = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?!\w|\.\d)")
_PORT: Final = re.compile(r"(?<=\x00)[:/](\d{1,5})(?![\w:])")  # behind an address
_HEX: Final = re.compile(r"(?<!\w)(?=[0-9a-f]*\d|[a-f]{16})[0-9a-f]{16,128}(?!\w)", re.IGNORECASE)
_WINDOWS: Final = re.compile(
    r"(?<!\w)(?:[A-Za-z]:\\|\\\\|%\w{1,40}%\\?|HK(?:EY_|LM|CU|CR|U\b|CC)[\w]*\\)[^\s\x00\"'`<>|*?;,()]*"
)
_POSIX: Final = re.compile(r"(?<![\w/.~)\]])(?:~|\.{1,2})?/[\w.~@%+=:,/*-]+")
_TECHNIQUE: Final = re.compile(r"(?<![\w.-])TA?\d{4}(?:\.\d{3})?(?![\w-]|\.\d)")
_ARN: Final = re.compile(r"\barn:[^\s\x00\"'`<>]+", re.IGNORECASE)
_BACKSLASH: Final = re.compile(
    r"(?:(?<=[\s\x00\"'`<>|;,()=:])|^)[^\s\x00\"'`<>|;,()=:\\]{0,128}+\\[^\s\x00\"'`<>|;,()]+"
)
_HYPHENED: Final = re.compile(r"(?<![\w.-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])(?!\d{1,12}-[a-z]{3})\w++(?:-\w++)++")
_NUMBER: Final = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:\s?(?:%|[KMGTP]i?B\b|bytes?\b)|(?:st|nd|rd|th)\b)?(?![\w]|\.\d)",
    re.IGNORECASE,
)
_SIZED_TIMES: Final = re.compile(r"(?<![\w.])(\d+)x\b", re.IGNORECASE)
_COUNTED: Final = re.compile(
    rf"\b(?:{'|'.join(word for word in NUMBER_WORDS if word not in {'one', 'zero'})})\b(?!-)", re.IGNORECASE
)
_DOTTED: Final = re.compile(r"(?<![\w.@-])[\w-]++(?:\.[\w-]++)++")
_ROLE: Final = re.compile(
    rf"\b({'|'.join(ROLES)})s?\b(?:\s(?:named|called|name|id))?[\s:=]{{1,2}}([^\s\x00,;()]+)", re.IGNORECASE
)
_CALLED: Final = re.compile(
    rf"\b(?:named|as user|as account|by|(?:{'|'.join(TOOLS)})|(?:{'|'.join(STARTERS)}))\s([^\s\x00,;()]+)",
    re.IGNORECASE,
)
_OWNER: Final = re.compile(r"(?<![\w.-])([A-Za-z][\w.-]{0,80})'s\b")
_VAGUE: Final = re.compile(rf"\b(?:{'|'.join(VAGUE)})\b", re.IGNORECASE)
_BEFORE_A_DOER: Final = r"(?:^|[.,;:(]\s|\b(?:and|then|when|while|after|before|that|as|where|how)\s)"
_HOW_IT_IS_DONE: Final = r"(?:(?:then|also|first|later|successfully|repeatedly|had|has)\s)?"
_DOER: Final = re.compile(
    rf"{_BEFORE_A_DOER}(\w[\w.$-]{{0,80}})\s{_HOW_IT_IS_DONE}(?:{'|'.join(DOERS)})\b", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"[^\s\x00]+")
_TRIMMED: Final = ".,;:!?()[]{}<>'\"*"
_CAMEL: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]{2}")
_SENTENCE: Final = re.compile(r"(?:^|[.!?:;*\-(]\s*|\n\s*)\Z")
MIN_NAME: Final = 3


@dataclass(frozen=True, slots=True)
class Value:
    """One thing that a statement asserts.

    Attributes:
        kind: One of the kinds above.
        text: It, in the one spelling.
        before: What stands before it, in lower case.
        after: What stands after it, in lower case.
    """

    kind: str
    text: str
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class _Reading:
    """A statement that is being read: what is left of it, and what was found."""

    left: str
    found: list[Value] = field(default_factory=list)

    def take(self, kind: str, form: re.Pattern[str], what: Callable[[re.Match[str]], str | None]) -> None:
        """Take every match of a form of which something comes out; nobody else sees it then."""
        spans = []
        for match in form.finditer(self.left):
            text = what(match)
            if text:
                self.add(kind, text, match.start(), match.end())
                spans.append(match.span())
        self.blank(spans)

    def add(self, kind: str, text: str, start: int, end: int) -> None:
        before, after = self.left[max(0, start - CONTEXT) : start], self.left[end : end + CONTEXT]
        self.found.append(Value(kind, text, before.lower(), after.lower()))

    def blank(self, spans: list[tuple[int, int]]) -> None:
        at = 0
        pieces: list[str] = []
        for start, end in spans:
            pieces += self.left[at:start], TAKEN * (end - start)
            at = end
        self.left = "".join((*pieces, self.left[at:]))


def values_of(statement: str, names: Collection[str] = (), words: Collection[str] = ()) -> tuple[Value, ...]:
    """Return what a statement asserts, at most MAX_VALUES and one more.

    Args:
        statement: What somebody states.
        names: Names of entities, in lower case, that are no plain words in this case.
        words: Words, in lower case, that are plain ones in this case, whatever they look like.
    """
    reading = _Reading(normalized(statement[:MAX_STATED]))
    for quotes in _QUOTES:
        reading.take(LITERAL, quotes, lambda found: found[1].strip())
    reading.take(URL, _URL, lambda found: found[0].rstrip(".,;:!?)]}"))
    reading.take(PATH, _WINDOWS, lambda found: found[0].rstrip(".:!?'"))
    reading.take(TOKEN, _BACKSLASH, lambda found: found[0].rstrip(".:!?"))
    reading.take(EMAIL, _EMAIL, lambda found: found[0].rstrip("."))
    reading.take(MAC, _MAC, lambda found: found[0])
    _take_points(reading)
    _take_addresses(reading)
    reading.take(HASH, _HEX, lambda found: found[0])
    reading.take(TOKEN, _ARN, lambda found: found[0].rstrip(".,;:!?)"))
    reading.take(PATH, _POSIX, lambda found: found[0].rstrip(".,:!?*"))
    reading.take(TECHNIQUE, _TECHNIQUE, lambda found: found[0])
    reading.take(DURATION, LENGTH, lambda found: found[0])
    _take_names(reading)
    reading.take(TOKEN, _HYPHENED, lambda found: None if found[0].lower() in TECHNICAL else found[0])
    reading.take(DOMAIN, _DOTTED, lambda found: _dotted(found, words))
    reading.take(NUMBER, _NUMBER, lambda found: found[0])
    reading.take(NUMBER, _SIZED_TIMES, lambda found: found[1])
    reading.take(NUMBER, _COUNTED, lambda found: found[0])
    reading.found += _tokens(reading.left, names, words)
    return tuple(dict.fromkeys(reading.found))[: MAX_VALUES + 1]


def _take_points(reading: _Reading) -> None:
    for form in POINTS:
        reading.take(TIME, form, lambda found: found[0].rstrip(".") if point_of(found) else None)
    reading.take(WEEKLY, WEEKDAY, lambda found: found[0])


def _take_addresses(reading: _Reading) -> None:
    for form in (_IPV6, _IPV4):
        reading.take(ADDRESS, form, lambda found: found[1] if address_of(found[1]) else None)
    reading.take(NUMBER, _PORT, lambda found: found[1])


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a text spells, a mapped one as the IPv4 address that it is; None when it spells none."""
    try:
        if "." in text and ":" not in text:
            return ipaddress.IPv4Address(text)
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address


def addresses_in(text: str) -> Iterator[tuple[int, int, ipaddress.IPv4Address | ipaddress.IPv6Address]]:
    """Yield every address in a text of evidence, with where it begins and ends."""
    for form in (_IPV6, _IPV4):
        for found in form.finditer(text):
            address = address_of(found[1])
            if address:
                yield found.start(), found.end(), address


def _take_names(reading: _Reading) -> None:
    reading.take(WORD, _VAGUE, lambda found: found[0])
    _take_inner(reading, _CALLED)
    for match in list(_ROLE.finditer(reading.left)):
        name = _name(match[2])
        if name:
            kind = HOST if match[1].lower() in HOST_ROLES else USER
            reading.add(kind, name, match.start(2), match.end(2))
            reading.blank([match.span(2)])
    _take_inner(reading, _DOER)
    _take_inner(reading, _OWNER)


def _take_inner(reading: _Reading, form: re.Pattern[str]) -> None:
    """Take the name in every match of a form, and leave what stands around it."""
    for match in list(form.finditer(reading.left)):
        name = _name(match[1])
        if name and not name[0].isdigit() and not name.lower().endswith("ing"):
            reading.add(NAME, name, *match.span(1))
            reading.blank([match.span(1)])


def _name(text: str) -> str | None:
    name = text.rstrip(".,:!?'\"").removesuffix("'s")
    lower = name.lower()
    return None if not name or TAKEN in name or lower in PLAIN or lower in TECHNICAL or lower in PROPER else name


def _dotted(found: re.Match[str], words: Collection[str]) -> str | None:
    text = found[0]
    plain = text.lower() in TECHNICAL or text.lower() in words or not any(map(str.isalpha, text))
    return None if plain else text


def _tokens(left: str, names: Collection[str], words: Collection[str]) -> Iterator[Value]:
    """Yield words that have the form of a value, or are called as somebody in this case is."""
    for found in _TOKEN.finditer(left):
        for part in found[0].split("/") if "\\" not in found[0] else (found[0],):
            word = part.strip(_TRIMMED).removesuffix("'s")
            kind = _kind(word, left[: found.start()], names, words)
            if kind:
                yield Value(kind, word)


def _kind(word: str, before: str, names: Collection[str], words: Collection[str]) -> str | None:
    lower = word.lower()
    if is_lookalike(word):
        return LOOKALIKE
    if lower in names and len(lower) >= MIN_NAME and lower not in PLAIN:
        return NAME
    if not word or lower in words or lower in TECHNICAL:
        return None
    if _has_form(word):
        return TOKEN
    proper = word[0].isupper() and word[1:].isalpha() and lower not in PROPER and lower not in PLAIN
    return WORD if proper and (word[1:].isupper() or not _SENTENCE.search(before[-CONTEXT:])) else None


def _has_form(word: str) -> bool:
    """Tell a word that is no plain one by its form: a digit, a sign inside, a capital inside."""
    return any(sign.isdigit() or sign in "_\\$=@#~^|&+" for sign in word) or bool(_CAMEL.search(word))

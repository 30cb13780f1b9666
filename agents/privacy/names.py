"""Pseudonyms of one case: who is who, how each is written, and where in a text they are.

A pseudonym is a kind and a number (`user-1`), in the order in which they are met; another spelling of the same one has
a letter behind it (`user-1b`), so that every occurrence is restored as it was written. Text that looks like a pseudonym
gets one itself: what an attacker writes into a log is never taken for somebody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from models.ocsf_schema import load

LITERAL: Final = "text"  # what only looks like a pseudonym
SECRET: Final = "secret"  # noqa: S105  # the name of a kind, no password
KINDS: Final = (
    *("user", "host", "ip", "workload", "session", "account"),
    *("domain", "mac", "phone", "card", "hash", LITERAL),
)
MAX_NAMES: Final = 20_000
MIN_CHARS: Final = 3  # a shorter name is part of any text: only where a field or its surroundings tell
MIN_DIGITS: Final = 6  # so is a shorter number
MAX_NAME: Final = 256
# A place where a name may begin: behind no letter or digit, or behind an escape that ends in one.
STARTS: Final = r"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtfv])|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2}))"
ENDS: Final = r"(?![^\W_])"
TOKEN: Final = re.compile(rf"{STARTS}(?:{'|'.join(KINDS)})-[0-9]{{1,7}}[a-z]{{0,4}}{ENDS}", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+")
_ESCAPED: Final = re.compile(r"(?<=%)[0-9A-Fa-f]{2}|(?<=\\)(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[nrtfv])")
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
# Words that name nobody by themselves, though an account or host may be called so: masked where a field or its
# surroundings tell, and left alone in all other text.
COMMON: Final = frozenset(
    (
        *("entities", "cut", "ref", "note", "kind", "detection", "severity", "techniques", "matched", "malicious"),
        *("score", "reports", "tags", "question", "answer", "timeline", "evidence", "more", "characters", "withheld"),
        *("access", "account", "accounts", "action", "active", "address", "admin", "administrator", "alert"),
        *("all", "allow", "and", "any", "api", "app", "application", "apps", "attack", "audit", "auth", "backup"),
        *("bin", "browser", "cloud", "cmd", "com", "command", "computer", "config", "connect", "console", "core"),
        *("data", "database", "default", "delete", "demo", "deny", "desktop", "dev", "device", "dns", "docker"),
        *("domain", "email", "entity", "error", "event", "events", "evidence", "exe", "explorer", "failure"),
        *("false", "file", "files", "firewall", "for", "from", "guest", "home", "host", "hosts", "http", "https"),
        *("info", "install", "internet", "job", "json", "key", "kernel", "lab", "legacy", "lib", "library"),
        *("linux", "list", "local", "localhost", "log", "login", "logon", "logs", "mac", "machine", "mail"),
        *("main", "manager", "master", "message", "microsoft", "model", "monitor", "name", "net", "network"),
        *("new", "node", "none", "null", "office", "old", "operator", "organization", "password", "path"),
        *("policy", "powershell", "prod", "process", "production", "program", "project", "proxy", "public"),
        *("python", "query", "read", "remote", "report", "request", "role", "root", "router", "rule", "run"),
        *("script", "search", "secret", "section", "security", "server", "service", "services", "session"),
        *("setup", "shell", "signal", "site", "software", "source", "ssh", "start", "status", "stop", "storage"),
        *("success", "support", "sys", "system", "system32", "task", "tech", "temp", "test", "tester", "testing"),
        *("text", "the", "time", "tmp", "token", "tool", "true", "type", "unknown", "update", "upload", "url"),
        *("user", "username", "users", "var", "verdict", "version", "virtual", "vpn", "web", "windows", "with"),
        *("work", "worker", "workload", "workstation", "write", "www"),
    )
)


class Owner(NamedTuple):
    """Who or what a name belongs to: a kind of KINDS, or `secret`, and its comparable value."""

    kind: str
    value: str


class Span(NamedTuple):
    """A part of a text that must not be shown: `text[start:end]`, and whose name it is."""

    start: int
    end: int
    owner: Owner


def fold(text: str) -> str:
    """Return a text in lower case, of the same length."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def core_of(text: str) -> str:
    """Return what of a name is looked for in text: without signs at its ends."""
    return _EDGES.sub("", text)


@dataclass(slots=True)
class Names:
    """The names of one case. The same calls in the same order give the same pseudonyms."""

    _numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _bases: dict[Owner, str] = field(default_factory=dict)
    _spellings: dict[Owner, dict[str, str]] = field(default_factory=dict)
    _told: dict[str, tuple[str, Owner]] = field(default_factory=dict)
    _known: dict[str, Owner] = field(default_factory=dict)
    _lengths: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def base(self, owner: Owner) -> str:
        """Return the pseudonym of somebody without regard to spelling, `[kind]` when none was given out."""
        return f"[secret:{owner.value}]" if owner.kind == SECRET else self._bases.get(owner, f"[{owner.kind}]")

    def token(self, owner: Owner, text: str) -> str:
        """Return the pseudonym for a spelling of a name, a new one where it has none; `[kind]` when there are too many.

        What was once masked by `[kind]` is not restored.
        """
        spellings = self._spellings.setdefault(owner, {})
        if text not in spellings:
            if len(self._told) >= MAX_NAMES:
                return f"[{owner.kind}]"
            token = self._base(owner) + _letters(len(spellings))
            spellings[text] = token
            self._told[token] = (text, owner)
        return spellings[text]

    def _base(self, owner: Owner) -> str:
        if owner not in self._bases:
            self._numbers[owner.kind] += 1
            self._bases[owner] = f"{owner.kind}-{self._numbers[owner.kind]}"
        return self._bases[owner]

    def told(self, token: str) -> tuple[str, Owner] | None:
        """Return the text and owner of a pseudonym, None when it was never given out."""
        return self._told.get(token)

    def learn(self, owner: Owner, text: str) -> None:
        """Look for a name in all further texts, unless it is too short or too common; who had it first keeps it."""
        core = fold(core_of(text[: MAX_NAME + 1]))
        word = _WORD.match(core)
        if word is None or len(core) > MAX_NAME or not _is_telling(core) or len(self._known) >= MAX_NAMES:
            return
        if self._known.setdefault(core, owner) is owner:
            lengths = {*self._lengths.get(word.group(), ()), len(core)}
            self._lengths[word.group()] = tuple(sorted(lengths, reverse=True))

    def owner_of(self, text: str) -> Owner | None:
        """Return whose name a text is, None when it is nobody's."""
        return self._known.get(fold(core_of(text)))

    def find(self, text: str) -> Iterator[Span]:
        """Yield where known names stand, in whatever case; they may overlap. Time is linear in the text."""
        folded = fold(text)
        for word in _WORD.finditer(folded):
            yield from self._at(folded, word.start(), word.end())
            escape = _ESCAPED.match(folded, word.start())
            if escape and escape.end() < word.end():
                yield from self._at(folded, escape.end(), word.end())

    def _at(self, folded: str, start: int, word_end: int) -> Iterator[Span]:
        for length in self._lengths.get(folded[start:word_end], ()):
            end = start + length
            owner = self._known.get(folded[start:end])
            if owner and not folded[end : end + 1].isalnum():
                yield Span(start, end, owner)


def _is_telling(core: str) -> bool:
    """Tell whether a name may be looked for in any text: no short one, no ordinary word, no attribute of the schema."""
    if len(core) < (MIN_DIGITS if core.isdigit() else MIN_CHARS) or core in COMMON:
        return False
    return not all(part in _attributes() for part in core.split("."))


@cache
def _attributes() -> frozenset[str]:
    """Return the names of all attributes of the OCSF schema: what an event is shown by is made of them."""
    schema = load()
    return frozenset(
        name for kind in ("classes", "objects") for item in schema[kind].values() for name in item["attributes"]
    )


def _letters(index: int) -> str:
    """Return nothing for the first spelling, then b to z, ba, bb ..."""
    letters = ""
    while index > 0:
        index, rest = divmod(index, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters


def apart(spans: list[Span]) -> list[Span]:
    """Return the spans that remain when of overlapping ones the first, then the longest stays."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept

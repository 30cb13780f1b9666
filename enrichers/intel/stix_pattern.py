"""STIX 2.1 patterns, as far as a table of single observables can hold them.

Source: STIX 2.1, section 9. Alternatives (OR, IN) are as many observables. What has to be seen together (AND,
FOLLOWEDBY) is none, but for the hashes of a file: any one of them names it. What is left out is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from enrichers.intel import indicator
from enrichers.intel.values import canonical, guess

MAX_PATTERN: Final = 65_536
MAX_DEPTH: Final = 32
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>t?'(?:[^'\\]|\\.)*')
      |(?P<word>[A-Za-z][A-Za-z0-9_-]*(?::(?:[A-Za-z0-9_-]+|'[^']*'|"[^"]*"|\[[*0-9]+\]|\.)+)?)
      |(?P<number>[-+]?\d+(?:\.\d+)?)
      |(?P<mark>\[|\]|\(|\)|,|!=|<>|<=|>=|==|=|<|>))""",
    re.VERBOSE | re.DOTALL,
)
_STEP: Final = re.compile(r"""'([^']*)'|"([^"]*)"|\[([*0-9]+)\]|([A-Za-z0-9_-]+)""")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_ADDRESSES: Final = frozenset({"ipv4-addr", "ipv6-addr"})
_ENDS: Final = frozenset({"src_ref.value", "dst_ref.value"})
_TYPES: Final = frozenset({"src_ref.type", "dst_ref.type"})
_SENDERS: Final = frozenset({"from_ref.value", "sender_ref.value"})
_VALUES: Final = {"domain-name": indicator.DOMAIN, "url": indicator.URL, "email-addr": indicator.EMAIL}
_EQUAL: Final = frozenset({"=", "==", "IN"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pattern comes to.

    Attributes:
        values: Kind and canonical value of each observable that suffices by itself.
        reasons: Why the rest of it, or all, is left out.
    """

    values: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...] = ()


class _Part(NamedTuple):
    """Part of a pattern: what suffices for it, which objects it is about, what of it is left out."""

    values: tuple[tuple[str, str], ...]
    objects: frozenset[str]
    reasons: tuple[str, ...] = ()

    @property
    def names_a_file(self) -> bool:
        return bool(self.values) and all(kind == indicator.HASH for kind, _ in self.values)


_IMPLIED: Final = _Part((), frozenset())  # what the value beside it says too: `dst_ref.type = 'ipv4-addr'`


class _Wrong(ValueError):
    """The text is no pattern, or one that goes past a bound."""


def read_pattern(text: str) -> Reading:
    """Read a STIX pattern; whatever the text is, the answer says what became of it."""
    if len(text) > MAX_PATTERN:
        return Reading((), (f"a pattern of {len(text)} characters, more than {MAX_PATTERN}",))
    try:
        part = _Parser(_tokens(text)).whole()
    except _Wrong as error:
        return Reading((), (f"not a STIX pattern: {error}",))
    return Reading(tuple(dict.fromkeys(part.values)), tuple(dict.fromkeys(part.reasons)))


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = list[tuple[str, str]](), 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise _Wrong(f"unexpected {text[at : at + 20]!r} at character {at}")
        kind = str(found.lastgroup)
        tokens.append((kind, found[kind]))
        at = found.end()
    return tokens


class _Parser:
    """Descend through the tokens of one pattern."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> _Part:
        part = self._observations()
        if self._at < len(self._tokens):
            raise _Wrong(f"unexpected {self._peek()!r}")
        return part

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _Wrong("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *texts: str) -> str:
        """Return the next token when it is one of these, an empty text when it is not."""
        found = self._peek()
        if found not in texts:
            return ""
        self._at += 1
        return found

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise _Wrong(f"{text!r} expected before {self._peek()!r}")

    def _inside(self, read: Callable[[], _Part], close: str) -> _Part:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Wrong(f"nested deeper than {MAX_DEPTH}")
        part = read()
        self._expect(close)
        self._depth -= 1
        return part

    def _observations(self) -> _Part:
        part = self._observation()
        while joint := self._take("OR", "AND", "FOLLOWEDBY"):
            other = self._observation()
            part = _either(part, other) if joint == "OR" else _nothing(part, other, f"[...] {joint} [...]")
        return part

    def _observation(self) -> _Part:
        if self._take("("):
            part = self._inside(self._observations, ")")
        else:
            self._expect("[")
            part = self._inside(self._alternatives, "]")
        while word := self._take("WITHIN", "REPEATS", "START"):
            part = self._qualified(part, word)
        return part

    def _qualified(self, part: _Part, word: str) -> _Part:
        amount = self._next()[1]
        if word == "START":
            self._expect("STOP")
            self._next()
        else:
            self._next()
        once = word == "WITHIN" or (word == "REPEATS" and amount == "1")
        return part if once else _nothing(part, part, f"{word} {amount}")

    def _alternatives(self) -> _Part:
        part = self._together()
        while self._take("OR"):
            part = _either(part, self._together())
        return part

    def _together(self) -> _Part:
        part = self._comparison()
        while self._take("AND"):
            part = _both(part, self._comparison())
        return part

    def _comparison(self) -> _Part:
        if self._take("("):
            return self._inside(self._alternatives, ")")
        if self._take("EXISTS"):
            path = self._next()[1]
            return _left_out(path, "EXISTS")
        kind, path = self._next()
        if kind != "word" or ":" not in path:
            raise _Wrong(f"{path!r} is no path of an object")
        negated = bool(self._take("NOT"))
        operator = self._next()[1].upper()
        values = self._constants() if operator == "IN" else [self._constant()]
        return _left_out(path, f"NOT {operator}") if negated else _compared(path, operator, values)

    def _constants(self) -> list[str]:
        self._expect("(")
        values = [self._constant()]
        while self._take(","):
            values.append(self._constant())
        self._expect(")")
        return values

    def _constant(self) -> str:
        kind, text = self._next()
        if kind == "mark":
            raise _Wrong(f"a value expected before {text!r}")
        return _ESCAPED.sub(r"\1", text.removeprefix("t")[1:-1]) if kind == "text" else text


def _either(left: _Part, right: _Part) -> _Part:
    return _Part(left.values + right.values, left.objects | right.objects, left.reasons + right.reasons)


def _both(left: _Part, right: _Part) -> _Part:
    """Join what must hold of one observation: a hash names a file, so whatever else is said of that file holds."""
    if _IMPLIED in (left, right):
        return right if left == _IMPLIED else left
    objects = left.objects | right.objects
    if len(objects) == 1 and (left.names_a_file or right.names_a_file):
        hashes = tuple(each for part in (left, right) if part.names_a_file for each in part.values)
        return _Part(hashes, objects)
    return _nothing(left, right, "AND")


def _nothing(left: _Part, right: _Part, what: str) -> _Part:
    reason = f"{what} asks for several things at once, and an indicator table holds single observables"
    return _Part((), left.objects | right.objects, (reason,))


def _left_out(path: str, operator: str) -> _Part:
    return _Part((), frozenset({path.partition(":")[0]}), (f"{path} {operator}: no single observable",))


def _compared(path: str, operator: str, values: list[str]) -> _Part:
    subject, _, rest = path.partition(":")
    steps = [next(filter(None, found.groups())) for found in _STEP.finditer(rest)]
    if subject == "network-traffic" and ".".join(steps) in _TYPES and operator in _EQUAL:
        return _IMPLIED
    kind = _kind(subject, steps)
    subset = operator == "ISSUBSET" and kind == indicator.IP
    if kind is None or not (operator in _EQUAL or subset):
        return _left_out(path, operator)
    found, reasons = list[tuple[str, str]](), list[str]()
    for value in values:
        try:
            found.append(guess(value) if kind == "" else canonical(kind, value))
        except ValueError as error:
            reasons.append(f"{path}: {value[:80]!r}: {error}")
    return _Part(tuple(found), frozenset({subject}), tuple(reasons))


def _kind(subject: str, steps: list[str]) -> str | None:
    """Return the kind of observable a path leads to, empty for an end of a connection, None for any other path."""
    path = ".".join(steps)
    if subject in _ADDRESSES and path == "value":
        return indicator.IP
    if subject in _VALUES and path == "value":
        return _VALUES[subject]
    if subject in {"file", "artifact"} and len(steps) == 2 and steps[0] == "hashes":  # noqa: PLR2004  # hashes.NAME
        return indicator.HASH
    if subject == "email-message" and path in _SENDERS:
        return indicator.EMAIL
    if subject == "network-traffic":
        last = steps[-1].lower() if steps else ""
        is_ja3 = last.startswith("ja3") and not last.startswith("ja3s")
        return indicator.JA3 if is_ja3 else "" if path in _ENDS else None
    return None

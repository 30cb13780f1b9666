"""Sets of Sigma string patterns, sorted by shape so that each shape is tried in its cheapest way.

Source: Sigma rules specification 2.1, section "Wildcards": `*` stands for any number of characters, `?` for one. Case
is folded before a text gets here (or kept, for `cased`); `?` then counts folded characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sigma.types import SpecialChars

ANY: Final = SpecialChars.WILDCARD_MULTI
ONE: Final = SpecialChars.WILDCARD_SINGLE
Token = str | SpecialChars


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern with `*` inside: a head, parts that follow in this order, a tail."""

    head: str
    middles: tuple[str, ...]
    tail: str

    def accepts(self, text: str) -> bool:
        """Match the whole text. Taking every part where it first occurs is enough, so this is linear."""
        position, end = len(self.head), len(text) - len(self.tail)
        if position > end or not text.startswith(self.head) or not text.endswith(self.tail):
            return False
        for middle in self.middles:
            position = text.find(middle, position, end)
            if position < 0:
                return False
            position += len(middle)
        return True


@dataclass(frozen=True, slots=True)
class MaskedGlob:
    """A pattern with `?` in it, as a regular expression that never backtracks over a `*` it has settled."""

    pattern: re.Pattern[str]

    def accepts(self, text: str) -> bool:
        """Match the whole text."""
        return self.pattern.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns of which one has to match.

    Attributes:
        exact: Whole texts.
        prefixes: Patterns of the shape `x*`.
        suffixes: Patterns of the shape `*x`.
        parts: Patterns of the shape `*x*`.
        globs: Everything else.
    """

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    globs: tuple[Glob | MaskedGlob, ...] = ()

    def accepts(self, text: str) -> bool:
        """Tell whether one of the patterns matches the whole text."""
        if text in self.exact or text.startswith(self.prefixes) or text.endswith(self.suffixes):
            return True
        for part in self.parts:
            if part in text:
                return True
        return any(glob.accepts(text) for glob in self.globs) if self.globs else False


def compile_patterns(patterns: Iterable[Sequence[Token]]) -> Patterns:
    """Sort tokenized patterns by their shape; each is a sequence of literal text, ANY and ONE."""
    exact: set[str] = set()
    prefixes, suffixes, parts = set[str](), set[str](), set[str]()
    globs: dict[Glob | MaskedGlob, None] = {}
    for tokens in patterns:
        match simplify(tokens):
            case []:
                exact.add("")
            case [str() as text]:
                exact.add(text)
            case [SpecialChars.WILDCARD_MULTI]:
                prefixes.add("")
            case [str() as text, SpecialChars.WILDCARD_MULTI]:
                prefixes.add(text)
            case [SpecialChars.WILDCARD_MULTI, str() as text]:
                suffixes.add(text)
            case [SpecialChars.WILDCARD_MULTI, str() as text, SpecialChars.WILDCARD_MULTI]:
                parts.add(text)
            case rest:
                globs[_glob(rest)] = None
    return Patterns(
        frozenset(exact), tuple(sorted(prefixes)), tuple(sorted(suffixes)), tuple(sorted(parts)), tuple(globs)
    )


def simplify(tokens: Sequence[Token]) -> list[Token]:
    """Join neighbouring literals and drop empty ones and repeated `*`."""
    simple: list[Token] = []
    for token in tokens:
        last = simple[-1] if simple else None
        if isinstance(token, str) and isinstance(last, str):
            simple[-1] = last + token
        elif token != "" and not (token is ANY and last is ANY):
            simple.append(token)
    return simple


def _glob(tokens: list[Token]) -> Glob | MaskedGlob:
    segments: list[list[Token]] = [[]]
    for token in tokens:
        if token is ANY:
            segments.append([])
        else:
            segments[-1].append(token)
    if ONE in tokens:
        return MaskedGlob(re.compile(_regex([_mask(segment) for segment in segments]), re.DOTALL))
    head, *middles, tail = ("".join(str(token) for token in segment) for segment in segments)
    return Glob(head, tuple(middles), tail)


def _mask(segment: list[Token]) -> str:
    return "".join(re.escape(token) if isinstance(token, str) else "." for token in segment)


def _regex(masks: list[str]) -> str:
    head, *middles = masks
    if not middles:
        return head
    tail = middles.pop()
    return head + "".join(f"(?>.*?{middle})" for middle in middles) + ".*" + tail

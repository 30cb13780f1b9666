"""What text has to occur in a value before a test of it can pass: the literals that the scan looks for.

A value is scanned in one piece, case-folded and between two marks, so that a literal can say where it stands: `<x` is a
value that begins with x, `x>` one that ends with it, `<x>` the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import _constants as opcodes  # type: ignore[attr-defined]  # the parse tree has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # same
from typing import Any, Final

from streams.detect.patterns import Glob, MaskedGlob, Patterns
from streams.detect.regex import Regex, Regexes

START: Final = "\x02"
END: Final = "\x03"
MIN_CHARS: Final = 2  # a single character of a regular expression occurs everywhere, and saves nothing
MAX_LITERALS: Final = 64  # alternatives of one regular expression that are still worth looking for
_UNLIKE: Final = re.compile(r"\[\[:|\(\?[^:P<=!]*x")  # RE2 and Python read character classes and `(?x)` differently
Literals = frozenset[str]


@dataclass(frozen=True, slots=True)
class Clues:
    """What a scan can tell of a test.

    Attributes:
        proofs: Literals each of which, found in the marked text, proves that the test passes.
        hints: Literals of which one has to be found for the test to pass where nothing proves it.
        blind: There may be no such literal in a text that passes.
        certain: Every text passes.
    """

    proofs: Literals = frozenset()
    hints: Literals = frozenset()
    blind: bool = False
    certain: bool = False


NO_CLUES: Final = Clues()


def marked(folded: str) -> str | None:
    """Put a case-folded text between the marks; None when it holds one itself."""
    return None if START in folded or END in folded else f"{START}{folded}{END}"


def clues_of(test: object, *, folded: bool) -> Clues:
    """Return what a scan can tell of a test of texts.

    Args:
        test: `Patterns` or `Regexes`; of any other kind nothing is known.
        folded: Whether the test looks at case-folded text. If not, a literal found is a hint and proves nothing.
    """
    if isinstance(test, Patterns):
        clues = _of_patterns(test)
        return clues if folded else Clues(hints=_folded(clues.proofs) | clues.hints, blind=clues.blind or clues.certain)
    if isinstance(test, Regexes):
        return _together(_of_regex(regex) for regex in test.regexes)
    return Clues(blind=True)


def keyword_clues(words: Iterable[str]) -> Clues:
    """Return the clues of words that may stand anywhere in a text."""
    literals = frozenset(words)
    if any(START in word or END in word for word in literals):
        return Clues(blind=True)
    return Clues(proofs=literals - {""}, certain="" in literals)


def _folded(literals: Iterable[str]) -> Literals:
    return frozenset(literal.casefold() for literal in literals)


def _of_patterns(patterns: Patterns) -> Clues:
    proofs = {
        *(f"{START}{text}{END}" for text in patterns.exact),
        *(f"{START}{text}" for text in patterns.prefixes if text),
        *(f"{text}{END}" for text in patterns.suffixes if text),
        *patterns.parts,
    }
    texts = (*patterns.exact, *patterns.prefixes, *patterns.suffixes, *patterns.parts)
    if any(START in text or END in text for text in texts):
        return Clues(blind=True)
    globs = _together(_of_glob(glob) for glob in patterns.globs) if patterns.globs else NO_CLUES
    certain = "" in (*patterns.prefixes, *patterns.suffixes, *patterns.parts)
    return Clues(frozenset(proofs), globs.hints, globs.blind, certain)


def _of_glob(glob: Glob | MaskedGlob) -> Clues:
    if isinstance(glob, MaskedGlob):
        return _of_parsed(glob.pattern.pattern)
    parts = [f"{START}{glob.head}" if glob.head else "", *glob.middles, f"{glob.tail}{END}" if glob.tail else ""]
    longest = max(parts, key=len)
    marks = sum(part.count(mark) for part in (glob.head, *glob.middles, glob.tail) for mark in (START, END))
    return Clues(blind=True) if marks or not longest else Clues(hints=frozenset({longest}))


def _of_regex(regex: Regex) -> Clues:
    return Clues(blind=True) if _UNLIKE.search(regex.pattern) else _of_parsed(regex.pattern)


def _of_parsed(pattern: str) -> Clues:
    try:
        found = _required(parser.parse(pattern))
    except (re.error, OverflowError, RecursionError):  # what only RE2 can read
        return Clues(blind=True)
    return Clues(hints=found) if found else Clues(blind=True)


def _together(several: Iterable[Clues]) -> Clues:
    """Join the clues of alternatives."""
    each = tuple(several)
    return Clues(
        proofs=frozenset[str]().union(*(clues.proofs for clues in each)),
        hints=frozenset[str]().union(*(clues.hints for clues in each)),
        blind=any(clues.blind for clues in each),
        certain=any(clues.certain for clues in each),
    )


def _required(parsed: Iterable[Any]) -> Literals:
    """Return literals of which one occurs in every match of a parsed pattern, the longest there are; none is empty."""
    best: Literals = frozenset()
    for found in _of_sequence(parsed):
        if len(found) <= MAX_LITERALS and min(map(len, found)) > min(map(len, best), default=MIN_CHARS - 1):
            best = found
    return best


def _of_sequence(parsed: Iterable[Any]) -> Iterator[Literals]:
    run = ""
    for code, argument in parsed:
        if code is opcodes.LITERAL and argument < 128 and chr(argument) not in (START, END):  # noqa: PLR2004  # ASCII
            run += chr(argument)
            continue
        if run:
            yield _folded({run})
        run = ""
        yield from _of_node(code, argument)
    if run:
        yield _folded({run})


def _of_node(code: Any, argument: Any) -> Iterator[Literals]:
    if code is opcodes.SUBPATTERN:
        yield from _of_sequence(argument[3])
    elif code is opcodes.ATOMIC_GROUP:
        yield from _of_sequence(argument)
    elif code in {opcodes.MAX_REPEAT, opcodes.MIN_REPEAT, opcodes.POSSESSIVE_REPEAT} and argument[0] > 0:
        yield from _of_sequence(argument[2])
    elif code is opcodes.BRANCH:
        yield from _of_branches(argument[1])


def _of_branches(branches: Sequence[Any]) -> Iterator[Literals]:
    each = [_required(branch) for branch in branches]
    if all(each):
        yield frozenset[str]().union(*each)

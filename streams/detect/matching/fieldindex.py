"""All tests that a rule set makes of one field, answered together for a value by one scan of it.

An answer is a mask of two bits for every test: it passes for certain, it may pass. What one scan cannot decide (a
regular expression whose literal was found) may pass, and is left to the test itself. A test that a scan tells nothing
of, and that nothing else in its rule can save from being tried, is tried once for each value (a probe).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from streams.detect.matching.literals import NO_CLUES, Clues, clues_of, keyword_clues, marked
from streams.detect.matching.scanner import Scanner
from streams.detect.predicates import FoldedText, Keywords, Leaf, Null, Text
from streams.detect.record import EVERYWHERE, Record, text_of

Accepts = Callable[[str], bool]
PASSES: Final = 1
MAY_PASS: Final = 2
BITS: Final = 2  # that a test has
MAX_LITERAL_CHARS: Final = 1024  # the automaton grows with every character of a literal


def clues_to(test: Leaf) -> Clues | None:
    """Return what a scan of its field tells of a test; None when it tells nothing, and only the test itself can."""
    match test:
        case FoldedText():
            clues = clues_of(test.test, folded=True)
        case Text():
            clues = clues_of(test.test, folded=False)
        case Keywords():
            clues = keyword_clues(test.words)
        case Null() if test.field != EVERYWHERE:
            return NO_CLUES
        case _:
            return None
    told = clues.proofs or clues.certain or not clues.blind
    return _bounded(clues) if told else None


def field_of(test: Leaf) -> str:
    """Return the field that an indexed test looks at."""
    return EVERYWHERE if isinstance(test, Keywords) else test.field  # type: ignore[attr-defined]  # see clues_to


def _bounded(clues: Clues) -> Clues:
    """Look for the beginning only of a literal that is very long."""
    if max(map(len, clues.proofs | clues.hints), default=0) <= MAX_LITERAL_CHARS:
        return clues
    long = {literal for literal in clues.proofs if len(literal) > MAX_LITERAL_CHARS}
    hints = frozenset(literal[:MAX_LITERAL_CHARS] for literal in clues.hints | long)
    return Clues(clues.proofs - long, hints, clues.blind, clues.certain)


class FieldIndex:
    """Answer the tests of one field. Immutable."""

    __slots__ = ("_absent", "_always", "_at_literal", "_count", "_hostile", "_probes", "_scanner", "field")

    @property
    def literals(self) -> tuple[str, ...] | None:
        """Return the literals that are looked for; None when a test may pass without one."""
        if self._scanner is None or self._always or self._absent or self._probes:
            return None
        return self._scanner.literals

    def __init__(self, field: str, tests: Sequence[tuple[Leaf, Clues | None, Accepts | None]]) -> None:
        """Build the scan.

        Args:
            field: The field, EVERYWHERE for the values of the whole record.
            tests: Its tests, each with its clues, or, of a probe, how to try it on a text; the one at index i has the
                bits from `BITS * i` on.
        """
        self.field = field
        self._count = len(tests)
        each = [clues for _, clues, _ in tests]
        absences = {i for i, (test, _, _) in enumerate(tests) if isinstance(test, Null)}
        self._probes = tuple(
            (PASSES << (BITS * i), probe, isinstance(test, FoldedText))
            for i, (test, _, probe) in enumerate(tests)
            if probe is not None
        )
        self._absent = _mask(absences, PASSES)
        self._hostile = _mask(set(range(len(each))) - absences, MAY_PASS)
        self._always = _mask((i for i, clue in enumerate(each) if clue and clue.certain), PASSES)
        self._always |= _mask((i for i, clue in enumerate(each) if clue and clue.blind), MAY_PASS)
        answers = _answers(each)
        self._scanner = Scanner(answers) if answers else None
        self._at_literal = [answers[literal] for literal in self._scanner.literals] if self._scanner else []

    def hints(self) -> list[int]:
        """Return, for each of the literals, the answer that its tests may pass."""
        passes = _mask(range(self._count), PASSES)
        return [(answer & passes) << 1 | (answer & ~passes) for answer in self._at_literal]

    def answer(self, value: Any) -> int:
        """Return the answers for a value of the field: a scalar, a list of values, or None when there is none."""
        text = text_of(value)
        if text is not None:
            return self.answer_text(text)
        if value is None:
            return self._absent
        record = Record({self.field: value})
        values = record.values(self.field)
        mask = 0 if values and None not in values else self._absent
        for part in record.texts(self.field):
            mask |= self.answer_text(part)
        return mask

    def answer_text(self, text: str) -> int:
        """Return the answers for one text."""
        mask = self._always
        if self._probes:
            mask |= self._probed(text)
        if self._scanner is None:
            return mask
        between_marks = marked(text.casefold())
        if between_marks is None:  # a text with the marks in it: somebody tries, and the tests themselves decide
            return self._hostile
        at_literal = self._at_literal
        for found in self._scanner.found(between_marks):
            mask |= at_literal[found]
        return mask

    def _probed(self, text: str) -> int:
        folded = text.casefold()
        return sum(bit for bit, accepts, is_folded in self._probes if accepts(folded if is_folded else text))


def _answers(clues: Iterable[Clues | None]) -> Mapping[str, int]:
    answers: dict[str, int] = {}
    for position, clue in enumerate(clues):
        for literals, answer in ((clue.proofs, PASSES), (clue.hints, MAY_PASS)) if clue else ():
            bit = answer << (BITS * position)
            for literal in literals:
                answers[literal] = answers.get(literal, 0) | bit
    return answers


def _mask(positions: Iterable[int], answer: int) -> int:
    return sum(answer << (BITS * position) for position in set(positions))

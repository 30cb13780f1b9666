"""How the rules of one log source are decided: first by whole values of one field, then by the classes of all others.

A plan is made of nodes. A `Switch` looks at a field that has to hold one of some whole values (the event id, the name
of the API call) and goes on to the node of what is left of the rules then. A `Table` (streams.detect.table) looks at
every field that is left, and finds what follows from the classes of their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from streams.detect.fieldindex import BITS, MAY_PASS, PASSES, FieldIndex, clues_to, field_of
from streams.detect.literals import END, START, Clues
from streams.detect.memory import Memory
from streams.detect.predicates import Every, FoldedText, Leaf, Null, Predicate, Text, leaves
from streams.detect.record import EVERYWHERE
from streams.detect.residual import Truth, required_exactly, residual_of, witness_of
from streams.detect.rule import DetectionRule
from streams.detect.valueclasses import NestedField, ValueClasses

MIN_SPARED: Final = 2  # fields that a switch has to spare to be worth the step
MAX_SWITCHES: Final = 4  # one after the other
MAX_NODES: Final = 4096  # that one switch keeps
NODE_BYTES: Final = 10_000
TRUE: Final = Every(())
COMMON: Final = 4.0  # weight of a test that half of all values pass
RARE: Final = 0.01
NO_ANSWERS: Final[Mapping[int, bool]] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule, and what it still asks.

    Attributes:
        rule: The rule.
        rest: What is left of its condition; TRUE when nothing is.
        fields: Fields that the indexed tests in it look at.
        answered: Truth of the tests that were decided on the way, by their `id`.
    """

    rule: DetectionRule
    rest: Predicate
    fields: frozenset[str]
    answered: Mapping[int, bool]


class Tests:
    """The indexed tests of some rules on one field: equal ones share a position.

    Attributes:
        position: Position by the `id` of a test.
        distinct: A test for every position.
    """

    __slots__ = ("distinct", "position")

    def __init__(self, planner: Planner, rules: Iterable[Asked], field: str) -> None:
        self.position: dict[int, int] = {}
        self.distinct: list[Leaf] = []
        seen: dict[Leaf, int] = {}
        for asked in rules:
            if field in asked.fields:
                for test in planner.tests(asked.rest):
                    if field_of(test) == field:
                        self._add(test, seen)

    def _add(self, test: Leaf, seen: dict[Leaf, int]) -> None:
        position = seen.setdefault(test, len(self.distinct))
        if position == len(self.distinct):
            self.distinct.append(test)
        self.position[id(test)] = position


def truth_in(answer: int, position: int) -> Truth:
    """Read the truth of one test from the answers of its field."""
    bits = answer >> (BITS * position)
    return True if bits & PASSES else None if bits & MAY_PASS else False


class Planner:
    """What is known of the tests of one rule set; equal field indexes are made once."""

    __slots__ = ("_clues", "_indexes", "_probes", "memory")

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._clues: dict[int, tuple[Leaf, Clues | None]] = {}
        self._probes: dict[int, Leaf] = {}
        self._indexes: dict[tuple[str, tuple[Leaf, ...]], FieldIndex] = {}

    def clues(self, test: Leaf) -> Clues | None:
        """Return what a scan tells of a test, None when it tells nothing."""
        known = self._clues.get(id(test))
        if known is None:  # the test is kept beside its clues, so that its id stays its own
            known = self._clues[id(test)] = (test, clues_to(test))
        return known[1]

    def tests(self, predicate: Predicate) -> list[Leaf]:
        """Return the tests of a condition that can be indexed."""
        return [test for test in leaves(predicate) if self.clues(test) is not None or id(test) in self._probes]

    def weight(self, test: Leaf) -> float | None:
        """Guess how often a test passes, for witnesses: short literals occur often, and absence is common."""
        clues = self.clues(test)
        if clues is None:
            return RARE if id(test) in self._probes else None
        if clues.certain or clues.blind:
            return None
        letters = (len(literal.strip(START + END)) or 1 for literal in clues.proofs | clues.hints)
        return COMMON if isinstance(test, Null) else sum(COMMON / count**2 for count in letters)

    def first_asked(self, rule: DetectionRule) -> Asked:
        """Describe what a rule asks. Where no scan can rule it out, its tests of one field become probes."""
        if witness_of(rule.condition, self.weight) is None:
            self._probes.update(
                (id(test), test)
                for test in leaves(rule.condition)
                if isinstance(test, FoldedText | Text) and test.field != EVERYWHERE and self.clues(test) is None
            )
        return self.asked(rule, rule.condition)

    def asked(self, rule: DetectionRule, rest: Predicate, answered: Mapping[int, bool] = NO_ANSWERS) -> Asked:
        """Describe what a rule still asks."""
        return Asked(rule, rest, frozenset(map(field_of, self.tests(rest))), answered)

    def classes(self, field: str, tests: Tests) -> ValueClasses:
        """Return classes for the values of a field, none met yet."""
        key = field, tuple(tests.distinct)
        index = self._indexes.get(key)
        if index is None:
            index = self._indexes[key] = FieldIndex(field, tests.distinct)
        return ValueClasses(index, self.memory)


N = TypeVar("N", bound="Node")


class Node(Protocol):
    """A place in a plan."""

    def empty(self) -> None:
        """Forget the values that were seen."""
        ...


class Switch(Generic[N]):
    """Go on by the value of one field."""

    __slots__ = ("_by_answer", "_classes", "_grow", "_nested", "_nodes", "_planner", "_rules", "_tests")

    def __init__(
        self, planner: Planner, rules: Sequence[Asked], field: str, grow: Callable[[Sequence[Asked]], N]
    ) -> None:
        self._planner = planner
        self._rules = tuple(rules)
        self._grow = grow
        self._tests = Tests(planner, rules, field)
        self._classes = planner.classes(field, self._tests)
        self._nested = NestedField(self._classes) if "." in field else None
        self._nodes: list[N] = []  # by class; a class is numbered when it is met, and this grows with it
        self._by_answer: dict[int, N] = {}

    def next(self, data: Mapping[str, Any]) -> N:
        """Return the node for this record."""
        classes, nested = self._classes, self._nested
        number = classes.class_of(data.get(classes.field)) if nested is None else nested.class_in(data)
        while number >= len(self._nodes):
            self._nodes.append(self._node(classes.answers[len(self._nodes)]))
        return self._nodes[number]

    def empty(self) -> None:
        """Forget the values that were seen; the nodes stay, unless somebody found a way to make very many."""
        self._classes.empty()
        self._nodes.clear()
        if len(self._by_answer) > MAX_NODES:
            self._by_answer.clear()
        for node in self._by_answer.values():
            node.empty()

    def _node(self, answer: int) -> N:
        node = self._by_answer.get(answer)
        if node is None:
            node = self._by_answer[answer] = self._grow(self._left(answer))
            self._planner.memory.hold(NODE_BYTES)
        return node

    def _left(self, answer: int) -> list[Asked]:
        truths = {test: truth_in(answer, at) for test, at in self._tests.position.items()}
        answers = {test: truth for test, truth in truths.items() if truth is not None}
        found = (self._of_rule(asked, answers) for asked in self._rules)
        return [asked for asked in found if asked is not None]

    def _of_rule(self, asked: Asked, answers: Mapping[int, bool]) -> Asked | None:
        if self._classes.field not in asked.fields:
            return asked
        rest = residual_of(asked.rest, lambda test: answers.get(id(test)))
        if rest is False:
            return None
        mine = {id(test): answers[id(test)] for test in leaves(asked.rest) if id(test) in answers}
        return self._planner.asked(asked.rule, TRUE if rest is True else rest, {**asked.answered, **mine})


def switch_field(rules: Sequence[Asked]) -> str | None:
    """Choose the field that spares the most others: those that only rules look at which require a value of it."""
    if len(rules) < MIN_SPARED:
        return None
    required = [required_exactly(asked.rest) & asked.fields - {EVERYWHERE} for asked in rules]
    users = Counter(field for asked in rules for field in asked.fields)
    spared: Counter[str] = Counter()
    for field in set[str]().union(*required):
        of_these = Counter(
            other for asked, needs in zip(rules, required, strict=True) if field in needs for other in asked.fields
        )
        spared[field] = sum(of_these[other] == users[other] for other in of_these if other != field)
    field, count = min(spared.items(), key=lambda item: (-item[1], -users[item[0]], item[0]), default=("", 0))
    return field if count >= MIN_SPARED else None

"""How the rules of one log source are decided: first by whole values of one field, then by the classes of all others.

A plan is made of nodes. A `Switch` looks at a field that has to hold one of some whole values (the event id, the name
of the API call) and goes on to the node of what is left of the rules then. A `Table` (streams.detect.matching.table)
looks at every field that is left, and finds what follows from the classes of their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from streams.detect.matching.fieldindex import BITS, MAY_PASS, PASSES, Accepts, FieldIndex, clues_to, field_of
from streams.detect.matching.literals import END, START, Clues
from streams.detect.matching.memory import Memory
from streams.detect.matching.meter import Meter
from streams.detect.matching.residual import Truth, required_exactly, residual_of, witness_of
from streams.detect.matching.valueclasses import NestedField, ValueClasses
from streams.detect.predicates import Every, FoldedText, Leaf, Null, Predicate, Text, leaves
from streams.detect.record import EVERYWHERE
from streams.detect.rule import DetectionRule

MIN_SPARED: Final = 2  # fields that a switch has to spare to be worth the step
MAX_SWITCHES: Final = 4  # one after the other
MAX_NODES: Final = 1024  # that one switch makes
TRUE: Final = Every(())
COMMON: Final = 4.0  # weight of a test that half of all values pass
RARE: Final = 0.01
NO_ANSWERS: Final[Mapping[int, bool]] = {}


class Known(NamedTuple):
    """What is known of a test that an index can answer.

    Attributes:
        test: The test.
        field: The field it looks at.
        clues: What a scan tells of it; None of a probe.
        probe: How a probe is tried on a text; None of any other test.
        weight: How often it passes, compared with others; None where it may pass without a literal found.
    """

    test: Leaf
    field: str
    clues: Clues | None
    probe: Accepts | None
    weight: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule, and what it still asks.

    Attributes:
        rule: The rule.
        rest: What is left of its condition; TRUE when nothing is.
        tests: The tests in it that an index can answer.
        fields: The fields that these look at.
        answered: Truth of the tests that were decided on the way, by their `id`.
    """

    rule: DetectionRule
    rest: Predicate
    tests: tuple[Known, ...]
    fields: frozenset[str]
    answered: Mapping[int, bool]


class Tests:
    """The tests of some rules on one field: equal ones share a position.

    Attributes:
        position: Position by the `id` of a test.
        distinct: A test for every position.
    """

    __slots__ = ("_seen", "distinct", "position")

    def __init__(self) -> None:
        self.position: dict[int, int] = {}
        self.distinct: list[Known] = []
        self._seen: dict[Leaf, int] = {}

    def add(self, known: Known) -> None:
        """Take a test in."""
        at = self.position.get(id(known.test))
        if at is None:
            at = self._seen.setdefault(known.test, len(self.distinct))
            if at == len(self.distinct):
                self.distinct.append(known)
            self.position[id(known.test)] = at


def tests_by_field(rules: Iterable[Asked]) -> dict[str, Tests]:
    """Sort the tests of rules by their field."""
    found: dict[str, Tests] = {}
    for asked in rules:
        for known in asked.tests:
            of_field = found.get(known.field)
            if of_field is None:
                of_field = found[known.field] = Tests()
            of_field.add(known)
    return found


def truth_in(answer: int, position: int) -> Truth:
    """Read the truth of one test from the answers of its field."""
    bits = answer >> (BITS * position)
    return True if bits & PASSES else None if bits & MAY_PASS else False


class Planner:
    """What is known of the tests of one rule set; equal field indexes are made once."""

    __slots__ = ("_first", "_indexes", "_known", "memory", "meter")

    def __init__(self, memory: Memory, meter: Meter | None = None) -> None:
        self.memory = memory
        self.meter = meter
        self._known: dict[int, tuple[Leaf, Known | None]] = {}
        self._first: dict[int, Asked] = {}
        self._indexes: dict[tuple[str, tuple[Leaf, ...]], FieldIndex] = {}

    def known(self, test: Leaf) -> Known | None:
        """Return what is known of a test, None when no index can answer it."""
        found = self._known.get(id(test))
        if found is None:
            clues = clues_to(test)
            of_test = None if clues is None else Known(test, field_of(test), clues, None, _weight(test, clues))
            found = self._known[id(test)] = (test, of_test)  # kept beside, so that the test's id stays its own
        return found[1]

    def weight(self, test: Leaf) -> float | None:
        """Return the weight of a test, None when it can be no witness."""
        known = self.known(test)
        return None if known is None else known.weight

    def first_asked(self, rule: DetectionRule) -> Asked:
        """Describe what a rule asks. Where no scan can rule it out, its tests of one field become probes."""
        asked = self._first.get(id(rule))
        if asked is None:
            if witness_of(rule.condition, self.weight) is None:
                for test in leaves(rule.condition):
                    self._make_probe(test, rule)
            asked = self._first[id(rule)] = self.asked(rule, rule.condition)
        return asked

    def _make_probe(self, test: Leaf, rule: DetectionRule) -> None:
        if isinstance(test, FoldedText | Text) and test.field != EVERYWHERE and self.known(test) is None:
            accepts = test.test.accepts
            probe = accepts if self.meter is None else self.meter.charged(rule, accepts)
            self._known[id(test)] = (test, Known(test, test.field, None, probe, RARE))

    def asked(self, rule: DetectionRule, rest: Predicate, answered: Mapping[int, bool] = NO_ANSWERS) -> Asked:
        """Describe what a rule still asks."""
        tests = tuple(known for test in leaves(rest) if (known := self.known(test)))
        return Asked(rule, rest, tests, frozenset(known.field for known in tests), answered)

    def classes(self, field: str, tests: Tests) -> ValueClasses:
        """Return classes for the values of a field, none met yet."""
        key = field, tuple(known.test for known in tests.distinct)
        index = self._indexes.get(key)
        if index is None:
            index = self._indexes[key] = FieldIndex(
                field, [(known.test, known.clues, known.probe) for known in tests.distinct]
            )
        return ValueClasses(index, self.memory)


def _weight(test: Leaf, clues: Clues) -> float | None:
    """Guess how often a test passes: short literals occur often, and absence is common."""
    if clues.certain or clues.blind:
        return None
    if isinstance(test, Null):
        return COMMON
    return sum(COMMON / (len(literal.strip(START + END)) or 1) ** 2 for literal in clues.proofs | clues.hints)


N = TypeVar("N", bound="Node")


class Node(Protocol):
    """A place in a plan."""

    def empty(self) -> None:
        """Forget the values that were seen."""
        ...


class Switch(Generic[N]):
    """Go on by the value of one field."""

    __slots__ = ("_by_answer", "_classes", "_grow", "_nested", "_nodes", "_planner", "_rules", "_tests", "_undecided")

    def __init__(
        self,
        planner: Planner,
        rules: Sequence[Asked],
        field: str,
        grow: Callable[[Sequence[Asked]], N],
        undecided: Callable[[], N],
    ) -> None:
        """Prepare.

        Args:
            planner: Knows the tests.
            rules: The rules.
            field: The field.
            grow: Makes the node for what is left of the rules after a value.
            undecided: Returns a node for all of the rules, for values that none is made for: lists, of which there
                are as many as somebody cares to send, and any after MAX_NODES.
        """
        self._planner = planner
        self._undecided = undecided
        self._rules = tuple(rules)
        self._grow = grow
        self._tests = tests_by_field(rules)[field]
        self._classes = planner.classes(field, self._tests)
        self._nested = NestedField(self._classes) if "." in field else None
        self._nodes: dict[int, N] = {}  # by class
        self._by_answer: dict[int, N] = {}

    def next(self, data: Mapping[str, Any]) -> N:
        """Return the node for this record."""
        classes, nested = self._classes, self._nested
        value = data.get(classes.field) if nested is None else nested.value(data)
        if isinstance(value, list | dict):
            return self._undecided()
        number = classes.class_of(value)
        node = self._nodes.get(number)
        if node is None:
            node = self._nodes[number] = self._node(classes.answers[number])
        return node

    def empty(self) -> None:
        """Forget the values that were seen; the nodes stay."""
        self._classes.empty()
        self._nodes.clear()
        for node in (*self._by_answer.values(), self._undecided()):
            node.empty()

    def _node(self, answer: int) -> N:
        node = self._by_answer.get(answer)
        if node is None:
            if len(self._by_answer) >= MAX_NODES:
                return self._undecided()
            node = self._by_answer[answer] = self._grow(self._left(answer))
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

"""Decide the rules of a node by the classes of all fields that they look at.

Two events whose values are of the same classes get the same outcome, so it is worked out once: candidates are the rules
of which a test passed that they cannot do without, and only they are evaluated, exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.detect.matching.evidence import Template, template_of
from streams.detect.matching.fieldindex import BITS
from streams.detect.matching.plan import Asked, Planner, tests_by_field, truth_in
from streams.detect.matching.residual import Truth, residual_of, witness_of
from streams.detect.matching.valueclasses import NestedField, ValueClasses, WholeRecord
from streams.detect.predicates import Leaf, Predicate
from streams.detect.record import EVERYWHERE
from streams.detect.rule import DetectionRule

OUTCOME_BYTES: Final = 400
RULE_BYTES: Final = 300
_GET: Final = dict.get
Key = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from the classes of an event's values, in the order of the rules.

    Attributes:
        rules: Rules that fire, or may fire.
        templates: For each of them where its evidence stands; None when that differs from event to event.
        conditions: For each of them what still decides it; None when it fires for certain.
    """

    rules: tuple[DetectionRule, ...]
    templates: tuple[Template | None, ...]
    conditions: tuple[Predicate | None, ...]


NOTHING: Final = Outcome((), (), ())


class Table:
    """Outcomes by the classes of an event's values."""

    __slots__ = (
        "_always",
        "_caches",
        "_classes",
        "_deep",
        "_memory",
        "_meter",
        "_names",
        "_outcomes",
        "_rules",
        "_slots",
        "_witnesses",
    )

    def __init__(self, planner: Planner, rules: Sequence[Asked]) -> None:
        self._memory = planner.memory
        self._meter = planner.meter
        self._rules = tuple(rules)
        tests = sorted(tests_by_field(rules).items(), key=lambda item: _reach(item[0]))
        self._slots = {test: (slot, at) for slot, (_, known) in enumerate(tests) for test, at in known.position.items()}
        self._classes = [planner.classes(field, of_field) for field, of_field in tests]
        plain = [classes for classes in self._classes if not _reach(classes.field)[0]]
        self._names = tuple(classes.field for classes in plain)
        self._caches = tuple(classes.known for classes in plain)
        self._deep = tuple(_reader(classes) for classes in self._classes[len(plain) :])
        self._outcomes: dict[Key, Outcome] = {}
        self._witnesses, self._always = self._indexed(planner)

    def outcome(self, data: Mapping[str, Any]) -> Outcome:
        """Return what follows from a record."""
        try:
            key: Key = tuple(map(_GET, self._caches, map(data.get, self._names)))
        except TypeError:  # a list or an object in a field
            key = (None,) * len(self._names)
        if self._deep:
            key += tuple([deep.class_in(data) for deep in self._deep])
        found = self._outcomes.get(key)
        return self._asked_for(data, key) if found is None else found

    def empty(self) -> None:
        """Forget all values, classes and outcomes."""
        self._outcomes.clear()
        for classes in self._classes:
            classes.empty()

    def _asked_for(self, data: Mapping[str, Any], partial: Key) -> Outcome:
        key = tuple(
            classes.class_of(data.get(classes.field)) if number is None else number
            for classes, number in zip(self._classes, partial, strict=True)
        )
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = self._worked_out(key)
            self._memory.hold(OUTCOME_BYTES + RULE_BYTES * len(found.rules))
        return found

    def _worked_out(self, key: tuple[int, ...]) -> Outcome:
        answers = [classes.answers[number] for classes, number in zip(self._classes, key, strict=True)]
        slots = self._slots

        def decide(test: Leaf) -> Truth:
            slot = slots.get(id(test))
            return None if slot is None else truth_in(answers[slot[0]], slot[1])

        fired = []
        for number in sorted(self._candidates(answers)):
            asked, began = self._rules[number], self._meter.clock() if self._meter else 0
            found = _decided(asked, decide)
            if self._meter:
                self._meter.charge(asked.rule, began)
            if found:
                fired.append((asked.rule, *found))
        return Outcome(*zip(*fired, strict=True)) if fired else NOTHING

    def _candidates(self, answers: Sequence[int]) -> set[int]:
        found = set(self._always)
        for answer, (mask, rules) in zip(answers, self._witnesses, strict=True):
            for bit in _bits(answer & mask):
                found.update(rules[bit // BITS])
        return found

    def _indexed(self, planner: Planner) -> tuple[list[tuple[int, dict[int, list[int]]]], tuple[int, ...]]:
        """Choose each rule's witnesses; return them by slot, as a mask and by position, and the rules without any."""
        witnesses: list[dict[int, list[int]]] = [{} for _ in self._classes]
        uses = Counter(self._slots[id(known.test)] for asked in self._rules for known in asked.tests)

        def weigh(test: Leaf) -> float | None:
            weight = planner.weight(test)  # what many rules ask for is common: few are written about the rare
            return weight if weight is None else weight * uses[self._slots[id(test)]]

        always = []
        for number, asked in enumerate(self._rules):
            witness = witness_of(asked.rest, weigh)
            if witness is None:
                always.append(number)
            for test in witness[1] if witness else ():
                slot, position = self._slots[id(test)]
                witnesses[slot].setdefault(position, []).append(number)
        masks = [sum(3 << (BITS * position) for position in of_slot) for of_slot in witnesses]
        return list(zip(masks, witnesses, strict=True)), tuple(always)


def _decided(asked: Asked, decide: Any) -> tuple[Template | None, Predicate | None] | None:
    rest = residual_of(asked.rest, decide)
    if rest is False:
        return None
    if rest is not True:
        return None, rest
    answered = asked.answered

    def known(test: Leaf) -> Truth:
        truth = answered.get(id(test))
        return decide(test) if truth is None else truth

    return template_of(asked.rule.condition, known), None


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _reach(field: str) -> tuple[int, str]:
    """Sort plain fields first, then those with dots, then the whole record."""
    return (2 if field == EVERYWHERE else int("." in field)), field


def _reader(classes: ValueClasses) -> NestedField | WholeRecord:
    return WholeRecord(classes) if classes.field == EVERYWHERE else NestedField(classes)

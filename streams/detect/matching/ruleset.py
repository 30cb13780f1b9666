"""The rules that look at one view of an event, decided by a plan for each log source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from models.event import LogSource
from streams.detect.logsource import MAX_LOGSOURCES, ByLogSource
from streams.detect.matching.evidence import evidence_in
from streams.detect.matching.memory import Memory
from streams.detect.matching.meter import Meter
from streams.detect.matching.plan import MAX_SWITCHES, Asked, Planner, Switch, switch_field
from streams.detect.matching.table import Outcome, Table
from streams.detect.predicates import Evidence, evaluate
from streams.detect.record import Record
from streams.detect.rule import DetectionRule


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fired.

    Attributes:
        rule: The rule.
        evidence: Selections, fields and values that made it fire: at most 16, one per field, cut to 256 characters.
    """

    rule: DetectionRule
    evidence: tuple[Evidence, ...]

    @property
    def selections(self) -> tuple[str, ...]:
        """Return the names of the detections that the evidence stands in."""
        return tuple(dict.fromkeys(reason.selection for reason in self.evidence if reason.selection))

    @property
    def matched(self) -> tuple[tuple[str, str], ...]:
        """Return field and value pairs, as a signal carries them."""
        return tuple((reason.field, reason.value) for reason in self.evidence)


class RuleSet:
    """Decide rules by plans, each made when its log source is first met."""

    __slots__ = ("_by_rules", "_empty_set", "_meter", "_planner", "_roots", "_rules", "_wants_class")

    def __init__(self, rules: Iterable[DetectionRule], memory: Memory, meter: Meter | None = None) -> None:
        given = tuple(rules)
        self._rules = ByLogSource(given)
        self._empty_set = not given
        self._wants_class = any(rule.logsource.class_uid for rule in given)
        self._meter = meter
        self._planner = Planner(memory, meter)
        self._roots: dict[tuple[LogSource, int], Switch[Any] | Table] = {}
        self._by_rules: dict[tuple[int, ...], Switch[Any] | Table] = {}
        memory.register(self._empty)

    def matches(self, logsource: LogSource, class_uid: int, data: Mapping[str, Any]) -> list[Match]:
        """Return the matches on one view of an event, in the order of the rules."""
        key = logsource, class_uid if self._wants_class else 0
        node = self._roots.get(key) or self._root(key)
        if self._meter is not None:
            self._meter.met(id(node))
        while isinstance(node, Switch):
            node = node.next(data)
        outcome = node.outcome(data)
        if not outcome.rules:
            return []
        return _matches(outcome, data) if self._meter is None else _metered(outcome, data, self._meter)

    def prepare_like(self, other: RuleSet) -> None:
        """Make the plans of the log sources that another rule set has met; that one may be at work meanwhile."""
        for key in tuple(other._roots):
            self._root(key)

    def __bool__(self) -> bool:
        """Tell whether there is any rule."""
        return not self._empty_set

    def _root(self, key: tuple[LogSource, int]) -> Switch[Any] | Table:
        """Make a plan; log sources that the same rules concern have the same one."""
        chosen = self._rules.concerned(*key)
        these = tuple(map(id, chosen))
        root = self._by_rules.get(these)
        if root is None:
            asked = [self._planner.first_asked(rule) for rule in chosen]
            root = self._by_rules[these] = self._grown(asked, 0)
            if self._meter is not None:
                self._meter.plan(id(root), chosen)
        if len(self._roots) >= MAX_LOGSOURCES:
            self._roots.clear()
        self._roots[key] = root
        return root

    def _grown(self, rules: Sequence[Asked], depth: int) -> Switch[Any] | Table:
        field = switch_field(rules) if depth < MAX_SWITCHES else None
        if field is None:
            return Table(self._planner, rules)
        return Switch(
            self._planner,
            rules,
            field,
            lambda left: self._grown(left, depth + 1),
            cache(lambda: Table(self._planner, rules)),
        )

    def _empty(self) -> None:
        for node in self._by_rules.values():
            node.empty()


def _matches(outcome: Outcome, data: Mapping[str, Any]) -> list[Match]:
    found = []
    for at in range(len(outcome.rules)):
        match = _match(outcome, at, data)
        if match is not None:
            found.append(match)
    return found


def _metered(outcome: Outcome, data: Mapping[str, Any], meter: Meter) -> list[Match]:
    found = []
    for at, rule in enumerate(outcome.rules):
        began = meter.clock()
        match = _match(outcome, at, data)
        cost = meter.charge(rule, began)
        if match is not None:
            cost.fired += 1
            found.append(match)
    return found


def _match(outcome: Outcome, at: int, data: Mapping[str, Any]) -> Match | None:
    rule, template, condition = outcome.rules[at], outcome.templates[at], outcome.conditions[at]
    if template is not None:
        return Match(rule, evidence_in(template, data))
    record = Record(data)
    if condition is None or condition.matches(record):
        return Match(rule, evaluate(rule.condition, record) or ())
    return None

"""The rules that look at one view of an event, decided by a plan for each log source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.event import LogSource
from streams.detect.evidence import evidence_in
from streams.detect.logsource import concerned
from streams.detect.memory import Memory
from streams.detect.plan import MAX_SWITCHES, Asked, Planner, Switch, switch_field
from streams.detect.predicates import Evidence, evaluate
from streams.detect.record import Record
from streams.detect.rule import DetectionRule
from streams.detect.table import Outcome, Table

MAX_LOGSOURCES: Final = 1024  # whose plans are kept


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
    def matched(self) -> tuple[tuple[str, str], ...]:
        """Return field and value pairs, as a signal carries them."""
        return tuple((reason.field, reason.value) for reason in self.evidence)


class RuleSet:
    """Decide rules by plans, each made when its log source is first met."""

    __slots__ = ("_by_rules", "_planner", "_roots", "_rules", "_wants_class")

    def __init__(self, rules: Iterable[DetectionRule], memory: Memory) -> None:
        self._rules = tuple(rules)
        self._wants_class = any(rule.logsource.class_uid for rule in self._rules)
        self._planner = Planner(memory)
        self._roots: dict[tuple[LogSource, int], Switch[Any] | Table] = {}
        self._by_rules: dict[tuple[int, ...], Switch[Any] | Table] = {}
        memory.register(self._empty)

    def matches(self, logsource: LogSource, class_uid: int, data: Mapping[str, Any]) -> list[Match]:
        """Return the matches on one view of an event, in the order of the rules."""
        key = logsource, class_uid if self._wants_class else 0
        node = self._roots.get(key)
        if node is None:
            node = self._roots[key] = self._planned(logsource, class_uid)
        while isinstance(node, Switch):
            node = node.next(data)
        outcome = node.outcome(data)
        return _matches(outcome, data) if outcome.rules else []

    def __bool__(self) -> bool:
        """Tell whether there is any rule."""
        return bool(self._rules)

    def _planned(self, logsource: LogSource, class_uid: int) -> Switch[Any] | Table:
        """Make a plan; log sources that the same rules concern have the same one."""
        chosen = concerned(self._rules, logsource, class_uid)
        key = tuple(map(id, chosen))
        root = self._by_rules.get(key)
        if root is None:
            asked = [self._planner.first_asked(rule) for rule in chosen]
            root = self._by_rules[key] = self._grown(asked, 0)
        if len(self._roots) >= MAX_LOGSOURCES:
            self._roots.clear()
        return root

    def _grown(self, rules: Sequence[Asked], depth: int) -> Switch[Any] | Table:
        field = switch_field(rules) if depth < MAX_SWITCHES else None
        if field is None:
            return Table(self._planner, rules)
        return Switch(self._planner, rules, field, lambda left: self._grown(left, depth + 1))

    def _empty(self) -> None:
        for node in self._by_rules.values():
            node.empty()


def _matches(outcome: Outcome, data: Mapping[str, Any]) -> list[Match]:
    found = []
    for rule, template, condition in zip(outcome.rules, outcome.templates, outcome.conditions, strict=True):
        if template is not None:
            found.append(Match(rule, evidence_in(template, data)))
            continue
        record = Record(data)
        if condition is None or condition.matches(record):
            found.append(Match(rule, evaluate(rule.condition, record) or ()))
    return found

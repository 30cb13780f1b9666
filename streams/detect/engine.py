"""All rules on one event."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.event import Event
from streams.detect.exceptions import is_excepted
from streams.detect.logsource import OCSF, ByLogSource
from streams.detect.matching.memory import DEFAULT_BYTES, Memory
from streams.detect.matching.meter import Meter
from streams.detect.matching.ruleset import Match, RuleSet
from streams.detect.predicates import evaluate
from streams.detect.record import Record
from streams.detect.rule import DetectionRule

# Predicates are total; should one of them have a fault after all, it costs one rule on one event, and is reported.
_FAULTS: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error)


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that raised instead of deciding.

    Attributes:
        rule: The rule.
        error: Type and message of what it raised.
    """

    rule: DetectionRule
    error: str


@dataclass(frozen=True, slots=True)
class Detection:
    """What the rules say of one event.

    Attributes:
        matches: The rules that fire, in the order of their uids.
        failures: Those that raised.
        excepted: How many matched and do not fire, because of an exception.
    """

    matches: tuple[Match, ...]
    failures: tuple[RuleFailure, ...] = ()
    excepted: int = 0


NO_DETECTION: Final = Detection(())


class Detector:
    """Hold compiled rules; decide which fire on an event.

    Gives the answers of `match_every`, which evaluates rule after rule, and remembers what it learned on the way. What
    it remembers is bounded, and never shows in an answer. For one thread.
    """

    __slots__ = ("_by_logsource", "_memory", "_native", "_ocsf", "rules")

    def __init__(
        self, rules: Iterable[DetectionRule], memory_bytes: int = DEFAULT_BYTES, meter: Meter | None = None
    ) -> None:
        """Prepare.

        Args:
            rules: The rules.
            memory_bytes: How much may be remembered of values that were seen.
            meter: Counts what each rule costs.
        """
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.uid, rule.path)))
        self._by_logsource = ByLogSource(self.rules)
        self._memory = Memory(memory_bytes)
        self._native = RuleSet((rule for rule in self.rules if rule.taxonomy != OCSF), self._memory, meter)
        self._ocsf = RuleSet((rule for rule in self.rules if rule.taxonomy == OCSF), self._memory, meter)

    @property
    def held_bytes(self) -> int:
        """Return how much is remembered of values that were seen, an estimate."""
        return self._memory.held_bytes

    def prepare_like(self, other: Detector) -> None:
        """Make the plans that another detector has needed so far, before there are events that wait for them."""
        self._native.prepare_like(other._native)
        self._ocsf.prepare_like(other._ocsf)

    def candidates(self, event: Event) -> tuple[DetectionRule, ...]:
        """Return the rules whose log source concerns the event."""
        return self._by_logsource.concerned(event.logsource, event.class_uid)

    def match(self, event: Event) -> Detection:
        """Tell which of the rules that concern the event fire. A rule that raises is a failure and stops no other."""
        self._memory.relieve()
        try:
            return self.match_by_plan(event)
        except _FAULTS:
            return self.match_every(event)

    def match_by_plan(self, event: Event) -> Detection:
        """Do what `match` does, but raise what a rule raises."""
        native = self._native.matches(event.logsource, event.class_uid, event.native)
        ocsf = self._ocsf.matches(event.logsource, event.class_uid, event.ocsf) if self._ocsf else []
        if not (native or ocsf):
            return NO_DETECTION
        found = native + ocsf
        if native and ocsf:
            found.sort(key=lambda match: (match.rule.uid, match.rule.path))
        standing = tuple([match for match in found if not _is_excepted(match.rule, event)])
        return Detection(standing, excepted=len(found) - len(standing))

    def match_every(self, event: Event) -> Detection:
        """Evaluate every rule that concerns the event, one after the other."""
        native, ocsf = Record(event.native), Record(event.ocsf)
        matches: list[Match] = []
        failures: list[RuleFailure] = []
        excepted = 0
        for rule in self.candidates(event):
            try:
                evidence = evaluate(rule.condition, ocsf if rule.taxonomy == OCSF else native)
                stands = evidence is not None and not _is_excepted(rule, event)
            except _FAULTS as error:
                failures.append(RuleFailure(rule, f"{type(error).__name__}: {error}"))
                continue
            if stands:
                matches.append(Match(rule, evidence or ()))
            excepted += evidence is not None and not stands
        return Detection(tuple(matches), tuple(failures), excepted)


def _is_excepted(rule: DetectionRule, event: Event) -> bool:
    """Tell whether an exception takes this match out: the one place where that is decided."""
    if not rule.exceptions:
        return False
    return is_excepted(rule.exceptions, event.time, Record(event.ocsf if rule.taxonomy == OCSF else event.native))

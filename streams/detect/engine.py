"""All rules on one event."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from models.event import Event, LogSource
from streams.detect.logsource import OCSF, concerned
from streams.detect.predicates import Evidence, evaluate
from streams.detect.record import Record
from streams.detect.rule import DetectionRule

MAX_LOGSOURCES: Final = 1024  # log sources whose rules are remembered
# Predicates are total; should one of them have a fault after all, it costs one rule on one event, and is reported.
_FAULTS: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error)


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
    """What the rules say of one event, in the order of the rules' uids."""

    matches: tuple[Match, ...]
    failures: tuple[RuleFailure, ...] = ()


class Detector:
    """Hold compiled rules; decide which fire on an event. Never changes, may be shared."""

    __slots__ = ("_candidates", "rules")

    def __init__(self, rules: Iterable[DetectionRule]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: (rule.uid, rule.path)))
        self._candidates: Callable[[LogSource, int], tuple[DetectionRule, ...]] = lru_cache(maxsize=MAX_LOGSOURCES)(
            partial(concerned, self.rules)
        )

    def candidates(self, event: Event) -> tuple[DetectionRule, ...]:
        """Return the rules whose log source concerns the event."""
        return self._candidates(event.logsource, event.class_uid)

    def match(self, event: Event) -> Detection:
        """Evaluate every rule that concerns the event. A rule that raises is a failure and stops no other."""
        native, ocsf = Record(event.native), Record(event.ocsf)
        matches: list[Match] = []
        failures: list[RuleFailure] = []
        for rule in self.candidates(event):
            try:
                evidence = evaluate(rule.condition, ocsf if rule.taxonomy == OCSF else native)
            except _FAULTS as error:
                failures.append(RuleFailure(rule, f"{type(error).__name__}: {error}"))
                continue
            if evidence is not None:
                matches.append(Match(rule, evidence))
        return Detection(tuple(matches), tuple(failures))

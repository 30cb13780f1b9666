"""What each rule costs while it runs: how often it had to be tried, how often it fired, how long that took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.detect.rule import DetectionRule

TELLING: Final = 1000  # events before a mean says anything: a rule costs most when it is first tried


@dataclass(slots=True)
class Cost:
    """What one rule took.

    Attributes:
        rule: The rule.
        tried: How often the scan could not rule it out, and it was evaluated.
        fired: How often it fired.
        spent_ns: Nanoseconds for that; what all rules share (scans, remembered outcomes) is not in it.
        events: How many events of its log source there were; 0 for one that was never tried.
    """

    rule: DetectionRule
    tried: int = 0
    fired: int = 0
    spent_ns: int = 0
    events: int = 0

    @property
    def us_per_event(self) -> float:
        """Return microseconds per event of its log source."""
        return self.spent_ns / 1000 / self.events if self.events else 0.0


@dataclass(slots=True)
class Meter:
    """Count the costs of rules.

    Attributes:
        clock: Returns nanoseconds; what it counts from does not matter.
    """

    clock: Callable[[], int]
    _costs: dict[int, Cost] = field(default_factory=dict)
    _events: dict[int, int] = field(default_factory=dict)
    _rules_at: dict[int, tuple[DetectionRule, ...]] = field(default_factory=dict)

    def of(self, rule: DetectionRule) -> Cost:
        """Return the account of a rule."""
        cost = self._costs.get(id(rule))
        if cost is None:
            cost = self._costs[id(rule)] = Cost(rule)
        return cost

    def charge(self, rule: DetectionRule, began_ns: int) -> Cost:
        """Count one trial of a rule that began then; return the account."""
        cost = self.of(rule)
        cost.spent_ns += self.clock() - began_ns
        cost.tried += 1
        return cost

    def charged(self, rule: DetectionRule, accepts: Callable[[str], bool]) -> Callable[[str], bool]:
        """Return a test of texts that charges what it takes to a rule."""

        def measured(text: str) -> bool:
            began = self.clock()
            accepted = accepts(text)
            self.charge(rule, began)
            return accepted

        return measured

    def plan(self, place: int, rules: tuple[DetectionRule, ...]) -> None:
        """Tell which rules look at the events that are met in a place."""
        self._rules_at[place] = rules

    def met(self, place: int) -> None:
        """Count an event."""
        self._events[place] = self._events.get(place, 0) + 1

    def costs(self) -> list[Cost]:
        """Return what the rules took that were tried, the most expensive first."""
        for cost in self._costs.values():
            cost.events = 0
        for place, count in self._events.items():
            for rule in self._rules_at[place]:
                if id(rule) in self._costs:
                    self._costs[id(rule)].events += count
        return sorted(self._costs.values(), key=lambda cost: (-cost.us_per_event, cost.rule.uid))

    def over(self, budget_us: float) -> Iterator[Cost]:
        """Yield the costs of the rules that take more than so many microseconds per event of their log source."""
        return (cost for cost in self.costs() if cost.events >= TELLING and cost.us_per_event > budget_us)

"""How often rules would have fired on recorded events, when, on whom; and what another version of them would change.

Memory grows with the rules and the days, not with the events: entities are counted to a bound, examples are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from enrichers.entities import entities_of
from models.event import Event
from models.records import Coordinates
from streams.detect.engine import Detector
from streams.detect.matching.ruleset import Match
from streams.detect.rule import DetectionRule
from streams.lake import date_of

MAX_EXAMPLES: Final = 3
MAX_ENTITIES: Final = 2_000  # of a rule; beyond it those seen least are forgotten, so that small counts may be short
MAX_REMEMBERED: Final = 200_000  # events that fired, by uid: one that is delivered twice counts once
MAX_HOURS: Final = 1_000_000  # every hour of a century; hostile times can name no more
HOUR_MS: Final = 3_600_000
HOURS_A_DAY: Final = 24
Evidence = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One event on which a rule fired.

    Attributes:
        time: Event time in ms.
        at: Where its raw record is.
        uid: Its uid.
        matched: Fields and values that made the rule fire.
    """

    time: int
    at: Coordinates
    uid: str
    matched: Evidence


@dataclass(slots=True)
class Change:
    """What two versions of a rule do differently.

    Attributes:
        new: Events on which only this version fires.
        gone: Events on which only the other version fires.
        changed: Events on which both fire, for different reasons.
        examples: A few events of each, by these names.
    """

    new: int = 0
    gone: int = 0
    changed: int = 0
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def add(self, kind: str, example: Example) -> None:
        """Count one event under `new`, `gone` or `changed`."""
        setattr(self, kind, getattr(self, kind) + 1)
        kept = self.examples.setdefault(kind, [])
        if len(kept) < MAX_EXAMPLES:
            kept.append(example)


@dataclass(slots=True)
class Tally:
    """What one rule did.

    Attributes:
        rule: The rule; of the other version where this one has it not.
        status: `kept`, `added` (only here) or `removed` (only in the other version).
        hits: Events on which it fires.
        days: The same by UTC date.
        entities: The same by entity, the most frequent ones.
        first: Earliest hit, None without any.
        last: Latest hit.
        examples: The first few hits that were read.
        change: Compared with the other version.
    """

    rule: DetectionRule
    status: str = "kept"
    hits: int = 0
    days: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    first: Example | None = None
    last: Example | None = None
    examples: list[Example] = field(default_factory=list)
    change: Change = field(default_factory=Change)

    def add(self, event: Event, example: Example) -> None:
        """Count one event."""
        self.hits += 1
        self.days[date_of(event.time)] += 1
        self.entities.update(map(str, entities_of(event.ocsf)))
        if len(self.entities) > MAX_ENTITIES:
            self.entities = Counter(dict(self.entities.most_common(MAX_ENTITIES // 2)))
        self.first = example if self.first is None or example.time < self.first.time else self.first
        self.last = example if self.last is None or example.time >= self.last.time else self.last
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)


class Backtest:
    """Try rules, and perhaps another version of them, on events. Use once."""

    def __init__(self, rules: Iterable[DetectionRule], against: Iterable[DetectionRule] | None = None) -> None:
        """Prepare.

        Args:
            rules: The rules.
            against: The other version of them; None for none.
        """
        ours, theirs = tuple(rules), tuple(against or ())
        self.compared = against is not None
        self.failures: Counter[str] = Counter()
        self._ours, self._theirs = Detector(ours), Detector(theirs)
        self._pairs = paired(ours, theirs)
        self.tallies = {rule.uid: Tally(rule, self._status(rule.uid)) for rule in ours}
        self.tallies |= {rule.uid: Tally(rule, "removed") for rule in theirs if rule.uid not in self._pairs}
        self._hours: set[int] = set()
        self._seen: dict[str, None] = {}

    def _status(self, uid: str) -> str:
        return "kept" if not self.compared or uid in self._pairs.values() else "added"

    def add(self, event: Event) -> None:
        """Try one event."""
        if len(self._hours) < MAX_HOURS:
            self._hours.add(event.time // HOUR_MS)
        ours = self._matches(self._ours, event)
        theirs = {self._pairs.get(uid, uid): match for uid, match in self._matches(self._theirs, event).items()}
        if (ours or theirs) and self._is_new(event.uid):
            self._count(event, ours)
            if self.compared:
                self._compare(event, ours, theirs)

    def _matches(self, detector: Detector, event: Event) -> dict[str, Match]:
        detection = detector.match(event)
        self.failures.update(failure.rule.title for failure in detection.failures)
        return {match.rule.uid: match for match in detection.matches}

    def _is_new(self, uid: str) -> bool:
        if uid in self._seen:
            return False
        self._seen[uid] = None
        if len(self._seen) > MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True

    def _count(self, event: Event, ours: Mapping[str, Match]) -> None:
        for uid, match in ours.items():
            self.tallies[uid].add(event, _example(event, match))

    def _compare(self, event: Event, ours: Mapping[str, Match], theirs: Mapping[str, Match]) -> None:
        for uid in ours.keys() | theirs.keys():
            here, there = ours.get(uid), theirs.get(uid)
            change = self.tallies[uid].change
            if here is None and there is not None:
                change.add("gone", _example(event, there))
            elif here is not None and there is None:
                change.add("new", _example(event, here))
            elif here is not None and there is not None and here.matched != there.matched:
                change.add("changed", _example(event, here))

    @property
    def hours(self) -> int:
        """Return in how many hours there was any event."""
        return len(self._hours)

    def per_day(self, hits: int) -> float:
        """Estimate hits a day, from the hours in which there was telemetry at all."""
        return hits * HOURS_A_DAY / len(self._hours) if self._hours else 0.0


def paired(ours: Iterable[DetectionRule], theirs: Iterable[DetectionRule]) -> dict[str, str]:
    """Return the uid of our version of each of their rules: the same id, else the same title."""
    by_uid = {rule.uid for rule in ours}
    by_title = {rule.title: rule.uid for rule in ours}
    known = list(theirs)
    taken = {rule.uid for rule in known if rule.uid in by_uid}
    pairs = {uid: uid for uid in taken}
    for rule in known:
        uid = by_title.get(rule.title, "")
        if rule.uid not in taken and uid and uid not in pairs.values():
            pairs[rule.uid] = uid
    return pairs


def _example(event: Event, match: Match) -> Example:
    return Example(event.time, event.at, event.uid, match.matched)

"""Amounts by the hour: how much of each feature an hour has so far, and how strange that is for its entity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from models.anomaly import baseline as model
from models.anomaly.base import HOUR_MS, hour_of
from models.anomaly.baseline import COUNTS, PEAKS, Baseline, BaselineConfig, Expected
from models.anomaly.levels import PARTS, Level
from models.anomaly.shifts import GROWTH, Change
from models.feature import MINUTE_MS, Delta, Ref, Tally
from streams.profile.detectors import by_feature
from streams.profile.outputs import Observation
from streams.profile.state import Learned, Running

VOLUMES: Final = by_feature("volume")
LEVELS: Final = by_feature("level")
MODELLED: Final = {**VOLUMES, **LEVELS}
WORTH: Final = 3.0  # the least score that words are found for
MOST_HOURS: Final = 20_000
CHANGED_FROM: Final = 4.0  # score of the least change of a level that its model tells of
GROWTH_DETECTOR, SHIFT_DETECTOR = "anomaly_slow_growth", "anomaly_level_changed"


class Shown(NamedTuple):
    """An event that shows something, and where its record is."""

    tally: Tally
    ref: Ref


def shown(delta: Delta, tally: Tally) -> Shown | None:
    """Return the event of a tally with where its record is."""
    ref = delta.events.get(tally.event)
    return None if ref is None else Shown(tally, ref)


def run_on(running: Running, delta: Delta) -> Running:
    """Add a closed minute to the hour that it is of."""
    hour = delta.start // HOUR_MS
    before = running if running.hour == hour else Running(hour)
    amounts, sketches = dict(before.amounts), dict(before.sketches)
    for name, tally in delta.counts.items():
        amounts[name] = amounts.get(name, 0) + tally.amount
    for name, sketch in delta.distinct.items():
        known = sketches.get(name)
        sketches[name] = joined = sketch if known is None else known.joined(sketch)
        amounts[name] = joined.count
    for name, peak in delta.peaks.items():
        amounts[name] = max(amounts.get(name, 0), peak.value)
    if before.ref is not None:
        return Running(hour, amounts, sketches, before.example, before.ref)
    first = first_of(delta)
    return Running(hour, amounts, sketches, *(first or (None, None)))


def first_of(delta: Delta) -> Shown | None:
    """Return the first event of a delta whose record is known."""
    tallies = [*delta.counts.values(), *(tally for values in delta.values.values() for tally in values.values())]
    tallies += [Tally(1, peak.time, peak.event) for peak in delta.peaks.values()]
    known = [tally for tally in tallies if tally.event in delta.events]
    first = min(known, key=lambda tally: (tally.time, tally.event), default=None)
    return None if first is None else Shown(first, delta.events[first.event])


def example_of(delta: Delta, name: str) -> Shown | None:
    """Return an event that shows a feature of a minute."""
    if name in delta.counts:
        return shown(delta, delta.counts[name])
    peak = delta.peaks.get(name)
    return first_of(delta) if peak is None else shown(delta, Tally(1, peak.time, peak.event))


class _Usual(NamedTuple):
    """What follows from a baseline for an hour.

    Attributes:
        baseline: The baseline.
        expected: What the hour is expected to have.
        bound: An amount below which it is not worth a word.
    """

    baseline: Baseline
    expected: Expected | None
    bound: float


class _Hour(NamedTuple):
    """What follows from an entity's baselines for an hour, as far as it was asked for.

    Attributes:
        baselines: The baselines: while these are held, no others can have their identity.
        hour: The hour.
        usual: By feature.
    """

    baselines: dict[str, Baseline]
    hour: int
    usual: dict[str, _Usual]


class Volumes:
    """The baselines of hours; remembers what follows from them, since a running hour is looked at every minute."""

    __slots__ = ("_counts", "_hours", "_peaks")

    def __init__(self, warmup_days: int) -> None:
        """Prepare; `warmup_days` is how long an entity is learned before it is compared with itself."""
        self._counts = replace(COUNTS, warmup_days=warmup_days)
        self._peaks = replace(PEAKS, warmup_days=warmup_days)
        self._hours: dict[int, _Hour] = {}

    def looked_at(self, entity: str, learned: Learned, delta: Delta) -> list[Observation]:
        """Return what is strange of the hour so far, by the features that a closed minute added to.

        The hour is not over: what it has is only compared, and learned once it is.
        """
        found: list[Observation] = []
        amounts, known = learned.running.amounts, self._hour_of(learned).usual
        for part in (delta.counts, delta.peaks, delta.distinct):
            for feature in part:
                if feature not in MODELLED:
                    continue
                usual = known.get(feature)
                if usual is None:
                    usual = known[feature] = self._reckoned(learned, feature)
                if amounts[feature] >= usual.bound:
                    found += self._strange(entity, learned, delta, feature, usual)
        return found

    def _strange(
        self, entity: str, learned: Learned, delta: Delta, feature: str, usual: _Usual
    ) -> Iterator[Observation]:
        """Yield it where an amount is worth a word, and an event shows it."""
        running = learned.running
        amount = running.amounts[feature]
        score = model.score_by(usual.expected, amount)
        known = example_of(delta, feature) if score >= WORTH else None
        if known is not None:
            name, end = MODELLED[feature].name, delta.start + MINUTE_MS
            finding = model.finding(usual.baseline, running.hour, amount, self._config(feature))
            yield Observation(name, entity, delta.source, feature, "", end, score, finding, *known, learned=False)

    def learn(self, entity: str, source: str, learned: Learned) -> tuple[dict[str, Baseline], list[Observation]]:
        """Learn the hour that ran; return what is usual from now on, and what the hour came to in the end."""
        found: list[Observation] = []
        running, end = learned.running, (learned.running.hour + 1) * HOUR_MS
        known, baselines = self._hour_of(learned).usual, dict(learned.baselines)
        for feature in sorted({*baselines, *running.amounts} & MODELLED.keys()):
            if feature in LEVELS and feature not in running.amounts:
                continue  # nothing was measured, which is not 0
            usual, amount = known.get(feature) or self._reckoned(learned, feature), running.amounts.get(feature, 0)
            score, name = model.score_by(usual.expected, amount), MODELLED[feature].name
            found.append(Observation(name, entity, source, feature, "", end, score))
            baselines[feature], change = model.learn(usual.baseline, running.hour, amount, self._config(feature))
            # Of the largest of an hour no level says anything: it is the rarest moment that moves it.
            if change is not None and running.example is not None and feature in VOLUMES:
                found.append(_changed(change, entity, source, feature, usual.baseline, running))
        self._hours.pop(id(learned.baselines), None)  # they have had their hour
        return baselines, found

    def _hour_of(self, learned: Learned) -> _Hour:
        """Return what follows for the running hour: the same for every minute of it, and for its end."""
        baselines, hour = learned.baselines, learned.running.hour
        known = self._hours.get(id(baselines))
        if known is None or known.baselines is not baselines or known.hour != hour:
            if len(self._hours) >= MOST_HOURS:
                self._hours.clear()
            known = self._hours[id(baselines)] = _Hour(baselines, hour, {})
        return known

    def _reckoned(self, learned: Learned, feature: str) -> _Usual:
        baseline = baseline_of(learned, feature)
        expected = model.expected(baseline, learned.running.hour, self._config(feature))
        return _Usual(baseline, expected, model.least(expected, WORTH))

    def _config(self, feature: str) -> BaselineConfig:
        return self._peaks if feature in LEVELS else self._counts


def baseline_of(learned: Learned, feature: str) -> Baseline:
    """Return what is usual of a feature; of one that never occurred, that it never does."""
    known = learned.baselines.get(feature)
    if known is not None or not learned.hours or feature in LEVELS:
        return known or Baseline()
    since, last = (hour_of(minute * MINUTE_MS) for minute in (learned.since, learned.last))
    return Baseline(since, last - since, learned.hours, Level(min(learned.hours, COUNTS.most) * PARTS))


def _changed(change: Change, entity: str, source: str, feature: str, before: Baseline, running: Running) -> Observation:
    """Tell of a level that has changed, by the first event of the hour that makes sure of it."""
    finding, end = model.change_finding(before, running.hour, change), (running.hour + 1) * HOUR_MS
    name = GROWTH_DETECTOR if change.kind == GROWTH else SHIFT_DETECTOR
    example = running.example, running.ref
    score = max(change.score - CHANGED_FROM, 0.0)
    return Observation(name, entity, source, feature, "", end, score, finding, *example)

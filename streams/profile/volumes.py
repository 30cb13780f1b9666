"""Amounts by the hour: how much of each feature an hour has so far, and how strange that is for its entity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from models.anomaly import baseline as model
from models.anomaly.base import HOUR_MS, hour_of
from models.anomaly.baseline import COUNTS, PEAKS, Baseline, BaselineConfig
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


def touched(delta: Delta) -> Iterator[tuple[str, Tally]]:
    """Yield the features that a minute adds to, and an event that shows each."""
    for name, tally in delta.counts.items():
        if name in MODELLED:
            yield name, tally
    for name, peak in delta.peaks.items():
        if name in MODELLED:
            yield name, Tally(1, peak.time, peak.event)
    first = first_of(delta) if delta.distinct else None
    if first is not None:
        yield from ((name, first.tally) for name in delta.distinct if name in MODELLED)


class Volumes:
    """The baselines of hours. Immutable once made."""

    __slots__ = ("_counts", "_peaks")

    def __init__(self, warmup_days: int) -> None:
        """Prepare; `warmup_days` is how long an entity is learned before it is compared with itself."""
        self._counts = replace(COUNTS, warmup_days=warmup_days)
        self._peaks = replace(PEAKS, warmup_days=warmup_days)

    def looked_at(self, entity: str, learned: Learned, delta: Delta) -> Iterator[Observation]:
        """Yield what is strange of the hour so far, by the features that a closed minute added to.

        The hour is not over: what it has is only compared, and learned once it is.
        """
        running = learned.running
        for feature, tally in touched(delta):
            config, amount = self._config(feature), running.amounts[feature]
            before = baseline_of(learned, feature)
            score = model.score(before, running.hour, amount, config)
            known = shown(delta, tally) if score >= WORTH else None
            if known is not None:
                name, end = MODELLED[feature].name, delta.start + MINUTE_MS
                finding = model.finding(before, running.hour, amount, config)
                yield Observation(name, entity, delta.source, feature, "", end, score, finding, *known, learned=False)

    def learn(self, entity: str, source: str, learned: Learned) -> tuple[dict[str, Baseline], list[Observation]]:
        """Learn the hour that ran; return what is usual from now on, and what the hour came to in the end."""
        running, found = learned.running, list[Observation]()
        baselines = dict(learned.baselines)
        for feature in sorted({*baselines, *running.amounts} & MODELLED.keys()):
            if feature in LEVELS and feature not in running.amounts:
                continue  # nothing was measured, which is not 0
            config, amount = self._config(feature), running.amounts.get(feature, 0)
            before, end = baseline_of(learned, feature), (running.hour + 1) * HOUR_MS
            score = model.score(before, running.hour, amount, config)
            name = MODELLED[feature].name
            found.append(Observation(name, entity, source, feature, "", end, score))
            baselines[feature], change = model.learn(before, running.hour, amount, config)
            if change is not None and running.example is not None:
                found.append(_changed(change, entity, source, feature, before, running))
        return baselines, found

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
    return Observation(name, entity, source, feature, "", end, change.score, finding, *example)

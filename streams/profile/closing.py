"""Close minutes and hours of one entity: what its models see, learn, and tell its peers."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from models.anomaly import hours as habits
from models.anomaly import travel
from models.anomaly.base import HOUR_MS
from models.anomaly.hours import Hours, HoursConfig
from models.anomaly.rarity import Values
from models.anomaly.travel import Place
from models.feature import MINUTE_MS, Delta, Point, Tally
from streams.features.catalog import DESTINATION, PLACE
from streams.profile.detectors import by_feature
from streams.profile.firsts import Firsts
from streams.profile.outputs import Observation, Output, Told, Vanished
from streams.profile.reports import Report, group_of
from streams.profile.rhythms import learned_rhythms
from streams.profile.settings import ProfileSettings
from streams.profile.shares import Shares
from streams.profile.state import FORGOTTEN_MS, MAX_SPOTS, NEVER, Entity, Learned, Running, Spot
from streams.profile.volumes import MODELLED, Volumes, run_on, shown

HABITS: Final = by_feature("hours")
TRAVEL: Final = "anomaly_impossible_travel"
DAY_MINUTES: Final = 24 * 60
Closing = tuple[Entity, list[Observation], list[Output]]


class Closer:
    """The models of entities under one set of settings. Immutable once made."""

    __slots__ = ("_firsts", "_habits", "_settings", "_shares", "_volumes")

    def __init__(self, settings: ProfileSettings) -> None:
        """Prepare."""
        self._settings = settings
        self._volumes = Volumes(settings.warmup_days)
        self._firsts = Firsts(settings.warmup_days)
        self._shares = Shares(settings.warmup_days)
        self._habits = HoursConfig(settings.warmup_days)

    def source(self, key: str, state: Entity, source: str, end: int) -> Closing:
        """Close what ends at a time (ms) at a source: a minute, then the hour; or forget what was learned long ago."""
        minute = end // MINUTE_MS - 1
        found: list[Observation] = []
        told: list[Output] = []
        learned = state.learned.get(source, _NOTHING)
        opened, waiting = state.open, state.waiting
        delta = opened[source].get(minute) if source in opened else None
        if delta is not None:
            opened = _without(opened, source, minute)
            waiting = self._with_places(waiting, delta)
            learned, found, reports = self._minute(key, learned, delta)
            told += map(Told, reports)
        if learned.running.end == end:
            learned, more, reports = self._hour(key, source, learned)
            found += more
            told += map(Told, reports)
        known = {**state.learned, source: learned}
        if (learned.last + 1) * MINUTE_MS + FORGOTTEN_MS <= end:
            del known[source]
        after = Entity(state.offset, state.stamp, opened, known, waiting, state.travel)
        return after, found, [*told, Vanished(key)] if after.empty else told

    def places(self, key: str, state: Entity, end: int) -> Closing:
        """Compare the places of a minute, by all sources together, with where the entity was before."""
        found: list[Observation] = []
        known = state.travel
        for spot in state.waiting:
            if spot.point.time >= end:
                break
            known, leap = travel.step(known, _place(spot.point))
            score, finding = (leap.score, travel.finding(known, leap)) if leap is not None else (0.0, None)
            tally = Tally(1, spot.point.time, spot.point.event)
            found.append(Observation(TRAVEL, key, spot.source, PLACE, "", end, score, finding, tally, spot.ref))
        waiting = tuple(spot for spot in state.waiting if spot.point.time >= end)
        return structs.replace(state, waiting=waiting, travel=known), found, []

    def _minute(self, key: str, learned: Learned, delta: Delta) -> tuple[Learned, list[Observation], list[Report]]:
        """Learn a minute; the hour that it is of goes on."""
        is_new_day = learned.last // DAY_MINUTES != delta.minute // DAY_MINUTES
        days = learned.days + is_new_day
        values, reports = self._firsts.learn(key, learned.days, learned.values, delta)
        rhythms, beats = learned_rhythms(key, learned.days, learned.rhythms, values.get(DESTINATION, _NO_VALUES), delta)
        known_hours, found = self._at_hour(key, learned, delta)
        after = Learned(
            delta.minute if learned.since == NEVER else learned.since,
            delta.minute,
            days,
            learned.hours,
            run_on(learned.running, delta),
            learned.baselines,
            values,
            known_hours,
            delta.peers or learned.peers,
            learned.ratios,
            rhythms,
        )
        found += self._volumes.looked_at(key, after, delta)
        found += self._shares.looked_at(key, after, delta)
        return after, found, [*reports, *beats]

    def _at_hour(self, key: str, learned: Learned, delta: Delta) -> tuple[dict[str, Hours], list[Observation]]:
        """Look at the hour in which something happens, once an hour."""
        found: list[Observation] = []
        hour, known = delta.start // HOUR_MS, learned.habits
        for feature in HABITS:
            if feature not in delta.counts:
                continue
            state, example = known.get(feature, _NO_HABIT), shown(delta, delta.counts[feature])
            if state.learned and hour <= state.since + state.span:
                continue
            score, name, end = habits.score(state, hour, self._habits), HABITS[feature].name, delta.start + MINUTE_MS
            finding = habits.finding(state, hour, self._habits) if score else None
            if example is not None:
                found.append(Observation(name, key, delta.source, feature, "", end, score, finding, *example))
            known = {**known, feature: habits.learn(state, hour)}
        return known, found

    def _hour(self, key: str, source: str, learned: Learned) -> tuple[Learned, list[Observation], list[Report]]:
        """Learn the hour that ran, and tell the peers of it."""
        running = learned.running
        baselines, found = self._volumes.learn(key, source, learned)
        ratios, shares = self._shares.learn(key, source, learned)
        amounts = {name: amount for name, amount in running.amounts.items() if name in MODELLED}
        reports = []
        if amounts and running.example is not None and running.ref is not None:
            group, end = group_of(key, source, learned.peers), (running.hour + 1) * HOUR_MS
            shown_by = running.example, running.ref
            reports.append(Report(group, end, key, "", "", 0.0, *shown_by, None, amounts, learned.days))
        after = structs.replace(learned, hours=learned.hours + 1, running=Running(), baselines=baselines, ratios=ratios)
        return after, found + shares, reports

    def _with_places(self, waiting: tuple[Spot, ...], delta: Delta) -> tuple[Spot, ...]:
        """Have the places of a closed minute wait until all quick sources have come as far."""
        if not delta.points or not (self._settings.quick is None or delta.source in self._settings.quick):
            return waiting
        new = [
            Spot(point, delta.source, delta.events[point.event])
            for point in delta.points
            if point.event in delta.events and not point.relayed
        ]
        return tuple(sorted([*waiting, *new])[:MAX_SPOTS])


def _place(point: Point) -> Place:
    return Place(point.time, point.latitude, point.longitude, point.country)


def _without(opened: dict[str, dict[int, Delta]], source: str, minute: int) -> dict[str, dict[int, Delta]]:
    kept, left = dict(opened[source]), dict(opened)
    del kept[minute]
    if kept:
        left[source] = kept
    else:
        del left[source]
    return left


_NOTHING: Final = Learned()
_NO_HABIT: Final = Hours()
_NO_VALUES: Final = Values()

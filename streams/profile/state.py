"""What is remembered of one entity and of one peer group, while it is worked with.

How it is stored says `streams.profile.stored`. Fields are only ever added at the end.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from models.anomaly.base import HOUR_MS
from models.anomaly.baseline import Baseline
from models.anomaly.beacon import Beacons
from models.anomaly.cohort import Cohort
from models.anomaly.hours import Hours
from models.anomaly.peers import PeerValues, Watched
from models.anomaly.rarity import Values
from models.anomaly.ratios import Ratio
from models.anomaly.travel import Travel
from models.feature import MINUTE_MS, Delta, Point, Ref, Tally
from models.sketch import Distinct
from streams.profile.progress import PLACES
from streams.profile.reports import Report

VERSION: Final = 2  # of the form in storage
DAY_MS: Final = 86_400_000
FORGOTTEN_MS: Final = 90 * DAY_MS  # without any activity: what was learned goes
MAX_OPEN: Final = 1024  # minutes of one entity over all sources
MAX_SPOTS: Final = 64  # places that wait
MAX_REPORTS: Final = 256  # of one group and moment
NEVER: Final = -1


class Running(Struct, frozen=True, array_like=True, gc=False):
    """The hour that runs, of one entity at one source.

    Attributes:
        hour: Event time in whole hours; NEVER when none runs.
        amounts: How much so far, by feature: sums, numbers of different ones, largest values.
        sketches: Of features whose different values are counted: which there were.
        example: The first event of the hour.
        ref: Where its record is.
    """

    hour: int = NEVER
    amounts: dict[str, int] = {}
    sketches: dict[str, Distinct] = {}
    example: Tally | None = None
    ref: Ref | None = None

    @property
    def end(self) -> int | None:
        """Return the event time (ms) at which it ends, None when none runs."""
        return None if self.hour == NEVER else (self.hour + 1) * HOUR_MS


class Learned(Struct, frozen=True, array_like=True, gc=False):
    """What was learned of one entity at one source.

    Attributes:
        since: Event time in whole minutes of the first activity.
        last: Of the last.
        days: How many different days had activity.
        hours: How many closed hours had activity.
        running: The hour that runs.
        baselines: What is usual, by feature.
        values: Which values are known, by feature.
        habits: At which hours it is active, by feature.
        peers: The peer group that the context named last, or empty.
        ratios: Which share is usual, by the feature that is the part.
        rhythms: At which intervals destinations are contacted.
    """

    since: int = NEVER
    last: int = NEVER
    days: int = 0
    hours: int = 0
    running: Running = Running()
    baselines: dict[str, Baseline] = {}
    values: dict[str, Values] = {}
    habits: dict[str, Hours] = {}
    peers: str = ""
    ratios: dict[str, Ratio] = {}
    rhythms: Beacons = Beacons()


class Spot(Struct, frozen=True, array_like=True, order=True):
    """Where an entity was seen from, by which source, and where the record is."""

    point: Point
    source: str
    ref: Ref


class Entity(Struct, frozen=True, gc=False):
    """What is remembered of one entity.

    Attributes:
        offset: Offset of the message by which it was last changed, NEVER before the first.
        stamp: The broker's time (ms) of that message.
        open: Minutes that are not closed yet, by source and minute.
        learned: By source.
        waiting: Places that are not compared yet.
        travel: Where it was last, over all sources.
    """

    offset: int = NEVER
    stamp: int = 0
    open: dict[str, dict[int, Delta]] = {}
    learned: dict[str, Learned] = {}
    waiting: tuple[Spot, ...] = ()
    travel: Travel = Travel()

    @property
    def empty(self) -> bool:
        """Tell whether nothing is remembered, so that it can go."""
        return not (self.open or self.learned or self.waiting)

    @property
    def open_minutes(self) -> int:
        """Return how many minutes are not closed yet."""
        count = 0
        for minutes in self.open.values():
            count += len(minutes)
        return count

    @property
    def ends(self) -> dict[str, int]:
        """Return when (ms) it next has something to close, by the name under which it waits."""
        names = {**self.open, **self.learned, PLACES: None}
        found = {name: self.end_of(name) for name in names}
        return {name: end for name, end in found.items() if end is not None}

    def end_of(self, name: str) -> int | None:
        """Return when (ms) it next has something to close under a name, None when it has nothing."""
        if name == PLACES:
            return _minute_end(self.waiting[0].point.time) if self.waiting else None
        learned, minutes = self.learned.get(name), self.open.get(name)
        end = None if learned is None else learned.running.end or (learned.last + 1) * MINUTE_MS + FORGOTTEN_MS
        if not minutes:
            return end
        first = (min(minutes) + 1) * MINUTE_MS
        return first if end is None or first < end else end

    def without_oldest(self) -> tuple[Entity, int]:
        """Return it without the older half of its open minutes, and how many these are."""
        order = sorted((minute, source) for source, minutes in self.open.items() for minute in minutes)
        gone = set(order[: (len(order) + 1) // 2])
        kept = {
            source: {minute: delta for minute, delta in minutes.items() if (minute, source) not in gone}
            for source, minutes in self.open.items()
        }
        return structs.replace(self, open={name: minutes for name, minutes in kept.items() if minutes}), len(gone)

    def has_taken(self, offset: int, stamp: int) -> bool:
        """Tell whether a message has come before. When a topic is made anew, only offsets begin again."""
        return offset <= self.offset and stamp <= self.stamp


class Group(Struct, frozen=True, array_like=True):
    """What is remembered of one peer group.

    Attributes:
        version: Of its form.
        closed: Event time (ms) of the last moment that was closed.
        open: Reports of moments that are not closed yet, in order.
        baselines: What is usual for hours of members, by feature.
        values: Which values members have shown, by feature.
        cohort: What hours of members are like, all features together.
        watched: For how long members have been watched.
    """

    version: int = VERSION
    closed: int = NEVER
    open: dict[int, tuple[Report, ...]] = {}
    baselines: dict[str, Baseline] = {}
    values: dict[str, PeerValues] = {}
    cohort: Cohort = Cohort()
    watched: Watched = Watched()

    @property
    def empty(self) -> bool:
        """Tell whether nothing is remembered, so that it can go."""
        return not (self.open or self.baselines or self.values)

    def without_oldest(self) -> tuple[Group, int]:
        """Return it without the older half of its open moments, and how many reports these had."""
        order = sorted(self.open)
        gone = order[: (len(order) + 1) // 2]
        kept = {end: self.open[end] for end in order[len(gone) :]}
        return structs.replace(self, open=kept), sum(len(self.open[end]) for end in gone)


def _minute_end(time: int) -> int:
    return (time // MINUTE_MS + 1) * MINUTE_MS

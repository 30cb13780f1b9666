"""Odd hours: when in the week an entity is active.

Counted are the active hours, not how much happened in them: by hour of the day, apart for working days and the weekend,
and by day of the week. The probability of an hour of the week is the product of the two, each smoothed: hours lend to
their neighbours on the circle of the day, and both begin with a little for every hour. An hour's score is the
probability of all hours that are not clearly likelier than it, so that who works at any hour has no odd ones.

All counts are halved every PERIOD_DAYS, so that new habits become old ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta, Struct

from models.anomaly.base import HOUR_MS, MAX_HOUR, Finding, Natural, Reason, held_hour, score_of
from models.anomaly.seasons import DAY_HOURS, SLOTS, WEEK_DAYS, WEEKEND, day_of_week, slot_of

NAME: Final = "hours"
PERIOD_HOURS: Final = 28 * DAY_HOURS
ONCE: Final = 4  # what an active hour adds
MAX_COUNT: Final = 255
KERNEL: Final = (0.05, 0.2, 0.5, 0.2, 0.05)  # what an hour lends to its neighbours and keeps
NEIGHBOURS: Final = tuple(
    tuple(((hour + by - len(KERNEL) // 2) % DAY_HOURS, part) for by, part in enumerate(KERNEL))
    for hour in range(DAY_HOURS)
)
WIDTH: Final = 2
NOW_AND_THEN: Final = 6  # times as often as this is the hour that was active most
ALIKE: Final = 3.0  # hours whose probabilities differ by less are equally likely, as far as counts can tell
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Hour = Annotated[int, Meta(ge=0, le=MAX_HOUR)]


@dataclass(frozen=True, slots=True)
class HoursConfig:
    """How hours are judged.

    Attributes:
        warmup_days: Days from the first hour until hours have a score.
        prior: What is presumed of all hours of the week together before anything was seen, in active hours.
    """

    warmup_days: int = 7
    prior: float = 2.0


HABITS: Final = HoursConfig()


class Hours(Struct, frozen=True, array_like=True, tag=13):
    """When an entity is active.

    Attributes:
        since: First hour learned; 0 when none was.
        span: Hours from there to the last one learned.
        learned: How many hours.
        table: Slot and count of every hour of the day that was ever active (`seasons.slot_of`; SLOTS + day for days of
            the week), WIDTH bytes each, sorted by slot.
    """

    since: Hour = 0
    span: Hour = 0
    learned: Natural = 0
    table: Annotated[bytes, Meta(max_length=WIDTH * (SLOTS + WEEK_DAYS))] = b""


def score(state: Hours, hour: int, config: HoursConfig = HABITS) -> float:
    """Score an active hour before it is learned.

    Args:
        state: When the entity was active before.
        hour: Event time in whole hours.
        config: How hours are judged.
    """
    if not state.learned or hour - state.since < config.warmup_days * DAY_HOURS:
        return 0.0
    return score_of(_probability(state, hour, config))


def finding(state: Hours, hour: int, config: HoursConfig = HABITS) -> Finding:
    """Put the score of an hour into words."""
    counts = _counts(state.table)
    working, weekend = _spans(counts[:DAY_HOURS]), _spans(counts[DAY_HOURS:SLOTS])
    return Finding(
        model=NAME,
        score=score(state, hour, config),
        expected=f"active on working days at {working}, at weekends at {weekend} (UTC)",
        seen=f"active on a {DAYS[day_of_week(hour)]} at {hour % DAY_HOURS:02d}:00 UTC",
        since=state.since * HOUR_MS,
        learned=state.learned,
        because=(Reason("hour of the week", 1.0),),
    )


def learn(state: Hours, hour: int) -> Hours:
    """Learn an active hour; each hour once, in order of time. One that is not after the last changes nothing."""
    hour = held_hour(hour)
    if not state.learned:
        return Hours(hour, 0, 1, _added(b"", hour))
    last = state.since + state.span
    if hour <= last:
        return state
    periods = hour // PERIOD_HOURS - last // PERIOD_HOURS
    table = _halved(state.table, min(periods, 16)) if periods else state.table
    return Hours(state.since, hour - state.since, state.learned + 1, _added(table, hour))


def _probability(state: Hours, hour: int, config: HoursConfig) -> float:
    """Return the probability of all hours of the week that are not clearly likelier than this one."""
    counts = _counts(state.table)
    days = _shares(counts[SLOTS:], config.prior)
    working, weekend = (_smoothed(counts[at : at + DAY_HOURS], config.prior) for at in (0, DAY_HOURS))
    day = day_of_week(hour)
    likely = days[day] * (weekend if day >= WEEKEND else working)[hour % DAY_HOURS] * ALIKE
    highest = max(working), max(weekend)
    total = 0.0
    for number, share in enumerate(days):
        of_day, most = (weekend if number >= WEEKEND else working), likely / share
        is_all = most >= highest[number >= WEEKEND]
        total += share if is_all else share * sum([one for one in of_day if one <= most])
    return total


def _smoothed(counts: Sequence[int], prior: float) -> list[float]:
    """Return the shares of the hours of a day, each lent to by its neighbours."""
    lent = [0.0] * DAY_HOURS
    for hour, count in enumerate(counts):
        if count:
            for place, part in NEIGHBOURS[hour]:
                lent[place] += part * count
    return _shares(lent, prior)


def _shares(counts: Sequence[float], prior: float) -> list[float]:
    total = sum(counts) + prior * ONCE
    least = prior * ONCE / len(counts)
    return [(count + least) / total for count in counts]


def _counts(table: bytes) -> list[int]:
    """Return the counts of all slots, and of the days of the week after them."""
    found = [0] * (SLOTS + WEEK_DAYS)
    for slot, count in zip(table[::WIDTH], table[1::WIDTH], strict=False):
        if slot < len(found):
            found[slot] = count
    return found


def _added(table: bytes, hour: int) -> bytes:
    """Return the table with one more active hour."""
    for slot in (slot_of(hour), SLOTS + day_of_week(hour)):
        at = bisect_left(table[::WIDTH], slot) * WIDTH
        if table[at : at + 1] == bytes((slot,)):
            count = min(sum(table[at + 1 : at + WIDTH]) + ONCE, MAX_COUNT)
            table = table[:at] + bytes((slot, count)) + table[at + WIDTH :]
        else:
            table = table[:at] + bytes((slot, ONCE)) + table[at:]
    return table


def _halved(table: bytes, times: int) -> bytes:
    pairs = zip(table[::WIDTH], table[1::WIDTH], strict=False)
    return b"".join(bytes((slot, count >> times)) for slot, count in pairs if count >> times)


def _spans(counts: list[int]) -> str:
    """Say which hours were active more than now and then: `08-18`, or `no hour`."""
    hours = [hour for hour, count in enumerate(counts) if count * NOW_AND_THEN > max(counts)]
    starts = [hour for hour in hours if hour - 1 not in hours]
    ends = [hour + 1 for hour in hours if hour + 1 not in hours]
    return ", ".join(f"{start:02d}-{end:02d}" for start, end in zip(starts, ends, strict=True)) or "no hour"

"""The calendar of the simulation: days are numbered from a Monday, times are UTC in ms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import cos, pi
from typing import Final

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK_DAYS: Final = 7
START: Final = 1_789_344_000_000  # Monday 2026-09-14T00:00:00Z; the first month's end is in the third week
RELEASES_ON: Final = (1, 3)  # Tuesday and Thursday
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def start_of(day: int) -> int:
    """Return the first ms of a day."""
    return START + day * DAY


def day_of(time: int) -> int:
    """Return the day that a time is in."""
    return (time - START) // DAY


def weekday(day: int) -> int:
    """Return 0 for Monday to 6 for Sunday."""
    return day % WEEK_DAYS


def is_weekend(day: int) -> bool:
    """Tell Saturdays and Sundays."""
    return weekday(day) >= 5


def is_release_day(day: int) -> bool:
    """Tell the days on which software is released."""
    return weekday(day) in RELEASES_ON


def day_of_month(day: int) -> int:
    """Return 1 to 31."""
    return moment(start_of(day)).day


def moment(time: int) -> datetime:
    """Return a time as a datetime."""
    return _EPOCH + timedelta(milliseconds=time)


def date(day: int) -> str:
    """Return a day as `2026-09-14`."""
    return f"{moment(start_of(day)):%Y-%m-%d}"


def iso(time: int) -> str:
    """Return a time as `2026-09-14T08:00:00.000Z`."""
    return f"{moment(time):%Y-%m-%dT%H:%M:%S}.{time % SECOND:03d}Z"


def iso_seconds(time: int) -> str:
    """Return a time as `2026-09-14T08:00:00Z`."""
    return f"{moment(time):%Y-%m-%dT%H:%M:%SZ}"


def windows_time(time: int) -> str:
    """Return a time as Sysmon writes it."""
    return f"{moment(time):%Y-%m-%d %H:%M:%S}.{time % SECOND:03d}"


def load(time: int) -> float:
    """Return how busy the world is at a time, 1 at most: by the hour of the day and the day of the week."""
    hour = (time - START) % DAY / HOUR
    bump = max(0.0, cos((hour - 13.0) / 12.0 * pi))
    return (0.25 + 0.75 * bump) * (0.55 if is_weekend(day_of(time)) else 1.0)

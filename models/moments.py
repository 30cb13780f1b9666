"""Dates and times as people write them into files: `2026-12-31`, `2026-12-31T18:00:00Z`. To ms UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

MAX_MS: Final = 253_402_300_799_999  # the last of the year 9999
DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def read_moment(value: object) -> int:
    """Return a date (its first ms in UTC) or a time with its zone in ms; raise ValueError when it is neither."""
    return _moment(parsed(value), value)


def read_end(value: object) -> int:
    """Return the first ms after a date, which is included whole, or a time in ms; raise ValueError as `read_moment`."""
    known = parsed(value)
    return _moment(known, value) + (0 if isinstance(known, datetime) else DAY_MS)


def start_of(day: date) -> int:
    """Return the first ms of a day in UTC."""
    return _ms(datetime.combine(day, time(), UTC))


def parsed(value: object) -> object:
    """Return the date or time that a text holds, None for other texts; what is no text as it is."""
    if not isinstance(value, str):
        return value
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(value.strip())
        except ValueError:
            continue
    return None


def _moment(known: object, value: object) -> int:
    if isinstance(known, datetime):
        if known.tzinfo is None:
            raise ValueError(f"{value} has no zone; write for example 2026-12-31T18:00:00Z, or only the date")
        return _ms(known)
    if isinstance(known, date):
        return start_of(known)
    raise ValueError(f"{value!r:.80} is no date; write for example 2026-12-31 or 2026-12-31T18:00:00Z")


def _ms(moment: datetime) -> int:
    """Return whole ms, a part of one counted as one more: so `at or after` and `before` mean what they say."""
    return -((_EPOCH - moment) // _MILLISECOND)

"""Read the time stamps that sources write: RFC 3339, epochs of every unit, FILETIME. All pure, all to integer ms UTC.

Fractions are cut off, never rounded up: a record stays in the millisecond in which it happened. A stamp without a zone
is taken as UTC. Whether a time is plausible for an event is for `streams.sources.base.event_time` to say.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import INT64_MAX

SECOND_CHARS: Final = 19  # YYYY-MM-DDTHH:MM:SS
MINUTE_CHARS: Final = 16
LEAP_SECOND: Final = 60  # counts as the first second of the next minute
MINUTE_MS: Final = 60_000
FILETIME_1970: Final = 116_444_736_000_000_000  # in units of 100 ns since 1601
FILETIME_2100: Final = 157_469_184_000_000_000
TICKS_PER_MS: Final = 10_000
# One magnitude, one unit: in seconds 10**11 is the year 5138, in milliseconds it is March 1973, and so on upwards.
SECONDS_BELOW: Final = 10**11
MS_BELOW: Final = 10**14
US_BELOW: Final = 10**17
EPOCH_CHARS: Final = 40  # a 64-bit integer has 19 digits; the rest is room for a fraction
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_HEAD: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d", re.ASCII)
_TAIL: Final = re.compile(r"(?:[.,](\d{1,9}))? ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_DOT_NET: Final = re.compile(r"/Date\((\d{1,16})\)/", re.ASCII)


def from_rfc3339(value: str) -> int | None:
    """Read `YYYY-MM-DDTHH:MM:SS` with up to nine fractional digits and a zone or none; None when it is not that.

    Also accepts a blank for the `T`, a comma for the point, and the zones `+0200`, `+02` and `UTC`.
    """
    second = _second_ms(value[:SECOND_CHARS])
    tail = _TAIL.fullmatch(value, SECOND_CHARS)
    if second is None or tail is None:
        return None
    fraction, zone = tail.groups()
    if fraction:
        second += int(fraction[:3].ljust(3, "0"))
    if zone is None or zone == "Z":
        return second
    offset = _zone_ms(zone)
    return None if offset is None else second - offset


@lru_cache(maxsize=8192)
def _second_ms(head: str) -> int | None:
    if not _HEAD.fullmatch(head):
        return None
    seconds = int(head[MINUTE_CHARS + 1 :])
    try:
        minute = datetime.fromisoformat(head[:MINUTE_CHARS]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return round((minute - EPOCH).total_seconds()) * 1000 + seconds * 1000 if seconds <= LEAP_SECOND else None


@lru_cache(maxsize=256)
def _zone_ms(zone: str) -> int | None:
    if zone in {"z", "UTC"}:
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004  # hours of a day, minutes of an hour
        return None
    offset = (hours * 60 + minutes) * MINUTE_MS
    return -offset if zone[0] == "-" else offset


def from_epoch(value: Any) -> int | None:
    """Read time since 1970 as a number or a decimal string; None when negative, beyond 64 bits or no number.

    Seconds, milliseconds, microseconds and nanoseconds are told apart by magnitude.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _epoch_text(value)
    if isinstance(value, float):
        return _epoch_float(value)
    return _epoch_int(value) if isinstance(value, int) else None


def _epoch_int(value: int) -> int | None:
    if not 0 <= value <= INT64_MAX:
        return None
    if value < SECONDS_BELOW:
        return value * 1000
    if value < MS_BELOW:
        return value
    return value // 1000 if value < US_BELOW else value // 1_000_000


def _epoch_float(value: float) -> int | None:
    if not 0 <= value <= INT64_MAX:  # also refuses NaN
        return None
    # A double keeps microseconds of this century but not exactly: settle those before cutting off what is below 1 ms.
    return round(value * 1e6) // 1000 if value < SECONDS_BELOW else _epoch_int(int(value))


def _epoch_text(value: str) -> int | None:
    whole, _, fraction = value.partition(".")
    if len(value) > EPOCH_CHARS or not _is_digits(whole) or not _is_digits(fraction or "0"):
        return None
    number = int(whole)
    return number * 1000 + int(fraction[:3].ljust(3, "0")) if number < SECONDS_BELOW else _epoch_int(number)


def _is_digits(value: str) -> bool:
    return value.isascii() and value.isdigit()


def from_filetime(value: int) -> int | None:
    """Read a FILETIME (100 ns since 1601); None when it is before 1970 or after 2100."""
    return (value - FILETIME_1970) // TICKS_PER_MS if FILETIME_1970 <= value <= FILETIME_2100 else None


def from_any(value: Any) -> int | None:
    """Read any of the forms above, and .NET's `/Date(ms)/`; None for everything else.

    A number in the range of FILETIMEs from 1970 to 2100 is one: as nanoseconds it would be a time in 1973 to 1974.
    """
    if isinstance(value, str):
        return from_rfc3339(value) if value[4:5] == "-" else _from_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        ms = from_filetime(value)
        return _epoch_int(value) if ms is None else ms
    return from_epoch(value)


def _from_text(value: str) -> int | None:
    if len(value) > EPOCH_CHARS:
        return None
    if _is_digits(value):
        return from_any(int(value))
    dot_net = _DOT_NET.fullmatch(value)
    return _epoch_int(int(dot_net[1])) if dot_net else _epoch_text(value)

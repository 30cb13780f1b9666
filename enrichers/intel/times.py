"""Times as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

DAY_MS: Final = 86_400_000
_SECONDS_BELOW: Final = 100_000_000_000  # a larger number is one of milliseconds
_LATEST_MS: Final = 253_402_300_799_999  # the year 9999
_DIGITS: Final = 17


def time_ms(value: object) -> int | None:
    """Return a time in ms, None for what is none: ISO 8601 (UTC where no zone is said), or seconds or ms since 1970."""
    if isinstance(value, str):
        text = value.strip().removesuffix(" UTC")
        if text.isdecimal() and len(text) <= _DIGITS:
            return _number_ms(int(text))
        return _iso_ms(text)
    return _number_ms(value) if type(value) is int else None


def _number_ms(value: int) -> int | None:
    found = value * 1000 if value < _SECONDS_BELOW else value
    return found if 0 <= found <= _LATEST_MS else None


def _iso_ms(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return max(0, int(found.timestamp() * 1000))
    except (OverflowError, ValueError):
        return None

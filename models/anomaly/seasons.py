"""Hours of the week, and small tables of what is known of each of them.

Hours are counted from 1970-01-01 00:00 UTC. An entity's own zone shows in its hours: nothing here knows zones.
A table is bytes, WIDTH for every slot that was ever seen, sorted by slot: how often, and one number.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

DAY_HOURS: Final = 24
WEEK_DAYS: Final = 7
WEEKEND: Final = 5  # its first day: Saturday
SLOTS: Final = 2 * DAY_HOURS  # hour of a working day, hour of the weekend
WIDTH: Final = 3
MAX_SEEN: Final = 15  # four bits
NUMBER_BITS: Final = 12
ZERO: Final = 1 << (NUMBER_BITS - 1)  # how 0 is written, so that numbers may be less
MASK: Final = (1 << NUMBER_BITS) - 1
_SINCE_MONDAY: Final = 3 * DAY_HOURS  # 1970-01-01 was a Thursday


def day_of_week(hour: int) -> int:
    """Return the day of the week of an hour: Monday is 0."""
    return (hour + _SINCE_MONDAY) // DAY_HOURS % WEEK_DAYS


def is_weekend(hour: int) -> bool:
    """Tell whether an hour is of a Saturday or Sunday, UTC."""
    return (hour + _SINCE_MONDAY) % (WEEK_DAYS * DAY_HOURS) >= WEEKEND * DAY_HOURS


def slot_of(hour: int) -> int:
    """Return the slot of an hour: hour of day, plus DAY_HOURS at the weekend."""
    return hour % DAY_HOURS + (DAY_HOURS if is_weekend(hour) else 0)


def place_of(table: bytes, slot: int) -> int:
    """Return where the row of a slot stands, less than 0 when it was never seen."""
    return table[::WIDTH].find(slot) * WIDTH


def row_at(table: bytes, at: int) -> tuple[int, int]:
    """Return how often the slot of a place was seen, and its number; never and 0 when there is no such row."""
    if at < 0 or at + WIDTH > len(table):
        return 0, 0
    packed = table[at + 1] << 8 | table[at + 2]
    return packed >> NUMBER_BITS, (packed & MASK) - ZERO


def look_up(table: bytes, slot: int) -> tuple[int, int]:
    """Return how often a slot was seen, and its number; never and 0 when there is no such row."""
    return row_at(table, place_of(table, slot))


def put(table: bytes, at: int, slot: int, seen: int, number: int) -> bytes:
    """Return the table with the row of a slot put where `place_of` says, its numbers held within what it can keep."""
    seen = seen if 0 <= seen <= MAX_SEEN else min(max(seen, 0), MAX_SEEN)
    number = number if -ZERO <= number < ZERO else min(max(number, -ZERO), ZERO - 1)
    row = (slot << 16 | seen << NUMBER_BITS | number + ZERO).to_bytes(WIDTH, "big")
    if at >= 0:
        return table[:at] + row + table[at + WIDTH :]
    at = bisect_left(table[::WIDTH], slot) * WIDTH
    return table[:at] + row + table[at:]

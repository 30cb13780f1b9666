"""Values that are new or rare for one entity: applications, countries, images, destinations.

Counted are the days on which a value was seen, not how often, so that one busy day teaches no more than one day can.
How strange a new value is depends on how often this entity shows new ones: the share of what was seen only once
estimates the probability of what was never seen (Good, The population frequencies of species and the estimation of
population parameters, Biometrika 40, 1953). Who uses another application every day is not strange when he uses another.

A state keeps at most `most` values, by 32 bits of a hash. When there are more, the value goes that was seen on the
fewest days, the longest ago first; values that were seen once and went are counted, so that forgetting does not make an
entity look steadier than it is. All counts are halved every PERIOD_DAYS: what was seen once is forgotten in the third.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly.base import HOUR_MS, Finding, Natural, Reason, score_of
from models.sketch import hash64

NAME: Final = "rarity"
DAY_MS: Final = 24 * HOUR_MS
MAX_DAY: Final = 2**24
PERIOD_DAYS: Final = 30
WIDTH: Final = 6  # bytes of a value: 4 of its hash, its count, the last byte of its day
ONCE: Final = 4  # what a day adds to a count, so that it is halved twice before it is gone
MAX_COUNT: Final = 255
MASK: Final = 2**32 - 1  # of a name
MAX_VALUES: Final = 512
Day = Annotated[int, Meta(ge=0, le=MAX_DAY)]


@dataclass(frozen=True, slots=True)
class RarityConfig:
    """How values are remembered.

    Attributes:
        most: Values that are kept, at most MAX_VALUES.
        warmup_days: Days from the first value until new ones have a score.
    """

    most: int = 48
    warmup_days: int = 7


VALUES: Final = RarityConfig()


class Values(Struct, frozen=True, array_like=True, gc=False, tag=12):
    """The values of one feature that an entity has shown.

    Attributes:
        since: First day learned; 0 when none was.
        day: Last day learned.
        gone: Values seen once that went for want of room, in 1/ONCE.
        rows: WIDTH bytes for every value.
    """

    since: Day = 0
    day: Day = 0
    gone: Natural = 0
    rows: Annotated[bytes, Meta(max_length=WIDTH * MAX_VALUES)] = b""


class Sighting(NamedTuple):
    """What a value was to the state that learned it.

    Attributes:
        first: Whether it was new: never seen, or forgotten.
        renewed: Whether it was not yet seen in this period; only then are the peers told of it.
    """

    first: bool
    renewed: bool


NEW: Final = Sighting(first=True, renewed=True)
KNOWN: Final = Sighting(first=False, renewed=False)


def day_of(time: int) -> int:
    """Return the day of an event time (ms), held within what a state can keep."""
    return min(max(time // DAY_MS, 0), MAX_DAY)


def name_of(value: str) -> int:
    """Return the 32 bits by which a value is known."""
    return hash64(value) & MASK


def days_seen(state: Values, name: int, day: int) -> float:
    """Return on how many days a value was seen, as far as it is still remembered."""
    at = _place(_halved(state, day).rows, name)
    return state.rows[at + 4] / ONCE if at >= 0 else 0.0


def score(state: Values, name: int, day: int, config: RarityConfig = VALUES) -> float:
    """Score a value of a day before it is learned.

    The probability is that of all values which are as rare as this one, and of what was never seen. Of an entity in its
    first days it is 1: its peers may know better.

    Args:
        state: What the entity has shown.
        name: The value, by `name_of`.
        day: Of the event, by `day_of`.
        config: As it was learned with.
    """
    if not state.rows or day - state.since < config.warmup_days:
        return 0.0
    current = _halved(state, day)
    at = _place(current.rows, name)
    return score_of(_probability(current, current.rows[at + 4] if at >= 0 else 0))


def finding(state: Values, name: int, value: str, day: int, config: RarityConfig = VALUES) -> Finding:
    """Put the score of a value into words; arguments as of `score`, and the value as it reads."""
    current = _halved(state, day)
    counts = current.rows[4::WIDTH]
    days = days_seen(state, name, day)
    unseen = _probability(current, 0)
    return Finding(
        model=NAME,
        score=score(state, name, day, config),
        expected=f"one of {len(counts)} known values; a new one in {unseen:.1%} of uses",
        seen=f"{value}: " + (f"seen on {days:.3g} days before" if days else "never seen before"),
        since=state.since * DAY_MS,
        learned=sum(counts) // ONCE,
        because=(Reason("first seen" if not days else "rare", 1.0),),
    )


def learn(state: Values, name: int, day: int, config: RarityConfig = VALUES) -> tuple[Values, Sighting]:
    """Learn that a value was seen on a day; the same day again changes nothing."""
    day = day if day == state.day else max(min(max(day, 0), MAX_DAY), state.day)
    current = state if day == state.day else _halved(state, day)
    at = _place(current.rows, name)
    if at >= 0 and current is state and current.rows[at + 5] == day % 256:
        return state, KNOWN
    since = state.since if state.rows else day
    if at < 0:
        rows, gone = _with_room(current, day, config)
        return Values(since, day, gone, rows + _row(name, ONCE, day)), NEW
    count, last = current.rows[at + 4], day - (day - current.rows[at + 5]) % 256
    if last == day:
        return Values(since, day, current.gone, current.rows), KNOWN
    rows = current.rows[:at] + _row(name, min(count + ONCE, MAX_COUNT), day) + current.rows[at + WIDTH :]
    renewed = last // PERIOD_DAYS < day // PERIOD_DAYS
    return Values(since, day, current.gone, rows), Sighting(first=False, renewed=renewed)


def _probability(state: Values, count: int) -> float:
    """Return the probability of a use of a value of at most this count, or of one never seen."""
    counts = state.rows[4::WIDTH]
    total = sum(counts)
    once = sum(one for one in counts if one <= ONCE) + state.gone
    rarer = sum(one for one in counts if one <= count) if count else 0
    return min(1.0, (once + rarer + ONCE / 2) / (total + state.gone + ONCE))


def _halved(state: Values, day: int) -> Values:
    """Return the state of a later day: counts halved for every period that has begun since."""
    periods = day // PERIOD_DAYS - state.day // PERIOD_DAYS
    if periods <= 0 or not state.rows:
        return state
    shift = min(periods, 16)
    rows = b"".join(_row(name, count >> shift, last) for name, count, last in _rows(state.rows) if count >> shift)
    return Values(state.since, day, state.gone >> shift, rows)


def _with_room(state: Values, day: int, config: RarityConfig) -> tuple[bytes, int]:
    """Return the rows with room for one more, and the count of values seen once that had to go."""
    most = min(config.most, MAX_VALUES)
    if len(state.rows) < most * WIDTH:
        return state.rows, state.gone
    kept = sorted(_rows(state.rows), key=lambda row: (row[1], -((day - row[2]) % 256), row[0]))
    lost = kept[: len(kept) - most + 1]
    rows = b"".join(_row(*row) for row in kept[len(lost) :])
    return rows, state.gone + sum(count for _, count, _ in lost if count <= ONCE)


def _place(rows: bytes, name: int) -> int:
    """Return where the row of a value begins, -1 when there is none."""
    wanted = (name & MASK).to_bytes(4, "big")
    at = rows.find(wanted)
    while at >= 0 and (at % WIDTH or at + WIDTH > len(rows)):
        at = rows.find(wanted, at + 1)
    return at


def _row(name: int, count: int, day: int) -> bytes:
    return (name & MASK).to_bytes(4, "big") + bytes((count, day % 256))


def _rows(rows: bytes) -> Iterator[tuple[int, int, int]]:
    for at in range(0, len(rows) - WIDTH + 1, WIDTH):
        yield int.from_bytes(rows[at : at + 4], "big"), rows[at + 4], rows[at + 5]

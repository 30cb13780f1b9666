"""Values that are rare among peers: how many members of a group have shown a value, whoever they are.

Of every value the members are counted by linear counting (Whang, Vander-Zanden and Taylor, A linear-time probabilistic
counting algorithm for database applications, ACM TODS 15, 1990): a member sets one bit of 64, however often it tells,
so that nobody makes a value common alone, and no order and no repetition changes a count. The values with the most
members are kept one by one, all others in a sketch: two rows of sets of eight bits, as counters stand in Cormode and
Muthukrishnan, The count-min sketch, Journal of Algorithms 55, 2005. It is made for telling a few members from none.

How strange it is that a member shows a value is judged by what the group is like: of all values that members showed for
the first time, which share was known to as few others? In a group where everybody has an address of his own, one that
nobody knows is no news.

Members tell of a value once in a period (`rarity.PERIOD_DAYS`); a value counts while it was told in this period or in
the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from struct import Struct as Form
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly.base import MAX_SCORE, Finding, Natural, Reason, score_of
from models.anomaly.rarity import DAY_MS, MASK, MAX_DAY, PERIOD_DAYS, Day
from models.fields import LARGEST

NAME: Final = "peers"
BITS: Final = 64
_FORM: Final = Form(">IQQ")  # a value: its name, its members of this period, those of the last
ROW: Final = _FORM.size
CELLS: Final = 256  # of each row of the sketch
SKETCH: Final = 2 * CELLS
MAX_VALUES: Final = 256
CLASSES: Final = 8  # of known members: 0, 1, 2-3, 4-7, ... 64 and more
MAX_TOLD: Final = 2**40


@dataclass(frozen=True, slots=True)
class PeersConfig:
    """How a group's values are remembered.

    Attributes:
        most: Values that are kept one by one, at most MAX_VALUES.
        warmup_days: Days from the first report until values have a score.
        enough: Reports without which nothing is judged.
    """

    most: int = 64
    warmup_days: int = 7
    enough: int = 20


GROUP: Final = PeersConfig()


class PeerValues(Struct, frozen=True, array_like=True, tag=15):
    """The values of one feature among the members of a group.

    Attributes:
        since: First day learned.
        day: Last day learned.
        learned: Reports so far.
        told: First uses since the group is warm, by the class of how many members the value had then; halved every
            period.
        rows: ROW bytes for every value that is kept.
        sketch: The bit sets of all others in this period, and in the last: SKETCH bytes each, or none.
    """

    since: Day = 0
    day: Day = 0
    learned: Natural = 0
    told: Annotated[tuple[Annotated[int, Meta(ge=0, le=MAX_TOLD)], ...], Meta(max_length=CLASSES)] = ()
    rows: Annotated[bytes, Meta(max_length=ROW * MAX_VALUES)] = b""
    sketch: Annotated[bytes, Meta(max_length=2 * SKETCH)] = b""


class Watched(Struct, frozen=True, array_like=True, tag=21):
    """For how long a group's members have been watched: what first uses are compared with.

    Attributes:
        since: Day of the first hour.
        day: Of the last one.
        hours: Hours of members with anything in them since the group is warm; halved every period, as first uses are.
        bits: The members of this period, one bit of BITS each, and after them those of the last.
    """

    since: Day = 0
    day: Day = 0
    hours: Natural = 0
    bits: Annotated[bytes, Meta(max_length=2 * BITS // 8)] = b""

    def at(self, day: int) -> Watched:
        """Return this as it is on a later day."""
        periods = day // PERIOD_DAYS - self.day // PERIOD_DAYS
        if periods <= 0:
            return self
        last = self.bits[: BITS // 8] if periods == 1 else b""
        return Watched(self.since, day, self.hours >> min(periods, 64), bytes(BITS // 8) + last)

    def is_warm(self, day: int, config: PeersConfig) -> bool:
        """Tell whether members have been watched for long enough on a day for first uses to be counted."""
        return bool(self.day) and day - self.since >= config.warmup_days

    @property
    def members(self) -> int:
        """Return how many members there are; about as many, once they are many."""
        now, before = (int.from_bytes(self.bits[at : at + BITS // 8], "big") for at in (0, BITS // 8))
        return _counted(now | before)


class _Value(NamedTuple):
    name: int
    now: int
    before: int


def members(state: PeerValues, name: int, day: int) -> int:
    """Return how many members have shown a value lately; about as many, once they are many."""
    current = _turned(state, day)
    found = _kept(current.rows, name) or _sketched(current.sketch, name)
    return max(_counted(found.now), _counted(found.before))


def watch(state: Watched, member: int, day: int, config: PeersConfig = GROUP) -> Watched:
    """Return what is known of how long members were watched after one more hour of one of them.

    Args:
        state: What is known.
        member: A hash of the member's key, at least 64 bits of it.
        day: Of the hour; one of an earlier day counts as of the last.
        config: How values are remembered.
    """
    day, since = max(min(day, MAX_DAY), state.day), state.since if state.day else day
    current, width = state.at(day), BITS // 8
    now = int.from_bytes(current.bits[:width], "big") | 1 << member % BITS
    hours = current.hours + (day - since >= config.warmup_days)
    return Watched(since, day, hours, now.to_bytes(width, "big") + current.bits[width:])


def score(state: PeerValues, name: int, day: int, group: Watched, config: PeersConfig = GROUP) -> float:
    """Score it that a member shows a value for the first time, before it is learned.

    Args:
        state: What the group has shown.
        name: The value, by `rarity.name_of`.
        day: Of the report, by `rarity.day_of`.
        group: For how long members have been watched, and how many they are.
        config: As it was learned with.
    """
    known, watched = members(state, name, day), group.at(day)
    if watched.hours < config.enough:
        return 0.0
    rarer = sum(_turned(state, day).told[: _class(known) + 1])
    strangers = max(0.0, 1 - known / max(watched.members, 1))
    return strangers * score_of((rarer + 0.5) / (watched.hours + 0.5))


def finding(state: PeerValues, name: int, value: str, day: int, group: Watched, config: PeersConfig = GROUP) -> Finding:
    """Put the score of a value into words; arguments as of `score`, and the value as it reads."""
    known, current = members(state, name, day), _turned(state, day)
    rarer, hours = sum(current.told[: _class(known) + 1]), group.at(day).hours
    return Finding(
        model=NAME,
        score=score(state, name, day, group, config),
        expected=f"values that peers know; one known to as few came {rarer} times in {hours:,} hours of members",
        seen=f"{value}: shown by {known or 'none'} of the peers lately",
        since=state.since * DAY_MS,
        learned=current.learned,
        because=(Reason("rare among peers", 1.0),),
        by_peers=True,
    )


def together(own: float, theirs: float) -> float:
    """Return the score of a value that is `own` to an entity and `theirs` to its peers: what the peers know is no news.

    Peers that know a value take away what the entity's own score has; peers that do not, add theirs.
    """
    return min(MAX_SCORE, own * theirs / (1 + theirs) + theirs) if theirs > 0 else 0.0


def learn(
    state: PeerValues, name: int, member: int, day: int, config: PeersConfig = GROUP, *, is_warm: bool = True
) -> PeerValues:
    """Learn that a member shows a value.

    Args:
        state: What the group has shown.
        name: The value, by `rarity.name_of`.
        member: A hash of the member's key, at least 64 bits of it.
        day: Of the report; one of an earlier day counts as of the last.
        config: How values are remembered.
        is_warm: Whether the group is known for long enough for first uses to be counted.
    """
    day, name = max(min(day, MAX_DAY), state.day), name & MASK
    current = _turned(state, day)
    found = _kept(current.rows, name) or _sketched(current.sketch, name)
    bit, since = 1 << member % BITS, state.since if state.learned else day
    told = current.told
    if is_warm and not (found.now | found.before) & bit:
        told = _told(told, _class(max(_counted(found.now), _counted(found.before))))
    rows, lost = _put(current.rows, _Value(name, found.now | bit, found.before), config)
    sketch = _in_sketch(current.sketch, lost) if lost is not None else current.sketch
    return PeerValues(since, day, min(state.learned + 1, LARGEST), told, rows, sketch)


def _class(count: int) -> int:
    """Return the class of a number of members."""
    return min(count.bit_length(), CLASSES - 1)


def _told(told: tuple[int, ...], place: int) -> tuple[int, ...]:
    counts = list(told) + [0] * (CLASSES - len(told))
    counts[place] = min(counts[place] + 1, MAX_TOLD)
    return tuple(counts)


def _counted(bits: int) -> int:
    """Return how many set these bits, by linear counting."""
    empty = BITS - bits.bit_count()
    return round(BITS * log(BITS / max(empty, 0.5)))


def _turned(state: PeerValues, day: int) -> PeerValues:
    """Return the state of a later day: when a period begins, what was told in it counts as told in the last."""
    periods = day // PERIOD_DAYS - state.day // PERIOD_DAYS
    if periods <= 0:
        return state
    told = tuple(count >> min(periods, 64) for count in state.told)
    if periods > 1:
        return PeerValues(state.since, day, state.learned, told)
    rows = b"".join(_row(_Value(value.name, 0, value.now)) for value in _values(state.rows) if value.now)
    sketch = state.sketch[:SKETCH]
    return PeerValues(state.since, day, state.learned, told, rows, bytes(SKETCH) + sketch if any(sketch) else b"")


def _put(rows: bytes, value: _Value, config: PeersConfig) -> tuple[bytes, _Value | None]:
    """Return the rows with a value put in, and the value that had to go for it: the one with the fewest members."""
    at = _place(rows, value.name)
    if at >= 0:
        return rows[:at] + _row(value) + rows[at + ROW :], None
    if len(rows) < min(config.most, MAX_VALUES) * ROW:
        return rows + _row(value), None
    least = min((*_values(rows), value), key=lambda one: ((one.now | one.before).bit_count(), one.name))
    if least is value:
        return rows, value
    at = _place(rows, least.name)
    return rows[:at] + rows[at + ROW :] + _row(value), least


def _place(rows: bytes, name: int) -> int:
    """Return where the row of a value begins, -1 when there is none."""
    wanted = name.to_bytes(4, "big")
    at = rows.find(wanted)
    while at >= 0 and (at % ROW or at + ROW > len(rows)):
        at = rows.find(wanted, at + 1)
    return at


def _kept(rows: bytes, name: int) -> _Value | None:
    at = _place(rows, name & MASK)
    return _value(rows, at) if at >= 0 else None


def _values(rows: bytes) -> Iterator[_Value]:
    whole = memoryview(rows)[: len(rows) // ROW * ROW]
    return (_Value(*one) for one in _FORM.iter_unpack(whole))


def _value(rows: bytes, at: int) -> _Value:
    return _Value(*_FORM.unpack_from(rows, at))


def _row(value: _Value) -> bytes:
    return _FORM.pack(*value)


def _cells(name: int) -> tuple[int, int]:
    """Return the places of a value in the two rows of a sketch."""
    return name % CELLS, CELLS + (name >> 16) % CELLS


def _sketched(sketch: bytes, name: int) -> _Value:
    """Return what a sketch says of a value: the bits that both of its cells have."""
    if len(sketch) < 2 * SKETCH:
        return _Value(name, 0, 0)
    one, two = _cells(name)
    return _Value(name, sketch[one] & sketch[two], sketch[SKETCH + one] & sketch[SKETCH + two])


def _in_sketch(sketch: bytes, value: _Value) -> bytes:
    found = bytearray(sketch if len(sketch) == 2 * SKETCH else 2 * SKETCH)
    for cell in _cells(value.name):
        found[cell] |= _folded(value.now)
        found[SKETCH + cell] |= _folded(value.before)
    return bytes(found)


def _folded(bits: int) -> int:
    """Return 64 bits folded into 8: bit n of them is set where a bit n modulo 8 was."""
    for half in (32, 16, 8):
        bits = (bits | bits >> half) & ((1 << half) - 1)
    return bits

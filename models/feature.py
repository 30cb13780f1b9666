"""What one entity did in one minute at one source, counted before anything is shuffled: a feature delta.

Deltas of the same entity, source and minute join (`join`) commutatively and associatively: however ingest cut its
batches, what they join to is the same. Numbers are whole, since sums of floats depend on their order.

Structures of msgspec, since millions of them are written and read; `encode` and `decode` are the form on the wire. The
garbage collector need not look at them: values that never change cannot hold each other in a ring.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from models.errors import InvalidRecord
from models.sketch import Distinct, hash64

MINUTE_MS: Final = 60_000
MAX_VALUES: Final = 16  # of one feature and minute that are kept by name
MAX_POINTS: Final = 16  # of one minute
MAX_AMOUNT: Final = 2**63 - 1  # a sum stays there: what hostile records add up to must still be written
MAX_TEXT: Final = 200  # characters of a value

Place = tuple[int, int, str, int, bool]
Key = TypeVar("Key")
Value = TypeVar("Value")


class Ref(Struct, frozen=True, array_like=True, gc=False):
    """Where the record behind an event can be fetched again: what `EventRef` holds, but for uid and source."""

    class_uid: int
    topic: str
    partition: int
    offset: int
    sha256: str


class Tally(Struct, frozen=True, array_like=True, order=True, gc=False):
    """How much of something there was, and the first event that shows it.

    Attributes:
        amount: How many, or the sum of what was counted (bytes, packets); not negative, MAX_AMOUNT at most.
        time: Event time of the first, ms.
        event: Its uid; the least where several share the time.
    """

    amount: int
    time: int
    event: str

    def plus(self, other: Tally) -> Tally:
        """Add another tally of the same thing."""
        amount = self.amount + other.amount
        first = self if (self.time, self.event) <= (other.time, other.event) else other
        return Tally(min(amount, MAX_AMOUNT), first.time, first.event)


class Peak(Struct, frozen=True, array_like=True, order=True, gc=False):
    """The largest value of a measure, and the event that has it; the least uid where several do.

    Attributes:
        value: The measure, whole: milli-bits of entropy, characters, milliseconds.
        time: Event time, ms.
        event: Uid of the event.
        text: What was measured, shortened: a command line, a name.
    """

    value: int
    time: int
    event: str
    text: str = ""

    def over(self, other: Peak) -> Peak:
        """Return the larger of two."""
        if self.value != other.value:
            return self if self.value > other.value else other
        return self if (self.time, self.event, self.text) <= (other.time, other.event, other.text) else other


class Point(Struct, frozen=True, array_like=True, order=True, gc=False):
    """Where an entity was seen from.

    Attributes:
        time: Event time, ms.
        event: Uid of the event.
        latitude: In 1/10,000 of a degree.
        longitude: In 1/10,000 of a degree.
        country: ISO 3166 code, or empty.
        asn: Number of the autonomous system, 0 when not known.
        relayed: Whether the address is of a VPN, Tor or a hosting network, and so says little of the place.
    """

    time: int
    event: str
    latitude: int
    longitude: int
    country: str = ""
    asn: int = 0
    relayed: bool = False

    @property
    def place(self) -> Place:
        """Return all of it but when it was seen."""
        return self.latitude, self.longitude, self.country, self.asn, self.relayed


class Delta(Struct, frozen=True, array_like=True, gc=False):
    """What one entity did in one minute at one source.

    Attributes:
        entity: Key of the entity, `user:alice@example.com`.
        source: Name of the source: each is late in its own way, so each has its own minutes.
        minute: Event time in whole minutes.
        peers: Peer group that the context names for the entity, or empty.
        counts: Tallies by name of the feature.
        values: Tallies by feature and value; of more than MAX_VALUES values of one feature and minute those are kept
            that come first by `rank`.
        distinct: How many different ones, by feature.
        peaks: Largest values by feature.
        points: Places, each as it was seen first, the earliest first; MAX_POINTS at most.
        events: The records behind the events that tallies, peaks and points name.
    """

    entity: str
    source: str
    minute: int
    peers: str = ""
    counts: dict[str, Tally] = {}
    values: dict[str, dict[str, Tally]] = {}
    distinct: dict[str, Distinct] = {}
    peaks: dict[str, Peak] = {}
    points: tuple[Point, ...] = ()
    events: dict[str, Ref] = {}

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what deltas that join have in common."""
        return self.entity, self.source, self.minute

    @property
    def start(self) -> int:
        """Return the first ms of its minute."""
        return self.minute * MINUTE_MS

    def joined(self, other: Delta) -> Delta:
        """Join another delta of the same entity, source and minute."""
        values = _joined(self.values, other.values, _joined_tallies)
        few = {name: bounded(tallies, self.minute) for name, tallies in values.items()}
        counts = _joined(self.counts, other.counts, Tally.plus)
        distinct = _joined(self.distinct, other.distinct, Distinct.joined)
        peaks = _joined(self.peaks, other.peaks, Peak.over)
        points = places((*self.points, *other.points)) if self.points or other.points else ()
        known = {**self.events, **other.events}
        events = {uid: known[uid] for uid in sorted(named(counts, few, peaks, points)) if uid in known}
        peers = max(self.peers, other.peers)
        return Delta(self.entity, self.source, self.minute, peers, counts, few, distinct, peaks, points, events)


def rank(value: str, minute: int) -> int:
    """Order the values of a feature by chance, the same in every batch and otherwise in every minute.

    So no name is always left out where there are many, and nobody can choose one that is.
    """
    return hash64(f"{minute} {value}")


def bounded(tallies: dict[str, Tally], minute: int) -> dict[str, Tally]:
    """Return the first MAX_VALUES by `rank`: the same object where there are no more."""
    if len(tallies) <= MAX_VALUES:
        return tallies
    return {value: tallies[value] for value in kept(tallies, minute)}


def kept(values: Collection[str], minute: int) -> Collection[str]:
    """Return the first MAX_VALUES by `rank`."""
    if len(values) <= MAX_VALUES:
        return values
    return sorted(values, key=lambda value: (rank(value, minute), value))[:MAX_VALUES]


def places(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return each place as it was seen first, the first MAX_POINTS of them: many sign-ins from one hide no other."""
    first: dict[Place, Point] = {}
    for point in sorted(points):
        first.setdefault(point.place, point)
    return tuple(first.values())[:MAX_POINTS]


def named(
    counts: Mapping[str, Tally],
    values: Mapping[str, Mapping[str, Tally]],
    peaks: Mapping[str, Peak],
    points: Iterable[Point],
) -> set[str]:
    """Return the uids of the events that these name."""
    found = {tally.event for tally in counts.values()}
    found.update(tally.event for tallies in values.values() for tally in tallies.values())
    found.update(peak.event for peak in peaks.values())
    found.update(point.event for point in points)
    return found


def join(deltas: Iterable[Delta]) -> dict[tuple[str, str, int], Delta]:
    """Join deltas by entity, source and minute."""
    found: dict[tuple[str, str, int], Delta] = {}
    for delta in deltas:
        known = found.get(delta.key)
        found[delta.key] = delta if known is None else known.joined(delta)
    return found


def encode(deltas: Iterable[Delta]) -> bytes:
    """Write deltas for the wire: MessagePack, equal deltas as equal bytes."""
    return _ENCODER.encode(list(deltas))


def encoded(delta: Delta) -> msgspec.Raw:
    """Write one delta, to be measured and put beside others by `encode_raw`."""
    return msgspec.Raw(_ENCODER.encode(delta))


def encode_raw(deltas: Sequence[msgspec.Raw]) -> bytes:
    """Write deltas that are written each as `encode` would."""
    return _ENCODER.encode(deltas)


def decode(data: bytes) -> list[Delta]:
    """Read what `encode` wrote; raise InvalidRecord naming what is of the wrong shape."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord(f"not feature deltas: {error}") from error


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(list[Delta])


def _joined(
    one: Mapping[Key, Value], two: Mapping[Key, Value], join_two: Callable[[Value, Value], Value]
) -> dict[Key, Value]:
    found = dict(one)
    for key, value in two.items():
        found[key] = join_two(found[key], value) if key in found else value
    return found


def _joined_tallies(one: dict[str, Tally], two: dict[str, Tally]) -> dict[str, Tally]:
    return _joined(one, two, Tally.plus)

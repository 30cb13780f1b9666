"""One entity's minute while it is counted: changes with every event, and becomes a delta."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from models import feature
from models.event import Event
from models.feature import MAX_AMOUNT, MAX_POINTS, MAX_VALUES, Delta, Peak, Place, Point, Ref, Tally
from models.sketch import Seen, hash64
from streams.features.texts import short

MAX_REFS: Final = 512
SPARE: Final = 4  # times as many values and places as stay are held before those that go are dropped

_hash = lru_cache(65_536)(hash64)


class _Sum(Struct, gc=False):
    """A tally that grows. A structure, since most of them are made for a single event."""

    amount: int
    time: int
    event: str

    @property
    def tally(self) -> Tally:
        return Tally(min(self.amount, MAX_AMOUNT), self.time, self.event)


class Minute:
    """What an entity did in one minute at one source, so far.

    `turn` says of which event what follows is told. Whatever the order of the events, the delta is the same.
    """

    __slots__ = (
        *("_counts", "_event", "_minute", "_peaks", "_places", "_refs", "_seen", "_time", "_uid", "_values"),
        "peers",
    )

    def __init__(self, minute: int) -> None:
        self.peers = ""
        self._minute = minute
        self._event: Event
        self._time = 0
        self._uid = ""
        self._counts: dict[str, _Sum] = {}
        self._values: dict[str, dict[str, _Sum]] = {}
        self._seen: dict[str, Seen] = {}
        self._peaks: dict[str, Peak] = {}
        self._places: dict[Place, Point] = {}
        self._refs: dict[str, Ref] = {}

    def turn(self, event: Event) -> None:
        """Begin with an event."""
        self._event = event
        self._time = event.time
        self._uid = event.uid

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a count; `amount` is not negative."""
        known = self._counts.get(name)
        if known is not None:
            known.amount += amount
            if self._time <= known.time and amount:
                self._precede(known)
        elif amount:
            self._add(self._counts, name, amount)

    def value(self, name: str, text: str) -> None:
        """Note a value; an empty one is none."""
        if text and not self._is_held(name, text):
            self._keep(name, short(text))

    def distinct(self, name: str, text: str) -> None:
        """Note one of those whose number is told; an empty one is none."""
        if text:
            self._see(name, short(text))

    def kind(self, value: str, distinct: str, text: str) -> None:
        """Note a value both by name and as one of those whose number is told; an empty one is none."""
        if text and not self._is_held(value, text):  # one that is held was seen when it came
            text = short(text)
            self._see(distinct, text)
            self._keep(value, text)

    def peak(self, name: str, value: int, text: str) -> None:
        """Note a measure of a text."""
        known = self._peaks.get(name)
        if known is not None and value < known.value:
            return
        found = Peak(value, self._time, self._uid, short(text))
        if known is None or found.over(known) is found:
            self._peaks[name] = found
            self._cite()

    def point(self, latitude: int, longitude: int, country: str, asn: int, *, relayed: bool) -> None:
        """Note where it was seen from."""
        place = latitude, longitude, country, asn, relayed
        found = Point(self._time, self._uid, *place)
        known = self._places.get(place)
        if known is None or found < known:
            self._places[place] = found
            self._cite()
            if len(self._places) > SPARE * MAX_POINTS:
                self._places = {point.place: point for point in feature.places(self._places.values())}

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is known of it, so that its delta would join any other without a trace."""
        return not (self._counts or self._values or self._seen or self._peaks or self._places or self.peers)

    def delta(self, entity: str, source: str) -> Delta:
        """Return what was counted."""
        counts = {name: known.tally for name, known in self._counts.items()}
        values = {
            name: {text: known[text].tally for text in feature.kept(known, self._minute)}
            for name, known in self._values.items()
        }
        distinct = {name: seen.distinct for name, seen in self._seen.items()}
        points = feature.places(self._places.values())
        refs = {uid: self._refs[uid] for uid in sorted(feature.named(counts, values, self._peaks, points))}
        return Delta(
            entity, source, self._minute, self.peers, counts, values, distinct, dict(self._peaks), points, refs
        )

    def _is_held(self, name: str, text: str) -> bool:
        """Count a value that is held as it is written; it is the rule that the same one comes again and again."""
        held = self._values.get(name)
        known = held.get(text) if held is not None else None
        if known is None:
            return False
        known.amount += 1
        if self._time <= known.time:
            self._precede(known)
        return True

    def _keep(self, name: str, text: str) -> None:
        known = self._values.get(name)
        if known is None:
            known = self._values[name] = {}
        self._add(known, text, 1)
        if len(known) > SPARE * MAX_VALUES:
            self._values[name] = {value: known[value] for value in feature.kept(known, self._minute)}

    def _see(self, name: str, text: str) -> None:
        known = self._seen.get(name)
        if known is None:
            known = self._seen[name] = Seen()
        known.add(_hash(text))

    def _add(self, tallies: dict[str, _Sum], name: str, amount: int) -> None:
        known = tallies.get(name)
        if known is None:
            tallies[name] = _Sum(amount, self._time, self._uid)
            self._cite()
            return
        known.amount += amount
        if self._time <= known.time:
            self._precede(known)

    def _precede(self, known: _Sum) -> None:
        """Name the event as the first of a tally where it is."""
        if (self._time, self._uid) < (known.time, known.event):
            known.time, known.event = self._time, self._uid
            self._cite()

    def _cite(self) -> None:
        """Remember where the record behind the event is; those that nothing names any more go when there are many."""
        if self._uid in self._refs:
            return
        event, at = self._event, self._event.at
        self._refs[self._uid] = Ref(event.class_uid, at.topic, at.partition, at.offset, event.sha256)
        if len(self._refs) > MAX_REFS:
            self._refs = self.delta("", "").events

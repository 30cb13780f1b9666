"""Watermarks: how far event time is known to have come, per source, and over all of them.

Each ingest worker says for every partition it reads how far that has come (a tick); the correlation side takes the
least of what it depends on. Three things are told apart:

- A partition without traffic, of a source that goes on elsewhere, holds nobody back: it was read to its end, so that
  nothing older than the usual delay can still come from it. It never takes its source beyond what records said.
- A source that fell silent is named. From then on it counts as having gone on as the broker's clock did, with the lag
  that it had, and is never waited for longer than all the others are. So what its absence decides is decided.
- A partition that is read with a backlog is not silent, however old its records are: it is waited for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from models.errors import InvalidRecord
from models.fields import take

MAX_AHEAD_MS: Final = 5 * 60_000  # an event time this far beyond the broker's clock moves no watermark
SILENCE_MS: Final = 15 * 60_000  # a partition unheard of for this long, by the broker's clock, holds nobody back
NOTHING_KNOWN: Final = 0
_NUMBERS: Final = ("partition", "watermark", "broker_time")
_SINCE: Final = ("said", "idle")  # members that ticks did not always have


@dataclass(frozen=True, slots=True)
class Tick:
    """How far one partition of one source has come.

    Attributes:
        source: Name of the source.
        partition: Partition of its raw topic.
        watermark: Event time (ms) before which no more is expected from there, by its records.
        broker_time: The broker's clock (ms) at its last record; 0 with a watermark of 0 when none was read yet.
        said: The clock (ms) of the worker that reads it, when that was said; 0 for that of the last record.
        idle: Where nothing was left to read then: event time (ms) before which nothing more can come from there unless
            it is late. 0 where there was more to read.
    """

    source: str
    partition: int
    watermark: int
    broker_time: int
    said: int = 0
    idle: int = 0

    @property
    def clock(self) -> int:
        """Return up to when (ms, the broker's clock) somebody is known to have read the partition."""
        return max(self.said, self.broker_time)

    @property
    def heard(self) -> bool:
        """Tell whether there ever was a record."""
        return self.watermark > 0 or self.broker_time > 0

    def after(self, known: Tick | None) -> Tick:
        """Take the tick before this one in; neither takes back what the other says."""
        if known is None:
            return self
        return Tick(
            self.source,
            self.partition,
            max(known.watermark, self.watermark),
            max(known.broker_time, self.broker_time),
            max(known.said, self.said),
            (self if self.clock >= known.clock else known).idle,
        )

    def to_json(self) -> dict[str, Any]:
        """Render for the wire."""
        always = {name: getattr(self, name) for name in ("source", *_NUMBERS)}
        return always | {name: value for name in _SINCE if (value := getattr(self, name))}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read from the wire; raise InvalidRecord when a member is missing or of the wrong type."""
        partition, watermark, broker_time = (take(value, name, int) for name in _NUMBERS)
        since = (take(value, name, int) if name in value else 0 for name in _SINCE)
        return cls(take(value, "source", str), partition, watermark, broker_time, *since)


def ticks_to_json(ticks: Collection[Tick]) -> dict[str, Any]:
    """Render the ticks of one record for the wire; one alone is the record."""
    rows = [tick.to_json() for tick in ticks]
    return rows[0] if len(rows) == 1 else {"ticks": rows}


def ticks_from_json(value: Any) -> tuple[Tick, ...]:
    """Read what `ticks_to_json` wrote; raise InvalidRecord when it is anything else."""
    rows = take(value, "ticks", list) if isinstance(value, dict) and "ticks" in value else []
    return tuple(Tick.from_json(row) for row in rows or [value])


def tick_after(
    known: Tick | None, source: str, delay_ms: int, partition: int, event_time: int, broker_time: int
) -> Tick:
    """Move the tick of one partition on by one event.

    Args:
        known: The tick so far, None for the first event.
        source: Name of the source.
        delay_ms: How late this source's records usually are.
        partition: Partition of its raw topic.
        event_time: Event time of the record, ms.
        broker_time: The broker's timestamp of the record, ms; 0 where there is none.
    """
    implausible = broker_time > 0 and event_time > broker_time + MAX_AHEAD_MS
    watermark = NOTHING_KNOWN if implausible else event_time - delay_ms
    if known is not None:
        watermark, broker_time = max(watermark, known.watermark), max(broker_time, known.broker_time)
    return Tick(source, partition, max(watermark, NOTHING_KNOWN), broker_time)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one source has come.

    Attributes:
        counted: Event time (ms) before which nothing more is waited for from it. Never goes back.
        own: Event time (ms) before which its own records said that nothing more comes. Never goes back.
        silent: Whether nothing came from it for longer than the limit, though nothing is left to read.
    """

    counted: int = NOTHING_KNOWN
    own: int = NOTHING_KNOWN
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Watermarks:
    """The ticks of all partitions of all sources, and what follows from them.

    Attributes:
        ticks: The last tick of each `source/partition`.
        effective: Event time (ms) before which nothing more is expected from any source that is not silent. Never goes
            back.
        sources: How far each source has come that was heard of.
    """

    ticks: Mapping[str, Tick] = field(default_factory=dict)
    effective: int = NOTHING_KNOWN
    sources: Mapping[str, Mark] = field(default_factory=dict)

    def observe(self, *said: Tick) -> Watermarks:
        """Take in ticks that were said together."""
        ticks = dict(self.ticks)
        for tick in said:
            name = f"{tick.source}/{tick.partition}"
            ticks[name] = tick.after(ticks.get(name))
        front = max((mark.counted for mark in self.sources.values()), default=NOTHING_KNOWN)
        awaited = {*self.sources, *(tick.source for tick in said if tick.watermark or not front)}
        # An empty partition need not be known, nor one that may hold records of a source nobody was told to wait for.
        known = {name: tick for name, tick in ticks.items() if tick.heard or (tick.source in awaited and not tick.idle)}
        return _settled(known, self.effective, self.sources, front)

    def of(self, sources: Collection[str]) -> int:
        """Return the event time (ms) before which nothing more is expected from these sources.

        That is the least over those of them that were ever heard of, and `effective` when none of them was. It never
        goes back as ticks are observed. Asks no partition: as many look-ups as there are sources.
        """
        return min((self.sources[name].counted for name in sources if name in self.sources), default=self.effective)

    def unheard(self, sources: Iterable[str], time: int) -> tuple[str, ...]:
        """Return which of these sources do not confirm an absence up to a time (ms), sorted.

        They were never heard of, or are silent, and their own records do not say that the time has passed.
        """
        known = self.sources
        return tuple(
            sorted({name for name in sources if name not in known or (known[name].silent and known[name].own <= time)})
        )

    @property
    def silent(self) -> tuple[str, ...]:
        """Return the sources that have fallen silent on every partition they were heard on."""
        return tuple(sorted(name for name, mark in self.sources.items() if mark.silent))

    def to_json(self) -> dict[str, Any]:
        """Render for storage."""
        return {
            "ticks": [tick.to_json() for tick in self.ticks.values()],
            "effective": self.effective,
            "sources": [[name, mark.counted, mark.own, mark.silent] for name, mark in self.sources.items()],
        }

    @classmethod
    def from_json(cls, value: Any) -> Watermarks:
        """Read from storage; raise InvalidRecord when it is not what `to_json` wrote, now or before it knew sources."""
        rows = [Tick.from_json(row) for row in take(value, "ticks", list)]
        ticks = {f"{tick.source}/{tick.partition}": tick for tick in rows}
        effective = take(value, "effective", int)
        if "sources" not in value:
            return _settled(ticks, effective, {}, NOTHING_KNOWN)
        return cls(ticks, effective, dict(_mark_from_json(row) for row in take(value, "sources", list)))


def _mark_from_json(row: Any) -> tuple[str, Mark]:
    if not (isinstance(row, list) and [type(item) for item in row] == [str, int, int, bool]):
        raise InvalidRecord("sources: not a name, two times and whether it is silent")
    return row[0], Mark(*row[1:])


def _settled(ticks: Mapping[str, Tick], effective: int, before: Mapping[str, Mark], front: int) -> Watermarks:
    """Judge every source anew; `front` is the furthest that any of them counted so far."""
    limit = max((tick.clock for tick in ticks.values()), default=0) - SILENCE_MS
    new = Mark(counted=front)  # what was answered without a source is not taken back when it is first heard of
    judged = {name: _judged(parts, before.get(name, new), limit) for name, parts in _by_source(ticks).items()}
    waited_for = [mark.own for mark in judged.values() if not mark.silent] or [m.counted for m in judged.values()]
    effective = max(effective, min(waited_for, default=NOTHING_KNOWN))
    return Watermarks(ticks, effective, {name: _held_up(mark, effective) for name, mark in judged.items()})


def _by_source(ticks: Mapping[str, Tick]) -> dict[str, list[Tick]]:
    """Return the ticks of each source, without sources whose every record so far claims a time that cannot be."""
    found: dict[str, list[Tick]] = {}
    for tick in ticks.values():
        found.setdefault(tick.source, []).append(tick)
    return {name: parts for name, parts in found.items() if any(tick.watermark or not tick.heard for tick in parts)}


def _held_up(mark: Mark, effective: int) -> Mark:
    """Let a silent source hold others back no longer than all the rest do."""
    return Mark(max(mark.counted, effective), mark.own, mark.silent) if mark.silent else mark


def _judged(parts: list[Tick], before: Mark, limit: int) -> Mark:
    """Judge one source by its partitions; whoever was not read since `limit` (ms) is left out."""
    read = [tick for tick in parts if tick.clock >= limit]
    heard_at = max(tick.broker_time for tick in parts)
    silent = heard_at < limit and all(tick.idle for tick in read)
    own = max(before.own, _by_records(parts, read or parts))
    gone_on = min(tick.clock for tick in read) - heard_at if silent and read and own else 0
    return Mark(max(before.counted, own + gone_on), own, silent)


def _by_records(parts: list[Tick], read: list[Tick]) -> int:
    """Return how far a source has come by its records, where a partition without traffic follows the others."""
    front = max(tick.watermark for tick in parts)
    return min(front, *(max(tick.watermark, tick.idle) for tick in read))

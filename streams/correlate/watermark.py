"""Watermarks: how far event time is known to have come, per source, and over all of them.

Each ingest worker says for every partition it reads how far that source has come (a tick); the correlation side takes
the least of them. A source that fell silent stops holding the others back, and is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from models.fields import take

MAX_AHEAD_MS: Final = 5 * 60_000  # an event time this far beyond the broker's clock moves no watermark
SILENCE_MS: Final = 15 * 60_000  # a partition unheard of for this long, by the broker's clock, holds nobody back
NOTHING_KNOWN: Final = 0
_NUMBERS: Final = ("partition", "watermark", "broker_time")


@dataclass(frozen=True, slots=True)
class Tick:
    """How far one partition of one source has come.

    Attributes:
        source: Name of the source.
        partition: Partition of its raw topic.
        watermark: Event time (ms) before which no more is expected from there.
        broker_time: The broker's clock (ms) when that was said.
    """

    source: str
    partition: int
    watermark: int
    broker_time: int

    def to_json(self) -> dict[str, Any]:
        """Render for the wire."""
        return {
            "source": self.source,
            "partition": self.partition,
            "watermark": self.watermark,
            "broker_time": self.broker_time,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read from the wire; raise InvalidRecord when a member is missing or of the wrong type."""
        partition, watermark, broker_time = (take(value, name, int) for name in _NUMBERS)
        return cls(take(value, "source", str), partition, watermark, broker_time)


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
class Watermarks:
    """The ticks of all partitions of all sources, and the watermark over all of them.

    Attributes:
        ticks: The last tick of each `source/partition`.
        effective: Event time (ms) before which nothing more is expected from any source. Never goes back.
    """

    ticks: Mapping[str, Tick] = field(default_factory=dict)
    effective: int = NOTHING_KNOWN

    def observe(self, tick: Tick) -> Watermarks:
        """Take one tick in."""
        name = f"{tick.source}/{tick.partition}"
        known = self.ticks.get(name)
        if known is not None:
            later = max(known.watermark, tick.watermark), max(known.broker_time, tick.broker_time)
            tick = Tick(tick.source, tick.partition, *later)
        ticks = {**self.ticks, name: tick}
        latest = max(t.broker_time for t in ticks.values())
        active = [t.watermark for t in ticks.values() if t.broker_time >= latest - SILENCE_MS]
        return Watermarks(ticks, max(self.effective, min(active)))

    @property
    def silent(self) -> tuple[str, ...]:
        """Return the sources that have fallen silent on every partition they were heard on."""
        latest = max((t.broker_time for t in self.ticks.values()), default=0)
        heard = {t.source for t in self.ticks.values() if t.broker_time >= latest - SILENCE_MS}
        return tuple(sorted({t.source for t in self.ticks.values()} - heard))

    def to_json(self) -> dict[str, Any]:
        """Render for storage."""
        return {"ticks": [tick.to_json() for tick in self.ticks.values()], "effective": self.effective}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read from storage; raise InvalidRecord when it is not what `to_json` wrote."""
        ticks = [Tick.from_json(row) for row in take(value, "ticks", list)]
        return cls({f"{tick.source}/{tick.partition}": tick for tick in ticks}, take(value, "effective", int))

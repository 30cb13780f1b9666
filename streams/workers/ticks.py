"""What one ingest worker says of how far its partitions have come: when a tick is due, and what it says.

The clock is passed in. It bounds what records say of the broker's: a topic that keeps its producers' timestamps must
not let one of them move it. A partition that the worker has just been given is said to be unknown at first, since what
waits there may be old; then a tick follows what its records say, at most one a second. Where nothing comes, one in half
a minute says so, of partitions only that ever had a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from streams.correlate.watermark import Tick, tick_after

STEP_MS: Final = 1000  # a watermark that moved less is not worth a record on every partition
QUIET_MS: Final = 30_000  # between two ticks that say nothing but that the partition is being read
MOST_AT_ONCE: Final = 1000  # ticks in one record

Place = tuple[str, int]  # source and partition


@dataclass(slots=True)
class _Partition:
    """What is known of one partition, and what was said of it.

    Attributes:
        tick: How far it has come, by its records.
        delay_ms: How late its records usually are.
        at_end: Whether everything there was has been read.
        ever: Whether it ever had a record.
        came: When (ms) its last message came, 0 for none since it was assigned.
        told: The tick that was sent last, None for none since it was assigned.
    """

    tick: Tick
    delay_ms: int
    at_end: bool = False
    ever: bool = False
    came: int = 0
    told: Tick | None = None

    def is_due(self, now: int) -> bool:
        """Tell whether a tick would say something new, or that nothing is."""
        if self.told is None or self.tick.watermark - self.told.watermark >= STEP_MS:
            return True
        since = now - self.told.said
        if self.at_end and not self.told.idle:
            return since >= STEP_MS or not self.came
        return since >= QUIET_MS and (self.ever if self.at_end else self.came >= self.told.said)

    def tell(self, now: int) -> Tick:
        """Return the tick for now, and remember it."""
        idle = max(now - self.delay_ms, 1) if self.at_end else 0
        self.told = replace(self.tick, said=now, idle=idle)
        return self.told


class Ticks:
    """The partitions of one worker."""

    def __init__(self) -> None:
        """Begin without any."""
        self._partitions: dict[Place, _Partition] = {}

    def assigned(self, place: Place, delay_ms: int) -> None:
        """Begin to read a partition: nothing of it is known."""
        self._partitions[place] = _Partition(Tick(*place, 0, 0), delay_ms)

    def revoked(self, place: Place) -> None:
        """Let go of a partition."""
        self._partitions.pop(place, None)

    def came(self, place: Place, now: int) -> None:
        """Take note that a message came, whatever it holds."""
        known = self._partitions.get(place)
        if known is not None:
            known.came, known.at_end, known.ever = now, False, True

    def ended(self, place: Place, offset: int) -> None:
        """Take note that the partition was read to its end, which is at this offset."""
        known = self._partitions.get(place)
        if known is not None:
            known.at_end, known.ever = True, known.ever or offset > 0

    def observe(self, place: Place, event_time: int, broker_time: int, now: int) -> None:
        """Take in one event, with the broker's time of its record (ms), 0 where there is none."""
        known = self._partitions.get(place)
        if known is not None:
            at = min(broker_time, now) if broker_time > 0 else now
            known.tick = tick_after(known.tick, place[0], known.delay_ms, place[1], event_time, at)

    def any_due(self, now: int) -> bool:
        """Tell whether there is something to say."""
        return next(self._due(now), None) is not None

    def due(self, now: int) -> tuple[Tick, ...]:
        """Return what is to be said now; it counts as said. What exceeds one record is left for the next time."""
        due = [known for known, _ in zip(self._due(now), range(MOST_AT_ONCE), strict=False)]
        return tuple(known.tell(now) for known in due)

    def unsaid(self) -> None:
        """Say everything again: what was said went with a transaction that was aborted."""
        for known in self._partitions.values():
            known.told, known.at_end = None, False

    def _due(self, now: int) -> Iterator[_Partition]:
        return (known for known in self._partitions.values() if known.is_due(now))

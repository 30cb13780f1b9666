"""Lines that wait for others of their record, across messages, and still exactly once.

What is committed for a partition is the offset of the oldest line that waits. Lines behind it may be done already, as
parts of other records, so the commit's metadata says which of them wait: after a crash or a rebalance, whoever reads on
takes these and passes over the rest. A message of several lines is joined by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition

from models.records import RawRecord
from streams.sources.joining import Join, Joiner, joined

MAX_METADATA_CHARS: Final = 3500  # the broker refuses 4096
Place = tuple[str, int]  # topic and partition


@dataclass(frozen=True, slots=True)
class _Resume:
    """Where a partition was left: offsets below `next` are done, apart from those that waited."""

    next: int = 0
    waiting: frozenset[int] = frozenset()

    def is_done(self, offset: int) -> bool:
        return offset < self.next and offset not in self.waiting


@dataclass(slots=True)
class _Partition:
    joiner: Joiner
    heard: float


class Lines:
    """The waiting lines of all partitions of one worker."""

    def __init__(self, patience_s: float) -> None:
        """Prepare; a record that may go on is taken as it is after `patience_s` of silence."""
        self._patience_s = patience_s
        self._partitions: dict[Place, _Partition] = {}
        self._resumes: dict[Place, _Resume] = {}

    def take(self, place: Place, records: list[RawRecord], join: Join) -> Iterable[RawRecord]:
        """Take the lines of one message in; return the records that are whole now."""
        if len(records) != 1:
            return joined(records, join)
        resume = self._resumes.get(place)
        if resume is not None and resume.is_done(records[0].at.offset):
            return ()
        partition = self._partitions.setdefault(place, _Partition(Joiner(join), 0.0))
        partition.heard = time.monotonic()
        return partition.joiner.push(records[0])

    def silent(self) -> bool:
        """Tell whether lines wait that nothing came for in a long time."""
        return next(self._silent(), None) is not None

    def waited_for(self) -> Iterator[RawRecord]:
        """Yield the records that no further line came for, and those of partitions where too many lines wait."""
        for partition in [*self._silent(), *self._crowded()]:
            yield from partition.joiner.flush()

    def position(self, at: TopicPartition) -> TopicPartition:
        """Return what to commit for a position: that of the oldest line that waits, and which others wait."""
        partition = self._partitions.get((at.topic, at.partition))
        waiting = partition.joiner.waiting if partition else ()
        if not waiting:
            return at
        return TopicPartition(at.topic, at.partition, waiting[0], _rendered(at.offset, waiting))

    def resume(self, committed: Iterable[TopicPartition]) -> None:
        """Go on with partitions where the last commit left them, with nothing in memory."""
        for at in committed:
            place = at.topic, at.partition
            self.forget(place)
            self._resumes[place] = _parsed(at.metadata or "")

    def forget(self, place: Place) -> None:
        """Let go of a partition."""
        self._partitions.pop(place, None)
        self._resumes.pop(place, None)

    def _silent(self) -> Iterator[_Partition]:
        now = time.monotonic()
        return (
            partition
            for partition in self._partitions.values()
            if partition.joiner.waiting and now - partition.heard > self._patience_s
        )

    def _crowded(self) -> Iterator[_Partition]:
        return (p for p in self._partitions.values() if len(_rendered(0, p.joiner.waiting)) > MAX_METADATA_CHARS)


def _rendered(next_offset: int, waiting: tuple[int, ...]) -> str:
    """Write the next offset and those that wait, as distances from the first: `17:0,1,4`."""
    return (
        f"{next_offset}:"
        + ",".join(str(offset - waiting[0]) for offset in waiting)
        + (f"@{waiting[0]}" if waiting else "")
    )


def _parsed(metadata: str) -> _Resume:
    """Read what `_rendered` wrote; what is anything else (another program's, or none) means that nothing waited."""
    head, _, first = metadata.partition("@")
    next_offset, _, distances = head.partition(":")
    try:
        waiting = frozenset(int(first) + int(distance) for distance in distances.split(","))
        return _Resume(int(next_offset), waiting)
    except ValueError:
        return _Resume()

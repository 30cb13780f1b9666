"""Join the lines that make one record together: those of one serial number of Linux' audit daemon.

A group is whole when its last line says so, or when enough other lines have come since its last one. Nothing here
knows the time: the same lines in the same order always give the same records. A line that its shipper wrapped is taken
out first; then groups are those of one host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from models.records import RawRecord
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.envelopes import unwrap

MAX_LINES: Final = 512  # of one group: execve of a thousand arguments takes a few dozen
PATIENCE: Final = 64  # further lines after which nothing more is expected; several processors interleave a few groups

Join = Callable[[bytes], tuple[bytes, bool] | None]


@dataclass(slots=True)
class _Group:
    first: RawRecord
    lines: list[bytes]
    last: int  # number of the line that came last
    offsets: list[int] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class Joiner:
    """Gather the lines of one file, or of one partition.

    Attributes:
        join: The source's: names a line's group and tells whether the line ends it.
    """

    join: Join
    _open: dict[tuple[str, bytes], _Group] = field(default_factory=dict)
    _count: int = 0

    def push(self, record: RawRecord) -> Iterator[RawRecord]:
        """Take a line in; yield the records that are whole now."""
        self._count += 1
        yield from self._stale()
        named = self.join(record.raw)
        if named is not None:
            yield from self._add(record, *named)
            return
        inner = unwrap(record)
        if len(inner) == 1 and (named := self.join(inner[0].raw)) is not None:
            yield from self._add(inner[0], *named)
        elif any(self.join(line.raw) for line in inner):  # lines that came in one envelope are joined by themselves
            yield from joined(inner, self.join)
        else:
            yield record

    def _add(self, record: RawRecord, serial: bytes, is_last: bool) -> Iterator[RawRecord]:
        name = record.context.host, serial
        group = self._open.setdefault(name, _Group(record, [], self._count))
        group.lines.append(record.raw)
        group.offsets.append(record.at.offset)
        group.size += len(record.raw) + 1
        group.last = self._count
        if is_last or len(group.lines) >= MAX_LINES or group.size >= MAX_RECORD_BYTES:
            yield _joined(self._open.pop(name))

    def flush(self) -> Iterator[RawRecord]:
        """Yield what is still open: nothing more comes."""
        groups, self._open = self._open, {}
        yield from map(_joined, groups.values())

    @property
    def waiting(self) -> tuple[int, ...]:
        """Return the offsets of the lines that wait for others, in order."""
        return tuple(sorted(offset for group in self._open.values() for offset in group.offsets))

    def _stale(self) -> Iterator[RawRecord]:
        stale = [name for name, group in self._open.items() if self._count - group.last > PATIENCE]
        yield from (_joined(self._open.pop(name)) for name in stale)


def joined(records: Iterable[RawRecord], join: Join | None) -> Iterator[RawRecord]:
    """Join all lines of one message or file."""
    if join is None:
        yield from records
        return
    joiner = Joiner(join)
    for record in records:
        yield from joiner.push(record)
    yield from joiner.flush()


def _joined(group: _Group) -> RawRecord:
    return replace(group.first, raw=b"\n".join(group.lines)) if len(group.lines) > 1 else group.first

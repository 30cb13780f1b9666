"""Feature deltas of a whole replay, on disk: counted in any order, played minute by minute."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from itertools import groupby
from typing import IO, Final

from models.event import Event
from models.feature import Delta, decode, encode, join
from streams.features.folding import Counting

MOST_HELD: Final = 20_000  # minutes of entities, before what was counted goes to disk


class Deltas:
    """Count events. Keeps an index of what was counted in memory, and no more than MOST_HELD minutes of it."""

    def __init__(self) -> None:
        self._scratch: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`, lives as long as this
        self._counting = Counting()
        self._minutes = array("q")
        self._ends = array("q", [0])

    def add(self, event: Event) -> None:
        """Count one event."""
        self._counting.add(event)
        if len(self._counting) >= MOST_HELD:
            self._spill()

    def by_minute(self) -> Iterator[tuple[int, list[Delta]]]:
        """Yield what was counted, joined, by minute of event time; within one in order of entity and source."""
        self._spill()
        order = sorted(range(len(self._minutes)), key=self._minutes.__getitem__)
        for minute, places in groupby(order, key=self._minutes.__getitem__):
            found = join(delta for place in places for delta in self._read(place))
            yield minute, [found[key] for key in sorted(found)]

    def close(self) -> None:
        """Forget everything."""
        self._scratch.close()

    def _spill(self) -> None:
        deltas = sorted(self._counting.deltas(), key=lambda delta: delta.minute)
        for minute, some in groupby(deltas, key=lambda delta: delta.minute):
            self._minutes.append(minute)
            self._ends.append(self._ends[-1] + self._scratch.write(encode(some)))

    def _read(self, place: int) -> list[Delta]:
        start, end = self._ends[place], self._ends[place + 1]
        self._scratch.seek(start)
        found = decode(self._scratch.read(end - start))
        self._scratch.seek(0, 2)
        return found

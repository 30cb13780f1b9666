"""Which keys need a step because time has passed: heaps of deadlines, one for each set of sources waited for."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from streams.correlate.watermark import Watermarks

K = TypeVar("K", str, bytes)
SPARE: Final = 1024  # entries that may be out of date before a heap is made anew
Deadlines = Mapping[frozenset[str], int]


class Due(Generic[K]):
    """The deadlines of many keys. To put, to drop and to take one costs little, however many there are."""

    __slots__ = ("_deadlines", "_heaps")

    def __init__(self) -> None:
        self._deadlines: dict[K, Deadlines] = {}
        self._heaps: dict[frozenset[str], list[tuple[int, K]]] = {}

    def __len__(self) -> int:
        """Return how many keys have deadlines."""
        return len(self._deadlines)

    def put(self, key: K, deadlines: Deadlines) -> None:
        """Set the deadlines (ms) of a key, by the sources they wait for; what it had before no longer counts."""
        before = self._deadlines.get(key, {})
        self._deadlines[key] = deadlines
        for sources, time in deadlines.items():
            if before.get(sources) != time:
                heap = self._heaps.setdefault(sources, [])
                heapq.heappush(heap, (time, key))
                if len(heap) > 2 * len(self._deadlines) + SPARE:
                    self._heaps[sources] = self._current(sources)

    def drop(self, key: K) -> None:
        """Forget a key."""
        self._deadlines.pop(key, None)

    def _current(self, sources: frozenset[str]) -> list[tuple[int, K]]:
        """Return a heap without what no longer counts."""
        heap = [(held[sources], key) for key, held in self._deadlines.items() if sources in held]
        heapq.heapify(heap)
        return heap

    def take(self, marks: Watermarks) -> list[K]:
        """Return the keys whose deadlines have passed, the earliest first; the caller steps them and puts them anew."""
        found: dict[K, int] = {}
        for sources, heap in self._heaps.items():
            reached = marks.of(sources) if sources else marks.effective
            while heap and heap[0][0] <= reached:
                time, key = heapq.heappop(heap)
                if self._deadlines.get(key, {}).get(sources) == time:
                    found[key] = min(time, found.get(key, time))
        for key in found:
            self._deadlines[key] = {}  # put anew, whatever its deadlines are then
        return sorted(found, key=lambda key: (found[key], key))

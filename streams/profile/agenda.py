"""Which keys have something to close next, by the name under which it waits; in an order that no cut of input shows.

What waits under one name is closed in order of its end and key, however far a mark leaps at once. That is what makes
scores the same: whoever is compared with others was compared with the same ones before.
"""

from __future__ import annotations

import heapq
from typing import Final

SPARE: Final = 1024  # entries out of date that are borne before a heap is made anew


class Agenda:
    """The next ends of many keys."""

    __slots__ = ("_ends", "_heaps")

    def __init__(self) -> None:
        self._ends: dict[str, dict[bytes, int]] = {}
        self._heaps: dict[str, list[tuple[int, bytes]]] = {}

    @property
    def names(self) -> list[str]:
        """Return the names under which anything ever waited, sorted."""
        return sorted(self._heaps)

    def put(self, key: bytes, name: str, end: int | None) -> None:
        """Set the next end (ms) of a key under a name, None for none; what it had before no longer counts."""
        ends = self._ends.get(name)
        if ends is None:
            ends = self._ends[name] = {}
            self._heaps[name] = []
        if end is None:
            ends.pop(key, None)
        elif ends.get(key) != end:
            ends[key] = end
            heap = self._heaps[name]
            heapq.heappush(heap, (end, key))
            if len(heap) > 2 * len(ends) + SPARE:
                self._heaps[name] = sorted((at, held) for held, at in ends.items())

    def peek(self, name: str, mark: int) -> int | None:
        """Return the next end under a name that a mark (ms) has reached, None where there is none."""
        heap = self._heaps.get(name)
        if not heap or heap[0][0] > mark:
            return None
        ends = self._ends[name]
        while heap and heap[0][0] <= mark:
            end, key = heap[0]
            if ends.get(key) == end:
                return end
            heapq.heappop(heap)
        return None

    def take(self, name: str, end: int) -> list[bytes]:
        """Return the keys that have something to close at an end, in order; they wait for it no more."""
        heap, ends = self._heaps[name], self._ends[name]
        found: list[bytes] = []
        while heap and heap[0][0] == end:
            key = heapq.heappop(heap)[1]
            if ends.get(key) == end:
                del ends[key]
                found.append(key)
        return found

"""Which keys have something to close next, by the name under which it waits; in an order that no cut of input shows.

What waits under one name is closed in order of its end and key, however far a mark leaps at once. That is what makes
scores the same: whoever is compared with others was compared with the same ones before.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Final

SPARE: Final = 1024  # entries out of date that are borne before a heap is made anew


class Agenda:
    """The next ends of many keys."""

    __slots__ = ("_ends", "_heaps")

    def __init__(self) -> None:
        self._ends: dict[bytes, Mapping[str, int]] = {}
        self._heaps: dict[str, list[tuple[int, bytes]]] = {}

    def __len__(self) -> int:
        """Return how many keys wait for something."""
        return len(self._ends)

    @property
    def names(self) -> list[str]:
        """Return the names under which anything ever waited, sorted."""
        return sorted(self._heaps)

    def put(self, key: bytes, ends: Mapping[str, int]) -> None:
        """Set the next end (ms) of a key under each name; what it had before no longer counts."""
        before = self._ends.get(key, {})
        if ends:
            self._ends[key] = ends
        else:
            self._ends.pop(key, None)
        for name, end in ends.items():
            if before.get(name) != end:
                heap = self._heaps.setdefault(name, [])
                heapq.heappush(heap, (end, key))
                if len(heap) > 2 * len(self._ends) + SPARE:
                    self._heaps[name] = self._current(name)

    def is_due(self, name: str, mark: int) -> bool:
        """Tell whether there may be something under a name that a mark (ms) has reached."""
        heap = self._heaps.get(name)
        return heap is not None and len(heap) > 0 and heap[0][0] <= mark

    def peek(self, name: str, mark: int) -> int | None:
        """Return the next end under a name that a mark (ms) has reached, None where there is none."""
        heap = self._heaps.get(name, [])
        while heap and heap[0][0] <= mark:
            end, key = heap[0]
            if self._ends.get(key, {}).get(name) == end:
                return end
            heapq.heappop(heap)
        return None

    def pop(self, name: str, mark: int) -> tuple[int, bytes] | None:
        """Return the next end and key under a name that a mark (ms) has reached, None where there is none."""
        if self.peek(name, mark) is None:
            return None
        end, key = heapq.heappop(self._heaps[name])
        self._ends[key] = {other: at for other, at in self._ends[key].items() if other != name}
        return end, key

    def _current(self, name: str) -> list[tuple[int, bytes]]:
        heap = [(held[name], key) for key, held in self._ends.items() if name in held]
        heapq.heapify(heap)
        return heap

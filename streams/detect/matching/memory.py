"""One bound on everything that detection remembers of the values it has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

DEFAULT_BYTES: Final = 128 * 1024 * 1024


class Memory:
    """Count what caches hold, and empty all of them when it is too much.

    Emptying everything at once is as good as any finer order here: a cache fills again from the next few thousand
    events, and a stream of values that never repeat costs no bookkeeping on the ones that do.
    """

    __slots__ = ("_caches", "_limit_bytes", "emptied", "held_bytes")

    def __init__(self, limit_bytes: int = DEFAULT_BYTES) -> None:
        """Start empty; `held_bytes` is an estimate, `emptied` says how often everything was forgotten."""
        self._limit_bytes = limit_bytes
        self._caches: list[Callable[[], None]] = []
        self.held_bytes = 0
        self.emptied = 0

    def register(self, empty: Callable[[], None]) -> None:
        """Have a cache emptied with the others."""
        self._caches.append(empty)

    def hold(self, size_bytes: int) -> None:
        """Count something that was remembered."""
        self.held_bytes += size_bytes

    def relieve(self) -> None:
        """Empty everything when there is too much; called between events, never within one."""
        if self.held_bytes > self._limit_bytes:
            self.emptied += 1
            self.held_bytes = 0
            for empty in self._caches:
                empty()

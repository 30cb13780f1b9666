"""What waits to be investigated, and what may be next: the budget goes to the highest risk first.

Nothing is dropped. A sequence leaves only when its verdict is there, when a later revision takes its place, or when its
partition goes to another worker, who reads it again: its offset is not committed before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final

from models.finding import Sequence

HOUR_MS: Final = 3_600_000
MAX_LOOKED_AT: Final = 50  # of those that wait, each time: asking whether one is ready reads the lake
Position = tuple[int, int]  # partition and offset


@dataclass(frozen=True, slots=True)
class Waiting:
    """One escalated sequence that waits.

    Attributes:
        sequence: Its latest revision.
        since: When it came, ms on the worker's clock.
        position: Where its record stands.
    """

    sequence: Sequence
    since: int
    position: Position


@dataclass(slots=True)
class WaitingList:
    """Escalated sequences in order of risk, and a budget of investigations per hour.

    Attributes:
        per_hour: Most investigations in any hour; 0 for no limit.
    """

    per_hour: int
    _waiting: dict[str, Waiting] = field(default_factory=dict)
    _begun_on: dict[str, Waiting] = field(default_factory=dict)
    _begun: deque[int] = field(default_factory=deque)
    _read: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waiting)

    def read(self, position: Position) -> None:
        """Note that a record was read; it counts as done unless a sequence of it waits."""
        partition, offset = position
        self._read[partition] = max(self._read.get(partition, 0), offset + 1)

    def add(self, sequence: Sequence, now: int, position: Position) -> None:
        """Put a sequence in; an older revision of it makes room. It keeps the time since which it waits."""
        known = self._waiting.get(sequence.uid)
        since = known.since if known else now
        self._waiting[sequence.uid] = Waiting(sequence, since, position)

    def withdraw(self, sequence_uid: str) -> bool:
        """Take a sequence out that no longer stands; tell whether it was begun on: what comes of that is not wanted."""
        self._waiting.pop(sequence_uid, None)
        return self._begun_on.pop(sequence_uid, None) is not None

    def left(self, now: int) -> int | None:
        """Return how many investigations the budget still allows at `now` (ms), None when it has no limit."""
        while self._begun and self._begun[0] <= now - HOUR_MS:
            self._begun.popleft()
        return max(0, self.per_hour - len(self._begun)) if self.per_hour else None

    def next(self, now: int, is_ready: Callable[[Waiting], bool]) -> Waiting | None:
        """Take out the ready sequence of the highest risk and charge the budget; None when there is none.

        It is held until `done`. A later revision of it waits that long.
        """
        if self.left(now) == 0:
            return None
        free = (waiting for uid, waiting in self._waiting.items() if uid not in self._begun_on)
        order = nsmallest(MAX_LOOKED_AT, free, key=lambda w: (-w.sequence.risk, w.since, w.sequence.uid))
        chosen = next((waiting for waiting in order if is_ready(waiting)), None)
        if chosen is None:
            return None
        self._begun_on[chosen.sequence.uid] = self._waiting.pop(chosen.sequence.uid)
        self._begun.append(now)
        return chosen

    def done(self, sequence_uid: str) -> None:
        """Note that what came of a sequence is where it has to be."""
        self._begun_on.pop(sequence_uid, None)

    def forget(self, partitions: Iterable[int]) -> tuple[str, ...]:
        """Drop what stands on partitions that another worker has now; return the sequences that were begun on."""
        gone = set(partitions)
        self._waiting = {uid: w for uid, w in self._waiting.items() if w.position[0] not in gone}
        begun = tuple(uid for uid, w in self._begun_on.items() if w.position[0] in gone)
        for uid in begun:
            del self._begun_on[uid]
        for partition in gone:
            self._read.pop(partition, None)
        return begun

    def committable(self) -> dict[int, int]:
        """Return, by partition, the offset before which everything is done."""
        offsets = dict(self._read)
        for waiting in (*self._waiting.values(), *self._begun_on.values()):
            partition, offset = waiting.position
            offsets[partition] = min(offsets.get(partition, offset), offset)
        return offsets

"""Play signals and links through the correlation core in event time, all keys in memory."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from models.entity import EntityLink
from models.finding import Sequence, SequenceClosed, Signal
from streams.correlate.engine import NEVER, Correlator
from streams.correlate.outputs import Evicted, Forward, Item, Late, Output, Published
from streams.correlate.state import KeyState

END_OF_TIME: Final = NEVER
Timed = tuple[int, Signal | Forward | EntityLink]


@dataclass(slots=True)
class Timeline:
    """The correlation stage of a replay.

    Attributes:
        correlator: The pure core.
        standing: Sequences that stand, by uid, at their last revision.
        late: Signals behind the watermark.
        folded: Signals folded away to keep states within bounds.
        dropped_copies: Copies of signals that the bound on copies cut off.
        told_links: Links that one key told others of, by uid: derived ones, and those that turned out to be of shared
            things, so that no signal travels over them.
    """

    correlator: Correlator
    standing: dict[str, Sequence] = field(default_factory=dict)
    late: list[Late] = field(default_factory=list)
    folded: int = 0
    dropped_copies: int = 0
    told_links: dict[str, EntityLink] = field(default_factory=dict)
    _states: dict[str, KeyState] = field(default_factory=dict)
    _due: list[tuple[int, str]] = field(default_factory=list)

    def play(self, items: Iterable[Timed]) -> None:
        """Play items that come in order of time (ms), then let all time pass; a Forward knows its key, a signal not."""
        for time, item in items:
            self._pass_time(time)
            if isinstance(item, Forward):
                self._step(item.key, item.item, time)
                continue
            for key in self._keys(item):
                self._step(key, item, time)
        self._pass_time(END_OF_TIME)

    def _keys(self, item: Signal | EntityLink) -> tuple[str, ...]:
        if isinstance(item, EntityLink):
            return str(item.left), str(item.right)
        routes = self.correlator.router.routes(item)
        self.dropped_copies += routes.dropped
        return routes.keys

    def _pass_time(self, time: int) -> None:
        while self._due and self._due[0][0] <= time:
            deadline, key = heapq.heappop(self._due)
            state = self._states.get(key)
            if state is not None and self.correlator.deadline(key, state) == deadline:
                self._step(key, None, deadline)

    def _step(self, key: str, item: Item | None, time: int) -> None:
        waiting: deque[tuple[str, Item | None]] = deque([(key, item)])
        while waiting:
            at, what = waiting.popleft()
            before = self._states.get(at, KeyState())
            after, outputs = self.correlator.step(at, before, what, time)
            if after.empty:
                self._states.pop(at, None)
            elif after is not before:
                self._states[at] = after
                heapq.heappush(self._due, (self.correlator.deadline(at, after), at))
            waiting.extend((out.key, out.item) for out in outputs if isinstance(out, Forward))
            for out in outputs:
                self._take(out)

    def _take(self, out: Output) -> None:
        if isinstance(out, Published):
            self.standing[out.sequence.uid] = out.sequence
        elif isinstance(out, SequenceClosed):
            self.standing.pop(out.uid, None)
        elif isinstance(out, Forward) and isinstance(out.item, EntityLink):
            known = self.told_links.get(out.item.uid, out.item)
            self.told_links[out.item.uid] = min(known, out.item, key=lambda link: link.confidence)
        elif isinstance(out, Late):
            self.late.append(out)
        elif isinstance(out, Evicted):
            self.folded += out.count

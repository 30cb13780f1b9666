"""Drive the pure core the way a shell does: keys, links under both ends, forwards, and what stands in the end."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from random import Random

from models import ocsf
from models.entity import EntityLink
from models.finding import SequenceClosed, Signal, Withdrawn
from models.finding_ocsf import sequence_to_ocsf
from streams.correlate.engine import Correlator
from streams.correlate.outputs import Evicted, Forward, Late, Output, Published
from streams.correlate.state import KeyState, decode_state, encode_state

Item = Signal | EntityLink


def shown_at(item: Item) -> int:
    """Return the event time at which an item can be known: that of a signal, the end of a link."""
    return item.time if isinstance(item, Signal) else item.valid_to


def late_by(items: Iterable[Item], delay: int, chance: Random) -> Iterator[tuple[Item, int]]:
    """Yield items as they arrive, each up to `delay` (ms) behind, with the watermark as a shell moves it."""
    arriving, watermark = list(items), 0
    arrival = {uid: time + chance.randint(0, delay) for uid, time in {i.uid: shown_at(i) for i in arriving}.items()}
    for item in sorted(arriving, key=lambda one: arrival[one.uid]):
        watermark = max(watermark, arrival[item.uid] - delay)
        yield item, watermark


class Driver:
    """One correlator over all keys in memory; `crash` loses everything that is not in the encoded states."""

    def __init__(self, correlator: Correlator) -> None:
        self.correlator = correlator
        self.states: dict[str, KeyState] = defaultdict(KeyState)
        self.standing: dict[str, bytes] = {}
        self.late: list[Late] = []
        self.evicted = 0
        self.log: list[Output] = []

    def feed(self, items: Iterable[Item], watermark: int = 0) -> Driver:
        for item in items:
            for key in self._keys(item):
                self._step(key, item, watermark)
        return self

    def deliver(self, signal: Signal, key: str, watermark: int = 0) -> Driver:
        """Take one message of the topic: a signal, or a part of a flood, that goes to one key."""
        self._step(key, signal, watermark)
        return self

    def tick(self, watermark: int) -> Driver:
        for key in list(self.states):
            self._step(key, None, watermark)
        return self

    def pass_time(self, watermark: int) -> Driver:
        """Let time pass as a shell does that steps every key at its deadlines, in their order."""
        while due := min(((self.correlator.deadline(k, s), k) for k, s in self.states.items()), default=None):
            deadline, key = due
            if deadline > watermark:
                break
            self._step(key, None, deadline)
        return self.tick(watermark)

    def tick_key(self, key: str, watermark: int) -> Driver:
        self._step(key, None, watermark)
        return self

    def crash(self) -> Driver:
        self.states = defaultdict(KeyState, {k: decode_state(encode_state(s)) for k, s in self.states.items()})
        return self

    def _keys(self, item: Item) -> Iterable[str]:
        if isinstance(item, EntityLink):
            return str(item.left), str(item.right)
        return self.correlator.router.routes(item).keys

    def _step(self, key: str, item: Item | None, watermark: int) -> None:
        waiting: deque[tuple[str, Item | Withdrawn | None]] = deque([(key, item)])
        while waiting:
            at, what = waiting.popleft()
            self.states[at], outputs = self.correlator.step(at, self.states[at], what, watermark)
            waiting.extend((output.key, output.item) for output in outputs if isinstance(output, Forward))
            for output in outputs:
                self._take(output)

    def _take(self, output: Output) -> None:
        self.log.append(output)
        if isinstance(output, Published):
            self.standing[output.sequence.uid] = ocsf.encode(sequence_to_ocsf(output.sequence))
        elif isinstance(output, SequenceClosed):
            self.standing.pop(output.uid)
        elif isinstance(output, Late):
            self.late.append(output)
        elif isinstance(output, Evicted):
            self.evicted += output.count

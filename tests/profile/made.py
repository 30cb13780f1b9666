"""Deltas made for tests, and a cluster of partitions in memory that takes them as a topic would bring them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from models import ocsf
from models.feature import MINUTE_MS, Delta, Peak, Point, Ref, Tally
from models.finding import Signal
from models.finding_ocsf import signal_to_ocsf
from models.sketch import Distinct, hash64
from streams.correlate.watermark import Tick
from streams.features.folding import envelopes
from streams.profile import messages
from streams.profile.engine import Profiler
from streams.profile.messages import Deltas, Reports, Ticks
from streams.profile.outputs import Closed, Output, Raised, Told
from streams.profile.partition import OWN_KEYS, Partition
from streams.profile.settings import ProfileSettings
from streams.wire import Message, feature_messages, tick_messages

START = 1_790_000_000_000 // 3_600_000 * 3_600_000  # an hour's first ms
MINUTE = START // MINUTE_MS
HOUR = 60  # minutes
DAY = 24 * HOUR


def delta(
    entity: str,
    at: int,
    *,
    source: str = "okta",
    counts: dict[str, int] | None = None,
    values: dict[str, Iterable[str]] | None = None,
    distinct: dict[str, Iterable[str]] | None = None,
    peaks: dict[str, int] | None = None,
    point: tuple[int, int] | None = None,
    peers: str = "",
    name: str = "",
) -> Delta:
    """Make what an entity did in one minute, counted from START; `name` tells events apart."""
    time = START + at * MINUTE_MS
    event = f"{hash64(f'{entity} {source} {at} {name}'):016x}" * 2
    points = () if point is None else (Point(time, event, *point, "NO"),)
    return Delta(
        entity,
        source,
        MINUTE + at,
        peers,
        {feature: Tally(amount, time, event) for feature, amount in (counts or {}).items()},
        {feature: {value: Tally(1, time, event) for value in some} for feature, some in (values or {}).items()},
        {feature: Distinct.of(map(hash64, some)) for feature, some in (distinct or {}).items()},
        {feature: Peak(value, time, event) for feature, value in (peaks or {}).items()},
        points,
        {event: Ref(3002, f"raw.{source}", 0, at, "0" * 64)},
    )


def tick(source: str, at: int, now: int = 0) -> Tick:
    """Say that a source has come to a minute from START, when the clock stands at another."""
    time, clock = START + at * MINUTE_MS, START + max(at, now) * MINUTE_MS
    return Tick(source, 0, time, clock, clock)


class Cluster:
    """All partitions, the topic between them, and what each has written."""

    def __init__(self, settings: ProfileSettings, partitions: int = 2) -> None:
        self.profiler = Profiler(settings)
        self.number = partitions
        self.topic: list[list[Message]] = [[] for _ in range(partitions)]
        self.stored: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        self.read = [0] * partitions
        self.held = [self._opened(n) for n in range(partitions)]
        self.log: list[Output] = []
        self.signals: dict[str, bytes] = {}
        self.sink: list[Message] | None = None

    def _opened(self, n: int) -> Partition:
        keys = [key for key in self.stored[n] if not key.startswith(OWN_KEYS)]
        return Partition(self.profiler, n, self.number, self.stored[n], keys)

    def collect(self, into: list[Message]) -> None:
        """Have what is sent put into a list instead."""
        self.sink = into

    def send(self, found: Iterable[Message]) -> None:
        """Put messages onto the topic."""
        for message in found:
            if self.sink is not None:
                self.sink.append(message)
                continue
            self.topic[message.partition or 0].append(message)

    def deltas(self, some: Iterable[Delta]) -> None:
        """Send deltas in one batch."""
        self.send(feature_messages(envelopes(list(some), self.number), START))

    def ticks(self, *some: Tick) -> None:
        """Send ticks to all partitions."""
        self.send(tick_messages(some, self.number, "features"))

    def run(self, most: int = 10**9, chance: Random | None = None) -> Cluster:
        """Have the partitions read what there is, `most` records at a time, in any order among partitions."""
        while waiting := [n for n in range(self.number) if self.read[n] < len(self.topic[n])]:
            n = chance.choice(waiting) if chance else waiting[0]
            self._take(n, most, lambda _: True)
        return self

    def crash(self, n: int, most: int, written: int) -> None:
        """Kill the worker of a partition when it has sent what a bundle led to, and written so many changes of it."""
        left = [written]

        def is_written(_: bytes) -> bool:
            left[0] -= 1
            return left[0] >= 0

        self._take(n, most, is_written)

    def _take(self, n: int, most: int, is_written: Callable[[bytes], bool]) -> None:
        held, first = self.held[n], self.read[n]
        bundle = self.topic[n][first : first + most]
        for offset, message in enumerate(bundle, first):
            _give(held, message, offset)
        outputs = held.outputs()
        self.log += outputs
        for out in outputs:
            if isinstance(out, Raised):
                self._raised(out.signal)
        self.send(messages.report_messages([out.report for out in outputs if isinstance(out, Told)], self.number))
        for out in outputs:
            if isinstance(out, Closed):
                self.send(messages.closed_messages(out, self.number))
        for key, value in held.changes():
            if not is_written(key):
                self.held[n] = self._opened(n)  # dead: another reads the bundle again
                return
            if value is None:
                self.stored[n].pop(key, None)
            else:
                self.stored[n][key] = value
        self.read[n] += len(bundle)

    def _raised(self, signal: Signal) -> None:
        data = ocsf.encode(signal_to_ocsf(signal))
        assert self.signals.setdefault(signal.uid, data) == data, "told twice, and not the same"


def _give(held: Partition, message: Message, offset: int) -> None:
    item = messages.read(message.value or b"", message.headers)
    if isinstance(item, Deltas):
        held.take_deltas(item.deltas, offset, offset)
    elif isinstance(item, Reports):
        held.take_reports(item.reports)
    elif isinstance(item, Ticks):
        held.take_ticks(item.ticks)
    else:
        held.take_closed(item)


def of_type(outputs: Iterable[Output], kind: type) -> Iterator[Any]:
    """Yield the outputs of one kind."""
    return (out for out in outputs if isinstance(out, kind))

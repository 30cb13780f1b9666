"""What Braid and its peers correlate side by side: made signals of many hosts, in several orders of arrival.

A host has episodes, an hour and more apart: a pair in time, one that is too slow, one the wrong way round, one signal
alone, a handful within twenty minutes. Which of them hold a sequence, the naive oracle says. Before, in the middle of
and after all of them come pairs of hosts made for it, one for each partition: they tell when a worker is where.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Final

from models.entity import EntityKey
from models.finding import Analytic, Signal
from models.uids import content_uid
from streams.correlate.conditions import Threshold
from streams.correlate.spec import CorrelationSpec
from streams.correlate.watermark import Tick
from streams.topics import partition_for
from streams.wire import Message, signal_message, tick_messages
from tests.benchmarks.correlating import signal_of
from tests.benchmarks.peer_pairs import COOLDOWN_MS, TIMESPAN_MS
from tests.correlate.oracle import sequences

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
GAP_MS: Final = 60 * MINUTE_MS  # between two episodes of a host, at least
TICK_MS: Final = MINUTE_MS
SHUFFLE_MS: Final = 2 * MINUTE_MS
LATE_MS: Final = 5 * MINUTE_MS, 30 * MINUTE_MS
LATE_RATIO: Final = 0.05
TWICE_RATIO: Final = 0.1
FIRST, THEN, PAIR = (f"6d1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2b0{number}" for number in (1, 2, 3))
MARK: Final = "host:mark-"
ORDERS: Final = ("ordered", "shuffled", "late")
RULES: Final = f"""
title: First
id: {FIRST}
name: first
level: medium
logsource: {{product: windows, category: process_creation}}
detection: {{one: {{Image: first.exe}}, condition: one}}
---
title: Then
id: {THEN}
name: then
level: medium
logsource: {{product: windows, category: process_creation}}
detection: {{one: {{Image: then.exe}}, condition: one}}
---
title: First, then the other
id: {PAIR}
level: high
correlation:
  type: temporal_ordered
  rules: [first, then]
  group-by: [entity.host]
  timespan: 10m
"""
SPEC: Final = CorrelationSpec(
    analytic=Analytic(PAIR, "First, then the other"),
    kind="temporal_ordered",
    rules=(FIRST, THEN),
    group_by=("entity.host",),
    timespan=TIMESPAN_MS,
    threshold=Threshold("gte", 2),
    count_fields=(),
    aliases={},
    cooldown=COOLDOWN_MS,
    risk_threshold=60,
)
_ANALYTICS: Final = {uid: Analytic(uid, title, 1, "example", 3) for uid, title in ((FIRST, "First"), (THEN, "Then"))}


@dataclass(frozen=True, slots=True)
class Expected:
    """A sequence that has to be found.

    Attributes:
        host: Its group.
        uids: Uids of its signals.
    """

    host: str
    uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Feed:
    """One input.

    Attributes:
        order: In what order the signals come.
        signals: The distinct signals of the hosts that count, by uid.
        expected: The sequences in them.
        messages: All there is to send, in order of arrival, each with its partition; ticks among them.
        sent: How many of the messages are signals.
        partitions: How many partitions they go to.
    """

    order: str
    signals: dict[str, Signal]
    expected: tuple[Expected, ...]
    messages: tuple[tuple[int, Message], ...]
    sent: int
    partitions: int


def feed(order: str, number: int, hosts: int, partitions: int, start_ms: int) -> Feed:
    """Make so many signals of so many hosts from a time on, arriving in one of ORDERS."""
    source = random.Random(number + hosts)  # noqa: S311  # a benchmark has to be repeatable, not secret
    signals = {signal.uid: signal for signal in islice(_signals(source, hosts, start_ms), number)}
    arriving = _arriving(order, source, sorted(signals.values(), key=lambda signal: signal.time))
    messages = tuple(_messages(arriving, partitions))
    sent = sum(bool(message.key) for _, message in messages)
    return Feed(order, signals, tuple(_expected(signals)), messages, sent, partitions)


def _expected(signals: dict[str, Signal]) -> Iterator[Expected]:
    """Ask the oracle, host by host: it is slow, and hosts have nothing to do with each other."""
    by_host: dict[str, list[Signal]] = defaultdict(list)
    for signal in signals.values():
        by_host[host_of(signal)].append(signal)
    for own in by_host.values():
        yield from (Expected(group, frozenset(uids.split())) for _, group, uids in sequences([SPEC], own, []))


def host_of(signal: Signal) -> str:
    """Return the group of a signal."""
    return next(str(entity) for entity in signal.entities if entity.type == "host")


def _signals(source: random.Random, hosts: int, start_ms: int) -> Iterator[Signal]:
    clocks = [start_ms + source.randrange(HOUR_MS) for _ in range(hosts)]
    numbers = count()
    while True:
        for host in range(hosts):
            for rule, offset in _episode(source):
                yield signal_of(_ANALYTICS[rule], clocks[host] + offset, host, host, next(numbers))
            clocks[host] += 20 * MINUTE_MS + GAP_MS + source.randrange(GAP_MS)


def _episode(source: random.Random) -> list[tuple[str, int]]:
    """Return the rules that fire, and when (ms after the beginning)."""
    soon = source.randint(1_000, TIMESPAN_MS)
    shapes = (
        [(FIRST, 0), (THEN, soon)],
        [(FIRST, 0), (THEN, TIMESPAN_MS)],
        [(FIRST, 0), (THEN, TIMESPAN_MS + 1 + soon // 2)],
        [(THEN, 0), (FIRST, soon)],
        [(source.choice((FIRST, THEN)), 0)],
        [(source.choice((FIRST, THEN)), source.randrange(19 * MINUTE_MS)) for _ in range(source.randint(3, 6))],
    )
    return source.choice(shapes)


def _arriving(order: str, source: random.Random, signals: list[Signal]) -> list[Signal]:
    """Return the signals in order of arrival, some of them twice."""
    if order == "ordered":
        return signals
    coming = [(signal.time + _delay(order, source), number, signal) for number, signal in enumerate(signals)]
    if order == "late":
        again = [found for found in coming if source.random() < TWICE_RATIO]
        coming += [(at + source.randrange(TIMESPAN_MS), number, signal) for at, number, signal in again]
    return [signal for _, _, signal in sorted(coming, key=lambda found: found[:2])]


def _delay(order: str, source: random.Random) -> int:
    if order == "late" and source.random() < LATE_RATIO:
        return source.randint(*LATE_MS)
    return source.randrange(SHUFFLE_MS)


def _messages(arriving: list[Signal], partitions: int) -> Iterator[tuple[int, Message]]:
    """Yield the messages with their partitions: signals, a tick for every minute of event time, and the marks."""
    middle, latest, told = len(arriving) // 2, arriving[0].time, 0
    yield from _marks("begin", latest, partitions)
    for number, signal in enumerate(arriving):
        if number == middle:
            yield from _marks("middle", latest, partitions)
        latest = max(latest, signal.time)
        if latest - told >= TICK_MS:
            told = latest
            tick = Tick("windows", 0, latest - LATE_MS[0], latest)
            yield from ((message.partition or 0, message) for message in tick_messages([tick], partitions))
        key = host_of(signal)
        yield partition_for(key.encode(), partitions), signal_message(signal, key)
    yield from _marks("end", latest, partitions)


def _marks(name: str, at: int, partitions: int) -> Iterator[tuple[int, Message]]:
    """Yield a pair for each partition."""
    for partition in range(partitions):
        key = next(
            key for n in count() if partition_for((key := f"{MARK}{name}-{n}").encode(), partitions) == partition
        )
        for rule in (FIRST, THEN):
            made = signal_of(_ANALYTICS[rule], at + (rule == THEN), 0, 0, 0)
            named = replace(made, uid=content_uid("mark", key, rule), entities=(EntityKey.parse(key),))
            yield partition, signal_message(named, key)

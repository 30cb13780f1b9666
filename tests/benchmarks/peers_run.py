"""Run one of the engines on one input: send it, start a process, stop it midway where that is asked for, watch."""

from __future__ import annotations

import os
import signal as os_signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from streams.topics import CHANGELOGS, SIGNALS, TOPICS, Topic
from streams.wire import Message as Sent
from streams.workers import kafka_admin
from tests.benchmarks.peers_input import MARK, Feed
from tests.benchmarks.peers_judge import Alert, Verdict, judge
from tests.benchmarks.watching import LOOK_S, cpu_seconds

RUN_S = 150.0
STOP_S = 15.0
ASK_S = 30.0
BREAKS = {"": 0, "restart": os_signal.SIGTERM, "kill": os_signal.SIGKILL}
Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine runs.

    Attributes:
        bootstrap: Addresses of brokers.
        prefix: Stands before every topic.
        folder: For its files.
        partitions: Of its input.
        grace_ms: How late signals may come, for those who have to be told.
    """

    bootstrap: str
    prefix: str
    folder: Path
    partitions: int
    grace_ms: int


@dataclass(frozen=True, slots=True)
class Engine:
    """One of those that are measured.

    Attributes:
        name: What it is called.
        topics: What it needs, input first.
        output: Where it tells what it found.
        start: Starts its process.
        alerts: Reads what it told.
        has_ticks: Whether its input holds watermarks.
    """

    name: str
    topics: tuple[str, ...]
    output: str
    start: Callable[[Place], AbstractContextManager[Process]]
    alerts: Callable[[Iterable[Message]], Iterator[Alert]]
    has_ticks: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """One engine on one input.

    Attributes:
        engine: Which.
        case: Order of arrival, and how it was stopped midway.
        signals: How many it was sent.
        wall_s: From its first result to its last, by the broker's clock: all that was sent lies between.
        cpu_s: CPU seconds of its process in that time, all threads.
        peak_mb: Most memory that was resident.
        verdict: What it found.
        problem: Why it did not come to the end; empty when it did.
    """

    engine: str
    case: str
    signals: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    verdict: Verdict
    problem: str = ""

    @property
    def per_second(self) -> float:
        """Return signals per second by the clock."""
        return self.signals / self.wall_s if self.wall_s else 0.0

    @property
    def per_core(self) -> float:
        """Return signals per CPU second."""
        return self.signals / self.cpu_s if self.cpu_s else 0.0


def run(engine: Engine, feed: Feed, place: Place, midway: str, told: Callable[[int], object]) -> Ran:
    """Run an engine on topics of its own.

    Args:
        engine: Which.
        feed: What it is sent before it starts.
        place: Where.
        midway: One of BREAKS: how its process is stopped in the middle; another one goes on.
        told: Told how many records there are in its output.
    """
    kafka_admin.create(place.bootstrap, _topics(engine, place))
    _send(place, (sent for sent in feed.messages if engine.has_ticks or sent[1].key))
    watch = _Watch(place.prefix + engine.output, place)
    problem = ""
    with watch:
        try:
            _through(engine, feed, place, midway, watch, told)
        except subprocess.SubprocessError as error:
            problem = str(error)
    begin, end = watch.times("begin", min), watch.times("end", max)
    wall, cpu = (end - begin, watch.cpu_at(end) - watch.cpu_at(begin)) if end and begin else (0.0, 0.0)
    counting = [message for message in watch.messages if not _marked(message)]
    verdict = judge(feed, engine.alerts(counting), len(counting))
    case = f"{feed.order}, {midway}" if midway else feed.order
    return Ran(engine.name, case, feed.sent, wall, cpu, watch.peak_mb, verdict, problem)


def _through(
    engine: Engine, feed: Feed, place: Place, midway: str, watch: _Watch, told: Callable[[int], object]
) -> None:
    deadline = time.monotonic() + RUN_S
    for name in ("middle", "end") if midway else ("end",):
        with engine.start(place) as process:
            watch.follow(process)
            while len(watch.marks[name]) < (1 if name == "middle" else feed.partitions):
                if process.poll() is not None:
                    raise subprocess.SubprocessError(f"it ended with code {process.returncode}")
                if time.monotonic() > deadline:
                    raise subprocess.SubprocessError(f"it was not through in {RUN_S:g} s")
                watch.look()
                told(len(watch.messages))
            if name == "middle":
                process.send_signal(BREAKS[midway])
                process.wait(STOP_S)
            watch.settle()


class _Watch:
    """Reads an engine's output and its process's CPU time, side by side."""

    def __init__(self, topic: str, place: Place) -> None:
        self.messages: list[Message] = []
        self.marks: dict[str, dict[str, float]] = {"begin": {}, "middle": {}, "end": {}}
        self.peak_mb = 0.0
        self._place = place
        self._topic = topic
        self._samples: list[tuple[float, float]] = []
        self._before = 0.0
        self._process: Process | None = None

    def __enter__(self) -> Self:
        config = {"bootstrap.servers": self._place.bootstrap, "group.id": f"{self._topic}-watch", "log_level": 0}
        self._consumer = Consumer({**config, "isolation.level": "read_committed", "fetch.wait.max.ms": 20})
        partitions = self._consumer.list_topics(self._topic, timeout=ASK_S).topics[self._topic].partitions
        self._consumer.assign([TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in partitions])
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def follow(self, process: Process) -> None:
        """Follow a process that starts where the one before ended."""
        self._before = self._samples[-1][1] if self._samples else 0.0
        self._process = process

    def look(self) -> None:
        """Read what there is, and how much CPU time it has taken so far."""
        for message in self._consumer.consume(500, LOOK_S):
            if message.error() is None:
                self.messages.append(message)
                self._mark(message)
        if self._process is not None and self._process.poll() is None:
            now = time.time()  # noqa: TID251  # to be compared with the broker's clock, which is this machine's
            self._samples.append((now, self._before + cpu_seconds(self._process.pid)))
            self.peak_mb = max(self.peak_mb, _resident_mb(self._process.pid))

    def settle(self) -> None:
        """Read on until nothing more comes."""
        quiet, count = time.monotonic() + 1.0, len(self.messages)
        while time.monotonic() < quiet:
            self.look()
            if len(self.messages) > count:
                quiet, count = time.monotonic() + 1.0, len(self.messages)

    def times(self, name: str, choose: Callable[[Iterable[float]], float]) -> float:
        """Return the first or last time (s) at which a place was marked, 0 when it never was."""
        found = self.marks[name].values()
        return choose(found) if found else 0.0

    def cpu_at(self, at_s: float) -> float:
        """Return the CPU seconds at a time, as the samples around it have it."""
        before = max((sample for sample in self._samples if sample[0] <= at_s), default=self._samples[0])
        after = min((sample for sample in self._samples if sample[0] >= at_s), default=self._samples[-1])
        part = (at_s - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0.0
        return before[1] + part * (after[1] - before[1])

    def _mark(self, message: Message) -> None:
        host = _marked(message)
        if host:
            _, at_ms = message.timestamp()
            self.marks[host.removeprefix(MARK).partition("-")[0]].setdefault(host, at_ms / 1000)


def _marked(message: Message) -> str:
    """Return the host that marks a place in the input when a message is about one."""
    begin = (message.value() or b"").find(MARK.encode())
    return (message.value() or b"")[begin:].partition(b'"')[0].decode() if begin >= 0 else ""


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    except (OSError, IndexError):  # it has ended meanwhile
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _topics(engine: Engine, place: Place) -> list[Topic]:
    own = replace(SIGNALS, name="found", partitions=1, key="uid of the first signal", description="Pairs of signals")
    known = {topic.name: topic for topic in (*TOPICS, *CHANGELOGS, own)}
    return [_placed(known[name], place) for name in engine.topics]


def _placed(topic: Topic, place: Place) -> Topic:
    is_beside = SIGNALS.name in {topic.name, topic.beside}
    partitions = place.partitions if is_beside else topic.partitions
    return replace(topic, name=place.prefix + topic.name, partitions=partitions, beside="")


def _send(place: Place, messages: Iterable[tuple[int, Sent]]) -> None:
    """Send messages; raise TimeoutError when the broker did not take each of them."""
    producer, sent, taken = _producer(place), 0, list[int]()
    for partition, message in messages:
        name, sent = place.prefix + message.topic, sent + 1
        producer.produce(
            name,
            message.value,
            message.key,
            partition,
            headers=message.headers,
            on_delivery=lambda error, _: taken.append(error is None),
        )
        producer.poll(0)
    if producer.flush(ASK_S) or sum(taken) != sent:
        raise TimeoutError(f"the broker took {sum(taken)} of {sent} records within {ASK_S:g} s")


def _producer(place: Place) -> Producer:
    """Return a producer that keeps the order: without idempotence a batch that is sent again can come after others."""
    config = {"bootstrap.servers": place.bootstrap, "compression.type": "lz4", "enable.idempotence": True}
    return Producer({**config, "log_level": 0})

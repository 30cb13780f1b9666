"""Measure the profile worker on a Kafka: what ingest would send lies there, and then is seen all at once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from models.feature import Delta
from streams.features.folding import envelopes
from streams.topics import CHANGELOGS, FEATURES, TOPICS, Topic
from streams.wire import Message, feature_messages, tick_messages
from streams.workers import kafka_admin
from streams.workers.local_kafka import free_ports
from tests.benchmarks.ingest import Measured, summary
from tests.benchmarks.profile import SOURCE, made
from tests.benchmarks.watching import LOOK_S, Sample, Worker, WorkerEnded, await_group, cpu_seconds
from tests.profile.made import DAY, HOUR, START, tick
from tests.workers.processes import Braid

GROUP = "braid-profile"
CHANGELOG = "braid-profile-state-changelog"
KEYED = frozenset({"signals", "features", CHANGELOG})
NEEDED = KEYED | {"dead-letter"}
DAY_HOURS = 24
START_S = 60.0
RUN_S = 400.0
QUIET_S = 8.0  # the largest bundle, 200 messages of 200 reports, takes less
ASK_S = 60.0
MAX_QUEUED = 1_000_000  # messages


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent.

    Attributes:
        entities: How many.
        days: Days that are learned before: each hour of an entity comes as one minute.
        hours: Hours that are measured: each minute of an entity comes.
    """

    entities: int
    days: int
    hours: int

    @property
    def learned(self) -> int:
        """Return how many deltas are learned before."""
        return self.entities * self.days * DAY_HOURS

    @property
    def measured(self) -> int:
        """Return how many deltas are measured."""
        return self.entities * self.hours * HOUR

    def before(self, partitions: int) -> Iterator[Message]:
        """Yield what is learned before."""
        return messages(made(self.entities, range(self.days * DAY), HOUR, HOUR), 0, partitions)

    def after(self, partitions: int) -> Iterator[Message]:
        """Yield what is measured."""
        first = self.days * DAY
        return messages(made(self.entities, range(first, first + self.hours * HOUR), 1), first, partitions)


def messages(minutes: Iterable[Sequence[Delta]], first: int, partitions: int) -> Iterator[Message]:
    """Yield the envelopes of each minute from `first` on, and a tick behind each."""
    for at, deltas in enumerate(minutes, first):
        yield from feature_messages(envelopes(deltas, partitions), START)
        yield from tick_messages([tick(SOURCE, at + 1)], partitions, FEATURES.name)


def make_topics(braid: Braid, partitions: int) -> None:
    """Make the topics of the worker, with so many partitions of `features` and all that lies beside it."""
    wanted = [topic for topic in (*TOPICS, *CHANGELOGS) if topic.name in NEEDED]
    kafka_admin.create(braid.bootstrap, [_placed(topic, braid.prefix, partitions) for topic in wanted])


def _placed(topic: Topic, prefix: str, partitions: int) -> Topic:
    count = partitions if topic.name in KEYED else topic.partitions
    return replace(topic, name=prefix + topic.name, partitions=count, beside="")


def throughput(
    braid: Braid, load: Load, partitions: int, broker_pid: int, told: Callable[[int], object]
) -> tuple[Measured, int]:
    """Measure one worker; return how many records it wrote to its changelog meanwhile, too.

    Args:
        braid: Broker, prefix, rules.
        load: What to send.
        partitions: How many.
        broker_pid: Process id of the broker, 0 when it is none of ours.
        told: Told how many deltas are done.
    """
    make_topics(braid, partitions)
    with ExitStack() as stack:
        port, _ = free_ports()
        worker = Worker(stack.enter_context(braid.running("worker", "profile", BRAID_HEALTH_PORT=str(port))), port)
        await_group(braid.bootstrap, braid.prefix + GROUP, 1, 2 * partitions, START_S, worker.health)
        _hold(braid, load.before(partitions)).commit_transaction(ASK_S)
        for sample in _until_quiet(worker, broker_pid, load.learned):
            told(sum(sample.records))
        held = _hold(braid, load.after(partitions))
        written, samples = _written(braid, partitions), [_look(worker, broker_pid, worker.health())]
        held.commit_transaction(ASK_S)
        for sample in _until_quiet(worker, broker_pid, load.learned + load.measured):
            samples.append(sample)
            told(sum(sample.records))
    what = f"{partitions} partition{'s' * (partitions > 1)}"
    return summary(what, samples), _written(braid, partitions) - written


def _look(worker: Worker, broker_pid: int, health: Mapping[str, Any]) -> Sample:
    deltas = (int(health.get("deltas", 0)),)
    return Sample(time.perf_counter(), deltas, cpu_seconds(worker.process.pid), cpu_seconds(broker_pid))


def _until_quiet(worker: Worker, broker_pid: int, expected: int) -> Iterator[Sample]:
    """Yield a sample whenever the worker has come further, until so many deltas were taken and no report comes.

    Reports go over the topic too, behind what lies there: they are part of the work.
    """
    deadline, changed, before = time.monotonic() + RUN_S, time.monotonic(), (0, 0)
    while before[0] < expected or time.monotonic() < changed + QUIET_S:
        if time.monotonic() > deadline:
            raise WorkerEnded(f"not in {RUN_S:g} s: {expected} deltas")
        health = worker.health()
        found = int(health.get("deltas", 0)), int(health.get("reports", 0))
        if found > before:
            before, changed = found, time.monotonic()
            yield _look(worker, broker_pid, health)
        time.sleep(LOOK_S)


def _hold(braid: Braid, given: Iterable[Message]) -> Producer:
    """Send messages in a transaction, and return the producer that can commit it once they are with the broker."""
    name = f"{braid.prefix}{secrets.token_hex(4)}"
    config = {"bootstrap.servers": braid.bootstrap, "transactional.id": name, "transaction.timeout.ms": 240_000}
    producer = Producer(
        {
            **config,
            "compression.type": "lz4",
            "linger.ms": 20,
            "log_level": 0,
            "queue.buffering.max.messages": MAX_QUEUED,
        }
    )
    producer.init_transactions(ASK_S)
    producer.begin_transaction()
    for message in given:
        topic, partition = braid.prefix + message.topic, message.partition or 0
        producer.produce(topic, message.value, message.key, partition, headers=message.headers)
        producer.poll(0)
    if producer.flush(ASK_S):
        raise TimeoutError(f"the broker took not all records within {ASK_S:g} s")
    return producer


def _written(braid: Braid, partitions: int) -> int:
    """Return how many records the changelog has ever had."""
    consumer = Consumer({"bootstrap.servers": braid.bootstrap, "group.id": "ends", "log_level": 0})
    try:
        ends = [
            consumer.get_watermark_offsets(TopicPartition(braid.prefix + CHANGELOG, number), ASK_S)[1]
            for number in range(partitions)
        ]
    finally:
        consumer.close()
    return sum(ends)

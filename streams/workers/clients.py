"""Kafka clients as Braid uses them: read committed, explicit commits, bounded queues, murmur2 partitions."""

from __future__ import annotations

import logging
import signal as os_signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage

# Its documented home, re-exported in a way that mypy does not take for one.
from confluent_kafka.admin import AdminClient

from models.errors import KafkaUnavailable
from streams.config import Settings
from streams.topics import SIGNALS
from streams.wire import Message
from streams.workers.security import client_settings

LOG: Final = logging.getLogger("braid")
TRANSACTION_TIMEOUT_MS: Final = 15_000  # how long a killed worker's open transaction can hold readers back
# A commit sends what waits at once, so that nothing comes later for it; and what goes in tens and not one by one takes
# a third less of the broker.
TRANSACTION_LINGER_MS: Final = 50
SESSION_TIMEOUT_MS: Final = 10_000  # how long a killed worker keeps its partitions from the others
BROKER_SECONDS: Final = 30.0  # how long a starting worker waits for a broker before it gives up
ASK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.2
READ_AT_ONCE: Final = 500  # records
FLUSH_SECONDS: Final = 8.0  # less than the 10 s in which a worker has to be gone after SIGTERM
_ELECTING: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_PASSING: Final = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, *_ELECTING)  # noqa: SLF001  # public names
T = TypeVar("T")


class Stop:
    """Tell the loops to end: set by SIGTERM or SIGINT, or by `request`."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> Stop:
        """Take over SIGTERM and SIGINT of this process."""
        for number in (os_signal.SIGTERM, os_signal.SIGINT):
            os_signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.request()

    def request(self) -> None:
        """Ask for the end."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """Tell whether the end was asked for."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until the end is asked for, at most `seconds`; tell whether it was."""
        return self._event.wait(seconds)


def consumer(
    settings: Settings,
    worker: str,
    topics: Iterable[str],
    on_assign: Callable[[Consumer, Any], None] | None = None,
    on_revoke: Callable[[Consumer, Any], None] | None = None,
    *,
    ends: bool = False,
    together: bool = False,
) -> Consumer:
    """Make a consumer of a worker's group over topics, from the earliest record.

    Args:
        settings: Where Kafka is, and the prefix.
        worker: Names the group.
        topics: Topic names without prefix.
        on_assign: Called with partitions that this member gets, before their first record.
        on_revoke: Called before partitions go to another member, while their offsets can still be committed.
        ends: Say, by a message that is none (`reached_end`), when a partition was read to its end.
        together: Give partition n of every topic to the same member: for topics of as many partitions.
    """
    wanted = [settings.topic_prefix + topic for topic in topics]
    config: dict[str, Any] = {
        **client_settings(settings),
        "client.id": f"braid-{worker}",
        "group.id": f"{settings.topic_prefix}braid-{worker}",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        # The sticky strategy counts partitions, not topics: a second member got all those of half the topics, and none
        # of the topic with the traffic. In turn, every member has its part of every topic.
        "partition.assignment.strategy": "range" if together else _strategy(wanted),
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": SESSION_TIMEOUT_MS // 4,
        "fetch.wait.max.ms": 50,
        "queued.max.messages.kbytes": 65_536,
        "fetch.message.max.bytes": 8_388_608,
        "enable.partition.eof": ends,
    }
    made = Consumer(config, logger=LOG)
    hooks = {"on_assign": on_assign, "on_revoke": on_revoke}
    given: dict[str, Any] = {name: hook for name, hook in hooks.items() if hook}
    made.subscribe(wanted, **given)
    return made


def _strategy(topics: list[str]) -> str:
    return "roundrobin" if len(topics) > 1 else "cooperative-sticky"


def follower(settings: Settings, worker: str, wait_ms: int = 500) -> Consumer:
    """Make a consumer outside of any group: it is told its partitions, commits nothing, and says their ends.

    Args:
        settings: Where Kafka is, and the prefix.
        worker: Names the client.
        wait_ms: How long a broker that has nothing new keeps a request; what else it is asked waits behind it.
    """
    config: dict[str, Any] = {
        **client_settings(settings),
        "client.id": f"braid-{worker}",
        "group.id": f"{settings.topic_prefix}braid-{worker}-{uuid4().hex}",  # the client wants one, and none is made
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 16_384,
        "fetch.wait.max.ms": wait_ms,
        "enable.partition.eof": True,
        "allow.auto.create.topics": False,
    }
    return Consumer(config, logger=LOG)


@contextmanager
def following(settings: Settings, worker: str, name: str) -> Iterator[Consumer]:
    """Lend a follower of a topic of this name, and close it; raise KafkaUnavailable when the topic cannot be read."""
    reader = follower(settings, worker)
    try:
        yield reader
    except KafkaException as error:
        raise KafkaUnavailable(f"{name} cannot be read: {error.args[0].str()}") from error
    finally:
        reader.close()


def to_end(reader: Consumer, places: list[TopicPartition]) -> Iterator[KafkaMessage]:
    """Yield what a follower reads from these places to the ends of their partitions, what says the ends as well.

    Raises:
        KafkaUnavailable: Nothing came for BROKER_SECONDS.
    """
    reader.assign(places)
    left = {(place.topic, place.partition) for place in places}
    heard = time.monotonic()
    while left:
        messages = reader.consume(READ_AT_ONCE, ASK_SECONDS)
        if messages:
            heard = time.monotonic()
        elif time.monotonic() - heard > BROKER_SECONDS:
            raise KafkaUnavailable(f"{', '.join(sorted({topic for topic, _ in left}))}: nothing came to read")
        left -= {(message.topic(), message.partition()) for message in messages if reached_end(message)}
        yield from messages


def commit(client: Consumer, offsets: list[TopicPartition] | None = None) -> None:
    """Commit these offsets, or all that was consumed so far; wait for the answer. Nothing to commit is fine."""
    try:
        if offsets is None:
            client.commit(asynchronous=False)
        elif offsets:
            client.commit(offsets=offsets, asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() != KafkaError._NO_OFFSET:  # noqa: SLF001  # the library's public name for it
            raise KafkaUnavailable(f"offsets are not committed: {error.args[0].str()}") from error


def producer(settings: Settings, worker: str) -> Producer:
    """Make an idempotent producer."""
    return Producer(_producer_config(settings, worker), logger=LOG)


def transactional_producer(settings: Settings, worker: str, stop: Stop) -> Producer:
    """Make a producer with its transactions initialized; raise KafkaUnavailable when no broker does that."""
    name = f"{settings.topic_prefix}braid-{worker}-{socket.gethostname()}-{uuid4().hex}"
    own = {
        "transactional.id": name,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "linger.ms": TRANSACTION_LINGER_MS,
    }
    made = Producer(_producer_config(settings, worker) | own, logger=LOG)
    patiently(made.init_transactions, settings, stop)
    return made


def _producer_config(settings: Settings, worker: str) -> dict[str, Any]:
    return {
        **client_settings(settings),
        "client.id": f"braid-{worker}",
        "partitioner": "murmur2",
        "enable.idempotence": True,
        "linger.ms": 5,
        "compression.type": "lz4",
        "message.max.bytes": 8_388_608,
        "queue.buffering.max.kbytes": 131_072,
    }


def keyed_partitions(settings: Settings, stop: Stop) -> int:
    """Return how many partitions `signals` has on the cluster; raise KafkaUnavailable when nobody can tell."""
    name = settings.topic_prefix + SIGNALS.name
    admin = AdminClient(client_settings(settings), logger=LOG)
    known = patiently(lambda seconds: admin.list_topics(name, timeout=seconds), settings, stop)
    partitions = len(known.topics[name].partitions)
    if not partitions:
        raise KafkaUnavailable(f"there is no topic {name}; make the topics with: braid topics create")
    return partitions


def patiently(ask: Callable[[float], T], settings: Settings, stop: Stop) -> T:
    """Ask a broker that may still be starting, or electing leaders; raise KafkaUnavailable when it never answers.

    A worker that is told to end before it has begun ends here, and well.

    Args:
        ask: Asks, with the seconds that it may take.
        settings: Where the broker is, for the error.
        stop: Ends the asking.
    """
    deadline = time.monotonic() + BROKER_SECONDS
    while True:
        try:
            return ask(ASK_SECONDS)
        except KafkaException as error:
            if stop.requested:
                raise SystemExit(0) from error
            problem = error.args[0]
            if time.monotonic() > deadline or not (problem.retriable() or problem.code() in _PASSING):
                raise KafkaUnavailable(f"no Kafka answers at {settings.bootstrap}: {problem.str()}") from error
            stop.wait(RETRY_SECONDS)


def produce(
    client: Producer,
    prefix: str,
    message: Message,
    on_delivery: Callable[[KafkaError | None, KafkaMessage], None] | None = None,
) -> None:
    """Queue one message; when the queue is full, wait for room instead of growing.

    Args:
        client: Sends it.
        prefix: Put before the topic.
        message: The message.
        on_delivery: Told what became of it; a transaction needs none, since its commit tells.
    """
    target: dict[str, Any] = {} if message.partition is None else {"partition": message.partition}
    if on_delivery is not None:
        target["on_delivery"] = on_delivery
    while True:
        try:
            client.produce(
                prefix + message.topic, value=message.value, key=message.key, headers=list(message.headers), **target
            )
        except BufferError:
            client.poll(0.1)
        else:
            return


def reached_end(message: KafkaMessage) -> bool:
    """Tell whether a message is none, and says that its partition was read to the end, at its offset."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # its public name for it


def usable(messages: Iterable[KafkaMessage]) -> list[KafkaMessage]:
    """Drop what is no record; raise KafkaUnavailable for errors that do not pass by themselves."""
    kept = []
    for message in messages:
        error = message.error()
        if error is None:
            kept.append(message)
        elif reached_end(message) or error.retriable():
            continue
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise KafkaUnavailable(f"{error.str()}; make the topics with: braid topics create")
        else:
            raise KafkaUnavailable(error.str())
    return kept


def flush(client: Producer) -> None:
    """Wait until everything queued is acknowledged; raise KafkaUnavailable when it is not in time."""
    left = client.flush(FLUSH_SECONDS)
    if left:
        raise KafkaUnavailable(f"{left} records were not acknowledged in {FLUSH_SECONDS:g} s")


def header(message: KafkaMessage, name: str) -> str:
    """Return a header's text, empty when it is absent."""
    headers: Any = message.headers() or ()
    for key, value in headers:
        if key == name and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
    return ""

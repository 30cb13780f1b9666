"""What a Kafka benchmark sends: recorded records, told apart by source, held back until whoever reads is ready."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from confluent_kafka import Producer

from models.records import Coordinates, ParseError, RawRecord
from streams.sources.base import Source
from streams.sources.framing import split_message
from streams.topics import RAW_PARTITIONS

HELD_BACK_S = 240.0  # the broker aborts a transaction that is open for longer
ASK_S = 30.0
Sourced = tuple[Source, RawRecord]


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent.

    Attributes:
        messages: Topic without prefix, and value, in the order of the files.
        records: The records that a worker makes of them.
    """

    messages: tuple[tuple[str, bytes], ...]
    records: tuple[Sourced, ...]

    @property
    def mean_bytes(self) -> int:
        """Return the mean length of a message."""
        return round(sum(len(value) for _, value in self.messages) / max(1, len(self.messages)))


def can_be_sent(found: Sourced) -> bool:
    """Tell whether a record can be sent by itself.

    One that means nothing without the head of its file (columns) cannot. Nor is one sent whose source has lines that
    wait for others: the last of them would wait for time, which is not work.
    """
    source, record = found
    return not record.columns and source.join is None


def thinned(stretches: Sequence[Sequence[Sourced]], most: int) -> list[Sourced]:
    """Return the first part of every stretch, the same part of each, so that all together are no more than `most`."""
    total = sum(map(len, stretches))
    part = min(1.0, most / max(1, total))
    return list(chain.from_iterable(stretch[: int(len(stretch) * part)] for stretch in stretches))


def load_of(records: Iterable[Sourced]) -> Load:
    """Make messages of records."""
    messages, made = [], []
    for source, record in records:
        messages.append((source.topic, record.raw))
        made += [(source, one) for one in _arrived(source, record.raw, len(messages))]
    return Load(tuple(messages), tuple(made))


def _arrived(source: Source, payload: bytes, number: int) -> Iterator[RawRecord]:
    """Yield what the worker makes of a message; what it cannot cut, it counts as one."""
    at = Coordinates(source.topic, number % RAW_PARTITIONS, number)
    split = split_message(source.name, payload, at, 0)
    yield from [RawRecord(source.name, payload, at, 0)] if isinstance(split, ParseError) else split


def hold(bootstrap: str, prefix: str, messages: Iterable[tuple[str, bytes]]) -> Producer:
    """Send messages, in turn to all partitions of their topics, in a transaction that is left open.

    Nobody who reads committed records sees them before `commit_transaction` is called on what is returned.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": f"{prefix}benchmark",
            "transaction.timeout.ms": int(HELD_BACK_S * 1000),
            "message.max.bytes": 4_000_000,
            "compression.type": "lz4",
            "linger.ms": 20,
            "log_level": 0,
        }
    )
    producer.init_transactions(ASK_S)
    producer.begin_transaction()
    numbers: dict[str, int] = {}
    for topic, value in messages:
        number = numbers[topic] = numbers.get(topic, -1) + 1
        _send(producer, prefix + topic, value, number % RAW_PARTITIONS)
    if producer.flush(ASK_S):
        raise TimeoutError(f"the broker took not all records within {ASK_S:g} s")
    return producer


def _send(producer: Producer, topic: str, value: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, partition=partition)
        except BufferError:
            producer.poll(0.1)
        else:
            return

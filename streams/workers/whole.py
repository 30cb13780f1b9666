"""Read topics whole: from their beginning to their end, and on. In no group, and only what is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, Self

from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from confluent_kafka import Message as KafkaMessage

from models.errors import KafkaUnavailable
from streams.config import Settings
from streams.workers import clients
from streams.workers.clients import Stop

BATCH: Final = 500
POLL_SECONDS: Final = 0.1
END_SECONDS: Final = 45.0  # without anything new; a killed worker's transaction stays open for less
WAIT_MS: Final = 50  # of the broker for something new; whatever else it is asked has to wait for that
Take = Callable[[KafkaMessage], None]


class WholeReader:
    """Follow all partitions of some topics. For one thread; close it after use."""

    def __init__(self, settings: Settings, name: str, topics: Iterable[str], take: Take, stop: Stop) -> None:
        """Begin at the beginning; raise KafkaUnavailable when a topic is not there, or no broker answers.

        Args:
            settings: Where Kafka is, and the prefix.
            name: Names the client.
            topics: Without the prefix.
            take: Gets each record.
            stop: Ends the asking.
        """
        self._settings = settings
        self._take = take
        self._stop = stop
        self._reader = clients.follower(settings, name, WAIT_MS)
        self._next: dict[tuple[str, int], int] = {}
        self._places = [at for topic in topics for at in self._partitions(settings.topic_prefix + topic)]
        self._reader.assign(self._places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def _partitions(self, name: str) -> list[TopicPartition]:
        ask = partial(self._reader.list_topics, name)
        known = clients.patiently(lambda seconds: ask(timeout=seconds), self._settings, self._stop).topics[name]
        if not known.partitions:
            raise KafkaUnavailable(f"there is no topic {name}; make the topics with: braid topics create")
        return [TopicPartition(name, number, OFFSET_BEGINNING) for number in known.partitions]

    def follow(self, seconds: float = 0.0) -> None:
        """Take what is there."""
        messages = self._reader.consume(BATCH, seconds)
        for message in messages:
            if clients.reached_end(message):
                self._read((message.topic() or "", message.partition() or 0), message.offset() or 0)
        for message in clients.usable(messages):
            self._take(message)
            self._read((message.topic() or "", message.partition() or 0), (message.offset() or 0) + 1)

    def catch_up(self) -> None:
        """Take all that is committed by now; raise KafkaUnavailable when nothing comes for too long."""
        self.reach({(at.topic, at.partition): self._end(at) for at in self._places})

    def reach(self, ends: Mapping[tuple[str, int], int]) -> None:
        """Take all before these offsets; raise KafkaUnavailable when nothing comes for too long."""
        heard, before = time.monotonic(), -1
        while any(self._next.get(place, 0) < end for place, end in ends.items()):
            self.follow(POLL_SECONDS)
            if sum(self._next.values()) != before:
                heard, before = time.monotonic(), sum(self._next.values())
            if time.monotonic() - heard > END_SECONDS:
                raise KafkaUnavailable(f"{self._settings.bootstrap} sent nothing for {END_SECONDS:g} s")

    def _end(self, at: TopicPartition) -> int:
        ask = partial(self._reader.get_watermark_offsets, TopicPartition(at.topic, at.partition))
        low, high = clients.patiently(lambda seconds: ask(timeout=seconds), self._settings, self._stop)
        return int(high) if high > low else 0

    def _read(self, place: tuple[str, int], offset: int) -> None:
        self._next[place] = max(self._next.get(place, 0), offset)


def fetch(settings: Settings, topic: str, partition: int, offset: int) -> bytes:
    """Return the value of one record; raise KafkaUnavailable when it does not come, or is not there any more."""
    name = settings.topic_prefix + topic
    reader = clients.follower(settings, "fetch", WAIT_MS)
    try:
        reader.assign([TopicPartition(name, partition, offset)])
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            for message in clients.usable(reader.consume(1, POLL_SECONDS)):
                if message.offset() == offset:
                    return message.value() or b""
                raise KafkaUnavailable(f"{name}/{partition}@{offset} is not there any more")
    finally:
        reader.close()
    raise KafkaUnavailable(f"{name}/{partition}@{offset} did not come in {END_SECONDS:g} s")

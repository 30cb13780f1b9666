"""Read the context topics from their beginning and go on following them: for workers, and for who changes them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from enrichers.context.fields import Kind
from enrichers.context.loading import Tables
from models.errors import InvalidRecord
from streams.config import Settings
from streams.context_topics import TOPICS, Following
from streams.workers import clients
from streams.workers.clients import LOG

ASK_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.2
BATCH: Final = 1000


class ContextTopics:
    """Follow `context.assets` and `context.identities`. For one thread."""

    def __init__(self, settings: Settings, kinds: Iterable[Kind] = TOPICS.values()) -> None:
        """Prepare; nothing is asked of the broker yet.

        Args:
            settings: Where Kafka is, and the prefix.
            kinds: Which of the topics to follow.
        """
        self._kinds = {settings.topic_prefix + name: kind for name, kind in TOPICS.items() if kind in kinds}
        self._settings = settings
        self._consumer: Consumer | None = None
        self._unread: set[tuple[str, int]] = set()
        self._following = Following()
        self.invalid = 0
        self.problem = ""

    @property
    def is_open(self) -> bool:
        """Tell whether the topics are being followed."""
        return self._consumer is not None

    def tables(self) -> Tables:
        """Return what the topics hold as far as they were read."""
        known = self._following.tables()
        unread = sorted({topic for topic, _ in self._unread})
        return replace(known, missing=tuple(f"{topic} is not read to its end yet" for topic in unread))

    def keys(self, kind: Kind) -> frozenset[bytes]:
        """Return the keys that have a record."""
        return self._following.keys(kind)

    def read_through(self, seconds: float) -> bool:
        """Read to the end of every topic, for `seconds` at most; tell whether that was reached."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.poll(POLL_SECONDS)
            if self._consumer is not None and not self._unread:
                return True
            if self.problem:
                return False
        self.problem = f"not read to the end within {seconds:g} s: {', '.join(self._kinds)}"
        return False

    def poll(self, seconds: float) -> bool:
        """Take what comes within `seconds`; tell whether anything changed."""
        consumer = self._consumer or self._open()
        if consumer is None:
            return False
        return sum(map(self._take, consumer.consume(BATCH, seconds))) > 0

    def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _open(self) -> Consumer | None:
        """Begin at the beginning of every topic; without one of them nothing is followed, and `problem` says so."""
        consumer = clients.follower(self._settings, "context")
        try:
            found = [at for name in self._kinds for at in _partitions(consumer, name)]
        except KafkaException as error:
            self.problem = f"context topics: {error.args[0].str()}"
        else:
            missing = self._kinds.keys() - {at.topic for at in found}
            self.problem = (
                f"no topic {', '.join(sorted(missing))}; make it with: braid topics create" if missing else ""
            )
        if self.problem:
            consumer.close()
            return None
        self._unread = {(at.topic, at.partition) for at in found}
        consumer.assign(found)
        self._consumer = consumer
        return consumer

    def _take(self, message: KafkaMessage) -> bool:
        topic = message.topic() or ""
        if clients.reached_end(message):
            return self._ended((topic, message.partition() or 0))
        error = message.error()
        if error is not None:
            LOG.warning("context topics: %s", error.str())
            return False
        try:
            return self._following.take(self._kinds[topic], message.key() or b"", message.value())
        except InvalidRecord as problem:
            self.invalid += 1
            LOG.warning("%s, offset %s: %s", topic, message.offset(), problem)
            return False

    def _ended(self, at: tuple[str, int]) -> bool:
        """Note that a partition was read to its end; tell whether it is the last one that was not."""
        if at not in self._unread:
            return False
        self._unread.remove(at)
        if not self._unread:
            self.problem = ""
        return not self._unread


def _partitions(consumer: Consumer, name: str) -> list[TopicPartition]:
    found = consumer.list_topics(name, timeout=ASK_SECONDS).topics[name]
    return [TopicPartition(name, number, OFFSET_BEGINNING) for number in found.partitions]

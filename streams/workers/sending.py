"""How the keyed workers send: raw bytes, each to the partition where the state of its key is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

import faust

from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams import wire
from streams.workers.health import Health


class Sender:
    """Send the messages of one keyed worker through its app."""

    def __init__(self, app: faust.App, worker: str, prefix: str, partitions: int, health: Health) -> None:
        """Prepare.

        Args:
            app: Whose producer sends.
            worker: Name under which dead letters say who gave up.
            prefix: Put before every topic.
            partitions: How many the topics have that keyed workers read.
            health: Counts dead letters.
        """
        self._app = app
        self._worker = worker
        self._prefix = prefix
        self._partitions = partitions
        self._health = health
        self._topics: dict[str, Any] = {}

    async def send(self, messages: Iterable[wire.Message]) -> None:
        """Send messages and wait until the broker has them all."""
        await asyncio.gather(*[await self._queued(message) for message in messages])

    async def dead(self, record: Any, reason: str) -> None:
        """Send what cannot be read to where somebody finds it."""
        at = Coordinates(record.topic, record.partition, record.offset)
        raw = RawRecord("", record.value or b"", at, record.timestamp)
        await self.send([wire.dead_letter_message(DeadLetter(raw, self._worker, ParseError(reason)))])
        self._health.add(dead_letters=1)

    async def _queued(self, message: wire.Message) -> Awaitable[Any]:
        topic = self._topics.get(message.topic)
        if topic is None:
            name = self._prefix + message.topic
            topic = self._topics[message.topic] = self._app.topic(
                name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
        queued: Awaitable[Any] = await topic.send(
            key=message.key,
            value=message.value,
            headers=message.headers,
            partition=wire.partition_of(message, self._partitions),
        )
        return queued

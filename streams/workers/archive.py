"""The archive worker: events, signals, sequences and verdicts into the Parquet lake.

Offsets are committed once the files are on disk for good. A batch delivered twice is told apart by uid when it is read.
"""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import Consumer
from confluent_kafka import Message as KafkaMessage

from models.errors import InvalidRecord
from models.records import Coordinates
from streams import lake, wire
from streams.config import Settings
from streams.workers import clients
from streams.workers.clients import LOG, Stop, header
from streams.workers.health import Health

POLL_SECONDS: Final = 0.2
KIND_OF_TOPIC: Final = {
    "events.identity": lake.EVENTS,
    "events.network": lake.EVENTS,
    "events.workload": lake.EVENTS,
    "signals": lake.SIGNALS,
    "sequences": lake.SEQUENCES,
    "verdicts": lake.VERDICTS,
}
NOT_KEPT: Final = frozenset({wire.TICK, wire.LINK, wire.CHAINED, wire.WITHDRAWN})  # sequences are kept once


class ArchiveWorker:
    """Buffer rows, bounded in number and age, and write them by kind."""

    def __init__(self, settings: Settings, health: Health, stop: Stop) -> None:
        self._settings = settings
        self._health = health
        self._stop = stop
        self._writer = lake.LakeWriter(settings.lake)
        self._rows: dict[str, list[lake.LakeRow]] = {kind: [] for kind in lake.KINDS}
        self._oldest = 0.0

    def run(self) -> None:
        """Work until asked to stop; what is buffered then is written first."""
        consumer = clients.consumer(
            self._settings, "archive", KIND_OF_TOPIC, on_revoke=lambda held, _: self._write(held)
        )
        self._health.set(status="running")
        try:
            while not self._stop.requested:
                for message in clients.usable(consumer.consume(1000, POLL_SECONDS)):
                    self._take(message)
                if self._due():
                    self._write(consumer)
            self._health.set(status="stopping")
            self._write(consumer)
        finally:
            consumer.close()

    def _take(self, message: KafkaMessage) -> None:
        topic = (message.topic() or "").removeprefix(self._settings.topic_prefix)
        if header(message, wire.TYPE_HEADER) in NOT_KEPT:
            return
        kind = KIND_OF_TOPIC[topic]
        at, source = Coordinates(message.topic() or "", message.partition() or 0, message.offset() or 0), ""
        if kind == lake.EVENTS:
            at, source = _raw_coordinates(message), header(message, "braid_source")
        try:
            row = lake.row_of(kind, message.value() or b"", at, source)
        except InvalidRecord as error:
            LOG.error("%s/%s@%s is not archived: %s", topic, message.partition(), message.offset(), error)
            self._health.add(invalid=1)
            return
        if not self._count():
            self._oldest = time.monotonic()
        self._rows[kind].append(row)

    def _count(self) -> int:
        return sum(len(rows) for rows in self._rows.values())

    def _due(self) -> bool:
        count = self._count()
        aged = time.monotonic() - self._oldest >= self._settings.archive_seconds
        return count >= self._settings.archive_records or (count > 0 and aged)

    def _write(self, consumer: Consumer) -> None:
        if not self._count():
            return
        for kind, rows in self._rows.items():
            if rows:
                files = self._writer.write(kind, rows)
                self._health.add(files=len(files), **{kind: len(rows)})
                rows.clear()
        clients.commit(consumer)


def _raw_coordinates(message: KafkaMessage) -> Coordinates:
    partition, offset = header(message, "braid_partition"), header(message, "braid_offset")
    return Coordinates(header(message, "braid_topic"), int(partition or 0), int(offset or 0))


def run(settings: Settings, health: Health, stop: Stop) -> None:
    """Run the worker."""
    ArchiveWorker(settings, health, stop).run()

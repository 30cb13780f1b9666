"""Run Braid's own processes against a broker, and read topics until what is waited for is there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

WAIT_S = 90.0
STOP_S = 10.0


class Braid:
    """One installation under test: a broker, a prefix, rules, a lake."""

    def __init__(self, bootstrap: str, prefix: str, rules: Path, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BRAID_")},
            "BRAID_BOOTSTRAP": bootstrap,
            "BRAID_TOPIC_PREFIX": prefix,
            "BRAID_RULES": str(rules),
            "BRAID_DEFAULT_RULES": "false",
            "BRAID_LAKE": str(folder / "lake"),
            "BRAID_DATA_DIR": str(folder / "state"),
            "BRAID_CACHE_DIR": str(folder / "cache"),
            "BRAID_ARCHIVE_SECONDS": "0.3",
        }

    @contextmanager
    def running(self, *command: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `braid COMMAND`; end it, by force if need be, when the block is left."""
        log = (self.folder / f"{'-'.join(command[:2])}-{uuid4().hex[:6]}.log").open("wb")
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "streams.cli", *command],
            env=self.environment | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_S + 5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            log.close()

    def send(self, topic: str, values: Iterable[bytes], partition: int | None = None) -> None:
        """Produce records as a plain producer does: no key, no headers."""
        target = {} if partition is None else {"partition": partition}
        producer = Producer({"bootstrap.servers": self.bootstrap, "message.max.bytes": 4_000_000})
        for value in values:
            producer.produce(self.prefix + topic, value, **target)
            producer.poll(0)
        assert producer.flush(WAIT_S) == 0

    def read_until(self, topic: str, enough: Callable[[list[Message]], bool], wait_s: float = WAIT_S) -> list[Message]:
        """Read a topic from its beginning, committed records only, until `enough` says so; fail when it never does."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": uuid4().hex,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
            }
        )
        try:
            name = self.prefix + topic
            partitions = consumer.list_topics(name, timeout=10).topics[name].partitions
            consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in partitions])
            found: list[Message] = []
            deadline = time.monotonic() + wait_s
            while not enough(found):
                assert time.monotonic() < deadline, f"{topic}: {len(found)} records, not enough in {wait_s} s"
                found += [message for message in consumer.consume(1000, 0.1) if message.error() is None]
            return found
        finally:
            consumer.close()


def body(message: Message) -> dict[str, Any]:
    """Return a record's JSON."""
    value: dict[str, Any] = json.loads(message.value() or b"")
    return value


def headers(message: Message) -> Mapping[str, bytes]:
    """Return a record's headers."""
    return {name: value for name, value in message.headers() or () if isinstance(value, bytes)}


def standing(messages: Iterable[Message]) -> dict[str, dict[str, Any]]:
    """Return what stands in the end on a topic of findings: the last record of each uid that was not closed."""
    last: dict[str, dict[str, Any]] = {}
    for message in messages:
        record = body(message)
        last[record["metadata"]["uid"]] = record
    return {uid: record for uid, record in last.items() if record["activity_id"] != 3}

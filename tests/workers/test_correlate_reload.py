"""Correlations that change under the correlate worker, its app played by a table and topics in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.finding import Signal
from models.ocsf import decode
from streams import wire
from streams.config import load_settings
from streams.correlate.watermark import Tick
from streams.workers.correlate import Correlation
from streams.workers.health import Health
from streams.workers.keyed import Keyed
from tests.correlate.build import HOUR, START, signal

RULE = "00000000-0000-4000-8000-000000000001"
KEY = "host:h1"
DETECTION = f"""\
title: One
id: {RULE}
logsource: {{product: windows}}
detection: {{selection: {{a: x}}, condition: selection}}
"""
MANY = f"""\
title: Many
id: 00000000-0000-4000-8000-0000000000cc
correlation:
  type: event_count
  rules: [{RULE}]
  group-by: [entity.host]
  timespan: 10m
  condition: {{OP: 3}}
"""


class Topic:
    """Keep what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, *, value: bytes, **_: Any) -> Awaitable[None]:
        self.sent.append(decode(value))
        return asyncio.sleep(0)


class App:
    """As much of a Faust app as the worker uses beside its stream."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}

    def Table(self, *_: Any, **__: Any) -> dict[bytes, bytes]:  # noqa: N802  # the name is the library's
        return {}

    def topic(self, name: str, **_: Any) -> Topic:
        return self.topics.setdefault(name, Topic())


class Worker:
    """One correlate worker of one partition."""

    def __init__(self, folder: Path) -> None:
        settings = load_settings(rules=(folder,), default_rules=False, cache_dir="", rules_reload_seconds=0)
        self.app: Any = App()
        health = Health("correlate")
        self.correlation = Correlation(settings, health, 1)
        self.keyed: Keyed[Any, Any, Any] = Keyed(self.app, self.correlation, settings, health, 1)
        self.log: list[wire.Message] = []

    async def take(self, message: wire.Message) -> None:
        self.log.append(message)
        await self.read(len(self.log) - 1)

    async def read(self, *offsets: int) -> None:
        await self.keyed.take([self.record(offset) for offset in offsets])

    def record(self, offset: int) -> Any:
        message = self.log[offset]
        at = {"topic": message.topic, "partition": 0, "offset": offset, "timestamp": offset}
        return SimpleNamespace(**at, key=message.key, value=message.value, headers=tuple(message.headers))

    async def signal(self, at: int) -> None:
        fresh: Signal = signal(RULE, at, KEY)
        await self.take(wire.signal_message(fresh, KEY))

    async def tick(self, watermark: int) -> None:
        for message in wire.tick_messages([Tick("windows", 0, START + watermark, START + watermark)], 1):
            await self.take(message)

    def found(self) -> list[str]:
        """Return the titles of what was published as a sequence, in order."""
        topic = self.app.topics.get("sequences", Topic())
        return [record["finding_info"]["analytic"]["name"] for record in topic.sent]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.yml").write_text(DETECTION)
    return tmp_path


def write(folder: Path, op: str, title: str = "Many") -> None:
    (folder / "many.yml").write_text(MANY.replace("OP", op).replace("title: Many", f"title: {title}"))


async def test_a_new_correlation_counts_what_waits_in_the_state(folder: Path) -> None:
    worker = Worker(folder)
    for at in (1, 2, 3):
        await worker.signal(at)
    write(folder, "gte")
    worker.correlation.rules.check(asked=True)
    assert worker.found() == []
    await worker.signal(4)
    assert worker.found() == ["Many"]


async def test_a_new_deadline_is_kept_though_no_further_signal_comes(folder: Path) -> None:
    write(folder, "gte")
    worker = Worker(folder)
    await worker.tick(0)
    await worker.signal(1)
    write(folder, "lt", "Few")
    worker.correlation.rules.check(asked=True)
    await worker.tick(HOUR)  # the window is over, and what keeps the signal is not
    assert worker.found() == ["Few"]


async def test_rules_that_are_the_same_for_it_change_nothing(folder: Path) -> None:
    write(folder, "gte")
    worker = Worker(folder)
    before = worker.correlation._correlator  # noqa: SLF001  # that it is the same one shows nowhere else
    (folder / "one.yml").write_text(DETECTION.replace("a: x", "a: y"))
    worker.correlation.rules.check(asked=True)
    await worker.signal(1)
    assert worker.correlation._correlator is before  # noqa: SLF001  # same


async def test_what_comes_again_after_its_state_went_is_passed_over(folder: Path) -> None:
    """A worker is killed: the next one reads from the last commit, beyond which states have gone with time."""
    write(folder, "lte")
    killed = Worker(folder)
    for at in (1, 2, 3, 4):
        await killed.signal(at)
    await killed.tick(100 * HOUR)
    assert killed.found() == ["Many"], "the last three are few enough"
    heir = Worker(folder)
    heir.keyed.table, heir.log = killed.keyed.table, killed.log
    await heir.read(2, 3, 4)  # the first two were committed
    await heir.tick(200 * HOUR)
    assert heir.found() == []
    await heir.signal(150 * HOUR)
    await heir.tick(300 * HOUR)
    assert heir.found() == ["Many"]


async def test_of_a_bundle_each_state_and_each_sequence_is_written_once(folder: Path) -> None:
    write(folder, "gte")
    worker = Worker(folder)
    for at in range(6):
        worker.log.append(wire.signal_message(signal(RULE, at, KEY), KEY))
    await worker.read(*range(6))
    (sequence,) = worker.app.topics["sequences"].sent
    assert len(sequence["finding_info"]["related_events"]) == 6

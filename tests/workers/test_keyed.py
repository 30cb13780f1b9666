"""The frame of the keyed workers: however records are cut into bundles, and whenever it is killed, the same stands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ocsf import decode
from streams import wire
from streams.config import load_settings
from streams.correlate.watermark import Tick
from streams.workers.correlate import Correlation
from streams.workers.health import Health
from streams.workers.keyed import Keyed
from tests.correlate.build import MINUTE, START, signal

RULE = "00000000-0000-4000-8000-000000000001"
RULES = f"""\
title: One
id: {RULE}
logsource: {{product: windows}}
detection: {{selection: {{a: x}}, condition: selection}}
---
title: Many
id: 00000000-0000-4000-8000-0000000000cc
correlation: {{type: event_count, rules: [{RULE}], group-by: [entity.host], timespan: 10m, condition: {{gte: 3}}}}
---
title: Few
id: 00000000-0000-4000-8000-0000000000dd
correlation: {{type: event_count, rules: [{RULE}], group-by: [entity.host], timespan: 10m, condition: {{lt: 2}}}}
"""
HOSTS = ("host:h1", "host:h2")
DELAY = 5 * MINUTE


class Sent:
    """What the broker has acknowledged."""

    def __await__(self) -> Iterator[None]:
        return iter(())


class Killed(Exception):
    """The process is gone."""


class Broker:
    """The topics, what a consumer of `sequences` has kept, and how long the process that sends still lives."""

    def __init__(self) -> None:
        self.standing: dict[str, Any] = {}
        self.left = -1

    def lives(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def topic(self, name: str, **_: Any) -> Any:
        async def send(*, value: bytes, **_: Any) -> Sent:
            self.lives()
            if name == "sequences":
                record = decode(value)
                uid = record["finding_info"]["uid"]
                if record.get("status_id") == CLOSED:
                    self.standing.pop(uid, None)
                else:
                    self.standing[uid] = record
            return Sent()

        return SimpleNamespace(send=send)


CLOSED = 4  # OCSF status of a finding that no longer stands


class Table(dict[bytes, bytes]):
    """A Faust table whose process may die between two writes."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._broker.lives()
        super().__setitem__(key, value)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Correlation:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yml").write_text(RULES)
    return Correlation(options(folder), Health("correlate"), 1)


def options(folder: Path) -> Any:
    return load_settings(rules=(folder,), default_rules=False, cache_dir="", rules_reload_seconds=0)


def log_of(times: list[tuple[int, int]]) -> list[wire.Message]:
    """Return signals as they come, each on time, and the ticks that follow from them."""
    log, front = list[wire.Message](), 0
    for minute, host in times:
        log.append(wire.signal_message(signal(RULE, minute * MINUTE, HOSTS[host]), HOSTS[host]))
        if minute > front:
            front = minute
            log += wire.tick_messages([Tick("windows", 0, START + front * MINUTE - DELAY, START + front * MINUTE)], 1)
    log += wire.tick_messages([Tick("windows", 0, START + 10_000 * MINUTE, START + 10_000 * MINUTE)], 1)
    return [message for message in log if message.topic == "signals"]


def record(log: list[wire.Message], offset: int) -> Any:
    message = log[offset]
    at = {"topic": message.topic, "partition": 0, "offset": offset, "timestamp": offset}
    return SimpleNamespace(**at, key=message.key, value=message.value, headers=tuple(message.headers))


def run(stage: Correlation, log: list[wire.Message], cuts: list[int], kills: list[int]) -> tuple[Any, int]:
    """Read a log in bundles, and again from the last commit after each kill; return what stands and what is kept."""
    broker = Broker()
    table = Table(broker)
    committed, cut = 0, 0
    app: Any = SimpleNamespace(Table=lambda *_, **__: table, topic=broker.topic)
    while committed < len(log):
        broker.left = kills.pop() if kills else -1
        keyed: Keyed[Any, Any, Any] = Keyed(app, stage, load_settings(), Health("correlate"), 1)
        at = committed
        try:
            while at < len(log):
                size = cuts[cut % len(cuts)]
                cut += 1
                asyncio.run(keyed.take([record(log, n) for n in range(at, min(at + size, len(log)))]))
                at += size
                if cut % 3 == 0:
                    committed = at
        except Killed:
            continue
        committed = at
    return broker.standing, len([key for key in table if not key.startswith(b"\x00")])


on_time = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1)), min_size=1, max_size=12).map(
    lambda times: [(max(minute, max(m for m, _ in times[: n + 1]) - 4), host) for n, (minute, host) in enumerate(times)]
)


@settings(max_examples=150)
@given(on_time, st.lists(st.integers(1, 5), min_size=1, max_size=4), st.lists(st.integers(1, 12), max_size=3))
def test_bundles_and_kills_change_nothing(
    stage: Correlation, times: list[tuple[int, int]], cuts: list[int], kills: list[int]
) -> None:
    log = log_of(times)
    one_by_one = run(stage, log, [1], [])
    assert one_by_one[1] == 0, "all of it goes with time"
    assert run(stage, log, cuts, kills) == one_by_one

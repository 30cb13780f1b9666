"""What stream processors get wrong, on a real Kafka: rebalances, recovered windows, clocks, idle partitions.

The pure halves are in `tests/correlate/test_regressions.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, Message
from confluent_kafka.admin import AdminClient

from streams.topics import KEYED_PARTITIONS, partition_for
from tests.workers.processes import WAIT_S, Braid, body, headers, standing

MINUTE_S, HOUR_S, YEAR_S = 60, 3600, 365 * 86_400
HOSTS = 24  # twice as many as there are partitions: nearly all have one
CHANGELOG = "braid-correlate-state-changelog"
BOTH, ONCE = "Read, and started", "Read once"
RULES = rf"""
title: LSASS read
id: 7a0e4d52-91c3-4b8e-8f61-2d5b9c3e7a01
name: lsass_read
logsource: {{product: windows, category: process_access}}
detection:
  selection: {{TargetImage|endswith: \lsass.exe}}
  condition: selection
---
title: Tool started
id: 7a0e4d52-91c3-4b8e-8f61-2d5b9c3e7a02
name: tool_started
logsource: {{product: windows, category: process_creation}}
detection:
  selection: {{Image|endswith: \tool.exe}}
  condition: selection
---
title: {BOTH}
id: 7a0e4d52-91c3-4b8e-8f61-2d5b9c3e7a03
correlation:
  type: temporal
  rules: [lsass_read, tool_started]
  group-by: [entity.host]
  timespan: 30m
---
title: {ONCE}
id: 7a0e4d52-91c3-4b8e-8f61-2d5b9c3e7a04
correlation:
  type: event_count
  rules: [lsass_read]
  group-by: [entity.host]
  timespan: 10m
  condition: {{lt: 2}}
"""


@pytest.fixture
def braid(bootstrap: str, topic_prefix: str, tmp_path: Path) -> Braid:
    """Give an installation with its topics made and no worker started."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rules.yml").write_text(RULES, "utf-8")
    made = Braid(bootstrap, topic_prefix, rules, tmp_path)
    with made.running("topics", "create") as create:
        assert create.wait(30) == 0
    return made


@pytest.fixture
def day_ago_s() -> int:
    """Give a time that the broker's clock has long passed: event time ahead of it would move no watermark."""
    return int(time.time()) - 86_400  # noqa: TID251  # to be behind the broker's clock, which is this machine's


def sysmon(host: str, event_id: int, at_s: int, **fields: str) -> bytes:
    record = {
        "EventID": event_id,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "SourceName": "Microsoft-Windows-Sysmon",
        "Hostname": f"{host}.example.com",
        "TimeCreated": datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        **fields,
    }
    return json.dumps(record).encode()


def read_lsass(host: str, at_s: int) -> bytes:
    target = r"C:\Windows\System32\lsass.exe"
    return sysmon(host, 10, at_s, SourceImage=r"C:\Users\alice\tool.exe", TargetImage=target, GrantedAccess="0x1010")


def start_tool(host: str, at_s: int) -> bytes:
    return sysmon(host, 1, at_s, Image=r"C:\Users\alice\tool.exe", CommandLine="tool.exe", User=r"EXAMPLE\alice")


def nothing_new(at_s: int) -> bytes:
    image = r"C:\Windows\System32\notepad.exe"
    return sysmon("noise", 1, at_s, Image=image, CommandLine="notepad.exe", User=r"EXAMPLE\bob")


def groups(messages: Iterable[Message], title: str) -> list[str]:
    """Return the groups of the sequences of one rule that stand."""
    found = standing(messages).values()
    return sorted(one["unmapped"]["braid"]["group"] for one in found if title_of(one) == title)


def title_of(record: dict[str, Any]) -> str:
    title: str = record["finding_info"]["analytic"]["name"]
    return title


def states(messages: Iterable[Message]) -> dict[str, bool]:
    """Return for every host in the changelog whether it has a state in the end."""
    keyed = (((message.key() or b"").decode(), message) for message in messages)
    return {key: message.value() is not None for key, message in keyed if key.startswith("host:ws")}


def late_groups(messages: Iterable[Message]) -> set[str]:
    """Return the hosts for which signals came late."""
    groups_ = (headers(message)["braid_group"].decode() for message in messages)
    return {group for group in groups_ if group.startswith("host:")}


def await_members(braid: Braid, wanted: int) -> None:
    """Wait until so many workers share the partitions of `correlate`."""
    admin, group = AdminClient({"bootstrap.servers": braid.bootstrap}), f"{braid.prefix}braid-correlate"
    deadline = time.monotonic() + WAIT_S
    while True:
        found = admin.describe_consumer_groups([group])[group].result()
        sharing = [member for member in found.members if member.assignment.topic_partitions]
        if found.state == ConsumerGroupState.STABLE and len(sharing) == wanted:
            return
        assert time.monotonic() < deadline, f"{len(sharing)} workers, {found.state}, not {wanted} in {WAIT_S} s"


def test_a_rebalance_in_the_middle_of_a_window_loses_nothing(braid: Braid, day_ago_s: int) -> None:
    """A worker joins between two signals of a window, then one dies between two: each sequence stands once."""
    hosts = [f"ws{number}" for number in range(2 * HOSTS)]
    wanted = sorted(f"host:{host}" for host in hosts)
    with braid.running("worker", "ingest"), braid.running("worker", "correlate") as first:
        braid.send("raw.windows", (read_lsass(host, day_ago_s) for host in hosts[:HOSTS]))
        braid.read_until(CHANGELOG, lambda held: sum(states(held).values()) == HOSTS)
        with braid.running("worker", "correlate"):
            await_members(braid, 2)
            braid.send("raw.windows", (start_tool(host, day_ago_s + 1) for host in hosts[:HOSTS]))
            braid.send("raw.windows", (read_lsass(host, day_ago_s) for host in hosts[HOSTS:]))
            braid.read_until("sequences", lambda held: len(groups(held, BOTH)) == HOSTS)
            braid.read_until(CHANGELOG, lambda held: sum(states(held).values()) == 2 * HOSTS)
            first.kill()
            first.wait()
            braid.send("raw.windows", (start_tool(host, day_ago_s + 1) for host in hosts[HOSTS:]))
            found = braid.read_until("sequences", lambda held: len(groups(held, BOTH)) >= 2 * HOSTS)
    assert groups(found, BOTH) == wanted


def test_windows_recovered_from_a_changelog_still_expire(braid: Braid, day_ago_s: int) -> None:
    hosts = [f"ws{number}" for number in range(HOSTS)]
    later = day_ago_s + 6 * HOUR_S
    place = partition_for(b"host:ws0", KEYED_PARTITIONS)
    beside = next(
        name for n in count() if partition_for(f"host:{(name := f'other{n}')}".encode(), KEYED_PARTITIONS) == place
    )
    with braid.running("worker", "ingest"):
        with braid.running("worker", "correlate") as first:
            braid.send("raw.windows", (read_lsass(host, day_ago_s) for host in hosts))
            braid.read_until(CHANGELOG, lambda held: sum(states(held).values()) == HOSTS)
            first.kill()
            first.wait()
        with braid.running("worker", "correlate"):
            braid.send("raw.windows", [nothing_new(later)], partition=0)
            braid.send("raw.windows", [nothing_new(later)], partition=1)
            emptied = braid.read_until(CHANGELOG, lambda held: set(states(held).values()) == {False})
            braid.send("raw.windows", [start_tool("ws0", day_ago_s + 1)], partition=0)
            braid.send("raw.windows", [read_lsass(beside, later), start_tool(beside, later)], partition=0)
            found = braid.read_until("sequences", lambda held: len(groups(held, BOTH)) > 0)
            late = braid.read_until("late", lambda held: "host:ws0" in late_groups(held))
    assert states(emptied).keys() == {f"host:{host}" for host in hosts}
    assert groups(found, BOTH) == [f"host:{beside}"], "what came for ws0 was taken in before, and joined nothing"
    assert late_groups(late) == {"host:ws0"}


def test_one_record_stamped_next_year_expires_nothing(braid: Braid, day_ago_s: int) -> None:
    with braid.running("worker", "ingest"), braid.running("worker", "correlate"):
        braid.send("raw.windows", [read_lsass("ws0", day_ago_s)], partition=0)
        braid.read_until(CHANGELOG, lambda held: states(held).get("host:ws0", False))
        for partition in range(2):
            braid.send("raw.windows", [nothing_new(day_ago_s + YEAR_S)], partition)
        braid.read_until("events.workload", lambda held: len(held) == 3)
        braid.send("raw.windows", [nothing_new(day_ago_s + MINUTE_S), start_tool("ws0", day_ago_s + 1)], partition=0)
        found = braid.read_until("sequences", lambda held: len(groups(held, BOTH)) > 0)
    assert [title_of(body(message)) for message in found] == [BOTH]


def test_a_partition_without_traffic_does_not_hold_back_absence(braid: Braid, day_ago_s: int) -> None:
    """Of the partitions of one source most never had a record, one had an old one, and one goes on."""
    with braid.running("worker", "ingest"), braid.running("worker", "correlate"):
        braid.send("raw.windows", [nothing_new(day_ago_s - HOUR_S)], partition=1)
        braid.send("raw.windows", [read_lsass("ws0", day_ago_s)], partition=0)
        braid.read_until(CHANGELOG, lambda held: states(held).get("host:ws0", False))
        braid.send("raw.windows", [nothing_new(day_ago_s + HOUR_S)], partition=0)
        found = braid.read_until("sequences", lambda held: len(groups(held, ONCE)) > 0)
    assert groups(found, ONCE) == ["host:ws0"]

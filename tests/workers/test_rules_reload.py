"""Rules that change while the workers run, on a real Kafka: new signals and sequences without a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

from confluent_kafka import Message

from tests.workers.processes import Braid, body

RULE = """\
title: {title}
id: 00000000-0000-4000-8000-{number:012d}
name: {title}
level: high
logsource: {{product: windows, category: process_creation}}
detection: {{selection: {{Image|endswith: {value}}}, condition: selection}}
"""
BAD = "title: bad\nlogsource: {product: windows}\ndetection: {selection: {a: 1}}\n"
MANY = """\
title: many
id: 00000000-0000-4000-8000-0000000000cc
correlation: {type: event_count, rules: [new], group-by: [entity.host], timespan: 60m, condition: {gte: 3}}
"""


def process(number: int) -> bytes:
    """Return a Sysmon record of a program that starts; each is another one."""
    time = f"2026-09-21T13:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    record = {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "ws01.example.com",
        "EventRecordID": 1000 + number,
        "UtcTime": time,
        "TimeCreated": time,
        "Image": "C:\\Tools\\tool.exe",
        "CommandLine": f"tool.exe {number}",
        "ProcessId": 4000 + number,
        "User": "EXAMPLE\\alice",
    }
    return json.dumps(record).encode()


class Traffic:
    """Records without end, one for every look at what came of them."""

    def __init__(self, braid: Braid) -> None:
        self._braid = braid
        self._numbers = count()

    def until(self, enough: Callable[[list[Message]], bool]) -> Callable[[list[Message]], bool]:
        def look(held: list[Message]) -> bool:
            if enough(held):
                return True
            self._braid.send("raw.windows", [process(next(self._numbers))])
            return False

        return look


def analytics(held: list[Message]) -> set[str]:
    return {body(message)["finding_info"]["analytic"]["name"] for message in held if b"finding_info" in message.value()}


def test_rules_change_without_a_restart(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "old.yml").write_text(RULE.format(title="old", number=1, value="tool.exe"))
    braid = Braid(bootstrap, topic_prefix, rules, tmp_path)
    traffic = Traffic(braid)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    quick = {"BRAID_RULES_RELOAD_SECONDS": "0.2"}
    with (
        braid.running("worker", "ingest", **quick) as ingest,
        braid.running("worker", "correlate", **quick) as correlate,
    ):
        found = braid.read_until("signals", traffic.until(lambda held: "old" in analytics(held)))
        assert analytics(found) == {"old"}

        (rules / "bad.yml").write_text(BAD)
        (rules / "new.yml").write_text(RULE.format(title="new", number=2, value="tool.exe"))
        (rules / "many.yml").write_text(MANY)
        braid.read_until("signals", traffic.until(lambda held: "new" in analytics(held)))
        braid.read_until("sequences", traffic.until(lambda held: "many" in analytics(held)))

        (rules / "new.yml").write_text(RULE.format(title="newer", number=2, value="tool.exe"))
        braid.read_until("signals", traffic.until(lambda held: "newer" in analytics(held)))
        assert ingest.poll() is None
        assert correlate.poll() is None
    (log,) = tmp_path.glob("worker-ingest-*.log")
    told = [line for line in log.read_text().splitlines() if "rule left out" in line]
    assert [line for line in told if "bad.yml" in line] == told[:1]
    assert len({line.partition("rule left out")[2] for line in told}) == len(told)

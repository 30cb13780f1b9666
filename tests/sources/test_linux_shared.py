"""Recorded telemetry of Linux machines: every record is recognized, by one source only, and becomes a valid event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, RawRecord
from streams.sources.base import Source
from streams.sources.joining import joined
from streams.sources.linux import auditd, auth, osquery, sysmon

SOURCES = (auditd.SOURCE, sysmon.SOURCE, osquery.SOURCE, auth.SOURCE)
BROKER_TIME = 1_718_452_800_000


def lines(shared: Path, pattern: str) -> Iterator[bytes]:
    paths = sorted((shared / "data").glob(pattern))
    if not paths:
        pytest.skip(f"left out: there is no recorded telemetry {pattern}")
    for path in paths:
        yield from filter(None, path.read_bytes().splitlines())


def claims(raw: bytes) -> list[Source]:
    value = orjson.loads(raw) if raw[:1] == b"{" else None
    return [source for source in SOURCES if source.recognize(raw, value)]


def events(source: Source, found: Iterator[bytes]) -> list[Event]:
    made = []
    records = [
        RawRecord(source.name, raw, Coordinates("f", 0, number), BROKER_TIME, context=Context(host="web01"))
        for number, raw in enumerate(found, 1)
    ]
    for record in joined(records, source.join):
        assert claims(record.raw) == [source], record.raw
        event = source.parse(record)
        assert isinstance(event, Event), event
        assert validate(event.ocsf) == [], record.raw
        made.append(event)
    return made


def test_audit_lines(shared: Path) -> None:
    made = events(auditd.SOURCE, lines(shared, "linux_auditd/*.log"))
    commands = [event.ocsf["process"]["cmd_line"] for event in made]
    assert commands
    assert all(commands)


def test_audit_events_in_syslog_tables(shared: Path) -> None:
    made = events(auditd.SOURCE, lines(shared, "multi_source/*/syslog_auoms*.ndjson"))
    assert {event.class_uid for event in made} == {1007}
    assert all("hostname" in event.ocsf["device"] for event in made)


def test_sysmon_in_syslog_tables(shared: Path) -> None:
    made = events(sysmon.SOURCE, lines(shared, "multi_source/*/syslog_sysmon*.ndjson"))
    assert {event.class_uid for event in made} >= {1001, 1007, 4001}


def test_osquery_results(shared: Path) -> None:
    logs = (orjson.dumps(orjson.loads(line)["log"]) for line in lines(shared, "panther/osquery.tests.ndjson"))
    assert {event.class_uid for event in events(osquery.SOURCE, logs)} >= {1009, 5010, 5012}

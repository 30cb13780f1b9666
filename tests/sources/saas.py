"""What the tests of the sources of services share: parse a record, check the event, find the shared records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Coordinates, RawRecord
from models.uids import sha256_hex
from streams.sources.base import Source

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z


def record(source: Source, value: Any, broker_time: int = 0) -> RawRecord:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord(source.name, raw, Coordinates(source.topic, 0, 1), broker_time)


def events(source: Source, value: Any) -> list[Event]:
    """Parse a record that the source must recognize; every event of it is valid, and nothing of the record is lost."""
    raw = record(source, value)
    assert source.recognize(raw.raw, value), value
    found = source.parse_all(raw)
    assert isinstance(found, tuple), found
    for event in found:
        assert validate(event.ocsf) == []
        assert len(found) > 1 or event.ocsf["raw_data"] == raw.raw.decode()
        assert sha256_hex(event.ocsf["raw_data"].encode()) == event.sha256
        assert event.time == event.ocsf["time"]
    return list(found)


def parsed(source: Source, value: Any) -> Event:
    return events(source, value)[0]


def kind(event: Event) -> tuple[int, int]:
    return event.ocsf["class_uid"], event.ocsf["activity_id"]


def entities(event: Event) -> list[str]:
    return [str(key) for key in entities_of(event.ocsf)]


def recorded(shared: Path, name: str) -> list[dict[str, Any]]:
    lines = (shared / "data/panther" / f"{name}.tests.ndjson").read_bytes().splitlines()
    return [orjson.loads(line)["log"] for line in lines]


def standard(shared: Path, log_type: str) -> list[dict[str, Any]]:
    """Return the records of one kind among those that rules for several vendors are tested with."""
    return [log for log in recorded(shared, "standard") if log.get("p_log_type") == log_type]


def all_become_events(source: Source, logs: list[dict[str, Any]]) -> None:
    assert logs
    for log in logs:
        raw = record(source, log, NOON)
        assert source.recognize(raw.raw, log), log
        event = source.parse(raw)
        assert isinstance(event, Event), (event, log)
        assert validate(event.ocsf) == [], log

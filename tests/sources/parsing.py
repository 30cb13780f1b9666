"""Parse one record of a source in a test, and expect it to be recognized, whole, and valid OCSF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from models.uids import sha256_hex
from streams.sources.base import Source

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z


def raw(source: Source, value: Any, context: Context | None = None, broker_time: int = 0) -> RawRecord:
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    return RawRecord(source.name, data, Coordinates(source.topic, 0, 1), broker_time, context=context or Context())


def events(source: Source, value: Any, context: Context | None = None, broker_time: int = 0) -> tuple[Event, ...]:
    record = raw(source, value, context, broker_time)
    assert source.recognize(record.raw, orjson.loads(record.raw) if record.raw.startswith(b"{") else None)
    found = source.parse_all(record)
    assert not isinstance(found, ParseError), found
    for event in found:
        assert validate(event.ocsf) == []
        assert len(found) > 1 or event.ocsf["raw_data"] == record.raw.decode()
        assert sha256_hex(event.ocsf["raw_data"].encode()) == event.sha256
    assert len({event.uid for event in found}) == len(found)
    return found


def one(source: Source, value: Any, context: Context | None = None, broker_time: int = 0) -> Event:
    (event,) = events(source, value, context, broker_time)
    return event


def kind(event: Event) -> tuple[int, int]:
    return event.class_uid, event.ocsf["activity_id"]


def names(event: Event) -> set[str]:
    return {str(entity) for entity in entities_of(event.ocsf)}


def logs(shared: Path, *files: str) -> list[dict[str, Any]]:
    """Return the records that the named files of detection tests hold."""
    paths = [shared / "data" / "panther" / f"{name}.tests.ndjson" for name in files]
    return [orjson.loads(line)["log"] for path in paths if path.exists() for line in path.read_bytes().splitlines()]

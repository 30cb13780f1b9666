"""What lies on the topics `context.assets` and `context.identities`: records by uid, and tombstones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from enrichers.context.fields import Kind, read_row
from enrichers.context.known import Asset, Identity, Known, to_json
from enrichers.context.loading import Tables
from models.errors import InvalidRecord
from streams.topics import ASSETS, IDENTITIES, headers_for
from streams.wire import Message

TOPICS: Final[Mapping[str, Kind]] = {ASSETS: "assets", IDENTITIES: "identities"}
_TOPIC_OF: Final[Mapping[Kind, str]] = {kind: topic for topic, kind in TOPICS.items()}
TYPES: Final[Mapping[Kind, str]] = {"assets": "braid.asset", "identities": "braid.identity"}
MAX_RECORD_BYTES: Final = 1 << 17


def record_message(record: Known, time_ms: int) -> Message:
    """Send a record that was loaded at `time_ms`."""
    kind: Kind = "assets" if isinstance(record, Asset) else "identities"
    key = record.uid.encode()
    return Message(_TOPIC_OF[kind], key, orjson.dumps(to_json(record)), _headers(kind, key, time_ms))


def tombstone(kind: Kind, key: bytes, time_ms: int) -> Message:
    """Take back the record with a key."""
    return Message(_TOPIC_OF[kind], key, None, _headers(kind, key, time_ms))


def _headers(kind: Kind, key: bytes, time_ms: int) -> list[tuple[str, bytes]]:
    name, uid = TYPES[kind], key.decode("utf-8", "replace")
    schema = f"{name.removeprefix('braid.')}/1"
    return headers_for(uid=uid, type=name, source="/braid/context", time_ms=time_ms, schema=schema)


def record_of(kind: Kind, value: bytes) -> Known:
    """Read a record; raise InvalidRecord naming every field that is wrong."""
    if len(value) > MAX_RECORD_BYTES:
        raise InvalidRecord(f"has {len(value)} bytes, more than {MAX_RECORD_BYTES}")
    try:
        row = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not JSON: {error.msg}") from error
    if not isinstance(row, dict):
        raise InvalidRecord("not a JSON object")
    record, problems = read_row(kind, row)
    if record is None:
        raise InvalidRecord("; ".join(f"{name}: {message}" for name, message in problems.items()))
    return record


class Following:
    """What the topics hold as far as they were read."""

    def __init__(self) -> None:
        self._records: dict[Kind, dict[bytes, Known]] = {"assets": {}, "identities": {}}

    def take(self, kind: Kind, key: bytes, value: bytes | None) -> bool:
        """Take one record or tombstone; tell whether it changes anything. Raise InvalidRecord; what was known stays."""
        records = self._records[kind]
        if value is None:
            return records.pop(key, None) is not None
        record = record_of(kind, value)
        if records.get(key) == record:
            return False
        records[key] = record
        return True

    def keys(self, kind: Kind) -> frozenset[bytes]:
        """Return the keys that have a record."""
        return frozenset(self._records[kind])

    def tables(self) -> Tables:
        """Return all that is known now."""
        assets, identities = self._records["assets"].values(), self._records["identities"].values()
        return Tables(
            tuple(record for record in assets if isinstance(record, Asset)),
            tuple(record for record in identities if isinstance(record, Identity)),
        )

"""Dead letters on the wire: JSON that keeps the original bytes, so that they can be sent round again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from models.errors import InvalidRecord
from models.records import Coordinates, DeadLetter, ParseError, RawRecord

PREVIEW_CHARS = 200


def dead_letter_to_json(letter: DeadLetter) -> dict[str, Any]:
    """Render a dead letter; `raw` holds the original bytes in base64, `preview` their printable beginning."""
    record, error = letter.record, letter.error
    rendered: dict[str, Any] = {
        "stage": letter.stage,
        "reason": error.reason,
        "source": record.source,
        "topic": record.at.topic,
        "partition": record.at.partition,
        "offset": record.at.offset,
        "time": record.broker_time,
        "size_bytes": len(record.raw),
        "preview": _preview(record.raw),
        "raw": b64encode(record.raw).decode(),
    }
    if error.offset >= 0:
        rendered["byte_offset"] = error.offset
    if error.field:
        rendered["field"] = error.field
    if letter.details:
        rendered["details"] = dict(letter.details)
    return rendered


def dead_letter_from_json(value: Mapping[str, Any]) -> DeadLetter:
    """Read a dead letter back; raise InvalidRecord when it is not one."""
    try:
        at = Coordinates(value["topic"], value["partition"], value["offset"])
        record = RawRecord(value["source"], b64decode(value["raw"], validate=True), at, value["time"])
        error = ParseError(value["reason"], value.get("byte_offset", -1), value.get("field", ""))
        return DeadLetter(record, value["stage"], error, dict(value.get("details", {})))
    except (KeyError, TypeError, ValueError, Base64Error) as error:
        raise InvalidRecord(f"not a dead letter: {type(error).__name__} at {error}") from error


def _preview(raw: bytes) -> str:
    text = raw[: 4 * PREVIEW_CHARS].decode("utf-8", "replace")[:PREVIEW_CHARS]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)

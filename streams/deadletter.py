"""Dead letters on the wire: JSON that keeps the original bytes, so that they can be sent round again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from models.errors import InvalidRecord
from models.fields import take
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


def dead_letter_from_json(value: Any) -> DeadLetter:
    """Read a dead letter back; raise InvalidRecord naming what is missing or of the wrong shape."""
    at = Coordinates(take(value, "topic", str), take(value, "partition", int), take(value, "offset", int))
    whole = {"byte_offset": -1, "field": "", "details": {}, "columns": [], **value}
    columns = take(whole, "columns", list)
    record = RawRecord(take(value, "source", str), _bytes(value), at, take(value, "time", int), tuple(columns))
    error = ParseError(take(value, "reason", str), take(whole, "byte_offset", int), take(whole, "field", str))
    details = take(whole, "details", dict)
    if not all(isinstance(text, str) for text in (*details.values(), *columns)):
        raise InvalidRecord("details, columns: not every value is a string")
    return DeadLetter(record, take(value, "stage", str), error, details)


def _bytes(value: Any) -> bytes:
    try:
        return b64decode(take(value, "raw", str), validate=True)
    except ValueError as error:  # what base64 raises, and what text beyond ASCII does
        raise InvalidRecord(f"raw: not base64: {error}") from error


def _preview(raw: bytes) -> str:
    text = raw[: 4 * PREVIEW_CHARS].decode("utf-8", "replace")[:PREVIEW_CHARS]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)

"""OCSF: events of shippers that already speak it, of any class, taken over once they are proven valid.

An event that is valid against 1.8.0 is taken as it is, whatever version it was written for. One that is not is brought
up to date where there is no doubt (`streams.sources.ocsf.upgrade`) and checked again; what is then still wrong is a
dead letter that names the first problem.

`raw_data` is the record as it came, for this source as for any other: evidence is what lies at the coordinates, and its
hash must cover just that. What the shipper put into `raw_data` is inside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from models import ocsf
from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_proof import is_valid
from models.ocsf_schema import Problem, validate
from models.records import RawRecord
from models.uids import event_uid, sha256_hex
from streams.sources.base import Source, decode_json, event_time, text
from streams.sources.ocsf.upgrade import upgraded

DELAY_MS: Final = 300_000  # unknown producers: as for hosts
MAX_CHARS: Final = 256  # of a path and of a message: both may quote the record
VERSION_LABEL: Final = "ocsf_version:"

_WORDS: Final = re.compile(r"[^a-z0-9]+")
_LOGSOURCES: Final = {
    uid: LogSource("ocsf", _WORDS.sub("_", known.name.lower()).strip("_")) for uid, known in ocsf.CLASSES.items()
}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return a valid OCSF 1.8.0 event, its own time put in order; raise Unparseable naming the first problem."""
    original = decode_json(record)
    metadata = original.get("metadata")
    if not isinstance(metadata, dict) or text(metadata.get("version")) is None:
        raise Unparseable("no OCSF event: metadata.version is missing", field="metadata.version")
    event = _with_time(original, record)
    if not is_valid(event) and validate(event):
        event = upgraded(event)
        problems = validate(event)
        if problems:
            raise _refusal(problems)
    return event | _original(record)


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an OCSF event by its class and the version in its metadata."""
    if value is None or not isinstance(value.get("class_uid"), int):
        return False
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and "version" in metadata


def _original(record: RawRecord) -> dict[str, Any]:
    digest = {"algorithm": "SHA-256", "algorithm_id": 3, "value": sha256_hex(record.raw)}
    return {"raw_data": record.raw.decode("utf-8"), "raw_data_hash": digest}


def _with_time(event: dict[str, Any], record: RawRecord) -> dict[str, Any]:
    """Give an event without a time the broker's; a time that is there must be right."""
    if event.get("time") is not None:
        return event
    time, labels = event_time(None, record)
    return {**event, "time": time, "metadata": _labelled(event["metadata"], labels)}


def _labelled(metadata: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
    before = metadata.get("labels")
    return {**metadata, "labels": [*(before if isinstance(before, list) else ()), *labels]}


def _refusal(problems: list[Problem]) -> Unparseable:
    path, message = problems[0].path[:MAX_CHARS], problems[0].message[:MAX_CHARS]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Unparseable(f"not valid OCSF {ocsf.VERSION}: {path or 'event'}: {message}{more}", field=path)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Wrap a valid event, with Braid's uid in its metadata and the shipper's kept beside it."""
    metadata = dict(fields["metadata"])
    version, original_uid = metadata["version"], metadata.get("uid")
    if version != ocsf.VERSION:
        metadata = _labelled(metadata, [VERSION_LABEL + version])
    if original_uid is not None:
        metadata.setdefault("original_event_uid", original_uid)
    sha256 = sha256_hex(record.raw)
    uid = event_uid(record.source, sha256)
    body = {**fields, "metadata": {**metadata, "version": ocsf.VERSION, "uid": uid}}
    logsource = _LOGSOURCES[body["class_uid"]]
    return Event(uid, body["time"], record.source, logsource, body, body, record.at, sha256)


SOURCE: Final = Source(
    name="ocsf",
    title="OCSF events",
    shippers=("Amazon Security Lake", "Vector", "Cribl", "Fluent Bit", "Tenzir"),
    classes=tuple(ocsf.CLASSES),
    entities=("user", "host", "ip", "workload", "session", "account"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

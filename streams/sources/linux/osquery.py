"""osquery: results of scheduled queries, differential or snapshot, one by one or in batches, and its own status log.

Source: osquery's documentation of logging (results, snapshots, the `diffResults` batch format, the TLS logger's
`data`). A record that holds several rows is as many events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import orjson

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import EVENT_LOG_ACTIVITY
from models.records import RawRecord
from streams.sources.base import MAX_PARTS, Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.fields import object_at
from streams.sources.linux.machine import MAX_HOSTNAME
from streams.sources.linux.osquery_rows import word
from streams.sources.linux.osquery_tables import anything, builder_for, own_time
from streams.sources.linux.told import Told
from streams.sources.objects import OTHER, device, operating_system
from streams.sources.times import EPOCH, from_any

DELAY_MS: Final = 900_000  # schedules run every few minutes, and buffers are sent after that
PRODUCT: Final = {"name": "osquery", "vendor_name": "osquery"}
LOGSOURCE: Final = LogSource("osquery", "result")
STATUS_LOG: Final = LogSource("osquery", "status")
_ROWS: Final = frozenset({"columns", "snapshot", "diffResults"})
_CORE: Final = ("name", "hostIdentifier", "unixTime", "calendarTime", "epoch", "counter", "action", "log_type")
MAX_OUTER_BYTES: Final = 16_384
MAX_CORE: Final = 1024
_BATCHES: Final = ("data", "snapshot", "diffResults")
_NOT_OF_ROWS: Final = frozenset((*_BATCHES, "node_key"))
_HOST_NAMES: Final = ("hostname", "host", "computer_name", "local_hostname")
_SEVERITIES: Final = {"0": 1, "1": 2, "2": 3, "3": 5}  # info, warning, error, fatal
_CALENDAR: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) [ ]?(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})(?: UTC| GMT)?", re.ASCII
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOST_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_REQUIRED_ACTOR: Final = {1001: "osquery", 1007: "osquery", 1009: "osquery"}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the result, or the batch of them; raise Unparseable when the record is neither."""
    value = decode_json(record)
    if not _is_osquery(value):
        raise Unparseable("no osquery result: no query name with columns, snapshot or diffResults", field="name")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a result by the query's name and its rows, a batch by the results in it."""
    return value is not None and _is_osquery(value)


def _is_osquery(value: Mapping[str, Any]) -> bool:
    if _is_result(value) or _is_status(value):
        return True
    items = value.get("data")
    if value.get("log_type") not in ("result", "status") or not isinstance(items, list):
        return False
    return any(isinstance(item, dict) and (_is_result(item) or _is_status(item)) for item in items[:4])


def _is_result(value: Mapping[str, Any]) -> bool:
    rows = isinstance(value.get("columns"), dict) or isinstance(value.get("snapshot"), list)
    rows = rows or isinstance(value.get("diffResults"), dict)
    about = "action" in value or "hostIdentifier" in value or "unixTime" in value
    return rows and about and isinstance(value.get("name"), str)


def _is_status(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("message"), str) and "filename" in value and "hostIdentifier" in value


def expand(fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Cut a batch into one result for each row; one more than a record may tell of says that there are too many."""
    items = fields.get("data")
    if not isinstance(items, list) or _is_result(fields):
        return list(islice(_rows(fields), MAX_PARTS + 1))
    outer = _around(fields)
    parts = (part for item in items if isinstance(item, dict) for part in _rows({**outer, **item}))
    return list(islice(parts, MAX_PARTS + 1))


def _rows(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if isinstance(result.get("columns"), dict) or _ROWS.isdisjoint(result):
        yield result
        return
    outer = _around(result)
    snapshot, changes = result.get("snapshot"), object_at(result, "diffResults")
    batches = [("snapshot", snapshot), ("removed", changes.get("removed")), ("added", changes.get("added"))]
    empty = True
    for action, rows in batches:
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                empty = False
                yield {**outer, "action": action, "columns": row}
    if empty:
        yield {**outer, "columns": {}}


def _around(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands beside the rows, without the key of the host, and no more than each of them can carry."""
    outer = {name: value for name, value in batch.items() if name not in _NOT_OF_ROWS}
    if len(orjson.dumps(outer)) <= MAX_OUTER_BYTES:
        return outer
    core = ((name, batch.get(name)) for name in _CORE)
    return {name: value for name, value in core if isinstance(value, str | int) and len(str(value)) <= MAX_CORE}


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one row into an OCSF event of the class that its table asks for."""
    row = object_at(fields, "columns")
    name = text(fields.get("name")) or ""
    action = text(fields.get("action")) or ""
    build = builder_for(name[:256], row)
    stamp = fields.get("unixTime") or fields.get("calendarTime")
    time, labels = event_time(own_time(build, row) or _result_time(fields), record)
    is_status = not name and _is_status(fields)
    told = _status(fields) if is_status else build(row, action) or anything(row, action)
    machine, names_host = _device(fields, row, record)
    body = head(told.class_uid, told.activity_id, time, _SEVERITIES.get(text(fields.get("severity")) or "", 1))
    body.update(told.attributes)
    body["device"] = machine
    if told.class_uid in _REQUIRED_ACTOR:
        body.setdefault("actor", {"app_name": "osquery"})
    return build_event(
        record,
        body,
        native=fields,
        logsource=STATUS_LOG if is_status else LOGSOURCE,
        product=PRODUCT,
        original_time=text(stamp),
        labels=labels,
        metadata=drop_none(
            event_code=name or None, log_name=text(fields.get("log_type")), correlation_uid=_epoch(fields)
        ),
        profiles=("host",),
        unmapped={name: value for name, value in fields.items() if name not in _BATCHES},
        names_host=names_host,
    )


def _status(fields: Mapping[str, Any]) -> Told:
    attributes = {"log_name": "osquery status", "activity_name": "Status", "message": text(fields.get("message")) or ""}
    return Told(EVENT_LOG_ACTIVITY, OTHER, attributes)


def _epoch(fields: Mapping[str, Any]) -> str | None:
    """Return which run of the schedule the result is of: rows of one run belong together."""
    epoch, counter = integer(fields.get("epoch")), integer(fields.get("counter"))
    return None if epoch is None or counter is None else f"{epoch}/{counter}"


def _result_time(fields: Mapping[str, Any]) -> int | None:
    time = from_any(fields.get("unixTime"))
    if time is not None:
        return time
    calendar = fields.get("calendarTime")
    return _calendar_ms(calendar) if isinstance(calendar, str) and len(calendar) <= 40 else None  # noqa: PLR2004  # its form


@lru_cache(maxsize=4096)
def _calendar_ms(stamp: str) -> int | None:
    found = _CALENDAR.fullmatch(stamp)
    if found is None or found[1] not in _MONTHS:
        return from_any(stamp)
    day, hour, minute, second, year = (int(found[number]) for number in range(2, 7))
    try:
        moment = datetime(year, _MONTHS.index(found[1]) + 1, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return round((moment - EPOCH).total_seconds()) * 1000


def _device(fields: Mapping[str, Any], row: Mapping[str, Any], record: RawRecord) -> tuple[dict[str, Any], bool]:
    """Return the machine: by the name among the decorations, else by osquery's host identifier, which may be a UUID."""
    decorations = object_at(fields, "decorations")
    identifier = text(fields.get("hostIdentifier")) or text(fields.get("host_identifier"))
    name = word(decorations, *_HOST_NAMES) or (None if identifier and _HOST_UUID.fullmatch(identifier) else identifier)
    uid = word(decorations, "host_uuid", "hardware_uuid", "uuid") or identifier
    host = name or record.context.host or None
    system = operating_system(word(row, "platform", "build_platform") or word(decorations, "platform"))
    made = device(host[:MAX_HOSTNAME] if host else None, **drop_none(uid=uid if uid != name else None))
    return (made | {"os": system} if system else made), bool(name or uid)


SOURCE: Final = Source(
    name="osquery",
    title="osquery",
    shippers=("osqueryd and Fleet", "Fluent Bit", "Filebeat", "Vector", "Kinesis and Kafka loggers of osquery"),
    classes=(1001, 1007, 1008, 1009, 3002, 4001, 5001, 5006, 5007, 5010, 5012, 5015, 5016, 5017, 5018, 5020),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
    expand=expand,
)

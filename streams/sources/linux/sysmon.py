"""Sysmon for Linux: its events as syslog lines, bare XML, or JSON; built as those of Sysmon for Windows are.

Source: the manifest of Sysmon for Linux, whose event ids and data fields are those of Windows. What differs: `LogonId`
is the number of the user, not that of a session, which stands in `TerminalSessionId`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models import ocsf
from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import EVENT_LOG_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, decode_text, drop_none, event_time, text
from streams.sources.linux.machine import ADMIN, ROOT, UNSET, machine, session
from streams.sources.linux.sysmon_xml import CHANNEL, PROVIDER, from_object, from_xml, is_ours
from streams.sources.times import from_any
from streams.sources.windows import log, network, sysmon
from streams.sources.windows.logsource import SYSMON, log_source
from streams.sources.windows.record import Draft, Fields, data_fields

DELAY_MS: Final = 300_000
PRODUCT: Final = {"name": "Sysmon for Linux", "vendor_name": "Microsoft"}
ACTOR_REQUIRED: Final = frozenset({1001, 1002, 1003, 1005, 1007, 1009})
MESSAGES: Final = ("SyslogMessage", "MESSAGE", "message", "msg")
ELSEWHERE: Final = ("LogonId", "LogonGuid", "TerminalSessionId", "IntegrityLevel")  # not what Windows means by them
_MARKS: Final = (b'Name="Linux-Sysmon"', b"Name='Linux-Sysmon'")
_IDS: Final = (1, 3, 4, 5, 9, 11, 16, 23, 255)  # all there are on Linux
_WINDOWS: Final = {**sysmon.BUILDERS, **network.SYSMON_BUILDERS}
_BUILDERS: Final = {event_id: _WINDOWS[event_id] for event_id in _IDS}
_NEVER_HERE: Final = frozenset({"UserID", "ExecutionProcessID", "HostIP"})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the event as one flat mapping; raise Unparseable when the record holds none."""
    if record.raw.lstrip()[:1] != b"{":
        native = from_xml(decode_text(record))
    else:
        value = decode_json(record)
        line = _line(value)
        native = from_xml(line) if line else from_object(value)
        if native is not None and line and isinstance(value.get("HostIP"), str):
            native["HostIP"] = value["HostIP"]
    if native is None:
        raise Unparseable("no event of Sysmon for Linux: no event id of that provider", field="EventID")
    return native


def _line(value: Mapping[str, Any]) -> str:
    return next((line for name in MESSAGES if isinstance(line := value.get(name), str) and is_ours(line)), "")


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an event by the provider's name near its beginning."""
    if value is None:
        head = raw[:1536]
        return b"<Event>" in head and any(mark in head for mark in _MARKS)
    return bool(_line(value)) or from_object(value) is not None


def normalize(native: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an event into the OCSF event that its Windows sister would be."""
    stamp = native.get("TimeCreated") or native.get("UtcTime")
    time, labels = event_time(from_any(stamp), record)
    fields, draft = _draft(native)
    device, names_host = machine(fields.computer or "", record, native.get("HostIP"))
    body = ocsf.head(draft.class_uid, draft.activity_id, time)
    body.update(draft.attributes)
    body["device"] = device
    if draft.class_uid in ACTOR_REQUIRED and not body.get("actor"):
        body["actor"] = {"app_name": PROVIDER}
    categories = log_source(SYSMON, fields.event_id, "").categories if fields.event_id in _BUILDERS else ()
    return build_event(
        record,
        body,
        native=native,
        logsource=LogSource("linux", "sysmon", categories),
        product=PRODUCT,
        original_time=text(stamp),
        labels=labels,
        metadata=_metadata(fields),
        profiles=("host", *draft.profiles),
        unmapped=fields.rest,
        names_host=names_host,
    )


def _draft(native: Mapping[str, Any]) -> tuple[Fields, Draft]:
    build = _BUILDERS.get(native["EventID"])
    fields = _fields(native)
    held: dict[str, Any] = {name: fields.rest.pop(name) for name in ELSEWHERE if name in fields.rest}
    draft = build(fields) if build else None
    if draft is None:
        fields = _fields(native)
        return fields, _log(fields)
    fields.rest.update(held)
    _add_user(draft.attributes, held)
    return fields, draft


def _fields(native: Mapping[str, Any]) -> Fields:
    rest = {name: value for name, value in data_fields(native).items() if name not in _NEVER_HERE}
    return Fields(native, rest, native["EventID"], CHANNEL, PROVIDER, text(native.get("Computer")))


def _log(fields: Fields) -> Draft:
    draft = log.anything(fields)
    return Draft(EVENT_LOG_ACTIVITY, draft.activity_id, {**draft.attributes, "log_name": CHANNEL})


def _add_user(attributes: dict[str, Any], held: dict[str, Any]) -> None:
    """Say of the process which number its user has and which session it is in; root is root on every machine."""
    process = attributes.get("process")
    if isinstance(process, dict):
        process.update(drop_none(session=session(held.pop("TerminalSessionId", None))))
        uid = held.pop("LogonId", None)
        owner = process.get("user")
        if isinstance(owner, dict) and isinstance(uid, str) and uid not in UNSET:
            owner["uid"] = uid
    actor = attributes.get("actor")
    for holder in (process, actor):
        owner = holder.get("user") if isinstance(holder, dict) else None
        if isinstance(owner, dict) and owner.get("name") == ROOT:
            owner["type_id"] = ADMIN


def _metadata(fields: Fields) -> dict[str, Any]:
    return drop_none(
        event_code=str(fields.event_id),
        log_name=CHANNEL,
        log_provider=PROVIDER,
        original_event_uid=text(fields.native.get("EventRecordID")),
    )


SOURCE: Final = Source(
    name="sysmon_linux",
    title="Sysmon for Linux",
    shippers=("rsyslog and syslog-ng", "systemd-journald", "Azure Monitor agent", "Filebeat", "Fluent Bit"),
    classes=(1001, 1007, 1008, 4001),
    entities=("user", "host", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

"""Linux' audit log: the daemon's lines (alone, or all of one event), laurel's JSON, auoms' lines and syslog tables.

Sources: see `audit_lines`, `audit_laurel`, `audit_calls` and `audit_users`. Where a shipper sends each line by
itself, `join` says which belong together; a line that stays alone still becomes an event, with what it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import FILE_ACTIVITY, PROCESS_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, decode_text, drop_none, event_time, text
from streams.sources.linux.audit_calls import names_for_rules, system_call
from streams.sources.linux.audit_laurel import is_laurel, parse_laurel
from streams.sources.linux.audit_lines import AuditEvent, parse_lines
from streams.sources.linux.audit_parts import target
from streams.sources.linux.audit_users import anything, reported
from streams.sources.linux.machine import machine
from streams.sources.linux.syslog import parse_line
from streams.sources.linux.told import Told
from streams.sources.objects import OTHER, file

DELAY_MS: Final = 300_000
PRODUCT: Final = {"name": "Linux Audit", "vendor_name": "Linux"}
PROFILES: Final = ("host", "linux/linux_users", "security_control")
MAX_UNMAPPED: Final = 256  # fields; the rest is in raw_data
_EVENT: Final = "event"
_START: Final = re.compile(
    rb"(?:node=(\S{1,255}) )?type=([A-Za-z0-9_\[\]]{1,64}) (?:msg=)?audit\((\d{1,11}\.\d{1,9}:\d{1,20})\)"
)
# Records that programs write have a serial number of their own; the kernel's come several to one.
_ALONE: Final = re.compile(
    rb"(?:USER|CRED|ADD|DEL|ACCT|GRP|ROLE|DAEMON|SERVICE|RESP|CRYPTO|SYSTEM|VIRT|AUOMS|CHUSER|CHGRP)_\w+"
    rb"|1[12]\d\d|2\d{3}"
)
_IN_KERNEL_LOG: Final = re.compile(rb" kernel: (?:\[[ \d.]{1,20}\] )?audit: type=\d{4} audit\(")
_KERNEL_LOG: Final = re.compile(r"(?:\[[ \d.]{1,20}\] )?audit: (?=type=)", re.ASCII)
_LAST: Final = frozenset({b"EOE", b"1320"})
# What every event tells elsewhere: of the process, its user and session.
_MAPPED: Final = frozenset(
    {
        *("type", "node", "pid", "ppid", "exe", "comm", "cwd", "proctitle", "uid", "auid", "euid", "egid", "gid"),
        *("UID", "AUID", "EUID", "GID", "ses", "success", "res", "saddr", "laddr", "lport"),
    }
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the event of the record's lines under `event`; raise Unparseable when it is no audit record."""
    if record.raw.lstrip()[:1] != b"{":
        whole = decode_text(record).strip()
        return _found(parse_lines(whole) or _from_kernel_log(whole, record))
    value = decode_json(record)
    line = text(value.get("SyslogMessage"))
    if line is None:
        return _found(parse_laurel(value))
    found = _found(parse_lines(line))
    event: AuditEvent = found[_EVENT]
    event.node = event.node or text(value.get("HostName")) or text(value.get("Computer")) or ""
    return {**found, "address": value.get("HostIP")}


def _from_kernel_log(whole: str, record: RawRecord) -> AuditEvent | None:
    """Read what the kernel logs where no audit daemon listens: `kernel: audit: type=1400 audit(...): ...` in syslog."""
    line = parse_line(whole, record)
    found = _KERNEL_LOG.match(line.message) if line else None
    event = parse_lines(line.message[found.end() :]) if line and found else None
    if event and line:
        event.node = event.node or line.host
    return event


def _found(event: AuditEvent | None) -> dict[str, Any]:
    if event is None:
        raise Unparseable("no audit record: no type and no audit(time:serial)", field="type")
    return {_EVENT: event}


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell audit records by how they begin, and laurel's objects by their id."""
    if value is None:
        return _START.match(raw.lstrip()) is not None or _IN_KERNEL_LOG.search(raw[:256]) is not None
    line = value.get("SyslogMessage")
    if isinstance(line, str):
        return _START.match(line[:512].encode("utf-8", "replace")) is not None
    return is_laurel(value)


def join(raw: bytes) -> tuple[bytes, bool] | None:
    """Name the event a line belongs to, by node, time and serial number; None for a record that is one by itself."""
    found = _START.match(raw)
    if found is None or _ALONE.fullmatch(found[2]):
        return None
    return found[3] + b" " + (found[1] or b""), found[2] in _LAST


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn an audit event into an OCSF event of the class its system call, or its one record, asks for."""
    event: AuditEvent = fields[_EVENT]
    time, labels = event_time(event.time, record)
    told = _told(event)
    device, names_host = machine(event.node, record, fields.get("address"))
    body = head(told.class_uid, told.activity_id, time)
    body.update(told.attributes)
    body["device"] = device
    if told.class_uid == PROCESS_ACTIVITY and not body.get("actor"):
        body["actor"] = {"app_name": "audit"}
    categories, further = names_for_rules(event, told)
    return build_event(
        record,
        body,
        native={**event.fields, **further},
        logsource=LogSource("linux", "auditd", categories),
        product=PRODUCT,
        original_time=event.uid.partition(":")[0],
        labels=labels,
        metadata=drop_none(
            original_event_uid=event.uid, event_code=event.types[0][:64] if event.types else None, log_name="audit"
        ),
        profiles=PROFILES,
        unmapped=_unmapped(event),
        names_host=names_host,
    )


def _told(event: AuditEvent) -> Told:
    told = reported(event)
    if event.system:
        called = system_call(event)
        return _with_decision(called, told) if told is not None and _is_decision(event) else told or called
    return told or _lone(event) or anything(event)


def _is_decision(event: AuditEvent) -> bool:
    return "AVC" in event.types


def _with_decision(called: Told, told: Told) -> Told:
    """Add to a system call what the security module decided of it."""
    decided: dict[str, Any] = {name: told.attributes[name] for name in _DECISION if name in told.attributes}
    return Told(called.class_uid, called.activity_id, {**called.attributes, **decided})


_DECISION: Final = ("action_id", "action", "disposition_id", "disposition")


def _lone(event: AuditEvent) -> Told | None:
    """Return what an EXECVE or a PATH record tells that came without its SYSCALL record."""
    acting = {"actor": {"app_name": "audit"}}
    if event.argv:
        path = event.argv.get(0) or None
        started = drop_none(
            uid=event.uid,
            name=path and path.rpartition("/")[2],
            file=file(path) if path else None,
            cmd_line=event.command,
        )
        return Told(PROCESS_ACTIVITY, 1, {"process": started, **acting})
    touched = target(event)
    if touched is None:
        return None
    kind = str(event.fields.get("nametype"))
    activity_id = {"CREATE": 1, "DELETE": 4}.get(kind, OTHER)
    return Told(FILE_ACTIVITY, activity_id, {"file": touched, "activity_name": kind, **acting})


def _unmapped(event: AuditEvent) -> dict[str, Any]:
    rest = ((name, value) for name, value in event.fields.items() if name not in _MAPPED)
    return dict(islice(rest, MAX_UNMAPPED))


SOURCE: Final = Source(
    name="auditd",
    title="Linux audit log",
    shippers=("auditd and audisp-syslog", "laurel", "auoms", "Filebeat", "Fluent Bit", "Vector"),
    classes=(1001, 1002, 1003, 1007, 1008, 3001, 3002, 3006, 4001, 6002),
    entities=("user", "host", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
    join=join,
)

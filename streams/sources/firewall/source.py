"""Firewalls, proxies and other gateways that write CEF or LEEF, and FortiGate's own lines.

A line is Network Activity unless it tells of more: HTTP Activity with a URL, Authentication with a user who signs in,
a Detection Finding when an inspection found something. The firewall's own name is no host of the event; only a product
that runs on the host it protects names that host.

Source: see `lines` and `meanings`. CEF's dictionary defines `in` and `out` by the direction of the connection, but its
vendors count what the source received and sent; so does this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import AUTHENTICATION, DETECTION_FINDING, HTTP_ACTIVITY, NETWORK_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_text, drop_none, event_time, text
from streams.sources.firewall import builders
from streams.sources.firewall.lines import FORTIGATE, Line, looks_like, read
from streams.sources.firewall.meanings import (
    ALERT,
    FLOW,
    LOGOFF,
    LOGON,
    MAX_WORD,
    MAX_WORDS,
    NAMES,
    WEB,
    is_on_host,
    kind_of,
    severity,
)
from streams.sources.linux.syslog import stamp_ms
from streams.sources.protocols import flow_names, web_names
from streams.sources.times import from_any

DELAY_MS: Final = 300_000
_LINE: Final = "line"  # where `decode` puts the line
_TIMES: Final = ("rt", "deviceReceiptTime", "devTime", "eventtime", "start", "startTime", "end", "endTime", "timestamp")
_TAKEN: Final = frozenset(("in", "out", "src", "dst", "spt", "dpt", "srcip", "dstip", "srcport", "dstport"))
_OURS: Final = {theirs: ours for ours, names in NAMES.items() for theirs in names}
_RANKS: Final = {theirs: rank for names in NAMES.values() for rank, theirs in enumerate(names)}
_BUILDERS: Final = {
    ALERT: builders.alert,
    LOGON: builders.logon,
    LOGOFF: builders.logoff,
    WEB: builders.web,
    FLOW: builders.flow,
}
_BLOCKED: Final = 2


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the line taken apart, under `line`; raise Unparseable when it is none of a known form."""
    return {_LINE: read(decode_text(record))}


def recognize(raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a line by the mark of its form."""
    return value is None and looks_like(raw)


def normalize(decoded: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn one line into an event."""
    line: Line = decoded[_LINE]
    known = _known(line)
    stamp, own = _time(line, record)
    time, labels = event_time(own, record)
    words = _words(line, known)
    kind = kind_of(
        words,
        has_user="suser" in known or "duser" in known,
        has_url="request" in known,
        has_threat="attack" in known and line.form == FORTIGATE,
    )
    told = builders.Told(line, known, time, is_on_host(words))
    class_uid, activity_id, attributes = _BUILDERS[kind](told)
    body = head(class_uid, activity_id, time, severity(line.severity or known.get("sev", "")) if kind == ALERT else 1)
    body.update(attributes)
    return build_event(
        record,
        body,
        native=_native(line, known, body),
        logsource=_logsource(line, class_uid),
        product=_product(line),
        original_time=stamp,
        labels=labels,
        metadata=_metadata(line, known),
        profiles=_profiles(body),
        unmapped=_unmapped(line),
        about="network" if class_uid == DETECTION_FINDING else "",
        names_host=bool(line.host or "dvchost" in known or "dvc" in line.fields),
    )


def _known(line: Line) -> dict[str, str]:
    """Return the fields that have a value under our names, those of the earlier of their names first."""
    fields = line.fields
    met = sorted((_RANKS[name], name) for name, value in fields.items() if value and name in _RANKS)
    found: dict[str, str] = {}
    for _, name in met:
        found.setdefault(_OURS[name], fields[name])
    if "sev" in fields:
        found["sev"] = fields["sev"][:MAX_WORD]
    return found


def _time(line: Line, record: RawRecord) -> tuple[str | None, int | None]:
    """Return the time the device gives, else that of the syslog header: as written and in ms."""
    fields = line.fields
    for name in _TIMES:
        if name in fields and (found := _moment(fields[name], record)) is not None:
            return fields[name], found
    if "date" in fields and "time" in fields:
        written = f"{fields['date']}T{fields['time']}{fields.get('tz', '')}"
        if (found := _moment(written, record)) is not None:
            return written, found
    return (line.stamp or None), (_moment(line.stamp, record) if line.stamp else None)


def _moment(value: str, record: RawRecord) -> int | None:
    """Read an epoch, an ISO time, or `Jan 18 2024 11:07:53.123 UTC`."""
    if len(value) > MAX_WORD or not value:
        return None
    if value[0].isalpha():
        return stamp_ms(" ".join(value.split(" ")[:4]) if value[7:8].isdigit() else value, record)
    if value[4:5] in {"-", "/"}:
        return stamp_ms(value.replace("/", "-"), record)
    return from_any(value)


def _words(line: Line, known: Mapping[str, str]) -> str:
    words = f"{line.product} {line.event_class} {line.name} {known.get('cat', '')}"
    return words[:MAX_WORDS].lower()


def _product(line: Line) -> dict[str, Any]:
    return drop_none(
        name=line.product or line.vendor or "firewall",
        vendor_name=line.vendor or None,
        version=line.device_version or None,
    )


def _logsource(line: Line, class_uid: int) -> LogSource:
    if line.form == FORTIGATE:
        return LogSource("fortigate", line.fields["type"][:MAX_WORD], _CATEGORIES.get(class_uid, ()))
    return LogSource("", "", _CATEGORIES.get(class_uid, ()))


_CATEGORIES: Final = {
    NETWORK_ACTIVITY: ("firewall",),
    HTTP_ACTIVITY: ("firewall", "proxy"),
    DETECTION_FINDING: ("firewall", "antivirus"),
    AUTHENTICATION: ("firewall",),
}


def _native(line: Line, known: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line under its own names, its labels, and those of Sigma's categories firewall, proxy, antivirus."""
    evidence = (body.get("evidences") or [body])[0]
    more = flow_names(evidence.get("src_endpoint"), evidence.get("dst_endpoint"))
    if "action_id" in body:
        more |= {"action": known.get("act", ""), "blocked": body["action_id"] == _BLOCKED}
    if body["class_uid"] == HTTP_ACTIVITY:
        more |= web_names(body["http_request"], None, known.get("request"))
    if body["class_uid"] == DETECTION_FINDING:
        title = body["finding_info"]["title"]
        more |= drop_none(Signature=known.get("attack") or title, Filename=known.get("fpath") or known.get("fname"))
    return {**_header(line), **line.labelled, **line.fields, **more}


def _header(line: Line) -> dict[str, str]:
    return {
        "DeviceVendor": line.vendor,
        "DeviceProduct": line.product,
        "DeviceVersion": line.device_version,
        "DeviceEventClassID": line.event_class,
        "Name": line.name,
        "Severity": line.severity,
    }


def _metadata(line: Line, known: Mapping[str, str]) -> dict[str, Any]:
    return drop_none(
        event_code=line.event_class or None,
        log_name=line.name or None,
        log_provider=line.product or None,
        log_format=line.form,
        log_version=line.version or None,
        log_source=known.get("dvchost") or line.host or None,
        original_event_uid=known.get("uid"),
        correlation_uid=known.get("session"),
    )


def _profiles(body: Mapping[str, Any]) -> tuple[str, ...]:
    own_device = "device" in body and body["class_uid"] != DETECTION_FINDING
    host = ("host",) if "actor" in body or own_device else ()
    return ("security_control", *host) if "disposition_id" in body else host


def _unmapped(line: Line) -> dict[str, Any]:
    rest: dict[str, Any] = {name: value for name, value in line.fields.items() if name not in _TAKEN and text(value)}
    return rest | ({"labelled": line.labelled} if line.labelled else {})


SOURCE: Final = Source(
    name="firewall",
    title="Firewalls and gateways in CEF or LEEF, and FortiGate",
    shippers=("syslog", "Filebeat", "Fluent Bit", "Vector", "Logstash", "rsyslog"),
    classes=(DETECTION_FINDING, AUTHENTICATION, NETWORK_ACTIVITY, HTTP_ACTIVITY),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

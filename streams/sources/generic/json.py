"""Any JSON object: for telemetry that nothing else knows, and rules that are written on its own field names.

The event is an Event Log Activity: OCSF's base event, which claims nothing, is no class of its own in the schema's list
of classes, and this one claims least: that something was written to a log. Time, message, severity, host, user and
address are taken only from names that cannot mean anything else; everything stays in `unmapped`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import EVENT_LOG_ACTIVITY
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, ip, text
from streams.sources.fields import timestamp
from streams.sources.linux.syslog import stamp_ms
from streams.sources.objects import OTHER, device, endpoint, severity_id, user

DELAY_MS: Final = 300_000
MAX_STAMP: Final = 64
MAX_WORD: Final = 256
MAX_MESSAGE: Final = 4096
MAX_HOSTNAME: Final = 253
MAX_UNMAPPED: Final = 1000
_TIMES: Final = (
    *("timestamp", "@timestamp", "time", "ts", "eventTime", "event_time", "published", "created_at", "createdAt"),
    *("createdDateTime", "eventTimestamp", "event_timestamp", "occurred_at", "occurredAt", "datetime", "date_time"),
    *("dateTime", "TimeGenerated", "TimeCreated", "EventTime", "Timestamp", "Time", "date", "_time", "asctime", "t"),
    *("creationTime", "CreationTime", "startTime", "start_time", "eventDate", "logged_at", "when"),
)
_MESSAGES: Final = ("message", "msg", "Message", "description", "summary", "log", "text")
_SEVERITIES: Final = ("severity", "level", "log_level", "loglevel", "levelname", "priority", "Severity", "Level")
_HOSTS: Final = ("host", "hostname", "host_name", "Hostname", "hostName", "computer", "Computer", "computer_name")
_USERS: Final = ("user", "username", "user_name", "userName", "User", "UserName")
_MAILS: Final = ("email", "user_email", "userEmail")
_SOURCES: Final = (
    *("src_ip", "source_ip", "sourceIp", "sourceIPAddress", "client_ip", "clientIp", "clientip", "remote_ip"),
    *("remote_addr", "ip", "ip_address", "ipAddress", "ipaddr"),
)
_TARGETS: Final = ("dst_ip", "dest_ip", "destination_ip", "destinationIp", "server_ip")
_IDS: Final = ("id", "uuid", "event_id", "eventId", "eventID", "_id", "uid", "log_id")
_KINDS: Final = ("event_type", "eventType", "event_name", "eventName", "event", "type", "action", "operation")
_PRODUCTS: Final = ("product", "service", "app", "application", "program", "source", "logger", "logger_name")
_JSON: Final = LogSource("json")
_OPENCANARY: Final = LogSource("opencanary", "", ("application",))
_BITBUCKET: Final = LogSource("bitbucket", "audit")
_NAMED: Final = ("name", "hostname", "username", "user_name", "login", "email", "id")


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the object; raise Unparseable when it is none, or an empty one."""
    value = decode_json(record)
    if not value:
        raise Unparseable("an empty JSON object", offset=0)
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell any object but an empty one: this source is asked last."""
    return bool(value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn any object into an Event Log Activity."""
    stamp, own = _time(fields, record)
    time, labels = event_time(own, record)
    body = head(EVENT_LOG_ACTIVITY, OTHER, time, _severity(fields))
    word = _text(fields, _KINDS)
    named = _text(fields, _HOSTS, MAX_HOSTNAME)
    host, who = named or record.context.host or None, _user(fields)
    product = _text(fields, _PRODUCTS) or "unknown"
    body["activity_name"] = word or "event"
    body["log_name"] = product
    body.update(
        drop_none(
            device=device(host) if host else None,
            actor={"user": who} if who else None,
            src_endpoint=_endpoint(fields, _SOURCES),
            dst_endpoint=_endpoint(fields, _TARGETS),
            message=_text(fields, _MESSAGES, MAX_MESSAGE),
        )
    )
    return build_event(
        record,
        body,
        native=fields,
        logsource=_logsource(fields),
        product={"name": product},
        original_time=stamp,
        labels=labels,
        metadata=drop_none(original_event_uid=_text(fields, _IDS), event_code=word),
        profiles=("host",),
        unmapped=dict(islice(fields.items(), MAX_UNMAPPED)),
        names_host=named is not None,
    )


def _logsource(fields: Mapping[str, Any]) -> LogSource:
    """Return the log source of a product that Sigma has rules for and whose records say beyond doubt that they are its.

    OpenCanary: `node_id`, `logdata` and a number under `logtype`. Bitbucket Data Center's audit log: an `auditType`
    whose translation keys begin with the product's name; other products of its maker write the same form.
    """
    if type(fields.get("logtype")) is int and "logdata" in fields and isinstance(fields.get("node_id"), str):
        return _OPENCANARY
    kind = fields.get("auditType")
    keys = (kind.get("actionI18nKey"), kind.get("categoryI18nKey")) if isinstance(kind, dict) else ()
    return _BITBUCKET if any(isinstance(key, str) and key.startswith("bitbucket.") for key in keys) else _JSON


def _time(fields: Mapping[str, Any], record: RawRecord) -> tuple[str | None, int | None]:
    """Return the first usable time, as written and in ms."""
    for name in _TIMES:
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            moment = _moment(value.strip(), record) if len(value) <= MAX_STAMP else None
        else:
            moment = timestamp(value)
        if moment is not None:
            return text(value), moment
    return None, None


def _moment(value: str, record: RawRecord) -> int | None:
    if value[4:5] == "-" or value[:1].isalpha():
        return stamp_ms(value, record)
    return timestamp(value)


def _text(fields: Mapping[str, Any], names: tuple[str, ...], limit: int = MAX_WORD) -> str | None:
    """Return the first text under any of the names; of an object what names it."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, dict):
            value = next((value[inner] for inner in _NAMED if isinstance(value.get(inner), str)), None)
        found = text(value)
        if found and len(found) <= limit:
            return found
    return None


def _severity(fields: Mapping[str, Any]) -> int:
    word = _text(fields, _SEVERITIES)
    return severity_id(word) if word and not word.isdigit() else 1


def _user(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    return user(_text(fields, _USERS), mail=_text(fields, _MAILS))


def _endpoint(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    return next((made for name in names if name in fields and (made := endpoint(ip(fields[name])))), None)


SOURCE: Final = Source(
    name="json",
    title="Any JSON object",
    shippers=("Filebeat", "Fluent Bit", "Vector", "OpenTelemetry Collector", "anything else"),
    classes=(EVENT_LOG_ACTIVITY,),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

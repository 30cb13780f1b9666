"""Okta System Log: one JSON object an event, bare or as `event` or `detail` of an envelope (EventBridge).

Source: Okta's System Log API. Some data lakes lower-case the outer names; those get their capitals back here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.fields import lowered, object_at, restore_case
from streams.sources.okta.classes import BUILDERS, Parts, take_apart
from streams.sources.okta.event_types import OTHER
from streams.sources.okta.objects import device_of, endpoint_of, http_request_of
from streams.sources.times import from_any

DELAY_MS: Final = 120_000  # the log is near real time, and pollers ask once a minute
PRODUCT: Final = {"name": "Okta System Log", "vendor_name": "Okta"}
LOGSOURCE: Final = LogSource("okta", "okta")
ENVELOPES: Final = ("event", "detail")
NAME_LEVELS: Final = 5  # client.geographicalContext.geolocation and target[].detailEntry have the deepest known names
_BESIDE: Final = frozenset({"actor", "published", "target", "outcome"})

_LOWERED: Final = lowered(
    "eventType displayMessage legacyEventType alternateId displayName detailEntry changeDetails userAgent rawUserAgent "
    "geographicalContext postalCode ipAddress ipChain debugContext debugData requestUri requestId threatSuspected "
    "logOnlySecurityData privilegeGranted authenticationContext authenticationProvider authenticationStep "
    "credentialProvider credentialType externalSessionId rootSessionId securityContext asNumber asOrg isProxy "
    "signOnModeType"
)
_LOWER_NAMES: Final = frozenset(_LOWERED)
# Sigma's rules for Okta were first written with lower-case names, later with Okta's own: people still have both.
_ALIASES: Final = tuple(
    (path.lower(), tuple(path.split(".")))
    for path in (
        "eventType",
        "legacyEventType",
        "displayMessage",
        "actor.alternateId",
        "actor.displayName",
        "client.ipAddress",
        "securityContext.isProxy",
        "debugContext.debugData.requestUri",
        "debugContext.debugData.behaviors",
        "debugContext.debugData.logOnlySecurityData",
    )
)
_TARGET_FIELDS: Final = tuple((name, f"target.{name}") for name in ("id", "type", "alternateId", "displayName"))
_SEVERITIES: Final = {"DEBUG": 1, "INFO": 1, "WARN": 3, "ERROR": 4}
_STATUSES: Final = {
    "SUCCESS": (1, "Success"),
    "ALLOW": (1, "Success"),
    "FAILURE": (2, "Failure"),
    "DENY": (2, "Failure"),
}


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the log event under its proper names; raise Unparseable when the record is none."""
    event = _unwrapped(decode_json(record))
    if not _LOWER_NAMES.isdisjoint(event):
        event = restore_case(event, _LOWERED, NAME_LEVELS)
    if text(event.get("eventType")) is None:
        raise Unparseable("no Okta System Log event: it has no eventType", field="eventType")
    return event


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an Okta event by its dotted event type and what stands beside it."""
    event = {} if value is None else _unwrapped(value)
    kind = event.get("eventType", event.get("eventtype"))
    beside = not _BESIDE.isdisjoint(event)
    return isinstance(kind, str) and "." in kind and beside and "eventSource" not in event


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "eventType" in value or "eventtype" in value:
        return value
    inner = (object_at(value, name) for name in ENVELOPES)
    return next((event for event in inner if "eventType" in event or "eventtype" in event), value)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a log event into an OCSF event of the class its event type asks for."""
    published = fields.get("published")
    time, labels = event_time(from_any(published), record)
    parts = take_apart(fields)
    class_uid, activity_id, attributes = BUILDERS[parts.meaning.class_uid](parts)
    body = head(class_uid, activity_id, time, _SEVERITIES.get(text(fields.get("severity")) or "", 1))
    if activity_id == OTHER:
        body["activity_name"] = parts.meaning.word
    body.update(_common(parts))
    body.update(attributes)
    return build_event(
        record,
        body,
        native=_native(parts),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(published),
        labels=labels,
        metadata=_metadata(parts),
        profiles=("host",) if "device" in body else (),
        unmapped=_unmapped(parts),
    )


def _common(parts: Parts) -> dict[str, Any]:
    return drop_none(
        message=text(parts.fields.get("displayMessage")),
        actor={"user": parts.actor} if parts.actor else None,
        src_endpoint=endpoint_of(parts.fields),
        http_request=http_request_of(parts.fields, parts.debug),
        device=device_of(object_at(parts.fields, "device")),
        **_status(parts),
    )


def _status(parts: Parts) -> dict[str, Any]:
    if parts.result is None:
        return {}
    status_id, status = _STATUSES.get(parts.result, (OTHER, parts.result))
    reason = text(object_at(parts.fields, "outcome").get("reason"))
    return {"status_id": status_id, "status": status, "status_code": parts.result, "status_detail": reason}


def _native(parts: Parts) -> dict[str, Any]:
    native = dict(parts.fields)
    for field, name in _TARGET_FIELDS:
        values = [target[field] for target in parts.targets if field in target]
        if values:
            native[name] = native[name.lower()] = values
    for alias, path in _ALIASES:
        value: Any = parts.fields
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            native[alias] = value
    return native


def _metadata(parts: Parts) -> dict[str, Any]:
    return drop_none(
        event_code=parts.kind,
        original_event_uid=text(parts.fields.get("uuid")),
        correlation_uid=text(object_at(parts.fields, "transaction").get("id")),
        log_level=text(parts.fields.get("severity")),
        log_version=text(parts.fields.get("version")),
    )


def _unmapped(parts: Parts) -> dict[str, Any]:
    return drop_none(
        legacyEventType=text(parts.fields.get("legacyEventType")),
        isProxy=object_at(parts.fields, "securityContext").get("isProxy"),
        debugData=parts.debug,
        target=parts.targets,
    )


SOURCE: Final = Source(
    name="okta",
    title="Okta System Log",
    shippers=("EventBridge", "Vector", "Filebeat", "Fluent Bit", "Logstash"),
    classes=tuple(sorted(BUILDERS)),
    entities=("user", "ip", "session", "host"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

"""CrowdStrike Falcon: what its sensors tell, its detections and its audit log.

Source: CrowdStrike Falcon documentation: "Falcon Data Replicator", "Events Data Dictionary", "Streaming API Event
Dictionary" and "Alerts API". Read are Data Replicator records as they lie in S3, the same with the sensor's fields
under `event` and their names repeated around it (data lakes), `aidmaster` records, Event Streams records
(`metadata` and `event`) and alerts of the Alerts API.

The sensor says when something happened (`ContextTimeStamp`); `timestamp` is when the cloud got it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    DEVICE_INVENTORY,
    DNS_ACTIVITY,
    ENTITY_MANAGEMENT,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    HTTP_ACTIVITY,
    KERNEL_EXTENSION,
    MODULE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    REGISTRY_KEY,
    REGISTRY_VALUE,
    SCHEDULED_JOB,
    SCRIPT_ACTIVITY,
    USER_ACCESS,
    WINDOWS_SERVICE,
)
from models.records import RawRecord
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.edr import crowdstrike_alerts, crowdstrike_console
from streams.sources.edr.crowdstrike_fields import MAPPED, MAPPED_BESIDE
from streams.sources.edr.crowdstrike_sensor import draft_of
from streams.sources.edr.finish import Telling, finish
from streams.sources.edr.shapes import host, platform_of
from streams.sources.fields import object_at
from streams.sources.saas.words import first, leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 600_000
PRODUCT: Final = {"name": "Falcon", "vendor_name": "CrowdStrike"}
SENSOR: Final = LogSource("crowdstrike", "fdr")
DETECTIONS: Final = LogSource("crowdstrike", "detection")
AUDIT: Final = LogSource("crowdstrike", "audit")
_PREFIX: Final = "Event_"
_GENERIC: Final = frozenset({"ExternalApiEvent", ""})
_PAYLOADS: Final = ("event", "unknown_payload")
_TIMES: Final = ("ContextTimeStamp", "UTCTimestamp", "timestamp", "Time", "_time")
_ALERT_TIMES: Final = ("context_timestamp", "timestamp", "created_timestamp")
_FINDINGS: Final = ("DetectionSummaryEvent", "IncidentSummaryEvent", "IOAStreamingEvent", "CustomerIOCEvent")
_MASTER: Final = frozenset({"aid", "AgentVersion", "ComputerName"})
_PANTHER: Final = "Crowdstrike."
SYNTHETIC: Final = "SyntheticProcessRollup2"


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record, what it wraps brought to the top; raise Unparseable when it is none of Falcon's."""
    value = decode_json(record)
    for name in _PAYLOADS:
        inner = value.get(name)
        if isinstance(inner, dict):
            value = {**value, **inner}
            break
    if not (_name(value) or "composite_id" in value or value.keys() >= _MASTER or _is_lake(value)):
        raise Unparseable("no Falcon record: it names no event and no detection", field="event_simpleName")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a record by the sensor's or the customer's id beside its name, or by the form of an alert."""
    if value is None:
        return False
    if "aid" in value or "cid" in value:
        return _is_sensors(value)
    meta = value.get("metadata")
    if isinstance(meta, dict):
        return "eventType" in meta and ("customerIDString" in meta or "offset" in meta) and "event" in value
    return _is_lake(value)


def _is_sensors(value: Mapping[str, Any]) -> bool:
    return (
        any(name in value for name in ("event_simpleName", "fdr_event_type", "event_simplename", "ExternalApiType"))
        or ("composite_id" in value and ("falcon_host_link" in value or "pattern_id" in value or "type" in value))
        or isinstance(value.get("unknown_payload"), dict)
        or value.keys() >= _MASTER
    )


def _is_lake(value: Mapping[str, Any]) -> bool:
    kind = value.get("p_log_type")
    return isinstance(kind, str) and kind.startswith(_PANTHER)


def _name(fields: Mapping[str, Any]) -> str:
    """Return the kind of a record, without the prefix that the Data Replicator gives those of the cloud."""
    for name in ("event_simpleName", "ExternalApiType", "fdr_event_type", "event_simplename", "EventType"):
        word = fields.get(name)
        if isinstance(word, str) and word.removeprefix(_PREFIX) not in _GENERIC:
            return word.removeprefix(_PREFIX)
    return text(object_at(fields, "metadata").get("eventType")) or ""


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a record into the OCSF event that its kind asks for."""
    name = _name(fields)
    if "composite_id" in fields and not name:
        return _alert("Alert", fields, record, first(fields, *_ALERT_TIMES))
    if name.endswith(_FINDINGS):
        return _alert(name, fields, record, _time_of(fields))
    if crowdstrike_console.is_audit(name):
        return _audit(fields, record)
    if not name and fields.keys() >= _MASTER:
        return _inventory(fields, record)
    return _told(name or "unknown", fields, record)


def _time_of(fields: Mapping[str, Any], name: str = "") -> Any:
    own = first(fields, *_TIMES) if name != SYNTHETIC else first(fields, "timestamp", *_TIMES)
    if own is None or (name == "ProcessRollup2" and "ContextTimeStamp" not in fields):
        own = first(fields, "ProcessStartTime") or own
    return (
        own if own is not None else object_at(fields, "metadata").get("eventCreationTime") or fields.get("p_event_time")
    )


def _told(name: str, fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = _time_of(fields, name)
    time, labels = event_time(from_any(original), record)
    platform = platform_of(fields.get("event_platform"))
    device = host(
        text(first(fields, "ComputerName", "HostnameField", "HostName", "Hostname")),
        text(first(fields, "aid", "AgentIdString", "SensorId", "DeviceId")),
        platform,
    )
    remote = crowdstrike_console.is_remote_response(name)
    draft = (
        crowdstrike_console.session_draft(name, fields, device) if remote else draft_of(name, fields, device, platform)
    )
    telling = Telling(
        fields,
        name,
        time,
        labels,
        original,
        device,
        platform,
        PRODUCT,
        AUDIT if remote else SENSOR,
        _metadata(name, fields),
        leftovers(fields, MAPPED),
    )
    return finish(record, draft, telling)


def _metadata(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    meta = object_at(fields, "metadata")
    return drop_none(
        event_code=name,
        original_event_uid=text(fields.get("id")),
        correlation_uid=text(first(fields, "TreeId", "SessionId")),
        tenant_uid=text(first(fields, "cid", "CustomerIdString")) or text(meta.get("customerIDString")),
        log_version=text(fields.get("name")) if "aid" in fields else text(meta.get("version")),
        sequence=integer(meta.get("offset")),
    )


def _alert(name: str, fields: Mapping[str, Any], record: RawRecord, original: Any) -> Event:
    time, labels = event_time(from_any(original), record)
    uid = text(first(fields, "CompositeId", "composite_id", "DetectId", "IncidentId", "id", "eid")) or name
    metadata = _metadata(name, fields) | {"original_event_uid": uid} | crowdstrike_alerts.leftover_ids(fields)
    return build_event(
        record,
        crowdstrike_alerts.body_of(name, fields, uid, time),
        native=fields,
        logsource=DETECTIONS,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=metadata,
        profiles=common.PROFILES,
        unmapped=leftovers(fields, crowdstrike_alerts.MAPPED | MAPPED_BESIDE),
        about=crowdstrike_alerts.is_about(name, fields),
    )


def _audit(fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = _time_of(fields)
    time, labels = event_time(from_any(original), record)
    metadata = _metadata(_name(fields), fields)
    trace = crowdstrike_console.details_of(fields).get("trace_id")
    return build_event(
        record,
        crowdstrike_console.audit_body(fields, time),
        native=fields,
        logsource=AUDIT,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=metadata | drop_none(correlation_uid=trace),
        unmapped=leftovers(fields, MAPPED_BESIDE | {"UserId", "UserIp", "OperationName", "ServiceName", "Success"}),
    )


def _inventory(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Return the event of an `aidmaster` record, which says which host a sensor's id stands for."""
    original = _time_of(fields)
    time, labels = event_time(from_any(original), record)
    body = head(DEVICE_INVENTORY, 2, time)
    name, domain = text(fields.get("ComputerName")), text(fields.get("MachineDomain"))
    body["device"] = host(name, text(fields.get("aid")), platform_of(fields.get("event_platform")), domain=domain)
    return build_event(
        record,
        body,
        native=fields,
        logsource=SENSOR,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=_metadata("aidmaster", fields),
        unmapped=leftovers(fields, MAPPED),
    )


SOURCE: Final = Source(
    name="crowdstrike",
    title="CrowdStrike Falcon",
    shippers=("Falcon Data Replicator", "SIEM Connector", "Filebeat", "Vector", "Cribl", "Elastic Agent"),
    classes=(
        FILE_ACTIVITY,
        KERNEL_EXTENSION,
        MODULE_ACTIVITY,
        SCHEDULED_JOB,
        PROCESS_ACTIVITY,
        EVENT_LOG_ACTIVITY,
        SCRIPT_ACTIVITY,
        DETECTION_FINDING,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        ENTITY_MANAGEMENT,
        USER_ACCESS,
        NETWORK_ACTIVITY,
        HTTP_ACTIVITY,
        DNS_ACTIVITY,
        DEVICE_INVENTORY,
        API_ACTIVITY,
        REGISTRY_KEY,
        REGISTRY_VALUE,
        WINDOWS_SERVICE,
    ),
    entities=("user", "host", "ip", "session"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

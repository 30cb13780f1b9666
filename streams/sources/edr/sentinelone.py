"""SentinelOne: telemetry of its agents, threats, alerts of custom rules and activities of the console.

Source: SentinelOne documentation, "Cloud Funnel 2.0", "Deep Visibility" and API 2.1 ("Threats", "Alerts",
"Activities"). Telemetry is read with dotted names as the funnel writes them and nested as some shippers make them; an
activity also in the lower case of data lakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    DNS_ACTIVITY,
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
)
from models.records import RawRecord
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, ip, text
from streams.sources.edr import sentinelone_activities as activities
from streams.sources.edr import sentinelone_alerts as alerts
from streams.sources.edr.finish import Telling, finish
from streams.sources.edr.sentinelone_telemetry import CONTAINER_ID, draft_of
from streams.sources.edr.shapes import host, platform_of
from streams.sources.fields import object_at, restore_case
from streams.sources.saas.words import first, leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 900_000
PRODUCT: Final = {"name": "Singularity", "vendor_name": "SentinelOne"}
TELEMETRY: Final = LogSource("sentinelone", "telemetry")
THREATS: Final = LogSource("sentinelone", "threat")
ACTIVITIES: Final = LogSource("sentinelone", "activity")
MAX_FLAT: Final = 1000  # names a nested record is flattened to
_NESTED: Final = frozenset({"event", "src", "tgt", "endpoint", "agent", "dst"})
_BESIDE: Final = ("endpoint.name", "agent.uuid", "src.process.uid", "dataSource.name", "mgmt.url")
_MAPPED: Final = frozenset(
    (
        *(
            "event.type",
            "event.time",
            "event.id",
            "endpoint.name",
            "endpoint.os",
            "agent.uuid",
            "account.id",
            "trace.id",
        ),
        *("tgt.file.path", "tgt.file.sha256", "tgt.file.sha1", "tgt.file.md5", "tgt.file.oldPath", "src.ip.address"),
        *("src.port.number", "dst.ip.address", "dst.port.number", "event.network.direction", "registry.keyPath"),
        *(
            "event.network.protocolName",
            "event.dns.request",
            "event.dns.response",
            "event.login.type",
            "registry.value",
        ),
        *("event.login.userName", "event.login.accountSid", "event.login.accountDomain", "module.path", "module.sha1"),
        *("event.login.loginIsSuccessful", "event.login.failureReason", "cmdScript.content", "cmdScript.sha256"),
        *("task.name", "task.path", "namedPipe.name", "url.address", "indicator.name", "indicator.description"),
        *("indicator.category", "src.process.storyline.id", "src.endpoint.ip.address", "dataSource.name"),
        *(
            f"{prefix}.{name}"
            for prefix in ("src.process", "tgt.process", "src.process.parent")
            for name in (
                *("pid", "uid", "image.path", "image.sha256", "image.sha1", "image.md5", "cmdline", "user", "name"),
                *("startTime", "integrityLevel"),
            )
        ),
    )
)
_MAPPED_ALERT: Final = frozenset(
    {"threatInfo", "alertInfo", "ruleInfo", "sourceProcessInfo", "sourceParentProcessInfo", "id"}
)
_MAPPED_ACTIVITY: Final = frozenset(
    {"activityType", "createdAt", "primaryDescription", "id", "agentId", "userId", "accountId"}
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record, telemetry with dotted names; raise Unparseable when it is none of SentinelOne's."""
    value = decode_json(record)
    if "event.type" in value or alerts.is_threat(value) or alerts.is_alert(value):
        return value
    if "activitytype" in value:
        value = restore_case(value, activities.NAMES, activities.LEVELS)
    if "activityType" in value:
        return value
    if _is_nested(value):
        return _flat(value)
    raise Unparseable("no SentinelOne record: it has no type of event, no threat and no alert", field="event.type")


def _is_nested(value: Mapping[str, Any]) -> bool:
    event = value.get("event")
    return isinstance(event, dict) and "type" in event and "category" in event and len(_NESTED & value.keys()) > 2  # noqa: PLR2004  # other vendors have one or two of them


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = list(value.items())
    while waiting and len(flat) < MAX_FLAT:
        name, item = waiting.pop()
        if isinstance(item, dict) and item:
            waiting.extend((f"{name}.{inner}", deeper) for inner, deeper in item.items())
        else:
            flat[name] = item
    return flat


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell telemetry by its dotted names, threats and alerts by their parts, activities by their type and account."""
    if value is None:
        return False
    if "event.type" in value:
        return any(name in value for name in _BESIDE)
    if "activityType" in value or "activitytype" in value:
        return any(
            name in value for name in ("primaryDescription", "primarydescription", "activityUuid", "activityuuid")
        )
    if alerts.is_threat(value) or alerts.is_alert(value):
        return "agentDetectionInfo" in value or "agentRealtimeInfo" in value
    return _is_nested(value) and object_at(value, "dataSource").get("name") == "SentinelOne"


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a record into the OCSF event that its kind asks for."""
    if "event.type" in fields:
        return _told(fields, record)
    if "activityType" in fields:
        return _activity(fields, record)
    return _alert(fields, record)


def _told(fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = fields.get("event.time")
    time, labels = event_time(from_any(original), record)
    platform = platform_of(first(fields, "endpoint.os", "os.name"))
    address = ip(fields.get("src.endpoint.ip.address"))
    device = host(text(fields.get("endpoint.name")), text(fields.get("agent.uuid")), platform, ip=address)
    metadata = drop_none(
        event_code=text(fields.get("event.type")),
        original_event_uid=text(fields.get("event.id")),
        correlation_uid=text(first(fields, "src.process.storyline.id", "trace.id")),
        tenant_uid=text(fields.get("account.id")),
    )
    unmapped = leftovers(fields, _MAPPED)
    if alerts.is_indicator(fields):
        body = alerts.indicator_body(fields, time, device, platform)
        return _found(record, body, fields, original, labels, metadata, unmapped)
    word = text(fields.get("event.type")) or "unknown"
    telling = Telling(
        fields,
        word,
        time,
        labels,
        original,
        device,
        platform,
        PRODUCT,
        TELEMETRY,
        metadata,
        unmapped,
        ("container",) if CONTAINER_ID in fields else (),
    )
    return finish(record, draft_of(fields, device, platform), telling)


def _found(  # the parts of an event, which differ between the three kinds of finding
    record: RawRecord,
    body: dict[str, Any],
    fields: Mapping[str, Any],
    original: Any,
    labels: list[str],
    metadata: dict[str, Any],
    unmapped: dict[str, Any],
    about: str = common.WORKLOAD,
) -> Event:
    in_container = CONTAINER_ID in fields or "container" in body["device"]
    container = ("container",) if in_container else ()
    return build_event(
        record,
        body,
        native=fields,
        logsource=THREATS,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=metadata,
        profiles=common.PROFILES + container,
        unmapped=unmapped,
        about=about,
    )


def _alert(fields: Mapping[str, Any], record: RawRecord) -> Event:
    threat = alerts.is_threat(fields)
    told = object_at(fields, "threatInfo" if threat else "alertInfo")
    original = first(told, "identifiedAt", "createdAt", "reportedAt")
    time, labels = event_time(from_any(original), record)
    body = alerts.threat_body(fields, time) if threat else alerts.alert_body(fields, time)
    metadata = drop_none(
        original_event_uid=text(first(told, "threatId", "alertId")) or text(fields.get("id")),
        correlation_uid=text(told.get("storyline")) or text(object_at(fields, "sourceProcessInfo").get("storyline")),
        tenant_uid=text(object_at(fields, "agentDetectionInfo").get("accountId")),
    )
    unmapped = leftovers(fields, _MAPPED_ALERT)
    about = common.WORKLOAD if threat else alerts.about_of(fields)
    return _found(record, body, fields, original, labels, metadata, unmapped, about)


def _activity(fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = fields.get("createdAt")
    time, labels = event_time(from_any(original), record)
    metadata = drop_none(
        event_code=text(fields.get("activityType")),
        original_event_uid=text(fields.get("id")) or text(fields.get("activityUuid")),
        tenant_uid=text(fields.get("accountId")),
    )
    unmapped = leftovers(fields, _MAPPED_ACTIVITY)
    if activities.is_finding(fields):
        return _found(record, activities.finding_body(fields, time), fields, original, labels, metadata, unmapped)
    body = activities.body_of_activity(fields, time)
    return build_event(
        record,
        body,
        native=fields,
        logsource=ACTIVITIES,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=metadata,
        profiles=("host",) if "device" in body else (),
        unmapped=unmapped,
    )


SOURCE: Final = Source(
    name="sentinelone",
    title="SentinelOne Singularity",
    shippers=("Cloud Funnel", "Vector", "Filebeat", "Elastic Agent", "Cribl"),
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
        NETWORK_ACTIVITY,
        HTTP_ACTIVITY,
        DNS_ACTIVITY,
        API_ACTIVITY,
        REGISTRY_KEY,
        REGISTRY_VALUE,
    ),
    entities=("user", "host", "ip", "workload"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

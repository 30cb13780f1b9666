"""VMware Carbon Black Cloud: endpoint events and alerts of the Data Forwarder, alerts of the API, and the audit log.

Source: VMware Carbon Black Cloud documentation, "Data Forwarder", "Alerts v7 Schema" and "Audit Log Events".
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
    ENTITY_MANAGEMENT,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    MODULE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    REGISTRY_KEY,
    REGISTRY_VALUE,
    SCRIPT_ACTIVITY,
    USER_ACCESS,
)
from models.records import RawRecord
from streams.sources.alerts import common
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, text
from streams.sources.edr import carbonblack_alerts as alerts
from streams.sources.edr.carbonblack_events import PREFIX, draft_of, kind_of
from streams.sources.edr.finish import Telling, finish
from streams.sources.edr.shapes import platform_of
from streams.sources.saas.words import first, leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 600_000
PRODUCT: Final = {"name": "Carbon Black Cloud", "vendor_name": "VMware"}
ENDPOINT: Final = LogSource("carbonblack", "endpoint")
ALERTS: Final = LogSource("carbonblack", "alert")
AUDIT: Final = LogSource("carbonblack", "audit")
_GO_ZONE: Final = " UTC"  # Go writes times as `2024-06-15 12:00:00.5 +0000 UTC`
_AUDIT: Final = frozenset({"eventId", "eventTime", "description"})
_PREFIXES: Final = ("process", "parent", "childproc", "crossproc")
_MAPPED: Final = frozenset(
    (
        *("type", "device_id", "device_name", "device_os", "device_timestamp", "org_key", "action", "crossproc_action"),
        *("filemod_name", "filemod_hash", "regmod_name", "modload_name", "modload_sha256", "modload_md5", "local_ip"),
        *("local_port", "remote_ip", "remote_port", "netconn_domain", "netconn_inbound", "netconn_protocol"),
        *("target_cmdline", "scriptload_name", "scriptload_hash", "fileless_scriptload_cmdline", "device_internal_ip"),
        *(
            f"{prefix}_{name}"
            for prefix in _PREFIXES
            for name in ("pid", "guid", "path", "name", "hash", "cmdline", "username", "sha256", "md5")
        ),
    )
)
_MAPPED_ALERT: Final = _MAPPED | {
    "id",
    "severity",
    "reason",
    "attack_tactic",
    "attack_technique",
    "alert_url",
    "workflow",
}
_MAPPED_AUDIT: Final = frozenset(
    {"eventId", "eventTime", "description", "clientIp", "loginName", "orgName", "requestUrl"}
)


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the record; raise Unparseable when it is none of Carbon Black's."""
    value = decode_json(record)
    if not (_is_endpoint(value) or _is_alert(value) or _is_audit(value)):
        raise Unparseable("no Carbon Black record: no endpoint event, no alert, no audit entry", field="type")
    return value


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell endpoint events by their type, alerts by organization and device, audit entries by their names."""
    return value is not None and (_is_endpoint(value) or _is_alert(value) or _is_audit(value))


def _is_endpoint(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and kind.startswith(PREFIX)


def _is_alert(value: Mapping[str, Any]) -> bool:
    return "org_key" in value and "severity" in value and ("id" in value or "legacy_alert_id" in value)


def _is_audit(value: Mapping[str, Any]) -> bool:
    return value.keys() >= _AUDIT and ("loginName" in value or "orgName" in value) and "flagged" in value


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a record into the OCSF event that its kind asks for."""
    if _is_endpoint(fields):
        return _told(fields, record)
    return _audit(fields, record) if _is_audit(fields) else _alert(fields, record)


def _ms(value: Any) -> int | None:
    return from_any(value.removesuffix(_GO_ZONE) if isinstance(value, str) else value)


def _told(fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = first(fields, "device_timestamp", "create_time", "backend_timestamp")
    time, labels = event_time(_ms(original), record)
    platform = platform_of(fields.get("device_os"))
    device = alerts.device_of(fields, platform)
    telling = Telling(
        fields,
        kind_of(fields),
        time,
        labels,
        original,
        device,
        platform,
        PRODUCT,
        ENDPOINT,
        drop_none(
            event_code=text(fields.get("type")),
            original_event_uid=text(first(fields, "event_id", "event_guid")),
            correlation_uid=text(fields.get("alert_id")),
            tenant_uid=text(fields.get("org_key")),
        ),
        leftovers(fields, _MAPPED),
    )
    return finish(record, draft_of(fields, device, platform), telling)


def _alert(fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = first(fields, "detection_timestamp", "first_event_timestamp", "backend_timestamp", "create_time")
    time, labels = event_time(_ms(original), record)
    return build_event(
        record,
        alerts.alert_body(fields, time),
        native=fields,
        logsource=ALERTS,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(
            event_code=text(fields.get("type")),
            original_event_uid=text(first(fields, "id", "legacy_alert_id")),
            correlation_uid=text(fields.get("threat_id")),
            tenant_uid=text(fields.get("org_key")),
        ),
        profiles=common.PROFILES,
        unmapped=leftovers(fields, _MAPPED_ALERT),
        about=common.WORKLOAD,
    )


def _audit(fields: Mapping[str, Any], record: RawRecord) -> Event:
    original = fields.get("eventTime")
    time, labels = event_time(_ms(original), record)
    return build_event(
        record,
        alerts.audit_body(fields, time),
        native=fields,
        logsource=AUDIT,
        product=PRODUCT,
        original_time=original,
        labels=labels,
        metadata=drop_none(original_event_uid=text(fields.get("eventId")), tenant_uid=text(fields.get("orgName"))),
        unmapped=leftovers(fields, _MAPPED_AUDIT),
    )


SOURCE: Final = Source(
    name="carbonblack",
    title="Carbon Black Cloud",
    shippers=("Data Forwarder", "Filebeat", "Vector", "Elastic Agent", "Cribl"),
    classes=(
        FILE_ACTIVITY,
        MODULE_ACTIVITY,
        PROCESS_ACTIVITY,
        EVENT_LOG_ACTIVITY,
        SCRIPT_ACTIVITY,
        DETECTION_FINDING,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        ENTITY_MANAGEMENT,
        USER_ACCESS,
        NETWORK_ACTIVITY,
        API_ACTIVITY,
        REGISTRY_KEY,
        REGISTRY_VALUE,
    ),
    entities=("user", "host", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

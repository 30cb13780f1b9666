"""Google Cloud Audit Logs: admin activity, data access, system events and denials by policy, GKE clusters' included.

Source: Google Cloud's "Understanding audit logs" and the AuditLog message. What Google Workspace writes into Cloud
Logging is `google.workspace`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_classes import API_ACTIVITY
from models.records import RawRecord
from streams.sources import objects
from streams.sources.base import Source, build_event, drop_none, event_time, text
from streams.sources.fields import object_at, timestamp
from streams.sources.google.classes import CLASSES, build
from streams.sources.google.entries import MAX_NAME, PAYLOAD, Entry, decode, log_name, log_names, recognize, take_apart
from streams.sources.google.methods import OTHER, kubernetes_method
from streams.sources.google.principals import session_of, source_of
from streams.sources.kubernetes.targets import containers_of, word
from streams.sources.times import from_any

DELAY_MS: Final = 300_000  # sinks deliver most entries within a minute, some data access logs within five
PRODUCT: Final = {"name": "Cloud Audit Logs", "vendor_name": "Google Cloud"}
LOGSOURCE: Final = LogSource("gcp", "gcp.audit")
UNKNOWN: Final = "unknown"

# That a call failed is no alarm: ERROR is what Google writes for every failed call.
_SEVERITIES: Final = {"WARNING": 2, "ERROR": 2, "CRITICAL": 5, "ALERT": 5, "EMERGENCY": 6}
_TIMES: Final = ("timestamp", "receiveTimestamp", "p_event_time")
_UNMAPPED: Final = ("operation", "labels", "trace", "spanId", "sourceLocation", "split")
_UNMAPPED_PAYLOAD: Final = (
    "authenticationInfo",
    "authorizationInfo",
    "policyViolationInfo",
    "resourceOriginalState",
    "numResponseItems",
    "serviceData",
    "metadata",
)


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a log entry into an OCSF event of the class its method asks for."""
    written = next((fields[name] for name in _TIMES if fields.get(name) is not None), None)
    time, labels = event_time(from_any(written), record)
    entry = take_apart(fields)
    class_uid, activity_id, attributes = build(entry)
    body = head(class_uid, activity_id, time, _SEVERITIES.get(text(fields.get("severity")) or "", 1))
    if activity_id == OTHER:
        body["activity_name"] = _word(entry)
    body.update(_common(entry, api=class_uid == API_ACTIVITY))
    body.update(attributes)
    return build_event(
        record,
        body,
        native=native_of(entry),
        logsource=LOGSOURCE,
        product=PRODUCT,
        original_time=text(written),
        labels=labels,
        metadata=_metadata(entry),
        profiles=("cloud", "container") if entry.kubernetes else ("cloud",),
        unmapped=_unmapped(entry),
    )


def _word(entry: Entry) -> str:
    return entry.kubernetes.meaning.word if entry.kubernetes else entry.method or UNKNOWN


def _common(entry: Entry, *, api: bool) -> dict[str, Any]:
    request = object_at(entry.payload, "requestMetadata")
    source = source_of(request, (entry.caller or {}).get("name", ""))
    agent = text(request.get("callerSuppliedUserAgent"))
    status = object_at(entry.payload, "status")
    return drop_none(
        actor=_actor(entry),
        api=_api(entry),
        cloud=_cloud(entry),
        src_endpoint=source or ({"svc_name": entry.service or UNKNOWN} if api else None),
        http_request={"user_agent": agent} if agent else None,
        **objects.status(ok=entry.ok, code=entry.code or None, detail=text(status.get("message"))),
    )


def _actor(entry: Entry) -> dict[str, Any]:
    authentication = object_at(entry.payload, "authenticationInfo")
    actor: dict[str, Any] = {"user": entry.caller} if entry.caller else {}
    session = session_of(authentication)
    if session:
        actor["session"] = session
    client = text(object_at(authentication, "oauthInfo").get("oauthClientId"))
    if client:
        actor["app_uid"] = client
    return actor or {"invoked_by": entry.service or UNKNOWN}


def _api(entry: Entry) -> dict[str, Any]:
    api: dict[str, Any] = {"operation": entry.method or UNKNOWN}
    if entry.service:
        api["service"] = {"name": entry.service}
    insert_id = text(entry.fields.get("insertId"))
    if insert_id:
        containers = containers_of(entry.kubernetes) if entry.kubernetes else None
        sent = drop_none(data=entry.payload.get("request"), containers=containers)
        api["request"] = {"uid": insert_id, **sent}
    if entry.payload.get("response") is not None:
        api["response"] = {"data": entry.payload["response"]}
    named = kubernetes_method(entry.service, entry.method) if entry.kubernetes else None
    group, version = named[:2] if named else ("", "")
    return api | ({"group": {"name": group}} if group else {}) | ({"version": version} if version else {})


def _cloud(entry: Entry) -> dict[str, Any]:
    labels, location = entry.resource, object_at(entry.payload, "resourceLocation")
    places = location.get("currentLocations") if location else None
    place = word(places[0]) if isinstance(places, list) and places else ""
    return _cloud_of(
        word(entry.fields.get("logName")),
        word(labels.get("project_id")),
        word(labels.get("location")) or word(labels.get("region")) or place,
        word(labels.get("zone")),
        word(labels.get("organization_id")),
    )


@lru_cache(maxsize=4096)
def _cloud_of(name: str, project: str, region: str, zone: str, organization: str) -> dict[str, Any]:
    holder, _, rest = name.partition("/")
    uid = rest.partition("/")[0]
    project = project or (uid if holder == "projects" else "")
    organization = uid if holder == "organizations" and uid else organization
    org = {"uid": organization} if organization else None
    return objects.cloud(
        "GCP", project or None, region or None, project_uid=project or None, zone=zone or None, org=org
    )


def native_of(entry: Entry) -> dict[str, Any]:
    """Return the entry under the field names of SigmaHQ's rules: its own, Elastic's, and those nested under `data`.

    A method of Kubernetes also has the spelling of its audit log, group first: rules know either.
    """
    name = text(entry.fields.get("logName"))
    spelled = list(log_names(name[:MAX_NAME])) if name else []
    named = kubernetes_method(entry.service, entry.method) if entry.kubernetes else None
    methods = [entry.method, ".".join(filter(None, named))] if named else entry.method
    nested = {**entry.payload, "logName": spelled, "resource": entry.fields.get("resource")}
    return {**entry.fields, "gcp.audit.method_name": methods, "data": {PAYLOAD: nested}}


def _metadata(entry: Entry) -> dict[str, Any]:
    operation = object_at(entry.fields, "operation")
    return drop_none(
        event_code=entry.method or None,
        original_event_uid=text(entry.fields.get("insertId")),
        correlation_uid=text(operation.get("id")) or text(entry.fields.get("trace")),
        log_name=log_name(entry.fields),
        log_provider=entry.service or None,
        log_level=text(entry.fields.get("severity")),
        logged_time=timestamp(entry.fields.get("receiveTimestamp")),
    )


def _unmapped(entry: Entry) -> dict[str, Any]:
    left = {name: entry.fields[name] for name in _UNMAPPED if entry.fields.get(name) is not None}
    of_payload = {name: entry.payload[name] for name in _UNMAPPED_PAYLOAD if entry.payload.get(name) is not None}
    return {**left, **of_payload, **drop_none(resource=entry.fields.get("resource"))}


SOURCE: Final = Source(
    name="gcp_audit",
    title="Google Cloud Audit Logs",
    shippers=("Pub/Sub", "Vector", "Fluent Bit", "Filebeat", "Logstash", "OpenTelemetry Collector"),
    classes=tuple(sorted(CLASSES)),
    entities=("user", "ip", "session", "account", "workload", "host"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)

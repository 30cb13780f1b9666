"""Cloud Audit Logs entries taken apart, in the forms in which they come.

Source: the Cloud Logging reference (LogEntry) and the AuditLog message. Log sinks deliver the LogEntry through Pub/Sub
or storage; BigQuery names the payload `protopayload_auditlog`; some data lakes lower-case the outer names or write
`at_sign_type`; some tools nest the entry under `data`, some ship the payload alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from models.errors import Unparseable
from models.records import RawRecord
from streams.sources.base import decode_json, integer, text
from streams.sources.fields import object_at, objects_at
from streams.sources.google.methods import kubernetes_method
from streams.sources.google.principals import caller_of
from streams.sources.kubernetes.principals import is_anonymous
from streams.sources.kubernetes.targets import Call

MAX_NAME: Final = 512
UNAUTHENTICATED, DENIED = 16, 7  # of google.rpc.Code
PAYLOAD: Final = "protoPayload"
_OTHER_CASES: Final = {
    "protopayload": PAYLOAD,
    "protopayload_auditlog": PAYLOAD,
    "insertid": "insertId",
    "logname": "logName",
    "receivetimestamp": "receiveTimestamp",
}
_OF_AUDIT: Final = frozenset({"methodName", "serviceName", "authorizationInfo", "authenticationInfo"})
_OTHER_PAYLOADS: Final = frozenset({"jsonPayload", "textPayload", "json_payload", "text_payload"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A log entry taken apart once, for all who build from it; what it does not name is empty.

    Attributes:
        fields: The LogEntry.
        payload: Its AuditLog.
        resource: The monitored resource's `labels`.
        service: `serviceName`.
        method: `methodName`.
        caller: OCSF user who called.
        code: google.rpc.Code of the result, 0 for success.
        ok: Whether the call succeeded.
        kubernetes: The request to a GKE cluster's API server, None for all other methods.
    """

    fields: Mapping[str, Any]
    payload: Mapping[str, Any]
    resource: Mapping[str, Any]
    service: str
    method: str
    caller: dict[str, Any] | None
    code: int
    ok: bool
    kubernetes: Call | None


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the log entry under its proper names; raise Unparseable when the record is none of the audit logs."""
    value = _unwrapped(decode_json(record))
    if not _is_audit(value):
        raise Unparseable("no Cloud Audit Logs entry: it has no AuditLog payload", field=PAYLOAD)
    if not _OTHER_CASES.keys().isdisjoint(value):
        value = {_OTHER_CASES.get(name, name): item for name, item in value.items()}
    return value if PAYLOAD in value or "methodName" not in value else {PAYLOAD: value}


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an entry by the parts of its AuditLog payload."""
    return value is not None and _is_audit(_unwrapped(value))


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = value.get("data")
    return inner if isinstance(inner, dict) and PAYLOAD in inner else value


def _is_audit(value: Mapping[str, Any]) -> bool:
    payload = value.get(PAYLOAD, value.get("protopayload", value.get("protopayload_auditlog")))
    if isinstance(payload, dict):
        return not _OF_AUDIT.isdisjoint(payload)
    method = value.get("methodName")
    if isinstance(method, str):
        return "." in method and "eventName" not in value
    operation = value.get("operation")  # the last entry of a long operation may carry nothing else
    return isinstance(operation, dict) and "producer" in operation and _OTHER_PAYLOADS.isdisjoint(value)


def take_apart(fields: Mapping[str, Any]) -> Entry:
    """Find the parts of an entry that the builders share."""
    payload = object_at(fields, PAYLOAD)
    service = (text(payload.get("serviceName")) or "")[:MAX_NAME]
    method = (text(payload.get("methodName")) or "")[:MAX_NAME]
    caller = caller_of(object_at(payload, "authenticationInfo"))
    code = integer(object_at(payload, "status").get("code")) or 0
    ok = code == 0 and ("status" in payload or not _refused(fields, payload))
    return Entry(
        fields,
        payload,
        object_at(object_at(fields, "resource"), "labels"),
        service,
        method,
        caller,
        code,
        ok,
        _kubernetes(payload, service, method, caller, code, ok=ok),
    )


def log_name(fields: Mapping[str, Any]) -> str | None:
    """Return the name of the log within its project: `cloudaudit.googleapis.com/activity`."""
    name = text(fields.get("logName"))
    return log_names(name[:MAX_NAME])[-1] if name else None


@lru_cache(maxsize=1024)
def log_names(name: str) -> tuple[str, ...]:
    """Return the spellings of a log's name: whole, within its project, and that in plain characters."""
    within = name.partition("/logs/")[2] or name
    return name, within, unquote(within)


def _refused(fields: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Tell a refused call that has no status by its log, or by permissions of which none was granted."""
    name = fields.get("logName")
    if isinstance(name, str) and name.endswith("%2Fpolicy"):
        return True
    asked = objects_at(payload, "authorizationInfo")
    return bool(asked) and all(item.get("granted") is False for item in asked)


def _kubernetes(
    payload: Mapping[str, Any], service: str, method: str, caller: dict[str, Any] | None, code: int, *, ok: bool
) -> Call | None:
    named = kubernetes_method(service, method)
    if named is None:
        return None
    _, _, resource, subresource, verb = named
    path = (text(payload.get("resourceName")) or "")[:MAX_NAME].split("/")
    place = path.index("namespaces") if "namespaces" in path[:-1] else -1
    start = path.index(resource) if resource in path else len(path)
    return Call(
        verb=verb,
        resource=resource,
        subresource=subresource,
        namespace=path[place + 1] if place >= 0 else "",
        name=path[start + 1] if start + 1 < len(path) else "",
        uid="",
        uri="",
        request=object_at(payload, "request"),
        response=object_at(payload, "response"),
        caller=caller,
        ok=ok,
        turned_away=code == UNAUTHENTICATED or (code == DENIED and is_anonymous(caller)),
    )

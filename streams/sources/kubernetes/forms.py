"""The forms in which Kubernetes audit events come: as the API server writes them, or within Azure's diagnostic logs.

Source: the audit.k8s.io/v1 API reference, and Azure Monitor's reference of the resource logs of AKS (`kube-audit`,
`kube-audit-admin`; table AKSAudit).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from models.errors import Unparseable
from models.records import RawRecord
from streams.sources.base import decode_json, text
from streams.sources.fields import object_at

AZURE: Final = "azure"  # where the rest of Azure's wrapper stands in a decoded event
_CATEGORIES: Final = frozenset({"kube-audit", "kube-audit-admin"})
_TABLES: Final = ("AKSAudit", "AKSAuditAdmin")
_COLUMNS: Final = {
    "AuditId": "auditID",
    "RequestUri": "requestURI",
    "SourceIps": "sourceIPs",
    "RequestReceivedTime": "requestReceivedTimestamp",
    "StageReceivedTime": "stageTimestamp",
    "UserAgent": "userAgent",
}
_BESIDE: Final = frozenset({"objectRef", "requestURI", "auditID", "user"})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the audit event; raise Unparseable when the record is none."""
    value = decode_json(record)
    event = _of_azure(value, record) or (_of_table(value) if value.get("Type") in _TABLES else value)
    if not is_event(event):
        raise Unparseable("no Kubernetes audit event: kind is not Event, or nothing of a request", field="kind")
    return event


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell an audit event by its kind and its parts, and AKS' logs by their category."""
    if value is None:
        return False
    return is_event(value) or _inner(value) is not None or (value.get("Type") in _TABLES and "Verb" in value)


def is_event(value: Mapping[str, Any]) -> bool:
    """Tell an event of the audit log from the core API's objects of the same kind (which tell of no request)."""
    if value.get("kind") != "Event":
        return False
    version = value.get("apiVersion")
    if isinstance(version, str):
        return version.startswith("audit.k8s.io/")
    return isinstance(value.get("verb"), str) and not _BESIDE.isdisjoint(value)


def _inner(value: Mapping[str, Any]) -> str | None:
    """Return the audit event's text within Azure's wrapper."""
    category = value.get("category", value.get("Category"))
    if not isinstance(category, str) or category not in _CATEGORIES:
        return None
    log = object_at(value, "properties").get("log", value.get("log_s"))
    return log if isinstance(log, str) else None


def _of_azure(value: Mapping[str, Any], record: RawRecord) -> Mapping[str, Any] | None:
    log = _inner(value)
    if log is None:
        return None
    event = decode_json(replace(record, raw=log.encode("utf-8")))
    event[AZURE] = {name: item for name, item in value.items() if name not in {"properties", "log_s"}}
    return event


def _of_table(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row of the table AKSAudit under the names of the audit API."""
    event = {_COLUMNS.get(name, name[:1].lower() + name[1:]): item for name, item in value.items()}
    rest = {"resourceId": text(value.get("_ResourceId")), "category": value.get("Type")}
    return {**event, "kind": "Event", "apiVersion": "audit.k8s.io/v1", AZURE: rest}

"""The forms in which Microsoft's alerts and incidents come, brought to one.

Source: Microsoft Graph (`microsoft.graph.security.alert` and the older `alert`), the alerts of Defender for Endpoint's
API, the incidents of Defender XDR, AlertInfo and AlertEvidence of its streaming API, and the SecurityAlert and
SecurityIncident tables of Sentinel, which Defender for Cloud exports too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from streams.sources.base import text
from streams.sources.fields import object_at, objects_at
from streams.sources.microsoft.alert_evidence import (
    MAX_PIECES,
    Piece,
    account_of,
    device_of,
    graph_pieces,
    piece_of,
)
from streams.sources.microsoft.alert_model import Alert, object_of, words_of
from streams.sources.microsoft.alert_sentinel import sentinel_alert, sentinel_incident
from streams.sources.microsoft.common import known
from streams.sources.objects import endpoint

HUNTING: Final = ("AdvancedHunting-AlertInfo", "AdvancedHunting-AlertEvidence")


def _graph(fields: Mapping[str, Any]) -> Alert:
    return Alert(
        "alerts_v2",
        fields,
        known(fields.get("id")),
        known(fields.get("title")),
        tuple(
            fields.get(n)
            for n in ("createdDateTime", "firstActivityDateTime", "lastActivityDateTime", "lastUpdateDateTime")
        ),  # type: ignore[arg-type]  # four names, four values
        severity=known(fields.get("severity")),
        status=known(fields.get("status")),
        desc=known(fields.get("description")),
        rule_uid=known(fields.get("alertPolicyId")) or known(fields.get("detectorId")),
        product=known(fields.get("productName")) or known(fields.get("serviceSource")),
        category=known(fields.get("category")),
        attack=(*words_of(fields.get("mitreTechniques")), fields.get("category")),
        incident=known(fields.get("incidentId")),
        tenant=known(fields.get("tenantId")),
        url=known(fields.get("alertWebUrl")),
        pieces=graph_pieces(objects_at(fields, "evidence")),
        verdict=known(fields.get("classification")),
    )


def _legacy(fields: Mapping[str, Any]) -> Alert:
    """Read Graph's older alerts, that list states of users, hosts and connections."""
    vendor = object_at(fields, "vendorInformation")
    pieces: list[Piece | None] = [
        {"user": found} if (found := account_of(state)) else None for state in objects_at(fields, "userStates")
    ]
    for state in objects_at(fields, "hostStates"):
        host = device_of(
            {"HostName": known(state.get("fqdn")) or state.get("netBiosName"), "OSFamily": state.get("os")}
        )
        pieces.append({"device": host} if host else None)
    for item in objects_at(fields, "networkConnections"):
        source = endpoint(item.get("sourceAddress"), item.get("sourcePort"))
        target = endpoint(item.get("destinationAddress"), item.get("destinationPort"))
        ends = {"src_endpoint": source, "dst_endpoint": target}
        pieces.append({name: end for name, end in ends.items() if end})
    pieces += [
        piece_of("file", {"Name": s.get("name"), "path": s.get("path")}, object_of)
        for s in objects_at(fields, "fileStates")
    ]
    return Alert(
        "alerts",
        fields,
        known(fields.get("id")),
        known(fields.get("title")),
        (fields.get("createdDateTime"), fields.get("eventDateTime"), None, fields.get("lastModifiedDateTime")),
        severity=known(fields.get("severity")),
        status=known(fields.get("status")),
        desc=known(fields.get("description")),
        product=known(vendor.get("provider")) or known(vendor.get("vendor")),
        category=known(fields.get("category")),
        attack=(fields.get("category"),),
        incident=next(iter(words_of(fields.get("incidentIds"))), None),
        tenant=known(fields.get("azureTenantId")),
        url=next(iter(words_of(fields.get("sourceMaterials"))), None),
        pieces=[piece for piece in pieces if piece][:MAX_PIECES],
        verdict=known(fields.get("feedback")),
    )


def _endpoint(fields: Mapping[str, Any]) -> Alert:
    """Read an alert of Defender for Endpoint, or one within an incident of Defender XDR."""
    related = object_at(fields, "relatedUser")
    first: list[Piece] = []
    if host := device_of(fields):
        first.append({"device": host})
    if person := account_of(related):
        first.append({"user": person})
    inner = [*objects_at(fields, "evidence"), *objects_at(fields, "entities")]
    devices = [{"entityType": "device", **item} for item in objects_at(fields, "devices")]
    return Alert(
        "endpoint_alert",
        fields,
        known(fields.get("id")) or known(fields.get("alertId")),
        known(fields.get("title")),
        tuple(  # type: ignore[arg-type]  # four lookups, four values
            fields.get(a) or fields.get(b)
            for a, b in (
                ("alertCreationTime", "creationTime"),
                ("firstEventTime", "firstActivity"),
                ("lastEventTime", "lastActivity"),
                ("lastUpdateTime", "lastUpdatedTime"),
            )
        ),
        severity=known(fields.get("severity")),
        status=known(fields.get("status")),
        desc=known(fields.get("description")),
        rule_uid=known(fields.get("detectorId")),
        product=known(fields.get("detectionSource")) or known(fields.get("serviceSource")),
        category=known(fields.get("category")),
        attack=(*words_of(fields.get("mitreTechniques")), fields.get("category")),
        incident=known(fields.get("incidentId")),
        tenant=known(fields.get("aadTenantId")) or known(fields.get("tenantId")),
        pieces=[*first, *graph_pieces([*devices, *inner])][:MAX_PIECES],
        verdict=known(fields.get("classification")),
    )


def _incident(fields: Mapping[str, Any]) -> Alert:
    """Read an incident of Defender XDR or of Graph; it has what its alerts have."""
    alerts = [_graph(item) if "createdDateTime" in item else _endpoint(item) for item in objects_at(fields, "alerts")]
    created = fields.get("createdTime") or fields.get("createdDateTime")
    changed = fields.get("lastUpdateTime") or fields.get("lastUpdateDateTime")
    return Alert(
        "incident",
        fields,
        known(fields.get("incidentId")) or known(fields.get("id")),
        known(fields.get("incidentName")) or known(fields.get("displayName")),
        (created, None, None, changed),
        severity=known(fields.get("severity")),
        status=known(fields.get("status")),
        desc=known(fields.get("description")) or known(fields.get("summary")),
        product="Microsoft Defender XDR",
        attack=tuple(word for alert in alerts for word in alert.attack),
        incident=known(fields.get("incidentId")) or known(fields.get("id")),
        tenant=known(fields.get("tenantId")),
        url=known(fields.get("incidentUri")) or known(fields.get("incidentWebUrl")),
        pieces=[piece for alert in alerts for piece in alert.pieces][:MAX_PIECES],
        verdict=known(fields.get("classification")),
        related=[alert.uid for alert in alerts if alert.uid],
    )


def _hunting(fields: Mapping[str, Any]) -> Alert:
    """Read a row of AlertInfo, or of AlertEvidence, which has one entity of the alert."""
    person, host = account_of(fields), device_of(fields)
    pieces: list[Piece | None] = [{"user": person} if person else None, {"device": host} if host else None]
    kind = (text(fields.get("EntityType")) or "").lower()
    pieces.append(piece_of(kind, fields, object_of) if kind not in {"user", "machine"} else None)
    return Alert(
        "AlertEvidence" if kind else "AlertInfo",
        fields,
        known(fields.get("AlertId")),
        known(fields.get("Title")),
        (fields.get("Timestamp") or fields.get("TimeGenerated"), None, None, None),
        severity=known(fields.get("Severity")),
        product=known(fields.get("ServiceSource")) or known(fields.get("DetectionSource")),
        category=known(fields.get("Category")) or next(iter(words_of(fields.get("Categories"))), None),
        attack=(*words_of(fields.get("AttackTechniques")), fields.get("Category"), *words_of(fields.get("Categories"))),
        tenant=known(fields.get("TenantId")),
        pieces=[piece for piece in pieces if piece],
    )


def form_of(value: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Alert] | None:
    """Return the reader for a record, None when it is neither an alert nor an incident of Microsoft's."""
    if "severity" in value or "Severity" in value or "AlertSeverity" in value:
        return next((read for names, read in _BY_NAMES if names <= value.keys()), None)
    return _hunting if value.keys() >= _EVIDENCE else None


_EVIDENCE: Final = frozenset({"AlertId", "EntityType", "ServiceSource"})
_BY_NAMES: Final[tuple[tuple[frozenset[str], Callable[[Mapping[str, Any]], Alert]], ...]] = (
    (frozenset({"title", "createdDateTime", "serviceSource"}), _graph),
    (frozenset({"title", "createdDateTime", "detectionSource"}), _graph),
    (frozenset({"title", "vendorInformation"}), _legacy),
    (frozenset({"title", "alertCreationTime"}), _endpoint),
    (frozenset({"title", "alertId", "creationTime"}), _endpoint),
    (frozenset({"incidentId", "incidentName"}), _incident),
    (frozenset({"displayName", "incidentWebUrl"}), _incident),
    (frozenset({"SystemAlertId", "AlertName"}), sentinel_alert),
    (frozenset({"SystemAlertId", "AlertDisplayName"}), sentinel_alert),
    (frozenset({"SystemAlertId", "ProviderName"}), sentinel_alert),
    (frozenset({"IncidentNumber", "Title"}), sentinel_incident),
    (frozenset({"AlertId", "Title", "ServiceSource"}), _hunting),
    (frozenset({"AlertId", "Title", "DetectionSource"}), _hunting),
)

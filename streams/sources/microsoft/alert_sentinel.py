"""Rows of Sentinel's SecurityAlert and SecurityIncident tables; Defender for Cloud exports the former too.

Source: the SecurityAlert and SecurityIncident tables in the Azure Monitor reference, and the continuous export of
Defender for Cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources.microsoft.alert_evidence import sentinel_pieces
from streams.sources.microsoft.alert_model import Alert, words_of
from streams.sources.microsoft.common import known, resource_of, unpacked, unpacked_object

_PRODUCTS: Final = frozenset(
    {
        *("windowsdefenderatp", "windowsdefenderav", "windowsdefendersmartscreen", "customdetection", "customerti"),
        *("office365", "mtp", "automatedinvestigation", "thirdpartysensors", "mcas", "aatp"),
    }
)


def _rule(kind: str | None) -> str | None:
    """Return the type of an alert where it tells one rule from another, and not just the product."""
    return kind if kind and kind.lower() not in _PRODUCTS else None


def sentinel_alert(fields: Mapping[str, Any]) -> Alert:
    """Read a row of SecurityAlert."""
    entities = unpacked(fields.get("Entities"))
    extended = unpacked_object(fields.get("ExtendedProperties"))
    pieces = sentinel_pieces(entities) if isinstance(entities, list) else []
    resource = resource_of(known(fields.get("ResourceId")) or known(fields.get("AzureResourceId")))
    host = known(fields.get("CompromisedEntity"))
    if not pieces and host:
        pieces = (
            [{"user": {"name": host, "type_id": 1}}] if "@" in host else [{"device": {"type_id": 0, "hostname": host}}]
        )
    return Alert(
        "SecurityAlert",
        fields,
        known(fields.get("SystemAlertId")) or known(fields.get("VendorOriginalId")),
        known(fields.get("AlertName")) or known(fields.get("AlertDisplayName")) or known(fields.get("DisplayName")),
        (
            fields.get("EndTime")
            or fields.get("EndTimeUtc")
            or fields.get("TimeGenerated"),  # TimeGenerated: of the row
            fields.get("StartTime") or fields.get("StartTimeUtc"),
            fields.get("EndTime") or fields.get("EndTimeUtc"),
            fields.get("ProcessingEndTime"),
        ),
        severity=known(fields.get("AlertSeverity")) or known(fields.get("Severity")),
        status=known(fields.get("Status")),
        desc=known(fields.get("Description")),
        rule_uid=known(extended.get("DetectorId")) or _rule(known(fields.get("AlertType"))),
        product=known(fields.get("ProductName")) or known(fields.get("ProviderName")),
        category=known(extended.get("Category")) or known(extended.get("MicrosoftDefenderAtp.Category")),
        attack=(
            *words_of(fields.get("SubTechniques")),
            *words_of(fields.get("Techniques")),
            *words_of(fields.get("Tactics")),
            *words_of(fields.get("Intent")),
        ),
        incident=known(extended.get("IncidentId")),
        tenant=known(fields.get("AadTenantId")) or known(fields.get("TenantId")),
        url=known(fields.get("AlertLink")) or known(fields.get("AlertUri")),
        pieces=[*pieces, *([{"resources": [resource]}] if resource else [])],
        verdict=known(extended.get("Classification")),
    )


def sentinel_incident(fields: Mapping[str, Any]) -> Alert:
    """Read a row of SecurityIncident."""
    more = unpacked_object(fields.get("AdditionalData"))
    return Alert(
        "SecurityIncident",
        fields,
        known(fields.get("IncidentName")) or known(fields.get("IncidentNumber")),
        known(fields.get("Title")),
        (
            fields.get("CreatedTime") or fields.get("TimeGenerated"),
            fields.get("FirstActivityTime"),
            fields.get("LastActivityTime"),
            fields.get("LastModifiedTime"),
        ),
        severity=known(fields.get("Severity")),
        status=known(fields.get("Status")),
        desc=known(fields.get("Description")),
        rule_uid=next(iter(words_of(fields.get("RelatedAnalyticRuleIds"))), None),
        product=known(fields.get("ProviderName")) or "Microsoft Sentinel",
        attack=(*words_of(more.get("techniques")), *words_of(more.get("tactics"))),
        incident=known(fields.get("IncidentNumber")),
        tenant=known(fields.get("TenantId")),
        url=known(fields.get("IncidentUrl")),
        verdict=known(fields.get("Classification")),
        related=list(words_of(fields.get("AlertIds"))),
    )

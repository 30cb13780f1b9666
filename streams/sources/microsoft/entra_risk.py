"""Risks that Entra ID finds by itself, and alerts of Privileged Identity Management, as OCSF Detection Findings.

Source: the `riskDetection`, `riskyUser` and `unifiedRoleManagementAlertIncident` resources of Microsoft Graph, and the
UserRiskEvents, RiskyUsers and ServicePrincipalRiskEvents logs in Azure Monitor. The alert is about an identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none
from streams.sources.fields import object_at, timestamp
from streams.sources.microsoft.common import known, located, location, pairs, principal, service_principal, unpacked
from streams.sources.objects import attacks, device, finding, severity_id

CREATE: Final = 1
UPDATE: Final = 2
CLOSE: Final = 3
_TECHNIQUES: Final[Mapping[str, str]] = {
    "anonymizedIPAddress": "T1090",
    "passwordSpray": "T1110.003",
    "leakedCredentials": "T1589.001",
    "anomalousToken": "T1528",
    "tokenIssuerAnomaly": "T1606.002",
    "attemptedPrtAccess": "T1528",
    "attackerinTheMiddle": "T1557",
    "suspiciousInboxForwarding": "T1114.003",
    "mcasSuspiciousInboxManipulationRules": "T1564.008",
    "suspiciousAPITraffic": "T1526",
    "maliciousIPAddress": "T1078",
    "unfamiliarFeatures": "T1078",
    "unlikelyTravel": "T1078",
    "impossibleTravel": "T1078",
    "newCountry": "T1078",
    "adminConfirmedUserCompromised": "T1078",
}
_CLOSED: Final = frozenset({"remediated", "dismissed", "confirmedsafe"})
_STATUSES: Final = {"atrisk": (1, "New"), "confirmedcompromised": (2, "In Progress")}


def attributes(fields: Mapping[str, Any], kind: str, tenant: str | None) -> tuple[int, int, dict[str, Any]]:
    """Return activity, severity and attributes of Detection Finding.

    Args:
        fields: Risk or alert under Graph's names.
        kind: Vendor's word for the risk (`passwordSpray`, `riskyUser`).
        tenant: Id of the tenant.
    """
    account = _account(fields, tenant)
    source = _source(fields)
    state = (known(fields.get("riskState")) or "").lower()
    activity_id = CLOSE if state in _CLOSED else CREATE
    more = pairs(unpacked(fields.get("additionalInfo")), "Key", "Value")
    info = finding(
        title_of(kind),
        known(fields.get("id")) or known(fields.get("requestId")) or kind,
        rule_uid=kind,
        rule=kind,
        attack=attacks(_TECHNIQUES.get(kind), known(more.get("mitreTechniques"))),
        created_time=timestamp(fields.get("detectedDateTime")),
        first_seen_time=timestamp(fields.get("activityDateTime")),
        desc=known(fields.get("riskDetail")),
    )
    status_id, word = (4, "Resolved") if activity_id == CLOSE else _STATUSES.get(state, (0, None))
    level = known(fields.get("riskLevel")) or known(fields.get("riskLevelAggregated"))
    return (
        activity_id,
        severity_id(level if level != "hidden" else None),
        drop_none(
            finding_info=info,
            actor={"user": account} if account else None,
            device=device(None, ip=source["ip"]) if source and "ip" in source else None,
            evidences=[drop_none(user=account, src_endpoint=source)] if account or source else None,
            status_id=status_id or None,
            status=word,
            risk_level=level,
            is_alert=True,
            message=title_of(kind),
        ),
    )


@lru_cache(maxsize=1024)
def title_of(kind: str) -> str:
    """Return words for a risk's name: `passwordSpray` is `Password Spray`."""
    words = "".join(
        f" {char}" if char.isupper() and not before.isupper() else char
        for before, char in zip(" " + kind, kind, strict=False)
    )
    return words.strip()[:1].upper() + words.strip()[1:]


def _account(fields: Mapping[str, Any], tenant: str | None) -> dict[str, Any] | None:
    uid = known(fields.get("servicePrincipalId"))
    if uid:
        return service_principal(uid, known(fields.get("appId")), known(fields.get("servicePrincipalDisplayName")))
    person = object_at(fields, "user")
    return principal(
        known(fields.get("userPrincipalName")) or known(fields.get("assigneeUserPrincipalName")),
        known(fields.get("userId")) or known(fields.get("assigneeId")) or known(person.get("id")),
        tenant=tenant,
        full_name=known(fields.get("userDisplayName")) or known(fields.get("assigneeDisplayName")),
    )


def _source(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    return located(fields.get("ipAddress"), location=location(object_at(fields, "location")) or None)

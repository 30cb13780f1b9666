"""The forms in which Entra ID's logs come, all brought to the names of Microsoft Graph.

Known are Graph's objects (`signIn`, `directoryAudit`, `riskDetection`, `riskyUser`, alerts of Privileged Identity
Management), Azure Monitor's wrapper (event hubs, storage: `category` and `properties`), and rows of Log Analytics
tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.sources.fields import object_at
from streams.sources.microsoft.common import camel, outer, unpacked_object

SIGN_IN: Final = "signin"
AUDIT: Final = "audit"
RISK: Final = "risk"
ALERT: Final = "pim"
GRAPH: Final = "graph"
CATEGORIES: Final[Mapping[str, str]] = {
    "signinlogs": SIGN_IN,
    "noninteractiveusersigninlogs": SIGN_IN,
    "serviceprincipalsigninlogs": SIGN_IN,
    "managedidentitysigninlogs": SIGN_IN,
    "microsoftserviceprincipalsigninlogs": SIGN_IN,
    "adfssigninlogs": SIGN_IN,
    "auditlogs": AUDIT,
    "userriskevents": RISK,
    "serviceprincipalriskevents": RISK,
    "riskyusers": RISK,
    "riskyserviceprincipals": RISK,
    "microsoftgraphactivitylogs": GRAPH,
}
_TABLES: Final[Mapping[str, str]] = {  # table of Log Analytics, and the category of the same log
    "SigninLogs": "signinlogs",
    "AADNonInteractiveUserSignInLogs": "noninteractiveusersigninlogs",
    "AADServicePrincipalSignInLogs": "serviceprincipalsigninlogs",
    "AADManagedIdentitySignInLogs": "managedidentitysigninlogs",
    "ADFSSignInLogs": "adfssigninlogs",
    "AuditLogs": "auditlogs",
    "AADUserRiskEvents": "userriskevents",
    "AADServicePrincipalRiskEvents": "serviceprincipalriskevents",
    "AADRiskyUsers": "riskyusers",
    "AADRiskyServicePrincipals": "riskyserviceprincipals",
    "MicrosoftGraphActivityLogs": "microsoftgraphactivitylogs",
}
_COLUMNS: Final[Mapping[str, str]] = {
    "IPAddress": "ipAddress",
    "Location": "countryCode",
    "LocationDetails": "location",
    "ConditionalAccessPolicies": "appliedConditionalAccessPolicies",
    "AADTenantId": "tenantId",
    "UserAgent": "userAgent",
    "AdditionalDetails": "additionalDetails",
    "OperationName": "activityDisplayName",
    "Id": "id",
    "RiskEventType_V2": "riskEventType",
    "TimeGenerated": "timeGenerated",
    "Type": "table",
}
_NOT_OF_THE_EVENT: Final = frozenset({"properties", "resourceId", "location", "category"})
_ALERT_TYPES: Final = ("AlertIncident", "AlertConfiguration")


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry.

    Attributes:
        kind: SIGN_IN, AUDIT, RISK, ALERT or GRAPH.
        category: Category of the log, lower case; empty for Graph's own objects.
        fields: The event under Graph's names.
        outer: What stands around it; the event itself where nothing does.
    """

    kind: str
    category: str
    fields: Mapping[str, Any]
    outer: Mapping[str, Any]


def entry_of(value: dict[str, Any]) -> Entry | None:
    """Return the log entry of a record, None when it is of no form that is known here."""
    table = value.get("Type")
    if isinstance(table, str) and table in _TABLES:
        category = _TABLES[table]
        return Entry(CATEGORIES[category], category, camel(value, _COLUMNS), value)
    value = outer(value)
    named = value.get("category")
    if isinstance(named, str) and named.lower() in CATEGORIES and "properties" in value:
        inner = unpacked_object(value["properties"])
        around = {name: item for name, item in value.items() if name not in _NOT_OF_THE_EVENT}
        return Entry(CATEGORIES[named.lower()], named.lower(), {**around, **inner}, value)
    kind = kind_of(value)
    return Entry(kind, "", value, value) if kind else None


def kind_of(value: Mapping[str, Any]) -> str:
    """Tell what kind of Graph object a record is, empty when it is none of Entra ID."""
    if "activityDisplayName" in value:
        return AUDIT if "initiatedBy" in value or "targetResources" in value or "loggedByService" in value else ""
    risk = value.get("riskEventType")
    if isinstance(risk, str):
        return ALERT if risk.endswith(_ALERT_TYPES) else RISK
    kind = value.get("@odata.type")
    if isinstance(kind, str) and kind.endswith("AlertIncident"):
        return ALERT
    if "riskLastUpdatedDateTime" in value and "riskLevel" in value:
        return RISK
    if "createdDateTime" not in value or ("appId" not in value and "appDisplayName" not in value):
        return ""
    named = "userPrincipalName" in value or "servicePrincipalId" in value or "userId" in value
    return (
        SIGN_IN if named and ("errorCode" in object_at(value, "status") or "conditionalAccessStatus" in value) else ""
    )


def recognizes(value: Mapping[str, Any]) -> bool:
    """Tell whether `entry_of` finds an entry, without making it."""
    table, category = value.get("Type"), value.get("category")
    if isinstance(table, str) and table in _TABLES:
        return True
    if isinstance(category, str) and category.lower() in CATEGORIES and "properties" in value:
        return True
    return kind_of(value) != ""

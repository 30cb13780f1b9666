"""Entra ID's logs under the field names that Sigma's rules for `azure` use.

The rules were written against the portal, against Log Analytics (Pascal case) and against event hubs (camel case), some
with words of their own (`properties.message` for the activity, `Status` for the outcome): people have all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from streams.sources.base import text
from streams.sources.fields import object_at, objects_at
from streams.sources.microsoft.common import known, pairs
from streams.sources.microsoft.entra_forms import Entry
from streams.sources.microsoft.entra_signin import REASONS, code_of

_MESSAGES: Final = {"ropc": "ROPC", "devicecode": "Device Code"}
_SIGN_IN: Final = (
    ("AuthenticationRequirement", "authenticationRequirement"),
    ("ResourceDisplayName", "resourceDisplayName"),
    ("AppDisplayName", "appDisplayName"),
    ("RiskState", "riskState"),
    ("UserPrincipalName", "userPrincipalName"),
    ("Username", "userPrincipalName"),
    ("UserAgent", "userAgent"),
    ("ClientApp", "clientAppUsed"),
    ("ClientAppUsed", "clientAppUsed"),
    ("ConditionalAccessStatus", "conditionalAccessStatus"),
    ("IPAddress", "ipAddress"),
    ("AppId", "appId"),
    ("AuthenticationProtocol", "authenticationProtocol"),
)
_AUDIT: Final = (
    ("ActivityDisplayName", "activityDisplayName"),
    ("LoggedByService", "loggedByService"),
    ("Category", "category"),
    ("Result", "result"),
    ("ResultReason", "resultReason"),
    ("CorrelationId", "correlationId"),
    ("InitiatedBy", "initiatedBy"),
    ("AdditionalDetails", "additionalDetails"),
    ("AADOperationType", "operationType"),
)


def sign_in(entry: Entry) -> dict[str, Any]:
    """Return a sign-in under Sigma's names."""
    fields = entry.fields
    native = _base(entry)
    _alias(native, fields, _SIGN_IN)
    code, state = code_of(fields), object_at(fields, "status")
    word = "Success" if code == 0 else "Failure"
    reasons = (fields.get("resultDescription"), state.get("failureReason"), REASONS.get(code or 0), word)
    said = list(dict.fromkeys(reason for reason in map(text, reasons) if reason))
    native["ResultType"] = code if code is not None else fields.get("resultType")
    native["ResultDescription"] = native["Resultdescription"] = said
    native["Status"] = [word, *(reason for reason in (text(state.get("additionalDetails")),) if reason)]
    native["ActivityDetails"] = "Sign-ins"
    native["DeviceDetail"] = _device(object_at(fields, "deviceDetail"))
    networks = fields.get("networkLocationDetails")
    native["NetworkLocationDetails"] = networks or "[]"
    message = _MESSAGES.get((known(fields.get("authenticationProtocol")) or "").lower())
    if message:
        native["properties.message"] = message
    return native


def _device(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the device with the spelling of the rules; what a device that is not registered lacks is empty."""
    trust = detail.get("trustType") or ""
    compliant = detail.get("isCompliant")
    found = {"deviceId": "", **detail, "trustType": trust, "trusttype": trust}
    return found if compliant is None or compliant == "" else {**found, "isCompliant": str(compliant).lower()}


def audit(entry: Entry, activity: str) -> dict[str, Any]:
    """Return an audit record under Sigma's names."""
    fields = entry.fields
    native = _base(entry)
    _alias(native, fields, _AUDIT)
    native["OperationName"] = native["operationName"] = native["ActivityType"] = native["activityType"] = activity
    native["category"] = [native.get("category"), fields.get("category")]
    targets = objects_at(fields, "targetResources")
    changes = [change for target in targets for change in objects_at(target, "modifiedProperties")]
    native["properties.message"] = [activity, *(_change(change) for change in changes)]
    native["Status"] = fields.get("result") or fields.get("resultSignature")
    native["TargetResources"] = native["targetResources"] = targets
    native["properties.targetResources"] = targets
    native["Target"] = [target.get("userPrincipalName") or target.get("displayName") for target in targets]
    native["TargetResources.ModifiedProperties.DisplayName"] = [change.get("displayName") for change in changes]
    native["TargetResources.ModifiedProperties.NewValue"] = [change.get("newValue") for change in changes]
    native["targetResources.type"] = [_kinds(target) for target in targets]
    by = object_at(object_at(fields, "initiatedBy"), "user")
    native["Initiatedby"] = by.get("userPrincipalName")
    details = pairs(fields.get("additionalDetails"))
    native["ConsentContext.IsAdminConsent"] = _new_value(changes, "ConsentContext.IsAdminConsent")
    native["additionalDetails.additionalInfo"] = details.get("additionalInfo") or list(details.values())
    native["failure_status_reason"] = _new_value(changes, "ConsentAction.Reason") or fields.get("resultReason")
    return native


def _kinds(target: Mapping[str, Any]) -> list[Any]:
    """Return the type of a target as the API and as the portal has it."""
    kind = target.get("type")
    return [kind, "Service Principal"] if kind == "ServicePrincipal" else [kind]


def _change(change: Mapping[str, Any]) -> str:
    """Return a changed property the way it stands in the record's text, without the braces."""
    parts = {name: text(change.get(name)) or "" for name in ("displayName", "oldValue", "newValue")}
    return orjson.dumps(parts)[1:-1].decode()


def _new_value(changes: list[dict[str, Any]], name: str) -> str | None:
    value = next((text(change.get("newValue")) for change in changes if change.get("displayName") == name), None)
    return value.strip('"').lower() if value and "IsAdmin" in name else value


def risk(entry: Entry, kind: str) -> dict[str, Any]:
    """Return a risk or an alert under Sigma's names."""
    return {**_base(entry), "riskEventType": kind}


def _base(entry: Entry) -> dict[str, Any]:
    return {**entry.fields, **entry.outer} if entry.outer is not entry.fields else dict(entry.fields)


def _alias(native: dict[str, Any], fields: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> None:
    for alias, name in names:
        value = fields.get(name)
        if value is not None:
            native[alias] = value

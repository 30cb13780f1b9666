"""Entra ID sign-ins as OCSF Authentication: people, services, applications and managed identities.

Source: the `signIn` resource of Microsoft Graph and the schema of the sign-in logs in Azure Monitor; error codes from
the reference of Microsoft Entra authentication errors (AADSTS).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from streams.sources.base import drop_none, integer, text
from streams.sources.fields import object_at, objects_at
from streams.sources.microsoft.common import (
    address,
    known,
    located,
    location,
    principal,
    service_principal,
)
from streams.sources.objects import OTHER, operating_system, status

LOGON: Final = 1
INTERACTIVE: Final = 2
NETWORK: Final = 3
OS_SERVICE: Final = 5
INTERRUPTED: Final = frozenset(  # the person is asked for something more: a factor, consent, a new password
    {
        *(16000, 16001, 16003, 50055, 50058, 50059, 50072, 50074, 50076, 50079, 50097, 50125, 50127, 50129, 50140),
        *(50143, 50144, 51006, 52004, 65001, 81010, 81012, 81014),
    }
)
REASONS: Final[Mapping[int, str]] = {
    16000: "Interaction required",
    50034: "The account does not exist in the directory",
    50053: "The account is locked, or the address is known for attacks",
    50055: "The password is expired",
    50056: "Invalid or no password",
    50057: "The account is disabled",
    50058: "Nobody is signed in",
    50072: "Enrolment for multi-factor authentication is required",
    50074: "Strong Auth required",
    50076: "Multi-factor authentication is required",
    50079: "Enrolment for multi-factor authentication is required",
    50097: "Device authentication is required",
    50105: "The account is not assigned to a role of the application",
    50126: "Invalid user name or password",
    50140: "Interrupted by the question whether to stay signed in",
    50144: "The password in Active Directory is expired",
    50155: "DeviceAuthenticationFailed",
    50158: "ExternalSecurityChallenge - External security challenge was not satisfied",
    50173: "The grant is expired or revoked",
    53000: "The device is not compliant",
    53003: "Blocked by Conditional Access",
    53004: "Proof-up is blocked because of risk",
    65001: "No consent to the application",
    70043: "The refresh token is expired by the sign-in frequency",
    500121: "Authentication failed during strong authentication request",
    530032: "Blocked by a security policy",
    700016: "The application was not found in the directory",
    7000215: "Invalid client secret",
    7000222: "The client secret is expired",
}
_PROTOCOLS: Final = {"saml20": 5, "saml11": 5, "wsfederation": 99, "ropc": 6, "devicecode": 6, "oauth2": 6}
_RISKS: Final = {"none": 0, "low": 1, "medium": 2, "high": 3}
_FACTORS: Final = (  # a part of Microsoft's word for the method, and OCSF's factor_type_id
    ("fido2", 10),
    ("passkey", 10),
    ("windows hello", 4),
    ("certificate", 6),
    ("hardware", 6),
    ("text message", 1),
    ("sms", 1),
    ("phone call", 3),
    ("call", 3),
    ("notification", 5),
    ("push", 5),
    ("oath", 7),
    ("verification code", 7),
    ("passcode", 7),
    ("email", 8),
    ("password", 11),
)
_APPLICATIONS: Final = frozenset({"serviceprincipalsigninlogs", "managedidentitysigninlogs"})


def attributes(fields: Mapping[str, Any], category: str, tenant: str | None) -> dict[str, Any]:
    """Return the attributes of Authentication.

    Args:
        fields: Sign-in under Graph's names.
        category: Category of the log, lower case; empty for Graph's own objects.
        tenant: Id of the tenant.
    """
    is_mfa, factors = _mfa(fields)
    device = _device(object_at(fields, "deviceDetail"))
    return drop_none(
        user=_user(fields, category, tenant) or {"name": "unknown"},
        service=_service(fields),
        session=_session(fields, is_mfa=is_mfa),
        src_endpoint=source(fields),
        device=device,
        auth_factors=factors,
        is_mfa=is_mfa,
        is_remote=True,
        auth_protocol=known(fields.get("authenticationProtocol")),
        auth_protocol_id=_PROTOCOLS.get((known(fields.get("authenticationProtocol")) or "").lower()),
        logon_type_id=_logon_type(fields, category),
        http_request=_request(fields),
        risk_level=known(risk := text(fields.get("riskLevelDuringSignIn"))),
        risk_level_id=_RISKS.get((risk or "").lower()),
        risk_details=known(fields.get("riskDetail")),
        authorizations=_policies(fields),
        message=f"Sign-in to {app}" if (app := known(fields.get("appDisplayName"))) else None,
        **outcome(fields),
    )


def _user(fields: Mapping[str, Any], category: str, tenant: str | None) -> dict[str, Any] | None:
    if is_application(fields, category):
        kind = "ManagedIdentity" if category.startswith("managed") else "ServicePrincipal"
        return service_principal(
            known(fields.get("servicePrincipalId")),
            known(fields.get("appId")),
            known(fields.get("servicePrincipalName")) or known(fields.get("appDisplayName")),
            kind,
        )
    name, uid = known(fields.get("userPrincipalName")), known(fields.get("userId"))
    full = known(fields.get("userDisplayName")) or known(fields.get("identity"))
    return principal(
        name or known(fields.get("signInIdentifier")),
        uid,
        tenant=known(fields.get("homeTenantId")) or tenant,
        full_name=full,
        type=known(fields.get("userType")),
    )


def is_application(fields: Mapping[str, Any], category: str) -> bool:
    """Tell whether an application signed in, and no person."""
    person = known(fields.get("userPrincipalName")) or known(fields.get("userId"))
    return category in _APPLICATIONS or (person is None and known(fields.get("servicePrincipalId")) is not None)


def _service(fields: Mapping[str, Any]) -> dict[str, Any]:
    named = drop_none(
        name=known(fields.get("appDisplayName")) or known(fields.get("resourceDisplayName")),
        uid=known(fields.get("appId")) or known(fields.get("resourceId")),
    )
    return named or {"name": "Microsoft Entra ID"}


def _session(fields: Mapping[str, Any], *, is_mfa: bool | None) -> dict[str, Any]:
    named = drop_none(uid=known(fields.get("sessionId")), credential_uid=known(fields.get("uniqueTokenIdentifier")))
    return named | drop_none(is_mfa=is_mfa, issuer=known(fields.get("tokenIssuerName"))) if named else {}


def source(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return where a sign-in came from."""
    number = integer(fields.get("autonomousSystemNumber"))
    place = object_at(fields, "location")
    through = address(fields.get("ipAddressFromResourceProvider"))[0]
    return located(
        fields.get("ipAddress"),
        location=location(place) or None,
        autonomous_system={"number": number} if number else None,
        intermediate_ips=[through] if through else None,
    )


def _device(detail: Mapping[str, Any]) -> dict[str, Any]:
    uid, name = known(detail.get("deviceId")), known(detail.get("displayName"))
    if uid is None and name is None:
        return {}
    trust = known(detail.get("trustType"))
    return {"type_id": 0} | drop_none(
        uid=uid,
        hostname=name,
        os=_system(known(detail.get("operatingSystem"))),
        is_compliant=_flag(detail.get("isCompliant")),
        is_managed=_flag(detail.get("isManaged")),
        is_trusted=True if trust else None,
        desc=trust,
    )


@lru_cache(maxsize=512)
def _system(name: str | None) -> dict[str, Any] | None:
    return operating_system(name[:256]) if name else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _mfa(fields: Mapping[str, Any]) -> tuple[bool | None, list[dict[str, Any]]]:
    """Tell whether several factors were demanded, and list those that were shown."""
    required = known(fields.get("authenticationRequirement"))
    detail = object_at(fields, "mfaDetail")
    words = [step.get("authenticationMethod") for step in objects_at(fields, "authenticationDetails")]
    methods = dict.fromkeys(filter(None, map(known, [*words, detail.get("authMethod")])))
    factors = [{"factor_type": method[:256], "factor_type_id": _factor(method[:64].lower())} for method in methods]
    return (required.lower().startswith("multi") if required else None), [f for f in factors if f["factor_type_id"]]


@lru_cache(maxsize=512)
def _factor(method: str) -> int:
    if method.startswith(("previously", "policy", "not applicable")):
        return 0
    return next((number for part, number in _FACTORS if part in method), OTHER)


def _logon_type(fields: Mapping[str, Any], category: str) -> int:
    if category in _APPLICATIONS:
        return OS_SERVICE
    interactive = fields.get("isInteractive")
    return INTERACTIVE if interactive is True or (interactive is None and category == "signinlogs") else NETWORK


def _request(fields: Mapping[str, Any]) -> dict[str, Any]:
    agent = known(fields.get("userAgent")) or known(object_at(fields, "deviceDetail").get("browser"))
    return drop_none(user_agent=agent, uid=known(fields.get("originalRequestId")))


def _policies(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the conditional access policies that had a say; those that did not apply say nothing."""
    found = []
    for policy in objects_at(fields, "appliedConditionalAccessPolicies"):
        result = known(policy.get("result"))
        named = drop_none(name=known(policy.get("displayName")), uid=known(policy.get("id")))
        if named and result not in {None, "notApplied", "notEnabled"}:
            found.append({"decision": result, "policy": named})
    overall = known(fields.get("conditionalAccessStatus"))
    return found or ([{"decision": overall}] if overall and overall != "notApplied" else [])


def code_of(fields: Mapping[str, Any]) -> int | None:
    """Return the error code, 0 for a sign-in that succeeded, None where the record has none."""
    code = integer(object_at(fields, "status").get("errorCode"))
    return integer(fields.get("resultType")) if code is None else code


def outcome(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status attributes; a sign-in that asks for another step first has neither failed nor succeeded."""
    code = code_of(fields)
    reason = known(object_at(fields, "status").get("failureReason")) or known(fields.get("resultDescription"))
    reason = reason if reason not in {"Other.", "Success", "Failure"} else None
    if code is None:
        word = known(fields.get("resultType"))
        return status(ok={"success": True, "failure": False}.get((word or "").lower()), detail=reason, word=word)
    if code in INTERRUPTED:
        return status(ok=None, code=code, detail=reason or REASONS.get(code), word="Interrupted")
    return status(ok=code == 0, code=code, detail=reason or REASONS.get(code) if code else None)

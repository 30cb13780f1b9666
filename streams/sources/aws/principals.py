"""AWS principals as OCSF users and sessions: who called, who was called into being, who was changed.

Source: the `userIdentity` element in the CloudTrail user guide. Users carry their ARN in `uid_alt` and their unique id
(AIDA..., AROA...:session) in `uid`, as AWS's own OCSF mapping has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from streams.sources.base import drop_none, text
from streams.sources.fields import email, object_at, timestamp

AWS_ACCOUNT: Final = {"type": "AWS Account", "type_id": 10}
TEMPORARY_KEY: Final = "ASIA"  # access keys of STS; those of users begin with AKIA
USER_TYPE_OTHER: Final = 99
MAX_REMEMBERED_BYTES: Final = 2048  # of `userIdentity`; they have 200 to 900

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
# A narrow no-break space stands before AM and PM since the Unicode CLDR 42 data that Java took up in 2023.
_AMERICAN: Final = re.compile(
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d\d?), (\d{4}),? (\d\d?)(:\d\d:\d\d)[ \u202f](AM|PM)",
    re.ASCII,
)
_USER_TYPES: Final = {
    "Root": 2,
    "IAMUser": 1,
    "FederatedUser": 1,
    "SAMLUser": 1,
    "WebIdentityUser": 1,
    "IdentityCenterUser": 1,
    "Directory": 1,
    "AWSService": 3,
}


def account_of(uid: str | None) -> dict[str, Any] | None:
    """Return an OCSF account for a 12-digit account id."""
    return {"uid": uid, **AWS_ACCOUNT} if uid else None


def caller_of(identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the principal that called, None when a service of AWS did, or when nothing names it."""
    kind = text(identity.get("type"))
    arn, principal = text(identity.get("arn")), text(identity.get("principalId"))
    on_behalf = object_at(identity, "onBehalfOf")  # IAM Identity Center
    name = text(identity.get("userName")) or _last_part(arn, principal)
    uid = principal or text(on_behalf.get("userId")) or arn
    account = text(identity.get("accountId"))
    if name is None and uid is None and (account is None or kind == "AWSService"):
        return None
    return drop_none(
        type=kind,
        type_id=_USER_TYPES.get(kind or "", USER_TYPE_OTHER),
        uid=uid,
        uid_alt=arn,
        name=name,
        email_addr=email(name),
        account=account_of(account),
        credential_uid=text(identity.get("accessKeyId")) or text(identity.get("credentialId")),
    )


def session_of(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session of temporary credentials that the call was made in, empty when there was none."""
    context = object_at(identity, "sessionContext")
    attributes, issuer = object_at(context, "attributes"), object_at(context, "sessionIssuer")
    key = text(identity.get("accessKeyId"))
    return drop_none(
        uid=key if key and key.startswith(TEMPORARY_KEY) else text(identity.get("credentialId")),
        issuer=text(issuer.get("arn")),
        created_time=timestamp(attributes.get("creationDate")),
        is_mfa=_flag(attributes.get("mfaAuthenticated")),
    )


def actor_of(identity: Mapping[str, Any], event_source: str) -> dict[str, Any]:
    """Return the OCSF actor: the principal, its session, its identity provider, the service that called for it.

    Whoever calls calls again: the last actors are remembered, and each event gets one of its own.
    """
    key = orjson.dumps(identity)
    if len(key) + len(event_source) > MAX_REMEMBERED_BYTES:
        return _actor(identity, event_source)
    actor: dict[str, Any] = orjson.loads(_remembered(key, event_source))
    return actor


@lru_cache(maxsize=8192)
def _remembered(identity: bytes, event_source: str) -> bytes:
    return orjson.dumps(_actor(orjson.loads(identity), event_source))


def _actor(identity: Mapping[str, Any], event_source: str) -> dict[str, Any]:
    provider = text(object_at(object_at(identity, "sessionContext"), "webIdFederationData").get("federatedProvider"))
    provider = provider or text(identity.get("identityProvider"))
    actor = drop_none(
        user=caller_of(identity),
        session=session_of(identity),
        invoked_by=text(identity.get("invokedBy")),
        idp={"name": provider} if provider else None,
    )
    return actor if "user" in actor or "invoked_by" in actor else actor | {"invoked_by": event_source}


def assumed_of(request: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the principal that an STS call made, or was to make; None when the caller stays who it is."""
    made = object_at(response, "assumedRoleUser") or object_at(response, "federatedUser")
    role, name = text(request.get("roleArn")), text(request.get("roleSessionName"))
    granted = bool(object_at(response, "credentials"))
    arn = text(made.get("arn")) or (_session_arn(role, name) if granted and role and name else role)
    if arn is None:
        return None
    name = name or _last_part(arn, None)
    return drop_none(
        type="FederatedUser" if ":federated-user/" in arn else "AssumedRole",
        type_id=USER_TYPE_OTHER,
        uid=text(made.get("assumedRoleId")) or text(made.get("federatedUserId")) or arn,
        uid_alt=arn,
        name=name,
        email_addr=email(name),
        account=account_of(account_in(arn)),
    )


def _session_arn(role: str, name: str) -> str:
    """Return the ARN that a session of a role has, for the records that leave it out (calls by services)."""
    account, last = account_in(role), _last_part(role, None)
    return f"arn:{partition_of(role)}:sts::{account}:assumed-role/{last}/{name}" if account and last else role


def issued_session_of(request: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session that an STS call opened, empty when it opened none."""
    credentials = object_at(response, "credentials")
    key = text(credentials.get("accessKeyId"))
    if key is None:
        return {}
    return drop_none(
        uid=key,
        credential_uid=key,
        issuer=text(request.get("roleArn")),
        expiration_time=_expiration(credentials.get("expiration")),
        is_mfa=True if text(request.get("serialNumber")) else None,
    )


def subject_of(
    request: Mapping[str, Any], response: Mapping[str, Any], *, account: str | None, partition: str
) -> dict[str, Any] | None:
    """Return the user or role that a call to IAM is about, None when it names none.

    Args:
        request: `requestParameters`.
        response: `responseElements`.
        account: The account it is in.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
    """
    for field, made, kind in (("userName", "user", "user"), ("roleName", "role", "role")):
        entity = object_at(response, made)
        name = text(request.get(field)) or text(entity.get(field))
        if name:
            arn = text(entity.get("arn")) or (f"arn:{partition}:iam::{account}:{kind}/{name}" if account else None)
            return drop_none(
                type="IAMUser" if kind == "user" else "Role",
                type_id=1 if kind == "user" else USER_TYPE_OTHER,
                uid=text(entity.get("userId")) or text(entity.get("roleId")) or arn,
                uid_alt=arn,
                name=name,
                email_addr=email(name),
                account=account_of(account),
            )
    principal = text(request.get("userId")) or text(request.get("principalId"))
    return {"uid": principal} if principal else None


def account_in(arn: str) -> str | None:
    """Return the account id in an ARN, None when it has none."""
    parts = arn.split(":", 5)
    return parts[4] or None if len(parts) > 4 else None  # noqa: PLR2004  # arn:partition:service:region:account:...


def partition_of(arn: str | None) -> str:
    """Return the partition in an ARN, `aws` when there is none."""
    parts = arn.split(":", 2) if arn else []
    return parts[1] if len(parts) > 1 and parts[0] == "arn" and parts[1] else "aws"


def _last_part(arn: str | None, principal: str | None) -> str | None:
    """Return the name in an ARN (the session's, for an assumed role), or the one behind the unique id."""
    if arn and "/" in arn:
        return arn.rpartition("/")[2] or None
    if arn and arn.endswith(":root"):
        return "root"
    return principal.partition(":")[2] or None if principal else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _expiration(value: Any) -> int | None:
    """Read the time of STS credentials: RFC 3339, or the American form of older records (`Jul 9, 2023, 1:02:03 PM`)."""
    written = _AMERICAN.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        return timestamp(value)
    month, day, year, hour, rest, half = written.groups()
    hours = int(hour) % 12 + (12 if half == "PM" else 0)
    return timestamp(f"{year}-{_MONTHS.index(month) // 3 + 1:02}-{int(day):02}T{hours:02}{rest}Z")

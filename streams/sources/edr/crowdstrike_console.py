"""What people do in the Falcon console and over its API, and what operators do on hosts with Real Time Response.

Source: CrowdStrike Falcon documentation, "Streaming API Event Dictionary": AuthActivityAuditEvent,
UserActivityAuditEvent, APIActivityAuditEvent, RemoteResponseSessionStartEvent and RemoteResponseSessionEndEvent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, ENTITY_MANAGEMENT, USER_ACCESS
from streams.sources.base import drop_none, text
from streams.sources.edr.drafts import Draft, signed_on
from streams.sources.fields import objects_at
from streams.sources.objects import SUCCESS, endpoint, status, user
from streams.sources.saas.deeds import Deed, body_of, entity, resource
from streams.sources.saas.words import MAX_WORD, OTHER, first, verb_of

Fields = Mapping[str, Any]

SERVICE: Final = "CrowdStrike Falcon"
_LISTED: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(
        ("userauthenticate", "twofactorauthenticate", "saml2assert", "samlauthenticate"), (AUTHENTICATION, 1)
    ),
    **dict.fromkeys(("userlogout", "logout", "sessionlogout"), (AUTHENTICATION, 2)),
    "createuser": (ACCOUNT_CHANGE, 1),
    "activateuser": (ACCOUNT_CHANGE, 2),
    "changepassword": (ACCOUNT_CHANGE, 3),
    "requestresetpassword": (ACCOUNT_CHANGE, 4),
    "resetpassword": (ACCOUNT_CHANGE, 4),
    "deactivateuser": (ACCOUNT_CHANGE, 5),
    "deleteuser": (ACCOUNT_CHANGE, 6),
    "updateuser": (ACCOUNT_CHANGE, OTHER),
    "requestresetauthsecret": (ACCOUNT_CHANGE, OTHER),
    "resetauthsecret": (ACCOUNT_CHANGE, OTHER),
    "grantuserroles": (USER_ACCESS, 1),
    "revokeuserroles": (USER_ACCESS, 2),
}
_NAMES: Final = ("group_name", "name", "policy_name", "rule_name", "target_name")
_IDS: Final = ("allowlist_group_id", "APIClientID", "id", "policy_id", "rule_id")


def is_audit(name: str) -> bool:
    """Tell the events of the audit log by their name."""
    return name.endswith("ActivityAuditEvent")


def is_remote_response(name: str) -> bool:
    """Tell the events of sessions that operators open on hosts."""
    return name.startswith("RemoteResponseSession")


def details_of(fields: Fields) -> dict[str, str]:
    """Return the list of named values that an audit event has, as a mapping."""
    pairs = ((text(item.get("Key")), text(item.get("ValueString"))) for item in objects_at(fields, "AuditKeyValues"))
    return {key: value for key, value in pairs if key and value}


def audit_body(fields: Fields, time: int) -> dict[str, Any]:
    """Return the OCSF event of an operation in the console or over the API."""
    operation = (text(fields.get("OperationName")) or "unknown")[:MAX_WORD]
    details = details_of(fields)
    verb = verb_of(operation)
    class_uid, activity_id = _LISTED.get(operation.lower(), (ENTITY_MANAGEMENT, verb))
    if class_uid == ENTITY_MANAGEMENT and verb in {2, OTHER}:
        class_uid = API_ACTIVITY
    kind = text(fields.get("ServiceName"))
    name, uid = text(first(details, *_NAMES)), text(first(details, *_IDS))
    target = user(details.get("target_name"), uid=text(first(details, "target_user_uuid", "target_uuid")))
    deed = Deed(
        class_uid,
        activity_id,
        operation,
        SERVICE,
        actor=user(text(fields.get("UserId")) or details.get("actor_user"), uid=details.get("actor_user_uuid")),
        user=target,
        source=endpoint(fields.get("UserIp")),
        entity=entity(kind, name, uid),
        privileges=tuple(role for role in details.get("roles", "").split(",", 16) if role),
        resources=resource(kind, name, uid),
    )
    body = body_of(deed, time)
    ok = fields.get("Success")
    body.update(status(ok=ok if isinstance(ok, bool) else None))
    return body


def session_draft(name: str, fields: Fields, device: dict[str, Any]) -> Draft:
    """Return the draft of an operator's session on a host: a remote sign-in to it, or the end of one."""
    session = drop_none(uid=text(first(fields, "SessionId", "SessionID")))
    return signed_on(
        user(text(fields.get("UserName"))),
        2 if name.startswith("RemoteResponseSessionEnd") else 1,
        device,
        session=session or None,
        service={"name": f"{SERVICE} Real Time Response"},
        is_remote=True,
        status=SUCCESS,
    )

"""Google's principals as OCSF users, sessions and groups: who called, and whom a policy binds.

Source: the AuditLog message (AuthenticationInfo, RequestMetadata) and "Principal identifiers" in the IAM documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources import objects
from streams.sources.base import drop_none, ip, text
from streams.sources.fields import object_at, objects_at
from streams.sources.kubernetes.principals import SYSTEM, type_of

USER, SERVICE, OTHER = 1, 4, 99
EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})
_ROBOT: Final = "gserviceaccount.com"
_NETWORK: Final = "//compute.googleapis.com/"
MAX_MEMBER: Final = 512


def caller_of(authentication: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the principal that called, None when the entry does not name it (calls without credentials)."""
    mail, subject = text(authentication.get("principalEmail")), text(authentication.get("principalSubject"))
    name = mail or (subject.rpartition("/")[2].partition(":")[2] or subject if subject else None)
    if name is None:
        return None
    key = text(authentication.get("serviceAccountKeyName"))
    return objects.user(
        name,
        type_id=user_type(name),
        uid_alt=subject,
        credential_uid=key.rpartition("/")[2] if key else None,
    )


def user_type(name: str) -> int:
    """Return the OCSF user type of a principal by its name."""
    return SERVICE if name.endswith(_ROBOT) else type_of(name)


def session_of(authentication: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the caller's session: the principal that it was delegated from, the key it began with."""
    key = text(authentication.get("serviceAccountKeyName"))
    chain = objects_at(authentication, "serviceAccountDelegationInfo")
    if not (key or chain):
        return {}
    first = chain[0] if chain else {}
    delegated = text(object_at(first, "firstPartyPrincipal").get("principalEmail")) or text(
        first.get("principalSubject")
    )
    return drop_none(credential_uid=key.rpartition("/")[2] if key else None, issuer=delegated)


def source_of(request: Mapping[str, Any], caller: str = "") -> dict[str, Any]:
    """Return where a call came from: an address, or Google's word for an address that it does not show.

    Args:
        request: `requestMetadata`.
        caller: Name of the caller; a service account of Kubernetes runs in a pod that is not named.
    """
    written = text(request.get("callerIp")) or text(request.get("callerIP"))
    address = ip(written)
    network = text(request.get("callerNetwork"))
    vpc = network.removeprefix(_NETWORK) if network and "__unknown__" not in network else None
    return drop_none(ip=address, svc_name=None if address else written, vpc_uid=vpc) | _node(caller)


def _node(caller: str) -> dict[str, Any]:
    return {"hostname": caller.removeprefix("system:node:")} if caller.startswith("system:node:") else {}


def member_user(member: str) -> dict[str, Any] | None:
    """Return a member of a policy's binding as a user, None for groups and domains."""
    kind, colon, name = member[:MAX_MEMBER].rpartition("/")[2].partition(":")
    if member in EVERYBODY:
        return {"name": member, "type_id": SYSTEM}
    if kind in {"group", "domain"} and colon:
        return None
    name = (name if colon else kind).partition("?")[0]  # deleted principals end in ?uid=...
    return (
        objects.user(name.removeprefix("serviceAccount:").removeprefix("user:"), type_id=user_type(name))
        if name
        else None
    )


def member_group(member: str) -> dict[str, Any] | None:
    """Return a member of a policy's binding as a group, None for everybody else."""
    kind, _, name = member[:MAX_MEMBER].partition(":")
    return {"name": name, "type": kind} if kind in {"group", "domain"} and name else None

"""Chains of assumed roles: the credentials that a call was made with, those it was given, and who began the chain.

Source: the AWS STS API reference. The source identity is set once, by the first who assumes, and no role further down
the chain can change it, in whichever account; the name of a role's session, in contrast, anybody may choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from enrichers.entities import ASSUMED_ROLE, child
from enrichers.links.observation import BY_ISSUER, BY_SWITCH, Pair, lasting, pair
from enrichers.names import instance_id, session_id, user_name

SUCCESS: Final = 1
SINGLE_SIGN_ON: Final = ":assumed-role/awsreservedsso_"  # roles whose sessions the identity provider names


def assumed(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe credentials that were given for others."""
    if event.get("status_id") != SUCCESS or child(event, "cloud").get("provider") != "AWS":
        return
    issued = session_id(child(event, "session").get("uid"), None)
    role = user_name(child(event, "user"), None)
    actor, api = child(event, "actor"), child(event, "api")
    used = {
        session_id(child(actor, "session").get("uid"), None),
        session_id(child(actor, "user").get("credential_uid"), None),
    }
    for credentials in sorted(name for name in used if name):
        yield from pair("session", issued, "session", credentials, BY_ISSUER)
    for message in ("response", "request"):
        stated = child(child(api, message), "data").get("sourceIdentity")
        origin = user_name({"name": stated}, None)
        if origin:
            yield from lasting(event, pair("session", issued, "user", origin, BY_SWITCH))
            yield from lasting(event, pair("user", role, "user", origin, BY_SWITCH))
            return


def person_of_role(user: Mapping[str, Any], name: str | None) -> str | None:
    """Return whose session of a single-sign-on role it is: there, and only there, its name is no mere claim."""
    return user_name({"name": user.get("email_addr")}, None) if name and SINGLE_SIGN_ON in name else None


def instance_of_role(arn: Any) -> str | None:
    """Return the instance whose role it is: EC2 names the session of an instance's role for the instance."""
    return instance_id(arn.rpartition("/")[2]) if isinstance(arn, str) and ASSUMED_ROLE in arn else None

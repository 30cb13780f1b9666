"""The part of an Okta event that belongs to its OCSF class, for each class.

A record that lacks what its class requires (a group event without a group) is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    AUTHORIZE_SESSION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from streams.sources.base import drop_none, text
from streams.sources.fields import object_at, objects_at
from streams.sources.okta.event_types import MAX_EVENT_TYPE, OTHER, Meaning, meaning_of
from streams.sources.okta.objects import (
    endpoint_of,
    entity_of,
    factors_of,
    group_of,
    known,
    session_of,
    user_of,
)

NOBODY: Final = {"name": "unknown"}  # for classes that require a user; `enrichers.entities` passes it over
PASSWORD_OR_UNKNOWN: Final = frozenset({0, 11})  # auth factors that do not make a sign-in multi-factor
ACCOUNT_SWITCH: Final = 7
USERS: Final = ("User", "AppUser")  # types of targets
SUBSTITUTED: Final = ("user.session.impersonation.", "user.session.clear")  # one user acts on the session of another

_SIGN_ON_MODES: Final = {"SAML_2_0": 5, "SAML_1_1": 5, "OPENID_CONNECT": 4}
Built = tuple[int, int, dict[str, Any]]  # class, activity, the attributes of that class


@dataclass(frozen=True, slots=True)
class Parts:
    """A log event taken apart once, for all who build from it."""

    fields: Mapping[str, Any]
    kind: str
    meaning: Meaning
    targets: list[dict[str, Any]]
    debug: Mapping[str, Any]
    result: str | None
    actor: dict[str, Any] | None

    def target(self, *types: str) -> dict[str, Any] | None:
        """Return the first target of one of these types."""
        return next((target for target in self.targets if target.get("type") in types), None)

    def person(self) -> dict[str, Any] | None:
        """Return the target that is somebody's account, in Okta rather than in an application."""
        return self.target("User") or self.target("AppUser")

    def names(self, *types: str) -> list[str]:
        """Return the names of the targets of these types."""
        named = [group_of(target) for target in self.targets if target.get("type") in types]
        return [group.get("name") or group["uid"] for group in named if group]


def take_apart(fields: Mapping[str, Any]) -> Parts:
    """Find the parts of a log event that the builders share."""
    kind = str(fields["eventType"])[:MAX_EVENT_TYPE]
    return Parts(
        fields,
        kind,
        meaning_of(kind),
        objects_at(fields, "target"),
        object_at(object_at(fields, "debugContext"), "debugData"),
        text(object_at(fields, "outcome").get("result")),
        user_of(object_at(fields, "actor")),
    )


def _subject(parts: Parts) -> dict[str, Any]:
    """Return whom the event is about: the user among its targets, else the actor."""
    target = parts.person()
    return (user_of(target) if target else None) or parts.actor or NOBODY


def _authentication(parts: Parts) -> Built:
    factors = factors_of(parts.fields, parts.debug)
    is_mfa = "mfa" in parts.kind or any(f["factor_type_id"] not in PASSWORD_OR_UNKNOWN for f in factors)
    by_user = parts.actor is not None and parts.actor.get("type") in {"User", None}
    service = parts.names("AppInstance")
    return (
        AUTHENTICATION,
        parts.meaning.activity_id,
        drop_none(
            user=parts.actor if by_user and not parts.kind.startswith(SUBSTITUTED) else _subject(parts),
            service={"name": service[0] if service else "Okta"},
            session=session_of(parts.fields, is_mfa=is_mfa),
            auth_factors=factors,
            is_mfa=is_mfa,
            auth_protocol_id=_protocol(parts),
            account_switch_type_id=2 if parts.meaning.activity_id == ACCOUNT_SWITCH else None,
        ),
    )


def _protocol(parts: Parts) -> int | None:
    app = parts.target("AppInstance") or {}
    mode = text(object_at(app, "detailEntry").get("signOnModeType")) or ""
    return parts.meaning.protocol_id or _SIGN_ON_MODES.get(mode)


def _authorize_session(parts: Parts) -> Built:
    granted = parts.result in {"ALLOW", "SUCCESS"}
    attributes = {
        "user": parts.actor or _subject(parts),
        "privileges": parts.names("AppInstance") or ["sign-on"],
        "session": session_of(parts.fields),
    }
    activity_id = parts.meaning.activity_id if granted else OTHER
    return AUTHORIZE_SESSION, activity_id, drop_none(**attributes)


def _account_change(parts: Parts) -> Built:
    attributes = {"user": _subject(parts), "auth_factors": factors_of(parts.fields, parts.debug)}
    return ACCOUNT_CHANGE, parts.meaning.activity_id, drop_none(**attributes) | _acting(parts)


def _user_access(parts: Parts) -> Built:
    granted = known(parts.debug.get("privilegeGranted")) or known(parts.debug.get("privilegeRevoked"))
    privileges = (
        [part.strip() for part in granted.split(",")] if granted else parts.names("AppInstance", "ROLE", "Role")
    )
    resources = [group_of(target) for target in parts.targets if target.get("type") not in USERS]
    attributes = {
        "user": _subject(parts),
        "privileges": privileges or [parts.kind],
        "resources": [resource for resource in resources if resource],
    }
    return USER_ACCESS, parts.meaning.activity_id, drop_none(**attributes) | _acting(parts)


def _group_management(parts: Parts) -> Built:
    target = parts.target("UserGroup")
    group = group_of(target) if target else None
    if group is None:
        return _api_activity(parts)
    member = parts.person()
    granted = known(parts.debug.get("privilegeGranted"))
    attributes = {
        "group": group,
        "user": user_of(member) if member else None,
        "privileges": [granted] if granted else parts.names("AppInstance"),
    }
    return GROUP_MANAGEMENT, parts.meaning.activity_id, drop_none(**attributes) | _acting(parts)


def _entity_management(parts: Parts) -> Built:
    entity = next((entity for entity in map(entity_of, parts.targets) if entity), None)
    if entity is None:
        return _api_activity(parts)
    return ENTITY_MANAGEMENT, parts.meaning.activity_id, {"entity": entity} | _acting(parts)


def _api_activity(parts: Parts) -> Built:
    resources = [resource for resource in map(group_of, parts.targets) if resource]
    attributes = {
        "api": {"operation": parts.kind, "service": {"name": "Okta"}},
        "src_endpoint": endpoint_of(parts.fields) or {"svc_name": "Okta"},
        "resources": resources,
    }
    acting = _acting(parts) or {"actor": {"invoked_by": "Okta"}}
    return API_ACTIVITY, parts.meaning.api_activity_id, drop_none(**attributes) | acting


def _acting(parts: Parts) -> dict[str, Any]:
    """Return the actor with the session it acted in; classes without a session of their own keep it there."""
    actor = drop_none(user=parts.actor, session=session_of(parts.fields))
    return {"actor": actor} if actor else {}


BUILDERS: Final[Mapping[int, Callable[[Parts], Built]]] = {
    AUTHENTICATION: _authentication,
    AUTHORIZE_SESSION: _authorize_session,
    ACCOUNT_CHANGE: _account_change,
    USER_ACCESS: _user_access,
    GROUP_MANAGEMENT: _group_management,
    ENTITY_MANAGEMENT: _entity_management,
    API_ACTIVITY: _api_activity,
}

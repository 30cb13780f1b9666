"""A deed: what one record of a service's audit log tells, in the same parts whoever the service is, and its OCSF body.

A deed that lacks what its class requires (a change of a group without the group) becomes API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from models.ocsf import head
from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    AUTHORIZE_SESSION,
    DATASTORE_ACTIVITY,
    ENTITY_MANAGEMENT,
    FILE_HOSTING_ACTIVITY,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from streams.sources.base import drop_none
from streams.sources.saas.words import OTHER

NOBODY: Final[dict[str, Any]] = {
    "name": "unknown"
}  # for classes that require a user; `enrichers.entities` passes it over
ENTITY_TYPES: Final = {"device": 1, "user": 2, "group": 3, "team": 3, "organization": 4, "org": 4, "policy": 5}
_API_VERBS: Final = frozenset({1, 2, 3, 4})
_AS_API: Final = {  # activities of other classes as those of API Activity
    GROUP_MANAGEMENT: {6: 1, 5: 4},
    DATASTORE_ACTIVITY: {1: 2, 2: 3, 4: 2, 5: 3, 6: 1, 7: 4, 8: 2},
    FILE_HOSTING_ACTIVITY: {1: 1, 2: 2, 3: 3, 4: 4, 9: 2},
}


@dataclass(frozen=True, slots=True)
class Deed:
    """What a record tells.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        operation: Vendor's word for it.
        service: Name of the service it happened in, or of the application that was signed in to.
        actor: OCSF user who did it.
        user: OCSF user it was done to; the actor where there is no other.
        session: OCSF session it happened in, or that it opened.
        source: OCSF endpoint it was done from.
        group: OCSF group it was done to.
        entity: OCSF managed entity it was done to.
        target: What a Datastore or File Hosting Activity requires: `database`, `databucket`, `table`, `file`.
        privileges: What was granted or revoked.
        resources: OCSF resources it concerns.
        details: Further attributes of the class (`auth_factors`, `is_mfa` ...), taken as they are.
    """

    class_uid: int
    activity_id: int
    operation: str
    service: str
    actor: dict[str, Any] | None = None
    user: dict[str, Any] | None = None
    session: Mapping[str, Any] = field(default_factory=dict)
    source: dict[str, Any] | None = None
    group: dict[str, Any] | None = None
    entity: dict[str, Any] | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    privileges: tuple[str, ...] = ()
    resources: tuple[dict[str, Any], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


_Built = tuple[int, int, dict[str, Any]]  # class, activity, the attributes of that class


def body_of(deed: Deed, time: int, severity_id: int = 1) -> dict[str, Any]:
    """Begin the OCSF event of a deed: its class, its activity and the attributes of that class."""
    class_uid, activity_id, attributes = _BUILDERS[deed.class_uid](deed)
    body = head(class_uid, activity_id, time, severity_id)
    if activity_id == OTHER:
        body["activity_name"] = deed.operation
    body.update(attributes)
    if deed.source and "src_endpoint" not in body:
        body["src_endpoint"] = deed.source
    return body


def entity(
    kind: str | None, name: str | None = None, uid: str | None = None, data: Any = None
) -> dict[str, Any] | None:
    """Return a managed entity of a vendor's kind, None when it has neither name nor id."""
    if not (name or uid):
        return None
    type_id = ENTITY_TYPES.get(kind.lower(), OTHER) if kind else 0
    return {"type_id": type_id, **drop_none(type=kind, name=name, uid=uid, data=data)}


def resource(kind: str | None, name: str | None = None, uid: str | None = None) -> tuple[dict[str, Any], ...]:
    """Return one resource, or none when it has neither name nor id."""
    return (drop_none(type=kind, name=name, uid=uid),) if name or uid else ()


def _acting(deed: Deed) -> dict[str, Any]:
    """Return the actor with the session it acted in; classes without a session of their own keep it there."""
    actor = drop_none(user=deed.actor, session=dict(deed.session))
    return {"actor": actor} if actor else {}


def _authentication(deed: Deed) -> _Built:
    other = deed.user is not None and deed.actor is not None and deed.user != deed.actor
    attributes = drop_none(
        user=deed.user or deed.actor or NOBODY,
        service={"name": deed.service},
        session=dict(deed.session),
        actor={"user": deed.actor} if other else None,
        **deed.details,
    )
    return AUTHENTICATION, deed.activity_id, attributes


def _authorize_session(deed: Deed) -> _Built:
    attributes = drop_none(
        user=deed.user or deed.actor or NOBODY,
        privileges=list(deed.privileges) or [deed.operation],
        session=dict(deed.session),
        **deed.details,
    )
    return AUTHORIZE_SESSION, deed.activity_id, attributes


def _account_change(deed: Deed) -> _Built:
    return (
        ACCOUNT_CHANGE,
        deed.activity_id,
        {"user": deed.user or deed.actor or NOBODY, **deed.details, **_acting(deed)},
    )


def _user_access(deed: Deed) -> _Built:
    attributes = drop_none(
        user=deed.user or deed.actor or NOBODY,
        privileges=list(deed.privileges) or [deed.operation],
        resources=list(deed.resources),
        **deed.details,
    )
    return USER_ACCESS, deed.activity_id, attributes | _acting(deed)


def _group_management(deed: Deed) -> _Built:
    if deed.group is None:
        return _api_activity(deed)
    attributes = drop_none(group=deed.group, user=deed.user, privileges=list(deed.privileges), **deed.details)
    return GROUP_MANAGEMENT, deed.activity_id, attributes | _acting(deed)


def _entity_management(deed: Deed) -> _Built:
    if deed.entity is None:
        return _api_activity(deed)
    return ENTITY_MANAGEMENT, deed.activity_id, {"entity": deed.entity, **deed.details, **_acting(deed)}


def _api_activity(deed: Deed) -> _Built:
    details = deed.details if deed.class_uid == API_ACTIVITY else {}  # else they are those of the class it lacks
    return API_ACTIVITY, _api_activity_id(deed), _api(deed) | drop_none(resources=list(deed.resources), **details)


def _api(deed: Deed) -> dict[str, Any]:
    return {
        "api": {"operation": deed.operation, "service": {"name": deed.service}},
        **_required(deed),
    }


def _required(deed: Deed) -> dict[str, Any]:
    """Return the endpoint and the actor that the classes of application activity require."""
    acting = _acting(deed) or {"actor": {"invoked_by": deed.service}}
    return {"src_endpoint": deed.source or {"svc_name": deed.service}, **acting}


def _api_activity_id(deed: Deed) -> int:
    translated = _AS_API.get(deed.class_uid, {}).get(deed.activity_id)
    if translated is not None:
        return translated
    direct = deed.class_uid in {API_ACTIVITY, ENTITY_MANAGEMENT} and deed.activity_id in _API_VERBS
    return deed.activity_id if direct else OTHER


def _application(deed: Deed) -> _Built:
    if not deed.target:
        return _api_activity(deed)
    return deed.class_uid, deed.activity_id, {**deed.target, **deed.details, **_required(deed)}


_BUILDERS: Final[Mapping[int, Callable[[Deed], _Built]]] = {
    AUTHENTICATION: _authentication,
    AUTHORIZE_SESSION: _authorize_session,
    ACCOUNT_CHANGE: _account_change,
    USER_ACCESS: _user_access,
    GROUP_MANAGEMENT: _group_management,
    ENTITY_MANAGEMENT: _entity_management,
    API_ACTIVITY: _api_activity,
    DATASTORE_ACTIVITY: _application,
    FILE_HOSTING_ACTIVITY: _application,
}

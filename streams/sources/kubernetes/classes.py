"""The part of a Kubernetes audit event that belongs to its OCSF class, for each class.

A record that lacks what its class requires (a role binding whose subjects were not logged) is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, GROUP_MANAGEMENT, USER_ACCESS
from streams.sources.base import drop_none, text
from streams.sources.fields import object_at, timestamp
from streams.sources.kubernetes.meanings import LOGON, TICKET
from streams.sources.kubernetes.principals import user_of
from streams.sources.kubernetes.targets import (
    Call,
    account_of,
    destination_of,
    resources_of,
    role_of,
    subject_user,
    subjects_of,
)

NOBODY: Final = {"name": "unknown"}  # for classes that require a user; `enrichers.entities` passes it over
SERVICE: Final = {"name": "kubernetes"}
CLASSES: Final = (ACCOUNT_CHANGE, AUTHENTICATION, USER_ACCESS, GROUP_MANAGEMENT, API_ACTIVITY)
FAILED: Final = {"status_id": 2, "status": "Failure"}
Built = tuple[int, int, dict[str, Any]]  # class, activity, the attributes of that class


def build(call: Call) -> Built:
    """Return class, activity and the attributes of the class for a request."""
    if call.turned_away:
        return AUTHENTICATION, LOGON, {"user": call.caller or NOBODY, "service": SERVICE, "is_remote": True}
    return _BUILDERS.get(call.meaning.class_uid, _api_activity)(call)


def _api_activity(call: Call) -> Built:
    attributes: dict[str, Any] = {}
    if call.resource:
        attributes["resources"] = resources_of(call)
    destination = destination_of(call)
    if destination:
        attributes["dst_endpoint"] = destination
    return API_ACTIVITY, call.meaning.api_activity_id, attributes


def _authentication(call: Call) -> Built:
    return _token(call) if call.meaning.activity_id == TICKET else _review(call)


def _token(call: Call) -> Built:
    """Build the event of a token that was issued to a service account."""
    user = account_of(call)
    if user is None:
        return _api_activity(call)
    expires = timestamp(object_at(call.response, "status").get("expirationTimestamp"))
    session = {"uid": call.issued} if call.issued else {}
    session |= drop_none(expiration_time=expires if session else None)
    attributes = drop_none(user=user, service=SERVICE, session=session)
    return AUTHENTICATION, call.meaning.activity_id, attributes


def _review(call: Call) -> Built:
    """Build the event of a token that was shown to be checked; what the check found is only in the object returned."""
    status = object_at(call.response, "status")
    user = user_of(object_at(status, "user"))
    refused = status.get("authenticated") is False or text(status.get("error")) is not None
    if user is None and not refused:
        return _api_activity(call)
    attributes = drop_none(user=user or NOBODY, service=SERVICE, is_remote=True, **(FAILED if refused else {}))
    return AUTHENTICATION, call.meaning.activity_id, attributes


def _user_access(call: Call) -> Built:
    subjects = subjects_of(call)
    users = [user for user in map(subject_user, subjects) if user]
    role = role_of(call)
    if not users or role is None:
        return _group_management(call, subjects, role)
    others = [{"name": user["name"], "type": "subject"} for user in users[1:]]
    attributes = {"user": users[0], "privileges": [role], "resources": resources_of(call) + others}
    return USER_ACCESS, call.meaning.activity_id, attributes


def _group_management(call: Call, subjects: list[dict[str, Any]], role: str | None) -> Built:
    names = [name for name in (text(subject.get("name")) for subject in subjects) if name]
    if not names or role is None:
        return _api_activity(call)
    resource = resources_of(call)[0]
    attributes = {"group": {"name": names[0]}, "privileges": [role], "resource": resource}
    return GROUP_MANAGEMENT, call.meaning.activity_id, attributes


def _account_change(call: Call) -> Built:
    user = account_of(call)
    return (ACCOUNT_CHANGE, call.meaning.activity_id, {"user": user}) if user else _api_activity(call)


_BUILDERS: Final[Mapping[int, Callable[[Call], Built]]] = {
    ACCOUNT_CHANGE: _account_change,
    AUTHENTICATION: _authentication,
    USER_ACCESS: _user_access,
}

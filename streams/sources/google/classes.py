"""The part of a Cloud Audit Logs entry that belongs to its OCSF class, for each class.

A record that lacks what its class requires (a policy whose change was not logged) is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, GROUP_MANAGEMENT, USER_ACCESS
from streams.sources import objects
from streams.sources.base import drop_none, text
from streams.sources.fields import MAX_LISTED, object_at, objects_at
from streams.sources.google.entries import UNAUTHENTICATED, Entry
from streams.sources.google.methods import LOGON, OTHER, method_of
from streams.sources.google.principals import member_group, member_user, user_type
from streams.sources.kubernetes import classes as kubernetes
from streams.sources.kubernetes.classes import NOBODY, Built

CLASSES: Final = (ACCOUNT_CHANGE, AUTHENTICATION, USER_ACCESS, GROUP_MANAGEMENT, API_ACTIVITY)
ASSIGN, REVOKE = 1, 2
_ACTIONS: Final = {"ADD": ASSIGN, "REMOVE": REVOKE}
_Change = tuple[int, str, str]  # assign or revoke, member, role


def build(entry: Entry) -> Built:
    """Return class, activity and the attributes of the class for an entry."""
    if entry.kubernetes is not None:
        return kubernetes.build(entry.kubernetes)
    if entry.code == UNAUTHENTICATED:
        return AUTHENTICATION, LOGON, {"user": entry.caller or NOBODY, "service": _service(entry), "is_remote": True}
    return _BUILDERS.get(method_of(entry.method).class_uid, _api_activity)(entry)


def _service(entry: Entry) -> dict[str, str]:
    return {"name": entry.service or "Google Cloud"}


def _api_activity(entry: Entry) -> Built:
    attributes = drop_none(resources=resources_of(entry), dst_endpoint=_instance(entry))
    return API_ACTIVITY, method_of(entry.method).api_activity_id, attributes


def resources_of(entry: Entry) -> list[dict[str, Any]]:
    """Return the resource that a call is about, and those whose permissions were asked for beside it."""
    kind = text(object_at(entry.fields, "resource").get("type"))
    named = [text(entry.payload.get("resourceName"))]
    named += [text(item.get("resource")) for item in objects_at(entry.payload, "authorizationInfo")]
    return [drop_none(uid=uid, name=uid.rpartition("/")[2] or uid, type=kind) for uid in dict.fromkeys(named) if uid]


def _instance(entry: Entry) -> dict[str, Any] | None:
    """Return the virtual machine that a call is about, None for all other resources."""
    if object_at(entry.fields, "resource").get("type") != "gce_instance":
        return None
    name = (text(entry.payload.get("resourceName")) or "").rpartition("/instances/")[2]
    return drop_none(instance_uid=text(entry.resource.get("instance_id")), name=name or None) or None


def _subject(entry: Entry) -> dict[str, Any] | None:
    """Return the service account that a call is about."""
    request, response = object_at(entry.payload, "request"), object_at(entry.payload, "response")
    named = (text(request.get("name")), text(response.get("name")), text(entry.payload.get("resourceName")))
    paths = [path.partition("/keys/")[0].rpartition("/serviceAccounts/")[2] for path in named if path]
    mail = text(response.get("email")) or text(entry.resource.get("email_id"))
    name = mail or next((path for path in paths if "@" in path), None) or next(iter(paths), None)
    uid = text(response.get("unique_id")) or text(entry.resource.get("unique_id"))
    return objects.user(name, uid=uid, type_id=user_type(name)) if name else None


def _authentication(entry: Entry) -> Built:
    user = _subject(entry) or entry.caller
    if user is None:
        return _api_activity(entry)
    return AUTHENTICATION, method_of(entry.method).activity_id, {"user": user, "service": _service(entry)}


def _account_change(entry: Entry) -> Built:
    user = _subject(entry)
    return (ACCOUNT_CHANGE, method_of(entry.method).activity_id, {"user": user}) if user else _api_activity(entry)


def _user_access(entry: Entry) -> Built:
    """Build the event of a changed policy: OCSF has room for one member, whoever else was bound is a resource."""
    changes = list(_changes(entry))
    if not changes:
        return _api_activity(entry)
    activity, member, _ = min(changes, key=lambda change: change[0])  # who was given something tells more
    roles = [role for action, other, role in changes if (action, other) == (activity, member)]
    resources = resources_of(entry)
    rest = [{"name": other, "type": "member", "role": role} for _, other, role in changes if other != member]
    user = member_user(member)
    if user:
        return USER_ACCESS, activity, {"user": user, "privileges": roles, "resources": resources + rest}
    group = member_group(member)
    attributes = drop_none(group=group, privileges=roles, resource=next(iter(resources), None))
    return (GROUP_MANAGEMENT, activity, attributes) if group else _api_activity(entry)


def _changes(entry: Entry) -> Iterator[_Change]:
    data = object_at(entry.payload, "serviceData") or object_at(entry.payload, "metadata")
    deltas = objects_at(object_at(data, "policyDelta"), "bindingDeltas")
    request = object_at(entry.payload, "request")
    if not deltas and text(request.get("member")):  # an invitation to own a project
        deltas = [{"action": "ADD", "member": request["member"], "role": "roles/owner"}]
    for delta in deltas or _only_binding(request):
        member, role = text(delta.get("member")), text(delta.get("role"))
        if member and role:
            yield _ACTIONS.get(text(delta.get("action")) or "", OTHER), member, role


def _only_binding(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the binding of a policy that has but one; of a longer one nobody knows what of it is new."""
    bindings = objects_at(object_at(request, "policy"), "bindings")
    members = bindings[0].get("members") if len(bindings) == 1 else None
    listed = members[:MAX_LISTED] if isinstance(members, list) else []
    return [{"action": "ADD", "member": member, "role": bindings[0].get("role")} for member in listed]


_BUILDERS: Final[Mapping[int, Callable[[Entry], Built]]] = {
    ACCOUNT_CHANGE: _account_change,
    AUTHENTICATION: _authentication,
    USER_ACCESS: _user_access,
}

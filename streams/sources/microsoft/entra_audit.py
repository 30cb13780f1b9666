"""Entra ID audit records as OCSF events of the class that their activity asks for.

Source: the `directoryAudit` resource of Microsoft Graph and the schema of the audit logs in Azure Monitor. A record
that lacks what its class requires (a group change that names no group) is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, ENTITY_MANAGEMENT, GROUP_MANAGEMENT, USER_ACCESS
from streams.sources.base import drop_none
from streams.sources.fields import object_at, objects_at
from streams.sources.microsoft.common import (
    address,
    known,
    pairs,
    principal,
    service_principal,
)
from streams.sources.microsoft.entra_operations import MAX_NAME, OTHER, Meaning, meaning_of
from streams.sources.objects import endpoint, status

NOBODY: Final = {"name": "unknown"}  # for classes that require a user; `enrichers.entities` passes it over
ENTRA: Final = {"name": "Microsoft Entra ID"}
_ENTITY_TYPES: Final = {"device": 1, "user": 2, "group": 3, "directory": 4, "policy": 5}
_ACCOUNTS: Final = frozenset({"user", "serviceprincipal"})
_GRANTS: Final = (  # modified properties that say what was granted
    "Role.DisplayName",
    "AppRole.Value",
    "DelegatedPermissionGrant.Scope",
    "ConsentAction.Permissions",
    "Role.WellKnownObjectName",
)
_STATUSES: Final = {"success": True, "succeeded": True, "failure": False, "failed": False, "timeout": False}
Built = tuple[int, int, dict[str, Any]]  # class, activity, the attributes of that class


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit record taken apart once, for all who build from it.

    Attributes:
        fields: The record under Graph's names.
        activity: Name of the activity.
        meaning: What it says.
        targets: What it was done to.
        tenant: Id of the tenant.
        details: `additionalDetails` by name.
    """

    fields: Mapping[str, Any]
    activity: str
    meaning: Meaning
    targets: list[dict[str, Any]]
    tenant: str | None
    details: Mapping[str, Any]

    def target(self, *kinds: str) -> dict[str, Any] | None:
        """Return the first target of one of these types, an account before what is called `Other`."""
        return next((target for target in self.targets if kind_of(target) in kinds), None)

    def changed(self) -> dict[str, str]:
        """Return the new values of the modified properties by name, of all targets."""
        found: dict[str, str] = {}
        for target in self.targets:
            for name, value in pairs(target.get("modifiedProperties"), "displayName", "newValue").items():
                word = known(value)
                if word and word not in {'""', "[]", '"[]"'}:
                    found.setdefault(name, word.strip('"'))
        return found


def kind_of(target: Mapping[str, Any]) -> str:
    """Return the type of a target, lower case and without blanks."""
    return (known(target.get("type")) or "").lower().replace(" ", "")


def take_apart(fields: Mapping[str, Any], activity: str, tenant: str | None) -> Audit:
    """Find the parts of an audit record that the builders share."""
    return Audit(
        fields,
        activity[:MAX_NAME],
        meaning_of(activity[:MAX_NAME]),
        objects_at(fields, "targetResources"),
        tenant,
        pairs(fields.get("additionalDetails")),
    )


def build(audit: Audit) -> Built:
    """Return class, activity and attributes of an audit record."""
    class_uid, activity_id, own = _BUILDERS[audit.meaning.class_uid](audit)
    agent = known(audit.details.get("User-Agent")) or known(audit.fields.get("userAgent"))
    common = drop_none(
        actor=actor(audit),
        src_endpoint=_source(audit),
        http_request={"user_agent": agent} if agent else None,
        message=audit.activity,
        **_status(audit.fields),
    )
    return class_uid, activity_id, common | own


def actor(audit: Audit) -> dict[str, Any]:
    """Return who did it: a person, or an application."""
    by = object_at(audit.fields, "initiatedBy")
    person, app = object_at(by, "user"), object_at(by, "app")
    account = principal(
        known(person.get("userPrincipalName")),
        known(person.get("id")),
        tenant=audit.tenant,
        full_name=known(person.get("displayName")),
    )
    account = account or service_principal(
        known(app.get("servicePrincipalId")), known(app.get("appId")), known(app.get("displayName"))
    )
    display = known(app.get("displayName"))
    account = account or principal(known(audit.fields.get("identity")), None)
    session = drop_none(uid=known(audit.details.get("sid")), credential_uid=known(audit.details.get("uti")))
    found = drop_none(user=account, app_name=display, app_uid=known(app.get("appId")), session=session)
    return found or {"invoked_by": known(audit.fields.get("loggedByService")) or ENTRA["name"]}


def _source(audit: Audit) -> dict[str, Any] | None:
    person = object_at(object_at(audit.fields, "initiatedBy"), "user")
    for value in (person.get("ipAddress"), audit.fields.get("callerIpAddress"), audit.details.get("ipaddr")):
        host, port = address(value)
        if host:
            return endpoint(host, port)
    return None


def _status(fields: Mapping[str, Any]) -> dict[str, Any]:
    word = known(fields.get("result")) or known(fields.get("resultSignature"))
    return status(ok=_STATUSES.get((word or "").lower()), detail=known(fields.get("resultReason")), word=word)


def _account(target: Mapping[str, Any] | None, tenant: str | None) -> dict[str, Any] | None:
    if target is None:
        return None
    uid, display = known(target.get("id")), known(target.get("displayName"))
    if kind_of(target) == "serviceprincipal":
        return service_principal(uid, None, display)
    upn = known(target.get("userPrincipalName"))
    return principal(upn or (display if uid is None else None), uid, tenant=tenant, full_name=display)


def _subject(audit: Audit) -> dict[str, Any] | None:
    """Return whom it was done to: the account among the targets, else who did it to themselves."""
    acting: dict[str, Any] | None = actor(audit).get("user")
    return _account(audit.target("user"), audit.tenant) or _account(audit.target("serviceprincipal"), None) or acting


def _account_change(audit: Audit) -> Built:
    return ACCOUNT_CHANGE, audit.meaning.activity_id, {"user": _subject(audit) or NOBODY}


def _privileges(audit: Audit) -> list[str]:
    changed = audit.changed()
    named = [changed[name][:1024] for name in _GRANTS if name in changed]
    roles = [known(target.get("displayName")) for target in audit.targets if kind_of(target) == "role"]
    owner = ["owner"] if " owner " in f" {audit.activity.lower()} " else []
    return list(dict.fromkeys([*filter(None, roles), *named, *owner])) or [audit.activity]


def _user_access(audit: Audit) -> Built:
    resources = [_resource(target) for target in audit.targets if kind_of(target) != "user"]
    return (
        USER_ACCESS,
        audit.meaning.activity_id,
        drop_none(
            user=_subject(audit) or NOBODY,
            privileges=_privileges(audit),
            resources=[resource for resource in resources if resource],
        ),
    )


def _group_management(audit: Audit) -> Built:
    target, changed = audit.target("group"), audit.changed()
    group = drop_none(
        name=known(target.get("displayName")) if target else None, uid=known(target.get("id")) if target else None
    )
    if "name" not in group and "Group.DisplayName" in changed:
        group["name"] = changed["Group.DisplayName"]
    if "uid" not in group and "Group.ObjectID" in changed:
        group["uid"] = changed["Group.ObjectID"]
    if not group:
        return _api_activity(audit)
    member = audit.target("user") or audit.target("serviceprincipal")
    granted = audit.meaning.activity_id in {1, 2}
    attributes = {"group": group, "user": _account(member, audit.tenant)}
    return (
        GROUP_MANAGEMENT,
        audit.meaning.activity_id,
        drop_none(**attributes, privileges=_privileges(audit) if granted else None),
    )


def _entity_management(audit: Audit) -> Built:
    entity = next(filter(None, map(_entity, audit.targets)), None)
    if entity is None:
        return _api_activity(audit)
    if audit.target("user") and not audit.target("device", "group", "policy"):
        return ACCOUNT_CHANGE, OTHER, {"user": _subject(audit) or NOBODY}
    return ENTITY_MANAGEMENT, audit.meaning.entity_activity_id, {"entity": entity}


def _entity(target: Mapping[str, Any]) -> dict[str, Any] | None:
    named = drop_none(name=known(target.get("displayName")), uid=known(target.get("id")))
    kind = known(target.get("type"))
    return named | drop_none(type=kind, type_id=_ENTITY_TYPES.get((kind or "").lower(), OTHER)) if named else None


def _resource(target: Mapping[str, Any]) -> dict[str, Any] | None:
    named = drop_none(name=known(target.get("displayName")), uid=known(target.get("id")))
    return named | drop_none(type=known(target.get("type"))) if named else None


def _api_activity(audit: Audit) -> Built:
    attributes = {
        "api": {
            "operation": audit.activity,
            "service": {"name": known(audit.fields.get("loggedByService")) or "Entra"},
        },
        "src_endpoint": _source(audit) or {"svc_name": ENTRA["name"]},
        "resources": [resource for resource in map(_resource, audit.targets) if resource],
    }
    return API_ACTIVITY, audit.meaning.api_activity_id, drop_none(**attributes)


_BUILDERS: Final[Mapping[int, Callable[[Audit], Built]]] = {
    ACCOUNT_CHANGE: _account_change,
    USER_ACCESS: _user_access,
    GROUP_MANAGEMENT: _group_management,
    ENTITY_MANAGEMENT: _entity_management,
    API_ACTIVITY: _api_activity,
}
CLASSES: Final = tuple(sorted(_BUILDERS))

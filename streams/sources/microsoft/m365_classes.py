"""The part of a Microsoft 365 audit record that belongs to its OCSF class, for each class.

A record that lacks what its class requires is API Activity instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    EMAIL_ACTIVITY,
    ENTITY_MANAGEMENT,
    FILE_HOSTING_ACTIVITY,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from streams.sources.base import drop_none, text
from streams.sources.fields import email, objects_at, timestamp
from streams.sources.microsoft.common import known, principal
from streams.sources.microsoft.m365_objects import (
    alert_data,
    file_of,
    mail_of,
    names_of,
    source_of,
    subject_of,
)
from streams.sources.microsoft.m365_operations import Meaning
from streams.sources.objects import OTHER, attacks, finding, severity_id

SERVICE_NAME: Final = "Microsoft 365"
NOBODY: Final = {"name": "unknown"}  # for classes that require a user; `enrichers.entities` passes it over
MAX_SUMMARY: Final = 64
_DIRECTIONS: Final = {"inbound": 1, "outbound": 2, "intra-org": 3, "intraorg": 3}
_GROUP_NAMES: Final = ("TeamName", "TargetUserOrGroupName", "Group.DisplayName", "DisplayName")
Built = tuple[int, int, dict[str, Any]]  # class, activity, the attributes of that class


@dataclass(frozen=True, slots=True)
class Operation:
    """An audit record taken apart once, for all who build from it.

    Attributes:
        fields: The record.
        name: `Operation`.
        workload: `Workload`, empty when it has none.
        meaning: What both say.
        parameters: `Parameters` of cmdlets by name.
        user: Who did it.
        tenant: Id of the tenant.
    """

    fields: Mapping[str, Any]
    name: str
    workload: str
    meaning: Meaning
    parameters: Mapping[str, Any]
    user: dict[str, Any] | None
    tenant: str | None


def _authentication(op: Operation) -> Built:
    app = known(op.fields.get("ApplicationId")) or known(op.fields.get("ClientAppId"))
    owner = known(op.fields.get("MailboxOwnerUPN"))
    name = op.workload or "Microsoft Entra ID"
    return (
        AUTHENTICATION,
        op.meaning.activity_id,
        drop_none(
            user=op.user or principal(owner, None, tenant=op.tenant) or NOBODY,
            service=drop_none(name=name, uid=app),
            is_remote=True,
        ),
    )


def _account_change(op: Operation) -> Built:
    named = known(op.parameters.get("UserPrincipalName")) or known(op.parameters.get("MicrosoftOnlineServicesID"))
    user = principal(named, None, tenant=op.tenant) or subject_of(op.fields, op.tenant) or op.user or NOBODY
    return ACCOUNT_CHANGE, op.meaning.activity_id, {"user": user}


def _user_access(op: Operation) -> Built:
    given = known(op.parameters.get("User")) or known(op.parameters.get("Trustee"))
    user = principal(given, None, tenant=op.tenant) or subject_of(op.fields, op.tenant) or op.user or NOBODY
    changed = names_of(op.fields)
    names = ("AccessRights", "Role", "Role.DisplayName", "ConsentAction.Permissions", "DelegatedPermissionGrant.Scope")
    granted = [value for name in names if (value := known(op.parameters.get(name)) or changed.get(name))]
    return (
        USER_ACCESS,
        op.meaning.activity_id,
        drop_none(user=user, privileges=[value[:1024] for value in granted] or [op.name], resources=_resources(op)),
    )


def _group_management(op: Operation) -> Built:
    changed = names_of(op.fields)
    sources = (op.fields, changed, op.parameters)
    name = next((value for of in sources for key in _GROUP_NAMES if (value := known(of.get(key)))), None)
    name = name or known(op.parameters.get("Identity")) or known(op.parameters.get("Name"))
    group = drop_none(name=name, uid=known(op.fields.get("TeamGuid")) or known(op.fields.get("AADGroupId")))
    if not group and op.workload != "AzureActiveDirectory" and (uid := known(op.fields.get("ObjectId"))):
        group = {"uid": uid}
    if not group:
        return _api_activity(op)
    member = op.parameters.get("Member") or op.parameters.get("Links")
    user = principal(known(member), None, tenant=op.tenant) or _member(op)
    return GROUP_MANAGEMENT, op.meaning.activity_id, drop_none(group=group, user=user)


def _member(op: Operation) -> dict[str, Any] | None:
    """Return who joined or left: Teams lists them, SharePoint and the directory name one."""
    listed = [known(item.get("UPN")) for item in objects_at(op.fields, "Members")]
    named = next(filter(None, listed), None) or email(known(op.fields.get("TargetUserOrGroupName")))
    return principal(named, None, tenant=op.tenant) or subject_of(op.fields, op.tenant)


def _file_hosting(op: Operation) -> Built:
    found = file_of(op.fields)
    if found is None:
        return _api_activity(op)
    shared = known(op.fields.get("TargetUserOrGroupName"))
    attributes = {
        "file": found,
        "src_endpoint": source_of(op.fields) or {"svc_name": op.workload or SERVICE_NAME},
        "access_list": [shared] if shared else None,
        "share": known(op.fields.get("SiteUrl")),
        "share_type": known(op.fields.get("TargetUserOrGroupType")),
        "share_type_id": OTHER if known(op.fields.get("TargetUserOrGroupType")) else None,
    }
    return FILE_HOSTING_ACTIVITY, op.meaning.activity_id, drop_none(**attributes)


def _entity_management(op: Operation) -> Built:
    uid = known(op.fields.get("ObjectId"))
    if uid is None:
        return _api_activity(op)
    changed = names_of(op.fields)
    entity = drop_none(uid=uid, name=changed.get("DisplayName"), type_id=OTHER, type=op.workload or None)
    return ENTITY_MANAGEMENT, op.meaning.activity_id, {"entity": entity}


def _email_activity(op: Operation) -> Built:
    mail = mail_of(op.fields)
    if mail is None:
        return _api_activity(op)
    direction = (known(op.fields.get("Directionality")) or "").lower()
    attributes = {
        "email": mail,
        "direction_id": _DIRECTIONS.get(direction, 0),
        "status_detail": text(op.fields.get("DeliveryAction")),
    }
    return EMAIL_ACTIVITY, op.meaning.activity_id, drop_none(**attributes)


def _finding(op: Operation) -> Built:
    data, fields = alert_data(op.fields), op.fields
    rules = [rule for policy in objects_at(fields, "PolicyDetails") for rule in objects_at(policy, "Rules")]
    rule = rules[0] if rules else {}
    title = known(fields.get("Name")) or known(rule.get("RuleName")) or op.name
    uid = known(fields.get("AlertId")) or known(fields.get("Id")) or title
    entity = email(known(fields.get("AlertEntityId"))) or email(known(data.get("f3u"))) or email(known(data.get("eid")))
    about = principal(entity, None, tenant=op.tenant) or op.user
    where = source_of(fields)
    info = finding(
        title,
        uid,
        rule_uid=known(fields.get("PolicyId")) or known(rule.get("RuleId")),
        rule=title,
        desc=known(fields.get("Comments")) or known(data.get("ad")),
        attack=attacks(fields.get("Category"), data.get("mat")),
        types=[value for value in [known(fields.get("Category"))] if value],
        created_time=timestamp(fields.get("CreationTime")),
    )
    severity = severity_id(known(fields.get("Severity")) or known(rule.get("Severity")) or known(data.get("sev")))
    evidence = drop_none(user=about, src_endpoint=where, data=dict(data) if _is_summary(data) else None)
    attributes = {
        "finding_info": info,
        "severity_id": severity,
        "actor": {"user": about} if about else None,
        "evidences": [evidence] if evidence else None,
        "is_alert": True,
    }
    return DETECTION_FINDING, op.meaning.activity_id, drop_none(**attributes)


def _is_summary(data: Mapping[str, Any]) -> bool:
    return len(data) <= MAX_SUMMARY and not any(isinstance(value, dict | list) for value in data.values())


def _resources(op: Operation) -> list[dict[str, Any]]:
    names = (
        known(op.fields.get("ObjectId")),
        known(op.parameters.get("Identity")),
        known(op.fields.get("MailboxOwnerUPN")),
    )
    return [{"uid": name} for name in dict.fromkeys(names) if name]


def _api_activity(op: Operation) -> Built:
    attributes = {
        "src_endpoint": source_of(op.fields) or {"svc_name": op.workload or SERVICE_NAME},
        "resources": _resources(op),
    }
    return API_ACTIVITY, op.meaning.api_activity_id, drop_none(**attributes)


BUILDERS: Final[Mapping[int, Callable[[Operation], Built]]] = {
    AUTHENTICATION: _authentication,
    ACCOUNT_CHANGE: _account_change,
    USER_ACCESS: _user_access,
    GROUP_MANAGEMENT: _group_management,
    ENTITY_MANAGEMENT: _entity_management,
    FILE_HOSTING_ACTIVITY: _file_hosting,
    EMAIL_ACTIVITY: _email_activity,
    DETECTION_FINDING: _finding,
    API_ACTIVITY: _api_activity,
}

"""Changes to accounts, groups and directory objects from the Security channel, as OCSF's identity classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import ACCOUNT_CHANGE, ENTITY_MANAGEMENT, GROUP_MANAGEMENT
from streams.sources.base import drop_none
from streams.sources.windows.log import audit_status
from streams.sources.windows.objects import (
    NULL_SID,
    TARGET_ACCOUNT,
    take_endpoint,
    take_process,
    take_subject,
    take_user,
    user,
)
from streams.sources.windows.record import OTHER, Draft, Fields

CREATE, ENABLE, PASSWORD_CHANGE, PASSWORD_RESET, DISABLE, DELETE, LOCK, UNLOCK = 1, 2, 3, 4, 5, 6, 9, 12
ADD_USER, REMOVE_USER, GROUP_DELETE, GROUP_CREATE = 3, 4, 5, 6
ENTITY_CREATE, ENTITY_UPDATE, ENTITY_DELETE, ENTITY_MOVE = 1, 3, 4, 5
_ENTITY_TYPES: Final = {"computer": (1, "Device"), "user": (2, "User"), "group": (3, "Group")}
_POLICY: Final = (5, "Policy")


def _account(fields: Fields, activity_id: int, activity_name: str = "") -> Draft | None:
    subject = take_user(fields, TARGET_ACCOUNT)
    if subject is None:
        return None
    attributes = drop_none(
        activity_name=activity_name or None,
        user=subject,
        actor=take_subject(fields, take_process(fields, "ProcessId", "", "ProcessName")),
        src_endpoint=take_endpoint(fields, "IpAddress", "IpPort"),
    )
    return Draft(ACCOUNT_CHANGE, activity_id, attributes | audit_status(fields))


def _lockout(fields: Fields) -> Draft | None:
    # Here alone the domain field holds the computer that the failed attempts came from.
    caller = fields.text("TargetDomainName")
    draft = _account(fields, LOCK)
    if draft is not None and caller is not None:
        draft.attributes["src_endpoint"] = {"hostname": caller.lstrip("\\") or caller}
    return draft


def _rename(fields: Fields) -> Draft | None:
    old = take_user(fields, ("OldTargetUserName", "TargetDomainName", "TargetSid"))
    if old is None:
        return None
    domain, sid = old.get("domain"), old.get("uid")
    attributes = drop_none(
        activity_name="Account Renamed",
        user=old,
        user_result=user(fields.text("NewTargetUserName"), domain, sid),
        actor=take_subject(fields),
    )
    return Draft(ACCOUNT_CHANGE, OTHER, attributes | audit_status(fields))


def _group(fields: Fields, activity_id: int, activity_name: str = "") -> Draft | None:
    name, uid = fields.text("TargetUserName"), fields.text("TargetSid")
    if name is None and uid is None:
        return None
    attributes = drop_none(
        activity_name=activity_name or None,
        group=drop_none(name=name, domain=fields.text("TargetDomainName"), uid=uid),
        user=_member(fields),
        actor=take_subject(fields),
    )
    return Draft(GROUP_MANAGEMENT, activity_id, attributes | audit_status(fields))


def _member(fields: Fields) -> dict[str, Any] | None:
    sid, distinguished_name = fields.text("MemberSid"), fields.text("MemberName")
    if sid == NULL_SID:
        sid = None
    if distinguished_name is None:
        return user(None, sid=sid)
    first = distinguished_name.split(",", 1)[0]
    common_name = first[3:] if first[:3].upper() == "CN=" else ""
    if not common_name:
        return user(distinguished_name, sid=sid)
    # A common name is what a person is called, not what they log on as; without a SID it has to do for both.
    made = user(None if sid else common_name, sid=sid)
    return made and made | {"full_name": common_name, "ldap_person": {"ldap_dn": distinguished_name}}


def _directory_object(fields: Fields, activity_id: int) -> Draft | None:
    name = fields.text("ObjectDN") or fields.text("OldObjectDN")
    if name is None:
        return None
    kind = fields.text("ObjectClass")
    type_id, type_name = _entity_type(kind)
    new_name = fields.text("NewObjectDN")
    attributes = drop_none(
        entity=drop_none(name=name, uid=fields.guid("ObjectGUID"), type_id=type_id, type=type_name),
        entity_result={"name": new_name} if new_name else None,
        actor=take_subject(fields),
    )
    return Draft(ENTITY_MANAGEMENT, activity_id, attributes | audit_status(fields))


def _entity_type(kind: str | None) -> tuple[int, str]:
    if kind is None:
        return 0, "Unknown"
    if kind.lower() == "grouppolicycontainer":
        return _POLICY
    return _ENTITY_TYPES.get(kind.lower(), (OTHER, kind))


Builder = Callable[[Fields], Draft | None]
_GROUP_KINDS: Final = (  # created, member added, member removed, deleted, changed
    (4727, 4728, 4729, 4730, 4737),  # security-enabled, global
    (4731, 4732, 4733, 4734, 4735),  # security-enabled, local
    (4754, 4756, 4757, 4758, 4755),  # security-enabled, universal
    (4744, 4746, 4747, 4748, 4745),  # distribution, local
    (4749, 4751, 4752, 4753, 4750),  # distribution, global
    (4759, 4761, 4762, 4763, 4760),  # distribution, universal
)
_GROUP_ACTIVITIES: Final[tuple[Builder, ...]] = (
    partial(_group, activity_id=GROUP_CREATE),
    partial(_group, activity_id=ADD_USER),
    partial(_group, activity_id=REMOVE_USER),
    partial(_group, activity_id=GROUP_DELETE),
    partial(_group, activity_id=OTHER, activity_name="Group Changed"),
)
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    4720: partial(_account, activity_id=CREATE),
    4722: partial(_account, activity_id=ENABLE),
    4723: partial(_account, activity_id=PASSWORD_CHANGE),
    4724: partial(_account, activity_id=PASSWORD_RESET),
    4725: partial(_account, activity_id=DISABLE),
    4726: partial(_account, activity_id=DELETE),
    4738: partial(_account, activity_id=OTHER, activity_name="Account Changed"),
    4740: _lockout,
    4741: partial(_account, activity_id=CREATE),
    4742: partial(_account, activity_id=OTHER, activity_name="Computer Account Changed"),
    4743: partial(_account, activity_id=DELETE),
    4765: partial(_account, activity_id=OTHER, activity_name="SID History Added"),
    4766: partial(_account, activity_id=OTHER, activity_name="SID History Addition Failed"),
    4767: partial(_account, activity_id=UNLOCK),
    4780: partial(_account, activity_id=OTHER, activity_name="Administrator ACL Set"),
    4781: _rename,
    4764: partial(_group, activity_id=OTHER, activity_name="Group Type Changed"),
    5136: partial(_directory_object, activity_id=ENTITY_UPDATE),
    5137: partial(_directory_object, activity_id=ENTITY_CREATE),
    5138: partial(_directory_object, activity_id=ENTITY_CREATE),
    5139: partial(_directory_object, activity_id=ENTITY_MOVE),
    5141: partial(_directory_object, activity_id=ENTITY_DELETE),
    **{event_id: build for kind in _GROUP_KINDS for event_id, build in zip(kind, _GROUP_ACTIVITIES, strict=True)},
}

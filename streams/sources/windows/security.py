"""Processes, objects, handles, privileges, tasks and services from the Security channel, as OCSF."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import PROCESS_ACTIVITY, WINDOWS_RESOURCE
from streams.sources.base import drop_none
from streams.sources.windows.log import audit_status
from streams.sources.windows.objects import TARGET, take_process, take_session, take_subject, take_user
from streams.sources.windows.record import OTHER, Draft, Fields
from streams.sources.windows.registry import audited_value
from streams.sources.windows.sigma import INTEGRITY
from streams.sources.windows.sysmon import LAUNCH, TERMINATE, integrity

ACCESS: Final = 1
_RESOURCE_TYPES: Final = {
    "directory": 1,
    "event": 2,
    "timer": 3,
    "device": 4,
    "mutant": 5,
    "type": 6,
    "file": 7,
    "token": 8,
    "thread": 9,
    "section": 10,
    "windowstation": 11,
    "debugobject": 12,
    "filtercommunicationport": 13,
    "eventpair": 14,
    "driver": 15,
    "iocompletion": 16,
    "controller": 17,
    "symboliclink": 18,
    "wmiguid": 19,
    "process": 20,
    "profile": 21,
    "desktop": 22,
    "keyedevent": 23,
    "adapter": 24,
    "key": 25,
    "waitableport": 26,
    "callback": 27,
    "semaphore": 28,
    "job": 29,
    "port": 30,
    "filterconnectionport": 31,
    "alpc port": 32,
    "sam_alias": 33,
    "sam_group": 34,
    "sam_user": 35,
    "sam_domain": 36,
    "sam_server": 37,
    "atom": 38,
}
_PROCESS: Final = ("ProcessId", "", "ProcessName")


def _launch(fields: Fields) -> Draft | None:
    process = take_process(fields, "NewProcessId", "", "NewProcessName")
    if process is None:
        return None
    creator = take_subject(fields, take_process(fields, "ProcessId", "", "ParentProcessName")) or {}
    # Without an account of its own the process runs as its creator.
    owner = take_user(fields, TARGET) or creator.get("user")
    session = take_session(fields, "TargetLogonId") or creator.get("session")
    process.update(
        drop_none(
            cmd_line=fields.text("CommandLine"),
            user=owner,
            session=session,
            parent_process=creator.get("process"),
            **integrity(fields.coded("MandatoryLabel", INTEGRITY)),
        )
    )
    return Draft(PROCESS_ACTIVITY, LAUNCH, drop_none(process=process, actor=creator) | audit_status(fields))


def _terminate(fields: Fields) -> Draft | None:
    process = take_process(fields, *_PROCESS)
    if process is None:
        return None
    attributes = drop_none(process=process, actor=take_subject(fields, process), exit_code=_exit_code(fields))
    return Draft(PROCESS_ACTIVITY, TERMINATE, attributes | audit_status(fields))


def _exit_code(fields: Fields) -> int | None:
    return fields.integer("Status") if "Status" in fields.rest else fields.integer("ExitStatus")


def _resource(
    fields: Fields, *names: str, activity_name: str = "", kind: str | None = None, activity_id: int = ACCESS
) -> Draft | None:
    """Build the access to an object whose name is in the first of the named fields that has one."""
    name = next((found for found in map(fields.text, names) if found), None)
    handle = fields.text("HandleId") or fields.text("SourceHandleId")
    if name is None and handle is None:
        return None
    type_name = fields.text("ObjectType") or kind
    server = fields.text("ObjectServer")
    resource = drop_none(
        name=name,
        uid=handle,
        type_id=_RESOURCE_TYPES.get(type_name.lower(), OTHER) if type_name else 0,
        type=type_name,
        svc_name=server,
    )
    attributes = drop_none(
        activity_name=activity_name or None,
        win_resource=resource,
        actor=_resource_actor(fields),
    )
    return Draft(WINDOWS_RESOURCE, OTHER if activity_name else activity_id, attributes | audit_status(fields))


def _resource_actor(fields: Fields) -> dict[str, Any] | None:
    for pid, image in _ACTING:
        if pid in fields.rest:
            return take_subject(fields, take_process(fields, pid, "", image))
    return take_subject(fields)


_ACTING: Final = (
    ("ProcessId", "ProcessName"),
    ("SourceProcessId", "ProcessName"),
    ("ClientProcessId", "ProcessName"),
    ("CallerProcessId", "CallerProcessName"),
)


def _sam_object(fields: Fields, kind: str, activity_name: str) -> Draft | None:
    return _resource(fields, "TargetUserName", activity_name=activity_name, kind=kind)


Builder = Callable[[Fields], Draft | None]


def _object(*names: str, activity_name: str = "", kind: str | None = None) -> Builder:
    return lambda fields: _resource(fields, *names, activity_name=activity_name, kind=kind)


SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    4656: _object("ObjectName"),
    4657: audited_value,
    4658: _object("ObjectName", activity_name="Handle Closed"),
    4659: _object("ObjectName", activity_name="Handle Requested For Deletion"),
    4660: _object("ObjectName", activity_name="Object Deleted"),
    4661: _object("ObjectName"),
    4662: _object("ObjectName"),
    4663: _object("ObjectName"),
    4670: _object("ObjectName", activity_name="Permissions Changed"),
    4673: _object("Service", "ObjectServer", activity_name="Privileged Service Called", kind="Service"),
    4674: _object("ObjectName", activity_name="Privileged Operation"),
    4688: _launch,
    4689: _terminate,
    4690: _object("ObjectName", activity_name="Handle Duplicated"),
    4691: _object("ObjectName", activity_name="Indirect Access"),
    4797: partial(_sam_object, kind="SAM_USER", activity_name="Blank Password Queried"),
    4798: partial(_sam_object, kind="SAM_USER", activity_name="Group Membership Enumerated"),
    4799: partial(_sam_object, kind="SAM_ALIAS", activity_name="Group Members Enumerated"),
    4907: _object("ObjectName", activity_name="Auditing Changed"),
    5058: _object("KeyName", activity_name="Key File Operation", kind="Cryptographic Key"),
    5059: _object("KeyName", activity_name="Key Migration", kind="Cryptographic Key"),
    5061: _object("KeyName", activity_name="Cryptographic Operation", kind="Cryptographic Key"),
    5379: _object("TargetName", kind="Credential"),
    5381: _object("TargetName", "SchemaFriendlyName", kind="Vault Credential"),
    5382: _object("TargetName", "SchemaFriendlyName", kind="Vault Credential"),
}

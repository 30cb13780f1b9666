"""Drafts of what sensors tell of registry, services, scheduled jobs and scripts (see `drafts`)."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import REGISTRY_KEY, REGISTRY_VALUE, SCHEDULED_JOB, SCRIPT_ACTIVITY, WINDOWS_SERVICE
from streams.sources.base import drop_none
from streams.sources.edr import native
from streams.sources.edr.drafts import Draft, Process
from streams.sources.edr.shapes import acting, file

KEY_CREATE, KEY_MODIFY, KEY_DELETE, KEY_RENAME = 1, 3, 4, 5
VALUE_SET, VALUE_DELETE = 2, 4
POWERSHELL: Final = 2
_KEY_EVENTS: Final = {
    KEY_CREATE: ("CreateKey", ("registry_event", "registry_add")),
    KEY_DELETE: ("DeleteKey", ("registry_event", "registry_delete")),
    KEY_RENAME: ("RenameKey", ("registry_event", "registry_rename")),
}
_VALUE_EVENTS: Final = {
    VALUE_SET: ("SetValue", ("registry_event", "registry_set")),
    VALUE_DELETE: ("DeleteValue", ("registry_event", "registry_delete")),
}


def key_changed(path: str | None, activity_id: int, actor: Process) -> Draft | None:
    """Draft a change of a registry key."""
    if not path:
        return None
    event, categories = _KEY_EVENTS.get(activity_id, ("", ("registry_event",)))
    names = {"TargetObject": native.target_object(path), **native.actor_names(actor)} | drop_none(
        EventType=event or None
    )
    attributes = {"reg_key": {"path": path}, "actor": acting(actor)}
    return Draft(REGISTRY_KEY, activity_id, attributes, names, categories, ("host",))


def value_changed(
    path: str | None, name: str | None, data: str | None, activity_id: int, actor: Process
) -> Draft | None:
    """Draft a change of a registry value; the value without a name is the key's default."""
    if not path:
        return None
    event, categories = _VALUE_EVENTS[activity_id]
    value = {"path": path, "name": name or "(Default)", **drop_none(is_default=True if not name else None)}
    if data is not None:
        value["data"] = data
    names = {"TargetObject": native.target_object(path, name or "(Default)"), "EventType": event}
    names |= drop_none(Details=data) | native.actor_names(actor)
    return Draft(
        REGISTRY_VALUE, activity_id, {"reg_value": value, "actor": acting(actor)}, names, categories, ("host",)
    )


def scheduled(
    name: str | None, activity_id: int, command: str | None, actor: Process, program: str | None
) -> Draft | None:
    """Draft the making, change, start or deletion of a scheduled job."""
    if not name:
        return None
    job = {"name": name, **drop_none(cmd_line=command, file=file(program))}
    names = {"TaskName": name, **native.actor_names(actor)} | drop_none(Command=command)
    return Draft(SCHEDULED_JOB, activity_id, drop_none(job=job, actor=acting(actor)), names)


def service(
    name: str | None, activity_id: int, command: str | None, actor: Process, account: str | None
) -> Draft | None:
    """Draft the making, change, start or stop of a Windows service."""
    if not name:
        return None
    made = {"name": name, **drop_none(cmd_line=command, service_start_name=account)}
    if len(made) == 1:
        made["service_type_id"] = 0
    names = {"ServiceName": name, **native.actor_names(actor)} | drop_none(ImagePath=command)
    return Draft(WINDOWS_SERVICE, activity_id, {"win_service": made, "actor": acting(actor)}, names)


def script(
    content: str | None, type_id: int, actor: Process, path: str | None, digests: list[dict[str, Any]]
) -> Draft | None:
    """Draft the execution of a script whose text the sensor saw."""
    if not content:
        return None
    made = drop_none(
        script_content={"value": content, "is_truncated": False},
        type_id=type_id,
        hashes=digests,
        file=file(path),
    )
    names = {"ScriptBlockText": content, **native.actor_names(actor)} | drop_none(Path=path)
    categories = ("ps_script",) if type_id == POWERSHELL else ()
    return Draft(SCRIPT_ACTIVITY, 1, {"script": made, "actor": acting(actor)}, names, categories)

"""Sysmon's events about processes, modules, files, pipes, WMI and Sysmon itself, as OCSF."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import FILE_ACTIVITY, KERNEL_EXTENSION, MODULE_ACTIVITY, PROCESS_ACTIVITY, WINDOWS_RESOURCE
from streams.sources.base import drop_none
from streams.sources.windows.log import event_log
from streams.sources.windows.objects import (
    account,
    actor,
    file,
    take_hashes,
    take_image_details,
    take_process,
    take_session,
)
from streams.sources.windows.record import OTHER, Draft, Fields

LAUNCH, TERMINATE, OPEN_PROCESS, INJECT, LOAD = 1, 2, 3, 4, 1
CREATE, READ, DELETE, SET_ATTRIBUTES, OPEN = 1, 2, 4, 6, 14  # of files
LOG_START, LOG_STOP = 6, 7
EXECUTABLE, BLOCK_DEVICE, NAMED_PIPE = 8, 4, 6  # OCSF file types
DENIED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
SECURITY_CONTROL: Final = ("security_control",)
INTEGRITY_IDS: Final = {"untrusted": 1, "low": 2, "medium": 3, "high": 4, "system": 5, "protected": 6}
_IMAGE: Final = ("ProcessId", "ProcessGuid", "Image")


def integrity(level: str | None) -> dict[str, Any]:
    """Return the integrity attributes of a process for Windows' word for the level."""
    if level is None:
        return {}
    return {"integrity": level, "integrity_id": INTEGRITY_IDS.get(level.lower(), OTHER)}


def image_actor(fields: Fields) -> dict[str, Any] | None:
    """Return the process that Sysmon calls the event's image, and its user, as actor."""
    return actor(take_process(fields, *_IMAGE), account(fields.text("User")))


def _launch(fields: Fields) -> Draft | None:
    process = take_process(fields, *_IMAGE)
    if process is None:
        return None
    owner = account(fields.text("User"))
    parent = take_process(fields, "ParentProcessId", "ParentProcessGuid", "ParentImage")
    creator = account(fields.text("ParentUser")) or owner
    if parent is not None:
        parent.update(drop_none(cmd_line=fields.text("ParentCommandLine")))
    process.update(
        drop_none(
            cmd_line=fields.text("CommandLine"),
            working_directory=fields.text("CurrentDirectory"),
            user=owner,
            session=take_session(fields, "LogonId"),
            parent_process=parent,
        )
    )
    process.update(integrity(fields.text("IntegrityLevel")))
    if "file" in process:
        take_image_details(fields, process["file"])
    return Draft(PROCESS_ACTIVITY, LAUNCH, drop_none(process=process, actor=actor(parent, creator)))


def _terminate(fields: Fields) -> Draft | None:
    process = take_process(fields, *_IMAGE)
    if process is None:
        return None
    owner = account(fields.text("User"))
    if owner is not None:
        process["user"] = owner
    return Draft(PROCESS_ACTIVITY, TERMINATE, {"process": process, "actor": {"process": process}})


def _tampering(fields: Fields) -> Draft | None:
    draft = _terminate(fields)
    if draft is None:
        return None
    name = fields.text("Type") or "Process Tampering"
    return Draft(PROCESS_ACTIVITY, OTHER, {"activity_name": name, **draft.attributes})


def _two_processes(fields: Fields, guid_suffix: str) -> dict[str, Any] | None:
    target = take_process(fields, "TargetProcessId", f"TargetProcess{guid_suffix}", "TargetImage")
    if target is None:
        return None
    source = take_process(fields, "SourceProcessId", f"SourceProcess{guid_suffix}", "SourceImage")
    owner = account(fields.text("TargetUser"))
    if owner is not None:
        target["user"] = owner
    made: dict[str, Any] = {"process": target}
    acting = actor(source, account(fields.text("SourceUser")))
    if acting is not None:
        made["actor"] = acting
    return made


def _access(fields: Fields) -> Draft | None:
    attributes = _two_processes(fields, "GUID")
    if attributes is None:
        return None
    thread = fields.pid("SourceThreadId")
    if thread is not None and "process" in attributes.get("actor", ()):
        attributes["actor"]["process"]["tid"] = thread
    granted = fields.integer("GrantedAccess")
    if granted is not None:
        attributes["actual_permissions"] = granted
    return Draft(PROCESS_ACTIVITY, OPEN_PROCESS, attributes)


def _remote_thread(fields: Fields) -> Draft | None:
    attributes = _two_processes(fields, "Guid")
    if attributes is None:
        return None
    module_file = fields.text("StartModule")
    attributes["injection_type_id"], attributes["injection_type"] = 1, "Remote Thread"
    attributes["module"] = drop_none(
        load_type_id=0,
        start_address=fields.text("StartAddress"),
        function_name=fields.text("StartFunction"),
        file=file(module_file) if module_file else None,
    )
    return Draft(PROCESS_ACTIVITY, INJECT, attributes)


def _image_load(fields: Fields) -> Draft | None:
    path = fields.text("ImageLoaded")
    if path is None:
        return None
    loaded = file(path)
    take_image_details(fields, loaded)
    module = {"file": loaded, "load_type_id": 1, "load_type": "Standard"}
    return Draft(MODULE_ACTIVITY, LOAD, drop_none(module=module, actor=image_actor(fields)))


def _driver_load(fields: Fields) -> Draft | None:
    path = fields.text("ImageLoaded")
    if path is None:
        return None
    driver = file(path)
    take_image_details(fields, driver)
    return Draft(KERNEL_EXTENSION, LOAD, {"driver": {"file": driver}})


def _file(fields: Fields, activity_id: int, *, type_id: int = 1, path: str = "TargetFilename") -> Draft | None:
    target = fields.text(path)
    if target is None:
        return None
    touched = file(target, EXECUTABLE if fields.flag("IsExecutable") else type_id)
    details = drop_none(
        created_time=fields.timestamp("CreationUtcTime"),
        hashes=take_hashes(fields, "Hashes") or take_hashes(fields, "Hash"),
    )
    touched.update(details)
    return Draft(FILE_ACTIVITY, activity_id, drop_none(file=touched, actor=image_actor(fields)))


def _blocked(fields: Fields, activity_id: int, *, type_id: int = 1) -> Draft | None:
    draft = _file(fields, activity_id, type_id=type_id)
    return draft and Draft(FILE_ACTIVITY, activity_id, {**draft.attributes, **DENIED}, SECURITY_CONTROL)


def _wmi(fields: Fields, kind: str) -> Draft | None:
    name = fields.text("Name") or fields.text("Consumer")
    if name is None:
        return None
    resource = drop_none(
        name=name.strip(),
        type=kind,
        type_id=OTHER,
        details=fields.text("Query") or fields.text("Destination") or fields.text("Filter"),
    )
    attributes = {
        "activity_name": fields.text("Operation") or kind,
        "win_resource": resource,
        "actor": actor(None, account(fields.text("User"))),
    }
    return Draft(WINDOWS_RESOURCE, OTHER, drop_none(**attributes))


def _clipboard(fields: Fields) -> Draft:
    resource = {"name": "Clipboard", "type": "Clipboard", "type_id": OTHER}
    attributes = {"activity_name": "Clipboard Captured", "win_resource": resource}
    return Draft(WINDOWS_RESOURCE, OTHER, drop_none(**attributes, actor=image_actor(fields)))


def _service_state(fields: Fields) -> Draft:
    state = (fields.text("State") or "").lower()
    return event_log(fields, {"started": LOG_START, "stopped": LOG_STOP}.get(state, OTHER), "Sysmon Service State")


BUILDERS: Final[dict[int, Callable[[Fields], Draft | None]]] = {
    1: _launch,
    2: partial(_file, activity_id=SET_ATTRIBUTES),
    4: _service_state,
    5: _terminate,
    6: _driver_load,
    7: _image_load,
    8: _remote_thread,
    9: partial(_file, activity_id=READ, type_id=BLOCK_DEVICE, path="Device"),
    10: _access,
    11: partial(_file, activity_id=CREATE),
    15: partial(_file, activity_id=CREATE),
    16: partial(event_log, activity_id=OTHER, activity_name="Sysmon Configuration Change"),
    17: partial(_file, activity_id=CREATE, type_id=NAMED_PIPE, path="PipeName"),
    18: partial(_file, activity_id=OPEN, type_id=NAMED_PIPE, path="PipeName"),
    19: partial(_wmi, kind="WMI Event Filter"),
    20: partial(_wmi, kind="WMI Event Consumer"),
    21: partial(_wmi, kind="WMI Event Consumer To Filter"),
    23: partial(_file, activity_id=DELETE),
    24: _clipboard,
    25: _tampering,
    26: partial(_file, activity_id=DELETE),
    27: partial(_blocked, activity_id=CREATE, type_id=EXECUTABLE),
    28: partial(_blocked, activity_id=DELETE),
    29: partial(_file, activity_id=CREATE, type_id=EXECUTABLE),
    255: partial(event_log, activity_id=OTHER, activity_name="Sysmon Error"),
}

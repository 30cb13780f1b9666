"""Scheduled tasks and services, from the Security, System and Task Scheduler channels, as OCSF."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import SCHEDULED_JOB, WINDOWS_SERVICE
from streams.sources.base import drop_none, integer, text
from streams.sources.windows.log import audit_status, writer
from streams.sources.windows.objects import account, actor, take_subject
from streams.sources.windows.record import FAILURE, OTHER, SUCCESS, Draft, Fields

JOB_CREATE, JOB_UPDATE, JOB_DELETE, JOB_ENABLE, JOB_DISABLE, JOB_START = 1, 2, 3, 4, 5, 6
SERVICE_CREATE, SERVICE_RECONFIGURE, SERVICE_START, SERVICE_STOP, SERVICE_PAUSE = 1, 2, 3, 4, 5
SERVICE_CONTROL_MANAGER: Final = "Service Control Manager"
USER_MODE, KERNEL_MODE = (2, "User Mode"), (1, "Kernel Mode")
_START_TYPES: Final = (("boot", 1, "Boot"), ("system", 2, "System"), ("auto", 3, "Auto"), ("demand", 4, "Demand"))
_START_CODES: Final = {0: (1, "Boot"), 1: (2, "System"), 2: (3, "Auto"), 3: (4, "Demand"), 4: (5, "Disabled")}
_SERVICE_BITS: Final = (
    (0x1, 1, "Kernel Driver"),
    (0x2, 2, "File System Driver"),
    (0x10, 3, "Own Process"),
    (0x20, 4, "Share Process"),
)
_STATES: Final = {
    "running": SERVICE_START,
    "stopped": SERVICE_STOP,
    "paused": SERVICE_PAUSE,
}
MAX_COMMAND: Final = 8192


def _job(fields: Fields, activity_id: int, activity_name: str = "", *, content: str = "") -> Draft | None:
    name = fields.text("TaskName") or fields.text("Path")
    if name is None:
        return None
    attributes = drop_none(
        activity_name=activity_name or None,
        job=drop_none(name=name, cmd_line=_command(text(fields.rest.get(content))) or fields.text("ActionName")),
        actor=take_subject(fields) or actor(None, _job_user(fields)),
    )
    return Draft(SCHEDULED_JOB, activity_id, attributes | (audit_status(fields) or SUCCESS))


def _job_user(fields: Fields) -> dict[str, Any] | None:
    return account(fields.text("UserContext") or fields.text("UserName"))


def _failed_job(fields: Fields) -> Draft | None:
    draft = _job(fields, JOB_START)
    return draft and draft._replace(attributes=draft.attributes | FAILURE)


def _command(content: str | None) -> str | None:
    """Return command and arguments of a task's XML, which some shippers escape once more."""
    if content is None:
        return None
    command, arguments = _element(content, "Command"), _element(content, "Arguments")
    if command is None:
        return None
    return f"{command} {arguments}"[:MAX_COMMAND] if arguments else command[:MAX_COMMAND]


def _element(content: str, name: str) -> str | None:
    for opening, closing in ((f"<{name}>", f"</{name}>"), (f"&lt;{name}&gt;", f"&lt;/{name}&gt;")):
        start = content.find(opening)
        end = content.find(closing, start)
        if 0 <= start < end:
            return content[start + len(opening) : end].strip() or None
    return None


def _install(fields: Fields) -> Draft | None:
    name = fields.text("ServiceName")
    if name is None:
        return None
    service = drop_none(
        name=name,
        cmd_line=fields.text("ImagePath") or fields.text("ServiceFileName"),
        service_start_name=fields.text("ServiceAccount") or fields.text("AccountName"),
        **_service_type(fields.text("ServiceType")),
        **_start_type(fields.text("StartType") or fields.text("ServiceStartType")),
    )
    return Draft(WINDOWS_SERVICE, SERVICE_CREATE, _service(fields, service) | (audit_status(fields) or SUCCESS))


def _service(fields: Fields, service: dict[str, Any]) -> dict[str, Any]:
    service.setdefault("service_type_id", 0)
    acting = take_subject(fields) or actor(None, writer(fields))
    return {"win_service": service, "actor": acting or {"app_name": SERVICE_CONTROL_MANAGER}}


def _service_type(value: str | None) -> dict[str, Any]:
    if value is None:
        return {}
    bits = integer(value)
    if bits is None:
        category = KERNEL_MODE if "kernel" in value.lower() else USER_MODE if "user" in value.lower() else None
        return {"service_type": value} | (_category(category) if category else {})
    type_id, name = next(((known, word) for bit, known, word in _SERVICE_BITS if bits & bit), (OTHER, value))
    return {"service_type_id": type_id, "service_type": name}


def _category(category: tuple[int, str]) -> dict[str, Any]:
    return {"service_category_id": category[0], "service_category": category[1]}


def _start_type(value: str | None) -> dict[str, Any]:
    if value is None:
        return {}
    code = integer(value)
    known = _START_CODES.get(code) if code is not None else _start_word(value.lower())
    type_id, name = known or (OTHER, value)
    return {"service_start_type_id": type_id, "service_start_type": name}


def _start_word(value: str) -> tuple[int, str] | None:
    if "disabled" in value:
        return _START_CODES[4]
    return next(((type_id, name) for word, type_id, name in _START_TYPES if word in value), None)


def _state(fields: Fields) -> Draft | None:
    state = fields.text("param2")
    activity_id = _STATES.get((state or "").lower(), OTHER)
    return _control(fields, activity_id, activity_name=state or "State Changed")


def _control(
    fields: Fields, activity_id: int, *, activity_name: str = "", failed: bool = False, name: str = "param1"
) -> Draft | None:
    service = fields.text(name)
    if service is None:
        return None
    attributes = _service(fields, {"name": service}) | (FAILURE if failed else SUCCESS)
    if activity_id == OTHER:
        attributes["activity_name"] = activity_name
    return Draft(WINDOWS_SERVICE, activity_id, attributes)


def _reconfigure(fields: Fields) -> Draft | None:
    display_name, new_type = fields.text("param1"), fields.text("param3")
    name = fields.text("param4") or display_name
    if name is None:
        return None
    attributes = _service(fields, {"name": name, **_start_type(new_type)})
    return Draft(WINDOWS_SERVICE, SERVICE_RECONFIGURE, attributes | SUCCESS)


Builder = Callable[[Fields], Draft | None]
SECURITY_BUILDERS: Final[dict[int, Builder]] = {
    4697: _install,
    4698: partial(_job, activity_id=JOB_CREATE, content="TaskContent"),
    4699: partial(_job, activity_id=JOB_DELETE, content="TaskContent"),
    4700: partial(_job, activity_id=JOB_ENABLE, content="TaskContent"),
    4701: partial(_job, activity_id=JOB_DISABLE, content="TaskContent"),
    4702: partial(_job, activity_id=JOB_UPDATE, content="TaskContentNew"),
}
SYSTEM_BUILDERS: Final[dict[int, Builder]] = {
    7000: partial(_control, activity_id=SERVICE_START, failed=True),
    7009: partial(_control, activity_id=SERVICE_START, failed=True, name="param2"),
    7011: partial(_control, activity_id=OTHER, activity_name="Transaction Timeout", failed=True, name="param2"),
    7023: partial(_control, activity_id=SERVICE_STOP, failed=True),
    7024: partial(_control, activity_id=SERVICE_STOP, failed=True),
    7031: partial(_control, activity_id=SERVICE_STOP, failed=True),
    7034: partial(_control, activity_id=SERVICE_STOP, failed=True),
    7035: partial(_control, activity_id=OTHER, activity_name="Control Sent"),
    7036: _state,
    7040: _reconfigure,
    7045: _install,
}
TASK_BUILDERS: Final[dict[int, Builder]] = {
    100: partial(_job, activity_id=JOB_START),
    101: _failed_job,
    102: partial(_job, activity_id=OTHER, activity_name="Task Completed"),
    103: _failed_job,
    106: partial(_job, activity_id=JOB_CREATE),
    107: partial(_job, activity_id=JOB_START),
    108: partial(_job, activity_id=JOB_START),
    110: partial(_job, activity_id=JOB_START),
    111: partial(_job, activity_id=OTHER, activity_name="Task Terminated"),
    118: partial(_job, activity_id=JOB_START),
    119: partial(_job, activity_id=JOB_START),
    129: partial(_job, activity_id=JOB_START),
    140: partial(_job, activity_id=JOB_UPDATE),
    141: partial(_job, activity_id=JOB_DELETE),
    142: partial(_job, activity_id=JOB_DISABLE),
    200: partial(_job, activity_id=JOB_START),
    201: partial(_job, activity_id=OTHER, activity_name="Action Completed"),
    203: _failed_job,
}

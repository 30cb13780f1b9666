"""PowerShell's script blocks, pipelines and engine starts, as OCSF Script Activity."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import SCRIPT_ACTIVITY
from streams.sources.base import drop_none, integer, text
from streams.sources.windows.objects import account, actor, file, user
from streams.sources.windows.record import MAX_PID, OTHER, Draft, Fields

EXECUTE, POWERSHELL = 1, 2
MAX_LINE: Final = 32_768  # the longest command line of Windows
_USER_MARKS: Final = ("\n        User = ", "\tUserId=", "\nUserId=")
_HOST_MARKS: Final = ("HostApplication=", "Host Application = ")


def _script(fields: Fields, value: str | None, *, name: str | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"value": value or ""}
    if value is None:
        content["is_truncated"] = True  # the record only says that there was one
    path = fields.text("Path")
    return drop_none(
        script_content=content,
        type_id=POWERSHELL,
        type="PowerShell",
        uid=fields.guid("ScriptBlockId"),
        name=name,
        file=file(path) if path else None,
    )


def _actor(fields: Fields, context: str = "") -> dict[str, Any] | None:
    # A script writes its events from its own process, as its own user.
    pid = integer(fields.native.get("ExecutionProcessID"))
    process = drop_none(pid=pid, cmd_line=_after(context, _HOST_MARKS)) if pid and 0 < pid <= MAX_PID else None
    named = account(_after(context, _USER_MARKS)) or _shipped_user(fields)
    return actor(process, named)


def _shipped_user(fields: Fields) -> dict[str, Any] | None:
    return user(fields.text("AccountName"), fields.text("Domain"), text(fields.native.get("UserID")))


def _after(context: str, marks: tuple[str, ...]) -> str | None:
    for mark in marks:
        start = context.find(mark)
        if start >= 0:
            start += len(mark)
            return context[start : start + MAX_LINE].split("\n", 1)[0].strip() or None
    return None


def _block(fields: Fields) -> Draft:
    script = _script(fields, fields.text("ScriptBlockText"))
    part, total = fields.integer("MessageNumber"), fields.integer("MessageTotal")
    if part is not None and total is not None and total > 1:
        script["script_content"]["is_truncated"] = True
    return Draft(SCRIPT_ACTIVITY, EXECUTE, drop_none(script=script, actor=_actor(fields)))


def _invocation(fields: Fields, activity_id: int, activity_name: str = "") -> Draft:
    """Build the start or stop of a script block, which names the block by its id only."""
    attributes = drop_none(activity_name=activity_name or None, script=_script(fields, None), actor=_actor(fields))
    return Draft(SCRIPT_ACTIVITY, activity_id, attributes)


def _module(fields: Fields) -> Draft:
    context = text(fields.native.get("ContextInfo")) or ""
    script = _script(fields, fields.text("Payload"), name=_after(context, ("Script Name = ",)))
    return Draft(SCRIPT_ACTIVITY, EXECUTE, drop_none(script=script, actor=_actor(fields, f"\n{context}")))


def _pipeline(fields: Fields) -> Draft:
    params = [text(fields.native.get(f"param{number}")) for number in (1, 2, 3)]
    value = fields.text("Data") or "\n".join(filter(None, params)) or text(fields.native.get("Message"))
    script = _script(fields, value, name=_after(value or "", ("ScriptName=",)))
    return Draft(SCRIPT_ACTIVITY, EXECUTE, drop_none(script=script, actor=_actor(fields, value or "")))


def _engine(fields: Fields, activity_name: str) -> Draft:
    """Build the start and stop of the engine or a provider; the script is what the host was started with."""
    draft = _pipeline(fields)
    content = draft.attributes["script"]["script_content"]
    content["value"] = _after(content["value"], _HOST_MARKS) or content["value"]
    return Draft(SCRIPT_ACTIVITY, OTHER, {"activity_name": activity_name, **draft.attributes})


Builder = Callable[[Fields], Draft]
OPERATIONAL_BUILDERS: Final[dict[int, Builder]] = {
    4103: _module,
    4104: _block,
    4105: partial(_invocation, activity_id=EXECUTE),
    4106: partial(_invocation, activity_id=OTHER, activity_name="Script Block Completed"),
}
CLASSIC_BUILDERS: Final[dict[int, Builder]] = {
    400: partial(_engine, activity_name="Engine Started"),
    403: partial(_engine, activity_name="Engine Stopped"),
    600: partial(_engine, activity_name="Provider Started"),
    800: _pipeline,
}

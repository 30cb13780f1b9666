"""What sudo and cron say of the commands they run. Source: sudoers(5), section event logging, and the crons' messages.

Neither tells the number of the process it starts, and OCSF wants one identified: its id is made of the host, of the
number of who started it, and of the time.
"""

from __future__ import annotations

import re
from typing import Any, Final

from models.ocsf_classes import PROCESS_ACTIVITY, SCHEDULED_JOB
from streams.sources.base import drop_none
from streams.sources.linux.machine import someone, user
from streams.sources.linux.syslog import SyslogLine
from streams.sources.linux.told import LOGON, Pattern, Told, authentication, outcome, pattern, writer
from streams.sources.objects import OTHER, SUCCESS, file, process

LAUNCH: Final = 1
JOB_UPDATE, JOB_DELETE, JOB_START = 2, 3, 6
_COMMAND: Final = " COMMAND="
_FIELD: Final = re.compile(r"(?:^| ;) ?([A-Z]{2,16})=([^;]*?)(?= ;|$)", re.ASCII)
_PASSWORD: Final = re.compile(r"\d+ incorrect password attempts?|a password is required|pam_authenticate: .*", re.ASCII)
_CRON: Final = {
    "CMD": JOB_START,
    "CMDOUT": JOB_START,
    "REPLACE": JOB_UPDATE,
    "BEGIN EDIT": OTHER,
    "END EDIT": OTHER,
    "LIST": OTHER,
    "DELETE": JOB_DELETE,
    "RELOAD": OTHER,
}


def sudo_fields(message: str) -> dict[str, str]:
    """Return what sudo says of a command, by sudo's names (`TTY`, `PWD`, `USER`, `COMMAND` ...), empty when nothing."""
    head, marker, command = message.partition(_COMMAND)
    if not marker:
        return {}
    fields = dict(_FIELD.findall(head.partition(" : ")[2].rstrip(" ;")))
    return {**fields, "COMMAND": command}


def _sudo(found: re.Match[str], line: SyslogLine) -> Told | None:
    fields = sudo_fields(line.message)
    who, why = found[1], found[2].partition(" ; ")[0].strip()
    failed = "=" not in why
    if failed and _PASSWORD.fullmatch(why):
        return authentication(line, user(who), LOGON, ok=False, status_detail=why, **_terminal(fields))
    if "COMMAND" not in fields:
        return None
    attributes = drop_none(
        process=_started(line, fields["COMMAND"], fields.get("USER"), fields.get("PWD")),
        actor=drop_none(process=writer(line), user=user(who), **_terminal(fields)),
        status_detail=why if failed else None,
    )
    return Told(PROCESS_ACTIVITY, LAUNCH, {**attributes, **outcome(ok=not failed)})


def _terminal(fields: dict[str, str]) -> dict[str, Any]:
    return {"session": {"terminal": fields["TTY"]}} if fields.get("TTY", "unknown") != "unknown" else {}


def _started(line: SyslogLine, command: str, owner: str | None, directory: str | None) -> dict[str, Any] | None:
    program = command.split(" ", 1)[0]
    return process(
        uid=f"{line.host}/{line.program}/{line.pid or 0}/{line.time or 0}",
        path=program or None,
        cmd_line=command or None,
        user=user(owner),
        working_directory=directory,
        parent_process=writer(line),
    )


SUDO: Final[tuple[Pattern, ...]] = (pattern("", r" *([^\s:]+) : (.*)", _sudo),)


def _cron(found: re.Match[str], line: SyslogLine) -> Told | None:
    owner, word, what = found.groups()
    activity_id = _CRON.get(word)
    if activity_id is None:
        return None
    is_run = activity_id == JOB_START
    attributes = drop_none(
        job=drop_none(
            name=what if is_run else f"crontab of {what}",
            cmd_line=what if is_run else None,
            user=user(owner if is_run else what),
            file=None if is_run else file(f"/var/spool/cron/{what}"),
        ),
        activity_name=word if activity_id == OTHER else None,
        actor=drop_none(process=writer(line), user=user(owner) or someone()),
    )
    return Told(SCHEDULED_JOB, activity_id, {**attributes, **SUCCESS})


CRON: Final[tuple[Pattern, ...]] = (pattern("(", r"([^)\s]+)\) ([A-Z][A-Z ]{1,16}?) \((.+?)\)?", _cron),)

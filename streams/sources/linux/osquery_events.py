"""Rows of the tables of osquery that keep events, and of those that show one by what comes and goes, as OCSF."""

from __future__ import annotations

from typing import Final

from models.ocsf_classes import (
    AUTHENTICATION,
    FILE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
    SCRIPT_ACTIVITY,
    USER_SESSION_QUERY,
)
from streams.sources.base import drop_none, integer
from streams.sources.fields import timestamp
from streams.sources.linux.machine import number, someone, user
from streams.sources.linux.osquery_found import QUERY, found
from streams.sources.linux.osquery_rows import Row, row_hashes, row_process, row_user, word
from streams.sources.linux.told import LOGOFF, LOGON, Told, peer
from streams.sources.objects import FAILURE, OTHER, SUCCESS, connection, endpoint, file, process

LAUNCH, TERMINATE, EXECUTE, OPEN, UNIX_SHELL = 1, 2, 1, 1, 6
_FILE_ACTIVITIES: Final = {
    "CREATED": 1,
    "UPDATED": 3,
    "DELETED": 4,
    "MOVED_FROM": 5,
    "MOVED_TO": 5,
    "ATTRIBUTES_MODIFIED": 6,
    "ACCESSED": 2,
    "OPENED": 14,
    "created": 1,
    "write": 3,
    "open": 14,
    "rename": 5,
    "unlink": 4,
    "create": 1,
}
_LAST_LOGON, _LAST_LOGOFF = "7", "8"  # utmp's USER_PROCESS and DEAD_PROCESS


def process_event(row: Row, _: str) -> Told | None:
    """Make the start or end of a process."""
    made = row_process(row)
    if made is None:
        return None
    ends = word(row, "event_type", "syscall") in {"exit", "EXIT"}
    login = user(word(row, "login_user"), word(row, "auid"))
    acting = drop_none(process=made.get("parent_process"), user=login or made.get("user"))
    attributes = {"process": made, "actor": acting or {"app_name": "osquery"}}
    return Told(PROCESS_ACTIVITY, TERMINATE if ends else LAUNCH, {**attributes, **SUCCESS})


def socket_event(row: Row, _: str) -> Told | None:
    """Make a connection of a system call on a socket."""
    local = endpoint(word(row, "local_address"), row.get("local_port"))
    remote = endpoint(word(row, "remote_address"), row.get("remote_port"))
    if local is None and remote is None:
        return None
    action = word(row, "action", "syscall") or "unknown"
    incoming = action.startswith("accept")
    ends = (remote, local) if incoming or action == "bind" else (local, remote)
    activity_id = OPEN if incoming or action == "connect" else OTHER
    attributes = drop_none(
        src_endpoint=ends[0],
        dst_endpoint=ends[1],
        connection_info=connection(integer(row.get("protocol")), 1 if incoming else 2 if action == "connect" else 0),
        actor=drop_none(process=row_process(row), user=user(None, word(row, "auid")) or row_user(row)),
        activity_name=action if activity_id == OTHER else None,
    )
    return Told(NETWORK_ACTIVITY, activity_id, attributes)


def file_event(row: Row, _: str) -> Told | None:
    """Make a change of a file."""
    path = word(row, "target_path", "path", "filename")
    if path is None:
        return None
    action = word(row, "action", "operation", "event_type") or "unknown"
    activity_id = _FILE_ACTIVITIES.get(action, OTHER)
    touched = file(path, hashes=row_hashes(row), size=integer(row.get("size")), owner=row_user(row))
    acting = drop_none(
        process=process(number(row.get("pid")), path=word(row, "executable"), cmd_line=word(row, "cmdline"))
    )
    attributes = drop_none(file=touched, activity_name=action if activity_id == OTHER else None)
    return Told(FILE_ACTIVITY, activity_id, {**attributes, "actor": acting or {"app_name": "osquery"}})


def session(row: Row, action: str) -> Told | None:
    """Make a logon of whoever appears among those logged in, a logoff of whoever disappears, else what was found."""
    kind = word(row, "type")
    who = row_user(row, "user") or row_user(row)
    if who is None or (kind is not None and kind not in {"user", "active", _LAST_LOGON, _LAST_LOGOFF}):
        return None
    made = drop_none(terminal=word(row, "tty"), created_time=timestamp(integer(row.get("time"))))
    if action == "snapshot":
        attributes = {"session": made or {"terminal": "unknown"}, "actor": {"user": who}, **found(action)}
        return Told(USER_SESSION_QUERY, QUERY, attributes)
    ends = action == "removed" or kind == _LAST_LOGOFF
    from_ = word(row, "host", "address")
    attributes = drop_none(user=who, session=made, src_endpoint=peer(from_))
    return Told(AUTHENTICATION, LOGOFF if ends else LOGON, {**attributes, "service": {"name": "login"}, **SUCCESS})


def user_event(row: Row, _: str) -> Told:
    """Make an authentication of what a program told the audit system."""
    kind = word(row, "type") or "unknown"
    activity_id = {"1100": LOGON, "1112": LOGON, "1105": LOGON, "1106": LOGOFF, "1113": LOGOFF}.get(kind, OTHER)
    failed = "res=failed" in (word(row, "message") or "")
    attributes = drop_none(
        user=someone(word(row, "username"), word(row, "auid") or word(row, "uid")),
        service={"name": (word(row, "path") or "unknown").rpartition("/")[2] or "unknown"},
        src_endpoint=endpoint(word(row, "address")),
        actor=drop_none(process=process(number(row.get("pid")), path=word(row, "path"))),
        activity_name=kind if activity_id == OTHER else None,
    )
    status = FAILURE if failed else SUCCESS
    return Told(AUTHENTICATION, activity_id, {**attributes, **status})


def history(row: Row, _: str) -> Told | None:
    """Make a script of a line in the history of a shell."""
    command = word(row, "command")
    if command is None:
        return None
    source = word(row, "history_file")
    script = drop_none(
        type_id=UNIX_SHELL, type="Unix Shell", script_content={"value": command}, file=file(source) if source else None
    )
    who = row_user(row)
    return Told(
        SCRIPT_ACTIVITY, EXECUTE, {"script": script, "actor": {"user": who} if who else {"app_name": "osquery"}}
    )

"""Who acted in an audit event, on which files, against which address: its parts as OCSF objects."""

from __future__ import annotations

import posixpath
from typing import Any, Final

from streams.sources.base import drop_none, ip
from streams.sources.linux.audit_lines import AuditEvent
from streams.sources.linux.machine import UNSET, number, session, user
from streams.sources.objects import FAILURE, OTHER, SUCCESS, endpoint, file, process

IN_PROGRESS: Final = "-115"  # EINPROGRESS: a connection is under way
_FILE_TYPES: Final = {0o10: 1, 0o04: 2, 0o02: 3, 0o06: 4, 0o14: 5, 0o01: 6, 0o12: 7}
MAX_MODE: Final = 0o177777


def word(event: AuditEvent, *names: str) -> str | None:
    """Return the first of these fields that has a value."""
    for name in names:
        value = event.fields.get(name)
        if value.__class__ is int:
            return str(value)
        if isinstance(value, str) and value not in UNSET:
            return value
    return None


def status(event: AuditEvent) -> dict[str, Any]:
    """Return the status attributes of a system call or of what a program reported."""
    exit_code = word(event, "exit")
    if exit_code == IN_PROGRESS:
        return {"status_id": OTHER, "status": "In Progress", "status_code": exit_code}
    result = (word(event, "success", "res", "result") or "").lower()
    if result in {"yes", "success", "1"}:
        return SUCCESS
    return FAILURE | drop_none(status_code=exit_code) if result in {"no", "failed", "fail", "0"} else {}


def succeeded(event: AuditEvent) -> bool:
    """Tell whether the system call did what it was asked to."""
    return status(event).get("status_id") == 1


def owner(event: AuditEvent) -> dict[str, Any] | None:
    """Return the user the process ran as."""
    return user(word(event, "EUID", "UID"), word(event, "euid", "uid"))


def login_user(event: AuditEvent) -> dict[str, Any] | None:
    """Return the user who had logged in, whatever the process has become since."""
    return user(word(event, "AUID"), word(event, "auid"))


def caller(event: AuditEvent, *, executable: bool = True) -> dict[str, Any] | None:
    """Return the process that made the call; without its program where that is only about to be replaced."""
    parent = process(number(word(event, "ppid")), path=word(event, "parent_exe"), name=word(event, "parent_comm"))
    return process(
        number(word(event, "pid", "opid")),
        path=word(event, "exe") if executable else None,
        name=word(event, "comm") if executable else None,
        cmd_line=word(event, "proctitle") if executable else None,
        working_directory=word(event, "cwd"),
        user=owner(event),
        session=session(event.fields.get("ses")),
        parent_process=parent,
        auid=number(word(event, "auid")),
        euid=number(word(event, "euid")),
        egid=number(word(event, "egid")),
        group=drop_none(uid=word(event, "gid"), name=word(event, "GID")) if word(event, "gid") else None,
    )


def actor(event: AuditEvent) -> dict[str, Any]:
    """Return who acted: the process, and the user who had logged in."""
    made = drop_none(
        process=caller(event), user=login_user(event) or owner(event), session=session(event.fields.get("ses"))
    )
    return made or {"app_name": "audit"}


def absolute(event: AuditEvent, path: str) -> str:
    """Return a path as seen from the root, by the working directory where one is known."""
    base = word(event, "cwd")
    return posixpath.normpath(posixpath.join(base, path)) if base and path[:1] != "/" else path


def target(event: AuditEvent, *kinds: str) -> dict[str, Any] | None:
    """Return the file of the last PATH record of one of these kinds, of any kind but a parent where none is named."""
    for path in reversed(event.paths):
        kind, name = path.get("nametype"), path.get("name")
        wanted = kind in kinds if kinds else kind != "PARENT"
        if wanted and isinstance(name, str) and name not in UNSET:
            owned_by = user(path.get("OUID"), path.get("ouid"))
            return file(absolute(event, name), type_id=_type_id(path.get("mode")), **drop_none(owner=owned_by))
    return None


def _type_id(mode: Any) -> int:
    try:
        bits = int(mode, 8) if isinstance(mode, str) and len(mode) <= 8 else 0  # noqa: PLR2004  # six digits and a sign
    except ValueError:
        return 1
    return _FILE_TYPES.get(bits >> 12, 1) if 0 <= bits <= MAX_MODE else 1


def remote(event: AuditEvent) -> dict[str, Any] | None:
    """Return the address in the socket address of the call, None when it is none of the Internet."""
    return endpoint(event.fields.get("laddr"), event.fields.get("lport"))


def peer(event: AuditEvent) -> dict[str, Any] | None:
    """Return the address or host from which somebody came, None when it was from here."""
    address, host = word(event, "addr"), word(event, "hostname")
    if host is not None and ip(host):
        address, host = address or host, None
    return endpoint(address, hostname=host)

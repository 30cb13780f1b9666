"""Audit records that programs and the daemon write themselves, as drafts of OCSF events: logons, accounts, services.

Source: the record types in the audit project's audit-records.h, and what PAM, shadow, sudo and systemd put into them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    APPLICATION_LIFECYCLE,
    AUTHENTICATION,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    GROUP_MANAGEMENT,
    PROCESS_ACTIVITY,
)
from streams.sources.base import drop_none
from streams.sources.linux.audit_lines import AuditEvent
from streams.sources.linux.audit_parts import absolute, actor, caller, login_user, peer, status, word
from streams.sources.linux.machine import session, someone, user
from streams.sources.linux.told import (
    ACCOUNT_SWITCH,
    ADD_USER,
    CREATE,
    CREATE_GROUP,
    DELETE,
    DELETE_GROUP,
    LOCK,
    LOGOFF,
    LOGON,
    PASSWORD_CHANGE,
    REMOVE_USER,
    SUBSTITUTE_USER,
    UNLOCK,
    Told,
)
from streams.sources.objects import OTHER, file, process

LAUNCH, TERMINATE, OPEN_FILE = 1, 2, 14
START, STOP = 3, 4  # of an application
LOG_ROTATE, LOG_START, LOG_STOP = 5, 6, 7
DENIED: Final = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}
_SWITCHERS: Final = ("/su", "/sudo", "/runuser", "/pkexec", "/doas")
_FILE_CLASSES: Final = frozenset({"file", "dir", "lnk_file", "chr_file", "blk_file", "sock_file", "fifo_file"})

Build = Callable[[AuditEvent, str], Told | None]


def _whom(event: AuditEvent) -> dict[str, Any] | None:
    """Return the account a record is about: by name, or by the number in `id`."""
    return user(word(event, "acct", "ID"), word(event, "id"))


def _authentication(activity_id: int) -> Build:
    def build(event: AuditEvent, kind: str) -> Told:
        exe = word(event, "exe") or ""
        activity = ACCOUNT_SWITCH if activity_id == LOGON and exe.endswith(_SWITCHERS) else activity_id
        more: dict[str, Any] = {"activity_name": kind} if activity == OTHER else {}
        if activity == ACCOUNT_SWITCH:
            more |= SUBSTITUTE_USER
        terminal, from_ = word(event, "terminal"), peer(event)
        ses = session(event.fields.get("ses"))
        attributes = drop_none(
            user=_whom(event) or someone(),
            service={"name": exe.rpartition("/")[2] or kind.lower()},
            src_endpoint=from_,
            is_remote=True if from_ else None,
            session=drop_none(**(ses or {}), terminal=terminal),
            actor=actor(event),
            status_detail=word(event, "op"),
        )
        return Told(AUTHENTICATION, activity, {**attributes, **more, **status(event)})

    return build


def _login(event: AuditEvent, _: str) -> Told:
    """Make a logon of the kernel's record that a process has a login user from now on."""
    attributes = drop_none(
        user=login_user(event) or someone(),
        service={"name": (word(event, "exe") or word(event, "comm") or "kernel").rpartition("/")[2]},
        session=session(event.fields.get("ses")),
        actor=actor(event),
    )
    return Told(AUTHENTICATION, LOGON, {**attributes, **status(event)})


def _account(activity_id: int) -> Build:
    def build(event: AuditEvent, kind: str) -> Told:
        operation = word(event, "op")
        if kind == "USER_MGMT" and "group" in (operation or "") and word(event, "grp"):
            return _member(event, kind)
        more = {"activity_name": operation or kind} if activity_id == OTHER else {}
        attributes = drop_none(user=_whom(event) or someone(), actor=actor(event), status_detail=operation)
        return Told(ACCOUNT_CHANGE, activity_id, {**attributes, **more, **status(event)})

    return build


def _group(activity_id: int) -> Build:
    def build(event: AuditEvent, _: str) -> Told:
        named = drop_none(name=word(event, "grp", "acct") or "unknown", uid=word(event, "id", "gid"))
        attributes = drop_none(group=named, actor=actor(event), status_detail=word(event, "op"))
        return Told(GROUP_MANAGEMENT, activity_id, {**attributes, **status(event)})

    return build


def _member(event: AuditEvent, kind: str) -> Told:
    operation = word(event, "op") or kind
    activity_id = REMOVE_USER if operation.startswith(("delete", "deleting", "remov")) else ADD_USER
    if "user" not in operation and "member" not in operation:
        activity_id = OTHER
    attributes = drop_none(
        group={"name": word(event, "grp") or "unknown"},
        user=user(word(event, "acct")),
        actor=actor(event),
        activity_name=operation if activity_id == OTHER else None,
        status_detail=operation,
    )
    return Told(GROUP_MANAGEMENT, activity_id, {**attributes, **status(event)})


def _command(event: AuditEvent, _: str) -> Told:
    """Make the start of a program of what sudo says: the process number is sudo's own."""
    command = word(event, "cmd") or ""
    started = process(
        uid=event.uid,
        path=command.split(" ", 1)[0] or None,
        cmd_line=command or None,
        working_directory=word(event, "cwd"),
        parent_process=caller(event),
    )
    return Told(PROCESS_ACTIVITY, LAUNCH, drop_none(process=started) | {"actor": actor(event), **status(event)})


def _service(activity_id: int) -> Build:
    def build(event: AuditEvent, _: str) -> Told:
        app = {"name": word(event, "unit") or "unknown"}
        return Told(APPLICATION_LIFECYCLE, activity_id, {"app": app, "actor": actor(event), **status(event)})

    return build


def log_event(event: AuditEvent, kind: str, activity_id: int) -> Told:
    """Return an Event Log Activity, under the name of the record where it has no number."""
    more = {"activity_name": kind} if activity_id == OTHER else {}
    attributes = {"log_name": "audit", "log_provider": "auditd", "actor": actor(event)}
    return Told(EVENT_LOG_ACTIVITY, activity_id, {**attributes, **more, **status(event)})


def _process(activity_id: int) -> Build:
    def build(event: AuditEvent, kind: str) -> Told | None:
        own = caller(event)
        if own is None:
            return None
        more = {"activity_name": kind} if activity_id == OTHER else {}
        return Told(PROCESS_ACTIVITY, activity_id, {"process": own, "actor": actor(event), **more, **status(event)})

    return build


def _access(event: AuditEvent, kind: str) -> Told | None:
    """Make what SELinux or AppArmor had to decide, on a file where it is one; `permissive=1` lets it pass."""
    decision = (word(event, "avc", "apparmor") or "").lower()
    denied = DENIED if decision == "denied" and word(event, "permissive") != "1" else {}
    path = word(event, "path", "name")
    is_file = word(event, "tclass") in _FILE_CLASSES or (word(event, "apparmor") is not None and path is not None)
    told: Told | None
    if is_file and path is not None:
        attributes = {"file": file(absolute(event, path)), "actor": actor(event), "activity_name": kind}
        told = Told(FILE_ACTIVITY, OTHER, attributes)
    else:
        told = _process(OTHER)(event, kind)
    return told and Told(told.class_uid, told.activity_id, {**told.attributes, **denied})


BUILDERS: Final[dict[str, Build]] = {
    **dict.fromkeys(("USER_LOGIN", "USER_AUTH", "USER_START", "GRP_AUTH"), _authentication(LOGON)),
    **dict.fromkeys(("USER_END", "USER_LOGOUT"), _authentication(LOGOFF)),
    **dict.fromkeys(("USER_ACCT", "CRED_ACQ", "CRED_DISP", "CRED_REFR", "USER_ERR"), _authentication(OTHER)),
    **dict.fromkeys(("USER_ROLE_CHANGE", "CRYPTO_SESSION", "CRYPTO_KEY_USER"), _authentication(OTHER)),
    **dict.fromkeys(("ANOM_LOGIN_FAILURES", "ANOM_LOGIN_TIME", "ANOM_ROOT_TRANS"), _authentication(OTHER)),
    "LOGIN": _login,
    "ADD_USER": _account(CREATE),
    "DEL_USER": _account(DELETE),
    "USER_CHAUTHTOK": _account(PASSWORD_CHANGE),
    "ACCT_LOCK": _account(LOCK),
    "RESP_ACCT_LOCK": _account(LOCK),
    "RESP_ACCT_LOCK_TIMED": _account(LOCK),
    "ACCT_UNLOCK": _account(UNLOCK),
    **dict.fromkeys(("USER_MGMT", "CHUSER_ID", "ROLE_ASSIGN", "ROLE_REMOVE"), _account(OTHER)),
    "ADD_GROUP": _group(CREATE_GROUP),
    "DEL_GROUP": _group(DELETE_GROUP),
    **dict.fromkeys(("GRP_MGMT", "GRP_CHAUTHTOK", "CHGRP_ID"), _member),
    "USER_CMD": _command,
    "SERVICE_START": _service(START),
    "SERVICE_STOP": _service(STOP),
    "DAEMON_START": partial(log_event, activity_id=LOG_START),
    **dict.fromkeys(("DAEMON_END", "DAEMON_ABORT"), partial(log_event, activity_id=LOG_STOP)),
    "DAEMON_ROTATE": partial(log_event, activity_id=LOG_ROTATE),
    **dict.fromkeys(("AVC", "USER_AVC", "SELINUX_ERR"), _access),
    "ANOM_ABEND": _process(TERMINATE),
    **dict.fromkeys(("TTY", "USER_TTY", "SECCOMP", "PROCESS_INVENTORY"), _process(OTHER)),
}
# What sets these apart is told by another record of the same event, or needs no class of its own.
_COMPANIONS: Final = frozenset({"SYSCALL", "EXECVE", "PATH", "CWD", "PROCTITLE", "SOCKADDR", "OBJ_PID", "EOE"})


def reported(event: AuditEvent) -> Told | None:
    """Return what the record that is no system call's tells, None when there is none with a class of its own."""
    for kind in event.types:
        build = BUILDERS.get(kind)
        told = build(event, kind) if build else None
        if told is not None:
            return told
    return None


def anything(event: AuditEvent) -> Told:
    """Return the event every record can become: the log spoke."""
    kind = next((kind for kind in event.types if kind not in _COMPANIONS), event.types[0] if event.types else "EOE")
    return log_event(event, kind, OTHER)

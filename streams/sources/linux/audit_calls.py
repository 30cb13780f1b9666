"""System calls, as drafts of OCSF events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.ocsf_classes import FILE_ACTIVITY, KERNEL_ACTIVITY, KERNEL_EXTENSION, NETWORK_ACTIVITY, PROCESS_ACTIVITY
from streams.sources.base import drop_none, integer
from streams.sources.linux.audit_lines import AuditEvent
from streams.sources.linux.audit_parts import (
    absolute,
    actor,
    caller,
    login_user,
    owner,
    remote,
    status,
    succeeded,
    target,
    word,
)
from streams.sources.linux.machine import number, user
from streams.sources.linux.told import Told
from streams.sources.objects import OTHER, file, process

LAUNCH, TERMINATE, OPEN_PROCESS, INJECT, SET_USER = 1, 2, 3, 4, 5
CREATE, UPDATE, DELETE, RENAME, SET_ATTRIBUTES, SET_SECURITY, GET_ATTRIBUTES = 1, 3, 4, 5, 6, 7, 8
MOUNT, UNMOUNT, OPEN_FILE = 12, 13, 14
OPEN, TRAFFIC, LISTEN = 1, 6, 7
LOAD, UNLOAD, INVOKE = 1, 2, 4
INBOUND, OUTBOUND = 1, 2
SYSTEM_CALL: Final = 2  # kind of kernel object
WRITING: Final = 3  # O_WRONLY and O_RDWR
_POKES: Final = frozenset({"4", "5", "6", "d", "f"})  # ptrace requests that write memory or registers
_FLAGS: Final = {"open": "a1", "openat": "a2"}  # which argument says how a file is opened

Build = Callable[[AuditEvent, str], Told | None]


def _execve(event: AuditEvent, _: str) -> Told | None:
    ran = succeeded(event)
    started = caller(event) if ran else caller(event, executable=False)
    if started is None:
        return None
    command = event.command or (word(event, "proctitle") if ran else None)
    attempted = None if ran else target(event)
    started.update(drop_none(cmd_line=command, file=attempted, name=attempted and attempted["name"]))
    parent = started.get("parent_process") if ran else caller(event)
    acting = drop_none(process=parent, user=login_user(event) or owner(event), session=started.get("session"))
    return Told(PROCESS_ACTIVITY, LAUNCH, {"process": started, "actor": acting, **status(event)})


def _fork(event: AuditEvent, _: str) -> Told | None:
    parent, child = caller(event), number(word(event, "exit"))
    if parent is None or not child or not succeeded(event):
        return None
    made = process(child, path=word(event, "exe"), user=owner(event), parent_process=parent)
    return Told(PROCESS_ACTIVITY, LAUNCH, drop_none(process=made) | {"actor": actor(event), **status(event)})


def _own(activity_id: int) -> Build:
    def build(event: AuditEvent, name: str) -> Told | None:
        own = caller(event)
        if own is None:
            return None
        more = {"activity_name": name} if activity_id == OTHER else {}
        return Told(PROCESS_ACTIVITY, activity_id, {"process": own, "actor": actor(event), **more, **status(event)})

    return build


def _on_process(event: AuditEvent, name: str) -> Told | None:
    """Make what one process did to another: the kernel names it in OBJ_PID, else an argument has its number."""
    other = process(
        number(word(event, "opid")) or _hex_number(event, "a1" if name == "ptrace" else "a0"),
        name=word(event, "ocomm"),
        user=user(word(event, "OUID"), word(event, "ouid")),
        cmd_line=None,
    )
    if other is None:
        return None
    request = str(event.system.get("a0"))
    activity_id = OTHER
    if name == "process_vm_writev" or (name == "ptrace" and request in _POKES):
        activity_id = INJECT
    elif name in {"ptrace", "process_vm_readv"}:
        activity_id = OPEN_PROCESS
    more = {"activity_name": name} if activity_id == OTHER else {}
    return Told(PROCESS_ACTIVITY, activity_id, {"process": other, "actor": actor(event), **more, **status(event)})


def _hex_number(event: AuditEvent, name: str) -> int | None:
    value = event.system.get(name)
    return number(integer(f"0x{value}")) if isinstance(value, str) and len(value) <= 8 else None  # noqa: PLR2004  # a pid


def _on_file(activity_id: int, *kinds: str) -> Build:
    def build(event: AuditEvent, name: str) -> Told | None:
        touched = target(event, *kinds) or target(event)
        if touched is None:
            return None
        more = {"activity_name": name} if activity_id == OTHER else {}
        return Told(FILE_ACTIVITY, activity_id, {"file": touched, "actor": actor(event), **more, **status(event)})

    return build


def _open(event: AuditEvent, name: str) -> Told | None:
    created = target(event, "CREATE")
    touched = created or target(event)
    if touched is None:
        return None
    flags = _hex_number(event, _FLAGS.get(name, ""))
    activity_id = CREATE if created else UPDATE if flags is not None and flags & WRITING else OPEN_FILE
    return Told(FILE_ACTIVITY, activity_id, {"file": touched, "actor": actor(event), **status(event)})


def _rename(event: AuditEvent, _: str) -> Told | None:
    old, new = target(event, "DELETE"), target(event, "CREATE")
    touched = old or new or target(event)
    if touched is None:
        return None
    result = {"file_result": new} if old and new else {}
    return Told(FILE_ACTIVITY, RENAME, {"file": touched, **result, "actor": actor(event), **status(event)})


def _network(activity_id: int, direction_id: int) -> Build:
    def build(event: AuditEvent, name: str) -> Told | None:
        other = remote(event)
        if other is None:
            return None
        here = {"hostname": event.node} if event.node else None
        ends = (other, here) if direction_id == INBOUND and name != "bind" else (here, other)
        more = {"activity_name": name} if activity_id == OTHER else {}
        version = 6 if ":" in other.get("ip", "") else 4
        attributes = drop_none(
            src_endpoint=ends[0],
            dst_endpoint=ends[1],
            connection_info={"direction_id": direction_id, "protocol_ver_id": version},
            actor=actor(event),
        )
        return Told(NETWORK_ACTIVITY, activity_id, {**attributes, **more, **status(event)})

    return build


def _module(event: AuditEvent, name: str) -> Told:
    named = event.fields.get("name")
    module = next((item for item in named if isinstance(item, str)), None) if isinstance(named, list) else named
    path = module if isinstance(module, str) and module else "unknown"
    driver = target(event) or file(absolute(event, path) if "/" in path else path)
    activity_id = UNLOAD if name == "delete_module" else LOAD
    return Told(KERNEL_EXTENSION, activity_id, {"driver": {"file": driver}, "actor": actor(event), **status(event)})


def _invoked(event: AuditEvent, name: str) -> Told:
    kernel = {"name": name or "unknown", "type_id": SYSTEM_CALL, "type": "System Call", "system_call": name or None}
    return Told(KERNEL_ACTIVITY, INVOKE, {"kernel": drop_none(**kernel), "actor": actor(event), **status(event)})


_BUILDERS: Final[dict[str, Build]] = {
    **dict.fromkeys(("execve", "execveat"), _execve),
    **dict.fromkeys(("fork", "vfork", "clone", "clone3"), _fork),
    **dict.fromkeys(("exit", "exit_group"), _own(TERMINATE)),
    **dict.fromkeys(
        ("setuid", "setreuid", "setresuid", "setfsuid", "setgid", "setregid", "setresgid", "setfsgid"), _own(SET_USER)
    ),
    **dict.fromkeys(("kill", "tkill", "tgkill", "ptrace", "process_vm_readv", "process_vm_writev"), _on_process),
    **dict.fromkeys(("open", "openat", "openat2", "open_by_handle_at"), _open),
    **dict.fromkeys(("creat", "mkdir", "mkdirat", "mknod", "mknodat"), _on_file(CREATE, "CREATE")),
    **dict.fromkeys(("link", "linkat", "symlink", "symlinkat"), _on_file(CREATE, "CREATE")),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), _on_file(DELETE, "DELETE")),
    **dict.fromkeys(("rename", "renameat", "renameat2"), _rename),
    **dict.fromkeys(("truncate", "ftruncate", "write", "pwrite64", "fallocate"), _on_file(UPDATE)),
    **dict.fromkeys(("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"), _on_file(SET_SECURITY)),
    **dict.fromkeys(
        ("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"), _on_file(SET_ATTRIBUTES)
    ),
    **dict.fromkeys(("utime", "utimes", "utimensat", "futimesat"), _on_file(SET_ATTRIBUTES)),
    **dict.fromkeys(
        ("stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"), _on_file(GET_ATTRIBUTES)
    ),
    **dict.fromkeys(("readlink", "readlinkat", "getxattr", "lgetxattr"), _on_file(GET_ATTRIBUTES)),
    **dict.fromkeys(("chdir", "chroot", "pivot_root"), _on_file(OTHER)),
    "mount": _on_file(MOUNT),
    "umount2": _on_file(UNMOUNT),
    "connect": _network(OPEN, OUTBOUND),
    "bind": _network(OTHER, INBOUND),
    **dict.fromkeys(("accept", "accept4"), _network(OPEN, INBOUND)),
    **dict.fromkeys(("sendto", "sendmsg", "sendmmsg"), _network(TRAFFIC, OUTBOUND)),
    **dict.fromkeys(("recvfrom", "recvmsg", "recvmmsg"), _network(TRAFFIC, INBOUND)),
    **dict.fromkeys(("init_module", "finit_module", "delete_module"), _module),
}


def system_call(event: AuditEvent) -> Told:
    """Return what a system call did; a call without a class of its own is one on the kernel."""
    name = str(event.system.get("SYSCALL") or event.system.get("syscall") or "")[:64]
    build = _BUILDERS.get(name)
    told = build(event, name) if build else None
    return told or _invoked(event, name)


def names_for_rules(event: AuditEvent, told: Told) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return Sigma's generic categories that the event belongs to, and the further field names that those use."""
    image, who = word(event, "exe"), word(event, "EUID", "UID", "euid", "uid")
    common = drop_none(
        Image=image,
        User=who,
        ProcessId=word(event, "pid"),
        ParentProcessId=word(event, "ppid"),
        LogonId=word(event, "ses"),
    )
    if told.class_uid == PROCESS_ACTIVITY and told.activity_id == LAUNCH and succeeded(event) and event.argv:
        further = drop_none(CommandLine=event.command, CurrentDirectory=word(event, "cwd"))
        return ("process_creation",), common | further
    if told.class_uid == NETWORK_ACTIVITY and told.activity_id == OPEN:
        return ("network_connection",), common | _connection_names(told)
    if told.class_uid == FILE_ACTIVITY and told.activity_id in _FILE_CATEGORIES and succeeded(event):
        renamed = told.attributes.get("file_result") or told.attributes["file"]
        return (_FILE_CATEGORIES[told.activity_id],), common | {"TargetFilename": renamed["path"]}
    return (), {}


_FILE_CATEGORIES: Final = {CREATE: "file_event", RENAME: "file_rename", DELETE: "file_delete"}


def _connection_names(told: Told) -> dict[str, Any]:
    source, target_ = told.attributes.get("src_endpoint", {}), told.attributes.get("dst_endpoint", {})
    return drop_none(
        SourceIp=source.get("ip"),
        SourcePort=source.get("port"),
        DestinationIp=target_.get("ip"),
        DestinationPort=target_.get("port"),
        Initiated="true" if told.attributes["connection_info"]["direction_id"] == OUTBOUND else "false",
    )

"""Teleport events of what happened on a node: SSH sessions, and the processes, files and connections within them.

Source: Teleport documentation, "SSH Sessions Audit Events" and "Enhanced Session Recording with BPF".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from models.ocsf import head
from models.ocsf_classes import FILE_ACTIVITY, NETWORK_ACTIVITY, PROCESS_ACTIVITY, SSH_ACTIVITY
from streams.sources.base import drop_none, integer, text
from streams.sources.objects import connection, device, endpoint, file, process, user
from streams.sources.saas.words import OTHER

_PROTOCOLS: Final = {"ssh": 1, "tcp": 6}
_FILE_ACTIVITIES: Final = {"upload": 1, "download": 2, "read": 2, "write": 3, "remove": 4, "rename": 5, "open": 14}
MAX_ARGUMENTS: Final = 256


def address(value: Any) -> tuple[str | None, str | None]:
    """Split `address:port` or `[address]:port` into both; the address alone where there is no port."""
    if not isinstance(value, str):
        return None, None
    head_, colon, port = value.rpartition(":")
    if not colon or (":" in head_ and not head_.endswith("]")):
        return value, None
    return head_.strip("[]"), port


def node_of(fields: Mapping[str, Any], host: str) -> dict[str, Any]:
    """Return the node as a device: by its host name, else by its id alone."""
    uid = text(fields.get("server_id"))
    return device(text(fields.get("server_hostname")) or (host if not uid else None), type_id=1, uid=uid)


def actor_of(fields: Mapping[str, Any], who: dict[str, Any] | None) -> dict[str, Any]:
    """Return the Teleport user with the session; classes of hosts require an actor."""
    session = drop_none(uid=text(fields.get("sid")))
    return drop_none(user=who, session=session) or {"invoked_by": "Teleport"}


def ssh(fields: Mapping[str, Any], activity_id: int, who: dict[str, Any] | None, host: str) -> dict[str, Any]:
    """Return the attributes of an SSH session or of a part of one."""
    source, port = address(fields.get("addr.remote", fields.get("addr_remote")))
    node = node_of(fields, host)
    target = endpoint(
        address(fields.get("addr.local", fields.get("addr_local")))[0],
        hostname=text(fields.get("server_hostname")),
        uid=text(fields.get("server_id")),
        name=text(fields.get("kubernetes_cluster")),
    )
    return drop_none(
        actor=actor_of(fields, who),
        device=node,
        src_endpoint=endpoint(source, port),
        dst_endpoint=target or {"svc_name": "Teleport"},
        connection_info={"direction_id": 1, "protocol_name": "tcp", "protocol_num": 6},
        auth_type=text(fields.get("cert_type")),
        activity_name=text(fields.get("event")) if activity_id == OTHER else None,
    )


def command(fields: Mapping[str, Any], _: int, who: dict[str, Any] | None, host: str) -> dict[str, Any]:
    """Return the attributes of a program that was started in a session."""
    arguments = fields.get("argv")
    words = [text(word) or "" for word in arguments[:MAX_ARGUMENTS]] if isinstance(arguments, list) else []
    program = text(fields.get("path")) or text(fields.get("program"))
    line = text(fields.get("command")) or (" ".join([program, *words]) if program else None)
    parent = process(integer(fields.get("ppid")))
    started = process(
        integer(fields.get("pid")),
        uid=text(fields.get("uid")),
        path=text(fields.get("path")),
        name=text(fields.get("program")),
        cmd_line=line,
        parent_process=parent,
        user=user(text(fields.get("login"))),
    )
    exit_code = integer(first_of(fields, "return_code", "exitCode"))
    return drop_none(
        actor=actor_of(fields, who),
        device=node_of(fields, host),
        process=started or {"uid": text(fields.get("sid")) or "unknown"},
        exit_code=exit_code,
    )


def first_of(fields: Mapping[str, Any], *names: str) -> Any:
    """Return the value under the first of the names that is there."""
    return next((fields[name] for name in names if name in fields), None)


def opened(fields: Mapping[str, Any], activity_id: int, who: dict[str, Any] | None, host: str) -> dict[str, Any]:
    """Return the attributes of a file that a session opened or copied."""
    path = text(fields.get("path")) or "unknown"
    word = text(fields.get("action"))
    return drop_none(
        actor=actor_of(fields, who),
        device=node_of(fields, host),
        file=file(path),
        activity_name=word or text(fields.get("event")) if activity_id == OTHER else None,
    )


def connected(fields: Mapping[str, Any], activity_id: int, who: dict[str, Any] | None, host: str) -> dict[str, Any]:
    """Return the attributes of a connection that a program within a session opened."""
    target = endpoint(fields.get("dst_addr"), fields.get("dst_port"))
    return drop_none(
        actor={**actor_of(fields, who), **drop_none(process=_program(fields))},
        device=node_of(fields, host),
        src_endpoint=endpoint(fields.get("src_addr")),
        dst_endpoint=target or {"name": "unknown"},
        connection_info=connection("tcp", 2),
        activity_name=text(fields.get("event")) if activity_id == OTHER else None,
    )


def _program(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    return process(integer(fields.get("pid")), name=text(fields.get("program")), user=user(text(fields.get("login"))))


_BUILDERS: Final[Mapping[int, Callable[[Mapping[str, Any], int, dict[str, Any] | None, str], dict[str, Any]]]] = {
    SSH_ACTIVITY: ssh,
    PROCESS_ACTIVITY: command,
    FILE_ACTIVITY: opened,
    NETWORK_ACTIVITY: connected,
}
CLASSES: Final = frozenset(_BUILDERS)


def body_on_node(
    fields: Mapping[str, Any],
    meaning: tuple[int, int],
    who: dict[str, Any] | None,
    host: str,
    time: int,
    severity_id: int,
) -> dict[str, Any]:
    """Begin the OCSF event of something that happened on a node.

    Args:
        fields: The audit event.
        meaning: Class, one of CLASSES, and activity.
        who: The Teleport user.
        host: Name of the host by whoever shipped the event, for events that do not name theirs.
        time: Event time in ms.
        severity_id: OCSF severity.
    """
    class_uid, activity_id = meaning
    if class_uid == FILE_ACTIVITY:
        activity_id = _FILE_ACTIVITIES.get(str(fields.get("action"))[:16], activity_id)
    elif class_uid == SSH_ACTIVITY and activity_id == 1 and fields.get("success") is False:
        activity_id = 4
    body = head(class_uid, activity_id, time, severity_id)
    body.update(_BUILDERS[class_uid](fields, activity_id, who, host))
    return body

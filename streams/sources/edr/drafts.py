"""What an endpoint sensor tells, built once for all vendors: OCSF class, attributes, Sigma's names and categories.

A vendor's module reads its records into OCSF processes, users and paths (`shapes`) and calls one of these. A draft that
lacks what its class requires is None; the vendor's module then falls back to `noted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from models.ocsf_classes import (
    AUTHENTICATION,
    DNS_ACTIVITY,
    EVENT_LOG_ACTIVITY,
    FILE_ACTIVITY,
    HTTP_ACTIVITY,
    KERNEL_EXTENSION,
    MODULE_ACTIVITY,
    NETWORK_ACTIVITY,
    PROCESS_ACTIVITY,
)
from streams.sources.base import drop_none
from streams.sources.edr import native
from streams.sources.edr.shapes import OTHER, acting, file
from streams.sources.objects import connection, endpoint

LAUNCH, TERMINATE, OPEN, INJECT = 1, 2, 3, 4  # of processes
CREATE, READ, UPDATE, DELETE, RENAME, SET_ATTRIBUTES, OPEN_FILE = 1, 2, 3, 4, 5, 6, 14  # of files
IN, OUT = 1, 2  # directions
FOLDER, NAMED_PIPE = 2, 6  # file types
HOST: Final = ("host",)
_UNTOLD: Final[Mapping[str, Any]] = {}
_FILE_CATEGORIES: Final = {
    CREATE: ("file_event",),
    UPDATE: ("file_event",),
    DELETE: ("file_delete",),
    RENAME: ("file_rename",),
    SET_ATTRIBUTES: ("file_change",),
    READ: ("file_access",),
    OPEN_FILE: ("file_access",),
}

Process = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is complete.

    Attributes:
        class_uid: OCSF class.
        activity_id: Activity within it; 99 makes the vendor's word the name of the activity.
        attributes: The class's own attributes.
        native: Sigma's names.
        categories: Sigma's categories.
        profiles: OCSF profiles the attributes use.
    """

    class_uid: int
    activity_id: int
    attributes: dict[str, Any]
    native: dict[str, Any] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def launched(process: Process, activity_id: int = LAUNCH) -> Draft | None:
    """Draft the start of a process; its parent is the actor."""
    if process is None:
        return None
    parent = process.get("parent_process")
    return Draft(
        PROCESS_ACTIVITY,
        activity_id,
        {"process": process, "actor": acting(parent, process.get("user"))},
        native.creation_names(process, parent),
        ("process_creation",),
    )


def ended(process: Process, actor: Process = None) -> Draft | None:
    """Draft the end of a process."""
    if process is None:
        return None
    attributes = {"process": process, "actor": acting(actor or process)}
    return Draft(PROCESS_ACTIVITY, TERMINATE, attributes, native.actor_names(process), ("process_termination",))


def reached_into(source: Process, target: Process, activity_id: int, *, thread: bool = False) -> Draft | None:
    """Draft that one process opened another or put a thread or code into it."""
    if target is None:
        return None
    attributes: dict[str, Any] = {"process": target, "actor": acting(source)}
    if thread:
        attributes |= {"injection_type_id": 1, "injection_type": "Remote Thread"}
    category = "create_remote_thread" if thread else "process_access"
    return Draft(PROCESS_ACTIVITY, activity_id, attributes, native.pair_names(source, target), (category,))


def touched(
    path: str | None,
    activity_id: int,
    actor: Process,
    *,
    digests: list[dict[str, Any]] | None = None,
    type_id: int = 1,
    renamed_from: str | None = None,
) -> Draft | None:
    """Draft what a process did to a file; a renamed one is `file` by its old name and `file_result` by its new one."""
    made = file(path, digests, type_id)
    if made is None or not path:
        return None
    old = file(renamed_from) if activity_id == RENAME else None
    attributes = drop_none(file=old or made, file_result=made if old else None, actor=acting(actor))
    spelled = native.windows_path(path)
    names = {"TargetFilename": spelled, "FileName": spelled, **native.actor_names(actor)}
    if old:
        names["SourceFilename"] = native.windows_path(old["path"])
    return Draft(FILE_ACTIVITY, activity_id, attributes, names, _FILE_CATEGORIES.get(activity_id, ()))


def piped(name: str | None, actor: Process, *, created: bool) -> Draft | None:
    """Draft the making of a named pipe, or a connection to one."""
    made = file(name, None, NAMED_PIPE)
    if made is None:
        return None
    attributes = {"file": made, "actor": acting(actor)}
    names = {"PipeName": name, **native.actor_names(actor)}
    return Draft(FILE_ACTIVITY, CREATE if created else OPEN_FILE, attributes, names, ("pipe_created",))


def loaded(path: str | None, actor: Process, digests: list[dict[str, Any]]) -> Draft | None:
    """Draft the load of a library into a process."""
    made = file(path, digests)
    if made is None:
        return None
    attributes = {"module": {"file": made, "load_type_id": 1, "load_type": "Standard"}, "actor": acting(actor)}
    names = {**native.actor_names(actor), **_image_loaded(made)}
    return Draft(MODULE_ACTIVITY, 1, attributes, names, ("image_load",))


def driver_loaded(path: str | None, digests: list[dict[str, Any]], actor: Process = None) -> Draft | None:
    """Draft the load of a driver into the kernel."""
    made = file(path, digests)
    if made is None:
        return None
    attributes = {"driver": {"file": made}, "actor": acting(actor)}
    return Draft(KERNEL_EXTENSION, 1, attributes, _image_loaded(made), ("driver_load",))


def _image_loaded(made: dict[str, Any]) -> dict[str, Any]:
    return {"ImageLoaded": native.windows_path(made["path"])} | drop_none(Hashes=native.hashes_of(made) or None)


def connected(
    local: dict[str, Any] | None,
    remote: dict[str, Any] | None,
    protocol: Any,
    direction_id: int,
    actor: Process,
    activity_id: int = 1,
) -> Draft | None:
    """Draft a connection of a process: where it came in, the remote end is the source.

    Args:
        local: Endpoint of this host.
        remote: The other endpoint.
        protocol: IANA number or name.
        direction_id: 1 in, 2 out, 0 unknown.
        actor: Whose connection it is.
        activity_id: 1 open, 2 close, 4 fail, 5 refuse, 7 listen.
    """
    source, target = (remote, local) if direction_id == IN else (local, remote)
    if source is None and target is None:
        return None
    info = connection(protocol, direction_id)
    attributes = drop_none(src_endpoint=source, dst_endpoint=target, connection_info=info, actor=acting(actor))
    names = native.connection_names(source, target, info.get("protocol_name"), direction_id)
    names |= native.actor_names(actor)
    return Draft(NETWORK_ACTIVITY, activity_id, attributes, names, ("network_connection",), HOST)


def resolved(
    name: str | None,
    answers: list[str],
    actor: Process,
    device: dict[str, Any],
    *,
    server: dict[str, Any] | None = None,
    record_type: str | None = None,
    rcode_id: int | None = None,
) -> Draft | None:
    """Draft the question of a process for a name, with the answers where they are told."""
    if not name:
        return None
    own = endpoint(device.get("ip"), None, device.get("hostname"), uid=device.get("uid"))
    source = own or {"name": device["name"]}
    attributes = drop_none(
        query={"hostname": name, **drop_none(type=record_type)},
        answers=[{"rdata": answer} for answer in answers],
        src_endpoint=source,
        dst_endpoint=server,
        actor=acting(actor),
        rcode_id=rcode_id,
    )
    names = {"QueryName": name, "query": name, **native.actor_names(actor)}
    if answers:
        names |= {"QueryResults": ";".join(answers), "answer": answers}
    if record_type:
        names["record_type"] = record_type
    return Draft(DNS_ACTIVITY, 2 if answers else 1, attributes, names, ("dns_query", "dns"), HOST)


def requested(
    request: dict[str, Any],
    activity_id: int,
    source: dict[str, Any] | None,
    target: dict[str, Any] | None,
    actor: Process,
) -> Draft:
    """Draft the request of a process for a URL."""
    attributes = drop_none(http_request=request, src_endpoint=source, dst_endpoint=target, actor=acting(actor))
    return Draft(HTTP_ACTIVITY, activity_id, attributes, native.actor_names(actor), (), HOST)


def signed_on(
    user: dict[str, Any] | None,
    activity_id: int,
    device: dict[str, Any],
    *,
    source: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
    actor: Process = None,
    status: Mapping[str, Any] = _UNTOLD,
    **more: Any,
) -> Draft:
    """Draft a sign-in to the sensor's host or a sign-out; `more` are further attributes of the class."""
    target = endpoint(device.get("ip"), None, device.get("hostname")) or {"name": device["name"]}
    attributes = drop_none(
        user=user or {"name": "unknown"},
        dst_endpoint=target,
        src_endpoint=source,
        session=session,
        actor={"process": actor} if actor else None,
        **status,
        **more,
    )
    return Draft(AUTHENTICATION, activity_id, attributes, drop_none(User=native.user_name(user)), (), HOST)


def noted(log_name: str, actor: Process = None, activity_id: int = OTHER) -> Draft:
    """Draft an event of which no more is known than its kind and who was involved."""
    attributes = drop_none(log_name=log_name, actor=acting(actor) if actor else None)
    return Draft(EVENT_LOG_ACTIVITY, activity_id, attributes, native.actor_names(actor), (), HOST)

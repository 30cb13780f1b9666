"""Rows of the tables of osquery that show what is there now, as OCSF queries and inventories."""

from __future__ import annotations

from typing import Any, Final

from models.ocsf_classes import (
    FILE_QUERY,
    JOB_QUERY,
    KERNEL_OBJECT_QUERY,
    NETWORK_CONNECTION_QUERY,
    PROCESS_QUERY,
    SERVICE_QUERY,
    SOFTWARE_INVENTORY,
    USER_QUERY,
)
from streams.sources.base import drop_none, integer
from streams.sources.linux.osquery_rows import Row, row_hashes, row_process, row_user, word
from streams.sources.linux.told import Told
from streams.sources.objects import connection, file

QUERY, COLLECT = 1, 2
EXISTS, GONE = 1, 3  # results of a query
KERNEL_MODULE: Final = 99  # a kind of kernel object without a number
_STATES: Final = {
    "ESTABLISHED": 1,
    "SYN_SENT": 2,
    "SYN_RECV": 3,
    "FIN_WAIT1": 4,
    "FIN_WAIT2": 5,
    "TIME_WAIT": 6,
    "CLOSED": 7,
    "CLOSE_WAIT": 8,
    "LAST_ACK": 9,
    "LISTEN": 10,
    "CLOSING": 11,
}


def found(action: str) -> dict[str, Any]:
    """Return the result attributes of a query: what was `removed` is there no more."""
    gone = action == "removed"
    return {
        "query_result_id": GONE if gone else EXISTS,
        "query_result": "Does not exist" if gone else "Exists",
    }


def process_found(row: Row, action: str) -> Told | None:
    """Make a process that was running."""
    made = row_process(row)
    return Told(PROCESS_QUERY, QUERY, {"process": made, **found(action)}) if made else None


def socket_found(row: Row, action: str) -> Told | None:
    """Make a socket that a process had open."""
    made = row_process(row)
    if made is None:
        return None
    state = word(row, "state") or ("LISTEN" if "remote_address" not in row else None)
    info = connection(integer(row.get("protocol")))
    attributes = {"connection_info": info, "process": made, "state_id": _STATES.get(state or "", 0)}
    return Told(NETWORK_CONNECTION_QUERY, QUERY, {**attributes, **drop_none(state=state), **found(action)})


def file_found(row: Row, action: str) -> Told | None:
    """Make a file that was there."""
    path = word(row, "path", "filename", "directory")
    if path is None:
        return None
    made = file(path, hashes=row_hashes(row), size=integer(row.get("size")), owner=row_user(row))
    return Told(FILE_QUERY, QUERY, {"file": made, **found(action)})


def job_found(row: Row, action: str) -> Told | None:
    """Make a job of a schedule."""
    command, path = word(row, "command", "action"), word(row, "path")
    if command is None:
        return None
    job = drop_none(name=word(row, "name") or command, cmd_line=command, file=file(path) if path else None)
    return Told(JOB_QUERY, QUERY, {"job": job, **found(action)})


def service_found(row: Row, action: str) -> Told | None:
    """Make a service or what starts with the machine."""
    name = word(row, "id", "name", "label")
    who = row_user(row, "user")
    acting = {"actor": {"user": who}} if who else {}
    return Told(SERVICE_QUERY, QUERY, {"service": {"name": name}, **acting, **found(action)}) if name else None


def kernel_found(row: Row, action: str) -> Told | None:
    """Make a module of the kernel."""
    name = word(row, "name")
    return (
        Told(KERNEL_OBJECT_QUERY, QUERY, {"kernel": {"name": name, "type_id": KERNEL_MODULE}, **found(action)})
        if name
        else None
    )


def user_found(row: Row, action: str) -> Told | None:
    """Make an account."""
    who = row_user(row)
    return Told(USER_QUERY, QUERY, {"user": who, **found(action)}) if who else None


def software(row: Row, _: str) -> Told | None:
    """Make an installed package."""
    name, version = word(row, "name", "identifier"), word(row, "version", "bundle_short_version")
    if name is None or version is None:
        return None
    package = drop_none(
        name=name, version=version, architecture=word(row, "arch"), release=word(row, "release", "revision")
    )
    return Told(SOFTWARE_INVENTORY, COLLECT, {"package": package})

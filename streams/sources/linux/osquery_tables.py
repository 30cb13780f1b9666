"""Which of osquery's tables a row is of, and what is made of it.

Source: osquery's schema. A row of a table that keeps events (`process_events`) is one; a row of any other tells what
was found when the query ran: an OCSF query or inventory, where `removed` means that it is there no more.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.ocsf_classes import DEVICE_INVENTORY
from streams.sources.base import integer
from streams.sources.fields import timestamp
from streams.sources.linux.osquery_events import file_event, history, process_event, session, socket_event, user_event
from streams.sources.linux.osquery_found import (
    COLLECT,
    file_found,
    job_found,
    kernel_found,
    process_found,
    service_found,
    socket_found,
    software,
    user_found,
)
from streams.sources.linux.osquery_rows import Build, Row
from streams.sources.linux.told import Told


def anything(_row: Row, _action: str) -> Told:
    """Return the event every row can become: something about the machine was collected."""
    return Told(DEVICE_INVENTORY, COLLECT, {})


class Table(NamedTuple):
    """What to make of the rows of some tables, and columns by which rows are theirs under whatever name."""

    names: tuple[str, ...]
    columns: frozenset[str]
    build: Build


TABLES: Final[tuple[Table, ...]] = (
    Table(
        ("process_events", "bpf_process_events", "es_process_events"),
        frozenset({"pid", "path", "cmdline", "auid"}),
        process_event,
    ),
    Table(("socket_events", "bpf_socket_events"), frozenset({"remote_address", "action", "pid"}), socket_event),
    Table(
        ("file_events", "process_file_events", "es_process_file_events"),
        frozenset({"target_path", "action"}),
        file_event,
    ),
    Table(("logged_in_users", "last"), frozenset({"user", "tty", "host"}), session),
    Table(("user_events",), frozenset({"auid", "message", "type"}), user_event),
    Table(("shell_history",), frozenset({"command", "history_file"}), history),
    Table(("crontab", "scheduled_tasks"), frozenset({"minute", "hour", "command"}), job_found),
    Table(("process_open_sockets", "listening_ports"), frozenset({"pid", "port", "address"}), socket_found),
    Table(("processes",), frozenset({"pid", "path", "name"}), process_found),
    Table(("systemd_units", "services", "launchd", "startup_items"), frozenset({"load_state", "id"}), service_found),
    Table(("kernel_modules", "kernel_extensions"), frozenset({"used_by", "name"}), kernel_found),
    Table(
        ("deb_packages", "rpm_packages", "programs", "apps", "python_packages", "npm_packages", "chrome_extensions"),
        frozenset({"name", "version", "revision"}),
        software,
    ),
    Table(("users", "user_ssh_keys", "authorized_keys", "shadow"), frozenset({"username", "uid", "shell"}), user_found),
    Table(("file", "hash", "suid_bin", "yara", "yara_events"), frozenset({"path", "sha256"}), file_found),
)
_BY_NAME: Final = {name: table.build for table in TABLES for name in table.names}
_TIMED: Final = frozenset({process_event, socket_event, file_event, user_event, history})


def builder_for(query: str, row: Row) -> Build:
    """Choose what to make of a row: by the table that the query is named for, else by its columns."""
    parts = query.replace("/", "_").split("_")[-4:]
    for start in range(len(parts)):
        build = _BY_NAME.get("_".join(parts[start:]))
        if build:
            return build
    return next((table.build for table in TABLES if table.columns <= row.keys()), anything)


def own_time(build: Build, row: Row) -> int | None:
    """Return when the event of a row happened, in ms; None where the row only tells what was found."""
    return timestamp(integer(row.get("time"))) if build in _TIMED else None

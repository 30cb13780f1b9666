from __future__ import annotations

from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.base import MAX_PARTS
from streams.sources.linux.osquery import SOURCE
from tests.sources import fuzz

AT = Coordinates("raw.osquery", 0, 1)
NOON = 1_718_452_800_000
RESULT: dict[str, Any] = {
    "name": "pack_incident-response_process_events",
    "hostIdentifier": "web01.example.com",
    "calendarTime": "Sat Jun 15 12:00:00 2024 UTC",
    "unixTime": NOON // 1000,
    "epoch": 0,
    "counter": 7,
    "numerics": False,
    "decorations": {"host_uuid": "0a1b2c3d-0000-4000-8000-000000000001", "username": "alice"},
    "columns": {
        "pid": "711",
        "path": "/usr/bin/cat",
        "cmdline": "cat /etc/shadow",
        "cwd": "/root",
        "auid": "1000",
        "uid": "0",
        "parent": "700",
        "time": "1718452790",
    },
    "action": "added",
}
OTHERS = {name: value for name, value in RESULT.items() if name not in {"columns", "action", "name"}}


def record(data: Any, **context: Any) -> RawRecord:
    return RawRecord("osquery", orjson.dumps(data), AT, NOON, context=Context(**context))


def every(data: Any, **context: Any) -> list[Event]:
    one = record(data, **context)
    found = SOURCE.parse_all(one)
    assert not isinstance(found, ParseError), found
    for event in found:
        assert validate(event.ocsf) == [], data
        assert orjson.loads(event.ocsf["raw_data"]) == (data if len(found) == 1 else event.native)
    assert SOURCE.recognize(one.raw, data)
    return list(found)


def rows(name: str, columns: dict[str, Any], action: str = "added") -> Event:
    return every({**OTHERS, "name": name, "columns": columns, "action": action})[0]


def test_a_process_event() -> None:
    event = every(RESULT)[0]
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], event.time) == (1007, 1, 1_718_452_790_000)
    assert body["process"]["cmd_line"] == "cat /etc/shadow"
    assert body["process"]["parent_process"]["pid"] == 700
    assert body["process"]["user"] == {"name": "root", "uid": "0", "type_id": 2}
    assert body["actor"]["user"]["uid"] == "1000"
    assert body["device"]["hostname"] == "web01.example.com"
    assert body["device"]["uid"] == RESULT["decorations"]["host_uuid"]
    assert body["metadata"]["event_code"] == RESULT["name"]
    assert body["metadata"]["correlation_uid"] == "0/7"
    assert body["unmapped"]["columns"] == RESULT["columns"]
    assert event.native["columns"]["path"] == "/usr/bin/cat"
    assert "host:web01" in {str(key) for key in entities_of(body)}


LOGGED_IN = {"type": "user", "user": "alice", "tty": "pts/0", "host": "192.0.2.9", "time": "1718452700", "pid": "9"}
SOCKET = {
    "action": "connect",
    "pid": "711",
    "path": "/usr/bin/curl",
    "auid": "1000",
    "family": "2",
    "protocol": "6",
    "local_address": "192.0.2.10",
    "local_port": "50100",
    "remote_address": "203.0.113.9",
    "remote_port": "443",
}
PORT = {"pid": "711", "port": "22", "protocol": "6", "address": "192.0.2.10", "name": "sshd", "path": "/usr/sbin/sshd"}
TABLES: list[tuple[str, dict[str, Any], str, tuple[int, int]]] = [
    ("pack_x_socket_events", SOCKET, "added", (4001, 1)),
    ("sockets", {**SOCKET, "action": "bind"}, "added", (4001, 99)),
    ("pack/x/file_events", {"target_path": "/etc/passwd", "action": "UPDATED", "md5": "a" * 32}, "added", (1001, 3)),
    ("pack_x_logged_in_users", LOGGED_IN, "added", (3002, 1)),
    ("pack_x_logged_in_users", LOGGED_IN, "removed", (3002, 2)),
    ("pack_x_logged_in_users", LOGGED_IN, "snapshot", (5017, 1)),
    ("last", {"username": "alice", "tty": "pts/0", "type": "8", "host": "192.0.2.9"}, "added", (3002, 2)),
    (
        "user_events",
        {"auid": "1000", "type": "1100", "message": "res=failed", "path": "/sbin/sshd"},
        "added",
        (3002, 1),
    ),
    ("pack_x_shell_history", {"command": "id", "username": "alice", "uid": "1000"}, "added", (1009, 1)),
    ("pack_x_crontab", {"command": "id", "path": "/etc/crontab", "minute": "1"}, "added", (5010, 1)),
    ("pack_x_listening_ports", PORT, "added", (5012, 1)),
    ("pack_x_processes", {"pid": 711, "name": "sshd", "path": "/usr/sbin/sshd"}, "snapshot", (5015, 1)),
    ("pack_x_systemd_units", {"id": "ssh.service", "load_state": "loaded"}, "added", (5016, 1)),
    ("pack_x_kernel_modules", {"name": "nf_tables", "used_by": "-"}, "added", (5006, 1)),
    ("pack_x_deb_packages", {"name": "openssl", "version": "3.0.1"}, "added", (5020, 2)),
    ("pack_x_users", {"username": "bob", "uid": "1001", "shell": "/bin/sh"}, "added", (5018, 1)),
    ("pack_x_file", {"path": "/etc/passwd", "sha256": "b" * 64}, "added", (5007, 1)),
    ("pack_x_os_version", {"name": "Ubuntu", "platform": "ubuntu"}, "snapshot", (5001, 2)),
    ("anything", {"a": "b"}, "added", (5001, 2)),
]


@pytest.mark.parametrize(("name", "columns", "action", "kind"), TABLES)
def test_tables(name: str, columns: dict[str, Any], action: str, kind: tuple[int, int]) -> None:
    event = rows(name, columns, action)
    assert (event.class_uid, event.ocsf["activity_id"]) == kind
    assert event.ocsf["unmapped"]["columns"] == columns


def test_what_rows_tell() -> None:
    logon = rows("pack_x_logged_in_users", LOGGED_IN)
    assert (logon.time, logon.ocsf["session"]["created_time"]) == (NOON, 1_718_452_700_000)
    assert {str(key) for key in entities_of(logon.ocsf)} == {"host:web01", "ip:192.0.2.9", "user:alice"}
    sockets = rows("socket_events", SOCKET).ocsf
    assert sockets["dst_endpoint"] == {"ip": "203.0.113.9", "port": 443}
    assert sockets["connection_info"] == {"direction_id": 2, "protocol_name": "tcp", "protocol_num": 6}
    assert rows("x_listening_ports", PORT).ocsf["state"] == "LISTEN"
    assert rows("x_users", TABLES[15][1], "removed").ocsf["query_result_id"] == 3
    failed = rows("user_events", TABLES[7][1]).ocsf
    assert failed["status_id"] == 2
    assert rows("os_version", TABLES[17][1]).ocsf["device"]["os"]["type_id"] == 200


def test_a_snapshot_is_one_event_a_row() -> None:
    data = [{"pid": str(number), "name": "a", "path": "/bin/a"} for number in (1, 2, 3)]
    events = every({**OTHERS, "name": "pack_x_processes", "action": "snapshot", "snapshot": data})
    assert [event.ocsf["process"]["pid"] for event in events] == [1, 2, 3]
    assert len({event.uid for event in events}) == 3


def test_a_batch_of_changes() -> None:
    changes = {"added": [{"username": "bob"}], "removed": [{"username": "eve", "uid": "9"}]}
    events = every({**OTHERS, "name": "pack_x_users", "diffResults": changes})
    assert [(event.ocsf["user"]["name"], event.ocsf["query_result_id"]) for event in events] == [("eve", 3), ("bob", 1)]


def test_a_batch_of_the_tls_logger() -> None:
    snapshot = {
        **OTHERS,
        "name": "pack_x_users",
        "action": "snapshot",
        "snapshot": [{"username": "a"}, {"username": "b"}],
    }
    events = every({"node_key": "secret", "log_type": "result", "data": [RESULT, snapshot]})
    assert [event.class_uid for event in events] == [1007, 5018, 5018]
    assert "node_key" not in events[0].native


def test_what_stands_beside_many_rows_is_not_multiplied() -> None:
    data = [{"username": f"u{number}"} for number in range(200)]
    heavy = {**OTHERS, "name": "q_users", "action": "snapshot", "snapshot": data, "decorations": {"x": "y" * 90_000}}
    events = every(heavy)
    assert len(events) == 200
    assert sum(len(event.ocsf["raw_data"]) for event in events) < 200_000
    assert events[0].ocsf["device"]["hostname"] == "web01.example.com"


def test_too_many_rows_are_refused_not_cut_off() -> None:
    data = [{"a": str(number)} for number in range(MAX_PARTS + 1)]
    refused = SOURCE.parse_all(record({**OTHERS, "name": "q", "action": "snapshot", "snapshot": data}))
    assert isinstance(refused, ParseError)
    assert str(MAX_PARTS) in refused.reason


def test_an_empty_snapshot_is_still_an_event() -> None:
    event = every({**OTHERS, "name": "pack_x_users", "action": "snapshot", "snapshot": []})[0]
    assert event.class_uid == 5001


def test_the_status_log() -> None:
    line = {
        "hostIdentifier": "web01",
        "calendarTime": RESULT["calendarTime"],
        "severity": "2",
        "filename": "scheduler.cpp",
        "line": "75",
        "message": "Error executing scheduled query",
    }
    event = every(line)[0]
    assert (event.class_uid, event.ocsf["message"], event.time) == (1008, line["message"], NOON)
    assert event.ocsf["severity_id"] == 3


def test_the_host() -> None:
    uuid = RESULT["decorations"]["host_uuid"]
    named = every({**RESULT, "hostIdentifier": uuid, "decorations": {"hostname": "db01"}})[0]
    assert (named.ocsf["device"]["hostname"], named.ocsf["device"]["uid"]) == ("db01", uuid)
    bare = {"name": "q", "action": "added", "columns": {"a": "b"}}
    one, two = every(bare, host="a")[0], every(bare, host="b")[0]
    assert (one.ocsf["device"]["hostname"], one.uid == two.uid) == ("a", False)


def test_others_are_not_claimed() -> None:
    for data in (
        {},
        {"name": "x", "action": "y"},
        {"columns": {}, "action": "added"},
        {"data": [1], "log_type": "result"},
    ):
        assert isinstance(SOURCE.parse(record(data)), ParseError)
        assert not SOURCE.recognize(b"", data)


def test_hostile_records() -> None:
    samples = [{**OTHERS, "name": name, "columns": columns, "action": action} for name, columns, action, _ in TABLES]
    batch = {
        "log_type": "result",
        "data": [RESULT, {**OTHERS, "name": "q", "action": "snapshot", "snapshot": [{"a": 1}]}],
    }
    samples += [RESULT, batch, {**OTHERS, "name": "q", "diffResults": {"added": [LOGGED_IN], "removed": []}}]
    fuzz.json_records(SOURCE, samples, runs=1200)
    fuzz.every_part_wrong(SOURCE, [samples[0], samples[3], samples[10]])
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, RESULT, ("name", "hostIdentifier", "columns", "decorations"))

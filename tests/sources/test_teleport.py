from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.event import LogSource
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.saas.teleport import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, all_become_events, entities, kind, parsed, record, recorded

COMMON: dict[str, Any] = {
    "cluster_name": "teleport.example.com",
    "ei": 3,
    "time": "2024-06-15T12:00:00.25Z",
    "uid": "8ea5be3d-07b1-4308-8e0d-2d2ec57cbb20",
    "user": "alice",
}
LOGIN = COMMON | {
    "event": "user.login",
    "code": "T1000I",
    "method": "saml",
    "success": True,
    "addr.remote": "203.0.113.7:51752",
    "mfa_device": {"mfa_device_name": "key", "mfa_device_type": "WebAuthn", "mfa_device_uuid": "1"},
    "user_agent": "Mozilla/5.0",
}
NODE: dict[str, Any] = COMMON | {
    "sid": "8d57a9d5-3848-5ce2-a326-85eb4a6d2eed",
    "server_id": "e75992b4-9e27-456f-b1c9-7a32da83c661",
    "server_hostname": "web-1.example.com",
    "login": "deploy",
}
SESSION = NODE | {"event": "session.start", "code": "T2000I", "addr_remote": "[2001:db8::7]:5022", "proto": "ssh"}
COMMAND: dict[str, Any] = NODE | {
    "event": "session.command",
    "code": "T4000I",
    "argv": ["-p", "1-1000"],
    "path": "/usr/bin/nmap",
    "program": "nmap",
    "pid": 7143,
    "ppid": 7115,
    "return_code": 0,
}
DISK = NODE | {"event": "session.disk", "code": "T4001I", "path": "/etc/shadow", "pid": 7143, "program": "cat"}
NETWORK = NODE | {
    "event": "session.network",
    "code": "T4002I",
    "src_addr": "192.0.2.5",
    "dst_addr": "198.51.100.9",
    "dst_port": 443,
    "pid": 7143,
    "program": "curl",
}
QUERY = COMMON | {
    "event": "db.session.query",
    "code": "TDB02I",
    "sid": "307b49d6-56c7-4d20-8cf0-5bc5348a7101",
    "db_name": "shop",
    "db_protocol": "postgres",
    "db_query": "select 1",
    "db_user": "alice",
    "success": True,
}
ROLE = COMMON | {"event": "role.created", "code": "T9000I", "name": "admin"}
SAMPLES = (LOGIN, SESSION, COMMAND, DISK, NETWORK, QUERY, ROLE)


def test_login() -> None:
    event = parsed(SOURCE, LOGIN)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert event.time == NOON + 250
    assert body["status_id"] == 1
    assert body["auth_protocol_id"] == 5
    assert body["auth_factors"] == [{"factor_type": "WebAuthn", "factor_type_id": 10}]
    assert body["is_mfa"] is True
    assert body["metadata"]["original_event_uid"] == COMMON["uid"]
    assert body["metadata"]["event_code"] == "T1000I"
    assert body["unmapped"]["mfa_device"] == LOGIN["mfa_device"]
    assert entities(event) == ["ip:203.0.113.7", "user:alice"]
    assert event.logsource == LogSource("teleport", "audit")
    assert event.native["event"] == "user.login"


def test_failed_login() -> None:
    body = parsed(SOURCE, LOGIN | {"code": "T1000W", "success": False, "error": "bad password"}).ocsf
    assert (body["status_id"], body["status_detail"], body["severity_id"]) == (2, "bad password", 3)


def test_session_is_ssh_from_the_client_to_the_node() -> None:
    event = parsed(SOURCE, SESSION)
    assert kind(event) == (4007, 1)
    assert event.ocsf["src_endpoint"] == {"ip": "2001:db8::7", "port": 5022}
    assert event.ocsf["dst_endpoint"]["hostname"] == "web-1.example.com"
    assert entities(event) == ["host:web-1", "ip:2001:db8::7", f"session:{NODE['sid']}", "user:alice"]


def test_command_in_a_session() -> None:
    event = parsed(SOURCE, COMMAND)
    process = event.ocsf["process"]
    assert kind(event) == (1007, 1)
    assert process["cmd_line"] == "/usr/bin/nmap -p 1-1000"
    assert (process["pid"], process["parent_process"]) == (7143, {"pid": 7115})
    assert process["user"] == {"name": "deploy"}
    assert entities(event) == ["host:web-1", f"session:{NODE['sid']}", "user:alice", "user:deploy"]


def test_exec_names_its_command() -> None:
    values = {name: COMMAND[name] for name in NODE} | {
        "event": "exec",
        "code": "T3002I",
        "command": "id",
        "exitCode": "1",
    }
    body = parsed(SOURCE, values).ocsf
    assert (body["process"]["cmd_line"], body["exit_code"]) == ("id", 1)


def test_files_and_connections_of_a_session() -> None:
    disk, network = parsed(SOURCE, DISK), parsed(SOURCE, NETWORK)
    assert kind(disk) == (1001, 14)
    assert disk.ocsf["file"] == {"name": "shadow", "path": "/etc/shadow", "type_id": 1}
    assert kind(network) == (4001, 1)
    assert network.ocsf["dst_endpoint"] == {"ip": "198.51.100.9", "port": 443}
    assert kind(parsed(SOURCE, NODE | {"event": "scp", "code": "T3005I", "action": "download", "path": "/a"})) == (
        1001,
        2,
    )


def test_query() -> None:
    event = parsed(SOURCE, QUERY)
    assert kind(event) == (6005, 4)
    assert event.ocsf["database"] == {"type_id": 1, "name": "shop", "type": "postgres"}
    assert event.ocsf["query_info"]["query_string"] == "select 1"
    assert entities(event) == [f"session:{QUERY['sid']}", "user:alice"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user.create", (3001, 1)),
        ("mfa.delete", (3001, 11)),
        ("user.password_change", (3001, 3)),
        ("cert.create", (3002, 3)),
        ("app.session.start", (3002, 1)),
        ("session.end", (4007, 2)),
        ("session.rejected", (4007, 5)),
        ("access_request.create", (3005, 99)),
        ("role.created", (3004, 1)),
        ("saml.deleted", (3004, 4)),
        ("db.session.end", (6003, 99)),
        ("kube.request", (6003, 99)),
        ("never.heard.of", (6003, 99)),
    ],
)
def test_events(name: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, COMMON | {"event": name, "code": "T0000I", "name": "bob"})
    assert kind(event) == expected
    assert event.ocsf.get("activity_name") == (name if expected[1] == 99 else None)


def test_reviewed_access_request_assigns_roles() -> None:
    review = COMMON | {"event": "access_request.review", "code": "T5002I", "state": "APPROVED", "roles": ["admin"]}
    event = parsed(SOURCE, review)
    assert kind(event) == (3005, 1)
    assert event.ocsf["privileges"] == ["admin"]


def test_host_of_the_shipper_counts_where_none_is_named() -> None:
    values = {name: value for name, value in COMMAND.items() if not name.startswith("server_")}
    raw = record(SOURCE, values).raw
    found = [
        SOURCE.parse(RawRecord("teleport", raw, Coordinates("t", 0, 1), 0, (), Context(host=host)))
        for host in ("a1", "b1")
    ]
    assert [event.ocsf["device"]["hostname"] for event in found if not isinstance(event, ParseError)] == ["a1", "b1"]
    assert len({event.uid for event in found if not isinstance(event, ParseError)}) == 2


@pytest.mark.parametrize(
    "value", [{}, {"event": "user.login"}, {"event": "x", "code": 1}, {"event": {}, "code": "T1000I"}]
)
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, SAMPLES)
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, COMMAND, ["argv", "path", "user", "event"])


def test_recorded_telemetry(shared: Path) -> None:
    all_become_events(SOURCE, recorded(shared, "gravitational_teleport"))

"""Elastic Common Schema: what the categorization fields mean, nested or flat, and alerts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from models.event import LogSource
from models.records import ParseError
from streams.detect.record import Record
from streams.sources.ecs.fields import nested
from streams.sources.ecs.source import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import kind, names, one, raw

NOON = 1_718_452_800_000
BASE = {
    "@timestamp": "2024-06-15T12:00:00.000Z",
    "ecs": {"version": "8.11.0"},
    "agent": {"type": "endpoint", "id": "a-1", "version": "8.14.0"},
    "host": {"name": "ws-0042", "hostname": "ws-0042", "ip": ["127.0.0.1", "10.20.1.42"], "os": {"type": "windows"}},
    "user": {"name": "alice", "domain": "CORP", "id": "S-1-5-21-1-2-3-1001"},
    "process": {
        "pid": 4242,
        "entity_id": "p-2",
        "name": "cmd.exe",
        "executable": "C:\\Windows\\System32\\cmd.exe",
        "command_line": "cmd /c whoami",
        "hash": {"sha256": "a" * 64},
        "parent": {"pid": 100, "entity_id": "p-1", "executable": "C:\\Windows\\explorer.exe"},
    },
}


def doc(category: str, types: list[str], action: str = "", **more: Any) -> dict[str, Any]:
    event = {
        "category": [category],
        "type": types,
        "action": action,
        "id": "e-1",
        "dataset": "x.events",
        "kind": "event",
    }
    return {**BASE, "event": event, **more}


def off_host(category: str, types: list[str], action: str = "", **more: Any) -> dict[str, Any]:
    made = doc(category, types, action, **more)
    return {name: value for name, value in made.items() if name not in {"host", "process"}}


SOURCE_END = {"ip": "10.20.1.42", "port": 50000, "bytes": 100, "packets": 2, "mac": "AA-BB-CC-00-11-22"}
TARGET_END = {"ip": "203.0.113.9", "port": 443, "domain": "www.example.com", "bytes": 900, "packets": 3}
ENDS = {"source": SOURCE_END, "destination": TARGET_END, "network": {"transport": "tcp", "direction": "egress"}}
DNS = {
    "id": "7",
    "question": {"name": "c2.example.net", "type": "A"},
    "answers": [{"data": "198.51.100.7", "type": "A", "ttl": 60}],
    "response_code": "NOERROR",
}
WEB = {
    "http": {"version": "1.1", "request": {"method": "GET"}, "response": {"status_code": 200, "body": {"bytes": 5}}},
    "url": {"full": "https://www.example.com/a/b.exe?q=1", "domain": "www.example.com"},
    "user_agent": {"original": "curl/8"},
}
RULE = {
    "name": "Suspicious Shell",
    "uuid": "r-1",
    "rule_id": "rule-1",
    "description": "A shell",
    "threat": [
        {
            "framework": "MITRE ATT&CK",
            "tactic": {"id": "TA0002", "name": "Execution"},
            "technique": [{"id": "T1059", "subtechnique": [{"id": "T1059.003"}]}],
        }
    ],
}
RECORDS = {
    "launch": doc("process", ["start"], "start"),
    "end": doc("process", ["end"], "end"),
    "file": doc("file", ["creation"], "creation", file={"path": "C:\\temp\\a.exe", "hash": {"md5": "b" * 32}}),
    "rename": doc("file", ["change"], "rename", file={"path": "/b", "Ext": {"original": {"path": "/a"}}}),
    "registry": doc(
        "registry",
        ["change"],
        "modification",
        registry={"hive": "HKLM", "key": "SOFTWARE\\Run", "value": "x", "data": {"strings": ["evil"]}},
    ),
    "key": doc("registry", ["creation"], "creation", registry={"path": "HKLM\\SOFTWARE\\New"}),
    "library": doc("library", ["start"], "load", dll={"path": "C:\\temp\\a.dll", "hash": {"sha1": "c" * 40}}),
    "driver": doc("driver", ["start"], "load", dll={"path": "C:\\temp\\a.sys"}),
    "network": doc("network", ["start", "connection"], "connection_attempted", **ENDS),
    "firewall": off_host("network", ["denied"], "flow-denied", **ENDS),
    "dns": doc("network", ["protocol"], "lookup_result", dns=DNS),
    "web": off_host("web", ["access"], "", **WEB, **ENDS),
    "login": doc("authentication", ["start"], "user_login", source={"ip": "198.51.100.7"}),
    "logout": doc("session", ["end"], "logged-out"),
    "account": doc("iam", ["user", "creation"], "added", user={"name": "admin", "target": {"name": "bob"}}),
    "group": doc("iam", ["group", "change"], "added-member-to-group", group={"name": "Admins"}),
    "package": doc("package", ["installation"], "package_installed"),
    "alert": doc("malware", ["info"], "execution", message="Malware Prevention Alert", **ENDS, rule=RULE),
}
RECORDS["alert"]["event"] |= {"kind": "alert", "severity": 73, "code": "malicious_file"}
RECORDS["kibana"] = {
    **BASE,
    "event": {"kind": "signal", "category": ["process"]},
    "kibana.alert.uuid": "al-1",
    "kibana.alert.rule.name": "Suspicious Shell",
    "kibana.alert.rule.rule_id": "rule-1",
    "kibana.alert.rule.threat": RULE["threat"],
    "kibana.alert.severity": "critical",
    "kibana.alert.risk_score": 91,
    "kibana.alert.workflow_status": "open",
}
KINDS = {
    "launch": (1007, 1),
    "end": (1007, 2),
    "file": (1001, 1),
    "rename": (1001, 5),
    "registry": (201002, 2),
    "key": (201001, 1),
    "library": (1005, 1),
    "driver": (1002, 1),
    "network": (4001, 1),
    "firewall": (4001, 5),
    "dns": (4003, 2),
    "web": (4002, 3),
    "login": (3002, 1),
    "logout": (3002, 2),
    "account": (3001, 1),
    "group": (3006, 3),
    "package": (1008, 99),
    "alert": (2004, 1),
    "kibana": (2004, 1),
}


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {prefix + name: item}
    return found


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("form", [dict, flat])
def test_what_each_category_becomes(name: str, form: Any) -> None:
    event = one(SOURCE, form(RECORDS[name]))
    assert kind(event) == KINDS[name]
    assert event.time == NOON


def test_flat_and_nested_documents_read_alike() -> None:
    for record in RECORDS.values():
        bodies = [one(SOURCE, form(record)).ocsf for form in (dict, flat)]
        for body in bodies:
            for name in ("metadata", "raw_data", "raw_data_hash"):
                body.pop(name)
        assert bodies[0] == bodies[1]


def test_what_stands_in_the_way_of_a_dotted_name_stays() -> None:
    assert nested({"a": 1, "a.b": 2, "c.d": 3, "c": {"e": 4}}) == {"a": 1, "a.b": 2, "c": {"e": 4, "d": 3}}
    assert nested({"a.b": 1, "a.b.c": 2}) == {"a": {"b": 1}, "a.b.c": 2}


def test_a_process_under_the_names_of_sigma_and_of_ecs() -> None:
    event = one(SOURCE, RECORDS["launch"])
    assert event.logsource == LogSource("windows", "", ("process_creation",))
    native = Record(event.native)
    assert native.texts("Image") == ("C:\\Windows\\System32\\cmd.exe",)
    assert native.texts("ParentImage") == ("C:\\Windows\\explorer.exe",)
    assert native.texts("CommandLine") == ("cmd /c whoami",)
    assert native.texts("process.parent.executable") == ("C:\\Windows\\explorer.exe",)
    assert Record(one(SOURCE, flat(RECORDS["launch"])).native).texts("process.pid") == ("4242",)
    assert names(event) == {"host:ws-0042", "ip:10.20.1.42", "user:corp\\alice"}
    assert event.ocsf["metadata"]["original_event_uid"] == "e-1"


def test_a_registry_value_as_sysmon_writes_it() -> None:
    native = Record(one(SOURCE, RECORDS["registry"]).native)
    assert native.texts("TargetObject") == ("HKLM\\SOFTWARE\\Run\\x",)
    assert native.texts("Details") == ("evil",)


def test_connections() -> None:
    event = one(SOURCE, RECORDS["network"])
    assert event.logsource.categories == ("network_connection",)
    assert Record(event.native).texts("Initiated") == ("true",)
    assert Record(event.native).texts("DestinationIp") == ("203.0.113.9",)
    assert event.ocsf["traffic"]["bytes"] == 1000
    assert event.ocsf["dst_endpoint"]["hostname"] == "www.example.com"
    denied = one(SOURCE, RECORDS["firewall"])
    assert denied.logsource.categories == ("firewall",)
    assert denied.ocsf["disposition"] == "Blocked"
    assert Record(denied.native).texts("dst_port") == ("443",)


def test_dns_and_web() -> None:
    asked = one(SOURCE, RECORDS["dns"])
    assert asked.ocsf["answers"] == [{"rdata": "198.51.100.7", "type": "A", "ttl": 60}]
    assert set(asked.logsource.categories) == {"dns_query", "dns"}
    assert Record(asked.native).texts("QueryName") == ("c2.example.net",)
    web = one(SOURCE, RECORDS["web"])
    assert (web.ocsf["http_status"], web.ocsf["status"]) == (200, "Success")
    assert Record(web.native).texts("c-uri-extension") == ("exe",)
    assert "proxy" in web.logsource.categories


def test_sign_ins_and_accounts() -> None:
    failed = doc("authentication", ["start"], "ssh_login", source={"ip": "198.51.100.7"})
    failed["event"]["outcome"] = "failure"
    event = one(SOURCE, failed)
    assert (event.ocsf["status"], event.domain) == ("Failure", "identity")
    assert {"user:corp\\alice", "ip:198.51.100.7", "host:ws-0042"} <= names(event)
    account = one(SOURCE, RECORDS["account"]).ocsf
    assert (account["user"]["name"], account["actor"]["user"]["name"]) == ("bob", "admin")


def test_alerts_of_either_kind() -> None:
    defend, kibana = one(SOURCE, RECORDS["alert"]), one(SOURCE, RECORDS["kibana"])
    for event in (defend, kibana):
        info = event.ocsf["finding_info"]
        assert info["analytic"]["uid"] == "rule-1"
        assert info["title"] == "Suspicious Shell"
        assert info["attacks"] == [{"technique": {"uid": "T1059"}, "sub_technique": {"uid": "T1059.003"}}]
        assert event.domain == "workload"
        assert {"host:ws-0042", "user:corp\\alice"} <= names(event)
    assert (defend.ocsf["severity_id"], kibana.ocsf["severity_id"]) == (4, 5)
    assert (kibana.ocsf["finding_info"]["uid"], kibana.ocsf["risk_score"]) == ("al-1", 91)
    closed = {**RECORDS["kibana"], "kibana.alert.workflow_status": "closed"}
    assert one(SOURCE, closed).ocsf["activity_id"] == 3


def test_cloud_and_container_are_entities() -> None:
    where = {
        "cloud": {"provider": "aws", "account": {"id": "111122223333"}, "instance": {"id": "i-0123456789abcdef0"}},
        "container": {"id": "d" * 64, "image": {"name": "nginx:1"}},
    }
    event = one(SOURCE, doc("process", ["start"], "exec", **where))
    assert {"account:111122223333", "workload:i-0123456789abcdef0", f"workload:{'d' * 12}"} <= names(event)


def test_windows_documents_are_read_as_such() -> None:
    record = {
        "@timestamp": "2024-06-15T12:00:00.000Z",
        "event": {"kind": "event", "code": "4624"},
        "winlog": {"event_id": "4624", "channel": "Security", "computer_name": "ws-1", "provider_name": "x"},
    }
    data = orjson.dumps(record)
    assert not SOURCE.recognize(data, record)
    event = SOURCE.parse(raw(SOURCE, record))
    assert not isinstance(event, ParseError)
    assert event.logsource.product == "windows"


@pytest.mark.parametrize(
    "value",
    [
        {"@timestamp": "2024-06-15T12:00:00Z", "message": "a line", "ecs": {"version": "8"}, "event": {"dataset": "x"}},
        {"event": {"category": "process"}},
        {"@timestamp": "2024-06-15T12:00:00Z"},
    ],
)
def test_wrapped_lines_are_none(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"{}", value)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, [*RECORDS.values(), *(flat(record) for record in RECORDS.values())], runs=1500)
    fuzz.anything(SOURCE, examples=60)
    fuzz.too_much(SOURCE, RECORDS["network"], ["process", "user", "event", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p"])

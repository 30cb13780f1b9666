from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import orjson
import pytest

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.linux.sysmon import SOURCE
from streams.sources.windows.source import SOURCE as WINDOWS
from tests.sources import fuzz

AT = Coordinates("raw.sysmon_linux", 0, 1)
TIME = 1_718_452_800_123
COMMAND = "bash -c 'a && b < \"c\"'"
IMAGE = {
    "RuleName": "-",
    "UtcTime": "2024-06-15 12:00:00.100",
    "ProcessGuid": "{0a1b2c3d-0001-6000-0100-000000000100}",
    "ProcessId": "711",
    "Image": "/usr/bin/bash",
    "User": "alice",
}
LAUNCH = {
    **IMAGE,
    "CommandLine": COMMAND,
    "CurrentDirectory": "/home/alice",
    "LogonGuid": "{0a1b2c3d-0000-0000-e803-000000000000}",
    "LogonId": "1000",
    "TerminalSessionId": "3",
    "IntegrityLevel": "no level",
    "Hashes": "SHA256=" + "ab" * 32,
    "ParentProcessGuid": "{0a1b2c3d-0001-6000-0100-000000000099}",
    "ParentProcessId": "700",
    "ParentImage": "/usr/sbin/sshd",
    "ParentCommandLine": "sshd: alice",
    "ParentUser": "root",
}
CONNECTION = {
    **IMAGE,
    "Protocol": "tcp",
    "Initiated": "true",
    "SourceIp": "192.0.2.10",
    "SourceHostname": "-",
    "SourcePort": "50100",
    "DestinationIp": "203.0.113.9",
    "DestinationHostname": "-",
    "DestinationPort": "4444",
}
CREATED = {**IMAGE, "TargetFilename": "/tmp/x.sh", "CreationUtcTime": "2024-06-15 12:00:00.099"}  # noqa: S108  # a name


def xml(event_id: int, data: dict[str, str]) -> str:
    fields = "".join(f'<Data Name="{name}">{escape(value)}</Data>' for name, value in data.items())
    return (
        '<Event><System><Provider Name="Linux-Sysmon" Guid="{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"/>'
        f"<EventID>{event_id}</EventID><Version>5</Version><Level>4</Level><Task>{event_id}</Task><Opcode>0</Opcode>"
        '<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="2024-06-15T12:00:00.123456000Z"/>'
        '<EventRecordID>42</EventRecordID><Correlation/><Execution ProcessID="9" ThreadID="9"/>'
        "<Channel>Linux-Sysmon/Operational</Channel><Computer>web01.example.com</Computer>"
        f'<Security UserId="0"/></System><EventData>{fields}</EventData></Event>'
    )


def as_object(event_id: int, data: dict[str, str]) -> dict[str, Any]:
    system = {
        "Provider": {"#attributes": {"Name": "Linux-Sysmon"}},
        "EventID": event_id,
        "TimeCreated": {"#attributes": {"SystemTime": "2024-06-15T12:00:00.123456Z"}},
        "EventRecordID": 42,
        "Channel": "Linux-Sysmon/Operational",
        "Computer": "web01.example.com",
    }
    return {"Event": {"System": system, "EventData": data}}


def record(data: str | dict[str, Any]) -> RawRecord:
    raw = data.encode() if isinstance(data, str) else orjson.dumps(data)
    return RawRecord("sysmon_linux", raw, AT, TIME, context=Context(host="relay"))


def parsed(data: str | dict[str, Any]) -> Event:
    one = record(data)
    event = SOURCE.parse(one)
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == [], data
    assert SOURCE.recognize(one.raw, data if isinstance(data, dict) else None)
    assert event.ocsf["raw_data"] == one.raw.decode()
    return event


FLAT = {
    "EventID": 1,
    "Channel": "Linux-Sysmon/Operational",
    "Provider_Name": "Linux-Sysmon",
    "Hostname": "web01.example.com",
    "TimeCreated": "2024-06-15T12:00:00.123Z",
    "EventRecordID": 42,
    **LAUNCH,
}


@pytest.mark.parametrize(
    "data",
    [
        xml(1, LAUNCH),
        f"<14>Jun 15 12:00:00 web01 sysmon: {xml(1, LAUNCH)}",
        f"<14>1 2024-06-15T12:00:00Z web01 sysmon 9 - - {xml(1, LAUNCH)}",
        {"SyslogMessage": xml(1, LAUNCH), "Computer": "web01", "ProcessName": "sysmon"},
        {"MESSAGE": xml(1, LAUNCH), "SYSLOG_IDENTIFIER": "sysmon", "_HOSTNAME": "web01"},
        as_object(1, LAUNCH),
        FLAT,
    ],
)
def test_forms(data: str | dict[str, Any]) -> None:
    event = parsed(data)
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], event.time) == (1007, 1, TIME)
    process = body["process"]
    assert (process["pid"], process["cmd_line"], process["file"]["path"]) == (711, COMMAND, "/usr/bin/bash")
    assert process["parent_process"]["cmd_line"] == "sshd: alice"
    assert process["user"] == {"name": "alice", "type_id": 1, "uid": "1000"}
    assert process["session"] == {"uid": "3"}
    assert "integrity" not in process
    assert body["device"]["hostname"] == "web01.example.com"
    assert body["device"]["os"]["type_id"] == 200
    assert body["metadata"]["original_event_uid"] == "42"
    assert body["unmapped"]["IntegrityLevel"] == "no level"
    assert event.native["CommandLine"] == COMMAND
    assert (event.logsource.product, event.logsource.categories) == ("linux", ("process_creation",))
    assert {str(key) for key in entities_of(body)} == {
        "host:web01",
        "session:web01/3",
        "user:alice",
        "user:web01\\root",
    }


def test_a_connection() -> None:
    event = parsed(xml(3, CONNECTION))
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"]) == (4001, 1)
    assert body["dst_endpoint"] == {"ip": "203.0.113.9", "port": 4444}
    assert event.native["Initiated"] == "true"
    assert event.logsource.categories == ("network_connection",)


@pytest.mark.parametrize(
    ("event_id", "data", "kind", "category"),
    [
        (5, IMAGE, (1007, 2), "process_termination"),
        (11, CREATED, (1001, 1), "file_event"),
        (23, CREATED, (1001, 4), "file_delete"),
        (9, {**IMAGE, "Device": "/dev/sda"}, (1001, 2), "raw_access_thread"),
        (4, {"State": "Started", "Version": "1.3.3"}, (1008, 6), "sysmon_status"),
        (16, {"Configuration": "/opt/sysmon/config.xml"}, (1008, 99), "sysmon_status"),
        (255, {"ID": "x", "Description": "y"}, (1008, 99), ""),
        (777, {"A": "b"}, (1008, 99), ""),
        (1, {"RuleName": "-"}, (1008, 99), "process_creation"),
    ],
)
def test_other_events(event_id: int, data: dict[str, str], kind: tuple[int, int], category: str) -> None:
    event = parsed(xml(event_id, data))
    assert (event.class_uid, event.ocsf["activity_id"]) == kind
    assert event.logsource.categories[:1] == ((category,) if category else event.logsource.categories[:1])
    if category:
        assert category in event.logsource.categories


def test_ids_that_linux_does_not_have_become_log_events() -> None:
    for event_id in (8, 10, 13, 19, 24):
        event = parsed(xml(event_id, {**LAUNCH, "Name": "x", "TargetObject": "y"}))
        assert (event.class_uid, event.logsource.categories) == (1008, ())


def test_no_entities_and_no_parser() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + xml(1, {**LAUNCH})
    bomb = bomb.replace("/usr/bin/bash", "&b;&#65;&#x42;&#xD800;&#9999999;&copy;")
    assert parsed(bomb).native["Image"] == "&b;AB\ufffd\ufffd&copy;"


def test_an_event_that_was_cut_off() -> None:
    cut = xml(1, LAUNCH)
    event = parsed(cut[: cut.index('<Data Name="CurrentDirectory"')])
    assert event.ocsf["process"]["cmd_line"] == COMMAND


def test_others_are_not_claimed() -> None:
    windows = '<Event><System><Provider Name="Microsoft-Windows-Sysmon"/><EventID>1</EventID></System></Event>'
    for data in (windows, "<Event></Event>", "x", "{}", '{"EventID": 1, "Channel": "Security"}'):
        assert isinstance(SOURCE.parse(record(data)), ParseError)
        assert not SOURCE.recognize(data.encode(), orjson.loads(data) if data[:1] == "{" else None)
    for ours in (as_object(1, LAUNCH), FLAT):
        assert isinstance(WINDOWS.parse(record(ours)), ParseError)


def test_hostile_records() -> None:
    samples = (xml(1, LAUNCH), xml(3, CONNECTION), xml(11, CREATED), xml(5, IMAGE))
    fuzz.text_records(SOURCE, [sample.encode() for sample in samples])
    fuzz.json_records(SOURCE, [as_object(1, LAUNCH), FLAT, {"SyslogMessage": samples[0], "HostIP": "192.0.2.1"}])
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, FLAT, ("CommandLine", "User", "Image"))


@pytest.mark.parametrize("unit", ["<Event>", '<Data Name="a">', "<EventID>", "&#", "<Provider Name='", "&amp;"])
def test_long_lines_take_no_time(unit: str) -> None:
    for start in ("", xml(1, LAUNCH)[:-60], '<Event><System><Provider Name="Linux-Sysmon"/>'):
        assert SOURCE.parse(record(start + unit * (1_000_000 // len(unit)))) is not None

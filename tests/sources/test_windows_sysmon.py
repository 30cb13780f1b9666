"""What the OCSF events made of Sysmon's records say."""

from __future__ import annotations

from typing import Any

import pytest

from models.ocsf_schema import validate
from tests.sources.windows_cases import BETWEEN, INJECTED, PARENT
from tests.sources.windows_records import HASHES, IMAGE, evtx_dump, flat, parse, sysmon

AGENT = {
    "pid": 4321,
    "uid": "0a1b2c3d-0001-6000-0100-000000000100",
    "name": "agent.exe",
    "file": {"name": "agent.exe", "path": "C:\\Tools\\agent.exe", "type_id": 1},
}
ALICE = {"name": "alice", "domain": "EXAMPLE", "type_id": 1}


def ocsf(event_id: int, **data: Any) -> dict[str, Any]:
    made = parse(flat(sysmon(event_id, **data))).ocsf
    assert validate(made) == []
    return made


def test_process_creation() -> None:
    made = ocsf(
        1,
        **IMAGE,
        **PARENT,
        CommandLine="agent.exe -x",
        CurrentDirectory="C:\\",
        LogonId="0x1A2B3",
        IntegrityLevel="High",
        Hashes=HASHES,
        OriginalFileName="real.exe",
        Company="Example",
        Product="Agent",
    )
    process = made["process"]
    parent = process["parent_process"]
    assert (process["pid"], process["uid"]) == (AGENT["pid"], AGENT["uid"])
    assert (process["cmd_line"], process["working_directory"]) == ("agent.exe -x", "C:\\")
    assert (process["user"], process["session"]) == (ALICE, {"uid": "0x1a2b3"})
    assert (process["integrity"], process["integrity_id"]) == ("High", 4)
    assert [print_["algorithm_id"] for print_ in process["file"]["hashes"]] == [2, 1, 3, 18]
    assert process["file"]["internal_name"] == "real.exe"
    assert process["file"]["product"] == {"name": "Agent"}
    assert (parent["pid"], parent["name"], parent["cmd_line"]) == (800, "explorer.exe", "C:\\Windows\\explorer.exe")
    assert made["actor"] == {"process": parent, "user": ALICE}


def test_a_guid_reads_the_same_with_and_without_braces() -> None:
    bare = parse(evtx_dump(sysmon(5, ProcessGuid="0A1B2C3D-0001-6000-0100-000000000100", ProcessId=4321))).ocsf
    assert bare["process"]["uid"] == AGENT["uid"]
    null = ocsf(5, ProcessGuid="{00000000-0000-0000-0000-000000000000}", ProcessId="4")
    assert "uid" not in null["process"]


def test_process_access() -> None:
    made = ocsf(10, **BETWEEN, GrantedAccess="0x1410", CallTrace="ntdll.dll+1")
    assert made["actor"] == {"process": {**AGENT, "tid": 55}, "user": ALICE}
    assert made["process"]["name"] == "lsass.exe"
    assert made["process"]["user"] == {"name": "SYSTEM", "domain": "NT AUTHORITY", "type_id": 3}
    assert made["actual_permissions"] == 0x1410
    assert made["unmapped"] == {"CallTrace": "ntdll.dll+1"}


def test_remote_thread() -> None:
    made = ocsf(8, **INJECTED, StartAddress="0x7FF0", StartModule="C:\\b.dll", StartFunction="LoadLibraryA")
    assert (made["injection_type_id"], made["actor"]["process"]["pid"], made["process"]["pid"]) == (1, 4321, 624)
    assert made["module"]["function_name"] == "LoadLibraryA"
    assert made["module"]["file"]["name"] == "b.dll"


@pytest.mark.parametrize(("status", "state_id"), [("Valid", 1), ("Expired", 2), ("Revoked", 3), ("Unavailable", 99)])
def test_image_load(status: str, state_id: int) -> None:
    made = ocsf(7, **IMAGE, ImageLoaded="C:\\b.dll", Hashes=HASHES, Signed="true", SignatureStatus=status)
    assert made["module"]["file"]["path"] == "C:\\b.dll"
    assert made["module"]["file"]["signature"] == {"algorithm_id": 4, "state_id": state_id, "state": status}
    assert made["actor"] == {"process": AGENT, "user": ALICE}


def test_a_driver_has_no_process_and_its_provider_acts() -> None:
    made = ocsf(6, ImageLoaded="C:\\a.sys", Hashes="SHA256=00")
    assert made["driver"]["file"]["hashes"] == [{"algorithm_id": 3, "algorithm": "SHA-256", "value": "00"}]
    assert made["actor"] == {"app_name": "Microsoft-Windows-Sysmon"}


def test_hashes_of_no_known_form_stay_unmapped() -> None:
    assert ocsf(6, ImageLoaded="C:\\a.sys", Hashes="none")["unmapped"] == {"Hashes": "none"}


def test_files() -> None:
    made = ocsf(11, **IMAGE, TargetFilename="C:\\Temp\\x.exe", CreationUtcTime="2024-06-15 12:00:00.123")
    assert made["file"] == {
        "name": "x.exe",
        "path": "C:\\Temp\\x.exe",
        "type_id": 1,
        "created_time": 1_718_452_800_123,
    }
    assert ocsf(29, **IMAGE, TargetFilename="C:\\x.exe")["file"]["type_id"] == 8
    assert ocsf(23, **IMAGE, TargetFilename="C:\\x.exe", IsExecutable="true")["file"]["type_id"] == 8
    assert ocsf(17, **IMAGE, PipeName="\\agent")["file"] == {"name": "agent", "path": "\\agent", "type_id": 6}
    assert ocsf(15, **IMAGE, TargetFilename="C:\\x:y", Hash=HASHES)["file"]["hashes"]
    blocked = ocsf(27, **IMAGE, TargetFilename="C:\\x.exe")
    assert (blocked["action_id"], blocked["disposition_id"]) == (2, 2)


@pytest.mark.parametrize(("initiated", "direction"), [("true", 2), ("false", 1), ("True", 2), ("maybe", 0), (True, 2)])
def test_connections(initiated: object, direction: int) -> None:
    made = ocsf(
        3,
        **IMAGE,
        Protocol="udp",
        Initiated=initiated,
        SourceIp="192.0.2.10",
        SourcePort="50000",
        SourceHostname="ws01.example.com",
        DestinationIp="2001:db8:0:0:0:0:0:7",
        DestinationPort=53,
        DestinationPortName="domain",
    )
    assert made["src_endpoint"] == {"ip": "192.0.2.10", "port": 50000, "hostname": "ws01.example.com"}
    assert made["dst_endpoint"] == {"ip": "2001:db8::7", "port": 53}
    info = made["connection_info"]
    assert (info["direction_id"], info["protocol_num"], info["protocol_ver_id"]) == (direction, 17, 6)
    assert made["app_protocol_name"] == "domain"
    assert made["actor"]["user"] == ALICE


@pytest.mark.parametrize(
    ("status", "rcode_id"), [("0", 0), ("9003", 3), ("9002", 2), ("9501", 0), ("1460", 99), (9005, 5)]
)
def test_dns_queries(status: object, rcode_id: int) -> None:
    results = "type:  5 cdn.example.com;::ffff:192.0.2.80;2001:db8::80;-;odd type: x;"
    made = ocsf(22, **IMAGE, QueryName="www.example.com", QueryStatus=status, QueryResults=results)
    assert made["query"] == {"hostname": "www.example.com"}
    assert made["answers"] == [
        {"type": "CNAME", "rdata": "cdn.example.com"},
        {"type": "A", "rdata": "192.0.2.80"},
        {"type": "AAAA", "rdata": "2001:db8::80"},
        {"rdata": "odd type: x"},
    ]
    assert (made["rcode_id"], made["status_code"]) == (rcode_id, str(status))
    assert made["src_endpoint"] == {"hostname": "ws01.example.com"}


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ("DWORD (0x0000000a)", {"type_id": 2, "type": "REG_DWORD", "reg_integer_data": 10}),
        ("QWORD (0x00000001-0x00000002)", {"type_id": 8, "type": "REG_QWORD", "reg_integer_data": 4_294_967_298}),
        ("QWORD (0xffffffff-0xffffffff)", {"reg_string_data": "QWORD (0xffffffff-0xffffffff)"}),
        ("Binary Data", {"type_id": 1, "type": "REG_BINARY"}),
        ("C:\\a.exe", {"reg_string_data": "C:\\a.exe"}),
    ],
)
def test_registry_values(details: str, expected: dict[str, Any]) -> None:
    made = ocsf(13, **IMAGE, EventType="SetValue", TargetObject="HKLM\\SOFTWARE\\Run\\Agent", Details=details)
    value = {"path": "HKLM\\SOFTWARE\\Run", "name": "Agent", "data": details}
    assert made["reg_value"] == value | expected
    assert made["actor"] == {"process": AGENT, "user": ALICE}


def test_registry_keys() -> None:
    assert ocsf(12, **IMAGE, EventType="CreateKey", TargetObject="HKLM\\A")["reg_key"] == {"path": "HKLM\\A"}
    unknown = ocsf(12, **IMAGE, TargetObject="HKLM\\A")
    assert (unknown["activity_id"], unknown["activity_name"]) == (99, "Create or Delete")
    renamed = ocsf(14, **IMAGE, TargetObject="HKLM\\A", NewName="HKLM\\B")
    assert (renamed["prev_reg_key"], renamed["reg_key"]) == ({"path": "HKLM\\A"}, {"path": "HKLM\\B"})


def test_wmi_subscriptions() -> None:
    made = ocsf(20, Operation="Created", User="EXAMPLE\\alice", Name=' "c"', Type="Command Line", Destination="cmd.exe")
    assert made["activity_name"] == "Created"
    assert made["win_resource"] == {"name": '"c"', "type": "WMI Event Consumer", "type_id": 99, "details": "cmd.exe"}
    assert made["actor"] == {"user": ALICE}
    binding = ocsf(21, Operation="Deleted", Consumer="c", Filter="f")
    assert (binding["win_resource"]["name"], binding["win_resource"]["details"]) == ("c", "f")

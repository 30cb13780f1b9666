"""What the OCSF events made of processes, objects, flows, tasks, services, scripts, logs and findings say."""

from __future__ import annotations

from typing import Any

import pytest

from models.ocsf_schema import validate
from tests.sources.windows_cases import CALLER, FLOW, OBJECT, SCRIPT_CONTEXT, TASK_XML
from tests.sources.windows_records import (
    ALICE,
    DEFENDER,
    POWERSHELL,
    SUBJECT,
    TARGET,
    TASKS,
    Record,
    evtx_dump,
    flat,
    parse,
    security,
    services,
)

SUBJECT_USER = {"name": "alice", "domain": "EXAMPLE", "uid": ALICE, "type_id": 1}


def ocsf(record: Record, **more: Any) -> dict[str, Any]:
    made = parse({**flat(record), **more}).ocsf
    assert validate(made) == []
    return made


def audited(event_id: int, *parts: dict[str, Any], **data: Any) -> dict[str, Any]:
    return ocsf(security(event_id, *parts, **data))


NEW_PROCESS = {
    **SUBJECT,
    "NewProcessId": "0x10e1",
    "NewProcessName": "C:\\Tools\\agent.exe",
    "ProcessId": "0x320",
    "ParentProcessName": "C:\\Windows\\explorer.exe",
    "CommandLine": "agent.exe -x",
    "MandatoryLabel": "S-1-16-8192",
}


def test_a_new_process_and_its_creator() -> None:
    made = audited(4688, NEW_PROCESS)
    process = made["process"]
    assert (process["pid"], process["name"], process["cmd_line"]) == (4321, "agent.exe", "agent.exe -x")
    assert (process["user"], process["session"]) == (SUBJECT_USER, {"uid": "0x1a2b3"})
    assert (process["integrity"], process["integrity_id"]) == ("Medium", 3)
    assert process["parent_process"]["pid"] == made["actor"]["process"]["pid"] == 800
    assert made["actor"]["user"] == SUBJECT_USER
    other = audited(4688, NEW_PROCESS, TARGET)["process"]
    assert (other["user"]["name"], other["session"]) == ("bob", {"uid": "0x4d5e6"})


def test_an_exited_process() -> None:
    made = audited(4689, SUBJECT, CALLER, Status="0xc0000005")
    assert (made["process"]["pid"], made["exit_code"]) == (612, 0xC0000005)


def test_object_access() -> None:
    made = audited(4663, OBJECT)
    assert made["win_resource"] == {
        "name": "C:\\Shares\\plan.txt",
        "uid": "0x1f4",
        "type_id": 7,
        "type": "File",
        "svc_name": "Security",
    }
    assert (made["actor"]["process"]["pid"], made["actor"]["user"]) == (612, SUBJECT_USER)
    assert made["unmapped"] == {"AccessMask": "0x2"}
    assert audited(4658, SUBJECT, HandleId="0x1f4")["activity_name"] == "Handle Closed"
    assert audited(4656, OBJECT, ObjectType="Unheard-Of")["win_resource"]["type_id"] == 99


def test_an_audited_registry_value() -> None:
    made = audited(
        4657,
        SUBJECT,
        CALLER,
        ObjectName="\\REGISTRY\\MACHINE\\SOFTWARE\\Run",
        ObjectValueName="a",
        OperationType="%%1905",
        NewValueType="%%1873",
        NewValue="new.exe",
        OldValueType="%%1873",
        OldValue="old.exe",
    )
    assert made["reg_value"] == {
        "path": "HKLM\\SOFTWARE\\Run",
        "name": "a",
        "data": "new.exe",
        "reg_string_data": "new.exe",
        "type_id": 10,
        "type": "REG_SZ",
    }
    assert made["prev_reg_value"]["data"] == "old.exe"


@pytest.mark.parametrize(("code", "direction"), [("%%14592", 1), ("%%14593", 2), ("%%1", 0)])
def test_filtered_connections(code: str, direction: int) -> None:
    made = audited(5156, FLOW, Direction=code)
    assert made["src_endpoint"] == {"ip": "192.0.2.10", "port": 50123}
    assert made["dst_endpoint"] == {"ip": "198.51.100.7", "port": 443}
    info = made["connection_info"]
    assert (info["direction_id"], info["protocol_num"], info["protocol_name"]) == (direction, 6, "tcp")
    assert made["actor"]["process"]["name"] == "agent.exe"
    assert (made["action_id"], audited(5157, FLOW)["action_id"]) == (1, 2)


def test_shares() -> None:
    made = audited(5145, SUBJECT, IpAddress="192.0.2.20", IpPort="50000", ShareName="\\\\*\\C$",
                   RelativeTargetName="Temp\\x.exe")  # fmt: skip
    assert (made["share"], made["file"]["name"], made["src_endpoint"]["ip"]) == ("\\\\*\\C$", "x.exe", "192.0.2.20")
    assert made["actor"]["user"] == SUBJECT_USER
    assert "file" not in audited(5145, SUBJECT, ShareName="\\\\*\\C$", RelativeTargetName="\\")


@pytest.mark.parametrize("content", [TASK_XML, TASK_XML.replace("<", "&lt;").replace(">", "&gt;")])
def test_tasks_say_what_they_run(content: str) -> None:
    made = audited(4698, SUBJECT, TaskName="\\Update", TaskContent=content)
    assert made["job"] == {"name": "\\Update", "cmd_line": "cmd.exe /c whoami"}
    assert made["actor"]["user"] == SUBJECT_USER


@pytest.mark.parametrize("content", ["", "<Command>", "</Command><Command>", "<Command></Command>"])
def test_tasks_that_do_not_say_what_they_run(content: str) -> None:
    assert audited(4698, SUBJECT, TaskName="\\Update", TaskContent=content)["job"] == {"name": "\\Update"}


def test_task_scheduler() -> None:
    made = ocsf(Record(TASKS, 106, {"TaskName": "\\Update", "UserContext": "EXAMPLE\\alice"}, "t", "0x0"))
    assert made["actor"]["user"]["name"] == "alice"
    by_sid = ocsf(Record(TASKS, 140, {"TaskName": "\\Update", "UserName": "S-1-5-18"}, "t", "0x0"))
    assert by_sid["actor"]["user"] == {"uid": "S-1-5-18", "type_id": 3}
    assert ocsf(Record(TASKS, 101, {"TaskName": "\\Update"}, "t", "0x0"))["status"] == "Failure"


@pytest.mark.parametrize(
    ("kind", "start", "expected"),
    [
        ("0x10", "2", (3, 3)),
        ("0x1", "4", (1, 5)),
        ("0x20", "3", (4, 4)),
        ("user mode service", "demand start", (0, 4)),
        ("kernel mode driver", "boot start", (0, 1)),
        ("0x100", "99", (99, 99)),
        ("odd", "odd", (0, 99)),
    ],
)
def test_installed_services(kind: str, start: str, expected: tuple[int, int]) -> None:
    made = ocsf(services(7045, ServiceName="svc", ImagePath="C:\\a.exe", ServiceType=kind, StartType=start))
    service = made["win_service"]
    assert (service["name"], service["cmd_line"]) == ("svc", "C:\\a.exe")
    assert (service["service_type_id"], service["service_start_type_id"]) == expected
    assert made["actor"] == {"app_name": "Service Control Manager"}


def test_services_acted_on_by_somebody() -> None:
    made = ocsf(services(7040, param1="Example", param2="auto start", param3="disabled", param4="svc"), UserID=ALICE)
    assert (made["win_service"]["name"], made["win_service"]["service_start_type_id"]) == ("svc", 5)
    assert made["actor"]["user"]["uid"] == ALICE
    assert ocsf(services(7036, param1="Example", param2="paused"))["activity_id"] == 5
    odd = ocsf(services(7036, param1="Example", param2="laufend"))
    assert (odd["activity_id"], odd["activity_name"]) == (99, "laufend")
    assert ocsf(services(7034, param1="Example"))["status"] == "Failure"


def test_script_blocks() -> None:
    record = Record(
        POWERSHELL,
        4104,
        {
            "MessageNumber": 1,
            "MessageTotal": 2,
            "ScriptBlockText": "Get-Date",
            "ScriptBlockId": "A-1",
            "Path": "C:\\a.ps1",
        },
        "p",
        "0x0",
    )
    made = parse(evtx_dump(record)).ocsf
    assert made["script"]["script_content"] == {"value": "Get-Date", "is_truncated": True}
    assert (made["script"]["uid"], made["script"]["file"]["name"]) == ("a-1", "a.ps1")
    assert made["actor"] == {"process": {"pid": 612}, "user": {"uid": "S-1-5-18", "type_id": 3}}


def test_script_modules_and_pipelines_name_their_user() -> None:
    module = ocsf(Record(POWERSHELL, 4103, {"Payload": "x", "ContextInfo": SCRIPT_CONTEXT}, "p", "0x0"))
    assert module["actor"]["user"]["name"] == "alice"
    pipeline = ocsf(Record("Windows PowerShell", 800, {"Data": "x\n\tUserId=EXAMPLE\\alice\n\ty"}, "PowerShell", "0x0"))
    assert pipeline["actor"]["user"]["name"] == "alice"
    engine = ocsf(
        Record("Windows PowerShell", 400, {}, "PowerShell", "0x0"), Message="a\n\tHostApplication=ps.exe -x\n"
    )
    assert engine["script"]["script_content"]["value"] == "ps.exe -x"


def test_cleared_logs() -> None:
    cleared = Record("System", 104, {}, "Microsoft-Windows-Eventlog", "0x0")
    assert ocsf(cleared, Message="The Example/Operational log file was cleared.")["log_name"] == "Example/Operational"
    assert ocsf(cleared, Message="Etwas wurde geleert.")["log_name"] == "System"
    made = ocsf(Record("Security", 1102, dict(SUBJECT), "Microsoft-Windows-Eventlog", "0x0"))
    assert (made["log_name"], made["actor"]["user"]) == ("Security", SUBJECT_USER)


def test_what_has_no_class_of_its_own_is_a_log_event_in_the_vendors_words() -> None:
    record = Record(
        "Example/Operational", 7, {"ProcessId": "0x4", "IpAddress": "192.0.2.1", "User": "EXAMPLE\\alice"}, "e"
    )
    made = ocsf(record, Category="Example Category", Message="One.\r\nTwo.")
    assert (made["class_uid"], made["activity_id"], made["activity_name"]) == (1008, 99, "Example Category")
    assert (made["message"], made["src_endpoint"]) == ("One.\r\nTwo.", {"ip": "192.0.2.1"})
    assert (made["actor"]["process"]["pid"], made["actor"]["user"]["name"]) == (4, "alice")
    assert audited(4616)["activity_name"] == "System Time Changed"
    assert ocsf(Record("Example/Operational", 7, {}, "e"))["activity_name"] == "Event 7"


def test_a_message_is_its_first_line() -> None:
    assert (
        ocsf(security(4689, CALLER), Message="A process has exited.\r\n\r\nSubject:")["message"]
        == "A process has exited."
    )


def test_findings_of_defender() -> None:
    data = {
        "Threat Name": "Test:Example",
        "Detection ID": "{A}",
        "Severity ID": "5",
        "Path": "file:_C:\\x.exe; file:_C:\\y.exe",
        "Detection User": "EXAMPLE\\alice",
    }
    made = ocsf(Record(DEFENDER, 1116, data, "d", "0x0"))
    assert made["finding_info"] == {"uid": "{A}", "title": "Test:Example"}
    assert (made["severity_id"], made["actor"]["user"]["name"]) == (5, "alice")
    assert made["evidences"][0]["file"]["path"] == "C:\\x.exe"
    assert ocsf(Record(DEFENDER, 1116, {"ThreatName": "T"}, "d", "0x0"))["finding_info"] == {"uid": "T", "title": "T"}

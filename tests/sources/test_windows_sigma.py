"""Log sources, and the names Sigma's categories look for."""

from __future__ import annotations

import pytest

from tests.sources.windows_cases import ENGINE
from tests.sources.windows_records import (
    ALICE,
    BOB,
    DEFENDER,
    SUBJECT,
    TARGET,
    Record,
    evtx_dump,
    flat,
    parse,
    security,
    services,
    sysmon,
    winlogbeat,
)


@pytest.mark.parametrize(
    ("channel", "service"),
    [
        ("Security", "security"),
        ("security", "security"),
        ("Microsoft-Windows-Sysmon/Operational", "sysmon"),
        ("Microsoft-Windows-PowerShell/Operational", "powershell"),
        ("PowerShellCore/Operational", "powershell"),
        ("Windows PowerShell", "powershell-classic"),
        ("Microsoft-Windows-TaskScheduler/Operational", "taskscheduler"),
        ("Microsoft-Windows-WMI-Activity/Operational", "wmi"),
        ("DNS Server", "dns-server"),
        ("Microsoft-Windows-AppLocker/EXE and DLL", "applocker"),
        ("Microsoft-Windows-Bits-Client/Operational", "bits-client"),
        ("Microsoft-Windows-CodeIntegrity/Operational", "codeintegrity-operational"),
        ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall", "firewall-as"),
        ("Microsoft-Windows-Security-Mitigations/KernelMode", "security-mitigations"),
        ("Microsoft-Windows-Security-Mitigations/User Mode", "security-mitigations"),
        ("Microsoft-Windows-DNSServer/Audit", "dns-server-audit"),
        ("Microsoft-Windows-Hyper-V-Worker-Admin", "hyper-v-worker"),
        ("Microsoft-Windows-Kernel-EventTracing/Admin", "kernel-event-tracing"),
        ("Example-Vendor/Operational", ""),
    ],
)
def test_the_channel_names_the_service(channel: str, service: str) -> None:
    logsource = parse(flat(Record(channel, 60_000, {}, "Example"))).logsource
    assert (logsource.product, logsource.service, logsource.categories) == ("windows", service, ())


@pytest.mark.parametrize(
    ("record", "categories"),
    [
        (sysmon(1), ("process_creation",)),
        (sysmon(12, EventType="CreateKey"), ("registry_event", "registry_add")),
        (sysmon(12, EventType="DeleteKey"), ("registry_event", "registry_delete")),
        (sysmon(12, EventType="DeleteValue"), ("registry_event", "registry_delete")),
        (sysmon(12, EventType="INFO"), ("registry_event",)),
        (sysmon(13), ("registry_event", "registry_set")),
        (sysmon(14), ("registry_event", "registry_rename")),
        (sysmon(18), ("pipe_created",)),
        (sysmon(26), ("file_delete", "file_delete_detected")),
        (sysmon(255), ("sysmon_error",)),
        (sysmon(99), ()),
        (security(4688), ("process_creation",)),
        (security(4689), ("process_termination",)),
        (security(4657, OperationType="%%1904"), ("registry_event", "registry_set")),
        (security(4657, OperationType="%%1906"), ("registry_event", "registry_delete")),
        (security(5156), ()),
        (security(1), ()),
        (Record("PowerShellCore/Operational", 4104), ("ps_script",)),
        (Record("Windows PowerShell", 400), ("ps_classic_start",)),
        (Record("Windows PowerShell", 800), ("ps_classic_script",)),
        (Record(DEFENDER, 1116), ("antivirus",)),
    ],
)
def test_the_event_id_names_the_categories(record: Record, categories: tuple[str, ...]) -> None:
    assert parse(flat(record)).logsource.categories == categories
    assert parse(evtx_dump(record)).logsource.categories == categories


def test_a_registry_event_type_that_a_shipper_hid_is_found_in_the_message() -> None:
    message = "Registry object added or deleted:\r\nRuleName: -\r\nEventType: DeleteValue\r\nUtcTime: 2024-06-15"
    event = parse({**flat(sysmon(12, EventType="INFO", TargetObject="HKLM\\a\\v")), "Message": message})
    assert event.native["EventType"] == "DeleteValue"
    assert event.logsource.categories == ("registry_event", "registry_delete")
    assert (event.class_uid, event.ocsf["activity_id"]) == (201002, 4)


def test_process_creation_of_the_security_log_has_the_names_of_sysmon() -> None:
    record = security(
        4688,
        SUBJECT,
        NewProcessId="0x10e1",
        NewProcessName="C:\\a.exe",
        ProcessId="0x320",
        ParentProcessName="C:\\b.exe",
        CommandLine="a.exe -x",
        MandatoryLabel="S-1-16-12288",
    )
    native = parse(flat(record)).native
    assert native["NewProcessName"] == native["Image"] == "C:\\a.exe"
    assert native["ParentProcessName"] == native["ParentImage"] == "C:\\b.exe"
    assert (native["ProcessId"], native["ParentProcessId"], native["NewProcessId"]) == (4321, 800, "0x10e1")
    assert (native["User"], native["LogonId"], native["IntegrityLevel"]) == ("EXAMPLE\\alice", "0x1A2B3", "High")
    assert native["CommandLine"] == "a.exe -x"


@pytest.mark.parametrize(
    ("extra", "user"),
    [
        (TARGET, "EXAMPLE\\bob"),
        ({"SubjectUserSid": "S-1-5-18", "SubjectUserName": "WS01$"}, "NT AUTHORITY\\SYSTEM"),
        ({"SubjectUserSid": "S-1-5-20", "SubjectUserName": "WS01$"}, "NT AUTHORITY\\NETWORK SERVICE"),
        ({"SubjectDomainName": "-"}, "alice"),
    ],
)
def test_a_new_process_runs_as_its_target_or_else_its_creator(extra: dict[str, str], user: str) -> None:
    record = security(4688, SUBJECT, NewProcessId="0x10e1", NewProcessName="C:\\a.exe").with_data(**extra)
    assert parse(flat(record)).native["User"] == user


@pytest.mark.parametrize(
    ("kind", "value", "details"),
    [
        ("%%1876", "1", "DWORD (0x00000001)"),
        ("%%1876", "-1", "DWORD (0xffffffff)"),
        ("%%1883", "4294967297", "QWORD (0x00000001-0x00000001)"),
        ("%%1875", "00", "Binary Data"),
        ("%%1873", "text", "text"),
        ("%%1876", "many", "many"),
    ],
)
def test_audited_registry_values_read_like_sysmons(kind: str, value: str, details: str) -> None:
    record = security(
        4657,
        SUBJECT,
        ObjectName="\\REGISTRY\\MACHINE\\SOFTWARE\\Run",
        ObjectValueName="a",
        OperationType="%%1904",
        NewValueType=kind,
        NewValue=value,
        ProcessName="C:\\a.exe",
    )
    native = parse(flat(record)).native
    assert (native["TargetObject"], native["Details"]) == ("HKLM\\SOFTWARE\\Run\\a", details)
    assert (native["Image"], native["EventType"]) == ("C:\\a.exe", "SetValue")


def test_users_hive_of_an_audited_value() -> None:
    record = security(4657, ObjectName=f"\\Registry\\User\\{BOB}\\Run", ObjectValueName="", OperationType="%%1904")
    assert parse(flat(record)).native["TargetObject"] == f"HKU\\{BOB}\\Run"


def test_unnamed_data_of_classic_logs_is_in_data() -> None:
    classic = Record("Windows PowerShell", 400, {}, "PowerShell")
    assert parse({**flat(classic), "Message": ENGINE}).native["Data"] == ENGINE
    params = classic.with_data(param1="Available", param2="None", param3=ENGINE)
    assert parse(winlogbeat(params)).native["Data"] == f"Available\nNone\n{ENGINE}"
    assert parse(flat(classic.with_data(Data="own"))).native["Data"] == "own"
    assert "Data" not in parse({**flat(services(7036)), "Message": "x"}).native


def test_defenders_names_lose_their_blanks() -> None:
    record = Record(DEFENDER, 1116, {"Threat Name": "Test:Example", "Process Name": "C:\\a.exe", "Path": "C:\\x"}, "d")
    native = parse(evtx_dump(record)).native
    assert (
        native["ThreatName"] == native["Threat_Name"] == native["Threat Name"] == native["Signature"] == "Test:Example"
    )
    assert (native["ProcessName"], native["Filename"]) == ("C:\\a.exe", "C:\\x")


def test_termination_has_an_image() -> None:
    native = parse(flat(security(4689, SUBJECT, ProcessName="C:\\a.exe", ProcessId="0x1"))).native
    assert (native["Image"], native["User"], native["SubjectUserSid"]) == ("C:\\a.exe", "EXAMPLE\\alice", ALICE)

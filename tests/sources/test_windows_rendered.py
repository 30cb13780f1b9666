from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.windows.source import SOURCE
from tests.sources import fuzz

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
SUBJECT = """Subject:
	Security ID:		S-1-5-21-1-2-3-1001
	Account Name:		alice
	Account Domain:		EXAMPLE
	Logon ID:		0x1A2B
"""


def rendered(
    event_id: int, message: str, date: str = "06/15/2024 12:00:00 PM", keywords: str = "Audit Success"
) -> bytes:
    head = f"""{date}
LogName=Security
EventCode={event_id}
EventType=0
ComputerName=dc1.example.com
SourceName=Microsoft Windows security auditing.
Type=Information
RecordNumber=77
Keywords={keywords}
TaskCategory=Logon
OpCode=Info
Message={message}"""
    return head.strip().encode()


FAILED = rendered(
    4625,
    f"""An account failed to log on.

{SUBJECT}
Logon Type:			3

Account For Which Logon Failed:
	Security ID:		NULL SID
	Account Name:		bob
	Account Domain:		EXAMPLE

Failure Information:
	Failure Reason:		Unknown user name or bad password.
	Status:			0xC000006D
	Sub Status:		0xC000006A

Process Information:
	Caller Process ID:	0x0
	Caller Process Name:	-

Network Information:
	Workstation Name:	LAPTOP7
	Source Network Address:	192.0.2.44
	Source Port:		51515

Detailed Authentication Information:
	Logon Process:		NtLmSsp
	Authentication Package:	NTLM
""",
    keywords="Audit Failure",
)
PROCESS = rendered(
    4688,
    r"""A new process has been created.

Creator Subject:
	Security ID:		NT AUTHORITY\SYSTEM
	Account Name:		DC1$
	Account Domain:		EXAMPLE
	Logon ID:		0x3E7

Target Subject:
	Security ID:		NULL SID
	Account Name:		-
	Account Domain:		-
	Logon ID:		0x0

Process Information:
	New Process ID:		0x1f4
	New Process Name:	C:\Windows\System32\cmd.exe
	Token Elevation Type:	TokenElevationTypeDefault (1)
	Mandatory Label:		Mandatory Label\High Mandatory Level
	Creator Process ID:	0x100
	Creator Process Name:	C:\Windows\explorer.exe
	Process Command Line:	cmd.exe /c whoami
""",
)
LOGOFF = rendered(4634, f"An account was logged off.\n\n{SUBJECT}\nLogon Type:\t\t\t3")
MEMBER = rendered(
    4732,
    f"""A member was added to a security-enabled local group.

{SUBJECT}
Member:
	Security ID:		EXAMPLE\\bob
	Account Name:		-

Group:
	Security ID:		BUILTIN\\Administrators
	Group Name:		Administrators
	Group Domain:		Builtin
""",
)
PRIVILEGES = rendered(
    4672,
    f"Privileges assigned.\n\n{SUBJECT}\nPrivileges:\t\tSeSecurityPrivilege\n\t\t\tSeDebugPrivilege",
)
TASK = rendered(
    4698,
    f"""A scheduled task was created.

{SUBJECT}
Task Information:
	Task Name: 		\\Updater
	Task Content: 		<?xml version="1.0"?>
<Task>
  Odd Label: value
  <Exec><Command>C:\\x.exe</Command></Exec>
</Task>
""",
)
TICKET = rendered(
    4769,
    """A Kerberos service ticket was requested.

Account Information:
	Account Name:		alice@EXAMPLE.COM
	Account Domain:		EXAMPLE.COM
	Logon GUID:		{11111111-2222-3333-4444-555555555555}

Service Information:
	Service Name:		sql1$
	Service ID:		EXAMPLE\\sql1$

Network Information:
	Client Address:		::ffff:192.0.2.44
	Client Port:		50000

Additional Information:
	Ticket Options:		0x40810000
	Ticket Encryption Type:	0x17
	Failure Code:		0x0
""",
)
NTLM = rendered(
    4776,
    """The computer attempted to validate the credentials for an account.

Authentication Package:	MICROSOFT_AUTHENTICATION_PACKAGE_V1_0
Logon Account:	bob
Source Workstation:
Error Code:	0xC000006A
""",
)
SHARE = rendered(
    5145,
    f"""A network share object was checked.

{SUBJECT}
Network Information:
	Object Type:		File
	Source Address:		192.0.2.44
	Source Port:		50001

Share Information:
	Share Name:		\\\\*\\ADMIN$
	Share Path:		\\??\\C:\\Windows
	Relative Target Name:	x.exe

Access Request Information:
	Access Mask:		0x2
	Accesses:		WriteData (or AddFile)
				AppendData
""",
)
SERVICE = b"""06/15/2024 12:00:00 PM
LogName=System
EventCode=7045
ComputerName=dc1.example.com
SourceName=Service Control Manager
Type=Information
Message=A service was installed in the system.

Service Name:  Updater
Service File Name:  C:\\x.exe -k
Service Type:  user mode service
Service Start Type:  auto start
Service Account:  LocalSystem"""
SCRIPT = b"""06/15/2024 12:00:00 PM
LogName=Microsoft-Windows-PowerShell/Operational
EventCode=4104
ComputerName=dc1.example.com
SourceName=Microsoft-Windows-PowerShell
Type=Verbose
Message=Creating Scriptblock text (1 of 1):
Get-Item x
Odd: label

ScriptBlock ID: 11111111-2222-3333-4444-555555555555
Path: C:\\x.ps1"""
SYSMON = b"""06/15/2024 02:00:00 PM
LogName=Microsoft-Windows-Sysmon/Operational
EventCode=1
ComputerName=dc1.example.com
SourceName=Microsoft-Windows-Sysmon
Type=Information
Message=Process Create:
RuleName: -
UtcTime: 2024-06-15 12:00:00.000
ProcessGuid: {11111111-2222-3333-4444-555555555555}
ProcessId: 500
Image: C:\\Windows\\System32\\cmd.exe
CommandLine: cmd.exe /c whoami
User: EXAMPLE\\alice"""
ALL = [FAILED, PROCESS, LOGOFF, MEMBER, PRIVILEGES, TASK, TICKET, NTLM, SHARE, SERVICE, SCRIPT, SYSMON]


def parse(raw: bytes, context: Context | None = None, broker_time: int = 0) -> Event:
    record = RawRecord("windows", raw, Coordinates("raw.windows", 0, 1), broker_time)
    event = SOURCE.parse(replace(record, context=context) if context else record)
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


@pytest.mark.parametrize("raw", ALL)
def test_every_event_is_recognized_and_of_its_class(raw: bytes) -> None:
    event = parse(raw)
    assert SOURCE.recognize(raw, None)
    assert event.time == NOON
    assert event.ocsf["raw_data"] == raw.decode()
    assert event.ocsf["class_uid"] != 1008
    assert "host:dc1" in {str(key) for key in entities_of(event.ocsf)}
    crlf = raw.replace(b"\n", b"\r\n")
    assert SOURCE.recognize(crlf, None)
    assert parse(crlf).ocsf["class_uid"] == event.ocsf["class_uid"]


def test_a_failed_logon() -> None:
    event = parse(FAILED)
    body = event.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (3002, 1, 2)
    assert body["user"] == {"name": "bob", "domain": "EXAMPLE", "type_id": 1}
    assert body["src_endpoint"] == {"ip": "192.0.2.44", "port": 51515, "hostname": "LAPTOP7"}
    assert (body["logon_type_id"], body["auth_protocol"], body["status_detail"]) == (3, "NTLM", "Wrong password")
    assert body["actor"]["session"] == {"uid": "0x1a2b"}
    assert body["metadata"]["original_event_uid"] == "77"
    assert body["metadata"]["original_time"] == "06/15/2024 12:00:00 PM"
    assert event.native["TargetUserName"] == "bob"
    assert event.native["SubStatus"] == "0xC000006A"
    assert event.native["TargetUserSid"] == "S-1-0-0"


def test_a_process_has_the_fields_that_rules_ask_for() -> None:
    event = parse(PROCESS)
    process = event.ocsf["process"]
    assert (process["pid"], process["name"], process["cmd_line"]) == (500, "cmd.exe", "cmd.exe /c whoami")
    assert process["parent_process"]["pid"] == 256
    assert event.native["IntegrityLevel"] == "High"
    assert event.native["ParentImage"] == "C:\\Windows\\explorer.exe"
    assert event.native["TokenElevationType"] == "%%1936"
    assert event.logsource.categories == ("process_creation",)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (LOGOFF, {"TargetUserName": "alice", "TargetLogonId": "0x1A2B", "LogonType": "3"}),
        (MEMBER, {"MemberName": "bob", "TargetSid": "S-1-5-32-544", "TargetUserName": "Administrators"}),
        (PRIVILEGES, {"PrivilegeList": "SeSecurityPrivilege\nSeDebugPrivilege"}),
        (TICKET, {"ServiceName": "sql1$", "Status": "0x0", "IpAddress": "::ffff:192.0.2.44", "ServiceSid": None}),
        (NTLM, {"TargetUserName": "bob", "Status": "0xC000006A"}),
        (SHARE, {"RelativeTargetName": "x.exe", "IpPort": "50001", "AccessList": "WriteData (or AddFile)\nAppendData"}),
        (SERVICE, {"ImagePath": "C:\\x.exe -k", "AccountName": "LocalSystem", "StartType": "auto start"}),
        (SCRIPT, {"ScriptBlockText": "Get-Item x\nOdd: label", "Path": "C:\\x.ps1", "MessageTotal": "1"}),
        (SYSMON, {"Image": "C:\\Windows\\System32\\cmd.exe", "ProcessId": "500", "User": "EXAMPLE\\alice"}),
    ],
)
def test_labels_become_the_names_of_the_event_s_xml(raw: bytes, expected: dict[str, Any]) -> None:
    native = parse(raw).native
    assert {name: native.get(name) for name in expected} == expected


def test_a_task_s_xml_is_whole() -> None:
    event = parse(TASK)
    assert event.ocsf["job"]["cmd_line"] == "C:\\x.exe"
    assert event.native["TaskContent"].endswith("</Task>")
    assert "OddLabel" not in event.native


def test_the_date_is_of_the_record_s_zone() -> None:
    oslo = Context(zone="Europe/Oslo")
    assert parse(rendered(4634, LOGOFF_TEXT), oslo).time == NOON - 7_200_000
    assert parse(rendered(4634, LOGOFF_TEXT, "06/15/2024 12:00:00 AM")).time == NOON - 43_200_000
    assert parse(rendered(4634, LOGOFF_TEXT, "20240615140000.000000+120"), oslo).time == NOON
    assert parse(rendered(4634, LOGOFF_TEXT, "2024-06-15T12:00:00.000Z"), oslo).time == NOON


LOGOFF_TEXT = f"An account was logged off.\n\n{SUBJECT}"


@pytest.mark.parametrize("date", ["15/06/2024 12:00:00", "99/99/2024 12:00:00 PM", ""])
def test_a_date_that_cannot_be_read_leaves_the_broker_s(date: str) -> None:
    assert parse(rendered(4634, LOGOFF_TEXT, date), broker_time=NOON + 5).time == NOON + 5


def test_labels_of_a_message_take_no_name_of_the_system_part() -> None:
    event = parse(rendered(4634, f"Logged off.\n\n{SUBJECT}\nEvent ID:\t\t1\nChannel:\t\tSystem\nComputer:\t\tother"))
    assert event.native["EventID"] == 4634
    assert event.native["Channel"] == "Security"
    assert event.native["Computer"] == "dc1.example.com"
    assert event.native["EventData.Channel"] == "System"


def test_what_is_no_event_is_refused_or_not_recognized() -> None:
    for raw in (b"LogName=Security", b"06/15/2024 12:00:00 PM\nEventCode=1", b"x LogName=a\nEventCode=1"):
        assert not SOURCE.recognize(raw, None)
    broken = RawRecord("windows", b"LogName=Security\nMessage=\nEventCode=1", Coordinates("t", 0, 1), NOON)
    assert isinstance(SOURCE.parse(broken), ParseError)


def test_hostile_texts() -> None:
    fuzz.text_records(SOURCE, ALL, runs=600)
    long = rendered(4634, "x\n" + "\tA: " * 50_000 + "\n" + "Subject:\n" * 20_000)
    fuzz.check(SOURCE, long)
    fuzz.check(SOURCE, rendered(4698, "x\nTask Content:\t<?xml\n" + "Label: y\n" * 50_000))

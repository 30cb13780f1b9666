"""One invented record for each kind of Windows event, with the OCSF class and activity it has to become."""

from __future__ import annotations

from tests.sources.windows_records import (
    BOB,
    DEFENDER,
    FAILURE,
    GROUP,
    HASHES,
    IMAGE,
    POWERSHELL,
    RDP,
    SUBJECT,
    TARGET,
    TARGET_ACCOUNT,
    TASKS,
    Record,
    security,
    services,
    sysmon,
)

EVENTLOG = "Microsoft-Windows-Eventlog"
CALLER = {"ProcessId": "0x264", "ProcessName": "C:\\Windows\\System32\\services.exe"}
PARENT = {
    "ParentProcessGuid": "{0a1b2c3d-0002-6000-0100-000000000100}",
    "ParentProcessId": "800",
    "ParentImage": "C:\\Windows\\explorer.exe",
    "ParentCommandLine": "C:\\Windows\\explorer.exe",
    "ParentUser": "EXAMPLE\\alice",
}
BETWEEN = {
    "SourceProcessGUID": "{0a1b2c3d-0001-6000-0100-000000000100}",
    "SourceProcessId": "4321",
    "SourceThreadId": "55",
    "SourceImage": "C:\\Tools\\agent.exe",
    "SourceUser": "EXAMPLE\\alice",
    "TargetProcessGUID": "{0a1b2c3d-0003-6000-0100-000000000100}",
    "TargetProcessId": "624",
    "TargetImage": "C:\\Windows\\system32\\lsass.exe",
    "TargetUser": "NT AUTHORITY\\SYSTEM",
}
INJECTED = {name.replace("GUID", "Guid"): value for name, value in BETWEEN.items()}
FLOW = {
    "ProcessID": "4321",
    "Application": "\\device\\harddiskvolume2\\tools\\agent.exe",
    "Direction": "%%14593",
    "SourceAddress": "192.0.2.10",
    "SourcePort": "50123",
    "DestAddress": "198.51.100.7",
    "DestPort": "443",
    "Protocol": "6",
}
LOGON = {
    **SUBJECT,
    **TARGET,
    **CALLER,
    "LogonType": "3",
    "LogonProcessName": "NtLmSsp",
    "AuthenticationPackageName": "NTLM",
    "LmPackageName": "NTLM V2",
    "WorkstationName": "WS02",
    "IpAddress": "192.0.2.20",
    "IpPort": "51000",
    "LogonGuid": "{0a1b2c3d-1111-2222-3333-444455556666}",
}
TICKET = {
    "TargetUserName": "bob@EXAMPLE.COM",
    "TargetDomainName": "EXAMPLE.COM",
    "ServiceName": "FILE01$",
    "ServiceSid": f"{BOB[:-4]}1300",
    "TicketOptions": "0x40810000",
    "TicketEncryptionType": "0x17",
    "IpAddress": "::ffff:192.0.2.20",
    "IpPort": "49999",
    "Status": "0x0",
}
OBJECT = {
    **SUBJECT,
    **CALLER,
    "ObjectServer": "Security",
    "ObjectType": "File",
    "ObjectName": "C:\\Shares\\plan.txt",
    "HandleId": "0x1f4",
    "AccessMask": "0x2",
}
TASK_XML = "<Task><Actions><Exec><Command>cmd.exe</Command><Arguments>/c whoami</Arguments></Exec></Actions></Task>"
SCRIPT_CONTEXT = (
    "        Severity = Informational\n        Host Application = powershell.exe -nop\n        User = EXAMPLE\\alice"
)
ENGINE = (
    "\tNewEngineState=Available\n\tHostName=ConsoleHost\n\tHostApplication=powershell.exe -nop\n\tEngineVersion=5.1"
)

SYSMON_CASES = (
    (sysmon(1, **IMAGE, **PARENT, CommandLine="agent.exe -x", LogonId="0x1a2b3", Hashes=HASHES), 1007, 1),
    (sysmon(2, **IMAGE, TargetFilename="C:\\a.txt", CreationUtcTime="2020-01-01 00:00:00.000"), 1001, 6),
    (sysmon(3, **IMAGE, Protocol="tcp", Initiated="true", SourceIp="192.0.2.10", SourcePort="50000"), 4001, 1),
    (sysmon(4, State="Started", Version="15.0"), 1008, 6),
    (sysmon(5, **IMAGE), 1007, 2),
    (sysmon(6, ImageLoaded="C:\\Windows\\System32\\drivers\\a.sys", Hashes=HASHES, Signed="true"), 1002, 1),
    (sysmon(7, **IMAGE, ImageLoaded="C:\\Windows\\System32\\b.dll", Hashes=HASHES, Signed="true"), 1005, 1),
    (sysmon(8, **INJECTED, StartAddress="0x7FF0", StartModule="C:\\b.dll", StartFunction="LoadLibraryA"), 1007, 4),
    (sysmon(9, **IMAGE, Device="\\Device\\HarddiskVolume2"), 1001, 2),
    (sysmon(10, **BETWEEN, GrantedAccess="0x1410", CallTrace="ntdll.dll+9d4c4"), 1007, 3),
    (sysmon(11, **IMAGE, TargetFilename="C:\\Temp\\x.exe", CreationUtcTime="2024-06-15 11:59:59.900"), 1001, 1),
    (sysmon(12, **IMAGE, EventType="CreateKey", TargetObject="HKLM\\SOFTWARE\\New"), 201001, 1),
    (sysmon(12, **IMAGE, EventType="DeleteKey", TargetObject="HKLM\\SOFTWARE\\Old"), 201001, 4),
    (sysmon(12, **IMAGE, EventType="DeleteValue", TargetObject="HKLM\\SOFTWARE\\Old\\v"), 201002, 4),
    (
        sysmon(13, **IMAGE, EventType="SetValue", TargetObject="HKU\\S-1-5-18\\v", Details="DWORD (0x00000001)"),
        201002,
        2,
    ),
    (sysmon(14, **IMAGE, EventType="RenameKey", TargetObject="HKLM\\A", NewName="HKLM\\B"), 201001, 5),
    (sysmon(15, **IMAGE, TargetFilename="C:\\x.exe:Zone.Identifier", Hash=HASHES, Contents="[ZoneTransfer]"), 1001, 1),
    (sysmon(16, Configuration="C:\\sysmon.xml", ConfigurationFileHash="SHA256=00"), 1008, 99),
    (sysmon(17, **IMAGE, EventType="CreatePipe", PipeName="\\agent"), 1001, 1),
    (sysmon(18, **IMAGE, EventType="ConnectPipe", PipeName="\\agent"), 1001, 14),
    (
        sysmon(19, EventType="WmiFilterEvent", Operation="Created", User="EXAMPLE\\alice", Name=' "f"', Query="q"),
        201003,
        99,
    ),
    (sysmon(20, Operation="Created", User="EXAMPLE\\alice", Name="c", Destination="cmd.exe"), 201003, 99),
    (sysmon(21, Operation="Created", User="EXAMPLE\\alice", Consumer="c", Filter="f"), 201003, 99),
    (sysmon(22, **IMAGE, QueryName="www.example.com", QueryStatus="0", QueryResults="::ffff:192.0.2.80;"), 4003, 1),
    (sysmon(23, **IMAGE, TargetFilename="C:\\x.exe", Hashes=HASHES, IsExecutable="true"), 1001, 4),
    (sysmon(24, **IMAGE, Session="1", Hashes=HASHES), 201003, 99),
    (sysmon(25, **IMAGE, Type="Image is replaced"), 1007, 99),
    (sysmon(26, **IMAGE, TargetFilename="C:\\x.txt", Hashes=HASHES), 1001, 4),
    (sysmon(27, **IMAGE, TargetFilename="C:\\x.exe", Hashes=HASHES), 1001, 1),
    (sysmon(28, **IMAGE, TargetFilename="C:\\x.exe", Hashes=HASHES), 1001, 4),
    (sysmon(29, **IMAGE, TargetFilename="C:\\x.exe", Hashes=HASHES), 1001, 1),
    (sysmon(255, ID="QUEUE", Description="Events dropped"), 1008, 99),
)
IDENTITY_CASES = (
    (security(4624, LOGON), 3002, 1),
    (security(4625, LOGON, keywords=FAILURE, Status="0xc000006d", SubStatus="0xc000006a"), 3002, 1),
    (
        security(4627, SUBJECT, TARGET, LogonType="3", GroupMembership="\r\n\t\t%{S-1-1-0}\r\n\t\t%{S-1-5-32-545}"),
        3002,
        99,
    ),
    (security(4634, TARGET, LogonType="3"), 3002, 2),
    (security(4647, TARGET), 3002, 2),
    (security(4648, LOGON, TargetServerName="file01.example.com"), 3002, 1),
    (security(4672, SUBJECT, PrivilegeList="SeDebugPrivilege\r\n\t\t\tSeBackupPrivilege"), 3003, 1),
    (security(4703, SUBJECT, TARGET, CALLER, EnabledPrivilegeList="SeDebugPrivilege"), 3003, 1),
    (security(4703, SUBJECT, TARGET, CALLER, DisabledPrivilegeList="SeDebugPrivilege"), 3003, 99),
    (security(4704, SUBJECT, TargetSid=BOB, PrivilegeList="SeDebugPrivilege"), 3005, 1),
    (security(4705, SUBJECT, TargetSid=BOB, PrivilegeList="SeDebugPrivilege"), 3005, 2),
    (security(4717, SUBJECT, TargetSid=BOB, AccessGranted="SeInteractiveLogonRight"), 3005, 1),
    (security(4718, SUBJECT, TargetSid=BOB, AccessRemoved="SeInteractiveLogonRight"), 3005, 2),
    (security(4768, TICKET, ServiceName="krbtgt"), 3002, 3),
    (security(4769, TICKET), 3002, 4),
    (security(4770, TICKET), 3002, 5),
    (security(4771, TICKET, keywords=FAILURE, Status="0x18"), 3002, 6),
    (security(4776, PackageName="MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", TargetUserName="bob", Status="0x0"), 3002, 1),
    (
        security(4778, AccountName="bob", AccountDomain="EXAMPLE", LogonID="0x4d5e6", ClientAddress="192.0.2.9"),
        3002,
        99,
    ),
    (security(4800, TARGET, SessionId="1"), 3002, 99),
    (
        Record(RDP, 21, {"User": "EXAMPLE\\bob", "SessionID": "3", "Address": "192.0.2.9"}, RDP, "0x0", "EventXML"),
        3002,
        1,
    ),
    *(
        (security(number, SUBJECT, TARGET_ACCOUNT), 3001, activity)
        for number, activity in (
            (4720, 1),
            (4722, 2),
            (4723, 3),
            (4724, 4),
            (4725, 5),
            (4726, 6),
            (4738, 99),
            (4741, 1),
            (4767, 12),
        )
    ),
    (security(4740, SUBJECT, TARGET_ACCOUNT, TargetDomainName="WS07"), 3001, 9),
    (security(4781, SUBJECT, TARGET_ACCOUNT, OldTargetUserName="bob", NewTargetUserName="bob2"), 3001, 99),
    *(
        (security(number, SUBJECT, GROUP, MemberSid=BOB, MemberName="CN=Bob,OU=x,DC=example,DC=com"), 3006, activity)
        for number, activity in (
            (4727, 6),
            (4728, 3),
            (4729, 4),
            (4730, 5),
            (4732, 3),
            (4733, 4),
            (4756, 3),
            (4757, 4),
            (4735, 99),
        )
    ),
    (security(5136, SUBJECT, ObjectDN="CN=Policy,DC=example,DC=com", ObjectClass="groupPolicyContainer"), 3004, 3),
    (security(5137, SUBJECT, ObjectDN="CN=New,DC=example,DC=com", ObjectClass="computer"), 3004, 1),
    (security(5141, SUBJECT, ObjectDN="CN=Old,DC=example,DC=com", ObjectClass="user"), 3004, 4),
)
SECURITY_CASES = (
    (security(4656, OBJECT), 201003, 1),
    (
        security(
            4657,
            SUBJECT,
            CALLER,
            ObjectName="\\REGISTRY\\MACHINE\\SOFTWARE\\Run",
            ObjectValueName="a",
            OperationType="%%1905",
            NewValueType="%%1876",
            NewValue="1",
            OldValueType="%%1876",
            OldValue="0",
        ),
        201002,
        3,
    ),
    (security(4658, SUBJECT, CALLER, ObjectServer="Security", HandleId="0x1f4"), 201003, 99),
    (security(4660, SUBJECT, CALLER, ObjectServer="Security", HandleId="0x1f4"), 201003, 99),
    (security(4662, OBJECT, ObjectType="%{19195a5b-6da0-11d0-afd3-00c04fd930c9}"), 201003, 1),
    (security(4663, OBJECT, ObjectType="Process"), 201003, 1),
    (security(4670, OBJECT, ObjectType="Token"), 201003, 99),
    (security(4673, SUBJECT, CALLER, ObjectServer="Security", Service="-", PrivilegeList="SeTcbPrivilege"), 201003, 99),
    (security(4674, OBJECT), 201003, 99),
    (
        security(
            4688,
            SUBJECT,
            NewProcessId="0x10e1",
            NewProcessName="C:\\Tools\\agent.exe",
            ProcessId="0x320",
            ParentProcessName="C:\\Windows\\explorer.exe",
            CommandLine="agent.exe -x",
            MandatoryLabel="S-1-16-12288",
            TargetUserSid="S-1-0-0",
            TargetUserName="-",
            TargetLogonId="0x0",
        ),
        1007,
        1,
    ),
    (security(4689, SUBJECT, CALLER, Status="0x0"), 1007, 2),
    (security(4690, SUBJECT, SourceHandleId="0x10", SourceProcessId="0x4", TargetHandleId="0x20"), 201003, 99),
    (security(4799, SUBJECT, GROUP, CallerProcessId="0x4", CallerProcessName="C:\\a.exe"), 201003, 99),
    (security(5379, SUBJECT, TargetName="git:https://example.com", ClientProcessId="77"), 201003, 1),
    (
        security(
            4697, SUBJECT, ServiceName="svc", ServiceFileName="C:\\a.exe", ServiceType="0x10", ServiceStartType="2"
        ),
        201004,
        1,
    ),
    (security(4698, SUBJECT, TaskName="\\Update", TaskContent=TASK_XML), 1006, 1),
    (security(4699, SUBJECT, TaskName="\\Update", TaskContent=TASK_XML), 1006, 3),
    (security(4700, SUBJECT, TaskName="\\Update", TaskContent=TASK_XML), 1006, 4),
    (security(4701, SUBJECT, TaskName="\\Update", TaskContent=TASK_XML), 1006, 5),
    (security(4702, SUBJECT, TaskName="\\Update", TaskContentNew=TASK_XML), 1006, 2),
    (security(4719, SUBJECT, AuditPolicyChanges="%%8448, %%8450"), 1008, 10),
    (security(4719, SUBJECT, AuditPolicyChanges="%%8449"), 1008, 9),
    (security(4616, SUBJECT, CALLER, NewTime="2024-06-15T12:00:00Z"), 1008, 99),
    (security(5031, Profiles="Domain", Application="C:\\a.exe", keywords=FAILURE), 4001, 5),
    (security(5140, SUBJECT, IpAddress="192.0.2.20", IpPort="50000", ShareName="\\\\*\\IPC$"), 4006, 99),
    (
        security(5145, SUBJECT, IpAddress="192.0.2.20", IpPort="50000", ShareName="\\\\*\\C$", RelativeTargetName="x"),
        4006,
        2,
    ),
    (security(5152, FLOW, keywords=FAILURE), 4001, 5),
    (security(5154, FLOW), 4001, 7),
    (security(5156, FLOW), 4001, 1),
    (security(5157, FLOW, keywords=FAILURE), 4001, 5),
    (security(5158, FLOW), 4001, 99),
)
OTHER_CASES = (
    (Record("Security", 1102, dict(SUBJECT), EVENTLOG, "0x4020000000000000", "LogFileCleared", 4), 1008, 1),
    (Record("System", 104, {**SUBJECT, "Channel": "Application"}, EVENTLOG, "0x0", "LogFileCleared", 4), 1008, 1),
    (Record("System", 6006, {}, "EventLog", "0x80000000000000", level=4), 1008, 7),
    (Record("System", 104, {"a": "b"}, "Example-Driver", "0x0", level=3), 1008, 99),
    (
        services(
            7045, ServiceName="svc", ImagePath="C:\\a.exe", ServiceType="kernel mode driver", StartType="auto start"
        ),
        201004,
        1,
    ),
    (services(7036, param1="Example Service", param2="running"), 201004, 3),
    (services(7036, param1="Example Service", param2="stopped"), 201004, 4),
    (services(7040, param1="Example Service", param2="auto start", param3="disabled", param4="svc"), 201004, 2),
    (services(7034, param1="Example Service", param2="1"), 201004, 4),
    (services(7009, param1="30000", param2="Example Service"), 201004, 3),
    (Record(TASKS, 106, {"TaskName": "\\Update", "UserContext": "EXAMPLE\\alice"}, "t", "0x0"), 1006, 1),
    (Record(TASKS, 140, {"TaskName": "\\Update", "UserName": "S-1-5-18"}, "t", "0x0"), 1006, 2),
    (Record(TASKS, 200, {"TaskName": "\\Update", "ActionName": "cmd.exe"}, "t", "0x0"), 1006, 6),
    (
        Record(POWERSHELL, 4103, {"Payload": "CommandInvocation(Get-Date)", "ContextInfo": SCRIPT_CONTEXT}, "p", "0x0"),
        1009,
        1,
    ),
    (
        Record(
            POWERSHELL,
            4104,
            {
                "MessageNumber": "1",
                "MessageTotal": "2",
                "ScriptBlockText": "Get-Date",
                "ScriptBlockId": "0a1b2c3d-aaaa-bbbb-cccc-000000000001",
                "Path": "C:\\a.ps1",
            },
            "p",
        ),
        1009,
        1,
    ),
    (Record(POWERSHELL, 4106, {"ScriptBlockId": "0a1b2c3d-aaaa-bbbb-cccc-000000000001"}, "p", "0x0"), 1009, 99),
    (Record("Windows PowerShell", 400, {"Data": f"Available\n{ENGINE}"}, "PowerShell", "0x0"), 1009, 99),
    (Record("Windows PowerShell", 600, {"Data": f"Registry\n{ENGINE}"}, "PowerShell", "0x0"), 1009, 99),
    (Record("Windows PowerShell", 800, {"Data": "Get-Date\n\tUserId=EXAMPLE\\alice"}, "PowerShell", "0x0"), 1009, 1),
    (
        Record(DEFENDER, 1116, {"Threat Name": "Test:Example", "Severity ID": "5", "Path": "file:_C:\\x.exe"}, "d"),
        2004,
        1,
    ),
    (
        Record(DEFENDER, 1117, {"Threat Name": "Test:Example", "Severity ID": "1", "Action Name": "Quarantine"}, "d"),
        2004,
        2,
    ),
    (Record(DEFENDER, 5001, {"Product Name": "Example"}, "d"), 1008, 99),
    (
        Record(
            "Microsoft-Windows-DNS-Client/Operational", 3008, {"QueryName": "a.example.com", "QueryStatus": "9003"}, "c"
        ),
        4003,
        1,
    ),
    (Record("Application", 1000, {"AppName": "a.exe"}, "Application Error", level=2), 1008, 99),
    (Record("Example-Vendor/Operational", 5, {"Anything": "goes"}, "Example-Vendor"), 1008, 99),
)
CASES = (*SYSMON_CASES, *IDENTITY_CASES, *SECURITY_CASES, *OTHER_CASES)
RECORDS = tuple(record for record, _, _ in CASES)

"""Records of endpoint sensors and of alerting systems, in the forms their documentation shows, with invented values."""

from __future__ import annotations

from typing import Any

import orjson

from models.event import Event
from models.ocsf_schema import validate
from models.records import Context, Coordinates, ParseError, RawRecord
from streams.sources.base import Source

AT = Coordinates("raw.edr", 0, 1)
BROKER_MS = 1_718_452_900_000
NOON_MS = 1_718_452_800_000  # 2024-06-15T12:00:00Z
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MD5 = "098f6bcd4621d373cade4e832627b4f6"
AID = "0123456789abcdef0123456789abcdef"
CID = "fedcba9876543210fedcba9876543210"
ALICE_SID = "S-1-5-21-1111111111-2222222222-3333333333-1105"


def parse(source: Source, value: Any, host: str = "") -> Event:
    """Parse a record that must become one valid event which is found again whole in `raw_data`."""
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    found = source.parse(RawRecord(source.name, raw, AT, BROKER_MS, context=Context(host=host)))
    assert not isinstance(found, ParseError), found
    assert validate(found.ocsf) == []
    assert found.ocsf["raw_data"] == raw.decode()
    assert source.recognize(raw, orjson.loads(raw))
    return found


def refused(source: Source, value: Any) -> ParseError:
    """Parse a record that must be refused."""
    found = source.parse(RawRecord(source.name, orjson.dumps(value), AT, BROKER_MS))
    assert isinstance(found, ParseError)
    return found


def falcon(name: str, **more: Any) -> dict[str, Any]:
    """Return a Data Replicator record of this event, of a Windows host unless `more` says otherwise."""
    return {
        "event_simpleName": name,
        "name": f"{name}V1",
        "aid": AID,
        "cid": CID,
        "aip": "203.0.113.7",
        "event_platform": "Win",
        "ComputerName": "WS-12",
        "id": "5f0a9a52-1f4e-4b9a-8d56-5b6f3f4f6b11",
        "timestamp": "1718452801250",
        "ContextTimeStamp": "1718452800.000",
        **more,
    }


ROLLUP = falcon(
    "ProcessRollup2",
    ImageFileName="\\Device\\HarddiskVolume3\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
    CommandLine="powershell.exe -enc SQBFAFgA",
    TargetProcessId="442211",
    RawProcessId="4711",
    ParentProcessId="442200",
    ParentBaseFileName="winword.exe",
    SHA256HashData=SHA256,
    MD5HashData=MD5,
    SHA1HashData="0" * 40,
    UserSid=ALICE_SID,
    UserName="alice",
    AuthenticationId="293628",
    IntegrityLevel="12288",
    ProcessStartTime="1718452799.500",
    Tags="25, 27",
)
CONNECT = falcon(
    "NetworkConnectIP4",
    ContextProcessId="442211",
    ContextBaseFileName="powershell.exe",
    LocalAddressIP4="10.0.0.12",
    LocalPort="50100",
    RemoteAddressIP4="198.51.100.9",
    RemotePort="443",
    Protocol="6",
    ConnectionDirection="0",
)
DNS = falcon(
    "DnsRequest",
    ContextProcessId="442211",
    DomainName="files.example.com",
    RequestType="1",
    IP4Records="198.51.100.9;198.51.100.10;",
    CNAMERecords="cdn.example.com;",
    RespondingDnsServer="10.0.0.53",
)
LOGON = falcon(
    "UserLogon",
    UserName="alice",
    UserSid=ALICE_SID,
    LogonDomain="CORP",
    LogonType="10",
    AuthenticationId="777216",
    AuthenticationPackage="Kerberos",
    RemoteAddressIP4="10.0.0.99",
    ClientComputerName="WS-99",
)
REGISTRY = falcon(
    "AsepValueUpdate",
    ContextProcessId="442211",
    RegObjectName="\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\updater",
    RegValueName="Start",
    RegType="4",
    RegNumericValue="2",
    RegOperationType="1",
)
WRITTEN = falcon(
    "PeFileWritten",
    ContextProcessId="442211",
    ContextBaseFileName="powershell.exe",
    TargetFileName="\\Device\\HarddiskVolume3\\Users\\alice\\AppData\\Local\\Temp\\a.exe",
    SHA256HashData=SHA256,
    Size="4096",
)
TASK = falcon(
    "ScheduledTaskRegistered",
    ContextProcessId="442211",
    TaskName="\\Updater",
    TaskExecCommand="C:\\Users\\Public\\u.exe",
    TaskExecArguments="/quiet",
)
SERVICE = falcon("ServiceStarted", TargetProcessId="442300", ServiceDisplayName="Updater", ServiceImagePath="C:\\u.exe")
SCRIPT = falcon("ScriptControlScanTelemetry", TargetProcessId="442211", ScriptContent="IEX (New-Object Net.WebClient)")
INJECTED = falcon(
    "InjectedThread", ContextProcessId="442211", TargetProcessId="442400", RawProcessId="888", TargetThreadId="9"
)
MODULE = falcon(
    "ClassifiedModuleLoad", ContextProcessId="442211", ImageFileName="C:\\Temp\\x.dll", SHA256HashData=SHA256
)
DRIVER = falcon("DriverLoad", ContextProcessId="4", ImageFileName="C:\\Windows\\System32\\drivers\\x.sys")
ENDED = falcon("EndOfProcess", TargetProcessId="442211", RawProcessId="4711", ExitCode="0")
ALLOW_LIST = {
    "metadata": {
        "customerIDString": CID,
        "offset": 77,
        "eventType": "AuthActivityAuditEvent",
        "eventCreationTime": "2024-06-15 12:00:00.531000000",
        "version": "1.0",
    },
    "event": {
        "UserId": "alice@example.com",
        "UserIp": "203.0.113.50",
        "OperationName": "grantUserRoles",
        "ServiceName": "CrowdStrike Authentication",
        "Success": True,
        "UTCTimestamp": "2024-06-15 12:00:00.000000000",
        "AuditKeyValues": [
            {"Key": "target_name", "ValueString": "svc-backup@example.com"},
            {"Key": "roles", "ValueString": "falcon_admin"},
            {"Key": "trace_id", "ValueString": "trace-1"},
        ],
    },
}
EPP_DETECTION = {
    "metadata": {
        "customerIDString": CID,
        "offset": 78,
        "eventType": "EppDetectionSummaryEvent",
        "eventCreationTime": NOON_MS,
        "version": "1.0",
    },
    "event": {
        "ProcessStartTime": 1_718_452_790,
        "ProcessId": 442_211,
        "ParentProcessId": 442_200,
        "Hostname": "WS-12",
        "UserName": "alice",
        "LogonDomain": "CORP",
        "Name": "Suspicious Activity",
        "Description": "A process read the memory of the local security authority.",
        "Severity": 70,
        "SeverityName": "High",
        "FileName": "dump.exe",
        "FilePath": "\\Device\\HarddiskVolume3\\Users\\Public\\dump.exe",
        "CommandLine": "dump.exe -p 700",
        "SHA256String": SHA256,
        "FalconHostLink": "https://falcon.example.com/detections/1",
        "AgentId": AID,
        "CompositeId": f"{CID}:ind:{AID}:442211-1-2",
        "LocalIP": "10.0.0.12",
        "MACAddress": "00-00-5E-00-53-01",
        "Tactic": "Credential Access",
        "Technique": "OS Credential Dumping",
        "MitreAttack": [{"PatternID": 1, "Tactic": "Credential Access", "TechniqueID": "T1003.001"}],
        "PatternDispositionDescription": "Prevention, process was blocked from execution.",
        "PatternId": 10197,
        "ParentImageFilePath": "\\Device\\HarddiskVolume3\\Windows\\System32\\cmd.exe",
        "AggregateId": "aggind:1",
        "NetworkAccesses": [
            {
                "LocalAddress": "10.0.0.12",
                "LocalPort": 50100,
                "RemoteAddress": "198.51.100.9",
                "RemotePort": 443,
                "Protocol": "TCP",
                "ConnectionDirection": 0,
            }
        ],
        "HostGroups": "g1",
    },
}
FALCON_ALERT = {
    "agent_id": AID,
    "aggregate_id": "aggind:2",
    "cid": CID,
    "composite_id": f"{CID}:ind:{AID}:51143",
    "confidence": 80,
    "context_timestamp": "2024-06-15T12:00:00Z",
    "created_timestamp": "2024-06-15T12:02:00.987127397Z",
    "description": "A user denied a request to verify the identity",
    "display_name": "Identity verification denied",
    "falcon_host_link": "https://falcon.example.com/identity/1",
    "pattern_id": 51143,
    "product": "idp",
    "severity": 79,
    "severity_name": "High",
    "source_account_name": "alice",
    "source_account_upn": "alice@example.com",
    "source_endpoint_host_name": "ws-12.corp.example.com",
    "source_endpoint_ip_address": "10.0.0.12",
    "target_endpoint_host_name": "srv-1.corp.example.com",
    "status": "new",
    "tactic": "Credential Access",
    "tactic_id": "TA0006",
    "technique": "Brute Force",
    "technique_id": "T1110",
    "type": "idp-user-endpoint-app-info",
}
REMOTE_RESPONSE = {
    "event": {
        "AgentIdString": AID,
        "CustomerIdString": CID,
        "EventType": "Event_ExternalApiEvent",
        "ExternalApiType": "Event_RemoteResponseSessionStartEvent",
        "HostnameField": "WS-12",
        "SessionId": "6e1181e4-4924-4761-a3d6-66851adb9501",
        "UTCTimestamp": "1718452800000",
        "UserName": "alice@example.com",
    },
    "aid": AID,
    "cid": CID,
    "fdr_event_type": "Event_RemoteResponseSessionStartEvent",
}
MASTER = {
    "aid": AID,
    "cid": CID,
    "AgentVersion": "7.10.1",
    "ComputerName": "WS-12",
    "Time": "1718452800.0",
    "event_platform": "Win",
    "MachineDomain": "corp.example.com",
    "SystemManufacturer": "Example",
}
FALCON = (
    *(ROLLUP, CONNECT, DNS, LOGON, REGISTRY, WRITTEN, TASK, SERVICE, SCRIPT, INJECTED, MODULE, DRIVER, ENDED),
    *(ALLOW_LIST, EPP_DETECTION, FALCON_ALERT, REMOTE_RESPONSE, MASTER),
)


def funnel(kind: str, category: str, **more: Any) -> dict[str, Any]:
    """Return a Cloud Funnel record of this type; underscores pairs in names stand for dots."""
    return {
        "event.type": kind,
        "event.category": category,
        "event.time": NOON_MS,
        "event.id": "01J0EVENT_41",
        "endpoint.name": "WS-12",
        "endpoint.os": "windows",
        "agent.uuid": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
        "account.id": "100200300",
        "dataSource.name": "SentinelOne",
        "src.process.name": "winword.exe",
        "src.process.pid": 3596,
        "src.process.uid": "F594450000000001",
        "src.process.cmdline": "winword.exe letter.docm",
        "src.process.image.path": "C:\\Program Files\\Office\\winword.exe",
        "src.process.image.sha256": SHA256,
        "src.process.user": "CORP\\alice",
        "src.process.integrityLevel": "MEDIUM",
        "src.process.storyline.id": "STORY1",
        "src.process.parent.pid": 900,
        "src.process.parent.uid": "F594450000000000",
        "src.process.parent.name": "explorer.exe",
        "src.process.childProcCount": 3,
        **{name.replace("__", "."): value for name, value in more.items()},
    }


S1_PROCESS = funnel(
    "Process Creation",
    "process",
    tgt__process__pid=4720,
    tgt__process__uid="D004600000000001",
    tgt__process__name="powershell.exe",
    tgt__process__cmdline="powershell -enc SQBFAFgA",
    tgt__process__image__path="C:\\Windows\\System32\\powershell.exe",
    tgt__process__user="CORP\\alice",
    tgt__process__integrityLevel="HIGH",
)
S1_CONNECT = funnel(
    "IP Connect",
    "ip",
    src__ip__address="10.0.0.12",
    src__port__number=50100,
    dst__ip__address="198.51.100.9",
    dst__port__number=443,
    event__network__direction="OUTGOING",
    event__network__connectionStatus="SUCCESS",
    event__network__protocolName="TCP",
)
S1_DNS = funnel(
    "DNS Resolved",
    "dns",
    event__dns__request="files.example.com",
    event__dns__response="type: 5 cdn.example.com;198.51.100.9;",
)
S1_LOGIN = funnel(
    "Login",
    "logins",
    event__login__type="NETWORK",
    event__login__userName="alice",
    event__login__accountDomain="CORP",
    event__login__accountSid=ALICE_SID,
    event__login__loginIsSuccessful=False,
    event__login__failureReason="bad password",
    src__ip__address="10.0.0.99",
)
S1_VALUE = funnel(
    "Registry Value Modified",
    "registry",
    registry__keyPath="MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\updater",
    registry__value="C:\\Users\\Public\\u.exe",
)
S1_INDICATOR = funnel(
    "Behavioral Indicators",
    "indicators",
    indicator__name="PowershellEncoded",
    indicator__category="Evasion",
    indicator__description="Encoded command. MITRE: Defense Evasion {T1027}",
)
S1_THREAT = {
    "agentDetectionInfo": {"accountId": "100200300", "agentIpV4": "10.0.0.12", "agentDomain": "CORP"},
    "agentRealtimeInfo": {"agentComputerName": "WS-12", "agentUuid": "a1b2c3", "agentOsType": "windows"},
    "containerInfo": {"id": None, "image": None, "name": None},
    "kubernetesInfo": {"pod": None},
    "id": "1400000000000000001",
    "indicators": [
        {
            "category": "Evasion",
            "description": "Indirect command was executed",
            "tactics": [{"name": "Defense Evasion", "techniques": [{"name": "T1202", "link": "https://example.com"}]}],
        }
    ],
    "threatInfo": {
        "threatId": "1400000000000000001",
        "threatName": "dump.exe",
        "classification": "Malware",
        "confidenceLevel": "malicious",
        "incidentStatus": "unresolved",
        "mitigationStatus": "mitigated",
        "identifiedAt": "2024-06-15T12:00:00.000000Z",
        "createdAt": "2024-06-15T12:00:01.519988Z",
        "filePath": "\\Device\\HarddiskVolume3\\Users\\Public\\dump.exe",
        "sha256": SHA256,
        "processUser": "CORP\\alice",
        "storyline": "STORY1",
    },
    "whiteningOptions": ["hash"],
}
S1_ALERT = {
    "agentDetectionInfo": {"name": "WS-12", "uuid": "a1b2c3", "osFamily": "windows", "accountId": "100200300"},
    "alertInfo": {
        "alertId": "1500000000000000001",
        "createdAt": "2024-06-15T12:00:00.003000Z",
        "eventType": "LOGIN",
        "incidentStatus": "Unresolved",
        "loginsUserName": "alice",
        "loginAccountDomain": "CORP",
        "srcIp": "10.0.0.99",
        "srcPort": "50000",
        "source": "STAR",
    },
    "ruleInfo": {"id": "77", "name": "Admin login T1078", "severity": "Critical", "description": None},
    "sourceProcessInfo": {"pid": "1252", "uniqueId": "E0E3", "name": "lsass.exe", "user": "NT AUTHORITY\\SYSTEM"},
    "sourceParentProcessInfo": {"pid": "700", "name": "wininit.exe"},
    "targetProcessInfo": {"tgtFilePath": None},
}
S1_ACTIVITY = {
    "id": "900",
    "activityType": 27,
    "createdAt": "2024-06-15T12:00:00.000000Z",
    "primaryDescription": "The management user alice logged in to the management console.",
    "accountId": "100200300",
    "userId": "555",
    "data": {"username": "alice@example.com", "ipAddress": "203.0.113.50", "role": "admin"},
}
SENTINEL = (S1_PROCESS, S1_CONNECT, S1_DNS, S1_LOGIN, S1_VALUE, S1_INDICATOR, S1_THREAT, S1_ALERT, S1_ACTIVITY)


def carbon(kind: str, **more: Any) -> dict[str, Any]:
    """Return an endpoint event of the Data Forwarder."""
    return {
        "type": f"endpoint.event.{kind}",
        "org_key": "ABCD1234",
        "device_id": "77",
        "device_name": "CORP\\WS-12",
        "device_os": "WINDOWS",
        "device_external_ip": "203.0.113.7",
        "device_timestamp": "2024-06-15 12:00:00.686294 +0000 UTC",
        "backend_timestamp": "2024-06-15 12:00:33 +0000 UTC",
        "process_guid": "ABCD1234-0000004d-00000d5c-00000000-1d807ba90168b3b",
        "process_pid": 3420,
        "process_path": "c:\\program files\\office\\winword.exe",
        "process_hash": [MD5, SHA256],
        "process_cmdline": "winword.exe letter.docm",
        "process_username": "CORP\\alice",
        "parent_guid": "ABCD1234-0000004d-00000334-00000000-1d807ba80c7d2d9",
        "parent_pid": 820,
        "parent_path": "c:\\windows\\explorer.exe",
        "sensor_action": "ACTION_ALLOW",
        **more,
    }


CB_START = carbon(
    "procstart",
    action="ACTION_CREATE_PROCESS",
    childproc_pid=4676,
    childproc_guid="ABCD1234-0000004d-00001244-00000000-1d81e748f8b0d13",
    childproc_name="c:\\windows\\system32\\cmd.exe",
    childproc_username="CORP\\alice",
    childproc_hash=[MD5, SHA256],
    target_cmdline="cmd.exe /c whoami",
)
CB_FILE = carbon(
    "filemod", action="ACTION_FILE_CREATE | ACTION_FILE_OPEN_WRITE", filemod_name="c:\\users\\public\\a.exe"
)
CB_NET = carbon(
    "netconn",
    local_ip="10.0.0.12",
    local_port=50100,
    remote_ip="198.51.100.9",
    remote_port=443,
    netconn_domain="files.example.com",
    netconn_inbound=False,
    netconn_protocol="PROTO_TCP",
)
CB_REG = carbon("regmod", action="ACTION_WRITE_VALUE", regmod_name="HKLM\\SOFTWARE\\Example\\Run\\updater")
CB_CROSS = carbon(
    "crossproc",
    crossproc_action="ACTION_OPEN_PROCESS_HANDLE",
    crossproc_name="c:\\windows\\system32\\lsass.exe",
    crossproc_guid="ABCD1234-0000004d-00000300-00000000-1",
    crossproc_target=True,
)
CB_SCRIPT = carbon("fileless_scriptload", fileless_scriptload_cmdline="IEX (New-Object Net.WebClient)")
CB_MODULE = carbon("moduleload", modload_name="c:\\temp\\x.dll", modload_sha256=SHA256, modload_count=2)
CB_END = carbon("procend", action="ACTION_PROCESS_TERMINATE")
CB_ALERT = {
    "org_key": "ABCD1234",
    "alert_url": "https://defense.example.com/alerts?id=1",
    "id": "411eedfc-8408-2f9e-59f2-a83dfaae0ec1",
    "type": "CB_ANALYTICS",
    "detection_timestamp": "2024-06-15T12:00:00.000Z",
    "backend_timestamp": "2024-06-15T12:01:00.960Z",
    "severity": 8,
    "reason": "A known tool was detected running.",
    "reason_code": "T_REP_VIRUS",
    "threat_id": "9e0afc389c1acc43b382b1ba590498d2",
    "sensor_action": "DENY",
    "workflow": {"status": "OPEN"},
    "device_id": 77,
    "device_name": "WS-12",
    "device_os": "WINDOWS",
    "device_internal_ip": "10.0.0.12",
    "device_external_ip": "203.0.113.7",
    "ttps": ["FILELESS", "MITRE_T1059_001_POWERSHELL", "MITRE_T1003_CREDENTIAL_DUMP"],
    "attack_tactic": "TA0002",
    "process_guid": "ABCD1234-0000004d-00000e10-00000000-1d9b8d24ab16c73",
    "process_pid": 3600,
    "process_name": "c:\\users\\public\\dump.ps1",
    "process_sha256": SHA256,
    "process_cmdline": "powershell.exe dump.ps1",
    "process_username": "WS-12\\alice",
    "netconn_remote_ip": "198.51.100.9",
    "run_state": "RAN",
}
CB_AUDIT = {
    "clientIp": "203.0.113.50",
    "description": "Added user svc-backup@example.com to org 12345 (Email Invitation)",
    "eventId": "d109e568832111ee8ab2057b240e65f8",
    "eventTime": "2024-06-15 12:00:00.000000000",
    "flagged": False,
    "loginName": "alice@example.com",
    "orgName": "example.com",
    "verbose": False,
}
CARBON = (CB_START, CB_FILE, CB_NET, CB_REG, CB_CROSS, CB_SCRIPT, CB_MODULE, CB_END, CB_ALERT, CB_AUDIT)

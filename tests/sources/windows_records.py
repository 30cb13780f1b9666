"""Invented Windows events, and the same event as each shipper would write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from models.errors import Unparseable
from models.event import Event
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.windows.source import SOURCE

STAMP = "2024-06-15T12:00:00.1234567Z"
TIME = 1_718_452_800_123
COMPUTER = "ws01.example.com"
ALICE = "S-1-5-21-1000000001-1000000002-1000000003-1104"
BOB = "S-1-5-21-1000000001-1000000002-1000000003-1105"
SYSMON = "Microsoft-Windows-Sysmon/Operational"
AUDIT = "Microsoft-Windows-Security-Auditing"
POWERSHELL = "Microsoft-Windows-PowerShell/Operational"
TASKS = "Microsoft-Windows-TaskScheduler/Operational"
DEFENDER = "Microsoft-Windows-Windows Defender/Operational"
RDP = "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"
SUCCESS, FAILURE = "0x8020000000000000", "0x8010000000000000"
SUBJECT = {
    "SubjectUserSid": ALICE,
    "SubjectUserName": "alice",
    "SubjectDomainName": "EXAMPLE",
    "SubjectLogonId": "0x1A2B3",
}
TARGET = {
    "TargetUserSid": BOB,
    "TargetUserName": "bob",
    "TargetDomainName": "EXAMPLE",
    "TargetLogonId": "0x4d5e6",
}
TARGET_ACCOUNT = {"TargetUserName": "bob", "TargetDomainName": "EXAMPLE", "TargetSid": BOB}
GROUP = {"TargetUserName": "Operators", "TargetDomainName": "EXAMPLE", "TargetSid": f"{BOB[:-4]}1200"}
IMAGE = {
    "ProcessGuid": "{0a1b2c3d-0001-6000-0100-000000000100}",
    "ProcessId": "4321",
    "Image": "C:\\Tools\\agent.exe",
    "User": "EXAMPLE\\alice",
    "UtcTime": "2024-06-15 11:59:59.900",
    "RuleName": "-",
}
HASHES = f"SHA1={'A1' * 20},MD5={'B2' * 16},SHA256={'C3' * 32},IMPHASH={'D4' * 16}"


@dataclass(frozen=True, slots=True)
class Record:
    """One event before any shipper had it."""

    channel: str
    event_id: int
    data: dict[str, Any] = field(default_factory=dict)
    provider: str = AUDIT
    keywords: str = SUCCESS
    user_data: str = ""
    level: int = 0

    def with_data(self, **data: Any) -> Record:
        return Record(
            self.channel, self.event_id, {**self.data, **data}, self.provider, self.keywords, self.user_data, self.level
        )


def sysmon(event_id: int, **data: Any) -> Record:
    return Record(SYSMON, event_id, data, "Microsoft-Windows-Sysmon", "0x8000000000000000", level=4)


def security(event_id: int, *parts: dict[str, Any], keywords: str = SUCCESS, **data: Any) -> Record:
    return Record("Security", event_id, {k: v for part in parts for k, v in part.items()} | data, keywords=keywords)


def services(event_id: int, **data: Any) -> Record:
    return Record("System", event_id, data, "Service Control Manager", "0x8080000000000000", level=4)


def flat(record: Record) -> dict[str, Any]:
    """NXLog and its like."""
    return {
        **record.data,
        "EventID": record.event_id,
        "Channel": record.channel,
        "Hostname": COMPUTER,
        "SourceName": record.provider,
        "TimeCreated": STAMP,
        "@timestamp": "2024-06-15T12:00:09.000Z",
        "Keywords": record.keywords,
        "Level": str(record.level),
        "RecordNumber": 77,
    }


def _xml(record: Record, system: dict[str, Any]) -> dict[str, Any]:
    body = {"EventData": record.data or None}
    if record.user_data:
        body = {"UserData": {record.user_data: {"#attributes": {"xmlns": "urn:example"}, **record.data}}}
    common = {"Version": 1, "Level": record.level, "Keywords": record.keywords, "EventRecordID": 77}
    return {"Event": {"System": {**common, **system, "Channel": record.channel, "Computer": COMPUTER}, **body}}


def evtx_dump(record: Record) -> dict[str, Any]:
    """Attributes under `#attributes`."""
    return _xml(
        record,
        {
            "Provider": {"#attributes": {"Name": record.provider, "Guid": "0A1B2C3D-0000-0000-0000-000000000001"}},
            "EventID": {"#attributes": {"Qualifiers": 16384}, "#text": record.event_id},
            "TimeCreated": {"#attributes": {"SystemTime": STAMP}},
            "Execution": {"#attributes": {"ProcessID": 612, "ThreadID": 700}},
            "Security": {"#attributes": {"UserID": "S-1-5-18"}},
        },
    )


def separate_attributes(record: Record) -> dict[str, Any]:
    """evtx_dump again, with attributes beside their element."""
    return _xml(
        record,
        {
            "Provider_attributes": {"Name": record.provider},
            "EventID": record.event_id,
            "TimeCreated_attributes": {"SystemTime": STAMP},
        },
    )


def xmltodict(record: Record) -> dict[str, Any]:
    """Attributes under `@...`, data as a list of named elements."""
    whole = _xml(
        record,
        {
            "Provider": {"@Name": record.provider},
            "EventID": {"@Qualifiers": "0", "#text": str(record.event_id)},
            "TimeCreated": {"@SystemTime": STAMP},
            "Execution": {"@ProcessID": "612", "@ThreadID": "700"},
        },
    )
    if not record.user_data:
        items = [{"@Name": name, "#text": value} if value else {"@Name": name} for name, value in record.data.items()]
        whole["Event"]["EventData"] = {"Data": items if len(items) != 1 else items[0]}
    return whole


def velociraptor(record: Record) -> dict[str, Any]:
    """No `Event` around, the time as float seconds."""
    system = {
        "Provider": {"Name": record.provider},
        "EventID": {"Value": record.event_id},
        "TimeCreated": {"SystemTime": TIME / 1000},
    }
    return _xml(record, system)["Event"]


def winlogbeat(record: Record) -> dict[str, Any]:
    data = {"user_data": {"xml_name": record.user_data, **record.data}} if record.user_data else {}
    return {
        "@timestamp": STAMP,
        "winlog": {
            "event_id": str(record.event_id),
            "channel": record.channel,
            "computer_name": COMPUTER,
            "provider_name": record.provider,
            "record_id": 77,
            "keywords": ["Audit Failure" if record.keywords == FAILURE else "Audit Success"],
            "process": {"pid": 612},
            **(data or {"event_data": record.data}),
        },
        "log": {"level": ["information", "critical", "error", "warning", "information"][record.level]},
        "host": {"name": "shipper.example.com"},
        "message": "An event.\n\nWith more lines.",
    }


def dotted(record: Record) -> dict[str, Any]:
    """Winlogbeat, flattened on its way."""

    def walk(prefix: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {prefix: value}
        return {k: v for name, item in value.items() for k, v in walk(f"{prefix}.{name}", item).items()}

    whole = winlogbeat(record)
    return {k: v for name, item in whole.items() for k, v in walk(name, item).items()}


def winlogbeat6(record: Record) -> dict[str, Any]:
    return {
        "@timestamp": STAMP,
        "type": "wineventlog",
        "event_id": record.event_id,
        "log_name": record.channel,
        "computer_name": COMPUTER,
        "source_name": record.provider,
        "record_number": "77",
        "keywords": ["Audit Failure" if record.keywords == FAILURE else "Audit Success"],
        "level": "Information",
        "event_data": record.data,
        "message": "An event.\nWith more lines.",
    }


FORMS = (flat, evtx_dump, separate_attributes, xmltodict, velociraptor, winlogbeat, dotted, winlogbeat6)


def raw(value: Any, broker_time: int = 0) -> RawRecord:
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    return RawRecord("windows", data, Coordinates("raw.windows", 0, 1), broker_time)


def parse(value: Any, broker_time: int = 0) -> Event:
    """Parse a record that is expected to become an event."""
    event = SOURCE.parse(raw(value, broker_time))
    if isinstance(event, ParseError):
        raise Unparseable(event.reason, offset=event.offset, field=event.field)
    return event

"""Raw records of three sources, small and whole, for tests of the stages that come after the sources."""

from __future__ import annotations

import json
from typing import Any

from models.event import Event
from models.records import Coordinates, RawRecord
from streams.sources.registry import SOURCES

NOON = 1_790_078_400_000  # 2026-09-22T12:00:00Z
AT = Coordinates("raw.test", 3, 41)


def raw(source: str, fields: dict[str, Any] | bytes, broker_time: int = 0, at: Coordinates = AT) -> RawRecord:
    data = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return RawRecord(source, data, at, broker_time)


def event(record: RawRecord) -> Event:
    parsed = SOURCES[record.source].parse(record)
    assert isinstance(parsed, Event), parsed
    return parsed


def process_start(host: str = "ws1.example.com", **fields: Any) -> dict[str, Any]:
    """Return Sysmon's record of a started program, as NXLog ships it."""
    return {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "SourceName": "Microsoft-Windows-Sysmon",
        "Hostname": host,
        "TimeCreated": "2026-09-22T12:00:00.000Z",
        "Image": r"C:\Tools\probe.exe",
        "CommandLine": "probe.exe --all",
        "ProcessId": "4100",
        "User": r"EXAMPLE\alice",
        **fields,
    }


def connection(**fields: Any) -> dict[str, Any]:
    """Return Zeek's record of a connection of two seconds."""
    return {
        "_path": "conn",
        "ts": NOON / 1000,
        "uid": "CaB3xw2kqG1oYd4Zu6",
        "id.orig_h": "192.0.2.10",
        "id.orig_p": 50_123,
        "id.resp_h": "203.0.113.9",
        "id.resp_p": 443,
        "proto": "tcp",
        "duration": 2.0,
        **fields,
    }


def logon(**fields: Any) -> dict[str, Any]:
    """Return an OCSF event of a sign-in, as a shipper that speaks OCSF sends it."""
    return {
        "class_uid": 3002,
        "class_name": "Authentication",
        "category_uid": 3,
        "activity_id": 1,
        "type_uid": 300_201,
        "time": NOON,
        "severity_id": 1,
        "user": {"name": "alice", "uid": "1001"},
        "service": {"name": "vpn"},
        "metadata": {"version": "1.8.0", "product": {"name": "Example VPN", "vendor_name": "Example"}},
        **fields,
    }

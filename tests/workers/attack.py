"""An invented attack on many hosts as raw records, and three small rules that braid it."""

from __future__ import annotations

import json
from pathlib import Path

START_S = 1_790_000_000
RULES = r"""
title: Program over HTTP
id: 6d1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2a01
name: program_over_http
status: test
level: medium
tags: [attack.command-and-control, attack.t1105]
logsource: {product: zeek, service: http}
detection:
  program: {resp_mime_types: application/x-dosexec}
  condition: program
---
title: LSASS read
id: 6d1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2a02
name: lsass_read
status: test
level: high
tags: [attack.credential-access, attack.t1003.001]
logsource: {product: windows, category: process_access}
detection:
  lsass: {TargetImage|endswith: \lsass.exe}
  condition: lsass
---
title: Downloaded, then LSASS read
id: 6d1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2a03
status: test
level: critical
correlation:
  type: temporal_ordered
  rules: [program_over_http, lsass_read]
  group-by: [entity.host]
  timespan: 30m
"""


def write_rules(folder: Path) -> Path:
    """Write the rules into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(RULES, "utf-8")
    return folder


def attack(hosts: int, noise: int = 0) -> tuple[list[bytes], list[bytes]]:
    """Return the raw records of Zeek and of Windows: every host fetches a program, then its LSASS is read.

    The network names hosts by address alone; which host has which address, its own connections tell.
    """
    zeek = [_line(_http(n)) for n in range(hosts)]
    windows = [_line(record) for n in range(hosts) for record in (_connection(n), _access(n))]
    windows += [_line(_process(n)) for n in range(noise)]
    return zeek, windows


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record).encode()


def _time(second: int) -> str:
    return f"2026-09-21T{13 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"


def _http(n: int) -> dict[str, object]:
    return {
        "_path": "http",
        "ts": _time(10 + n),
        "uid": f"C{n:017d}",
        "id.orig_h": f"10.1.{n // 250}.{n % 250 + 1}",
        "id.orig_p": 50_000,
        "id.resp_h": "203.0.113.9",
        "id.resp_p": 80,
        "method": "GET",
        "host": "files.example.com",
        "uri": "/tool.exe",
        "status_code": 200,
        "resp_mime_types": ["application/x-dosexec"],
    }


def _sysmon(n: int, event_id: int, second: int, **fields: object) -> dict[str, object]:
    return {
        "EventID": event_id,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "SourceName": "Microsoft-Windows-Sysmon",
        "Hostname": f"ws{n}.example.com",
        "TimeCreated": _time(second),
        **fields,
    }


def _connection(n: int) -> dict[str, object]:
    return _sysmon(
        n,
        3,
        60 + n,
        Initiated="true",
        Protocol="tcp",
        SourceIp=f"10.1.{n // 250}.{n % 250 + 1}",
        SourcePort="50000",
        DestinationIp="203.0.113.9",
        DestinationPort="80",
        Image=r"C:\Program Files\Example\browser.exe",
        ProcessId="400",
        User=r"EXAMPLE\alice",
    )


def _access(n: int) -> dict[str, object]:
    return _sysmon(
        n,
        10,
        120 + n,
        SourceImage=r"C:\Users\alice\Downloads\tool.exe",
        SourceProcessId="4000",
        TargetImage=r"C:\Windows\System32\lsass.exe",
        TargetProcessId="600",
        GrantedAccess="0x1010",
        SourceUser=r"EXAMPLE\alice",
        TargetUser=r"NT AUTHORITY\SYSTEM",
    )


def _process(n: int) -> dict[str, object]:
    image = r"C:\Windows\System32\notepad.exe"
    return _sysmon(
        n % 40, 1, 300 + n % 3000, Image=image, CommandLine=f"notepad {n}.txt", ProcessId=str(n), User=r"EXAMPLE\bob"
    )

"""Failed logins as raw records of Windows, many in little time, and two rules that count them."""

from __future__ import annotations

import json
from pathlib import Path

FIRST_SECOND = 1_790_078_400_000  # 2026-09-22T12:00:00Z
RULES = """
title: Failed logon
id: 5b1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2a01
name: failed_logon
status: test
level: low
tags: [attack.credential-access, attack.t1110]
logsource: {product: windows, service: security}
detection:
  failed: {EventID: 4625}
  condition: failed
---
title: One account tried again and again
id: 5b1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2a02
status: test
level: high
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [entity.user]
  timespan: 5m
  condition: {gte: 100}
---
title: Many workstations try one account
id: 5b1f6f3e-5b37-4c5c-9d0b-0d6f4f6f2a03
status: test
level: high
correlation:
  type: value_count
  rules: [failed_logon]
  group-by: [TargetUserName]
  timespan: 1m
  condition: {field: WorkstationName, gte: 2}
"""


def write_rules(folder: Path) -> Path:
    """Write the rules into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "floods.yml").write_text(RULES, "utf-8")
    return folder


def failed_logins(number: int, during_ms: int) -> list[bytes]:
    """Return the records of as many failed logins of one account from two workstations, evenly over the time."""
    return [_login(n, n * during_ms // number) for n in range(number)]


def _login(n: int, at_ms: int) -> bytes:
    second, ms = divmod(at_ms, 1000)
    record = {
        "EventID": 4625,
        "Channel": "Security",
        "SourceName": "Microsoft-Windows-Security-Auditing",
        "Hostname": "dc1.example.com",
        "TimeCreated": f"2026-09-22T12:{second // 60:02d}:{second % 60:02d}.{ms:03d}Z",
        "RecordNumber": n,
        "TargetUserName": "svc-backup",
        "TargetDomainName": "EXAMPLE",
        "WorkstationName": f"WS{n % 2}",
        "IpAddress": "192.0.2.77",
        "LogonType": "3",
        "Status": "0xc000006d",
    }
    return json.dumps(record).encode()

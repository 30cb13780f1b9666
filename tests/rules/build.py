"""A small pack of rules to test the runner of rule tests with, and a way to run tests beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from streams.ruletest import TestCase, TestReport, run_tests

FETCH = """\
title: Tool fetched
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d51
name: fetch
level: medium
status: test
tags: [attack.command-and-control]
logsource: {product: zeek, service: http}
detection:
  selection: {uri|contains: /tool}
  condition: selection
"""
INSTALL = """\
title: Service installed
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d52
name: install
level: medium
status: test
tags: [attack.command-and-control]
logsource: {product: windows, service: system}
detection:
  selection: {EventID: 7045}
  condition: selection
"""
SIGN_IN = """\
title: Sign-in
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d53
name: sign_in
level: medium
status: test
taxonomy: ocsf
tags: [attack.command-and-control]
logsource: {product: ocsf, category: authentication}
detection:
  selection: {status_id: 1}
  condition: selection
"""
FETCH_THEN_INSTALL = """\
title: Tool fetched, then a service installed
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d61
name: fetch_then_install
correlation:
  type: temporal_ordered
  rules: [fetch, install]
  group-by: [entity.host]
  timespan: 1h
braid: {risk_threshold: 60}
"""
MANY_FETCHED = """\
title: Many tools fetched
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d62
name: many_fetched
correlation:
  type: value_count
  rules: [fetch, sign_in]
  group-by: [id.orig_h]
  timespan: 10m
  condition: {field: uri, gte: 3}
"""
HTTP = {
    "_path": "http",
    "ts": 1731405012.481,
    "uid": "CqT5bA2wLx8nE1vRd",
    "id.orig_h": "192.168.40.31",
    "id.orig_p": 51544,
    "id.resp_h": "203.0.113.45",
    "id.resp_p": 80,
    "method": "GET",
    "host": "files.example.net",
    "uri": "/tool",
    "status_code": 200,
}
SERVICE = {
    "EventID": 7045,
    "Channel": "System",
    "Provider_Name": "Service Control Manager",
    "Computer": "ws31.example.com",
    "TimeCreated": "2024-11-12T10:00:11.300Z",  # half an hour after HTTP
    "ServiceName": "upd",
    "ImagePath": "C:\\Windows\\upd.exe",
}
JOINED = [{"left": "ip:192.168.40.31", "right": "host:ws31"}]
CONNECTION = {
    "EventID": 3,
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Provider_Name": "Microsoft-Windows-Sysmon",
    "Computer": "ws31.example.com",
    "TimeCreated": "2024-11-12T09:49:58.204Z",
    "ProcessId": "1320",
    "Image": "C:\\Windows\\System32\\svchost.exe",
    "Initiated": "true",
    "SourceIp": "192.168.40.31",
    "DestinationIp": "192.168.60.10",
    "DestinationPort": "389",
}


def write_pack(folder: Path) -> Path:
    """Write the detections into the folders of their domains, and the correlations."""
    write(folder / "network" / "fetch.yml", FETCH)
    write(folder / "workload" / "install.yml", INSTALL)
    write(folder / "identity" / "sign_in.yml", SIGN_IN)
    write(folder / "correlations" / "fetch_then_install.yml", FETCH_THEN_INSTALL)
    write(folder / "correlations" / "many_fetched.yml", MANY_FETCHED)
    return folder


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def run(folder: Path, rule: str, tests: str) -> TestReport:
    """Write tests (a list in YAML, at any indentation) beside a rule of the pack and run the pack."""
    beside = folder / f"{rule}.tests.yml"
    write(beside, "tests:\n" + indent(dedent(tests).strip("\n"), "  ") + "\n")
    return run_tests([folder])


def only(report: TestReport) -> TestCase:
    """Return the one case of a report without problems."""
    assert not report.problems, "\n".join(map(str, report.problems))
    (case,) = report.cases
    return case


def fetch_test(uri: str, *, fires: bool) -> str:
    """Return a test of `fetch` on one line."""
    fields = json.dumps({**HTTP, "uri": uri})
    return f"- {{name: a request, source: zeek, fires: {str(fires).lower()}, record: {fields}}}"


def chain_test(*, install_at: str, more: str = "", n: int = 1) -> str:
    """Return a test of `fetch_then_install` on one host: fetched at 10 minutes, installed when told."""
    return f"""
        - name: a chain
          signals:
            - {{rule: fetch, at: 10m, entities: [host:ws31]}}
            - {{rule: install, at: {install_at}, entities: [host:ws31]}}
          {more}
          sequences: {n}
        """


def record(source: str, fields: Mapping[str, Any], **more: str) -> str:
    """Return one record of a test as a flow map, which JSON is."""
    return json.dumps({"source": source, **more, "record": fields})


def path_test(*records: str, more: str = "", n: int = 1) -> str:
    """Return a test of a correlation from raw records."""
    lines = "\n".join(f"            - {line}" for line in records)
    return f"\n        - name: raw\n          records:\n{lines}\n          {more}\n          sequences: {n}\n"

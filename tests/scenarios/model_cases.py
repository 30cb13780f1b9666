"""Stories for a model: raw records of several sources, which make sequences on the real path from file to lake.

Most are the records that a correlation of the pack is shown on, at the times that its test names; what else there was
to see stands around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from models.verdict import BENIGN, FALSE_POSITIVE, INSUFFICIENT_DATA, SUSPICIOUS, TRUE_POSITIVE
from streams.ruletest.fields import Place, time_ms
from tests.replay.play import STREAMS

BEGIN_MS = 1_750_068_000_000  # 2025-06-16T10:00:00Z
MINUTE = 60_000
_PLACE: Place = ("tests",)
HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Told:
    """One raw record of a source."""

    source: str
    raw: bytes


def story(correlation: str, test: str, begin: int = BEGIN_MS) -> list[Told]:
    """Return the records of a test of a correlation, each at its time."""
    found = next(one for one in _tests(correlation) if one["name"] == test)
    return [
        retimed(given["source"], given["record"], begin + time_ms(given, "at", _PLACE)) for given in found["records"]
    ]


@cache
def _tests(correlation: str) -> list[dict[str, Any]]:
    path: Path = STREAMS / "rules" / "correlations" / f"{correlation}.tests.yml"
    tests: list[dict[str, Any]] = yaml.safe_load(path.read_bytes())["tests"]
    return tests


def retimed(source: str, record: dict[str, Any], time: int) -> Told:
    """Return a record as its source would have written it at another time."""
    return Told(source, orjson.dumps({**record, **_times(source, record, time)}))


def _times(source: str, record: dict[str, Any], time: int) -> dict[str, Any]:
    when = datetime.fromtimestamp(time / 1000, UTC)
    iso = when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03}Z"
    names: dict[str, tuple[str, ...]] = {
        "okta": ("published",),
        "aws_cloudtrail": ("eventTime",),
        "windows": ("TimeCreated", "UtcTime"),
        "kubernetes_audit": ("requestReceivedTimestamp", "stageTimestamp"),
    }
    if source == "zeek":
        return {"ts": time / 1000}
    said = {name: iso for name in names[source] if name in record or name == names[source][0]}
    if "UtcTime" in said:
        said["UtcTime"] = when.strftime("%Y-%m-%d %H:%M:%S.") + f"{time % 1000:03}"
    return said


@dataclass(frozen=True)
class Scenario:
    """One story.

    Attributes:
        name: What it is about.
        told: Its raw records.
        rule: How the title of the correlation begins whose sequence is judged.
        verdict: What is right.
        lie: A claim that nothing shows.
        accepted: An allow list, YAML.
        said: What analysts said of earlier verdicts of the same rule on the same group.
        rules: Rules besides the pack, YAML.
    """

    name: str
    told: list[Told]
    rule: str
    verdict: int
    lie: str
    accepted: str = ""
    said: tuple[int, ...] = ()
    rules: str = ""


def quiet(*sources: str, until: int = BEGIN_MS - MINUTE) -> list[Told]:
    """Return records of a day and the last hour in which nothing happens."""
    times = (until - 20 * HOUR, until - 10 * HOUR, until - 20 * MINUTE, until)
    return [
        retimed(source, QUIET[source] | _unlike(source, number), time)
        for source in sources
        for number, time in enumerate(times)
    ]


def before(*sources: str) -> list[Told]:
    """Return records of the day before, behind which their sources fell silent."""
    return quiet(*sources, until=BEGIN_MS - 9 * HOUR)


def _unlike(source: str, number: int) -> dict[str, Any]:
    return {"okta": {"uuid": f"q{number}"}, "zeek": {"uid": f"Cq{number}"}}.get(source, {})


QUIET: dict[str, dict[str, Any]] = {
    "okta": {
        "eventType": "user.account.update_profile",
        "version": "0",
        "severity": "INFO",
        "actor": {"id": "00u9", "type": "User", "alternateId": "carol@example.com", "displayName": "An admin"},
        "outcome": {"result": "SUCCESS"},
    },
    "windows": {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Provider_Name": "Microsoft-Windows-Sysmon",
        "Computer": "ws31",
        "Image": "C:\\Windows\\System32\\svchost.exe",
        "CommandLine": "svchost.exe -k netsvcs",
        "User": "NT AUTHORITY\\SYSTEM",
        "ProcessId": "900",
    },
    "zeek": {
        "_path": "conn",
        "id.orig_h": "192.168.40.31",
        "id.orig_p": 50111,
        "id.resp_h": "192.168.40.2",
        "id.resp_p": 443,
        "proto": "tcp",
        "conn_state": "SF",
    },
}
KUBERNETES = """
title: Secrets of a cluster read by somebody who was refused elsewhere
id: 0a4c7c52-7f3a-4a51-9d53-2000000000b3
status: test
correlation:
  type: temporal
  rules: [kubernetes_secret_read, cloud_call_refused]
  group-by: [entity.user]
  timespan: 1h
level: high
investigation: See whether the account reads secrets on other days.
braid: {risk_threshold: 10}
"""
ACCEPTED = """
- title: Servers are set up anew
  owner: it-operations
  reason: change 4711
  valid_from: 2025-06-16T09:00:00Z
  expires: 2025-06-16T18:00:00Z
  hosts: [fs03]
  addresses: [192.168.40.31]
"""


def _kubernetes() -> list[Told]:
    folder = STREAMS / "rules" / "workload"
    given = [
        *_records(folder / "kubernetes_secret_read.tests.yml", "kubernetes_audit")[:1],
        *_records(folder / "cloud_call_refused.tests.yml", "kubernetes_audit")[:1],
    ]
    alice = {"user": {"username": "alice@example.com", "groups": ["devs"]}}
    return [retimed("kubernetes_audit", record | alice, BEGIN_MS + at * MINUTE) for at, record in enumerate(given)]


def _records(path: Path, source: str) -> list[dict[str, Any]]:
    tests = yaml.safe_load(path.read_bytes())["tests"]
    return [test["record"] for test in tests if test.get("source") == source and "user" in test.get("record", {})]


def _low_and_slow() -> list[Told]:
    found = next(one for one in _tests("low_and_slow") if "records" in one)
    return [Told(given["source"], orjson.dumps(given["record"])) for given in found["records"]]


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Return twelve stories."""
    service = story("lateral_movement_by_service", "created over the network, reported by the host")
    around = quiet("okta", "windows", "zeek")
    return (
        Scenario(
            "account takeover from the identity provider into the cloud",
            [
                *story("push_fatigue_then_sign_in", "denied, then let in from a new country"),
                *story("identity_takeover_then_persistence", "odd sign-in, then a cloud key from the same address"),
                *around,
            ],
            "Account taken over",
            SUSPICIOUS,
            "The sign-in came from 198.51.100.250.",
        ),
        Scenario(
            "theft of credentials by stages, then lateral movement",
            [*story("many_stages_on_one_host", "download, shell, thread, memory of LSASS"), *around],
            "Several stages of an intrusion",
            TRUE_POSITIVE,
            f"The file that was fetched has the SHA-256 `{'5e' * 32}`.",
        ),
        Scenario(
            "command channel and injection",
            [*story("command_channel_and_injection", "a download talks and enters another process"), *around],
            "Program in a user's folder talks",
            TRUE_POSITIVE,
            "The program was started by `svc-payroll`.",
        ),
        Scenario(
            "push fatigue",
            [*story("push_fatigue_then_sign_in", "denied, then let in from a new country"), *around],
            "Push denied",
            SUSPICIOUS,
            "The first push was refused at 2025-06-16T03:14:00Z.",
        ),
        Scenario(
            "secrets of a cluster",
            [*_kubernetes(), *around],
            "Secrets of a cluster",
            SUSPICIOUS,
            "The secret was read 4242 times.",
            rules=KUBERNETES,
        ),
        Scenario(
            "persistence in the cloud",
            [*story("cloud_account_opened_up", "logging off, then a key for somebody else"), *around],
            "Cloud account opened up",
            SUSPICIOUS,
            "The key was used from `https://paste.example.net/raw`.",
        ),
        Scenario(
            "low and slow",
            _low_and_slow(),
            "Weak signals of one user",
            TRUE_POSITIVE,
            "A file `C:\\Users\\Public\\loot.zip` was written.",
        ),
        Scenario(
            "access to data",
            [*story("many_secrets_read", "ten secrets and a call that was refused"), *around],
            "Many different secrets",
            SUSPICIOUS,
            "The secrets went to the bucket `exfil-bucket-77`.",
        ),
        Scenario(
            "accepted maintenance",
            [*service, *around],
            "Service controlled over the network",
            BENIGN,
            "The change has the number `CHG-99812`.",
            accepted=ACCEPTED,
        ),
        Scenario(
            "a noisy administrator",
            [*story("discovery_burst", "a shell of a download, and what is typed there"), *around],
            "Many different discovery commands",
            SUSPICIOUS,
            "The user is `svc-inventory`.",
        ),
        Scenario(
            "telemetry that fell silent",
            [*service, *before("okta", "windows", "zeek")],
            "Service controlled over the network",
            INSUFFICIENT_DATA,
            "The service's program has the MD5 `0123456789abcdef0123456789abcdef`.",
        ),
        Scenario(
            "what analysts called false before",
            [*service, *around],
            "Service controlled over the network",
            FALSE_POSITIVE,
            "The service was installed by `it-robot-7`.",
            said=(FALSE_POSITIVE, FALSE_POSITIVE),
        ),
    )

"""A folder of made rules with tests beside them, the same in every run.

Detections of five log sources with two records each, one that fires and one that does not; correlations of four kinds
over them with three tests each, of rule hits and of raw records. Each test says what is true, so all of them pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import yaml

KINDS: Final = ("event_count", "value_count", "temporal", "temporal_ordered")
LEVELS: Final = ("low", "medium", "high", "critical")
COUNT: Final = 5  # of what `event_count` and `value_count` ask for
AUTHENTICATION: Final = "authentication"
IP: Final = "192.0.2.21"
Map = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the detections of one log source have in common.

    Attributes:
        folder: Of its domain.
        source: Whose records they are about.
        logsource: As the rules say it.
        field: Where a rule looks for its own word, at the top of the record.
        record: A record, but for that field.
        detection: What the rules ask for beyond their word.
        entity: The entity that the records name.
    """

    folder: str
    source: str
    logsource: Map
    field: str
    record: Map
    detection: Map
    entity: str = f"ip:{IP}"


SHAPES: Final = (
    Shape(
        "workload",
        "windows",
        {"product": "windows", "category": "process_creation"},
        "CommandLine",
        {
            "EventID": 1,
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Provider_Name": "Microsoft-Windows-Sysmon",
            "Computer": "ws31.example.com",
            "TimeCreated": "2026-03-10T09:12:42.035Z",
            "Image": "C:\\Windows\\System32\\rundll32.exe",
            "ParentImage": "C:\\Windows\\System32\\cmd.exe",
            "ProcessId": "4100",
            "User": "EXAMPLE\\alice",
        },
        {
            "image": {"Image|endswith": ["\\rundll32.exe", "\\regsvr32.exe"]},
            "ours": {"ParentImage|startswith": "C:\\Program Files\\Example\\"},
            "condition": "image and word and not ours",
        },
        "host:ws31",
    ),
    Shape(
        "network",
        "zeek",
        {"product": "zeek", "service": "http"},
        "uri",
        {
            "_path": "http",
            "ts": 1_773_133_962.035,
            "uid": "CkZ4Xv1mT7nQ8rWb2",
            "id.orig_h": IP,
            "id.orig_p": 50_122,
            "id.resp_h": "203.0.113.80",
            "id.resp_p": 80,
            "method": "GET",
            "host": "files.example.net",
            "status_code": 200,
        },
        {"answered": {"status_code|gte": 200, "status_code|lt": 400}, "condition": "answered and word"},
    ),
    Shape(
        "identity",
        "okta",
        {"product": "okta", "service": "okta"},
        "displayMessage",
        {
            "uuid": "0d6a1b9e-11d3-11ef-9c3d-5b1f0c7a2e44",
            "published": "2026-03-10T09:12:42.035Z",
            "eventType": "system.api_token.create",
            "severity": "INFO",
            "actor": {"id": "00u1abcd2efGHIJKL3x7", "type": "User", "alternateId": "alice@example.com"},
            "client": {"ipAddress": IP},
            "outcome": {"result": "SUCCESS"},
        },
        {"made": {"eventType": "system.api_token.create"}, "condition": "made and word"},
    ),
    Shape(
        "identity",
        "aws_cloudtrail",
        {"product": "aws", "service": "cloudtrail"},
        "userAgent",
        {
            "eventVersion": "1.09",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice", "userName": "alice"},
            "eventTime": "2026-03-10T09:12:42Z",
            "eventSource": "iam.amazonaws.com",
            "eventName": "CreateAccessKey",
            "awsRegion": "eu-central-1",
            "sourceIPAddress": IP,
            "eventID": "a3f1c0de-6b1a-4a8e-93c2-2f7f0f5d7c21",
            "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        },
        {
            "call": {"eventSource": "iam.amazonaws.com", "eventName|re": "^(Create|Update)[A-Z]"},
            "failed": {"errorCode|exists": True},
            "condition": "call and word and not failed",
        },
    ),
    Shape(
        "identity",
        "ocsf",
        {"product": "ocsf", "category": AUTHENTICATION},
        "message",
        {
            "class_uid": 3002,
            "class_name": "Authentication",
            "category_uid": 3,
            "activity_id": 1,
            "type_uid": 300_201,
            "time": 1_773_133_962_035,
            "severity_id": 1,
            "user": {"name": "alice", "uid": "1001"},
            "service": {"name": "vpn"},
            "src_endpoint": {"ip": IP},
            "metadata": {"version": "1.8.0", "product": {"name": "Example VPN", "vendor_name": "Example"}},
        },
        {"logon": {"activity_id": 1}, "condition": "logon and word"},
    ),
)


def write_rules(folder: Path, detections: int, correlations: int) -> int:
    """Write so many rules and their tests; return how many tests.

    Args:
        folder: Where to.
        detections: How many; at least two for each log source, for the correlations to have two of one.
        correlations: How many.
    """
    tests = 0
    for number in range(detections):
        beside = _detection_tests(number)
        tests += _write(folder / _shape(number).folder, _name(number), _detection(number), beside)
    for number in range(correlations):
        pair = number % (detections - len(SHAPES)), number % (detections - len(SHAPES)) + len(SHAPES)
        kind = KINDS[number % len(KINDS)]
        tests += _write(
            folder / "correlations",
            f"correlation_{number}",
            _correlation(number, kind, pair),
            _tests_of_counts(kind, pair[0]) if kind.endswith("count") else _tests_of_pairs(kind, pair),
        )
    return tests


def _write(folder: Path, name: str, rule: Map, tests: list[Map]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in ((f"{name}.yml", rule), (f"{name}.tests.yml", {"tests": tests})):
        (folder / file).write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return len(tests)


def _shape(number: int) -> Shape:
    return SHAPES[number % len(SHAPES)]


def _name(number: int) -> str:
    return f"detection_{number}"


def _head(title: str, name: str, number: int) -> dict[str, Any]:
    return {
        "title": title,
        "id": str(UUID(int=number, version=4)),
        "name": name,
        "status": "test",
        "level": LEVELS[number % len(LEVELS)],
        "tags": ["attack.execution"],
    }


def _detection(number: int) -> Map:
    shape = _shape(number)
    taxonomy = {"taxonomy": "ocsf"} if shape.source == "ocsf" else {}
    word = {"word": {f"{shape.field}|contains": [f"word-{number}-a", f"word-{number}-b"]}}
    head = _head(f"Word {number}", _name(number), number)
    return {**head, **taxonomy, "logsource": dict(shape.logsource), "detection": {**word, **shape.detection}}


def _correlation(number: int, kind: str, pair: tuple[int, int]) -> Map:
    shape = _shape(pair[0])
    counted = kind.endswith("count")
    field = {"field": shape.field} if kind == "value_count" else {}
    correlation = {
        "type": kind,
        "rules": [_name(one) for one in (pair[:1] if counted else pair)],
        "group-by": [f"entity.{shape.entity.partition(':')[0]}"],
        "timespan": "1h",
        **({"condition": {**field, "gte": COUNT}} if counted else {}),
    }
    return {**_head(f"Correlation {number}", f"correlation_{number}", 1_000_000 + number), "correlation": correlation}


def _record(number: int, word: str, repetition: int = 0) -> Map:
    """Return a record with a word of a detection in it, and with the number of its repetition."""
    shape = _shape(number)
    return {"source": shape.source, "record": {**shape.record, shape.field: f"/{word} {repetition}"}}


def _detection_tests(number: int) -> list[Map]:
    return [
        {"name": "fires on its word", **_record(number, f"word-{number}-b"), "fires": True},
        {"name": "stays quiet on another", **_record(number, f"word-{number}-c"), "fires": False},
    ]


def _hit(number: int, at: str, **more: Any) -> Map:
    return {"rule": _name(number), "at": at, "entities": [_shape(number).entity], **more}


def _tests_of_counts(kind: str, number: int) -> list[Map]:
    fields = {"fields": {_shape(number).field: "/{n}"}} if kind == "value_count" else {}
    records = [{**_record(number, f"word-{number}-a", n), "at": f"{n}m"} for n in range(COUNT)]
    return [
        {
            "name": "often enough",
            "signals": [_hit(number, "0s", repeat=COUNT, every="5m", **fields)],
            "sequences": 1,
        },
        {
            "name": "not often enough",
            "signals": [_hit(number, "0s", repeat=COUNT - 1, every="5m", **fields)],
            "sequences": 0,
        },
        {"name": "from records", "records": records, "fires": True},
    ]


def _tests_of_pairs(kind: str, pair: tuple[int, int]) -> list[Map]:
    one, two = pair
    records = [{**_record(n, f"word-{n}-a"), "at": at} for n, at in ((one, "0m"), (two, "20m"))]
    return [
        {"name": "both", "signals": [_hit(one, "0s"), _hit(two, "40m")], "sequences": 1},
        {
            "name": "the other way round",
            "signals": [_hit(two, "0s"), _hit(one, "40m")],
            "sequences": int(kind == "temporal"),
        },
        {"name": "from records", "records": records, "fires": True},
    ]

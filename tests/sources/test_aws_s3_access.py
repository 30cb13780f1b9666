from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from enrichers.entities import entities_of
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Coordinates, ParseError, RawRecord
from streams.sources.aws.s3_access import SOURCE
from tests.sources import fuzz

NOON = 1_718_452_800_000
OWNER = "0a" * 32
ARN = "arn:aws:iam::123456789012:user/alice"
LINE = (
    f"{OWNER} example-logs [15/Jun/2024:14:00:00 +0200] 198.51.100.7 {ARN} 3E57427F3EXAMPLE REST.GET.OBJECT "
    'reports/June%202024.csv "GET /reports/June%202024.csv?versionId=v1 HTTP/1.1" 200 - 4096 8192 25 12 '
    '"https://www.example.com/" "aws-cli/2.15.0 Python/3.11" v1 s9lzHYrFp76= SigV4 ECDHE-RSA-AES128-GCM-SHA256 '
    "AuthHeader example-logs.s3.eu-north-1.amazonaws.com TLSv1.2 "
    "arn:aws:s3:eu-north-1:123456789012:accesspoint/ap Yes eu-north-1"
)
DENIED = (
    f"{OWNER} example-logs [15/Jun/2024:12:00:00 +0000] 198.51.100.7 - 3E57427F3EXAMPLE REST.GET.BUCKETPOLICY - "
    '"GET /example-logs?policy HTTP/1.1" 403 AccessDenied 297 - 38 - "-" "curl/8.5.0" - hostid= - '
    "ECDHE-RSA-AES128-GCM-SHA256 - example-logs.s3.amazonaws.com TLSv1.2"
)
LIFECYCLE = (
    f"{OWNER} example-logs [15/Jun/2024:12:00:00 +0000] - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT a/b.csv "
    '"-" - - - 42 - - "-" "-" v1 hostid= - - - - -'
)
PANTHER: dict[str, Any] = {
    "bucketowner": OWNER,
    "bucket": "example-logs",
    "time": "2024-06-15 12:00:00.000000000",
    "remoteip": "198.51.100.7",
    "requester": "arn:aws:sts::123456789012:assumed-role/deploy/build-77",
    "requestid": "3E57427F3EXAMPLE",
    "operation": "REST.PUT.OBJECT",
    "key": "a/b.csv",
    "requesturi": "PUT /a/b.csv HTTP/1.1",
    "httpstatus": 200,
    "objectsize": 747,
    "totaltime": 110,
    "useragent": "aws-internal/3",
    "tlsVersion": "TLSv1.2",
    "p_log_type": "AWS.S3ServerAccess",
}
CLOUDWATCH: dict[str, Any] = {
    "schema_version_id": "V_1_0",
    "bucket_arn": "arn:aws:s3:::example-logs",
    "bucket_name": "example-logs",
    "request_time": "2024-06-15T12:00:00.000Z",
    "bucket_owner_id": OWNER,
    "remote_ip": "198.51.100.7",
    "requester": ARN,
    "request_id": "3E57427F3EXAMPLE",
    "operation": "REST.DELETE.OBJECT",
    "key": "a/b.csv",
    "request_uri": "DELETE /a/b.csv HTTP/1.1",
    "http_status": 204,
    "error_code": None,
    "user_agent": "aws-cli/2.15.0",
}


def record(value: Any, broker_time: int = NOON) -> RawRecord:
    raw = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return RawRecord("aws_s3_access", raw, Coordinates("raw.aws_s3_access", 0, 1), broker_time)


def parsed(value: Any) -> Event:
    event = SOURCE.parse(record(value))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


def keys(event: Event) -> set[str]:
    return set(map(str, entities_of(event.ocsf)))


def test_line() -> None:
    event = parsed(LINE)
    made = event.ocsf
    assert event.logsource == LogSource("aws", "s3access")
    assert (event.time, event.domain) == (NOON, "workload")
    assert made["metadata"]["original_time"] == "15/Jun/2024:14:00:00 +0200"
    assert (made["class_uid"], made["activity_id"], made["status"], made["status_code"]) == (6005, 1, "Success", "200")
    assert made["actor"]["user"]["uid_alt"] == ARN
    assert made["src_endpoint"] == {"ip": "198.51.100.7"}
    assert made["databucket"]["name"] == "example-logs"
    assert made["databucket"]["owner"] == {"uid": OWNER}
    assert made["databucket"]["file"] == {
        "name": "June 2024.csv",
        "path": "reports/June 2024.csv",
        "type_id": 1,
        "size": 8192,
        "version": "v1",
    }
    assert made["api"] == {"operation": "REST.GET.OBJECT", "service": {"name": "s3.amazonaws.com"}}
    assert made["http_request"] == {
        "http_method": "GET",
        "url": {
            "path": "/reports/June%202024.csv",
            "query_string": "versionId=v1",
            "hostname": "example-logs.s3.eu-north-1.amazonaws.com",
        },
        "version": "HTTP/1.1",
        "user_agent": "aws-cli/2.15.0 Python/3.11",
        "referrer": "https://www.example.com/",
        "uid": "3E57427F3EXAMPLE",
    }
    assert made["http_response"] == {"code": 200, "body_length": 4096}
    assert made["duration"] == 25
    assert (made["cloud"]["region"], made["cloud"]["account"]["uid"]) == ("eu-north-1", "123456789012")
    assert made["metadata"]["original_event_uid"] == "3E57427F3EXAMPLE"
    assert made["unmapped"]["tlsversion"] == "TLSv1.2"
    assert made["raw_data"] == LINE
    assert keys(event) == {"account:123456789012", "ip:198.51.100.7", f"user:{ARN}"}


def test_denied_and_anonymous() -> None:
    event = parsed(DENIED)
    made = event.ocsf
    assert (made["status"], made["status_code"], made["status_detail"]) == ("Failure", "403", "AccessDenied")
    assert made["actor"]["user"]["name"] == "anonymous"
    assert "file" not in made["databucket"]
    assert keys(event) == {"ip:198.51.100.7"}


def test_lifecycle() -> None:
    event = parsed(LIFECYCLE)
    made = event.ocsf
    assert (made["activity_id"], made["status"]) == (7, "Success")
    assert made["actor"] == {"invoked_by": "AmazonS3"}
    assert made["src_endpoint"] == {"svc_name": "s3.amazonaws.com"}
    assert keys(event) == set()


def test_panther() -> None:
    event = parsed(PANTHER)
    made = event.ocsf
    assert (event.time, made["activity_id"], made["duration"]) == (NOON, 5, 110)
    assert made["databucket"]["file"]["size"] == 747
    assert made["unmapped"] == {"tlsversion": "TLSv1.2", "p_log_type": "AWS.S3ServerAccess"}
    assert "user:arn:aws:sts::123456789012:assumed-role/deploy/build-77" in keys(event)
    assert event.native["httpstatus"] == 200


def test_cloudwatch() -> None:
    event = parsed(CLOUDWATCH)
    made = event.ocsf
    assert (event.time, made["activity_id"], made["status_code"]) == (NOON, 7, "204")
    assert made["metadata"]["original_event_uid"] == "3E57427F3EXAMPLE"
    assert made["actor"]["user"]["name"] == "alice"


def test_canonical_user_id() -> None:
    event = parsed(LINE.replace(ARN, OWNER))
    assert event.ocsf["actor"]["user"] == {"uid": OWNER, "type_id": 0}


@pytest.mark.parametrize(
    ("operation", "activity_id"),
    [
        ("REST.GET.OBJECT", 1),
        ("REST.HEAD.OBJECT", 1),
        ("WEBSITE.GET.OBJECT", 1),
        ("REST.COPY.OBJECT_GET", 1),
        ("REST.GET.ACL", 1),
        ("REST.GET.BUCKET", 8),
        ("REST.GET.SERVICE", 8),
        ("REST.PUT.OBJECT", 5),
        ("REST.PUT.PART", 5),
        ("REST.COPY.OBJECT", 5),
        ("REST.POST.UPLOADS", 5),
        ("REST.PUT.BUCKET", 6),
        ("REST.DELETE.OBJECT", 7),
        ("REST.DELETE.BUCKET", 7),
        ("BATCH.DELETE.OBJECT", 7),
        ("REST.POST.MULTI_OBJECT_DELETE", 7),
        ("S3.CREATE.DELETEMARKER", 7),
        ("REST.PUT.BUCKETPOLICY", 2),
        ("REST.DELETE.BUCKETPOLICY", 2),
        ("S3.TRANSITION_GDA.OBJECT", 2),
        ("REST.SELECT.OBJECT", 4),
        ("REST.OPTIONS.PREFLIGHT", 99),
    ],
)
def test_operations(operation: str, activity_id: int) -> None:
    made = parsed(LINE.replace("REST.GET.OBJECT", operation)).ocsf
    assert made["activity_id"] == activity_id
    assert made.get("activity_name") == (operation if activity_id == 99 else None)


def test_least_that_is_known() -> None:
    value = {"remoteip": "198.51.100.7", "bucket": "example-logs"}
    assert SOURCE.recognize(b"{}", value)
    made = parsed(value).ocsf
    assert made["activity_id"] == 0
    assert made["metadata"]["labels"] == [TIME_FROM_BROKER]


@pytest.mark.parametrize("line", [LINE, DENIED, LIFECYCLE])
def test_lines_are_recognized(line: str) -> None:
    assert SOURCE.recognize(line.encode(), None)


@pytest.mark.parametrize(
    "line",
    [
        '198.51.100.7 - alice [15/Jun/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 7 "-" "curl"',
        "2 123456789012 eni-0abc 10.0.1.5 203.0.113.9 1 2 6 1 1 1718452800 1718452860 ACCEPT OK",
    ],
)
def test_lines_of_others(line: str) -> None:
    assert not SOURCE.recognize(line.encode(), None)
    assert isinstance(SOURCE.parse(record(line)), ParseError)


@pytest.mark.parametrize(
    "value", [{}, {"bucket": "b", "operation": "x"}, {"bucket": ["b"], "remoteip": "198.51.100.7"}]
)
def test_objects_of_others(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"{}", value)
    assert isinstance(SOURCE.parse(record(value)), ParseError)


def test_hostile() -> None:
    fuzz.json_records(SOURCE, [PANTHER, CLOUDWATCH], runs=400)
    fuzz.every_part_wrong(SOURCE, [PANTHER, CLOUDWATCH])
    fuzz.text_records(SOURCE, [line.encode() for line in (LINE, DENIED, LIFECYCLE)], runs=500)
    fuzz.too_much(SOURCE, PANTHER, ["key", "requesturi", "time", "operation", "requester"])
    fuzz.anything(SOURCE, examples=60)


def test_shared_records(shared: Path) -> None:
    for line in (shared / "data/panther/aws_s3.tests.ndjson").read_text().splitlines():
        log = json.loads(line)["log"]
        assert SOURCE.recognize(json.dumps(log).encode(), log)
        assert parsed(log).class_uid == 6005

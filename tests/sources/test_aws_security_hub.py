from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from enrichers.entities import entities_of
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.aws.security_hub import SOURCE
from tests.sources import fuzz

NOON = 1_718_452_800_000
ACCOUNT = "123456789012"
INSTANCE = "i-0123456789abcdef0"
BASE: dict[str, Any] = {
    "SchemaVersion": "2018-10-08",
    "Id": "finding-1",
    "ProductArn": "arn:aws:securityhub:eu-north-1::product/aws/guardduty",
    "ProductName": "GuardDuty",
    "CompanyName": "Amazon",
    "Region": "eu-north-1",
    "GeneratorId": "detector-1",
    "AwsAccountId": ACCOUNT,
    "Types": ["TTPs/Initial Access/UnauthorizedAccess:IAMUser-ConsoleLogin", "Effects/Data Exfiltration"],
    "FirstObservedAt": "2024-06-15T11:50:00Z",
    "LastObservedAt": "2024-06-15T11:55:00Z",
    "CreatedAt": "2024-06-15T11:56:00.000Z",
    "UpdatedAt": "2024-06-15T12:00:00.000Z",
    "Severity": {"Label": "HIGH", "Normalized": 70},
    "Confidence": 80,
    "Title": "A key was used from an unusual place",
    "Description": "A key was used from a place that is not usual for it.",
    "Remediation": {"Recommendation": {"Text": "Rotate the key.", "Url": "https://docs.example.com/rotate"}},
    "Workflow": {"Status": "NEW"},
    "RecordState": "ACTIVE",
}
DETECTION = BASE | {
    "Resources": [
        {
            "Type": "AwsIamAccessKey",
            "Id": "AWS::IAM::AccessKey:AKIAEXAMPLE000000001",
            "Partition": "aws",
            "Region": "eu-north-1",
            "Details": {
                "AwsIamAccessKey": {
                    "AccessKeyId": "ASIAEXAMPLE000000002",
                    "PrincipalId": "AIDAEXAMPLEALICE00000",
                    "PrincipalType": "IAMUser",
                    "PrincipalName": "alice",
                    "SessionContext": {
                        "Attributes": {"MfaAuthenticated": True, "CreationDate": "2024-06-15T11:30:00Z"}
                    },
                }
            },
        },
        {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::example-logs", "ResourceRole": "Target"},
    ],
    "Action": {
        "ActionType": "AWS_API_CALL",
        "AwsApiCallAction": {
            "Api": "ListBuckets",
            "ServiceName": "s3.amazonaws.com",
            "CallerType": "remoteIp",
            "RemoteIpDetails": {"IpAddressV4": "198.51.100.7", "Country": {"CountryName": "Sweden"}},
        },
    },
}
NETWORK = BASE | {
    "Types": ["TTPs/Command and Control/Backdoor:EC2-C&CActivity.B"],
    "Resources": [
        {
            "Type": "AwsEc2Instance",
            "Id": f"arn:aws:ec2:eu-north-1:{ACCOUNT}:instance/{INSTANCE}",
            "Details": {"AwsEc2Instance": {"IpV4Addresses": ["10.0.1.5", "203.0.113.20"], "VpcId": "vpc-0abc"}},
        }
    ],
    "Action": {
        "ActionType": "NETWORK_CONNECTION",
        "NetworkConnectionAction": {
            "ConnectionDirection": "OUTBOUND",
            "Blocked": True,
            "Protocol": "TCP",
            "LocalPortDetails": {"Port": 44321},
            "RemotePortDetails": {"Port": 443},
            "RemoteIpDetails": {"IpAddressV4": "203.0.113.9"},
        },
    },
    "Process": {"Pid": 4711, "Name": "agent", "Path": "/opt/agent"},
    "Network": {"Direction": "OUT", "Protocol": "TCP", "SourceIpV4": "10.0.1.5", "DestinationIpV4": "203.0.113.9"},
}
COMPLIANCE = BASE | {
    "ProductName": "Security Hub",
    "Severity": {"Label": "MEDIUM"},
    "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
    "Resources": [{"Type": "AwsIamUser", "Id": f"arn:aws:iam::{ACCOUNT}:user/alice"}],
    "Compliance": {
        "Status": "FAILED",
        "SecurityControlId": "IAM.5",
        "AssociatedStandards": [{"StandardsId": "standards/example/v/1.0.0"}],
        "RelatedRequirements": ["Example 1.2"],
        "StatusReasons": [{"ReasonCode": "NO_MFA", "Description": "There is no MFA device."}],
    },
}
VULNERABILITY = BASE | {
    "ProductName": "Inspector",
    "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
    "Resources": NETWORK["Resources"],
    "Vulnerabilities": [
        {
            "Id": "CVE-2024-00001",
            "Cvss": [{"BaseScore": 9.8, "BaseVector": "CVSS:3.1/AV:N", "Version": "3.1"}, {"BaseScore": "x"}],
            "EpssScore": 0.5,
            "ExploitAvailable": "YES",
            "FixAvailable": "PARTIAL",
            "ReferenceUrls": ["https://example.com/advisory"],
            "Vendor": {"Name": "NVD", "VendorSeverity": "CRITICAL", "VendorCreatedAt": "2024-05-01T00:00:00Z"},
            "VulnerablePackages": [
                {
                    "Name": "openssl",
                    "Version": "3.0.8",
                    "Epoch": "0",
                    "FixedInVersion": "3.0.9",
                    "PackageManager": "OS",
                },
                {"Name": "nameless"},
            ],
        },
        {"Id": "EXAMPLE-SA-1"},
    ],
}
ALL = (DETECTION, NETWORK, COMPLIANCE, VULNERABILITY)


def parsed(value: Any) -> Event:
    raw = json.dumps(value).encode()
    event = SOURCE.parse(RawRecord("security_hub", raw, Coordinates("raw.security_hub", 0, 1), NOON))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    assert event.ocsf["raw_data"] == raw.decode()
    return event


def keys(event: Event) -> set[str]:
    return set(map(str, entities_of(event.ocsf)))


@pytest.mark.parametrize(("value", "class_uid"), list(zip(ALL, (2004, 2004, 2003, 2002), strict=True)))
def test_class_and_what_all_have(value: dict[str, Any], class_uid: int) -> None:
    assert SOURCE.recognize(b"{}", value)
    event = parsed(value)
    made = event.ocsf
    assert event.logsource == LogSource("aws", "securityhub")
    assert (event.time, made["class_uid"], made["activity_id"], made["status"]) == (NOON, class_uid, 2, "New")
    assert made["finding_info"]["uid"] == made["metadata"]["original_event_uid"] == "finding-1"
    assert made["finding_info"]["last_seen_time"] == NOON - 300_000
    assert made["confidence_score"] == 80
    assert made["metadata"]["product"]["name"] == value["ProductName"]
    assert f"account:{ACCOUNT}" in keys(event)


def test_detection() -> None:
    event = parsed(DETECTION)
    made = event.ocsf
    assert event.domain == "identity"
    assert made["severity_id"] == 4
    assert made["finding_info"]["attacks"] == [
        {"tactic": {"name": "initial-access"}},
        {"tactic": {"name": "exfiltration"}},
    ]
    assert made["actor"]["user"]["uid_alt"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert made["actor"]["session"]["is_mfa"] is True
    assert made["evidences"][0]["api"]["operation"] == "ListBuckets"
    assert made["evidences"][0]["src_endpoint"]["ip"] == "198.51.100.7"
    assert made["resources"][1] == {
        "uid": "arn:aws:s3:::example-logs",
        "type": "AwsS3Bucket",
        "role": "Target",
        "role_id": 1,
    }
    assert made["remediation"]["references"] == ["https://docs.example.com/rotate"]
    assert {f"user:arn:aws:iam::{ACCOUNT}:user/alice", "session:asiaexample000000002"} <= keys(event)


def test_network_detection() -> None:
    event = parsed(NETWORK)
    made = event.ocsf
    assert event.domain == "network"
    assert made["device"]["instance_uid"] == INSTANCE
    assert made["resources"][0]["uid"] == INSTANCE
    assert made["resources"][0]["uid_alt"].endswith(INSTANCE)
    action, network, process = made["evidences"]
    assert (action["src_endpoint"]["ip"], action["src_endpoint"]["port"]) == ("10.0.1.5", 44321)
    assert (action["dst_endpoint"]["ip"], action["dst_endpoint"]["port"]) == ("203.0.113.9", 443)
    assert network["connection_info"]["direction_id"] == 2
    assert process["process"]["pid"] == 4711
    assert made["disposition"] == "Blocked"
    assert {f"workload:{INSTANCE}", "ip:10.0.1.5"} <= keys(event)


@pytest.mark.parametrize(
    ("status", "status_id"), [("PASSED", 1), ("WARNING", 2), ("FAILED", 3), ("NOT_AVAILABLE", 0), ("ODD", 99)]
)
def test_compliance(status: str, status_id: int) -> None:
    value = COMPLIANCE | {"Compliance": {**COMPLIANCE["Compliance"], "Status": status}}
    made = parsed(value).ocsf
    assert made["compliance"]["status_id"] == status_id
    assert made["compliance"]["control"] == "IAM.5"
    assert made["compliance"]["standards"] == ["standards/example/v/1.0.0"]
    assert made["compliance"]["status_details"] == ["There is no MFA device."]
    assert "actor" not in made


def test_vulnerability() -> None:
    event = parsed(VULNERABILITY)
    first, second = event.ocsf["vulnerabilities"]
    assert event.domain == "workload"
    assert first["cve"]["uid"] == "CVE-2024-00001"
    assert first["cve"]["cvss"] == [{"base_score": 9.8, "version": "3.1", "vector_string": "CVSS:3.1/AV:N"}]
    assert first["cve"]["epss"] == {"score": "0.5"}
    assert [package["name"] for package in first["affected_packages"]] == ["openssl"]
    assert (first["is_exploit_available"], first["is_fix_available"]) == (True, True)
    assert second == {"advisory": {"uid": "EXAMPLE-SA-1"}}
    assert f"workload:{INSTANCE}" in keys(event)


@pytest.mark.parametrize(
    ("severity", "severity_id"),
    [
        ({"Label": "INFORMATIONAL"}, 1),
        ({"Label": "LOW"}, 2),
        ({"Label": "CRITICAL"}, 5),
        ({"Normalized": 95}, 5),
        ({"Normalized": 40}, 3),
        ({"Normalized": 0}, 1),
        ({}, 1),
        ({"Label": ["HIGH"]}, 1),
    ],
)
def test_severity(severity: dict[str, Any], severity_id: int) -> None:
    assert parsed(DETECTION | {"Severity": severity}).ocsf["severity_id"] == severity_id


@pytest.mark.parametrize(
    ("changes", "activity_id", "status"),
    [
        ({"RecordState": "ARCHIVED"}, 3, "Archived"),
        ({"Workflow": {"Status": "RESOLVED"}}, 3, "Resolved"),
        ({"Workflow": {"Status": "SUPPRESSED"}}, 2, "Suppressed"),
        ({"UpdatedAt": BASE["CreatedAt"]}, 1, "New"),
        ({"Workflow": {"Status": "ODD"}}, 2, "ODD"),
    ],
)
def test_state(changes: dict[str, Any], activity_id: int, status: str) -> None:
    made = parsed(DETECTION | changes).ocsf
    assert (made["activity_id"], made["status"]) == (activity_id, status)


def test_what_has_no_attribute_is_unmapped() -> None:
    assert parsed(DETECTION | {"ProductFields": {"a": "b"}}).ocsf["unmapped"] == {"ProductFields": {"a": "b"}}


@pytest.mark.parametrize("name", ["ProductArn", "AwsAccountId", "Id"])
def test_refused(name: str) -> None:
    value = {key: item for key, item in DETECTION.items() if key != name}
    raw = json.dumps(value).encode()
    found = SOURCE.parse(RawRecord("security_hub", raw, Coordinates("raw.security_hub", 0, 1), NOON))
    assert isinstance(found, ParseError)


def test_hostile() -> None:
    fuzz.json_records(SOURCE, ALL, runs=400)
    fuzz.every_part_wrong(SOURCE, [NETWORK])
    fuzz.too_much(SOURCE, VULNERABILITY, ["Vulnerabilities", "Resources", "Types", "Title"])
    fuzz.anything(SOURCE, examples=60)


def test_shared_records(shared: Path) -> None:
    for line in (shared / "data/panther/aws_securityfinding.tests.ndjson").read_text().splitlines():
        log = json.loads(line)["log"]
        assert SOURCE.recognize(json.dumps(log).encode(), log)
        assert parsed(log).class_uid == 2004

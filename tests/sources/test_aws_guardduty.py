from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from enrichers.entities import entities_of
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.aws.guardduty import SOURCE
from tests.sources import fuzz

NOON = 1_718_452_800_000
ACCOUNT = "123456789012"
INSTANCE = "i-0123456789abcdef0"
DETECTOR = f"arn:aws:guardduty:eu-north-1:{ACCOUNT}:detector/d0/finding/f1"
REMOTE: dict[str, Any] = {
    "ipAddressV4": "198.51.100.7",
    "organization": {"asn": "64496", "asnOrg": "Example Transit", "isp": "Example Transit", "org": "Example"},
    "country": {"countryName": "Sweden"},
    "city": {"cityName": "Umea"},
    "geoLocation": {"lat": 63.8, "lon": 20.3},
}
INSTANCE_RESOURCE: dict[str, Any] = {
    "resourceType": "Instance",
    "instanceDetails": {
        "instanceId": INSTANCE,
        "availabilityZone": "eu-north-1a",
        "networkInterfaces": [
            {
                "networkInterfaceId": "eni-0abc",
                "privateDnsName": "ip-10-0-1-5.eu-north-1.compute.internal",
                "privateIpAddress": "10.0.1.5",
                "publicIp": "203.0.113.20",
                "subnetId": "subnet-0abc",
                "vpcId": "vpc-0abc",
            }
        ],
    },
}
KEY_RESOURCE: dict[str, Any] = {
    "resourceType": "AccessKey",
    "accessKeyDetails": {
        "accessKeyId": "ASIAEXAMPLE000000002",
        "principalId": "AROAEXAMPLEDEPLOY0000:build-77",
        "userType": "AssumedRole",
        "userName": "deploy",
    },
}


def finding(kind: str, resource: dict[str, Any], action: dict[str, Any], **service: Any) -> dict[str, Any]:
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": "eu-north-1",
        "partition": "aws",
        "id": "f1",
        "arn": DETECTOR,
        "type": kind,
        "resource": resource,
        "service": {
            "serviceName": "guardduty",
            "detectorId": "d0",
            "action": action,
            "resourceRole": "TARGET",
            "eventFirstSeen": "2024-06-15T11:50:00.000Z",
            "eventLastSeen": "2024-06-15T11:55:00.000Z",
            "archived": False,
            "count": 3,
            **service,
        },
        "severity": 5,
        "createdAt": "2024-06-15T11:56:00.000Z",
        "updatedAt": "2024-06-15T12:00:00.000Z",
        "title": "Something was seen.",
        "description": "Something was seen that is not usual.",
    }


BRUTE = finding(
    "UnauthorizedAccess:EC2/SSHBruteForce",
    INSTANCE_RESOURCE,
    {
        "actionType": "NETWORK_CONNECTION",
        "networkConnectionAction": {
            "connectionDirection": "INBOUND",
            "protocol": "TCP",
            "blocked": False,
            "localPortDetails": {"port": 22, "portName": "SSH"},
            "remotePortDetails": {"port": 51000, "portName": "Unknown"},
            "remoteIpDetails": REMOTE,
            "localIpDetails": {"ipAddressV4": "10.0.1.5"},
        },
    },
)
API = finding(
    "CredentialAccess:IAMUser/AnomalousBehavior",
    KEY_RESOURCE,
    {
        "actionType": "AWS_API_CALL",
        "awsApiCallAction": {
            "api": "GetSecretValue",
            "serviceName": "secretsmanager.amazonaws.com",
            "callerType": "Remote IP",
            "errorCode": "AccessDenied",
            "userAgent": "aws-cli/2.15.0",
            "remoteIpDetails": REMOTE,
        },
    },
)
DNS = finding(
    "CryptoCurrency:EC2/BitcoinTool.B!DNS",
    INSTANCE_RESOURCE,
    {
        "actionType": "DNS_REQUEST",
        "dnsRequestAction": {"domain": "pool.example.com", "protocol": "UDP", "blocked": True},
    },
)
PROBE = finding(
    "Recon:EC2/PortProbeUnprotectedPort",
    INSTANCE_RESOURCE,
    {
        "actionType": "PORT_PROBE",
        "portProbeAction": {
            "blocked": False,
            "portProbeDetails": [{"localPortDetails": {"port": 22}, "remoteIpDetails": REMOTE}],
        },
    },
)
CLUSTER = finding(
    "PrivilegeEscalation:Kubernetes/PrivilegedContainer",
    {
        "resourceType": "EKSCluster",
        "eksClusterDetails": {"name": "shop", "arn": f"arn:aws:eks:eu-north-1:{ACCOUNT}:cluster/shop"},
        "kubernetesDetails": {
            "kubernetesUserDetails": {"username": "alice", "uid": "u-1"},
            "kubernetesWorkloadDetails": {
                "name": "web",
                "type": "pods",
                "uid": "5b2c1c0e-2b1e-11ef-9d0a-000000000002",
                "namespace": "default",
                "containers": [{"name": "web", "image": "registry.example.com/web:1"}],
            },
        },
    },
    {
        "actionType": "KUBERNETES_API_CALL",
        "kubernetesApiCallAction": {
            "requestUri": "/api/v1/namespaces/default/pods",
            "verb": "create",
            "sourceIPs": ["198.51.100.7"],
            "userAgent": "kubectl/v1.30",
            "statusCode": 201,
        },
    },
)
RUNTIME = finding(
    "Execution:Runtime/ReverseShell",
    {**INSTANCE_RESOURCE, "containerDetails": {"id": "0f" * 32, "name": "web", "image": "registry.example.com/web:1"}},
    {},
    runtimeDetails={
        "process": {
            "name": "sh",
            "executablePath": "/bin/sh",
            "executableSha256": "ab" * 32,
            "pid": 4711,
            "uuid": "p-1",
            "user": "www-data",
            "userId": 33,
            "pwd": "/tmp",  # noqa: S108  # a value in a record
        }
    },
)
BUCKET = finding(
    "Exfiltration:S3/AnomalousBehavior",
    {
        **KEY_RESOURCE,
        "resourceType": "S3Bucket",
        "s3BucketDetails": [{"arn": "arn:aws:s3:::example-logs", "name": "example-logs"}],
    },
    API["service"]["action"],
)
DATABASE = finding(
    "CredentialAccess:RDS/AnomalousBehavior.FailedLogin",
    {
        "resourceType": "RDSDBInstance",
        "rdsDbInstanceDetails": {"dbInstanceIdentifier": "orders", "dbInstanceArn": "arn:aws:rds:x:1:db:orders"},
        "rdsDbUserDetails": {"user": "bob"},
    },
    {
        "actionType": "RDS_LOGIN_ATTEMPT",
        "rdsLoginAttemptAction": {"remoteIpDetails": REMOTE, "loginAttributes": [{"user": "bob"}]},
    },
)
SEQUENCE = finding(
    "AttackSequence:IAM/CompromisedCredentials",
    {"resourceType": "AttackSequence"},
    {},
    detection={
        "sequence": {
            "uid": "s1",
            "actors": [
                {"id": "a1", "user": {"name": "alice", "uid": "AIDAEXAMPLEALICE00000", "credentialUid": "AKIA0"}}
            ],
            "endpoints": [{"id": "e1", "ip": "198.51.100.7", "port": 443}],
            "resources": [{"uid": "arn:aws:s3:::example-logs", "name": "example-logs", "type": "S3_BUCKET"}],
            "sequenceIndicators": [
                {"key": "ATTACK_TACTIC", "values": ["Exfiltration", "Discovery"]},
                {"key": "ATTACK_TECHNIQUE", "values": ["T1530 - Data from Cloud Storage"]},
            ],
        }
    },
)
ALL = (BRUTE, API, DNS, PROBE, CLUSTER, RUNTIME, BUCKET, DATABASE, SEQUENCE)


def parsed(value: Any) -> Event:
    raw = json.dumps(value).encode()
    event = SOURCE.parse(RawRecord("guardduty", raw, Coordinates("raw.guardduty", 0, 1), NOON))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    assert event.ocsf["raw_data"] == raw.decode()
    return event


def keys(event: Event) -> set[str]:
    return set(map(str, entities_of(event.ocsf)))


def capitalized(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: capitalized(item) for name, item in value.items()}
    return [capitalized(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", ALL)
def test_every_kind_is_recognized_and_valid(value: dict[str, Any]) -> None:
    assert SOURCE.recognize(b"{}", value)
    event = parsed(value)
    made = event.ocsf
    assert event.logsource == LogSource("aws", "guardduty")
    assert (made["class_uid"], made["activity_id"], made["severity_id"], made["status"]) == (2004, 2, 3, "New")
    assert event.time == NOON
    assert made["metadata"]["original_event_uid"] == "f1"
    assert made["finding_info"]["analytic"]["uid"] == value["type"]
    assert made["finding_info"]["first_seen_time"] == NOON - 600_000
    assert f"account:{ACCOUNT}" in keys(event)


@pytest.mark.parametrize("value", ALL)
def test_capitals_of_the_api_are_the_same_finding(value: dict[str, Any]) -> None:
    upper = capitalized(value)
    assert SOURCE.recognize(b"{}", upper)
    of_api, of_export = parsed(upper).ocsf, parsed(value).ocsf
    for name in ("finding_info", "actor", "device", "resources", "evidences", "attacks", "cloud"):
        assert of_api.get(name) == of_export.get(name)


def test_network_connection() -> None:
    event = parsed(BRUTE)
    made = event.ocsf
    assert event.domain == "network"
    assert made["device"]["instance_uid"] == INSTANCE
    evidence = made["evidences"][0]
    assert evidence["src_endpoint"]["ip"] == "198.51.100.7"
    assert evidence["src_endpoint"]["port"] == 51000
    assert evidence["src_endpoint"]["autonomous_system"] == {"number": 64496, "name": "Example Transit"}
    assert evidence["src_endpoint"]["location"]["city"] == "Umea"
    assert (evidence["dst_endpoint"]["ip"], evidence["dst_endpoint"]["port"]) == ("10.0.1.5", 22)
    assert evidence["connection_info"]["direction_id"] == 1
    assert made["attacks"] == [{"technique": {"uid": "T1110"}}, {"tactic": {"name": "credential-access"}}]
    assert {f"workload:{INSTANCE}", "ip:10.0.1.5", "host:ip-10-0-1-5"} <= keys(event)


def test_outbound_connection_begins_here() -> None:
    value = copy.deepcopy(BRUTE)
    value["service"]["action"]["networkConnectionAction"]["connectionDirection"] = "OUTBOUND"
    evidence = parsed(value).ocsf["evidences"][0]
    assert evidence["src_endpoint"]["ip"] == "10.0.1.5"
    assert evidence["dst_endpoint"]["port"] == 51000


def test_api_call_names_the_session_that_cloudtrail_knows() -> None:
    event = parsed(API)
    made = event.ocsf
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-77"
    assert event.domain == "identity"
    assert made["actor"]["user"]["uid_alt"] == arn
    assert made["actor"]["session"]["uid"] == "ASIAEXAMPLE000000002"
    assert {f"user:{arn}", "session:asiaexample000000002"} <= keys(event)
    evidence = made["evidences"][0]
    assert evidence["api"] == {
        "operation": "GetSecretValue",
        "service": {"name": "secretsmanager.amazonaws.com"},
        "response": {"error": "AccessDenied"},
    }
    assert evidence["http_request"] == {"user_agent": "aws-cli/2.15.0"}


@pytest.mark.parametrize(
    ("kind", "principal", "arn"),
    [
        ("IAMUser", "AIDAEXAMPLEALICE00000", f"arn:aws:iam::{ACCOUNT}:user/alice"),
        ("Root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"),
        ("FederatedUser", "123456789012:alice", f"arn:aws:sts::{ACCOUNT}:federated-user/alice"),
    ],
)
def test_principals(kind: str, principal: str, arn: str) -> None:
    details = {"accessKeyId": "AKIAEXAMPLE000000001", "principalId": principal, "userType": kind, "userName": "alice"}
    event = parsed({**API, "resource": {"resourceType": "AccessKey", "accessKeyDetails": details}})
    assert event.ocsf["actor"]["user"]["uid_alt"] == arn
    assert "session" not in event.ocsf["actor"]


def test_dns_request() -> None:
    made = parsed(DNS).ocsf
    assert made["evidences"][0]["query"] == {"hostname": "pool.example.com"}
    assert (made["disposition"], made["action_id"]) == ("Blocked", 2)
    assert made["attacks"][0] == {"technique": {"uid": "T1496"}}


def test_a_protocol_that_is_none_is_left_out() -> None:
    value = copy.deepcopy(BRUTE)
    value["service"]["action"]["networkConnectionAction"]["protocol"] = "9" * 30
    assert parsed(value).ocsf["evidences"][0]["connection_info"] == {"direction_id": 1}


def test_port_probe() -> None:
    evidence = parsed(PROBE).ocsf["evidences"][0]
    assert (evidence["src_endpoint"]["ip"], evidence["dst_endpoint"]["port"]) == ("198.51.100.7", 22)


def test_cluster() -> None:
    event = parsed(CLUSTER)
    made = event.ocsf
    assert event.domain == "workload"
    assert made["actor"]["user"]["name"] == "alice"
    assert [resource["name"] for resource in made["resources"]] == ["shop", "web"]
    assert made["device"]["container"]["name"] == "web"
    evidence = made["evidences"][0]
    assert evidence["api"]["operation"] == "create"
    assert evidence["src_endpoint"] == {"ip": "198.51.100.7"}
    assert evidence["http_response"] == {"code": 201}


def test_runtime() -> None:
    event = parsed(RUNTIME)
    made = event.ocsf
    process = made["actor"]["process"]
    assert (process["pid"], process["file"]["path"], process["user"]["name"]) == (4711, "/bin/sh", "www-data")
    assert process["file"]["hashes"][0]["algorithm"] == "SHA-256"
    assert {f"workload:{INSTANCE}", "workload:" + "0f" * 6} <= keys(event)


def test_bucket_and_database() -> None:
    assert {"uid": "arn:aws:s3:::example-logs", "name": "example-logs", "type": "AWS::S3::Bucket"} in parsed(
        BUCKET
    ).ocsf["resources"]
    event = parsed(DATABASE)
    assert event.domain == "identity"
    assert event.ocsf["evidences"][0]["user"]["name"] == "bob"
    assert "user:bob" in keys(event)


def test_attack_sequence() -> None:
    made = parsed(SEQUENCE).ocsf
    assert made["attacks"] == [
        {"tactic": {"name": "exfiltration"}},
        {"tactic": {"name": "discovery"}},
        {"technique": {"uid": "T1530"}},
    ]
    assert made["actor"]["user"]["credential_uid"] == "AKIA0"
    assert made["evidences"] == [{"src_endpoint": {"ip": "198.51.100.7", "port": 443}}]
    assert made["resources"][0]["uid"] == "arn:aws:s3:::example-logs"


@pytest.mark.parametrize(
    ("score", "severity"), [(1, 2), (3.9, 2), (4, 3), (6.9, 3), (7.0, 4), (8.9, 4), (9, 5), (10, 5), (0, 1), ("8", 1)]
)
def test_severity(score: object, severity: int) -> None:
    assert parsed({**API, "severity": score}).ocsf["severity_id"] == severity


@pytest.mark.parametrize(
    ("kind", "tactic"),
    [
        ("Stealth:IAMUser/CloudTrailLoggingDisabled", "defense-evasion"),
        ("Recon:EC2/PortProbeUnprotectedPort", "reconnaissance"),
        ("Recon:IAMUser/MaliciousIPCaller", "discovery"),
        ("Persistence:IAMUser/AnomalousBehavior", "persistence"),
        ("Backdoor:EC2/C&CActivity.B", "command-and-control"),
        ("Trojan:EC2/DNSDataExfiltration", "exfiltration"),
        ("Impact:S3/MaliciousIPCaller", "impact"),
        ("InitialAccess:IAMUser/AnomalousBehavior", "initial-access"),
    ],
)
def test_threat_purpose_is_a_tactic(kind: str, tactic: str) -> None:
    assert {"tactic": {"name": tactic}} in parsed({**API, "type": kind}).ocsf["attacks"]


@pytest.mark.parametrize("kind", ["Policy:IAMUser/RootCredentialUsage", "PenTest:IAMUser/KaliLinux", "New:Thing/Odd"])
def test_purposes_without_a_tactic(kind: str) -> None:
    assert "attacks" not in parsed({**API, "type": kind}).ocsf


def test_archived_and_new() -> None:
    archived = copy.deepcopy(API)
    archived["service"]["archived"] = True
    assert (parsed(archived).ocsf["activity_id"], parsed(archived).ocsf["status"]) == (3, "Archived")
    assert parsed({**API, "updatedAt": API["createdAt"]}).ocsf["activity_id"] == 1


@pytest.mark.parametrize("name", ["type", "id", "service"])
def test_refused(name: str) -> None:
    value = {key: item for key, item in API.items() if key != name}
    found = SOURCE.parse(RawRecord("guardduty", json.dumps(value).encode(), Coordinates("raw.guardduty", 0, 1), NOON))
    assert isinstance(found, ParseError)
    assert found.field == name


def test_others_are_not_recognized() -> None:
    assert not SOURCE.recognize(b"{}", None)
    assert not SOURCE.recognize(b"{}", {"type": "a:b", "service": {"name": "x"}})
    assert not SOURCE.recognize(b"{}", {"ProductArn": "x", "AwsAccountId": ACCOUNT, "Id": "1"})


def test_hostile() -> None:
    fuzz.json_records(SOURCE, [*ALL, capitalized(BRUTE)], runs=400)
    fuzz.every_part_wrong(SOURCE, [BRUTE, CLUSTER])
    fuzz.too_much(SOURCE, API, ["type", "service", "resource", "title"])
    fuzz.anything(SOURCE, examples=60)


def test_shared_records(shared: Path) -> None:
    for line in (shared / "data/panther/aws_guardduty.tests.ndjson").read_text().splitlines():
        log = json.loads(line)["log"]
        assert SOURCE.recognize(json.dumps(log).encode(), log)
        assert parsed(log).class_uid == 2004

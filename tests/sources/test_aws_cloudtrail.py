from __future__ import annotations

import copy
import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrichers.entities import entities_of
from models import ocsf
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Coordinates, ParseError, RawRecord
from streams.sources.aws.cloudtrail import SOURCE

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
ACCOUNT = "123456789012"
ALICE: dict[str, Any] = {
    "type": "IAMUser",
    "principalId": "AIDAEXAMPLEALICE00000",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
    "accountId": ACCOUNT,
    "accessKeyId": "AKIAEXAMPLE000000001",
    "userName": "alice",
}
DEPLOY: dict[str, Any] = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLEDEPLOY0000:build-77",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-77",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIAEXAMPLE000000002",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAEXAMPLEDEPLOY0000",
            "arn": f"arn:aws:iam::{ACCOUNT}:role/deploy",
            "accountId": ACCOUNT,
            "userName": "deploy",
        },
        "webIdFederationData": {"federatedProvider": "token.ci.example.com", "attributes": {}},
        "attributes": {"mfaAuthenticated": "false", "creationDate": "2024-06-15T11:30:00Z"},
    },
}
CALL: dict[str, Any] = {
    "eventVersion": "1.09",
    "userIdentity": ALICE,
    "eventTime": "2024-06-15T12:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "PutBucketPolicy",
    "awsRegion": "eu-north-1",
    "sourceIPAddress": "203.0.113.7",
    "userAgent": "aws-cli/2.15.0",
    "requestParameters": {"bucketName": "example-logs"},
    "responseElements": None,
    "requestID": "REQ0000000000001",
    "eventID": "5b2c1c0e-2b1e-11ef-9d0a-000000000002",
    "readOnly": False,
    "resources": [{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::example-logs"}],
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "recipientAccountId": ACCOUNT,
    "eventCategory": "Management",
    "tlsDetails": {"tlsVersion": "TLSv1.3"},
}
ASSUMED: dict[str, Any] = {
    "credentials": {
        "accessKeyId": "ASIAEXAMPLE000000003",
        "sessionToken": "token",
        "expiration": "Jun 15, 2024, 1:00:00 PM",
    },
    "assumedRoleUser": {
        "assumedRoleId": "AROAEXAMPLEADMIN00000:alice-cli",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/alice-cli",
    },
}
ASSUME = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/admin", "roleSessionName": "alice-cli"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def record(value: Any, broker_time: int = 0) -> RawRecord:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord("aws_cloudtrail", raw, Coordinates("raw.aws_cloudtrail", 0, 1), broker_time)


def parsed(action: str = "s3:PutBucketPolicy", **changes: Any) -> Event:
    service, _, name = action.partition(":")
    event = SOURCE.parse(record(CALL | {"eventSource": f"{service}.amazonaws.com", "eventName": name} | changes))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


def body(action: str, **changes: Any) -> dict[str, Any]:
    return parsed(action, **changes).ocsf


def test_api_call() -> None:
    event = parsed()
    made = event.ocsf
    assert event.logsource == LogSource("aws", "cloudtrail")
    assert event.native == CALL
    assert event.time == NOON
    assert (made["class_uid"], made["activity_id"], made["status"]) == (6003, 3, "Success")
    assert made["actor"]["user"] == {
        "type": "IAMUser",
        "type_id": 1,
        "uid": "AIDAEXAMPLEALICE00000",
        "uid_alt": f"arn:aws:iam::{ACCOUNT}:user/alice",
        "name": "alice",
        "account": {"uid": ACCOUNT, "type": "AWS Account", "type_id": 10},
        "credential_uid": "AKIAEXAMPLE000000001",
    }
    assert "session" not in made["actor"]
    assert made["api"]["operation"] == "PutBucketPolicy"
    assert made["api"]["request"] == {"uid": "REQ0000000000001", "data": {"bucketName": "example-logs"}}
    assert made["cloud"]["account"]["uid"] == ACCOUNT
    assert made["cloud"]["region"] == "eu-north-1"
    assert made["src_endpoint"] == {"ip": "203.0.113.7"}
    assert made["resources"][0]["uid"] == "arn:aws:s3:::example-logs"
    assert made["metadata"]["original_event_uid"] == CALL["eventID"]
    assert made["unmapped"]["tlsDetails"] == {"tlsVersion": "TLSv1.3"}


@pytest.mark.parametrize(
    ("action", "read_only", "activity_id"),
    [
        ("ec2:RunInstances", False, 1),
        ("s3:CreateBucket", None, 1),
        ("ec2:DescribeInstances", None, 2),
        ("secretsmanager:BatchGetSecretValue", None, 2),
        ("kms:Decrypt", True, 2),
        ("kms:Decrypt", "true", 2),
        ("ec2:ModifySnapshotAttribute", False, 3),
        ("cloudtrail:StopLogging", False, 3),
        ("ec2:TerminateInstances", False, 4),
        ("organizations:LeaveOrganization", False, 4),
        ("example:Frobnicate", False, 99),
        ("example:lowercase", False, 99),
        ("lambda:ListFunctions20150331", None, 2),
    ],
)
def test_api_activity_by_verb(action: str, read_only: object, activity_id: int) -> None:
    made = body(action, readOnly=read_only)
    assert (made["class_uid"], made["activity_id"]) == (6003, activity_id)
    assert ("activity_name" in made) == (activity_id == 99)


@pytest.mark.parametrize(
    ("action", "request_", "class_uid", "activity_id"),
    [
        ("iam:CreateUser", {"userName": "bob"}, 3001, 1),
        ("iam:DeleteUser", {"userName": "bob"}, 3001, 6),
        ("iam:UpdateLoginProfile", {"userName": "bob"}, 3001, 4),
        ("iam:AttachUserPolicy", {"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, 3001, 7),
        ("iam:DeleteRolePolicy", {"roleName": "deploy", "policyName": "p"}, 3001, 8),
        ("iam:DeactivateMFADevice", {"userName": "bob"}, 3001, 11),
        ("iam:CreateAccessKey", {"userName": "bob"}, 3001, 99),
        ("iam:UpdateAssumeRolePolicy", {"roleName": "deploy"}, 3001, 99),
        ("iam:PutUserPermissionsBoundary", {"userName": "bob", "permissionsBoundary": "arn:p"}, 3005, 99),
        ("sso:CreateAccountAssignment", {"principalId": "9067-1", "permissionSetArn": "arn:ps"}, 3005, 1),
        ("iam:AddUserToGroup", {"userName": "bob", "groupName": "admins"}, 3006, 3),
        ("iam:RemoveUserFromGroup", {"userName": "bob", "groupName": "admins"}, 3006, 4),
        ("iam:CreateGroup", {"groupName": "admins"}, 3006, 6),
        ("iam:AttachGroupPolicy", {"groupName": "admins", "policyArn": "arn:p"}, 3006, 1),
        ("identitystore:CreateGroupMembership", {"groupId": "g-1", "memberId": {"userId": "u-1"}}, 3006, 3),
        ("iam:AddUserToGroup", {}, 6003, 3),
        ("iam:CreateInstanceProfile", {"instanceProfileName": "p"}, 6003, 1),
    ],
)
def test_changes_of_identities(action: str, request_: dict[str, Any], class_uid: int, activity_id: int) -> None:
    made = body(action, requestParameters=request_)
    assert (made["class_uid"], made["activity_id"]) == (class_uid, activity_id)


def test_a_changed_user_has_its_arn_and_its_policy() -> None:
    request_ = {"userName": "bob", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    made = body("iam:AttachUserPolicy", requestParameters=request_)
    assert made["user"]["uid_alt"] == f"arn:aws:iam::{ACCOUNT}:user/bob"
    assert made["actor"]["user"]["name"] == "alice"
    assert made["policy"] == {"uid": "arn:aws:iam::aws:policy/AdministratorAccess"}


def test_a_created_user_has_the_id_it_was_given() -> None:
    answer = {
        "user": {"userName": "bob", "userId": "AIDAEXAMPLEBOB0000000", "arn": f"arn:aws:iam::{ACCOUNT}:user/x/bob"}
    }
    made = body("iam:CreateUser", requestParameters={"userName": "bob"}, responseElements=answer)
    assert made["user"]["uid"] == "AIDAEXAMPLEBOB0000000"
    assert made["user"]["uid_alt"] == f"arn:aws:iam::{ACCOUNT}:user/x/bob"


def test_who_names_nobody_changes_herself() -> None:
    assert body("iam:ChangePassword", requestParameters=None)["user"]["name"] == "alice"


def test_arn_of_a_subject_is_in_the_partition_of_its_caller() -> None:
    identity = ALICE | {"arn": f"arn:aws-us-gov:iam::{ACCOUNT}:user/alice"}
    made = body("iam:CreateUser", userIdentity=identity, requestParameters={"userName": "bob"})
    assert made["user"]["uid_alt"] == f"arn:aws-us-gov:iam::{ACCOUNT}:user/bob"


def test_assumed_role_is_a_ticket_for_a_new_principal() -> None:
    made = body("sts:AssumeRole", requestParameters=ASSUME, responseElements=ASSUMED, readOnly=True)
    assert (made["class_uid"], made["activity_id"]) == (3002, 3)
    assert made["user"]["uid_alt"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/alice-cli"
    assert made["user"]["name"] == "alice-cli"
    assert made["actor"]["user"]["name"] == "alice"
    assert made["session"] == {
        "uid": "ASIAEXAMPLE000000003",
        "credential_uid": "ASIAEXAMPLE000000003",
        "issuer": f"arn:aws:iam::{ACCOUNT}:role/admin",
        "expiration_time": NOON + 3_600_000,
    }


def test_a_role_given_to_a_service_has_the_arn_of_its_session() -> None:
    answer = {"credentials": ASSUMED["credentials"]}
    identity = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    request_ = ASSUME | {"roleSessionName": "i-0abcdef0123456789"}
    made = body("sts:AssumeRole", userIdentity=identity, requestParameters=request_, responseElements=answer)
    assert made["user"]["uid_alt"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/i-0abcdef0123456789"
    assert made["actor"] == {"invoked_by": "ec2.amazonaws.com"}


@pytest.mark.parametrize("created", ["1969-12-31T23:59:59Z", "2150-01-01T00:00:00Z", 7, None])
def test_a_time_that_ocsf_has_no_room_for_is_left_out(created: object) -> None:
    identity = copy.deepcopy(DEPLOY)
    identity["sessionContext"]["attributes"]["creationDate"] = created
    assert "created_time" not in body("s3:GetObject", userIdentity=identity)["actor"]["session"]


def test_a_role_refused_is_the_role_that_was_asked_for() -> None:
    made = body("sts:AssumeRole", requestParameters=ASSUME, errorCode="AccessDenied", errorMessage="no")
    assert (made["status_id"], made["status_code"], made["status_detail"]) == (2, "AccessDenied", "no")
    assert made["user"]["uid_alt"] == f"arn:aws:iam::{ACCOUNT}:role/admin"
    assert "session" not in made


@pytest.mark.parametrize(
    ("expiration", "expected"),
    [
        ("Jun 15, 2024, 12:30:00 PM", NOON + 1_800_000),
        ("Jun 16, 2024, 12:00:00\u202fAM", NOON + 43_200_000),
        ("2024-06-15T13:00:00Z", NOON + 3_600_000),
        ("Smarch 1, 2024", None),
        ("Jun 99, 2024, 99:99:99 AM", None),
    ],
)
def test_expiration_in_every_form(expiration: str, expected: int | None) -> None:
    answer = copy.deepcopy(ASSUMED)
    answer["credentials"]["expiration"] = expiration
    made = body("sts:AssumeRole", requestParameters=ASSUME, responseElements=answer)
    assert made["session"].get("expiration_time") == expected


def test_session_of_a_role() -> None:
    made = body("s3:GetObject", userIdentity=DEPLOY)
    assert made["actor"]["user"]["name"] == "build-77"
    assert made["actor"]["session"] == {
        "uid": "ASIAEXAMPLE000000002",
        "issuer": f"arn:aws:iam::{ACCOUNT}:role/deploy",
        "created_time": NOON - 1_800_000,
        "is_mfa": False,
    }
    assert made["actor"]["idp"] == {"name": "token.ci.example.com"}


@pytest.mark.parametrize(
    ("identity", "name", "type_id", "uid"),
    [
        (
            {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
            "root",
            2,
            ACCOUNT,
        ),
        (
            {
                "type": "FederatedUser",
                "principalId": f"{ACCOUNT}:bob",
                "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
                "accountId": ACCOUNT,
            },
            "bob",
            1,
            f"{ACCOUNT}:bob",
        ),
        (
            {"type": "SAMLUser", "principalId": "SAMPLE:bob@example.com", "userName": "bob@example.com"},
            "bob@example.com",
            1,
            "SAMPLE:bob@example.com",
        ),
        (
            {"type": "WebIdentityUser", "principalId": "idp:app:9", "userName": "9", "identityProvider": "idp"},
            "9",
            1,
            "idp:app:9",
        ),
        (
            {
                "type": "IdentityCenterUser",
                "accountId": ACCOUNT,
                "onBehalfOf": {"userId": "u-1"},
                "credentialId": "c-1",
            },
            None,
            1,
            "u-1",
        ),
        (
            {"type": "AWSAccount", "principalId": "AIDAEXAMPLEOTHER", "accountId": "210987654321"},
            None,
            99,
            "AIDAEXAMPLEOTHER",
        ),
    ],
)
def test_every_kind_of_identity(identity: dict[str, Any], name: str | None, type_id: int, uid: str) -> None:
    user = body("s3:GetObject", userIdentity=identity)["actor"]["user"]
    assert (user.get("name"), user["type_id"], user["uid"]) == (name, type_id, uid)


def test_identity_center_session_is_its_credential() -> None:
    identity = {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}, "credentialId": "c-1"}
    made = body("sso:Authenticate", userIdentity=identity)
    assert made["class_uid"] == 3002
    assert made["actor"]["session"]["uid"] == "c-1"


def test_a_service_acts_without_a_user() -> None:
    identity = {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com", "accountId": ACCOUNT}
    made = body("ec2:RunInstances", userIdentity=identity, sourceIPAddress="autoscaling.amazonaws.com")
    assert made["actor"] == {"invoked_by": "autoscaling.amazonaws.com"}
    assert made["src_endpoint"] == {"svc_name": "autoscaling.amazonaws.com"}


def test_a_service_that_assumes_nothing_is_an_api_call() -> None:
    identity = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert body("sts:AssumeRole", userIdentity=identity, requestParameters=None)["class_uid"] == 6003


@pytest.mark.parametrize("address", ["225.01.00.16", "AWS Internal", None])
def test_what_is_no_address_is_a_service_name(address: str | None) -> None:
    assert body("s3:GetObject", sourceIPAddress=address)["src_endpoint"] == {"svc_name": address or "s3.amazonaws.com"}


@pytest.mark.parametrize(
    ("answer", "error", "status_id"),
    [
        ({"ConsoleLogin": "Success"}, None, 1),
        ({"ConsoleLogin": "Failure"}, "Failed authentication", 2),
        ({"ConsoleLogin": "Failure"}, None, 2),
    ],
)
def test_console_login(answer: dict[str, Any], error: str | None, status_id: int) -> None:
    extra = {"MFAUsed": "Yes", "LoginTo": "https://console.aws.amazon.com/"}
    made = body("signin:ConsoleLogin", responseElements=answer, errorMessage=error, additionalEventData=extra)
    assert (made["class_uid"], made["activity_id"], made["status_id"]) == (3002, 1, status_id)
    assert made["user"]["name"] == "alice"
    assert made["is_mfa"] is True


@pytest.mark.parametrize(
    ("action", "protocol"),
    [("sts:AssumeRoleWithSAML", 5), ("sts:AssumeRoleWithWebIdentity", 4), ("sts:AssumeRole", None)],
)
def test_protocol_by_name(action: str, protocol: int | None) -> None:
    assert body(action, requestParameters=ASSUME).get("auth_protocol_id") == protocol


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        ("ssm:StartSession", {"target": "i-0abcdef0123456789"}),
        ("ssm:SendCommand", {"instanceIds": ["i-0abcdef0123456789", 7]}),
        ("ec2:StopInstances", {"instancesSet": {"items": [{"instanceId": "i-0abcdef0123456789"}]}}),
        ("ec2:ModifyInstanceAttribute", {"instanceId": "i-0abcdef0123456789"}),
    ],
)
def test_instances_are_resources(action: str, request_: dict[str, Any]) -> None:
    made = body(action, requestParameters=request_, resources=None)
    assert made["resources"] == [{"uid": "i-0abcdef0123456789", "type": "AWS::EC2::Instance"}]
    assert "workload:i-0abcdef0123456789" in map(str, entities_of(made))


def test_names_that_a_data_lake_lower_cased_get_their_capitals_back() -> None:
    identity = {name.lower(): value for name, value in ALICE.items()}
    flattened = {name.lower(): value for name, value in CALL.items()} | {"useridentity": identity}
    event = SOURCE.parse(record(flattened))
    assert isinstance(event, Event)
    assert event.native == CALL
    assert SOURCE.recognize(b"", flattened)


def test_eventbridge_envelope_is_opened() -> None:
    wrapped = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": CALL}
    event = SOURCE.parse(record(wrapped))
    assert isinstance(event, Event)
    assert event.native == CALL
    assert SOURCE.recognize(b"", wrapped)


def test_without_a_time_the_broker_s_counts() -> None:
    event = SOURCE.parse(record(CALL | {"eventTime": None}, broker_time=NOON))
    assert isinstance(event, Event)
    assert event.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]


@pytest.mark.parametrize(("value", "field"), [({}, "eventName"), ({"eventName": "A"}, "eventSource")])
def test_what_is_no_cloudtrail_event_says_so(value: dict[str, Any], field: str) -> None:
    error = SOURCE.parse(record(value))
    assert isinstance(error, ParseError)
    assert error.field == field


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"eventName": "Logon"},
        {"eventName": "Logon", "eventSource": "Security"},
        {"eventName": ["a"], "eventSource": "iam.amazonaws.com"},
        {"eventType": "user.session.start", "actor": {}},
    ],
)
def test_does_not_recognize_others(value: dict[str, Any] | None) -> None:
    assert not SOURCE.recognize(b"", value)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for name, item in members for p in [(*path, name), *paths(item, (*path, name))]]


def put(value: Any, path: tuple[Any, ...], replacement: Any) -> None:
    with suppress(KeyError, IndexError, TypeError):  # another replacement may have taken the way there
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = replacement


SAMPLE = CALL | {"userIdentity": DEPLOY, "requestParameters": ASSUME | {"userName": "bob"}, "responseElements": ASSUMED}
PATHS = paths(SAMPLE) + [("requestParameters", name) for name in ("instanceId", "instanceIds", "groupName", "target")]
ACTIONS = ["sts:AssumeRole", "iam:CreateUser", "iam:AddUserToGroup", "sso:CreateAccountAssignment", "ec2:RunInstances"]


@pytest.mark.parametrize(
    "replacement", [None, [], {}, [1], [[]], {"a": []}, True, -1, 2**63, 1e300, "", "-", "x" * 300]
)
def test_every_field_may_hold_anything(replacement: Any) -> None:
    for action in ACTIONS:
        service, _, name = action.partition(":")
        for path in PATHS:
            value = copy.deepcopy(SAMPLE | {"eventSource": f"{service}.amazonaws.com", "eventName": name})
            put(value, path, replacement)
            result = SOURCE.parse(record(value, NOON))
            assert isinstance(result, ParseError) or validate(result.ocsf) == [], path


@given(st.sampled_from(ACTIONS), st.dictionaries(st.sampled_from(PATHS), JSON, max_size=4))
@settings(max_examples=300)
def test_any_value_anywhere_gives_a_valid_event_or_an_error(action: str, changes: dict[tuple[Any, ...], Any]) -> None:
    service, _, name = action.partition(":")
    value: Any = copy.deepcopy(SAMPLE | {"eventSource": f"{service}.amazonaws.com", "eventName": name})
    for path, replacement in changes.items():
        put(value, path, replacement)
    result = SOURCE.parse(record(value, NOON))
    if isinstance(result, Event):
        assert validate(result.ocsf) == []
        assert ocsf.decode(ocsf.encode(result.ocsf)) == result.ocsf
        entities_of(result.ocsf)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_an_event_or_an_error(raw: bytes) -> None:
    assert isinstance(SOURCE.parse(record(raw)), Event | ParseError)


def recorded(data: Path) -> list[bytes]:
    raws: list[bytes] = []
    for path in sorted((data / "aws_cloudtrail").rglob("*.ndjson*")):
        content = path.read_bytes()
        raws += (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    tests = (data / "panther/aws_cloudtrail.tests.ndjson").read_bytes().splitlines()
    raws += [orjson.dumps(orjson.loads(line)["log"]) for line in tests]
    return raws + [path.read_bytes().strip() for path in sorted((data / "ocsf_pairs").glob("*CloudTrail*.raw.txt"))]


def test_recorded_telemetry(shared: Path) -> None:
    raws = recorded(shared / "data")
    assert len(raws) > 1500
    for raw in raws:
        event = SOURCE.parse(record(raw, NOON))  # some test fixtures have no time of their own
        assert isinstance(event, Event), (event, raw)
        assert SOURCE.recognize(raw, orjson.loads(raw)), raw
        assert validate(event.ocsf) == []


def test_an_actor_seen_before_is_the_same_and_not_shared() -> None:
    first, again = parsed("ec2:RunInstances", userIdentity=DEPLOY), parsed("ec2:RunInstances", userIdentity=DEPLOY)
    assert first.ocsf["actor"] == again.ocsf["actor"]
    assert first.ocsf["actor"]["user"]["account"] is not again.ocsf["actor"]["user"]["account"]


def test_an_identity_too_long_to_be_remembered_is_read_all_the_same() -> None:
    identity = DEPLOY | {"note": "x" * 5000}
    assert parsed(userIdentity=identity).ocsf["actor"] == parsed(userIdentity=DEPLOY).ocsf["actor"]

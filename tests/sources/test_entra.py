from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, ParseError
from streams.detect.record import Record
from streams.sources.microsoft.entra import SOURCE
from tests.sources import fuzz, microsoft_records
from tests.sources.microsoft_records import (
    ALICE_ID,
    AUDIT,
    BACKUP_ID,
    BOB,
    BOB_ID,
    DEVICE_ID,
    ENTRA,
    GRAPH_CALL,
    GROUP_ID,
    HUB_AUDIT,
    HUB_SIGN_IN,
    NOON,
    PIM,
    RISK,
    SERVICE_SIGN_IN,
    SIGN_IN,
    TABLE_SIGN_IN,
    TENANT,
    event,
    record,
)

GROUP = {"id": GROUP_ID, "displayName": "Admins", "type": "Group"}
POLICY = {"id": "p1", "displayName": "Require MFA", "type": "Policy"}
DEVICE = {"id": DEVICE_ID, "displayName": "LAPTOP-7", "type": "Device"}
SERVICE = {"id": BACKUP_ID, "displayName": "svc-backup", "type": "ServicePrincipal"}


def test_sign_in() -> None:
    found = event(SOURCE, SIGN_IN)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"], body["status_code"]) == (3002, 1, 1, "0")
    assert found.time == body["time"] == NOON + 250
    assert body["metadata"]["original_time"] == SIGN_IN["createdDateTime"]
    assert body["metadata"]["original_event_uid"] == SIGN_IN["id"]
    assert body["metadata"]["correlation_uid"] == SIGN_IN["correlationId"]
    assert body["user"]["name"] == body["user"]["email_addr"] == "alice@example.com"
    assert body["user"]["uid"] == ALICE_ID
    assert body["session"] == {"uid": SIGN_IN["sessionId"], "credential_uid": "AbCdEf0123", "is_mfa": True}
    assert body["is_mfa"] is True
    assert [factor["factor_type_id"] for factor in body["auth_factors"]] == [11, 5]
    assert body["src_endpoint"]["ip"] == "203.0.113.7"
    assert body["src_endpoint"]["location"] == {
        "city": "Oslo",
        "region": "Oslo",
        "country": "NO",
        "lat": 59.91,
        "long": 10.75,
    }
    assert body["src_endpoint"]["autonomous_system"] == {"number": 64500}
    assert body["device"]["hostname"] == "LAPTOP-7"
    assert (body["device"]["uid"], body["device"]["is_compliant"], body["device"]["os"]["type_id"]) == (
        DEVICE_ID,
        True,
        100,
    )
    assert body["authorizations"] == [{"decision": "success", "policy": {"name": "Require MFA", "uid": "p1"}}]
    assert (body["risk_level"], body["risk_level_id"]) == ("low", 1)
    assert body["service"]["name"] == "Azure Portal"
    assert body["logon_type_id"] == 2
    assert (found.logsource.product, found.logsource.service) == ("azure", "signinlogs")


def test_wrapped_sign_in_is_the_same_and_has_a_tenant() -> None:
    bare, wrapped = event(SOURCE, SIGN_IN).ocsf, event(SOURCE, HUB_SIGN_IN).ocsf
    assert all(wrapped[name] == bare[name] for name in ("time", "session", "src_endpoint", "device", "status_id"))
    assert wrapped["metadata"]["tenant_uid"] == TENANT
    assert wrapped["metadata"]["logged_time"] == NOON + 180_123
    assert wrapped["unmapped"]["clientAppUsed"] == "Browser"
    assert wrapped["raw_data"] == record(SOURCE, HUB_SIGN_IN).raw.decode()


def test_names_that_a_data_lake_lower_cased() -> None:
    lowered = {name.lower(): value for name, value in HUB_SIGN_IN.items()}
    assert event(SOURCE, lowered).ocsf["metadata"]["tenant_uid"] == TENANT


def test_row_of_log_analytics() -> None:
    found = event(SOURCE, TABLE_SIGN_IN)
    body = found.ocsf
    assert (body["status_id"], body["status_code"]) == (2, "50126")
    assert body["status_detail"] == "Invalid username or password."
    assert body["user"]["name"] == "alice@example.com"
    assert body["src_endpoint"]["location"]["city"] == "Oslo"
    assert body["is_mfa"] is False
    assert found.time == NOON


def test_what_belongs_to_whom() -> None:
    named = [str(key) for key in entities_of(event(SOURCE, HUB_SIGN_IN).ocsf)]
    assert named == [
        f"account:{TENANT}",
        "host:laptop-7",
        "ip:203.0.113.7",
        f"session:{SIGN_IN['sessionId']}",
        "session:abcdef0123",
        "user:alice@example.com",
    ]


def test_applications_go_by_their_id_and_not_by_the_name_they_chose() -> None:
    body = event(SOURCE, SERVICE_SIGN_IN).ocsf
    assert body["user"] == {
        "uid": BACKUP_ID,
        "uid_alt": microsoft_records.APP_ID,
        "display_name": "svc-backup",
        "type": "ServicePrincipal",
        "type_id": 4,
    }
    assert (body["status_id"], body["status_code"], body["logon_type_id"]) == (2, "7000215", 5)
    assert body["status_detail"] == "Invalid client secret"
    assert f"user:{BACKUP_ID}" in map(str, entities_of(body))


@pytest.mark.parametrize(
    ("code", "status_id"), [(0, 1), (50126, 2), (50053, 2), (53003, 2), (50074, 99), ("0", 1), ("50057", 2)]
)
def test_status_by_error_code(code: Any, status_id: int) -> None:
    assert event(SOURCE, SIGN_IN, status={"errorCode": code}).ocsf["status_id"] == status_id


def test_words_for_nothing_are_nothing() -> None:
    body = event(SOURCE, SIGN_IN, sessionId=None, uniqueTokenIdentifier="", riskLevelDuringSignIn="none").ocsf
    assert "session" not in body
    assert "risk_level" not in body


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("ResultType", "0"),
        ("Status", "Success"),
        ("AuthenticationRequirement", "multiFactorAuthentication"),
        ("RiskState", "none"),
        ("ResourceDisplayName", "Windows Azure Service Management API"),
        ("conditionalAccessStatus", "success"),
        ("userAgent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("DeviceDetail.deviceId", DEVICE_ID),
        ("DeviceDetail.isCompliant", "true"),
        ("DeviceDetail.trusttype", "Hybrid Azure AD joined"),
        ("NetworkLocationDetails", "[]"),
        ("ClientApp", "Browser"),
        ("Username", "alice@example.com"),
    ],
)
def test_fields_of_sigma_s_rules_for_sign_ins(field: str, text: str) -> None:
    assert text in Record(event(SOURCE, HUB_SIGN_IN).native).texts(field)


def test_protocols_that_sigma_knows_as_messages() -> None:
    native = event(SOURCE, SIGN_IN, authenticationProtocol="deviceCode").native
    assert Record(native).texts("properties.message") == ("Device Code",)


def test_role_assignment() -> None:
    found = event(SOURCE, HUB_AUDIT)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (3005, 1, 1)
    assert found.time == NOON + 500
    assert body["user"]["name"] == "bob@example.com"
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["privileges"] == ["Global Administrator"]
    assert body["resources"] == [{"name": "Global Administrator", "uid": "role-1", "type": "Role"}]
    assert body["src_endpoint"] == {"ip": "203.0.113.7"}
    assert body["http_request"] == {"user_agent": "curl/8"}
    assert body["metadata"]["original_event_uid"] == "Directory_1"
    assert found.logsource.service == "auditlogs"


@pytest.mark.parametrize(
    ("activity", "target", "class_uid", "activity_id"),
    [
        ("Add user", BOB, 3001, 1),
        ("Delete user", BOB, 3001, 6),
        ("Disable account", BOB, 3001, 5),
        ("Enable account", BOB, 3001, 2),
        ("Reset password (by admin)", BOB, 3001, 4),
        ("Change password (self-service)", BOB, 3001, 3),
        ("Update user", BOB, 3001, 99),
        ("User registered security info", BOB, 3001, 10),
        ("User deleted security info", BOB, 3001, 11),
        ("Add service principal", SERVICE, 3001, 1),
        ("Add service principal credentials", SERVICE, 3001, 99),
        ("Add member to group", GROUP, 3006, 3),
        ("Remove member from group", GROUP, 3006, 4),
        ("Add group", GROUP, 3006, 6),
        ("Delete group", GROUP, 3006, 5),
        ("Add owner to group", GROUP, 3006, 1),
        ("Remove member from role", BOB, 3005, 2),
        ("Add eligible member to role in PIM completed (timebound)", BOB, 3005, 1),
        ("Add member to role in PIM requested (permanent)", BOB, 3005, 99),
        ("Consent to application", SERVICE, 3005, 1),
        ("Add app role assignment to service principal", SERVICE, 3005, 1),
        ("Add conditional access policy", POLICY, 3004, 1),
        ("Delete conditional access policy", POLICY, 3004, 4),
        ("Update policy", POLICY, 3004, 3),
        ("Register device", DEVICE, 3004, 6),
        ("Read BitLocker key", DEVICE, 3004, 2),
        ("Something nobody has heard of", POLICY, 6003, 99),
        ("Delete conditional access policy", {}, 6003, 4),
        ("Add member to group", {}, 6003, 1),
    ],
)
def test_class_and_activity_by_name(activity: str, target: dict[str, Any], class_uid: int, activity_id: int) -> None:
    body = event(SOURCE, AUDIT, activityDisplayName=activity, targetResources=[target]).ocsf
    assert (body["class_uid"], body["activity_id"]) == (class_uid, activity_id)
    assert body.get("activity_name") == (activity if activity_id == 99 else None)


def test_group_of_a_member_is_found_among_what_changed() -> None:
    target = BOB | {
        "modifiedProperties": [
            {"displayName": "Group.ObjectID", "newValue": f'"{GROUP_ID}"'},
            {"displayName": "Group.DisplayName", "newValue": '"Admins"'},
        ]
    }
    body = event(SOURCE, AUDIT, activityDisplayName="Add member to group", targetResources=[target]).ocsf
    assert body["group"] == {"name": "Admins", "uid": GROUP_ID}
    assert body["user"]["uid"] == BOB_ID


def test_applications_act_too() -> None:
    app = {"displayName": "Sync", "servicePrincipalId": BACKUP_ID}
    body = event(SOURCE, AUDIT, initiatedBy={"app": app, "user": None}, result="failure", resultReason="no").ocsf
    assert body["actor"]["user"]["uid"] == BACKUP_ID
    assert (body["status_id"], body["status_detail"]) == (2, "no")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("OperationName", "Add member to role"),
        ("operationName", "Add member to role"),
        ("properties.message", "Add member to role"),
        ("Category", "RoleManagement"),
        ("category", "RoleManagement"),
        ("LoggedByService", "Core Directory"),
        ("Status", "success"),
        ("properties.result", "success"),
        ("TargetResources.ModifiedProperties.DisplayName", "Role.DisplayName"),
        ("TargetResources.modifiedProperties.newValue", '"62e90394-69f5-4237-9190-012177145e10"'),
        ("Initiatedby", "alice@example.com"),
        ("Target", "bob@example.com"),
    ],
)
def test_fields_of_sigma_s_rules_for_audit(field: str, text: str) -> None:
    assert text in Record(event(SOURCE, HUB_AUDIT).native).texts(field)


def test_changes_read_as_they_stand_in_the_record() -> None:
    change = {"displayName": "UserType", "oldValue": '["Guest"]', "newValue": '["Member"]'}
    native = event(SOURCE, AUDIT, targetResources=[BOB | {"modifiedProperties": [change]}]).native
    wanted = '"displayName":"UserType","oldValue":"[\\"Guest\\"]","newValue":"[\\"Member\\"]"'
    assert wanted in Record(native).texts("properties.message")


def test_risk() -> None:
    found = event(SOURCE, RISK)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["severity_id"], body["status"]) == (2004, 1, 4, "New")
    assert (found.time, found.domain) == (NOON, "identity")
    assert body["finding_info"]["analytic"]["uid"] == "passwordSpray"
    assert body["finding_info"]["title"] == "Password Spray"
    assert body["finding_info"]["attacks"][0]["sub_technique"]["uid"] == "T1110.003"
    assert body["evidences"][0]["src_endpoint"]["ip"] == "198.51.100.23"
    assert [str(key) for key in entities_of(body)] == ["ip:198.51.100.23", "user:alice@example.com"]
    assert Record(found.native).texts("riskEventType") == ("passwordSpray",)
    assert found.logsource.service == "riskdetection"
    assert event(SOURCE, RISK, riskState="dismissed").ocsf["activity_id"] == 3


def test_techniques_that_a_risk_names_itself() -> None:
    info = event(SOURCE, RISK, riskEventType="somethingNew").ocsf["finding_info"]
    assert info["attacks"][0]["sub_technique"]["uid"] == "T1110.003"


def test_alert_of_pim() -> None:
    found = event(SOURCE, PIM, broker_time=NOON)
    assert found.logsource.service == "pim"
    assert Record(found.native).texts("riskEventType") == ("noMfaOnRoleActivationAlertIncident",)
    assert found.ocsf["actor"]["user"]["name"] == "bob@example.com"
    assert found.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]


def test_call_of_graph_names_the_token_of_its_sign_in() -> None:
    body = event(SOURCE, GRAPH_CALL).ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (6003, 3, 2)
    assert body["api"]["operation"] == "PATCH https://graph.microsoft.com/v1.0/users/1"
    assert body["actor"]["session"]["credential_uid"] == "AbCdEf0123"


@pytest.mark.parametrize("value", [{}, {"category": "SignInLogs"}, {"category": ["x"]}, {"activityDisplayName": "x"}])
def test_what_is_no_entry_says_so(value: dict[str, Any]) -> None:
    error = SOURCE.parse(record(SOURCE, value, NOON))
    assert isinstance(error, ParseError)
    assert error.field == "category"
    assert not SOURCE.recognize(b"", value)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, ENTRA, 500)
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, HUB_AUDIT, ("properties", "category", "operationName"))


def test_json_in_a_text_that_nests_without_end() -> None:
    deep = "[" * 900 + "]" * 900
    body = event(SOURCE, TABLE_SIGN_IN, DeviceDetail=deep, Status=deep).ocsf
    assert body["class_uid"] == 3002
    orjson.dumps(body)


def test_recorded_telemetry(shared: Path) -> None:
    lines = (shared / "data/panther/azure_signin.tests.ndjson").read_bytes().splitlines()
    assert lines
    for line in lines:
        log = orjson.loads(line)["log"]
        found = event(SOURCE, log, NOON)
        assert validate(found.ocsf) == []
        assert any(key.type == "user" for key in entities_of(found.ocsf)), log

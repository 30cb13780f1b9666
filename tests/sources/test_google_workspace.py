from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.event import LogSource
from models.records import ParseError
from streams.detect.record import Record
from streams.sources.google.workspace import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import NOON, events, kind, logs, names, one, raw


def activity(application: str, name: str, *parameters: dict[str, Any], kind_: str = "KIND") -> dict[str, Any]:
    return {
        "kind": "admin#reports#activity",
        "id": {
            "time": "2024-06-15T12:00:00.123Z",
            "uniqueQualifier": "-8123",
            "applicationName": application,
            "customerId": "C01example",
        },
        "actor": {"callerType": "USER", "email": "alice@example.com", "profileId": "1098"},
        "ipAddress": "203.0.113.7",
        "networkInfo": {"ipAsn": [64500], "regionCode": "FI", "subdivisionCode": "FI-18"},
        "events": [{"type": kind_, "name": name, "parameters": list(parameters)}],
    }


def parameter(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "multiValue": value} if isinstance(value, list) else {"name": name, "value": value}


LOGIN = activity(
    "login",
    "login_success",
    parameter("login_type", "google_password"),
    parameter("login_challenge_method", ["password", "security_key"]),
    {"name": "is_suspicious", "boolValue": False},
    kind_="login",
)
FAILED = activity("login", "login_failure", parameter("login_failure_type", "login_failure_invalid_password"))
ROLE = activity(
    "admin", "ASSIGN_ROLE", parameter("ROLE_NAME", "_SEED_ADMIN_ROLE"), parameter("USER_EMAIL", "bob@example.com")
)
MEMBER = activity(
    "admin",
    "ADD_GROUP_MEMBER",
    parameter("GROUP_EMAIL", "devs@example.com"),
    parameter("USER_EMAIL", "bob@example.com"),
)
SETTING = activity(
    "admin",
    "ENFORCE_STRONG_AUTHENTICATION",
    parameter("SETTING_NAME", "ContextAwareAccess"),
    parameter("NEW_VALUE", "false"),
)
SHARED = activity(
    "drive",
    "change_document_visibility",
    parameter("doc_id", "1AbC"),
    parameter("doc_title", "Plan"),
    parameter("doc_type", "document"),
    parameter("owner", "bob@example.com"),
    parameter("visibility", "people_with_link"),
)
TOKEN = activity(
    "token",
    "authorize",
    parameter("app_name", "Mailer"),
    parameter("client_id", "77.apps.example.com"),
    parameter("scope", ["https://mail.example.com/"]),
)
SUSPICIOUS = activity(
    "login", "suspicious_login", parameter("affected_email_address", "bob@example.com"), kind_="account_warning"
)
SEVERAL = {**LOGIN, "events": [*LOGIN["events"], *FAILED["events"], *activity("login", "2sv_enroll")["events"]]}
CLOUD: dict[str, Any] = {
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "alice@example.com"},
        "requestMetadata": {"callerIp": "203.0.113.7"},
        "serviceName": "login.googleapis.com",
        "methodName": "google.login.LoginService.loginFailure",
        "resourceName": "organizations/123",
        "metadata": {
            "activityId": {"uniqQualifier": "-8123", "timeUsec": "1718452800123000"},
            "event": [
                {
                    "eventName": "login_failure",
                    "eventType": "login",
                    "parameter": [{"name": "login_failure_type", "value": "login_failure_invalid_password"}],
                }
            ],
        },
    },
    "insertId": "x1",
    "timestamp": "2024-06-15T12:00:00.123Z",
    "logName": "organizations/123/logs/cloudaudit.googleapis.com%2Fdata_access",
}
ROW: dict[str, Any] = {
    "time_usec": 1_718_452_800_123_000,
    "email": "alice@example.com",
    "event_type": "login",
    "event_name": "login_failure",
    "record_type": "login",
    "ip_address": "203.0.113.7",
    "unique_identifier": "-8123",
    "login": {"login_failure_type": "login_failure_invalid_password", "is_suspicious": False},
}
LIFTED: dict[str, Any] = {
    "actor": {"email": "alice@example.com"},
    "id": {"applicationName": "admin", "time": "2024-06-15T12:00:00Z"},
    "type": "USER_SETTINGS",
    "name": "SUSPEND_USER",
    "parameters": {"USER_EMAIL": "bob@example.com"},
}
RECORDS = (LOGIN, FAILED, ROLE, MEMBER, SETTING, SHARED, TOKEN, SUSPICIOUS, SEVERAL, CLOUD, ROW, LIFTED)


def test_a_sign_in() -> None:
    event = one(SOURCE, LOGIN)
    ocsf = event.ocsf
    assert (kind(event), event.time, ocsf["status_id"]) == ((3002, 1), NOON + 123, 1)
    assert ocsf["user"] == {"name": "alice@example.com", "uid": "1098", "email_addr": "alice@example.com", "type_id": 1}
    assert ocsf["is_mfa"] is True
    assert [factor["factor_type_id"] for factor in ocsf["auth_factors"]] == [11, 9]
    assert ocsf["src_endpoint"]["location"] == {"country": "FI", "region": "FI-18"}
    assert ocsf["src_endpoint"]["autonomous_system"] == {"number": 64500}
    assert ocsf["metadata"]["original_event_uid"] == "-8123"
    assert ocsf["unmapped"]["parameters"]["login_type"] == "google_password"
    assert names(event) == {"user:alice@example.com", "ip:203.0.113.7", "account:c01example"}


@pytest.mark.parametrize("record", [FAILED, CLOUD, ROW], ids=["reports", "logging", "export"])
def test_a_failed_sign_in_in_every_form(record: dict[str, Any]) -> None:
    event = one(SOURCE, record)
    assert (kind(event), event.time, event.ocsf["status_id"]) == ((3002, 1), NOON + 123, 2)
    assert event.ocsf["status_detail"] == "login_failure_invalid_password"
    assert event.ocsf["metadata"]["original_event_uid"] == "-8123"
    assert {"user:alice@example.com", "ip:203.0.113.7"} <= names(event)
    assert event.logsource == LogSource("gcp", "google_workspace.login")
    assert Record(event.native).values("protoPayload.metadata.event.eventName") == ("login_failure",)
    assert Record(event.native).values("protoPayload.serviceName") == ("login.googleapis.com",)
    assert Record(event.native).values("protoPayload.Servicename") == ("login.googleapis.com",)


@pytest.mark.parametrize(
    ("application", "name", "expected"),
    [
        ("login", "logout", (3002, 2)),
        ("login", "login_challenge", (3002, 6)),
        ("login", "account_disabled_hijacked", (3001, 5)),
        ("login", "gov_attack_warning", (2004, 1)),
        ("user_accounts", "2sv_disable", (3001, 11)),
        ("user_accounts", "password_edit", (3001, 3)),
        ("saml", "login_success", (3002, 1)),
        ("admin", "CREATE_USER", (3001, 1)),
        ("admin", "CHANGE_PASSWORD", (3001, 4)),
        ("admin", "UNASSIGN_ROLE", (3005, 2)),
        ("admin", "GRANT_ADMIN_PRIVILEGE", (3005, 1)),
        ("admin", "AUTHORIZE_API_CLIENT_ACCESS", (6003, 3)),
        ("admin", "DELETE_ROLE", (6003, 4)),
        ("admin", "CREATE_GROUP", (6003, 1)),  # a group that is not named
        ("admin", "SOMETHING_NEW", (6003, 99)),
        ("drive", "view", (6003, 2)),  # a document that is not named
        ("token", "revoke", (3003, 99)),
    ],
)
def test_names_of_events(application: str, name: str, expected: tuple[int, int]) -> None:
    event = one(SOURCE, activity(application, name))
    assert kind(event) == expected
    if expected[1] == 99:
        assert event.ocsf["activity_name"] == name


def test_a_role_and_a_group_member() -> None:
    event = one(SOURCE, ROLE)
    assert (kind(event), event.ocsf["privileges"]) == ((3005, 1), ["_SEED_ADMIN_ROLE"])
    assert {"user:alice@example.com", "user:bob@example.com"} <= names(event)
    event = one(SOURCE, MEMBER)
    assert (kind(event), event.ocsf["group"], event.ocsf["user"]["name"]) == (
        (3006, 3),
        {"name": "devs@example.com"},
        "bob@example.com",
    )


def test_a_document_shared_with_everybody() -> None:
    event = one(SOURCE, SHARED)
    assert kind(event) == (6006, 12)
    assert event.ocsf["file"]["uid"] == "1AbC"
    assert event.ocsf["file"]["is_public"] is True
    assert kind(one(SOURCE, activity("drive", "sheets_import_url", parameter("doc_id", "1AbC")))) == (6006, 99)


def test_an_application_let_at_the_data_of_a_user() -> None:
    event = one(SOURCE, TOKEN)
    assert (kind(event), event.ocsf["privileges"]) == ((3003, 1), ["https://mail.example.com/"])
    assert event.ocsf["actor"]["app_uid"] == "77.apps.example.com"


def test_an_alert_of_googles() -> None:
    event = one(SOURCE, SUSPICIOUS)
    assert (kind(event), event.domain, event.ocsf["severity_id"]) == ((2004, 1), "identity", 3)
    assert event.ocsf["finding_info"]["analytic"]["uid"] == "suspicious_login"
    assert event.ocsf["evidences"][0]["src_endpoint"]["ip"] == "203.0.113.7"
    assert "user:bob@example.com" in names(event)


def test_each_of_several_events() -> None:
    found = events(SOURCE, SEVERAL)
    assert [kind(event) for event in found] == [(3002, 1), (3002, 1), (3001, 10)]
    assert [event.native["eventName"] for event in found] == ["login_success", "login_failure", "2sv_enroll"]
    payload = CLOUD["protoPayload"]
    doubled = {**payload, "metadata": {"event": payload["metadata"]["event"] * 2}}
    assert len(events(SOURCE, {**CLOUD, "protoPayload": doubled})) == 2
    assert len(events(SOURCE, {**LOGIN, "events": LOGIN["events"] * 1000})) == 200


def test_names_that_rules_use() -> None:
    record = Record(one(SOURCE, SETTING).native)
    assert record.values("eventService") == ("admin.googleapis.com",)
    assert record.values("eventName") == ("ENFORCE_STRONG_AUTHENTICATION",)
    assert record.values("setting_name") == ("ContextAwareAccess",)
    assert record.values("new_value") == ("false",)


def test_an_event_lifted_to_the_top() -> None:
    event = one(SOURCE, LIFTED)
    assert (kind(event), event.ocsf["user"]["name"]) == ((3001, 5), "bob@example.com")


def test_what_is_no_activity_is_refused() -> None:
    for value in (
        {"id": {"applicationName": "login"}},
        {"kind": "admin#reports#activities", "items": [LOGIN]},
        {"protoPayload": {"serviceName": "storage.googleapis.com", "metadata": {"event": []}}},
        {"actor": {"email": "alice@example.com"}, "name": "x"},
    ):
        assert not SOURCE.recognize(b"", value)
        assert isinstance(SOURCE.parse(raw(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, RECORDS)
    fuzz.every_part_wrong(SOURCE, (TOKEN, CLOUD))
    fuzz.anything(SOURCE, 100)
    fuzz.too_much(SOURCE, LOGIN, ("ipAddress", "actor", "networkInfo", "type"))


def test_shared_records(shared: Path) -> None:
    found = [log for log in logs(shared, "standard") if SOURCE.recognize(b"", log)]
    if not found:
        pytest.skip("left out: the recorded Google Workspace activities are not there")
    for log in found:
        assert events(SOURCE, log, broker_time=NOON)

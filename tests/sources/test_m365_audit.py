from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.records import ParseError
from streams.detect.record import Record
from streams.sources.microsoft.m365_audit import SOURCE
from tests.sources import fuzz
from tests.sources.microsoft_records import (
    ALICE_ID,
    BACKUP_ID,
    BOB_ID,
    M365,
    M365_ALERT,
    M365_EXCHANGE,
    M365_GROUP,
    M365_LOGIN,
    M365_MAIL,
    NOON,
    TENANT,
    UNIFIED,
    event,
    record,
)


def test_file_download() -> None:
    found = event(SOURCE, M365)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (6006, 2, 1)
    assert found.time == NOON
    assert body["file"]["name"] == "pay.xlsx"
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert body["actor"]["session"] == {
        "uid": "005a1b2c-0000-4000-8000-000000000001",
        "credential_uid": "AbCdEf0123",
    }
    assert body["src_endpoint"] == {"ip": "203.0.113.7"}
    assert body["cloud"]["account"] == {"uid": TENANT, "type_id": 17}
    assert body["metadata"]["original_event_uid"] == M365["Id"]
    assert body["metadata"]["correlation_uid"] == "c4c4c4c4-0000-4000-8000-000000000001"
    assert body["unmapped"]["SiteUrl"] == M365["SiteUrl"]
    assert body["raw_data"] == record(SOURCE, M365).raw.decode()
    assert [str(key) for key in entities_of(body)] == [
        f"account:{TENANT}",
        "ip:203.0.113.7",
        "session:005a1b2c-0000-4000-8000-000000000001",
        "session:abcdef0123",
        "user:alice@example.com",
    ]


def test_failed_sign_in() -> None:
    body = event(SOURCE, M365_LOGIN).ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (3002, 1, 2)
    assert (body["status_code"], body["status_detail"]) == ("50126", "InvalidUserNameOrPassword")
    assert body["user"]["uid"] == ALICE_ID
    assert body["src_endpoint"] == {"ip": "2001:db8::7", "port": 443}
    assert body["session"] == {"uid": "005a1b2c-0000-4000-8000-000000000001"}
    assert body["device"]["hostname"] == "LAPTOP-7"
    assert body["http_request"] == {"user_agent": "curl/8"}


def test_inbox_rule() -> None:
    found = event(SOURCE, M365_EXCHANGE)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["status_id"]) == (6003, 1, 1)
    assert body["api"]["operation"] == "New-InboxRule"
    assert body["api"]["request"]["data"]["ForwardTo"] == "mallory@example.net"
    assert body["src_endpoint"] == {"ip": "203.0.113.7", "port": 51022}
    assert body["actor"]["user"]["type_id"] == 2
    assert found.logsource.service == "exchange"
    assert Record(found.native).texts("ForwardTo") == ("mallory@example.net",)


def test_alert() -> None:
    found = event(SOURCE, M365_ALERT)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["severity_id"]) == (2004, 1, 3)
    assert body["finding_info"]["title"] == "Impossible travel activity"
    assert (body["finding_info"]["uid"], body["finding_info"]["analytic"]["uid"]) == ("al-1", "pol-1")
    assert body["actor"]["user"]["name"] == "alice@example.com"
    assert (found.logsource.product, found.logsource.service) == ("m365", "threat_management")
    native = Record(found.native)
    wanted = ("SecurityComplianceCenter", "Impossible travel activity", "success")
    assert tuple(native.texts(name)[0] for name in ("eventSource", "eventName", "status")) == wanted


def test_alert_that_sigma_counts_to_another_service() -> None:
    found = event(SOURCE, M365_ALERT, Name="Activity from suspicious IP addresses")
    assert found.logsource.service == "threat_detection"


def test_mail_that_was_found_bad() -> None:
    found = event(SOURCE, M365_MAIL)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["direction_id"]) == (4009, 3, 1)
    assert body["email"]["from"] == "mallory@example.net"
    assert body["email"]["to"] == ["alice@example.com"]
    assert body["src_endpoint"] == {"ip": "198.51.100.23"}
    assert Record(found.native).texts("DeliveryAction") == ("Blocked",)
    assert found.logsource.service == "audit"


def test_group_member() -> None:
    body = event(SOURCE, M365_GROUP).ocsf
    assert (body["class_uid"], body["activity_id"]) == (3006, 3)
    assert body["group"] == {"name": "Admins"}
    assert (body["user"]["name"], body["user"]["uid"]) == ("bob@example.com", BOB_ID)


@pytest.mark.parametrize(
    ("workload", "operation", "class_uid", "activity_id"),
    [
        ("SharePoint", "FileAccessed", 6006, 14),
        ("OneDrive", "FileUploaded", 6006, 1),
        ("SharePoint", "AnonymousLinkCreated", 6006, 12),
        ("SharePoint", "FileSomethingNew", 6006, 99),
        ("AzureActiveDirectory", "UserLoggedIn", 3002, 1),
        ("AzureActiveDirectory", "Add user.", 3001, 1),
        ("AzureActiveDirectory", "Disable Strong Authentication.", 3001, 11),
        ("AzureActiveDirectory", "Add member to role.", 3005, 1),
        ("AzureActiveDirectory", "Consent to application.", 3005, 1),
        ("AzureActiveDirectory", "Set domain authentication.", 3004, 3),
        ("Exchange", "Add-MailboxPermission", 3005, 1),
        ("Exchange", "Set-Mailbox", 6003, 3),
        ("Exchange", "Get-Mailbox", 6003, 2),
        ("Exchange", "Remove-TransportRule", 6003, 4),
        ("Exchange", "MailItemsAccessed", 6003, 2),
        ("Exchange", "HardDelete", 6003, 4),
        ("MicrosoftTeams", "TeamCreated", 3006, 6),
        ("MicrosoftTeams", "ChannelAdded", 6003, 1),
        ("PowerBI", "ViewReport", 6003, 2),
        ("Whatever", "Frobnicate", 6003, 99),
    ],
)
def test_class_and_activity_by_operation(workload: str, operation: str, class_uid: int, activity_id: int) -> None:
    body = event(SOURCE, M365, Workload=workload, Operation=operation).ocsf
    assert (body["class_uid"], body["activity_id"]) == (class_uid, activity_id)
    assert body.get("activity_name") == (operation if activity_id == 99 else None)


def test_mailbox_permission_is_given_to_somebody() -> None:
    given = [
        {"Name": "Identity", "Value": "alice"},
        {"Name": "User", "Value": "bob@example.com"},
        {"Name": "AccessRights", "Value": "FullAccess"},
    ]
    body = event(SOURCE, M365_EXCHANGE, Operation="Add-MailboxPermission", Parameters=given).ocsf
    assert body["user"]["name"] == "bob@example.com"
    assert body["privileges"] == ["FullAccess"]


def test_applications_go_by_their_id() -> None:
    body = event(SOURCE, M365, UserId=f"ServicePrincipal_{BACKUP_ID}").ocsf
    assert body["actor"]["user"]["uid"] == BACKUP_ID
    assert "name" not in body["actor"]["user"]


def test_nobody() -> None:
    body = event(SOURCE, M365, UserId="Not Available", UserKey="", ClientIP=None).ocsf
    assert "user" not in body["actor"]
    assert body["src_endpoint"] == {"svc_name": "SharePoint"}


@pytest.mark.parametrize("name", ["AuditData", "auditData", "o365audit"])
def test_record_within_a_record(name: str) -> None:
    for inner in (M365, json.dumps(M365)):
        wrapped = {"Identity": "x", name: inner}
        assert event(SOURCE, wrapped).ocsf["file"]["name"] == "pay.xlsx"


def test_record_within_a_text_that_nests_without_end() -> None:
    inner = json.dumps(M365)[:-1] + ', "Deep": ' + "[" * 300 + "]" * 300 + "}"
    error = SOURCE.parse(record(SOURCE, {"AuditData": inner}))
    assert isinstance(error, ParseError)
    assert error.field == "Operation"


def test_row_of_office_activity() -> None:
    row = {
        **{name: M365[name] for name in ("Operation", "UserId", "ClientIP", "RecordType", "UserType")},
        "Type": "OfficeActivity",
        "TimeGenerated": "2024-06-15T12:00:00Z",
        "OfficeWorkload": "SharePoint",
        "OfficeObjectId": M365["ObjectId"],
        "OfficeId": M365["Id"],
    }
    body = event(SOURCE, row).ocsf
    assert (body["class_uid"], body["time"], body["metadata"]["original_event_uid"]) == (6006, NOON, M365["Id"])


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("RequestType", "OAuth2:Token"),
        ("ResultStatus", "Failed"),
        ("Operation", "UserLoginFailed"),
        ("eventSource", "AzureActiveDirectory"),
    ],
)
def test_fields_of_sigma_s_rules(field: str, text: str) -> None:
    assert text in Record(event(SOURCE, M365_LOGIN).native).texts(field)


def test_cmdlets_of_the_compliance_centre_have_a_payload() -> None:
    cmdlet = {
        "Workload": "SecurityComplianceCenter",
        "Operation": "New-ComplianceSearchAction",
        "Parameters": [{"Name": "Export", "Value": "True"}, {"Name": "Format", "Value": "pst"}],
    }
    found = event(SOURCE, M365_EXCHANGE | cmdlet)
    assert Record(found.native).texts("Payload") == ("New-ComplianceSearchAction -Export True -Format pst",)
    assert found.logsource.service == "threat_management"


@pytest.mark.parametrize("value", [{}, {"Operation": ""}, {"Operation": ["x"]}, {"AuditData": "{}"}])
def test_what_is_no_audit_record_says_so(value: dict[str, Any]) -> None:
    error = SOURCE.parse(record(SOURCE, value, NOON))
    assert isinstance(error, ParseError)
    assert error.field == "Operation"
    assert not SOURCE.recognize(b"", value)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, UNIFIED, 500)
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, M365_EXCHANGE, ("Operation", "Parameters", "UserId"))


def test_recorded_telemetry(shared: Path) -> None:
    lines = (shared / "data/panther/microsoft.tests.ndjson").read_bytes().splitlines()
    logs = [log for log in (orjson.loads(line)["log"] for line in lines) if "Operation" in log]
    assert logs
    for log in logs:
        assert any(key.type == "user" for key in entities_of(event(SOURCE, log, NOON).ocsf))

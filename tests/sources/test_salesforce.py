from __future__ import annotations

from typing import Any

import pytest

from models.records import ParseError
from streams.sources.saas.salesforce import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, entities, kind, parsed, record

ROW: dict[str, Any] = {
    "EVENT_TYPE": "Login",
    "TIMESTAMP": "20240615120000.250",
    "REQUEST_ID": "TID:1",
    "ORGANIZATION_ID": "00D1",
    "USER_ID": "0051",
    "USER_NAME": "alice@example.com",
    "SOURCE_IP": "203.0.113.7",
    "CLIENT_IP": "203.0.113.7",
    "LOGIN_STATUS": "LOGIN_NO_ERROR",
    "LOGIN_KEY": "lk1",
    "SESSION_KEY": "sk1",
    "BROWSER_TYPE": "Mozilla/5.0",
    "CPU_TIME": "30",
}
API_ROW = ROW | {
    "EVENT_TYPE": "RestApi",
    "METHOD": "GET",
    "ENTITY_NAME": "Account",
    "URI": "/services/data/v60.0/query",
}
LOGIN: dict[str, Any] = {
    "attributes": {"type": "LoginEvent", "url": "/services/data/v60.0/sobjects/LoginEvent/1"},
    "EventIdentifier": "e1",
    "EventDate": "2024-06-15T12:00:00.000+0000",
    "UserId": "0051",
    "Username": "alice@example.com",
    "SourceIp": "203.0.113.7",
    "LoginKey": "lk1",
    "SessionKey": "sk1",
    "LoginType": "Application",
    "Application": "Browser",
    "Status": "Invalid Password",
    "CountryIso": "NO",
}
API: dict[str, Any] = {
    "EventIdentifier": "e2",
    "EventDate": "2024-06-15T12:00:00Z",
    "UserId": "0051",
    "Username": "alice@example.com",
    "SourceIp": "203.0.113.7",
    "SessionKey": "sk1",
    "LoginKey": "lk1",
    "Operation": "Query",
    "Query": "SELECT Id FROM Account",
    "QueriedEntities": "Account",
    "RowsProcessed": 2000,
    "ApiType": "REST",
}
REPORT = {
    name: API[name] for name in ("EventIdentifier", "EventDate", "UserId", "Username", "SourceIp", "SessionKey")
} | {
    "ReportId": "00O1",
    "Name": "All accounts",
    "Operation": "ReportExported",
}
ANOMALY = REPORT | {
    "attributes": {"type": "ReportAnomalyEvent"},
    "Score": 0.9,
    "SecurityEventData": "[]",
    "Summary": "much",
}
HISTORY = {
    "Id": "0Ya1",
    "UserId": "0051",
    "LoginTime": "2024-06-15T12:00:00.000+0000",
    "SourceIp": "203.0.113.7",
    "Status": "Success",
    "LoginType": "Application",
    "Application": "Browser",
}
SETUP = {
    "Id": "0Ym1",
    "Action": "deactivateduser",
    "Section": "Manage Users",
    "CreatedDate": "2024-06-15T12:00:00.000+0000",
    "CreatedBy": {"Username": "alice@example.com"},
    "Display": "Deactivated user bob@example.com",
    "DelegateUser": None,
}
SAMPLES = (ROW, API_ROW, LOGIN, API, REPORT, ANOMALY, HISTORY, SETUP)


def test_row_of_a_login_file() -> None:
    event = parsed(SOURCE, ROW)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert event.time == NOON + 250
    assert (body["status_id"], body["status_code"]) == (1, "LOGIN_NO_ERROR")
    assert body["session"] == {"uid": "sk1", "credential_uid": "lk1"}
    assert body["metadata"]["original_event_uid"] == "TID:1"
    assert body["unmapped"]["CPU_TIME"] == "30"
    assert entities(event) == ["ip:203.0.113.7", "session:lk1", "session:sk1", "user:alice@example.com"]


def test_real_time_login() -> None:
    body = parsed(SOURCE, LOGIN).ocsf
    assert (body["class_uid"], body["status_id"], body["status_detail"]) == (3002, 2, "Invalid Password")
    assert body["service"] == {"name": "Browser"}
    assert body["src_endpoint"]["location"] == {"country": "NO"}
    assert body["metadata"]["original_event_uid"] == "e1"


@pytest.mark.parametrize(
    "wrapped",
    [
        {"data": {"schema": "s", "payload": LOGIN, "event": {"replayId": 7}}, "channel": "/event/LoginEventStream"},
        {"detail": {"payload": LOGIN, "event": {"replayId": 7}}},
        {"payload": {name: LOGIN[name] for name in LOGIN if name != "attributes"}, "channel": "/event/LoginEvent"},
    ],
)
def test_streamed_payloads(wrapped: dict[str, Any]) -> None:
    event = parsed(SOURCE, wrapped)
    assert kind(event) == (3002, 1)
    assert event.ocsf["user"]["uid"] == "0051"


def test_data_access() -> None:
    event = parsed(SOURCE, API)
    assert kind(event) == (6005, 4)
    assert event.ocsf["table"] == {"name": "Account"}
    assert event.ocsf["query_info"] == {"query_string": "SELECT Id FROM Account", "uid": "e2"}
    assert event.domain == "workload"
    assert entities(event) == ["ip:203.0.113.7", "session:lk1", "session:sk1", "user:alice@example.com"]
    assert kind(parsed(SOURCE, API_ROW)) == (6005, 1)


def test_report() -> None:
    event = parsed(SOURCE, REPORT)
    assert kind(event) == (6005, 1)
    assert event.ocsf["table"] == {"name": "All accounts", "uid": "00O1"}


def test_anomaly_is_an_alert() -> None:
    event = parsed(SOURCE, ANOMALY)
    assert kind(event) == (2004, 1)
    assert (event.domain, event.ocsf["confidence_score"]) == ("identity", 90)
    assert entities(event) == ["ip:203.0.113.7", "session:sk1", "user:alice@example.com"]


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("Logout", (3002, 2)),
        ("LoginAs", (3002, 7)),
        ("ReportExport", (6003, 2)),
        ("URI", (6003, 2)),
        ("ContentTransfer", (6003, 2)),
        ("ApexExecution", (6003, 99)),
    ],
)
def test_event_types(event_type: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, ROW | {"EVENT_TYPE": event_type})
    assert kind(event) == expected
    assert event.ocsf.get("activity_name") == (event_type if expected[1] == 99 else None)


def test_administrator_who_logs_in_as_somebody() -> None:
    row = ROW | {"EVENT_TYPE": "LoginAs", "DELEGATED_USER_NAME": "bob@example.com"}
    body = parsed(SOURCE, row).ocsf
    assert (body["actor"]["user"]["name"], body["user"]["name"]) == ("bob@example.com", "alice@example.com")


def test_downloaded_document() -> None:
    row = ROW | {"EVENT_TYPE": "DocumentAttachmentDownloads", "FILE_NAME": "plan.pdf", "ENTITY_ID": "069"}
    event = parsed(SOURCE, row)
    assert kind(event) == (6006, 2)
    assert event.ocsf["file"] == {"name": "plan.pdf", "uid": "069", "type_id": 1}


def test_login_history_and_setup_audit_trail() -> None:
    assert kind(parsed(SOURCE, HISTORY)) == (3002, 1)
    event = parsed(SOURCE, SETUP)
    assert kind(event) == (3001, 5)
    assert entities(event) == ["user:alice@example.com"]
    assert event.ocsf["user"] == {"name": "unknown"}
    assert kind(parsed(SOURCE, SETUP | {"Action": "changedpermsetsetting"})) == (3004, 3)


@pytest.mark.parametrize("stamp", ["20241315120000.250", "20240615120000.25\u00b2", "x", 5, None])
def test_times_that_are_none(stamp: Any) -> None:
    raw = record(SOURCE, ROW | {"TIMESTAMP": stamp}, NOON)
    event = SOURCE.parse(raw)
    assert not isinstance(event, ParseError)
    assert event.time == NOON


@pytest.mark.parametrize("value", [{}, {"EVENT_TYPE": "Login"}, {"EventDate": "x", "EventIdentifier": 1}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, [*SAMPLES, {"data": {"payload": LOGIN}}])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, API, ["Query", "QueriedEntities", "Operation", "Username"])

from __future__ import annotations

from typing import Any

import pytest

from models.records import ParseError
from streams.sources.saas.snowflake import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, entities, kind, parsed, record

LOGIN: dict[str, Any] = {
    "EVENT_ID": 1234567890123,
    "EVENT_TIMESTAMP": "2024-06-15 05:00:00.250 -0700",
    "EVENT_TYPE": "LOGIN",
    "USER_NAME": "ALICE",
    "CLIENT_IP": "203.0.113.7",
    "REPORTED_CLIENT_TYPE": "SNOWFLAKE_UI",
    "REPORTED_CLIENT_VERSION": "1",
    "FIRST_AUTHENTICATION_FACTOR": "PASSWORD",
    "SECOND_AUTHENTICATION_FACTOR": "DUO_PUSH",
    "IS_SUCCESS": "YES",
    "ERROR_CODE": None,
    "ERROR_MESSAGE": None,
    "RELATED_EVENT_ID": 0,
}
QUERY: dict[str, Any] = {
    "QUERY_ID": "01b4f1a2-0000-1234-0000-000100020003",
    "QUERY_TEXT": "select * from customers",
    "DATABASE_NAME": "SHOP",
    "SCHEMA_NAME": "PUBLIC",
    "QUERY_TYPE": "SELECT",
    "SESSION_ID": 4294967297001,
    "USER_NAME": "ALICE",
    "ROLE_NAME": "ANALYST",
    "WAREHOUSE_NAME": "WH1",
    "EXECUTION_STATUS": "SUCCESS",
    "ERROR_CODE": None,
    "START_TIME": "2024-06-15T12:00:00.250Z",
    "END_TIME": "2024-06-15T12:00:01Z",
    "TOTAL_ELAPSED_TIME": 750,
    "BYTES_SCANNED": 4096,
}


def test_login() -> None:
    event = parsed(SOURCE, LOGIN)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert event.time == NOON + 250
    assert body["status_id"] == 1
    assert [factor["factor_type_id"] for factor in body["auth_factors"]] == [11, 5]
    assert body["is_mfa"] is True
    assert body["metadata"]["original_event_uid"] == "1234567890123"
    assert body["unmapped"]["REPORTED_CLIENT_VERSION"] == "1"
    assert entities(event) == ["ip:203.0.113.7", "user:alice"]
    assert event.native["CLIENT_IP"] == "203.0.113.7"


def test_failed_login() -> None:
    failed = {"IS_SUCCESS": "NO", "ERROR_CODE": 390100, "ERROR_MESSAGE": "INCORRECT_USERNAME_PASSWORD"}
    body = parsed(SOURCE, LOGIN | failed | {"SECOND_AUTHENTICATION_FACTOR": None}).ocsf
    assert (body["status_id"], body["status_code"]) == (2, "390100")
    assert body["status_detail"] == "INCORRECT_USERNAME_PASSWORD"
    assert "is_mfa" not in body


def test_query() -> None:
    event = parsed(SOURCE, QUERY)
    body = event.ocsf
    assert kind(event) == (6005, 4)
    assert body["database"] == {"name": "SHOP", "type_id": 1, "type": "Relational"}
    assert body["query_info"]["query_string"] == "select * from customers"
    assert (body["end_time"], body["duration"]) == (NOON + 1000, 750)
    assert body["metadata"]["original_event_uid"] == QUERY["QUERY_ID"]
    assert body["actor"]["session"] == {"uid": "4294967297001"}
    assert entities(event) == ["user:alice"]


@pytest.mark.parametrize("row", [LOGIN, QUERY])
def test_lower_case_names(row: dict[str, Any]) -> None:
    lowered = parsed(SOURCE, {name.lower(): value for name, value in row.items()})
    assert {**lowered.ocsf, "metadata": 0, "raw_data": 0, "raw_data_hash": 0} == {
        **parsed(SOURCE, row).ocsf,
        "metadata": 0,
        "raw_data": 0,
        "raw_data_hash": 0,
    }
    assert lowered.native["USER_NAME"] == "ALICE"


@pytest.mark.parametrize(
    ("query_type", "expected"),
    [
        ("UNLOAD", (6005, 1)),
        ("INSERT", (6005, 5)),
        ("MERGE", (6005, 2)),
        ("CREATE_TABLE", (6005, 6)),
        ("DROP", (6005, 7)),
        ("SHOW", (6005, 8)),
        ("WHATEVER", (6005, 99)),
    ],
)
def test_query_types(query_type: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, QUERY | {"QUERY_TYPE": query_type})
    assert kind(event) == expected
    assert event.ocsf.get("activity_name") == (query_type if expected[1] == 99 else None)


@pytest.mark.parametrize(
    ("query_type", "statement", "expected"),
    [
        ("CREATE_USER", "create or replace user if not exists bob password = '***'", (3001, 1)),
        ("ALTER_USER", 'ALTER USER "bob" SET DISABLED = TRUE', (3001, 5)),
        ("ALTER_USER", "alter user bob set mins_to_bypass_mfa = 10", (3001, 11)),
        ("DROP_USER", "drop user bob", (3001, 6)),
        ("GRANT", "grant role ACCOUNTADMIN to user bob", (3005, 1)),
        ("REVOKE", "REVOKE ROLE ACCOUNTADMIN FROM USER bob", (3005, 2)),
    ],
)
def test_statements_about_users(query_type: str, statement: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, QUERY | {"QUERY_TYPE": query_type, "QUERY_TEXT": statement})
    assert kind(event) == expected
    assert event.ocsf["user"]["name"] == "bob"
    assert event.ocsf["actor"]["user"]["name"] == "ALICE"
    assert event.ocsf.get("privileges") in (None, ["ACCOUNTADMIN"])


def test_grant_to_a_role_and_query_without_a_database_are_api_calls() -> None:
    granted = QUERY | {"QUERY_TYPE": "GRANT", "QUERY_TEXT": "grant select on table t to role analyst"}
    assert kind(parsed(SOURCE, granted)) == (6003, 3)
    assert kind(parsed(SOURCE, QUERY | {"DATABASE_NAME": None})) == (6003, 2)


@pytest.mark.parametrize("value", [{}, {"USER_NAME": "A"}, {"user_name": "a", "query_id": 1}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    more = [QUERY | {"QUERY_TYPE": word, "QUERY_TEXT": "grant role a to user b"} for word in ("GRANT", "ALTER_USER")]
    fuzz.json_records(SOURCE, [LOGIN, QUERY, *more])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, more[1], ["QUERY_TEXT", "QUERY_TYPE", "USER_NAME"])
    spaces = "alter user " + " " * 30_000
    fuzz.check(SOURCE, record(SOURCE, more[1] | {"QUERY_TEXT": spaces}).raw)

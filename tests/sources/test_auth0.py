from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.records import ParseError
from streams.sources.saas.auth0 import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, all_become_events, entities, kind, parsed, record, recorded

LOGIN: dict[str, Any] = {
    "_id": "90020240615120000000000000000000000001223372036854775807",
    "log_id": "90020240615120000000000000000000000001223372036854775807",
    "date": "2024-06-15T12:00:00.250Z",
    "type": "s",
    "description": "Successful login",
    "connection": "Username-Password-Authentication",
    "client_id": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww",
    "client_name": "Wiki",
    "ip": "203.0.113.7",
    "user_agent": "Firefox 127.0.0 / Linux 0.0.0",
    "user_id": "auth0|5f7c8ec7c33c6c004bbafe82",
    "user_name": "alice@example.com",
    "session_id": "sess-1",
    "location_info": {"country_code": "NO", "city_name": "Oslo", "latitude": 59.91, "longitude": 10.75},
    "details": {"prompts": [], "stats": {"loginsCount": 3}},
}
MANAGED: dict[str, Any] = {
    "date": "2024-06-15T12:00:00.250Z",
    "type": "sapi",
    "description": "Assign roles to a user",
    "client_id": "1HXWWGKk1Zj3JF8GvMrnCSirccDs4qvr",
    "client_name": "",
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
    "user_id": "auth0|admin",
    "details": {
        "request": {
            "auth": {
                "credentials": {"jti": "a1b2c3d4e5f60718"},
                "strategy": "jwt",
                "user": {"email": "bob@example.com", "name": "bob", "user_id": "auth0|admin"},
            },
            "body": {"roles": ["rol_1"]},
            "channel": "https://manage.example.com/",
            "ip": "203.0.113.7",
            "method": "post",
            "path": "/api/v2/users/auth0|alice/roles",
            "query": {},
        },
        "response": {"body": {}, "statusCode": 204},
    },
    "log_id": "90020240615120000000000000000000000001223372036854775808",
}


def managed(method: str, path: str) -> dict[str, Any]:
    asked = MANAGED["details"]["request"] | {"method": method, "path": path}
    return MANAGED | {"details": MANAGED["details"] | {"request": asked}}


def test_login() -> None:
    event = parsed(SOURCE, LOGIN)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert event.time == NOON + 250
    assert body["status_id"] == 1
    assert body["user"]["uid"] == LOGIN["user_id"]
    assert body["session"] == {"uid": "sess-1"}
    assert body["service"] == {"name": "Wiki"}
    assert body["src_endpoint"]["location"] == {"city": "Oslo", "country": "NO", "lat": 59.91, "long": 10.75}
    assert body["metadata"]["original_event_uid"] == LOGIN["log_id"]
    assert body["metadata"]["event_code"] == "s"
    assert body["unmapped"]["connection"] == "Username-Password-Authentication"
    assert entities(event) == ["ip:203.0.113.7", "session:sess-1", "user:alice@example.com"]
    assert event.native["type"] == "s"


@pytest.mark.parametrize(
    "wrapped",
    [
        {"log_id": LOGIN["log_id"], "data": LOGIN},
        {"version": "0", "detail-type": "Auth0 log", "detail": {"log_id": LOGIN["log_id"], "data": LOGIN}},
    ],
)
def test_log_streams_and_event_bridge(wrapped: dict[str, Any]) -> None:
    assert parsed(SOURCE, wrapped).ocsf["user"]["uid"] == LOGIN["user_id"]


@pytest.mark.parametrize(
    ("code", "expected", "status_id"),
    [
        ("fp", (3002, 1), 2),
        ("fu", (3002, 1), 2),
        ("slo", (3002, 2), 1),
        ("seccft", (3002, 3), 1),
        ("feacft", (3002, 3), 2),
        ("gd_auth_rejected", (3002, 1), 2),
        ("gd_send_pn", (3002, 6), 1),
        ("gd_enrollment_complete", (3001, 10), 1),
        ("gd_unenroll", (3001, 11), 1),
        ("ss", (3001, 1), 1),
        ("scp", (3001, 3), 1),
        ("scpr", (3001, 4), 1),
        ("sdu", (3001, 6), 1),
        ("ublkdu", (3001, 12), 1),
        ("w", (6003, 99), None),
        ("fxyz", (6003, 99), 2),
        ("zzz", (6003, 99), None),
    ],
)
def test_type_codes(code: str, expected: tuple[int, int], status_id: int | None) -> None:
    event = parsed(SOURCE, LOGIN | {"type": code})
    assert kind(event) == expected
    assert event.ocsf.get("status_id") == status_id
    assert event.ocsf.get("activity_name") == (code if expected[1] == 99 else None)


@pytest.mark.parametrize(("code", "severity_id"), [("limit_wc", 3), ("pwd_leak", 4)])
def test_attack_protection_blocks(code: str, severity_id: int) -> None:
    body = parsed(SOURCE, LOGIN | {"type": code}).ocsf
    assert (body["class_uid"], body["status_id"], body["disposition_id"]) == (3002, 2, 2)
    assert (body["is_alert"], body["severity_id"]) == (True, severity_id)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("post", "/api/v2/users/auth0|alice/roles", (3005, 1)),
        ("delete", "/api/v2/users/auth0|alice/permissions", (3005, 2)),
        ("post", "/api/v2/users", (3001, 1)),
        ("delete", "/api/v2/users/auth0|alice", (3001, 6)),
        ("delete", "/api/v2/users/auth0|alice/multifactor/duo", (3001, 11)),
        ("patch", "/api/v2/clients/abc", (3004, 3)),
        ("get", "/api/v2/clients", (6003, 2)),
        ("", "", (6003, 99)),
    ],
)
def test_calls_of_the_management_api(method: str, path: str, expected: tuple[int, int]) -> None:
    assert kind(parsed(SOURCE, managed(method, path))) == expected


def test_who_called_the_management_api_on_whom() -> None:
    event = parsed(SOURCE, MANAGED)
    assert event.ocsf["user"]["uid"] == "auth0|alice"
    assert event.ocsf["privileges"] == ["rol_1"]
    assert event.ocsf["status_code"] == "204"
    assert entities(event) == [
        "ip:203.0.113.7",
        "session:a1b2c3d4e5f60718",
        "user:auth0|alice",
        "user:bob@example.com",
    ]


@pytest.mark.parametrize("value", [{}, {"type": "s"}, {"type": "s", "date": "x", "log_id": 1}, {"data": {"type": "s"}}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    codes = [LOGIN | {"type": code} for code in ("ss", "pwd_leak", "gd_auth_succeed", "zz")]
    fuzz.json_records(
        SOURCE, [LOGIN, MANAGED, managed("patch", "/api/v2/roles/1"), {"log_id": "1", "data": LOGIN}, *codes]
    )
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, LOGIN, ["type", "user_name", "details", "description"])


def test_recorded_telemetry(shared: Path) -> None:
    all_become_events(SOURCE, recorded(shared, "auth0"))

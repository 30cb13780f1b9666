from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.event import LogSource
from models.records import ParseError
from streams.sources.saas.onelogin import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, all_become_events, entities, kind, parsed, record, recorded, standard

LOGIN: dict[str, Any] = {
    "id": 112233445566,
    "created_at": "2024-06-15T12:00:00.250Z",
    "account_id": 4711,
    "user_id": 123,
    "user_name": "alice",
    "event_type_id": 5,
    "actor_system": "",
    "actor_user_id": 123,
    "actor_user_name": "alice",
    "ipaddr": "203.0.113.7",
    "app_id": None,
    "app_name": None,
    "notes": "",
    "otp_device_name": "OneLogin Protect",
    "risk_score": 10,
    "user_agent": "Mozilla/5.0",
    "policy_name": None,
}
WEBHOOK: dict[str, Any] = {
    "create": {"_id": "17c7a4b6-ffa2-4ac3-a0b1-1f00b0f0ae27"},
    "event_timestamp": "2024-06-15 12:00:00 UTC",
    "event_type_id": 72,
    "account_id": 4711,
    "actor_user_id": 124,
    "actor_user_name": "bob",
    "user_id": 123,
    "user_name": "alice",
    "login_name": "alice@example.com",
    "privilege_name": "Super user",
    "ipaddr": "203.0.113.7",
}


def test_login() -> None:
    event = parsed(SOURCE, LOGIN)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert event.time == NOON + 250
    assert body["status_id"] == 1
    assert body["user"] == {"name": "alice", "uid": "123"}
    assert body["service"] == {"name": "OneLogin"}
    assert body["metadata"]["original_event_uid"] == "112233445566"
    assert body["http_request"] == {"user_agent": "Mozilla/5.0"}
    assert body["unmapped"]["risk_score"] == 10
    assert entities(event) == ["ip:203.0.113.7", "user:alice"]
    assert event.logsource == LogSource("onelogin", "onelogin.events")


def test_webhook_that_grants_a_privilege() -> None:
    event = parsed(SOURCE, WEBHOOK)
    assert kind(event) == (3005, 1)
    assert event.time == NOON
    assert event.ocsf["privileges"] == ["Super user"]
    assert event.ocsf["metadata"]["original_event_uid"] == WEBHOOK["create"]["_id"]
    assert entities(event) == ["ip:203.0.113.7", "user:alice@example.com", "user:bob"]


@pytest.mark.parametrize(
    ("number", "expected", "status_id"),
    [
        (1, (3006, 1), 1),
        (3, (3002, 7), 1),
        (6, (3002, 1), 2),
        (7, (3002, 2), 1),
        (11, (3001, 3), 1),
        (13, (3001, 1), 1),
        (17, (3001, 6), 1),
        (19, (3001, 9), 1),
        (24, (3001, 11), 1),
        (90, (3002, 1), 2),
        (532, (3001, 9), 1),
        (551, (3001, 5), 1),
        (99_999, (3004, 99), None),
    ],
)
def test_event_types(number: int, expected: tuple[int, int], status_id: int | None) -> None:
    event = parsed(SOURCE, LOGIN | {"event_type_id": str(number), "role_name": "Staff"})
    assert kind(event) == expected
    assert event.ocsf.get("status_id") == status_id
    assert event.native["event_type_id"] == number  # as Sigma's rules compare it
    assert event.ocsf.get("activity_name") == ("event type 99999" if expected[1] == 99 else None)


def test_assuming_a_user_is_done_by_another() -> None:
    event = parsed(SOURCE, WEBHOOK | {"event_type_id": 3})
    assert event.ocsf["account_switch_type_id"] == 2
    assert event.ocsf["actor"]["user"]["name"] == "bob"
    assert event.ocsf["user"]["name"] == "alice"


@pytest.mark.parametrize(("score", "severity_id"), [(0, 1), (60, 3), (90, 4)])
def test_risk_is_severity(score: int, severity_id: int) -> None:
    assert parsed(SOURCE, LOGIN | {"risk_score": score}).ocsf["severity_id"] == severity_id


@pytest.mark.parametrize("value", [{}, {"event_type_id": "login", "user_id": 1}, {"event_type_id": None}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, [LOGIN, WEBHOOK, WEBHOOK | {"event_type_id": 1}, LOGIN | {"event_type_id": 9999}])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, WEBHOOK, ["user_name", "privilege_name", "event_type_id", "notes"])


def test_recorded_telemetry(shared: Path) -> None:
    all_become_events(SOURCE, recorded(shared, "onelogin") + standard(shared, "OneLogin.Events"))

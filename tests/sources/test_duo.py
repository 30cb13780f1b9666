from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.event import LogSource
from models.records import ParseError
from streams.sources.saas.duo import SOURCE
from tests.sources import fuzz
from tests.sources.saas import all_become_events, entities, kind, parsed, record, recorded

SIGN_IN: dict[str, Any] = {
    "access_device": {
        "browser": "Chrome",
        "browser_version": "125.0",
        "hostname": None,
        "ip": "203.0.113.7",
        "location": {"city": "Oslo", "country": "Norway", "state": "Oslo"},
        "os": "Mac OS X",
        "os_version": "14.5",
    },
    "alias": "",
    "application": {"key": "DIY231J8BR23QK4UKBY8", "name": "VPN"},
    "auth_device": {"ip": "198.51.100.4", "key": "DP1", "location": {}, "name": "555-0100"},
    "email": "alice@example.com",
    "event_type": "authentication",
    "factor": "duo_push",
    "isotimestamp": "2024-06-15T12:00:00.351346+00:00",
    "ood_software": None,
    "reason": "user_approved",
    "result": "success",
    "timestamp": 1718452800,
    "trusted_endpoint_status": "not trusted",
    "txid": "340a23e3-23f3-23c1-87dc-1491a23dfdbb",
    "user": {"groups": ["Staff"], "key": "DU3KC77WJ06Y5HIV7XKQ", "name": "alice"},
}
OLD_SIGN_IN: dict[str, Any] = {
    "device": "555-0100",
    "factor": "SMS Passcode",
    "integration": "VPN",
    "ip": "203.0.113.7",
    "isotimestamp": "2024-06-15T12:00:00+00:00",
    "location": {"city": "Oslo", "state": "Oslo", "country": "NO"},
    "new_enrollment": False,
    "reason": "Bypass user",
    "result": "SUCCESS",
    "timestamp": 1718452800,
    "username": "alice",
}
ADMIN: dict[str, Any] = {
    "action": "user_update",
    "description": '{"status": "Bypass", "email": "bob@example.com"}',
    "isotimestamp": "2024-06-15T12:00:00+00:00",
    "object": "bob",
    "timestamp": 1718452800,
    "username": "Alice Admin",
}
ACTIVITY: dict[str, Any] = {
    "access_device": {"ip": "203.0.113.7", "os": "Windows", "hostname": "laptop-7.corp"},
    "action": {"details": '{"type": "mobile"}', "name": "phone_create"},
    "activity_id": "3c9a8ae4-8f0f-4d5f-9e53-0d0c2f9e0001",
    "actor": {"details": "{}", "key": "DEV1", "name": "alice", "type": "admin"},
    "akey": "DAU1",
    "target": {"details": None, "key": "DU2", "name": "bob", "type": "user"},
    "ts": "2024-06-15T12:00:00.250000+00:00",
}
TELEPHONY: dict[str, Any] = {
    "context": "authentication",
    "credits": 1,
    "phone": "+15550100",
    "telephony_id": "60799fee-f08f-4ba8-971f-4e53b3473e9a",
    "ts": "2024-06-15T12:00:00+00:00",
    "txid": "373bd5f3-1e42-4a5d-aefa-b33ae278fac8",
    "type": "sms",
}
OFFLINE: dict[str, Any] = {
    "action": "o2fa_user_provisioned",
    "description": '{"user_agent": "DuoCredProv/4.0", "hostname": "LAPTOP-7", "factor": "duo_otp"}',
    "isotimestamp": "2024-06-15T12:00:00+00:00",
    "object": "Laptop sign-in",
    "timestamp": 1718452800,
    "username": "alice",
}
TRUST: dict[str, Any] = {
    "explanations": [{"summary": "alice signed in from an unusual place."}],
    "from_common_netblock": False,
    "priority_event": True,
    "sekey": "SEDOR9BP00L23C6YUH5",
    "state": "new",
    "surfaced_auth": SIGN_IN,
    "surfacing_timestamp": 1718452800000,
    "type": "auth",
}
SAMPLES = (SIGN_IN, OLD_SIGN_IN, ADMIN, ACTIVITY, TELEPHONY, OFFLINE, TRUST)


def test_sign_in_of_api_version_two() -> None:
    event = parsed(SOURCE, SIGN_IN)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert body["status_id"] == 1
    assert body["status_detail"] == "user_approved"
    assert event.time == 1_718_452_800_351
    assert body["user"]["name"] == "alice"
    assert body["user"]["email_addr"] == "alice@example.com"
    assert body["user"]["groups"] == [{"name": "Staff"}]
    assert body["service"] == {"name": "VPN"}
    assert body["auth_factors"][0]["factor_type_id"] == 5
    assert body["is_mfa"] is True
    assert body["src_endpoint"]["location"]["city"] == "Oslo"
    assert body["metadata"]["original_event_uid"] == SIGN_IN["txid"]
    assert body["unmapped"]["trusted_endpoint_status"] == "not trusted"
    assert entities(event) == ["ip:203.0.113.7", "user:alice@example.com"]
    assert event.logsource == LogSource("cisco", "duo")
    assert event.native["event_type"] == "authentication"


def test_first_api_version_speaks_sigma_s_words() -> None:
    event = parsed(SOURCE, OLD_SIGN_IN)
    assert kind(event) == (3002, 1)
    assert (event.native["event_type"], event.native["reason"]) == ("authentication", "bypass_user")
    assert event.ocsf["auth_factors"][0]["factor_type_id"] == 1
    assert entities(event) == ["ip:203.0.113.7", "user:alice"]


@pytest.mark.parametrize(("result", "severity_id"), [("denied", 1), ("fraud", 4)])
def test_refused_sign_ins_failed(result: str, severity_id: int) -> None:
    body = parsed(SOURCE, SIGN_IN | {"result": result}).ocsf
    assert (body["status_id"], body["severity_id"]) == (2, severity_id)


def test_enrollment_adds_a_factor() -> None:
    assert kind(parsed(SOURCE, SIGN_IN | {"event_type": "enrollment"})) == (3001, 10)


def test_administrator_changes_a_user() -> None:
    event = parsed(SOURCE, ADMIN)
    assert kind(event) == (3001, 11)
    assert entities(event) == ["user:alice admin", "user:bob@example.com"]
    assert event.ocsf["actor"]["user"]["type_id"] == 2


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("admin_login", (3002, 1)),
        ("admin_login_error", (3002, 1)),
        ("admin_lockout", (3001, 9)),
        ("user_create", (3001, 1)),
        ("user_delete", (3001, 6)),
        ("bypass_create", (3001, 10)),
        ("hardtoken_associate", (3001, 10)),
        ("phone_disassociate", (3001, 11)),
        ("group_create", (3006, 6)),
        ("integration_create", (3004, 1)),
        ("integration_skey_view", (6003, 2)),
        ("policy_update", (3004, 3)),
        ("something_nobody_knows", (6003, 99)),
    ],
)
def test_actions(action: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, ADMIN | {"action": action, "description": "{}"})
    assert kind(event) == expected
    assert event.ocsf.get("activity_name") == (action if expected[1] == 99 else None)
    assert event.ocsf["status_id"] == (2 if action.endswith("error") else 1)


def test_administrator_signs_in() -> None:
    said = '{"ip_address": "203.0.113.7", "factor": "push", "primary_auth_method": "Password"}'
    event = parsed(SOURCE, ADMIN | {"action": "admin_login", "description": said})
    assert event.ocsf["auth_factors"] == [{"factor_type": "push", "factor_type_id": 5, "provider": "Duo"}]
    assert entities(event) == ["ip:203.0.113.7", "user:alice admin"]


def test_activity_log() -> None:
    event = parsed(SOURCE, ACTIVITY)
    assert kind(event) == (3001, 10)
    assert event.ocsf["metadata"]["original_event_uid"] == ACTIVITY["activity_id"]
    assert entities(event) == ["host:laptop-7", "ip:203.0.113.7", "user:alice", "user:bob"]


def test_telephony_and_offline_enrollment() -> None:
    telephony = parsed(SOURCE, TELEPHONY)
    assert kind(telephony) == (6003, 99)
    assert telephony.ocsf["activity_name"] == "telephony.sms"
    offline = parsed(SOURCE, OFFLINE)
    assert kind(offline) == (3001, 10)
    assert "host:laptop-7" in entities(offline)


def test_trust_monitor_is_an_alert_about_identity() -> None:
    event = parsed(SOURCE, TRUST)
    assert kind(event) == (2004, 1)
    assert (event.domain, event.ocsf["severity_id"]) == ("identity", 4)
    assert entities(event) == ["ip:203.0.113.7", "user:alice@example.com"]


@pytest.mark.parametrize("value", [{}, {"action": "x"}, {"factor": 1, "result": 2}, {"action": {"name": "x"}}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, SAMPLES)
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, ADMIN, ["action", "description", "object", "username"])
    fuzz.too_much(SOURCE, SIGN_IN, ["user", "factor", "result"])


def test_recorded_telemetry(shared: Path) -> None:
    all_become_events(SOURCE, recorded(shared, "duo"))

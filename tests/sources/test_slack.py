from __future__ import annotations

from typing import Any

import pytest

from models.event import LogSource
from models.records import ParseError
from streams.sources.saas.slack import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, entities, kind, parsed, record

ALICE = {"id": "W123AB456", "name": "Alice A", "email": "alice@example.com", "team": "T1"}
BOB = {"id": "W123AB457", "name": "Bob B", "email": "bob@example.com", "team": "T1"}
LOGIN: dict[str, Any] = {
    "id": "0123a45b-6c7d-8900-e12f-3456789gh0i1",
    "date_create": 1718452800,
    "action": "user_login",
    "actor": {"type": "user", "user": ALICE},
    "entity": {"type": "user", "user": ALICE},
    "context": {
        "location": {"type": "workspace", "id": "T1", "name": "Example", "domain": "example"},
        "ua": "Mozilla/5.0",
        "ip_address": "203.0.113.7",
        "session_id": "sess847288888",
    },
    "details": {"type": "primary_owner"},
}
FILE = LOGIN | {
    "action": "file_downloaded",
    "entity": {"type": "file", "file": {"id": "F1", "name": "plan.pdf", "filetype": "pdf"}},
}
CHANNEL = {"type": "channel", "channel": {"id": "C1", "name": "secrets", "privacy": "private"}}
ANOMALY = LOGIN | {
    "action": "anomaly",
    "details": {"reason": ["asn", "ip_address"], "previous_ip_address": "192.0.2.1"},
}
SAMPLES = (LOGIN, FILE, ANOMALY, LOGIN | {"action": "user_channel_join", "entity": CHANNEL})


def test_login() -> None:
    event = parsed(SOURCE, LOGIN)
    body = event.ocsf
    assert kind(event) == (3002, 1)
    assert event.time == NOON
    assert body["user"]["uid"] == "W123AB456"
    assert body["session"] == {"uid": "sess847288888"}
    assert body["http_request"] == {"user_agent": "Mozilla/5.0"}
    assert body["metadata"]["original_event_uid"] == LOGIN["id"]
    assert body["unmapped"] == {"details": {"type": "primary_owner"}, "location": LOGIN["context"]["location"]}
    assert entities(event) == ["ip:203.0.113.7", "session:sess847288888", "user:alice@example.com"]
    assert event.logsource == LogSource("slack", "audit")
    assert event.native["action"] == "user_login"


def test_failed_login() -> None:
    assert parsed(SOURCE, LOGIN | {"action": "user_login_failed"}).ocsf["status_id"] == 2


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("user_logout", (3002, 2)),
        ("user_created", (3001, 1)),
        ("user_deactivated", (3001, 5)),
        ("user_removed_two_factor_auth", (3001, 11)),
        ("role_change_to_owner", (3005, 1)),
        ("app_installed", (3004, 1)),
        ("pref.sso_setting_changed", (3004, 3)),
        ("workspace_exported", (6003, 2)),
        ("nobody_knows", (6003, 99)),
    ],
)
def test_actions(action: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, LOGIN | {"action": action, "entity": {"type": "user", "user": BOB}})
    assert kind(event) == expected
    assert event.ocsf.get("activity_name") == (action if expected[1] == 99 else None)


def test_role_is_given_to_the_entity_by_the_actor() -> None:
    event = parsed(SOURCE, LOGIN | {"action": "role_change_to_admin", "entity": {"type": "user", "user": BOB}})
    assert event.ocsf["privileges"] == ["admin"]
    assert event.ocsf["user"]["name"] == "bob@example.com"
    assert event.ocsf["actor"]["user"]["name"] == "alice@example.com"


def test_joining_a_channel() -> None:
    event = parsed(SOURCE, SAMPLES[3])
    assert kind(event) == (3006, 3)
    assert event.ocsf["group"] == {"name": "secrets", "uid": "C1", "type": "channel"}
    assert event.ocsf["user"]["uid"] == "W123AB456"


def test_downloaded_file() -> None:
    event = parsed(SOURCE, FILE)
    assert kind(event) == (6006, 2)
    assert event.ocsf["file"] == {"name": "plan.pdf", "uid": "F1", "type_id": 1}
    assert entities(event) == ["ip:203.0.113.7", "session:sess847288888", "user:alice@example.com"]


def test_anomaly_is_an_alert_about_identity() -> None:
    event = parsed(SOURCE, ANOMALY)
    assert kind(event) == (2004, 1)
    assert event.ocsf["finding_info"]["types"] == ["asn", "ip_address"]
    assert event.domain == "identity"
    assert entities(event) == ["ip:203.0.113.7", "session:sess847288888", "user:alice@example.com"]


@pytest.mark.parametrize("value", [{}, {"action": "user_login"}, {"action": "a.b", "actor": "alice", "date_create": 1}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, SAMPLES)
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, ANOMALY, ["action", "details", "context"])

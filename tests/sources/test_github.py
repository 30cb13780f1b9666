from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from models.event import LogSource
from models.records import ParseError
from streams.sources.saas.github import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, all_become_events, entities, kind, parsed, record, recorded, standard

ENTRY: dict[str, Any] = {
    "@timestamp": NOON + 250,
    "_document_id": "m-AbCd==",
    "action": "repo.destroy",
    "actor": "alice",
    "actor_id": 51111,
    "actor_ip": "203.0.113.7",
    "actor_is_bot": False,
    "actor_location": {"country_code": "NO"},
    "actor_session": 3495,
    "business": "example-inc",
    "business_id": 11,
    "external_identity_nameid": "alice@example.com",
    "hashed_token": "tO8qpNGhmNe8OMd",
    "org": "example",
    "org_id": 11111,
    "repo": "example/wiki",
    "repo_id": 383067938,
    "team": "example/editors",
    "request_id": "10000000-0000-0000-0000-000000000000",
    "user_agent": "Mozilla/5.0",
    "user": "bob",
    "user_id": 147,
    "visibility": "private",
}
PUSH_HOOK: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "a" * 40,
    "after": "b" * 40,
    "commits": [{"id": "b" * 40, "message": "Fix", "author": {"name": "alice", "email": "alice@example.com"}}],
    "head_commit": {"id": "b" * 40, "timestamp": "2024-06-15T14:00:00+02:00"},
    "repository": {"id": 1, "name": "wiki", "full_name": "example/wiki", "owner": {"login": "example", "id": 2}},
    "pusher": {"name": "alice"},
}
RUN_HOOK: dict[str, Any] = {
    "action": "completed",
    "workflow_run": {"id": 9, "name": "Build", "conclusion": "failure", "updated_at": "2024-06-15T12:00:00Z"},
    "repository": {"id": 1, "full_name": "example/wiki"},
    "organization": {"login": "example", "id": 2},
    "sender": {"login": "alice", "id": 5},
}


def test_entry_of_the_audit_log() -> None:
    event = parsed(SOURCE, ENTRY)
    body = event.ocsf
    assert kind(event) == (3004, 4)
    assert event.time == NOON + 250
    assert body["entity"] == {"type_id": 99, "type": "repository", "name": "example/wiki", "uid": "383067938"}
    assert body["actor"]["user"]["uid"] == "51111"
    assert body["actor"]["user"]["account"]["name"] == "example"
    assert body["actor"]["session"] == {"uid": "3495"}
    assert body["src_endpoint"] == {"ip": "203.0.113.7", "location": {"country": "NO"}}
    assert body["metadata"]["original_event_uid"] == "m-AbCd=="
    assert body["metadata"]["correlation_uid"] == ENTRY["request_id"]
    assert body["unmapped"]["visibility"] == "private"
    assert entities(event) == ["ip:203.0.113.7", "session:to8qpnghmne8omd", "user:alice@example.com"]
    assert event.logsource == LogSource("github", "audit")
    assert event.native["action"] == "repo.destroy"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("user.login", (3002, 1)),
        ("user.failed_login", (3002, 1)),
        ("user.create", (3001, 1)),
        ("user.suspend", (3001, 5)),
        ("two_factor_authentication.disabled", (3001, 11)),
        ("repo.add_member", (3005, 1)),
        ("business.add_admin", (3005, 1)),
        ("org.remove_outside_collaborator", (3005, 2)),
        ("org.add_member", (3006, 3)),
        ("team.remove_member", (3006, 4)),
        ("team.create", (3006, 6)),
        ("repo.archived", (3004, 11)),
        ("org.disable_two_factor_requirement", (3004, 9)),
        ("secret_scanning.disable", (3004, 9)),
        ("repo.register_self_hosted_runner", (3004, 1)),
        ("git.clone", (6003, 2)),
        ("git.push", (6003, 99)),
        ("workflows.created_workflow_run", (6003, 1)),
        ("nothing.known", (6003, 99)),
        ("secret_scanning_alert.create", (2004, 1)),
    ],
)
def test_actions(action: str, expected: tuple[int, int]) -> None:
    event = parsed(SOURCE, ENTRY | {"action": action})
    assert kind(event) == expected
    assert event.ocsf.get("activity_name") == (action if expected[1] == 99 else None)
    assert event.ocsf.get("status_id", 1) == (2 if action == "user.failed_login" else 1)


def test_member_is_the_user_and_the_team_the_group() -> None:
    body = parsed(SOURCE, ENTRY | {"action": "team.add_member"}).ocsf
    assert body["group"] == {"name": "example/editors", "type": "team"}
    assert body["user"] == {"name": "bob", "uid": "147"}


def test_without_the_team_a_change_of_it_is_an_api_call() -> None:
    body = parsed(SOURCE, {**ENTRY, "action": "team.create", "team": ""}).ocsf
    assert (body["class_uid"], body["activity_id"]) == (6003, 1)
    assert body["api"]["operation"] == "team.create"


def test_alerts_are_findings_about_the_workload() -> None:
    event = parsed(SOURCE, ENTRY | {"action": "secret_scanning_alert.create", "number": 12})
    assert event.ocsf["finding_info"]["uid"] == "example/wiki/secret_scanning_alert/12"
    assert event.ocsf["resources"][0]["name"] == "example/wiki"
    assert event.domain == "workload"


def test_entries_without_an_address() -> None:
    entry = {name: ENTRY[name] for name in ("@timestamp", "_document_id", "action", "org", "actor_location")}
    body = parsed(SOURCE, entry).ocsf
    assert body["src_endpoint"]["location"] == {"country": "NO"}


def test_push_webhook() -> None:
    event = parsed(SOURCE, PUSH_HOOK)
    assert kind(event) == (6003, 99)
    assert event.time == NOON
    assert event.ocsf["api"]["operation"] == "git.push"
    assert event.ocsf["resources"] == [{"type": "repository", "name": "example/wiki", "uid": "1"}]
    assert event.ocsf["unmapped"]["commits"] == PUSH_HOOK["commits"]
    assert entities(event) == ["user:alice"]
    assert event.logsource == LogSource("github", "webhook")


def test_workflow_webhook_tells_how_it_ended() -> None:
    body = parsed(SOURCE, RUN_HOOK).ocsf
    assert (body["activity_name"], body["status"], body["status_code"]) == (
        "workflow_run.completed",
        "Failure",
        "failure",
    )
    assert body["time"] == NOON


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ({"action": "created"}, (3004, 1)),
        ({"action": "deleted"}, (3004, 4)),
        ({"action": "opened", "pull_request": {"number": 1, "updated_at": "2024-06-15T12:00:00Z"}}, (6003, 1)),
    ],
)
def test_webhooks(hook: dict[str, Any], expected: tuple[int, int]) -> None:
    repository = RUN_HOOK["repository"] | {"created_at": "2024-06-15T12:00:00Z"}
    assert kind(parsed(SOURCE, hook | {"repository": repository})) == expected


@pytest.mark.parametrize(
    "value", [{}, {"action": "x"}, {"action": "user_login", "actor": {}}, {"actor": {}, "action": "a.b", "org": "x"}]
)
def test_does_not_recognize_others(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)


def test_others_are_refused() -> None:
    error = SOURCE.parse(record(SOURCE, {"repository": 1}))
    assert isinstance(error, ParseError)
    assert error.field == "action"


def test_hostile_records() -> None:
    actions = ("user.login", "team.add_member", "repo.add_member", "git.push", "alert.created", "user.create")
    fuzz.json_records(SOURCE, [PUSH_HOOK, RUN_HOOK, ENTRY, *(ENTRY | {"action": action} for action in actions)])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, ENTRY, ["action", "actor", "repo", "actor_location"])


def test_recorded_telemetry(shared: Path) -> None:
    all_become_events(SOURCE, recorded(shared, "github") + standard(shared, "GitHub.Audit"))


def test_published_mappings(shared: Path) -> None:
    """What others made of the same records agrees in class, activity, time, actor and resources."""
    pairs = sorted((shared / "data/ocsf_pairs").glob("*GitHub*.raw.txt"))
    assert pairs
    for path in pairs:
        ours = parsed(SOURCE, orjson.loads(path.read_bytes())).ocsf
        theirs = orjson.loads(path.with_name(path.name.replace(".raw.txt", ".expected.json")).read_bytes())
        for name in ("class_uid", "activity_id", "time"):
            assert ours[name] == theirs[name], (path.name, name)
        assert ours["actor"]["user"]["name"] == theirs["actor"]["user"]["name"]
        assert ours["metadata"]["event_code"] == ours.get("api", {}).get("operation", ours["metadata"]["event_code"])

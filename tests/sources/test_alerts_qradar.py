from __future__ import annotations

from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf_schema import validate
from models.records import Coordinates, RawRecord
from streams.sources.alerts.qradar import SOURCE
from tests.sources import fuzz

NOON = 1_718_452_800_000
OFFENSE: dict[str, Any] = {
    "id": 42,
    "description": "Many failed logins\ncontaining SSH login failed\n",
    "severity": 8,
    "credibility": 3,
    "relevance": 5,
    "magnitude": 6,
    "offense_type": 0,
    "offense_source": "192.0.2.44",
    "start_time": NOON,
    "last_updated_time": NOON + 5000,
    "close_time": None,
    "status": "OPEN",
    "rules": [{"id": 100123, "type": "CRE_RULE"}],
    "categories": ["SSH Login Failed"],
    "log_sources": [{"id": 7, "name": "sshd @ web1", "type_id": 11, "type_name": "Linux OS"}],
    "event_count": 120,
    "assigned_to": "alice",
}


def parse(value: dict[str, Any]) -> Event:
    event = SOURCE.parse(RawRecord("qradar", orjson.dumps(value), Coordinates("raw.qradar", 0, 1)))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


def test_an_offense_is_a_finding() -> None:
    event = parse(OFFENSE)
    body = event.ocsf
    assert SOURCE.recognize(b"", OFFENSE)
    assert (body["class_uid"], body["activity_id"], body["time"], body["severity_id"]) == (2004, 1, NOON, 4)
    assert body["finding_info"]["title"] == "Many failed logins"
    assert (body["finding_info"]["uid"], body["finding_info"]["analytic"]["uid"]) == ("42", "100123")
    assert (body["confidence_score"], body["risk_score"], body["status"]) == (30, 60, "New")
    assert body["evidences"] == [{"src_endpoint": {"ip": "192.0.2.44"}}]
    assert body["metadata"]["original_event_uid"] == "42"
    assert body["unmapped"]["assigned_to"] == "alice"
    assert event.domain == "network"


@pytest.mark.parametrize(
    ("kind", "source", "entity", "about"),
    [
        (0, "192.0.2.44", "ip:192.0.2.44", "network"),
        (11, "2001:db8::7", "ip:2001:db8::7", "network"),
        (3, "bob", "user:bob", "identity"),
        (7, "web1.example.com", "host:web1", "workload"),
    ],
)
def test_what_it_is_indexed_by_is_whom_it_concerns(kind: int, source: str, entity: str, about: str) -> None:
    event = parse(OFFENSE | {"offense_type": kind, "offense_source": source})
    assert entity in {str(key) for key in entities_of(event.ocsf)}
    assert event.domain == about


def test_a_closed_offense_closes_the_finding() -> None:
    body = parse(OFFENSE | {"status": "CLOSED", "close_time": NOON + 9}).ocsf
    assert (body["activity_id"], body["time"], body["status_id"]) == (3, NOON + 9, 4)


def test_what_is_no_offense_is_not_recognized() -> None:
    for name in ("offense_type", "magnitude", "credibility", "start_time"):
        assert not SOURCE.recognize(b"", {key: value for key, value in OFFENSE.items() if key != name})
    assert not SOURCE.recognize(b"", None)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, [OFFENSE], runs=500)
    fuzz.every_part_wrong(SOURCE, [OFFENSE])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, OFFENSE, ["description", "rules", "categories", "offense_source"])

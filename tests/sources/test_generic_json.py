"""Any JSON object: what is taken from it, and what is not guessed."""

from __future__ import annotations

from typing import Any

import pytest

from models.records import Context, ParseError
from streams.detect.record import Record
from streams.sources.generic.json import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import kind, names, one, raw

NOON = 1_718_452_800_000
APP = {
    "ts": 1_718_452_800.0,
    "level": "ERROR",
    "msg": "refused",
    "hostname": "app-7.example.com",
    "user": {"name": "alice", "id": 7},
    "client_ip": "198.51.100.7",
    "event": "order.refused",
    "id": "e-1",
    "service": "orders",
    "order": {"lines": [{"sku": "x"}]},
}
TIMES = [
    {"timestamp": "2024-06-15T12:00:00Z"},
    {"@timestamp": "2024-06-15T12:00:00.000Z"},
    {"time": "2024-06-15T14:00:00+0200"},
    {"eventTime": 1_718_452_800},
    {"published": "2024-06-15 12:00:00"},
    {"created_at": NOON},
    {"timestamp": "no time", "date": "2024-06-15T12:00:00Z"},
    {"timestamp": {"a": 1}, "time": "Jun 15 2024 12:00:00"},
]


@pytest.mark.parametrize("record", TIMES)
def test_the_first_usable_time_counts(record: dict[str, Any]) -> None:
    event = one(SOURCE, record)  # without a broker time to fall back on
    assert event.time == NOON
    assert "labels" not in event.ocsf["metadata"]


def test_unambiguous_names_are_taken_and_everything_stays() -> None:
    event = one(SOURCE, APP)
    body = event.ocsf
    assert kind(event) == (1008, 99)
    assert body["activity_name"] == "order.refused"
    assert (body["severity_id"], body["message"]) == (4, "refused")
    assert names(event) == {"host:app-7", "user:alice", "ip:198.51.100.7"}
    assert body["metadata"]["original_event_uid"] == "e-1"
    assert body["unmapped"] == APP
    assert Record(event.native).texts("order.lines.sku") == ("x",)


def test_a_record_without_a_time_takes_the_brokers() -> None:
    event = one(SOURCE, {"a": 1}, broker_time=NOON)
    assert event.time == NOON
    assert event.ocsf["metadata"]["labels"] == ["time_from_broker"]
    assert isinstance(SOURCE.parse(raw(SOURCE, {"a": 1})), ParseError)


def test_the_shippers_host_is_the_host_of_a_record_that_names_none() -> None:
    record = {"time": NOON, "a": 1}
    first, second = (one(SOURCE, record, Context(host=host)) for host in ("web-1", "web-2"))
    assert names(first) == {"host:web-1"}
    assert first.uid != second.uid


def test_hostile_records() -> None:
    assert not SOURCE.recognize(b"{}", {})
    assert not SOURCE.recognize(b"[]", None)
    fuzz.json_records(SOURCE, [APP, *TIMES], runs=800)
    fuzz.every_part_wrong(SOURCE, [APP])
    fuzz.anything(SOURCE, examples=60)
    fuzz.too_much(SOURCE, APP, ["msg", "user", "hostname", "ts"])


CANARY = {"node_id": "canary-1", "logtype": 5005, "logdata": {"PATH": "x"}, "src_host": "192.0.2.7", "utc_time": "x"}
AUDIT = {"auditType": {"category": "Projects", "action": "Project deleted", "actionI18nKey": "bitbucket.service.x"}}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (CANARY, ("opencanary", "", ("application",))),
        ({**CANARY, "logtype": "5005"}, ("json", "", ())),
        ({**CANARY, "logtype": True}, ("json", "", ())),
        ({**CANARY, "node_id": None}, ("json", "", ())),
        ({"logtype": 1, "node_id": "x"}, ("json", "", ())),
        (AUDIT, ("bitbucket", "audit", ())),
        ({"auditType": {"categoryI18nKey": "bitbucket.service.audit.category.projects"}}, ("bitbucket", "audit", ())),
        ({"auditType": {**AUDIT["auditType"], "actionI18nKey": "other.key"}}, ("json", "", ())),
        ({"auditType": {"actionI18nKey": ["bitbucket."]}}, ("json", "", ())),
        ({"auditType": "bitbucket."}, ("json", "", ())),
        (APP, ("json", "", ())),
    ],
)
def test_a_product_that_says_beyond_doubt_what_it_is_gets_its_own_rules(
    record: dict[str, Any], expected: tuple[str, str, tuple[str, ...]]
) -> None:
    assert tuple(one(SOURCE, record, broker_time=NOON).logsource) == expected

from __future__ import annotations

from typing import Any

import pytest

from enrichers.entities import entities_of
from models.records import ParseError
from streams.sources.microsoft.message_trace import SOURCE
from tests.sources import fuzz
from tests.sources.microsoft_records import EMAIL_EVENT, NOON, TRACE, TRACES, event, record


def test_trace() -> None:
    found = event(SOURCE, TRACE)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], body["direction_id"], body["status_id"]) == (4009, 4, 1, 1)
    assert found.time == NOON + 123
    assert body["message_trace_uid"] == body["metadata"]["original_event_uid"] == TRACE["MessageTraceId"]
    assert body["metadata"]["correlation_uid"] == "<m1@example.net>"
    assert body["email"] == {
        "from": "mallory@example.net",
        "to": ["alice@example.com"],
        "subject": "Invoice",
        "message_uid": "<m1@example.net>",
        "uid": TRACE["MessageTraceId"],
        "size": 21340,
        "x_originating_ip": ["198.51.100.23"],
    }
    assert body["src_endpoint"] == {"ip": "198.51.100.23"}
    assert body["unmapped"] == {"Index": 0}
    assert body["raw_data"] == record(SOURCE, TRACE).raw.decode()
    assert [str(key) for key in entities_of(body)] == ["ip:198.51.100.23", "user:alice@example.com"]


def test_sender_of_outgoing_mail_is_one_s_own() -> None:
    body = event(SOURCE, EMAIL_EVENT).ocsf
    assert body["direction_id"] == 2
    assert "user:alice@example.com" in map(str, entities_of(body))


@pytest.mark.parametrize(
    ("word", "status_id"), [("Delivered", 1), ("Failed", 2), ("Quarantined", 2), ("FilteredAsSpam", 2), ("Pending", 99)]
)
def test_status(word: str, status_id: int) -> None:
    body = event(SOURCE, TRACE, Status=word).ocsf
    assert (body["status_id"], body["status_code"]) == (status_id, word)


@pytest.mark.parametrize(
    ("servers", "direction_id"),
    [({"ToIP": "192.0.2.25"}, 2), ({"FromIP": None}, 0), ({"Directionality": "Originating"}, 2)],
)
def test_direction(servers: dict[str, Any], direction_id: int) -> None:
    assert event(SOURCE, TRACE | servers).ocsf["direction_id"] == direction_id


def test_graph_and_extended_report() -> None:
    graph = {
        "id": "g1",
        "senderAddress": "alice@example.com",
        "recipientAddress": "bob@example.net",
        "messageId": "<m3@example.com>",
        "receivedDateTime": "2024-06-15T12:00:00Z",
        "status": "delivered",
        "toIP": "192.0.2.25",
    }
    report = {
        "origin_timestamp_utc": "2024-06-15T12:00:00Z",
        "sender_address": "alice@example.com",
        "recipient_status": "bob@example.net##Receive, Deliver;carol@example.net##Fail",
        "message_subject": "Hello",
        "total_bytes": "12",
        "message_id": "<m4@example.com>",
        "network_message_id": "n4",
        "directionality": "Originating",
    }
    assert event(SOURCE, graph).ocsf["to"] == ["bob@example.net"]
    body = event(SOURCE, report).ocsf
    assert body["to"] == ["bob@example.net", "carol@example.net"]
    assert (body["direction_id"], body["email"]["size"], body["time"]) == (2, 12, NOON)


@pytest.mark.parametrize("value", [{}, {"SenderAddress": "a@example.com"}, {"MessageId": "x"}])
def test_what_is_no_trace_says_so(value: dict[str, Any]) -> None:
    assert isinstance(SOURCE.parse(record(SOURCE, value, NOON)), ParseError)
    assert not SOURCE.recognize(b"", value)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, TRACES, 500)
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, TRACE, ("RecipientAddress", "SenderAddress", "Subject"))

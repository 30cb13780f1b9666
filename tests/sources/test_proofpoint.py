from __future__ import annotations

from typing import Any

import pytest

from models.records import ParseError
from streams.sources.saas.proofpoint import SOURCE
from tests.sources import fuzz
from tests.sources.saas import NOON, entities, events, kind, parsed, record

THREAT: dict[str, Any] = {
    "campaignID": "46e01b8a-c899-404d-bcd9-189bb393d1a7",
    "classification": "PHISH",
    "threat": "phish.example.net/login",
    "threatID": "a" * 64,
    "threatStatus": "active",
    "threatTime": "2024-06-15T11:00:00.000Z",
    "threatType": "url",
    "threatUrl": "https://threatinsight.example.com/a",
}
MESSAGE: dict[str, Any] = {
    "GUID": "c26dbea0-80d5-463b-b93c-4e8b708219ce",
    "QID": "r2FNwRHF004109",
    "id": "m1",
    "fromAddress": ["mallory@example.net"],
    "headerFrom": '"A. Badguy" <mallory@example.net>',
    "impostorScore": 0,
    "malwareScore": 0,
    "phishScore": 97,
    "messageID": "<20240615@example.net>",
    "messageParts": [
        {"contentType": "application/pdf", "disposition": "attached", "filename": "bill.pdf", "sha256": "b" * 64}
    ],
    "messageSize": 4096,
    "messageTime": "2024-06-15T12:00:00.000Z",
    "quarantineFolder": None,
    "quarantineRule": None,
    "recipient": ["alice@example.com", "bob@example.com"],
    "sender": "bounce@example.net",
    "senderIP": "198.51.100.9",
    "spamScore": 4,
    "subject": "Your bill",
    "threatsInfoMap": [THREAT],
    "toAddresses": ["alice@example.com", "bob@example.com"],
    "cluster": "example",
}
CLICK: dict[str, Any] = {
    "GUID": "b27dbea0-87d5-463b-b93c-4e8b708289ce",
    "id": "c1",
    "campaignId": "46e01b8a-c899-404d-bcd9-189bb393d1a7",
    "classification": "MALWARE",
    "clickIP": "203.0.113.7",
    "clickTime": "2024-06-15T12:00:00.250Z",
    "messageID": "<20240615@example.net>",
    "recipient": "alice@example.com",
    "sender": "mallory@example.net",
    "senderIP": "198.51.100.9",
    "threatID": "c" * 64,
    "threatTime": "2024-06-15T11:00:00.000Z",
    "threatURL": "https://threatinsight.example.com/c",
    "threatStatus": "active",
    "url": "https://malware.example.net/x",
    "userAgent": "Mozilla/5.0",
}
RESPONSE: dict[str, Any] = {
    "queryEndTime": "2024-06-15T12:05:00Z",
    "messagesDelivered": [MESSAGE],
    "messagesBlocked": [MESSAGE | {"id": "m2", "recipient": ["alice@example.com"]}],
    "clicksPermitted": [CLICK],
    "clicksBlocked": [CLICK | {"id": "c2"}],
}


def test_message_is_an_alert_for_each_recipient() -> None:
    found = events(SOURCE, MESSAGE)
    assert [entities(event) for event in found] == [
        ["ip:198.51.100.9", "user:alice@example.com"],
        ["ip:198.51.100.9", "user:bob@example.com"],
    ]
    event = found[0]
    body = event.ocsf
    assert kind(event) == (2004, 1)
    assert (event.domain, event.time) == ("network", NOON)
    assert body["finding_info"]["title"] == "phish message delivered"
    assert body["finding_info"]["src_url"] == THREAT["threatUrl"]
    assert (body["severity_id"], body["confidence_score"], body["disposition"]) == (4, 97, "Allowed")
    email = body["evidences"][0]["email"]
    assert email["from"] == "mallory@example.net"
    assert email["to"] == ["alice@example.com", "bob@example.com"]
    assert email["files"][0]["hashes"][0]["value"] == "b" * 64
    assert email["urls"] == [{"url_string": "phish.example.net/login"}]
    assert body["evidences"][0]["src_endpoint"] == {"ip": "198.51.100.9"}
    assert body["metadata"]["original_event_uid"] == "m1"
    assert body["metadata"]["correlation_uid"] == MESSAGE["GUID"]
    assert body["unmapped"]["cluster"] == "example"
    assert len({event.uid for event in found}) == 2
    assert "braid_kind" not in event.native


def test_message_without_a_threat_is_email_activity() -> None:
    event = parsed(SOURCE, MESSAGE | {"threatsInfoMap": [], "recipient": ["alice@example.com"]})
    assert kind(event) == (4009, 2)
    assert event.ocsf["email"]["subject"] == "Your bill"
    assert entities(event) == ["ip:198.51.100.9", "user:alice@example.com", "user:bob@example.com"]


def test_quarantined_message_was_blocked() -> None:
    body = parsed(SOURCE, MESSAGE | {"quarantineFolder": "Phish"}).ocsf
    assert (body["disposition"], body["severity_id"]) == ("Blocked", 2)


def test_permitted_click() -> None:
    event = parsed(SOURCE, CLICK)
    body = event.ocsf
    assert kind(event) == (2004, 1)
    assert event.time == NOON + 250
    assert body["finding_info"]["title"] == "malware click permitted"
    assert body["evidences"][0]["url"] == {"url_string": "https://malware.example.net/x"}
    assert body["malware"][0]["uid"] == "c" * 64
    assert entities(event) == ["ip:203.0.113.7", "user:alice@example.com"]


@pytest.mark.parametrize("name", ["eventType", "event_type", "type"])
def test_shipper_says_of_which_list_an_event_is(name: str) -> None:
    assert parsed(SOURCE, CLICK | {name: "clicksBlocked"}).ocsf["disposition"] == "Blocked"
    assert parsed(SOURCE, CLICK | {name: "clicks_blocked"}).ocsf["metadata"]["event_code"] == "clicksBlocked"


def test_response_holds_events_of_four_lists() -> None:
    codes = [event.ocsf["metadata"]["event_code"] for event in events(SOURCE, RESPONSE)]
    assert codes == ["messagesDelivered", "messagesDelivered", "messagesBlocked", "clicksPermitted", "clicksBlocked"]


@pytest.mark.parametrize("value", [{}, {"clickTime": "x"}, {"queryEndTime": "x"}, {"messageTime": "x", "GUID": "y"}])
def test_others_are_refused(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(b"", value)
    assert isinstance(SOURCE.parse(record(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, [MESSAGE, CLICK, RESPONSE, MESSAGE | {"threatsInfoMap": []}])
    fuzz.anything(SOURCE, 50)
    fuzz.too_much(SOURCE, CLICK, ["url", "classification", "userAgent"])

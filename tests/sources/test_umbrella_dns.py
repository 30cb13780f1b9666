"""Cisco Umbrella's DNS logs: lines of every version, and objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.records import ParseError
from streams.detect.record import Record
from streams.sources.cisco.umbrella_dns import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import kind, logs, names, one, raw

V10 = (
    b'"2024-06-15 12:00:00","Alice Example (alice@example.com)","Alice Example (alice@example.com),WS-0042,Office",'
    b'"10.20.1.42","203.0.113.7","Blocked","16 (TXT)","NOERROR","updates.example.net.","Malware,Command and Control",'
    b'"AD Users","AD Users,Roaming Computers,Networks","Malware","rule-77","US","2204063","later"'
)
V4 = V10.rpartition(b',"rule-77"')[0]
V1 = (
    b"2024-06-15 12:00:00,WS-0042,WS-0042,10.20.1.42,203.0.113.7,Allowed,1 (A),NXDOMAIN,www.example.com.,Search Engines"
)
PANTHER = {
    "action": "Allowed",
    "internalIp": "10.20.1.42",
    "externalIp": "203.0.113.7",
    "timestamp": "2024-06-15 12:00:00.000",
    "responseCode": "NOERROR",
    "queryType": "1 (A)",
    "domain": "www.example.com.",
    "policyIdentity": "alice@example.com",
    "policyIdentityType": "AD Users",
    "identities": ["alice@example.com"],
}
API = {
    "type": "dns",
    "timestamp": 1_718_452_800_000,
    "externalip": "203.0.113.7",
    "internalip": "10.20.1.42",
    "domain": "www.example.com",
    "querytype": "A",
    "returncode": 0,
    "verdict": "blocked",
    "identities": [{"id": 1, "label": "WS-0042", "type": {"id": 9, "type": "roaming", "label": "Roaming Computers"}}],
    "categories": [{"id": 65, "label": "Malware"}],
}
SENTINEL = {
    "Timestamp_t": "2024-06-15T12:00:00Z",
    "InternalIp_s": "10.20.1.42",
    "ExternalIp_s": "203.0.113.7",
    "Action_s": "Proxied",
    "Domain_s": "www.example.com",
    "QueryType_s": "1 (A)",
    "ResponseCode_s": "NOERROR",
    "Policy_Identity_s": "WS-0042",
    "Policy_Identity_Type_s": "Anyconnect Roaming Client",
}
OBJECTS = [PANTHER, API, SENTINEL]
LINES = [V10, V4, V1, V4 + b"\n", V10.replace(b'","', b'", "')]


@pytest.mark.parametrize("record", [*LINES, *OBJECTS])
def test_every_form_is_a_dns_response(record: Any) -> None:
    event = one(SOURCE, record)
    assert kind(event) == (4003, 2)
    assert event.time == 1_718_452_800_000
    assert event.ocsf["src_endpoint"]["ip"] == "10.20.1.42"
    assert event.ocsf["src_endpoint"]["intermediate_ips"] == ["203.0.113.7"]
    assert "ip:10.20.1.42" in names(event)
    assert event.logsource.categories == ("dns",)


@pytest.mark.parametrize("line", [V10, V4])
def test_who_asked_what_and_what_came_of_it(line: bytes) -> None:
    event = one(SOURCE, line)
    body = event.ocsf
    assert body["actor"]["user"] == {
        "name": "alice@example.com",
        "email_addr": "alice@example.com",
        "full_name": "Alice Example",
    }
    assert body["query"] == {"hostname": "updates.example.net", "type": "TXT"}
    assert (body["disposition"], body["rcode"]) == ("Blocked", "NoError")
    assert "host:ws-0042" in names(event)
    assert body["unmapped"]["blocked_categories"] == ["Malware"]
    native = Record(event.native)
    assert native.texts("query") == ("updates.example.net",)
    assert native.texts("record_type") == ("TXT",)
    assert native.texts("categories") == ("Malware", "Command and Control")


def test_later_columns() -> None:
    body = one(SOURCE, V10).ocsf
    assert body["firewall_rule"] == {"uid": "rule-77"}
    assert body["metadata"]["tenant_uid"] == "2204063"
    assert body["unmapped"]["column_17"] == "later"


def test_computers_are_hosts_and_no_users() -> None:
    for record in (API, SENTINEL):
        event = one(SOURCE, record)
        assert "host:ws-0042" in names(event)
        assert "actor" not in event.ocsf
    assert one(SOURCE, V1).ocsf["status"] == "Failure"
    assert one(SOURCE, SENTINEL).ocsf["action"] == "Modified"


def test_a_header_line_is_no_record() -> None:
    header = (
        b"timestamp,most granular identity,identities,internal ip,external ip,action,query type,response code,domain"
    )
    assert isinstance(SOURCE.parse(raw(SOURCE, header)), ParseError)
    assert not SOURCE.recognize(header, None)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, OBJECTS, runs=600)
    fuzz.text_records(SOURCE, LINES, runs=600)
    fuzz.anything(SOURCE, examples=60)
    fuzz.too_much(SOURCE, PANTHER, ["identities", "domain", "internalIp"])


def test_records_that_detection_rules_are_tested_with(shared: Path) -> None:
    found = logs(shared, "cisco_umbrella_dns")
    if not found:
        pytest.skip("left out: the recorded Umbrella records are not there")
    for log in found:
        event = one(SOURCE, log)
        assert event.ocsf["disposition"] == log["action"]


@pytest.mark.parametrize(("word", "wanted"), [("Allow", "Allowed"), ("block", "Blocked"), ("Watched", "Watched")])
def test_words_for_what_was_done(word: str, wanted: str) -> None:
    assert one(SOURCE, {**PANTHER, "action": word}).ocsf["disposition"] == wanted


def test_the_most_granular_identity_counts_where_the_others_have_no_types() -> None:
    line = V4.replace(b'"AD Users,Roaming Computers,Networks"', b'"AD Users,Networks"')
    assert "user:alice@example.com" in names(one(SOURCE, line))

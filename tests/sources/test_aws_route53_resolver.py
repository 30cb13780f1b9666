from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from enrichers.entities import entities_of
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.aws.route53_resolver import SOURCE
from tests.sources import fuzz

NOON = 1_718_452_800_000
INSTANCE = "i-0123456789abcdef0"
QUERY: dict[str, Any] = {
    "version": "1.100000",
    "account_id": "123456789012",
    "region": "eu-north-1",
    "vpc_id": "vpc-0abc",
    "query_timestamp": "2024-06-15T12:00:00Z",
    "query_name": "pool.example.com.",
    "query_type": "A",
    "query_class": "IN",
    "rcode": "NOERROR",
    "answers": [
        {"Rdata": "pool.cdn.example.com.", "Type": "CNAME", "Class": "IN"},
        {"Rdata": "203.0.113.9", "Type": "A", "Class": "IN"},
    ],
    "srcaddr": "10.0.1.5",
    "srcport": "53211",
    "transport": "UDP",
    "srcids": {"instance": INSTANCE},
}
BLOCKED = QUERY | {
    "rcode": "NXDOMAIN",
    "answers": [],
    "firewall_rule_action": "BLOCK",
    "firewall_rule_group_id": "rslvr-frg-0abc",
    "firewall_domain_list_id": "rslvr-fdl-0abc",
}


def parsed(value: Any) -> Event:
    raw = json.dumps(value).encode()
    event = SOURCE.parse(RawRecord("route53_resolver", raw, Coordinates("raw.route53_resolver", 0, 1), NOON))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    assert event.ocsf["raw_data"] == raw.decode()
    return event


def test_query_with_answers() -> None:
    event = parsed(QUERY)
    made = event.ocsf
    assert event.logsource == LogSource("aws", "route53resolver", ("dns",))
    assert (event.time, made["class_uid"], made["activity_id"]) == (NOON, 4003, 2)
    assert made["query"] == {"hostname": "pool.example.com", "type": "A", "class": "IN"}
    assert [answer["rdata"] for answer in made["answers"]] == ["pool.cdn.example.com.", "203.0.113.9"]
    assert (made["rcode_id"], made["rcode"], made["status"]) == (0, "NoError", "Success")
    assert made["src_endpoint"] == {
        "ip": "10.0.1.5",
        "instance_uid": INSTANCE,
        "vpc_uid": "vpc-0abc",
        "port": 53211,
    }
    assert made["connection_info"]["protocol_name"] == "udp"
    assert made["unmapped"] == {"srcids": {"instance": INSTANCE}}
    assert set(map(str, entities_of(made))) == {"account:123456789012", "ip:10.0.1.5", f"workload:{INSTANCE}"}


def test_native_has_the_fields_of_dns_rules() -> None:
    native = parsed(QUERY | {"query_type": "TXT"}).native
    assert (native["query"], native["record_type"]) == ("pool.example.com", "TXT")
    assert native["answer"] == ["pool.cdn.example.com.", "203.0.113.9"]
    assert native["query_name"] == "pool.example.com."


@pytest.mark.parametrize(
    ("action", "action_id", "disposition"),
    [("ALERT", 1, "Alert"), ("BLOCK", 2, "Blocked"), ("ALLOW", 1, "Allowed"), ("DELAY", 99, "DELAY")],
)
def test_firewall(action: str, action_id: int, disposition: str) -> None:
    made = parsed(BLOCKED | {"firewall_rule_action": action}).ocsf
    assert (made["action_id"], made["disposition"]) == (action_id, disposition)
    assert made.get("is_alert", False) == (action == "ALERT")
    assert made["firewall_rule"] == {"uid": "rslvr-frg-0abc"}
    assert made["unmapped"]["firewall_domain_list_id"] == "rslvr-fdl-0abc"


@pytest.mark.parametrize(
    ("rcode", "number", "status"), [("NXDOMAIN", 3, "Failure"), ("SERVFAIL", 2, "Failure"), ("ODD", 99, "Failure")]
)
def test_result(rcode: str, number: int, status: str) -> None:
    made = parsed(QUERY | {"rcode": rcode}).ocsf
    assert (made["rcode_id"], made["status"], made["status_code"]) == (number, status, rcode)


def test_query_without_an_answer() -> None:
    made = parsed({name: QUERY[name] for name in QUERY if name not in {"rcode", "answers"}}).ocsf
    assert made["activity_id"] == 1
    assert "rcode_id" not in made


def test_inbound_endpoint() -> None:
    made = parsed(
        QUERY | {"srcids": {"resolver_endpoint": "rslvr-in-0abc", "resolver_network_interface": "rni-0abc"}}
    ).ocsf
    assert made["dst_endpoint"] == {"uid": "rslvr-in-0abc", "interface_uid": "rni-0abc"}
    assert "instance_uid" not in made["src_endpoint"]


def test_one_answer_outside_a_list() -> None:
    made = parsed(QUERY | {"answers": {"Rdata": "203.0.113.9", "Type": "A", "Class": "IN"}}).ocsf
    assert made["answers"] == [{"rdata": "203.0.113.9", "type": "A", "class": "IN"}]


@pytest.mark.parametrize(
    "value", [{}, {"query_name": "a"}, {"query_name": 1, "srcaddr": []}, {"query_name": "a", "srcaddr": "nowhere"}]
)
def test_refused(value: dict[str, Any]) -> None:
    found = SOURCE.parse(
        RawRecord("route53_resolver", json.dumps(value).encode(), Coordinates("raw.route53_resolver", 0, 1), NOON)
    )
    assert isinstance(found, ParseError)
    assert "query log" in found.reason


def test_recognized() -> None:
    assert SOURCE.recognize(b"{}", QUERY)
    assert not SOURCE.recognize(b"{}", {"query": "a.example.com", "id.orig_h": "10.0.0.1"})
    assert not SOURCE.recognize(b"query_name query_timestamp srcaddr", None)


def test_hostile() -> None:
    fuzz.json_records(SOURCE, [QUERY, BLOCKED], runs=400)
    fuzz.every_part_wrong(SOURCE, [BLOCKED | {"answers": QUERY["answers"]}])
    fuzz.too_much(SOURCE, QUERY, ["query_name", "answers", "transport", "srcids", "rcode"])
    fuzz.anything(SOURCE, examples=80)


def test_shared_records(shared: Path) -> None:
    seen = 0
    for line in (shared / "data/panther/aws_vpc_flow.tests.ndjson").read_text().splitlines():
        log = json.loads(line)["log"]
        if log.get("p_log_type") == "AWS.VPCDns":
            assert SOURCE.recognize(json.dumps(log).encode(), log)
            assert parsed(log).class_uid == 4003
            seen += 1
    assert seen > 0

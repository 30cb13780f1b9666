from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from enrichers.links import links_of
from models.records import ParseError
from streams.sources.base import MAX_PARTS
from streams.sources.microsoft.azure_flow import SOURCE
from tests.sources import fuzz
from tests.sources.microsoft_records import (
    CONNECTION,
    FLOWS,
    NOON,
    NSG,
    NSG_1,
    SUBSCRIPTION,
    VM,
    VNET,
    event,
    events,
    record,
)


def test_every_tuple_is_an_event() -> None:
    denied, opened, closed = events(SOURCE, NSG)
    assert [found.ocsf["activity_id"] for found in (denied, opened, closed)] == [5, 1, 2]
    assert [found.time - NOON for found in (denied, opened, closed)] == [0, 1000, 60_000]
    assert len({found.uid for found in (denied, opened, closed)}) == 3
    body = denied.ocsf
    assert (body["action"], body["disposition"]) == ("Denied", "Blocked")
    assert body["src_endpoint"] == {"ip": "198.51.100.23", "port": 28746}
    assert body["dst_endpoint"] == {"ip": "10.5.16.4", "port": 3389, "mac": "00:0d:3a:f8:78:56"}
    assert body["connection_info"] == {"direction_id": 1, "protocol_name": "tcp", "protocol_num": 6}
    assert body["firewall_rule"] == {"name": "DefaultRule_DenyAllInBound"}
    assert body["cloud"]["account"]["uid"] == SUBSCRIPTION
    assert "traffic" not in opened.ocsf
    assert closed.ocsf["traffic"] == {
        "packets_out": 10,
        "bytes_out": 2000,
        "packets_in": 8,
        "bytes_in": 9000,
        "packets": 18,
        "bytes": 11000,
    }
    assert [str(key) for key in entities_of(body)] == [f"account:{SUBSCRIPTION}", "ip:10.5.16.4", "ip:198.51.100.23"]


def test_raw_data_is_the_record_with_its_own_tuple_alone() -> None:
    for value in (NSG, VNET):
        for found in events(SOURCE, value):
            alone = orjson.loads(found.ocsf["raw_data"])
            (again,) = events(SOURCE, alone)
            assert again.time == found.time
            assert again.ocsf["src_endpoint"] == found.ocsf["src_endpoint"]
            assert again.ocsf["firewall_rule"] == found.ocsf["firewall_rule"]
            assert {name: alone[name] for name in ("time", "category")} == {n: value[n] for n in ("time", "category")}


def test_record_of_one_tuple_is_kept_as_it_is() -> None:
    (found,) = events(SOURCE, NSG_1)
    assert found.ocsf["raw_data"] == record(SOURCE, NSG_1).raw.decode()
    assert found.ocsf["activity_id"] == 6
    assert found.ocsf["src_endpoint"]["mac"] == "00:0d:3a:f8:78:56"
    assert found.ocsf["connection_info"]["protocol_name"] == "udp"


def test_virtual_network() -> None:
    opened, closed, denied = events(SOURCE, VNET)
    assert [found.ocsf["activity_id"] for found in (opened, closed, denied)] == [1, 2, 5]
    assert opened.time == NOON + 123
    assert opened.ocsf["src_endpoint"]["vpc_uid"].endswith("/virtualNetworks/v1")
    assert closed.ocsf["traffic"]["bytes"] == 2347
    assert denied.ocsf["src_endpoint"] == {"ip": "2001:db8::9", "port": 40000}
    assert opened.ocsf["firewall_rule"] == {"name": "DefaultRule_AllowInternetOutBound", "uid": "acl-1"}
    assert opened.ocsf["unmapped"]["flowEncryption"] == "NX"


def test_native_has_the_names_of_firewall_rules() -> None:
    native = event(SOURCE, NSG).native
    assert (native["dst_port"], native["action"], native["blocked"]) == (3389, "deny", "true")
    assert native["src_ip"] == "198.51.100.23"


def test_connection_of_a_process() -> None:
    found = event(SOURCE, CONNECTION)
    body = found.ocsf
    assert (body["class_uid"], body["activity_id"], found.time) == (4001, 6, NOON + 868)
    assert body["actor"]["process"] == {"uid": "p-1", "name": "java"}
    assert body["dst_endpoint"] == {"ip": "10.0.0.6", "port": 8080}
    assert body["traffic"] == {"bytes_out": 137, "bytes_in": 333, "bytes": 470}
    assert {"host:web01", "ip:198.51.100.23", f"workload:{VM.lower()}"} <= set(map(str, entities_of(body)))


def test_machine_that_connects_shows_its_own_address() -> None:
    outbound = CONNECTION | {"Direction": "outbound", "SourceIp": "10.0.0.6", "DestinationIp": "198.51.100.23"}
    links = links_of(event(SOURCE, outbound))
    assert {str(end) for link in links for end in (link.left, link.right)} >= {"host:web01", "ip:10.0.0.6"}
    assert event(SOURCE, outbound, LinksFailed=2, LinksEstablished=0).ocsf["activity_id"] == 4


@pytest.mark.parametrize("text", ["", "1,2,3", "1718452800,x,y,1,2,T,I,A", "a" * 2000])
def test_tuple_that_cannot_be_read_says_so(text: str) -> None:
    groups = [{"rule": "r", "flowTuples": [text]}]
    error = SOURCE.parse_all(record(SOURCE, VNET | {"flowRecords": {"flows": [{"flowGroups": groups}]}}, NOON))
    assert isinstance(error, ParseError)
    assert error.field == "flowTuples"


@pytest.mark.parametrize("value", [{}, {"category": "FlowLogFlowEvent"}, {"flowRecords": []}])
def test_what_is_no_flow_log_says_so(value: dict[str, Any]) -> None:
    assert isinstance(SOURCE.parse_all(record(SOURCE, value, NOON)), ParseError)
    assert not SOURCE.recognize(b"", value)


def test_many_tuples_do_not_multiply_the_record() -> None:
    tuples = VNET["flowRecords"]["flows"][0]["flowGroups"][0]["flowTuples"] * 400
    group = {"rule": "r" * 5000, "flowTuples": tuples}
    value = VNET | {"flowRecords": {"flows": [{"flowGroups": [group]}]}, "more": "x" * 200_000}
    found = events(SOURCE, value)
    assert len(found) == len(tuples) < MAX_PARTS
    assert max(len(one.ocsf["raw_data"]) for one in found) < 4096


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, FLOWS, 300)
    fuzz.anything(SOURCE, 60)
    fuzz.too_much(SOURCE, VNET, ("flowRecords", "macAddress", "time"))


def test_recorded_telemetry(shared: Path) -> None:
    paths = sorted((shared / "data/multi_source").glob("*/vminsights_vmconnection*.ndjson"))
    assert paths
    for line in paths[0].read_bytes().splitlines():
        assert any(key.type == "host" for key in entities_of(event(SOURCE, orjson.loads(line)).ocsf))

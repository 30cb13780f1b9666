from __future__ import annotations

from typing import Any

from models.event import LogSource
from models.records import ParseError
from streams.detect.record import Record
from streams.sources.google.flow import SOURCE
from tests.sources import fuzz
from tests.sources.parsing import NOON, kind, names, one, raw

FLOW: dict[str, Any] = {
    "connection": {
        "src_ip": "10.128.0.5",
        "src_port": 43210,
        "dest_ip": "203.0.113.9",
        "dest_port": 443,
        "protocol": 6,
    },
    "bytes_sent": "1776",
    "packets_sent": "12",
    "rtt_msec": "20",
    "start_time": "2024-06-15T11:59:50.000000000Z",
    "end_time": "2024-06-15T12:00:00.500000000Z",
    "reporter": "SRC",
    "src_instance": {
        "project_id": "one-project",
        "vm_name": "web-1",
        "region": "europe-north1",
        "zone": "europe-north1-a",
    },
    "src_vpc": {"project_id": "one-project", "vpc_name": "default", "subnetwork_name": "default-sub"},
    "dest_location": {"country": "fin", "region": "Uusimaa", "city": "Helsinki", "asn": 64500, "continent": "Europe"},
    "src_gke_details": {"cluster": {"cluster_name": "one"}, "pod": {"pod_name": "web-7", "pod_namespace": "shop"}},
}
ENTRY: dict[str, Any] = {
    "insertId": "flow1",
    "jsonPayload": FLOW,
    "resource": {"type": "gce_subnetwork", "labels": {"project_id": "one-project", "location": "europe-north1-a"}},
    "timestamp": "2024-06-15T12:00:05.000Z",
    "logName": "projects/one-project/logs/compute.googleapis.com%2Fvpc_flows",
    "receiveTimestamp": "2024-06-15T12:00:05.000Z",
}


def test_a_flow() -> None:
    event = one(SOURCE, ENTRY)
    ocsf = event.ocsf
    assert (kind(event), event.time) == ((4001, 6), NOON + 500)
    assert (ocsf["start_time"], ocsf["end_time"]) == (NOON - 10_000, NOON + 500)
    source, target = ocsf["src_endpoint"], ocsf["dst_endpoint"]
    assert (source["ip"], source["port"], source["hostname"], source["vpc_uid"]) == (
        "10.128.0.5",
        43210,
        "web-1",
        "default",
    )
    assert (target["ip"], target["port"], target["location"]["country"]) == ("203.0.113.9", 443, "fin")
    assert target["autonomous_system"] == {"number": 64500}
    assert ocsf["connection_info"] == {"direction_id": 2, "protocol_name": "tcp", "protocol_num": 6}
    assert ocsf["traffic"] == {"bytes": 1776, "packets": 12, "bytes_out": 1776, "packets_out": 12}
    assert ocsf["observation_point_id"] == 1
    assert ocsf["metadata"]["original_event_uid"] == "flow1"
    assert ocsf["unmapped"]["rtt_msec"] == "20"
    expected = {"host:web-1", "ip:10.128.0.5", "ip:203.0.113.9", "workload:shop/web-7", "account:one-project"}
    assert names(event) == expected


def test_directions() -> None:
    machine = FLOW["src_instance"]
    inbound = {name: value for name, value in FLOW.items() if name != "src_instance"} | {"dest_instance": machine}
    assert (
        one(SOURCE, {**ENTRY, "jsonPayload": {**inbound, "reporter": "DEST"}}).ocsf["connection_info"]["direction_id"]
        == 1
    )
    both = {**FLOW, "dest_instance": machine}
    assert one(SOURCE, {**ENTRY, "jsonPayload": both}).ocsf["connection_info"]["direction_id"] == 3


def test_counts_below_zero_are_no_counts() -> None:
    assert one(SOURCE, {**FLOW, "bytes_sent": "-1"}).ocsf["traffic"] == {"packets": 12, "packets_out": 12}


def test_names_that_rules_use() -> None:
    event = one(SOURCE, ENTRY)
    assert event.logsource == LogSource("gcp", "gcp.vpcflow", ("firewall",))
    record = Record(event.native)
    assert (record.values("dst_ip"), record.values("dst_port")) == (("203.0.113.9",), (443,))
    assert record.values("jsonPayload.connection.src_ip") == ("10.128.0.5",)


def test_a_payload_alone_and_lower_case_names() -> None:
    assert one(SOURCE, FLOW).ocsf["dst_endpoint"]["port"] == 443
    assert one(SOURCE, {name.lower(): value for name, value in ENTRY.items()}).ocsf["dst_endpoint"]["port"] == 443


def test_what_is_no_flow_is_refused() -> None:
    for value in ({"jsonPayload": {"connection": {"src_ip": "10.0.0.1"}}}, {"jsonPayload": {"connection": 1}}, {}):
        assert not SOURCE.recognize(b"", value)
        assert isinstance(SOURCE.parse(raw(SOURCE, value)), ParseError)


def test_hostile_records() -> None:
    fuzz.json_records(SOURCE, (ENTRY, FLOW))
    fuzz.every_part_wrong(SOURCE, (ENTRY,))
    fuzz.anything(SOURCE, 100)
    fuzz.too_much(SOURCE, FLOW, ("reporter", "bytes_sent", "src_instance", "start_time"))

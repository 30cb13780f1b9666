from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from enrichers.entities import entities_of
from models import ocsf
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Coordinates, ParseError, RawRecord
from streams.detect.logsource import RuleLogSource
from streams.sources.aws.flow_layouts import DEFAULT, IN_ORDER
from streams.sources.aws.vpc_flow import SOURCE
from tests.sources import fuzz

START = 1_718_452_800_000  # 2024-06-15T12:00:00Z
ENI = "eni-0a1b2c3d4e5f60718"
INSTANCE = "i-0123456789abcdef0"
LINE = f"2 123456789012 {ENI} 10.0.1.5 203.0.113.9 44321 443 6 10 8400 1718452800 1718452860 ACCEPT OK"
REJECTED = f"2 123456789012 {ENI} 198.51.100.7 10.0.1.5 51000 22 6 1 40 1718452800 1718452801 REJECT OK"
NODATA = f"2 123456789012 {ENI} - - - - - - - 1718452800 1718452860 - NODATA"
SKIPDATA = f"2 unknown {ENI} - - - - - - - 1718452800 1718452860 - SKIPDATA"
MORE = {
    "vpc_id": "vpc-0abc",
    "subnet_id": "subnet-0abc",
    "instance_id": INSTANCE,
    "tcp_flags": "19",
    "type": "IPv4",
    "pkt_srcaddr": "10.0.1.5",
    "pkt_dstaddr": "203.0.113.9",
    "region": "eu-north-1",
    "az_id": "eun1-az1",
    "sublocation_type": "-",
    "sublocation_id": "-",
    "pkt_src_aws_service": "-",
    "pkt_dst_aws_service": "S3",
    "flow_direction": "egress",
    "traffic_path": "8",
}
FLOW = dict(zip(DEFAULT, LINE.split(), strict=True)) | {"version": "5"} | MORE
EXAMPLE = (
    "version vpc_id subnet_id instance_id interface_id account_id type srcaddr dstaddr srcport dstport "
    "pkt_srcaddr pkt_dstaddr protocol bytes packets start end action tcp_flags log_status"
)
EVERYTHING = {name: FLOW.get(name, "-") for name in IN_ORDER} | {
    "ecs_cluster_name": "shop",
    "ecs_container_id": "0f" * 32,
    "reject_reason": "BPA",
    "encryption_status": "1",
}
PANTHER = {
    "version": 2,
    "account": "123456789012",
    "interfaceId": ENI,
    "srcAddr": "198.51.100.7",
    "dstAddr": "10.0.1.5",
    "srcPort": 51000,
    "dstPort": 22,
    "protocol": 6,
    "packets": 1,
    "bytes": 40,
    "start": "2024-06-15 12:00:00.000000000",
    "end": "2024-06-15 12:00:10.000000000",
    "action": "REJECT",
    "status": "OK",
    "instanceId": INSTANCE,
    "packetSrcAddr": "198.51.100.99",
    "flowDirection": "ingress",
    "p_log_type": "AWS.VPCFlow",
}


def record(value: Any, columns: tuple[str, ...] = (), broker_time: int = 0) -> RawRecord:
    raw = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return RawRecord("aws_vpc_flow", raw, Coordinates("raw.aws_vpc_flow", 0, 1), broker_time, columns)


def parsed(value: Any, columns: tuple[str, ...] = (), broker_time: int = 0) -> Event:
    event = SOURCE.parse(record(value, columns, broker_time))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event


def keys(event: Event) -> set[str]:
    return set(map(str, entities_of(event.ocsf)))


def test_default_line() -> None:
    event = parsed(LINE)
    made = event.ocsf
    assert (made["class_uid"], made["activity_id"], made["action"], made["disposition"]) == (
        4001,
        6,
        "Allowed",
        "Allowed",
    )
    assert (made["status_id"], made["status_code"]) == (1, "OK")
    assert (event.time, made["start_time"], made["end_time"], made["duration"]) == (
        START,
        START,
        START + 60_000,
        60_000,
    )
    assert made["metadata"]["original_time"] == "1718452800"
    assert made["src_endpoint"] == {"ip": "10.0.1.5", "port": 44321, "interface_uid": ENI}
    assert made["dst_endpoint"] == {"ip": "203.0.113.9", "port": 443}
    assert made["connection_info"]["direction_id"] == 2
    assert (made["connection_info"]["protocol_name"], made["connection_info"]["protocol_num"]) == ("tcp", 6)
    assert made["traffic"] == {"bytes": 8400, "bytes_out": 8400, "packets": 10, "packets_out": 10}
    assert made["cloud"]["account"]["uid"] == "123456789012"
    assert made["raw_data"] == LINE
    assert "unmapped" not in made
    assert keys(event) == {"account:123456789012", "ip:10.0.1.5", "ip:203.0.113.9"}


def test_rejected() -> None:
    made = parsed(REJECTED).ocsf
    assert (made["activity_id"], made["action_id"], made["disposition_id"], made["status_id"]) == (5, 2, 2, 2)
    assert made["dst_endpoint"]["interface_uid"] == ENI
    assert made["connection_info"]["direction_id"] == 1


@pytest.mark.parametrize("line", [NODATA, SKIPDATA])
def test_no_data(line: str) -> None:
    made = parsed(line).ocsf
    assert (made["activity_id"], made["activity_name"]) == (99, line.rpartition(" ")[2])
    assert made["src_endpoint"] == {"interface_uid": ENI}
    assert ("account" in made["cloud"]) == ("unknown" not in line)
    assert "traffic" not in made


def test_columns_of_a_header_line_in_any_order() -> None:
    names = tuple(sorted(FLOW))
    event = parsed(" ".join(FLOW[name] for name in names), tuple(name.replace("_", "-") for name in names))
    made = event.ocsf
    assert made["src_endpoint"] == {
        "ip": "10.0.1.5",
        "port": 44321,
        "interface_uid": ENI,
        "instance_uid": INSTANCE,
        "vpc_uid": "vpc-0abc",
        "subnet_uid": "subnet-0abc",
    }
    assert made["dst_endpoint"]["svc_name"] == "S3"
    assert made["connection_info"] == {
        "direction_id": 2,
        "protocol_name": "tcp",
        "protocol_num": 6,
        "tcp_flags": 19,
        "protocol_ver_id": 4,
        "protocol_ver": "IPv4",
        "boundary_id": 11,
        "boundary": "Internet Gateway",
    }
    assert (made["cloud"]["region"], made["cloud"]["zone"]) == ("eu-north-1", "eun1-az1")
    assert made["metadata"]["log_version"] == "5"
    assert f"workload:{INSTANCE}" in keys(event)


@pytest.mark.parametrize(
    "names",
    [
        IN_ORDER[:21],
        IN_ORDER[:29],
        IN_ORDER,
        tuple(sorted(IN_ORDER[:29])),
        tuple(EXAMPLE.split()),
    ],
)
def test_custom_formats_without_a_header_are_told_by_their_values(names: tuple[str, ...]) -> None:
    line = " ".join(EVERYTHING[name] for name in names)
    assert SOURCE.recognize(line.encode(), None)
    made = parsed(line).ocsf
    assert made["src_endpoint"]["instance_uid"] == INSTANCE
    assert made["traffic"]["bytes"] == 8400


def test_unknown_order_after_the_default_fields_stays_unmapped() -> None:
    made = parsed(f"{LINE} egress vpc-0abc").ocsf
    assert made["unmapped"] == {"field_15": "egress", "field_16": "vpc-0abc"}


def test_comma_separated_line() -> None:
    made = parsed(",".join(FLOW.values()), tuple(FLOW)).ocsf
    assert (made["dst_endpoint"]["ip"], made["traffic"]["bytes"]) == ("203.0.113.9", 8400)


@pytest.mark.parametrize("dash", ["_", "-"])
@pytest.mark.parametrize("numbers", [True, False])
def test_json_is_the_same_event_as_the_line(dash: str, numbers: bool) -> None:
    value = {
        name.replace("_", dash): int(item) if numbers and item.isdecimal() and name != "account_id" else item
        for name, item in FLOW.items()
    }
    names = tuple(FLOW)
    of_json, of_line = parsed(value).ocsf, parsed(" ".join(FLOW.values()), names).ocsf
    different = ("metadata", "raw_data", "raw_data_hash")
    assert {name: of_json[name] for name in of_json if name not in different} == {
        name: of_line[name] for name in of_line if name not in different
    }
    assert SOURCE.recognize(json.dumps(value).encode(), value)


def test_panther_names() -> None:
    event = parsed(PANTHER)
    made = event.ocsf
    assert (event.time, made["activity_id"], made["disposition"]) == (START, 5, "Blocked")
    assert made["dst_endpoint"]["instance_uid"] == INSTANCE
    assert made["src_endpoint"]["intermediate_ips"] == ["198.51.100.99"]
    assert made["unmapped"] == {"p_log_type": "AWS.VPCFlow"}
    assert event.native["dstPort"] == 22
    assert SOURCE.recognize(b"{}", PANTHER)


def test_two_private_addresses_without_a_direction_leave_the_interface_between_them() -> None:
    inner = {**FLOW, "dstaddr": "10.0.2.9", "flow_direction": "-"}
    event = parsed(inner)
    made = event.ocsf
    assert made["connection_info"]["direction_id"] == 3
    assert made["network_observation_point"]["interface_uid"] == ENI
    assert "instance_uid" not in made["src_endpoint"]
    assert "instance_uid" not in made["dst_endpoint"]
    assert f"workload:{INSTANCE}" in keys(event)


def test_container_and_later_fields() -> None:
    event = parsed(EVERYTHING)
    assert event.ocsf["status_detail"] == "BPA"
    assert event.ocsf["unmapped"] == {"ecs_cluster_name": "shop", "encryption_status": "1"}
    assert "workload:" + "0f" * 6 in keys(event)


def test_ipv6_without_a_type() -> None:
    made = parsed(LINE.replace("10.0.1.5", "2001:db8::5").replace("203.0.113.9", "2001:db8::9")).ocsf
    assert made["src_endpoint"]["ip"] == "2001:db8::5"
    assert made["connection_info"]["protocol_ver_id"] == 6


def test_unknown_action_is_other() -> None:
    made = parsed({**FLOW, "action": "MIRROR"}).ocsf
    assert (made["activity_id"], made["activity_name"]) == (99, "MIRROR")


def test_broker_time_where_there_is_none() -> None:
    event = parsed({"srcAddr": "198.51.100.7", "dstAddr": "10.0.0.1", "p_log_type": "AWS.VPCFlow"}, broker_time=START)
    assert event.time == START
    assert event.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]


def test_values_that_ocsf_refuses_are_left_out() -> None:
    made = parsed({**FLOW, "srcport": 70000, "protocol": 300, "bytes": -1, "pkt_srcaddr": "nowhere"}).ocsf
    assert "port" not in made["src_endpoint"]
    assert "protocol_num" not in made["connection_info"]
    assert "bytes" not in made["traffic"]


def test_native_has_the_fields_of_firewall_rules() -> None:
    event = parsed(LINE)
    assert event.logsource == LogSource("aws", "vpcflow", ("firewall",))
    assert RuleLogSource(category="firewall").concerns(event.logsource, 4001)
    native = event.native
    assert (native["dst_port"], native["action"], native["src_ip"], native["dst_ip"]) == (
        "443",
        "ACCEPT",
        "10.0.1.5",
        "203.0.113.9",
    )


@pytest.mark.parametrize(
    ("raw", "columns", "reason"),
    [
        ("", (), "empty"),
        ("hello", (), "default format"),
        ("a b c", ("srcaddr", "dstaddr"), "3 values under a header line of 2"),
        ("a b", ("uid", "ts"), "neither addresses"),
        ("- -", ("srcaddr", "dstaddr"), "neither addresses"),
        ("x y", ("srcaddr", "dstaddr"), "neither addresses"),
        ("{}", (), "neither addresses"),
        (LINE + " x" * 4000, (), "characters"),
        (" ".join(IN_ORDER[:14]), (), "default format"),
    ],
)
def test_refused(raw: str, columns: tuple[str, ...], reason: str) -> None:
    found = SOURCE.parse(record(raw, columns, START))
    assert isinstance(found, ParseError)
    assert reason in found.reason


@pytest.mark.parametrize(
    "line",
    [
        '198.51.100.7 - - [15/Jun/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 7',
        "Jun 15 12:00:00 web sshd[1]: Accepted publickey for alice from 198.51.100.7 port 51000",
        "1718452800.1\tCabc\t198.51.100.7\t51000\t10.0.0.1\t22\ttcp",
        "time is OK",
    ],
)
def test_lines_of_others_are_not_recognized(line: str) -> None:
    assert not SOURCE.recognize(line.encode(), None)


@pytest.mark.parametrize(
    "value",
    [
        {"srcaddr": "10.0.0.1", "query_name": "a.example.com", "query_timestamp": "2024-06-15T12:00:00Z"},
        {"srcaddr": "10.0.0.1", "dstaddr": "10.0.0.2"},
        {"status": {"a": 1}, "interfaceId": "eni-1"},
        {"log_status": ["NODATA"], "interface_id": "eni-1"},
    ],
)
def test_objects_of_others_are_not_recognized(value: dict[str, Any]) -> None:
    assert not SOURCE.recognize(json.dumps(value).encode(), value)


def test_hostile_json() -> None:
    fuzz.json_records(SOURCE, [FLOW, PANTHER, EVERYTHING], runs=400)
    fuzz.every_part_wrong(SOURCE, [PANTHER])
    fuzz.too_much(SOURCE, FLOW, ["srcaddr", "protocol", "start", "flow_direction", "interface_id"])


def test_hostile_lines() -> None:
    fuzz.text_records(SOURCE, [line.encode() for line in (LINE, NODATA, " ".join(EVERYTHING.values()))], runs=500)
    fuzz.anything(SOURCE, examples=100)


def test_hostile_values_under_a_header() -> None:
    names = tuple(FLOW)
    for at in range(len(names)):
        for wrong in ("x" * 3000, "9" * 30, "-1", "\u0663", "::", "{}", "%", "1e5"):
            values = [*FLOW.values()]
            values[at] = wrong
            found = SOURCE.parse(record(" ".join(values), names, START))
            assert isinstance(found, ParseError) or validate(ocsf.decode(ocsf.encode(found.ocsf))) == []


def test_shared_records(shared: Path) -> None:
    seen = 0
    for line in (shared / "data/panther/aws_vpc_flow.tests.ndjson").read_text().splitlines():
        log = json.loads(line)["log"]
        if log.get("p_log_type") == "AWS.VPCFlow":
            assert SOURCE.recognize(json.dumps(log).encode(), log)
            assert parsed(log, broker_time=START).class_uid == 4001
            seen += 1
    assert seen > 0

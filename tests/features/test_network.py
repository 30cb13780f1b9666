"""What connections, HTTP and DNS count to, and for which of the two ends."""

from __future__ import annotations

from typing import Any

import pytest

from models.event import Event
from tests.features.build import ALICE, NOON, amounts, by_entity, distinct, event, folded, of, values
from tests.features.everything import DEVICE, FLOW, INSIDE, OUTSIDE, SHELL, TLS, TUNNEL

CLIENT = "ip:10.20.1.42"
TRAFFIC = {"bytes_out": 100, "bytes_in": 900, "packets_out": 2, "packets_in": 3}
RESOLVER = {"ip": "10.0.0.53", "port": 53}


def flow(at: int = 0, activity: int = 6, **body: Any) -> Event:
    """Make a connection from an own address to one outside."""
    return event(4001, activity, at=at, **(FLOW | body))


def test_a_connection_says_where_to_and_how_much() -> None:
    found = of(CLIENT, flow(traffic=TRAFFIC))
    assert amounts(found) == {"connections": 1, **TRAFFIC}
    assert values(found) == {"destination": {"198.51.100.9"}, "port": {"443/tcp"}}
    assert distinct(found) == {"destinations": 1, "ports": 1}


def test_a_destination_says_when_it_was_reached_first() -> None:
    found = of(CLIENT, *(flow(at) for at in (900, 300, 600)))
    tally = found.values["destination"]["198.51.100.9"]
    assert (tally.amount, tally.time) == (3, NOON + 300)


def test_a_scan_shows_in_the_number_of_ports() -> None:
    scan = [flow(port, 4, dst_endpoint={"ip": "198.51.100.9", "port": port}) for port in range(1, 1001)]
    found = of(CLIENT, *scan)
    assert amounts(found) == {"connections": 1000, "failed_connections": 1000}
    assert distinct(found)["ports"] == pytest.approx(1000, rel=0.2)
    assert distinct(found)["destinations"] == 1


@pytest.mark.parametrize(
    ("body", "entity"),
    [
        ({}, "ip:10.20.1.42"),
        ({"src_endpoint": INSIDE | {"hostname": "WS-7.corp.example.com"}}, "host:ws-7"),
        ({"src_endpoint": INSIDE | {"instance_uid": "i-0123456789abcdef0"}}, "workload:i-0123456789abcdef0"),
        ({"src_endpoint": INSIDE | {"instance_uid": "i-1", "container": {"uid": "ab" * 32}}}, "workload:abababababab"),
        ({"device": DEVICE, "actor": {"process": SHELL}}, "host:ws-1"),
        ({"device": DEVICE | {"ip": "10.20.1.42"}}, "host:ws-1"),
        ({"device": {"hostname": "fw1"}}, "ip:10.20.1.42"),  # a firewall is neither end
        ({"src_endpoint": {"ip": "192.0.2.50"}}, "ip:192.0.2.50"),  # an own public address, as the direction says
    ],
)
def test_a_connection_counts_for_the_end_that_is_ones_own(body: dict[str, Any], entity: str) -> None:
    assert amounts(of(entity, flow(**body))) == {"connections": 1}


def test_a_connection_from_outside_counts_for_the_server_the_other_way_round() -> None:
    inward = {"src_endpoint": OUTSIDE | {"port": 50_000}, "dst_endpoint": INSIDE | {"port": 443}}
    found = of(CLIENT, event(4001, 6, traffic=TRAFFIC, connection_info={"direction_id": 1}, **inward))
    assert amounts(found) == {
        "connections_in": 1,
        "bytes_out": 900,
        "bytes_in": 100,
        "packets_out": 3,
        "packets_in": 2,
    }
    assert (values(found), distinct(found)) == ({}, {"clients": 1})


def test_a_connection_between_two_others_counts_for_nobody() -> None:
    both = {"src_endpoint": {"ip": "192.0.2.1"}, "dst_endpoint": {"ip": "192.0.2.2"}}
    assert folded([event(4001, 6, traffic=TRAFFIC, **both)]) == ()


def test_the_way_back_of_a_flow_is_no_connection() -> None:
    back = {"src_endpoint": OUTSIDE, "dst_endpoint": INSIDE, "connection_info": {"direction_id": 1}}
    found = of(CLIENT, flow(traffic={"bytes_out": 40}), event(4001, 6, traffic={"bytes_out": 7000}, **back))
    assert amounts(found) == {"connections": 1, "bytes_out": 40, "bytes_in": 7000}


@pytest.mark.parametrize(
    ("activity", "body", "connections"),
    [(1, {}, 1), (2, {}, 0), (2, {"start_time": 1}, 1), (3, {}, 1), (6, {}, 1), (99, {}, 0), (0, {}, 0)],
)
def test_a_connection_is_counted_once_however_many_records_tell_of_it(
    activity: int, body: dict[str, Any], connections: int
) -> None:
    found = of(CLIENT, flow(activity=activity, traffic={"bytes_out": 1}, **body))
    assert amounts(found).get("connections", 0) == connections
    assert amounts(found)["bytes_out"] == 1


@pytest.mark.parametrize(("activity", "body"), [(4, {}), (5, {}), (1, {"disposition_id": 2})])
def test_what_failed_or_was_refused_is_told(activity: int, body: dict[str, Any]) -> None:
    assert amounts(of(CLIENT, flow(activity=activity, **body))) == {"connections": 1, "failed_connections": 1}


def test_a_handshake_says_what_program_and_which_domain() -> None:
    prints = [{"type_id": 2, "value": "server"}, {"type_id": 1, "value": "T13d15"}]
    found = of(CLIENT, flow(tls=TLS, ja4_fingerprint_list=prints))
    assert values(found)["ja3"] == {"e7eca2baf4458d095b7f45da28c16c34"}
    assert values(found)["ja4"] == {"t13d15"}
    assert values(found)["domain"] == {"example.com"}


def test_amounts_that_are_none_are_not_added() -> None:
    wrong = {"bytes_out": -1, "bytes_in": "7", "packets_out": True, "packets_in": 1.5}
    assert amounts(of(CLIENT, flow(traffic=wrong))) == {"connections": 1}


def test_a_request_says_with_what_to_which_domain_and_how_it_ended() -> None:
    post = {"url": {"hostname": "WWW.example.co.uk"}, "body_length": 512, "user_agent": "curl/8.5.0 (x)"}
    found = of(CLIENT, event(4002, 6, http_request=post, http_response={"code": 404}, **FLOW))
    assert amounts(found) == {"http_requests": 1, "http_errors": 1, "http_bytes_out": 512}
    assert values(found) == {
        "domain": {"example.co.uk"},
        "http_agent": {"curl"},
        "destination": {"www.example.co.uk"},
    }


def test_a_proxy_that_names_only_the_person_counts_for_the_person() -> None:
    url = {"hostname": "www.example.com"}
    found = by_entity(
        event(4002, 3, actor={"user": ALICE}, src_endpoint={"ip": "203.0.113.7"}, http_request={"url": url})
    )
    assert amounts(found["user:alice@example.com"]) == {"http_requests": 1}


def test_requests_of_others_to_ones_own_server_count_for_nobody() -> None:
    inward = {"src_endpoint": OUTSIDE, "dst_endpoint": INSIDE}
    assert folded([event(4002, 3, http_request={"user_agent": "curl/8"}, **inward)]) == ()


def test_a_query_says_which_name_how_long_and_how_random() -> None:
    query = {"hostname": f"{TUNNEL}.", "type": "TXT"}
    found = of(CLIENT, event(4003, 2, query=query, rcode_id=3, src_endpoint=INSIDE, dst_endpoint=RESOLVER))
    assert amounts(found) == {"dns_queries": 1, "dns_unknown": 1}
    assert values(found) == {"dns_type": {"txt"}, "domain": {"example.net"}}
    assert distinct(found) == {"dns_names": 1}
    length, entropy = found.peaks["dns_length"], found.peaks["dns_entropy"]
    assert (length.value, length.text) == (len(TUNNEL), TUNNEL)
    assert 4_000 < entropy.value < 4_400


def test_the_longest_of_many_names_is_kept_and_all_are_counted() -> None:
    names = [f"{'a' * number}.example.com" for number in range(1, 41)]
    asked = [event(4003, 1, at=n, query={"hostname": name}, src_endpoint=INSIDE) for n, name in enumerate(names)]
    found = of(CLIENT, *asked)
    assert found.peaks["dns_length"].text == names[-1]
    assert distinct(found)["dns_names"] == pytest.approx(40, abs=8)
    assert values(found)["domain"] == {"example.com"}


@pytest.mark.parametrize(("class_uid", "kind"), [(4005, "rdp"), (4006, "smb"), (4007, "ssh")])
def test_remote_work_says_by_what_on_which_host(class_uid: int, kind: str) -> None:
    target = {"ip": "10.20.1.7", "hostname": "DC01.corp.example.com"}
    assert values(of(CLIENT, event(class_uid, 1, src_endpoint=INSIDE, dst_endpoint=target))) == {
        "remote": {f"{kind} dc01"}
    }

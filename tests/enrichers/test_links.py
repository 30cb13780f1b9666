from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.links import HOUR_MS, OBSERVERS, links_of
from models.entity import EntityLink
from models.event import Event, LogSource
from models.records import Coordinates

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
DEVICE = {"hostname": "mkt01.corp.example.com", "type_id": 0}
ALICE = {"name": "alice", "domain": "CORP"}


def event(class_uid: int, time: int = NOON, uid: str = "e1", **attributes: Any) -> Event:
    body = {"class_uid": class_uid, "time": time, **attributes}
    return Event(uid, time, "windows", LogSource("windows"), {}, body, Coordinates("t", 0, 1), "")


def links(*args: Any, **attributes: Any) -> tuple[EntityLink, ...]:
    return links_of(event(*args, **attributes))


def ends(found: tuple[EntityLink, ...]) -> list[tuple[str, str, int]]:
    return sorted((str(link.left), str(link.right), link.confidence) for link in found)


def connection(direction_id: int = 2, **changes: Any) -> dict[str, Any]:
    return {
        "device": DEVICE,
        "connection_info": {"direction_id": direction_id},
        "src_endpoint": {"ip": "10.0.0.5"},
        "dst_endpoint": {"ip": "203.0.113.9"},
        "actor": {"process": {"pid": 7}},
    } | changes


def logon(**changes: Any) -> dict[str, Any]:
    return {
        "device": DEVICE,
        "status_id": 1,
        "user": ALICE,
        "src_endpoint": {"ip": "10.0.0.9"},
        "session": {"uid": "0x7f3a2"},
    } | changes


def test_an_outbound_connection_shows_the_address_of_its_host() -> None:
    assert ends(links(4001, **connection())) == [("host:mkt01", "ip:10.0.0.5", 90)]


@pytest.mark.parametrize(
    "changes",
    [
        {"connection_info": {"direction_id": 1}},
        {"connection_info": {"direction_id": 0}},
        {"connection_info": None},
        {"src_endpoint": {"ip": "127.0.0.1"}},
        {"src_endpoint": {"ip": "fe80::1"}},
        {"src_endpoint": {"ip": "224.0.0.1"}},
        {"src_endpoint": {}},
        {"device": {}},
        {"actor": {"app_name": "sensor"}},  # a sensor on the wire knows no process, and the device is the sensor
    ],
)
def test_other_connections_show_nothing(changes: dict[str, Any]) -> None:
    assert links(4001, **connection(**changes)) == ()


def test_a_host_that_states_its_address_is_believed() -> None:
    assert ends(links(1007, device=DEVICE | {"ip": "10.0.0.5"})) == [("host:mkt01", "ip:10.0.0.5", 90)]
    assert links(1007, device=DEVICE) == ()


def test_a_lease_gives_an_address_to_a_host() -> None:
    client = {"hostname": "LAPTOP-7", "ip": "10.0.0.77"}
    assert ends(links(4004, activity_id=5, src_endpoint=client)) == [("host:laptop-7", "ip:10.0.0.77", 85)]
    assert links(4004, activity_id=3, src_endpoint=client) == ()


def test_a_logon_shows_where_its_user_is_and_which_session_is_hers() -> None:
    assert ends(links(3002, **logon())) == [
        ("ip:10.0.0.9", "user:corp\\alice", 80),
        ("session:mkt01/0x7f3a2", "user:corp\\alice", 90),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"status_id": 2},
        {"status_id": None},
        {"user": {"name": "MKT01$", "domain": "CORP"}},
        {"src_endpoint": {"ip": "::1"}, "session": {"uid": "0x3e7"}},
        {"src_endpoint": None, "session": None},
    ],
)
def test_a_logon_that_failed_or_is_nobody_s_shows_nothing(changes: dict[str, Any]) -> None:
    assert links(3002, **logon(**changes)) == ()


def test_credentials_issued_to_another_principal_belong_to_both() -> None:
    caller = {"name": "alice", "uid_alt": "arn:aws:iam::123456789012:user/alice"}
    role = {"name": "cli", "uid_alt": "arn:aws:sts::123456789012:assumed-role/admin/cli"}
    found = links(3002, status_id=1, user=role, actor={"user": caller}, session={"uid": "ASIAEXAMPLE000000003"})
    assert ends(found) == [
        ("session:asiaexample000000003", "user:arn:aws:iam::123456789012:user/alice", 90),
        ("session:asiaexample000000003", "user:arn:aws:sts::123456789012:assumed-role/admin/cli", 90),
        (
            "user:arn:aws:iam::123456789012:user/alice",
            "user:arn:aws:sts::123456789012:assumed-role/admin/cli",
            85,
        ),
    ]


def test_validity_is_the_hour_and_one_on_either_side() -> None:
    (link,) = links(4001, NOON + 1234, **connection())
    assert (link.valid_from, link.valid_to) == (NOON - HOUR_MS, NOON + 2 * HOUR_MS - 1)
    assert link.holds_at(NOON + 1234)
    assert (link.source, link.evidence) == ("windows", "e1")


@given(st.lists(st.integers(0, HOUR_MS - 1), min_size=2, max_size=6))
def test_the_same_fact_within_an_hour_is_one_link(offsets: list[int]) -> None:
    found = [links(4001, NOON + offset, uid=f"e{offset}", **connection())[0] for offset in offsets]
    assert len({(link.uid, link.valid_from, link.valid_to) for link in found}) == 1
    (later,) = links(4001, NOON + HOUR_MS, **connection())
    assert later.uid != found[0].uid


def test_links_are_sorted_and_distinct() -> None:
    found = links(4001, **connection(device=DEVICE | {"ip": "10.0.0.5"}))
    assert ends(found) == [("host:mkt01", "ip:10.0.0.5", 90)]
    pair = links(3002, **logon())
    assert [link.uid for link in pair] == sorted(link.uid for link in pair)


def test_other_events_show_nothing() -> None:
    assert links(1007, device=DEVICE, actor={"user": ALICE}) == ()
    assert links(4001, src_endpoint={"ip": "10.0.0.5"}, dst_endpoint={"ip": "203.0.113.9"}) == ()
    assert links(2004, device=DEVICE, actor={"user": ALICE, "session": {"uid": "0x7f3a2"}}) == ()
    assert links(5001, device=DEVICE, actor={"user": ALICE, "session": {"uid": "0x7f3a2"}}) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["device", "actor", "user", "session", "src_endpoint", "connection_info", "status_id", "activity_id"]
NAMES += ["dst_endpoint", "api", "cloud", "resources", "process", "query", "answers", "tunnel_interface", "lease_dur"]
INNER = ["uid", "ip", "hostname", "instance_uid", "container", "request", "response", "data", "operation", "items"]
INNER += ["user", "session", "metadata", "spec", "status", "kind", "instancesSet", "networkInterface", "sourceIdentity"]
NESTED = st.recursive(
    JSON | st.sampled_from(["Pod", "AWS", "kubernetes", "i-0123456789abcdef0", "10.0.0.7", "x"]),
    lambda inner: st.dictionaries(st.sampled_from(INNER), inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(st.sampled_from(sorted(OBSERVERS)), st.dictionaries(st.sampled_from(NAMES), JSON | NESTED))
def test_any_event_may_be_asked(class_uid: int, attributes: dict[str, Any]) -> None:
    for link in links(class_uid, **(logon() | connection() | attributes)):
        assert str(link.left) < str(link.right)
        assert 0 < link.confidence <= 100
        assert link.holds_at(NOON)

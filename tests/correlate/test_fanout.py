"""Links of shared things carry nothing, and that shows in no order of arrival: the oracle has the same rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.entity import FAN_OUT_CONFIDENCE, EntityLink
from models.finding import Withdrawn
from streams.correlate.bounds import MAX_LINKS
from streams.correlate.engine import Correlator
from streams.correlate.fanout import LINK_FANOUT, SESSIONS, needed, overlap, taken
from streams.correlate.outputs import Forward
from streams.correlate.state import KeyState
from tests.correlate.build import HOUR, MINUTE, START, link, signal, spec
from tests.correlate.drive import Driver
from tests.correlate.linked import check_any_order, check_on_time, check_workers
from tests.correlate.oracle_links import is_shared
from tests.correlate.test_properties import standing

NAT = "ip:192.0.2.1"
SPECS = [
    spec("temporal", "ab"),
    spec("temporal", "ab", group_by=("entity.user",), uid="user"),
    spec("temporal", "abc", group_by=("entity.ip",), uid="ip", timespan=30 * MINUTE),
    spec("event_count", "ac", count=2, group_by=("entity.host", "entity.user"), uid="pair", timespan=3 * HOUR),
    spec("event_count", "b", count=2, group_by=("entity.user", "port"), uid="port", cooldown=0),
    spec("value_sum", "ab", op="lt", count=5, fields=("size",), group_by=("entity.user",), uid="less"),
]
FANOUT = 2
CORRELATOR = Correlator(SPECS, link_fanout=FANOUT)

ENTITIES = ["ip:192.0.2.1", "ip:192.0.2.2", "host:h1", "host:h2", "session:s1"]
USERS = [f"user:u{number}" for number in range(4)]
signals = st.builds(
    lambda rule, hour, at, one, two, port: signal(
        rule,
        hour * HOUR + at * MINUTE,
        *sorted({one, *two}),
        fields={"port": str(port), "size": str(port)},
        name=f"{rule}{hour}{at}{one}{two}{port}",
    ),
    st.sampled_from("abc"),
    st.sampled_from([0, 0, 0, 1, 4]),
    st.integers(0, 59),
    st.sampled_from([*ENTITIES, *USERS]),
    st.sampled_from([(), (), ("host:h1",), ("user:u1",)]),
    st.integers(1, 2),
)
links = st.builds(
    lambda left, right, start, length: link(left, right, start * MINUTE, (start + length) * MINUTE),
    st.sampled_from(ENTITIES),
    st.sampled_from(USERS),
    st.integers(-90, 330),
    st.integers(0, 119),
)
distinct = {"unique_by": lambda item: item.uid}
many_signals = st.lists(signals, max_size=14, **distinct)
many_links = st.lists(links, min_size=3, max_size=14, **distinct)


@settings(max_examples=400, deadline=None)
@given(many_signals, many_links, st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_what_the_oracle_says(held, linked, random):
    check_any_order(CORRELATOR, held, linked, random)


@settings(max_examples=300, deadline=None)
@given(many_signals, many_links, st.integers(0, 40), st.randoms(use_true_random=False))
def test_watermarks_pruning_and_crashes_change_nothing_that_is_on_time(held, linked, delay, random):
    check_on_time(CORRELATOR, held, linked, delay, random)


@settings(max_examples=200, deadline=None)
@given(many_signals, many_links, st.integers(0, 3), st.integers(0, 2**32))
def test_partitions_workers_and_kills_change_nothing(held, linked, kills, seed):
    check_workers(CORRELATOR, held, linked, kills, seed)


def at_nat(users: int, first: int = 0) -> list[EntityLink]:
    return [link(NAT, f"user:u{number:03}", 0, 3 * HOUR - 1) for number in range(first, first + users)]


def test_a_nat_does_not_make_its_users_one():
    held = [signal("a", HOUR, "user:u000"), signal("b", HOUR + MINUTE, NAT)]
    few, many = at_nat(LINK_FANOUT), at_nat(LINK_FANOUT + 1)
    correlator = Correlator(SPECS[1:3])
    assert {group for _, group, _ in standing(Driver(correlator).feed([*held, *few]))} >= {"user:u000"}
    assert standing(Driver(correlator).feed([*held, *many])) == set()


def test_the_last_link_of_too_many_takes_back_what_was_found():
    held = [signal("a", HOUR, "user:u000"), signal("b", HOUR + MINUTE, NAT)]
    driver = Driver(Correlator([SPECS[1]])).feed([*held, *at_nat(LINK_FANOUT)])
    assert len(driver.standing) == 1
    driver.feed(at_nat(1, LINK_FANOUT))
    assert driver.standing == {}


def test_groups_of_more_than_the_entity_are_told_to_take_it_back():
    one, other = (signal("a", HOUR + at, "host:h1", NAT, name=str(at)) for at in (0, MINUTE))
    driver = Driver(Correlator([SPECS[3]])).feed([one, other, *at_nat(LINK_FANOUT)])
    assert len(driver.standing) == LINK_FANOUT
    driver.feed(at_nat(1, LINK_FANOUT))
    assert driver.standing == {}
    assert [out.item for out in driver.log if isinstance(out, Forward) and isinstance(out.item, Withdrawn)]


def test_both_ends_know_that_a_link_is_shared():
    driver = Driver(CORRELATOR).feed(at_nat(FANOUT + 1))
    for key in ("user:u000", "user:u001", "user:u002"):
        (known,) = driver.states[key].links
        assert known.is_shared
        assert known.confidence < FAN_OUT_CONFIDENCE
    assert all(known.is_shared for known in driver.states[NAT].links)


def test_a_link_at_another_time_is_not_shared():
    later = link(NAT, "user:u000", 4 * HOUR, 5 * HOUR)
    driver = Driver(CORRELATOR).feed([*at_nat(FANOUT + 1), later])
    assert [known.is_shared for known in driver.states["user:u000"].links] == [True, False]


def test_another_type_is_not_shared():
    host = link(NAT, "host:h1", 0, HOUR)
    driver = Driver(CORRELATOR).feed([*at_nat(FANOUT + 1), host])
    assert not driver.states["host:h1"].links[0].is_shared


def test_many_sessions_are_one_user_s_and_many_users_of_a_session_are_not():
    mine = [link(f"session:s{number}", "user:u1", 0, HOUR) for number in range(FANOUT * SESSIONS + 1)]
    assert not any(known.is_shared for known in Driver(CORRELATOR).feed(mine[1:]).states["user:u1"].links)
    assert all(known.is_shared for known in Driver(CORRELATOR).feed(mine).states["user:u1"].links)
    others = [link("session:s", f"user:u{number}", 0, HOUR) for number in range(FANOUT + 1)]
    assert all(known.is_shared for known in Driver(CORRELATOR).feed(others).states["session:s"].links)


def test_thousands_behind_one_address_take_no_more_room_than_a_few():
    driver = Driver(Correlator(SPECS)).feed(at_nat(1000))
    assert len(driver.states[NAT].links) == LINK_FANOUT + 1
    assert driver.evicted == 0
    assert all(driver.states[f"user:u{number:03}"].links[0].is_shared for number in range(1000))
    assert LINK_FANOUT + 1 < MAX_LINKS


def test_a_link_that_is_told_again_changes_nothing():
    (known,) = at_nat(1)
    links, _ = taken((), known, NAT, FANOUT)
    assert taken(links, known, NAT, FANOUT) == (links, ())
    assert taken(links, known, NAT, FANOUT)[0] is links
    shared, told = taken(links, known.shared(), NAT, FANOUT)
    assert shared[0].is_shared
    assert told == ()
    assert taken(shared, known, NAT, FANOUT)[0] is shared


def test_links_stay_while_they_decide_about_others_or_carry_what_is_there():
    old, near, far = (link(NAT, f"user:u{n}", n * HOUR, (n + 1) * HOUR) for n in range(3))
    horizon = START + HOUR + 1
    assert needed((old, near, far), (), NAT, horizon) == (old, near, far)
    assert needed((old, near, far), (), NAT, horizon + HOUR) == (near, far)
    assert needed((old, near, far), (), NAT, horizon + 2 * HOUR) == ()
    came = replace(signal("a", MINUTE, "user:u0"), via=(old.left, old.right))
    assert needed((old, near), (came,), NAT, horizon + 9 * HOUR) == (old,)


@given(st.lists(links, max_size=30, **distinct), st.randoms(use_true_random=False))
def test_each_end_finds_alone_what_the_oracle_finds(linked, random):
    random.shuffle(linked)
    states: dict[str, tuple[EntityLink, ...]] = {}
    waiting = [(str(end), one) for one in linked for end in (one.left, one.right)]
    shared = set()
    while waiting:
        key, one = waiting.pop(0)
        states[key], told = taken(states.get(key, ()), one, key, FANOUT)
        shared |= {known.uid for known in told}
        waiting += [(str(known.other_end(key)), known) for known in told]
    assert shared == {one.uid for one in linked if is_shared(one, linked, FANOUT)}
    assert all(known.is_shared == (known.uid in shared) for links in states.values() for known in links)


@pytest.mark.parametrize(("start", "end", "together"), [(0, 1, True), (1, 2, True), (2, 3, False), (-2, -1, False)])
def test_links_that_touch_overlap(start, end, together):
    one, other = link(NAT, "user:u1", 0, HOUR), link(NAT, "user:u2", start * HOUR, end * HOUR)
    assert overlap(one, other) is together
    assert KeyState().links == ()

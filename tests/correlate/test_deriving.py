"""Links that follow from two others: the oracle makes them of all there is at once, workers of what came so far."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.entity import DERIVED, WITHDRAWN, EntityLink
from streams.correlate.deriving import follows
from streams.correlate.engine import Correlator
from streams.correlate.fanout import LINK_FANOUT, overlap, taken
from streams.correlate.outputs import Forward
from streams.correlate.risk import Breadth
from tests.correlate.build import HOUR, MINUTE, link, signal, spec
from tests.correlate.drive import Driver
from tests.correlate.linked import check_any_order, check_on_time, check_workers
from tests.correlate.test_properties import standing

ALICE, BOB = "user:alice@example.com", "user:bob@example.com"
DEV, OPS = (f"user:arn:aws:sts::111122223333:assumed-role/{name}/s" for name in ("dev", "ops"))
INSTANCE, POD = "workload:i-0123456789abcdef0", "workload:shop/web"
ITS_ROLE = "user:arn:aws:sts::111122223333:assumed-role/app/i-0123456789abcdef0"
ADDRESS, OTHER_ADDRESS, HOST = "ip:10.0.0.5", "ip:10.0.0.6", "host:ip-10-0-0-5"
FANOUT = 2
BY_USER = spec("temporal", "ab", group_by=("entity.user",), uid="user")
SPECS = [
    BY_USER,
    spec("event_count", "ac", count=2, group_by=("entity.user", "port"), uid="port", timespan=3 * HOUR),
    spec("event_count", "bc", count=2, group_by=("entity.workload",), uid="workload", timespan=HOUR),
    replace(
        spec("risk", "abc", count=60, group_by=("entity.user",), uid="risk", timespan=2 * HOUR),
        breadth=Breadth(domains=2),
    ),
]
CORRELATOR = Correlator(SPECS, link_fanout=FANOUT)
LIKELY = [(ALICE, DEV), (DEV, INSTANCE), (INSTANCE, ADDRESS)]
PAIRS = [
    *(LIKELY * 5),
    *((person, role) for person in (BOB, "user:carol@example.com", "user:dave") for role in (DEV, OPS)),
    *((DEV, OPS), (OPS, INSTANCE), (BOB, INSTANCE), ("user:root", INSTANCE), (ITS_ROLE, INSTANCE)),
    *((role, "workload:i-0fedcba9876543210") for role in (DEV, OPS)),
    *((machine, place) for machine in (INSTANCE, POD) for place in (ADDRESS, OTHER_ADDRESS, HOST)),
    *((BOB, POD), (POD, ADDRESS), ("workload:shop/db", ADDRESS)),
    *((person, ADDRESS) for person in (ALICE, BOB, "user:carol@example.com")),
]
NAMED = sorted({end for pair in PAIRS for end in pair})
signals = st.builds(
    lambda rule, hour, at, one, two: signal(
        rule,
        hour * HOUR + at * MINUTE,
        *sorted({one, *two}),
        fields={"port": "1"},
        name=f"{rule}{hour}{at}{one}{two}",
    ),
    st.sampled_from("abc"),
    st.sampled_from([0, 0, 0, 0, 1, 4]),
    st.integers(0, 12),
    st.sampled_from([*NAMED, *([ALICE, ADDRESS] * len(NAMED))]),
    st.sampled_from([(), (), (), (DEV,), (BOB,), (INSTANCE, ITS_ROLE)]),
)
links = st.builds(
    lambda ends, start, length: link(*sorted(ends), start * MINUTE, (start + length) * MINUTE),
    st.sampled_from(PAIRS),
    st.sampled_from([*range(-90, 330, 10), *[-30] * 20]),
    st.sampled_from([*range(0, 120, 7), *[119] * 20]),
)
distinct = {"unique_by": lambda item: item.uid}
many_signals = st.lists(signals, min_size=2, max_size=12, **distinct)
many_links = st.lists(links, min_size=5, max_size=16, **distinct)


@settings(max_examples=300, deadline=None)
@given(many_signals, many_links, st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_what_the_oracle_says(held, linked, random):
    check_any_order(CORRELATOR, held, linked, random)


def timely(linked: list[EntityLink]) -> list[EntityLink]:
    """Leave out links that show so late that they cannot make another one shared while its signals are remembered."""
    kept: list[EntityLink] = []
    for one in linked:
        near = [other for other in kept if {one.left, one.right} & {other.left, other.right} and overlap(one, other)]
        if all(max(one.valid_to, other.valid_to) - min(one.valid_from, other.valid_from) < 2 * HOUR for other in near):
            kept.append(one)
    return kept


@settings(max_examples=200, deadline=None)
@given(many_signals, many_links.map(timely), st.integers(0, 40), st.randoms(use_true_random=False))
def test_watermarks_pruning_and_crashes_change_nothing_that_is_on_time(held, linked, delay, random):
    check_on_time(CORRELATOR, held, linked, delay, random)


@settings(max_examples=150, deadline=None)
@given(many_signals, many_links, st.integers(0, 2**32), st.integers(0, 3))
def test_partitions_workers_and_kills_change_nothing(held, linked, seed, kills):
    check_workers(CORRELATOR, held, linked, kills, seed)


def chain(*ends: str, start: int = 0, end: int = 3 * HOUR - 1) -> list[EntityLink]:
    """Return links from each of the entities to the next."""
    return [link(*sorted(pair), start, end) for pair in pairwise(ends)]


def groups(*items: object, correlator: Correlator | None = None) -> set[str]:
    driver = Driver(correlator or Correlator([BY_USER])).feed(items)
    return {group for _, group, _ in standing(driver)}


SIGN_IN, EGRESS = signal("a", HOUR, ALICE), signal("b", HOUR + MINUTE, ADDRESS)


def test_a_person_meets_what_comes_from_the_address_of_the_machine_that_her_role_is_on() -> None:
    assert groups(SIGN_IN, EGRESS, *chain(ALICE, DEV, INSTANCE, ADDRESS)) == {ALICE}
    assert groups(*chain(ADDRESS, INSTANCE, DEV, ALICE), EGRESS, SIGN_IN) == {ALICE}


def test_what_runs_on_a_machine_is_no_visitor_of_it() -> None:
    for own in (ITS_ROLE, "user:root", "user:system:serviceaccount:shop:web"):
        assert groups(signal("a", HOUR, own), EGRESS, *chain(own, INSTANCE, ADDRESS)) == set()


@pytest.mark.parametrize("missing", range(3))
def test_each_part_of_the_chain_is_needed(missing: int) -> None:
    parts = chain(ALICE, DEV, INSTANCE, ADDRESS)
    del parts[missing]
    assert groups(SIGN_IN, EGRESS, *parts) == set()


def test_a_chain_holds_only_while_all_of_its_parts_do() -> None:
    (earlier,) = chain(INSTANCE, ADDRESS, end=HOUR)
    assert groups(SIGN_IN, EGRESS, *chain(ALICE, DEV, INSTANCE), earlier) == set()
    (longer,) = chain(INSTANCE, ADDRESS, end=HOUR + MINUTE)
    assert groups(SIGN_IN, EGRESS, *chain(ALICE, DEV, INSTANCE), longer) == {ALICE}


@pytest.mark.parametrize(
    "through",
    [
        (ALICE, BOB, INSTANCE, ADDRESS),  # a user who is no role
        (ALICE, "host:h1", INSTANCE, ADDRESS),
        (ALICE, DEV, POD, HOST),  # where a pod runs, others do
    ],
)
def test_other_chains_lead_nowhere(through: tuple[str, ...]) -> None:
    egress = signal("b", HOUR + MINUTE, through[-1])
    assert ALICE not in groups(SIGN_IN, egress, *chain(*through))


def test_the_host_of_an_instance_and_the_address_of_a_pod_are_those_of_who_got_in() -> None:
    on_host = signal("b", HOUR + MINUTE, HOST)
    assert groups(SIGN_IN, on_host, *chain(ALICE, DEV, INSTANCE, HOST)) == {ALICE}
    assert groups(SIGN_IN, EGRESS, *chain(ALICE, POD, ADDRESS)) == {ALICE}


def test_a_role_that_takes_another_is_still_hers() -> None:
    call = signal("b", HOUR + MINUTE, OPS)
    assert groups(SIGN_IN, call, *chain(ALICE, DEV, OPS)) == {ALICE}
    assert groups(SIGN_IN, EGRESS, *chain(ALICE, DEV, OPS, INSTANCE, ADDRESS)) == {ALICE}


def test_what_a_person_does_is_not_told_of_her_role() -> None:
    call = signal("b", HOUR + MINUTE, DEV)
    assert groups(SIGN_IN, call, *chain(ALICE, DEV)) == {ALICE}
    both = signal("a", HOUR, ALICE, DEV)
    assert groups(both, call, *chain(ALICE, DEV)) == {ALICE, DEV}


def test_two_people_in_their_own_sessions_are_two() -> None:
    his = signal("a", HOUR, BOB)
    parts = [*chain(ALICE, DEV, INSTANCE, ADDRESS), *chain(BOB, OPS)]
    assert groups(SIGN_IN, his, EGRESS, *parts) == {ALICE}


def test_an_address_that_many_machines_have_belongs_to_nobody_in_them() -> None:
    machines = [f"workload:i-{number:017x}" for number in range(LINK_FANOUT)]
    crowd = [part for machine in machines for part in chain(machine, ADDRESS)]
    parts = chain(ALICE, DEV, INSTANCE, ADDRESS)
    assert groups(SIGN_IN, EGRESS, *parts, *crowd[1:]) == {ALICE}
    assert groups(SIGN_IN, EGRESS, *parts, *crowd) == set()
    assert groups(*crowd, *parts, SIGN_IN, EGRESS) == set()


def test_an_address_that_many_people_sign_in_from_is_not_hers_by_a_machine_that_has_it() -> None:
    crowd = [part for number in range(LINK_FANOUT + 1) for part in chain(f"user:u{number}@example.com", ADDRESS)]
    parts = chain(ALICE, DEV, INSTANCE, ADDRESS)
    assert groups(SIGN_IN, EGRESS, *parts, *crowd[1:]) == {ALICE}
    assert groups(SIGN_IN, EGRESS, *parts, *crowd) == set()
    assert groups(*crowd, *parts, SIGN_IN, EGRESS) == set()


def test_derived_links_are_taken_back_when_a_part_is_shared_and_make_nothing_shared() -> None:
    driver = Driver(Correlator([BY_USER])).feed(chain(ALICE, DEV, INSTANCE, ADDRESS))
    (mine,) = (one for one in driver.states[ALICE].links if str(one.other_end(ALICE)) == ADDRESS)
    assert (mine.is_derived, mine.is_shared, mine.confidence) == (True, False, 90 * 90 // 100 * 90 // 100)
    crowd = [f"workload:i-{number:017x}" for number in range(LINK_FANOUT)]
    driver.feed(part for machine in crowd for part in chain(machine, ADDRESS))
    (mine,) = (one for one in driver.states[ALICE].links if str(one.other_end(ALICE)) == ADDRESS)
    assert mine.is_shared
    people = [chain(f"user:u{number}@example.com", INSTANCE)[0] for number in range(LINK_FANOUT - 1)]
    several = Driver(Correlator([BY_USER])).feed([*chain(ALICE, DEV, INSTANCE, ADDRESS), *people])
    assert not any(one.is_shared for one in several.states[ADDRESS].links)
    (own,) = chain("user:zoe@example.com", ADDRESS)
    assert taken(several.states[ADDRESS].links, own, ADDRESS, LINK_FANOUT)[1] == ()


def test_what_was_told_before_a_crash_is_taken_back_by_who_knows_of_no_such_link() -> None:
    role, machine = chain(ALICE, DEV, INSTANCE)
    (told,) = follows([role], [role, machine], machine, DEV)
    (back,) = follows([role.shared()], [role.shared(), machine], machine, DEV)
    assert (back.uid, back.confidence, told.is_shared) == (told.uid, WITHDRAWN, False)
    (many,) = (one.shared() for one in chain(DEV, POD))  # of as many as make the next one need no place
    assert back in follows([role, many], [role, many], machine, DEV)
    assert taken((told,), back, ALICE, LINK_FANOUT)[0] == (back,)
    assert taken((), back, ALICE, LINK_FANOUT) == ((), ())


def test_the_same_links_follow_whatever_source_saw_the_parts() -> None:
    parts = chain(ALICE, DEV, INSTANCE)
    again = [replace(one, uid=f"again {one.uid}", source="other", confidence=60) for one in parts]
    driver = Driver(Correlator([BY_USER])).feed([*parts, *again])
    told = {out.item.uid for out in driver.log if isinstance(out, Forward) and isinstance(out.item, EntityLink)}
    (one,) = (held for held in driver.states[ALICE].links if held.is_derived)
    assert told == {one.uid}
    assert one.source == DERIVED


def test_hours_of_which_only_the_margins_meet_are_not_joined() -> None:
    role = chain(ALICE, DEV)
    for hours, number in ((0, 1), (1, 1), (2, 0)):
        machine = chain(DEV, INSTANCE, start=hours * HOUR, end=(hours + 3) * HOUR - 1)
        assert len(list(follows(role, [*role, *machine], machine[0], DEV))) == number


def test_what_is_not_sure_enough_does_not_follow() -> None:
    role, machine = chain(ALICE, DEV, INSTANCE)
    for confidence, number in ((28, 1), (27, 0)):
        unsure = replace(machine, confidence=confidence)
        assert len(list(follows([role], [role, unsure], unsure, DEV))) == number

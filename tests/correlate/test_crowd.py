"""Floods in the state of a key: what is folded when, what a bound takes first, and what a step costs."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from random import Random
from types import FrameType
from typing import Any

import pytest

from models.finding import Signal
from models.flood import SEALED
from streams.correlate import crowd
from streams.correlate.bounds import MAX_STATE_BYTES, fold, within_bounds
from streams.correlate.engine import LINK_HORIZON_MS, Correlator
from streams.correlate.outputs import Late, Published
from streams.correlate.state import KeyState, Standing, encode_state
from streams.flood import FLOOD_LIMIT, fold_batch, merged, split_by_target
from tests.correlate.build import HOUR, MINUTE, START, link, spec
from tests.correlate.drive import Driver
from tests.correlate.one_key import KEY, fed, here, published, stepped
from tests.test_flood import failed_logins

SECOND = 1000
BRUTE = spec("event_count", "a", count=10, group_by=("entity.user",))
USER = "user:u1"


def flood(start: int, number: int, rule: str = "a", **fields: str) -> Signal:
    """Return a folded signal of one match every millisecond."""
    return merged([here(rule, start + n, name=f"{rule}{start + n}", **fields) for n in range(number)], KEY)


def with_all(*signals: Signal, limit: int = 3) -> KeyState:
    state = KeyState()
    for one in signals:
        state = crowd.with_signal(state, one, KEY, limit)
    return state


def test_up_to_the_limit_signals_stay_single_and_beyond_it_they_are_one():
    held = [here("a", n) for n in range(4)]
    assert with_all(*held[:3]).signals == tuple(held[:3])
    (folded,) = with_all(*held).signals
    assert (folded.count, folded.time) == (4, START)


def test_another_second_and_another_rule_are_other_crowds():
    held = (
        [here("a", n) for n in range(3)] + [here("a", SECOND + n) for n in range(3)] + [here("b", n) for n in range(3)]
    )
    assert all(one.flood is None for one in with_all(*held).signals)


def test_a_signal_or_a_part_that_comes_again_changes_nothing():
    part, single = flood(0, 50), here("a", 700)
    state = with_all(part, single)
    for again in (part, single):
        assert crowd.with_signal(state, again, KEY, 3) is state
    melted = crowd.coarsened(state, 1, [])
    assert sum(len(one.flood.grains) for one in melted.signals if one.flood) < 51
    for again in (part, single):
        assert crowd.with_signal(melted, again, KEY, 3) is melted


def test_the_nearest_matches_melt_first_and_the_first_and_the_last_stay():
    state = with_all(flood(0, 100))
    half = crowd.coarsened(state, 51, [])
    (one,) = half.signals
    assert one.flood
    assert [grain.count for grain in one.flood.grains] == [2] * 49 + [1, 1]
    assert {grain.part for grain in one.flood.grains} == {SEALED}
    assert (one.flood.start, one.flood.end, one.count, half.evicted) == (START, START + 99, 100, 49)
    (least,) = crowd.coarsened(state, 1, []).signals
    assert least.flood
    assert [(grain.time - START, grain.count) for grain in least.flood.grains] == [(0, 99), (99, 1)]


def test_no_match_crosses_an_edge():
    edges = [START + 30, START + 71]
    (one,) = crowd.coarsened(with_all(flood(0, 100)), 1, edges).signals
    assert one.flood
    told = [(grain.time - START, grain.count) for grain in one.flood.grains]
    assert told == [(0, 29), (29, 1), (30, 40), (70, 1), (71, 28), (99, 1)]


def test_the_values_that_appear_first_stay_and_no_count_is_lost():
    held = [here("a", n, port=str(n // 10)) for n in range(100)]
    state = crowd.with_fewer_values(with_all(*held), 1, [])
    (one,) = state.signals
    assert one.flood
    assert {dict(grain.variant.fields)["port"] for grain in one.flood.grains} == set("01234")
    assert one.count == one.flood.count == 100


@pytest.mark.parametrize("number", [300, 5000])
def test_a_state_of_floods_is_within_its_bound(number):
    random = Random(number)  # noqa: S311  # a test has to be repeatable, not secret
    held = [here("ab"[n % 2], random.randrange(20 * SECOND), name=str(n), port=str(n % 300)) for n in range(number)]
    state = with_all(*(one for one, _ in fold_batch([(one, KEY) for one in held], 3)))
    kept = within_bounds(state)
    assert len(encode_state(kept)) <= MAX_STATE_BYTES
    assert sum(one.count for one in kept.signals) == number
    assert within_bounds(kept) is kept
    assert all(one.time <= other.time for one, other in pairwise(kept.signals))
    assert all(one.flood is None or one.count == one.flood.count for one in kept.signals)


def test_a_sequence_keeps_name_count_and_ends_when_a_flood_outgrows_its_state():
    """Three sequences of one second each, in floods that a state can hold only melted."""
    rule = spec("event_count", "a", count=5, timespan=SECOND, cooldown=0)
    random = Random(7)  # noqa: S311  # same
    held = [here("a", random.randrange(500, 3500), name=str(n)) for n in range(6000)]
    driver = Driver(Correlator([rule]))
    for start in range(0, 6000, 500):
        for one, key in fold_batch([(one, KEY) for one in sorted(held, key=lambda s: s.time)[start : start + 500]], 20):
            driver.deliver(one, key)
    assert driver.evicted > 1000
    stands = [s for s in published(driver) if s.uid in driver.standing]
    last = {s.uid: s for s in stands}.values()
    times = sorted(one.time for one in held)
    anchor, expected = times[0], []
    while anchor is not None:
        inside = [time for time in times if anchor <= time <= anchor + SECOND]
        expected.append((anchor, inside[-1], len(inside)))
        anchor = next((time for time in times if time > anchor + SECOND), None)
    assert sorted((s.start_time, s.end_time, s.revision) for s in last) == expected


def test_a_sequence_shows_a_flood_as_one_member_with_its_count():
    driver = fed(spec("event_count", "ab", count=30), flood(0, 50), here("b", 20))
    first, second = published(driver)[-1].members
    assert (first.count, first.time, second.count) == (50, START, 1)
    assert (first.first, first.event_uid) == (here("a", 0, name="a0").uid, "a0")
    assert (first.uid, second.first) == (flood(0, 50).uid, "")


def test_what_of_a_flood_is_behind_the_watermark_is_late():
    core = Correlator([spec("event_count", "a", count=5)])
    _, outputs = stepped(core, KeyState(), flood(0, 100), START + 40)
    (late,) = (output for output in outputs if isinstance(output, Late))
    assert (late.signal.count, late.behind_ms) == (40, 40)
    (found,) = (output.sequence for output in outputs if isinstance(output, Published))
    assert found.revision == 100


def test_several_matches_of_one_time_can_each_take_a_place_in_an_order():
    rule = spec("temporal_ordered", "aba", timespan=0, cooldown=0)
    ((part, _),) = fold_batch([(here("a", 5, name=str(n)), KEY) for n in range(5)], 3)
    driver = Driver(Correlator([rule], 3)).deliver(part, KEY)
    assert not driver.standing
    assert len(driver.feed([here("b", 5)]).standing) == 1


def test_a_flood_across_an_edge_folds_into_none():
    state = with_all(here("a", -500, name="before"), flood(0, 100))
    edge = Standing("s", "q", "digest", START + 50, START + HOUR, is_alert=False)
    assert fold(replace(state, standing=(edge,)), 1).signals == state.signals
    (folded,) = fold(state, 1).signals
    assert (folded.count, folded.flood, folded.uid) == (101, None, here("a", -500, name="before").uid)


def test_what_was_melted_is_remembered_where_a_link_carries_it():
    (melted,) = crowd.coarsened(with_all(flood(0, 100)), 10, []).signals
    ((copy, key),) = split_by_target(melted, lambda alike: (alike, ("ip:192.0.2.1",)))
    assert copy.flood
    assert melted.flood
    assert (key, copy.flood.seen, copy.count) == ("ip:192.0.2.1", melted.flood.seen, 100)
    assert copy.uid != melted.uid


def test_a_flood_is_kept_as_long_as_its_latest_match_is_needed():
    rule = spec("temporal", "ab", timespan=SECOND)
    driver = fed(rule, flood(0, 900))
    driver.tick(START + SECOND + 899 + LINK_HORIZON_MS)
    assert driver.states[KEY].signals
    driver.feed([here("b", SECOND + 899)])
    (found,) = published(driver)
    assert (found.start_time, found.revision) == (START + 899, 2)
    assert driver.tick(START + HOUR + LINK_HORIZON_MS).states[KEY].empty


def test_a_part_that_comes_again_is_late_once():
    driver = fed(spec("event_count", "a", count=5), flood(0, 50), flood(0, 50), watermark=START + HOUR)
    (late,) = driver.late
    assert late.signal.count == 50


def test_a_flood_goes_over_a_link_with_all_it_knows():
    core = Correlator([spec("event_count", "a", count=5, group_by=("entity.ip",))])
    shown = link("ip:192.0.2.1", KEY, -HOUR, HOUR)
    for items in ([flood(0, 60), shown, shown], [shown, flood(0, 60), flood(0, 60)]):
        driver = Driver(core)
        for item in items:
            if isinstance(item, Signal):
                driver.deliver(item, KEY)
            else:
                driver.feed([item])
        (found,) = driver.standing
        (sequence,) = (s for s in published(driver) if s.uid == found)
        assert (sequence.group, sequence.revision) == ("ip:192.0.2.1", 60)


def counted_calls(core: Correlator, state: KeyState, parts: list[Signal]) -> tuple[KeyState, int]:
    """Step through parts and count every Python function that is called for it."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for part in parts:
            state, _ = core.step(USER, state, part, 0)
    finally:
        sys.setprofile(before)
    return state, calls


def test_the_last_parts_of_a_minutes_flood_cost_what_the_early_ones_cost():
    """No lag can grow when a step at the end costs what one at the beginning did: counted in calls, not in time."""
    logins = [(one, USER) for one in failed_logins(120_000, MINUTE)]
    parts = [one for n in range(0, len(logins), 240) for one, _ in fold_batch(logins[n : n + 240], FLOOD_LIMIT)]
    core, state = Correlator([BRUTE]), KeyState()
    costs = []
    for n in range(0, len(parts), 50):
        some = parts[n : n + 50]
        if n in (50, 450):
            state, calls = counted_calls(core, state, some)
            costs.append(calls)
        for part in some:  # those that were counted come a second time: they change nothing
            state, _ = core.step(USER, state, part, 0)
        assert len(encode_state(state)) <= MAX_STATE_BYTES
    assert len(parts) == 540  # one for each batch, two where it spans two seconds
    assert sum(one.count for one in state.signals) == 120_000
    early, last = costs
    assert last < 3 * early

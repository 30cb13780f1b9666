"""One key, step by step: what a signal, a link or the passing of time does, whatever the order they come in."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import SequenceClosed
from models.uids import sequence_uid
from streams.correlate.bounds import MAX_LINKS, MAX_MEMBERS
from streams.correlate.engine import LINK_HORIZON_MS, NEVER, Correlator
from streams.correlate.outputs import Forward, Late, Published
from streams.correlate.state import KeyState
from tests.correlate.build import HOUR, MINUTE, START, link, signal, spec
from tests.correlate.drive import Driver
from tests.correlate.one_key import (
    ABSENCES,
    KEY,
    ONLY_ONE,
    PAIR,
    PAST_ALL,
    SPAN,
    correlator,
    fed,
    here,
    published,
    stepped,
)
from tests.correlate.test_properties import many_links, many_signals

# --- idempotence and completeness


def test_the_same_signal_again_changes_nothing_and_says_nothing():
    core, state = correlator(), KeyState()
    for item in (here("a", 0), here("b", 1)):
        state, _ = stepped(core, state, item)
        assert stepped(core, state, item) == (state, ())
        assert stepped(core, state, item)[0] is state


def test_the_same_link_again_changes_nothing_and_says_nothing():
    core, one = correlator(), link("ip:192.0.2.1", KEY, 0, HOUR)
    state, _ = stepped(core, KeyState(), one)
    assert stepped(core, state, one) == (state, ())


def test_a_late_signal_that_is_still_known_is_late_once():
    core, old = correlator(), here("a", 0)
    state, outputs = stepped(core, KeyState(), old, START + 5)
    assert outputs == (Late(old, KEY, 5),)
    assert stepped(core, state, old, START + 9) == (state, ())


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_a_sequence_is_found_the_moment_its_last_signal_arrives_whatever_the_order(order):
    core, state = correlator(spec("temporal", "abc")), KeyState()
    found = []
    for rule in order:
        state, outputs = stepped(core, state, here(rule, "cab".index(rule)))
        found.append([type(output) for output in outputs])
    assert found == [[], [], [Published]]


def test_a_sequence_says_all_that_its_rule_and_signals_say():
    a, b = here("a", 0), here("b", 5)
    (found,) = published(fed(PAIR, b, a))
    assert found.uid == sequence_uid(PAIR.uid, KEY, a.uid)
    assert (found.analytic, found.group, found.revision) == (PAIR.analytic, KEY, 2)
    assert (found.start_time, found.end_time) == (START, START + 5)
    assert [(member.uid, member.event_uid, member.count) for member in found.members] == [
        (a.uid, a.event.uid, 1),
        (b.uid, b.event.uid, 1),
    ]


def test_every_correlation_finds_its_own_in_the_same_signals():
    driver = Driver(correlator(PAIR, spec("event_count", "a", count=1)))
    driver.feed([here("a", 0), here("b", 1)])
    assert [s.analytic.uid for s in published(driver)] == ["event_count-a", "temporal-ab"]


def test_signals_of_other_groups_stay_apart():
    driver = fed(PAIR, signal("a", 0, "host:h1"), signal("b", 1, "host:h2"))
    assert driver.standing == {}


# --- revisions and replacements


def test_the_revision_is_the_number_of_signals_and_grows_with_them():
    rule = spec("event_count", "a", count=2)
    driver = fed(rule, *(here("a", n) for n in range(5)), signal("a", 9, KEY, count=20))
    assert [s.revision for s in published(driver)] == [2, 3, 4, 5, 25]
    assert len({s.uid for s in published(driver)}) == 1


def test_within_the_cooldown_a_signal_revises_and_after_it_another_sequence_opens():
    rule = spec("event_count", "a", count=1, cooldown=MINUTE)
    end = rule.span
    driver = fed(rule, here("a", 0), here("a", end), here("a", end + 1))
    first, second, third = published(driver)
    assert (first.uid == second.uid, second.uid == third.uid) == (True, False)
    assert (second.revision, third.revision) == (2, 1)


def test_a_sequence_shows_the_first_of_every_detection_and_then_the_earliest():
    rule = spec("event_count", "ab", count=1)
    signals = [here("a", n * 1000) for n in range(MAX_MEMBERS + 10)]
    (*_, last) = published(fed(rule, *signals, here("b", HOUR // 10)))
    assert (len(last.members), last.revision) == (MAX_MEMBERS, MAX_MEMBERS + 11)
    assert [member.uid for member in last.members[:-1]] == [s.uid for s in signals[: MAX_MEMBERS - 1]]
    assert last.members[-1].analytic.uid == "b"


def test_an_earlier_signal_that_arrives_late_makes_a_new_sequence_that_names_the_old_one():
    driver = fed(PAIR, here("b", 5), here("a", 6))
    (old,) = published(driver)
    driver.feed([here("a", 0)])
    (new,) = published(driver)[1:]
    assert driver.log[-2:] == [
        Published(new, (old.uid,)),
        SequenceClosed(old.uid, PAIR.analytic, KEY, START + 5, new.uid, old.is_alert),
    ]
    assert new.uid != old.uid
    assert old.is_alert
    assert list(driver.standing) == [new.uid]


def test_every_sequence_that_a_late_signal_moves_names_its_own_heir():
    rule = spec("event_count", "a", count=2, timespan=10, cooldown=5)
    driver = fed(rule, *(here("a", at) for at in (10, 12, 24, 26, 28)))
    first, second = (s for s in published(driver) if s.start_time in {START + 10, START + 26} and s.revision == 2)
    driver.feed([here("a", 5)])
    moved = {s.start_time - START: s.uid for s in published(driver)[-2:]}
    closed = {output.uid: output.replaced_by for output in driver.log if isinstance(output, SequenceClosed)}
    assert closed == {first.uid: moved[5], second.uid: moved[24]}
    assert [out.replaces for out in driver.log if isinstance(out, Published)][-2:] == [(first.uid,), (second.uid,)]


# --- late signals


def test_a_late_signal_is_returned_and_joins_what_is_there():
    driver = fed(PAIR, here("a", SPAN)).tick(START + SPAN + 5)
    old = here("b", SPAN - 5)
    driver.feed([old], START + SPAN + 5)
    assert driver.late == [Late(old, KEY, 10)]
    assert [s.revision for s in published(driver)] == [2]


def test_a_signal_at_the_watermark_is_on_time():
    assert fed(PAIR, here("a", 0), watermark=START).late == []
    assert len(fed(PAIR, here("a", 0), watermark=START + 1).late) == 1


def test_a_signal_whose_company_is_long_gone_is_returned_and_not_kept():
    driver = fed(PAIR, here("a", 0)).tick(PAST_ALL)
    driver.feed([here("b", 1)], PAST_ALL)
    assert [late.behind_ms for late in driver.late] == [100 * HOUR - 1]
    assert driver.standing == {}
    assert driver.states[KEY].empty


def test_a_final_sequence_is_not_opened_again_by_what_comes_after_it_was_let_go():
    rule = spec("event_count", "a", count=2, cooldown=0)
    driver = fed(rule, here("a", 0), here("a", 9 * MINUTE))
    watermark = START + SPAN + LINK_HORIZON_MS + 1
    driver.tick(watermark)
    assert driver.states[KEY].standing == ()
    driver.feed([here("a", 9 * MINUTE, name="late")], watermark)
    assert len(published(driver)) == 1


def test_a_final_sequence_is_remembered_for_a_while_after_its_signals():
    rule = spec("event_count", "a", count=1, cooldown=0)
    driver = fed(rule, here("a", 0))
    watermark = START + SPAN + 2 * MINUTE + LINK_HORIZON_MS
    driver.tick(watermark)
    assert driver.states[KEY].signals == ()
    driver.feed([here("a", 9 * MINUTE)], watermark)
    assert len(driver.standing) == 1


def test_signals_that_another_rule_still_needs_anchor_no_final_sequence_again():
    brief = spec("event_count", "a", count=1, cooldown=0, uid="brief")
    long = spec("event_count", "a", count=1, cooldown=6 * HOUR, uid="long")
    driver = Driver(correlator(brief, long)).feed([here("a", 0), here("a", 1)])
    for minute in range(0, 10 * 60, 7):
        driver.tick(START + minute * MINUTE)
    assert [s.revision for s in published(driver) if s.analytic.uid == "brief"] == [1, 2]
    assert driver.states[KEY].empty


# --- links


def test_a_link_sends_the_signals_that_come_after_it_to_the_other_end():
    driver = fed(PAIR, link("ip:192.0.2.1", KEY, 0, HOUR), here("a", 5), signal("b", 6, "ip:192.0.2.1"))
    assert [s.group for s in published(driver)] == [KEY]


def test_a_late_link_makes_the_buffered_signals_of_both_ends_meet():
    rule = spec("temporal", "ab", group_by=("entity.host", "entity.user"))
    signals = [signal("a", 5, KEY), signal("b", 6, "user:u1", KEY), signal("a", 7, "user:u1")]
    driver = fed(rule, *signals)
    assert driver.standing == {}
    driver.feed([link("user:u1", KEY, 0, HOUR)])
    (last,) = driver.standing
    (*_, found) = published(driver)
    assert (found.uid, found.revision, found.group) == (last, 3, "host:h1|user:u1")


@pytest.mark.parametrize(("at", "meets"), [(9, False), (10, True), (20, True), (21, False)])
def test_a_link_holds_from_its_first_to_its_last_millisecond(at, meets):
    driver = fed(PAIR, link("ip:192.0.2.1", KEY, 10, 20), here("a", 12), signal("b", at, "ip:192.0.2.1"))
    assert bool(driver.standing) is meets


def test_a_copy_travels_one_link_only():
    chain = [link("ip:192.0.2.1", "user:u1", 0, HOUR), link("user:u1", KEY, 0, HOUR)]
    driver = fed(PAIR, *chain, here("a", 1), signal("b", 2, "ip:192.0.2.1"))
    assert driver.standing == {}
    assert [output.key for output in driver.log if isinstance(output, Forward)] == []


def test_an_entity_named_like_a_group_does_not_lend_it_its_links():
    rules = [
        spec("temporal", "ab", group_by=("entity.host", "entity.user")),
        spec("temporal", "ac", group_by=("entity.ip",)),
    ]
    driver = Driver(correlator(*rules)).feed([link("ip:192.0.2.1", "host:a|user:b", 0, HOUR)])
    driver.feed([signal("a", 1, "host:a", "user:b")])
    assert [output for output in driver.log if isinstance(output, Forward)] == []


def test_a_copy_over_a_link_is_late_only_beyond_the_horizon_of_links():
    watermark = START + LINK_HORIZON_MS
    on_time = fed(PAIR, signal("b", 0, "ip:192.0.2.1"), here("a", 1)).feed(
        [link("ip:192.0.2.1", KEY, 0, HOUR)], watermark
    )
    assert on_time.late == []
    assert [s.revision for s in published(on_time)] == [2]


def test_links_beyond_the_bound_are_counted():
    driver = fed(PAIR, *(link("ip:192.0.2.1", f"host:n{n}", 0, HOUR + n) for n in range(MAX_LINKS + 3)))
    assert len(driver.states["ip:192.0.2.1"].links) == MAX_LINKS
    assert driver.evicted == driver.states["ip:192.0.2.1"].evicted == 3


# --- pruning and deadlines


def test_pruning_empties_the_state_at_last_and_keeps_what_stands():
    driver = fed(PAIR, here("a", 0), here("b", 1), link("ip:192.0.2.1", KEY, 0, HOUR))
    before = dict(driver.standing)
    driver.tick(PAST_ALL)
    assert all(state.empty for state in driver.states.values())
    assert driver.standing == before


def test_state_is_kept_exactly_as_long_as_something_on_time_could_touch_it():
    core = correlator(PAIR)
    state, _ = stepped(core, KeyState(), here("a", 0), START)
    last = START + SPAN + LINK_HORIZON_MS
    assert core.deadline(KEY, state) == last + 1
    assert not stepped(core, state, None, last)[0].empty
    assert stepped(core, state, None, last + 1)[0].empty


def test_a_link_is_kept_exactly_as_long_as_a_signal_it_holds_for_could_come():
    core = correlator(PAIR)
    state, _ = stepped(core, KeyState(), link("ip:192.0.2.1", KEY, 0, HOUR), START)
    last = START + HOUR + LINK_HORIZON_MS
    assert core.deadline(KEY, state) == last + 1
    assert not stepped(core, state, None, last)[0].empty
    assert stepped(core, state, None, last + 1)[0].empty


def test_a_sequence_is_final_once_nothing_on_time_could_join_it():
    core, rule = correlator(PAIR), PAIR
    state, _ = stepped(core, KeyState(), here("a", 0), START)
    state, _ = stepped(core, state, here("b", 1), START)
    end = START + rule.span
    for beyond, open_, final in ((0, 1, ()), (1, 0, ((rule.uid, end),))):
        state, outputs = stepped(core, state, None, end + LINK_HORIZON_MS + beyond)
        assert outputs == ()
        assert (len(state.standing), state.floors) == (open_, final)


def test_a_link_without_an_end_needs_no_step():
    core = correlator(PAIR, ONLY_ONE)
    state, _ = core.step(KEY, KeyState(), link(KEY, "ip:192.0.2.7", 0, NEVER - START), START)
    assert state.links
    assert core.deadline(KEY, state) > NEVER


def test_an_empty_state_has_no_deadline():
    assert correlator(PAIR, ONLY_ONE).deadline(KEY, KeyState()) == NEVER


@settings(max_examples=100)
@given(many_signals, many_links, st.randoms(use_true_random=False))
def test_stepping_at_the_deadline_always_moves_it_on_until_nothing_is_left(held, linked, order):
    core = Correlator([*ABSENCES, PAIR])
    driver = Driver(core)
    items = [*held, *linked]
    order.shuffle(items)
    for item in items:
        driver.feed([item], START + order.randint(0, 3 * HOUR))
    for key, start in list(driver.states.items()):
        state, steps = start, 0
        while (deadline := core.deadline(key, state)) != NEVER:
            assert deadline > state.watermark
            state, _ = core.step(key, state, None, deadline)
            assert state.watermark == deadline
            steps += 1
        assert state.empty
        assert steps <= 10 * (len(held) + len(linked) + 1)


@settings(max_examples=100)
@given(many_signals, st.integers(0, 8 * 60))
def test_nothing_happens_before_the_deadline(held, minutes):
    core = Correlator([*ABSENCES, PAIR])
    driver = Driver(core).feed(held, START)
    watermark = START + minutes * MINUTE
    for key, state in driver.states.items():
        if watermark < core.deadline(key, state):
            after, outputs = core.step(key, state, None, watermark)
            assert outputs == ()
            assert (after.signals, after.standing, after.links) == (state.signals, state.standing, state.links)


# --- determinism


def test_outputs_do_not_depend_on_the_order_of_the_rules():
    rules = [PAIR, spec("event_count", "a", count=1), spec("temporal_ordered", "ab")]
    logs = [Driver(Correlator(order)).feed([here("a", 0), here("b", 1)]).log for order in permutations(rules)]
    assert all(log == logs[0] for log in logs)


def test_signals_of_one_time_are_told_apart_by_their_names_alone():
    rule = spec("event_count", "a", count=2)
    signals = [here("a", 0, name=f"n{n}") for n in range(4)]
    outcomes = [fed(rule, *order).standing for order in permutations(signals)]
    assert all(outcome == outcomes[0] for outcome in outcomes)
    first = min(signals, key=lambda s: s.uid)
    assert list(outcomes[0]) == [sequence_uid(rule.uid, KEY, first.uid)]

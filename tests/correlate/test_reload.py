"""Correlations that change while states of them are standing: a reload swaps the rules, the states stay."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.finding import SequenceClosed
from streams.correlate.outputs import Published
from streams.correlate.spec import CorrelationSpec
from tests.correlate.build import HOUR, MINUTE, START, spec
from tests.correlate.drive import Driver
from tests.correlate.one_key import ABSENCES, KEY, ONLY_ONE, PAIR, PAST_ALL, correlator, fed, here, published
from tests.correlate.test_properties import many_links, many_signals

OTHER = spec("event_count", "c", op="gte", count=2)
THREE = spec("event_count", "a", op="gte", count=3)
TWO = spec("event_count", "a", op="gte", count=2)
ONE_UID = [spec("event_count", "a", op=op, count=count) for op, count in product(("gte", "lt"), (1, 2, 3))]


def reloaded(driver: Driver, *specs: CorrelationSpec) -> Driver:
    driver.correlator = correlator(*specs)
    return driver


def test_the_specs_of_these_tests_share_an_id():
    assert len({each.uid for each in (THREE, TWO, *ONE_UID)}) == 1


def test_a_sequence_of_a_rule_that_is_gone_stays_as_it_was_published():
    driver = fed(PAIR, here("a", 0), here("b", 1))
    before = dict(driver.standing)
    assert len(before) == 1
    reloaded(driver, OTHER).feed([here("a", 2), here("b", 3), here("c", 4)]).tick(START + HOUR).tick(PAST_ALL)
    assert driver.standing == before
    assert all(state.empty for state in driver.states.values())


def test_it_is_revised_no_more_and_found_again_when_the_rule_is_back():
    driver = fed(PAIR, here("a", 0), here("b", 1))
    (uid,) = driver.standing
    reloaded(driver, OTHER).feed([here("a", 2)])
    assert [sequence.revision for sequence in published(driver)] == [2]
    reloaded(driver, PAIR, OTHER).feed([here("b", 3)])
    assert [(sequence.uid, sequence.revision) for sequence in published(driver)] == [(uid, 2), (uid, 4)]


def test_a_new_rule_finds_what_is_still_remembered_at_the_next_step():
    driver = fed(PAIR, here("a", 0), here("a", 1), here("a", 2))
    assert not driver.standing
    reloaded(driver, PAIR, THREE).tick(START + 3)
    assert [sequence.analytic.uid for sequence in published(driver)] == [THREE.uid]


def test_a_lower_threshold_holds_from_the_next_step_on():
    driver = fed(THREE, here("a", 0), here("a", 1))
    assert not driver.standing
    reloaded(driver, TWO).feed([here("a", 2)])
    assert [sequence.revision for sequence in published(driver)] == [3]


def test_a_higher_threshold_closes_what_no_longer_meets_it():
    driver = fed(TWO, here("a", 0), here("a", 1))
    (uid,) = driver.standing
    reloaded(driver, THREE).tick(START + 2)
    assert not driver.standing
    assert [output.uid for output in driver.log if isinstance(output, SequenceClosed)] == [uid]


def test_what_was_final_before_stays_final():
    driver = fed(TWO, here("a", 0), here("a", 1)).tick(START + 10 * HOUR)
    before, said = dict(driver.standing), len(driver.log)
    reloaded(driver, THREE).tick(START + 11 * HOUR)
    assert driver.standing == before
    assert len(driver.log) == said


def test_the_deadline_follows_the_rules_there_are_now():
    driver = fed(THREE, here("a", 0))
    state = driver.states[KEY]
    assert correlator(ONLY_ONE).deadline(KEY, state) < correlator(THREE).deadline(KEY, state)
    assert correlator(OTHER).deadline(KEY, state) > START


SETS = [(PAIR,), (PAIR, THREE), (TWO, OTHER), tuple(ABSENCES), (), *((each,) for each in ONE_UID)]


@given(
    st.sampled_from(SETS),
    st.sampled_from(SETS),
    many_signals,
    many_signals,
    many_links,
    st.booleans(),
)
def test_any_rules_go_on_from_the_states_of_any_others(before, after, first, second, links, crash):
    driver = Driver(correlator(*before) if before else correlator()).feed([*first, *links]).tick(START + MINUTE)
    if crash:
        driver.crash()
    reloaded(driver, *after)
    said = len(driver.log)
    driver.feed(second).tick(START + HOUR).tick(PAST_ALL).tick(PAST_ALL + 1)
    assert all(state.empty for state in driver.states.values())
    mine = {each.uid for each in after} or {PAIR.uid}
    assert {out.sequence.analytic.uid for out in driver.log[said:] if isinstance(out, Published)} <= mine


@given(many_signals, st.integers(0, 8))
def test_the_same_rules_loaded_again_change_nothing(signals, at):
    rules = (PAIR, OTHER, *ABSENCES)
    once = Driver(correlator(*rules)).feed(signals)
    twice = Driver(correlator(*rules)).feed(signals[:at])
    assert reloaded(twice, *rules).feed(signals[at:]).standing == once.standing


@pytest.mark.parametrize("specs", SETS)
def test_all_ends_even_when_nothing_comes_after_the_reload(specs):
    driver = fed(PAIR, here("a", 0), here("b", 1))
    deadlines = {key: correlator(*specs).deadline(key, state) for key, state in driver.states.items()}
    assert max(deadlines.values()) < PAST_ALL
    reloaded(driver, *specs).tick(PAST_ALL).tick(PAST_ALL + 1)
    assert all(state.empty for state in driver.states.values())

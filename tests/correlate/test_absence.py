"""Conditions that more signals could undo: when they hold, and what a late signal does to them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import SequenceClosed
from streams.correlate.engine import Correlator
from streams.correlate.outputs import Late, Published
from streams.correlate.state import KeyState
from streams.correlate.steps import Absence
from streams.correlate.watermark import Mark, Watermarks
from tests.correlate.build import HOUR, MINUTE, START, spec
from tests.correlate.drive import Driver, late_by
from tests.correlate.one_key import (
    ABSENCES,
    KEY,
    ONLY_ONE,
    PAST_ALL,
    SPAN,
    correlator,
    fed,
    here,
    published,
    stepped,
)
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import many_links, many_signals, standing


def test_an_absence_is_certain_only_when_the_watermark_is_past_its_window():
    core = correlator(ONLY_ONE)
    state, outputs = stepped(core, KeyState(), here("a", 0), START)
    assert outputs == ()
    assert core.deadline(KEY, state) == START + SPAN + 1
    state, outputs = stepped(core, state, None, START + SPAN)
    assert outputs == ()
    assert core.deadline(KEY, state) == START + SPAN + 1
    state, (found,) = stepped(core, state, None, START + SPAN + 1)
    assert isinstance(found, Published)
    assert core.deadline(KEY, state) > START + SPAN + 1


def test_an_absence_that_a_late_signal_refutes_is_retracted():
    driver = fed(ONLY_ONE, here("a", 5)).tick(START + HOUR)
    (old,) = published(driver)
    driver.feed([here("a", 5, name="late")], START + HOUR)
    assert driver.log[-1] == SequenceClosed(old.uid, ONLY_ONE.analytic, KEY, START + 5, "", was_alert=False)
    assert [type(output) for output in driver.log[1:]] == [Late, SequenceClosed]
    assert driver.standing == {}


def test_an_absence_that_an_earlier_late_signal_moves_is_replaced():
    rule = spec("event_count", "a", op="lt", count=3, cooldown=0)
    driver = fed(rule, here("a", 5)).tick(START + HOUR)
    (old,) = published(driver)
    driver.feed([here("a", 0)], START + HOUR)
    (new,) = published(driver)[1:]
    assert driver.log[-2:] == [
        Published(new, (old.uid,)),
        SequenceClosed(old.uid, rule.analytic, KEY, START + 5, new.uid, was_alert=False),
    ]


def test_an_absence_holds_as_soon_as_a_late_signal_completes_it():
    rule = spec("event_count", "a", op="eq", count=2, cooldown=0)
    driver = fed(rule, here("a", 5)).tick(START + HOUR)
    assert driver.standing == {}
    driver.feed([here("a", 6)], START + HOUR)
    assert [s.revision for s in published(driver)] == [2]


@settings(max_examples=120)
@given(many_signals, many_links, st.integers(0, 40), st.randoms(use_true_random=False))
def test_absences_stand_as_the_oracle_says_whatever_came_first(held, linked, delay, order):
    driver = Driver(Correlator(ABSENCES))
    for item, watermark in late_by([*held, *linked], delay * MINUTE, order):
        driver.feed([item], watermark)
    driver.tick(PAST_ALL)
    assert standing(driver) == sequences(ABSENCES, held, linked)


WAITS_FOR_OKTA = replace(
    spec("event_count", "a", count=1), absences=(Absence("b", after=SPAN),), sources=frozenset({"okta"})
)


def marks(effective: int, **sources: Mark) -> Watermarks:
    return Watermarks({}, effective, sources)


def at(time: int) -> Mark:
    return Mark(START + time, START + time)


def test_an_absence_waits_for_the_sources_it_depends_on_and_for_no_others():
    core = correlator(WAITS_FOR_OKTA)
    slow = marks(START - HOUR, okta=at(SPAN), zeek=at(-HOUR))
    state, outputs = core.step(KEY, KeyState(), here("a", 0), slow.effective, slow)
    assert outputs == ()
    assert core.deadlines(KEY, state, slow)[frozenset({"okta"})] == START + SPAN + 1
    there = marks(START - HOUR, okta=at(SPAN + 1), zeek=at(-HOUR))
    state, (found,) = core.step(KEY, state, None, there.effective, there)
    assert isinstance(found, Published)
    assert found.sequence.reasons[-1].startswith("not enough: risk")
    assert frozenset({"okta"}) not in core.deadlines(KEY, state, there)


def test_an_absence_that_a_silent_source_does_not_confirm_says_so():
    core = correlator(WAITS_FOR_OKTA)
    silent = marks(START + HOUR, okta=Mark(START + HOUR, START, silent=True), zeek=at(HOUR))
    state, (found,) = core.step(KEY, KeyState(), here("a", 0), START, silent)
    assert isinstance(found, Published)
    assert found.sequence.reasons[-1] == "not confirmed by okta, which is silent"
    back = marks(START + 2 * HOUR, okta=at(2 * HOUR), zeek=at(2 * HOUR))
    _, (again,) = core.step(KEY, state, here("a", 1), START, back)
    assert isinstance(again, Published)
    assert "not confirmed" not in again.sequence.reasons[-1]


def test_a_source_that_was_never_heard_of_is_named_when_there_is_no_other():
    core = correlator(WAITS_FOR_OKTA)
    _, (_, found) = core.step(KEY, KeyState(), here("a", 0), START + HOUR, marks(START + HOUR, zeek=at(HOUR)))
    assert isinstance(found, Published)
    assert found.sequence.reasons[-1] == "not confirmed by okta, which is silent"

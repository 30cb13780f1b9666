"""Steps, absences, `until` and sessions: the oracle tries every choice of signals, and agrees in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import Signal
from streams.correlate.engine import Correlator
from streams.correlate.spec import CorrelationSpec
from streams.correlate.steps import ANCHOR, Absence, Step
from streams.correlate.windows import find_spans
from streams.flood import moments
from tests.correlate.build import HOUR, MINUTE, START, signal, spec
from tests.correlate.drive import Driver, late_by
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import standing

SPAN = 10 * MINUTE
PAST_ALL = START + 100 * HOUR


def steps(
    kind: str, rules: str, *asked: Step, absent: tuple[Absence, ...] = (), until: str = "", **more: object
) -> CorrelationSpec:
    """Make a temporal correlation with steps; those not asked for anything are plain."""
    made = spec(kind, rules, uid=f"{kind} {rules} {asked} {absent} {until} {more}", **more.pop("spec", {}))
    said = asked or tuple(Step(rule) for rule in rules)
    threshold = replace(made.threshold, count=len(said)) if asked else made.threshold
    return replace(made, steps=asked, threshold=threshold, absences=absent, until=tuple(until), **more)


def fires(rule: CorrelationSpec, *given_: tuple[str, int], watermark: int = 2**62) -> bool:
    """Tell whether a sequence stands on signals of these rules at these times (ms after START)."""
    held = [signal(name, at, "host:h1", name=f"{number}") for number, (name, at) in enumerate(given_)]
    ordered = sorted(held, key=lambda one: (one.time, one.uid))
    seen = [moment for one in ordered for moment in moments(one)]
    return bool(list(find_spans(rule, seen, -1, watermark, "host:h1")))


FAILED_THEN_IN = steps("temporal_ordered", "ab", Step("a", 3), Step("b", within=MINUTE))


@pytest.mark.parametrize(
    ("at", "expected"),
    [((0, 1, 2, 2 + MINUTE), True), ((0, 1, 2, 3 + MINUTE), False), ((0, 1, 2, 2), True), ((0, 2, 1, 1), False)],
)
def test_a_step_of_several_signals_and_the_gap_after_its_last_one(at, expected):
    *failed, worked = at
    assert fires(FAILED_THEN_IN, *(("a", time) for time in failed), ("b", worked)) is expected


def test_the_last_of_more_signals_than_a_step_needs_counts_for_the_gap():
    assert fires(FAILED_THEN_IN, ("a", 0), ("a", 1), ("a", 2), ("a", 5 * MINUTE), ("b", 6 * MINUTE))


def test_a_gap_is_between_neighbours_and_the_timespan_over_all():
    rule = steps("temporal_ordered", "abc", Step("a"), Step("b", within=8 * MINUTE), Step("c", within=8 * MINUTE))
    assert fires(rule, ("a", 0), ("b", 5 * MINUTE), ("c", SPAN))
    assert not fires(rule, ("a", 0), ("b", 5 * MINUTE), ("c", SPAN + 1))
    assert not fires(rule, ("a", 0), ("b", 8 * MINUTE + 1), ("c", SPAN))


NOT_FOLLOWED = steps("temporal_ordered", "a", absent=(Absence("b", 0, after=SPAN),))
NOT_PRECEDED = steps("temporal_ordered", "a", absent=(Absence("b", 0, before=SPAN),))
NOT_BETWEEN = steps("temporal_ordered", "ac", absent=(Absence("b", 0, between=True),))
NOT_AROUND = steps("temporal", "a", absent=(Absence("b", ANCHOR, SPAN, SPAN),))


@pytest.mark.parametrize("at", [0, 1, SPAN])
def test_not_followed_within_both_ends_included(at):
    assert fires(NOT_FOLLOWED, ("a", 0))
    assert not fires(NOT_FOLLOWED, ("a", 0), ("b", at))
    assert fires(NOT_FOLLOWED, ("a", 0), ("b", SPAN + 1))
    assert fires(NOT_FOLLOWED, ("a", 0), ("b", -1))


@pytest.mark.parametrize("at", [0, -1, -SPAN])
def test_not_preceded_within_both_ends_included(at):
    assert fires(NOT_PRECEDED, ("a", 0))
    assert not fires(NOT_PRECEDED, ("a", 0), ("b", at))
    assert fires(NOT_PRECEDED, ("a", 0), ("b", -SPAN - 1))
    assert fires(NOT_PRECEDED, ("a", 0), ("b", 1))


@pytest.mark.parametrize("at", [0, 1, 5, 9])
def test_not_between_two_steps_both_ends_included(at):
    assert fires(NOT_BETWEEN, ("a", 0), ("c", 9))
    assert not fires(NOT_BETWEEN, ("a", 0), ("b", at), ("c", 9))
    assert fires(NOT_BETWEEN, ("b", -1), ("a", 0), ("c", 9), ("b", 10))
    assert fires(NOT_BETWEEN, ("a", 0), ("b", at), ("a", 9), ("c", 9)) is (at < 9)


@pytest.mark.parametrize("at", [-SPAN, -1, 0, 1, SPAN])
def test_nowhere_near_the_first_signal(at):
    assert not fires(NOT_AROUND, ("a", 0), ("b", at))
    assert fires(NOT_AROUND, ("a", 0), ("b", SPAN + 1), ("b", -SPAN - 1))


def test_an_absence_is_certain_a_millisecond_after_its_time():
    assert not fires(NOT_FOLLOWED, ("a", 0), watermark=START + SPAN)
    assert fires(NOT_FOLLOWED, ("a", 0), watermark=START + SPAN + 1)
    assert not fires(NOT_PRECEDED, ("a", 0), watermark=START)
    assert fires(NOT_PRECEDED, ("a", 0), watermark=START + 1)


def test_a_rule_that_must_not_follow_itself():
    rule = steps("temporal_ordered", "a", absent=(Absence("a", 0, after=SPAN),))
    assert fires(rule, ("a", 0))
    assert fires(rule, ("a", 0), ("a", 5)), "the second is followed by none"
    assert Driver(Correlator([rule])).feed([signal("a", 0, "host:h1")]).log == []


def test_until_ends_a_window_and_what_is_at_that_very_time_belongs_to_it():
    rule = steps("temporal", "ab", until="c")
    assert fires(rule, ("a", 0), ("c", 5), ("b", 5))
    assert not fires(rule, ("a", 0), ("c", 4), ("b", 5))
    assert fires(rule, ("c", -1), ("a", 0), ("b", 5))


def test_a_session_ends_where_nothing_happened_for_longer():
    rule = replace(spec("event_count", "a", count=3), session=MINUTE)
    assert fires(rule, ("a", 0), ("a", MINUTE), ("a", 2 * MINUTE))
    assert not fires(rule, ("a", 0), ("a", MINUTE), ("a", 2 * MINUTE + 1))


def test_the_same_rule_twice_by_fields_of_its_own():
    hop = steps(
        "temporal_ordered",
        "aa",
        Step("a", group_by=("to",)),
        Step("a", group_by=("from",)),
        spec={"group_by": ("hop",)},
    )
    first = signal("a", 0, fields={"from": "x", "to": "y"}, name="1")
    second = signal("a", 5, fields={"from": "y", "to": "z"}, name="2")
    back = signal("a", -5, fields={"from": "y", "to": "z"}, name="3")
    assert len(Driver(Correlator([hop])).feed([second, first]).standing) == 1
    assert Driver(Correlator([hop])).feed([back, first]).standing == {}


SPECS = [
    steps("temporal_ordered", "ab", Step("a", 2), Step("b")),
    steps("temporal_ordered", "ab", Step("a"), Step("b", 2, within=4 * MINUTE), spec={"cooldown": 0}),
    steps("temporal_ordered", "abc", Step("a"), Step("b", within=5 * MINUTE), Step("c", within=5 * MINUTE)),
    steps("temporal_ordered", "aba", Step("a"), Step("b", within=6 * MINUTE), Step("a"), spec={"cooldown": 0}),
    NOT_FOLLOWED,
    NOT_PRECEDED,
    NOT_BETWEEN,
    NOT_AROUND,
    steps("temporal_ordered", "a", absent=(Absence("a", 0, after=3 * MINUTE),)),
    steps("temporal_ordered", "ab", absent=(Absence("c", 1, after=SPAN), Absence("c", 0, before=MINUTE))),
    steps("temporal", "ab", Step("a", 2), Step("b"), absent=(Absence("c", ANCHOR, None, 5 * MINUTE),)),
    steps("temporal", "ab", until="c"),
    steps("temporal_ordered", "abb", Step("a"), Step("b"), Step("b", within=8 * MINUTE), until="c"),
    steps("temporal", "abc", session=3 * MINUTE, spec={"cooldown": MINUTE}),
    replace(spec("event_count", "ab", count=3, uid="busy"), session=2 * MINUTE),
    replace(spec("event_count", "ab", op="lt", count=2, uid="alone", cooldown=0), session=2 * MINUTE),
    replace(spec("value_count", "ab", count=2, fields=("port",)), absences=(Absence("c", ANCHOR, 0, SPAN),)),
    steps(
        "temporal_ordered",
        "ab",
        Step("a", group_by=("port",)),
        Step("b", group_by=("peer",)),
        absent=(Absence("c", 1, after=5 * MINUTE, group_by=("peer",)),),
        spec={"group_by": ("hop",)},
    ),
]
SPECS += [
    steps("temporal_ordered", "aa", Step("a"), Step("a", group_by=("peer",)), spec={"group_by": ("port",)}),
    steps("temporal", "ab", Step("a", 2), Step("b", group_by=("peer",)), spec={"group_by": ("port",)}),
]
CORRELATOR = Correlator(SPECS)
held_signals = st.builds(
    lambda rule, hour, at, n, port, peer: signal(
        rule,
        hour * HOUR + at * MINUTE // 2,
        "host:h1",
        fields={"port": str(port), "peer": str(peer)},
        name=f"{rule}{hour}{at}{n}",
    ),
    st.sampled_from("aaabbbc"),
    st.sampled_from([0, 0, 0, 4]),
    st.integers(0, 50),
    st.integers(0, 1),
    st.integers(1, 2),
    st.integers(1, 2),
)
many = st.lists(held_signals, max_size=14, unique_by=lambda item: item.uid)


@settings(max_examples=150, deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_any_order_gives_what_the_oracle_says(held: list[Signal], order):
    expected = sequences(SPECS, held, [])
    outcomes = []
    for _ in range(2):
        items = held * 2
        order.shuffle(items)
        driver = Driver(CORRELATOR).feed(items).tick(PAST_ALL)
        outcomes.append(driver.standing)
        assert all(state.empty for state in driver.states.values())
    assert outcomes[0] == outcomes[1]
    assert standing(driver) == expected


@settings(max_examples=150, deadline=None)
@given(many, st.integers(0, 40), st.randoms(use_true_random=False))
def test_watermarks_pruning_and_crashes_change_nothing(held: list[Signal], delay, order):
    driver = Driver(CORRELATOR)
    for item, watermark in late_by(held, delay * MINUTE, order):
        driver.feed([item], watermark)
        if order.random() < 0.4:
            driver.tick(watermark).crash()
    assert not driver.late
    driver.tick(PAST_ALL)
    assert standing(driver) == sequences(SPECS, held, [])


@settings(max_examples=80, deadline=None)
@given(many)
def test_a_step_at_every_deadline_is_enough(held: list[Signal]):
    """Time passes for a key only when its deadline says so: that finds all that a step at the end finds."""
    driver = Driver(CORRELATOR).feed(held)
    for key in list(driver.states):
        for _ in range(1000):
            deadline = CORRELATOR.deadline(key, driver.states[key])
            if deadline > PAST_ALL:
                break
            driver.tick_key(key, deadline)
        assert driver.states[key].empty
    assert standing(driver) == sequences(SPECS, held, [])

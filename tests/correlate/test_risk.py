"""The type `risk`: weak signals add up, fade, and have to come from enough sides; the oracle agrees in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import Signal
from streams.correlate.compiling import Reference, compile_correlation
from streams.correlate.conditions import Threshold
from streams.correlate.engine import Correlator
from streams.correlate.risk import Breadth
from streams.correlate.spec import EVERY, CorrelationSpec
from streams.correlate.windows import find_spans
from streams.flood import moments
from tests.correlate.build import HOUR, MINUTE, START, analytic, link, signal, spec
from tests.correlate.drive import Driver, late_by
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import standing

DAY = 24 * HOUR
PAST_ALL = START + 100 * HOUR


def risky(
    count: int, breadth: Breadth, rules: str = "abc", timespan: int = 14 * DAY, uid: str = "", **more: Any
) -> CorrelationSpec:
    made = spec("risk", rules, count=count, timespan=timespan, uid=uid or f"{count} {breadth}", **more)
    return replace(made, breadth=breadth)


def weak(rule: str, at: int, risk: int = 20, source: str = "test", name: str = "") -> Signal:
    made = signal(rule, at, "host:h1", risk=risk, name=name or f"{rule}{at}{source}{risk}")
    return replace(made, event=replace(made.event, source=source))


def fires(rule: CorrelationSpec, *held: Signal) -> bool:
    ordered = sorted(held, key=lambda one: (one.time, one.uid))
    return bool(list(find_spans(rule, [moment for one in ordered for moment in moments(one)], -1, 0)))


def test_risks_of_distinct_detections_add_up_and_one_that_repeats_itself_does_not():
    rule = risky(60, Breadth())
    assert fires(rule, weak("a", 0), weak("b", 1), weak("c", 2))
    assert not fires(rule, weak("a", 0), weak("a", 1), weak("a", 2), weak("b", 3))
    assert fires(rule, weak("a", 0), weak("a", 1, source="okta"), weak("b", 3)), "seen by another source, it is news"
    assert fires(risky(60, Breadth(repeats=3)), weak("a", 0), weak("a", 1), weak("a", 2))


def test_exactly_at_the_timespan_and_a_millisecond_over():
    rule = risky(40, Breadth())
    assert fires(rule, weak("a", 0), weak("b", 14 * DAY))
    assert not fires(rule, weak("a", 0), weak("b", 14 * DAY + 1))


def test_what_a_signal_weighs_halves_in_every_half_life():
    rule = risky(30, Breadth(half_life=DAY))
    assert fires(rule, weak("a", 0), weak("b", DAY))
    assert not fires(rule, weak("a", 0), weak("b", DAY + MINUTE))
    assert fires(risky(25, Breadth(half_life=DAY)), weak("a", 0), weak("b", 2 * DAY))
    assert not fires(risky(26, Breadth(half_life=DAY)), weak("a", 0), weak("b", 2 * DAY))


def test_a_sum_counts_as_of_its_latest_signal_and_need_not_last():
    held = weak("a", 0), weak("b", 1), weak("c", 10 * DAY)
    assert fires(risky(39, Breadth(half_life=DAY)), *held)


@pytest.mark.parametrize(
    ("breadth", "expected"),
    [
        (Breadth(tactics=3), True),
        (Breadth(tactics=4), False),
        (Breadth(domains=3), True),
        (Breadth(domains=4), False),
        (Breadth(sources=2), True),
        (Breadth(sources=3), False),
        (Breadth(detections=3), True),
        (Breadth(detections=4), False),
    ],
)
def test_from_how_many_sides(breadth, expected):
    held = weak("a", 0, source="okta"), weak("b", 1, source="zeek"), weak("c", 2, source="zeek")
    assert fires(risky(1, breadth), *held) is expected


REFERENCES = {name: Reference(analytic(name)) for name in "abc"}


def document(**changes: Any) -> dict[str, Any]:
    correlation = {"type": "risk", "group-by": ["entity.user"], "timespan": "14d", "condition": {"gte": 100}}
    return {
        "title": "Low and slow",
        "id": "3f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0b11",
        "correlation": {**correlation, **changes.pop("correlation", {})},
        **changes,
    }


def test_without_rules_it_looks_at_every_signal():
    made, problems = compile_correlation(
        document(braid={"risk": {"sources": 4, "half_life": "7d"}}), "r.yml", {}, REFERENCES
    )
    assert not problems
    assert made is not None
    assert (made.kind, made.rules, made.timespan) == ("risk", (EVERY,), 14 * DAY)
    assert made.breadth == Breadth(half_life=7 * DAY, sources=4)
    assert made.is_steady


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"correlation": {"condition": {"lte": 5}}}, "risk takes gt and gte only"),
        ({"correlation": {"condition": None}}, "risk needs a condition"),
        ({"braid": {"risk": {"source": 4}}}, "braid.risk: must be a map of detections, domains, half_life"),
        ({"braid": {"risk": {"sources": "many"}}}, "braid.risk.sources: 'many' is not a whole number"),
        ({"braid": {"risk": {"half_life": "1m"}}}, "longer than 500 half-lives"),
        ({"correlation": {"type": "event_count", "rules": ["a"]}, "braid": {"risk": {}}}, "event_count has none"),
    ],
)
def test_mistakes(changes, reason):
    made, problems = compile_correlation(document(**changes), "r.yml", {}, REFERENCES)
    assert made is None
    assert reason in problems[0].message


SPECS = [
    risky(60, Breadth(), timespan=40 * MINUTE),
    risky(50, Breadth(half_life=10 * MINUTE, repeats=2), timespan=30 * MINUTE, cooldown=0),
    risky(30, Breadth(tactics=2, sources=2), timespan=60 * MINUTE),
    risky(45, Breadth(half_life=30 * MINUTE, domains=2, repeats=3), rules="ab", timespan=50 * MINUTE, cooldown=MINUTE),
]
PAIR = replace(spec("temporal", "ab", timespan=20 * MINUTE), is_chained=True)
SPECS += [
    PAIR,
    replace(risky(60, Breadth(), timespan=45 * MINUTE, uid="all"), rules=(EVERY,)),
    replace(spec("temporal_ordered", "c", uid="pair, then c"), rules=(PAIR.uid, "c"), threshold=Threshold("gte", 2)),
]
CORRELATOR = Correlator(SPECS)
many = st.lists(
    st.builds(
        lambda rule, at, risk, source: weak(rule, at * MINUTE, risk, source),
        st.sampled_from("abcd"),
        st.integers(0, 150),
        st.sampled_from([5, 20, 40]),
        st.sampled_from(["okta", "zeek"]),
    ),
    max_size=25,
    unique_by=lambda one: one.uid,
)


@settings(max_examples=200, deadline=None)
@given(many, st.integers(0, 40), st.randoms(use_true_random=False))
def test_any_order_delays_and_crashes_give_what_the_oracle_says(held: list[Signal], delay, order):
    driver = Driver(CORRELATOR)
    for item, watermark in late_by(held * 2, delay * MINUTE, order):
        driver.pass_time(watermark).feed([item], watermark)
        if order.random() < 0.2:
            driver.crash()
    driver.pass_time(PAST_ALL)
    assert standing(driver) == sequences(SPECS, held, [])
    assert all(state.empty for state in driver.states.values())


LINKED = risky(60, Breadth(), timespan=60 * MINUTE, group_by=("entity.user",), uid="of a user")
BY_LINK = [LINKED, spec("event_count", "abc", count=2, group_by=("entity.user",), uid="of whoever was there")]
user_signals = st.builds(
    lambda rule, at, who, n: signal(rule, at * MINUTE, *who, risk=20, name=f"{rule}{at}{who}{n}"),
    st.sampled_from("abc"),
    st.integers(0, 90),
    st.sampled_from(
        [
            ("ip:192.0.2.1",),
            ("ip:192.0.2.1", "user:u1"),
            ("session:s", "user:u2"),
            ("session:s", "user:u1", "ip:192.0.2.1"),
        ]
    ),
    st.integers(0, 1),
)
user_links = st.builds(
    lambda place, user, start: link(place, user, start * MINUTE, (start + 60) * MINUTE),
    st.sampled_from(["ip:192.0.2.1", "session:s"]),
    st.sampled_from(["user:u1", "user:u2", "user:u3"]),
    st.integers(-10, 60),
)


def test_what_adds_up_over_weeks_is_not_added_to_another_user_of_the_same_address():
    at_once = [signal(rule, 0, "ip:192.0.2.1", "user:u1", risk=20) for rule in "ab"]
    alone = signal("c", 1, "ip:192.0.2.1", "user:u2", risk=20)
    links = [link("ip:192.0.2.1", user, 0, HOUR) for user in ("user:u1", "user:u2")]
    assert [rule for rule, _, _ in standing(Driver(Correlator([LINKED])).feed([*at_once, alone, *links]))] == []
    unnamed = signal("c", 1, "ip:192.0.2.1", risk=20)
    assert len(Driver(Correlator([LINKED])).feed([*at_once, unnamed, *links]).standing) == 1


@settings(max_examples=150, deadline=None)
@given(
    st.lists(user_signals, max_size=14, unique_by=lambda one: one.uid),
    st.lists(user_links, max_size=4, unique_by=lambda one: one.uid),
    st.randoms(use_true_random=False),
)
def test_links_in_any_order_give_what_the_oracle_says(held, links, order):
    items = [*held, *links] * 2
    order.shuffle(items)
    assert standing(Driver(Correlator(BY_LINK)).feed(items)) == sequences(BY_LINK, held, links)

"""Correlations of correlations: a sequence is a signal for others, and is withdrawn where it no longer stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import Signal
from models.finding_ocsf import signal_from_ocsf, signal_to_ocsf
from streams.correlate.engine import Correlator
from streams.correlate.outputs import Forward
from streams.correlate.spec import CorrelationSpec
from streams.correlate.steps import Absence
from streams.rulebook import load_rulebook
from tests.correlate.build import HOUR, MINUTE, START, signal, spec
from tests.correlate.drive import Driver, late_by
from tests.correlate.oracle import sequences
from tests.correlate.test_properties import standing

PAST_ALL = START + 100 * HOUR


def over(inner: CorrelationSpec, rules: str, *, kind: str = "temporal_ordered", **more: object) -> CorrelationSpec:
    """Make a correlation of another one's sequences and these rules."""
    made = spec(kind, rules, uid=f"{kind} of {inner.uid} and {rules}", **more)
    return replace(made, rules=(inner.uid, *rules), threshold=replace(made.threshold, count=1 + len(set(rules))))


MANY = replace(spec("event_count", "a", count=3, group_by=("entity.ip",), uid="many", cooldown=0), is_chained=True)
GUESSED = over(MANY, "b", group_by=("entity.user",))
CHAIN = [MANY, GUESSED]
FROM = ("ip:192.0.2.1", "user:alice")


def tried(*at: int) -> list[Signal]:
    return [signal("a", time, *FROM, name=f"a{time}") for time in at]


def names(driver: Driver) -> list[str]:
    return sorted(rule for rule, _, _ in standing(driver))


def test_a_sequence_counts_from_the_signal_that_completes_it():
    driver = Driver(Correlator(CHAIN)).feed([*tried(0, 1, 5), signal("b", 5, "user:alice")])
    assert names(driver) == ["many", GUESSED.uid]
    driver = Driver(Correlator(CHAIN)).feed([*tried(0, 1, 5), signal("b", 4, "user:alice")])
    assert names(driver) == ["many"]


def test_what_joins_a_sequence_later_does_not_move_it():
    driver = Driver(Correlator(CHAIN)).feed([*tried(0, 1, 5), signal("b", 6, "user:alice")])
    before = [out for out in driver.log if isinstance(out, Forward)]
    driver.feed(tried(7, 8))
    assert [out for out in driver.log if isinstance(out, Forward)] == before
    assert names(driver) == ["many", GUESSED.uid]


def test_an_earlier_signal_makes_it_another_one_and_the_old_one_is_withdrawn():
    late = over(MANY, "b", group_by=("entity.user",), timespan=5)
    driver = Driver(Correlator([MANY, late])).feed([*tried(1, 2, 9), signal("b", 12, "user:alice")])
    assert names(driver) == ["many", late.uid]
    driver.feed(tried(3))
    assert names(driver) == ["many"]


def test_an_absence_of_a_sequence_is_refuted_by_one():
    alone = replace(spec("event_count", "b", count=1, uid="alone"), absences=(Absence("many", after=10 * MINUTE),))
    alone = replace(alone, group_by=("entity.user",))
    core = Correlator([MANY, alone])
    login = signal("b", 0, "user:alice")
    assert names(Driver(core).feed([login]).tick(PAST_ALL)) == ["alone"]
    assert names(Driver(core).feed([login, *tried(1, 2, 3)]).tick(PAST_ALL)) == ["many"]
    assert names(Driver(core).feed([login]).tick(START + HOUR).feed(tried(1, 2, 3), START + HOUR)) == ["many"]


def test_what_it_is_made_of_decides_whether_it_is_escalated():
    parts = replace(spec("temporal", "ab", uid="pair"), is_chained=True, is_part=True)
    outer = over(parts, "c", group_by=("entity.host",))
    held = [signal(rule, at, "host:h1") for at, rule in enumerate("abc")]
    driver = Driver(Correlator([parts, outer])).feed(held)
    alerts = {out.sequence.analytic.uid: out.sequence for out in driver.log if hasattr(out, "sequence")}
    assert not alerts["pair"].is_alert
    assert "only part of another correlation" in alerts["pair"].reasons[-1]
    assert alerts[outer.uid].is_alert
    assert alerts[outer.uid].reasons[0] == "3 distinct detections"


def test_it_survives_the_wire():
    driver = Driver(Correlator(CHAIN)).feed(tried(0, 1, 5))
    copy = next(out.item for out in driver.log if isinstance(out, Forward))
    assert isinstance(copy, Signal)
    assert copy.parts
    assert signal_from_ocsf(signal_to_ocsf(copy)) == copy


PAIRS = replace(spec("temporal_ordered", "ab", cooldown=MINUTE, uid="pairs"), is_chained=True)
FEW = replace(spec("event_count", "a", op="lt", count=2, cooldown=0, uid="few"), is_chained=True)
DEEP = [
    PAIRS,
    FEW,
    replace(over(PAIRS, "c", group_by=("port",)), is_chained=True),
    over(PAIRS, "a", kind="temporal", cooldown=0),
    over(FEW, "c"),
    replace(spec("event_count", "x", count=2, timespan=40 * MINUTE, uid="twice"), rules=("pairs",)),
]
DEEP.append(over(DEEP[2], "b", group_by=("entity.host", "port"), timespan=20 * MINUTE))
CORRELATOR = Correlator(DEEP)
held_signals = st.builds(
    lambda rule, at, n, port: signal(
        rule, at * MINUTE // 2, "host:h1", fields={"port": str(port)}, name=f"{rule}{at}{n}"
    ),
    st.sampled_from("aabbc"),
    st.integers(0, 70),
    st.integers(0, 1),
    st.integers(1, 2),
)
many = st.lists(held_signals, max_size=14, unique_by=lambda item: item.uid)


@settings(max_examples=60, deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_any_order_gives_what_the_oracle_says(held: list[Signal], order):
    expected = sequences(DEEP, held, [])
    outcomes = []
    for _ in range(2):
        items = held * 2
        order.shuffle(items)
        driver = Driver(CORRELATOR).feed(items).pass_time(PAST_ALL)
        outcomes.append(driver.standing)
        assert all(state.empty for state in driver.states.values())
    assert outcomes[0] == outcomes[1]
    assert standing(driver) == expected


@settings(max_examples=60, deadline=None)
@given(many, st.integers(0, 40), st.randoms(use_true_random=False))
def test_watermarks_and_crashes_change_nothing(held: list[Signal], delay, order):
    driver = Driver(CORRELATOR)
    for item, watermark in late_by(held, delay * MINUTE, order):
        driver.pass_time(watermark).feed([item], watermark)
        if order.random() < 0.4:
            driver.crash()
    assert not driver.late
    driver.pass_time(PAST_ALL)
    assert standing(driver) == sequences(DEEP, held, [])


RULE = """
title: Login failed
id: 7f2b4a39-5d26-4d09-9e1c-1f8a0c5a1e01
name: login_failed
logsource: {{product: okta}}
detection: {{one: {{eventType: user.session.start}}, condition: one}}
---
title: Guessed often
id: 7f2b4a39-5d26-4d09-9e1c-1f8a0c5a1e02
name: guessed_often
correlation: {{type: event_count, rules: [{inner}], group-by: [entity.user], timespan: 5m, condition: {{gte: 5}}}}
---
title: Guessed on many days
id: 7f2b4a39-5d26-4d09-9e1c-1f8a0c5a1e03
name: guessed_on_many_days
{more}
correlation: {{type: event_count, rules: [guessed_often], group-by: [entity.user], timespan: 7d, condition: {{gte: 3}}}}
"""


def loaded(folder: Path, inner: str = "login_failed", more: str = "generate: false"):
    (folder / "chain.yml").write_text(RULE.format(inner=inner, more=more), encoding="utf-8")
    return load_rulebook([folder])


def test_a_rulebook_links_correlations_by_name(tmp_path: Path):
    inner, outer = loaded(tmp_path).sound().correlations
    assert (inner.is_chained, inner.is_part, outer.is_chained) == (True, True, False)
    assert outer.rules == (inner.uid,)
    assert not loaded(tmp_path, more="generate: true").correlations[0].is_part


def test_correlations_that_look_at_each_other_are_a_mistake_of_each(tmp_path: Path):
    book = loaded(tmp_path, inner="guessed_on_many_days")
    assert book.correlations == ()
    assert [(problem.line, problem.message) for problem in book.problems] == [
        (11, "looks at itself, by way of the correlations that it refers to"),
        (17, "looks at itself, by way of the correlations that it refers to"),
    ]


def test_a_mistake_in_one_is_a_mistake_of_those_that_look_at_it(tmp_path: Path):
    book = loaded(tmp_path, inner="no_such_rule")
    assert book.correlations == ()
    assert [problem.line for problem in book.problems] == [11, 17]
    assert book.problems[1].message == "refers to a correlation that has a mistake itself"


def test_what_comes_once_more_when_all_it_led_to_has_gone_makes_no_sequence_of_its_own():
    driver = Driver(Correlator(CHAIN)).feed([*tried(0, 1, 5), signal("b", 6, "user:alice")])
    again = next(out for out in driver.log if isinstance(out, Forward) and out.key == "user:alice")
    driver.pass_time(PAST_ALL)
    assert isinstance(again.item, Signal)
    before = dict(driver.standing)
    driver.deliver(again.item, again.key, PAST_ALL)
    assert driver.standing == before
    assert [late.signal for late in driver.late] == [again.item]

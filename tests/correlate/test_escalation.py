"""Escalation: two detections, two domains or two tactics, and enough risk; each alone is not enough, and says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.finding import Attack, Signal
from streams.correlate.engine import Correlator
from streams.correlate.escalation import combined_risk, decide
from streams.correlate.outputs import Published
from tests.correlate.build import signal, spec
from tests.correlate.drive import Driver


def found(rule: str, domain: str, *tactics: str, risk: int = 60, at: int = 0) -> Signal:
    bare = signal(rule, at, "host:h1", risk=risk)
    attacks = tuple(Attack(tactic=tactic) for tactic in tactics)
    return replace(bare, domain=domain, analytic=replace(bare.analytic, attacks=attacks))


def test_two_detections_from_two_domains_with_enough_risk_are_escalated():
    decision = decide([found("a", "identity", "impact"), found("b", "network", "impact")], 60)
    assert decision.is_alert
    assert decision.risk == 84
    assert decision.reasons == (
        "2 distinct detections",
        "2 domains (identity, network), 1 tactics",
        "risk 84 of 60 needed",
    )


def test_two_tactics_of_one_domain_are_enough():
    decision = decide([found("a", "identity", "impact"), found("b", "identity", "discovery")], 60)
    assert decision.is_alert
    assert decision.reasons[1] == "1 domains (identity), 2 tactics"


def test_one_detection_alone_is_not_enough_however_often_and_wherever_it_fires():
    signals = [
        found("a", domain, "impact", "discovery", risk=100, at=n) for n, domain in enumerate(("identity", "network"))
    ]
    decision = decide(signals, 60)
    assert not decision.is_alert
    assert decision.reasons == (
        "not enough: 1 distinct detections",
        "2 domains (identity, network), 2 tactics",
        "risk 100 of 60 needed",
    )


def test_one_domain_and_one_tactic_are_not_enough():
    decision = decide([found("a", "workload", "impact"), found("b", "workload", "impact")], 60)
    assert not decision.is_alert
    assert decision.reasons[0] == "2 distinct detections"
    assert decision.reasons[1] == "not enough: 1 domains (workload), 1 tactics"


def test_detections_without_tactics_need_two_domains():
    assert not decide([found("a", "workload"), found("b", "workload")], 60).is_alert
    assert decide([found("a", "workload"), found("b", "network")], 60).is_alert


@pytest.mark.parametrize(("threshold", "is_alert"), [(83, True), (84, True), (85, False)])
def test_risk_has_to_reach_the_threshold(threshold, is_alert):
    decision = decide([found("a", "identity"), found("b", "network")], threshold)
    assert decision.is_alert is is_alert
    assert decision.reasons[2] == ("" if is_alert else "not enough: ") + f"risk 84 of {threshold} needed"


@pytest.mark.parametrize(
    ("risks", "combined"), [([], 0), ([0, 0], 0), ([40], 40), ([40, 40], 64), ([40, 100], 100), ([5, 5, 5], 14)]
)
def test_risks_of_detections_combine_as_independent_chances(risks, combined):
    assert combined_risk([found(f"r{n}", "identity", risk=risk) for n, risk in enumerate(risks)]) == combined


def test_a_detection_adds_its_highest_risk_once():
    repeated = [found("a", "identity", risk=risk, at=n) for n, risk in enumerate((20, 60, 40))]
    assert combined_risk(repeated) == 60


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 100)), max_size=12), st.randoms())
def test_risk_stays_on_its_scale_grows_with_signals_and_knows_no_order(pairs, random):
    signals = [found(rule, "identity", risk=risk, at=n) for n, (rule, risk) in enumerate(pairs)]
    risk = combined_risk(signals)
    assert max((s.risk for s in signals), default=0) <= risk <= 100
    assert all(combined_risk(signals[:n]) <= risk for n in range(len(signals)))
    random.shuffle(signals)
    assert combined_risk(signals) == risk


@pytest.mark.parametrize(("threshold", "is_alert"), [(64, True), (65, False)])
def test_a_sequence_says_whether_and_why_it_is_escalated(threshold, is_alert):
    driver = Driver(Correlator([spec("temporal", "ab", risk_threshold=threshold)]))
    driver.feed([signal("a", 0, "host:h1", risk=40), signal("b", 1, "host:h1", risk=40)])
    (published,) = [output for output in driver.log if isinstance(output, Published)]
    assert published.sequence.is_alert is is_alert
    assert published.sequence.risk == 64
    assert published.sequence.reasons[2].endswith(f"risk 64 of {threshold} needed")

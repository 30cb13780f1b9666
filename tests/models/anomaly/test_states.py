"""What holds for every model: safe small states, the same from the same, and no input that breaks them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from models.anomaly import baseline, beacon, budget, calibration, hours, peers, rarity, ratios, travel
from models.anomaly.base import MAX_SCORE, Finding, chance, decode, encode, hour_of, score_of, tail_score
from models.anomaly.baseline import Baseline
from models.anomaly.beacon import BeaconConfig, Beacons
from models.anomaly.budget import Budget, BudgetConfig
from models.anomaly.calibration import Calibration
from models.anomaly.cohort import Cohort, CohortConfig, Trees
from models.anomaly.hours import Hours
from models.anomaly.peers import PeersConfig, PeerValues, Watched
from models.anomaly.rarity import RarityConfig, Values
from models.anomaly.ratios import Ratio
from models.anomaly.travel import Place, Travel
from models.errors import InvalidRecord

State = Any
Told = tuple[State, float, Finding | None]  # the next state, a score, and its words

anything = st.one_of(
    st.integers(), st.integers(-3, 40), st.integers(480_000, 520_000), st.sampled_from([0, 2**63, -(2**80), 10**400])
)
rows = st.lists(st.tuples(anything, anything, anything), max_size=30)
FEW = RarityConfig(most=5, warmup_days=0)
FEW_PEERS = PeersConfig(most=4, warmup_days=0, enough=1)


def on_baseline(state: Baseline, one: int, two: int, _: int) -> Told:
    after, change = baseline.learn(state, one, two)
    words = baseline.change_finding(state, one, change) if change else baseline.finding(state, one, two, peers=state)
    return after, baseline.score(state, one, two, peers=after), words


def on_hours(state: Hours, one: int, _: int, __: int) -> Told:
    return hours.learn(state, one), hours.score(state, one), hours.finding(state, one)


def on_values(state: Values, one: int, two: int, _: int) -> Told:
    scored = rarity.score(state, one, two, FEW)
    return rarity.learn(state, one, two, FEW)[0], scored, rarity.finding(state, one, "value", two, FEW)


def on_peers(state: PeerValues, one: int, two: int, three: int) -> Told:
    group = peers.watch(peers.watch(Watched(), one, two, FEW_PEERS), three, two, FEW_PEERS)
    scored = peers.score(state, one, two, group, FEW_PEERS)
    after = peers.learn(state, one, three, two, FEW_PEERS)
    return after, peers.together(scored, scored), peers.finding(state, one, "value", two, group, FEW_PEERS)


def on_travel(state: Travel, one: int, two: int, three: int) -> Told:
    after, leap = travel.step(state, Place(one, two, three, "XX" * 40))
    return after, leap.score if leap else 0.0, travel.finding(after, leap) if leap else None


def on_beacons(state: Beacons, one: int, two: int, _: int) -> Told:
    after, beat = beacon.step(state, one % 7, two, BeaconConfig(most=3, enough=2))
    scored = beacon.combined(beat.score, 2.0) if beat else 0.0
    return after, scored, beacon.finding(beat, "example.com", scored) if beat else None


def on_ratios(state: Ratio, one: int, two: int, three: int) -> Told:
    after = ratios.learn(state, one, two, three)
    return after, ratios.score(state, one, two, three, peers=after), ratios.finding(state, one, two, three, peers=after)


def on_cohort(state: Cohort, one: int, two: int, three: int) -> Told:
    trees = Trees(state, CohortConfig(("a", "b", "c"), window=5, trees=2, height=3))
    amounts = {"a": one, "b": two, "d": three}
    told = trees.score(amounts), trees.finding(amounts)
    trees.learn([amounts], one)
    return trees.state, *told


def on_calibration(state: Calibration, one: int, two: int, _: int) -> Told:
    after = calibration.learn(state, [one / 2**500 if abs(one) > 2**60 else float(one), math.inf, math.nan, -1.0])
    return after, score_of(calibration.fitted(after).probability(float(min(max(two, -9), 99)))), None


def on_budget(state: Budget, one: int, two: int, _: int) -> Told:
    after, answer = budget.step(state, one, float(min(max(two, -9), 99)), BudgetConfig(daily=2))
    return after, min(answer.threshold, MAX_SCORE), None


@dataclass(frozen=True, slots=True)
class Model:
    empty: Struct
    step: Callable[[Any, int, int, int], Told]
    most_bytes: int


MODELS = {
    "baseline": Model(Baseline(), on_baseline, 200),
    "hours": Model(Hours(), on_hours, 140),
    "rarity": Model(Values(), on_values, 60),
    "peers": Model(PeerValues(), on_peers, 1250),
    "travel": Model(Travel(), on_travel, 400),
    "beacon": Model(Beacons(), on_beacons, 200),
    "ratios": Model(Ratio(), on_ratios, 40),
    "cohort": Model(Cohort(), on_cohort, 160),
    "calibration": Model(Calibration(), on_calibration, 200),
    "budget": Model(Budget(), on_budget, 1000),
}


@pytest.mark.parametrize("name", MODELS)
@given(given_rows=rows)
@settings(max_examples=40)
def test_no_numbers_break_a_model_and_states_stay_small(name, given_rows):
    model = MODELS[name]
    state = model.empty
    for row in given_rows:
        state, scored, words = model.step(state, *row)
        assert 0 <= scored <= MAX_SCORE
        assert words is None or 0 <= words.score <= MAX_SCORE
        assert words is None or all(0 <= reason.share <= 1 for reason in words.because)
    data = encode(state)
    assert len(data) <= model.most_bytes
    assert decode(type(state), data) == state


@pytest.mark.parametrize("name", MODELS)
@given(given_rows=rows, cut=st.integers(0, 30))
@settings(max_examples=30)
def test_a_state_that_was_put_away_goes_on_as_if_it_had_not_been(name, given_rows, cut):
    model = MODELS[name]
    state, other = model.empty, model.empty
    for number, row in enumerate(given_rows):
        if number == cut:
            other = decode(type(other), encode(other))
        told, again = model.step(state, *row), model.step(other, *row)
        assert told == again
        state, other = told[0], again[0]
    assert encode(state) == encode(other)


@pytest.mark.parametrize("name", MODELS)
@given(data=st.binary(max_size=80))
@settings(max_examples=40)
def test_what_is_no_state_is_refused(name, data):
    kind = type(MODELS[name].empty)
    try:
        state = decode(kind, data)
    except InvalidRecord:
        return
    assert decode(kind, encode(state)) == state


@pytest.mark.parametrize("name", MODELS)
def test_the_state_of_another_model_or_version_is_refused(name):
    for other, model in MODELS.items():
        if other != name:
            with pytest.raises(InvalidRecord):
                decode(type(MODELS[name].empty), encode(model.empty))


@pytest.mark.parametrize("name", MODELS)
@given(given_rows=st.lists(st.tuples(anything, anything, anything), max_size=12), lot=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_damaged_state_is_refused_or_works(name, given_rows, lot):
    model = MODELS[name]
    state = model.empty
    for row in given_rows:
        state, *_ = model.step(state, *row)
    data = bytearray(encode(state))
    for _ in range(3):
        data[lot.randrange(len(data))] = lot.randrange(256)
    try:
        state = decode(type(state), bytes(data))
    except InvalidRecord:
        return
    for row in given_rows:
        state, scored, _ = model.step(state, *row)
        assert 0 <= scored <= MAX_SCORE


def test_states_travel_inside_others():
    held = msgspec.msgpack.Decoder(dict[str, Baseline | Hours])
    state, _ = baseline.learn(Baseline(), 495_000, 7)
    both = {"one": state, "two": hours.learn(Hours(), 495_000)}
    assert held.decode(msgspec.msgpack.encode(both)) == both


@given(st.floats(allow_nan=True), st.floats(1, 100))
def test_the_tail_is_a_score_of_any_number(deviation, freedom):
    assert 0 <= tail_score(deviation, freedom) <= MAX_SCORE
    assert tail_score(deviation, freedom) <= tail_score(deviation + 1, freedom) or math.isnan(deviation)


@pytest.mark.parametrize(
    ("deviation", "freedom", "both_sides"),
    [(2.776, 4, 0.05), (4.604, 4, 0.01), (8.610, 4, 0.001), (2.306, 8, 0.05), (5.041, 8, 0.001), (3.182, 3, 0.05)],
)
def test_the_tail_is_that_of_students_t(deviation, freedom, both_sides):
    assert tail_score(deviation, freedom) == pytest.approx(-math.log10(both_sides), rel=0.03)


@pytest.mark.parametrize("probability", [0.0, -1.0, math.nan, 1e-300])
def test_what_is_no_probability_has_the_highest_score(probability):
    assert score_of(probability) == MAX_SCORE


def test_lots_are_fair_and_always_the_same():
    drawn = [chance(number, 7) for number in range(1000)]
    assert all(0 <= one < 1 for one in drawn)
    assert 0.48 < sum(drawn) / len(drawn) < 0.52
    assert chance(495_000, -3) == chance(495_000, -3) != chance(495_001, -3)


def test_hours_of_any_time_can_be_kept():
    assert hour_of(-1) == 0
    assert hour_of(7_200_000) == 2
    assert hour_of(10**40) == hour_of(10**30)

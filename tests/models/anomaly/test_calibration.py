"""Calibration: whatever a model's scores mean, what comes out is the share of scores that are at least as high."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.base import MAX_SCORE, encode
from models.anomaly.calibration import Calibration, CalibrationConfig, fitted, halved, held, learn, merged, strength

finite = st.floats(0, MAX_SCORE)
score_lists = st.lists(finite, max_size=60)

# Models that are right, boast, are shy, have a heavy tail, or see nothing in most of what there is.
LAWS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "right": (lambda u: -math.log10(u), lambda s: 10**-s),
    "boasts": (lambda u: -2.5 * math.log10(u), lambda s: 10 ** (-s / 2.5)),
    "shy": (lambda u: -0.3 * math.log10(u), lambda s: 10 ** (-s / 0.3)),
    "heavy": (lambda u: 0.3 * (u**-0.3 - 1), lambda s: (1 + s / 0.3) ** (-1 / 0.3)),
    "mostly nothing": (lambda u: max(0.0, -math.log10(u * 20)), lambda s: 10**-s / 20),
}


def scored(law: str, number: int, seed: int = 1) -> Calibration:
    lot = random.Random(seed)  # noqa: S311  # repeatable, not secret
    return learn(Calibration(), (LAWS[law][0](1 - lot.random()) for _ in range(number)))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("probability", [0.3, 0.01, 1e-3, 1e-4, 1e-5, 1e-6])
def test_probabilities_are_right_within_a_factor_even_beyond_what_was_seen(law: str, probability: float) -> None:
    tail = fitted(scored(law, 100_000))
    low, high = 0.0, MAX_SCORE
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if LAWS[law][1](middle) > probability else (low, middle)
    if low <= 0:  # more scores than that are 0
        return
    off = abs(math.log10(tail.probability(low) / probability))
    assert off < (0.25 if probability >= 1e-4 else 1.0)


@given(score_lists, finite, finite)
def test_a_higher_score_is_never_more_probable(scores, one, other):
    tail = fitted(learn(Calibration(), scores))
    low, high = sorted((one, other))
    assert 0 < tail.probability(high) <= tail.probability(low) <= 1


@given(st.lists(score_lists, max_size=4), st.randoms(use_true_random=False))
def test_parts_join_in_any_order_to_what_they_are_together(parts, lot):
    whole = learn(Calibration(), [one for part in parts for one in part])
    joined = Calibration()
    for part in lot.sample(parts, len(parts)):
        joined = merged(joined, learn(Calibration(), part))
    assert joined == whole
    assert fitted(joined) == fitted(whole)


def test_with_nothing_learned_a_model_is_taken_at_its_word() -> None:
    tail = fitted(Calibration())
    assert tail.probability(0) == 1
    assert tail.probability(3) == pytest.approx(1e-3)


def test_few_scores_do_not_make_probabilities_extreme() -> None:
    tail = fitted(scored("right", 20))
    assert tail.probability(0.1) > 0.3
    assert 1e-6 < tail.probability(5) < 1e-3


def test_what_was_scored_long_ago_fades() -> None:
    config = CalibrationConfig(most=2000)
    state = learn(Calibration(), [9.0] * 1000, config)
    for _ in range(20):
        state = learn(state, [1.0] * 900, config)
    assert state.total <= 2000
    assert fitted(state).probability(9) < 0.01


@pytest.mark.parametrize(("score", "a_day"), [(0.0, 20), (1.0, 2), (2.0, 0.2)])
def test_a_score_is_worth_how_often_it_comes_in_a_day(score: float, a_day: float) -> None:
    state = scored("right", 20_000)
    assert strength(state, score, 1000) == pytest.approx(max(0, -math.log10(a_day)), abs=0.15)
    assert strength(state, score, 100_000) == pytest.approx(max(0, -math.log10(a_day / 100)), abs=0.15), "in more days"


def test_what_never_was_is_rarer_the_longer_it_was_not() -> None:
    assert [round(strength(Calibration(), 1.0, days), 1) for days in (0, 9, 999)] == [1.0, 2.0, 4.0]


def test_a_presumed_tail_may_be_heavier() -> None:
    light, heavy = (CalibrationConfig(scale=scale) for scale in (0.4, 1.0))
    state = learn(Calibration(), [1.0] * 50)
    assert strength(state, 6.0, 50, light) > strength(state, 6.0, 50, heavy) + 2


@pytest.mark.parametrize("score", [0.0, 0.3, 4.0, 29.0])
def test_of_a_score_no_more_is_learned_than_is_allowed(score: float) -> None:
    state = scored("right", 20_000)
    learned = held(state, score, 2.0, 1000)
    assert learned <= score
    assert strength(state, learned, 1000) <= max(2.0, strength(state, 0, 1000))
    assert learned == score or strength(state, learned + 0.05, 1000) > 2


def test_half_of_what_was_scored_is_half_as_much_everywhere() -> None:
    state = learn(Calibration(), [n / 20 + 0.01 for n in range(40)] + [0.0] * 100)
    half = halved(state)
    assert half.total == pytest.approx(state.total / 2, abs=1)
    assert sum(half.bins.values()) == half.total
    assert sum(place >= 20 for place in half.bins) == 10, "every other one of single scores"


def test_a_state_is_small() -> None:
    assert len(encode(scored("heavy", 100_000))) < 1500

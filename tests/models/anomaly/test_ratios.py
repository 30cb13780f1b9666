"""Shares: few of few prove little, many of many do; peers stand in; a share is judged by what is usual."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.base import encode
from models.anomaly.ratios import GROUPS, SHARES, Ratio, finding, learn, score
from tests.models.anomaly.ordinary import START

DAY = 24
LATE = START + 40 * DAY


def shares(usual: float, days: int = 40, seed: int = 1) -> Iterator[tuple[int, int, int]]:
    """Yield hours, parts and wholes: the share itself differs from hour to hour."""
    lot = random.Random(seed)  # noqa: S311  # made weeks have to be repeatable, not secret
    for hour in range(START, START + days * DAY):
        whole = lot.randrange(5, 400)
        share = usual * lot.lognormvariate(0, 0.3)
        yield hour, sum(lot.random() < share for _ in range(whole)), whole


def known(usual: float, days: int = 40) -> Ratio:
    state = Ratio()
    for hour, part, whole in shares(usual, days):
        state = learn(state, hour, part, whole)
    return state


@pytest.mark.parametrize("usual", [0.001, 0.03, 0.4])
def test_ordinary_shares_score_no_more_than_chance_would(usual: float) -> None:
    scores = []
    for seed in range(8):
        state = Ratio()
        for hour, part, whole in shares(usual, seed=seed):
            if hour > START + 10 * DAY:
                scores.append(score(state, hour, part, whole))
            state = learn(state, hour, part, whole)
    for at_least in (1.5, 2, 3):
        assert sum(one >= at_least for one in scores) <= 2 * 10**-at_least * len(scores)


def test_the_same_share_says_more_of_many() -> None:
    state = known(0.03)
    scores = [score(state, LATE, whole * 3 // 10, whole) for whole in (10, 50, 500)]
    assert scores == sorted(scores)
    assert scores[0] < 2.5
    assert scores[-1] > 3


@given(st.integers(10, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_of_the_same_whole_is_never_less_strange(whole, one, other):
    less, more = sorted((one, other))
    assert score(STATE, LATE, less, whole) <= score(STATE, LATE, more, whole)


STATE = known(0.05, 10)


def test_hours_of_too_few_are_neither_judged_nor_learned() -> None:
    state = known(0.03)
    few = SHARES.enough - 1
    assert score(state, LATE, few, few) == 0
    assert learn(state, LATE, few, few) == state


def test_peers_stand_in_for_who_is_new() -> None:
    group = Ratio()
    for hour, part, whole in shares(0.02):
        group = learn(group, hour, part, whole, GROUPS)
    assert score(Ratio(), LATE, 90, 100) == 0
    assert score(Ratio(), LATE, 90, 100, peers=group) > 3
    told = finding(Ratio(), LATE, 90, 100, peers=group)
    assert told.by_peers
    assert told.seen == "90.0%: 90 of 100 in an hour"


def test_what_was_far_off_teaches_little() -> None:
    state = known(0.03)
    assert abs(learn(state, LATE, 10**6, 10**6).level.mean - state.level.mean) < 20


def test_findings_name_the_usual_share() -> None:
    told = finding(known(0.03), LATE, 60, 100)
    assert told.expected in {"about 2.8%", "about 2.9%", "about 3.0%", "about 3.1%", "about 3.2%", "about 3.3%"}
    assert told.because[0].name.endswith("times the usual share")
    assert finding(Ratio(), LATE, 60, 100).expected == "not known yet"
    assert len(encode(known(0.03))) < 24

"""Cohorts: an hour unlike all of the members', found and explained; masses put away and taken up give equal scores."""

from __future__ import annotations

import random

import pytest

from models.anomaly.base import decode, encode
from models.anomaly.cohort import Cohort, CohortConfig, Trees
from tests.models.anomaly.ordinary import START

FEATURES = ("logins", "failures", "applications", "bytes out", "bytes in", "destinations", "processes", "names")
CONFIG = CohortConfig(FEATURES)
Row = dict[str, int]


def hour_of_member(lot: random.Random) -> Row:
    """Return what an ordinary member does: the busier, the more of everything."""
    busy = lot.lognormvariate(2.5, 0.5)
    factors = (1, 0.02, 0.2, 1e5, 1e6, 1, 2, 5)
    return {name: round(busy * by * lot.lognormvariate(0, 0.4)) for name, by in zip(FEATURES, factors, strict=True)}


def taught(seed: int, number: int = 3000) -> tuple[Trees, random.Random, list[float]]:
    """Return trees that have learned rows, and the scores of the last half of them."""
    lot, trees, scores = random.Random(seed), Trees(Cohort(), CONFIG), []  # noqa: S311  # repeatable, not secret
    for place in range(number):
        row = hour_of_member(lot)
        if place > number / 2:
            scores.append(trees.score(row))
        trees.learn([row], START + place // 20)
    return trees, lot, scores


def exfiltrating(lot: random.Random) -> Row:
    row = hour_of_member(lot)
    return {**row, "bytes out": row["bytes out"] * 60, "destinations": row["destinations"] * 20, "failures": 30}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_hour_unlike_all_others_stands_out(seed: int) -> None:
    trees, lot, scores = taught(seed)
    highest = sorted(scores)[-len(scores) // 200]
    found = [trees.score(exfiltrating(lot)) > highest for _ in range(50)]
    assert sum(found) >= 45


def test_the_features_that_make_it_strange_are_named() -> None:
    trees, lot, _ = taught(1)
    odd = {**hour_of_member(lot), "bytes out": 10**12}
    reasons = trees.because(odd)
    assert reasons[0].name == "bytes out"
    assert sum(reason.share for reason in reasons) == pytest.approx(1)
    told = trees.finding(odd)
    assert told.seen.startswith("bytes out 1,000,000,000,000")
    assert told.expected.startswith("the hours of peers: bytes out about 1,")
    assert told.by_peers


def test_nothing_is_scored_in_the_first_window() -> None:
    trees, lot, _ = taught(1, CONFIG.window - 1)
    assert trees.score(exfiltrating(lot)) == 0
    trees.learn([hour_of_member(lot)], START)
    assert trees.score(exfiltrating(lot)) > 0


@pytest.mark.parametrize("number", [0, 7, 249, 250, 251, 600])
def test_trees_built_from_a_state_score_and_learn_the_same(number: int) -> None:
    trees, lot, _ = taught(5, number)
    again = Trees(decode(Cohort, encode(trees.state)), CONFIG)
    assert not again.is_anew
    assert again.state == trees.state
    for place in range(300):
        row = exfiltrating(lot) if place % 9 == 0 else hour_of_member(lot)
        assert again.score(row) == trees.score(row)
        trees.learn([row], START + place)
        again.learn([row], START + place)
    assert encode(again.state) == encode(trees.state)


@pytest.mark.parametrize(
    "config", [CohortConfig(FEATURES[:-1]), CohortConfig(FEATURES, seed=8), CohortConfig(FEATURES, height=5)]
)
def test_trees_of_another_make_learn_anew_and_say_so(config: CohortConfig) -> None:
    trees, lot, _ = taught(1, 600)
    other = Trees(trees.state, config)
    assert other.is_anew
    assert other.state.learned == 0
    assert other.score(exfiltrating(lot)) == 0


@pytest.mark.parametrize("features", [(), ("a", "a"), tuple(map(str, range(65)))])
def test_features_that_make_no_tree_are_refused(features: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="features, each once"):
        CohortConfig(features)


@pytest.mark.parametrize("window", [0, 1, 256])
def test_windows_that_a_mass_cannot_count_are_refused(window: int) -> None:
    with pytest.raises(ValueError, match="window is 2 to 255"):
        CohortConfig(FEATURES, window=window)


def test_a_state_is_small() -> None:
    assert len(encode(taught(1)[0].state)) < 1600

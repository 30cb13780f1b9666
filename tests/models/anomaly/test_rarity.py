"""New and rare values: strange for who never shows new ones, not for who does so every day; bounded and forgetful."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.base import encode
from models.anomaly.rarity import (
    PERIOD_DAYS,
    WIDTH,
    RarityConfig,
    Sighting,
    Values,
    days_seen,
    finding,
    learn,
    name_of,
    score,
)

DAY = 20_640  # the first of a period
NEW = name_of("never seen")


def user_of(new: float, days: int = 80, usual: int = 6, seed: int = 1) -> tuple[Values, list[float]]:
    """Return what someone has shown who takes new values now and then, and the scores of all values on the way."""
    lot, state, scores = random.Random(seed), Values(), []  # noqa: S311  # repeatable, not secret
    for day in range(DAY, DAY + days):
        for value in range(usual):
            if lot.random() < 0.6:
                name = name_of(str(lot.random())) if lot.random() < new else name_of(f"application {value}")
                scores.append(score(state, name, day))
                state, _ = learn(state, name, day)
    return state, scores


def test_a_new_value_is_the_stranger_the_fewer_new_ones_there_were() -> None:
    found = [score(user_of(new)[0], NEW, DAY + 80) for new in (0, 0.03, 0.2, 0.8)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 2
    assert found[-1] < 0.5


def test_known_values_are_ordinary_and_rare_ones_in_between() -> None:
    state, _ = user_of(0)
    state, _ = learn(state, name_of("seen once"), DAY + 80)
    often, once, never = (score(state, name_of(v), DAY + 81) for v in ("application 1", "seen once", "never seen"))
    assert often < once <= never
    assert often < 1


def test_scores_are_what_they_say() -> None:
    for new in (0.01, 0.1, 0.4):
        scores = [one for seed in range(10) for one in user_of(new, seed=seed)[1]]
        for at_least in (1.0, 1.5, 2.0):
            assert sum(one >= at_least for one in scores) <= 1.5 * 10**-at_least * len(scores)


def test_nothing_is_new_in_the_first_days() -> None:
    state, _ = learn(Values(), name_of("mail"), DAY)
    assert score(state, NEW, DAY + 6) == 0
    assert score(state, NEW, DAY + 7) > 0
    assert score(Values(), NEW, DAY) == 0


def test_the_same_day_again_changes_nothing() -> None:
    state, first = learn(Values(), NEW, DAY)
    again, second = learn(state, NEW, DAY)
    assert (first, second) == (Sighting(first=True, renewed=True), Sighting(first=False, renewed=False))
    assert again == state
    assert days_seen(state, NEW, DAY) == 1


def test_the_peers_are_told_once_a_period() -> None:
    state, renewed = Values(), []
    for day in range(DAY, DAY + 3 * PERIOD_DAYS, 3):
        state, sighting = learn(state, NEW, day)
        renewed += [day] if sighting.renewed else []
        assert sighting.first == (day == DAY)
    assert renewed == [DAY, DAY + PERIOD_DAYS, DAY + 2 * PERIOD_DAYS]


def test_what_was_seen_once_is_forgotten_in_the_third_period_and_habits_later() -> None:
    state, _ = user_of(0, days=30)
    once, _ = learn(state, NEW, DAY + 29)
    assert days_seen(once, NEW, DAY + 2 * PERIOD_DAYS + 29) > 0
    assert days_seen(once, NEW, DAY + 3 * PERIOD_DAYS) == 0
    assert days_seen(once, name_of("application 1"), DAY + 3 * PERIOD_DAYS) > 0
    assert learn(once, NEW, DAY + 3 * PERIOD_DAYS)[1].first


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 120)), max_size=120))
def test_a_state_is_bounded_and_counts_no_more_than_there_were_days(uses):
    config, state, days = RarityConfig(most=12), Values(), {}
    last = 0
    for name, day in uses:
        last = max(last, day)
        state, _ = learn(state, name, DAY + day, config)
        days.setdefault(name, set()).add(last)
        assert len(state.rows) <= 12 * WIDTH
    for name, seen in days.items():
        assert days_seen(state, name, DAY + last) <= len(seen)


def test_what_goes_is_what_was_seen_least_and_is_remembered_as_restless() -> None:
    config, state = RarityConfig(most=4), Values()
    for day in range(DAY, DAY + 20):
        for name in (1, 2):
            state, _ = learn(state, name, day, config)
        state, _ = learn(state, 1000 + day, day, config)
    assert days_seen(state, 1, DAY + 20) == days_seen(state, 2, DAY + 20) == 20
    assert score(state, NEW, DAY + 20, config) < 0.6  # a third of its uses were new
    assert len(state.rows) == 4 * WIDTH


def test_findings_say_how_often_new_ones_come() -> None:
    state, _ = user_of(0)
    told = finding(state, NEW, "tor browser", DAY + 80)
    assert told.seen == "tor browser: never seen before"
    assert told.expected.startswith("one of 6 known values; a new one in 0.")
    rare, _ = learn(state, NEW, DAY + 80)
    assert finding(rare, NEW, "tor browser", DAY + 81).seen == "tor browser: seen on 1 days before"


def test_a_state_is_small() -> None:
    assert len(encode(user_of(0)[0])) < 60
    assert len(encode(user_of(0.9)[0])) <= 48 * WIDTH + 20

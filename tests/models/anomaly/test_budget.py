"""The alert budget: never more than it, nearly all of it while there are enough, and the strongest of those."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.budget import Budget, BudgetConfig, step
from models.anomaly.rarity import DAY_MS

FIRST = 20_640
CONFIG = BudgetConfig(daily=100)


def day_of(state: Budget, day: int, number: int, seed: int = 1) -> tuple[Budget, list[float], list[float]]:
    """Let so many ask at any times of a day; return the state, all strengths and those that were granted."""
    lot = random.Random(seed * 1000 + day)  # noqa: S311  # repeatable, not secret
    asked = sorted((lot.random(), 4 - math.log10(1 - lot.random())) for _ in range(number))
    granted = []
    for when, strength in asked:
        state, answer = step(state, round((FIRST + day + when) * DAY_MS), strength, CONFIG)
        granted += [strength] if answer.is_granted else []
    return state, [strength for _, strength in asked], granted


@pytest.mark.parametrize("number", [3, 40, 100, 400, 3000])
def test_a_day_grants_what_the_budget_allows_and_the_strongest_of_it(number: int) -> None:
    state = Budget()
    for day in range(8):
        state, asked, granted = day_of(state, day, number)
        top = sorted(asked, reverse=True)[:100]
        assert len(granted) <= 100
        assert len(granted) >= 0.85 * len(top)
        assert sum(one >= top[-1] for one in granted) >= (0.7 if day else 0.5) * len(top)
        assert set(top[:5]) <= set(granted)
        assert (state.spent, state.withheld) == (len(granted), number - len(granted))


def test_a_flood_of_weak_ones_leaves_room_for_a_strong_one_in_the_evening() -> None:
    state = Budget()
    for minute in range(20 * 60):
        for _ in range(5):
            state, _ = step(state, FIRST * DAY_MS + minute * 60_000, 4.0, CONFIG)
    assert state.spent < 100
    state, answer = step(state, FIRST * DAY_MS + 21 * 3_600_000, 9.0, CONFIG)
    assert answer.is_granted


def test_a_new_day_has_a_new_budget_and_remembers_how_strong_they_are() -> None:
    state, _, _ = day_of(Budget(), 0, 3000)
    state, weak = step(state, (FIRST + 1) * DAY_MS, 4.01, CONFIG)
    assert not weak.is_granted
    assert weak.threshold > 5
    state, strong = step(state, (FIRST + 1) * DAY_MS, 8.0, CONFIG)
    assert strong.is_granted
    assert (state.spent, state.withheld) == (1, 1)


def test_what_is_long_past_does_not_count() -> None:
    state, _, _ = day_of(Budget(), 0, 3000)
    _, answer = step(state, (FIRST + 200) * DAY_MS, 4.01, CONFIG)
    assert answer.is_granted


@given(st.lists(st.tuples(st.integers(-5, 10 * DAY_MS), st.floats(0, 40)), max_size=80), st.integers(0, 5))
def test_no_day_grants_more_than_its_budget(asks, daily):
    state, by_day = Budget(), {}
    for time, strength in asks:
        state, answer = step(state, time, strength, BudgetConfig(daily))
        by_day[state.day] = by_day.get(state.day, 0) + answer.is_granted
    assert all(count <= daily for count in by_day.values())

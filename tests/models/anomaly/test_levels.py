"""Levels: found in whole numbers however slowly they learn, and moved by no outlier further than by its bound."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.levels import CLIP, PARTS, UNIT, Level, faded, freedom_of, scale_of, taught, taught_all

LEAST = 0.1


def level_of(mean: float, deviation: float, most: int, number: int, seed: int = 1) -> Level:
    lot, level = random.Random(seed), Level()  # noqa: S311  # repeatable, not secret
    for salt in range(number):
        level = taught(level, lot.gauss(mean, deviation), most, LEAST, salt)
    return level


@pytest.mark.parametrize(("most", "number"), [(20, 500), (200, 2000), (8000, 40_000)])
def test_steps_smaller_than_the_last_digit_add_up(most: int, number: int) -> None:
    level = level_of(3.0, 0.5, most, number)
    assert level.mean / UNIT == pytest.approx(3.0, abs=0.25)
    assert scale_of(level, LEAST) == pytest.approx(0.5, abs=0.15)
    assert level.weight == most * PARTS


def test_a_level_follows_what_changes() -> None:
    level = level_of(3.0, 0.5, 50, 500)
    for salt in range(500):
        level = taught(level, 5.0 + salt % 2 / 10, 50, LEAST, salt)
    assert level.mean / UNIT == pytest.approx(5.05, abs=0.1)


@given(st.floats(-1000, 1000), st.integers())
def test_no_outlier_moves_a_level_further_than_its_bound(number, salt):
    level = level_of(3.0, 0.5, 50, 200)
    moved = taught(level, number, 50, LEAST, salt)
    assert abs(moved.mean - level.mean) <= CLIP * scale_of(level, LEAST) * UNIT / 50 + 1
    assert moved.spread <= level.spread * (1 + CLIP * 1.3 / 50) + 1


def test_what_lies_below_says_nothing_of_what_is_too_much() -> None:
    level = level_of(3.0, 0.2, 50, 400)
    low = taught(level, -5.0, 50, LEAST, 1)
    assert low.spread == level.spread


def test_a_level_that_fades_is_less_sure() -> None:
    level = level_of(3.0, 0.5, 50, 200)
    half = faded(level, 0.5)
    assert (half.mean, half.spread, half.weight) == (level.mean, level.spread, level.weight // 2)
    assert freedom_of(half.weight / PARTS) < freedom_of(level.weight / PARTS)


@given(st.floats(-100, 100), st.integers(0, 2**40))
def test_one_number_is_learned_as_several_are(number, salt):
    level = level_of(3.0, 0.5, 50, 200)
    assert taught_all(level, [number], 50, LEAST, salt) == taught(level, number, 50, LEAST, salt)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=20), st.integers(0, 20))
def test_several_numbers_are_learned_in_no_order(numbers, cut):
    level, turned = level_of(3.0, 0.5, 400, 200), [*numbers[cut:], *numbers[:cut]]
    one, other = (taught_all(level, some, 400, LEAST, 7) for some in (numbers, turned))
    assert (one.weight, other.weight) == (min(level.weight + len(numbers) * PARTS, 400 * PARTS),) * 2
    assert abs(one.mean - other.mean) <= 1  # sums of floats
    assert abs(one.spread - other.spread) <= 1


def test_several_numbers_teach_about_what_they_would_one_after_the_other() -> None:
    lot, together, apart = random.Random(5), Level(), Level()  # noqa: S311  # repeatable, not secret
    for salt in range(300):
        numbers = [lot.gauss(3.0, 0.5) for _ in range(9)]
        together = taught_all(together, numbers, 1000, LEAST, salt)
        for number in numbers:
            apart = taught(apart, number, 1000, LEAST, salt)
    assert together.weight == apart.weight
    assert together.mean / UNIT == pytest.approx(apart.mean / UNIT, abs=0.05)
    assert scale_of(together, LEAST) == pytest.approx(scale_of(apart, LEAST), abs=0.05)


def test_more_numbers_than_are_remembered_move_a_level_to_their_mean_and_not_beyond() -> None:
    level = level_of(3.0, 0.5, 20, 200)
    moved = taught_all(level, [3.5] * 100, 20, LEAST, 1)
    assert moved.mean / UNIT == pytest.approx(3.5, abs=0.01)

"""Levels: found in whole numbers however slowly they learn, and moved by no outlier further than by its bound."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.levels import CLIP, PARTS, UNIT, Level, faded, freedom_of, scale_of, taught

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

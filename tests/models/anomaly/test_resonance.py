"""What blocks, a memory of windows and a sight of a series do."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly import blocks, resonance, sight
from models.anomaly.blocks import Block
from models.anomaly.resonance import Fit, Memory, MemoryConfig, Vigilance
from models.anomaly.sight import News, Sight, SightConfig

# ruff: noqa: S311  # made series, not secrets

CONFIG = MemoryConfig(features=3, most=4)
SIGHT = SightConfig(warmup=64)


def numbers(values: Sequence[float], size: int) -> list[float]:
    block, found = Block(), []
    for value in values:
        block, number = blocks.step(block, value, size)
        found += [] if number is None else [number]
    return found


def test_a_block_is_its_spike_or_its_mean() -> None:
    assert numbers([10, 10.5, 9.5, 10, 10, 10, 10, 10, 10, 10, 30, 10], 4) == [10, 10, 30]
    assert numbers([10, 10, 10, 10, 10, 10, 2, 10], 4) == [10, 2]
    assert numbers([-10, -10, -10, -10, -10, -10, -30, -10], 4) == [-10, -30]
    assert numbers([3, 1, 2], 1) == [3, 1, 2]
    assert numbers([3, 1, 2], 4) == []


def test_the_spike_is_what_is_farther_from_the_blocks_before() -> None:
    steps = [5.0, 5.0, 9.0, 9.0, 0.0, 9.0]
    assert numbers(steps, 2) == [5, 9, 0]  # the mean of the blocks before is 7, then 5.75
    assert numbers([9.0, 9.0, 0.0, 4.0], 2) == [9, 0]


def fits(windows: Sequence[Sequence[float]], vigilance: Vigilance) -> tuple[Memory, list[Fit]]:
    memory, found = Memory(), []
    for at, window in enumerate(windows):
        memory, fit = resonance.step(memory, np.array(window), at, vigilance, CONFIG)
        found.append(fit)
    return memory, found


def test_a_window_seen_before_fits_and_another_is_new() -> None:
    windows = [(0.0, 0.5, 1.0), (0.0, 0.5, 1.0), (0.0, 0.5, 0.9), (1.0, 0.5, 0.0)]
    _, (first, again, near, far) = fits(windows, Vigilance(0.5, 0.95))
    assert first == Fit(0.0, 0.0, new=True)
    assert again == Fit(1.0, 1.0, new=False)
    assert near.newest == pytest.approx(0.9, abs=1e-4)  # 0.9 of 1 is common, nothing of the complement
    assert near.similarity == pytest.approx((2.9 / 3) ** 3 * 0.9**2, abs=1e-3)
    assert not near.new
    assert far.new
    assert far.similarity < 0.01


def test_what_fits_by_the_upper_vigilance_widens_a_box_and_else_there_is_another() -> None:
    windows = [(0.0, 0.5, 0.5), (0.1, 0.5, 0.5)]
    one, _ = fits(windows, Vigilance(0.5, 0.8))
    assert len(one.used) == 4
    lows, highs = resonance.limits(one, CONFIG)
    assert lows[0] == pytest.approx([0, 0.5, 0.5], abs=1e-4)
    assert highs[0] == pytest.approx([0.1, 0.5, 0.5], abs=1e-4)
    two, (_, fit) = fits(windows, Vigilance(0.5, 0.99))
    assert len(two.used) == 8
    assert not fit.new


def test_the_category_used_longest_ago_goes_first() -> None:
    windows = [(each / 10, 1 - each / 10, 0.5) for each in (0, 2, 4, 6, 0, 8)]
    memory, _ = fits(windows, Vigilance(0.97, 0.97))
    lows, _ = resonance.limits(memory, CONFIG)
    assert lows[:, 0] == pytest.approx([0, 0.8, 0.4, 0.6], abs=1e-4)
    assert resonance.holds(memory, CONFIG)
    assert not resonance.holds(memory, MemoryConfig(features=3, most=3))


def fit_by_hand(box: list[float], window: list[float]) -> float:
    coded = [*window, *(1 - each for each in window)]
    common = [min(pair) for pair in zip(box, coded, strict=True)]
    return (sum(common) / sum(box)) ** 3 * ((common[2] + common[5]) / (box[2] + box[5])) ** 2


unit = st.integers(0, 80).map(lambda level: level / 80)


@given(st.lists(st.tuples(unit, unit, unit), min_size=2, max_size=4))
def test_similarity_is_that_of_the_paper(windows: list[tuple[float, float, float]]) -> None:
    _, found = fits(windows, Vigilance(0.0, 1.1))  # nothing is learned by what is there
    for at, fit in enumerate(found[1:], 1):
        known = [[*each, *(1 - one for one in each)] for each in windows[:at]]
        assert fit.similarity == pytest.approx(max(fit_by_hand(box, [*windows[at]]) for box in known), abs=1e-3)


def test_the_transform_keeps_lengths_and_begins_with_the_mean() -> None:
    product = sight.HAAR @ sight.HAAR.T
    assert product == pytest.approx(np.eye(8))
    assert sight.HAAR[0] == pytest.approx(np.full(8, 8**-0.5))
    step = sight.HAAR @ np.array([0.0] * 4 + [1.0] * 4)
    assert step == pytest.approx([2**0.5, -(2**0.5), 0, 0, 0, 0, 0, 0])


def seen(values: Sequence[float], low: float = 0.0, high: float = 100.0) -> tuple[Sight, list[News]]:
    state, found = sight.begun(values[: SIGHT.warmup], low, high, SIGHT), []
    for value in values[SIGHT.warmup :]:
        state, news = sight.step(state, value, SIGHT)
        found.append(news)
    return state, found


def wave(rows: int) -> list[float]:
    lot = random.Random(7)
    return [(80 if row % 8 < 4 else 20) + lot.gauss(0, 1) for row in range(rows)]


def sure(news: list[News]) -> list[int]:
    return [row for row, each in enumerate(news) if each.sure > 0]


def test_what_comes_again_is_no_news_and_what_never_came_is() -> None:
    values = wave(400)
    assert not sure(seen(values)[1])
    values[300:304] = [50] * 4
    state, news = seen(values)
    assert sure(news)[0] == 300 - 64
    assert news[236].sure == pytest.approx(min(1, news[236].by_course + news[236].by_level))
    assert state.alarms >= 1
    assert sight.holds(state, SIGHT)


def test_soon_after_an_anomaly_only_what_is_stranger_counts() -> None:
    values = wave(400)
    values[300] = 50
    once = sure(seen(values)[1])
    values[304] = 50
    assert sure(seen(values)[1]) == once


def test_numbers_near_the_median_are_no_shape() -> None:
    lot = random.Random(8)
    state, news = seen([50 + lot.uniform(-6, 6) for _ in range(300)])
    assert not sure(news)
    assert len(set(state.levels)) == 1


def test_it_expects_what_came_after_such_a_course() -> None:
    values = wave(400)
    for end, level in ((392, 80), (396, 20)):
        low, high = sight.expected(seen(values[:end])[0], SIGHT)
        assert low < level < high
        assert high - low < 40


def test_vigilance_follows_the_series() -> None:
    lot = random.Random(9)
    quiet, restless = seen([50.0] * 400)[0], seen([lot.uniform(0, 100) for _ in range(400)])[0]
    assert restless.lower < quiet.lower
    assert restless.upper < quiet.upper <= 0.97


def test_counts_of_levels_never_grow_beyond_what_they_are_stored_in() -> None:
    state, _ = seen(wave(100))
    full = np.full(SIGHT.levels + 1, 2**32 - 1, "<u4").tobytes()
    after, _ = sight.step(sight.replace(state, counts=full), 50.0, SIGHT)
    assert np.frombuffer(after.counts, "<u4").max() == 2**31

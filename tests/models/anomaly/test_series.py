"""What the detector of series says, keeps and survives."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.anomaly import discords, extremes, patterns, views
from models.anomaly.base import MAX_SCORE, encode
from models.anomaly.discords import DiscordsConfig, Past
from models.anomaly.extremes import ExtremesConfig
from models.anomaly.patterns import Patterns, PatternsConfig
from models.anomaly.series import STRETCH, Scored, SeriesConfig, SeriesDetector, SeriesState
from models.anomaly.views import Means, MeansConfig
from models.errors import InvalidRecord

# ruff: noqa: S311  # made series, not secrets

DETECTOR = SeriesDetector()
Shape = Callable[[random.Random, int], float]


def watched(values: Iterable[float], state: SeriesState | None = None) -> tuple[SeriesState, list[Scored]]:
    state, told = state or DETECTOR.start(), []
    for value in values:
        state, scored = DETECTOR.step(state, value)
        told.append(scored)
    return state, told


def alarms(told: list[Scored], least: float = 0.5) -> list[int]:
    return [row for row, scored in enumerate(told) if scored.score >= least]


def noise(lot: random.Random, _: int) -> float:
    return lot.gauss(50, 3)


def daily(lot: random.Random, row: int) -> float:
    return (80 if 40 <= row % 96 < 70 else 20) + lot.gauss(0, 2)


def skewed(lot: random.Random, _: int) -> float:
    return lot.paretovariate(3)


def made(shape: Shape, rows: int, seed: int = 1) -> list[float]:
    lot = random.Random(seed)
    return [shape(lot, row) for row in range(rows)]


@pytest.mark.parametrize(("shape", "most"), [(noise, 3), (daily, 3), (skewed, 18)])
def test_what_stays_as_it_is_hardly_ever_alarms(shape: Shape, most: int) -> None:
    found = [row for seed in range(3) for row in alarms(watched(made(shape, 4000, seed))[1]) if row >= 600]
    assert len(found) <= most  # of 10,200 values


def test_a_flat_series_is_silent_and_its_first_change_is_not() -> None:
    state, told = watched([7.0] * 1000)
    assert not alarms(told, 1e-9)
    _, (changed,) = watched([7.001], state)
    assert changed.score > 0.5


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda row, value: value + (40 if row == 2000 else 0), "jump up"),
        (lambda row, value: value - (40 if row == 2000 else 0), "jump down"),
        (lambda row, value: value + (15 if row >= 2000 else 0), "above"),
        (lambda row, value: value if row < 2000 else 50 + (value - 50) * 5, ""),
    ],
)
def test_a_change_is_found_where_it_begins(change: Callable[[int, float], float], because: str) -> None:
    values = [change(row, value) for row, value in enumerate(made(noise, 2300))]
    told = watched(values)[1]
    found = [row for row in alarms(told) if row >= 1000]
    assert found
    assert 2000 <= found[0] < 2010
    assert any(because in reason.name for reason in told[found[0]].because)


def test_a_day_that_is_left_out_is_a_stretch_unlike_all_before() -> None:
    values = made(daily, 4032)
    lot = random.Random(2)
    values[3000:3192] = [20 + lot.gauss(0, 2) for _ in range(192)]
    told = watched(values)[1]
    found = [row for row in alarms(told) if row >= 1000]
    assert found
    assert all(3000 <= row < 3400 for row in found)
    assert STRETCH in {reason.name for row in found for reason in told[row].because}


def test_an_alarm_is_told_once_and_something_stranger_again() -> None:
    values = made(noise, 2100)
    values[2000] += 40
    values[2006] += 38
    quiet = watched(values)[1]
    assert [row for row in alarms(quiet) if row >= 1000] == [2000]
    values[2010:2014] = [400.0, -900.0, 2000.0, -4000.0]
    assert any(row >= 2010 for row in alarms(watched(values)[1]))


def test_it_says_what_was_expected() -> None:
    state, _ = watched(made(noise, 2000))
    _, (scored,) = watched([90.0], state)
    assert scored.value == 90
    assert scored.expected == pytest.approx(50, abs=4)
    assert 38 < scored.low < 47
    assert 53 < scored.high < 62
    assert scored.score > 0.5
    assert sum(reason.share for reason in scored.because) == pytest.approx(1)
    assert [reason.share for reason in scored.because] == sorted((r.share for r in scored.because), reverse=True)


def test_scores_do_not_depend_on_the_unit() -> None:
    values = made(skewed, 1500)
    plain, scaled = watched(values)[1], watched([value * 1024 for value in values])[1]
    assert [scored.score for scored in scaled] == pytest.approx([scored.score for scored in plain], abs=1e-6)


def test_a_state_goes_on_where_it_was_saved() -> None:
    values = made(daily, 3000)
    whole, told = watched(values)
    half, first = watched(values[:1500])
    back = DETECTOR.restored(encode(half))
    assert back == half
    again, second = watched(values[1500:], back)
    assert again == whole
    assert first + second == told
    assert len(encode(whole)) < 9_000


def test_states_of_others_are_refused() -> None:
    state, _ = watched(made(noise, 700))
    narrow = SeriesDetector(SeriesConfig(three=PatternsConfig(width=3, most=4)))
    for broken in (encode(state)[:-1], b"", b"\x90", encode(Patterns())):
        with pytest.raises(InvalidRecord):
            DETECTOR.restored(broken)
    with pytest.raises(InvalidRecord):
        narrow.restored(encode(state))


def doubles(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


@pytest.mark.parametrize(
    "broken",
    [
        {"recent": (1e9,)},
        {"recent": (0.0,) * 6},
        {"alarm": math.nan},
        {"views": extremes.fresh(3)},
        {"views": extremes.Extremes(9, 0, (0.0,) * 10, ((1.0, 2.0),) * 10)},
        {"views": extremes.Extremes(9, 0, (0.0,) * 10, ((2.0, 0.0),) * 10)},
        {"stretches": extremes.Extremes(9, 0, (math.inf,), ((),))},
        {"three": Patterns(1, 0.0, struct.pack("<3f", 1e30, 0, 0), struct.pack("<f", 1))},
        {"three": Patterns(1, 0.0, struct.pack("<3f", 0, 0, 0), struct.pack("<f", -1))},
        {"three": Patterns(1, 0.0, struct.pack("<2f", 0, 0), struct.pack("<f", 1))},
        {"past": Past(0, 0.0, doubles(1e308))},
        {"past": Past(8, 0.0, doubles(1.0))},
        {"past": Past(0, 1e308, b"")},
        {"means": Means(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0)},
        {"means": Means(0.0, 0.0, math.inf, 0.0, 0.0, 0.0, 1.0)},
    ],
)
def test_what_no_step_could_bear_is_refused(broken: dict[str, object]) -> None:
    state, _ = watched(made(noise, 300))
    with pytest.raises(InvalidRecord, match="do not fit"):
        DETECTOR.restored(encode(replace(state, **broken)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_state_that_is_let_in_breaks_a_step(data: st.DataObject) -> None:
    written = bytearray(STORED)
    for _ in range(data.draw(st.integers(1, 4))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    try:
        state = DETECTOR.restored(bytes(written))
    except InvalidRecord:
        return
    _, told = watched([1.0, -1e300, math.nan, 1e9, *[3.0] * 20], state)
    assert all(0 <= scored.score <= 1 for scored in told)


STORED = encode(watched(made(daily, 1200))[0])

hostile = st.one_of(
    st.floats(), st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf]), st.floats(0, 5)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(hostile, max_size=60), st.integers(1, 20))
def test_any_numbers_give_a_score(values: list[float], times: int) -> None:
    state, told = watched(values * times)
    assert all(0 <= scored.score <= 1 for scored in told)
    assert DETECTOR.restored(encode(state)) == state


def test_what_is_no_number_teaches_nothing() -> None:
    state, _ = watched(made(noise, 300))
    after, told = watched([math.nan, math.inf], state)
    assert after == state
    assert [scored.score for scored in told] == [0, 0]


def test_departures_are_told_up_and_down() -> None:
    before = views.first(10.0)
    after = views.moved(before, 18.0, 2, MeansConfig())
    assert views.departures(before, after, 18.0) == (8, -8, 8, -8, 1, -1, 8, -8)
    assert after == Means(18, pytest.approx(11.6), 11, 14, 14, 14, 4)
    third = views.moved(after, 2.0, 3, MeansConfig())
    assert views.departures(after, third, 2.0)[:6] == pytest.approx((-16, 16, -9.6, 9.6, -4.125, 4.125))
    assert views.compressed(14.0, after) == 0
    assert views.compressed(18.0, after) == pytest.approx(math.asinh(1))
    assert views.compressed(99.0, before) == 0


def learned(numbers: Iterable[float], config: ExtremesConfig) -> extremes.Extremes:
    state = extremes.fresh(1)
    for number in numbers:
        state = extremes.learn(state, (number,), config)
    return state


def test_the_largest_of_each_block_is_kept() -> None:
    config = ExtremesConfig(block=4, kept=3, fade=1.0, warmup=1)
    state = learned([1, 9, 2, 3, 4, 4, 4, 4, 0, 0, 0, 0, 7, 8, 7, 7, 5, 5, 5, 5, 6], config)
    assert state.tops == ((9, 8, 5),)
    assert (state.blocks, state.seen, state.peaks) == (5, 1, (6,))
    assert extremes.usual(state, 0) == 5


def test_how_strange_a_number_is_depends_on_how_extremes_differ() -> None:
    config = ExtremesConfig(block=1, fade=1.0)
    lot = random.Random(3)
    alike = learned([100 + lot.random() for _ in range(300)], config)
    apart = learned([lot.paretovariate(1.0) for _ in range(300)], config)
    (steep,), (shallow,) = (extremes.score(s, (s.tops[0][-1] * 1.5,), config) for s in (alike, apart))
    assert steep > 4
    assert shallow < 2
    assert extremes.score(alike, (100.0,), config) == [0.0]
    rising = [extremes.score(apart, (10.0**power,), config)[0] for power in range(1, 9)]
    assert rising == sorted(rising)
    assert rising[-1] <= MAX_SCORE


def test_a_tail_is_as_heavy_as_it_is() -> None:
    config = ExtremesConfig(block=1, fade=1.0, prior_weight=0.0, kept=100)
    state = learned([random.Random(seed).paretovariate(2.0) for seed in range(4000)], config)
    (found,) = extremes.score(state, (1000.0,), config)
    assert found == pytest.approx(6, abs=0.8)  # 1000 to the minus second


def test_a_pattern_seen_before_is_near_and_another_is_far() -> None:
    config = PatternsConfig(width=3)
    state = Patterns()
    for row in range(300):
        state, _ = patterns.step(state, [math.sin((row + step) / 5) for step in range(3)], config)
    _, known = patterns.step(state, [math.sin((1 + step) / 5) for step in range(3)], config)
    _, other = patterns.step(state, [1.0, -1.0, 1.0], config)
    assert known < 0.1
    assert other > 0.5


def test_a_prototype_follows_its_patterns() -> None:
    config, state, distance = PatternsConfig(width=1, most=1), Patterns(), 1.0
    for row in range(400):
        state, distance = patterns.step(state, [row / 100], config)
    assert distance < 0.2
    assert patterns.step(state, [0.0], config)[1] > 3


def test_prototypes_stay_few() -> None:
    config, lot, state = PatternsConfig(width=2, most=8), random.Random(4), Patterns()
    for _ in range(500):
        state, _ = patterns.step(state, [lot.gauss(0, 5), lot.gauss(0, 5)], config)
    assert len(state.uses) == 8 * 4
    assert patterns.holds(state, config)


def nearest(means: list[float], width: int) -> float:
    """The distance of the last stretch from the nearest before it, the slow way."""
    last = means[-width:]
    starts = range(len(means) - 2 * width + 1)
    return min(sum(abs(means[at + k] - last[k]) for k in range(width)) / width for at in starts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=24, max_size=60))
def test_the_nearest_stretch_before_is_found(values: list[int]) -> None:
    config = DiscordsConfig(block=2, width=3, most=12)
    state, means = Past(), []
    for row, value in enumerate(values, 1):
        state, distance = discords.step(state, float(value), config)
        if row % 2 == 0:
            means = [*means, (values[row - 2] + value) / 2][-12:]
        assert distance == (pytest.approx(nearest(means, 3)) if row % 2 == 0 and len(means) >= 9 else None)

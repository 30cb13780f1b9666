"""What the detector of series says, keeps and survives."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.anomaly.base import encode
from models.anomaly.blocks import Block
from models.anomaly.resonance import Memory
from models.anomaly.series import COURSE, LEVEL, Scored, SeriesConfig, SeriesDetector, SeriesState
from models.errors import InvalidRecord

# ruff: noqa: S311  # made series, not secrets

DETECTOR = SeriesDetector()
QUICK = SeriesDetector(SeriesConfig(warmup=64, past=16))
Shape = Callable[[random.Random, int], float]


def watched(
    values: Iterable[float], state: SeriesState | None = None, by: SeriesDetector = DETECTOR
) -> tuple[SeriesState, list[Scored]]:
    state, told = state or by.start(), []
    for value in values:
        state, scored = by.step(state, value)
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


@cache
def quick() -> SeriesState:
    return watched(made(daily, 260), by=QUICK)[0]


@pytest.mark.parametrize(("shape", "most"), [(noise, 0), (daily, 0), (skewed, 9)])
def test_what_stays_as_it_is_hardly_ever_alarms(shape: Shape, most: int) -> None:
    told = [watched(made(shape, 4000, seed))[1] for seed in range(2)]
    assert sum(len(alarms(each)) for each in told) <= most  # of 6,800 values
    assert all(not alarms(each[:600], 1e-9) for each in told)


def test_a_flat_series_is_silent_and_its_first_change_is_not() -> None:
    state, told = watched([7.0] * 1000)
    assert not alarms(told, 1e-9)
    _, changed = watched([7.0, 7.001, 7.0, 7.0, 7.0], state)
    assert alarms(changed) == [4]  # the end of the block
    assert changed[4].value == pytest.approx(7.001, abs=0.001)


@pytest.mark.parametrize(
    "change",
    [
        lambda row, value: value + (40 if row == 2000 else 0),
        lambda row, value: value - (40 if row == 2000 else 0),
        lambda row, value: value + (15 if row >= 2000 else 0),
        lambda row, value: value if row < 2000 else 50 + (value - 50) * 5,
    ],
)
def test_a_change_is_found_where_it_begins(change: Callable[[int, float], float]) -> None:
    values = [change(row, value) for row, value in enumerate(made(noise, 2100))]
    found = alarms(watched(values)[1])
    assert found
    assert 2000 <= found[0] < 2010


def test_a_day_that_is_left_out_is_the_strangest() -> None:
    values = made(daily, 3600)
    lot = random.Random(2)
    values[3000:3192] = [20 + lot.gauss(0, 2) for _ in range(192)]
    told = watched(values)[1]
    strangest = max(range(3600), key=lambda row: told[row].score)
    assert 3000 <= strangest < 3240
    assert told[strangest].because[0].name == COURSE


def test_an_alarm_is_told_once_and_something_stranger_again() -> None:
    values = made(noise, 2100)
    values[2000] += 20
    values[2011] += 19
    assert [row for row in alarms(watched(values)[1], 0.3) if row >= 2000] == [2004]
    values[2021] = 4000
    assert [row for row in alarms(watched(values)[1], 0.3) if row >= 2000] == [2004, 2024]


def test_it_says_what_was_expected_and_what_came() -> None:
    values = made(noise, 2005)
    values[2002] = 90
    *_, scored = watched(values)[1]
    assert scored.value == 90
    assert scored.expected == pytest.approx(50, abs=5)
    assert 38 < scored.low < scored.expected < scored.high < 62
    assert scored.score > 0.5
    assert sum(reason.share for reason in scored.because) == pytest.approx(1)
    assert {reason.name for reason in scored.because} == {COURSE, LEVEL}
    assert scored.because[0].share >= scored.because[1].share


def test_scores_do_not_depend_on_the_unit() -> None:
    values = made(skewed, 1500)
    plain, scaled = watched(values)[1], watched([value * 1024 for value in values])[1]
    assert [scored.score for scored in scaled] == [scored.score for scored in plain]


def test_a_span_is_widened_and_the_past_seen_anew_in_it() -> None:
    narrow, wide = made(noise, 1200), made(noise, 1200)
    wide[0] = 500  # in the warm-up: the span is that wide from the beginning
    narrow[1100] = wide[1100] = 500
    state, _ = watched(narrow)
    assert state.sights[0].high == 500
    assert all(each.seen == 240 for each in state.sights)
    assert watched(wide)[0].sights[0].high == 500
    _, early = watched([*narrow, *([500.0] * 5)])
    assert not alarms(early[1200:])  # no longer new


def test_a_warm_up_may_be_short_but_not_of_a_few_values() -> None:
    values = made(noise, 200)
    values[150] += 40
    assert alarms(watched(values, by=SeriesDetector(SeriesConfig(warmup=100)))[1]) == [150]
    with pytest.raises(ValueError, match="at least 64"):
        SeriesConfig(warmup=63)


def test_a_state_goes_on_where_it_was_saved() -> None:
    values = made(daily, 1800)
    whole, told = watched(values)
    for rows in (300, 1203):
        half, first = watched(values[:rows])
        back = DETECTOR.restored(encode(half))
        assert back == half
        again, second = watched(values[rows:], back)
        assert again == whole
        assert first + second == told


def test_a_state_stays_small() -> None:
    lot = random.Random(5)
    by = SeriesDetector(SeriesConfig(warmup=100))
    state, _ = watched((lot.paretovariate(1.2) for _ in range(1500)), by=by)
    assert all(len(each.memory.used) <= 4 * 128 for each in state.sights)
    assert len(encode(state)) < 36_000


def test_states_of_others_are_refused() -> None:
    for broken in (encode(quick())[:-1], b"", b"\x90", encode(Memory())):
        with pytest.raises(InvalidRecord):
            QUICK.restored(broken)
    with pytest.raises(InvalidRecord):
        DETECTOR.restored(encode(quick()))


def doubles(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


@pytest.mark.parametrize(
    "broken",
    [
        {"alarm": math.nan},
        {"alarm": 2.0},
        {"fall": -1.0},
        {"low": math.inf},
        {"block": Block(1, 0.0, 0.0, 0.0)},
        {"block": Block(0, 0.0, 0.0, 0.0, math.nan)},
        {"first": doubles(1.0)},
        {"first": b"\x00" * (8 * 64 - 1)},
        {"past": doubles(math.nan)},
        {"past": doubles(*[1.0] * 17)},
        {"sights": ()},
    ],
)
def test_what_no_step_could_bear_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord, match="do not fit"):
        QUICK.restored(encode(replace(quick(), **broken)))


@pytest.mark.parametrize(
    "broken",
    [
        {"low": 1e9},
        {"high": math.inf},
        {"counts": bytes(4)},
        {"levels": (0.5,)},
        {"levels": (2.0,) * 8},
        {"lower": -1.0},
        {"upper": math.nan},
        {"late": b""},
        {"late": b"abc"},
        {"late": struct.pack("<f", math.nan)},
        {"memory": Memory()},
        {"memory": Memory(bytes(64), bytes(8))},
        {"memory": Memory(bytes(64 * 129), bytes(4 * 129))},
        {"seen": 2**40},
        {"alarm": 2**30},
    ],
)
def test_a_sight_that_no_step_could_bear_is_refused(broken: dict[str, object]) -> None:
    first, *others = quick().sights
    with pytest.raises(InvalidRecord, match="do not fit"):
        QUICK.restored(encode(replace(quick(), sights=(replace(first, **broken), *others))))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_state_that_is_let_in_breaks_a_step(data: st.DataObject) -> None:
    written = bytearray(encode(quick()))
    for _ in range(data.draw(st.integers(1, 4))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    try:
        state = QUICK.restored(bytes(written))
    except InvalidRecord:
        return
    _, told = watched([1.0, -1e300, math.nan, 1e9, *[3.0] * 20], state, QUICK)
    assert all(0 <= scored.score <= 1 for scored in told)


hostile = st.one_of(
    st.floats(), st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf]), st.floats(0, 5)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(hostile, max_size=30), st.integers(1, 6))
def test_any_numbers_give_a_score(values: list[float], times: int) -> None:
    state, told = watched(values * times, by=QUICK)
    assert all(0 <= scored.score <= 1 for scored in told)
    assert all(scored.low <= scored.expected <= scored.high for scored in told if math.isfinite(scored.value))
    assert QUICK.restored(encode(state)) == state


def test_what_is_no_number_teaches_nothing() -> None:
    after, told = watched([math.nan, math.inf], quick(), QUICK)
    assert after == quick()
    assert [scored.score for scored in told] == [0, 0]

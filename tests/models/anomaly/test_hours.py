"""Odd hours: habits are silent, the dead of night is not, and who works at any hour has no odd ones."""

from __future__ import annotations

import random

import pytest

from models.anomaly.base import encode
from models.anomaly.hours import PERIOD_HOURS, Hours, finding, learn, score
from models.anomaly.seasons import is_weekend, look_up, place_of, put
from tests.models.anomaly.ordinary import START, hours, person

DAY = 24
MONDAY = START + 70 * DAY + DAY


def at_desk(days: int, off_hours: float = 0.0, seed: int = 1) -> Hours:
    """Return the hours of a person who is active from 8 to 18 on working days, and now and then at others."""
    lot, state = random.Random(seed), Hours()  # noqa: S311  # made weeks have to be repeatable, not secret
    for hour in range(START, START + days * DAY):
        works = not is_weekend(hour) and 8 <= hour % DAY < 18
        if lot.random() < (0.9 if works else off_hours):
            state = learn(state, hour)
    return state


def test_usual_hours_are_ordinary_and_the_night_and_the_weekend_are_not() -> None:
    state = at_desk(60)
    assert max(score(state, MONDAY + hour) for hour in range(8, 18)) < 1
    assert score(state, MONDAY + 3) > 2
    assert score(state, MONDAY - DAY + 10) > 2
    assert score(state, MONDAY + 18) < score(state, MONDAY + 3)  # working a little longer is not the dead of night


def test_who_is_up_at_night_now_and_then_is_less_odd_at_night() -> None:
    assert score(at_desk(60, 0.02), MONDAY + 3) < score(at_desk(60), MONDAY + 3) - 0.3


def test_who_works_at_any_hour_has_no_odd_ones() -> None:
    lot, state = random.Random(4), Hours()  # noqa: S311  # as above
    for hour in range(START, START + 60 * DAY):
        state = learn(state, hour) if lot.random() < 0.5 else state
    assert max(score(state, MONDAY + hour) for hour in range(168)) < 0.1


@pytest.mark.parametrize("at_least", [1.0, 1.5, 2.0])
def test_scores_of_ordinary_hours_are_what_they_say(at_least: float) -> None:
    scores = []
    for seed in range(20):
        state = Hours()
        for hour, _ in hours(person, 60, seed):
            if hour > START + 20 * DAY:
                scores.append(score(state, hour))
            state = learn(state, hour)
    assert sum(one >= at_least for one in scores) <= 1.3 * 10**-at_least * len(scores)


def test_nothing_is_odd_in_the_first_days() -> None:
    state = at_desk(6)
    assert score(state, START + 6 * DAY + 3) == 0
    assert score(state, START + 9 * DAY + 3) > 0


def test_new_habits_become_old_ones() -> None:
    state = at_desk(60)
    now = MONDAY
    before = score(state, now + 22)
    for day in range(28):
        state = learn(state, now + day * DAY + 22)
    assert score(state, now + 35 * DAY + 22) < min(before, 1)


def test_what_is_long_past_is_forgotten() -> None:
    state = at_desk(60)
    late = learn(state, MONDAY + 12 * PERIOD_HOURS)
    assert len(late.table) == 4  # nothing but the one hour and its day


def test_an_hour_counts_once_and_in_order() -> None:
    state = at_desk(20)
    last = state.since + state.span
    assert learn(state, last) == learn(state, last - 5) == state


def test_findings_name_the_hours() -> None:
    told = finding(at_desk(60), MONDAY + 3)
    assert told.expected == "active on working days at 08-18, at weekends at no hour (UTC)"
    assert told.seen == "active on a Monday at 03:00 UTC"
    assert told.learned > 300


def test_a_state_is_small() -> None:
    assert len(encode(at_desk(60))) < 50


def test_tables_keep_what_is_put_in() -> None:
    table = b""
    for slot, seen, number in ((7, 3, -2048), (2, 15, 2047), (40, 1, 0), (7, 4, 99), (41, 99, 10**6)):
        table = put(table, place_of(table, slot), slot, seen, number)
    assert [look_up(table, slot) for slot in (2, 7, 40, 41, 3)] == [(15, 2047), (4, 99), (1, 0), (15, 2047), (0, 0)]
    assert list(table[::3]) == [2, 7, 40, 41]
    assert look_up(b"\x07\x00", 7) == (0, 0)

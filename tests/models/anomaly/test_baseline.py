"""Baselines: silent on ordinary weeks, loud on what is too much, told once, and not to be taught slowly."""

from __future__ import annotations

from math import inf

import pytest
from msgspec import structs

from models.anomaly import baseline, shifts
from models.anomaly.base import HOUR_MS, MAX_SCORE, encode
from models.anomaly.baseline import PEAKS, Baseline, bound, expected, finding, learn, learn_all, least, score, score_by
from models.anomaly.seasons import WIDTH, is_weekend
from models.anomaly.shifts import Change
from tests.models.anomaly.ordinary import KINDS, START, Amount, hours, person, service

DAY = 24
WARM = 28
LONG = 90


def taught(kind: Amount, days: int, seed: int = 1) -> Baseline:
    state = Baseline()
    for hour, amount in hours(kind, days, seed):
        state, _ = learn(state, hour, amount)
    return state


def next_hour(of_day: int, days: int = LONG) -> int:
    """Return an hour of a Monday after so many days, at least."""
    return START + (days // 7 + 1) * 7 * DAY + DAY + of_day


@pytest.mark.parametrize("kind", KINDS)
def test_ordinary_weeks_score_no_more_than_chance_would(kind: str) -> None:
    scores, changes = [], 0
    for seed in range(12):
        state = Baseline()
        for hour, amount in hours(KINDS[kind], LONG, seed):
            if hour >= START + WARM * DAY:
                scores.append(score(state, hour, amount))
            state, change = learn(state, hour, amount)
            changes += change is not None
    assert changes == 0
    for at_least in (1.5, 2, 3):
        assert sum(one >= at_least for one in scores) <= 10**-at_least * len(scores)


@pytest.mark.parametrize(("kind", "amount"), [("person", 1000), ("service", 9000), ("backup", 100)])
def test_what_is_far_too_much_for_its_hour_scores_high(kind: str, amount: int) -> None:
    state = taught(KINDS[kind], LONG)
    at_ten = next_hour(10)
    assert score(state, at_ten, amount) > 3
    assert score(state, at_ten, 10**18) > score(state, at_ten, amount)


def test_what_a_backup_does_at_two_is_too_much_at_ten() -> None:
    state = taught(KINDS["backup"], LONG)
    assert score(state, next_hour(2), 1020) < 1
    assert score(state, next_hour(10), 1020) > 5


def test_nothing_is_scored_before_the_warm_up_and_peers_stand_in() -> None:
    group = Baseline()
    for hour, amounts in crowd(30, 21):
        group = learn_all(group, hour, amounts)
    new = Baseline()
    for hour, amount in hours(person, 3, 99, START + 26 * DAY):
        new, _ = learn(new, hour, amount)
    at = next_hour(10, 21)
    assert score(new, at, 10**6) == 0
    assert finding(new, at, 10**6).expected == "not known yet"
    assert score(new, at, 20, peers=group) < 1
    assert score(new, at, 10**6, peers=group) > 3
    told = finding(new, at, 10**6, peers=group)
    assert told.by_peers
    assert (told.learned, told.since) == (group.learned, group.since * HOUR_MS)


def crowd(members: int, days: int) -> list[tuple[int, list[int]]]:
    """Return by hour what some persons did in it."""
    found: dict[int, list[int]] = {}
    for seed in range(members):
        for hour, amount in hours(person, days, seed):
            found.setdefault(hour, []).append(amount)
    return sorted(found.items())


def test_the_own_level_speaks_louder_the_longer_it_is_known() -> None:
    group = Baseline()
    for hour, amounts in crowd(20, 21):
        group = learn_all(group, hour, [amount * 30 for amount in amounts])
    young, old = taught(person, 8), taught(person, LONG)
    at = next_hour(10, 98)
    assert 0 < score(old, at, 600, peers=group) < score(old, at, 600)
    assert score(young, next_hour(10, 8), 600, peers=group) < score(old, at, 600, peers=group)


def test_a_level_that_stays_is_told_once_and_learned_anew() -> None:
    state = taught(service, LONG)
    after = [(hour, amount * 8) for hour, amount in hours(service, 14, 7, START + LONG * DAY)]
    changes: list[tuple[int, Change]] = []
    scores = []
    for number, (hour, amount) in enumerate(after):
        scores.append(score(state, hour, amount))
        state, change = learn(state, hour, amount)
        if change is not None:
            changes.append((number, change))
    assert scores[0] > 4
    assert max(scores[3:]) < 3
    [(number, change)] = changes
    assert number < DAY
    assert change.kind == shifts.SHIFT
    assert change.after - change.before == pytest.approx(2079, abs=500)  # 1000 log 8
    assert score(state, after[-1][0] + 1, 500) < 1


def test_a_level_that_falls_is_told_too() -> None:
    state = taught(service, LONG)
    found = []
    for hour, amount in hours(service, 7, 7, START + LONG * DAY):
        state, change = learn(state, hour, amount // 20)
        found.append(change)
    [change] = [one for one in found if one is not None]
    assert change.after < change.before


@pytest.mark.parametrize(("kind", "within_days"), [("person", 100), ("service", 60), ("backup", 100)])
def test_who_raises_the_level_a_little_a_day_is_found(kind: str, within_days: int) -> None:
    state, highest = Baseline(), 0.0
    for hour, amount in hours(KINDS[kind], 60 + within_days, 5):
        days = max(0.0, (hour - START) / DAY - 60)
        raised = round(amount * 1.02**days)
        before = state
        highest = max(highest, score(state, hour, raised)) if days else 0.0
        state, change = learn(state, hour, raised)
        if change is not None:
            break
    assert days > 0
    assert highest < 3.5  # no single hour would have shown it
    assert change is not None
    assert change.kind == shifts.GROWTH
    told = baseline.change_finding(before, hour, change)
    assert "a little at a time" in told.seen
    assert float(told.because[0].name.split()[0]) > 1.8


def test_growth_is_told_once_and_again_only_when_it_goes_on() -> None:
    state, told = Baseline(), []
    for hour, amount in hours(service, 200, 5):
        days = min(max(0.0, (hour - START) / DAY - 60), 50)  # grows for fifty days and stays
        state, change = learn(state, hour, round(amount * 1.02**days))
        told += [(hour - START) // DAY] if change is not None else []
    assert len(told) == 1
    assert 90 <= told[0] <= 115


@pytest.mark.parametrize("daily", [1.02, 1.06])
def test_the_farther_a_level_has_grown_the_stranger_it_is(daily: float) -> None:
    state, scores = Baseline(), []
    for hour, amount in hours(service, 160, 5):
        days = max(0.0, (hour - START) / DAY - 40)
        state, change = learn(state, hour, round(amount * daily**days))
        scores += [change.score] if change is not None else []
    assert len(scores) >= 3
    assert scores == sorted(scores)
    assert scores[-1] > 2 * scores[0]


def test_a_job_that_is_moved_is_told_twice_and_then_known() -> None:
    state, told = taught(KINDS["backup"], LONG), []
    for hour, amount in hours(KINDS["backup"], 28, 7, START + LONG * DAY):
        moved = hour - 1
        told += [moved] if score(state, moved, amount) >= 3 else []
        state, _ = learn(state, moved, amount)
    assert all(hour % DAY == 1 for hour in told)
    assert len([hour for hour in told if not is_weekend(hour)]) == 2
    assert len([hour for hour in told if is_weekend(hour)]) == 2


def test_one_attack_at_a_settled_hour_changes_nothing_for_the_next_days() -> None:
    state, at_two = taught(KINDS["backup"], LONG), next_hour(2)
    attacked, _ = learn(state, at_two, 10**7)
    assert score(attacked, at_two + DAY, 10**7) == pytest.approx(score(state, at_two + DAY, 10**7), rel=0.3)
    calm, _ = learn(attacked, at_two + DAY, 1020)
    assert score(calm, at_two + 2 * DAY, 1020) < 1
    assert score(calm, at_two + 2 * DAY, 10**7) > 5


def test_an_attack_at_an_hour_hardly_known_does_not_become_that_hour() -> None:
    state = taught(KINDS["backup"], LONG)
    new = structs.replace(state, table=state.table[: 8 * WIDTH])  # as if only the first hours had been seen
    at_ten = next_hour(10)
    attacked, _ = learn(new, at_ten, 10**6)
    assert score(attacked, at_ten + DAY, 10**6) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_back_from_three_weeks_away_is_known(kind: str) -> None:
    state, scores = taught(KINDS[kind], LONG), []
    for hour, amount in hours(KINDS[kind], 7, 7, START + (LONG + 21) * DAY):
        scores.append(score(state, hour, amount))
        state, change = learn(state, hour, amount)
        assert change is None
    assert max(scores) < 2


def test_an_attack_does_not_teach_that_it_is_normal() -> None:
    state = taught(service, LONG)
    at = START + LONG * DAY
    attacked, _ = learn(state, at, 10**9)
    assert abs(attacked.level.mean - state.level.mean) < 50
    calm = attacked
    for hour, amount in hours(service, 1, 3, at + 1):
        calm, _ = learn(calm, hour, amount)
    assert score(calm, at + DAY + 5, 10**5) > 3


def test_scores_grow_with_the_amount_and_the_bound_is_where_they_say() -> None:
    state, at = taught(service, 40), next_hour(11, 40)
    scores = [score(state, at, amount) for amount in (0, 10, 100, 1000, 5000, 20_000, 10**6, 10**12, 10**30)]
    assert scores == sorted(scores)
    assert scores[0] == 0
    assert scores[-1] <= MAX_SCORE
    known = expected(state, at)
    assert known is not None
    most = bound(known, 1e-3)
    assert score(state, at, most - 2) <= 3.01
    assert score(state, at, most + 2) >= 2.99


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", [0.5, 3.0, 6.0])
def test_no_amount_below_the_least_scores_as_much(kind: str, wanted: float) -> None:
    state = taught(KINDS[kind], LONG)
    for of_day in range(DAY):
        known = expected(state, next_hour(of_day))
        amount = least(known, wanted)
        assert score_by(known, int(amount) - 1) < wanted
        assert score_by(known, int(amount * 1.001) + 1) >= wanted


def test_nothing_is_enough_where_nothing_is_expected() -> None:
    assert least(None, 3.0) == inf
    assert score_by(None, 10**9) == 0


def test_long_absence_makes_a_baseline_less_sure() -> None:
    state = taught(service, 40)
    soon, late = expected(state, next_hour(11, 40)), expected(state, next_hour(11, 140))
    assert soon is not None
    assert late is not None
    assert late.scale > soon.scale
    assert late.freedom < soon.freedom


def test_peaks_are_judged_more_finely_than_counts() -> None:
    state = Baseline()
    for hour, amount in hours(service, 30, 2):
        state, _ = learn(state, hour, 3300 + amount % 200, PEAKS)
    at = next_hour(11, 30)
    assert score(state, at, 3400, PEAKS) < 1
    assert score(state, at, 4700, PEAKS) > 3


def test_findings_say_what_was_expected_and_seen() -> None:
    state, at = taught(service, 40), next_hour(11, 40)
    told = finding(state, at, 9000)
    assert told.seen == "9,000 an hour, at 11:00 UTC on a working day"
    assert told.expected.startswith("about ")
    assert "at 11:00 UTC on a working day" in told.expected
    assert told.because[0].name.endswith(" times the usual")
    assert told.since == START * HOUR_MS
    assert told.score == score(state, at, 9000)


def test_a_state_is_small() -> None:
    assert len(encode(taught(person, 10))) < 110
    assert max(len(encode(taught(kind, LONG))) for kind in KINDS.values()) < 200
    rare = Baseline()
    for day in range(0, 40, 4):
        rare, _ = learn(rare, START + day * DAY, 1)
    assert len(encode(rare)) < 32

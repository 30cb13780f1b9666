"""The score of NAB, against what was published of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.nab_scoring import (
    FAR_BEHIND,
    NEVER,
    PROFILES,
    Profile,
    ScoredFile,
    Span,
    at_threshold,
    best,
    normalized,
    probation,
    rows_of,
    sigmoid,
)

STANDARD = PROFILES["standard"]


def made(rows: int, windows: list[Span], detections: dict[int, float], name: str = "made/one.csv") -> ScoredFile:
    return ScoredFile(name, [detections.get(row, 0.0) for row in range(rows)], windows)


# Published per-file scores of detectors that found the one window of a file and nothing else: by the rows of the
# window, and the row of it where the detection was.
@pytest.mark.parametrize(
    ("width", "row", "score"),
    [
        (403, 201, 0.8606718242697022),
        (153, 76, 0.862098587352162),
        (403, 192, 0.875727409493),
        (343, 101, 0.955724313387),
        (217, 162, 0.568159134461),
    ],
)
def test_a_window_is_worth_what_was_published(width: int, row: int, score: float) -> None:
    file = made(4000, [(2000, 2000 + width - 1)], {2000 + row: 0.9})
    assert at_threshold([file], STANDARD, 0.9).total == pytest.approx(score, abs=1e-11)


def test_totals_are_put_on_the_published_scale() -> None:
    assert normalized(35.4320680226, 116, STANDARD) == pytest.approx(65.272443113189652)
    assert normalized(19.920558339682692, 116, PROFILES["reward_low_FP_rate"]) == pytest.approx(58.586447560215518)
    assert normalized(9.432068022614288, 116, PROFILES["reward_low_FN_rate"]) == pytest.approx(69.377031040979887)


def test_silence_is_0_and_perfection_100() -> None:
    windows = [(400, 449), (700, 799)]
    silent, perfect = made(1000, windows, {}), made(1000, windows, {400: 1.0, 700: 1.0})
    for profile in PROFILES.values():
        assert best([silent], profile).threshold == NEVER
        assert normalized(best([silent], profile).total, 2, profile) == 0
        assert normalized(best([perfect], profile).total, 2, profile) == pytest.approx(100)


def test_rows_in_probation_do_not_count() -> None:
    assert [probation(rows) for rows in (100, 4032, 5000, 22695)] == [15, 604, 750, 750]
    file = made(1000, [(400, 449)], {149: 1.0, 400: 1.0})
    assert at_threshold([file], STANDARD, 1.0).false_alarms == 0
    assert at_threshold([made(1000, [(400, 449)], {150: 1.0, 400: 1.0})], STANDARD, 1.0).false_alarms == 1


def test_a_false_alarm_costs_the_more_the_further_it_is_behind_a_window() -> None:
    worth = {row: each.worth for row, each in enumerate(rows_of(made(1000, [(400, 449)], {})), 150)}
    assert worth[150] == worth[399] == -1
    assert worth[450] == pytest.approx(sigmoid(1 / 49))
    assert worth[450] > worth[460] > worth[498] > worth[449 + 49 * int(FAR_BEHIND)] == -1
    assert worth[498] == pytest.approx(-0.98661, abs=1e-5)
    assert all(worth[row] > 0 for row in range(400, 450))


def test_only_the_earliest_detection_in_a_window_counts() -> None:
    one = at_threshold([made(1000, [(400, 449)], {410: 1.0})], STANDARD, 1.0)
    many = at_threshold([made(1000, [(400, 449)], {410: 1.0, 411: 1.0, 440: 1.0})], STANDARD, 1.0)
    assert one == many


def test_one_threshold_is_chosen_for_all_files() -> None:
    clear = made(1000, [(400, 449)], {400: 0.9, 800: 0.4}, "made/clear.csv")
    vague = made(1000, [(400, 449)], {400: 0.5, 200: 0.45}, "made/vague.csv")
    found = best([clear, vague], STANDARD)
    assert (found.threshold, found.found, found.false_alarms) == (0.5, 2, 0)
    assert best([clear], STANDARD).threshold == 0.9


def test_what_is_missed_counts_twice_where_misses_are_worse() -> None:
    file = made(1000, [(400, 449), (700, 749)], {400: 0.9})
    assert at_threshold([file], STANDARD, 0.9).total == pytest.approx(0)
    assert at_threshold([file], PROFILES["reward_low_FN_rate"], 0.9).total == pytest.approx(-1)


scores = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9]), min_size=120, max_size=120)


def naive(file: ScoredFile, profile: Profile, threshold: float) -> float:
    """The same score, window by window and detection by detection."""
    hits = [row for row, score in enumerate(file.scores) if score >= threshold and row >= probation(len(file.scores))]
    total = 0.0
    for first, last in file.windows:
        inside = [row for row in hits if first <= row <= last]
        position = (min(inside) - last - 1) / (last - first + 1) if inside else 0.0
        total += profile.found * sigmoid(position) / sigmoid(-1) if inside else -profile.missed
    for row in hits:
        if not any(first <= row <= last for first, last in file.windows):
            before = [(first, last) for first, last in file.windows if last < row]
            behind = (row - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else FAR_BEHIND
            total += profile.false_alarm * sigmoid(behind)
    return total


@settings(max_examples=60)
@given(scores, scores, st.sampled_from(sorted(PROFILES)))
def test_the_best_threshold_is_the_best_of_all(one: list[float], other: list[float], name: str) -> None:
    files = [ScoredFile("made/one.csv", one, [(30, 39), (80, 95)]), ScoredFile("made/other.csv", other, [(50, 69)])]
    totals = {at: sum(naive(file, PROFILES[name], at) for file in files) for at in (NEVER, 0.9, 0.5, 0.2, 0.0)}
    found = best(files, PROFILES[name])
    assert found.total == pytest.approx(max(totals.values()))
    assert found.total == pytest.approx(totals[found.threshold])

"""The benchmark of escalation counts what it says: on one story through the whole path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.economy import Cost, Measured, measured
from tests.replay.play import stages, write
from tests.scenarios.model_cases import quiet, story

STORY = story("discovery_burst", "a shell of a download, and what is typed there")


def test_calls_are_counted_for_sequences_and_for_signals(tmp_path: Path) -> None:
    told = [one.raw for one in (*STORY, *quiet("windows"))]
    found = measured([write(tmp_path / "windows.ndjson", told)], stages(), None)
    assert (found.attacks, found.in_signals, found.in_sequences) == (1, 1, 1)
    assert found.events == len(told)
    assert (found.by_sequence.cases, found.by_sequence.requests) == (1, 2)
    assert found.by_signal.cases == found.by_signal.requests == len(STORY)
    figures = found.figures()
    assert figures["fewer_calls_percent"] == pytest.approx(100 - 100 * 2 / len(STORY))
    assert figures["tokens_a_sequence"] > figures["tokens_a_signal"] > 0


def test_what_nobody_tells_of_is_an_attack_all_the_same(tmp_path: Path) -> None:
    told = [one.raw for one in quiet("windows")]
    found = measured([write(tmp_path / "windows.ndjson", told)], stages(), None)
    assert (found.attacks, found.in_signals, found.in_sequences) == (1, 0, 0)
    assert found.figures()["fewer_calls_percent"] == 100


def test_what_was_not_measured_is_taken_to_be_like_what_was() -> None:
    half = Measured(events=10, by_sequence=Cost(4, 2, 6, 800))
    assert (half.by_sequence.calls, half.by_sequence.tokens) == (12, 400)
    both = half + Measured(events=5, by_sequence=Cost(1, 1, 2, 400))
    assert (both.events, both.by_sequence) == (15, Cost(5, 3, 8, 1200))

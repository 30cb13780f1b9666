"""Beacons: rhythm is found through jitter, missed beats and outliers; what people and chance do has none."""

from __future__ import annotations

import math
import random

import pytest

from models.anomaly.base import encode
from models.anomaly.beacon import MOST_GAP_MS, BeaconConfig, Beacons, Beat, combined, finding, step

START = 1_782_000_000_000
MINUTE = 60_000


def beats(kind: str, seed: int, number: int = 30, every: int = 5 * MINUTE) -> Beat | None:
    """Return how regular contacts are that come with `jitter`, `missed` beats, as a `person` or by `chance`."""
    lot, time, state, found = random.Random(seed), START, Beacons(), None  # noqa: S311  # repeatable, not secret
    for _ in range(number):
        gap = {
            "exact": every,
            "jitter": every * lot.uniform(0.8, 1.2),
            "missed": every * lot.uniform(0.95, 1.05) * lot.choice((1, 1, 1, 2, 3)),
            "outliers": every * lot.uniform(0.95, 1.05) * (1 if lot.random() < 0.8 else lot.uniform(4, 9)),
            "person": MINUTE * lot.lognormvariate(1, 1.2),
            "chance": lot.expovariate(1 / every) + 1000,
        }[kind]
        time += round(gap)
        state, found = step(state, 1, time)
    return found


@pytest.mark.parametrize(("kind", "least"), [("exact", 12), ("jitter", 4), ("missed", 3), ("outliers", 4)])
def test_rhythms_are_found(kind: str, least: float) -> None:
    found = sorted(beat.score for seed in range(40) if (beat := beats(kind, seed)))
    assert len(found) == 40
    assert found[4] > least  # nine of ten


@pytest.mark.parametrize("kind", ["person", "chance"])
def test_what_has_no_rhythm_stays_silent(kind: str) -> None:
    found = [beat.score for seed in range(200) if (beat := beats(kind, seed))]
    assert len(found) == 200
    assert sum(score >= 1 for score in found) <= 20
    assert sum(score >= 2 for score in found) <= 2


def test_a_rhythm_needs_enough_beats() -> None:
    assert beats("exact", 1, 11) is None
    beat = beats("exact", 1, 12)
    assert beat is not None
    assert (beat.gaps, beat.regular, beat.contacts) == (11, 11, 12)
    assert beat.every_ms == pytest.approx(5 * MINUTE, rel=0.001)


@pytest.mark.parametrize("every", [2000, MINUTE, 60 * MINUTE, 24 * 60 * MINUTE])
def test_rhythms_of_any_length_are_found(every: int) -> None:
    beat = beats("exact", 1, 20, every)
    assert beat is not None
    assert beat.score > 12
    assert beat.every_ms == pytest.approx(every, rel=0.001)


def test_a_rhythm_is_as_strange_as_it_is_improbable_by_chance() -> None:
    beat = beats("exact", 1, 12)
    assert beat is not None
    near = 2**-0.98 - 2**-1.02  # of an exponential gap: within 2 % of the median
    assert beat.score == pytest.approx(-math.log10(10 * near**10))  # ten gaps beside the median, ten tries


def test_a_rhythm_counts_the_less_the_more_peers_know_the_destination() -> None:
    assert combined(10, 0) == combined(10, 1) == 10
    assert combined(10, 2) < 4
    assert combined(20, 6) < 0.1


def test_contacts_at_once_and_out_of_order_are_one() -> None:
    state, _ = step(Beacons(), 1, START)
    assert step(state, 1, START + 900) == step(state, 1, START - MINUTE) == (state, None)


def test_after_a_long_pause_a_rhythm_begins_anew() -> None:
    state = Beacons()
    for beat in range(15):
        state, found = step(state, 1, START + beat * MINUTE)
    assert found is not None
    state, found = step(state, 1, START + 15 * MINUTE + MOST_GAP_MS)
    assert found is None
    assert state.tracked[0].count == 1


def test_the_destination_asked_longest_ago_goes_first() -> None:
    config, state = BeaconConfig(most=3), Beacons()
    for number, name in enumerate([1, 2, 3, 1, 4]):
        state, _ = step(state, name, START + number * MINUTE, config)
    assert [rhythm.name for rhythm in state.tracked] == [3, 1, 4]


def test_findings_say_the_rhythm() -> None:
    beat = beats("exact", 1)
    assert beat is not None
    told = finding(beat, "c2.example.net", combined(beat.score, 2))
    assert told.seen == "c2.example.net: 30 contacts, every 300 s; 16 of the last 16 within 2% of it"
    assert told.because[0].share == pytest.approx(1 / 3)


def test_a_state_is_small() -> None:
    state = Beacons()
    for number in range(20):
        for name in range(8):
            state, _ = step(state, name * 2**28, START + number * MINUTE + name)
    assert len(encode(state)) < 8 * 62

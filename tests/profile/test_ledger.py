"""What is told of what was observed, and how much of it a day allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.anomaly.base import Finding, Reason
from models.feature import Ref, Tally
from streams.profile.ledger import Ledger, decode_ledger, encode_ledger, judged
from streams.profile.outputs import Observation, Output, Raised, Withheld
from streams.profile.settings import ProfileSettings
from tests.profile.made import START

HOUR = 3_600_000
ALICE = "user:alice@example.com"
FOUND = Finding("baseline", 20.0, "about 3 an hour", "900 an hour", START, 40, (Reason("300 times the usual", 1.0),))
SETTINGS = ProfileSettings(rate=1e-3, budget=3)


def observed(score: float = 20.0, hour: int = 1, entity: str = ALICE, feature: str = "failed_sign_ins") -> Observation:
    ref = Ref(3002, "raw.okta", 0, hour, "0" * 64)
    tally = Tally(1, START + hour * HOUR - 1, "e" * 32)
    return Observation(
        "anomaly_failed_sign_ins", entity, "okta", feature, "", START + hour * HOUR, score, FOUND, tally, ref
    )


def judge(state: Ledger, *seen: Observation, settings: ProfileSettings = SETTINGS) -> tuple[Ledger, list[Output]]:
    return judged(state, seen[0].end, seen[0].entity, seen, settings)


def test_a_strange_thing_is_told_in_words_and_numbers() -> None:
    _, (out,) = judge(Ledger(), observed())
    assert isinstance(out, Raised)
    signal = out.signal
    assert (signal.domain, signal.time, str(signal.entities[0])) == ("identity", START + HOUR - 1, ALICE)
    assert signal.event.at.topic == "raw.okta"
    words = dict(signal.matched)
    assert words["expected"] == "about 3 an hour"
    assert words["seen"] == "900 an hour"
    assert words["learned since"].endswith("40 observations")
    assert "300 times" in words["because"]


def test_an_ordinary_thing_is_not_told_but_learned() -> None:
    state, outputs = judge(Ledger(), observed(0.5))
    assert outputs == []
    assert sum(scores.total for scores in state.scores.values()) == 1


def test_what_is_told_does_not_become_usual() -> None:
    state, _ = judge(Ledger(), observed())
    assert not state.scores


def test_the_same_is_told_once_an_hour() -> None:
    state, first = judge(Ledger(), observed())
    again, second = judge(state, replace(observed(), end=START + HOUR + 1))
    assert (len(first), len(second)) == (1, 1), "another hour"
    _, third = judge(again, replace(observed(), end=START + HOUR + 2))
    assert third == []


def test_what_was_judged_is_not_judged_again() -> None:
    state, _ = judge(Ledger(), observed(0.5))
    assert judge(state, observed()) == (state, [])
    assert judge(state, observed(0.5, entity="user:bob@example.com"))[0] != state


def test_a_day_has_a_budget_and_what_it_withholds_is_said() -> None:
    state, outputs = Ledger(), list[Output]()
    for number in range(1, 9):
        state, more = judge(state, observed(hour=number))
        outputs += more
    told = sum(isinstance(out, Raised) for out in outputs)
    assert 0 < told <= SETTINGS.budget
    assert sum(isinstance(out, Withheld) for out in outputs) == len(outputs) - told > 0


def test_a_detector_can_be_left_out() -> None:
    without = replace(SETTINGS, without=frozenset({"anomaly_failed_sign_ins"}))
    assert judge(Ledger(), observed(), settings=without)[1] == []


@pytest.mark.parametrize("rate", [1e-2, 1e-12])
def test_a_score_that_would_be_common_needs_a_lax_rate(rate: float) -> None:
    state = Ledger()
    for number in range(1, 200):
        state, _ = judge(state, observed(2.0 + number % 7 / 10, number, f"user:u{number % 20}"))
    found = judge(state, observed(6.5, 200), settings=replace(SETTINGS, rate=rate))[1]
    assert bool(found) is (rate == 1e-2)


def test_it_is_read_back_as_it_was() -> None:
    state, _ = judge(Ledger(), observed(), observed(0.5, feature="failed_sources"))
    assert decode_ledger(encode_ledger(state)) == state

"""What is told of what was observed, and how much of it a day allows."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from msgspec import structs

from models.anomaly.base import Finding, Reason
from models.errors import InvalidRecord
from models.feature import Ref, Tally
from streams.profile.ledger import Ledger, decode_ledger, encode_ledger, judged
from streams.profile.outputs import Observation, Output, Raised, Withheld
from streams.profile.settings import ProfileSettings
from streams.profile.signals import uid_of
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


def warm(hours: int = 24 * 30, entities: int = 20, score: float = 0.5) -> Ledger:
    """Return a ledger that has judged ordinary scores, of an entity an hour, for some days."""
    state = Ledger()
    for hour in range(hours):
        state, outputs = judge(state, observed(score + hour % 5 / 10, hour - hours, f"user:u{hour % entities}"))
        assert outputs == []
    return state


WARM = warm()


def test_a_strange_thing_is_told_in_words_and_numbers() -> None:
    _, (out,) = judge(WARM, observed())
    assert isinstance(out, Raised)
    signal = out.signal
    assert (signal.domain, signal.time, str(signal.entities[0])) == ("identity", START + HOUR - 1, ALICE)
    assert signal.event.at.topic == "raw.okta"
    words = dict(signal.matched)
    assert words["expected"] == "about 3 an hour"
    assert words["seen"] == "900 an hour"
    assert words["learned since"].endswith("40 observations")
    assert "300 times" in words["because"]
    assert "together with" not in words


def test_nothing_is_told_and_nothing_counted_before_models_have_learned() -> None:
    state, outputs = judge(warm(24 * 6), observed())
    assert outputs == []
    assert not state.scores
    assert state.day.days == 0


def test_nothing_is_told_before_scores_have_been_learned_for_some_days() -> None:
    state, outputs = judge(warm(24 * 8), observed())
    assert outputs == []
    assert state.scores
    assert len(judge(warm(24 * 10), observed())[1]) == 1


def test_what_needs_no_learning_is_told_at_once() -> None:
    fast = structs.replace(observed(), detector="anomaly_impossible_travel", feature="place")
    assert len(judge(Ledger(), fast)[1]) == 1


def test_an_ordinary_thing_is_not_told_but_learned() -> None:
    state, outputs = judge(WARM, observed(0.5))
    assert outputs == []
    assert sum(scores.total for scores in state.scores.values()) == sum(one.total for one in WARM.scores.values()) + 1


def test_what_is_told_teaches_no_more_than_that_it_was_worth_telling() -> None:
    state, _ = judge(WARM, observed())
    (scores,) = state.scores.values()
    assert max(scores.bins) < 20 * 8
    again = structs.replace(observed(hour=2), entity="user:bob@example.com")
    assert len(judge(state, again)[1]) == 1, "the next one is still strange"


def test_the_same_is_not_told_again_for_days_unless_it_is_far_stranger() -> None:
    state, first = judge(WARM, observed(4.5))
    again, second = judge(state, observed(4.5, 25))
    assert (len(first), len(second)) == (1, 0)
    assert len(judge(again, observed(29.0, 26))[1]) == 1
    assert len(judge(again, observed(4.5, 1 + 24 * 3))[1]) == 1, "three days later"


def test_one_uid_is_told_once_however_strange_it_becomes() -> None:
    state, first = judge(WARM, observed(12.0))
    later = structs.replace(observed(29.0), end=START + HOUR - 1)
    assert uid_of(later) == uid_of(observed())
    _, second = judge(structs.replace(state, end=0), later)
    assert (len(first), second) == (1, [])


def test_what_was_judged_is_not_judged_again() -> None:
    state, _ = judge(WARM, observed(0.5))
    assert judge(state, observed()) == (state, [])
    assert judge(state, observed(0.5, entity="user:bob@example.com"))[0] != state


def test_a_day_has_a_budget_and_what_it_withholds_is_said() -> None:
    state, outputs = WARM, list[Output]()
    for number in range(1, 9):
        state, more = judge(state, observed(hour=number, entity=f"user:v{number}"))
        outputs += more
    told = sum(isinstance(out, Raised) for out in outputs)
    assert 0 < told <= SETTINGS.budget
    assert sum(isinstance(out, Withheld) for out in outputs) == len(outputs) - told > 0


def news(value: str, score: float, minute: int, feature: str = "application") -> Observation:
    about = {"detector": f"anomaly_new_{'country' if feature == 'country' else 'application'}", "feature": feature}
    end = START + minute * 60_000
    return structs.replace(observed(score), about=value, end=end, tally=Tally(1, end - 1, f"{minute:032x}"), **about)


def signs(*ones: Observation) -> list[Raised]:
    state, found = LEARNED, list[Output]()
    for one in ones:
        state, outputs = judge(state, one)
        found += outputs
    return [out for out in found if isinstance(out, Raised)]


def learned() -> Ledger:
    """Return a ledger that knows how seldom new values come, and what they come to together."""
    lot, state = Random(5), Ledger()  # noqa: S311  # repeatable, not secret
    for hour in range(24 * 60):
        one = news("some", lot.expovariate(1.7), 60 * (hour - 24 * 60))
        state, _ = judge(state, structs.replace(one, entity=f"user:u{hour % 40}"))
    return state


LEARNED = learned()


def test_weak_signs_of_an_hour_are_told_together() -> None:
    assert signs(news("mail", 3.0, 1)) == []
    told = signs(news("mail", 3.0, 1), news("vault", 3.2, 9), news("CL", 3.1, 20, "country"), news("pay", 3.0, 30))
    words = dict(told[0].signal.matched)
    assert told[0].signal.fields["value"] == "vault"
    assert "applications signed in to mail (an application used for the first time:" in words["together with"]
    assert len(told) <= 2, "once a detector"


def test_signs_hours_apart_or_of_one_event_are_not_told_together() -> None:
    apart = [news("mail", 3.0, 1), news("vault", 3.2, 400), news("CL", 3.1, 800, "country"), news("pay", 3.0, 1200)]
    assert signs(*apart) == []
    one = [structs.replace(news(f"app {n}", 3.0, 1 + n), tally=Tally(1, START, "e" * 32)) for n in range(6)]
    assert signs(*one) == []


def test_a_detector_can_be_left_out() -> None:
    without = replace(SETTINGS, without=frozenset({"anomaly_failed_sign_ins"}))
    assert judge(Ledger(), observed(), settings=without)[1] == []


@pytest.mark.parametrize("rate", [1e-2, 1e-12])
def test_a_score_that_would_be_common_needs_a_lax_rate(rate: float) -> None:
    found = judge(WARM, observed(6.5), settings=replace(SETTINGS, rate=rate))[1]
    assert bool(found) is (rate == 1e-2)


def test_half_is_forgotten_each_period() -> None:
    later = judge(WARM, observed(0.5, 24 * 40))[0]
    assert later.day.days < WARM.day.days
    assert sum(one.total for one in later.scores.values()) < sum(one.total for one in WARM.scores.values())


def test_it_is_read_back_as_it_was() -> None:
    state, _ = judge(WARM, observed(), observed(0.5, feature="failed_sources"))
    assert decode_ledger(encode_ledger(state)) == state
    assert decode_ledger(encode_ledger(LEARNED)) == LEARNED


def test_a_ledger_of_another_version_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="version 1"):
        decode_ledger(encode_ledger(structs.replace(WARM, version=1)))


def test_a_sign_is_no_stranger_by_its_sum_than_by_itself() -> None:
    near = structs.replace(observed(0.1), detector="anomaly_impossible_travel", feature="place")
    state, outputs = judge(WARM, near)
    assert 2 < state.together[ALICE].total < 3, "once in some hundred days of entities, as long as there have been"
    assert outputs == []

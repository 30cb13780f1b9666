"""Signs of one entity: what they count for together, which are remembered, and which is told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.anomaly.base import Finding
from models.feature import Ref, Tally
from streams.profile.outputs import Observation
from streams.profile.together import FOR_MS, MOST, Together, is_joined, observation_of
from tests.profile.made import START

MINUTE = 60_000
FOUND = Finding("rarity", 3.0, "one of 3 known values", "vault: never seen before", START, 40)
NEW, AMOUNT = ("anomaly_new_application", "application"), ("anomaly_api_volume", "api_calls")


def sign(about: str, minute: int, kind: tuple[str, str] = NEW, event: int | None = None) -> Observation:
    end, at = START + minute * MINUTE, minute if event is None else event
    tally, ref = Tally(1, START + at * MINUTE - 1, "e" * 32), Ref(3002, "raw.okta", 0, minute, "0" * 64)
    return Observation(kind[0], "user:alice", "okta", kind[1], about, end, 3.0, FOUND, tally, ref)


def together(*ones: tuple[Observation, float]) -> Together:
    known = Together()
    for one, strength in ones:
        known = known.at(one.end).plus(one, strength)
    return known


def test_new_values_of_different_times_nearly_add_up() -> None:
    known = together((sign("mail", 1), 2.0), (sign("vault", 5), 3.0), (sign("pay", 9), 1.0))
    assert known.total == pytest.approx(3 + 2 * 0.95 + 0.95**2)


def test_values_of_one_event_and_one_detector_count_once() -> None:
    known = together((sign("mail", 1), 2.0), (sign("vault", 1), 3.0), (sign("pay", 1), 1.0))
    assert known.total == 3


def test_another_detector_sees_another_side_of_one_event() -> None:
    known = together((sign("mail", 1), 2.0), (sign("CL", 1, ("anomaly_new_country", "country")), 3.0))
    assert known.total == pytest.approx(3 + 2 * 0.95)


def test_amounts_hardly_add_up() -> None:
    others = ("anomaly_traffic", "connections"), ("anomaly_fan_out", "destinations")
    known = together((sign("", 1, AMOUNT), 2.0), *((sign("", 1, other), 2.0) for other in others))
    assert known.total == pytest.approx(2 + 2 / 4 + 2 / 16)


def test_a_sign_is_remembered_once_and_as_strong_as_it_was() -> None:
    known = together((sign("mail", 1), 2.0), (sign("mail", 5), 1.0))
    assert [one.strength for one in known.signs] == [2.0]
    assert together((sign("mail", 1), 2.0), (sign("mail", 5), 2.5)).total == 2.5


def test_signs_are_forgotten_and_the_strongest_of_many_stay() -> None:
    known = together((sign("mail", 1), 2.0), (sign("vault", 100), 1.0))
    later = known.at(START + 2 * MINUTE + FOR_MS)
    assert [one.about for one in later.signs] == ["vault"]
    assert later.lead is None, "its words went with it"
    many = together(*((sign(f"app {n}", 1 + n), 1.0 + n / 100) for n in range(MOST + 5)))
    assert len(many.signs) == MOST
    assert min(one.strength for one in many.signs) == pytest.approx(1.05)


def test_the_strongest_is_told_in_its_own_words() -> None:
    strongest = sign("vault", 5)
    known = together((sign("mail", 1), 2.0), (strongest, 3.0), (sign("pay", 9), 1.0))
    assert known.lead is not None
    assert observation_of("user:alice", "okta", known.lead) == strongest


def test_what_has_no_words_or_is_of_weeks_is_no_sign() -> None:
    assert is_joined(sign("mail", 1))
    assert not is_joined(replace(sign("mail", 1), finding=None))
    assert not is_joined(sign("", 1, ("anomaly_slow_growth", "bytes_out")))
    assert Together().plus(replace(sign("mail", 1), tally=None), 3.0) == Together()

"""The breaker and the waits between tries: pure, on the test's time."""

from __future__ import annotations

import pytest

from agents.llm.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, BreakerRule
from agents.llm.failures import BUSY, MALFORMED, NETWORK, NoReply
from agents.llm.retrying import Retrying

RULE = BreakerRule(in_a_row=3, share=0.5, least=6, window_s=100.0, rest_s=10.0, longest_rest_s=35.0)


def opened(rest_s: float = 0.0) -> Breaker:
    breaker = Breaker(RULE)
    for _ in range(3):
        assert breaker.enter(0.0)
        breaker.failed(0.0, rest_s)
    return breaker


def test_so_many_failures_in_a_row_open_it() -> None:
    breaker = Breaker(RULE)
    for is_bad in (True, True, False, True, True):
        assert breaker.enter(0.0)
        if is_bad:
            breaker.failed(0.0)
        else:
            breaker.succeeded(0.0)
        assert breaker.state(0.0) == CLOSED
    breaker.failed(0.0)
    assert breaker.state(0.0) == OPEN
    assert not breaker.enter(9.9)


def test_a_share_of_failures_opens_it_within_the_window_only() -> None:
    breaker = Breaker(RULE)
    for now in (0.0, 1.0, 2.0):
        breaker.succeeded(now)
        breaker.failed(now)
    assert breaker.state(2.0) == OPEN
    slow = Breaker(RULE)
    for now in (0.0, 60.0, 120.0, 180.0, 240.0):
        slow.succeeded(now)
        slow.failed(now)
    assert slow.state(240.0) == CLOSED


def test_one_trial_closes_it_or_opens_it_for_longer() -> None:
    breaker = opened()
    rests = []
    now = 0.0
    for _ in range(3):
        rests.append(breaker.rests_s(now))
        now += rests[-1]
        assert breaker.state(now) == HALF_OPEN
        assert breaker.enter(now)
        assert not breaker.enter(now)
        breaker.failed(now)
    assert [*rests, breaker.rests_s(now)] == [10.0, 20.0, 35.0, 35.0]
    now += 35.0
    assert breaker.enter(now)
    breaker.succeeded(now)
    assert (breaker.state(now), breaker.rests_s(now)) == (CLOSED, 0.0)
    for _ in range(2):
        breaker.failed(now)
    assert breaker.state(now) == CLOSED
    breaker.failed(now)
    assert breaker.rests_s(now) == 10.0


def test_a_trial_that_nobody_waited_for_is_followed_by_another() -> None:
    breaker = opened()
    assert breaker.enter(10.0)
    breaker.abandoned()
    assert breaker.state(10.0) == HALF_OPEN
    assert breaker.enter(10.0)


def test_what_the_endpoint_asks_for_counts_up_to_a_bound() -> None:
    assert opened(25.0).rests_s(0.0) == 25.0
    assert opened(10_000.0).rests_s(0.0) == 35.0


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    breaker = opened()
    breaker.failed(5.0)
    breaker.succeeded(6.0)
    assert (breaker.state(6.0), breaker.rests_s(6.0)) == (OPEN, 4.0)


@pytest.mark.parametrize(
    ("number", "kind", "retry_after_s", "jitter", "expected"),
    [
        (0, NETWORK, 0.0, 1.0, 0.5),
        (0, NETWORK, 0.0, 0.0, 0.0),
        (1, NETWORK, 0.0, 0.5, 0.5),
        (2, NETWORK, 0.0, 1.0, 2.0),
        (3, NETWORK, 0.0, 1.0, None),
        (0, BUSY, 7.0, 1.0, 7.5),
        (0, BUSY, 30.0, 0.0, 30.0),
        (0, BUSY, 30.1, 0.0, None),
        (0, MALFORMED, 0.0, 1.0, None),
    ],
)
def test_waits(number: int, kind: str, retry_after_s: float, jitter: float, expected: float | None) -> None:
    failure = NoReply("x", kind, retry_after_s=retry_after_s)  # type: ignore[arg-type]  # a parametrized literal
    assert Retrying().wait_s(number, failure, lambda: jitter) == expected


def test_waits_are_bounded() -> None:
    assert Retrying(tries=10_000).wait_s(5_000, NoReply("x", NETWORK), lambda: 1.0) == 30.0

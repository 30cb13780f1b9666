"""Rates and breakers, by a time that is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.lookups.limits import Breaker, Rate, TokenBuckets


def test_questions_come_at_once_and_then_at_the_rate() -> None:
    buckets = TokenBuckets([Rate(4, 60)])
    assert [buckets.take(100.0) for _ in range(5)] == [0, 0, 0, 0, 15]
    assert buckets.take(114.0) == pytest.approx(1)
    assert [buckets.take(115.0), buckets.take(115.0)] == [0, 15]


def test_the_slowest_rate_decides() -> None:
    buckets = TokenBuckets([Rate(10, 1), Rate(2, 100)])
    assert [buckets.take(0.0) for _ in range(3)] == [0, 0, 50]


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5), st.floats(1, 30))
def test_no_span_of_time_has_more_than_the_rate_grants(steps: list[float], questions: int, seconds: float) -> None:
    buckets, now, granted = TokenBuckets([Rate(questions, seconds)]), 5.0, list[float]()
    for step in steps:
        now += step
        if not buckets.take(now):
            granted.append(now)
    for first, begin in enumerate(granted):
        for last, end in enumerate(granted[first:], first):
            assert last - first + 1 <= questions * (1 + (end - begin) / seconds) + 1e-6


@given(st.lists(st.floats(0, 30), min_size=1, max_size=20))
def test_after_the_wait_there_is_one(steps: list[float]) -> None:
    buckets, now = TokenBuckets([Rate(3, 7)]), 0.0
    for step in steps:
        now += step
        wait = buckets.take(now)
        if wait:
            now += wait
            assert buckets.take(now) == 0


def test_a_service_that_fails_is_left_alone_and_tried_once_again() -> None:
    breaker = Breaker(failures=2, open_s=60)
    breaker.failed(0)
    assert breaker.allows(0)
    breaker.failed(1)
    assert [breaker.allows(now) for now in (1, 60, 61, 62)] == [False, False, True, False]
    breaker.failed(70)
    assert [breaker.allows(now) for now in (71, 130)] == [False, True]
    breaker.succeeded()
    assert breaker.allows(131)
    breaker.failed(132)
    assert breaker.allows(132)

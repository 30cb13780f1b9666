"""Ticks and watermarks: how far event time has come, who holds it back, and for how long."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidRecord
from streams.correlate.watermark import MAX_AHEAD_MS, SILENCE_MS, Tick, Watermarks, tick_after
from tests.correlate.build import MINUTE, START


def tick(source: str, watermark: int, broker: int = 0, partition: int = 0) -> Tick:
    return Tick(source, partition, START + watermark, START + broker)


def observed(*ticks: Tick) -> Watermarks:
    marks = Watermarks()
    for one in ticks:
        marks = marks.observe(one)
    return marks


def test_a_tick_is_the_usual_delay_behind_the_event():
    assert tick_after(None, "okta", 2 * MINUTE, 3, START, START + 5) == Tick("okta", 3, START - 2 * MINUTE, START + 5)


def test_a_tick_never_goes_back():
    first = tick_after(None, "okta", 0, 0, START, START)
    assert tick_after(first, "okta", 0, 0, START - 1, START - 1) == first
    assert tick_after(first, "okta", 0, 0, START + 1, START) == tick("okta", 1)
    assert tick_after(first, "okta", 0, 0, START - 1, START + 1) == tick("okta", 0, 1)


def test_an_event_too_far_ahead_of_the_broker_moves_nothing_but_the_brokers_clock():
    first = tick_after(None, "okta", 0, 0, START, START)
    allowed = tick_after(first, "okta", 0, 0, START + MAX_AHEAD_MS, START)
    assert allowed.watermark == START + 5 * MINUTE
    refused = tick_after(first, "okta", 0, 0, START + 1 + MAX_AHEAD_MS + 1, START + 1)
    assert refused == tick("okta", 0, 1)


def test_a_first_event_from_the_future_says_nothing_and_early_events_nothing_below_zero():
    assert tick_after(None, "okta", 0, 0, START + 10 * MINUTE, START).watermark == 0
    assert tick_after(None, "okta", MINUTE, 0, 5, 0).watermark == 0


def test_without_a_broker_event_time_is_believed():
    assert tick_after(None, "okta", 0, 0, START, 0).watermark == START


@given(st.lists(st.tuples(st.integers(0, 2 * START), st.integers(0, 2 * START)), min_size=1), st.integers(0, START))
def test_ticks_are_monotone_and_never_beyond_what_the_broker_allows(pairs, delay):
    known = None
    for event_time, broker_time in pairs:
        after = tick_after(known, "s", delay, 0, event_time, broker_time)
        if known is not None:
            assert (after.watermark, after.broker_time) >= (known.watermark, known.broker_time)
        known = after
    limits = [event if broker == 0 else min(event, broker + MAX_AHEAD_MS) for event, broker in pairs]
    assert known is not None
    assert known.watermark <= max(0, *(limit - delay for limit in limits))


def test_the_watermark_is_the_least_of_all_sources_and_partitions():
    marks = observed(tick("okta", 9), tick("zeek", 5), tick("zeek", 3, partition=1))
    assert marks.effective == START + 9, "what was said once is not taken back"
    assert marks.observe(tick("zeek", 12, partition=1)).effective == START + 9
    later = marks.observe(tick("okta", 20)).observe(tick("zeek", 15)).observe(tick("zeek", 12, partition=1))
    assert later.effective == START + 12


def test_an_old_tick_takes_nothing_back():
    marks = observed(tick("okta", 9, 9))
    assert marks.observe(tick("okta", 3, 3)) == marks


def test_a_silent_source_stops_holding_the_others_back_and_is_named():
    marks = observed(tick("cloud", 1, 0), tick("okta", 9, SILENCE_MS))
    assert (marks.effective, marks.silent) == (START + 1, ())
    marks = marks.observe(tick("okta", 9, SILENCE_MS + 1))
    assert (marks.effective, marks.silent) == (START + 9, ("cloud",))


def test_a_source_heard_on_one_partition_is_not_silent():
    marks = observed(tick("cloud", 1, 0), tick("cloud", 5, SILENCE_MS, partition=1), tick("okta", 9, SILENCE_MS + 1))
    assert (marks.effective, marks.silent) == (START + 5, ())


def test_a_source_that_speaks_again_is_waited_for_again_without_going_back():
    marks = observed(tick("cloud", 1, 0), tick("okta", 9, SILENCE_MS + 1), tick("cloud", 2, SILENCE_MS + 2))
    assert (marks.effective, marks.silent) == (START + 9, ())
    assert marks.observe(tick("okta", 30, SILENCE_MS + 3)).effective == START + 9
    assert marks.observe(tick("okta", 30, SILENCE_MS + 3)).observe(tick("cloud", 20, SILENCE_MS + 4)).effective == (
        START + 20
    )


def test_nothing_is_known_and_nobody_silent_before_the_first_tick():
    assert (Watermarks().effective, Watermarks().silent) == (0, ())


ticks = st.builds(
    tick,
    st.sampled_from(["okta", "zeek", "a/b"]),
    st.integers(0, 99),
    st.integers(0, 3 * SILENCE_MS),
    st.integers(0, 2),
)


@given(st.lists(ticks))
def test_the_watermark_never_goes_back_and_survives_storage(items):
    marks = Watermarks()
    for item in items:
        after = marks.observe(item)
        assert after.effective >= marks.effective
        marks = Watermarks.from_json(json.loads(json.dumps(after.to_json())))
        assert marks == after


@given(ticks)
def test_a_tick_survives_the_wire(item):
    assert Tick.from_json(json.loads(json.dumps(item.to_json()))) == item


HOSTILE = [
    None,
    5,
    "tick",
    [],
    {},
    {"source": "s", "partition": 0, "watermark": 1},
    {"source": 5, "partition": 0, "watermark": 1, "broker_time": 1},
    {"source": "s", "partition": True, "watermark": 1, "broker_time": 1},
    {"source": "s", "partition": 0, "watermark": 1.5, "broker_time": 1},
    {"source": "s", "partition": 0, "watermark": "1", "broker_time": None},
]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_tick_is_refused_also_inside_watermarks(value):
    with pytest.raises(InvalidRecord):
        Tick.from_json(value)
    with pytest.raises(InvalidRecord):
        Watermarks.from_json({"ticks": [value], "effective": 0})


@pytest.mark.parametrize(
    "value",
    [
        *HOSTILE,
        {"ticks": {}, "effective": 0},
        {"ticks": [], "effective": True},
        {"ticks": []},
        {"ticks": None, "effective": 0},
    ],
)
def test_what_is_no_watermarks_is_refused(value):
    with pytest.raises(InvalidRecord):
        Watermarks.from_json(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ticks", "effective", "source"]), inner)
    ),
    max_leaves=8,
)


@given(json_values)
def test_no_json_raises_anything_else(value):
    for read in (Tick.from_json, Watermarks.from_json):
        with suppress(InvalidRecord):
            assert read(value) is not None

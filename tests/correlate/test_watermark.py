"""Ticks and watermarks: how far event time has come, who holds it back, and for how long."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidRecord
from streams.correlate.watermark import (
    MAX_AHEAD_MS,
    SILENCE_MS,
    Tick,
    Watermarks,
    tick_after,
    ticks_from_json,
    ticks_to_json,
)
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


def idle(source: str, watermark: int, heard: int, said: int, partition: int = 0, delay: int = 0) -> Tick:
    """Return the tick of a partition that was read to its end."""
    return Tick(source, partition, START + watermark, START + heard, START + said, START + said - delay)


def reading(source: str, watermark: int, heard: int, said: int, partition: int = 0) -> Tick:
    """Return the tick of a partition in which there is more to read."""
    return Tick(source, partition, START + watermark, START + heard, START + said)


def opening(source: str, said: int = 0, partition: int = 0) -> Tick:
    """Return the tick of a partition of which nothing is known yet."""
    return Tick(source, partition, 0, 0, START + said)


def test_a_source_is_asked_alone_and_with_others():
    marks = observed(tick("okta", 9), tick("zeek", 5), tick("zeek", 3, partition=1)).observe(tick("okta", 20))
    assert marks.of({"okta"}) == START + 20
    assert marks.of(["zeek"]) == marks.of({"okta", "zeek"}) == marks.of({"zeek", "nobody"}) == START + 9


def test_ticks_that_are_said_together_need_not_wait_for_each_other():
    marks = Watermarks().observe(tick("okta", 9), tick("zeek", 5))
    assert (marks.of({"okta"}), marks.of({"zeek"}), marks.effective) == (START + 9, START + 5, START + 5)


def test_what_depends_on_nobody_that_was_heard_of_goes_by_all_others():
    marks = Watermarks().observe(tick("okta", 9), tick("zeek", 5))
    assert marks.of(()) == marks.of({"nobody"}) == marks.effective == START + 5


def test_a_source_that_is_new_takes_back_nothing_that_was_answered_without_it():
    marks = observed(tick("okta", 9)).observe(tick("zeek", 5))
    assert marks.of({"zeek"}) == marks.of({"okta", "zeek"}) == START + 9
    assert marks.observe(tick("okta", 20)).of({"okta", "zeek"}) == START + 9
    assert marks.observe(tick("okta", 20), tick("zeek", 12)).of({"okta", "zeek"}) == START + 12


def test_a_partition_without_traffic_follows_the_others_of_its_source_and_no_further():
    marks = Watermarks().observe(reading("okta", 50, 60, 60), idle("okta", 1, 5, 60, partition=1, delay=20))
    assert marks.of({"okta"}) == START + 40, "records of it may be as late as that"
    marks = marks.observe(idle("okta", 1, 5, 90, partition=1, delay=20))
    assert marks.of({"okta"}) == START + 50
    assert marks.observe(idle("okta", 50, 60, 999, delay=20)).of({"okta"}) == START + 50, "no record said more"


def test_a_partition_that_never_had_a_record_does_not_count():
    marks = Watermarks().observe(opening("okta"), opening("okta", partition=1), opening("zeek"))
    assert (marks.effective, marks.of({"okta"})) == (0, 0)
    empty = [Tick(source, number, 0, 0, START, START) for source, number in (("okta", 1), ("zeek", 0))]
    marks = marks.observe(*empty, tick("okta", 9))
    assert (marks.of({"okta"}), marks.of({"zeek"}), marks.effective) == (START + 9,) * 3
    assert marks.ticks.keys() == {"okta/0"}


def test_a_partition_that_is_being_read_is_not_silent_however_old_its_records_are():
    now = SILENCE_MS * 9
    marks = Watermarks().observe(opening("okta", now), opening("zeek", now))
    marks = marks.observe(reading("okta", now, now, now)).observe(reading("zeek", 5, 6, now))
    assert (marks.effective, marks.silent, marks.of({"zeek"})) == (START + 5, (), START + 5)


def test_a_partition_that_nobody_reads_any_more_holds_nobody_back():
    marks = observed(reading("okta", 1, 1, 1, partition=1), reading("okta", 9, SILENCE_MS + 2, SILENCE_MS + 2))
    assert marks.of({"okta"}) == START + 9


def test_when_all_is_quiet_an_absence_is_certain_by_the_limit():
    heard = idle("okta", 0, 100, 100, delay=100), idle("zeek", 40, 100, 100, delay=60)
    marks = Watermarks().observe(*heard)
    still = [idle(t.source, t.watermark - START, 100, 100 + SILENCE_MS, delay=100) for t in heard]
    assert marks.observe(*still).of({"okta"}) == START, "not a moment before the limit"
    over = [idle(t.source, t.watermark - START, 100, 101 + SILENCE_MS, delay=100) for t in heard]
    marks = marks.observe(*over)
    assert marks.silent == ("okta", "zeek")
    assert marks.of({"okta"}) == marks.effective == START + SILENCE_MS + 1
    assert marks.of({"zeek"}) == START + SILENCE_MS + 41


def test_a_silent_source_holds_back_no_longer_than_all_the_others_do():
    """It was months behind (somebody's old logs): it would take months to catch up."""
    marks = Watermarks().observe(tick("old", 5, 10**10), tick("okta", 10**10, 10**10), tick("zeek", 10**10 - 7, 10**10))
    later = 10**10 + SILENCE_MS + 1
    marks = marks.observe(
        idle("old", 5, 10**10, later), tick("okta", later, later), reading("zeek", later - 7, later, later)
    )
    assert marks.silent == ("old",)
    assert marks.of({"old"}) == marks.of({"old", "okta"}) == START + later - 7


def test_a_source_whose_every_record_claims_a_time_that_cannot_be_is_not_waited_for():
    marks = Watermarks().observe(tick("okta", 9, 9), Tick("zeek", 0, 0, START + 9))
    assert (marks.effective, marks.of({"okta", "zeek"})) == (START + 9, START + 9)
    assert marks.unheard({"zeek"}, START) == ("zeek",)


def test_who_does_not_confirm_an_absence_is_named():
    marks = Watermarks().observe(tick("cloud", 5, 0), tick("okta", 9, SILENCE_MS + 1))
    asked = ["okta", "nobody", "cloud", "cloud"]
    assert marks.unheard(asked, START + 4) == ("nobody",), "its own records said that the time has passed"
    assert marks.unheard(asked, START + 5) == ("cloud", "nobody")
    assert marks.unheard(["okta"], START + 99) == (), "it is there, and is waited for"
    assert marks.of({"cloud"}) == START + 9
    assert marks.unheard(["cloud"], START + 8) == ("cloud",), "others brought it there"


def test_watermarks_of_before_they_knew_sources_are_read():
    marks = observed(tick("okta", 9), tick("zeek", 12))
    stored = {name: value for name, value in marks.to_json().items() if name != "sources"}
    assert Watermarks.from_json(stored) == Watermarks().observe(tick("okta", 9), tick("zeek", 12))


SOURCES = ("okta", "zeek", "a/b")
SETS = [frozenset(some) for number in range(len(SOURCES) + 1) for some in combinations(SOURCES, number)]
moments = st.just(0) | st.integers(0, 4 * SILENCE_MS)
any_ticks = st.builds(Tick, st.sampled_from(SOURCES), st.integers(0, 2), moments, moments, moments, moments)


@given(st.lists(st.lists(any_ticks, min_size=1, max_size=4), max_size=12))
def test_nothing_that_was_answered_of_any_sources_is_taken_back(batches):
    marks = Watermarks()
    for batch in batches:
        after = marks.observe(*batch)
        assert after.effective >= marks.effective
        assert all(after.of(some) >= marks.of(some) for some in SETS)
        marks = Watermarks.from_json(json.loads(json.dumps(after.to_json())))
        assert marks == after
        assert marks.observe(*batch) == marks, "said again"


@given(st.lists(any_ticks, min_size=1, max_size=4))
def test_ticks_said_together_survive_the_wire(items):
    assert ticks_from_json(json.loads(json.dumps(ticks_to_json(items)))) == tuple(items)


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
    {"source": "s", "partition": 0, "watermark": 1, "broker_time": 1, "said": "1"},
    {"source": "s", "partition": 0, "watermark": 1, "broker_time": 1, "idle": None},
]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_tick_is_refused_also_inside_watermarks(value):
    with pytest.raises(InvalidRecord):
        Tick.from_json(value)
    for several in (value, {"ticks": [value]}, {"ticks": value}):
        with pytest.raises(InvalidRecord):
            assert ticks_from_json(several) is None
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
        *(
            {"ticks": [], "effective": 0, "sources": rows}
            for rows in ({}, [5], [[]], [["s", 1, 2]], [["s", 1, 2.5, False]])
        ),
        {"ticks": [], "effective": 0, "sources": [["s", 1, 2, 0]]},
    ],
)
def test_what_is_no_watermarks_is_refused(value):
    with pytest.raises(InvalidRecord):
        Watermarks.from_json(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ticks", "effective", "source", "sources"]), inner)
    ),
    max_leaves=8,
)


@given(json_values)
def test_no_json_raises_anything_else(value):
    for read in (Tick.from_json, ticks_from_json, Watermarks.from_json):
        with suppress(InvalidRecord):
            assert read(value) is not None

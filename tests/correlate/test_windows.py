"""Sliding windows on sorted signals: edges, anchors, absorption, and what each kind of rule asks for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import Signal
from streams.correlate.spec import CorrelationSpec
from streams.correlate.windows import find_spans
from streams.flood import moments
from tests.correlate.build import MINUTE, START, A, B, C, all_of, any_of, none_of, signal, spec
from tests.correlate.oracle import holds
from tests.correlate.oracle_steps import Group

SPAN = 10 * MINUTE
FOREVER = 2**62


def spans(
    rule: CorrelationSpec, signals: list[Signal], floor: int = -1, watermark: int = FOREVER
) -> list[tuple[list[str], int]]:
    """Return the names of the signals of every sequence, and where it ends after START."""
    ordered = sorted(signals, key=lambda s: (s.time, s.uid))
    found = find_spans(rule, [moment for one in ordered for moment in moments(one)], floor, watermark)
    return [([moment.signal.event.uid for moment in span.moments], span.end - START) for span in found]


def at(*times: int, rule: str = "a") -> list[Signal]:
    return [signal(rule, time, name=f"{rule}{time}") for time in times]


def test_both_edges_of_a_window_belong_to_it():
    rule = spec("event_count", "a", count=2, cooldown=0)
    assert spans(rule, at(0, SPAN)) == [(["a0", f"a{SPAN}"], SPAN)]
    assert spans(rule, at(0, SPAN + 1)) == []


def test_no_bucket_edge_parts_what_lies_within_a_timespan():
    rule = spec("event_count", "a", count=2, cooldown=0)
    for start in range(0, 2 * SPAN, MINUTE // 2):
        assert len(spans(rule, at(start, start + SPAN))) == 1


def test_the_anchor_is_the_earliest_signal_whose_window_holds():
    rule = spec("event_count", "a", count=3, cooldown=0)
    found = spans(rule, at(0, 9 * MINUTE, 11 * MINUTE, 12 * MINUTE))
    assert found == [([f"a{9 * MINUTE}", f"a{11 * MINUTE}", f"a{12 * MINUTE}"], 9 * MINUTE + SPAN)]


def test_a_sequence_takes_in_what_comes_within_its_cooldown_and_no_more():
    rule = spec("event_count", "a", count=2, timespan=SPAN, cooldown=MINUTE)
    end = SPAN + MINUTE
    assert spans(rule, at(0, 1, end, end + 1)) == [(["a0", "a1", f"a{end}"], end)]


def test_the_next_anchor_is_searched_after_the_cooldown_and_sequences_never_overlap():
    rule = spec("event_count", "a", count=2, timespan=SPAN, cooldown=MINUTE)
    end = SPAN + MINUTE
    found = spans(rule, at(0, 1, end, end + 1, end + 2))
    assert found == [(["a0", "a1", f"a{end}"], end), ([f"a{end + 1}", f"a{end + 2}"], 2 * end + 1)]


def test_nothing_at_or_before_the_floor_is_an_anchor():
    rule = spec("event_count", "a", count=2, cooldown=0)
    assert spans(rule, at(0, 1, 2), floor=START)[0][0] == ["a1", "a2"]
    assert spans(rule, at(0, 1, 2), floor=START + 1) == []


def test_event_count_counts_all_that_a_signal_stands_for():
    rule = spec("event_count", "a", count=30, cooldown=0)
    assert spans(rule, [signal("a", 0, name="flood", count=29)]) == []
    assert len(spans(rule, [signal("a", 0, name="flood", count=30)])) == 1
    assert len(spans(rule, [signal("a", 0, name="flood", count=29), *at(5)])) == 1


@pytest.mark.parametrize(("op", "count", "holds_for"), [("gte", 2, {2, 3}), ("gt", 2, {3})])
def test_a_count_that_can_only_grow_is_found_without_waiting(op, count, holds_for):
    rule = spec("event_count", "a", op=op, count=count, cooldown=0)
    assert {n for n in (1, 2, 3) if spans(rule, at(*range(n)), watermark=0)} == holds_for


@pytest.mark.parametrize(
    ("op", "count", "holds_for"), [("lt", 3, {1, 2}), ("lte", 3, {1, 2, 3}), ("eq", 3, {3}), ("neq", 3, {1, 2, 4})]
)
def test_a_count_that_more_signals_could_undo_waits_until_its_window_is_past(op, count, holds_for):
    rule = spec("event_count", "a", op=op, count=count, cooldown=0)
    for number in (1, 2, 3, 4):
        signals = [signal("a", 0, name=f"n{n}") for n in range(number)]
        assert spans(rule, signals, watermark=START + SPAN) == []
        assert bool(spans(rule, signals, watermark=START + SPAN + 1)) is (number in holds_for)


def test_an_absence_looks_at_the_whole_window_of_signals_at_one_time():
    rule = spec("event_count", "a", op="eq", count=1, cooldown=0)
    assert spans(rule, [signal("a", 0, name="x"), signal("a", 0, name="y")]) == []


def test_value_count_counts_distinct_values_and_leaves_out_what_has_none():
    rule = spec("value_count", "a", count=2, fields=("port",), cooldown=0)
    ports = [signal("a", n, fields=fields, name=f"p{n}") for n, fields in enumerate([{"port": "1"}, {}, {"port": "1"}])]
    assert spans(rule, ports) == []
    found = spans(rule, [*ports, signal("a", 9, fields={"port": "2"}, name="p9")])
    assert found == [(["p0", "p1", "p2", "p9"], SPAN)]


def test_value_count_over_several_fields_counts_combinations_and_reads_aliases_per_rule():
    rule = spec(
        "value_count", "ab", count=2, fields=("who", "port"), aliases={"who": {"a": "user", "b": "account"}}, cooldown=0
    )
    a = signal("a", 0, fields={"user": "u", "port": "1"}, name="a")
    same = signal("b", 1, fields={"account": "u", "port": "1"}, name="same")
    other = signal("b", 1, fields={"account": "u", "port": "2"}, name="other")
    half = signal("b", 1, fields={"user": "v", "port": "3"}, name="half")
    assert spans(rule, [a, same, half]) == []
    assert len(spans(rule, [a, other])) == 1


def test_values_joined_do_not_pass_for_other_values():
    rule = spec("value_count", "a", count=2, fields=("x", "y"), cooldown=0)
    values = [{"x": "1", "y": "23"}, {"x": "12", "y": "3"}]
    assert len(spans(rule, [signal("a", n, fields=f, name=f"n{n}") for n, f in enumerate(values)])) == 1


def test_temporal_needs_every_rule_in_any_order():
    rule = spec("temporal", "abc", cooldown=0)
    assert spans(rule, [*at(2, rule="a"), *at(1, rule="b"), *at(3, rule="b")]) == []
    assert spans(rule, [*at(2, rule="a"), *at(1, rule="b"), *at(0, rule="c")])[0][0] == ["c0", "b1", "a2"]


def test_temporal_with_a_condition_needs_so_many_of_its_rules():
    rule = spec("temporal", "abc", count=2, cooldown=0)
    assert spans(rule, at(0, 1, 2)) == []
    assert len(spans(rule, [*at(0), *at(1, rule="c")])) == 1


def test_ordered_rules_fire_in_their_order_within_one_window():
    rule = spec("temporal_ordered", "abc", cooldown=0)
    a, b, c = at(0), at(1, rule="b"), at(2, rule="c")
    assert spans(rule, [*a, *b, *c])[0][0] == ["a0", "b1", "c2"]
    assert spans(rule, [*at(1), *at(0, rule="b"), *c]) == []
    assert spans(rule, [*a, *b, *at(SPAN + 1, rule="c")]) == []
    assert spans(rule, [*a, *at(1, rule="c"), *at(2, rule="b")]) == []


def test_an_ordered_sequence_begins_with_its_first_rule():
    rule = spec("temporal_ordered", "ab", cooldown=0)
    assert spans(rule, [*at(0, rule="b"), *at(1), *at(2, rule="b")])[0][0] == ["a1", "b2"]


def test_signals_at_one_time_are_in_order_whatever_their_names():
    rule = spec("temporal_ordered", "abc", cooldown=0)
    for suffix in "0123456789":
        signals = [signal(name, 0, name=name + suffix) for name in "cab"]
        assert len(spans(rule, signals)) == 1


def test_a_rule_named_twice_takes_two_signals():
    twice = spec("temporal_ordered", "aba", cooldown=0)
    assert spans(twice, [*at(0), *at(0, rule="b")]) == []
    assert len(spans(twice, [*at(0), *at(1, rule="b"), *at(2)])) == 1
    assert spans(spec("temporal_ordered", "aa", cooldown=0), at(0)) == []


def test_the_order_skips_what_came_too_early():
    rule = spec("temporal_ordered", "abc", cooldown=0)
    signals = [*at(0), *at(1, rule="c"), *at(2, rule="b"), *at(3, rule="c")]
    assert spans(rule, signals)[0][0] == ["a0", "c1", "b2", "c3"]


RULES = [
    spec("event_count", "ab", count=3, timespan=4, cooldown=2),
    spec("event_count", "a", op="lt", count=3, timespan=4, cooldown=0),
    spec("event_count", "ab", op="eq", count=2, timespan=3, cooldown=1),
    spec("value_count", "ab", count=2, fields=("port",), timespan=4, cooldown=3),
    spec("value_count", "ab", op="neq", count=2, fields=("port",), timespan=4, cooldown=3),
    spec("temporal", "abc", timespan=5, cooldown=0),
    spec("temporal_ordered", "abc", timespan=5, cooldown=2),
    spec("temporal_ordered", "aba", timespan=6, cooldown=0),
    spec("event_count", "ab", op="gt", count=1, further=(("lte", 3),), timespan=4, cooldown=0),
    spec("value_sum", "ab", count=4, fields=("port",), timespan=4, cooldown=1),
    spec("value_avg", "ab", op="gt", count=2, fields=("port",), timespan=3, cooldown=0),
    spec("value_median", "abc", op="eq", count=2, fields=("port",), timespan=5, cooldown=0),
    *(spec("value_percentile", "abc", count=2, fields=("port",), timespan=5, percentile=p) for p in (0, 10, 90, 100)),
    spec("temporal", "abc", formula=any_of(all_of(A, none_of(B)), C), timespan=3, cooldown=0),
]
few_signals = st.lists(
    st.builds(
        lambda rule, time, port, n: signal(rule, time, fields={"port": str(port)}, name=f"{rule}{time}{n}"),
        st.sampled_from("abc"),
        st.integers(0, 15),
        st.integers(1, 3),
        st.integers(0, 2),
    ),
    max_size=14,
    unique_by=lambda s: s.uid,
)


@settings(max_examples=200)
@given(st.sampled_from(RULES), few_signals)
def test_the_anchors_are_those_a_search_over_every_millisecond_finds(rule, signals):
    mine = sorted((s for s in signals if s.analytic.uid in rule.rules), key=lambda s: (s.time, s.uid))
    expected, time = [], START
    while time <= START + 15:
        window = [s for s in mine if time <= s.time <= time + rule.timespan]
        if window and window[0].time == time and holds(rule, window, Group(rule, [(one, ()) for one in mine])):
            end = time + rule.timespan + rule.cooldown
            expected.append(([s.event.uid for s in mine if time <= s.time <= end], end - START))
            time = end
        time += 1
    assert spans(rule, mine) == expected

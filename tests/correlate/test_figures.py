"""What numbers do in windows: texts of them, exactness, edges, absence, repetition, and what is found when."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.finding import SequenceClosed, Signal
from streams.correlate import figures
from streams.correlate.conditions import Threshold
from streams.correlate.numbers import MAX_NUMBER_CHARS, number_of
from streams.correlate.spec import CorrelationSpec
from streams.correlate.windows import find_spans
from streams.flood import merged, moments
from tests.correlate.build import HOUR, START, A, B, C, all_of, any_of, none_of, signal, spec
from tests.correlate.one_key import KEY, SPAN, fed, here, published

FOREVER = 2**62
NUMERIC = ["value_sum", "value_avg", "value_percentile", "value_median"]


def sizes(*texts: str, apart: int = 1, count: int = 1) -> list[Signal]:
    return [
        signal("a", n * apart, KEY, fields={"size": text}, name=f"s{n}", count=count) for n, text in enumerate(texts)
    ]


def holds(rule: CorrelationSpec, signals: list[Signal], watermark: int = FOREVER) -> bool:
    ordered = sorted(signals, key=lambda s: (s.time, s.uid))
    return bool(list(find_spans(rule, [moment for one in ordered for moment in moments(one)], -1, watermark)))


def numeric(kind: str, op: str, count: int, **more: object) -> CorrelationSpec:
    return spec(kind, "a", op=op, count=count, fields=("size",), cooldown=0, **more)  # type: ignore[arg-type]  # any


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("007", 7),
        ("0.1", Fraction(1, 10)),
        ("-.5", Fraction(-1, 2)),
        ("5.", 5),
        ("2.50", Fraction(5, 2)),
        ("1e3", 1000),
        ("25E-1", Fraction(5, 2)),
        ("1e308", 10**308),
        ("9" * 308, 10**308 - 1),
        ("1e-999", Fraction(1, 10**999)),
    ],
)
def test_texts_of_numbers_are_read_exactly(text, number):
    assert number_of(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "NaN", "nan", "inf", "-Infinity", "ten", "0x1f", "1_000", "1,000", "1/2", " 5", "5 ", "5\n", "--5", "1e"),
        *("\u0663", "\uff15", ".", "1e309", "-1e999", "1e1000", "1e99999999999", "9" * 309, "true", "\ud800"),
        "0" * (MAX_NUMBER_CHARS + 1),
    ],
)
def test_all_else_is_no_number(text):
    assert number_of(text) is None
    assert holds(numeric("value_sum", "gte", 7), sizes("7", text))
    assert not holds(numeric("value_sum", "neq", 7), sizes("7", text))


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_none(text):
    number = number_of(text)
    assert number is None or number == Fraction(text)


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte", "eq", "neq"])
def test_a_window_without_numbers_has_no_figure_and_holds_nothing(kind, op):
    rule = numeric(kind, op, 0)
    assert not holds(rule, [*sizes("NaN", "many"), signal("a", 0, KEY, name="no field")])


@pytest.mark.parametrize(
    ("kind", "figure"), [("value_sum", 30), ("value_avg", 10), ("value_median", 8), ("value_percentile", 20)]
)
def test_signals_without_a_number_are_left_out_of_the_figure(kind, figure):
    more = {"percentile": 100} if kind == "value_percentile" else {}
    signals = [*sizes("2", "8", "NaN", "20", apart=0), signal("a", 0, KEY, name="no field")]
    assert holds(numeric(kind, "eq", figure, **more), signals)
    assert not holds(numeric(kind, "neq", figure, **more), signals)


@pytest.mark.parametrize(
    ("kind", "within", "over"),
    [("value_sum", 40, 10), ("value_avg", 20, 10), ("value_median", 20, 10), ("value_percentile", 28, 10)],
)
def test_the_last_millisecond_of_the_timespan_counts_and_the_next_does_not(kind, within, over):
    more = {"percentile": 90} if kind == "value_percentile" else {}
    assert holds(numeric(kind, "eq", within, **more), sizes("10", "30", apart=SPAN))
    assert not holds(numeric(kind, "eq", within, **more), sizes("10", "30", apart=SPAN + 1))
    assert holds(numeric(kind, "eq", over, **more), sizes("10", "30", apart=SPAN + 1))


@pytest.mark.parametrize(
    ("percentile", "figure"),
    [
        (0, 1),
        (10, Fraction(13, 10)),
        (25, Fraction(7, 4)),
        (50, Fraction(5, 2)),
        (90, Fraction(79, 10)),
        (Fraction(999, 10), Fraction(9979, 1000)),
        (100, 10),
    ],
)
def test_a_percentile_lies_on_the_line_between_its_neighbours(percentile, figure):
    weighed = [(10, 1), (3, 1), (1, 1), (2, 1)]
    assert figures.percentiles(weighed, [4] * 4, percentile)[0] == figure


@given(
    st.lists(st.none() | st.tuples(st.integers(-3, 3), st.integers(1, 4)), max_size=12),
    st.integers(0, 100),
    st.integers(0, 4),
)
def test_every_percentile_of_every_window_is_that_of_the_numbers_written_out(weighed, percentile, timespan):
    found = figures.percentiles(weighed, figures.window_ends(range(len(weighed)), timespan), percentile)
    for start, figure in enumerate(found):
        numbers = sorted(n for pair in weighed[start : start + timespan + 1] if pair for n in [pair[0]] * pair[1])
        if not numbers:
            assert figure is None
            continue
        place = Fraction(percentile * (len(numbers) - 1), 100)
        below, above = numbers[int(place)], numbers[min(int(place) + 1, len(numbers) - 1)]
        assert figure == below + (above - below) * (place - int(place))


def test_sums_do_not_round():
    tenths = sizes(*["0.1"] * 10)
    assert holds(numeric("value_sum", "eq", 1), tenths)
    assert holds(numeric("value_avg", "eq", Fraction(1, 10)), tenths)
    huge = sizes("1e300", "1", "-1e300")
    assert holds(numeric("value_sum", "eq", 1), huge)


def test_negative_numbers_count_as_they_are():
    assert holds(numeric("value_sum", "eq", -3), sizes("-5", "2"))
    assert holds(numeric("value_avg", "lt", -1), sizes("-5", "2"))
    assert holds(numeric("value_median", "eq", -5), sizes("-9", "-5", "2"))


@pytest.mark.parametrize("kind", NUMERIC)
def test_a_signal_that_stands_for_several_counts_as_often(kind):
    figure = {"value_sum": 12, "value_avg": 3, "value_median": 2, "value_percentile": 2}[kind]
    more = {"percentile": 50} if kind == "value_percentile" else {}
    assert holds(numeric(kind, "eq", figure, **more), [*sizes("2", count=3), signal("a", 5, KEY, fields={"size": "6"})])


@pytest.mark.parametrize("kind", NUMERIC)
def test_a_folded_flood_has_the_figure_of_its_matches(kind):
    single = sizes(*(str(n * n) for n in range(30)))
    flood = [merged(single, KEY)]
    assert flood[0].flood is not None
    for op, count in (("gte", 100), ("lt", 100), ("gt", 8554), ("eq", 8555)):
        rule = numeric(kind, op, count)
        assert holds(rule, flood) is holds(rule, single)
    assert holds(numeric("value_sum", "eq", 8555), flood)


def test_a_sum_is_found_when_it_is_reached_and_retracted_when_a_negative_number_undoes_it():
    rule = numeric("value_sum", "gte", 10)
    driver = fed(rule, here("a", 0, size="4"), here("a", 1, size="6"))
    (found,) = published(driver)
    driver.feed([here("a", 2, size="-1")])
    assert driver.log[-1] == SequenceClosed(found.uid, rule.analytic, KEY, START, "", was_alert=False)
    driver.feed([here("a", 3, size="1")])
    assert list(driver.standing) == [found.uid]


@pytest.mark.parametrize(
    "rule",
    [
        numeric("value_avg", "gte", 5),
        numeric("value_median", "gte", 5),
        numeric("value_percentile", "gte", 5, percentile=99),
        numeric("value_sum", "lte", 9),
        numeric("value_sum", "gte", 5, further=(("lt", 10),)),
        spec("event_count", "a", op="gt", count=1, further=(("lte", 5),), cooldown=0),
        spec("temporal", "ab", formula=all_of(A, none_of(B)), cooldown=0),
    ],
    ids=lambda rule: f"{rule.kind}-{rule.threshold.op}",
)
def test_what_more_signals_can_undo_waits_for_its_window_to_close(rule):
    signals = sizes("4", "5")
    if rule.kind != "value_sum" or rule.threshold.op != "lte":
        signals = sizes("6", "3") if rule.kind == "value_sum" else sizes("6", "7")
    assert not holds(rule, signals, START + SPAN)
    assert holds(rule, signals, START + SPAN + 1)


@pytest.mark.parametrize(("number", "told"), [(1, False), (2, True), (5, True), (6, False)])
def test_a_range_holds_from_its_lower_to_its_upper_end(number, told):
    rule = spec("event_count", "a", op="gt", count=1, further=(("lte", 5),), cooldown=0, timespan=SPAN)
    assert holds(rule, [signal("a", 0, KEY, name=str(n)) for n in range(number)]) is told
    assert Threshold("gt", 1, (("lte", 5),)).holds(number) is told


def test_the_positive_part_of_a_formula_holds_at_once():
    rule = spec("temporal", "abc", formula=all_of(A, any_of(B, C)), cooldown=0)
    assert not holds(rule, [here("a", 0)], 0)
    assert holds(rule, [here("a", 0), here("c", SPAN)], 0)
    assert not holds(rule, [here("a", 0), here("c", SPAN + 1)], 0)
    assert not holds(rule, [here("b", 0), here("c", 1)], 0)


def test_a_negated_rule_that_comes_late_retracts_the_sequence():
    rule = spec("temporal", "abc", formula=all_of(A, B, none_of(C)), cooldown=0)
    driver = fed(rule, here("a", 0), here("b", 1)).tick(START + SPAN)
    assert not driver.log
    (found,) = published(driver.tick(START + HOUR))
    driver.feed([here("c", SPAN)], START + HOUR)
    assert driver.log[-1] == SequenceClosed(found.uid, rule.analytic, KEY, START, "", found.is_alert)
    assert driver.standing == {}


def test_a_negated_rule_outside_the_window_changes_nothing():
    rule = spec("temporal", "abc", formula=all_of(A, B, none_of(C)), cooldown=0)
    driver = fed(rule, here("a", 0), here("b", 1), here("c", SPAN + 1), here("c", -1)).tick(START + HOUR)
    assert [s.start_time for s in published(driver)] == [START]

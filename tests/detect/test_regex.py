from __future__ import annotations

import re

import pytest

from streams.detect.regex import MAX_BACKTRACKING_CHARS, compile_regex
from tests.detect.build import fires, rule, selection

LOOKAHEAD = "{selection: {a|re: 'start(?=end)'}}"


def test_re2_takes_what_it_can() -> None:
    assert compile_regex(r"(?i)foo\d+").linear
    assert compile_regex("x", "im", at_end=True).linear


@pytest.mark.parametrize("pattern", ["start(?=end)", "(?<!x)end", r"(a+)-\1", "(?>ab)c"])
def test_python_takes_what_re2_refuses(pattern: str) -> None:
    assert not compile_regex(pattern).linear


def test_a_backtracking_pattern_is_a_warning_and_works() -> None:
    compiled = rule(LOOKAHEAD)
    assert fires(compiled, {"a": "a startend"})
    assert not fires(compiled, {"a": "a start end"})
    assert ["backtracks" in warning.message for warning in compiled.warnings] == [True]
    assert not rule("{selection: {a|re: 'start(end)'}}").warnings


def test_a_backtracking_pattern_sees_a_bounded_part_of_the_value() -> None:
    compiled = rule(LOOKAHEAD)
    assert fires(compiled, {"a": "x" * (MAX_BACKTRACKING_CHARS - 8) + "startend"})
    assert not fires(compiled, {"a": "x" * MAX_BACKTRACKING_CHARS + "startend"})


def test_a_linear_pattern_sees_all_of_the_value() -> None:
    assert fires(selection("a|re: 'start.*end'"), {"a": "x" * 1_000_000 + "start end"})


def test_nested_repetition_is_harmless_in_re2() -> None:
    assert not fires(selection("a|re: '^(a+)+$'"), {"a": "a" * 100_000 + "!"})


def test_lone_surrogates_reach_no_encoder() -> None:
    assert fires(selection("a|re: 'x.y'"), {"a": "x\ud800y"})


def test_nobody_takes_what_is_no_pattern() -> None:
    with pytest.raises(re.error):
        compile_regex("(unclosed")


def test_anchors_hold_around_alternatives() -> None:
    assert compile_regex("a|b", at_start=True, at_end=True).accepts("b")
    assert not compile_regex("a|b", at_start=True, at_end=True).accepts("ab")
    assert not compile_regex("(?=a)a|b", at_start=True, at_end=True).accepts("ab")

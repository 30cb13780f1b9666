from __future__ import annotations

import re

import pytest

from models.errors import RuleErrors
from streams.detect.regex import compile_regex, restored_regex
from tests.detect.build import fires, selection

BACKTRACKING = [
    "start(?=end)",
    "start(?!end)",
    "(?<=x)end",
    "(?<!x)end",
    r"(a+)-\1",
    r"(?P<word>\w+) (?P=word)",
    "(?>ab)c",
    "ab++c",
    "a(?(1)b|c)",
]
EXPLOSIVE = [  # each takes exponential or high polynomial time on an engine that backtracks
    ("^(a+)+$", "a"),
    ("^(a|aa)+$", "a"),
    ("^(a|a)*$", "a"),
    ("^(.*)*$", "\n"),
    ("(.*a){25}b", "a"),
    (r"^(\w+\s?)*$", "a"),
    ("^((a{0,5}){0,5}){0,5}$", "a"),
    ("a*a*a*a*a*a*a*a*b", "a"),
]


@pytest.mark.parametrize("pattern", BACKTRACKING)
def test_what_needs_backtracking_is_refused_and_told_why(pattern: str) -> None:
    with pytest.raises(RuleErrors, match="RE2 takes no lookarounds, backreferences, atomic groups") as caught:
        selection(f"{{a|re: '{pattern}'}}")
    assert [pattern in str(problem) for problem in caught.value.problems] == [True]


def test_the_language_of_the_specification_is_taken() -> None:
    pattern = r"^a.[b-d][^e-g]h*i+j?k{2}l{1,3}m{2,}(no|pq)+\.$"
    assert fires(selection(f"{{a|re: '{pattern}'}}"), {"a": "axbzhhiikkllmmnopq."})
    assert not fires(selection(f"{{a|re: '{pattern}'}}"), {"a": "axezhhiikkllmmnopq."})


@pytest.mark.parametrize(("pattern", "unit"), EXPLOSIVE)
def test_a_hostile_value_is_decided_by_every_pattern_as_a_whole(pattern: str, unit: str) -> None:
    compiled = compile_regex(pattern)
    assert not compiled.accepts(unit * 200_000 + "!")  # would never return if anything were tried twice
    assert type(compiled.compiled).__module__ != "re"


def test_all_of_a_long_value_is_seen() -> None:
    assert fires(selection("a|re: 'start.*end'"), {"a": "x" * 1_000_000 + "start end"})


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "a{1001}", "((a{100}){100}){100}"])
def test_a_pattern_that_would_take_too_much_memory_is_refused(pattern: str) -> None:
    with pytest.raises(re.error):
        compile_regex(pattern)


def test_lone_surrogates_reach_no_encoder() -> None:
    assert fires(selection("a|re: 'x.y'"), {"a": "x\ud800y"})


def test_nobody_takes_what_is_no_pattern() -> None:
    with pytest.raises(re.error):
        compile_regex("(unclosed")


def test_anchors_hold_around_alternatives() -> None:
    assert compile_regex("a|b", at_start=True, at_end=True).accepts("b")
    assert not compile_regex("a|b", at_start=True, at_end=True).accepts("ab")


def test_the_end_of_a_value_is_its_end_and_no_line_break_before_it() -> None:
    assert compile_regex("b", at_end=True).accepts("a\nb")
    assert not compile_regex("b", at_end=True).accepts("b\n")


def test_a_stored_pattern_comes_back_as_it_was() -> None:
    compiled = compile_regex("a|b", "i", at_start=True, at_end=True)
    assert restored_regex(compiled.pattern, compiled.linear) == compiled
    assert restored_regex(compiled.pattern, linear=True).accepts("B")


@pytest.mark.parametrize(("pattern", "linear"), [("(?=a)", True), ("a", False)])
def test_a_stored_pattern_for_another_engine_is_refused(pattern: str, linear: bool) -> None:
    with pytest.raises(ValueError, match="regular expression"):
        restored_regex(pattern, linear)

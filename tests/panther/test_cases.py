"""Panther's tests: times, values, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.panther.signals import time_text
from streams.ruletest import run_tests
from tests.panther.build import GROUP, fires, refusals, silent, sound, text, with_cases

OWNER = "p_alert_context.owner"


def cases_of(folder: Path, content: str) -> Any:
    sound(folder, content)
    return yaml.safe_load((folder / "out" / "example_rule.tests.yml").read_bytes())["tests"]


def signals_of(folder: Path, **outputs: Any) -> Any:
    (one,) = cases_of(folder, with_cases(GROUP, fires(**outputs)))
    return one["signals"]


def test_minutes_and_moments_are_told_from_the_earliest(folder: Path) -> None:
    minutes = signals_of(folder, Export={OWNER: {"alice": [7]}}, Guesses={"actor.email": {"bob": [5.5, 6]}})
    assert [(one["rule"], one["at"]) for one in minutes] == [
        ("example_login_failed", "0s"),
        ("example_data_exported", "90s"),
    ]
    assert minutes[0] == {
        "rule": "example_login_failed",
        "at": "0s",
        "repeat": 2,
        "every": "30s",
        "fields": {"actor.email": "bob"},
    }
    times = ["2024-06-01T10:00:01Z", "2024-06-01T12:00:00.500+02:00", "2024-06-01", "2024-06-01 10:00:01.250000000"]
    found = signals_of(folder, Export={OWNER: {name: [time] for name, time in zip("abcd", times, strict=True)}})
    assert {one["fields"][OWNER]: one["at"] for one in found} == {
        "c": "0s",
        "b": "36000500ms",
        "a": "36001s",
        "d": "36001250ms",
    }


def test_equal_matches_at_equal_distances_are_one_signal_repeated(folder: Path) -> None:
    found = signals_of(folder, Guesses={"actor.email": {"bob": [0, 2, 4, 5, 5, 5]}})
    assert [(one["at"], one.get("repeat"), one.get("every")) for one in found] == [
        ("0s", 3, "2m"),
        ("5m", 3, None),
    ]


def test_values_of_one_time_are_of_one_match(folder: Path) -> None:
    both = {OWNER: {"alice": [0, 1]}, "ip": {"192.0.2.1": [0], "192.0.2.2": [1]}}
    assert [one["fields"] for one in signals_of(folder, Export=both)] == [
        {OWNER: "alice", "ip": "192.0.2.1"},
        {OWNER: "alice", "ip": "192.0.2.2"},
    ]
    one_of_many = {OWNER: {"alice": [0], "bob": [0]}, "ip": {"192.0.2.1": [0]}}
    assert [one["fields"][OWNER] for one in signals_of(folder, Export=one_of_many)] == ["alice", "bob"]


def test_values_that_look_like_something_else_stay_texts(folder: Path) -> None:
    content = with_cases(GROUP, fires(Export={OWNER: {"KEY": [0]}}))
    for value in ("007", "1.10", "true", "2024-01-01", "null", "~", "0x1f", "''", "'a: {b}, c'"):
        ((one,),) = [test["signals"] for test in cases_of(folder, content.replace("KEY:", f"{value}:"))]
        assert one["fields"][OWNER] == value.strip("'")


def test_a_match_of_which_nothing_is_known_is_at_the_start(folder: Path) -> None:
    content = with_cases(GROUP, fires(Guesses=None, Export={OWNER: {"alice": ["2024-06-01T10:00:01Z"]}}))
    ((first, second),) = [test["signals"] for test in cases_of(folder, content)]
    assert (first, second["at"]) == ({"rule": "example_login_failed", "at": "0s"}, "0s")


def test_they_are_run(folder: Path) -> None:
    guesses = {"actor.email": {"alice": [0, 1, 2]}}
    cases = [
        fires(Guesses=guesses, Export={OWNER: {"alice": [90]}}),
        silent(Guesses=guesses, Export={OWNER: {"alice": [91]}}),
        silent(Guesses=guesses),
        silent(),
    ]
    sound(folder, with_cases(GROUP, *cases))
    report = run_tests([folder / "out"])
    assert ([one.why for one in report.cases], report.problems) == ([""] * 4, ())
    wrong = fires(Guesses=guesses, Export={OWNER: {"bob": [5]}})
    sound(folder, with_cases(GROUP, wrong))
    assert [one.passed for one in run_tests([folder / "out"]).cases] == [False]


def test_a_rule_without_tests_has_no_file_of_tests(folder: Path) -> None:
    report = sound(folder, text(GROUP))
    assert {path.name for path in report.files} == {
        "example_rule.yml",
        "example_login_failed.yml",
        "example_data_exported.yml",
    }


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"Exports": {OWNER: {"alice": [0]}}}, "no entry has the ID 'Exports'; there are Export, Guesses"),
        ({"Export": {OWNER: {"alice": ["noon"]}}}, "'noon' is no time"),
        ({"Export": {OWNER: {"alice": [[]]}}}, "is no time"),
        ({"Export": {OWNER: {"alice": 5}}}, "must be a list"),
        ({"Export": {OWNER: ["alice"]}}, "must be a map"),
        ({"Export": {OWNER: {"alice": [0, "2024-06-01T10:00:00Z"]}}}, "no common start"),
        ({"Export": {OWNER: {"{n}": [0]}}}, "cannot stand in a test"),
        ({"Export": {OWNER: {"a": [0], "b": [0]}, "ip": {"c": [0], "d": [0]}}}, "belong together"),
        ({"Export": {OWNER: {"a": [0], "b": [0], "c": [0]}, "ip": {"d": [0, 0]}}}, "belong together"),
        ({"Export": {OWNER: {"a": list(range(10_001))}}}, "more than 10000"),
        ({"Export": {OWNER: {"a": [0], "b": [999_999_999.0001]}}}, "too far apart"),
    ],
)
def test_tests_that_cannot_be_carried_over(folder: Path, outputs: Any, message: str) -> None:
    assert message in " ".join(problem.message for problem in refusals(folder, with_cases(GROUP, fires(**outputs))))


@pytest.mark.parametrize(
    ("ms", "text_"),
    [(0, "0s"), (1, "1ms"), (90_000, "90s"), (60_000, "1m"), (111_600_000, "31h"), (86_400_000, "1d")],
)
def test_times_are_written_in_the_largest_unit(ms: int, text_: str) -> None:
    assert time_text(ms) == text_

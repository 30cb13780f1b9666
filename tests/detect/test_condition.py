from __future__ import annotations

import pytest

from models.errors import RuleErrors
from tests.detect.build import fires, rule

DETECTIONS = "selection_a: {x: '1'}, selection_b: {y: '1'}, filter_main: {z: '1'}, _hidden: {h: '1'}"
CASES: list[tuple[str, str, bool]] = [
    ("selection_a", "x", True),
    ("selection_a", "y", False),
    ("selection_a and selection_b", "xy", True),
    ("selection_a and selection_b", "x", False),
    ("selection_a or selection_b", "y", True),
    ("not selection_a", "", True),
    ("not not selection_a", "x", True),
    ("selection_a and not filter_main", "x", True),
    ("selection_a and not filter_main", "xz", False),
    ("selection_a or selection_b and filter_main", "x", True),  # and binds tighter
    ("(selection_a or selection_b) and filter_main", "x", False),
    ("(selection_a or selection_b) and filter_main", "yz", True),
    ("((selection_a))", "x", True),
    ("1 of selection_*", "y", True),
    ("1 of selection_*", "z", False),
    ("any of selection_*", "y", True),
    ("all of selection_*", "x", False),
    ("all of selection_*", "xy", True),
    ("1 of them", "z", True),
    ("1 of them", "h", False),  # names with an underscore in front are not among them
    ("all of them", "xyz", True),
    ("1 of *_a", "x", True),
    ("1 of sel*_b", "x", False),
    ("not 1 of selection_*", "z", True),
    ("not 1 of selection_*", "xz", False),
    ("1 of selection_* and not 1 of filter_*", "xz", False),
    ("selection_a and 1 of filter_*", "xz", True),
    ("_hidden and selection_a", "xh", True),
]


@pytest.mark.parametrize(("condition", "present", "expected"), CASES)
def test_condition(condition: str, present: str, expected: bool) -> None:
    compiled = rule(f"{{{DETECTIONS}, condition: '{condition}'}}")
    assert fires(compiled, dict.fromkeys(present, "1")) is expected


def test_several_conditions_are_alternatives() -> None:
    compiled = rule(f"{{{DETECTIONS}, condition: [selection_a, selection_b and filter_main]}}")
    assert fires(compiled, {"x": "1"})
    assert fires(compiled, {"y": "1", "z": "1"})
    assert not fires(compiled, {"y": "1"})


def test_a_map_is_and_a_list_of_maps_is_or() -> None:
    compiled = rule("{selection: [{a: 1, b: 2}, {c: 3}]}")
    assert fires(compiled, {"a": 1, "b": 2})
    assert fires(compiled, {"c": 3})
    assert not fires(compiled, {"a": 1})


def test_lists_nest() -> None:
    compiled = rule("{selection: [[{a: 1}, {b: 2}], {c: 3}]}")
    assert [fires(compiled, {name: n}) for n, name in enumerate("abcd", 1)] == [True, True, True, False]


def test_the_same_field_twice_with_other_modifiers_is_and() -> None:
    compiled = rule(r"{selection: {Image|startswith: 'C:\', Image|endswith: '\cmd.exe'}}")
    assert fires(compiled, {"Image": r"c:\x\CMD.exe"})
    assert not fires(compiled, {"Image": r"d:\x\cmd.exe"})


def test_a_detection_the_condition_never_uses_is_a_warning() -> None:
    compiled = rule("{selection: {a: 1}, filter: {b: 1}, condition: selection}")
    assert ["filter" in warning.message for warning in compiled.warnings] == [True]
    assert not rule("{selection: {a: 1}, filter: {b: 1}, condition: selection and not filter}").warnings


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("selection and", "Expected"),
        ("selection and missing", "`missing`"),
        ("1 of nothing_*", "nothing_*"),
        ("selection | count() > 5", "pipe"),
        ("", "Expected"),
        ("5", "Expected|text|`5`"),
        ("not " * 70 + "selection", "deeper|depth"),
        ("selection and (selection or (" * 300 + "selection" + "))" * 300, "depth|recursion|deeper"),
        ("selection or " * 2000 + "selection", "at most"),
    ],
)
def test_a_condition_that_is_wrong_says_what(condition: str, complaint: str) -> None:
    with pytest.raises(RuleErrors, match=complaint):
        rule({"selection": {"a": 1}, "condition": condition})


@pytest.mark.parametrize("condition", [None, 5, ["selection", 5], {"selection": 1}, [], [None]])
def test_a_condition_that_is_no_text_is_a_problem(condition: object) -> None:
    with pytest.raises(RuleErrors):
        rule({"selection": {"a": 1}, "condition": condition})


def test_a_wide_condition_is_fine() -> None:
    names = [f"s{n}" for n in range(500)]
    compiled = rule({**{name: {name: 1} for name in names}, "condition": " or ".join(names)})
    assert fires(compiled, {"s499": 1})

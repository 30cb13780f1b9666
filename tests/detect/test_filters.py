from __future__ import annotations

from typing import Any

import pytest

from models.errors import RuleErrors
from streams.detect.filters import RuleFilter, apply_filters, compile_filter
from streams.detect.rule import DetectionRule
from tests.detect.build import ID, fires, rule

OTHER_ID = "0f0a1c9e-3b7d-4f7e-9d3a-0c1b2a394857"
BASE: dict[str, Any] = {"title": "Admins do that", "logsource": {"product": "windows"}}
ADMINS = {"selection": {"User|startswith": "adm-"}, "condition": "not selection"}


def filter_of(rules: Any = ID, **others: Any) -> RuleFilter:
    return compile_filter({**BASE, "filter": {**ADMINS, "rules": rules}, **others}, "rules/f.yml", {"filter.rules": 9})


def narrowed(compiled: DetectionRule, *filters: RuleFilter) -> DetectionRule:
    (result,), _ = apply_filters((compiled,), filters)
    return result


@pytest.mark.parametrize("rules", [ID, [ID], ["login", "else"], "any", []])
def test_a_filter_narrows_the_rules_it_names(rules: Any) -> None:
    compiled = narrowed(rule({"selection": {"a": 1}}, name="login"), filter_of(rules))
    assert fires(compiled, {"a": 1, "User": "alice"})
    assert not fires(compiled, {"a": 1, "User": "ADM-alice"})
    assert not fires(compiled, {"a": 2, "User": "alice"})


@pytest.mark.parametrize(
    "known",
    [
        filter_of(OTHER_ID),
        filter_of("any", logsource={"product": "linux"}),
        filter_of("any", logsource={"product": "windows", "category": "process_creation"}),
        filter_of("any", taxonomy="ocsf", logsource={"product": "ocsf"}),
    ],
)
def test_a_filter_leaves_other_rules_alone(known: RuleFilter) -> None:
    compiled = rule({"selection": {"a": 1}})
    assert narrowed(compiled, known) is compiled


def test_a_wider_log_source_takes_in_a_narrower_one() -> None:
    compiled = rule({"selection": {"a": 1}}, logsource={"product": "windows", "category": "process_creation"})
    assert not fires(narrowed(compiled, filter_of("any")), {"a": 1, "User": "adm-x"})


def test_filters_add_up() -> None:
    second = compile_filter(
        {**BASE, "filter": {"s": {"Host": "lab"}, "condition": "not s", "rules": "any"}}, "rules/g.yml"
    )
    compiled = narrowed(rule({"selection": {"a": 1}}), filter_of(), second)
    assert [
        fires(compiled, {"a": 1, "User": user, "Host": host})
        for user, host in (("x", "y"), ("adm-x", "y"), ("x", "lab"))
    ] == [
        True,
        False,
        False,
    ]


def test_a_filter_that_names_no_loaded_rule_is_a_problem() -> None:
    _, problems = apply_filters((rule({"selection": {"a": 1}}),), (filter_of(OTHER_ID), filter_of("any")))
    assert [(problem.path, problem.line, problem.rule) for problem in problems] == [
        ("rules/f.yml", 9, "Admins do that")
    ]


@pytest.mark.parametrize(
    "section",
    [
        {**ADMINS},
        {**ADMINS, "rules": 5},
        {"selection": {"a": 1}, "rules": "any"},
        {**ADMINS, "rules": "any", "condition": "not missing"},
        {**ADMINS, "rules": "any", "condition": ["selection"]},
        {"selection": {"a|nope": 1}, "rules": "any", "condition": "selection"},
        None,
        [],
        "any",
    ],
)
def test_a_filter_that_is_wrong_is_refused(section: Any) -> None:
    with pytest.raises(RuleErrors):
        compile_filter({**BASE, "filter": section}, "rules/f.yml")


def test_a_filter_needs_a_log_source() -> None:
    with pytest.raises(RuleErrors, match="logsource"):
        filter_of(logsource=None)

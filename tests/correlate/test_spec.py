"""Sigma correlation documents: what compiles to what, and what their authors are told when something is wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.entity import ENTITY_TYPES
from models.errors import RuleProblem
from models.finding import Analytic, Attack
from streams.correlate.compiling import Reference, compile_correlation
from streams.correlate.conditions import Formula, Threshold
from streams.correlate.spec import CorrelationSpec

FAILED = "5b1c6a6e-0d0a-4c3f-9f57-2f6a0c1d0001"
WORKED = "5b1c6a6e-0d0a-4c3f-9f57-2f6a0c1d0002"
SPRAY = "5b1c6a6e-0d0a-4c3f-9f57-2f6a0c1d0003"
REFERENCES = {
    FAILED: Reference(Analytic(FAILED, "Failed")),
    "login_failed": Reference(Analytic(FAILED, "Failed")),
    WORKED: Reference(Analytic(WORKED, "Worked")),
    "login_worked": Reference(Analytic(WORKED, "Worked")),
}
BASE = f"""
title: Spray that gets in
id: {SPRAY}
author: Detection team
level: critical
tags: [attack.credential_access, attack.t1110.003]
investigation: |
  Ask the owner of the account.
correlation:
  type: temporal_ordered
  rules: [login_failed, login_worked]
  group-by: [entity.user, entity.ip]
  timespan: 10m
"""


def document(**changes: Any) -> dict[str, Any]:
    """Return the base document with members of its correlation changed; None takes one away."""
    whole: dict[str, Any] = yaml.safe_load(BASE)
    merged = {**whole["correlation"], **{name.replace("_", "-"): value for name, value in changes.items()}}
    whole["correlation"] = {name: value for name, value in merged.items() if value is not None}
    return whole


def compiled(source: dict[str, Any]) -> CorrelationSpec:
    spec, problems = compile_correlation(source, "rules/spray.yml", {"": 7}, REFERENCES)
    assert problems == ()
    assert spec is not None
    return spec


def problem(source: dict[str, Any]) -> RuleProblem:
    spec, problems = compile_correlation(source, "rules/spray.yml", {"": 7}, REFERENCES)
    assert spec is None
    (only,) = problems
    assert (only.path, only.line) == ("rules/spray.yml", 7)
    return only


def test_a_whole_document():
    assert compiled(document()) == CorrelationSpec(
        analytic=Analytic(
            uid=SPRAY,
            name="Spray that gets in",
            type_id=2,
            author="Detection team",
            severity_id=5,
            attacks=(Attack(tactic="credential-access"), Attack(technique="T1110.003")),
        ),
        kind="temporal_ordered",
        rules=(FAILED, WORKED),
        group_by=("entity.user", "entity.ip"),
        timespan=600_000,
        threshold=Threshold("gte", 2),
        count_fields=(),
        aliases={},
        cooldown=600_000,
        risk_threshold=60,
        investigation="Ask the owner of the account.",
    )


@pytest.mark.parametrize(
    ("kind", "condition", "threshold", "fields", "risk"),
    [
        ("event_count", {"gte": 10}, Threshold("gte", 10), (), 50),
        ("value_count", {"gt": 5, "field": "TargetUserName"}, Threshold("gt", 5), ("TargetUserName",), 50),
        ("value_count", {"eq": 2, "field": ["User", "Host"]}, Threshold("eq", 2), ("User", "Host"), 50),
        ("temporal", None, Threshold("gte", 2), (), 60),
        ("temporal", {"gte": 1}, Threshold("gte", 1), (), 60),
        ("temporal_ordered", None, Threshold("gte", 2), (), 60),
        ("temporal_ordered", {"gte": 2}, Threshold("gte", 2), (), 60),
        ("value_sum", {"gt": 1_000_000, "field": "bytes"}, Threshold("gt", 1_000_000, grows=False), ("bytes",), 50),
        ("value_avg", {"lt": -1.5, "field": ["t"]}, Threshold("lt", Fraction(-3, 2), grows=False), ("t",), 50),
        ("value_median", {"eq": "0.1", "field": "t"}, Threshold("eq", Fraction(1, 10), grows=False), ("t",), 50),
        ("event_count", {"gt": 1, "lte": 5.0}, Threshold("gt", 1, (("lte", 5),)), (), 50),
        ("event_count", {"lte": 5, "gt": "1"}, Threshold("lte", 5, (("gt", 1),)), (), 50),
        ("value_count", {"gte": 2, "field": "x", "neq": 3}, Threshold("gte", 2, (("neq", 3),)), ("x",), 50),
    ],
)
def test_every_kind_with_its_condition(kind, condition, threshold, fields, risk):
    spec = compiled(document(type=kind, condition=condition))
    assert (spec.kind, spec.threshold, spec.count_fields, spec.risk_threshold) == (kind, threshold, fields, risk)


@pytest.mark.parametrize(("stated", "percentile"), [(0, 0), (95, 95), (99.9, Fraction(999, 10)), ("100", 100)])
def test_a_percentile_is_kept_exactly(stated, percentile):
    condition = {"gte": 1, "field": "x", "percentile": stated}
    assert compiled(document(type="value_percentile", condition=condition)).percentile == percentile


@pytest.mark.parametrize(
    ("condition", "monotone"),
    [
        ({"gt": 1, "gte": 3}, True),
        ({"gt": 1, "lte": 5}, False),
        ({"gte": 2, "lt": 10}, False),
        ({"gte": 2, "neq": 4}, False),
    ],
)
def test_a_range_that_more_signals_can_leave_is_not_monotone(condition, monotone):
    spec = compiled(document(type="event_count", condition=condition))
    assert (spec.is_steady, spec.threshold.monotone, spec.waits) == (monotone, monotone, not monotone)


@pytest.mark.parametrize(
    ("kind", "op", "waits"),
    [("value_sum", "gte", False), ("value_sum", "lt", True), ("value_avg", "gte", True), ("value_median", "gt", True)],
)
def test_figures_that_can_sink_are_never_monotone_but_a_large_sum_does_not_wait(kind, op, waits):
    spec = compiled(document(type=kind, condition={op: 5, "field": "x"}))
    assert (spec.is_steady, spec.waits) == (False, waits)


@pytest.mark.parametrize(
    ("condition", "formula", "monotone"),
    [
        ("login_failed and login_worked", Formula("and", (Formula(FAILED), Formula(WORKED))), True),
        ("login_failed or login_worked", Formula("or", (Formula(FAILED), Formula(WORKED))), True),
        (
            "login_failed and not (login_worked)",
            Formula("and", (Formula(FAILED), Formula("not", (Formula(WORKED),)))),
            False,
        ),
    ],
)
@pytest.mark.parametrize("rules", [["login_failed", "login_worked"], None])
def test_a_boolean_condition_of_a_temporal(condition, formula, monotone, rules):
    spec = compiled(document(type="temporal", condition=condition, rules=rules))
    assert (spec.formula, spec.is_steady, spec.waits) == (formula, monotone, not monotone)
    assert (spec.rules, spec.threshold) == ((FAILED, WORKED), Threshold("gte", 1, grows=monotone))


def test_not_binds_closer_than_and_and_and_closer_than_or():
    formula = compiled(document(type="temporal", condition="login_failed or login_worked and not login_failed")).formula
    assert formula is not None
    told = [formula.holds(fired) for fired in ([FAILED], [WORKED], [FAILED, WORKED], [])]
    assert told == [True, True, True, False]


@pytest.mark.parametrize("where", ["within", "beside"])
@pytest.mark.parametrize("generate", [True, False])
def test_whether_rules_are_generated_alone_changes_nothing(where, generate):
    stated = document(generate=generate) if where == "within" else {**document(), "generate": generate}
    assert compiled(stated) == compiled(document())


@pytest.mark.parametrize("op", ["lt", "lte", "gt", "gte", "eq", "neq"])
def test_every_operator_compares_as_it_says(op):
    threshold = compiled(document(type="event_count", condition={op: 3})).threshold
    told = {"lt": [1, 2], "lte": [1, 2, 3], "gt": [4], "gte": [3, 4], "eq": [3], "neq": [1, 2, 4]}
    assert [count for count in (1, 2, 3, 4) if threshold.holds(count)] == told[op]
    assert threshold.monotone is (op in {"gt", "gte"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1M", 2_629_746),
        ("1y", 31_556_952),
    ],
)
def test_timespans(text, seconds):
    assert compiled(document(timespan=text)).timespan == seconds * 1000


def test_rules_are_found_by_name_and_by_id_and_one_may_stand_alone():
    assert compiled(document(rules=[FAILED, "login_worked"])).rules == (FAILED, WORKED)
    assert compiled(document(type="event_count", rules="login_failed", condition={"gte": 3})).rules == (FAILED,)


def test_one_rule_under_two_names_is_one_rule_of_a_temporal():
    spec = compiled(document(type="temporal", rules=[FAILED, "login_failed", "login_worked"]))
    assert spec.threshold == Threshold("gte", 2)


def test_aliases_resolve_for_the_rules_they_name_and_are_fields_for_others():
    aliases = {"who": {"login_failed": "TargetUserName", WORKED: "user.name"}, "from": {"login_failed": "IpAddress"}}
    spec = compiled(document(aliases=aliases, group_by=["who", "from"]))
    assert spec.field_name("who", FAILED) == "TargetUserName"
    assert spec.field_name("who", WORKED) == "user.name"
    assert spec.field_name("from", WORKED) == "from"
    assert spec.fields_of(FAILED) == {"TargetUserName", "IpAddress"}
    assert spec.fields_of(WORKED) == {"user.name", "from"}


def test_the_fields_of_a_rule_are_those_it_groups_and_counts_by_without_entities():
    condition = {"gte": 2, "field": "port"}
    spec = compiled(document(type="value_count", condition=condition, group_by=["entity.host", "zone"]))
    assert spec.fields_of(FAILED) == {"zone", "port"}


@pytest.mark.parametrize("kind", ENTITY_TYPES)
def test_every_entity_type_can_be_grouped_by(kind):
    assert compiled(document(group_by=[f"entity.{kind}"])).group_by == (f"entity.{kind}",)


@pytest.mark.parametrize(("stated", "group_by"), [(None, ()), ([], ()), ("user", ("user",)), (["a", "b"], ("a", "b"))])
def test_group_by_is_a_list_a_text_or_nothing(stated, group_by):
    assert compiled(document(group_by=stated)).group_by == group_by


def test_settings_of_our_own():
    spec = compiled({**document(), "braid": {"cooldown": "1h", "risk_threshold": 0}})
    assert (spec.cooldown, spec.risk_threshold, spec.span) == (3_600_000, 0, 4_200_000)
    assert compiled({**document(), "braid": {"risk_threshold": 100}}).cooldown == 600_000


@pytest.mark.parametrize(("level", "severity"), [("informational", 1), ("low", 2), ("medium", 3), ("high", 4)])
def test_severity_comes_from_the_level(level, severity):
    assert compiled({**document(), "level": level}).analytic.severity_id == severity


def test_what_may_be_left_out():
    bare = document()
    for name in ("author", "level", "tags", "investigation"):
        del bare[name]
    spec = compiled(bare)
    assert (spec.analytic.author, spec.analytic.severity_id, spec.analytic.attacks) == ("", 4, ())
    assert spec.investigation == compiled({**document(), "investigation": None}).investigation == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": None}, "without type"),
        ({"type": "temporally"}, "'temporally' is no valid"),
        ({"type": 7}, "correlation.type: 7 is not a text"),
        ({"type": "value_sum", "condition": {"gte": 1}}, "without field reference"),
        ({"type": "value_avg", "condition": {"gte": 1, "field": ["x", "y"]}}, "value_avg reckons with one field, not"),
        ({"type": "value_median", "condition": {"gte": 1, "field": [5]}}, "condition.field: 5 is not the name"),
        ({"type": "value_sum", "condition": {"gt": 5, "lt": 5, "field": "x"}}, "gt 5, lt 5 never holds"),
        ({"type": "value_avg", "condition": {"gt": 0.5, "lte": "0.25", "field": "x"}}, "gt 0.5, lte 0.25 never holds"),
        ({"type": "value_percentile", "condition": {"gt": 5, "field": "x"}}, "needs condition.percentile"),
        ({"type": "value_percentile", "condition": {"gt": 5, "field": "x", "percentile": 101}}, "101 is not from 0 to"),
        ({"type": "value_percentile", "condition": {"gt": 5, "field": "x", "percentile": -1}}, "-1 is not from 0 to"),
        (
            {"type": "value_percentile", "condition": {"gt": 5, "field": "x", "percentile": "p"}},
            "'p' is no valid number",
        ),
        ({"type": "value_median", "condition": {"gt": 5, "field": "x", "percentile": 50}}, "value_median takes none"),
        ({"rules": None}, "needs `rules`"),
        ({"rules": []}, "needs `rules`"),
        ({"rules": ["login_failed", "no_such_rule"]}, "'no_such_rule', which is in none of the loaded files"),
        ({"rules": ["login_failed", {"name": "x"}]}, "correlation.rules: {'name': 'x'} is not a text"),
        ({"rules": ["login_failed", None]}, "refers to rule None"),
        ({"timespan": None}, "without timespan"),
        ({"timespan": "ten minutes"}, "'ten minutes' is invalid"),
        ({"timespan": "0m"}, "greater than zero"),
        ({"timespan": 600}, "'600' is invalid"),
        ({"timespan": "2y"}, "timespan: 2y is longer than a year"),
        ({"timespan": "9" * 5000 + "s"}, "cannot be read"),
        ({"group_by": ["entity.planet"]}, "entity.planet: unknown entity type; use one of user, host, ip"),
        ({"group_by": ["entity."]}, "unknown entity type"),
        ({"group_by": [None]}, "group-by: None is not the name of a field"),
        ({"group_by": ""}, "group-by: '' is not the name of a field"),
        ({"group_by": {"a": 1}}, "group-by definition must be string or list"),
        ({"aliases": {"who": "user"}}, "must be a dict"),
        ({"aliases": {"who": {"login_failed": 5}}}, "aliases.who: 5 is not the name of a field"),
        ({"aliases": {"who": {"no_such_rule": "user"}}}, "'no_such_rule', which is in none"),
        ({"type": "event_count"}, "without condition"),
        ({"type": "event_count", "condition": {}}, "condition needs one of lt, lte, gt, gte, eq, neq"),
        ({"type": "event_count", "condition": [1]}, "must be a dict or string"),
        ({"type": "event_count", "condition": {"gte": True}}, "condition.gte: True is no valid number"),
        ({"type": "event_count", "condition": {"gte": float("nan")}}, "nan is no valid number"),
        ({"type": "event_count", "condition": {"gte": 1, "lt": "1e999"}}, "condition.lt: '1e999' is no valid number"),
        ({"type": "event_count", "condition": {"gt": 3, "lt": 4}}, "gt 3, lt 4 never holds: event_count counts from 1"),
        ({"type": "event_count", "condition": {"gte": 3, "lte": 3, "neq": 3}}, "gte 3, lte 3, neq 3 never holds"),
        (
            {"type": "temporal", "condition": {"gt": 1, "neq": 2}},
            "gt 1, neq 2 never holds: temporal counts from 1 to 2",
        ),
        ({"type": "event_count", "condition": {"gte": "many"}}, "'many' is no valid"),
        ({"type": "event_count", "condition": {"gte": 1, "within": "5m"}}, "invalid items: within"),
        ({"type": "event_count", "condition": {"lt": 1}}, "lt 1 never holds: event_count counts from 1 upwards"),
        ({"type": "event_count", "condition": {"lte": 0}}, "lte 0 never holds"),
        ({"type": "event_count", "condition": {"eq": 0}}, "eq 0 never holds"),
        ({"type": "event_count", "condition": {"eq": 1.5}}, "eq 1.5 never holds"),
        ({"type": "value_count", "condition": {"lt": 0, "field": "x"}}, "lt 0 never holds: value_count counts from 0"),
        ({"type": "value_count", "condition": {"gte": 2}}, "without field reference"),
        ({"type": "value_count", "condition": {"gte": 2, "field": 5}}, "condition.field: 5 is not the name"),
        ({"type": "value_count", "condition": {"gte": 2, "field": []}}, "condition.field: [] is not the name"),
        ({"type": "value_count", "condition": {"gte": 2, "field": ["x", None]}}, "condition.field: None is not"),
        ({"type": "temporal", "condition": {"gte": 3}}, "gte 3 never holds: temporal counts from 1 to 2"),
        ({"type": "temporal", "condition": {"eq": 0}}, "eq 0 never holds"),
        ({"type": "temporal", "condition": "login_failed"}, "defined but not referenced"),
        (
            {"type": "temporal", "condition": "login_failed and login_worked and other"},
            "not defined in rules list: other",
        ),
        ({"type": "temporal", "condition": "login_failed and"}, "Failed to parse"),
        ({"type": "temporal", "rules": None, "condition": "no_such_rule"}, "'no_such_rule', which is in none"),
        ({"type": "temporal", "condition": "login_failed and login_worked and not login_failed"}, "never holds"),
        (
            {"type": "temporal", "condition": "not login_failed and not login_worked"},
            "never holds: a window begins with",
        ),
        ({"type": "temporal", "condition": " or ".join(["login_failed and login_worked"] * 33)}, "names 66 rules; at"),
        ({"type": "event_count", "condition": "login_failed or login_worked"}, "only be used with temporal"),
        ({"condition": "login_failed and login_worked"}, "temporal_ordered takes no boolean condition"),
        ({"condition": {"gte": 1}}, "temporal_ordered takes no condition"),
        ({"generate": "yes"}, "generate definition must be a boolean"),
    ],
)
def test_a_mistake_in_the_correlation_is_named_with_its_place_and_a_reason(changes, reason):
    found = problem(document(**changes))
    assert found.rule == "Spray that gets in"
    assert reason in found.message
    assert str(found).startswith("rules/spray.yml:7: Spray that gets in: ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "needs an id (a UUID)"),
        ({"id": "spray"}, "must be an UUID"),
        ({"id": 5}, "id: 5 is not a text"),
        ({"level": "dire"}, "'dire' is not a valid"),
        ({"tags": "attack.t1110"}, "tags"),
        ({"correlation": "temporal"}, "correlation: 'temporal' is not a map"),
        ({"generate": "yes"}, "generate: 'yes' is not true or false"),
        ({"braid": ["cooldown"]}, "braid: must be a map"),
        (
            {"braid": {"cool_down": "1h", 5: 1}},
            "unknown key 5, cool_down; known: absent, cooldown, max_gap, risk, risk_threshold, session, steps, until",
        ),
        ({"braid": {"cooldown": 60}}, "braid.cooldown: Timespan '60' is invalid"),
        ({"braid": {"cooldown": "3y"}}, "braid.cooldown: 3y is longer than a year"),
        ({"braid": {"risk_threshold": "high"}}, "risk_threshold: 'high' is not a whole number from 0 to 100"),
        ({"braid": {"risk_threshold": 101}}, "101 is not a whole number"),
        ({"braid": {"risk_threshold": -1}}, "-1 is not a whole number"),
        ({"braid": {"risk_threshold": True}}, "True is not a whole number"),
    ],
)
def test_a_mistake_around_the_correlation_is_named_as_well(changes, reason):
    found = problem({**document(), **changes})
    assert found.rule == "Spray that gets in"
    assert reason in found.message


@pytest.mark.parametrize(("title", "name"), [(None, SPRAY), (5, "5"), (["x"], "['x']")])
def test_a_rule_without_a_title_is_named_by_its_id_in_its_problem(title, name):
    found = problem({**document(), "title": title})
    assert found.rule == name
    assert "title" in found.message


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars
    | st.sampled_from(["login_failed", "10m", "entity.host", "temporal", "value_count", "value_percentile", "1e9"])
    | st.sampled_from(["login_failed and not login_worked", "login_failed or (login_worked)"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["gte", "lt", "eq", "field", "percentile", "login_failed", "cooldown"]) | scalars,
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["title", "id", "level", "tags", "braid", "correlation", "date"]), values, max_size=2
    ),
    st.dictionaries(
        st.sampled_from(["type", "rules", "group-by", "timespan", "aliases", "condition", "generate"]),
        values,
        max_size=3,
    ),
)
def test_any_document_compiles_or_has_its_problem_told(around, within):
    source = document()
    source["correlation"] = {**source["correlation"], **within}
    spec, problems = compile_correlation({**source, **around}, "p", {"": 1}, REFERENCES)
    assert (spec is None) is bool(problems)
    assert all(found.message for found in problems)
    if spec is not None:
        assert spec.rules
        assert all(isinstance(name, str) for name in (*spec.group_by, *spec.count_fields))

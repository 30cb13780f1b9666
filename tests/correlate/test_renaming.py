"""Correlations under processing pipelines: fields are named as the signals of the rules name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.finding import Analytic
from streams.correlate.compiling import Reference, compile_correlation
from streams.correlate.spec import CorrelationSpec
from streams.detect.logsource import RuleLogSource
from streams.detect.pipelines import Pipelines, load_pipelines
from streams.rulebook import load_rulebook
from tests.correlate.test_spec import FAILED, REFERENCES, WORKED, document, problem

NAMES = {"type": "field_name_mapping", "mapping": {"User": "user.name", "Ip": ["src", "dst"], "Src": "src"}}
ALIASES = {"who": {"login_failed": "User", "login_worked": "TargetUser"}}


def pipelines(folder: Path, *transformations: dict[str, Any]) -> Pipelines:
    path = folder / "pipeline.yml"
    path.write_text(yaml.safe_dump({"transformations": list(transformations)}), encoding="utf-8")
    return load_pipelines([path])


def compiled(source: dict[str, Any], using: Pipelines) -> CorrelationSpec:
    spec, problems = compile_correlation(source, "rules/spray.yml", {"": 7}, REFERENCES, using)
    assert problems == ()
    assert spec is not None
    return spec


def test_group_by_fields_follow_and_entities_and_aliases_stay(tmp_path: Path) -> None:
    source = document(group_by=["entity.user", "User", "Ip", "Src", "who"], aliases=ALIASES)
    spec = compiled(source, pipelines(tmp_path, NAMES))
    assert spec.group_by == ("entity.user", "user.name", "src", "dst", "who")
    assert spec.aliases == {"who": {FAILED: "user.name", WORKED: "TargetUser"}}


def test_a_prefix_for_everything_leaves_entities_alone(tmp_path: Path) -> None:
    using = pipelines(tmp_path, {"type": "field_name_prefix", "prefix": "x."})
    assert compiled(document(group_by=["entity.ip", "User"]), using).group_by == ("entity.ip", "x.User")


def test_counted_fields_follow(tmp_path: Path) -> None:
    counting = {"type": "value_count", "rules": ["login_failed"], "condition": {"field": "User", "gte": 5}}
    assert compiled(document(**counting), pipelines(tmp_path, NAMES)).count_fields == ("user.name",)


def test_a_counted_field_of_several_names_is_a_problem(tmp_path: Path) -> None:
    counting = {"type": "value_count", "rules": ["login_failed"], "condition": {"field": "Ip", "gte": 5}}
    spec, problems = compile_correlation(document(**counting), "a.yml", {"": 1}, REFERENCES, pipelines(tmp_path, NAMES))
    assert spec is None
    assert ["multiple field names" in each.message for each in problems] == [True]


def test_a_condition_on_the_log_source_looks_at_the_rules(tmp_path: Path) -> None:
    using = pipelines(tmp_path, {**NAMES, "rule_conditions": [{"type": "logsource", "product": "windows"}]})
    windows = Reference(Analytic(FAILED, "Failed"), "", RuleLogSource("windows", "", "security"))
    source = document(group_by=["User"])
    assert compiled(source, using).group_by == ("User",)
    spec, _ = compile_correlation(source, "a.yml", {"": 1}, {**REFERENCES, "login_failed": windows}, using)
    assert spec is not None
    assert spec.group_by == ("user.name",)


def test_a_pipeline_refuses_a_correlation(tmp_path: Path) -> None:
    refusal = {"type": "rule_failure", "message": "ours are elsewhere"}
    using = pipelines(tmp_path, {**refusal, "rule_conditions": [{"type": "is_sigma_correlation_rule"}]})
    spec, problems = compile_correlation(document(), "a.yml", {"": 1}, REFERENCES, using)
    assert spec is None
    assert ["refuses it: ours are elsewhere" in each.message for each in problems] == [True]


def test_what_is_wrong_is_wrong_with_pipelines_too() -> None:
    assert "unknown entity type" in problem(document(group_by=["entity.planet"])).message


RULE = """
title: Failed sign-in
id: {failed}
name: login_failed
logsource: {{product: windows, service: security}}
detection: {{selection: {{EventID: 4625}}, condition: selection}}
---
title: Many of them
id: 5b1c6a6e-0d0a-4c3f-9f57-2f6a0c1d0009
correlation:
  {{type: event_count, rules: [login_failed], group-by: [TargetUserName], timespan: 1m, condition: {{gte: 9}}}}
"""


@pytest.mark.parametrize(("product", "expected"), [("windows", "user.name"), ("linux", "TargetUserName")])
def test_a_rulebook_renames_rules_and_correlations_alike(product: str, expected: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULE.format(failed=FAILED), encoding="utf-8")
    using = pipelines(
        tmp_path,
        {
            "type": "field_name_mapping",
            "mapping": {"TargetUserName": "user.name"},
            "rule_conditions": [{"type": "logsource", "product": product}],
        },
    )
    (correlation,) = load_rulebook([rules], using).sound().correlations
    assert correlation.group_by == (expected,)

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from models.errors import RuleErrors, RuleProblem
from models.finding import Analytic, Attack
from streams.detect.logsource import RuleLogSource
from streams.detect.rule import compile_rule
from tests.detect.build import ID, document, fires, rule

FULL = document(
    {"selection": {"a": 1}},
    name="first",
    status="stable",
    level="critical",
    author="The authors",
    description=" What it finds. \n",
    tags=[
        "attack.t1003.001",
        "attack.credential-access",
        "attack.credential_access",
        "attack.T1110",
        "cve.2024-1",
        "attack.s0002",
    ],
    owner="detection@example.com",
    investigation="Check the parent.\nAsk the owner.",
    telemetry=["windows:sysmon:1", "windows:security:4688"],
    falsepositives=["Administrators"],
    references=["https://example.com/a"],
)


def test_everything_a_rule_says_about_itself() -> None:
    compiled = compile_rule(FULL, "rules/a.yml")
    assert compiled.analytic == Analytic(
        uid=ID,
        name="A rule",
        author="The authors",
        severity_id=5,
        attacks=(Attack(technique="T1003.001"), Attack(tactic="credential-access"), Attack(technique="T1110")),
    )
    assert (compiled.uid, compiled.title, compiled.name) == (ID, "A rule", "first")
    assert (compiled.level, compiled.status, compiled.risk, compiled.confidence) == ("critical", "stable", 80, 80)
    assert compiled.logsource == RuleLogSource("windows")
    assert compiled.taxonomy == "sigma"
    assert compiled.description == "What it finds."
    assert compiled.owner == "detection@example.com"
    assert compiled.investigation == "Check the parent.\nAsk the owner."
    assert compiled.telemetry == ("windows:sysmon:1", "windows:security:4688")
    assert (compiled.falsepositives, compiled.references) == (("Administrators",), ("https://example.com/a",))
    assert compiled.path == "rules/a.yml"


@pytest.mark.parametrize(
    ("level", "severity", "risk"),
    [("informational", 1, 5), ("low", 2, 20), ("medium", 3, 40), ("high", 4, 60), ("critical", 5, 80), (None, 3, 40)],
)
def test_level_gives_severity_and_risk(level: str | None, severity: int, risk: int) -> None:
    compiled = rule({"selection": {"a": 1}}, level=level)
    assert (compiled.analytic.severity_id, compiled.risk) == (severity, risk)


@pytest.mark.parametrize(
    ("status", "confidence"), [("stable", 80), ("test", 60), ("experimental", 40), ("deprecated", 50), (None, 50)]
)
def test_status_gives_confidence(status: str | None, confidence: int) -> None:
    assert rule({"selection": {"a": 1}}, status=status).confidence == confidence


def test_a_rule_without_id_is_named_by_its_content() -> None:
    first, again = rule({"selection": {"a": 1}}, id=None), rule({"selection": {"a": 1}}, id=None)
    other = rule({"selection": {"a": 2}}, id=None)
    assert first.uid == again.uid != other.uid
    assert len(first.uid) == 32


def test_the_document_is_left_as_it_was() -> None:
    before = deepcopy(FULL)
    compile_rule(FULL, "rules/a.yml")
    assert before == FULL


LINES = {"": 7, "level": 9, "detection": 12, "detection.selection": 13, "detection.other": 15, "tags": 20}


def problems_of(**others: Any) -> tuple[RuleProblem, ...]:
    detection = others.pop("detection", {"selection": {"a": 1}})
    with pytest.raises(RuleErrors) as caught:
        compile_rule(document(detection, **others), "rules/a.yml", LINES)
    return caught.value.problems


def test_all_problems_of_a_rule_come_at_once_each_with_its_line() -> None:
    problems = problems_of(
        level="loud",
        tags=["untagged", 5],
        telemetry={"a": 1},
        detection={"selection": {"a|nope": 1}, "other": {"b|re": "("}, "condition": "selection"},
    )
    assert {(problem.line, problem.path, problem.rule) for problem in problems} == {
        (line, "rules/a.yml", "A rule") for line in (7, 9, 13, 15, 20)
    }
    assert len(problems) == 6
    assert any("nope" in str(problem) for problem in problems)


@pytest.mark.parametrize(
    "others",
    [
        {"title": None},
        {"title": "x" * 300},
        {"id": "not-a-uuid"},
        {"id": 5},
        {"status": "wonderful"},
        {"status": ["test"]},
        {"level": 5},
        {"name": ""},
        {"name": 5},
        {"tags": "attack.t1003"},
        {"author": ["a"]},
        {"references": "https://example.com"},
        {"related": [{"id": 5, "type": "similar"}]},
        {"related": [5]},
        {"date": "soon"},
        {"taxonomy": "ecs"},
        {"taxonomy": 5},
        {"taxonomy": None},
        {"owner": {"a": 1}},
        {"investigation": [[1]]},
        {"detection": {"condition": "selection"}},
        {"detection": {"selection": [], "condition": "selection"}},
        {"detection": {"selection": {}, "condition": "selection"}},
        {"detection": {"selection": {5: 1}, "condition": "selection"}},
        {"detection": {"selection": {"a": {"b": 1}}, "condition": "selection"}},
        {"detection": {"selection": {"a": 1}, "condition": "selection", "timeframe": "5m"}},
        {"detection": {5: {"a": 1}, "condition": "selection"}},
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_a_reason(others: dict[str, Any]) -> None:
    assert all(problem.message for problem in problems_of(**others))


@pytest.mark.parametrize("detection", [None, [], "selection", 5, {}])
def test_a_detection_section_of_the_wrong_type_is_a_problem(detection: Any) -> None:
    with pytest.raises(RuleErrors):
        compile_rule({**document({"selection": {"a": 1}}), "detection": detection}, "rules/a.yml")


def test_an_ocsf_rule_needs_no_log_source() -> None:
    compiled = rule({"selection": {"actor.user.name": "alice"}}, taxonomy="ocsf", logsource=None)
    assert compiled.taxonomy == "ocsf"
    assert fires(compiled, {"actor": {"user": {"name": "Alice"}}})


def test_a_deeply_nested_detection_is_a_problem_not_a_crash() -> None:
    nested: Any = {"a": 1}
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(RuleErrors):
        rule({"selection": nested})

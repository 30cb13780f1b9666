"""What a Panther rule says about itself, and everything that may be wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.panther.build import GROUP, HEAD, SEQUENCE, document, imported, line_of, refusals, sound, text

ABOUT = """\
Description: >
  Somebody guesses a password
  and takes data away.
Reference: https://example.com/a
References: [https://example.com/b, https://example.com/a]
Runbook: |
  1. Ask alice.
  2. Look at what was exported.
Reports:
  MITRE ATT&CK:
    - TA0010:T1041 # Exfiltration
    - TA0005:T1562.001
    - T1110
  CIS: ["1.4"]
Tags: [Exports, "Threat:Data"]
"""


def test_what_it_says_about_itself(folder: Path) -> None:
    found = document(folder, text(GROUP, ABOUT))
    assert (found["title"], found["level"], found["status"]) == ("Exports after a guessed password", "high", "stable")
    assert found["description"] == "Somebody guesses a password and takes data away."
    assert found["references"] == ["https://example.com/a", "https://example.com/b"]
    assert found["investigation"] == "1. Ask alice.\n2. Look at what was exported."
    assert found["tags"] == [
        "attack.exfiltration",
        "attack.t1041",
        "attack.defense-evasion",
        "attack.t1562.001",
        "attack.t1110",
    ]
    assert found["panther"] == {
        "rule_id": "Example.Rule",
        "tags": ["Exports", "Threat:Data"],
        "reports": {"CIS": ["1.4"]},
    }


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        ("Info", "informational"),
        ("LOW", "low"),
        ("Medium", "medium"),
        ("High", "high"),
        ("Critical", "critical"),
    ],
)
def test_levels(folder: Path, severity: str, level: str) -> None:
    assert document(folder, text(GROUP).replace("High", severity))["level"] == level


def test_what_is_taken_otherwise_is_told(folder: Path) -> None:
    more = "CreateAlert: false\nOutputIds: [a]\nReports: {MITRE ATT&CK: [TA9999:T1041]}\n"
    disabled = text(GROUP, more).replace("Enabled: true", "Enabled: false")
    (one,) = sound(folder, disabled).imported
    told = " ".join(one.rule.remarks)
    assert all(word in told for word in ("status: test", "CreateAlert", "OutputIds", "TA9999"))
    assert yaml.safe_load((folder / "out" / "example_rule.yml").read_bytes())["status"] == "test"


def test_a_rule_without_a_name_is_called_by_its_id(folder: Path) -> None:
    assert document(folder, text(GROUP).replace("DisplayName: Exp", "Description: Exp"))["title"] == "Example.Rule"
    assert len(document(folder, text(GROUP).replace("Exports after", "Exports " * 50))["title"]) == 256


def test_anchors_and_merges_are_followed(folder: Path) -> None:
    anchored = SEQUENCE.replace("RuleID: Example.Guard.Off", "RuleID: &off Example.Guard.Off")
    anchored = anchored.replace("Match:\n        - On: repo\n    - ID", "Match: &same\n        - On: repo\n    - ID")
    anchored = anchored.replace("Match:\n        - On: repo\n  Event", "Match: *same\n  Event")
    assert document(folder, text(anchored))["correlation"]["group-by"] == ["repo"]
    merged = GROUP.replace("- ID: Guesses\n      RuleID", "- &base\n      ID: Guesses\n      RuleID")
    merged = merged.replace("- ID: Export\n", "- <<: *base\n      ID: Export\n      MinMatchCount: 1\n")
    assert document(folder, text(merged))["braid"]["steps"][0]["count"] == 3


def test_what_is_empty_is_as_if_it_were_not_there(folder: Path) -> None:
    found = document(folder, text(GROUP, "Description: ''\nRunbook:\nTags:\nReference: ' '\n"))
    assert not found.keys() & {"description", "investigation", "references"}


# what may be wrong


@pytest.mark.parametrize(
    ("old", "new", "part", "message"),
    [
        ("correlation_rule", "rule", "AnalysisType", "only rules of the type correlation_rule"),
        ("Severity: High", "Severity: Awful", "Severity", "'Awful' is none of"),
        ("Severity: High", "Severity: High\nSeverety: Low", "Severety", "unknown key 'Severety'"),
        ("Severity: High\n", "", "Analysis", "lacks Severity"),
        ("Severity: High", "Severity:", "Analysis", "lacks Severity"),
        ("ID: Guesses", "ID: ''", "- ID: ''", "lacks ID"),
        ("RuleID: Example.Rule", 'RuleID: "a\\nb"', "RuleID", "no character of a name"),
        ("RuleID: Example.Rule", f"RuleID: {'a' * 600}", "RuleID", "too long"),
        ("Example.Login.Failed", '"a\\u0007b"', "- ID: Guesses", "no character of a name"),
        ("Enabled: true", "Enabled: perhaps", "Enabled", "must be true or false"),
        ("MinMatchCount: 3", "MinMatchCount: 0", "MinMatchCount", "not a whole number"),
        ("MinMatchCount: 3", "MinMatchCount: 3000000", "MinMatchCount", "more than 1000000"),
        ("Minutes: 90", "Minutes: 1.5", "Lookback", "not a whole number"),
        ("Minutes: 90", "Minutes: 999999999", "Lookback", "longer than a year"),
        ("Minutes: 90", "Minutes: 90\n    Schedule: {Cron: 1}", "Schedule: {Cron", "unknown key 'Cron'"),
        ("- Group:", "- Groups:", "- Groups", "either a Group or a Sequence"),
        ("ID: Export", "ID: Guesses", "- ID: Guesses\n        RuleID: Example.Data", "stands here twice"),
        ("GroupID: Export", "GroupID: Guesses", "- GroupID: Guesses\n          Match: p_", "stands here twice"),
        ("Match: actor.email", "Match: [a]", "Match: [a]", "must be a text"),
        ("Match: actor.email", 'Match: "\\ud800"', "Match: ", "not YAML"),
        ("Severity: High", "Severity: High\nReports: {MITRE ATT&CK: [X1]}", "Reports", "'X1' is no tactic"),
        ("Severity: High", "Severity: High\nSeverity: Low", "Severity: Low", "stands here twice"),
    ],
)
def test_mistakes_are_told_with_their_line(folder: Path, old: str, new: str, part: str, message: str) -> None:
    content = text(GROUP)
    assert old in content
    content = content.replace(old, new)
    found = [(problem.line, problem.message) for problem in refusals(folder, content)]
    assert any(message in told for _, told in found), found
    assert any(abs(line - line_of(content, part)) <= 1 for line, told in found if message in told), found


def test_all_mistakes_of_all_files_are_told_and_sound_files_are_written(folder: Path) -> None:
    wrong = text(GROUP, uid="Example.Wrong").replace("High", "Awful").replace("MinMatchCount: 3", "MinMatchCount: no")
    report = imported(folder, wrong, text(SEQUENCE), "not: [yaml")
    assert [(Path(problem.path).name, problem.line) for problem in report.problems] == [
        ("rule0.yml", line_of(wrong, "Severity")),
        ("rule0.yml", line_of(wrong, "MinMatchCount")),
        ("rule2.yml", 2),
    ]
    assert [one.name for one in report.imported] == ["example_rule"]
    assert not (folder / "out" / "example_wrong.yml").exists()
    assert not (folder / "out" / "detections" / "example_login_failed.yml").exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- 1",
        "a: 1\n---\nb: 2",
        "AnalysisType: [correlation_rule]",
        "RuleID: x",
        HEAD.format(uid="a"),
        f"{HEAD.format(uid='a')}Detection: []",
        f"{HEAD.format(uid='a')}Detection: [{{Group: 3}}]",
        f"{HEAD.format(uid='a')}Detection: [{{Group: [], Sequence: []}}]",
        f"{HEAD.format(uid='a')}Detection: [[[[]]]]",
        "&a [*a]",
        "x: " + "[" * 5000,
        "!!python/object/apply:os.system [id]",
        "? {a: 1}\n: 2",
        "\x00",
        "#" * 2_000_000,
    ],
)
def test_anything_else_is_refused(folder: Path, content: str) -> None:
    assert refusals(folder, content)


def test_a_file_that_is_not_there_is_told(folder: Path) -> None:
    from streams.panther.importing import import_rules

    (problem,) = import_rules([folder / "none.yml"], folder / "out").problems
    assert "cannot be read" in problem.message


def test_a_rule_id_belongs_to_one_file(folder: Path) -> None:
    report = imported(folder, text(GROUP), text(SEQUENCE))
    assert [problem.message for problem in report.problems] == [f"RuleID is also that of {folder / 'rule0.yml'}"]
    assert len(report.imported) == 1

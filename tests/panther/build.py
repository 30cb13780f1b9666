"""Panther files for the tests, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import yaml

from models.errors import RuleProblem
from streams.panther.importing import ImportReport, import_rules
from streams.ruletest import TestReport, run_tests

HEAD = """\
AnalysisType: correlation_rule
RuleID: {uid}
DisplayName: Exports after a guessed password
Enabled: true
Severity: High
"""
GROUP = """\
- Group:
    - ID: Guesses
      RuleID: Example.Login.Failed
      MinMatchCount: 3
    - ID: Export
      RuleID: Example.Data.Exported
  MatchCriteria:
    person:
      - GroupID: Guesses
        Match: actor.email
      - GroupID: Export
        Match: p_alert_context.owner
  LookbackWindowMinutes: 90
"""
SEQUENCE = """\
- Sequence:
    - ID: Change
      RuleID: Example.Guard.Off
    - ID: Push
      RuleID: Example.Code.Pushed
    - ID: Back
      RuleID: Example.Guard.On
      Absence: true
  Transitions:
    - ID: Change FOLLOWED BY Push
      From: Change
      To: Push
      WithinTimeFrameMinutes: 30
      Match:
        - On: repo
    - ID: Push NOT FOLLOWED BY Back
      From: Push
      To: Back
      WithinTimeFrameMinutes: 45
      Match:
        - On: repo
  EventEvaluationOrder: Chronological
  LookbackWindowMinutes: 120
  Schedule:
    RateMinutes: 60
    TimeoutMinutes: 5
"""


def text(detection: str, more: str = "", uid: str = "Example.Rule") -> str:
    """Return a Panther file: its `Detection`, and further keys of it."""
    return f"{HEAD.format(uid=uid)}{dedent(more)}Detection:\n{indent(dedent(detection), '  ')}"


def fires(**outputs: Any) -> dict[str, Any]:
    """Return a test of Panther's that has to fire, from what it says of each entry: fields, values, times."""
    return _case(expected=True, **outputs)


def silent(**outputs: Any) -> dict[str, Any]:
    """Return a test of Panther's that must not fire."""
    return _case(expected=False, **outputs)


def _case(*, expected: bool, **outputs: Any) -> dict[str, Any]:
    listed = [{"ID": uid, "Matches": matches} for uid, matches in outputs.items()]
    return {"Name": f"{', '.join(outputs) or 'nothing'}: {expected}", "ExpectedResult": expected, "RuleOutputs": listed}


def with_cases(detection: str, *cases: dict[str, Any]) -> str:
    """Return a Panther file with tests."""
    return text(detection, yaml.safe_dump({"Tests": list(cases)}))


def imported(folder: Path, *texts: str) -> ImportReport:
    """Import files with these texts from a folder to `out` in it."""
    paths = []
    for number, content in enumerate(texts):
        paths.append(folder / f"rule{number}.yml")
        paths[-1].write_text(content, "utf-8")
    return import_rules(paths, folder / "out")


def sound(folder: Path, *texts: str) -> ImportReport:
    """Import files that have to be sound."""
    report = imported(folder, *texts)
    assert report.problems == ()
    return report


def document(folder: Path, content: str) -> Any:
    """Return the correlation that a file becomes."""
    (one,) = sound(folder, content).imported
    return yaml.safe_load((folder / "out" / f"{one.name}.yml").read_bytes())


def refusals(folder: Path, content: str) -> tuple[RuleProblem, ...]:
    """Return what is wrong with a file; nothing of it may have been written."""
    report = imported(folder, content)
    assert report.problems
    assert not (folder / "out").exists()
    assert (report.imported, dict(report.files)) == ((), {})
    return report.problems


def played(folder: Path, content: str) -> TestReport:
    """Import a file and run its tests."""
    sound(folder, content)
    return run_tests([folder / "out"])


def line_of(content: str, part: str) -> int:
    """Return the 1-based line at which a part of a text stands first."""
    return content[: content.index(part)].count("\n") + 1

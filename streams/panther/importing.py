"""Import Panther correlation rules: read all files, translate them, write what is sound, tell what is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.errors import RuleProblem
from streams.panther.model import PantherRule
from streams.panther.names import rule_uid, slugs
from streams.panther.reader import read_rule
from streams.panther.signals import tests_of
from streams.panther.translate import Untranslatable, correlation_of
from streams.panther.writing import KEPT, SAME, GeneratedFile, Refused, standing, write

DETECTIONS: Final = "detections"
MAX_TITLE: Final = 256
COMMENT: Final = """\
# It fires on what Panther says that this rule of its own has matched (source `panther`). To do without Panther, put a
# rule of your own with the same `name` in its place, without these lines: imports leave that alone.
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """One file that was imported.

    Attributes:
        rule: The rule in it.
        name: What it is called in Braid.
        tests: How many tests it has.
    """

    rule: PantherRule
    name: str
    tests: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        imported: The files that were imported, in the order of their names.
        files: What became of each file: `written`, `unchanged` or `kept`, by path.
        problems: What is wrong; nothing was written of the files that these name.
    """

    imported: tuple[Imported, ...]
    files: Mapping[Path, str]
    problems: tuple[RuleProblem, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    rule: PantherRule
    name: str
    files: tuple[GeneratedFile, ...]


def import_rules(paths: Sequence[Path], out: Path) -> ImportReport:
    """Import Panther files into a directory.

    Args:
        paths: Panther's YAML files.
        out: Where to write; made when it is not there.
    """
    problems: list[RuleProblem] = []
    rules = _distinct(_read(paths, problems), problems)
    detections = slugs(sorted({entry.rule for rule in rules for entry in rule.pattern.entries}))
    names = slugs(rule.uid for rule in rules)
    plans = [
        plan
        for rule in rules
        if (plan := _plan(rule, _own_name(names[rule.uid], detections), detections, out, problems))
    ]
    files: dict[Path, str] = {}
    done = tuple(_carry_out(plan, files, problems) for plan in plans)
    return ImportReport(tuple(one for one in done if one), files, tuple(problems))


def _own_name(name: str, detections: Mapping[str, str]) -> str:
    """Tell a correlation from a detection of the same name: Panther's correlation rules can refer to one another."""
    return f"{name}_correlation" if name in set(detections.values()) else name


def _read(paths: Iterable[Path], problems: list[RuleProblem]) -> list[PantherRule]:
    rules = []
    for path in sorted(dict.fromkeys(paths)):
        rule, faults = read_rule(path)
        problems.extend(faults)
        if rule:
            rules.append(rule)
    return rules


def _distinct(rules: Iterable[PantherRule], problems: list[RuleProblem]) -> list[PantherRule]:
    found: dict[str, PantherRule] = {}
    for rule in rules:
        other = found.setdefault(rule.uid, rule)
        if other is not rule:
            problems.append(RuleProblem(rule.path, rule.line, rule.uid, f"RuleID is also that of {other.path}"))
    return list(found.values())


def _plan(
    rule: PantherRule, name: str, detections: Mapping[str, str], out: Path, problems: list[RuleProblem]
) -> _Plan | None:
    """Make the files of one rule; None when it cannot be carried over, or when something stands in their place."""
    try:
        correlation, tests = correlation_of(rule, name, detections), tests_of(rule, detections)
    except Untranslatable as error:
        problems.extend(RuleProblem(rule.path, line, rule.uid, message) for line, message in error.faults)
        return None
    own = GeneratedFile(out / f"{name}.yml", correlation)
    beside = [GeneratedFile(out / f"{name}.tests.yml", tests)] if rule.tests else []
    ids = dict.fromkeys(entry.rule for entry in rule.pattern.entries)
    files = (*(_detection(panther_id, detections[panther_id], out) for panther_id in ids), own, *beside)
    refusals = [refusal for file in files if (refusal := _refusal(file))]
    problems.extend(RuleProblem(rule.path, rule.line, rule.uid, refusal) for refusal in refusals)
    return None if refusals else _Plan(rule, name, files)


def _refusal(file: GeneratedFile) -> str:
    try:
        standing(file)
    except Refused as error:
        return str(error)
    return ""


def _detection(panther_id: str, name: str, out: Path) -> GeneratedFile:
    content: dict[str, Any] = {
        "title": f"Panther rule {panther_id}"[:MAX_TITLE],
        "id": rule_uid(panther_id),
        "name": name,
        "status": "test",
        "description": "Stands for a rule of Panther's: fires on Panther's own matches of it.",
        "logsource": {"product": "panther", "service": "rule_match"},
        "detection": {"match": {"p_rule_id|cased": _literal(panther_id)}, "condition": "match"},
        "level": "medium",
    }
    return GeneratedFile(out / DETECTIONS / f"{name}.yml", content, COMMENT, name)


def _literal(text: str) -> str:
    """Return a text as a Sigma value that means nothing else: no wildcards."""
    return "".join(f"\\{char}" if char in "\\*?" else char for char in text)


def _carry_out(plan: _Plan, files: dict[Path, str], problems: list[RuleProblem]) -> Imported | None:
    for file in plan.files:
        if file.path in files:
            continue
        try:
            state = standing(file)
            if state not in {SAME, KEPT}:
                write(file)
        except (OSError, Refused) as error:
            why = error if isinstance(error, Refused) else f"{file.path} cannot be written: {error.strerror or error}"
            problems.append(RuleProblem(plan.rule.path, plan.rule.line, plan.rule.uid, str(why)))
            return None
        files[file.path] = state
    return Imported(plan.rule, plan.name, len(plan.rule.tests))

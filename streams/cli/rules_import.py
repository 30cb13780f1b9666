"""`braid rules import-panther`: Panther correlation rules become Sigma correlations with their tests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from streams.cli.output import print_json
from streams.cli.rulebooks import JSON
from streams.panther.importing import Imported, ImportReport, import_rules


@click.command("import-panther")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where to write the rules."
)
@JSON
def rules_import_panther(files: tuple[Path, ...], out: Path, *, as_json: bool) -> int:
    """Turn Panther correlation rules into Sigma correlations.

    FILES are Panther's YAML, of the type correlation_rule. Each becomes a correlation with its tests; every Panther
    rule that they refer to becomes a detection that fires on Panther's own matches of it. What cannot be carried over
    exactly is an error, and nothing is written of a file that has one. Exits 2 on errors.
    """
    report = import_rules(files, out)
    if as_json:
        print_json(_as_json(report))
    else:
        _tell(report)
    return 2 if report.problems else 0


def _as_json(report: ImportReport) -> dict[str, Any]:
    return {
        "imported": [_row(one) for one in report.imported],
        "files": {str(path): state for path, state in report.files.items()},
        "problems": [
            {"path": problem.path, "line": problem.line, "rule": problem.rule, "message": problem.message}
            for problem in report.problems
        ],
    }


def _row(one: Imported) -> dict[str, Any]:
    rule = one.rule
    return {
        "path": rule.path,
        "rule_id": rule.uid,
        "name": one.name,
        "enabled": rule.about.enabled,
        "tests": one.tests,
        "remarks": rule.remarks,
    }


def _tell(report: ImportReport) -> None:
    for one in report.imported:
        for remark in one.rule.remarks:
            click.echo(f"{one.rule.path}: {one.rule.uid}: {remark}")
    for path, state in report.files.items():
        if state == "kept":
            click.echo(f"{path}: kept, for no import wrote it")
    for problem in report.problems:
        click.echo(str(problem), err=True)
    states = Counter(report.files.values())
    files = ", ".join(f"{count} files {state}" for state, count in sorted(states.items(), reverse=True)) or "no files"
    tests = sum(one.tests for one in report.imported)
    click.echo(f"{len(report.imported)} rules with {tests} tests imported, {len(report.problems)} problems; {files}")

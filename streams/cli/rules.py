"""`braid rules`: the content, without a broker."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from agents.text import moment, plain
from models.errors import RuleProblem
from models.moments import start_of
from streams.cli.output import print_json
from streams.cli.rulebooks import JSON, PATHS, rulebook_of
from streams.cli.rules_coverage import rules_coverage
from streams.cli.rules_events import rules_backtest, rules_explain
from streams.cli.rules_import import rules_import_panther
from streams.cli.rules_profile import rules_profile
from streams.config import load_settings
from streams.detect.exceptions import Terms
from streams.detect.filters import RuleFilter
from streams.detect.logsource import OCSF
from streams.detect.pipelines import load_pipelines
from streams.detect.rule import DetectionRule
from streams.enrichment import make_chain
from streams.rulecheck.findings import KINDS, Finding, find
from streams.rulecheck.logsources import spelled
from streams.ruletest import run_tests

_COLUMNS: Final = ("id", "kind", "level", "about", "title", "path")


@click.group()
def rules() -> None:
    """Check and test the detection content."""


rules.add_command(rules_explain)
rules.add_command(rules_coverage)
rules.add_command(rules_backtest)
rules.add_command(rules_profile)
rules.add_command(rules_import_panther)


@rules.command("list")
@PATHS
@JSON
def rules_list(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """List detections, correlations and filters.

    Of each: id, level, log source, title, file; of filters, owner and expiry too. PATHS are rule files and directories;
    without them, the configured ones are listed.
    """
    book = rulebook_of(paths)
    rows = [
        *((rule.uid, "detection", rule.level, _about(rule), rule.title, rule.path) for rule in book.detections),
        *((spec.analytic.uid, "correlation", "", spec.kind, spec.analytic.name, "") for spec in book.correlations),
    ]
    if as_json:
        listed = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        print_json([*listed, *map(_filter_row, book.filters)])
    else:
        for uid, _, level, about, title, path in rows:
            click.echo(f"{uid}  {level or '-':13}  {title}  ({'; '.join(filter(None, (about, path)))})")
        for row in map(_filter_row, book.filters):
            about = f"{row['about']}; owner {plain(row['owner']) or '-'}; expires {row['expires'] or '-'}"
            click.echo(f"{row['id'] or '-':36}  {'filter':13}  {row['title']}  ({about}; {row['path']})")
    for problem in book.problems:
        click.echo(str(problem), err=True)
    return 2 if book.problems else 0


def _filter_row(known: RuleFilter) -> dict[str, str]:
    terms = known.terms or Terms()
    row = known.uid, "filter", "", _about(known), known.title, known.place.path
    limits = {"valid_from": terms.from_ms, "expires": terms.to_ms}
    times = {name: "" if limit is None else moment(limit) for name, limit in limits.items()}
    return {**dict(zip(_COLUMNS, row, strict=True)), "owner": terms.owner, "reason": terms.reason, **times}


def _about(rule: DetectionRule | RuleFilter) -> str:
    if rule.taxonomy == OCSF and not rule.logsource.product:
        return f"OCSF class {rule.logsource.class_uid}" if rule.logsource.class_uid else "any OCSF event"
    return spelled(rule.logsource)


@rules.command("check")
@PATHS
@JSON
@click.option("--strict", is_flag=True, help="Exit 2 on warnings too.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Warn of exceptions that have expired by this day (UTC); of none without it.",
)
def rules_check(paths: tuple[Path, ...], *, as_json: bool, strict: bool, today: datetime | None) -> int:
    """Report everything wrong with rules, all at once.

    Warnings are of rules that work and will hardly do what they are meant to: fields that no event of their log source
    ever has, log sources that no source of Braid produces, detections that the condition never uses, filters without
    an owner or an expiry date. PATHS are rule files and directories; without them, the configured ones are checked.
    Exits 2 on errors, 0 on warnings alone.
    """
    book = rulebook_of(paths)
    warnings = find(book.detections, book.filters, start_of(today.date()) if today else None)
    kinds = Counter(spec.kind for spec in book.correlations)
    if as_json:
        print_json(
            {
                "detections": len(book.detections),
                "correlations": kinds,
                "problems": [_problem(problem) for problem in book.problems],
                "warnings": [{"kind": warning.kind, **_problem(warning.problem)} for warning in warnings],
            }
        )
    else:
        _tell(book.problems, warnings)
        click.echo(
            f"{len(book.detections)} detections, {len(book.correlations)} correlations, "
            f"{len(book.problems)} problems, {len(warnings)} warnings{_kinds(warnings)}"
        )
    return 2 if book.problems or (strict and warnings) else 0


def _problem(problem: RuleProblem) -> dict[str, str | int]:
    return {"path": problem.path, "line": problem.line, "rule": problem.rule, "message": problem.message}


def _tell(problems: tuple[RuleProblem, ...], warnings: tuple[Finding, ...]) -> None:
    for problem in problems:
        click.echo(str(problem))
    if warnings:
        click.echo("warnings:")
    for warning in warnings:
        click.echo(f"  {warning}")


def _kinds(warnings: tuple[Finding, ...]) -> str:
    counts = Counter(warning.kind for warning in warnings)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    return f" ({told})" if told else ""


@rules.command("test")
@PATHS
@JSON
def rules_test(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Run the tests that stand beside rules.

    They are in NAME.tests.yml beside NAME.yml. PATHS are rule files and directories; without them, the configured ones
    are tested. Raw records are enriched as ingest does when the settings name tables. Needs no broker.
    """
    settings = load_settings()
    pipelines = load_pipelines(settings.rule_pipelines)
    report = run_tests(paths or settings.rule_paths, pipelines, make_chain(settings))
    passed = sum(case.passed for case in report.cases)
    failed = len(report.cases) - passed + len(report.problems)
    if as_json:
        print_json(
            {
                "passed": passed,
                "failed": failed,
                "cases": [{"path": c.path, "name": c.name, "passed": c.passed, "why": c.why} for c in report.cases],
                "problems": [str(problem) for problem in report.problems],
            }
        )
        return 1 if failed else 0
    for problem in report.problems:
        click.echo(str(problem))
    for case in report.cases:
        if not case.passed:
            click.echo(f"{case.path}: {case.name}: {case.why}")
    click.echo(f"{passed} passed, {failed} failed")
    return 1 if failed else 0

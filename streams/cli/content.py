"""`braid rules` and `braid sources`: the content, without a broker."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from models import ocsf
from streams.cli.output import print_json
from streams.config import load_settings
from streams.rulebook import load_rulebook
from streams.ruletest import run_tests
from streams.sources.base import Source
from streams.sources.registry import SOURCES

_PATHS = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Machine output.")


@click.group()
def sources() -> None:
    """The telemetry Braid reads."""


@sources.command("list")
@_JSON
def sources_list(*, as_json: bool) -> None:
    """List every source: topic, shippers, OCSF classes, entities."""
    rows = [
        {
            "name": source.name,
            "title": source.title,
            "topic": source.topic,
            "shippers": list(source.shippers),
            "classes": list(source.classes),
            "entities": list(source.entities),
            "delay_ms": source.delay_ms,
        }
        for source in SOURCES.values()
    ]
    if as_json:
        print_json(rows)
        return
    click.echo("\n\n".join(_told(source) for source in SOURCES.values()))


def _told(source: Source) -> str:
    classes = "any" if set(source.classes) == ocsf.CLASSES.keys() else ", ".join(map(str, source.classes))
    facts = {
        "topic": source.topic,
        "shippers": ", ".join(source.shippers),
        "OCSF classes": classes,
        "entities": ", ".join(source.entities),
        "usual delay": f"{source.delay_ms // 60_000} min",
    }
    return "\n".join((f"{source.name}: {source.title}", *(f"  {name:13} {fact}" for name, fact in facts.items())))


@click.group()
def rules() -> None:
    """Check and test the detection content."""


@rules.command("check")
@_PATHS
@_JSON
def rules_check(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Report everything wrong with rules, all at once.

    PATHS are rule files and directories; without them, the configured ones are checked.
    """
    book = load_rulebook(paths or load_settings().rule_paths)
    kinds = Counter(spec.kind for spec in book.correlations)
    if as_json:
        problems = [{"path": p.path, "line": p.line, "rule": p.rule, "message": p.message} for p in book.problems]
        print_json({"detections": len(book.detections), "correlations": kinds, "problems": problems})
    else:
        for problem in book.problems:
            click.echo(str(problem))
        click.echo(
            f"{len(book.detections)} detections, {len(book.correlations)} correlations, {len(book.problems)} problems"
        )
    return 2 if book.problems else 0


@rules.command("test")
@_PATHS
@_JSON
def rules_test(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Run the tests that stand beside rules.

    They are in NAME.tests.yml beside NAME.yml. PATHS are rule files and directories; without them, the configured ones
    are tested. Needs no broker.
    """
    report = run_tests(paths or load_settings().rule_paths)
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

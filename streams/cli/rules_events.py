"""`braid rules explain` and `braid rules backtest`: rules on recorded events."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from models.errors import ConfigError
from models.event import Event
from streams.cli.output import print_json
from streams.cli.progress import reading
from streams.cli.rulebooks import AUTO, JSON, PATHS, SOURCE, find_rule, print_table, sound_detections
from streams.config import load_settings
from streams.detect.rule import DetectionRule
from streams.rulecheck import backtest_report as report
from streams.rulecheck.backtest import Backtest
from streams.rulecheck.explain import Explanation, explain, render
from streams.rulecheck.telemetry import Counts, Tell, events_of_files, events_of_lake
from streams.sources.registry import source_named

STDIN: Final = "-"
NUMBERS: Final = ("hits", "a day", *report.CHANGES)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("explain")
@click.argument("rule")
@click.argument("event", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--line", type=click.IntRange(min=1), help="Line (or number) of the record in a file of several.")
@click.option("--rules", multiple=True, type=click.Path(exists=True, path_type=Path), help="A further rule directory.")
@SOURCE
@JSON
def rules_explain(
    *, rule: str, event: str, line: int | None, rules: tuple[Path, ...], source: str, as_json: bool
) -> int:
    """Show why a rule fires on an event, or why not.

    RULE is the id, name, title or file of a detection. EVENT is a file with a raw record, as braid replay reads it, or
    - for standard input. Every selection and test is shown with what it wants and what stood there, whether or not
    the rule's log source concerns the event. Exits 0 when the rule fires, 1 when it does not.
    """
    found = find_rule(rule, rules)
    with _as_file(event) as path:
        told = _explained(found, _events_at(path, line, source, event))
    if as_json:
        print_json(told.to_json())
    else:
        click.echo("\n".join(render(told)))
    return 0 if told.matched else 1


@contextmanager
def _as_file(event: str) -> Iterator[Path]:
    """Give standard input a file, since records are told by their beginning and may have to be unpacked."""
    if event != STDIN:
        yield Path(event)
        return
    with tempfile.TemporaryDirectory(prefix="braid-explain-") as folder:
        path = Path(folder, "stdin")
        with path.open("wb") as file:
            shutil.copyfileobj(click.get_binary_stream("stdin"), file)
        yield path


def _events_at(path: Path, line: int | None, source: str, name: str) -> list[Event]:
    """Return the events of one record; raise ConfigError when it is not clear which, or when it is none."""
    counts = Counts()
    forced = None if source == AUTO else source_named(source)
    chosen: list[Event] = []
    lines: set[int] = set()
    for event in events_of_files((path,), forced, load_settings(), counts, lambda *_: None):
        lines.add(event.at.offset)
        if line in {None, event.at.offset}:
            chosen.append(replace(event, at=replace(event.at, topic=name)))
        if line is None and len(lines) > 1:
            raise ConfigError(f"{name}: holds more than one record; choose one with --line N")
    if not chosen:
        raise ConfigError(f"{name}: {_missing(line, lines, counts)}")
    return chosen


def _missing(line: int | None, lines: set[int], counts: Counts) -> str:
    if line is not None and lines:
        return f"no record begins at line {line}; they do from {min(lines)} to {max(lines)}"
    if counts.unread:
        return "the record cannot be read as an event; `braid replay --out DIR` says why in dead-letter.ndjson"
    return "no record in it"


def _explained(rule: DetectionRule, events: Iterable[Event]) -> Explanation:
    """Explain the event of a record that comes nearest: one that fires, else one that is concerned, else the first."""
    told = [explain(rule, event) for event in events]
    return min(told, key=lambda one: (not one.matched, bool(one.why_not_concerned)))


@click.command("backtest")
@PATHS
@click.option("--on", "on", multiple=True, type=click.Path(exists=True, path_type=Path), help="Files or directories.")
@click.option("--lake", type=_FOLDER, help="The lake of the archive worker (BRAID_LAKE).")
@click.option("--against", type=click.Path(exists=True, path_type=Path), help="Another version of the rules.")
@SOURCE
@JSON
def rules_backtest(
    *,
    paths: tuple[Path, ...],
    on: tuple[Path, ...],
    lake: Path | None,
    against: Path | None,
    source: str,
    as_json: bool,
) -> None:
    """Count what rules would have found in recorded telemetry.

    PATHS are rule files and directories; without them, the configured ones are tried. Say --on for each file or
    directory, or --lake. Shows hits by rule and day, on whom, and an estimate of signals a day; with --against, on
    which events another version of the rules (matched by id, else by title) does something else.
    """
    if bool(on) is bool(lake):
        raise click.UsageError("say either --on FILE (once for each file or directory) or --lake DIR")
    found = Backtest(sound_detections(paths), sound_detections((against,)) if against else None)
    counts = Counts()
    with reading() as tell:
        for event in _telemetry(on, lake, source, counts, tell):
            found.add(event)
    if as_json:
        print_json(report.to_json(found, counts))
        return
    _tell(found, counts)


def _telemetry(on: tuple[Path, ...], lake: Path | None, source: str, counts: Counts, tell: Tell) -> Iterator[Event]:
    if lake is not None:
        return events_of_lake(lake, counts, tell)
    return events_of_files(on, None if source == AUTO else source_named(source), load_settings(), counts, tell)


def _tell(found: Backtest, counts: Counts) -> None:
    for header, rows in (report.by_rule(found), report.by_day(found)):
        if rows:
            print_table(header, rows, {*NUMBERS, *header[2:]} if header[0] == "day" else NUMBERS)
            click.echo()
    for line in (*report.examples(found), *report.closing(found, counts)):
        click.echo(line)

"""What the `braid rules` commands have in common: the rules they are about, one by any of its names, tables."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.errors import ConfigError
from streams.cli.loading import load_rules, settings_of
from streams.config import load_settings
from streams.detect.rule import DetectionRule
from streams.rulebook import Rulebook

PATHS: Final = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Machine output.")
SOURCE: Final = click.option(
    "--source", default="auto", show_default=True, help="Source of all records; auto tells by their shape."
)
AUTO: Final = "auto"
NEAR: Final = 0.5
MAX_NEAR: Final = 3
WIDTH: Final = 160  # of tables that go to a file or a pipe


def rulebook_of(paths: Iterable[Path]) -> Rulebook:
    """Load rule files and directories, the configured ones when none are named; problems are in the rulebook."""
    return load_rules(settings_of(tuple(paths)))


def sound_detections(paths: Iterable[Path]) -> tuple[DetectionRule, ...]:
    """Return the detections of files and directories; raise RuleErrors with every problem when something is wrong."""
    return rulebook_of(paths).sound().detections


def find_rule(text: str, further: tuple[Path, ...] = ()) -> DetectionRule:
    """Return the detection with this id, name, title or file, of the configured rules and further ones.

    Raises:
        ConfigError: When there is none, or when it is not the only one.
    """
    if os.path.isfile(text):  # noqa: PTH113  # false, not an error, for a title that is too long for a path
        found = sound_detections((Path(text),))
        return _only(found, text, "it has correlations or filters only" if not found else "it has several detections")
    book = rulebook_of((*load_settings().rule_paths, *further))
    called = text.casefold()
    found = tuple(rule for rule in book.detections if called in _names(rule))
    if found:
        return _only(found, text, "several detections are called so")
    if any(called in {spec.analytic.uid, spec.analytic.name.casefold()} for spec in book.correlations):
        raise ConfigError(f"{text}: is a correlation; explain one of the detections that it refers to")
    raise ConfigError(f"{text}: no detection has this id, name or title{_near(text, book.detections)}")


def _names(rule: DetectionRule) -> set[str]:
    return {rule.uid.casefold(), rule.name.casefold(), rule.title.casefold()} - {""}


def _only(found: tuple[DetectionRule, ...], text: str, why: str) -> DetectionRule:
    if len(found) == 1:
        return found[0]
    listed = "".join(f"\n  {rule.uid}  {rule.title}" for rule in found)
    raise ConfigError(f"{text}: {why}; say the id of one{listed}" if found else f"{text}: {why}")


def _near(text: str, rules: Iterable[DetectionRule]) -> str:
    by_name = {name: rule for rule in rules for name in _names(rule)}
    near = get_close_matches(text.casefold(), by_name, MAX_NEAR, NEAR)
    listed = "".join(f"\n  {by_name[name].uid}  {by_name[name].title}" for name in near)
    return f"; did you mean{listed}" if listed else "; `braid rules list` names all"


def print_table(header: Iterable[str], rows: Iterable[Iterable[str]], numbers: Iterable[str] = ()) -> None:
    """Print a table; columns that are named as numbers stand to the right. Nothing in a cell is read as markup."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=None if "COLUMNS" in os.environ else WIDTH, file=StringIO())
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    right = set(numbers)
    for name in header:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))

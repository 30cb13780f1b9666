"""Load the rules for a command: with a progress bar on a terminal while there is something to compile."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from streams.config import Settings, load_settings
from streams.rulebook import Rulebook
from streams.rulebook.configured import configured_rulebook


def load_rules(settings: Settings) -> Rulebook:
    """Load the rules of the settings; what the cache of compiled rules has to say goes to stderr.

    Raises:
        RuleErrors: A pipeline is wrong. What is wrong with rules is in the rulebook.
    """
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("compiling rules", total=None, visible=False)
        rulebook = configured_rulebook(
            settings, lambda done, total: bar.update(task, completed=done, total=total, visible=True)
        )
    for remark in rulebook.remarks:
        click.echo(remark, err=True)
    return rulebook


def settings_of(paths: tuple[Path, ...]) -> Settings:
    """Return the settings with these rule paths and no others, or as they are when there are none."""
    return load_settings(rules=paths, default_rules=False) if paths else load_settings()

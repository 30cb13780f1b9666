"""Tell on a terminal how far reading has come; nothing is shown where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Tell(Protocol):
    """Takes what is read now, and how many records were; what is left out stays as it was."""

    def __call__(self, what: str = "", records: int | None = None) -> None:
        """Show it."""


@contextmanager
def reading() -> Iterator[Tell]:
    """Show what is read, and how many records were, while the context lasts; yield what is to be told of both."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} records"))
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None)

        def tell(what: str = "", records: int | None = None) -> None:
            bar.update(task, description=f"reading {what}" if what else None, completed=records)

        yield tell

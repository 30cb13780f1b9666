"""What is read is shown on a terminal, and nowhere else."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from streams.cli.progress import reading


def shown(terminal: str | None) -> str:
    """Tell of two files and some records; return what a terminal, or a pipe, was sent."""
    with CliRunner().isolation(env={"FORCE_COLOR": terminal, "NO_COLOR": None, "TERM": "xterm"}) as (_, err, _):
        with reading() as tell:
            tell("first.ndjson")
            tell(records=1200)
            tell("second.ndjson", 1300)
            tell(records=1400)
        return err.getvalue().decode()


def test_a_terminal_is_told_of_the_file_and_the_records() -> None:
    last = shown("1")
    assert "reading second.ndjson" in last
    assert "1,400 records" in last


@pytest.mark.parametrize("terminal", [None, ""])
def test_a_pipe_is_told_nothing(terminal: str | None) -> None:
    assert shown(terminal) == ""

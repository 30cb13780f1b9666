"""How commands load rules: what a person sees of it, and what is kept for the next time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import braid
from tests.workers.attack import write_rules

BAR = "compiling rules"
SOUND = "2 detections, 1 correlations, 0 problems"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return write_rules(tmp_path / "rules")


def test_a_terminal_sees_what_is_compiled_and_only_then(rules: Path, tmp_path: Path) -> None:
    shown = [
        braid("rules", "check", rules, BRAID_CACHE_DIR=str(tmp_path / "cache"), TTY_COMPATIBLE="1").stderr
        for _ in range(2)
    ]
    assert [BAR in text for text in shown] == [True, False]


def test_a_pipe_sees_nothing_of_it(rules: Path, tmp_path: Path) -> None:
    done = braid("rules", "check", rules, BRAID_CACHE_DIR=str(tmp_path / "cache"))
    assert done.stderr == ""
    assert done.stdout.startswith(SOUND)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["rules"]


def test_a_cache_that_cannot_be_written_is_told_and_changes_nothing(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    done = braid("rules", "check", rules, BRAID_CACHE_DIR=str(tmp_path / "cache"))
    assert "not kept" in done.stderr
    assert done.returncode == 0
    assert done.stdout.startswith(SOUND)

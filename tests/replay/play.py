"""Play files through the whole path, as `braid replay` does, and read back what came out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from agents.deterministic.investigator import DeterministicInvestigator
from streams.replay.inputs import find_inputs, read_all
from streams.replay.run import Replay, Replayed
from streams.rulebook import load_rulebook
from streams.sources.base import Source
from streams.stage import Stages, build_stages

STREAMS = Path(__file__).resolve().parents[2] / "streams"
DEMO = STREAMS / "demo"
NAMES = ("events", "signals", "sequences", "verdicts", "actions", "dead-letter", "late", "links")


@cache
def stages(*offsets: str) -> Stages:
    """Return the stages of the rule pack."""
    return build_stages(load_rulebook([STREAMS / "rules"]).sound(), offsets)


def play(
    paths: Iterable[Path], out: Path | None = None, forced: Source | None = None, with_: Stages | None = None
) -> Replayed:
    """Replay files and directories."""
    inputs = find_inputs(paths)
    records = read_all(inputs.files, forced, lambda _: None)
    return Replay(with_ or stages(), DeterministicInvestigator(), out).run(records, inputs.left_out, lambda _: None)


def lines(path: Path) -> list[dict[str, Any]]:
    """Read one output file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def demo_lines(name: str) -> list[bytes]:
    """Return the lines of one file of the demo."""
    return (DEMO / name).read_bytes().splitlines()


def write(path: Path, records: Iterable[bytes]) -> Path:
    """Write records, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record + b"\n" for record in records))
    return path

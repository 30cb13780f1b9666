"""The files of a replay: newline-delimited JSON, sorted by event time and uid, each uid once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

import orjson

NAMES: Final = ("events", "signals", "sequences", "verdicts", "actions", "dead-letter", "late", "links")
SUMMARY: Final = "summary.json"


class SortedLines:
    """Gather lines in any order on disk, write them out in order of time and uid. Keeps an index in memory, no line."""

    def __init__(self) -> None:
        self._scratch: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`, lives as long as this
        self._index: dict[str, tuple[int, int, int]] = {}
        self._end = 0

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, uid: str) -> bool:
        return uid in self._index

    def add(self, time: int, uid: str, line: bytes) -> None:
        """Add one line under its time (ms) and uid; the first line of a uid stays."""
        if uid in self._index:
            return
        self._index[uid] = (time, self._end, len(line))
        self._end += self._scratch.write(line)

    def write(self, path: Path) -> None:
        """Write all lines, sorted."""
        with path.open("wb") as target:
            for uid in sorted(self._index, key=lambda uid: (self._index[uid][0], uid)):
                _, offset, length = self._index[uid]
                self._scratch.seek(offset)
                target.write(self._scratch.read(length))
                target.write(b"\n")
        self._scratch.seek(0, 2)

    def close(self) -> None:
        """Forget everything."""
        self._scratch.close()


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write records as lines, in the order given."""
    with path.open("wb") as target:
        for record in records:
            target.write(orjson.dumps(record))
            target.write(b"\n")


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write the summary, indented for people."""
    path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

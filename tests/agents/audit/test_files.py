"""The audit log in files, and what a crash leaves of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.audit.chain import Head
from agents.audit.files import MAX_LINE_BYTES, ChainFile, files_in, heads_in, lines_of
from agents.audit.report import UNREADABLE
from agents.audit.verify import verify
from models.errors import ConfigError
from tests.agents.audit.log import KEY, Log


def written(folder: Path, log: Log) -> list[Path]:
    for name in log.heads:
        with ChainFile(folder, name) as file:
            for line in log.of(name):
                file.write([line])
    return sorted(folder.iterdir())


def test_what_is_written_is_read_and_good(tmp_path: Path) -> None:
    log = Log().chain("first", 5).chain("second", 5)
    paths = written(tmp_path / "audit", log)
    assert files_in([tmp_path / "audit"]) == tuple(paths)
    assert paths[0].stat().st_mode & 0o777 == 0o600
    torn: list[str] = []
    report = verify([lines_of(paths, torn.append)], [KEY.public])
    assert (report.problems, report.unknown, torn, report.records) == ((), (), [], len(log.lines))


def test_the_heads_of_a_folder_are_the_last_records(tmp_path: Path) -> None:
    log = Log().chain("first", 5, ended=False).chain("second", 50)
    written(tmp_path, log)
    (tmp_path / "other.ndjson").write_bytes(b"nothing\n")
    (tmp_path / "empty.ndjson").touch()
    assert set(heads_in(tmp_path)) == set(log.heads.values())
    assert heads_in(tmp_path / "nowhere") == ()


def test_half_a_line_at_the_end_is_what_a_crash_leaves(tmp_path: Path) -> None:
    log = Log().chain("first", 5, ended=False)
    (path,) = written(tmp_path, log)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    torn: list[str] = []
    report = verify([lines_of([path], torn.append)], [KEY.public])
    lines = log.of("first")
    assert report.is_good
    assert (torn, report.records) == ([f"{path}:{len(lines)}"], len(lines) - 1)
    assert heads_in(tmp_path) == (Head("first", len(lines) - 2, report.heads[0].hash),)


def test_a_line_without_end_costs_no_memory_and_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "long.ndjson"
    path.write_bytes(b"x" * (3 * MAX_LINE_BYTES) + b"\n{}\n")
    report = verify([lines_of([path], lambda _: None)], [KEY.public])
    assert [(one.kind, one.where) for one in report.problems] == [(UNREADABLE, f"{path}:1"), (UNREADABLE, f"{path}:2")]


def test_a_chain_has_one_file_that_is_written_once(tmp_path: Path) -> None:
    written(tmp_path, Log().chain("first", 1))
    with pytest.raises(ConfigError, match="File exists"):
        ChainFile(tmp_path, "first")
    with pytest.raises(ConfigError, match="called"):
        ChainFile(tmp_path, "../first")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        ChainFile(tmp_path / "file", "second")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        files_in([tmp_path / "nowhere"])
    with pytest.raises(ConfigError, match="directory"):
        list(lines_of([tmp_path], lambda _: None))

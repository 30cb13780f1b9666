from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.outputs import SortedLines, write_lines, write_summary

times = st.integers(0, 5) | st.integers(0, 2**53)
texts = st.binary(max_size=60).map(lambda line: line.replace(b"\n", b""))
entries = st.lists(st.tuples(times, st.text("abc", max_size=3), texts), max_size=30)


@pytest.fixture
def held() -> Iterator[SortedLines]:
    lines = SortedLines()
    yield lines
    lines.close()


def written(lines: SortedLines, path: Path) -> list[bytes]:
    lines.write(path)
    data = path.read_bytes()
    assert data.endswith(b"\n") or not data
    return data.split(b"\n")[:-1]


@given(added=entries)
def test_lines_come_out_sorted_by_time_and_uid_and_each_uid_once(
    tmp_path_factory: pytest.TempPathFactory, added: list[tuple[int, str, bytes]]
) -> None:
    first: dict[str, tuple[int, bytes]] = {}
    lines = SortedLines()
    for time, uid, line in added:
        lines.add(time, uid, line)
        first.setdefault(uid, (time, line))
        assert uid in lines
    expected = [line for _, _, line in sorted((time, uid, line) for uid, (time, line) in first.items())]
    assert written(lines, tmp_path_factory.mktemp("out") / "lines") == expected
    assert len(lines) == len(first)
    lines.close()


def test_nothing_gives_an_empty_file(held: SortedLines, tmp_path: Path) -> None:
    assert written(held, tmp_path / "none") == []
    assert (tmp_path / "none").stat().st_size == 0
    assert len(held) == 0
    assert "a" not in held


def test_the_first_line_of_a_uid_stays(held: SortedLines, tmp_path: Path) -> None:
    held.add(2, "a", b"first")
    held.add(1, "a", b"second")
    assert written(held, tmp_path / "lines") == [b"first"]


def test_lines_can_be_added_after_they_were_written(held: SortedLines, tmp_path: Path) -> None:
    held.add(4, "d", b"four")
    held.add(2, "b", b"two")
    assert written(held, tmp_path / "lines") == [b"two", b"four"]
    held.add(1, "a", b"one")
    held.add(3, "c", b"three")
    assert written(held, tmp_path / "lines") == [b"one", b"two", b"three", b"four"]


def test_writing_replaces_what_was_there(held: SortedLines, tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"much that was there before\n" * 10)
    held.add(1, "a", b"one")
    assert written(held, tmp_path / "lines") == [b"one"]


def test_records_are_written_in_the_order_given(tmp_path: Path) -> None:
    records = [{"b": 1, "a": "\u00e9\n"}, {}, {"a": [None, 1.5, True]}]
    write_lines(tmp_path / "x.ndjson", iter(records))
    lines = (tmp_path / "x.ndjson").read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [orjson.loads(line) for line in lines] == records
    assert lines[0] == '{"b":1,"a":"\u00e9\\n"}'.encode()


def test_the_summary_is_for_people_and_machines(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary.json", {"counts": {"events": 2}})
    assert (tmp_path / "summary.json").read_text() == '{\n  "counts": {\n    "events": 2\n  }\n}\n'

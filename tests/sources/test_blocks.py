from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import Coordinates, DeadLetter, RawRecord
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.blocks import Piece, pieces
from streams.sources.files import not_telemetry, read_records
from streams.sources.framing import split_message

DATED = (
    b"06/15/2024 12:00:00 PM\nLogName=Security\nEventCode=4624\nMessage=A.\n\nSubject:\n\tLogon ID:\t0x1\n# no header"
)
BARE = b"LogName=System\nEventCode=7045\nMessage=B.\n\n{\n  not json\n}"


def raws(payload: bytes) -> list[bytes]:
    records = split_message("windows", payload, Coordinates("raw.windows", 0, 1), 9)
    assert isinstance(records, list)
    return [record.raw for record in records]


@pytest.mark.parametrize("block", [DATED, BARE])
def test_a_rendered_event_is_one_record_however_it_ends(block: bytes) -> None:
    for end in (b"", b"\n", b"\n\n  \n", b"\r\n"):
        assert raws(block + end) == [block]
    assert raws(block.replace(b"\n", b"\r\n")) == [block]


def test_the_next_beginning_ends_it() -> None:
    assert raws(DATED + b"\n" + DATED) == [DATED, DATED]
    assert raws(BARE + b"\n" + BARE + b"\n" + DATED) == [BARE, BARE, DATED]
    assert raws(b"before\n" + DATED) == [b"before", DATED]


def test_a_date_alone_begins_nothing() -> None:
    assert raws(b"06/15/2024 12:00:00 PM\nother\n06/15/2024 12:00:00") == [
        b"06/15/2024 12:00:00 PM",
        b"other",
        b"06/15/2024 12:00:00",
    ]
    inside = DATED + b"\n06/15/2024 12:00:00\nmore\nLogName=quoted"
    assert raws(inside) == [inside]


def test_a_record_without_end_comes_in_parts() -> None:
    lines = [b"LogName=Security", *([b"x" * 1000] * 3000)]
    found = list(pieces(lines))
    assert all(len(piece.raw) <= MAX_RECORD_BYTES and piece.is_block for piece in found)
    assert b"\n".join(piece.raw for piece in found) == b"\n".join(lines)


@given(st.lists(st.sampled_from([b"LogName=a", b"06/15/2024 12:00:00 PM", b"x", b"", b"{}", b"y\r"]), max_size=12))
def test_no_line_is_lost(lines: list[bytes]) -> None:
    found = list(pieces(lines))
    assert [piece.number for piece in found] == sorted(piece.number for piece in found)
    kept = [line for piece in found for line in piece.raw.split(b"\n") if line.strip()]
    assert [line.rstrip(b"\r") for line in kept] == [line.rstrip(b"\r") for line in lines if line.strip()]


def test_files_number_a_record_by_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    path.write_bytes(DATED + b"\n" + DATED + b"\n")
    found = [record for record in read_records(path) if isinstance(record, RawRecord)]
    assert [(record.at.offset, record.raw) for record in found] == [(1, DATED), (9, DATED)]
    assert not_telemetry(path) == ""


def test_a_record_that_the_end_of_a_broken_file_cuts_is_a_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "events.log.gz"
    path.write_bytes(gzip.compress(DATED + b"\n" + DATED)[:-9])
    whole, cut = read_records(path)
    assert isinstance(whole, RawRecord)
    assert whole.raw == DATED
    assert isinstance(cut, DeadLetter)
    assert cut.record.at.offset == 9


def test_pieces_of_lines_are_the_lines() -> None:
    expected = [Piece(number, line, is_block=False) for number, line in ((1, b"a"), (2, b""), (3, b"b"))]
    assert list(pieces([b"a", b"", b"b"])) == expected

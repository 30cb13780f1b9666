from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from models.errors import ConfigError
from models.records import Coordinates, DeadLetter, RawRecord
from streams.replay.inputs import Sourced, find_inputs, read_all, read_file
from streams.sources.registry import SOURCES
from tests.raw_records import connection, logon, process_start
from tests.replay.play import DEMO, demo_lines, write

WINDOWS = json.dumps(process_start()).encode()
ZEEK = json.dumps(connection()).encode()
OCSF = json.dumps(logon()).encode()
GARBLED = b'{"EventID": 1, "Chan'


def sourced(path: Path, forced: str | None = None) -> list[tuple[str | None, bytes, int]]:
    """Read a file; return source, bytes and line of every record."""
    found = []
    for item in read_file(path, SOURCES[forced] if forced else None):
        assert not isinstance(item, DeadLetter), item
        source, record = item
        assert record.source == (source.name if source else "")
        assert record.at.topic == str(path)
        assert record.at.partition == record.broker_time == 0
        found.append((source.name if source else None, record.raw, record.at.offset))
    return found


# Which files are read.


def test_files_of_directories_are_found_however_deep_and_come_sorted(tmp_path: Path) -> None:
    second = write(tmp_path / "b" / "c" / "deep.log", [ZEEK])
    first = write(tmp_path / "a" / "noextension", [WINDOWS])
    third = write(tmp_path / "z.json", [OCSF])
    assert find_inputs([tmp_path]).files == (first, second, third)
    assert find_inputs([third, tmp_path / "b", first]).files == (first, second, third)


def test_a_file_is_read_once_however_often_it_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.ndjson", [ZEEK])
    assert find_inputs([file, tmp_path, file]).files == (file,)


NOT_TELEMETRY = {
    "empty.ndjson": (b"", "an empty file"),
    "blank.log": (b"\n \n", "an empty file"),
    "notes.txt": (b"Remember to rotate the keys.\nAnd the logs.\n", "text"),
    "scenario.yaml": (b"title: A day in the life\nhosts: 3\n", "a YAML document"),
    "events.xml": (b'<?xml version="1.0"?><Events/>', "an XML document"),
    "traffic.pcap": (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "a packet capture"),
    "Security.evtx": (b"ElfFile\x00" + bytes(100), "a Windows event log in binary form; export it as JSON"),
    "logs.zip": (b"PK\x03\x04" + bytes(30), "a zip archive; unpack it"),
    "export.json": ("\ufeff[]".encode("utf-16-le"), "UTF-16 text; save it as UTF-8"),
    "core": (bytes(range(256)), "binary data"),
    "notes.txt.gz": (gzip.compress(b"Only words.\nMore words.\n"), "text"),
}


def test_files_without_telemetry_are_left_out_by_name_and_with_the_reason(tmp_path: Path) -> None:
    good = write(tmp_path / "good.ndjson", [ZEEK])
    for name, (content, _) in NOT_TELEMETRY.items():
        (tmp_path / name).write_bytes(content)
    inputs = find_inputs([tmp_path])
    assert inputs.files == (good,)
    assert inputs.left_out == tuple(sorted((tmp_path / name, why) for name, (_, why) in NOT_TELEMETRY.items()))


@pytest.mark.parametrize("name", sorted(NOT_TELEMETRY))
def test_a_file_that_is_named_itself_is_read_whatever_it_looks_like(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(NOT_TELEMETRY[name][0])
    assert find_inputs([file]).files == (file,)
    inputs = find_inputs([tmp_path, file])
    assert inputs.files == (file,)
    assert inputs.left_out == ()


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.ndjson", [ZEEK])
    with pytest.raises(ConfigError, match=r"none\.ndjson: no such file or directory"):
        find_inputs([tmp_path, tmp_path / "none.ndjson"])


def test_when_nothing_is_left_to_read_it_says_what_was_left_out_and_why(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Only words.\nMore words.\n")
    with pytest.raises(ConfigError, match=r"no file with telemetry.*notes\.txt: text"):
        find_inputs([tmp_path])


def test_an_empty_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        find_inputs([tmp_path])


def test_links_that_go_round_in_circles_or_nowhere_are_not_followed(tmp_path: Path) -> None:
    file = write(tmp_path / "a" / "a.ndjson", [ZEEK])
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "gone.ndjson").symlink_to(tmp_path / "nowhere")
    assert find_inputs([tmp_path]).files == (file,)


# Whose the records are.


def test_every_record_is_told_by_its_shape(tmp_path: Path) -> None:
    file = write(tmp_path / "mixed.ndjson", [WINDOWS, ZEEK, b"", OCSF])
    assert sourced(file) == [("windows", WINDOWS, 1), ("zeek", ZEEK, 2), ("ocsf", OCSF, 4)]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("aws_cloudtrail.ndjson", "aws_cloudtrail"),
        ("okta.ndjson", "okta"),
        ("windows.ndjson", "windows"),
        ("zeek.ndjson", "zeek"),
        ("zeek_conn.log", "zeek"),
    ],
)
def test_the_demo_is_recognized_line_by_line(name: str, source: str) -> None:
    found = sourced(DEMO / name)
    assert {name for name, _, _ in found} == {source}
    assert len(found) == sum(not line.startswith(b"#") for line in demo_lines(name))


def test_a_forced_source_is_that_of_all_records(tmp_path: Path) -> None:
    file = write(tmp_path / "mixed.ndjson", [WINDOWS, ZEEK, GARBLED, b'{"of": "nobody"}'])
    assert [source for source, _, _ in sourced(file, "okta")] == ["okta"] * 4


def test_a_record_without_a_shape_belongs_to_the_source_of_the_one_before(tmp_path: Path) -> None:
    file = write(tmp_path / "a.ndjson", [WINDOWS, GARBLED, ZEEK, GARBLED, GARBLED])
    assert [source for source, _, _ in sourced(file)] == ["windows", "windows", "zeek", "zeek", "zeek"]


def test_a_first_record_without_a_shape_is_nobodys(tmp_path: Path) -> None:
    file = write(tmp_path / "a.ndjson", [GARBLED, WINDOWS])
    assert sourced(file) == [(None, GARBLED, 1), ("windows", WINDOWS, 2)]


def test_what_was_before_is_forgotten_with_the_file(tmp_path: Path) -> None:
    first = write(tmp_path / "a.ndjson", [WINDOWS])
    second = write(tmp_path / "b.ndjson", [GARBLED, b'{"of": "nobody"}', ZEEK])
    told: list[Path] = []
    items = [item for item in read_all([first, second], None, told.append) if not isinstance(item, DeadLetter)]
    assert [source.name if source else None for source, _ in items] == ["windows", None, None, "zeek"]
    assert told == [first, second]


def test_columns_of_a_table_come_with_each_of_its_lines() -> None:
    items = [item for item in read_file(DEMO / "zeek_conn.log", None) if not isinstance(item, DeadLetter)]
    assert all({"ts", "uid", "id.orig_h"} <= set(record.columns) for _, record in items)


def test_records_of_a_document_are_numbered_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "trail.json"
    elements = [json.loads(line) for line in demo_lines("aws_cloudtrail.ndjson")[:3]]
    file.write_text(json.dumps({"Records": elements}, indent=1))
    assert [(source, line) for source, _, line in sourced(file)] == [("aws_cloudtrail", n) for n in (1, 2, 3)]


# Packed files.


@pytest.mark.parametrize("name", ["zeek.ndjson", "zeek_conn.log"])
@pytest.mark.parametrize("suffix", [".gz", ".log"])
def test_a_packed_file_reads_as_the_file_itself_whatever_its_name(tmp_path: Path, name: str, suffix: str) -> None:
    packed = tmp_path / f"{name}{suffix}"
    packed.write_bytes(gzip.compress((DEMO / name).read_bytes()))
    assert find_inputs([tmp_path]).files == (packed,)
    assert sourced(packed) == sourced(DEMO / name)


def test_a_file_of_several_packed_parts_is_read_to_its_end(tmp_path: Path) -> None:
    packed = tmp_path / "rotated.gz"
    packed.write_bytes(gzip.compress(WINDOWS + b"\n") + gzip.compress(ZEEK + b"\n"))
    assert [source for source, _, _ in sourced(packed)] == ["windows", "zeek"]


def read(path: Path) -> list[Sourced | DeadLetter]:
    return list(read_file(path, None))


def test_a_packed_file_that_is_cut_off_gives_what_was_whole_and_says_so(tmp_path: Path) -> None:
    records = [json.dumps(connection(uid=f"C{n:017d}", note=str(n) * 40)).encode() for n in range(200)]
    packed = tmp_path / "cut.gz"
    packed.write_bytes(gzip.compress(b"\n".join(records))[:-200])
    *whole, last = read(packed)
    assert isinstance(last, DeadLetter)
    assert (last.stage, last.record.at.topic) == ("read", str(packed))
    assert "truncated" in last.error.reason
    assert last.record.at.offset == len(whole) + 1
    assert [item[1].raw for item in whole if not isinstance(item, DeadLetter)] == records[: len(whole)]
    assert records[len(whole)].startswith(last.record.raw)
    assert whole


def test_a_packed_file_that_breaks_between_two_lines_gives_them_all_and_says_so(tmp_path: Path) -> None:
    packed = tmp_path / "broken.gz"
    packed.write_bytes(gzip.compress(WINDOWS + b"\n" + ZEEK + b"\n")[:-8] + b"\xa5" * 8)
    first, second, last = read(packed)
    assert not isinstance(first, DeadLetter)
    assert not isinstance(second, DeadLetter)
    assert isinstance(last, DeadLetter)
    assert last.record == RawRecord("", b"", Coordinates(str(packed), 0, 3))
    assert "CRC" in last.error.reason


def test_an_empty_file_that_is_named_is_a_dead_letter(tmp_path: Path) -> None:
    file = write(tmp_path / "empty.ndjson", [])
    (letter,) = read(file)
    assert isinstance(letter, DeadLetter)
    assert letter.record == RawRecord("", b"", Coordinates(str(file), 0, 1))
    assert letter.error.reason == "the file is empty"


@pytest.mark.parametrize("bad", [b'{"EventID": "\xff\xfe"}', b"\x00" * 30, b"\x80\x81\x82", b'{"a": "\x00"}'])
@pytest.mark.parametrize(
    "records", [[WINDOWS, ZEEK], [b"1790000000.5\tCaB3xw2kqG1oYd4Zu6\t192.0.2.10\t5\t203.0.113.9\t443"]]
)
def test_one_broken_line_does_not_hide_the_file_it_is_in(tmp_path: Path, bad: bytes, records: list[bytes]) -> None:
    for name, every in (("first", [bad, *records, *records]), ("last", [*records, *records, bad])):
        file = write(tmp_path / name / "a.log", every)
        assert find_inputs([tmp_path / name]).files == (file,)
        assert len(read(file)) == len(every)


def test_a_packed_file_that_cannot_be_unpacked_at_all_is_no_empty_file(tmp_path: Path) -> None:
    for name, content in (("broken", gzip.compress(ZEEK)[:10] + b"\xff" * 50), ("cut", gzip.compress(ZEEK)[:12])):
        file = tmp_path / name / "a.gz"
        file.parent.mkdir()
        file.write_bytes(content)
        assert find_inputs([file.parent]).files == (file,)
        (letter,) = read(file)
        assert isinstance(letter, DeadLetter)
        assert "gzip" in letter.error.reason

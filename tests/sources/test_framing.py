from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ConfigError
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.filekinds import kind_of_text
from streams.sources.files import CHUNK_BYTES, MAX_LINE_BYTES, not_telemetry, read_records
from streams.sources.framing import BOM, MAX_PARTS, split_message, with_source
from streams.sources.headers import with_header

AT = Coordinates("raw.any", 2, 7)
HEADER = b"#separator \\x09\n#path\tconn\n#fields\tts\tuid\n#types\ttime\tstring"
COLUMNS = ("#path=conn", "#types=time\tstring", "ts", "uid")
LINES = [b"1718452800.250000\tCa", b"1718452801.250000\tCb"]
OBJECTS = [b'{"a":1}', b'{"b":{"c":[1,2]}}', b'{"d":"x\\ny"}']

Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write_file


def split(payload: bytes, source: str = "any") -> list[RawRecord]:
    records = split_message(source, payload, AT, 99)
    assert isinstance(records, list)
    assert all((record.source, record.at, record.broker_time) == (source, AT, 99) for record in records)
    return records


def raws(payload: bytes) -> list[bytes]:
    return [record.raw for record in split(payload)]


def read(path: Path) -> list[tuple[int, bytes]]:
    return [
        (r.at.offset, r.raw) if isinstance(r, RawRecord) else (-r.record.at.offset, b"") for r in read_records(path)
    ]


@pytest.mark.parametrize("payload", [b'{"a":1}', b'{"a":1}\n', b' {"a":1} \r\n', BOM + b'{"a":1}\n'])
def test_one_object_is_one_record_however_it_ends(payload: bytes) -> None:
    assert raws(payload) == [b'{"a":1}']


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n  \n"])
def test_lines_of_objects(end: bytes) -> None:
    assert raws(end.join(OBJECTS)) == OBJECTS
    assert raws(end.join(OBJECTS) + end) == OBJECTS


def test_a_broken_line_costs_only_itself() -> None:
    assert raws(b'{"a":1}\n{"b":\n{"c":3}') == [b'{"a":1}', b'{"b":', b'{"c":3}']
    assert raws(b'{"a":\n{"b":2}') == [b'{"a":', b'{"b":2}']
    assert raws(b'{"a":1}\nnonsense\n{"c":3}') == [b'{"a":1}', b"nonsense", b'{"c":3}']
    assert raws(b'{"a":1}\n{"b":"\xff"}') == [b'{"a":1}', b'{"b":"\xff"}']


@pytest.mark.parametrize("key", ["Records", "records"])
def test_an_array_or_records_give_their_elements(key: str) -> None:
    inner = b"[" + b", ".join(OBJECTS) + b"]"
    assert raws(inner) == OBJECTS
    assert raws(b'{"%s": %s}' % (key.encode(), inner)) == OBJECTS
    assert raws(b'{"%s": %s}\n{"z":1}' % (key.encode(), inner)) == [*OBJECTS, b'{"z":1}']


def test_pretty_printed_arrays_give_compact_elements() -> None:
    values = [orjson.loads(each) for each in OBJECTS]
    assert raws(orjson.dumps(values, option=orjson.OPT_INDENT_2)) == OBJECTS
    assert raws(orjson.dumps({"Records": values}, option=orjson.OPT_INDENT_2)) == OBJECTS


def test_a_pretty_printed_object_is_one_record() -> None:
    pretty = orjson.dumps({"a": {"b": 1}, "c": [{"d": 2}]}, option=orjson.OPT_INDENT_2)
    assert raws(pretty) == [pretty]
    assert raws(b'{"a":\n{"b":1}}') == [b'{"a":\n{"b":1}}']
    assert raws(pretty + b"\n" + pretty) == [pretty, pretty]


def test_records_that_are_no_list_of_objects_stay_in_their_object() -> None:
    for payload in (
        b'{"Records":7}',
        b'{"Records":[1,{}]}',
        b'{"Records":[{}],"b":1}',
        b'{"records":[],"b":1}',
        b'{"a":{"Records":[{}]}}',
        b'{"a":"Records\\"["}',
    ):
        assert raws(payload) == [payload]


def test_what_holds_nothing_gives_nothing() -> None:
    for payload in (b"[]", b'{"Records":[]}', b"#close\t2024", HEADER, HEADER + b"\n\n", b"# remark\n# another\n"):
        assert raws(payload) == []


def test_elements_that_are_no_objects_are_records_for_the_source_to_refuse() -> None:
    assert raws(b'[{"a":1},7,"x",[1]]') == [b'{"a":1}', b"7", b'"x"', b"[1]"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"  \n ",
        b"\x00\x01\x02",
        b"\xff\xfe\n\xff",
        b"a\x00b\nc",
        b'{"a":' + b"x" * MAX_RECORD_BYTES,
        b'{"a":1}\n' * 200_000,
        b'[{"a":1},',
        b"[" * 2000,
        b"[" + b"[" * 300 + b"]" * 300 + b"]",
        b"<Event>\n<System/>\n</Event>",
        b'{"Records":[{"a":1}',
    ],
    ids=lambda payload: repr(payload[:12]),
)
def test_what_cannot_be_cut_is_one_record_as_it_came(payload: bytes) -> None:
    assert raws(payload) == [payload]


def test_too_many_records_in_one_message_are_a_reason() -> None:
    reason = split_message("any", b"a\n" * (MAX_PARTS + 1), AT, 0)
    assert isinstance(reason, ParseError)
    assert reason.reason == f"{MAX_PARTS + 1} records in one message, more than the limit of {MAX_PARTS}"
    assert len(split(b"a\n" * MAX_PARTS)) == MAX_PARTS


def test_tsv_lines_carry_the_columns_of_their_header() -> None:
    records = split(HEADER + b"\n" + b"\r\n".join(LINES) + b"\n#close\t2024\n", "zeek")
    assert [(record.raw, record.columns) for record in records] == [(line, COLUMNS) for line in LINES]


def test_tsv_lines_without_a_header() -> None:
    assert [(record.raw, record.columns) for record in split(b"\n".join(LINES))] == [(line, ()) for line in LINES]
    assert raws(LINES[0] + b"\t\n") == [LINES[0] + b"\t"]


def test_a_message_of_two_logs() -> None:
    second = b"#separator \\x09\n#path\tdns\n#fields\tts\tquery\n1718452800.0\ta.example"
    records = split(HEADER + b"\n" + LINES[0] + b"\n" + second)
    assert [record.columns for record in records] == [COLUMNS, ("#path=dns", "ts", "query")]


def test_lines_of_text() -> None:
    assert raws(b"2 123456789012 eni-1\n2 123456789012 eni-2\n") == [b"2 123456789012 eni-1", b"2 123456789012 eni-2"]


OBJECT = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.integers(-(2**31), 2**31) | st.text(max_size=8) | st.lists(st.integers(0, 9)),
    min_size=1,
)


@given(st.lists(OBJECT, min_size=1, max_size=8), st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
@settings(deadline=None)
def test_joined_objects_come_apart_again(values: list[dict[str, Any]], end: bytes) -> None:
    wanted = [orjson.dumps(value) for value in values]
    assert raws(end.join(wanted)) == wanted
    assert [orjson.loads(raw) for raw in raws(orjson.dumps(values))] == values
    assert [orjson.loads(raw) for raw in raws(orjson.dumps(values, option=orjson.OPT_INDENT_2))] == values
    assert [orjson.loads(raw) for raw in raws(orjson.dumps({"Records": values}))] == values


WORD = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=8)


@given(st.lists(st.lists(WORD, min_size=2, max_size=5).map("\t".join).map(str.encode), min_size=1, max_size=8))
@settings(deadline=None)
def test_joined_lines_come_apart_again(lines: list[bytes]) -> None:
    wanted = [line for line in lines if line[:1] not in (b"#", b"{", b"[", b"<")]
    assert raws(b"1.0\tx\n" + b"\n".join(wanted)) == [b"1.0\tx", *wanted]


@given(st.binary(max_size=200) | st.text(st.sampled_from('{}[]":,\n#\t ab1<Records'), max_size=60).map(str.encode))
@settings(max_examples=500, deadline=None)
def test_any_payload_can_be_cut(payload: bytes) -> None:
    records = split_message("any", payload, AT, 1)
    assert isinstance(records, list)
    assert all(record.raw for record in records) or not payload


def test_with_source_names_the_source_and_changes_nothing_else() -> None:
    record = RawRecord("", b"x", AT, 5, ("a",))
    assert with_source(record, "zeek") == RawRecord("zeek", b"x", AT, 5, ("a",))


def test_a_file_of_lines_has_line_numbers(write: Write) -> None:
    path = write("a.ndjson", BOM + b'{"a":1}\r\n\n# remark\n{"b":2}\n{"c":3}')
    assert read(path) == [(1, b'{"a":1}'), (4, b'{"b":2}'), (5, b'{"c":3}')]
    assert next(iter(read_records(path))) == RawRecord("", b'{"a":1}', Coordinates(str(path), 0, 1))


@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2])
@pytest.mark.parametrize("wrap", [lambda values: values, lambda values: {"Records": values}])
def test_a_file_that_is_one_document_has_element_numbers(write: Write, option: int, wrap: Callable[[Any], Any]) -> None:
    data = orjson.dumps(wrap([orjson.loads(each) for each in OBJECTS]), option=option)
    assert read(write("a.json", data + b"\n")) == list(enumerate(OBJECTS, 1))


def test_a_file_of_a_document_a_line_has_line_numbers(write: Write) -> None:
    path = write("a.ndjson", b'[{"a":1},{"b":2}]\n[{"c":3}]\n')
    assert read(path) == [(1, b'{"a":1}'), (1, b'{"b":2}'), (2, b'{"c":3}')]
    path = write("b.ndjson", b'{"Records":[{"a":1},{"b":2}]}\n{"records":[{"c":3}]}')
    assert read(path) == [(1, b'{"a":1}'), (1, b'{"b":2}'), (2, b'{"c":3}')]


def test_a_file_that_is_one_pretty_printed_object(write: Write) -> None:
    pretty = orjson.dumps({"a": {"b": 1}}, option=orjson.OPT_INDENT_2)
    assert read(write("a.json", pretty + b"\n")) == [(1, pretty)]
    assert read(write("b.json", pretty + b"\n" + pretty)) == [(1, pretty), (2, pretty)]


def test_a_document_longer_than_what_is_looked_at(write: Write) -> None:
    values = [{"n": number, "pad": "x" * 100} for number in range(2000)]
    wanted = [orjson.dumps(value) for value in values]
    for name, data in (
        ("array", orjson.dumps(values)),
        ("records", orjson.dumps({"Records": values})),
        ("pretty", orjson.dumps(values, option=orjson.OPT_INDENT_2)),
        ("lines", b"\n".join(wanted)),
        ("array-lines", b"[\n" + b",\n".join(wanted) + b"\n]"),
        ("commas-first", b"[" + b"\n,".join(wanted) + b"]"),
    ):
        assert len(data) > CHUNK_BYTES
        assert [raw for _, raw in read(write(name, data))] == wanted


def test_a_file_of_zeek_lines_has_columns(write: Write) -> None:
    path = write("conn.log", HEADER + b"\n" + b"\n".join(LINES) + b"\n#close\t2024\n")
    found = list(read_records(path))
    assert [record.columns for record in found if isinstance(record, RawRecord)] == [COLUMNS, COLUMNS]
    assert read(path) == [(5, LINES[0]), (6, LINES[1])]


def test_gzip_is_known_by_its_bytes_and_changes_nothing(write: Write) -> None:
    for number, data in enumerate(
        (b"\n".join(OBJECTS), b"[" + b",".join(OBJECTS) + b"]", HEADER + b"\n" + b"\n".join(LINES))
    ):
        plain, packed = write(f"{number}.gz", data), write(f"{number}.log", gzip.compress(data))
        assert read(plain) == read(packed)
        assert not_telemetry(packed) == not_telemetry(plain) == ""


def test_gzip_of_several_members(write: Write) -> None:
    path = write("a", gzip.compress(OBJECTS[0] + b"\n") + gzip.compress(OBJECTS[1]))
    assert [raw for _, raw in read(path)] == OBJECTS[:2]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_cut_gzip_gives_what_can_be_read_and_says_so(data: st.DataObject, tmp_path_factory: Any) -> None:
    wanted = [orjson.dumps({"n": number, "noise": (number * 7919) % 1009}) for number in range(3000)]
    packed = gzip.compress(b"\n".join(wanted), 1)
    cut = data.draw(st.integers(2, len(packed) - 1))
    path = tmp_path_factory.mktemp("cut") / "a.gz"
    path.write_bytes(packed[:cut])
    *records, last = read_records(path)
    assert isinstance(last, DeadLetter)
    assert last.stage == "read"
    assert "truncated" in last.error.reason
    found = [record.raw for record in records if isinstance(record, RawRecord)]
    assert found == wanted[: len(found)]


def test_a_broken_gzip_says_so(write: Write) -> None:
    packed = bytearray(gzip.compress(b"\n".join(OBJECTS * 50)))
    packed[len(packed) // 2] ^= 0xFF
    *_, last = read_records(write("a.gz", bytes(packed)))
    assert isinstance(last, DeadLetter)
    assert "broken" in last.error.reason


@pytest.mark.parametrize("data", [b"", b"\n \n", gzip.compress(b"", mtime=0), BOM])
def test_an_empty_file_is_a_dead_letter(write: Write, data: bytes) -> None:
    [letter] = read_records(write("empty", data))
    assert isinstance(letter, DeadLetter)
    assert letter.error.reason == "the file is empty"


def test_long_lines_come_through_and_absurd_ones_are_refused(write: Write) -> None:
    long = b'{"a":"' + b"x" * (MAX_RECORD_BYTES + 1) + b'"}'
    absurd = gzip.compress(OBJECTS[0] + b"\n" + b"x" * (MAX_LINE_BYTES + CHUNK_BYTES) + b"\n" + OBJECTS[1], 1)
    assert read(write("long", OBJECTS[0] + b"\n" + long)) == [(1, OBJECTS[0]), (2, long)]
    first, refused, last = read_records(write("absurd", absurd))
    assert isinstance(refused, DeadLetter)
    assert "more than the limit" in refused.error.reason
    assert (len(refused.record.raw), refused.record.at.offset) == (1024, 2)
    assert [r.raw for r in (first, last) if isinstance(r, RawRecord)] == OBJECTS[:2]


def test_a_truncated_document_is_a_dead_letter(write: Write) -> None:
    packed = gzip.compress(orjson.dumps([orjson.loads(each) for each in OBJECTS * 100], option=orjson.OPT_INDENT_2))
    [letter] = read_records(write("a.json.gz", packed[: len(packed) - 9]))
    assert isinstance(letter, DeadLetter)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for ask in (lambda path: list(read_records(path)), not_telemetry):
        with pytest.raises(ConfigError, match=r"gone\.log: cannot be read: No such file"):
            ask(tmp_path / "gone.log")


@given(
    lines=st.lists(st.sampled_from([*OBJECTS, *LINES, b"", b"# remark", b"text", b'{"broken":', b"[1,"]), max_size=12),
    chunk_ends=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_plain_or_packed_and_in_a_message_or_a_file_the_same(
    lines: list[bytes], *, chunk_ends: bool, tmp_path_factory: Any
) -> None:
    data = b"\n".join([*OBJECTS[:1], *lines]) + (b"\n" if chunk_ends else b"")
    folder = tmp_path_factory.mktemp("same")
    (folder / "plain").write_bytes(data)
    (folder / "packed").write_bytes(gzip.compress(data))
    assert read(folder / "plain") == read(folder / "packed")
    assert [raw for _, raw in read(folder / "plain")] == [
        line for line in (*OBJECTS[:1], *lines) if line.strip() and line[:1] != b"#"
    ]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b'{"a":1}', ""),
        (b'  [\n {"a":1}]', ""),
        (b"[]", ""),
        (b"{}", ""),
        (BOM + b'{"a":1}', ""),
        (HEADER, ""),
        (HEADER + b"\n" + LINES[0], ""),
        (b"\n".join(LINES), ""),
        (b'garbled\n{"a":1}\n{"b":2}\n{"c":3}', ""),
        (b"# Title\n\nSome prose.\n", "text"),
        (b"[section]\nkey=1\n", "text"),
        (b"{ not json", "text"),
        (b'Example:\n{"a":1}\nand so on\nand on\n', "a YAML document"),
        (b"---\ntitle: x\n", "a YAML document"),
        (b"# remark\ntitle: x\nlogsource:\n", "a YAML document"),
        (b"<?xml version='1.0'?>\n<graphml/>", "an XML document"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "a packet capture"),
        (b"\x0a\x0d\x0d\x0a\x1c\x00", "a packet capture"),
        (b"ElfFile\x00\x00", "a Windows event log in binary form; export it as JSON"),
        (b"PK\x03\x04rest", "a zip archive; unpack it"),
        (b"\x28\xb5\x2f\xfdrest", "zstd data; only gzip is read"),
        (b"\xff\xfe{\x00", "UTF-16 text; save it as UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\n", "binary data"),
        (b"caf\xe9 caf\xe9\nmore", "binary data"),
        ("é".encode() * 10, "text"),
    ],
)
def test_what_a_file_is_by_its_beginning(write: Write, head: bytes, kind: str) -> None:
    assert kind_of_text(head.removeprefix(BOM)) == kind
    assert not_telemetry(write("file", head)) == kind


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_of_some_kind(head: bytes) -> None:
    assert isinstance(kind_of_text(head), str)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (b"#separator \\x09\n#path\tconn\n#fields\tts\tuid\n#types\ttime\tstring", b"1718452800.25\tCa"),
        (
            b"#separator \\x2c\n#set_separator,;\n#unset_field,(none)\n#path,dns\n#fields,ts,query",
            b"1718452800.25,a.example",
        ),
        (b"#fields\tts\tuid", b"1718452800.25\tCa"),
        (b"version account-id interface-id srcaddr", b"2 111122223333 eni-1 192.0.2.1"),
    ],
)
def test_a_line_goes_round_again_with_its_columns(header: bytes, line: bytes) -> None:
    (record,) = split_message("zeek", header + b"\n" + line, AT, 0)
    assert record.columns
    assert split_message("zeek", with_header(record.raw, record.columns), AT, 0) == [record]

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.event import Event
from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.zeek.header import MAX_COLUMNS, Header, is_comment, split_columns
from streams.sources.zeek.layouts import BY_COUNT, COMMON_KINDS, DOTTED, LAYOUTS
from streams.sources.zeek.source import SOURCE
from streams.sources.zeek.tsv import unescape
from tests.sources.zeek_records import FUID, RECORDS, UID, escaped, header, tsv

AT = Coordinates("raw.zeek", 0, 1)


def parse(line: bytes, columns: tuple[str, ...] = ()) -> Event | ParseError:
    return SOURCE.parse(RawRecord("zeek", line, AT, 1_718_452_900_000, columns))


def native(line: bytes, columns: tuple[str, ...]) -> dict[str, Any]:
    parsed = parse(line, columns)
    assert isinstance(parsed, Event), parsed
    assert validate(parsed.ocsf) == []
    return dict(parsed.native)


def read(*lines: bytes) -> tuple[str, ...]:
    found = Header()
    for line in lines:
        found.read(line)
    return found.columns


def test_columns_carry_path_types_and_names() -> None:
    lines = (b"#separator \\x09", b"#set_separator\t,", b"#path\tconn", b"#fields\tts\tuid", b"#types\ttime\tstring")
    assert read(*lines) == ("#path=conn", "#types=time\tstring", "ts", "uid")


def test_a_file_of_one_log_after_another() -> None:
    first = (b"#separator \\x09", b"#path\tconn", b"#fields\tts\tuid", b"#types\ttime\tstring", b"#close\t2024")
    second = (b"#separator \\x09", b"#path\tdns", b"#fields\tts\tquery")
    assert read(*first, *second) == ("#path=dns", "ts", "query")
    assert read(*first, b"#separator \\x09", b"#fields\tts\tquery") == ("ts", "query")
    assert read(*first, b"#separator \\x09") == ()


def test_other_separators_are_kept() -> None:
    lines = (b"#separator \\x7c", b"#set_separator|;", b"#empty_field|EMPTY", b"#unset_field|NULL", b"#fields|ts|a|b|c")
    columns = read(*lines, b"#types|time|set[string]|string|count")
    found = native(b"1718452800.250000|x;y|EMPTY|NULL", columns)
    assert found == {"_path": "", "ts": 1718452800.25, "a": ["x", "y"], "b": ""}


@pytest.mark.parametrize("line", [b"#", b"# a remark", b"#open\t2024", b"#close\t2024", b"#\xff\xfe", b"#fields"])
def test_other_comments_change_nothing(line: bytes) -> None:
    assert read(b"#path\tconn", b"#fields\tts\tuid", line) == ("#path=conn", "ts", "uid") or line == b"#fields"


def test_a_header_of_absurd_size_is_no_header() -> None:
    assert read(b"#fields\t" + b"\t".join([b"a"] * (MAX_COLUMNS + 1))) == ()
    assert read(b"#fields\t" + b"a" * 100_000) == ()


def test_comments() -> None:
    assert is_comment(b"#close\t2024")
    assert is_comment(b"  # remark")
    assert not is_comment(b"1718452800.0\t#")


def test_names_alone_are_enough() -> None:
    layout = next(layout for layout in LAYOUTS if layout.log == "dns")
    found = native(tsv("dns", RECORDS["dns"]), layout.names)
    assert found["_path"] == "dns"
    assert found["TTLs"] == [300.0, 60.0]


def test_a_column_that_the_table_does_not_know_gets_its_type_from_the_header() -> None:
    columns = read(
        b"#path\tconn", b"#fields\tts\tuid\trisk\tseen\ttags", b"#types\ttime\tstring\tcount\tbool\tset[count]"
    )
    found = native(f"1718452800.250000\t{UID}\t17\tT\t1,2".encode(), columns)
    assert (found["risk"], found["seen"], found["tags"]) == (17, True, [1, 2])


def test_without_types_an_unknown_column_is_text() -> None:
    found = native(f"1718452800.250000\t{UID}\t17".encode(), ("#path=conn", "ts", "uid", "risk"))
    assert found["risk"] == "17"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("count", "7", 7),
        ("count", "18446744073709551615", "18446744073709551615"),
        ("count", "seven", "seven"),
        ("count", "1_0", "1_0"),
        ("int", "-7", -7),
        ("double", "1.5e-06", 1.5e-06),
        ("double", "1e999", "1e999"),
        ("double", "nan", "nan"),
        ("interval", "0.001528", 0.001528),
        ("time", "1718452800.250000", 1718452800.25),
        ("bool", "T", True),
        ("bool", "F", False),
        ("bool", "yes", "yes"),
        ("string", "(empty)", ""),
        ("string", "\\x2d", "-"),
        ("string", "a\\x09b", "a\tb"),
        ("string", "\\\\\\\\FS01\\\\share", "\\\\FS01\\share"),
        ("string", "\\\\x41", "\\x41"),
        ("string", "caf\\xc3\\xa9", "café"),
        ("string", "\\x00\\xff", "\\x00\\xff"),
        ("string", "line\\x0a", "line\n"),
        ("set[string]", "(empty)", []),
        ("set[string]", "a,b\\x2cc,-", ["a", "b,c", None]),
        ("vector[interval]", "1.000000,0.500000", [1.0, 0.5]),
        ("vector[vector[count]]", "1,2", ["1", "2"]),
        ("set[" * 2000 + "]" * 2000, "1", ["1"]),
        ("table[count]", "x", "x"),
    ],
)
def test_values_are_what_zeeks_json_would_have(kind: str, text: str, value: Any) -> None:
    found = native(f"1718452800.250000\t{UID}\t{text}".encode(), (f"#types=time\tstring\t{kind}", "ts", "uid", "x"))
    assert found["x"] == value


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=40))
@settings(deadline=None)
def test_what_zeek_escapes_comes_back(text: str) -> None:
    assert unescape(escaped(text)) == (text or "(empty)")


@given(st.text(max_size=60))
@settings(deadline=None)
def test_unescaped_text_can_always_be_written(text: str) -> None:
    written = unescape(text.encode("utf-8", "replace").decode())
    assert written == unescape(text.encode("utf-8", "replace").decode())
    assert orjson.loads(orjson.dumps(written)) == written


def test_a_line_that_does_not_fit_its_header_says_so() -> None:
    parsed = parse(b"1718452800.0\tx", ("#path=conn", "ts", "uid", "id.orig_h"))
    assert isinstance(parsed, ParseError)
    assert parsed.reason == "TSV line of 2 columns, its #fields header names 3"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1718452800.0\ta\tb", "3 columns fit no known Zeek log; ship JSON or send the header"),
        (b"1718452800.0\tnot-an-address", "2 columns fit no known Zeek log"),
        (b"-\t192.0.2.1", "2 columns fit no known Zeek log"),
        (b"1718452800.000000" + b"\t-" * 9, "fit several Zeek logs (dce_rpc, smb_mapping, syslog, weird)"),
    ],
)
def test_a_line_without_a_header_that_is_of_no_one_log(line: bytes, reason: str) -> None:
    parsed = parse(line)
    assert isinstance(parsed, ParseError)
    assert parsed.reason.startswith("TSV line without #fields header: ")
    assert reason in parsed.reason


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.log}-{len(layout.names)}")
def test_every_layout_is_told_from_its_look_alikes(layout: Any) -> None:
    """A line with a value in every column is of this log: by the columns' kinds alone."""
    values = "\t".join(_example(kind) for kind in layout.kinds)
    parsed = parse(values.encode())
    assert isinstance(parsed, Event), parsed
    assert parsed.logsource.service == layout.log
    assert parsed.native.keys() - {"_path"} >= set(layout.names)


EXAMPLES = {
    "time": "1718452800.250000",
    "interval": "0.250000",
    "double": "0.5",
    "count": "7",
    "int": "-7",
    "port": "443",
    "bool": "T",
    "enum": "INBOUND",
    "scoped": "Some::VALUE",
    "proto": "tcp",
    "uid": UID,
    "fuid": FUID,
    "state": "SF",
    "history": "ShAdf",
    "hex": "0a1b2c",
    "mac": "00:53:00:aa:bb:01",
    "community": "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    "addr": "192.0.2.10",
    "http_version": "1.1",
    "tls_version": "TLSv12",
    "share": "DISK",
    "syslog": "DAEMON",
    "krb": "AS",
    "word": "READ",
    "pdu": "REQ",
    "cause": "violation",
    "radius": "success",
    "string": "some text",
}


def _example(kind: str) -> str:
    inner = kind.partition("[")[2].rstrip("]")
    return EXAMPLES[inner or kind]


def test_layouts_are_distinct_and_dots_restore_uniquely() -> None:
    assert len({layout.names for layout in LAYOUTS}) == len(LAYOUTS)
    assert sum(map(len, BY_COUNT.values())) == len(LAYOUTS)
    assert all(len(layout.names) == len(layout.kinds) == len(set(layout.names)) for layout in LAYOUTS)
    assert DOTTED["id_orig_h"] == "id.orig_h"
    assert not DOTTED.keys() & {name for layout in LAYOUTS for name in layout.names}
    assert COMMON_KINDS["ts"] == "time"
    assert "version" not in COMMON_KINDS


CELLS = st.sampled_from(
    ["-", "(empty)", "T", "1718452800.250000", "192.0.2.1", "tcp", UID, "7", "\\x09", "\\", "a,b", ""]
)


@given(st.lists(CELLS | st.text(st.characters(blacklist_characters="\t"), max_size=6), min_size=2, max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_line_without_a_header_is_an_event_or_a_reason(cells: list[str]) -> None:
    parsed = parse("\t".join(["1718452800.250000", *cells]).encode("utf-8", "replace"))
    assert isinstance(parsed, ParseError) or validate(parsed.ocsf) == []


@given(
    columns=st.lists(
        st.text(max_size=12) | st.sampled_from(["#path=conn", "#separator=", "#set_separator=", "ts", "id"])
    ),
    cells=st.lists(CELLS, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_any_columns_give_an_event_or_a_reason(columns: list[str], cells: list[str]) -> None:
    parsed = parse("\t".join(cells).encode() or b"x", tuple(columns))
    assert isinstance(parsed, ParseError) or validate(parsed.ocsf) == []


@given(st.lists(st.binary(max_size=40).map(lambda line: b"#" + line.replace(b"\n", b"")), max_size=8))
@settings(deadline=None)
def test_any_header_lines_can_be_read(lines: list[bytes]) -> None:
    facts, names = split_columns(read(*lines))
    assert all(facts[key] for key in ("separator", "set_separator", "empty_field", "unset_field"))
    assert all(name[:1] != "#" for name in names)


@pytest.mark.parametrize("log", sorted(RECORDS))
def test_the_line_alone_is_the_record(log: str) -> None:
    """The content uid does not depend on whether the header was known."""
    line = tsv(log, RECORDS[log])
    bare, full = parse(line), parse(line, read(*header(log, RECORDS[log]).split(b"\n")))
    assert isinstance(bare, Event)
    assert isinstance(full, Event)
    assert bare == full

"""Plain lists, CSV and MISP: what they say, and where what is wrong stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.intel.indicator import NEVER, Indicator, Rejected, Revoked, Said
from enrichers.intel.lists import Layout, read_csv, read_list
from enrichers.intel.misp import read_event, read_manifest
from enrichers.intel.reading import read
from enrichers.intel.sources import Source
from enrichers.intel.times import DAY_MS, time_ms

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
KNOWN = Indicator("", "", "list", confidence=60, modified=7)
_Read = Callable[..., Iterator[Said]]


def _lines(read_lines: _Read, text: str, layout: Layout | None = None) -> list[Said]:
    return list(read_lines(text.splitlines(keepends=True), KNOWN, "f", layout or Layout()))


def test_a_list_has_comments_hosts_and_all_kinds() -> None:
    text = f"# c\n; c\n// c\n\n198.51.100.7 # why\n198.51.100.0/24 ; SBL1\n0.0.0.0 evil.example.org\n{MD5},\nhxxp://a.example.org/x\n"
    found = _lines(read_list, text, Layout(labels=("x",)))
    assert [(each.kind, each.value) for each in found if isinstance(each, Indicator)] == [
        ("ip", "198.51.100.7"),
        ("network", "198.51.100.0/24"),
        ("domain", "evil.example.org"),
        ("hash", MD5),
        ("url", "a.example.org/x"),
    ]
    assert {(each.confidence, each.modified, each.labels) for each in found if isinstance(each, Indicator)} == {
        (60, 7, ("x",))
    }


def test_a_list_may_be_of_one_kind() -> None:
    found = _lines(read_list, f"{MD5}\n198.51.100.7\n", Layout(kind="ja3"))
    assert [type(each) for each in found] == [Indicator, Rejected]
    assert found[0] == Indicator("ja3", MD5, "list", confidence=60, modified=7)
    assert str(found[1]).startswith("f:2: '198.51.100.7': ")


def test_a_csv_has_named_columns() -> None:
    columns = {"value": "ioc", "kind": "type", "confidence": "score", "labels": "tags", "id": "id"}
    columns |= {"name": "family", "valid_from": "first", "valid_until": "last", "modified": "updated"}
    text = (
        "# made by hand\nID,ioc,type,score,tags,family,first,last,updated\n"
        'i1,evil.example.org,domain,85,"b;a",Loader,2026-01-01 00:00:00,2026-02-01,1767225600\n'
        f"i2,{MD5},md5_hash,,,,,,\n"
    )
    first, second = _lines(read_csv, text, Layout(columns=columns))
    assert first == Indicator(
        *("domain", "evil.example.org", "list"),
        valid_from=1_767_225_600_000,
        valid_until=1_769_904_000_000,
        confidence=85,
        id="i1",
        name="Loader",
        labels=("a", "b"),
        modified=1_767_225_600_000,
    )
    assert second == Indicator("hash", MD5, "list", confidence=60, id="i2", modified=7)


def test_a_line_that_is_wrong_is_named_and_costs_no_other() -> None:
    text = '# c\n"a\nb",1\nevil.example.org,x\n\n,x\nnot one\n198.51.100.7\n'
    found = _lines(read_csv, text)
    assert [str(each).partition(": ")[0] for each in found if isinstance(each, Rejected)] == ["f:3", "f:6", "f:7"]
    assert [each.value for each in found if isinstance(each, Indicator)] == ["evil.example.org", "198.51.100.7"]


def test_a_column_that_is_missing_ends_the_list() -> None:
    (said,) = _lines(read_csv, "a,b\n1,2\n", Layout(columns={"value": "ioc"}))
    assert said == Rejected("list", "f:1", "", "no column 'ioc'; there are a, b", ends=True)


@given(st.lists(st.text(max_size=40) | st.text('",\n\r\0#; .a1:/', max_size=40), max_size=6))
def test_any_lines_are_read(lines: list[str]) -> None:
    for read_lines in (read_list, read_csv):
        for said in read_lines(lines, KNOWN, "f", Layout(columns={"value": 0, "confidence": 1, "modified": 1})):
            assert isinstance(said, Indicator | Rejected)


def _attribute(**more: Any) -> dict[str, Any]:
    about = {"uuid": "u1", "type": "ip-dst", "value": "198.51.100.7", "to_ids": True, "timestamp": "1767225600"}
    return about | more


def _misp(*attributes: dict[str, Any], **more: Any) -> list[Said]:
    event = {"info": "Campaign", "timestamp": "1767225000", "Attribute": list(attributes), **more}
    return list(read_event(json.dumps({"Event": event}).encode(), "misp", "e.json", 55))


def test_a_misp_event_tells_what_is_for_detection() -> None:
    (said,) = _misp(
        _attribute(first_seen="2026-01-01T00:00:00Z", Tag=[{"name": "tlp:green"}]), _attribute(to_ids=False)
    )
    assert said == Indicator(
        *("ip", "198.51.100.7", "misp"),
        valid_from=1_767_225_600_000,
        confidence=55,
        id="u1",
        name="Campaign",
        labels=("tlp:green",),
        modified=1_767_225_600_000,
    )


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("domain|ip", "a.example.org|198.51.100.7", [("domain", "a.example.org"), ("ip", "198.51.100.7")]),
        ("filename|md5", f"x.exe|{MD5}", [("hash", MD5)]),
        ("ip-dst|port", "198.51.100.7|443", [("ip", "198.51.100.7")]),
        ("ja3-fingerprint-md5", MD5, [("ja3", MD5)]),
        ("hostname", "a.example.org", [("domain", "a.example.org")]),
        ("email-src", "a@b.example", [("email", "a@b.example")]),
    ],
)
def test_a_misp_attribute_may_hold_two(kind: str, value: str, found: list[tuple[str, str]]) -> None:
    said = _misp(Object=[{"Attribute": [_attribute(type=kind, value=value)]}])
    assert [(each.kind, each.value) for each in said if isinstance(each, Indicator)] == found


def test_a_misp_attribute_that_is_deleted_or_unknown_is_told() -> None:
    assert _misp(_attribute(deleted=True)) == [Revoked("misp", "u1", 1_767_225_600_000)]
    (said,) = _misp(_attribute(type="yara", value="rule x {}"))
    assert said == Rejected("misp", "e.json", "u1", "attributes of type yara are not matched")


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "value", "Tag"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["Attribute", "Object", "info", "Tag", "timestamp"]), _ANY), _ANY)
def test_any_event_of_misp_is_read(event: dict[str, Any], other: Any) -> None:
    attribute = {"to_ids": True, "type": other, "value": other, "deleted": other, "Tag": other, "uuid": other}
    for content in (event, {"Attribute": [attribute]}, other):
        for said in read_event(json.dumps({"Event": content}).encode(), "misp", "e.json", 1):
            assert isinstance(said, Indicator | Rejected | Revoked)


def test_a_manifest_names_events_by_uuid_and_nothing_else() -> None:
    uuid = "5c8ff3e2-0000-4000-8000-0000000000aa"
    told = {uuid: {"timestamp": "1767225600"}, "../../etc/passwd": {"timestamp": "1"}, uuid[:-1]: 5}
    assert read_manifest(json.dumps(told).encode()) == {uuid: 1_767_225_600_000}
    with pytest.raises(ValueError, match="no JSON object"):
        read_manifest(b"[]")


def test_indicators_expire_after_the_days_of_their_list(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text("198.51.100.7\n", "utf-8")
    (kept,) = read(Source("l", "list", str(path)), path, 5)
    (aged,) = read(Source("l", "list", str(path), days=2), path, 5)
    assert isinstance(kept, Indicator)
    assert isinstance(aged, Indicator)
    assert (kept.valid_until, aged.valid_until) == (NEVER, 5 + 2 * DAY_MS)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for made in ("list", "csv", "stix", "taxii", "misp"):
        (said,) = read(Source("l", made, ""), tmp_path / "none", 5)
        assert isinstance(said, Rejected)
        assert said.ends


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00Z", "2026-01-01", 1_767_225_600, "1767225600000"])
def test_times_are_read_in_the_forms_of_feeds(value: object) -> None:
    assert time_ms(value) == 1_767_225_600_000


@given(st.text(max_size=30) | st.integers() | st.none() | st.floats() | st.text("0123456789-:TZ+ ", max_size=30))
def test_any_value_is_a_time_or_none(value: object) -> None:
    found = time_ms(value)
    assert found is None or 0 <= found <= 253_402_300_799_999

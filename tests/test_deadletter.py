from __future__ import annotations

from base64 import b64decode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidRecord
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams.deadletter import PREVIEW_CHARS, dead_letter_from_json, dead_letter_to_json
from tests.models import strategies as given_
from tests.models.strategies import damaged, json_values

letters = st.builds(
    DeadLetter,
    record=st.builds(
        RawRecord,
        source=given_.texts,
        raw=st.binary(max_size=2000),
        at=given_.coordinates,
        broker_time=st.integers(0, 2**53),
    ),
    stage=given_.names,
    error=st.builds(ParseError, given_.texts, st.integers(-1, 2**53), given_.texts),
    details=given_.pairs,
)


def letter(raw: bytes = b"{broken", **changes: Any) -> DeadLetter:
    record = RawRecord("okta", raw, Coordinates("raw.okta", 2, 77), 1_790_000_000_000)
    held = {"record": record, "stage": "normalize", "error": ParseError("not JSON", 7, "actor.id")} | changes
    return DeadLetter(**held)


@given(letters)
def test_a_letter_comes_back_whole_over_the_wire(given_letter: DeadLetter) -> None:
    wire = orjson.dumps(dead_letter_to_json(given_letter))
    assert dead_letter_from_json(orjson.loads(wire)) == given_letter


def test_a_letter_says_what_where_and_why() -> None:
    assert dead_letter_to_json(letter(details={"rule": "r-1"})) == {
        "stage": "normalize",
        "reason": "not JSON",
        "source": "okta",
        "topic": "raw.okta",
        "partition": 2,
        "offset": 77,
        "time": 1_790_000_000_000,
        "size_bytes": 7,
        "preview": "{broken",
        "raw": "e2Jyb2tlbg==",
        "byte_offset": 7,
        "field": "actor.id",
        "details": {"rule": "r-1"},
    }


def test_what_is_not_known_is_left_out() -> None:
    rendered = dead_letter_to_json(letter(error=ParseError("empty record")))
    assert not rendered.keys() & {"byte_offset", "field", "details"}
    assert dead_letter_to_json(letter(error=ParseError("NUL byte", 0)))["byte_offset"] == 0


@given(st.binary(max_size=1200))
def test_the_preview_is_short_and_harmless_on_a_terminal_and_the_bytes_are_all_there(raw: bytes) -> None:
    rendered = dead_letter_to_json(letter(raw))
    assert rendered["preview"].isprintable()
    assert len(rendered["preview"]) <= PREVIEW_CHARS
    assert b64decode(rendered["raw"]) == raw
    assert rendered["size_bytes"] == len(raw)


def test_controls_and_broken_utf8_show_as_replacement_characters() -> None:
    rendered = dead_letter_to_json(letter(b"\x1b[31mred\x00\n\xff\xc3\xa9"))
    assert rendered["preview"] == "\N{REPLACEMENT CHARACTER}[31mred" + 3 * "\N{REPLACEMENT CHARACTER}" + "\xe9"


def test_a_long_record_keeps_all_its_bytes_behind_a_short_preview() -> None:
    rendered = dead_letter_to_json(letter(b"a" * 100_000))
    assert rendered["preview"] == "a" * PREVIEW_CHARS
    assert len(b64decode(rendered["raw"])) == rendered["size_bytes"] == 100_000


@given(st.one_of(json_values, damaged(letters.map(dead_letter_to_json))))
def test_what_is_no_letter_is_refused_or_is_whole(value: Any) -> None:
    try:
        read = dead_letter_from_json(value)
    except InvalidRecord:
        return
    assert dead_letter_from_json(dead_letter_to_json(read)) == read
    assert type(read.record.raw) is bytes


WHOLE = dead_letter_to_json(letter(details={"rule": "r-1"}))


@pytest.mark.parametrize("name", ["stage", "reason", "source", "topic", "partition", "offset", "time", "raw"])
def test_a_missing_member_is_named(name: str) -> None:
    with pytest.raises(InvalidRecord, match=name):
        dead_letter_from_json({key: value for key, value in WHOLE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage", 1),
        ("reason", None),
        ("source", ["okta"]),
        ("topic", 5),
        ("partition", "0"),
        ("partition", True),
        ("offset", 1.0),
        ("time", "2026-09-22T12:00:00Z"),
        ("raw", 7),
        ("raw", "not base64!"),
        ("raw", "e2Jyb2tlbg"),
        ("raw", "e2Jy b2tlbg=="),
        ("raw", "\xe9\xe9\xe9\xe9"),
        ("byte_offset", "7"),
        ("field", {"a": 1}),
        ("details", ["rule"]),
        ("details", {"rule": 1}),
    ],
)
def test_a_member_of_the_wrong_type_is_named(name: str, value: Any) -> None:
    with pytest.raises(InvalidRecord, match=name):
        dead_letter_from_json(WHOLE | {name: value})


@pytest.mark.parametrize("value", [None, [], "text", 5, [["topic", "raw.okta"]]])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRecord):
        dead_letter_from_json(value)

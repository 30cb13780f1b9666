"""One form for one value."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.canonical import MAX_BYTES, MAX_DEPTH, canonical, read_canonical
from models.errors import InvalidRecord

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=4)


@given(OBJECTS)
def test_what_is_written_is_read_and_written_the_same(value: dict[str, Any]) -> None:
    data = canonical(value)
    assert read_canonical(data) == value
    assert data == canonical(dict(reversed(value.items())))
    plain = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert orjson.loads(plain) == orjson.loads(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":"\\u0061"}',
        b'{"a":9007199254740993}',
        b'{"a":-0}',
        b"[]",
        b"1",
        b"",
        b"{",
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"a":"' + b"x" * MAX_BYTES + b'"}',
    ],
)
def test_another_form_of_the_same_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecord):
        read_canonical(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    with suppress(InvalidRecord):
        assert canonical(read_canonical(data)) == data


def _deep(levels: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return {"a": value}


@pytest.mark.parametrize(
    "value",
    [{"a": 0.5}, {1: 2}, {"a": 2**53 + 1}, {"a": "\ud800"}, {"\udfff": 1}, {"a": b"x"}, {"a": {1}}, _deep(MAX_DEPTH)],
)
def test_what_has_no_one_form_is_not_written(value: dict[Any, Any]) -> None:
    with pytest.raises(InvalidRecord):
        canonical(value)


def test_what_is_not_too_deep_is_written() -> None:
    assert read_canonical(canonical(_deep(MAX_DEPTH - 1))) == _deep(MAX_DEPTH - 1)

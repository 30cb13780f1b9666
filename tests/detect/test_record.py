from __future__ import annotations

from typing import Any

import pytest

from streams.detect.record import EVERYWHERE, MAX_VALUES, Record
from tests.detect.build import fires, selection

NESTED: dict[str, Any] = {
    "a.b": "dotted",
    "a": {"b": "nested", "c.d": "half", "e": [{"f": 1}, {"f": [2, [3]]}, {"g": 4}], "h": ["x", "y"]},
    "empty": [],
    "null": None,
    "object": {"Policy": '{"Effect":"Allow"}', "Deep": {"n": 7, "gone": None}},
}
CASES: list[tuple[str, tuple[Any, ...]]] = [
    ("a.b", ("dotted",)),
    ("a.c.d", ("half",)),
    ("a.e.f", (1, 2, 3)),
    ("a.e.0.f", (1,)),
    ("a.e.1.f.0", (2,)),
    ("a.e.9.f", ()),
    ("a.h", ("x", "y")),
    ("a.h.1", ("y",)),
    ("a.h.z", ()),
    ("a.x", ()),
    ("a.b.c", ()),
    ("b", ()),
    ("empty", ()),
    ("null", (None,)),
    ("object.Deep.n", (7,)),
    (".", ()),
    ("a.", ()),
    ("a..b", ()),
]


@pytest.mark.parametrize(("field", "expected"), CASES)
def test_values_of_a_field(field: str, expected: tuple[Any, ...]) -> None:
    assert Record(NESTED).values(field) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [("a.b", True), ("a.e.f", True), ("a.e.g", True), ("empty", True), ("null", True), ("a.z", False), ("z", False)],
)
def test_whether_a_field_is_there(field: str, expected: bool) -> None:
    assert Record(NESTED).has(field) is expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("object|contains: '\"Deep\":{'", True),  # its JSON text
        ("object|contains|all: ['\"Effect\"', '\"Allow\"']", True),  # JSON inside a value of it, quotes as they are
        ("object: 7", True),
        ("object.Policy|contains: allow", True),
        ("object|contains: elsewhere", False),
        ("object|gt: 5", False),  # an object is no number, whatever is in it
    ],
)
def test_an_object_matches_by_its_text_and_by_its_values(item: str, expected: bool) -> None:
    assert fires(selection(item), NESTED) is expected


def test_everything_is_every_value_in_document_order() -> None:
    record = Record({"b": [1, {"c": "X"}], "a": {"d": None, "e": True}})
    assert record.texts(EVERYWHERE) == ("1", "X", "true")
    assert list(record.pairs(EVERYWHERE)) == [("b", "1"), ("b.c", "X"), ("a.e", "true")]


def test_a_field_without_a_name_is_not_everything() -> None:
    assert Record({"": "x", "a": "y"}).texts(EVERYWHERE) == ("x", "y")


def test_values_are_bounded() -> None:
    many = Record({"a": list(range(3 * MAX_VALUES)), "b": [{"c": n} for n in range(3 * MAX_VALUES)]})
    assert len(many.values("a")) == len(many.values("b.c")) == len(many.values(EVERYWHERE)) == MAX_VALUES

"""Whatever is in a record, rules decide: no exception, no unbounded work."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.event import LogSource
from streams.detect.engine import Detector
from tests.detect.build import event, rule

NAMES = st.sampled_from(["a", "b", "a.b", "t", "ip", "", "0"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(st.characters(), max_size=12),  # lone surrogates included
    st.sampled_from(["\ud800", "A*?\\", "192.0.2.1", "2024-03-09T23:04:05Z", "9" * 60, "0x" + "f" * 60, "::1%", "%a%"]),
    st.binary(max_size=4),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
ITEMS: list[dict[str, Any]] = [
    {"a": ["x", 1, True, None, "", "a*b?", "*"]},
    {"a.b|contains|all": ["a", "b"]},
    {"a|cased|startswith": "A", "b|endswith": "z"},
    {"a|re": r"^\w+x|(a+)+$", "b|re|i": "[a-z]{2,}"},
    {"ip|cidr": ["192.0.2.0/24", "::/0"]},
    {"a|exists": True, "b.0|exists": False},
    {"a|gt": 5, "b|lte": -0.5},
    {"t|hour": 3, "a|year|gt": 1999, "b|week|lt": 60},
    {"a|fieldref": "b", "b|fieldref|contains": "a.b"},
    {"a|base64offset|contains": "x", "b|contains|windash": " -x"},
]
KEYWORDS: list[Any] = [["x", 1, "a*b?"], {"|all": ["a", "b"]}, {"|re": "x"}, {"|cidr": "::/0"}, {"|cased": "A"}]


def rules_of_every_kind() -> Detector:
    sections = [*({"selection": [item, {"zz": 1}]} for item in ITEMS), *({"selection": words} for words in KEYWORDS)]
    negated = [{**section, "condition": "not selection"} for section in sections]
    return Detector(
        rule(section, id=f"00000000-0000-4000-8000-{number:012d}", title=str(section)[:200])
        for number, section in enumerate([*sections, *negated])
    )


DETECTOR = rules_of_every_kind()
COUNT = len(ITEMS) + len(KEYWORDS)


@settings(max_examples=300)
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_record_is_decided(record: dict[str, Any]) -> None:
    detection = DETECTOR.match(event(record))
    assert detection.failures == ()
    assert len(detection.matches) == COUNT  # of a rule and its negation exactly one holds
    assert detection == DETECTOR.match(event(record))


def deep(levels: int, leaf: Any, *, as_list: bool) -> Any:
    value = leaf
    for _ in range(levels):
        value = [value] if as_list else {"a": value}
    return value


@pytest.mark.parametrize(
    "record",
    [
        {"a": deep(100_000, "x", as_list=True), "b": deep(100_000, "x", as_list=False)},
        {"a": {"b": deep(100_000, "x", as_list=True)}},
        {"a": "a" * 1_000_000, "b": "ab" * 500_000, "t": "9" * 1_000_000, "ip": "1" * 1_000_000},
        {"a": ["x"] * 300_000, "b": ["y"] * 300_000},
        {"a": [{"b": "x"}] * 300_000},
        {"a": 10**10_000, "b": -(10**10_000), "t": 10**10_000, "ip": 10**10_000},
        {f"k{n}": n for n in range(100_000)},
        {"a": {"x" * 1_000_000: {"y" * 1_000_000: 1}}},
    ],
    ids=["deep", "deep list", "long", "wide", "wide objects", "big numbers", "many fields", "long names"],
)
def test_a_record_of_any_size_is_decided(record: dict[str, Any]) -> None:
    detection = DETECTOR.match(event(record, LogSource("windows")))
    assert detection.failures == ()
    assert len(detection.matches) == COUNT
    for match in detection.matches:
        assert len(match.matched) <= 16
        assert all(len(text) <= 256 for pair in match.matched for text in pair)

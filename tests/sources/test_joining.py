"""Lines that make one record together come out as one, however they are mixed with others."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from models.records import Coordinates, RawRecord
from streams.sources.joining import MAX_LINES, PATIENCE, Joiner, joined


def join(line: bytes) -> tuple[bytes, bool] | None:
    """A line `a...` belongs to group `a`; one that ends in a full stop ends it; capitals and JSON stand alone."""
    return None if line.isupper() or line.startswith(b"{") else (line[:1], line.endswith(b"."))


def lines(*texts: str) -> list[RawRecord]:
    return [RawRecord("any", text.encode(), Coordinates("t", 0, n)) for n, text in enumerate(texts, 1)]


def outcome(*texts: str) -> list[tuple[int, str]]:
    return [(record.at.offset, record.raw.decode()) for record in joined(lines(*texts), join)]


def test_a_group_ends_with_its_last_line() -> None:
    assert outcome("a1", "a2.", "a3") == [(1, "a1\na2."), (3, "a3")]


def test_groups_are_told_apart_where_they_are_mixed() -> None:
    assert outcome("a1", "b1", "ALONE", "a2.", "b2.") == [(3, "ALONE"), (1, "a1\na2."), (2, "b1\nb2.")]


def test_a_group_is_given_up_after_many_other_lines() -> None:
    others = [f"B{n}" for n in range(PATIENCE + 1)]
    assert (1, "a1") in outcome("a1", *others, "a2")
    assert (PATIENCE + 3, "a2") in outcome("a1", *others, "a2")
    assert (1, "a1\na2") in outcome("a1", *others[:-2], "a2")


def test_a_group_has_a_bound() -> None:
    found = outcome(*(f"a{n}" for n in range(MAX_LINES + 1)))
    assert [len(text.split("\n")) for _, text in found] == [MAX_LINES, 1]


def test_wrapped_lines_are_joined_by_host() -> None:
    wrapped = [{"message": line, "host": {"name": host}} for line, host in (("a1", "h1"), ("a1", "h2"), ("a2.", "h1"))]
    records = [RawRecord("any", json.dumps(value).encode(), Coordinates("t", 0, n)) for n, value in enumerate(wrapped)]
    found = list(joined(records, join))
    assert [(one.raw, one.context.host) for one in found] == [(b"a1\na2.", "h1"), (b"a1", "h2")]


def test_without_groups_every_line_stands_alone() -> None:
    assert list(joined(lines("a", "a"), None)) == lines("a", "a")


def test_the_lines_that_wait_are_known() -> None:
    joiner = Joiner(join)
    for record in lines("a1", "b1", "a2."):
        list(joiner.push(record))
    assert joiner.waiting == (2,)
    assert [record.raw for record in joiner.flush()] == [b"b1"]
    assert joiner.waiting == ()


@given(st.lists(st.text("abAB1.", min_size=1, max_size=3), max_size=200))
def test_no_line_is_lost_and_none_comes_twice(texts: list[str]) -> None:
    found = sorted(line for _, text in outcome(*texts) for line in text.split("\n"))
    assert found == sorted(texts)

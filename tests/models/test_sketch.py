"""The number of different things: how exact it is, and that nothing shows of how it was counted."""

from __future__ import annotations

from functools import reduce
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sketch import FEW, REGISTERS, Distinct, Seen, hash64

hashes = st.integers(0, 2**64 - 1)
sets = st.lists(hashes | st.integers(0, 50), max_size=FEW * 3)


def many(first: int, count: int) -> list[int]:
    return [hash64(f"name {number}") for number in range(first, first + count)]


def seen(values: list[int]) -> Distinct:
    found = Seen()
    for value in values:
        found.add(value)
    return found.distinct


@given(sets, sets)
def test_it_does_not_matter_which_comes_first(one: list[int], two: list[int]) -> None:
    assert Distinct.of(one).joined(Distinct.of(two)) == Distinct.of(two).joined(Distinct.of(one))


@given(sets, sets, sets)
def test_it_does_not_matter_which_are_joined_first(one: list[int], two: list[int], three: list[int]) -> None:
    left = Distinct.of(one).joined(Distinct.of(two)).joined(Distinct.of(three))
    assert (
        left == Distinct.of(one).joined(Distinct.of(two).joined(Distinct.of(three))) == Distinct.of(one + two + three)
    )


@given(sets)
def test_what_is_seen_again_changes_nothing(values: list[int]) -> None:
    known = Distinct.of(values)
    assert known.joined(known) == known
    assert known.joined(Distinct()) == known


@given(sets)
def test_one_by_one_is_as_all_at_once(values: list[int]) -> None:
    assert seen(values) == Distinct.of(values)


@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, FEW + 1, FEW + 2])
def test_there_is_one_number_from_which_on_it_is_a_sketch(count: int) -> None:
    known = seen(many(0, count))
    assert (
        known
        == Distinct.of(many(0, count))
        == reduce(Distinct.joined, (Distinct.of([one]) for one in many(0, count)), Distinct())
    )
    assert (known.registers == b"") == (count <= FEW)


@given(st.sets(hashes, max_size=FEW))
def test_few_are_counted_exactly(values: set[int]) -> None:
    known = Distinct.of(values)
    assert known.count == len(values)
    assert known.registers == b""


@pytest.mark.parametrize("count", [FEW + 1, 100, 500, 1_000, 10_000, 200_000])
def test_many_are_counted_within_three_standard_errors(count: int) -> None:
    runs = 8
    found = [seen(many(run * count, count)).count for run in range(runs)]
    error = 3 * 1.04 / REGISTERS**0.5
    assert all(abs(one - count) <= max(3, error * count) for one in found), found
    assert abs(sum(found) / runs - count) <= max(2, error * count / runs**0.5)  # and none of it is bias


def test_a_million_takes_as_much_room_as_a_thousand() -> None:
    pieces = [seen(many(start, 2_000)) for start in range(0, 20_000, 2_000)]
    whole = reduce(Distinct.joined, pieces)
    assert len(whole.registers) == REGISTERS
    assert whole.few == ()
    assert whole == seen(many(0, 20_000))


def test_a_hash_is_the_same_everywhere() -> None:
    assert hash64("example.com") == 1_424_565_772_579_972_710
    assert hash64("\ud800") != hash64("\ud801")


def test_the_number_never_falls_when_more_is_joined() -> None:
    parts = [Distinct.of(many(start, 10)) for start in range(0, 2_000, 10)]
    counts = [known.count for known in accumulate(parts, Distinct.joined)]
    assert counts == sorted(counts)

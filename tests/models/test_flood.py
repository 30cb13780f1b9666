"""Floods join in any order and any number of times; their form is refused when it is anything else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.entity import EntityKey
from models.flood import SEALED, SINGLE, Flood, Grain, Variant, flood_from_json, flood_of, flood_to_json, join

START = 1_700_000_000_000
U1, U2 = Variant((("user", "u1"),), ()), Variant((("user", "u2"),), ())
OVER = Variant(U1.fields, (), (EntityKey("host", "h1"),))


def grain(offset: int, count: int = 1, variant: Variant = U1, part: str = "p1", uid: str = "") -> Grain:
    return Grain(START + offset, uid or f"{offset:03d}{part}", count, variant, part)


PARTS = [
    flood_of([grain(0, 3), grain(5, 2, U2)]),
    flood_of([grain(0, 4, part="p2"), grain(7, part="p2")]),
    flood_of([grain(3, part=SINGLE, uid="single one")]),
    flood_of([grain(3, part=SINGLE, uid="single two")]),
    flood_of([grain(900, 7, part=SEALED), grain(901, 1, part="p5")], ["p3", "p4"]),
]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_parts_join_in_any_order_and_any_number_of_times(held, random):
    distinct = list({part.part: part for part in held}.values())
    whole = join(distinct)
    assert whole.count == sum(part.count for part in distinct)
    joined = held[0]
    for part in random.sample(held, len(held)):
        joined = join([joined, part])
    assert joined == join([joined, whole]) == whole


def test_what_was_melted_is_not_taken_in_again():
    melted = flood_of([grain(0, 6, part=SEALED)], ["p1", "single one"])
    assert join([melted, PARTS[0], PARTS[2]]) == melted
    assert join([melted, PARTS[3]]).count == 7


def test_what_came_over_two_links_counts_once():
    one, other = flood_of([grain(0, 3, U1)]), flood_of([grain(0, 3, OVER), grain(9, 1, OVER)])
    assert join([one, other]) == join([other, one])
    assert [(g.count, g.variant.via) for g in join([one, other]).grains] == [(3, ()), (1, OVER.via)]


def test_a_part_is_named_by_what_it_holds():
    assert PARTS[0].part == "p1"
    assert PARTS[2].part != PARTS[3].part
    assert join(PARTS).part == join(reversed(PARTS)).part


def test_it_survives_the_wire():
    whole = join(PARTS)
    assert flood_from_json(orjson.loads(orjson.dumps(flood_to_json(whole))), START) == whole


def broken(**changes: Any) -> dict[str, Any]:
    return {**flood_to_json(join(PARTS[:2])), **changes}


@pytest.mark.parametrize(
    "form",
    [
        broken(grains=[]),
        broken(grains=[[1, 1, 0, 0, "u"]]),
        broken(grains=[[0, 1, 0, 0, "u"], [1000, 1, 0, 0, "u"]]),
        broken(grains=[[0, 0, 0, 0, "u"]]),
        broken(grains=[[0, 1, 9, 0, "u"]]),
        broken(grains=[[0, 1, -1, 0, "u"]]),
        broken(grains=[[0, True, 0, 0, "u"]]),
        broken(grains=[[0, 2**60, 0, 0, "u"]]),
        broken(variants=[[{"user": 7}, [], []]] * 2),
        broken(parts=[["p1"], "p2"]),
        broken(parts=[SEALED, "p2"], grains=[[0, 1, 0, 1, "u"]], seen=[7]),
    ],
)
def test_what_is_no_flood_is_refused(form):
    with pytest.raises((TypeError, IndexError)):
        flood_from_json(form, START)


def test_parts_seen_without_anything_they_left_are_forgotten():
    assert flood_from_json(broken(seen=["p9"]), START) == Flood(join(PARTS[:2]).grains)

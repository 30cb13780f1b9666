"""Feature deltas join as if there had never been any parts, and come back from the wire as they were."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.errors import InvalidRecord
from models.feature import (
    MAX_AMOUNT,
    MAX_POINTS,
    MAX_VALUES,
    Delta,
    Peak,
    Point,
    Ref,
    Tally,
    bounded,
    decode,
    encode,
    encode_raw,
    encoded,
    join,
    places,
    rank,
)
from models.sketch import Distinct

MINUTE = 28_000_000
uids = st.sampled_from([f"{number:032x}" for number in range(30)])
times = st.integers(MINUTE * 60_000, MINUTE * 60_000 + 5)
amounts = st.integers(1, 9) | st.just(MAX_AMOUNT)
tallies = st.builds(Tally, amounts, times, uids)
names = st.sampled_from(["a", "b", "c"])
texts = st.text("xyz", min_size=1, max_size=3)  # 39 of them: more than are kept
points = st.builds(Point, times, uids, st.integers(0, 5), st.integers(0, 5), st.sampled_from(["", "NO"]))
REFS = {f"{number:032x}": Ref(3002, "raw.okta", 0, number, "ab" * 32) for number in range(30)}


def delta(
    counts: dict[str, Tally],
    values: dict[str, dict[str, Tally]],
    seen: dict[str, set[int]],
    peaks: dict[str, Peak],
    where: list[Point],
    peers: str,
    entity: str = "user:alice",
) -> Delta:
    """Make a delta as ingest does: within the bounds, and with the records that it names and no others."""
    whole = Delta(entity, "okta", MINUTE, peers, counts, values, _distinct(seen), peaks, tuple(where), REFS)
    return whole.joined(Delta(entity, "okta", MINUTE))


def _distinct(seen: dict[str, set[int]]) -> dict[str, Distinct]:
    return {name: Distinct.of(hashes) for name, hashes in seen.items()}


peaks = st.builds(Peak, st.integers(0, 3), times, uids, st.sampled_from(["", "a"]))
deltas = st.builds(
    delta,
    st.dictionaries(names, tallies, max_size=3),
    st.dictionaries(names, st.dictionaries(texts, tallies, max_size=20), max_size=2),
    st.dictionaries(names, st.sets(st.integers(0, 2**64 - 1), max_size=40), max_size=2),
    st.dictionaries(names, peaks, max_size=2),
    st.lists(points, max_size=20),
    st.sampled_from(["", "payments"]),
)


@given(deltas, deltas)
def test_it_does_not_matter_which_comes_first(one: Delta, two: Delta) -> None:
    assert one.joined(two) == two.joined(one)
    assert encode([one.joined(two)]) == encode([two.joined(one)])


@given(deltas, deltas, deltas)
def test_it_does_not_matter_which_are_joined_first(one: Delta, two: Delta, three: Delta) -> None:
    assert one.joined(two).joined(three) == one.joined(two.joined(three))


@given(deltas)
def test_nothing_joined_changes_nothing(one: Delta) -> None:
    assert one.joined(Delta(one.entity, one.source, one.minute)) == one


@given(st.lists(deltas, max_size=4))
def test_deltas_come_back_from_the_wire(some: list[Delta]) -> None:
    assert decode(encode(some)) == some
    assert encode_raw([encoded(one) for one in some]) == encode(some)


def test_deltas_join_by_entity_source_and_minute() -> None:
    tally = Tally(1, MINUTE * 60_000, "0" * 32)
    keys = [("user:alice", "okta", 1), ("user:alice", "okta", 2), ("user:alice", "duo", 1), ("user:bob", "okta", 1)]
    some = [Delta(*key, counts={"sign_ins": tally}) for key in keys]
    found = join([*some, *some[:2]])
    assert {key: one.counts["sign_ins"].amount for key, one in found.items()} == dict(
        zip(keys, (2, 2, 1, 1), strict=True)
    )


def test_of_many_values_the_same_are_kept_in_whatever_order_they_come() -> None:
    tally = Tally(1, 0, "0")
    parts = [{f"v{part}{number}": tally for number in range(MAX_VALUES)} for part in range(3)]
    found = []
    for order in permutations(parts):
        known = Delta("host:ws", "zeek", MINUTE)
        for part in order:
            known = known.joined(Delta("host:ws", "zeek", MINUTE, values={"port": part}))
        found.append(known.values["port"])
    assert len(found[0]) == MAX_VALUES
    assert all(one == found[0] for one in found)


def test_another_minute_keeps_others_of_many() -> None:
    tallies_ = {f"v{number}": Tally(1, 0, "0") for number in range(MAX_VALUES * 4)}
    kept = [frozenset(bounded(tallies_, minute)) for minute in range(30)]
    assert len(set(kept)) == len(kept)
    assert len(frozenset().union(*kept)) == len(tallies_)  # none is always left out
    assert rank("v1", 7) == rank("v1", 7) != rank("v1", 8)


def test_a_place_that_is_seen_often_hides_no_other() -> None:
    home = [Point(time, f"{time}", 599_100, 107_500, "NO") for time in range(MAX_POINTS * 3)]
    away = Point(MAX_POINTS * 3, "x", 387_200, -91_400, "PT")
    assert places([*home[::-1], away]) == (home[0], away)


def test_the_earliest_places_are_kept() -> None:
    many = [Point(time, "x", time, 0) for time in range(MAX_POINTS * 2)]
    assert places(reversed(many)) == tuple(many[:MAX_POINTS])


def test_a_sum_stays_where_it_can_still_be_written() -> None:
    most = Tally(MAX_AMOUNT, 1, "a")
    assert most.plus(most) == most
    assert decode(encode([Delta("host:ws", "zeek", 1, counts={"bytes_out": most.plus(most)})]))


@pytest.mark.parametrize("field", ["value", "time", "event", "text"])
def test_of_two_peaks_the_same_is_kept_in_any_order(field: str) -> None:
    one = Peak(5, MINUTE * 60_000, "a", "a")
    two = replace(one, **{field: 6 if field == "value" else one.time + 1 if field == "time" else "b"})
    wanted = two if field == "value" else one
    assert one.over(two) == two.over(one) == wanted


def test_the_records_of_what_is_no_longer_named_are_dropped() -> None:
    early, late = Tally(1, 5, "early"), Tally(1, 9, "late")
    refs = {uid: Ref(3002, "raw.okta", 0, 1, "") for uid in ("early", "late")}
    one = Delta("user:alice", "okta", 0, counts={"sign_ins": late}, events={"late": refs["late"]})
    two = Delta("user:alice", "okta", 0, counts={"sign_ins": early}, events={"early": refs["early"]})
    assert one.joined(two).events == {"early": refs["early"]}


@pytest.mark.parametrize("data", [b"", b"\xc1", b"{}", b"\x91\x92\xa1x\xa1y", b"\x91\x93\xa1\xff\xa1y\x01", b"[]"])
def test_what_are_no_deltas_is_an_invalid_record(data: bytes) -> None:
    with pytest.raises(InvalidRecord, match="not feature deltas"):
        decode(data)

"""A batch folds to a few deltas, the same whatever its order and wherever it is cut, and these to few messages."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import feature
from models.event import Event
from models.feature import MAX_POINTS, MAX_VALUES, MINUTE_MS, Delta, decode, encode, join
from streams.features.catalog import CATALOG
from streams.features.folding import MAX_BYTES, MAX_DELTAS, Counting, envelopes
from streams.sources.registry import SOURCES
from streams.topics import partition_for
from tests.features.build import NOON, amounts, event, folded, sign_in
from tests.sources.samples import samples

PARTITIONS = 12


def recorded() -> list[Event]:
    """Return the events of the sample records of every source."""
    parsed = (source.parse_all(record) for name, source in SOURCES.items() for record in samples(name))
    return [one for found in parsed if isinstance(found, list | tuple) for one in found]


EVENTS = recorded()
CROWDED = [  # one entity's minute in which everything is too much
    event(
        4001,
        1,
        at=number * 7919 % MINUTE_MS,
        src_endpoint={"ip": "10.0.0.1"},
        dst_endpoint={"ip": f"198.51.100.{number % 200}", "port": 1 + number % 90},
        connection_info={"protocol_name": "tcp"},
        traffic={"bytes_out": number, "bytes_in": 2**62},
        tls={"sni": f"www.example{number % 40}.com"},
    )
    for number in range(300)
]
TRAVELLING = [
    sign_in(number % 50, src_endpoint={"ip": "203.0.113.7", "location": {"lat": number % 80, "long": number % 7}})
    for number in range(200)
]


def cut(events: list[Event], cuts: list[int]) -> list[Delta]:
    """Count events in several batches and join what they count to."""
    places = sorted({0, len(events), *(place % (len(events) + 1) for place in cuts)})
    parts = [delta for start, end in pairwise(places) for delta in folded(events[start:end])]
    return sorted(join(parts).values(), key=lambda delta: delta.key)


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 2**16), max_size=12))
def test_recorded_events_fold_alike_in_any_order_and_wherever_they_are_cut(dice: Random, cuts: list[int]) -> None:
    shuffled = [*EVENTS]
    dice.shuffle(shuffled)
    assert encode(cut(shuffled, cuts)) == encode(folded(EVENTS))


@pytest.mark.parametrize("events", [CROWDED, TRAVELLING], ids=["crowded", "travelling"])
@given(dice=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 2**16), max_size=12))
def test_a_crowded_minute_folds_alike_in_any_order_and_wherever_it_is_cut(
    events: list[Event], dice: Random, cuts: list[int]
) -> None:
    shuffled = [*events]
    dice.shuffle(shuffled)
    assert encode(cut(shuffled, cuts)) == encode(folded(events))


def test_a_crowded_minute_is_bounded() -> None:
    (minute,) = folded(CROWDED)
    assert {len(tallies) for tallies in minute.values.values()} == {MAX_VALUES}
    assert minute.counts["bytes_in"].amount == feature.MAX_AMOUNT
    assert minute.distinct["ports"].count == pytest.approx(90, rel=0.2)
    (trips,) = folded(TRAVELLING)
    assert len(trips.points) == MAX_POINTS


def test_a_flood_of_failed_sign_ins_is_a_handful_of_records() -> None:
    count, counting = 100_000, Counting()
    for number in range(count):
        ip = f"198.51.{number // 250 % 250}.{number % 250}"
        counting.add(sign_in(number % (3 * MINUTE_MS), ip=ip, failed=True))
    deltas = counting.deltas()
    assert len(deltas) == 2
    assert sum(amounts(delta)["failed_sign_ins"] for delta in deltas) == count
    assert all(delta.distinct["failed_sources"].count > 10_000 for delta in deltas)
    messages = list(envelopes(deltas, PARTITIONS))
    assert len(messages) == 1
    assert len(messages[0][1]) < 2_000


def test_a_minute_that_comes_backwards_names_the_first_record_and_forgets_the_others() -> None:
    """Exports are often newest first: each of their events is then the first so far."""
    (minute,) = folded([sign_in()])
    assert len(minute.events) == 1
    tracemalloc.start()
    try:
        (minute,) = folded(sign_in(at) for at in range(20_000, 0, -1))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert list(minute.events) == [sign_in(1).uid]
    assert peak_bytes < 1_000_000


def test_minutes_are_told_apart_by_event_time_and_source() -> None:
    moments = [0, MINUTE_MS - 1, MINUTE_MS]
    found = folded(
        [sign_in(at) for at in moments] + [event(3002, 1, source="other", user={"name": "alice@example.com"})]
    )
    minute = NOON // MINUTE_MS
    told = [(one.source, one.minute - minute, amounts(one)["sign_ins"]) for one in found]
    assert told == [("made", 0, 2), ("made", 1, 1), ("other", 0, 1)]


def test_the_first_event_of_each_value_can_be_fetched_again() -> None:
    first, second, again = sign_in(1), sign_in(2, ip="203.0.113.8"), sign_in(3)
    (minute,) = folded([again, second, first])
    assert minute.counts["sign_ins"] == feature.Tally(3, first.time, first.uid)
    assert minute.values["source"]["203.0.113.8"] == feature.Tally(1, second.time, second.uid)
    assert set(minute.events) == {first.uid, second.uid}
    assert minute.events[second.uid] == feature.Ref(3002, "raw.made", 0, 2, second.sha256)


def test_what_was_counted_is_given_out_once() -> None:
    counting = Counting()
    counting.add(sign_in())
    assert len(counting) == len(counting.deltas()) == 1
    assert counting.deltas() == ()


def test_events_of_classes_that_say_nothing_of_behaviour_count_nothing() -> None:
    assert (
        folded([event(2004, 1, actor={"user": {"name": "alice"}}), event(1005, 1, device={"hostname": "ws-1"})]) == ()
    )


def test_every_message_has_one_partition_and_is_not_too_large() -> None:
    events = [sign_in(number, user={"name": f"user{number}@example.com"}) for number in range(3 * MAX_DELTAS)]
    deltas = folded(events)
    messages = list(envelopes(deltas, 2))
    assert len(messages) == 4  # as few as there can be
    back = []
    for partition, value in messages:
        some = decode(value)
        assert len(some) <= MAX_DELTAS
        assert len(value) <= MAX_BYTES
        assert {partition_for(delta.entity.encode(), 2) for delta in some} == {partition}
        back += some
    assert sorted(back, key=lambda delta: delta.key) == list(deltas)


def test_large_deltas_are_cut_by_size() -> None:
    long = [
        event(
            6003,
            1,
            at=number,
            actor={"user": {"name": f"user{number // 20}@example.com"}},
            api={"operation": f"{number}" * 60},
            resources=[{"uid": f"{number}-{part}" * 30} for part in range(8)],
        )
        for number in range(1_200)
    ]
    messages = list(envelopes(folded(long), 1))
    assert len(messages) > 1
    assert all(len(value) <= MAX_BYTES + 16 for _, value in messages)
    assert sum(len(decode(value)) for _, value in messages) == 60


def test_everything_that_is_counted_is_in_the_catalog_and_of_its_kind() -> None:
    for delta in folded(EVENTS):
        parts = {"count": delta.counts, "value": delta.values, "distinct": delta.distinct, "peak": delta.peaks}
        for kind, part in parts.items():
            assert {name: CATALOG[name].kind for name in part} == dict.fromkeys(part, kind)

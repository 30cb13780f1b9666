"""Matches become parts: what folds, what it keeps, and how large it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.finding import Signal
from models.finding_ocsf import signal_from_ocsf, signal_to_ocsf
from models.ocsf_schema import validate
from streams.flood import FLOOD_LIMIT, MAX_PART_BYTES, Folds, Keyed, clipped, flattened, fold_batch, merged, moments
from tests.correlate.build import MINUTE, START, noise, signal

KEY = "user:u1"
ONE = signal("a", 0, KEY, fields={"user": "u1"}, matched=(("EventID", "4625"),))


def failed_logins(number: int, during_ms: int, users: int = 1) -> Iterator[Signal]:
    """Yield failed logins spread evenly over a time, the same way each time."""
    for n in range(number):
        fields = {"user": f"u{n % users}"}
        yield replace(
            ONE, uid=f"{n * 0x9E3779B97F4A7C15 % 2**64:032x}", time=START + n * during_ms // number, fields=fields
        )


def many(number: int, key: str = KEY, **more: int) -> list[Keyed]:
    return [(one, key) for one in failed_logins(number, 999, **more)]


def test_up_to_the_limit_nothing_folds():
    batch = [*many(FLOOD_LIMIT), *many(FLOOD_LIMIT, "host:h1")]
    assert fold_batch(batch, FLOOD_LIMIT) is batch
    spread = [(one, KEY) for one in failed_logins(5 * FLOOD_LIMIT, 5000)]
    assert fold_batch(spread, FLOOD_LIMIT) is spread


def test_beyond_the_limit_one_signal_stands_for_all_and_says_what_they_were():
    batch = many(FLOOD_LIMIT + 1, users=2)
    ((flood, key),) = fold_batch(batch, FLOOD_LIMIT)
    first = min((one for one, _ in batch), key=lambda one: (one.time, one.uid))
    assert (key, flood.count, flood.time) == (KEY, FLOOD_LIMIT + 1, first.time)
    assert (flood.event, flood.matched) == (first.event, first.matched)
    assert flood.flood
    assert flood.flood.first == first.uid != flood.uid
    told = Counter((moment.time, moment.signal.fields["user"]) for moment in moments(flood))
    assert told == Counter((one.time, one.fields["user"]) for one, _ in batch)


def test_what_is_not_in_the_flood_stays_single():
    other = signal("b", 0, KEY)
    sent = fold_batch([*many(50), (other, KEY), (ONE, "host:h1")], FLOOD_LIMIT)
    assert [(one.flood is None, key) for one, key in sent] == [(True, KEY), (True, "host:h1"), (False, KEY)]


def test_matches_of_another_weight_are_another_flood():
    heavy = [(replace(one, uid=f"h{one.uid}", risk=90), key) for one, key in many(30)]
    one, other = (signal for signal, _ in fold_batch([*many(30), *heavy], FLOOD_LIMIT))
    assert {one.risk, other.risk} == {40, 90}
    assert one.uid != other.uid


def test_a_record_that_a_batch_holds_twice_counts_once():
    ((flood, _),) = fold_batch(many(30) * 2, FLOOD_LIMIT)
    assert flood.count == 30


@given(st.integers(21, 90), st.randoms(use_true_random=False))
def test_parts_have_one_uid_and_each_its_identity_whatever_the_order(number, random):
    batch = many(number, users=3)
    parts = fold_batch(batch, FLOOD_LIMIT)
    assert fold_batch(random.sample(batch, number), FLOOD_LIMIT) == parts
    ((one, _),), ((other, _),) = parts, fold_batch([*batch[1:], (replace(ONE, uid="another"), KEY)], FLOOD_LIMIT)
    assert one.uid == other.uid
    assert one.flood
    assert other.flood
    assert one.flood.part != other.flood.part


@given(st.integers(50, 300), st.integers(0, 6), st.randoms(use_true_random=False))
def test_the_parts_of_any_cut_make_the_whole_again(number, cuts, random):
    batch = many(number, users=4)
    shuffled = random.sample(batch, number)
    edges = sorted(random.choices(range(number), k=cuts))
    sent = [
        one
        for start, end in zip([0, *edges], [*edges, number], strict=True)
        for one, _ in fold_batch(shuffled[start:end], 5)
    ]
    whole = merged(random.sample(sent * 2, len(sent) * 2), KEY)
    ((expected, _),) = fold_batch(batch, 5)
    assert (whole.uid, whole.time, whole.count, whole.event) == (
        expected.uid,
        expected.time,
        number,
        expected.event,
    )
    assert matches(whole) == matches(expected)


def matches(flood: Signal) -> Counter[tuple[int, str]]:
    found: Counter[tuple[int, str]] = Counter()
    for moment in moments(flood):
        found[moment.time, moment.signal.fields["user"]] += moment.matches
    return found


def test_no_part_is_larger_than_its_topic_takes():
    batch = [
        (replace(ONE, uid=f"{n:032x}", time=START + n % 1000, fields={"user": noise(n, 200)}), KEY) for n in range(5000)
    ]
    sent = fold_batch(batch, FLOOD_LIMIT)
    sizes = [len(ocsf.encode(signal_to_ocsf(one))) for one, _ in sent]
    assert len(sent) > 1
    assert max(sizes) < MAX_PART_BYTES + 10_000
    assert len({one.flood.part for one, _ in sent if one.flood}) == len(sent)
    assert sum(one.count for one, _ in sent) == 5000
    assert (
        merged([one for one, _ in sent], KEY).event
        == min((one for one, _ in batch), key=lambda one: (one.time, one.uid)).event
    )


def test_a_folded_signal_is_ocsf_and_comes_back_the_same():
    ((flood, _),) = fold_batch(many(1000, users=7), FLOOD_LIMIT)
    record = ocsf.decode(ocsf.encode(signal_to_ocsf(flood)))
    assert validate(record) == []
    assert (record["count"], record["start_time"], record["end_time"]) == (1000, START, START + 998)
    assert signal_from_ocsf(record) == flood


def test_clipping_keeps_what_is_wanted():
    ((flood, _),) = fold_batch(many(999), FLOOD_LIMIT)
    assert clipped(flood, lambda _: True) is flood
    assert clipped(flood, lambda _: False) is None
    half = clipped(flood, lambda time: time >= START + 500)
    assert half
    assert (half.time, half.count) == (START + 500, 499)
    assert clipped(ONE, lambda _: False) is None


def test_a_flattened_flood_is_its_first_match_with_the_count():
    ((flood, _),) = fold_batch(many(99), FLOOD_LIMIT)
    flat = flattened(flood)
    assert flood.flood
    assert (flat.uid, flat.time, flat.count, flat.flood) == (flood.flood.first, START, 99, None)


def test_a_million_failed_logins_in_a_minute_leave_few_signals():
    size, sent = 2000, list[Signal]()
    batch: list[Keyed] = []
    for one in failed_logins(1_000_000, MINUTE):
        batch.append((one, KEY))
        if len(batch) == size:
            sent += [one for one, _ in fold_batch(batch, FLOOD_LIMIT)]
            batch.clear()
    assert len({one.uid for one in sent}) == 60
    assert len(sent) < 600
    assert sum(one.count for one in sent) == 1_000_000


@pytest.mark.parametrize("order", ["in order", "shuffled"])
def test_a_whole_replay_is_one_batch_however_large(order):
    held = list(failed_logins(30_000, 3000))
    if order == "shuffled":
        Random(1).shuffle(held)  # noqa: S311  # a test has to be repeatable, not secret
    folds = Folds(FLOOD_LIMIT)
    for one in held:
        folds.add(one, KEY)
    found = [one for one, _ in folds.parts()]
    assert sorted((one.time, one.count) for one in found) == [(START + n * 1000, 10_000) for n in range(3)]

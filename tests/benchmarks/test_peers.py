"""Braid and its peers can be measured side by side, and are judged as the oracle says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.peer_pairs import TIMESPAN_MS, first_pair, is_told, with_one
from tests.benchmarks.peers_engines import engines, find_quix, quix_folder
from tests.benchmarks.peers_input import FIRST, ORDERS, THEN, Feed, feed, host_of
from tests.benchmarks.peers_judge import Alert, judge
from tests.benchmarks.peers_run import Place, Ran, run

START_MS = 1_790_000_000_000
GRACE_MS = 300_000


def made(order: str, partitions: int = 2) -> Feed:
    return feed(order, 120, 12, partitions, START_MS)


def ran(name: str, order: str, place: Place, quix: Path | None = None) -> Ran:
    return run(engines(quix)[name], made(order), place, "", lambda _: None)


@pytest.fixture
def place(bootstrap: str, topic_prefix: str, tmp_path: Path) -> Place:
    return Place(bootstrap, topic_prefix, tmp_path, 2, GRACE_MS)


def test_orders_differ_and_what_is_expected_does_not() -> None:
    feeds = [made(order) for order in ORDERS]
    assert len({one.expected for one in feeds}) == 1
    arrivals = [[dict(message.headers)["ce_id"] for _, message in one.messages if message.key] for one in feeds]
    ordered, shuffled, late = arrivals
    assert ordered != shuffled
    assert sorted(ordered) == sorted(shuffled)
    assert set(late) == set(ordered)
    assert max(Counter(late).values()) == 2
    assert [one.sent for one in feeds] == list(map(len, arrivals))


def test_hosts_have_pairs_and_what_only_looks_like_one() -> None:
    given = made("ordered")
    assert 10 < len(given.expected) < sum(signal.analytic.uid == FIRST for signal in given.signals.values())
    for one in given.expected:
        signals = [given.signals[uid] for uid in one.uids]
        assert {signal.analytic.uid for signal in signals} == {FIRST, THEN}
        assert {host_of(signal) for signal in signals} == {one.host}


def whole(given: Feed) -> list[Alert]:
    """Return an alert for each expected sequence, with all of its signals."""
    in_time = [tuple(sorted(one.uids, key=lambda uid: given.signals[uid].time)) for one in given.expected]
    return [Alert(uids[0], one.host, uids) for one, uids in zip(given.expected, in_time, strict=True)]


def test_answers_are_judged() -> None:
    given = made("ordered")
    right = whole(given)
    found = judge(given, right, 7)
    assert (found.found, found.exact, found.missed, found.records) == (len(right), len(right), 0, 7)
    found = judge(given, [*right[1:], replace(right[1], uid="again"), replace(right[2], host="host:other")], 7)
    assert (found.missed, found.twice, found.wrong) == (1, 1, 1)
    assert judge(given, [replace(right[0], uids=right[0].uids[:1])], 1).wrong == 1


def test_the_wrong_way_round_is_wrong() -> None:
    given = made("ordered")
    known = {uid for one in given.expected for uid in one.uids}
    first, then = ({uid: s for uid, s in given.signals.items() if s.analytic.uid == rule} for rule in (FIRST, THEN))
    backwards = [
        Alert("", host_of(one), (uid, other_uid))
        for uid, one in then.items()
        for other_uid, other in first.items()
        if host_of(one) == host_of(other) and 0 < other.time - one.time <= TIMESPAN_MS and not {uid, other_uid} & known
    ]
    assert len(backwards) > 0
    assert judge(given, backwards, 0).wrong == len(backwards)


def test_a_pair_is_the_earliest_in_order_and_in_time() -> None:
    held = with_one(with_one([["b", "then", 5], ["x", "first", 6]], ["a", "first", 5 - TIMESPAN_MS]), ["a", "first", 0])
    pair = first_pair(held, "first", "then")
    assert pair is not None
    assert [one[0] for one in pair] == ["a", "b"]
    assert first_pair([["a", "first", 0], ["b", "then", TIMESPAN_MS + 1]], "first", "then") is None
    assert first_pair([["b", "then", 0], ["a", "first", 1]], "first", "then") is None
    assert is_told(0, 2 * TIMESPAN_MS)
    assert not is_told(0, 2 * TIMESPAN_MS + 1)
    assert not is_told(None, 0)


@pytest.mark.parametrize(("name", "order"), [("Braid", "late"), ("Faust windows", "shuffled")])
def test_an_engine_is_measured_and_finds_all(name: str, order: str, place: Place) -> None:
    found = ran(name, order, place)
    assert found.problem == ""
    assert (found.verdict.missed, found.verdict.twice, found.verdict.wrong) == (0, 0, 0)
    assert found.verdict.exact == found.verdict.expected or name != "Braid"
    assert min(found.per_second, found.per_core, found.peak_mb) > 0


@pytest.mark.parametrize("mode", ["window", "state"])
def test_quix_is_measured(mode: str, place: Place) -> None:
    folder = quix_folder()
    quix = find_quix(folder) if folder else None
    if quix is None:
        pytest.skip("left out: python -m tests.benchmarks.peers makes the environment of Quix Streams it needs")
    found = ran(f"Quix {mode}", "ordered", place, quix)
    assert found.problem == ""
    assert (found.verdict.missed, found.verdict.twice, found.verdict.wrong) == (0, 0, 0)

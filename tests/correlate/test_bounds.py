"""The bound on one key's state, which no input breaks, and folding, which loses no count."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.finding import Signal
from streams.correlate.bounds import LARGEST, MAX_MEMBERS, MAX_SIGNALS, MAX_STATE_BYTES, fold, settled, within_bounds
from streams.correlate.state import MAX_PLAIN_BYTES, KeyState, Standing, decode_state, encode_state, plain_bytes
from tests.correlate.build import HOUR, MINUTE, START, link, noise, signal, spec, state_of


def counts(state: KeyState) -> list[tuple[int, int]]:
    return [(s.time - START, s.count) for s in state.signals]


def many(*at: int, rule: str = "a", **more: Any) -> list[Signal]:
    return [signal(rule, time, "host:h1", name=f"{rule}{time}", **more) for time in at]


def unshown(*at: int) -> list[Signal]:
    """Return signals behind as many of another rule as a sequence shows, and before a last one."""
    shown = [signal("z", -100 + n, "host:h1", name=f"z{n}", fields={"n": str(n)}) for n in range(MAX_MEMBERS)]
    return [*shown, *many(*at), signal("y", 10 * HOUR, "host:h1")]


def test_the_nearest_pair_folds_first_and_keeps_the_count_and_the_earlier_name():
    state = state_of(*unshown(0, 10, 13, 30))
    folded = fold(state, len(state.signals) - 1)
    assert counts(folded)[MAX_MEMBERS:-1] == [(0, 1), (10, 2), (30, 1)]
    assert {s.uid for s in folded.signals} < {s.uid for s in state.signals}
    assert folded.evicted == 1
    again = fold(state, len(state.signals) - 2)
    assert counts(again)[MAX_MEMBERS:-1] == [(0, 3), (30, 1)]


def test_a_signal_folds_only_into_one_of_its_own_rule():
    state = state_of(*many(0, 2), *many(1, 3, rule="b"))
    folded = fold(state, 0)
    assert sorted((s.analytic.uid, s.count) for s in folded.signals) == [("a", 2), ("b", 2)]
    assert fold(folded, 0) is folded


def test_equal_values_fold_before_different_ones_even_when_these_are_nearer_and_between():
    values = [({"user": "u1"}, 0), ({"user": "u2"}, 1), ({"user": "u1"}, 30 * MINUTE), ({"user": "u2"}, 31 * MINUTE)]
    state = state_of(*(signal("a", at, "host:h1", fields=fields, name=f"v{at}") for fields, at in values))
    folded = fold(state, 2)
    assert [(s.fields["user"], s.count) for s in folded.signals] == [("u1", 2), ("u2", 2)]


def test_entities_are_values_too():
    state = state_of(*(signal("a", n, "host:h1", f"user:u{n % 2}", name=f"e{n}") for n in range(8)))
    folded = fold(state, 2)
    assert [(str(s.entities[1]), s.count) for s in folded.signals] == [("user:u0", 4), ("user:u1", 4)]


def test_what_a_sequence_shows_folds_last():
    state = state_of(*many(*range(MAX_MEMBERS + 10)))
    folded = fold(state, MAX_MEMBERS + 2)
    assert [count for _, count in counts(folded)] == [1] * MAX_MEMBERS + [9, 1]


def standing(start: int, end: int) -> Standing:
    return Standing("s", f"q{start}", "digest", START + start, START + end, is_alert=False)


def test_nothing_folds_across_the_start_or_the_end_of_a_sequence():
    state = state_of(*many(0, 9, 10, 11, 19, 20, 21, 22), standing=(standing(10, 20),))
    assert counts(fold(state, 0)) == [(0, 2), (10, 4), (21, 2)]


def test_nothing_folds_across_the_end_of_a_final_sequence():
    state = state_of(*many(0, 9, 10, 11, 12), floors=(("s", START + 10),))
    assert counts(fold(state, 0)) == [(0, 3), (11, 2)]


def test_counts_end_at_the_largest_number_that_every_reader_knows():
    state = state_of(*(replace(s, count=LARGEST - 1) for s in many(0, 1)))
    assert counts(fold(state, 1)) == [(0, LARGEST)]


floods = st.lists(
    st.builds(
        lambda rule, at, user, count, n: signal(
            rule, at, "host:h1", fields={"user": user}, name=f"{rule}{at}{user}{n}", count=count
        ),
        st.sampled_from("ab"),
        st.integers(0, 40),
        st.sampled_from(["u1", "u2"]),
        st.integers(1, 9),
        st.integers(0, 1),
    ),
    max_size=60,
    unique_by=lambda s: s.uid,
)
edges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=3, unique_by=lambda pair: pair[0])


@settings(max_examples=150)
@given(floods, edges, st.integers(0, 60), st.randoms(use_true_random=False))
def test_folding_loses_no_count_crosses_no_edge_and_knows_no_order(held, bounds, limit, order):
    sequences = tuple(standing(start, start + length) for start, length in bounds)
    state = state_of(*held, standing=sequences)
    folded = fold(state, limit)
    assert sum(s.count for s in folded.signals) == sum(s.count for s in state.signals)
    assert len(folded.signals) + folded.evicted == len(state.signals)
    assert list(folded.signals) == sorted(folded.signals, key=lambda s: (s.time, s.uid))
    for sequence in sequences:
        for inside in (lambda t, q=sequence: q.start <= t <= q.end, lambda t, q=sequence: t < q.start):
            kept, before = (sum(s.count for s in one.signals if inside(s.time)) for one in (folded, state))
            assert kept == before
    order.shuffle(held)
    assert fold(state_of(*held, standing=sequences), limit) == folded
    assert fold(folded, limit) == folded


@given(floods, st.integers(0, 60))
def test_a_fold_stops_as_soon_as_there_is_room(held, limit):
    state = state_of(*held)
    folded = fold(state, limit)
    kinds = {s.analytic.uid for s in state.signals}
    assert len(folded.signals) == min(len(state.signals), max(limit, len(kinds)))


# --- the bound


def assert_within(state: KeyState) -> KeyState:
    kept = within_bounds(state)
    data = encode_state(kept)
    assert len(data) <= MAX_STATE_BYTES
    assert decode_state(data) == kept
    assert within_bounds(kept) is kept
    assert sum(s.count for s in kept.signals) + kept.evicted >= sum(s.count for s in state.signals) + state.evicted
    return kept


def test_a_small_state_stays_the_same_object():
    state = state_of(*many(*range(20)), links=(link("ip:192.0.2.1", "host:h1", 0, 5),))
    assert within_bounds(state) is state


def test_too_many_signals_fold():
    state = state_of(*many(*range(MAX_SIGNALS + 7)))
    kept = assert_within(state)
    assert (len(kept.signals), kept.evicted) == (MAX_SIGNALS, 7)


def test_details_go_before_anything_that_decides():
    state = state_of(*(signal("a", n, "host:h1", matched=(("CommandLine", noise(n, 200)),)) for n in range(60)))
    kept = assert_within(state)
    assert [replace(s, matched=()) for s in state.signals] == list(kept.signals)
    assert kept.evicted == 0


def test_text_that_packs_well_is_bounded_by_what_can_be_read_back():
    state = state_of(*(signal("a", n, "host:h1", fields={"x": "y" * 20_000}) for n in range(100)))
    kept = assert_within(state)
    assert len(plain_bytes(kept)) <= MAX_PLAIN_BYTES
    assert sum(s.count for s in kept.signals) == 100


def test_one_signal_that_is_too_large_alone_is_let_go_with_all_it_stands_for():
    flood = signal("a", 0, "host:h1", fields={"x": noise(1, 20_000)}, count=500)
    kept = assert_within(state_of(flood))
    assert (kept.signals, kept.evicted) == ((), 500)


def test_the_longest_links_stay():
    linked = tuple(link("ip:192.0.2.1", f"host:{noise(n, 120)}", 0, n) for n in range(64))
    kept = assert_within(KeyState(links=linked))
    assert kept.links == linked[-len(kept.links) :]
    assert kept.evicted == 64 - len(kept.links)


def test_sequences_that_had_to_go_are_final_where_they_ended():
    held = tuple(
        Standing(f"s{n % 3}", noise(n, 60), noise(-n, 60), START + n, START + n + 5, is_alert=True) for n in range(120)
    )
    kept = assert_within(KeyState(standing=held))
    assert kept.standing == held[-len(kept.standing) :]
    assert kept.evicted == 120 - len(kept.standing)
    gone = held[: kept.evicted]
    assert dict(kept.floors) == {name: max(s.end for s in gone if s.spec == name) for name in ("s0", "s1", "s2")}


def test_a_floor_is_where_the_last_of_its_sequences_ended_in_whatever_order_they_are_settled():
    held = tuple(standing(n * 10, n * 10 + 9) for n in range(3))
    for order in permutations(held):
        state = settled(KeyState(standing=held), order)
        assert (state.standing, state.floors, state.evicted) == ((), (("s", START + 29),), 3)


def test_even_floors_are_bounded():
    floors = tuple(sorted((noise(n, 100), n) for n in range(200)))
    kept = assert_within(KeyState(floors=floors))
    assert len(kept.floors) + kept.evicted == 200


@settings(max_examples=40)
@given(
    st.integers(0, 300),
    st.sampled_from([0, 5, 60, 400, 3000]),
    st.integers(1, 4),
    st.integers(0, 64),
    st.integers(0, 60),
    st.integers(0, 30),
    st.integers(0, 10**6),
)
def test_no_state_is_beyond_the_bound_whatever_it_holds(number, size, kinds, linked, standing_number, final, seed):
    state = state_of(
        *(
            signal(
                f"r{n % kinds}",
                n * 977 % (3 * HOUR),
                f"host:{noise(seed + n, 8)}",
                fields={"x": noise(seed - n, n % (size + 1))},
                matched=(("m", noise(seed * n, size // 2)),),
                name=f"{n}",
                count=1 + n % 3,
            )
            for n in range(number)
        ),
        links=tuple(link("ip:192.0.2.1", f"host:{noise(seed + n, 1 + size % 200)}", 0, n) for n in range(linked)),
        standing=tuple(
            Standing(
                noise(n % 7, 20), noise(seed + n, 32), noise(seed - n, 32), START + n, START + 9 * n, is_alert=False
            )
            for n in range(standing_number)
        ),
        floors=tuple(sorted({noise(n + seed, 36): START + n for n in range(final)}.items())),
        evicted=seed,
    )
    kept = assert_within(state)
    assert all(one.time <= other.time for one, other in pairwise(kept.signals))


def test_folding_keeps_a_temporal_rule_whole():
    rules = spec("temporal", "ab").rules
    state = state_of(*many(*range(MAX_SIGNALS)), *many(3, rule="b"))
    assert {s.analytic.uid for s in within_bounds(state).signals} == set(rules)

"""Deadlines of many keys, by the sources that they wait for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.correlate.due import SPARE, Due
from streams.correlate.watermark import Mark, Watermarks

ALL = frozenset[str]()
OKTA, BOTH = frozenset({"okta"}), frozenset({"okta", "zeek"})


def marks(effective: int, **sources: int) -> Watermarks:
    return Watermarks({}, effective, {name: Mark(at, at) for name, at in sources.items()})


def test_a_key_is_taken_once_its_own_sources_have_come_so_far():
    due: Due[str] = Due()
    due.put("a", {ALL: 50, OKTA: 20})
    due.put("b", {ALL: 30})
    assert due.take(marks(10, okta=19, zeek=10)) == []
    assert due.take(marks(10, okta=20, zeek=10)) == ["a"]
    assert due.take(marks(30, okta=60, zeek=30)) == ["b"]


def test_what_was_put_before_no_longer_counts():
    due: Due[str] = Due()
    due.put("a", {ALL: 10})
    due.put("a", {ALL: 40})
    due.put("b", {ALL: 10})
    due.drop("b")
    assert due.take(marks(30)) == []
    assert due.take(marks(40)) == ["a"]
    assert len(due) == 1


def test_old_entries_do_not_pile_up():
    due: Due[str] = Due()
    for time in range(10 * SPARE):
        due.put("a", {ALL: time})
    assert len(due._heaps[ALL]) <= SPARE + 3  # noqa: SLF001  # that is what memory is bounded by
    assert due.take(marks(10 * SPARE)) == ["a"]


deadlines = st.dictionaries(st.sampled_from([ALL, OKTA, BOTH]), st.integers(0, 50), min_size=1)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), deadlines | st.none())),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 30))),
)
def test_it_takes_what_a_look_at_every_key_would(puts, times):
    due: Due[str] = Due()
    held: dict[str, dict[frozenset[str], int]] = {}
    for key, asked in puts:
        if asked is None:
            due.drop(key)
            held.pop(key, None)
        else:
            due.put(key, asked)
            held[key] = asked
    for effective, okta, zeek in sorted(times):
        now = marks(effective, okta=effective + okta, zeek=effective + zeek)
        late = {key for key, asked in held.items() for sources, time in asked.items() if time <= now.of(sources)}
        assert set(due.take(now)) == late
        held = {key: asked for key, asked in held.items() if key not in late}

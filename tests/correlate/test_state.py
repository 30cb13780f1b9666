"""The safe form of one key's state: whole both ways, and refused when it is anything else."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.entity import ENTITY_TYPES, EntityKey, EntityLink
from models.errors import InvalidRecord
from models.finding import Analytic, Attack, EventRef, Part, Signal
from models.records import Coordinates
from streams.correlate.state import (
    STATE_VERSION,
    KeyState,
    Standing,
    decode_state,
    encode_state,
    plain_bytes,
    read_stamped,
    row_bytes,
    stamped,
)
from streams.flood import merged
from tests.correlate.build import link, signal, state_of
from tests.models.strategies import folded, grain_rows

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**53), 2**53)
times = st.integers(0, 2**43)
entities = st.builds(
    EntityKey, st.sampled_from(ENTITY_TYPES), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
)
analytics = st.builds(
    Analytic,
    texts,
    texts,
    st.integers(1, 4),
    texts,
    st.integers(1, 5),
    st.lists(st.builds(Attack, texts, texts)).map(tuple),
)
refs = st.builds(
    EventRef, texts, st.integers(1001, 7004), texts, st.builds(Coordinates, texts, numbers, numbers), texts
)
parts = st.builds(Part, texts, texts, st.integers(0, 100), st.lists(texts, max_size=3).map(tuple))
single_signals = st.builds(
    Signal,
    uid=texts,
    time=times,
    analytic=analytics,
    event=refs,
    domain=texts,
    confidence=st.integers(0, 100),
    risk=st.integers(0, 100),
    entities=st.lists(entities, max_size=3).map(tuple),
    fields=st.dictionaries(texts, texts, max_size=3),
    matched=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    count=st.integers(1, 2**53),
    via=st.lists(entities, max_size=1).map(tuple),
    selections=st.lists(texts, max_size=2).map(tuple),
    parts=st.lists(parts, max_size=2).map(tuple),
)
signals = single_signals | st.builds(folded, single_signals, grain_rows)
links = st.builds(EntityLink, texts, entities, entities, times, times, st.integers(0, 100), texts, texts)
standings = st.builds(
    Standing, texts, texts, texts, times, times, st.booleans(), st.lists(texts, max_size=3).map(tuple)
)
states = st.builds(
    KeyState,
    signals=st.lists(signals, max_size=5).map(tuple),
    links=st.lists(links, max_size=3).map(tuple),
    standing=st.lists(standings, max_size=3).map(tuple),
    floors=st.lists(st.tuples(texts, times), max_size=3).map(tuple),
    evicted=st.integers(0, 2**53),
    watermark=times,
)


def packed(value: object) -> bytes:
    return zlib.compress(orjson.dumps(value))


def plain(state: KeyState) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(zlib.decompress(encode_state(state)))
    return value


@settings(max_examples=100)
@given(states)
def test_a_state_survives_storage(state):
    assert decode_state(encode_state(state)) == state


def test_the_form_is_described_by_itself_and_equal_states_have_equal_bytes():
    state = state_of(signal("a", 0, "host:h1"), signal("a", 5, "host:h1"), evicted=3, watermark=9)
    form = plain(state)
    assert form["version"] == STATE_VERSION
    assert len(form["analytics"]) == 1, "an analytic is written once for all its signals"
    assert (form["evicted"], form["watermark"]) == (3, 9)
    assert encode_state(state) == encode_state(decode_state(encode_state(state)))


@pytest.mark.parametrize("version", [None, 0, STATE_VERSION - 1, STATE_VERSION + 1, str(STATE_VERSION), True])
def test_another_version_is_refused_and_named(version):
    with pytest.raises(InvalidRecord, match=f"version {version!r}, expected {STATE_VERSION}"):
        decode_state(packed({**plain(KeyState()), "version": version}))


@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    for form in (data, zlib.compress(data)):
        with pytest.raises(InvalidRecord):
            decode_state(form)


def test_what_was_cut_short_or_has_a_tail_is_refused():
    whole = encode_state(state_of(signal("a", 0, "host:h1")))
    for broken in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"x", whole + whole):
        with pytest.raises(InvalidRecord):
            decode_state(broken)


def test_a_bomb_is_refused_before_it_unpacks():
    bomb = zlib.compress(orjson.dumps({**plain(KeyState()), "more": "0" * 50_000_000}), 9)
    assert len(bomb) < 60_000
    with pytest.raises(InvalidRecord, match="bound"):
        decode_state(bomb)


def test_deep_nesting_is_refused():
    with pytest.raises(InvalidRecord):
        decode_state(zlib.compress(b"[" * 100_000 + b"]" * 100_000))


FULL = state_of(
    signal("a", 0, "host:h1", "user:u", fields={"port": "1"}, matched=(("Image", "x.exe"),)),
    merged([signal("b", at, "host:h1", fields={"port": "1"}, name=f"b{at}") for at in (5, 6)], "host:h1"),
    links=(link("ip:192.0.2.1", "host:h1", 0, 5),),
    standing=(Standing("s", "uid", "digest", 1, 2, is_alert=True),),
    floors=(("s", 5),),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, part in inner for place in places(part, (*path, name)))]


@settings(max_examples=300)
@given(st.sampled_from(places(plain(FULL))[1:]), json_values)
def test_a_form_changed_anywhere_is_refused_or_reads_as_a_sound_state(place, value):
    form = plain(FULL)
    holder = form
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    with suppress(InvalidRecord):
        state = decode_state(packed(form))
        assert decode_state(encode_state(state)) == state
        assert all(type(s.time) is int and type(s.count) is int and type(s.uid) is str for s in state.signals)
        assert all(type(value) is str for s in state.signals for value in s.fields.values())
        assert all(type(end) is int for _, end in state.floors)
        assert all(type(s.is_alert) is bool and type(s.start) is int for s in state.standing)


@pytest.mark.parametrize(
    "name", ["signals", "links", "standing", "floors", "analytics", "evicted", "watermark", "version"]
)
def test_a_form_that_lacks_a_member_is_refused(name):
    form = plain(FULL)
    del form[name]
    with pytest.raises(InvalidRecord):
        decode_state(packed(form))


@given(single_signals)
def test_a_signal_takes_no_more_bytes_than_is_reckoned_with(held):
    empty = len(plain_bytes(KeyState()))
    assert len(plain_bytes(KeyState(signals=(held,)))) - empty <= row_bytes(held)


@given(st.binary(max_size=20), st.integers(0, 2**62))
def test_a_deadline_before_a_state_is_read_without_it(data, deadline):
    assert read_stamped(stamped(data, deadline)) == (deadline, data)


@pytest.mark.parametrize("data", [b"", b"\x00braid\x00", b"\x00braid\x001234567", b"\x78\x9c anything"])
def test_what_has_no_deadline_before_it_is_refused(data):
    with pytest.raises(InvalidRecord, match="no deadline before it"):
        read_stamped(data)

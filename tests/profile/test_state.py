"""What is remembered can be kept, is read by newer versions, and is learned anew where it cannot be read."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from models.anomaly.baseline import Baseline
from models.errors import InvalidRecord
from models.feature import MINUTE_MS
from streams.features.catalog import CATALOG
from streams.features.numbers import NAMES
from streams.profile.engine import Profiler
from streams.profile.groups import next_end
from streams.profile.ledger import Ledger, decode_ledger, encode_ledger
from streams.profile.outputs import Evicted, Late, Output, Relearned, Vanished
from streams.profile.partition import PROGRESS_KEY, WATERMARKS_KEY, Partition
from streams.profile.progress import Progress, decode
from streams.profile.settings import ProfileSettings
from streams.profile.state import MAX_OPEN, VERSION, Entity, Group, Learned
from streams.profile.states import MOST_BYTES
from streams.profile.stored import (
    MOST_UNPACKED,
    decode_entity,
    decode_group,
    decode_group_head,
    decode_head,
    encode_state,
)
from tests.profile.made import DAY, MINUTE, START, delta

KEY = b"user:alice@example.com"
ALICE = KEY.decode()


def opened(stored: dict[bytes, bytes]) -> Partition:
    return Partition(Profiler(ProfileSettings()), 0, 1, stored, list(stored))


def come(partition: Partition, at: int) -> list[Output]:
    end = START + at * MINUTE_MS
    partition.come(Progress({"okta": end}, {}, end))
    return partition.outputs()


def some(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=11) | st.dictionaries(
        st.integers(0, 120) | st.just("okta"), children, max_size=3
    )


def used(minutes: int = 3) -> Entity:
    partition = opened({})
    partition.take_deltas([delta(ALICE, at, counts={"sign_ins": 1}) for at in range(minutes)], 7, 9)
    come(partition, 1)
    return decode_entity(dict(partition.changes())[KEY] or b"")


def test_a_state_is_read_back_as_it_was() -> None:
    state = used()
    assert state.open_minutes == 2
    assert decode_entity(encode_state(state)) == state


def quiet() -> Entity:
    """Return what is learned of days with something of every model, an hour after the last of it."""
    partition = opened({})
    for at in range(0, 5 * DAY, 11):
        some = {
            "counts": {"sign_ins": at % 7 + 1, "dns_queries": 12, "dns_unknown": at % 5},
            "peaks": {"dns_entropy": at},
        }
        values = {"country": ["no", f"x{at % 40}"], "destination": ["192.0.2.1", f"198.51.100.{at % 99}"]}
        partition.take_deltas([delta(ALICE, at, **some, values=values, point=(599_000, 107_000))], at, at)
        come(partition, at + 1)
    come(partition, 6 * DAY)
    return decode_entity(dict(partition.changes())[KEY] or b"")


def test_a_quiet_state_is_packed_and_read_back_as_it_was() -> None:
    state = quiet()
    learned = state.learned["okta"]
    assert learned.baselines["sign_ins"].table
    assert learned.values["destination"].rows
    assert min(map(len, (learned.habits, learned.ratios, learned.rhythms.tracked, state.travel.last))) > 0
    assert decode_entity(encode_state(state)) == state
    awake = structs.replace(state, open={"okta": {MINUTE: delta(ALICE, 0)}})
    assert decode_entity(encode_state(awake)) == awake
    assert len(encode_state(state)) < 0.7 * len(encode_state(awake))


@pytest.mark.parametrize("name", ["sign_ins", "not_in_the_catalogue"])
def test_a_feature_without_a_number_is_kept_by_name(name: str) -> None:
    state = Entity(learned={"okta": Learned(baselines={name: Baseline(1, 2, 3)})})
    assert decode_entity(encode_state(state)) == state


def repacked(state: Entity, change: Callable[[list[Any]], object]) -> bytes:
    """Return a quiet state with what is packed changed."""
    stored = msgspec.msgpack.decode(encode_state(state))
    plain = msgspec.msgpack.decode(zlib.decompress(stored[5], -15), strict=False)
    change(plain)
    packer = zlib.compressobj(wbits=-15)
    stored[5] = packer.compress(msgspec.msgpack.encode(plain)) + packer.flush()
    return msgspec.msgpack.encode(stored)


def test_a_number_of_a_newer_catalogue_is_an_error_that_says_so() -> None:
    def renumber(plain: list[Any]) -> None:
        plain[0] += 1
        plain[1][0][5] = {plain[0] - 1: next(iter(plain[1][0][5].values()))}

    with pytest.raises(
        InvalidRecord, match=f"feature {len(NAMES)} of {len(NAMES) + 1}: this version knows {len(NAMES)}"
    ):
        decode_entity(repacked(quiet(), renumber))


def test_numbers_of_features_stay_what_they_are() -> None:
    assert sorted(NAMES) == sorted(CATALOG)
    assert (NAMES[0], NAMES[17], NAMES[35], NAMES[65], NAMES[85]) == (
        "sign_ins",
        "bytes_out",
        "source",
        "sources",
        "place",
    )


def test_what_a_state_lacks_is_left_empty() -> None:
    def shorten(plain: list[Any]) -> None:
        del plain[1][0][8:]

    short = decode_entity(repacked(quiet(), shorten)).learned["okta"]
    assert (short.values, short.ratios) == (quiet().learned["okta"].values, {})
    awake = msgspec.msgpack.decode(encode_state(used()))
    del awake[5][1]["okta"][5:]
    assert decode_entity(msgspec.msgpack.encode(awake)).learned["okta"].running == used().learned["okta"].running


@pytest.mark.parametrize("state", [Entity(), used(), quiet()])
def test_when_something_is_to_be_closed_is_known_without_reading_a_state(state: Entity) -> None:
    head = decode_head(encode_state(state))
    assert (head.ends, head.open_minutes) == (state.ends, state.open_minutes)


def test_a_partition_reads_states_when_they_are_asked_for() -> None:
    stored = msgspec.msgpack.decode(encode_state(quiet()))
    partition = opened({KEY: msgspec.msgpack.encode([*stored[:5], b"unreadable"])})
    assert partition.entities == 1
    assert not partition.outputs()
    partition.take_deltas([delta(ALICE, 1, counts={"sign_ins": 1})], 10**6, 1)
    assert [out.key for out in partition.outputs() if isinstance(out, Relearned)] == [ALICE]
    assert partition.entities == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x93\x01\x02",
        msgspec.msgpack.encode([VERSION + 1, 0, 0, 0, {}, b""]),
        b"\x96\x01\x00\x00\x80\x80\x90",
    ],
)
def test_what_cannot_be_read_is_learned_anew_and_said(data: bytes) -> None:
    partition = opened({KEY: data})
    assert [out.key for out in partition.outputs() if isinstance(out, Relearned)] == [ALICE]
    partition.take_deltas([delta(ALICE, 1, counts={"sign_ins": 1})], 1, 1)
    come(partition, 2)
    assert decode_entity(dict(partition.changes())[KEY] or b"").learned["okta"].since == MINUTE + 1
    assert partition.entities == 1


def test_that_a_state_is_of_another_version_is_said() -> None:
    with pytest.raises(InvalidRecord, match=f"version 1, expected {VERSION}"):
        decode_entity(msgspec.msgpack.encode([1, 7, 9, {}, {}, [], []]))


@given(st.binary(max_size=300), st.integers(0, 5))
def test_whatever_is_packed_is_a_state_or_refused(data: bytes, level: int) -> None:
    packer = zlib.compressobj(level, wbits=-15)
    for packed in (data, packer.compress(data) + packer.flush()):
        with suppress(InvalidRecord):
            decode_entity(msgspec.msgpack.encode([VERSION, 0, 0, 0, {}, packed]))


@given(
    st.recursive(st.none() | st.integers(0, 99) | st.binary(max_size=4) | st.sampled_from(["okta", "country"]), some)
)
def test_whatever_stands_in_a_packed_state_is_one_or_refused(plain: Any) -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(msgspec.msgpack.encode([99, [plain if isinstance(plain, list) else [plain]], [14]]))
    with suppress(InvalidRecord):
        decode_entity(msgspec.msgpack.encode([VERSION, 0, 0, 0, {"okta": 9}, packed + packer.flush()]))


def test_a_packed_state_has_what_its_head_names() -> None:
    with pytest.raises(InvalidRecord, match="of 0 sources, where 1 are named"):
        decode_entity(repacked(quiet(), lambda plain: plain[1].clear()))


def test_a_packed_state_does_not_unfold_without_bound() -> None:
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(bytes(MOST_UNPACKED + 1)) + packer.flush()
    with pytest.raises(InvalidRecord, match="cut off"):
        decode_entity(msgspec.msgpack.encode([VERSION, 0, 0, 0, {}, packed]))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_state_or_refused(data: bytes) -> None:
    for read in (decode_entity, decode_group, decode_ledger, decode):
        with suppress(InvalidRecord):
            read(data)


@pytest.mark.parametrize("key", [WATERMARKS_KEY, PROGRESS_KEY])
def test_what_a_partition_keeps_of_itself_begins_anew_where_it_cannot_be_read(key: bytes) -> None:
    partition = Partition(Profiler(ProfileSettings()), 0, 1, {key + b"0/": b"\xc1"})
    assert [out.key for out in partition.outputs() if isinstance(out, Relearned)] == [key[1:].decode() + "0/"]
    assert partition.progress == Progress()


def test_what_comes_after_its_minute_was_closed_is_late() -> None:
    partition = opened({})
    come(partition, 10)
    partition.take_deltas([delta(ALICE, 9, counts={"sign_ins": 1}), delta(ALICE, 10, counts={"sign_ins": 1})], 1, 1)
    late = [out for out in partition.outputs() if isinstance(out, Late)]
    assert [(out.key, out.behind_ms) for out in late] == [(ALICE, 0)]
    assert partition.open_minutes == 1


def test_a_message_is_taken_once_unless_its_topic_was_made_anew() -> None:
    assert used().has_taken(7, 9)
    assert used().has_taken(6, 9)
    assert not used().has_taken(8, 9)
    assert not used().has_taken(0, 10)


def test_open_minutes_are_bounded_and_what_goes_is_counted() -> None:
    partition = opened({})
    partition.take_deltas([delta(ALICE, at, counts={"sign_ins": 1}) for at in range(MAX_OPEN + 1)], 1, 1)
    cut = sum(out.count for out in partition.outputs() if isinstance(out, Evicted))
    assert partition.open_minutes == MAX_OPEN + 1 - cut
    assert cut > 0


def test_no_state_is_larger_than_its_changelog_takes() -> None:
    partition = opened({})
    names = {"application": [f"{number:03}{'x' * 190}" for number in range(16)]}
    partition.take_deltas([delta(ALICE, at, values=names) for at in range(400)], 1, 1)
    partition.outputs()
    assert len(dict(partition.changes())[KEY] or b"") < MOST_BYTES
    assert [out for out in partition.outputs() if isinstance(out, Evicted)]


def test_who_vanishes_is_forgotten_and_said() -> None:
    partition = opened({})
    partition.take_deltas([delta(ALICE, 1, counts={"sign_ins": 1}, values={"country": ["no"]})], 1, 1)
    assert not [out for out in come(partition, 89 * DAY) if isinstance(out, Vanished)]
    assert dict(partition.changes())[KEY]
    assert [out.key for out in come(partition, 91 * DAY) if isinstance(out, Vanished)] == [ALICE]
    assert dict(partition.changes())[KEY] is None


def test_an_empty_group_goes() -> None:
    assert Group().empty
    assert decode_group(encode_state(Group())) == Group()


def test_what_a_group_waits_for_is_known_without_reading_it() -> None:
    state = Group(closed=START)
    assert decode_group_head(encode_state(state)).end == next_end(structs.replace(state, baselines={"a": Baseline()}))


def test_a_ledger_of_another_version_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="version"):
        decode_ledger(encode_ledger(Ledger(version=Ledger().version + 1)))

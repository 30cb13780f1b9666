"""What is remembered can be kept, is read by newer versions, and is learned anew where it cannot be read."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidRecord
from models.feature import MINUTE_MS
from streams.profile.engine import Profiler
from streams.profile.ledger import Ledger, decode_ledger, encode_ledger
from streams.profile.outputs import Evicted, Late, Output, Relearned, Vanished
from streams.profile.partition import PROGRESS_KEY, WATERMARKS_KEY, Partition
from streams.profile.progress import Progress, decode
from streams.profile.settings import ProfileSettings
from streams.profile.state import MAX_OPEN, VERSION, Entity, Group, decode_entity, decode_group, encode_state
from streams.profile.states import MOST_BYTES
from tests.profile.made import DAY, MINUTE, START, delta

KEY = b"user:alice@example.com"
ALICE = KEY.decode()


def opened(stored: dict[bytes, bytes]) -> Partition:
    return Partition(Profiler(ProfileSettings()), 0, 1, stored, list(stored))


def come(partition: Partition, at: int) -> list[Output]:
    end = START + at * MINUTE_MS
    partition.come(Progress({"okta": end}, {}, end))
    return partition.outputs()


def used(minutes: int = 3) -> Entity:
    partition = opened({})
    partition.take_deltas([delta(ALICE, at, counts={"sign_ins": 1}) for at in range(minutes)], 7, 9)
    come(partition, 1)
    return decode_entity(dict(partition.changes())[KEY] or b"")


def test_a_state_is_read_back_as_it_was() -> None:
    state = used()
    assert state.open_minutes == 2
    assert decode_entity(encode_state(state)) == state


def test_an_older_version_is_read_with_what_it_lacks_left_empty() -> None:
    plain = msgspec.msgpack.decode(encode_state(used()))
    older = decode_entity(msgspec.msgpack.encode(plain[:5]))
    assert older.learned == used().learned
    assert older.waiting == ()


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x93\x01\x02", msgspec.msgpack.encode([VERSION + 1, 0, 0, {}, {}])])
def test_what_cannot_be_read_is_learned_anew_and_said(data: bytes) -> None:
    partition = opened({KEY: data})
    assert [out.key for out in partition.outputs() if isinstance(out, Relearned)] == [ALICE]
    partition.take_deltas([delta(ALICE, 1, counts={"sign_ins": 1})], 1, 1)
    come(partition, 2)
    assert decode_entity(dict(partition.changes())[KEY] or b"").learned["okta"].since == MINUTE + 1


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


def test_a_ledger_of_another_version_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="version"):
        decode_ledger(encode_ledger(Ledger(version=VERSION + 1)))

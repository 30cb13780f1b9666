from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichers.context.fields import KINDS, Kind
from enrichers.context.known import Asset, Identity, Interval, Trip, to_json
from models.errors import InvalidRecord
from streams.context_topics import MAX_RECORD_BYTES, TOPICS, Following, record_message, record_of, tombstone
from streams.topics import TOPICS as TABLE
from tests.models.strategies import damaged, json_values

NOON = 1_790_078_400_000
ALICE = Identity("alice", emails=("alice@example.com",), travel=(Trip(Interval(5, None), ("NO",)),), privileged=True)
WEB = Asset("Ünï", names=("web01",), ips=("192.0.2.1",))


def test_a_record_has_its_uid_for_a_key_and_comes_back() -> None:
    for record, topic, kind in ((ALICE, "context.identities", "identity"), (WEB, "context.assets", "asset")):
        message = record_message(record, NOON)
        assert (message.topic, message.key, message.partition) == (topic, record.uid.encode(), None)
        headers = dict(message.headers)
        assert headers["ce_type"] == f"braid.{kind}".encode()
        assert headers["braid_schema"] == f"{kind}/1".encode()
        assert headers["ce_id"] == record.uid.encode()
        assert message.value is not None
        assert record_of(TOPICS[topic], message.value) == record


def test_the_topics_are_compacted_and_known() -> None:
    found = {topic.name: topic for topic in TABLE}
    assert {found[name].cleanup for name in TOPICS} == {"compact"}
    assert {found[name].partitions for name in TOPICS} == {1}


def test_records_and_tombstones_are_followed() -> None:
    following = Following()
    assert following.take("assets", b"a", b'{"uid": "a", "names": ["web01"]}')
    assert not following.take("assets", b"a", b'{"names": "web01", "uid": "a"}')
    assert following.take("assets", b"a", b'{"uid": "a", "names": ["web02"]}')
    assert following.take("assets", b"b", b'{"uid": "b"}')
    assert following.take("identities", b"a", b'{"uid": "a"}')
    assert following.tables().assets == (Asset("a", names=("web02",)), Asset("b"))
    removed = tombstone("assets", b"a", NOON)
    assert removed.value is None
    assert following.take("assets", removed.key, removed.value)
    assert not following.take("assets", removed.key, None)
    assert following.tables().assets == (Asset("b"),)
    assert following.tables().identities == (Identity("a"),)
    assert following.keys("assets") == {b"b"}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"uid": 7.5}', "uid: must be a text"),
        (b'{"uid": "a", "leave": [{"from_ms": 2, "to_ms": 1}]}', "leave: ends before"),
        (b" " * (MAX_RECORD_BYTES + 1), "more than"),
    ],
)
def test_what_is_no_record_changes_nothing(value: bytes, word: str) -> None:
    following = Following()
    following.take("identities", b"a", b'{"uid": "a"}')
    with pytest.raises(InvalidRecord, match=word):
        following.take("identities", b"a", value)
    assert following.keys("identities") == {b"a"}


def as_json(value: object) -> bytes:
    return orjson.dumps(value)


@given(st.sampled_from(KINDS), st.binary() | (json_values | damaged(st.just(to_json(ALICE)))).map(as_json))
def test_any_bytes_are_a_record_or_refused(kind: Kind, value: bytes) -> None:
    try:
        record = record_of(kind, value)
    except InvalidRecord:
        return
    assert record.uid

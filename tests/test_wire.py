from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.action_ocsf import action_from_ocsf
from models.entity import EntityKey, EntityLink
from models.errors import InvalidRecord
from models.finding import SequenceClosed, Signal
from models.finding_ocsf import sequence_from_ocsf, signal_from_ocsf
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from models.verdict import Verdict, close_verdict
from models.verdict_ocsf import verdict_from_ocsf
from streams import wire
from streams.correlate.outputs import Forward, Late, Published
from streams.correlate.watermark import Tick
from streams.deadletter import dead_letter_from_json
from streams.topics import TOPICS, partition_for, rfc3339
from streams.wire import Message
from tests.models import strategies as given_
from tests.models.strategies import damaged, json_values
from tests.raw_records import NOON, connection, event, logon, process_start, raw

HEADERS = ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "braid_schema", "content-type"]
PARTITIONS = 12

links = st.builds(
    EntityLink,
    uid=given_.uids,
    left=given_.entities,
    right=given_.entities,
    valid_from=given_.times,
    valid_to=given_.times,
    confidence=given_.percents,
    source=given_.names,
    evidence=given_.uids,
)
ticks = st.builds(Tick, given_.names, st.integers(0, 999), st.integers(0, 2**47), st.integers(0, 2**47))
HELD = EntityLink("l" * 32, EntityKey("host", "ws1"), EntityKey("ip", "192.0.2.10"), NOON, NOON + 1, 90, "zeek", "e")


def headers(message: Message) -> dict[str, str]:
    """Return the headers as text, each there once."""
    names = [name for name, _ in message.headers]
    assert len(names) == len(set(names))
    return {name: value.decode() for name, value in message.headers}


def check(message: Message, topic: str, key: str, what: str, worker: str, uid: str, time: int) -> dict[str, str]:
    """Check what every message has; return its further headers."""
    assert message.topic == topic
    assert topic in {known.name for known in TOPICS}
    assert message.key == key.encode()
    found = headers(message)
    assert {name: found.pop(name) for name in HEADERS} == {
        "ce_specversion": "1.0",
        "ce_id": uid,
        "ce_type": f"braid.{what}",
        "ce_source": f"/braid/{worker}",
        "ce_time": rfc3339(time),
        "braid_schema": f"{what}/1",
        "content-type": "application/json",
    }
    return found


@pytest.mark.parametrize(
    ("source", "fields", "domain"),
    [
        ("ocsf", logon(), "identity"),
        ("zeek", connection(), "network"),
        ("windows", process_start(), "workload"),
    ],
)
def test_an_event_goes_to_the_topic_of_its_domain(source: str, fields: dict[str, Any], domain: str) -> None:
    one = event(raw(source, fields, at=Coordinates(f"raw.{source}", 4, 99)))
    message = wire.event_message(one)
    further = check(message, f"events.{domain}", one.uid, "event", "ingest", one.uid, NOON)
    assert further == {
        "braid_source": source,
        "braid_topic": f"raw.{source}",
        "braid_partition": "4",
        "braid_offset": "99",
    }
    assert orjson.loads(message.value) == one.ocsf
    assert message.partition is None


@given(given_.single_signals, given_.groups)
def test_a_signal_goes_to_the_key_it_is_routed_to(signal: Signal, key: str) -> None:
    message = wire.signal_message(signal, key)
    assert check(message, "signals", key, "signal", "ingest", signal.uid, signal.time) == {}
    assert signal_from_ocsf(ocsf.decode(message.value)) == signal
    assert message.partition is None


@given(given_.folded_signals, given_.groups)
def test_the_parts_of_a_folded_signal_share_its_uid_and_have_names_of_their_own(signal: Signal, key: str) -> None:
    message = wire.signal_message(signal, key)
    assert signal.flood is not None
    part = signal.flood.part
    name = f"{signal.uid}-{part}"
    assert check(message, "signals", key, "signal", "ingest", name, signal.time) == {"braid_part": part}
    assert signal_from_ocsf(ocsf.decode(message.value)) == signal
    assert ocsf.decode(message.value)["metadata"]["uid"] == signal.uid


@given(given_.signals)
def test_copies_of_one_signal_differ_in_their_key_alone(signal: Signal) -> None:
    one, other = wire.signal_message(signal, "host:a"), wire.signal_message(signal, "host:b")
    assert dataclasses.replace(one, key=other.key) == other


@given(given_.signals)
def test_a_signal_that_another_worker_sends_names_that_worker(signal: Signal) -> None:
    assert headers(wire.signal_message(signal, "*", "correlate"))["ce_source"] == "/braid/correlate"


@given(links)
def test_a_link_goes_to_the_signals_of_both_its_ends_and_to_everybody_under_a_key_of_its_own(link: EntityLink) -> None:
    messages = list(wire.link_messages(link, PARTITIONS))
    ends = [str(end) for end in (link.left, link.right)]
    places = [place for end in ends for place in (("entity-links", f"{end}#{link.uid}", end), ("signals", end, end))]
    for message, (topic, key, end) in zip(messages, places, strict=True):
        assert check(message, topic, key, "entity-link", "ingest", link.uid, link.valid_from) == {}
        assert message.partition == partition_for(end.encode(), PARTITIONS)
        assert wire.link_from_json(message.value) == link
        assert wire.is_own(message.headers)


@given(links)
def test_a_shared_link_goes_to_the_end_that_is_to_know(link: EntityLink) -> None:
    ends = (str(link.left), str(link.right))
    told = [message for end in ends for message in wire.forward_messages(Forward(end, link.shared()))]
    for message, there in zip(told, wire.link_messages(link, PARTITIONS), strict=True):
        assert (message.topic, message.key) == (there.topic, there.key)
        assert wire.partition_of(message, PARTITIONS) == there.partition
        assert headers(message)["ce_source"] == "/braid/correlate"
        assert wire.is_own(message.headers)
        assert wire.link_from_json(message.value).is_shared


@given(ticks, st.integers(1, 12))
def test_a_tick_goes_to_every_partition_once(tick: Tick, partitions: int) -> None:
    messages = list(wire.tick_messages([tick], partitions))
    assert [message.partition for message in messages] == list(range(partitions))
    for message in messages:
        uid = headers(message)["ce_id"]
        assert check(message, "signals", "", "tick", "ingest", uid, tick.watermark) == {}
        assert Tick.from_json(orjson.loads(message.value)) == tick
    assert len({headers(message)["ce_id"] for message in messages}) == 1


def test_a_tick_can_go_to_another_topic() -> None:
    tick = Tick("zeek", 0, NOON, NOON)
    signals, features = (list(wire.tick_messages([tick], 2, topic)) for topic in ("signals", "features"))
    assert [dataclasses.replace(message, topic="signals") for message in features] == signals


def test_ticks_are_told_apart_by_source_partition_and_watermark() -> None:
    ticks_ = [Tick("zeek", 0, 5, 9), Tick("okta", 0, 5, 9), Tick("zeek", 1, 5, 9), Tick("zeek", 0, 6, 9)]
    assert len({headers(message)["ce_id"] for tick in ticks_ for message in wire.tick_messages([tick], 1)}) == 4


def test_feature_deltas_go_to_the_partition_they_were_packed_for() -> None:
    first, second = wire.feature_messages([(3, b"\x90"), (5, b"\x91")], NOON)
    assert [(message.partition, message.value) for message in (first, second)] == [(3, b"\x90"), (5, b"\x91")]
    assert {(message.topic, message.key) for message in (first, second)} == {("features", b"")}
    told = headers(first)
    assert told["content-type"] == "application/msgpack"
    assert (told["ce_type"], told["braid_schema"], told["ce_source"]) == (
        "braid.features",
        "features/1",
        "/braid/ingest",
    )
    assert told["ce_time"] == rfc3339(NOON)
    assert told["ce_id"] != headers(second)["ce_id"]


def test_feature_deltas_of_a_time_before_1970_have_the_earliest_time() -> None:
    (message,) = wire.feature_messages([(0, b"\x90")], -1)
    assert headers(message)["ce_time"] == rfc3339(0)


def letter(data: bytes = b"{", **changes: Any) -> DeadLetter:
    record = RawRecord("okta", data, Coordinates("raw.okta", 2, 77), NOON)
    return DeadLetter(**({"record": record, "stage": "normalize", "error": ParseError("not JSON")} | changes))


@given(st.binary(max_size=200))
def test_a_dead_letter_is_keyed_by_where_its_record_came_from(data: bytes) -> None:
    message = wire.dead_letter_message(letter(data))
    uid = headers(message)["ce_id"]
    assert check(message, "dead-letter", "raw.okta/2", "dead-letter", "ingest", uid, NOON) == {}
    assert dead_letter_from_json(orjson.loads(message.value)) == letter(data)


def test_a_dead_letter_without_a_broker_time_has_the_earliest_time() -> None:
    record = RawRecord("", b"{", Coordinates("a.ndjson", 0, 1))
    assert headers(wire.dead_letter_message(letter(record=record)))["ce_time"] == "1970-01-01T00:00:00.000Z"


def test_dead_letters_are_told_apart_by_stage_place_bytes_and_rule_and_named_alike_when_sent_again() -> None:
    elsewhere = RawRecord("okta", b"{", Coordinates("raw.okta", 2, 78), NOON)
    letters = [
        letter(),
        letter(b"["),
        letter(stage="detect"),
        letter(record=elsewhere),
        letter(stage="detect", details={"rule": "r-1"}),
        letter(stage="detect", details={"rule": "r-2"}),
    ]
    assert len({headers(wire.dead_letter_message(one))["ce_id"] for one in letters}) == len(letters)
    assert wire.dead_letter_message(letter()) == wire.dead_letter_message(letter())


@given(given_.sequences, st.lists(given_.uids, max_size=3).map(tuple))
def test_a_sequence_names_in_a_header_what_it_stands_in_for(sequence: Any, replaces: tuple[str, ...]) -> None:
    message = wire.sequence_message(Published(sequence, replaces))
    further = check(message, "sequences", sequence.uid, "sequence", "correlate", sequence.uid, sequence.end_time)
    assert further == ({"braid_replaces": ",".join(replaces)} if replaces else {})
    assert sequence_from_ocsf(ocsf.decode(message.value)) == sequence
    assert message.value == wire.sequence_message(Published(sequence)).value


@given(given_.withdrawals)
def test_a_withdrawn_sequence_has_the_key_of_the_sequence(closed: SequenceClosed) -> None:
    message = wire.closed_message(closed)
    assert check(message, "sequences", closed.uid, "sequence", "correlate", closed.uid, closed.time) == {}
    assert sequence_from_ocsf(ocsf.decode(message.value)) == closed


@given(given_.single_signals, given_.groups, st.integers(0, 2**40))
def test_a_late_signal_says_how_late_and_where(signal: Signal, key: str, behind: int) -> None:
    message = wire.late_message(Late(signal, key, behind))
    further = check(message, "late", signal.uid, "late", "correlate", signal.uid, signal.time)
    assert further == {"braid_behind_ms": str(behind), "braid_group": key}
    assert signal_from_ocsf(ocsf.decode(message.value)) == signal


@given(given_.verdicts, given_.withdrawals)
def test_a_verdict_and_its_withdrawal_share_a_key(verdict: Verdict, gone: SequenceClosed) -> None:
    message = wire.verdict_message(verdict)
    assert check(message, "verdicts", verdict.uid, "verdict", "investigate", verdict.uid, verdict.time) == {}
    assert verdict_from_ocsf(ocsf.decode(message.value)) == verdict
    closed = close_verdict(dataclasses.replace(gone, uid=verdict.sequence_uid))
    message = wire.verdict_closed_message(closed)
    assert check(message, "verdicts", verdict.uid, "verdict", "investigate", verdict.uid, closed.time) == {}
    assert verdict_from_ocsf(ocsf.decode(message.value)) == closed


@given(given_.actions)
def test_an_action_is_keyed_by_its_own_uid(action: Any) -> None:
    message = wire.action_message(action)
    assert check(message, "actions", action.uid, "action", "investigate", action.uid, action.time) == {}
    assert action_from_ocsf(ocsf.decode(message.value)) == action


def test_a_time_before_1970_does_not_keep_a_message_from_going_out() -> None:
    early = dataclasses.replace(HELD, valid_from=-3_600_000)
    times = {headers(message)["ce_time"] for message in wire.link_messages(early, PARTITIONS)}
    assert times == {"1970-01-01T00:00:00.000Z"}


def refused(data: bytes) -> bool:
    try:
        link = wire.link_from_json(data)
    except InvalidRecord:
        return True
    assert wire.link_from_json(orjson.dumps(wire.link_to_json(link))) == link
    return False


@given(st.binary(max_size=200))
def test_bytes_that_are_no_link_are_refused(data: bytes) -> None:
    assert refused(data)


@given(st.one_of(json_values, damaged(links.map(wire.link_to_json))))
def test_a_damaged_link_is_refused_or_is_whole(value: Any) -> None:
    refused(orjson.dumps(value))


def plain_link(**changes: Any) -> bytes:
    return orjson.dumps(wire.link_to_json(HELD) | changes)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(EntityLink)])
def test_a_link_without_one_of_its_members_is_refused_by_name(name: str) -> None:
    rest = {key: value for key, value in wire.link_to_json(HELD).items() if key != name}
    with pytest.raises(InvalidRecord, match=name):
        wire.link_from_json(orjson.dumps(rest))


@pytest.mark.parametrize(
    "changes",
    [
        {"left": 5},
        {"left": ["host:a"]},
        {"right": None},
        {"right": "planet:mars"},
        {"left": "host:"},
        {"left": "host:" + "a" * 300},
        {"valid_from": "1"},
        {"valid_to": 1.5},
        {"confidence": True},
        {"uid": 7},
        {"source": None},
        {"evidence": []},
    ],
)
def test_a_link_with_a_member_of_the_wrong_type_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord):
        wire.link_from_json(plain_link(**changes))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"5", b'"text"', b"{", b"\xff", b"[" * 5000, b"{}"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecord):
        wire.link_from_json(data)


def keys(messages: Iterable[Message], topic: str) -> list[bytes]:
    return [message.key for message in messages if message.topic == topic]


def test_two_links_of_one_entity_have_keys_of_their_own_so_that_compaction_keeps_both() -> None:
    other = dataclasses.replace(HELD, uid="m" * 32)
    compacted, others = (wire.link_messages(link, PARTITIONS) for link in (HELD, other))
    assert not {*keys(compacted, "entity-links")} & {*keys(others, "entity-links")}

"""The table, the partitioner and the headers, and what `compare` makes of a cluster that differs: all without Kafka."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigError, InvalidRecord
from streams import topics
from streams.topics import Topic, headers_for, murmur2, partition_for, rfc3339
from streams.workers.kafka_admin import Difference, TopicState, compare

DESIGNED = {
    "events.identity",
    "events.network",
    "events.workload",
    "signals",
    "features",
    "entity-links",
    "sequences",
    "late",
    "verdicts",
    "actions",
    "approvals",
    "feedback",
    "audit",
    "dead-letter",
}
TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_table_holds_every_topic_of_the_design_once() -> None:
    names = [topic.name for topic in topics.table(["zeek", "okta", "zeek"])]
    assert names[:2] == ["raw.zeek", "raw.okta"]
    assert set(names) > DESIGNED
    assert len(names) == len(set(names))


def test_topics_that_are_joined_have_the_same_partition_count() -> None:
    by_name = {topic.name: topic for topic in topics.table([])}
    beside_signals = [topic for topic in by_name.values() if topic.beside == "signals"]
    assert {topic.name for topic in beside_signals} == {"entity-links", "features", "braid-correlate-state-changelog"}
    assert all(topic.partitions == by_name[topic.beside].partitions for topic in by_name.values() if topic.beside)


def test_what_has_to_be_there_for_ever_is_compacted_or_never_expires() -> None:
    by_name = {topic.name: topic for topic in topics.table([])}
    assert by_name["audit"].retention_ms == by_name["feedback"].retention_ms == topics.FOREVER_MS
    assert by_name["entity-links"].cleanup == "compact"
    assert "retention.ms" not in topics.settings(by_name["entity-links"])


def test_a_prefix_goes_before_every_name_and_keeps_neighbours_together() -> None:
    table = topics.table(["zeek"], prefix="blue.")
    assert all(topic.name.startswith("blue.") for topic in table)
    assert {topic.beside for topic in table if topic.beside} == {
        f"blue.{name}" for name in ("signals", "features", "sequences", "actions")
    }


@pytest.mark.parametrize("source", ["", "a b", "../x", "ü", "x" * 250, "a\n"])
def test_a_source_that_no_topic_can_be_named_for_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match="no topic can be called"):
        topics.table([source])


def test_a_prefix_that_no_topic_can_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="check the prefix 'blue team '"):
        topics.table([], prefix="blue team ")


@pytest.mark.parametrize(
    ("key", "signed"),  # the vectors that Kafka's own unit tests have for its Java partitioner
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_that_of_kafka(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32
    assert partition_for(key, 12) == (signed & 0x7FFFFFFF) % 12


@given(st.binary(max_size=70), st.integers(1, 1000))
def test_every_key_has_a_partition(key: bytes, partitions: int) -> None:
    assert 0 <= partition_for(key, partitions) < partitions


def test_headers_are_cloudevents_in_binary_mode() -> None:
    headers = headers_for(
        uid="f00", type="braid.signal", source="/braid/ingest", time_ms=1_700_000_000_007, schema="s/1"
    )
    assert headers == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"f00"),
        ("ce_type", b"braid.signal"),
        ("ce_source", b"/braid/ingest"),
        ("ce_time", b"2023-11-14T22:13:20.007Z"),
        ("braid_schema", b"s/1"),
        ("content-type", b"application/json"),
    ]


@pytest.mark.parametrize(
    ("traceparent", "kept"),
    [
        (TRACEPARENT, True),
        (None, False),
        (b"", False),
        (TRACEPARENT.upper(), False),
        (TRACEPARENT + b"\n", False),
        (b"\xff\x00" * 1000, False),
    ],
)
def test_only_a_trace_context_is_passed_through(traceparent: bytes | None, kept: bool) -> None:
    headers = headers_for(uid="u", type="t", source="s", time_ms=0, schema="s/1", traceparent=traceparent)
    assert ("traceparent" in dict(headers)) is kept


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59)))  # noqa: DTZ001  # naive by contract of hypothesis
def test_times_keep_their_milliseconds(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    time_ms = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    assert datetime.fromisoformat(rfc3339(time_ms)) == moment


@pytest.mark.parametrize("time_ms", [-1, 253_402_300_800_000, 2**63])
def test_a_time_that_rfc3339_cannot_write_is_refused(time_ms: int) -> None:
    with pytest.raises(InvalidRecord, match="ce_time"):
        rfc3339(time_ms)


SIGNALS = topics.SIGNALS
LINKS = next(topic for topic in topics.TOPICS if topic.name == "entity-links")


def state(topic: Topic, partitions: int, **changed: str) -> TopicState:
    settings = topics.settings(topic) | {name.replace("_", "."): value for name, value in changed.items()}
    return TopicState(topic.name, partitions, 1, settings)


def differences(*states: TopicState) -> tuple[Difference, ...]:
    return compare((SIGNALS, LINKS), states, "192.0.2.1:9092")


def test_a_cluster_as_the_table_says_has_no_differences() -> None:
    assert differences(state(SIGNALS, 12), state(LINKS, 12)) == ()


def test_a_missing_topic_is_made_by_our_own_command() -> None:
    (found,) = differences(state(SIGNALS, 12))
    assert (found.topic, found.field, found.actual) == ("entity-links", "topic", "")
    assert found.mend == "braid topics create"


def test_fewer_partitions_can_grow() -> None:
    (found,) = differences(state(SIGNALS, 12), state(LINKS, 6))
    assert (found.topic, found.field, found.expected, found.actual) == ("entity-links", "partitions", "12", "6")
    assert "signals" in found.breaks
    assert found.mend.endswith("--bootstrap-server 192.0.2.1:9092 --alter --topic entity-links --partitions 12")


def test_more_partitions_cannot_shrink_and_the_answer_says_what_that_costs() -> None:
    (found,) = differences(state(SIGNALS, 12), state(LINKS, 24))
    assert "loses its records" in found.breaks
    assert "--delete --topic entity-links && braid topics create" in found.mend


def test_a_topic_follows_the_one_it_is_beside_and_not_the_table() -> None:
    (found,) = differences(state(SIGNALS, 24), state(LINKS, 24))
    assert (found.topic, found.expected, found.actual) == ("signals", "12", "24")


@pytest.mark.parametrize("name", sorted(topics.settings(SIGNALS)))
def test_each_setting_is_compared(name: str) -> None:
    changed = replace(state(SIGNALS, 12), settings=topics.settings(SIGNALS) | {name: "other"})
    (found,) = differences(changed, state(LINKS, 12))
    assert (found.topic, found.field, found.actual) == ("signals", name, "other")
    assert found.mend.endswith(f"--entity-name signals --add-config {name}={topics.settings(SIGNALS)[name]}")
    assert str(found).startswith(f"signals: {name} other, not ")


def test_a_bootstrap_address_cannot_smuggle_a_command_into_what_is_to_be_pasted() -> None:
    (found,) = compare((SIGNALS,), (state(SIGNALS, 1),), "x; rm -rf /")
    assert "--bootstrap-server 'x; rm -rf /' --alter" in found.mend

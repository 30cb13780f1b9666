"""The table on a real cluster: made, made again, compared, and partitioned as we say it is."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Message, Producer

from models.errors import ConfigError, KafkaUnavailable
from streams import topics
from streams.topics import Topic
from streams.workers import kafka_admin
from streams.workers.local_kafka import free_ports
from tests.broker import forget

TIMEOUT_S = 30.0


def small_table(prefix: str) -> tuple[Topic, ...]:
    """Give a table of a few topics, so that a test makes no more than it looks at."""
    names = {"signals", "entity-links", "audit"}
    return tuple(topic for topic in topics.table([], prefix) if topic.name.removeprefix(prefix) in names)


def send(producer: Producer, topic: str, **message: object) -> Message:
    """Produce one message and return it as the broker took it."""
    sent: list[Message] = []
    producer.produce(topic, on_delivery=lambda error, done: sent.append(error or done), **message)
    producer.flush(TIMEOUT_S)
    return sent[0]


def test_the_whole_table_is_made_once_and_then_left_alone(bootstrap: str, topic_prefix: str) -> None:
    table = topics.table(["zeek", "okta"], topic_prefix)
    names = tuple(topic.name for topic in table)
    assert kafka_admin.create(bootstrap, table) == kafka_admin.Created(names, ())
    assert kafka_admin.check(bootstrap, table) == ()
    assert kafka_admin.create(bootstrap, table) == kafka_admin.Created((), names)


def test_several_processes_may_make_the_table_at_once(bootstrap: str, topic_prefix: str) -> None:
    table = small_table(topic_prefix)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: kafka_admin.create(bootstrap, table), range(4)))
    assert sorted(name for result in results for name in result.created) == sorted(topic.name for topic in table)
    assert kafka_admin.check(bootstrap, table) == ()


def test_every_difference_is_found(bootstrap: str, topic_prefix: str) -> None:
    signals, links, audit = small_table(topic_prefix)
    made = (replace(signals, retention_ms=1000, max_message_bytes=5000), replace(links, partitions=4, cleanup="delete"))
    kafka_admin.create(bootstrap, made)
    found = kafka_admin.check(bootstrap, (signals, links, audit))
    assert [(d.topic, d.field, d.expected, d.actual) for d in found] == [
        (signals.name, "max.message.bytes", "1048576", "5000"),
        (signals.name, "retention.ms", "2592000000", "1000"),
        (links.name, "partitions", "12", "4"),
        (links.name, "cleanup.policy", "compact", "delete"),
        (audit.name, "topic", "1 partitions", ""),
    ]


def test_only_topics_of_the_table_that_are_there_are_listed(bootstrap: str, topic_prefix: str) -> None:
    table = small_table(topic_prefix)
    assert kafka_admin.list_topics(bootstrap, table) == ()
    kafka_admin.create(bootstrap, table[1:])
    states = kafka_admin.list_topics(bootstrap, table)
    assert [(state.name, state.partitions) for state in states] == [
        (topic.name, topic.partitions) for topic in table[1:]
    ]
    assert states[0].settings == topics.settings(table[1])


def test_a_topic_that_the_cluster_refuses_is_named(bootstrap: str, topic_prefix: str) -> None:
    table = small_table(topic_prefix)[:1]
    with pytest.raises(ConfigError, match=f"refuses the topic {table[0].name}"):
        kafka_admin.create(bootstrap, table, replication=99)


def test_nobody_answering_is_an_error_in_time() -> None:
    nobody = f"127.0.0.1:{free_ports()[0]}"
    with pytest.raises(KafkaUnavailable, match=nobody):
        kafka_admin.check(nobody, topics.TOPICS, timeout_s=0.5)
    with pytest.raises(KafkaUnavailable, match=nobody):
        kafka_admin.create(nobody, topics.TOPICS, timeout_s=0.5)


def test_a_client_setting_that_does_not_exist_is_a_mistake_to_mend() -> None:
    with pytest.raises(ConfigError, match=r"no\.such\.setting"):
        kafka_admin.check("127.0.0.1:1", topics.TOPICS, client={"no.such.setting": "1"})


def test_keys_go_where_the_client_library_puts_them(bootstrap: str, topic_prefix: str) -> None:
    signals = replace(topics.SIGNALS, name=topic_prefix + "signals")
    kafka_admin.create(bootstrap, [signals])
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2"})
    partitions: dict[bytes, int] = {}
    keys = {os.urandom(length) for length in range(1, 80) for _ in range(4)} | {b"user:alice@example.com", b"\x00"}
    for key in keys:
        producer.produce(
            signals.name, b"", key, on_delivery=lambda _, sent: partitions.update({sent.key(): sent.partition()})
        )
    producer.flush(TIMEOUT_S)
    assert partitions == {key: topics.partition_for(key, signals.partitions) for key in keys}


def test_the_broker_stamps_records_whatever_time_the_producer_writes(bootstrap: str, topic_prefix: str) -> None:
    raw = replace(topics.raw_topic("zeek"), name=topic_prefix + "raw.zeek")
    kafka_admin.create(bootstrap, [raw])
    sent = send(Producer({"bootstrap.servers": bootstrap}), raw.name, value=b"{}", timestamp=1_000, partition=0)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic_prefix, "auto.offset.reset": "earliest"})
    consumer.subscribe([raw.name])
    message = consumer.poll(TIMEOUT_S)
    consumer.close()
    assert message is not None
    kind, time_ms = message.timestamp()
    assert kind == TIMESTAMP_LOG_APPEND_TIME
    assert time_ms > 1_000
    assert message.offset() == sent.offset()


def test_a_transaction_commits_and_aborts(bootstrap: str, topic_prefix: str) -> None:
    signals = replace(topics.SIGNALS, name=topic_prefix + "signals", partitions=1)
    kafka_admin.create(bootstrap, [signals])
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic_prefix + "t", "log_level": 0})
    producer.init_transactions(TIMEOUT_S)
    for value, end in ((b"lost", producer.abort_transaction), (b"kept", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(signals.name, value)
        producer.flush(TIMEOUT_S)
        end(TIMEOUT_S)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic_prefix, "auto.offset.reset": "earliest"})
    consumer.subscribe([signals.name])
    message = consumer.poll(TIMEOUT_S)
    consumer.close()
    assert message is not None
    assert message.value() == b"kept"


def test_a_test_leaves_no_topic_behind(bootstrap: str, topic_prefix: str) -> None:
    table = small_table(topic_prefix)
    kafka_admin.create(bootstrap, table)
    forget(bootstrap, topic_prefix)
    assert {difference.field for difference in kafka_admin.check(bootstrap, table)} == {"topic"}

"""Consumers of one group share the traffic, wherever it is."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing

from confluent_kafka import Consumer

from streams.config import load_settings
from streams.topics import RAW_PARTITIONS, table
from streams.workers import clients, kafka_admin
from tests.workers.processes import WAIT_S

SOURCES = ("windows", "zeek", "okta", "suricata")


def by_topic(member: Consumer) -> Counter[str]:
    return Counter(at.topic for at in member.assignment())


def test_every_member_gets_its_part_of_every_topic(bootstrap: str, topic_prefix: str) -> None:
    topics = [topic for topic in table(SOURCES, topic_prefix) if topic.name.startswith(f"{topic_prefix}raw.")]
    kafka_admin.create(bootstrap, topics)
    settings = load_settings(bootstrap=bootstrap, topic_prefix=topic_prefix)
    names = [f"raw.{source}" for source in SOURCES]
    with (
        closing(clients.consumer(settings, "ingest", names)) as one,
        closing(clients.consumer(settings, "ingest", names)) as other,
    ):
        deadline = time.monotonic() + WAIT_S
        while not (by_topic(one) and by_topic(other)):
            assert time.monotonic() < deadline
            for member in (one, other):
                clients.usable(member.consume(1, 0.1))
        half = {topic.name: RAW_PARTITIONS // 2 for topic in topics}
        assert by_topic(one) == by_topic(other) == half

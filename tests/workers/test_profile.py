"""The profile worker on a real Kafka: the anomalies that the pure stage finds, whoever is killed on the way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from confluent_kafka import Message as KafkaMessage
from confluent_kafka import Producer

from models import ocsf
from models.finding_ocsf import signal_from_ocsf
from streams.profile.settings import ProfileSettings
from streams.topics import KEYED_PARTITIONS
from streams.wire import Message
from tests.profile.lives import DELAYS, arrival, chance_of, life
from tests.profile.made import DAY, MINUTE, Cluster, tick
from tests.workers.processes import WAIT_S, Braid, headers

SETTINGS = {"BRAID_ANOMALY_RATE": "0.3", "BRAID_ANOMALY_BUDGET": "100000", "BRAID_ANOMALY_WARMUP_DAYS": "1"}
EAGER = ProfileSettings(rate=0.3, budget=100_000, warmup_days=1, partitions=KEYED_PARTITIONS)
BATCH = 25


def sent() -> list[Message]:
    """Return what ingest would send of some days: deltas in small batches, ticks after each."""
    cluster = Cluster(EAGER, KEYED_PARTITIONS)
    coming, front, found = arrival(life(7), chance_of(3)), dict.fromkeys(DELAYS, 0), list[Message]()
    cluster.collect(found)
    while coming:
        some, coming = coming[:BATCH], coming[BATCH:]
        cluster.deltas(some)
        for one in some:
            front[one.source] = max(front[one.source], one.minute - MINUTE - DELAYS[one.source])
        cluster.ticks(*(tick(source, at, max(front.values()) + 7) for source, at in front.items()))
    cluster.ticks(*(tick(source, 4 * DAY) for source in DELAYS))
    return found


def produce(braid: Braid, messages: Iterable[Message]) -> None:
    producer = Producer({"bootstrap.servers": braid.bootstrap})
    for message in messages:
        at = {"partition": message.partition, "headers": message.headers}
        producer.produce(braid.prefix + message.topic, message.value, **at)
        producer.poll(0)
    assert producer.flush(WAIT_S) == 0


def anomalies(messages: Iterable[KafkaMessage]) -> dict[str, bytes]:
    """Return the signals by uid; the same uid always has the same value."""
    found: dict[str, bytes] = {}
    for message in messages:
        value = message.value() or b""
        if headers(message)["ce_type"] == b"braid.signal":
            uid = signal_from_ocsf(ocsf.decode(value)).uid
            assert found.setdefault(uid, value) == value
    return found


def test_anomalies_are_told_once_after_kill_9_and_rebalance(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    messages = sent()
    expected = Cluster(EAGER, KEYED_PARTITIONS)
    expected.send(messages)
    expected.run()
    assert len(expected.signals) > 3
    (tmp_path / "rules").mkdir()
    braid = Braid(bootstrap, topic_prefix, tmp_path / "rules", tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    third = len(messages) // 3
    with braid.running("worker", "profile", **SETTINGS) as first:
        produce(braid, messages[:third])
        braid.read_until("braid-profile-state-changelog", lambda held: len(held) > 50)
        first.kill()
        first.wait()
    produce(braid, messages[third : 2 * third])
    with braid.running("worker", "profile", **SETTINGS) as second, braid.running("worker", "profile", **SETTINGS):
        braid.read_until("signals", lambda held: len(anomalies(held)) > len(expected.signals) // 4)
        second.kill()
        second.wait()
        produce(braid, messages[2 * third :])
        found = braid.read_until("signals", lambda held: anomalies(held).keys() >= expected.signals.keys())
    assert anomalies(found) == expected.signals

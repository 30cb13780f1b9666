"""The profile worker can be measured on Kafka, with what ingest would send it."""

from __future__ import annotations

from pathlib import Path

from models.feature import decode
from streams.topics import partition_for
from streams.wire import FEATURES, TICK, TYPE_HEADER
from tests.benchmarks.profile_kafka_run import Load, throughput
from tests.workers.processes import Braid

LOAD = Load(entities=3, days=1, hours=1)


def test_every_delta_is_sent_once_to_its_partition_and_every_minute_ends() -> None:
    sent = [*LOAD.before(2), *LOAD.after(2)]
    kinds = [dict(message.headers)[TYPE_HEADER].decode() for message in sent]
    found = [
        (delta.entity, delta.minute, message.partition)
        for message, kind in zip(sent, kinds, strict=True)
        if kind == FEATURES
        for delta in decode(message.value or b"")
    ]
    assert len(set(found)) == len(found) == LOAD.learned + LOAD.measured == 3 * (24 + 60)
    assert all(partition == partition_for(entity.encode(), 2) for entity, _, partition in found)
    assert kinds.count(TICK) == 2 * (24 + 1) * 60


def test_the_worker_is_measured_on_kafka(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    told = list[int]()
    found, written = throughput(Braid(bootstrap, topic_prefix, tmp_path / "rules", tmp_path), LOAD, 2, 0, told.append)
    assert found.records == LOAD.measured
    assert told[-1] == LOAD.learned + LOAD.measured
    assert min(found.per_second, found.per_core) > 0
    assert written > 0

"""The correlate worker can be measured on Kafka: with the made rules, and with a changelog to restore."""

from __future__ import annotations

from pathlib import Path

from models.uids import content_uid
from streams.correlate.state import decode_state
from streams.topics import partition_for
from tests.benchmarks import correlating
from tests.benchmarks.correlate_kafka_input import messages, probes, rule_id, states, write_rules
from tests.benchmarks.correlate_kafka_run import recovery, throughput
from tests.workers.processes import Braid


def test_the_worker_gets_the_made_rules(tmp_path: Path) -> None:
    made = correlating.correlations(40)
    found = write_rules(tmp_path, 40)
    assert {spec.uid: (spec.kind, spec.rules, spec.group_by, spec.timespan, spec.threshold) for spec in found} == {
        rule_id(spec.uid): (spec.kind, tuple(map(rule_id, spec.rules)), spec.group_by, spec.timespan, spec.threshold)
        for spec in made
    }


def test_signals_go_to_keys_that_rules_want(tmp_path: Path) -> None:
    given = list(messages(write_rules(tmp_path, 40), 50, 2))
    copies = [(partition, message.key) for partition, message in given if message.key]
    assert len(copies) > 50
    assert all(partition == partition_for(key, 2) for partition, key in copies)
    assert len(given) > len(copies)  # ticks


def test_there_is_a_probe_for_each_partition_and_a_state_for_each_key() -> None:
    assert sorted(partition for partition, _ in probes(5)) == list(range(5))
    found = dict(states(8))
    assert [len(decode_state(data).signals) for data in found.values()] == [3, 1, 1, 1, 3, 1, 1, 1]


def test_the_worker_is_measured_on_kafka(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    specs, told = write_rules(tmp_path / "rules", 40), list[int]()
    braid = Braid(bootstrap, topic_prefix, tmp_path / "rules", tmp_path)
    found = throughput(braid, specs, 30, (1, 1), 0, told.append)
    assert found.records == told[-1] == sum(found.shares) > 30
    assert min(found.per_second, found.per_core) > 0


def test_recovery_is_measured(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    write_rules(tmp_path / "rules", 4)
    braid = Braid(bootstrap, topic_prefix, tmp_path / "rules", tmp_path)
    found = recovery(braid, 200, 2, 0, lambda _: None)
    assert (found.entities, found.partitions) == (200, 2)
    assert 0 < found.assigned_s <= found.all_s
    assert found.first_s <= found.all_s
    assert found.state_bytes > 200 * len(content_uid("", ""))
    assert found.resident_mb > 0

"""Workers die at any moment: what ingest made is there once, what correlate found stands all the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from confluent_kafka import Message

from tests.workers.attack import attack, write_rules
from tests.workers.processes import Braid, headers, standing

EVENT_TOPICS = ("events.network", "events.workload")


def installed(bootstrap: str, prefix: str, folder: Path) -> Braid:
    braid = Braid(bootstrap, prefix, write_rules(folder / "rules"), folder)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    return braid


def event_uids(messages: list[Message]) -> Counter[str]:
    return Counter(headers(message)["ce_id"].decode() for message in messages)


def test_events_are_there_exactly_once_after_kill_9_of_ingest(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    braid = installed(bootstrap, topic_prefix, tmp_path)
    zeek, windows = attack(40, noise=6000)
    braid.send("raw.windows", windows)
    braid.send("raw.zeek", zeek)
    small = {"BRAID_BATCH_RECORDS": "200"}
    for reached in (400, 2500):
        with braid.running("worker", "ingest", **small) as worker:
            braid.read_until("events.workload", lambda held, reached=reached: len(held) >= reached)
            worker.kill()
            worker.wait()
    with braid.running("worker", "ingest", **small), braid.running("worker", "ingest", **small):
        workload = braid.read_until("events.workload", lambda held: len(event_uids(held)) >= 6040)
        network = braid.read_until("events.network", lambda held: len(event_uids(held)) >= 80)
    counts = event_uids(workload) + event_uids(network)
    assert len(counts) == len(zeek) + len(windows)
    assert set(counts.values()) == {1}


def test_sequences_stand_after_kill_9_and_rebalance_of_correlate(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Half of every sequence is seen by a worker that dies; two others share what it leaves."""
    braid = installed(bootstrap, topic_prefix, tmp_path)
    hosts = 60
    zeek, windows = attack(hosts)
    with braid.running("worker", "ingest"):
        braid.send("raw.zeek", zeek)
        with braid.running("worker", "correlate") as first:
            braid.send("raw.windows", windows[:60])
            braid.read_until("sequences", lambda held: len(standing(held)) >= 5)
            first.kill()
            first.wait()
        with braid.running("worker", "correlate"), braid.running("worker", "correlate"):
            braid.send("raw.windows", windows[60:])
            found = braid.read_until("sequences", lambda held: len(standing(held)) >= hosts)
    groups = {record["unmapped"]["braid"]["group"] for record in standing(found).values()}
    assert groups == {f"host:ws{n}" for n in range(hosts)}
    assert len(standing(found)) == hosts

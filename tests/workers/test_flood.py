"""A flood through real workers: few records on `signals`, and the sequences of a replay."""

from __future__ import annotations

import json
from pathlib import Path

from confluent_kafka import Message

from streams import wire
from tests.floods import failed_logins, write_rules
from tests.workers.processes import Braid, body, headers, standing
from tests.workers.test_path import replayed

NUMBER = 6000
COPIES = 5  # to the account by name and as an entity, the address, the domain controller, one of two workstations


def on_signals(messages: list[Message]) -> list[Message]:
    return [message for message in messages if headers(message)["ce_type"] == wire.SIGNAL.encode()]


def matches(messages: list[Message]) -> int:
    total: int = sum(body(message)["count"] for message in messages)
    return total


def is_whole(messages: list[Message], expected: dict[str, dict[str, object]]) -> bool:
    found = standing(messages)
    return found.keys() == expected.keys() and all(found[uid]["count"] == NUMBER for uid in expected)


def test_a_flood_on_kafka_leaves_few_signals_and_the_sequences_of_a_replay(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    rules = write_rules(tmp_path / "rules")
    raw = failed_logins(NUMBER, 10_000)
    uids, _ = replayed(tmp_path, rules, [], raw)
    lines = (tmp_path / "out" / "sequences.ndjson").read_text("utf-8").splitlines()
    expected = {record["metadata"]["uid"]: record for record in map(json.loads, lines)}
    assert len(uids) == len(expected) == 2
    braid = Braid(bootstrap, topic_prefix, rules, tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    braid.send("raw.windows", raw)
    with braid.running("worker", "ingest"), braid.running("worker", "correlate"):
        found = braid.read_until("sequences", lambda held: is_whole(held, expected))
        assert standing(found) == expected
        sent = on_signals(braid.read_until("signals", lambda held: matches(on_signals(held)) >= COPIES * NUMBER))
    keys = {message.key() for message in sent}
    assert matches(sent) == COPIES * NUMBER
    assert len(sent) < NUMBER // 10
    names = [(headers(message)["ce_id"], message.key()) for message in sent]
    assert len(set(names)) == len(names)
    parts = [record for record in map(body, sent) if "flood" in record["unmapped"]["braid"]]
    assert len({record["metadata"]["uid"] for record in parts}) == 10 * len(keys)  # batches cut where they will

"""Tables on a real Kafka: loaded, followed by ingest while it runs, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from confluent_kafka import Message

from streams.config import load_settings
from streams.workers.context import ContextTopics
from tests import command
from tests.raw_records import logon
from tests.workers.attack import write_rules
from tests.workers.processes import STOP_S, Braid, body

WAIT_S = 60.0


def load(braid: Braid, *arguments: str) -> int:
    settings = {name: value for name, value in braid.environment.items() if name.startswith("BRAID_")}
    return command.braid("context", "load", *arguments, **settings).returncode


def groups(messages: list[Message]) -> list[str | None]:
    """Return the peer group of the user of each event, in the order of its number."""
    events = sorted(map(body, messages), key=lambda event: event["time"])
    return [next((_group(told) for told in event.get("enrichments", ())), None) for event in events]


def _group(told: dict[str, Any]) -> str | None:
    found: str | None = told["data"]["user"].get("peer_group")
    return found


def sign_in(number: int) -> bytes:
    event = logon()
    return json.dumps(event | {"time": event["time"] + number}).encode()


def test_ingest_follows_the_tables(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    braid = Braid(bootstrap, topic_prefix, write_rules(tmp_path / "rules"), tmp_path)
    people = tmp_path / "people.csv"
    people.write_text("uid,names,peer_group\n1,alice,payments\n2,bob,payments\n")
    (tmp_path / "assets.ndjson").write_text('{"names": "web01"}')
    assert load(braid, "--identities", str(people)) == 1  # there is no topic yet
    with braid.running("topics", "create") as made:
        assert made.wait(WAIT_S) == 0
    assert load(braid, "--identities", str(people), "--assets", str(tmp_path / "assets.ndjson")) == 0

    with braid.running("worker", "ingest", BRAID_CONTEXT_RELOAD_SECONDS="0.1") as ingest:
        braid.send("raw.ocsf", [sign_in(0)])
        found = braid.read_until("events.identity", lambda held: len(held) == 1)
        assert groups(found) == ["payments"]

        people.write_text("uid,names,peer_group\n1,alice,treasury\n")
        assert load(braid, "--identities", str(people), "--replace") == 0
        number = _send_until(braid, "treasury", 1)

        people.write_text("uid,names,peer_group\n3,carol,treasury\n")
        assert load(braid, "--identities", str(people), "--replace") == 0
        _send_until(braid, None, number)
        ingest.terminate()
        assert ingest.wait(STOP_S + 5) == 0

    topics = ContextTopics(load_settings(bootstrap=bootstrap, topic_prefix=topic_prefix))
    assert topics.read_through(WAIT_S)
    tables = topics.tables()
    assert [record.uid for record in tables.identities] == ["3"]
    assert [record.uid for record in tables.assets] == ["web01"]  # it was not replaced
    assert tables.missing == ()
    topics.close()


def _send_until(braid: Braid, group: str | None, number: int) -> int:
    """Send sign-ins until one has this peer group: the worker takes a table up when it has read it."""
    for further in range(number, number + 200):
        braid.send("raw.ocsf", [sign_in(further)])
        found = braid.read_until("events.identity", lambda held, count=further + 1: len(held) == count)
        if groups(found)[-1] == group:
            return further + 1
    raise AssertionError(f"no event of peer group {group}")


def test_without_its_topics_ingest_works_and_says_so(bootstrap: str, topic_prefix: str) -> None:
    topics = ContextTopics(load_settings(bootstrap=bootstrap, topic_prefix=topic_prefix))
    assert not topics.read_through(WAIT_S)
    assert "braid topics create" in topics.problem
    assert not topics.poll(0)
    topics.close()

"""One person under two names that only the identity table knows for hers: a sign-in by e-mail, a program by account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from enrichers.chain import NO_ENRICHMENT
from streams.config import load_settings
from streams.enrichment import make_chain
from streams.replay.run import Replayed
from streams.rulebook import load_rulebook
from streams.stage import build_stages
from tests import command
from tests.raw_records import NOON, logon, process_start
from tests.replay.play import lines, play, write
from tests.workers.processes import Braid, body, standing

WAIT_S = 60.0
RULES = """
title: Somebody signed in
id: 0a4c7c52-7f3a-4a51-9d53-1000000000a1
name: signed_in
status: test
level: high
taxonomy: ocsf
logsource: {category: authentication}
detection:
  selection: {service.name: vpn}
  condition: selection
---
title: Probe started
id: 0a4c7c52-7f3a-4a51-9d53-1000000000a2
name: probe_started
status: test
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection: {Image|endswith: probe.exe}
  condition: selection
---
title: Sign-in, then a probe
id: 0a4c7c52-7f3a-4a51-9d53-1000000000a3
status: test
correlation:
  type: temporal
  rules: [signed_in, probe_started]
  group-by: [entity.user]
  timespan: 12h
level: critical
"""
HOUR = 3_600_000
TABLE = "uid,emails,names\n1,alice@example.com,EXAMPLE\\alice\n2,bob@example.com,EXAMPLE\\bob\n"
"""Two people, each with two names."""


def signed_in(at: int = NOON, name: str = "alice@example.com") -> dict[str, Any]:
    return logon(time=at, user={"name": name})


def rules(folder: Path) -> Path:
    folder.mkdir()
    (folder / "rules.yml").write_text(RULES, "utf-8")
    return folder


def replayed(folder: Path, table: str, at: int = NOON) -> tuple[Replayed, list[dict[str, Any]]]:
    """Play the sign-in at a time and the program at noon; return what was found, and the links of the table."""
    chain = NO_ENRICHMENT
    if table:
        (folder / "people.csv").write_text(table)
        chain = make_chain(load_settings(identities=(folder / "people.csv",)))
    stages = build_stages(load_rulebook([rules(folder / "rules")]).sound(), enrichment=chain)
    raw = [
        write(folder / "raw" / "a.ndjson", [orjson.dumps(signed_in(at))]),
        write(folder / "raw" / "b.ndjson", [orjson.dumps(process_start())]),
    ]
    found = play(raw, folder / "out", with_=stages)
    assert found.counts["signals"] == 2
    return found, [link for link in lines(folder / "out" / "links.ndjson") if link["source"] == "identities"]


def test_the_table_joins_what_two_names_of_one_person_do(tmp_path: Path) -> None:
    found, links = replayed(tmp_path, TABLE)
    joined = {sequence.group: {member.analytic.name for member in sequence.members} for sequence in found.sequences}
    assert joined["user:alice@example.com"] == {"Somebody signed in", "Probe started"}
    (link,) = links
    assert {link["left"], link["right"]} == {"user:alice@example.com", r"user:example\alice"}


def test_names_that_are_no_longer_one_person_s_join_nothing(tmp_path: Path) -> None:
    for number, table in enumerate(("", TABLE.replace(r"\alice", r"\carol"), TABLE.replace(r"\bob", r"\alice"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        found, links = replayed(folder, table)
        assert (found.sequences, links) == ([], [])


@pytest.mark.parametrize("at", [NOON - 9 * HOUR, NOON + 9 * HOUR])
def test_names_are_joined_over_the_whole_timespan(tmp_path: Path, at: int) -> None:
    found, _ = replayed(tmp_path, TABLE, at)
    assert [sequence.group for sequence in found.sequences] == ["user:alice@example.com"]


def test_the_order_of_the_records_shows_nowhere(tmp_path: Path) -> None:
    uids = set()
    for number, turn in enumerate((1, -1)):
        folder = tmp_path / str(number)
        (folder / "in").mkdir(parents=True)
        (folder / "people.csv").write_text(TABLE)
        chain = make_chain(load_settings(identities=(folder / "people.csv",)))
        stages = build_stages(load_rulebook([rules(folder / "rules")]).sound(), enrichment=chain)
        told = [orjson.dumps(process_start()), *(orjson.dumps(signed_in(NOON + more)) for more in (0, 5, HOUR))][::turn]
        found = play([write(folder / "in" / f"{at}.ndjson", [one]) for at, one in enumerate(told)], with_=stages)
        assert found.sequences
        uids.add(tuple(sequence.uid for sequence in found.sequences))
    assert len(uids) == 1


def test_on_kafka_a_link_is_sent_once_and_a_table_that_changes_takes_effect(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    braid = Braid(bootstrap, topic_prefix, rules(tmp_path / "rules"), tmp_path)
    braid.environment["BRAID_CONTEXT_RELOAD_SECONDS"] = "0.1"
    settings = {name: value for name, value in braid.environment.items() if name.startswith("BRAID_")}
    people = tmp_path / "people.csv"
    people.write_text(TABLE)
    command.output_of("topics", "create", **settings)
    command.output_of("context", "load", "--identities", str(people), **settings)
    with braid.running("worker", "ingest"), braid.running("worker", "correlate"):
        braid.send("raw.windows", [json.dumps(process_start(ProcessId=str(n))).encode() for n in range(20)])
        braid.send("raw.ocsf", [orjson.dumps(signed_in())])
        braid.read_until("sequences", lambda held: "user:alice@example.com" in map(_group, standing(held).values()))
        people.write_text(TABLE.replace(r"\bob", r"\bobby"))
        command.output_of("context", "load", "--identities", str(people), "--replace", **settings)
        _send_until_linked(braid, r"user:example\bobby")
    links = _table_links(braid, 2)
    assert sorted(end for _, end, *_ in links).count(r"user:example\alice") == 2  # once under each end
    with braid.running("worker", "ingest"):  # it starts anew, and remembers nothing
        braid.send("raw.windows", [json.dumps(process_start(ProcessId="99")).encode()])
        again = _table_links(braid, len(links) + 1)
    assert {uid for uid, *_ in again} == {uid for uid, *_ in links}


def _group(sequence: dict[str, Any]) -> str:
    return str(sequence["unmapped"]["braid"]["group"])


def _table_links(braid: Braid, count: int) -> list[tuple[str, str]]:
    """Return uid and account of each message of a link from the table, when there are so many of them."""

    def told(held: list[Any]) -> list[tuple[str, str]]:
        links = [body(message) for message in held]
        found = [link for link in links if link["source"] == "identities"]
        return [(link["uid"], max(link["left"], link["right"])) for link in found]

    return told(braid.read_until("entity-links", lambda held: len(told(held)) >= count, WAIT_S))


def _send_until_linked(braid: Braid, name: str) -> None:
    """Send programs of bobby until his name is linked: the worker takes a table up when it has read it."""
    for number in range(200):
        record = process_start(User=r"EXAMPLE\bobby", ProcessId=str(1000 + number))
        braid.send("raw.windows", [json.dumps(record).encode()])
        seen = braid.read_until("events.workload", lambda held, least=21 + number: len(held) >= least)
        assert seen
        links = [body(message) for message in braid.read_until("entity-links", bool)]
        if any(name in {link["left"], link["right"]} for link in links):
            return
    raise AssertionError(name)

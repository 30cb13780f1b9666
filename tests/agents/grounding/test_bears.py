from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from agents.evidence.store import StoredEvent, StoredSignal
from agents.grounding.bears import Citation
from agents.grounding.values import values_of
from agents.grounding.witness import Witness, noted, witness_of
from models.event import Event
from models.fact import Fact
from models.finding import Analytic, Attack
from models.records import DeadLetter
from streams.lake import EVENTS, SIGNALS
from streams.replay.inputs import find_inputs, read_file
from streams.sources.registry import SOURCES
from tests.agents.grounding.statements import Statement, statements_on, stored
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import ALICE, MINUTE, OUTSIDE, T0, WEB01, Scenario, intrusion
from tests.sources.samples import FILE, samples

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def held(**raw: object) -> Citation:
    scenario = Scenario()
    scenario.event("windows", 1007, T0, (WEB01,), raw)
    return cited(scenario)


def cited(scenario: Scenario, *, signals: bool = False) -> Citation:
    store = MemoryStore(scenario.rows)
    uids = [row.uid for row in scenario.rows[EVENTS]]
    rows: list[StoredEvent | StoredSignal] = list(store.events(uids, 0, 2 * T0).rows)
    if signals:
        rows += store.signals([row.uid for row in scenario.rows[SIGNALS]], 0, 2 * T0).rows
    return Citation(tuple(map(witness_of, rows)))


def bears(citation: Citation, statement: str) -> bool:
    values = values_of(statement, frozenset({"web01", "alice"}))
    assert values, "states nothing"
    return all(map(citation.bears, values))


@pytest.mark.parametrize(
    ("raw", "true", "false"),
    [
        ({"ip": "203.0.113.9"}, "From 203.0.113.9.", "From 203.0.113.90."),
        ({"ip": "203.0.113.9"}, "From ::ffff:203.0.113.9.", "From 203.0.113.8."),
        ({"ip": "2001:db8::1"}, "From 2001:DB8:0:0::1.", "From 2001:db8::10."),
        ({"ip": "203.0.113.99"}, "From 203.0.113.99.", "From 203.0.113.9."),
        ({"user": "alice"}, "The user Alice came.", "The user alic came."),
        ({"user": "alice-admin"}, "The user alice-admin came.", "The user alice came."),
        ({"user": "alice.smith"}, "The user alice.smith came.", "The user alice came."),
        ({"user": "EXAMPLE\\alice"}, "The user alice came.", "The user lice came."),
        ({"user": "alice@example.com"}, "alice@example.com came.", "malice@example.com came."),
        ({"user": "malice@example.com"}, "malice@example.com came.", "alice@example.com came."),
        ({"host": "web01.example.com"}, "The host web01 fell.", "The host web0 fell."),
        ({"host": "web01-old"}, "The host web01-old fell.", "The host web01 fell."),
        ({"q": "www.evil.example"}, "It asked evil.example for it.", "It asked vil.example for it."),
        ({"q": "not-evil.example"}, "It asked not-evil.example.", "It asked evil.example for it."),
        ({"q": "evil.example.net"}, "It asked evil.example.net.", "It asked evil.example for it."),
        (
            {"url": "http://evil.example/ab"},
            "It fetched hxxp://evil[.]example/ab.",
            "It fetched http://evil.example/a.",
        ),
        ({"path": "C:\\Temp\\x.exe"}, "It ran c:\\temp\\X.EXE.", "It ran C:\\Temp\\x.ex."),
        ({"path": "C:\\Temp\\x.exe"}, "In C:\\Temp it was.", "In C:\\Tem it was."),
        ({"path": "/etc/passwd"}, "It read /etc/passwd.", "It read /etc/Passwd."),
        ({"path": "/etc/passwd"}, "Under /etc it was.", "It read /passwd."),
        ({"path": "/etc/passwd.bak"}, "It read /etc/passwd.bak.", "It read /etc/passwd."),
        ({"cmd": "net user x /add"}, "It ran `net user x /add`.", "It ran `net user y /add`."),
        ({"cmd": "a" * 90}, f"It ran `{'a' * 20}...`.", f"It ran `{'a' * 20}`."),
        ({"cmd": "a" * 90}, f"It ran `{'a' * 20}...`.", "It ran `aaa...`."),
        ({"user": "alice"}, "It says `user: alice`.", "It says `user: bob`."),
        ({"user": "alice", "by": "bob"}, "It says `by=bob`.", "It says `user=bob`."),
        ({"mac": "AA-BB-CC-00-11-22"}, "It is aa:bb:cc:00:11:22.", "It is aa:bb:cc:00:11:23."),
        ({"dst_port": 443}, "It used port 443.", "It used port 44."),
        ({"dst_port": 443, "pid": 80}, "It used port 443.", "It used port 80."),
        ({"msg": "Failed for port 2222 ssh2"}, "It used port 2222.", "It used port 222."),
        ({"attempts": 12}, "There were 12 failed logons.", "There were 11 failed logons."),
        ({"pid": 5, "attempts": 12}, "There were 12 failed logons.", "There were 5 failed logons."),
        ({"size": 1_480_000}, "It sent 1.5 MB.", "It sent 1.6 MB."),
        ({"size": 1234567}, "It sent 1,234,567 bytes.", "It sent 1,234,568 bytes."),
        ({"duration": 90}, "It took 90 seconds.", "It took 91 seconds."),
        ({"when": "2025-01-02T03:04:05Z"}, "At 03:04 it began.", "At 03:05 it began."),
        ({"when": 1735787045}, "On 2 January 2025 it began.", "On 3 January 2025 it began."),
        ({"inner": '{"deep": {"who": "dave1"}}'}, "It was dave1.", "It was dave2."),
        ({"t": "T1003.001"}, "It is T1003.001.", "It is T1003.002."),
        ({"user": "\u0430lice"}, "The user \u0430lice came.", "The user alice came."),
        ({"user": "alice"}, "The user alice came.", "The user \u0430lice came."),
        ({"city": "Oslo"}, "It came from Oslo.", "It came from Rome."),
    ],
)
def test_a_value_that_the_evidence_has_is_borne_and_its_neighbour_is_not(
    raw: dict[str, object], true: str, false: str
) -> None:
    citation = held(**raw)
    assert bears(citation, true)
    assert not bears(citation, false)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Three distinct detections fired.", "Four distinct detections fired."),
        ("It fired on one host and 3 sources report it.", "It fired on 2 hosts."),
        ("At least 2 detections fired.", "At least 4 detections fired."),
        ("It moved 9 minutes later.", "It moved 8 minutes later."),
        ("All of it took less than 10 hours.", "All of it took less than 10 minutes."),
        ("All of it took over 5 hours.", "All of it took over 6 hours."),
        ("The logon was 3 min before the theft.", "The logon was 4 min before the theft."),
        ("It is T1003.001, a kind of T1003.", "It is T1003.002, a kind of T1003."),
        ("It concerns user alice on web01.", "It concerns user alice on web02."),
    ],
)
def test_counts_and_times_that_follow_from_the_citation_are_borne(true: str, false: str) -> None:
    citation = cited(intrusion(), signals=True)
    assert bears(citation, true)
    assert not bears(citation, false)


def test_a_length_of_time_needs_both_of_its_ends() -> None:
    scenario = Scenario()
    for minutes in (0, 9):
        scenario.event("okta", 3002, T0 + minutes * MINUTE, (ALICE, OUTSIDE), {"n": minutes})
    whole = cited(scenario)
    assert bears(whole, "It moved 9 minutes later.")
    assert not bears(Citation(whole.witnesses[:1]), "It moved 9 minutes later.")


def test_a_fact_and_a_note_bear_what_they_say() -> None:
    fact = Fact("rep.example", "address", "198.51.100.7", T0, score=90, malicious=True, reports=41)
    assert bears(Citation((witness_of(fact),)), "The address 198.51.100.7 has 41 reports.")
    assert not bears(Citation((witness_of(fact),)), "The address 198.51.100.7 has 42 reports.")
    note = noted("N1", "no events of user carol between 10:00 and 11:00")
    assert bears(Citation((note,)), "The user carol was quiet.")
    assert note.moments == frozenset()


def test_a_folded_signal_counts_its_matches() -> None:
    scenario = Scenario()
    event = scenario.event("okta", 3002, T0, (ALICE,), {"user": "alice"})
    scenario.signal(event, Analytic("r", "Spray", attacks=(Attack("initial-access", "T1078"),)), {"user": "alice"})
    row = scenario.rows[SIGNALS][0]
    record = orjson.loads(row.record)
    assert bears(cited(scenario, signals=True), "There was one rule and 1 logon.")
    assert not bears(cited(scenario, signals=True), "There were 57 logons.")
    assert record["count"] == 1


@pytest.mark.parametrize("record", [b"", b"{", b"[" * 5000, b'{"time":1}', b"\xff\xfe", b"1e999", b'{"raw_data":7}'])
def test_any_record_can_be_a_witness(record: bytes) -> None:
    scenario = Scenario()
    scenario.event("okta", 3002, T0, (ALICE,), {})
    (event,) = MemoryStore(scenario.rows).events([scenario.rows[EVENTS][0].uid], 0, 2 * T0).rows
    broken = StoredEvent(event.uid, event.time, event.class_uid, event.source, event.at, event.sha256, record)
    witness = witness_of(broken)
    assert (witness.text is not None, witness.hashes, witness.addresses) == (True, {}, frozenset())
    assert not bears(Citation((witness,)), "From 203.0.113.9.")


def test_what_lies_beyond_the_bounds_proves_nothing_and_costs_nothing() -> None:
    nested: Any = "deep1"
    for _ in range(200):
        nested = {"k" * 400: nested}
    citation = held(a=nested, b=["x" * 400_000 + " far1"])
    assert not bears(citation, "It was far1.")
    assert all(len(leaf.path) <= 200 for leaf in citation.witnesses[0].leaves)


def own_events() -> Iterator[Event]:
    """Return the events of all records that were written for tests."""
    names = dict.fromkeys(orjson.loads(line)["source"] for line in FILE.read_bytes().splitlines())
    for name in names:
        for record in samples(name):
            parsed = SOURCES[name].parse_all(record)
            yield from parsed if isinstance(parsed, tuple) else ()


def recorded_events(folder: Path, each: int) -> Iterator[Event]:
    """Return some events of every file of telemetry in a folder."""
    for path in find_inputs([folder]).files:
        for read in islice(read_file(path, None), 0, each * 20, 20):
            if not isinstance(read, DeadLetter) and read[0] is not None:
                parsed = read[0].parse_all(read[1])
                yield from parsed if isinstance(parsed, tuple) else ()


def judged(events: Iterator[Event]) -> tuple[Counter[tuple[bool, bool]], list[Statement]]:
    """Return how many true and false statements were kept, and those that were judged wrongly."""
    random, counts, wrong = Random(8), Counter[tuple[bool, bool]](), []  # noqa: S311  # which statements are tried is no secret
    for event in map(stored, events):
        citation = Citation((witness_of(event),))
        for statement in statements_on(event, random):
            kept = all(map(citation.bears, values_of(statement.text)))
            counts[statement.true, kept] += 1
            if kept is not statement.true:
                wrong.append(statement)
    return counts, wrong


def test_over_own_records_of_every_source_true_statements_are_kept_and_false_ones_struck() -> None:
    counts, wrong = judged(own_events())
    assert min(counts[True, True], counts[False, False]) > 900
    assert [statement for statement in wrong if not statement.true] == []
    assert counts[True, True] >= 0.98 * (counts[True, True] + counts[True, False])


@pytest.mark.parametrize("kind", ["aws_cloudtrail", "windows_evtx", "zeek", "suricata", "linux_auditd"])
def test_over_recorded_telemetry_true_statements_are_kept_and_false_ones_struck(shared: Path, kind: str) -> None:
    counts, wrong = judged(recorded_events(shared / "data" / kind, 25))
    assert counts[True, True]
    assert [statement for statement in wrong if not statement.true] == []
    assert counts[True, True] >= 0.98 * (counts[True, True] + counts[True, False])


def test_a_witness_reads_its_record_once() -> None:
    (witness,) = held(user="alice").witnesses
    assert isinstance(witness, Witness)
    assert witness.text is witness.text

"""Evidence about a target from outside the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.policy.corroborate import Corroboration, corroborate
from agents.policy.criticality import Criticality
from agents.policy.policy import ANOMALIES, MIXED, RULES
from enrichers.context.known import Asset, Identity
from models import ocsf
from models.action import Action
from models.entity import EntityKey
from models.finding import Analytic
from models.finding_ocsf import signal_from_ocsf, signal_to_ocsf
from models.uids import sha256_hex
from streams.lake import EVENTS, SIGNALS
from tests.agents.memory_store import MemoryStore
from tests.agents.policy.cases import ALICE, PEER, WEB01, naming
from tests.agents.scenario import DUMP, MOVE, SPRAY, Scenario, intrusion


def of(scenario: Scenario, target: EntityKey, kind: str = "open_ticket", **known: object) -> Corroboration:
    proposed = Action("a" * 32, kind, target, 1, 95, "Invented.", ("e" * 32,))
    return corroborate(proposed, scenario.sequence(), MemoryStore(scenario.rows), **known)


@pytest.mark.parametrize(
    ("target", "detections", "sources", "domains"),
    [
        (WEB01, 3, ("okta", "windows", "zeek"), ("identity", "network", "workload")),
        (ALICE, 2, ("okta", "windows"), ("identity", "workload")),
        (PEER, 2, ("okta", "zeek"), ("identity", "network")),
    ],
)
def test_what_several_events_name_is_corroborated(
    target: EntityKey, detections: int, sources: tuple[str, ...], domains: tuple[str, ...]
) -> None:
    found = of(naming(), target)
    assert (len(found.detections), len(found.records)) == (detections, detections)
    assert (found.sources, found.domains) == (sources, domains)
    assert found.is_corroborated
    assert found.is_independent
    assert found.kind == RULES


@pytest.mark.parametrize("target", [EntityKey("user", "ceo"), EntityKey("host", "dc01"), EntityKey("user", "web01")])
def test_what_no_event_of_the_sequence_names_is_not(target: EntityKey) -> None:
    found = of(naming(), target)
    assert (found.detections, found.records, found.is_corroborated) == ((), (), False)


def test_what_only_the_signals_say_is_not_enough() -> None:
    assert not of(intrusion(), ALICE).is_corroborated


def test_what_only_the_event_says_is_not_enough() -> None:
    scenario = naming()
    scenario.tell(6, device={"hostname": "web01"}, user={"name": "ceo"})
    scenario.tell(7, device={"hostname": "web01"}, actor={"user": {"name": "ceo"}})
    assert not of(scenario, EntityKey("user", "ceo")).is_corroborated


def test_signals_that_are_no_members_do_not_count() -> None:
    scenario = naming()
    scenario.members = [member for member in scenario.members if member.analytic is not DUMP]
    assert not of(scenario, ALICE).is_corroborated
    assert of(scenario, WEB01).is_corroborated


@pytest.mark.parametrize("kind", [EVENTS, SIGNALS])
def test_what_was_altered_in_the_store_does_not_count(kind: str) -> None:
    scenario = naming()
    place = next(place for place, row in enumerate(scenario.rows[kind]) if b"procdump" in row.record)
    row = scenario.rows[kind][place]
    scenario.rows[kind][place] = replace(row, record=row.record.replace(b"procdump", b"progdump"))
    found = of(scenario, ALICE)
    assert not found.is_corroborated
    assert "does not match its hash" in found.lost[0]


@pytest.mark.parametrize("kind", [EVENTS, SIGNALS])
def test_what_is_gone_from_the_store_does_not_count(kind: str) -> None:
    scenario = naming()
    scenario.rows[kind] = [row for row in scenario.rows[kind] if b"procdump" not in row.record]
    found = of(scenario, ALICE)
    assert not found.is_corroborated
    assert "not in the lake" in found.lost[0]


def test_one_detection_on_many_events_is_one() -> None:
    scenario = naming()
    scenario.members, scenario.rows[SIGNALS] = [], []
    for place in (6, 7, 8):
        scenario.signal(scenario.rows[EVENTS][place], SPRAY, {})
    found = of(scenario, WEB01)
    assert (len(found.detections), len(found.records), found.is_corroborated) == (1, 3, False)


def test_many_detections_on_one_event_are_one_record() -> None:
    scenario = naming()
    scenario.members, scenario.rows[SIGNALS] = [], []
    for analytic in (SPRAY, DUMP, MOVE):
        scenario.signal(scenario.rows[EVENTS][6], analytic, {})
    found = of(scenario, ALICE)
    assert (len(found.detections), len(found.records), found.is_corroborated) == (3, 1, False)


def test_two_events_of_one_raw_record_are_one_record() -> None:
    scenario = naming()
    event = scenario.rows[EVENTS][6]
    record = ocsf.decode(event.record)
    record["metadata"]["uid"] = "f" * 32
    other = replace(event, uid="f" * 32, record=ocsf.encode(record))
    scenario.rows[EVENTS].append(other)
    scenario.members, scenario.rows[SIGNALS] = [], []
    scenario.signal(event, SPRAY, {})
    scenario.signal(other, DUMP, {})
    found = of(scenario, ALICE)
    assert (len(found.detections), len(found.records), found.is_corroborated) == (2, 1, False)


@pytest.mark.parametrize(("models", "kind"), [(0, RULES), (1, MIXED), (2, ANOMALIES)])
def test_the_kind_of_evidence_is_that_of_its_detections(models: int, kind: str) -> None:
    scenario = naming()
    scenario.members, scenario.rows[SIGNALS] = [], []
    for number, place in enumerate((6, 7)):
        learned = Analytic(f"model-{number}", "Unusual", type_id=4)
        scenario.signal(scenario.rows[EVENTS][place], learned if number < models else (SPRAY, DUMP)[number], {})
    assert of(scenario, ALICE).kind == kind


def test_parties_are_all_that_the_case_names_by_every_name_they_have() -> None:
    person = Criticality(identities=[Identity("1", emails=("alice@example.com",), names=("alice",))])
    found = of(naming(), WEB01, criticality=person).parties
    assert {ALICE, WEB01, PEER, EntityKey("user", "alice@example.com")} == found


def test_who_only_the_group_a_signal_or_an_event_names_is_a_party() -> None:
    scenario = naming()
    bob, carol, dave = (EntityKey("user", name) for name in ("bob", "carol", "dave"))
    scenario.tell(8, device={"hostname": "web01"}, actor={"user": {"name": "bob"}})
    place = len(scenario.rows[EVENTS]) - 1
    scenario.rows[EVENTS][place] = replace(scenario.rows[EVENTS][place], entities=("host:web01", "user:carol"))
    scenario.signal(scenario.rows[EVENTS][place], SPRAY, {})
    asked = Action("a" * 32, "open_ticket", EntityKey("host", "db01"), 1, 95, "Invented.", ("e" * 32,))
    found = corroborate(asked, scenario.sequence(str(dave)), MemoryStore(scenario.rows)).parties
    assert {bob, carol, dave, asked.target} <= found


def test_who_a_signal_reached_over_a_link_is_a_party() -> None:
    scenario = naming()
    row = scenario.rows[SIGNALS][0]
    copy = replace(signal_from_ocsf(ocsf.decode(row.record)), via=(EntityKey("user", "erin"), ALICE))
    record = ocsf.encode(signal_to_ocsf(copy))
    scenario.rows[SIGNALS][0] = replace(row, record=record, sha256=sha256_hex(record))
    assert EntityKey("user", "erin") in of(scenario, WEB01).parties


def test_how_critical_a_target_is_stands_in_the_tables() -> None:
    known = Criticality(
        [Asset("1", names=("web01.example.com",), criticality="high"), Asset("2", names=("web01",), criticality="low")],
        [Identity("3", names=("EXAMPLE\\alice", "alice"), privileged=True), Identity("4", emails=("bob@example.com",))],
    )
    assert of(naming(), WEB01, criticality=known).criticality == "high"
    assert of(naming(), ALICE, criticality=known).criticality == "high"
    assert known.of(EntityKey("user", "example\\alice")) == "high"
    assert known.of(EntityKey("user", "bob@example.com")) == "low"
    assert known.of(EntityKey("user", "web01")) == "unknown"
    assert Criticality([Asset("5", names=("db01",))]).of(EntityKey("host", "db01")) == "unknown"

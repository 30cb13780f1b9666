"""The evidence behind a folded signal, whether it is stored in parts or as the single signals it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.deterministic.investigator import DeterministicInvestigator
from models import ocsf
from models.entity import EntityKey
from models.finding import Analytic, Attack, SequenceMember, Signal
from models.finding_ocsf import signal_to_ocsf
from models.records import Coordinates
from streams.flood import flood_uid, fold_batch
from streams.lake import EVENTS, SIGNALS, LakeWriter, row_of
from streams.lake_store import LakeStore
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import MINUTE, T0, WEB01, Scenario, intrusion

KEY = "host:web01"
GUESSED = Analytic("guessed", "Password guessed", attacks=(Attack("credential-access", "T1110"),))


def flooded() -> tuple[Scenario, list[Signal]]:
    """Return an intrusion with a flood in its sequence whose three matches are stored as events, and these matches."""
    scenario = intrusion()
    at = T0 + MINUTE
    matches = []
    for ms in (3, 5, 700):
        event = scenario.event("okta", 3002, at + ms, (WEB01, EntityKey("user", "alice")), {"try": ms})
        matches.append(scenario.signal(event, GUESSED, {"outcome": "FAILURE"}, member=False))
        scenario.rows[SIGNALS].pop()
    first = matches[0]
    uid = flood_uid(first, KEY)
    member = SequenceMember(uid, first.time, GUESSED, first.event.uid, first.domain, 40, len(matches), first.uid)
    scenario.members.append(member)
    return scenario, matches


def store(scenario: Scenario, signal: Signal) -> None:
    here = Coordinates("signals", 0, len(scenario.rows[SIGNALS]))
    scenario.rows[SIGNALS].append(row_of(SIGNALS, ocsf.encode(signal_to_ocsf(signal)), here))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_of_several_parts_the_one_with_the_earliest_match_is_the_evidence(order: tuple[int, ...]) -> None:
    scenario, matches = flooded()
    for number in order:
        ((part, _),) = fold_batch([(matches[number], KEY)], 0)
        store(scenario, part)
    check(scenario, scenario.members[-1].uid)


def test_where_no_batch_made_a_part_the_first_match_is_the_evidence() -> None:
    scenario, matches = flooded()
    for match in matches:
        store(scenario, match)
    check(scenario, matches[0].uid)


def test_where_the_first_match_came_alone_it_is_the_evidence() -> None:
    scenario, matches = flooded()
    store(scenario, matches[0])
    ((part, _),) = fold_batch([(matches[1], KEY), (matches[2], KEY)], 0)
    store(scenario, part)
    check(scenario, matches[0].uid)


def check(scenario: Scenario, cited: str) -> None:
    verdict = DeterministicInvestigator().investigate(scenario.sequence(), MemoryStore(scenario.rows)).verdict
    assert not [line for line in verdict.missing if "lake" in line or "record" in line]
    assert {cited, scenario.members[-1].event_uid} <= {item.uid for item in verdict.evidence}


def test_a_part_of_a_flood_is_not_missing_in_the_lake(tmp_path: Path) -> None:
    scenario, matches = flooded()
    writer, lake = LakeWriter(tmp_path), LakeStore(tmp_path)
    writer.write(EVENTS, scenario.rows[EVENTS])
    writer.write(SIGNALS, scenario.rows[SIGNALS])
    assert lake.missing(scenario.sequence()) == (scenario.members[-1].uid,)
    single = Scenario()
    store(single, matches[0])
    writer.write(SIGNALS, single.rows[SIGNALS])
    assert lake.missing(scenario.sequence()) == ()

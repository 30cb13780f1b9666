"""An auditor repeats an investigation from its journal, asks nobody, and comes to the same verdict, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from agents.investigate.again import Repeated, other_versions, repeat
from agents.investigate.journal import Entry
from agents.investigate.means import Means
from agents.investigate.steps import JournalDiffers
from agents.investigation import Investigation, investigation_uid
from agents.llm.models_file import ModelsFile
from agents.llm.tiers import Models
from models.errors import InvalidRecord
from models.reasoning import Versions
from streams.lake import EVENTS
from tests.agents.investigate.play import Table, answer, claim, shown
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import DAY, DUMP, T0, WEB01, Scenario, intrusion
from tests.llm.endpoint import settings_of
from tests.llm.server import Conversation, Says, ScriptedServer, answers, calls


def thorough(conversation: Conversation) -> Says:
    """Look at the timeline, at what is not there, and answer with claims and a fabrication."""
    if conversation.step == 0:
        return calls(("timeline", {"entity": "host-1"}), ("search_events", {"entity": "host-1", "text": "mimikatz"}))
    signals = [row for ref, row in shown(conversation).items() if ref.startswith("S")]
    claims = [claim(f"`{row['detection']}` fired at {row['time']}.", row["ref"]) for row in signals]
    return answers(answer(verdict="true_positive", claims=[*claims, claim("It came from 198.51.100.77.", "S1")]))


def investigated() -> tuple[Scenario, Table, Investigation]:
    scenario = intrusion()
    table = Table(MemoryStore(scenario.rows))
    with ScriptedServer(thorough) as server:
        return scenario, table, table.play(scenario.sequence(), server)


def means(table: Table) -> Means:
    """Return what the auditor has: no server stands behind these models."""
    with ScriptedServer([]) as gone:
        file = ModelsFile({"small": settings_of(gone)}, "small")
    return table.means(Models(file, {}, table.time.clocks, lambda: 1.0, table.time.sleep))


def again(entries: Mapping[str, tuple[Entry, ...]], table: Table) -> Repeated:
    return asyncio.run(repeat(entries, table.store, means(table)))


def entries_of(scenario: Scenario, table: Table) -> dict[str, tuple[Entry, ...]]:
    uid = investigation_uid(scenario.sequence())
    return {uid: table.journal.recorded(uid)}


def test_the_same_verdict_comes_of_the_journal_although_more_has_come_in() -> None:
    scenario, table, first = investigated()
    late = scenario.event("windows", 1007, T0 + 90_000, (WEB01,), {"host": "web01", "note": "mimikatz"})
    scenario.signal(late, DUMP, {"note": "late"}, member=False)
    before = scenario.event("windows", 1007, T0 - DAY, (WEB01,), {"host": "web01", "note": "before"})
    scenario.signal(before, DUMP, {"note": "before"}, member=False)
    repeated = again(entries_of(scenario, table), table)
    assert repeated.is_same
    assert repeated.verdict == first.verdict
    assert len(first.verdict.reasoning.struck) == 1


def test_the_attempt_that_ended_is_repeated() -> None:
    scenario, table, _ = investigated()
    ((uid, steps),) = entries_of(scenario, table).items()
    assert again({uid: steps[:3], f"{uid}-1": steps}, table).is_same
    with pytest.raises(InvalidRecord, match="came to its end"):
        again({uid: steps[:-1]}, table)
    with pytest.raises(InvalidRecord, match="lost the beginning"):
        again({uid: steps[1:]}, table)


def test_evidence_that_was_altered_is_named() -> None:
    scenario, table, _ = investigated()
    entries = entries_of(scenario, table)
    scenario.rows[EVENTS][-1] = replace(scenario.rows[EVENTS][-1], sha256="0" * 64)
    with pytest.raises(InvalidRecord, match="is not what it was"):
        again(entries, table)


def test_what_a_model_said_cannot_be_changed_afterwards() -> None:
    scenario, table, _ = investigated()
    ((uid, steps),) = entries_of(scenario, table).items()
    (at,) = (number for number, step in enumerate(steps) if "true_positive" in str(step.data.get("text", "")))
    said = {**steps[at].data, "text": str(steps[at].data["text"]).replace("true_positive", "benign")}
    with pytest.raises(JournalDiffers, match="ended"):
        again({uid: (*steps[:at], replace(steps[at], data=said), *steps[at + 1 :])}, table)


def test_other_versions_are_named() -> None:
    then, now = Versions(prompt="investigate/1", rules="abc"), Versions(prompt="investigate/2", rules="abc")
    assert other_versions(then, now) == ("prompt: investigate/1, now investigate/2",)

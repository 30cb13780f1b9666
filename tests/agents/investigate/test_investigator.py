"""Whatever a model does, there is a verdict, within bounds; and which model is asked when."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agents.investigate.conversation import MAX_CALLS, MAX_REPAIRS, MAX_TURNS
from agents.investigate.investigator import MAX_ATTEMPTS
from agents.investigate.journal import BEGUN, ENDED, FAILED, Entry, MemoryJournal
from agents.investigation import Investigation, investigation_uid
from agents.llm.budget import Budgets, Limits
from agents.privacy.policy import PrivacyPolicy
from models.finding import Sequence
from models.verdict import INSUFFICIENT_DATA, SUSPICIOUS, TRUE_POSITIVE, Verdict
from tests.agents.investigate.play import Table, answer, claim, play, shown
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import intrusion
from tests.llm.server import (
    Conversation,
    Says,
    ScriptedServer,
    answers,
    calls,
    cut_off,
    fails,
    malformed,
    refuses,
    says,
)

LOOK = ("timeline", {"entity": "host-1"})


def sure(conversation: Conversation) -> Says:
    """Answer with what the signals say."""
    signals = [row for ref, row in shown(conversation).items() if ref.startswith("S")]
    claims = [claim(f"`{row['detection']}` fired at {row['time']}.", row["ref"]) for row in signals]
    return answers(answer(verdict="true_positive", claims=claims, techniques=["T1003.001"]))


def unsure(_: Conversation) -> Says:
    return answers(answer())


def sequence(risk: int = 78) -> Sequence:
    return replace(intrusion().sequence(), risk=risk)


def kinds(found: Investigation) -> list[str]:
    return [event.kind for event in found.events]


def fallback(verdict: Verdict) -> str:
    assert verdict.investigator == "deterministic/1"
    assert verdict.model_took_part is False
    assert "A model was to judge and did not" in verdict.summary
    return verdict.reasoning.fallback


def test_a_model_that_shows_what_it_says_is_believed_as_far_as_the_evidence_goes() -> None:
    found = play(MemoryStore(intrusion().rows), sequence(), sure)
    verdict = found.verdict
    assert (verdict.verdict_id, verdict.confidence, verdict.model_took_part) == (TRUE_POSITIVE, 85, True)
    assert verdict.reasoning.struck == ()
    assert verdict.reasoning.versions.model == "small"
    assert verdict.reasoning.versions.prompt.startswith("investigate/1 ")
    assert verdict.reasoning.spent.requests == 1
    assert {str(action.target) for action in found.actions} == {"host:web01", "user:alice", "ip:203.0.113.9"}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([fails(500)] * 4, "500"),
        ([fails(400)], "400"),
        ([refuses()], "declined"),
        ([malformed()], "malformed"),
        ([says("It is an attack.")] * (MAX_REPAIRS + 1), "no answer that can be read"),
        ([cut_off('{"verdict": "benign"')] * (MAX_REPAIRS + 1), "no answer that can be read"),
    ],
)
def test_where_no_model_answers_the_fixed_rules_do_and_say_why(script: list[Says], why: str) -> None:
    found = play(MemoryStore(intrusion().rows), sequence(), script)
    assert why in fallback(found.verdict)
    assert found.verdict.verdict_id == TRUE_POSITIVE
    assert kinds(found)[-2:] == ["investigation.fell_back", "investigation.ended"]


def test_an_answer_that_cannot_be_read_may_be_mended() -> None:
    def script(conversation: Conversation) -> Says:
        return sure(conversation) if conversation.step else says("Let me think.")

    assert play(MemoryStore(intrusion().rows), sequence(), script).verdict.model_took_part is True


def test_an_endless_talker_is_cut_off() -> None:
    asked: list[int] = []

    def script(conversation: Conversation) -> Says:
        asked.append(len(conversation.tools))
        return calls(*[LOOK] * (MAX_CALLS + 4))

    found = play(MemoryStore(intrusion().rows), sequence(), script)
    assert len(asked) <= MAX_TURNS
    assert asked[-1] == 0
    assert "no answer" in fallback(found.verdict)
    assert kinds(found).count("tool.refused") > 0


def test_what_a_model_was_not_shown_it_cannot_name() -> None:
    def script(conversation: Conversation) -> Says:
        if conversation.step == 0:
            return calls(("timeline", {"entity": "user:root"}), ("no_such_tool", {}), ("timeline", "{'"))
        assert all("<data" not in result for result in conversation.last_results)
        return sure(conversation)

    found = play(MemoryStore(intrusion().rows), sequence(), script)
    assert kinds(found).count("tool.refused") == 3
    assert found.verdict.reasoning.spent.tool_calls == 3


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(tokens=100), "token"),
        (Limits(requests=0), "request"),
        (Limits(micros=10), ""),
    ],
)
def test_a_budget_that_is_spent_asks_nobody(limits: Limits, why: str) -> None:
    with ScriptedServer([], is_lenient=True) as server:
        for budgets in (Budgets(sequence=limits), Budgets(hour=limits), Budgets(day=limits)):
            found = Table(MemoryStore(intrusion().rows), budgets=budgets).play(sequence(), server)
            assert why in fallback(found.verdict)
        assert server.requests == []


def test_when_the_calls_are_spent_the_model_has_to_answer() -> None:
    def script(conversation: Conversation) -> Says:
        return calls(LOOK, LOOK, LOOK) if conversation.tools else sure(conversation)

    budgets = Budgets(sequence=Limits(tool_calls=2))
    found = play(MemoryStore(intrusion().rows), sequence(), script, budgets=budgets)
    assert found.verdict.model_took_part is True
    assert kinds(found).count("tool.called") == 2
    assert kinds(found).count("tool.refused") == 1


@pytest.mark.parametrize(
    ("risk", "first", "small", "large"),
    [
        (78, sure, 1, 0),  # sure: nobody else is asked
        (78, unsure, 1, 1),
        (95, sure, 0, 1),  # grave: the large one at once
    ],
)
def test_the_large_model_is_asked_when_the_small_one_is_unsure_or_the_risk_is_high(
    risk: int, first: object, small: int, large: int
) -> None:
    with ScriptedServer(first) as one, ScriptedServer(sure) as two:  # type: ignore[arg-type]  # a script
        found = Table(MemoryStore(intrusion().rows)).play(sequence(risk), one, two)
    assert (len(one.requests), len(two.requests)) == (small, large)
    assert found.verdict.verdict_id == TRUE_POSITIVE


def test_where_the_large_one_fails_the_answer_of_the_small_one_stands() -> None:
    with ScriptedServer(unsure) as one, ScriptedServer([fails(400)]) as two:
        found = Table(MemoryStore(intrusion().rows)).play(sequence(), one, two)
    assert found.verdict.verdict_id == INSUFFICIENT_DATA
    assert found.verdict.model_took_part is True


def test_where_the_large_one_fails_on_a_high_risk_the_small_one_is_asked() -> None:
    with ScriptedServer(sure) as one, ScriptedServer([fails(400)]) as two:
        found = Table(MemoryStore(intrusion().rows)).play(sequence(95), one, two)
    assert found.verdict.model_took_part is True
    assert (len(one.requests), len(two.requests)) == (1, 1)


def test_records_do_not_leave_their_region() -> None:
    with ScriptedServer([], is_lenient=True) as server:
        privacy = PrivacyPolicy(residency={"eu": ("eu",)})
        found = Table(MemoryStore(intrusion().rows), privacy=privacy).play(sequence(), server, region="us")
    assert "may not go" in fallback(found.verdict)
    assert server.requests == []


def test_benign_without_a_harmless_cause_outside_of_the_model_is_not_believed() -> None:
    def script(conversation: Conversation) -> Says:
        said = sure(conversation)
        return replace(said, text=said.text.replace("true_positive", "benign"))

    verdict = play(MemoryStore(intrusion().rows), sequence(), script).verdict
    assert verdict.verdict_id == SUSPICIOUS
    assert "nothing outside the model speaks for a harmless cause" in verdict.summary


def test_with_other_versions_an_investigation_begins_anew() -> None:
    journal, uid = MemoryJournal(), investigation_uid(sequence())
    asyncio.run(journal.append(uid, _entry(journal, uid, "begun", {"marker": 7})))
    found = play(MemoryStore(intrusion().rows), sequence(), sure, journal=journal)
    assert found.verdict.model_took_part is True
    assert [entry.kind for entry in journal.recorded(uid)] == [BEGUN]
    assert journal.recorded(f"{uid}-1")[-1].kind == ENDED


def test_one_that_never_goes_on_is_not_tried_for_ever() -> None:
    journal, uid = MemoryJournal(), investigation_uid(sequence())
    for attempt in range(MAX_ATTEMPTS):
        name = f"{uid}-{attempt}" if attempt else uid
        asyncio.run(journal.append(name, _entry(journal, name, FAILED, {})))
    found = play(MemoryStore(intrusion().rows), sequence(), [], journal=journal)
    assert "never went on" in fallback(found.verdict)
    assert kinds(found) == ["investigation.fell_back", "investigation.ended"]


def _entry(journal: MemoryJournal, name: str, kind: str, data: dict[str, object]) -> Entry:
    return Entry(len(journal.recorded(name)), kind, data)

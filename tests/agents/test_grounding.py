from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deterministic.investigator import DeterministicInvestigator
from agents.grounding.cited import DANGLING, INVENTED, NOT_FOUND, TAMPERED, check_grounding
from models.records import Coordinates
from models.verdict import Claim, Verdict
from streams.lake import EVENTS, SIGNALS, LakeRow
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import Scenario, intrusion


def judged(scenario: Scenario) -> tuple[Verdict, MemoryStore]:
    store = MemoryStore(scenario.rows)
    return DeterministicInvestigator().investigate(scenario.sequence(), store).verdict, store


def claiming(verdict: Verdict, text: str, *evidence: str) -> Verdict:
    return replace(verdict, claims=(Claim(text, evidence),))


def alter(rows: list[LakeRow], uid: str, old: bytes, new: bytes) -> None:
    index = next(index for index, row in enumerate(rows) if row.uid == uid)
    assert old in rows[index].record
    rows[index] = replace(rows[index], record=rows[index].record.replace(old, new))


def test_the_verdict_of_the_investigator_holds() -> None:
    verdict, store = judged(intrusion())
    assert verdict.claims
    assert check_grounding(verdict, store) == ()


@pytest.mark.parametrize(("kind", "what"), [(EVENTS, b"procdump"), (SIGNALS, b"procdump")])
def test_a_tampered_record_is_found(kind: str, what: bytes) -> None:
    scenario = intrusion()
    verdict, store = judged(scenario)
    uid = next(row.uid for row in scenario.rows[kind] if what in row.record)
    alter(scenario.rows[kind], uid, what, b"notepad!")
    problems = check_grounding(verdict, store)
    assert {(problem.kind, problem.subject) for problem in problems if problem.kind == TAMPERED} == {(TAMPERED, uid)}


def test_tampering_outside_what_the_hash_covers_cannot_ground_a_value() -> None:
    scenario = intrusion()
    verdict, store = judged(scenario)
    event = scenario.rows[EVENTS][-1]
    alter(scenario.rows[EVENTS], event.uid, b'"class_name":"', b'"class_name":"planted evidence ')
    problems = check_grounding(claiming(verdict, 'It said "planted evidence".', event.uid), store)
    assert [problem.kind for problem in problems] == [INVENTED]


def test_a_citation_that_the_verdict_does_not_list_is_dangling() -> None:
    verdict, store = judged(intrusion())
    problems = check_grounding(claiming(verdict, "Something happened.", "f" * 32), store)
    assert [(problem.claim, problem.kind) for problem in problems] == [(0, DANGLING)]


@pytest.mark.parametrize(
    "elsewhere",
    [Coordinates("raw.okta", 0, 999), Coordinates("raw.okta", 2**40, 6), Coordinates("raw.zeek", 0, 2**64 - 1)],
)
def test_evidence_that_is_not_where_the_verdict_says_is_not_found(elsewhere: Coordinates) -> None:
    verdict, store = judged(intrusion())
    moved = tuple(replace(item, at=elsewhere) for item in verdict.evidence)
    problems = check_grounding(replace(verdict, evidence=moved), store)
    cited = {(index, uid) for index, claim in enumerate(verdict.claims) for uid in claim.evidence}
    assert {(problem.claim, problem.subject) for problem in problems if problem.kind == NOT_FOUND} == cited


def test_evidence_that_was_deleted_is_not_found() -> None:
    scenario = intrusion()
    verdict, store = judged(scenario)
    scenario.rows[EVENTS].clear()
    assert NOT_FOUND in {problem.kind for problem in check_grounding(verdict, store)}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('The command was "procdump -ma lsass.exe C:\\\\temp\\\\out.dmp".', True),
        ('It named "lsass.exe".', True),
        ('It named "LSASS.EXE".', False),
        ('It named "mimikatz".', False),
        ('It ran "ma" as a word and "lsa" as a part of one.', False),
        ('It ran "ma" as a word.', True),
        ('The field was "CommandLine".', True),
        ('A broken quote "\\q" is not evidence.', False),
        ("Nothing is quoted.", True),
    ],
)
def test_quoted_values_have_to_occur_in_the_cited_evidence(text: str, holds: bool) -> None:
    scenario = intrusion()
    verdict, store = judged(scenario)
    event = next(row for row in scenario.rows[EVENTS] if b"procdump" in row.record)
    problems = check_grounding(claiming(verdict, text, event.uid), store)
    assert ([problem.kind for problem in problems] == []) is holds
    assert all(problem.kind == INVENTED for problem in problems)


def test_a_value_of_other_evidence_does_not_ground_a_claim() -> None:
    scenario = intrusion()
    verdict, store = judged(scenario)
    logon = next(row for row in scenario.rows[EVENTS] if row.source == "okta" and b"alice" in row.record)
    problems = check_grounding(claiming(verdict, 'It ran "procdump".', logon.uid), store)
    assert [(problem.kind, problem.subject) for problem in problems] == [(INVENTED, "procdump")]


def test_invented_values_in_title_and_summary_are_found() -> None:
    verdict, store = judged(intrusion())
    for changed in (replace(verdict, title='On "dc01"'), replace(verdict, summary='It was "Mallory".')):
        assert [(problem.claim, problem.kind) for problem in check_grounding(changed, store)] == [(-1, INVENTED)]


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_user_and_command_can_be_told_and_grounded(user: str, command: str) -> None:
    values = orjson.dumps([user.encode("utf-8", "replace").decode(), command.encode("utf-8", "replace").decode()])
    clean_user, clean_command = orjson.loads(values)
    verdict, store = judged(intrusion(user=clean_user or "alice", command=clean_command))
    assert check_grounding(verdict, store) == ()
    assert verdict.verdict_id == 2

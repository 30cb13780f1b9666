"""Decisions of people, honest and hostile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.policy.approvals import (
    APPROVED,
    DENIED,
    EXPIRED,
    WAITING,
    Question,
    Tally,
    count,
    feedback_refusal,
    may_run,
)
from agents.policy.decide import AUTOMATIC, Decision, decide
from agents.policy.policy import DRY_RUN, SHADOW, SUPERVISED
from agents.policy.standing import Standing
from enrichers.context.known import Identity
from enrichers.persons import persons_of
from models.approval import APPROVE, DENY, Approval, approval_from_json, approval_to_json
from models.feedback import Feedback
from tests.agents.policy.cases import ALICE, BOB, KEYS, NOW, about, action, approver, policy, rule, signed, verdict

UID = action().uid
MINUTE = 60_000


def question(people: int = 1, **changes: object) -> Question:
    found = decide(policy(rule(approvals=people), mode=SUPERVISED), action(), verdict(), about(), Standing(), NOW)
    return replace(Question(UID, 1, NOW, found), **changes)


def said(by: str = "bob", decision: str = APPROVE, *, key: str = "", **changes: object) -> Approval:
    made = Approval(UID, 1, decision, by, "Seen the evidence.", NOW + MINUTE, "0" * 32)
    return signed(replace(made, **changes), key or by)


def counted(*approvals: Approval, asked: Question | None = None, now_ms: int = NOW + 2 * MINUTE, **more: Any) -> Tally:
    return count(policy(), asked or question(), approvals, more.pop("known", about()), now_ms, **more)


def why(tally: Tally) -> str:
    assert tally.counted == ()
    assert tally.outcome == WAITING
    return tally.refused[0][1]


def test_a_person_approves() -> None:
    tally = counted(said())
    assert (tally.outcome, [one.by for one in tally.counted], tally.refused) == (APPROVED, ["bob"], ())


def test_nobody_has_said_anything() -> None:
    assert counted() == Tally(WAITING)


def test_one_who_denies_outweighs_all_who_approve() -> None:
    assert counted(said("bob"), said("carol", DENY)).outcome == DENIED
    assert counted(said("bob"), said("bob", DENY, time=NOW + MINUTE + 1)).outcome == DENIED


def test_two_approvals_are_of_two_people() -> None:
    two = question(2)
    again = said("bob", time=NOW + MINUTE + 5, nonce="1" * 32)
    assert counted(said("bob"), asked=two).outcome == WAITING
    tally = counted(said("bob"), again, said("bob"), asked=two)
    assert (tally.outcome, len(tally.counted)) == (WAITING, 1)
    assert tally.refused[0][1] == "the person has decided already"
    assert counted(said("bob"), said("carol"), asked=two).outcome == APPROVED


@pytest.mark.parametrize(
    "hostile",
    [
        said(key="mallory"),
        said("carol", key="bob"),
        replace(said(), reason="Seen the evidence"),
        replace(said(), time=NOW + MINUTE + 1),
        replace(said(), nonce="1" * 32),
        replace(said("bob", DENY), decision=APPROVE),
        replace(said(), signature=""),
        replace(said(), signature="A" * 88),
        replace(said(), signature=said().signature.rstrip("=")),
        replace(said(), by="carol"),
    ],
)
def test_what_is_not_signed_as_it_stands_does_not_count(hostile: Approval) -> None:
    assert "is not signed with a key of" in why(counted(hostile))


@pytest.mark.parametrize(
    "name", ["mallory", "b\u043eb", "bob ", "Bob", "bob\u200b", "\uff42ob", "\u202ebob", "bob\x00"]
)
def test_a_name_that_only_looks_like_one_is_nobodys(name: str) -> None:
    reason = why(counted(said(name, key="bob")))
    assert reason.startswith("the policy knows no ")
    assert reason.isprintable()


@pytest.mark.parametrize("asked", [{"action_uid": "f" * 32}, {"action_revision": 2}, {"action_revision": 0}], ids=str)
def test_a_decision_on_something_else_is_not_one_on_this(asked: dict[str, object]) -> None:
    assert why(counted(said(), asked=question(**asked))) == "it is about another action, or another revision of it"


@pytest.mark.parametrize("other", [{"action_uid": "f" * 32}, {"action_revision": 2}, {"action_revision": 0}], ids=str)
def test_a_decision_that_was_made_on_something_else_is_not_one_on_this(other: dict[str, object]) -> None:
    assert why(counted(said(**other))) == "it is about another action, or another revision of it"


def test_nobody_approves_what_is_done_to_themselves() -> None:
    assert "nobody approves their own" in why(counted(said("alice")))


def test_who_denies_what_is_done_to_themselves_is_not_heard_either() -> None:
    tally = counted(said("alice", DENY), said("bob"))
    assert (tally.outcome, [one.by for one in tally.counted]) == (APPROVED, ["bob"])


def test_whoever_the_case_names_is_no_judge_in_it() -> None:
    assert "concerned by the case" in why(counted(said("bob"), known=about(parties=frozenset({ALICE, BOB}))))


def test_another_name_of_the_same_person_is_found_in_the_identity_table() -> None:
    persons = persons_of([Identity("1", emails=("robert@example.com", "bob@example.com"))])
    other = about(parties=frozenset({replace(BOB, value="robert@example.com")}))
    assert counted(said("bob"), known=other).outcome == APPROVED
    assert "concerned" in why(counted(said("bob"), known=other, persons=persons))


def test_who_asked_for_an_action_does_not_approve_it() -> None:
    assert "asked for the action" in why(counted(said("bob"), asked=question(proposed_by="bob")))
    assert counted(said("carol"), asked=question(proposed_by="bob")).outcome == APPROVED


def test_a_role_is_needed() -> None:
    made = policy(approvers={"bob": approver("bob", roles=("analyst",))})
    tally = count(made, question(), [said()], about(), NOW + 2 * MINUTE)
    assert why(tally) == "it takes one of the roles responder"


def test_who_has_left_the_policy_counts_no_more() -> None:
    tally = count(policy(approvers={"carol": approver("carol")}), question(), [said()], about(), NOW + 2 * MINUTE)
    assert "knows no" in why(tally)


@pytest.mark.parametrize("time", [NOW - 5 * MINUTE, NOW + 10 * MINUTE, NOW + 31 * MINUTE])
def test_a_decision_counts_in_its_time(time: int) -> None:
    assert "before the question, after its time, or later than now" in why(counted(said(time=time)))


def test_when_the_time_is_up_nothing_is_done() -> None:
    late = question().decision.expires_ms + 1
    assert counted(now_ms=late).outcome == EXPIRED
    assert counted(said(), now_ms=late).outcome == EXPIRED
    assert counted(said(), now_ms=late - 1).outcome == APPROVED


@given(st.permutations([said("bob"), said("carol"), said("carol", DENY), said("alice"), said("bob", key="mallory")]))
def test_the_order_of_decisions_does_not_matter(approvals: list[Approval]) -> None:
    tally = counted(*approvals, *approvals)
    assert tally == counted(*sorted(approvals, key=str))
    assert tally.outcome == DENIED


def _decision(outcome: str, approvals: int = 0) -> Decision:
    return replace(question().decision, outcome=outcome, approvals=approvals)


@pytest.mark.parametrize(
    ("outcome", "approvals", "tally", "runs"),
    [
        (AUTOMATIC, 0, None, True),
        (AUTOMATIC, 0, counted(said()), True),
        (AUTOMATIC, 0, counted(said("bob", DENY)), False),
        (AUTOMATIC, 0, counted(), False),
        ("needs_approval", 1, None, False),
        ("needs_approval", 1, counted(), False),
        ("needs_approval", 1, counted(said()), True),
        ("needs_approval", 2, counted(said()), False),
        ("needs_approval", 2, counted(said(), said("carol")), True),
        ("denied", 0, counted(said()), False),
        (SHADOW, 0, counted(said()), False),
        (DRY_RUN, 0, None, False),
    ],
)
def test_an_action_runs_by_what_is_so_right_before(
    outcome: str, approvals: int, tally: Tally | None, *, runs: bool
) -> None:
    assert may_run(policy(), _decision(outcome, approvals), tally) is runs


def test_roles_that_are_asked_for_meanwhile_have_to_be_there() -> None:
    asked = replace(_decision("needs_approval", 1), roles=("lead",))
    assert not may_run(policy(), asked, counted(said()))
    assert may_run(policy(approvers={"bob": approver("bob", roles=("lead",))}), asked, counted(said()))


def test_approvals_come_back_from_the_topic_as_they_went() -> None:
    approval = said(reason="Gesehen \u2713")
    assert approval_from_json(approval_to_json(approval)) == approval
    assert counted(approval_from_json(approval_to_json(approval))).outcome == APPROVED


def corrected(**changes: object) -> Feedback:
    made = replace(Feedback("a" * 32, 3, 0, 1, "bob", "A test.", NOW), **changes)
    return replace(made, signature=KEYS["bob"].sign(made.content))


def test_a_correction_is_signed_by_who_may_correct() -> None:
    made = policy(feedback_roles=("responder",))
    assert feedback_refusal(made, corrected(), NOW) == ""
    assert "not signed" in feedback_refusal(made, replace(corrected(), verdict_id=5), NOW)
    assert "not signed" in feedback_refusal(made, replace(corrected(), signature=""), NOW)
    assert "knows no" in feedback_refusal(made, corrected(by="mallory"), NOW)
    assert "roles" in feedback_refusal(policy(feedback_roles=("lead",)), corrected(), NOW)
    assert "later" in feedback_refusal(made, corrected(time=NOW + 10 * MINUTE), NOW)


def test_corrections_without_signature_count_where_the_policy_says_so_and_false_ones_do_not() -> None:
    made = policy(feedback_roles=("responder",), unsigned_feedback=True)
    assert feedback_refusal(made, replace(corrected(), signature=""), NOW) == ""
    assert "not signed" in feedback_refusal(made, replace(corrected(), verdict_id=5), NOW)


def test_a_signature_of_a_correction_is_none_of_an_approval() -> None:
    assert corrected().content[:16] != said().content[:16]
    assert not KEYS["bob"].public.verifies(said().content, KEYS["bob"].sign(said().content.split(b"\n", 1)[1]))

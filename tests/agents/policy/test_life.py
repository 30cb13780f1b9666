"""What moves an action on: any order and repetition of what happens gives legal steps, and runs only what may run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.executors.base import Outcome, done, failed
from agents.policy.approvals import rollback_refusal
from agents.policy.life import (
    DRY,
    EXECUTE,
    RESUME,
    ROLL_BACK,
    VERIFY,
    Case,
    advance,
    came_out,
    may_repeat,
    question_of,
    start,
    was_asked_back,
)
from agents.policy.policy import AUTONOMOUS, DRY_RUN, MODES, SHADOW, SUPERVISED, Policy
from agents.policy.standing import Standing
from models.action import APPROVED, EXECUTING, PROPOSED, TRANSITIONS, Action, moved
from models.approval import APPROVE, DECISIONS, DENY, ROLLBACK, Approval
from models.entity import EntityKey
from models.uids import content_uid
from models.verdict import FALSE_POSITIVE, Verdict, VerdictClosed
from tests.agents.policy.cases import ALICE, NOW, about, policy, signed, verdict
from tests.agents.policy.cases import action as an_action
from tests.agents.policy.cases import rule as a_rule

MINUTE = 60_000
STANDS = verdict()
PARTIES = frozenset({ALICE, EntityKey("user", "carol@example.com")})


def proposal() -> Action:
    return replace(an_action(of=STANDS), sequence_revision=STANDS.sequence_revision)


def case(action: Action, now: int = NOW, **changes: object) -> Case:
    made = Case(
        action=action,
        since_ms=NOW,
        verdict=STANDS,
        about=about(parties=PARTIES),
        approvals=(),
        standing=Standing(),
        now_ms=now,
    )
    return replace(made, **changes)


def says(action: Action, by: str = "bob", decision: str = APPROVE, now: int = NOW, revision: int = 1) -> Approval:
    nonce = content_uid("nonce", by, decision, str(now))
    return signed(Approval(action.uid, revision, decision, by, "Seen.", now, nonce))


def waiting(of: Policy) -> Action:
    step = advance(of, case(proposal()))
    assert step.action.status == "waiting"
    return step.action


@pytest.mark.parametrize(
    ("mode", "status", "ask"),
    [(SHADOW, "shadow", ""), (DRY_RUN, PROPOSED, DRY), (SUPERVISED, "waiting", ""), (AUTONOMOUS, APPROVED, "")],
)
def test_a_proposal_goes_where_the_mode_lets_it(mode: str, status: str, ask: str) -> None:
    step = advance(policy(mode=mode), case(proposal()))
    assert (step.action.status, step.ask) == (status, ask)


def test_a_dry_run_ends_in_one() -> None:
    step = start(policy(mode=DRY_RUN), case(proposal()), "okta", done("would suspend"))
    assert (step.action.status, step.action.detail, step.action.executor) == ("dry_run", "would suspend", "okta")


def test_people_are_told_on_what_terms_and_until_when() -> None:
    action = waiting(policy(mode=SUPERVISED))
    question = question_of(action)
    assert (question.action_revision, question.asked_ms, question.decision.expires_ms) == (1, NOW, NOW + 30 * MINUTE)
    assert (question.decision.approvals, question.decision.roles) == (1, ("responder",))
    assert action.terms["if_nothing"] == "It goes on."


def test_one_who_approves_moves_it_on_and_it_is_decided_again_before_it_runs() -> None:
    of = policy(mode=SUPERVISED)
    action = waiting(of)
    approved = advance(of, case(action, approvals=(says(action),))).action
    assert (approved.status, approved.by, approved.why) == (APPROVED, "bob", "bob: Seen.")
    heard = case(approved, approvals=(says(action),))
    assert advance(of, heard).ask == DRY
    executing = start(of, heard, "okta", done("it is active", {"was": "active"})).action
    assert (executing.status, executing.executor, executing.receipt) == (EXECUTING, "okta", {"was": "active"})


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": replace(STANDS, verdict_id=FALSE_POSITIVE, revision=1, corrected_by="bob")},
        {"verdict": VerdictClosed("5" * 32, "user:alice", NOW, "Invented", 4)},
        {"verdict": replace(STANDS, sequence_revision=4)},
        {"verdict": replace(STANDS, sequence_revision=4), "about": about(parties=PARTIES, sequence_revision=4)},
        {"about": about(parties=PARTIES, records=())},
        {"approvals": ()},
    ],
)
def test_what_changes_before_it_runs_stops_it(changed: dict[str, object]) -> None:
    of = policy(mode=SUPERVISED)
    action = waiting(of)
    heard = case(action, approvals=(says(action),))
    approved = replace(heard, action=advance(of, heard).action)
    assert start(of, replace(approved, **changed), "okta", done("")).action.status == "denied"
    assert advance(of, replace(approved, **changed)).action.status == "denied"
    executing = replace(approved, action=start(of, approved, "okta", done("")).action)
    assert may_repeat(of, executing)[0] == ""
    assert may_repeat(of, replace(executing, **changed))[0]


@pytest.mark.parametrize("verdict_", [replace(STANDS, sequence_revision=4), replace(STANDS, revision=1)])
def test_what_waits_is_stopped_with_its_verdict(verdict_: Verdict) -> None:
    of = policy(mode=SUPERVISED)
    action = waiting(of)
    assert advance(of, case(action, verdict=verdict_, approvals=(says(action),))).action.status == "denied"


def test_why_it_may_not_run_is_told_as_policy_says_it() -> None:
    of = policy()
    approved = case(advance(of, case(proposal())).action, about=about(parties=PARTIES, records=()))
    assert "that can be fetched and are intact" in start(of, approved, "okta", done("")).action.why
    shadowed = replace(approved, about=about(parties=PARTIES))
    assert start(policy(mode=SHADOW), shadowed, "okta", done("")).action.why.endswith("the mode is shadow")


def test_who_denies_outweighs_who_approves() -> None:
    of = policy(mode=SUPERVISED, approvers={**policy().approvers})
    action = waiting(of)
    both = (says(action), says(action, "alice", DENY))
    step = advance(of, case(action, approvals=both, about=about(parties=frozenset())))
    assert (step.action.status, step.action.by) == ("denied", "alice")


def test_time_runs_out_and_nothing_is_done() -> None:
    of = policy(mode=SUPERVISED)
    action = waiting(of)
    late = NOW + 31 * MINUTE
    assert advance(of, case(action, late)).action.status == "expired"
    assert advance(of, case(action, late - MINUTE)).action is action
    assert advance(of, case(proposal(), late)).action.status == "expired"
    approved = moved(proposal(), APPROVED, by="policy", why="x", at=NOW)
    assert advance(policy(), case(approved, late)).action.status == "expired"


def test_without_an_executor_or_with_a_dry_run_that_fails_nothing_runs() -> None:
    approved = case(moved(proposal(), APPROVED, by="policy", why="x", at=NOW))
    assert start(policy(), approved, "", failed("nobody")).action.status == "failed"
    assert start(policy(), approved, "okta", failed("no such user")).action.status == "failed"


def test_what_only_says_that_it_was_approved_does_not_run() -> None:
    forged = moved(proposal(), APPROVED, by="alice", why="x", at=NOW)
    assert start(policy(mode=SUPERVISED), case(forged), "okta", done("")).action.status == "denied"
    terms = waiting(policy(mode=SUPERVISED)).terms
    asked = moved(
        moved(proposal(), "waiting", by="policy", why="x", at=NOW, terms=terms), APPROVED, by="b", why="", at=NOW
    )
    assert start(policy(mode=SUPERVISED), case(asked), "okta", done("")).action.status == "denied"
    assert start(policy(), case(asked), "okta", done("")).action.status == "denied"
    assert start(policy(), case(proposal()), "okta", done("")).action.status == "denied"


def test_a_request_to_take_back_is_no_answer_to_a_question() -> None:
    of = policy(mode=SUPERVISED)
    action = waiting(of)
    assert advance(of, case(action, approvals=(says(action, decision=ROLLBACK),))).action is action


def test_who_takes_back_is_entitled_and_not_concerned() -> None:
    executed = moved(
        moved(moved(proposal(), APPROVED, by="p", why="", at=NOW), EXECUTING, by="r", why="", at=NOW),
        "executed",
        by="r",
        why="",
        at=NOW,
    )

    def why(by: str, revision: int = 3, action: Action = executed) -> str:
        request = says(action, by, ROLLBACK, revision=revision)
        return rollback_refusal(policy(), action, request, about(parties=PARTIES), NOW)

    assert why("bob") == ""
    assert "concerned" in why("carol")
    assert "another revision" in why("bob", revision=2)
    assert "cannot be taken back" in why("bob", action=proposal())


def test_taking_back_takes_a_request_for_just_that_revision() -> None:
    executed = replace(proposal(), status="executed", revision=3)
    undone = moved(executed, "rolling_back", by="bob", why="x", at=NOW)
    asked = says(executed, "bob", ROLLBACK, revision=3)
    assert was_asked_back(undone, [asked])
    assert not was_asked_back(undone, [])
    assert not was_asked_back(undone, [says(executed, "bob", ROLLBACK, revision=2)])
    assert not was_asked_back(undone, [says(executed, "bob", APPROVE, revision=3)])


EVENTS = st.one_of(
    st.sampled_from(["advance", "tick", "close", "correct", "revise", "lose"]),
    st.tuples(st.just("mode"), st.sampled_from(MODES)),
    st.tuples(
        st.just("say"), st.sampled_from(["alice", "bob", "carol"]), st.sampled_from(DECISIONS), st.integers(0, 3)
    ),
    st.tuples(st.just("land"), st.sampled_from([DRY, EXECUTE, RESUME, VERIFY, ROLL_BACK]), st.booleans()),
)


@given(st.sampled_from([SUPERVISED, AUTONOMOUS]), st.lists(EVENTS, max_size=30))
def test_whatever_happens_steps_are_legal_and_nothing_runs_without_leave(mode: str, happens: list) -> None:
    of, now = policy(a_rule(), mode=mode), case(proposal())
    for event in happens:
        name, *rest = (event,) if isinstance(event, str) else event
        action, before = now.action, now.action.status
        if name == "mode":
            of = replace(of, mode=rest[0])
        elif name == "say":
            said = says(action, rest[0], rest[1], now.now_ms, rest[2])
            now = replace(now, approvals=(*now.approvals, said, said))
        elif name == "tick":
            now = replace(now, now_ms=now.now_ms + 9 * MINUTE)
        elif name == "close":
            now = replace(now, verdict=VerdictClosed("5" * 32, "user:alice", NOW, "Invented", 4))
        elif name == "correct":
            now = replace(now, verdict=replace(STANDS, revision=1, corrected_by="bob"))
        elif name == "revise":
            now = replace(now, verdict=replace(STANDS, sequence_revision=9))
        elif name == "lose":
            now = replace(now, about=about(parties=PARTIES, records=()))
        else:
            now = replace(now, action=stepped(of, now, name, rest))
        check(of, now, before, action)


def stepped(of: Policy, now: Case, name: str, rest: list) -> Action:
    """Take the step that respond would take: what executors say counts only in the status that asked for it."""
    status = now.action.status
    if name == "advance":
        return advance(of, now).action if status in {PROPOSED, "waiting", APPROVED} else now.action
    operation, ok = rest
    outcome: Outcome = done("well") if ok else failed("badly")
    asked_in = {EXECUTE: EXECUTING, RESUME: EXECUTING, VERIFY: "executed", ROLL_BACK: "rolling_back"}
    if operation == DRY and status in {PROPOSED, APPROVED}:
        return start(of, now, "okta", outcome).action
    return came_out(now.action, operation, outcome, now.now_ms) if asked_in.get(operation) == status else now.action


def check(of: Policy, now: Case, before: str, action: Action) -> None:
    if now.action is action:
        return
    assert now.action.status in TRANSITIONS[before]
    assert now.action.revision == action.revision + 1
    assert now.action.uid == action.uid
    if now.action.status != EXECUTING:
        return
    assert before == APPROVED
    assert now.verdict == STANDS
    assert now.about.is_corroborated
    assert of.mode in {SUPERVISED, AUTONOMOUS}
    asked = now.action.terms
    if asked or of.mode == SUPERVISED:
        answers = [one for one in now.approvals if one.action_revision == 1]
        assert any(one.decision == APPROVE and one.by == "bob" for one in answers)
        assert not any(one.decision == DENY and one.by == "bob" for one in answers)

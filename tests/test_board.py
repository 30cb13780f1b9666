"""The board: any repetition comes to the same, and nobody but respond moves an action on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.action import APPROVED, DENIED, EXECUTING, SHADOW, Action, moved
from models.approval import Approval
from models.verdict import Verdict, VerdictClosed
from streams.board import MAX_APPROVALS, OTHER_REVISION, Board, Place
from tests.agents.policy.cases import NOW, verdict
from tests.agents.policy.cases import action as an_action

PROPOSAL = an_action()
HERE = Place(2, 7)


def after(action: Action, *statuses: str) -> Action:
    for status in statuses:
        action = moved(action, status, by="respond", why="x", at=NOW)
    return action


def board(*taken: Action) -> Board:
    made = Board()
    for action in taken:
        made.take_action(action, HERE, NOW, is_own=True)
    return made


def test_an_action_moves_as_respond_says() -> None:
    made = board(PROPOSAL, after(PROPOSAL, APPROVED), after(PROPOSAL, APPROVED, EXECUTING))
    known = made.actions[PROPOSAL.uid]
    assert (known.action.status, known.partition, known.since_ms) == (EXECUTING, 2, NOW)
    assert made.standing.in_flight == 1
    assert [one.action.uid for one in made.of(frozenset({2}), frozenset({EXECUTING}))] == [PROPOSAL.uid]
    assert not list(made.of(frozenset({0, 1}), frozenset({EXECUTING})))


def test_whoever_else_says_so_does_not_move_it() -> None:
    made = board(PROPOSAL)
    assert "somebody else says" in made.take_action(after(PROPOSAL, APPROVED), HERE, NOW, is_own=False)
    assert made.actions[PROPOSAL.uid].action == PROPOSAL
    assert Board().take_action(after(PROPOSAL, APPROVED), HERE, NOW, is_own=True) == "nobody proposed it"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (after(PROPOSAL, SHADOW), OTHER_REVISION),
        (replace(after(PROPOSAL, APPROVED, EXECUTING), revision=5), "does not become executing"),
        (replace(after(PROPOSAL, APPROVED, DENIED), status=SHADOW), "does not become shadow"),
        (replace(after(PROPOSAL, APPROVED, EXECUTING), reason="Other."), "reason: it is not what was proposed"),
        (replace(after(PROPOSAL, APPROVED, EXECUTING), confidence=99), "confidence: it is not what was proposed"),
    ],
)
def test_what_is_no_next_step_of_the_same_proposal_does_not_count(told: Action, why: str) -> None:
    made = board(PROPOSAL, after(PROPOSAL, APPROVED))
    assert why in made.take_action(told, HERE, NOW, is_own=True)
    assert made.actions[PROPOSAL.uid].action.status == APPROVED


def test_a_proposal_that_is_told_again_changes_nothing() -> None:
    made = board(PROPOSAL, after(PROPOSAL, SHADOW))
    assert made.take_action(PROPOSAL, Place(2, 9), NOW + 1, is_own=False) == ""
    assert made.actions[PROPOSAL.uid].action.status == SHADOW


@given(st.lists(st.integers(0, 3), max_size=12))
def test_any_repetition_comes_to_the_same(again: list[int]) -> None:
    path = [after(PROPOSAL, *(APPROVED, EXECUTING, "executed")[:count]) for count in range(4)]
    made, known = Board(), 0
    for number in [0, *again]:
        why = made.take_action(path[number], HERE, NOW, is_own=True)
        known = known + (number == known + 1)
        assert made.actions[PROPOSAL.uid].action == path[known]
        assert bool(why) == (0 < number != known), (number, known, why)


def test_later_verdicts_and_corrections_stand_whenever_the_others_are_told_again() -> None:
    first, second = verdict(sequence_revision=1), verdict(sequence_revision=2)
    fixed = replace(second, revision=1, corrected_by="bob")
    told: list[Verdict | VerdictClosed] = [first, second, fixed, second, first]
    made = Board()
    for offset, one in enumerate(told):
        made.take_verdict(one, Place(0, offset))
    assert made.verdicts[first.uid].place.offset == 2


def test_a_verdict_that_was_withdrawn_stays_so_until_a_later_one_comes() -> None:
    made, first = Board(), verdict(sequence_revision=1)
    gone = VerdictClosed(first.sequence_uid, first.group, first.time, first.title, 4)
    for offset, one in enumerate((first, gone, first)):
        made.take_verdict(one, Place(0, offset))
    assert made.verdicts[first.uid].is_closed
    made.take_verdict(verdict(sequence_revision=2), Place(0, 3))
    assert (made.verdicts[first.uid].is_closed, made.verdicts[first.uid].place.offset) == (False, 3)


def approval(nonce: int) -> Approval:
    return Approval(PROPOSAL.uid, 1, "approve", "bob", "Seen.", NOW, f"{nonce:032x}")


def test_a_decision_counts_once_and_there_are_only_so_many() -> None:
    made = Board()
    assert made.take_approval(approval(1), Place(0, 5)) == ""
    assert made.take_approval(approval(1), Place(0, 5)) == ""
    assert made.take_approval(approval(1), Place(0, 6)) == "it has been sent before"
    assert "sent before" in made.take_approval(replace(approval(1), decision="deny"), Place(0, 7))
    for number in range(2, MAX_APPROVALS + 1):
        assert made.take_approval(approval(number), Place(0, 5 + number)) == ""
    assert "decisions on this action already" in made.take_approval(approval(99), Place(0, 99))
    assert len(made.approvals(PROPOSAL.uid)) == MAX_APPROVALS

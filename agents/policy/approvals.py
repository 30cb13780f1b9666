"""Count what people decided on an action that waits. What does not count is kept with the reason, for the audit log.

A decision counts when a person whom the policy knows signed it for this action and this revision of it, in time, and
is neither a party to the case nor who asked for the action. One that denies outweighs all that approve. Nobody counts
twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from agents.policy.corroborate import Corroboration
from agents.policy.decide import AUTOMATIC, NEEDS_APPROVAL, Decision
from agents.policy.policy import Approver, Policy
from agents.text import quoted
from enrichers.links.persons import NOBODY, Persons
from models.action import ROLLING_BACK, TRANSITIONS, Action
from models.approval import DENY, ROLLBACK, Approval
from models.errors import InvalidRecord
from models.feedback import Feedback
from models.fields import LARGEST

APPROVED, DENIED, WAITING, EXPIRED = "approved", "denied", "waiting", "expired"


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked.

    Attributes:
        action_uid: The action that waits.
        action_revision: The revision of it that says so: what people see, and what they sign for.
        asked_ms: Since when it waits.
        decision: What policy decided: how many people, of which roles, until when.
        proposed_by: Name of the person who asked for the action, empty when it was no person.
    """

    action_uid: str
    action_revision: int
    asked_ms: int
    decision: Decision
    proposed_by: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of it.

    Attributes:
        outcome: APPROVED, DENIED, WAITING or EXPIRED.
        counted: The decisions that count, one of each person.
        refused: Those that do not, each with why.
    """

    outcome: str
    counted: tuple[Approval, ...] = ()
    refused: tuple[tuple[Approval, str], ...] = ()


def count(
    policy: Policy,
    question: Question,
    approvals: Iterable[Approval],
    about: Corroboration,
    now_ms: int,
    persons: Persons = NOBODY,
) -> Tally:
    """Count decisions of people.

    Args:
        policy: The policy that holds now: who has left it counts no more.
        question: What they are asked.
        approvals: All decisions that name the action, in any order, repeated or not.
        about: What is known of the target, and who is a party to it.
        now_ms: Now.
        persons: Which names are one person's.
    """
    counted: dict[str, Approval] = {}
    refused: list[tuple[Approval, str]] = []
    for approval in sorted(set(approvals), key=lambda one: (one.decision != DENY, one.time, one.nonce, one.signature)):
        why = answer_refusal(policy, question, approval, about, now_ms, persons)
        if not why and approval.by in counted:
            why = "the person has decided already"
        if why:
            refused.append((approval, why))
        else:
            counted[approval.by] = approval
    return Tally(_outcome(question, counted, now_ms), tuple(counted.values()), tuple(refused))


def _outcome(question: Question, counted: dict[str, Approval], now_ms: int) -> str:
    if any(one.decision == DENY for one in counted.values()):
        return DENIED
    if now_ms > question.decision.expires_ms:
        return EXPIRED
    return APPROVED if len(counted) >= max(question.decision.approvals, 1) else WAITING


def answer_refusal(
    policy: Policy,
    question: Question,
    approval: Approval,
    about: Corroboration,
    now_ms: int,
    persons: Persons = NOBODY,
) -> str:
    """Return why a decision is no answer to a question that counts, empty when it is; arguments as `count`."""
    if approval.decision == ROLLBACK:
        return "it asks to take the action back, and the action has not run"
    return refusal(policy, question, approval, about, now_ms, persons)


def refusal(
    policy: Policy,
    question: Question,
    approval: Approval,
    about: Corroboration,
    now_ms: int,
    persons: Persons = NOBODY,
) -> str:
    """Return why a decision does not count, empty when it does; arguments as `count`."""
    if (approval.action_uid, approval.action_revision) != (question.action_uid, question.action_revision):
        return "it is about another action, or another revision of it"
    found = _entitled(policy, approval, question.decision.roles)
    if isinstance(found, str):
        return found
    if found.name == question.proposed_by or _is_party(found, about, persons):
        return f"{found.name} asked for the action or is concerned by the case, and nobody approves their own"
    skew = policy.clock_skew_ms
    if not question.asked_ms - skew <= approval.time <= min(question.decision.expires_ms, now_ms + skew):
        return "it was signed before the question, after its time, or later than now"
    return ""


def _entitled(policy: Policy, record: Approval | Feedback, roles: Collection[str]) -> Approver | str:
    """Return the person who signed a record and has one of the roles, or why there is none."""
    who = policy.approvers.get(record.by)
    if who is None:
        return f"the policy knows no {quoted(record.by)}"
    if not _signed(who, record):
        return f"it is not signed with a key of {who.name}"
    return f"it takes one of the roles {', '.join(roles)}" if who.roles.isdisjoint(roles) else who


def _is_party(who: Approver, about: Corroboration, persons: Persons) -> bool:
    names = {*who.accounts, *(first for account in who.accounts if (first := persons.first_name(account)))}
    return not names.isdisjoint(about.parties)


def _signed(who: Approver, record: Approval | Feedback) -> bool:
    try:
        content = record.content
    except InvalidRecord:
        return False
    return any(key.verifies(content, record.signature) for key in who.keys)


def may_run(policy: Policy, decision: Decision, tally: Tally | None) -> bool:
    """Tell whether an action may run now.

    Args:
        policy: The policy that holds now.
        decision: What `decide` says right before it runs.
        tally: What people decided, None when nobody was asked.
    """
    if tally is not None and tally.outcome != APPROVED:
        return False
    if decision.outcome != NEEDS_APPROVAL or tally is None:
        return decision.outcome == AUTOMATIC
    people = (policy.approvers.get(one.by) for one in tally.counted)
    entitled = [who for who in people if who and not who.roles.isdisjoint(decision.roles)]
    return len(entitled) >= max(decision.approvals, 1)


def rollback_refusal(
    policy: Policy, action: Action, request: Approval, about: Corroboration, now_ms: int, persons: Persons = NOBODY
) -> str:
    """Return why a request to take an action back does not count, empty when it does; arguments as `count`.

    One person of a role that may approve such an action is enough, and nobody takes back what concerns themselves.
    """
    if ROLLING_BACK not in TRANSITIONS[action.status]:
        return f"an action that is {action.status} cannot be taken back"
    rule = policy.actions.get(action.kind)
    if rule is None:
        return f"the policy has no action {action.kind}"
    asked = Decision(
        action_uid=action.uid,
        action_revision=action.revision,
        outcome=NEEDS_APPROVAL,
        reasons=(),
        if_nothing=rule.if_nothing,
        policy=policy.label,
        roles=rule.approver_roles,
        expires_ms=LARGEST,
    )
    return refusal(policy, Question(action.uid, action.revision, action.at, asked), request, about, now_ms, persons)


def is_signed(policy: Policy, record: Approval | Feedback) -> bool:
    """Tell whether somebody whom the policy knows has signed a record."""
    who = policy.approvers.get(record.by)
    return who is not None and _signed(who, record)


def feedback_refusal(policy: Policy, feedback: Feedback, now_ms: int) -> str:
    """Return why a correction of a verdict does not count, empty when it does."""
    if policy.unsigned_feedback and not feedback.signature:
        return ""
    found = _entitled(policy, feedback, policy.feedback_roles)
    if isinstance(found, str):
        return found
    return "" if feedback.time <= now_ms + policy.clock_skew_ms else "it was signed later than now"

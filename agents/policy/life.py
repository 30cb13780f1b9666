"""What becomes of an action next, from what stands on the topics and what is known of its target. Pure.

Steps are taken one at a time: whoever asks writes the step down before the next one. Nothing moves to `executing` but
through `start`, which decides again on what is so then; what a record says of itself is not enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from agents.executors.base import Outcome
from agents.policy import policy as modes
from agents.policy.approvals import DENIED, EXPIRED, WAITING, Question, Tally, count, may_run
from agents.policy.corroborate import Corroboration
from agents.policy.decide import AUTOMATIC, NEEDS_APPROVAL, Decision, decide
from agents.policy.decide import DENIED as NOT_ALLOWED
from agents.policy.policy import Policy
from agents.policy.standing import Standing
from enrichers.links.persons import NOBODY, Persons
from models import action as actions
from models.action import Action, moved
from models.approval import ROLLBACK, Approval
from models.verdict import Verdict, VerdictClosed

BY_POLICY, BY_RESPOND = "policy", "respond"
DRY, EXECUTE, RESUME, VERIFY, ROLL_BACK = "dry_run", "execute", "resume", "verify", "roll_back"
# What an executor has to be asked when nobody is asking it: after a restart, too.
TO_DO: Final[Mapping[str, str]] = {
    actions.APPROVED: DRY,
    actions.EXECUTING: RESUME,
    actions.EXECUTED: VERIFY,
    actions.ROLLING_BACK: ROLL_BACK,
}
UNSTARTED: Final = frozenset({actions.PROPOSED, actions.WAITING, actions.APPROVED})
# Where an operation of an executor leads, when it went well and when it did not.
CAME_OUT: Final[Mapping[str, tuple[str, str]]] = {
    EXECUTE: (actions.EXECUTED, actions.FAILED),
    RESUME: (actions.EXECUTED, actions.FAILED),
    VERIFY: (actions.VERIFIED, actions.UNVERIFIED),
    ROLL_BACK: (actions.ROLLED_BACK, actions.ROLLBACK_FAILED),
}


@dataclass(frozen=True, slots=True)
class Case:
    """All that a step depends on.

    Attributes:
        action: The action as it stands.
        since_ms: Since when the proposal is there, by the broker's clock.
        verdict: What stands of the verdict that proposed it.
        about: What is known of the target without the model, fetched for this step.
        approvals: All signed decisions that name the action.
        standing: What has happened so far.
        now_ms: Now.
        persons: Which names are one person's.
    """

    action: Action
    since_ms: int
    verdict: Verdict | VerdictClosed
    about: Corroboration
    approvals: tuple[Approval, ...]
    standing: Standing
    now_ms: int
    persons: Persons = NOBODY


@dataclass(frozen=True, slots=True)
class Step:
    """A step, or an operation that has to come first.

    Attributes:
        action: The next revision; the same one when there is no step.
        decision: What policy said, where it was asked.
        ask: DRY when an executor has to look before the next step, else empty.
    """

    action: Action
    decision: Decision | None = None
    ask: str = ""


def advance(policy: Policy, case: Case) -> Step:
    """Return the next step of an action that has not started."""
    if case.action.status == actions.PROPOSED:
        return _proposed(policy, case)
    if case.action.status == actions.WAITING:
        return _waiting(policy, case)
    return _approved(policy, case)


def _proposed(policy: Policy, case: Case) -> Step:
    if case.now_ms > case.since_ms + policy.approval_ms:
        return Step(_moved(case, actions.EXPIRED, "nobody decided on it in time"))
    decision = _decided(policy, case)
    why = "; ".join(decision.reasons)
    if decision.outcome == modes.DRY_RUN:
        return Step(case.action, decision, DRY)
    if decision.outcome == NEEDS_APPROVAL:
        terms = _terms(policy, case, decision)
        waiting = moved(case.action, actions.WAITING, by=BY_POLICY, why=why, at=case.now_ms, terms=terms)
        return Step(waiting, decision)
    status = {modes.SHADOW: actions.SHADOW, AUTOMATIC: actions.APPROVED}.get(decision.outcome, actions.DENIED)
    return Step(_moved(case, status, why), decision)


def _waiting(policy: Policy, case: Case) -> Step:
    stopped = _stopped(case)
    if stopped:
        return Step(_moved(case, actions.DENIED, stopped))
    tally = tally_of(policy, case)
    if tally.outcome == WAITING:
        return Step(case.action)
    if tally.outcome == EXPIRED:
        return Step(_moved(case, actions.EXPIRED, "nobody approved it in time"))
    status = actions.DENIED if tally.outcome == DENIED else actions.APPROVED
    voices = [one for one in tally.counted if (one.decision == "deny") == (status == actions.DENIED)]
    why = "; ".join(f"{one.by}: {one.reason}" for one in voices)
    return Step(moved(case.action, status, by=", ".join(one.by for one in voices), why=why, at=case.now_ms))


def _approved(policy: Policy, case: Case) -> Step:
    until = _number(case.action, "expires") if case.action.terms else case.action.at + policy.approval_ms
    if case.now_ms > until:
        return Step(_moved(case, actions.EXPIRED, "it did not come to its turn in time"))
    decision = _decided(policy, case)
    why = _why_not(policy, case, decision)
    return Step(_moved(case, actions.DENIED, why), decision) if why else Step(case.action, decision, DRY)


def start(policy: Policy, case: Case, executor: str, looked: Outcome) -> Step:
    """Return the step after a dry run: to `executing` if it may run as things are now, and never otherwise.

    Args:
        policy: The policy that holds now.
        case: What the step depends on, fetched again.
        executor: Who looked; empty when the file names nobody for such an action.
        looked: What the dry run found.
    """
    decision = _decided(policy, case)
    detail, at = looked.detail, case.now_ms
    if decision.outcome == modes.DRY_RUN:
        why = "; ".join(decision.reasons)
        step = moved(case.action, actions.DRY_RUN, by=BY_POLICY, why=why, at=at, detail=detail, executor=executor)
        return Step(step, decision)
    why = "it has not been approved" if case.action.status != actions.APPROVED else _why_not(policy, case, decision)
    if why:
        return Step(_moved(case, actions.DENIED, why), decision)
    if not executor or not looked.ok:
        why = "the dry run failed" if executor else "no executor does such a thing to such a target"
        failed = moved(case.action, actions.FAILED, by=BY_RESPOND, why=why, at=at, detail=detail, executor=executor)
        return Step(failed, decision)
    executing = moved(
        case.action,
        actions.EXECUTING,
        by=BY_RESPOND,
        why="; ".join(decision.reasons),
        at=at,
        detail=detail,
        executor=executor,
        receipt=looked.receipt,
    )
    return Step(executing, decision)


def may_repeat(policy: Policy, case: Case) -> tuple[str, Decision]:
    """Return why an action that was cut off may not be asked for again, empty when it may, and what policy says."""
    decision = _decided(policy, case)
    return _why_not(policy, case, decision), decision


def came_out(action: Action, operation: str, outcome: Outcome, at: int) -> Action:
    """Return the next revision of an action after an operation of its executor."""
    status = CAME_OUT[operation][not outcome.ok]
    receipt = {**action.receipt, **outcome.receipt}
    why = f"{operation.replace('_', ' ')} {'went well' if outcome.ok else 'did not go well'}"
    return moved(action, status, by=BY_RESPOND, why=why, at=at, detail=outcome.detail, receipt=receipt)


def was_asked_back(action: Action, approvals: Iterable[Approval]) -> bool:
    """Tell whether one of these signed records asks to take an action back as it was before it moved to that."""
    wanted = ROLLBACK, action.revision - 1
    return any((one.decision, one.action_revision) == wanted for one in approvals)


def tally_of(policy: Policy, case: Case) -> Tally:
    """Count what people decided on an action that they were asked about."""
    return count(policy, question_of(case.action), case.approvals, case.about, case.now_ms, case.persons)


def question_of(action: Action) -> Question:
    """Return what people were asked; terms that cannot be read are out of time."""
    terms = action.terms
    decision = Decision(
        action_uid=action.uid,
        action_revision=_number(action, "revision"),
        outcome=NEEDS_APPROVAL,
        reasons=(),
        if_nothing=terms.get("if_nothing", ""),
        policy=terms.get("policy", ""),
        would_be=NEEDS_APPROVAL,
        approvals=_number(action, "approvals"),
        roles=tuple(terms.get("roles", "").split(",")),
        expires_ms=_number(action, "expires"),
    )
    return Question(action.uid, decision.action_revision, _number(action, "asked"), decision)


def needs_looking(case_action: Action, approvals: int, now_ms: int) -> bool:
    """Tell whether an action that waits has anything to be looked at: an answer, or its time is over."""
    return approvals > 0 or now_ms > _number(case_action, "expires")


def _decided(policy: Policy, case: Case) -> Decision:
    return decide(policy, case.action, case.verdict, case.about, case.standing, case.now_ms)


def _why_not(policy: Policy, case: Case, decision: Decision) -> str:
    """Return why an action that was approved, by policy or by people, may not run."""
    stopped = _stopped(case)
    if stopped:
        return stopped
    if decision.outcome == NOT_ALLOWED:
        return "; ".join(decision.reasons)
    if decision.outcome == modes.DRY_RUN and case.action.status == actions.APPROVED:
        return ""
    tally = tally_of(policy, case) if case.action.terms else None
    if may_run(policy, decision, tally):
        return ""
    if decision.outcome == modes.SHADOW:
        return "; ".join(decision.reasons)
    return "it takes people's leave now" if tally is None else "those who approved it are not enough now"


def _stopped(case: Case) -> str:
    """Return why an action that has not run is stopped whatever people say: its verdict no longer bears it."""
    verdict = case.verdict
    if isinstance(verdict, VerdictClosed):
        return "the verdict was withdrawn with its sequence"
    if verdict.revision or verdict.corrected_by:
        return "the verdict was corrected by an analyst"
    if verdict.sequence_revision != case.action.sequence_revision:
        return "the verdict is on another revision of the sequence now"
    return ""


def _terms(policy: Policy, case: Case, decision: Decision) -> dict[str, str]:
    rule = policy.actions[case.action.kind]
    return {
        "revision": str(case.action.revision + 1),
        "asked": str(case.now_ms),
        "expires": str(decision.expires_ms),
        "approvals": str(decision.approvals),
        "roles": ",".join(decision.roles),
        "blast_radius": rule.blast_radius,
        "reversible": "yes" if rule.reversible else "no",
        "rollback": rule.rollback,
        "if_nothing": decision.if_nothing,
        "policy": decision.policy,
    }


def _number(action: Action, name: str) -> int:
    text = action.terms.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(10**18)) else 0


def _moved(case: Case, status: str, why: str) -> Action:
    return moved(case.action, status, by=BY_POLICY, why=why, at=case.now_ms)

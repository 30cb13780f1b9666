"""Decide on a proposed action: nothing, a trial, people's leave, or by itself. Pure, and every reason in words.

Whoever proposed it, model or code, has no say here: the action's own words are not read. First comes all that forbids
it; then how many people it takes; then what the mode leaves of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agents.policy.corroborate import Corroboration
from agents.policy.policy import (
    ALLOWED,
    AUTONOMOUS,
    DRY_RUN,
    FORBIDDEN,
    MODES,
    SHADOW,
    TWO_PEOPLE,
    UNKNOWN,
    ActionRule,
    Policy,
    Thresholds,
)
from agents.policy.standing import DAY_MS, HOUR_MS, Standing
from models.action import Action
from models.verdict import TRUE_POSITIVE, VERDICTS, Verdict, VerdictClosed

DENIED, NEEDS_APPROVAL, AUTOMATIC = "denied", "needs_approval", "automatic"
OUTCOMES: Final = (DENIED, SHADOW, DRY_RUN, NEEDS_APPROVAL, AUTOMATIC)
RATED: Final = ("host", "workload", "user")
LOW: Final = "low"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an action.

    Attributes:
        action_uid: The action.
        action_revision: The revision of it that was decided on.
        outcome: One of OUTCOMES.
        would_be: NEEDS_APPROVAL or AUTOMATIC: what it would be if the mode allowed all; empty when it is denied.
        approvals: How many people have to agree, where anybody has to.
        roles: Roles of those who may.
        reasons: Why, in words.
        if_nothing: What happens if nothing is done, in words.
        expires_ms: Until when people may agree; 0 where nobody has to.
        policy: Label of the policy.
    """

    action_uid: str
    action_revision: int
    outcome: str
    reasons: tuple[str, ...]
    if_nothing: str
    policy: str
    would_be: str = ""
    approvals: int = 0
    roles: tuple[str, ...] = ()
    expires_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        """Render for the audit log."""
        return {
            "outcome": self.outcome,
            "would_be": self.would_be,
            "approvals": self.approvals,
            "roles": list(self.roles),
            "reasons": list(self.reasons),
            "if_nothing": self.if_nothing,
            "expires": self.expires_ms,
            "policy": self.policy,
        }


def decide(
    policy: Policy,
    action: Action,
    verdict: Verdict | VerdictClosed,
    corroboration: Corroboration,
    standing: Standing,
    now_ms: int,
) -> Decision:
    """Decide on an action.

    Called when it is proposed, and again right before it runs, with what is so then.

    Args:
        policy: The policy.
        action: The action.
        verdict: What stands now of the verdict that proposed it.
        corroboration: What is known of the target without the model.
        standing: What has happened so far.
        now_ms: Now.
    """
    rule = policy.actions.get(action.kind)
    nothing = rule.if_nothing if rule else "Nothing is known of this action."
    no = tuple(_forbids(policy, rule, action, verdict, corroboration, standing, now_ms))
    if no or rule is None:
        return Decision(action.uid, action.revision, DENIED, no, nothing, policy.label)
    people, why = _people(policy, rule, action, corroboration)
    outcome, mode = _outcome(policy, rule, people)
    return Decision(
        action_uid=action.uid,
        action_revision=action.revision,
        outcome=outcome,
        would_be=NEEDS_APPROVAL if people else AUTOMATIC,
        approvals=max(people, 1) if outcome == NEEDS_APPROVAL else people,
        roles=rule.approver_roles,
        reasons=(*why, *mode),
        if_nothing=nothing,
        expires_ms=now_ms + policy.approval_ms if outcome == NEEDS_APPROVAL else 0,
        policy=policy.label,
    )


def _outcome(policy: Policy, rule: ActionRule, people: int) -> tuple[str, tuple[str, ...]]:
    """Return what the mode leaves, and why."""
    mode = min(policy.mode, rule.mode, key=MODES.index)
    told = (f"the mode is {mode}",)
    if mode in {SHADOW, DRY_RUN}:
        return mode, told
    if people:
        return NEEDS_APPROVAL, ()
    return (AUTOMATIC, ()) if mode == AUTONOMOUS else (NEEDS_APPROVAL, told)


def _people(policy: Policy, rule: ActionRule, action: Action, about: Corroboration) -> tuple[int, tuple[str, ...]]:
    """Return how many people have to agree, and why; 0 when the action may run by itself."""
    bearing = _bearing(policy, about)
    above = _thresholds(policy, about).automatic_above
    causes = (
        (action.confidence <= above, f"the confidence {action.confidence} is not above {above}"),
        (not rule.reversible, "it cannot be taken back"),
        (rule.blast_radius != LOW, f"its blast radius is {rule.blast_radius}"),
        (rule.approvals > 1, f"the policy asks for {rule.approvals} people"),
        (bearing != ALLOWED, f"how critical the target is: {about.criticality}"),
        (not rule.rollout.has(rule.kind, action.target), "the target is not in the rollout yet"),
    )
    why = tuple(cause for holds, cause in causes if holds)
    if not why:
        return 0, ("it can be taken back, its blast radius is low, and the verdict is sure enough",)
    return (2 if bearing == TWO_PEOPLE else rule.approvals), why


def _forbids(
    policy: Policy,
    rule: ActionRule | None,
    action: Action,
    verdict: Verdict | VerdictClosed,
    about: Corroboration,
    standing: Standing,
    now_ms: int,
) -> Iterator[str]:
    """Yield everything that forbids the action."""
    if policy.kill_switch:
        yield "the kill switch is on"
    if rule is None:
        yield f"the policy has no action {action.kind}"
        return
    if rule.kill_switch:
        yield f"the kill switch of {action.kind} is on"
    yield from _target_forbids(policy, rule, action, about)
    yield from _verdict_forbids(action, verdict, about)
    least = _thresholds(policy, about).approval_from
    if action.confidence < least:
        yield f"the confidence {action.confidence} is below {least}"
    yield from _evidence_forbids(rule, about)
    yield from standing.tripped(policy.breaker, now_ms)
    yield from _limits_forbid(policy, rule, action, standing, now_ms)


def _target_forbids(policy: Policy, rule: ActionRule, action: Action, about: Corroboration) -> Iterator[str]:
    if about.target != action.target:
        yield "the evidence is about something else than the target"
    if action.target.type not in rule.targets:
        yield f"it is not done to a {action.target.type}"
    protecting = [str(one) for one in policy.protected if one.covers(action.target)]
    if protecting:
        yield f"the target is protected by {protecting[0]}"
    if action.target.type == "ip" and about.criticality != UNKNOWN:
        yield "the target is the address of a machine of one's own"
    elif _bearing(policy, about) == FORBIDDEN:
        yield f"how critical the target is: {about.criticality}"


def _verdict_forbids(action: Action, verdict: Verdict | VerdictClosed, about: Corroboration) -> Iterator[str]:
    """Yield why the verdict does not bear the action: it has to be sure, to stand, and to be what proposed it."""
    if verdict.uid != action.verdict_uid:
        yield "the verdict is not the one that proposed it"
    if isinstance(verdict, VerdictClosed):
        yield "the verdict was withdrawn with its sequence"
        return
    if verdict.verdict_id != TRUE_POSITIVE:
        yield f"the verdict is {VERDICTS[verdict.verdict_id]}"
    if verdict.corrected_by or verdict.revision:
        yield "the verdict was corrected by an analyst"
    if (action.time, action.confidence) != (verdict.time, verdict.confidence):
        yield "another revision of the verdict proposed it"
    if (about.sequence_uid, about.sequence_revision) != (verdict.sequence_uid, verdict.sequence_revision):
        yield "the evidence is of another revision of the sequence than the verdict"


def _evidence_forbids(rule: ActionRule, about: Corroboration) -> Iterator[str]:
    if not about.is_corroborated:
        yield (
            f"{len(about.detections)} detections on {len(about.records)} records name the target, "
            "and it takes two on two that can be fetched and are intact"
        )
    if rule.blast_radius != LOW and not about.is_independent:
        yield "one source of one domain sees the target, and above a low blast radius it takes two"


def _limits_forbid(policy: Policy, rule: ActionRule, action: Action, standing: Standing, now_ms: int) -> Iterator[str]:
    limits, kind = rule.limits, rule.kind
    others = standing.without(action.uid)  # an action that is taken up again does not stand in its own way
    counts = (
        (others.started(now_ms, HOUR_MS, kind), limits.per_hour, f"{kind} in an hour"),
        (others.started(now_ms, DAY_MS, kind), limits.per_day, f"{kind} in a day"),
        (others.started(now_ms, DAY_MS, kind, action.target), limits.per_target_per_day, "on this target in a day"),
        (others.in_flight, policy.in_flight, "at the same time"),
    )
    yield from (f"no more than {most} {what}" for count, most, what in counts if count >= most)


def _bearing(policy: Policy, about: Corroboration) -> str:
    """Return what the criticality of the target means, where it is something that the tables rate."""
    if about.target.type not in RATED:
        return ALLOWED
    return policy.criticality.get(about.criticality, FORBIDDEN)


def _thresholds(policy: Policy, about: Corroboration) -> Thresholds:
    return policy.thresholds.get(about.kind, Thresholds())

"""Corrections of verdicts by analysts: which of them count, and the verdict that comes of one."""

from __future__ import annotations

from dataclasses import replace

from agents.policy.approvals import feedback_refusal
from agents.policy.policy import Policy
from agents.text import plain
from models.approval import MAX_REASON
from models.feedback import Feedback
from models.verdict import TRUE_POSITIVE, VERDICTS, Verdict, VerdictClosed

SURE = 100  # a person has looked; what the investigation thought of itself stays in `raw_confidence`


def correction_refusal(policy: Policy, feedback: Feedback, verdict: Verdict | VerdictClosed | None, now_ms: int) -> str:
    """Return why a correction does not count, empty when it does.

    Args:
        policy: The policy that holds now.
        feedback: The correction.
        verdict: What stands of the verdict; None where there is none.
        now_ms: Now.
    """
    why = feedback_refusal(policy, feedback, now_ms)
    if why or verdict is None:
        return why or "there is no such verdict"
    if isinstance(verdict, VerdictClosed):
        return "the verdict was withdrawn with its sequence"
    seen = feedback.sequence_revision, feedback.verdict_revision
    stands = verdict.sequence_revision, verdict.revision
    if seen != stands:
        return f"it is out of date: it corrects revision {_revision(*seen)}, and revision {_revision(*stands)} stands"
    return ""


def _revision(sequence: int, correction: int) -> str:
    return f"{sequence}.{correction}"


def corrected(verdict: Verdict, feedback: Feedback) -> Verdict:
    """Return the next revision of a verdict: the analyst's word, and what the investigation had concluded."""
    word = f"{plain(feedback.by)} says {VERDICTS[feedback.verdict_id]}: {plain(feedback.reason, MAX_REASON)}"
    reasoning = replace(
        verdict.reasoning,
        concluded_id=verdict.reasoning.concluded_id or verdict.verdict_id,
        raw_confidence=verdict.reasoning.raw_confidence or verdict.confidence,
    )
    return replace(
        verdict,
        verdict_id=feedback.verdict_id,
        confidence=SURE,
        summary=f"{word}\n{verdict.summary}",
        is_suspected_breach=verdict.is_suspected_breach and feedback.verdict_id == TRUE_POSITIVE,
        revision=verdict.revision + 1,
        corrected_by=feedback.by,
        reasoning=reasoning,
    )

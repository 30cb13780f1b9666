"""What stands in the audit log: one function for each kind of record.

Texts of models and of logs stand there by hash and length: they may hold anything, and journal and verdict have them.
Reasons are ours. `time` is in ms everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agents.audit.event import AuditEvent
from agents.llm.talk import Reply
from agents.text import plain
from models.action import Action
from models.approval import Approval
from models.entity import EntityKey
from models.feedback import Feedback
from models.ocsf import encode
from models.reasoning import Struck, Versions
from models.uids import sha256_hex
from models.verdict import Verdict
from models.verdict_ocsf import verdict_to_ocsf

MAX_WORDS: Final = 500

INVESTIGATION_BEGUN: Final = "investigation.begun"
INVESTIGATION_ENDED: Final = "investigation.ended"
INVESTIGATION_FELL_BACK: Final = "investigation.fell_back"
REQUEST_SENT: Final = "request.sent"
REQUEST_ANSWERED: Final = "request.answered"
REQUEST_FAILED: Final = "request.failed"
TOOL_CALLED: Final = "tool.called"
TOOL_REFUSED: Final = "tool.refused"
CLAIM_STRUCK: Final = "claim.struck"
ANSWER_JUDGED: Final = "answer.judged"
PROPOSAL_DROPPED: Final = "proposal.dropped"
INJECTION_SUSPECTED: Final = "injection.suspected"
ACTION: Final = "action."  # and the status that it moved to
ACTION_DECIDED: Final = "action.decided"
APPROVAL_COUNTED: Final = "approval.counted"
APPROVAL_REFUSED: Final = "approval.refused"
FEEDBACK_TAKEN: Final = "feedback.taken"
FEEDBACK_REFUSED: Final = "feedback.refused"
RECORD_REFUSED: Final = "record.refused"
BREAKER: Final = "breaker"
KILL_SWITCH: Final = "kill_switch"
POLICY_LOADED: Final = "policy.loaded"


def by_hash(text: str) -> dict[str, Any]:
    """Return what stands for a text: its hash and its length in characters."""
    return {"sha256": sha256_hex(text.encode("utf-8", "surrogatepass")), "characters": len(text)}


def investigation_begun(time: int, investigation: str, sequence: str, revision: int, versions: Versions) -> AuditEvent:
    """Say that a revision of a sequence is looked into, and with which versions."""
    made_with = {name: _words(getattr(versions, name)) for name in Versions.__slots__}
    data = {"investigation": investigation, "sequence": sequence, "revision": revision, "versions": made_with}
    return AuditEvent(INVESTIGATION_BEGUN, time, data)


def investigation_ended(time: int, investigation: str, verdict: Verdict) -> AuditEvent:
    """Say what came of it: the verdict by its hash, which `braid audit replay` has to come to again."""
    data = {
        "investigation": investigation,
        "verdict": verdict.uid,
        "sequence_revision": verdict.sequence_revision,
        "revision": verdict.revision,
        "verdict_id": verdict.verdict_id,
        "confidence": verdict.confidence,
        "investigator": _words(verdict.investigator),
        "model_took_part": verdict.model_took_part,
        "sha256": verdict_hash(verdict),
    }
    return AuditEvent(INVESTIGATION_ENDED, time, data)


def verdict_hash(verdict: Verdict) -> str:
    """Return the hash of a verdict's record."""
    return sha256_hex(encode(verdict_to_ocsf(verdict)))


def investigation_fell_back(time: int, investigation: str, why: str) -> AuditEvent:
    """Say that no model judged, though one was configured."""
    return AuditEvent(INVESTIGATION_FELL_BACK, time, {"investigation": investigation, "why": _words(why)})


def request_sent(time: int, investigation: str, endpoint: str, request: bytes) -> AuditEvent:
    """Say that a model is asked: where, and the hash and size of all that it was sent."""
    sent = {"sha256": sha256_hex(request), "size_bytes": len(request)}
    return AuditEvent(REQUEST_SENT, time, {"investigation": investigation, "endpoint": _words(endpoint), **sent})


def request_answered(time: int, investigation: str, endpoint: str, reply: Reply) -> AuditEvent:
    """Say what a model answered, by its hash, and what that took."""
    data = {
        "investigation": investigation,
        "endpoint": _words(endpoint),
        "model": _words(reply.model),
        "stopped": reply.stopped,
        "calls": len(reply.calls),
        "text": by_hash(reply.text),
        "input_tokens": reply.usage.input_tokens,
        "output_tokens": reply.usage.output_tokens,
        "cost_micros": reply.usage.cost_micros,
        "latency_ms": reply.usage.latency_ms,
        "tries": reply.usage.tries,
    }
    return AuditEvent(REQUEST_ANSWERED, time, data)


def request_failed(time: int, investigation: str, endpoint: str, why: str) -> AuditEvent:
    """Say that a model gave no usable answer."""
    data = {"investigation": investigation, "endpoint": _words(endpoint), "why": _words(why)}
    return AuditEvent(REQUEST_FAILED, time, data)


def tool_called(
    time: int, investigation: str, tool: str, arguments: str, *, rows: int, size_bytes: int, answer_sha256: str
) -> AuditEvent:
    """Say that a tool was called and what it answered, by hashes."""
    answer = {"rows": rows, "size_bytes": size_bytes, "sha256": answer_sha256}
    data = {"investigation": investigation, "tool": _words(tool), "arguments": by_hash(arguments), "answer": answer}
    return AuditEvent(TOOL_CALLED, time, data)


def tool_refused(time: int, investigation: str, tool: str, arguments: str, why: str) -> AuditEvent:
    """Say that a call of a tool was refused: what a model tried."""
    data = {"investigation": investigation, "tool": _words(tool), "arguments": by_hash(arguments), "why": _words(why)}
    return AuditEvent(TOOL_REFUSED, time, data)


def claim_struck(time: int, investigation: str, struck: Struck) -> AuditEvent:
    """Say that a statement was struck out, and why."""
    data = {"investigation": investigation, "text": by_hash(struck.text), "why": _words(struck.reason)}
    return AuditEvent(CLAIM_STRUCK, time, data)


def answer_judged(
    time: int, investigation: str, asked: tuple[int, int], verdict: Verdict, *, kept: int, struck: int
) -> AuditEvent:
    """Say what a model asked for and what came of it.

    Args:
        time: Now.
        investigation: Its uid.
        asked: The OCSF verdict that the model answered with, and its confidence.
        verdict: What was concluded.
        kept: How many claims hold.
        struck: How many statements of any kind were struck out.
    """
    data = {
        "investigation": investigation,
        "asked_verdict_id": asked[0],
        "asked_confidence": asked[1],
        "verdict_id": verdict.verdict_id,
        "confidence": verdict.confidence,
        "claims": kept,
        "struck": struck,
    }
    return AuditEvent(ANSWER_JUDGED, time, data)


def proposal_dropped(time: int, investigation: str, kind: str, target: EntityKey) -> AuditEvent:
    """Say that an action which a model proposed is not taken up: the verdict or its evidence does not bear it."""
    data = {"investigation": investigation, "kind": _words(kind), "target": plain(str(target))}
    return AuditEvent(PROPOSAL_DROPPED, time, data)


def injection_suspected(time: int, investigation: str, where: str, text: str, why: str) -> AuditEvent:
    """Say that a text looks as if it spoke to the model.

    Args:
        time: Now.
        investigation: Its uid.
        where: The event and field, or the reply, that has it.
        text: It.
        why: What gives that impression.
    """
    data = {"investigation": investigation, "where": _words(where), "text": by_hash(text), "why": _words(why)}
    return AuditEvent(INJECTION_SUSPECTED, time, data)


def action_moved(action: Action) -> AuditEvent:
    """Say that an action was proposed or took a step: who, why, to which end. The receipt stands there by its names."""
    data = {
        **_about(action),
        "revision": action.revision,
        "by": _words(action.by),
        "why": _words(action.why or action.reason),
        "detail": _words(action.detail),
        "executor": _words(action.executor),
        "evidence": list(action.evidence[:50]),
        "receipt": sorted(map(_words, action.receipt)),
    }
    return AuditEvent(f"{ACTION}{action.status}", action.at or action.time, data)


def action_decided(time: int, action: Action, decision: Mapping[str, Any]) -> AuditEvent:
    """Say what policy decided on an action: `Decision.to_json`."""
    return AuditEvent(ACTION_DECIDED, time, {**_about(action), "revision": action.revision, **decision})


def approval_counted(time: int, approval: Approval, refusal: str = "") -> AuditEvent:
    """Say that a person's decision counts, or why it does not."""
    data = {
        "action": approval.action_uid,
        "revision": approval.action_revision,
        "decision": approval.decision,
        "by": _words(approval.by),
        "reason": _words(approval.reason),
        "signed": approval.time,
        "nonce": approval.nonce,
        "refusal": _words(refusal),
    }
    return AuditEvent(APPROVAL_REFUSED if refusal else APPROVAL_COUNTED, time, data)


def feedback_taken(time: int, feedback: Feedback, refusal: str = "") -> AuditEvent:
    """Say that a verdict was corrected, or why it was not."""
    data = {
        "verdict": feedback.verdict_uid,
        "sequence_revision": feedback.sequence_revision,
        "verdict_revision": feedback.verdict_revision,
        "verdict_id": feedback.verdict_id,
        "by": _words(feedback.by),
        "reason": _words(feedback.reason),
        "signed": feedback.time,
        "refusal": _words(refusal),
    }
    return AuditEvent(FEEDBACK_REFUSED if refusal else FEEDBACK_TAKEN, time, data)


def record_refused(time: int, place: str, about: str, why: str) -> AuditEvent:
    """Say that a record on a topic does not count: where it is, what it is about, and why not."""
    return AuditEvent(RECORD_REFUSED, time, {"place": _words(place), "about": _words(about), "why": _words(why)})


def breaker_moved(time: int, causes: tuple[str, ...]) -> AuditEvent:
    """Say that the breaker opened, and why; that it closed when there is no cause."""
    return AuditEvent(BREAKER, time, {"open": bool(causes), "causes": list(map(_words, causes))})


def kill_switch_moved(time: int, what: str, *, on: bool, by: str) -> AuditEvent:
    """Say that a kill switch was thrown or taken back: `everything`, or one kind of action."""
    return AuditEvent(KILL_SWITCH, time, {"what": _words(what), "on": on, "by": _words(by)})


def policy_loaded(time: int, label: str, mode: str) -> AuditEvent:
    """Say which policy holds from now on."""
    return AuditEvent(POLICY_LOADED, time, {"policy": _words(label), "mode": mode})


def _about(action: Action) -> dict[str, Any]:
    return {
        "action": action.uid,
        "verdict": action.verdict_uid,
        "kind": action.kind,
        "target": plain(str(action.target)),
        "confidence": action.confidence,
    }


def _words(text: str) -> str:
    """Bound a text and make all of it visible."""
    return plain(text, MAX_WORDS)

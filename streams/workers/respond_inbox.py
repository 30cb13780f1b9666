"""What comes in for respond: decisions of people, corrections of verdicts, and records that do not count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from confluent_kafka import Message as KafkaMessage

from agents.audit import events
from agents.audit.event import AuditEvent
from agents.policy.approvals import is_signed, rollback_refusal
from agents.policy.correction import corrected, correction_refusal
from agents.policy.life import tally_of
from agents.policy.policy import Policy
from models.action import ROLLING_BACK, WAITING, moved
from models.approval import ROLLBACK, Approval, approval_from_json
from models.errors import InvalidRecord
from models.feedback import Feedback, feedback_from_json
from models.verdict import Verdict
from streams import wire
from streams.board import Known, Place
from streams.workers.board import ACTIONS, APPROVALS, KeptBoard, action_of, place_of
from streams.workers.evidence import Evidence

FEEDBACK: Final = "feedback"
Write = Callable[[Iterable[wire.Message], Iterable[AuditEvent]], None]


class Inbox:
    """Take records of the partitions that this worker has, each once."""

    def __init__(self, kept: KeptBoard, evidence: Evidence, now: Callable[[], int], write: Write) -> None:
        self._kept = kept
        self._evidence = evidence
        self._now = now
        self._write = write

    def remember(self, ends: Mapping[int, int], policy: Policy) -> None:
        """Know the approvals before these offsets, which have been told of."""
        for approval, place in self._kept.approvals():
            if place.offset < ends.get(place.partition, 0) and is_signed(policy, approval):
                self._kept.board.take_approval(approval, place)

    def take(self, topic: str, message: KafkaMessage, policy: Policy) -> str:
        """Take one record; return why it cannot be read, empty when it can."""
        value = message.value() or b""
        try:
            if topic == APPROVALS:
                self._approval(approval_from_json(value), place_of(message), policy)
            elif topic == FEEDBACK:
                self._feedback(feedback_from_json(value), policy)
            else:
                self._action(message)
        except (InvalidRecord, ValueError) as error:
            return str(error)
        return ""

    def _action(self, message: KafkaMessage) -> None:
        """Tell of a record that does not count; all else the board has."""
        action, place = action_of(message), place_of(message)
        why = self._kept.refused.pop(place, "")
        if why:
            where = f"{ACTIONS}/{place.partition}@{place.offset}"
            self._write((), [events.record_refused(self._now(), where, action.uid, why)])

    def _approval(self, approval: Approval, place: Place, policy: Policy) -> None:
        known = self._kept.board.actions.get(approval.action_uid)
        why = "" if is_signed(policy, approval) else "nobody whom the policy knows has signed it"
        why = why or self._kept.board.take_approval(approval, place)
        if known is None or why:
            why = why or "there is no such action"
            self._write((), [events.approval_counted(self._now(), approval, why)])
        elif approval.decision == ROLLBACK:
            self._rollback(known, approval, policy)
        else:
            why = self._answer(known, approval, policy)
            self._write((), [events.approval_counted(self._now(), approval, why)])

    def _answer(self, known: Known, approval: Approval, policy: Policy) -> str:
        """Return why an answer does not count, empty when it does; the next step is taken on its account."""
        if known.action.status != WAITING:
            return f"the action is {known.action.status}, and waits for nobody"
        case = self._evidence.case(known)
        if case is None:
            return "there is no verdict that it is about"
        tally = tally_of(policy, case)
        return dict(tally.refused).get(approval, "")

    def _rollback(self, known: Known, request: Approval, policy: Policy) -> None:
        case, action, now = self._evidence.case(known), known.action, self._now()
        why = "there is no verdict that it is about"
        if case is not None:
            why = rollback_refusal(policy, action, request, case.about, now, case.persons)
        told = [events.approval_counted(now, request, why)]
        if why:
            self._write((), told)
            return
        undone = moved(action, ROLLING_BACK, by=request.by, why=request.reason, at=now)
        self._write([wire.action_message(undone, "respond")], [*told, events.action_moved(undone)])

    def _feedback(self, feedback: Feedback, policy: Policy) -> None:
        verdict, now = self._kept.verdict(feedback.verdict_uid), self._now()
        why = correction_refusal(policy, feedback, verdict, now)
        told = [events.feedback_taken(now, feedback, why)]
        if why or not isinstance(verdict, Verdict):
            self._write((), told)
            return
        self._write([wire.verdict_message(corrected(verdict, feedback), "respond")], told)

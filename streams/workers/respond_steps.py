"""The steps of actions: what `agents.policy.life` says comes next, with what stands and what executors say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from agents.audit import events
from agents.policy.life import (
    BY_POLICY,
    BY_RESPOND,
    DRY,
    EXECUTE,
    RESUME,
    TO_DO,
    UNSTARTED,
    Step,
    advance,
    came_out,
    may_repeat,
    needs_looking,
    start,
    was_asked_back,
)
from agents.policy.policy import Policy
from models.action import (
    APPROVED,
    DENIED,
    EXECUTED,
    EXECUTING,
    FAILED,
    PROPOSED,
    ROLLBACK_FAILED,
    ROLLING_BACK,
    WAITING,
    Action,
    moved,
)
from streams import wire
from streams.board import Known
from streams.config import Settings
from streams.workers.board import KeptBoard
from streams.workers.clients import LOG
from streams.workers.evidence import Evidence
from streams.workers.flights import Flights, Landed
from streams.workers.respond_inbox import Write

AGAIN_SECONDS: Final = 1.0  # between two looks at the lake for what it has not got yet
NOTIFY: Final = "notify"
STARTED: Final = frozenset(TO_DO) - {APPROVED}


class Steps:
    """Move the actions of some partitions on, a step at a time."""

    def __init__(
        self,
        settings: Settings,
        kept: KeptBoard,
        evidence: Evidence,
        flights: Flights,
        now: Callable[[], int],
        write: Write,
    ) -> None:
        self._settings = settings
        self._kept = kept
        self._evidence = evidence
        self._flights = flights
        self._now = now
        self._write = write
        self._looked: dict[str, object] = {}
        self._again: dict[str, float] = {}

    def turn(self, policy: Policy, owned: frozenset[int]) -> None:
        """Take what executors say, then every step that is due."""
        for landed in self._flights.landed():
            known = self._kept.board.actions.get(landed.action.uid)
            if known and known.action == landed.action and known.partition in owned:
                self._land(policy, known, landed)
        for known in self._kept.board.of(owned, UNSTARTED):
            if known.action.uid not in self._flights and self._is_due(policy, known):
                self._step(policy, known)
        for known in self._kept.board.of(owned, STARTED):
            if known.action.uid not in self._flights:
                self._go_on(known.action)

    def _go_on(self, action: Action) -> None:
        """Ask the executor for what comes next; for taking back only if a person has signed that this is wanted."""
        if action.status == ROLLING_BACK and not was_asked_back(action, self._kept.board.approvals(action.uid)):
            why = "nobody has signed a request for it"
            self._take(Step(moved(action, ROLLBACK_FAILED, by=BY_RESPOND, why=why, at=self._now())))
        else:
            self._flights.start(action, TO_DO[action.status])

    def _is_due(self, policy: Policy, known: Known) -> bool:
        """Tell whether there is anything to look at: reading the lake for nothing would take up everything."""
        action, board = known.action, self._kept.board
        if action.status != WAITING:
            is_turn = board.standing.without(action.uid).in_flight < policy.in_flight
            is_old = self._now() > max(known.since_ms, action.at) + policy.approval_ms
            return (is_turn or is_old) and time.monotonic() >= self._again.get(action.uid, 0.0)
        answers = len(board.approvals(action.uid))
        stands = board.verdicts.get(action.verdict_uid), answers, needs_looking(action, 0, self._now()), policy.label
        if self._looked.get(action.uid) == stands:
            return False
        self._looked[action.uid] = stands
        return True

    def _step(self, policy: Policy, known: Known) -> None:
        case = self._evidence.case(known, since_ms=known.since_ms)
        if case is None:
            self._again[known.action.uid] = time.monotonic() + AGAIN_SECONDS
            self._looked.pop(known.action.uid, None)
            self._without_verdict(known)
            return
        self._again.pop(known.action.uid, None)
        step = advance(policy, case)
        if step.ask:
            self._flights.start(known.action, DRY)
        elif step.action is not known.action:
            self._take(step)

    def _without_verdict(self, known: Known) -> None:
        """End a proposal that no verdict stands behind."""
        waited = self._now() - known.since_ms
        is_over = waited >= self._settings.evidence_seconds * 1000
        if known.action.status == PROPOSED and is_over and known.action.verdict_uid not in self._kept.board.verdicts:
            why = "there is no verdict that proposes it"
            self._take(Step(moved(known.action, DENIED, by=BY_POLICY, why=why, at=self._now())))

    def _land(self, policy: Policy, known: Known, landed: Landed) -> None:
        if landed.operation == DRY:
            self._start(policy, known, landed)
        elif landed.operation == RESUME and not landed.outcome.ok:
            self._repeat(policy, known, landed)
        else:
            done = came_out(known.action, landed.operation, landed.outcome, self._now())
            self._take(Step(done), tuple(self._notice(policy, done)))

    def _start(self, policy: Policy, known: Known, landed: Landed) -> None:
        case = self._evidence.case(known)
        if case is None:
            return
        step = start(policy, case, landed.executor, landed.outcome)
        self._take(step)
        if step.action.status == EXECUTING:
            self._flights.start(step.action, EXECUTE)

    def _repeat(self, policy: Policy, known: Known, landed: Landed) -> None:
        """Ask once more for what was cut off, under the same key, if it may still run; it does not seem to stand."""
        case = self._evidence.case(known)
        if case is None:
            return
        why, decision = may_repeat(policy, case)
        if not why:
            self._write((), [events.action_decided(case.now_ms, known.action, decision.to_json())])
            self._flights.start(known.action, EXECUTE)
            return
        why, detail = f"it was cut off, and is not asked for again: {why}", landed.outcome.detail
        failed = moved(known.action, FAILED, by=BY_RESPOND, why=why, at=case.now_ms, detail=detail)
        self._take(Step(failed, decision))

    def _take(self, step: Step, more: tuple[Action, ...] = ()) -> None:
        """Write a step, what policy said, and what is proposed on its account."""
        told = [events.action_moved(one) for one in (step.action, *more)]
        if step.decision is not None:
            told.insert(0, events.action_decided(self._now(), step.action, step.decision.to_json()))
        self._write([wire.action_message(one, BY_RESPOND) for one in (step.action, *more)], told)

    def _notice(self, policy: Policy, action: Action) -> Iterator[Action]:
        """Propose to tell people of what ran without them; that goes the way of every proposal."""
        if action.status != EXECUTED or action.terms or action.kind == NOTIFY:
            return
        LOG.warning("action %s ran without a person: %s on %s", action.uid, action.kind, action.target)
        rule = policy.actions.get(NOTIFY)
        if rule is not None and action.target.type in rule.targets:
            yield Action(
                verdict_uid=action.verdict_uid,
                kind=NOTIFY,
                target=action.target,
                time=action.time,
                confidence=action.confidence,
                reason=f"Done without a person: {action.kind}. {action.reason}",
                evidence=action.evidence,
                sequence_revision=action.sequence_revision,
            )

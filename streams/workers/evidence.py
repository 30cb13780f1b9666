"""What respond knows of an action's target without the model, fetched from the lake each time it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from agents.policy.corroborate import Corroboration, corroborate
from agents.policy.life import Case
from models import ocsf
from models.action import Action
from models.errors import ConfigError, InvalidRecord, LakeUnreadable
from models.finding import Sequence
from models.finding_ocsf import sequence_from_ocsf
from models.verdict import Verdict, VerdictClosed
from streams.board import Known
from streams.config import Settings
from streams.lake import SEQUENCES
from streams.lake_store import LakeStore
from streams.responding import criticality_of
from streams.workers.board import KeptBoard
from streams.workers.clients import LOG
from streams.workers.context import ContextTopics

START_SECONDS: Final = 15.0
FOLLOW_SECONDS: Final = 2.0


class Evidence:
    """The lake, and the tables of assets and identities. For one thread."""

    def __init__(self, settings: Settings, kept: KeptBoard, now: Callable[[], int]) -> None:
        """Read the tables; raise ConfigError when a file of them cannot be read."""
        self._settings = settings
        self._kept = kept
        self._now = now
        self._store = LakeStore(settings.lake)
        self._topics = ContextTopics(settings)
        self._topics.read_through(START_SECONDS)
        self._criticality = criticality_of(settings, self._topics.tables())
        self._followed = time.monotonic()
        self.problem = self._topics.problem

    def close(self) -> None:
        """Leave the broker."""
        self._topics.close()

    def follow(self) -> None:
        """Take up what changed in the tables, now and then."""
        if time.monotonic() - self._followed < FOLLOW_SECONDS:
            return
        self._followed = time.monotonic()
        if self._topics.poll(0):
            self._renew()

    def _renew(self) -> None:
        try:
            self._criticality = criticality_of(self._settings, self._topics.tables())
            self.problem = self._topics.problem
        except ConfigError as error:
            self.problem = str(error).partition("\n")[0]
            LOG.warning("the tables of assets and identities are not renewed: %s", error)

    def case(self, known: Known, since_ms: int = 0) -> Case | None:
        """Return all that a step of an action depends on now.

        None without a verdict, and while the lake may still be getting the evidence that is waited for `since_ms`.
        """
        board, verdict = self._kept.board, self._kept.verdict(known.action.verdict_uid)
        about = self._about(known.action, verdict, since_ms) if verdict else None
        if verdict is None or about is None:
            return None
        return Case(
            action=known.action,
            since_ms=known.since_ms,
            verdict=verdict,
            about=about,
            approvals=board.approvals(known.action.uid),
            standing=board.standing,
            now_ms=self._now(),
            persons=self._criticality.persons,
        )

    def _about(self, action: Action, verdict: Verdict | VerdictClosed, since_ms: int) -> Corroboration | None:
        """Return what is known of an action's target; None while the lake may still be getting it.

        What is not there in time, or cannot be read, is nothing known: with that no action runs.

        Args:
            action: The action.
            verdict: What stands of its verdict.
            since_ms: Since when the evidence is waited for.
        """
        nothing = Corroboration(action.target, verdict.sequence_uid, -1, parties=frozenset({action.target}))
        if isinstance(verdict, VerdictClosed):
            return nothing
        is_over = self._now() - since_ms >= self._settings.evidence_seconds * 1000
        try:
            sequence = self._sequence(verdict)
            if not is_over and (sequence is None or self._store.missing(sequence)):
                return None
            return corroborate(action, sequence, self._store, self._criticality) if sequence else nothing
        except LakeUnreadable as error:
            self.problem = str(error)
            return nothing if is_over else None

    def _sequence(self, verdict: Verdict) -> Sequence | None:
        """Return the revision of the verdict's sequence that stands, None when the lake has none as late."""
        for record in self._store.standing(SEQUENCES, [verdict.sequence_uid]).rows:
            try:
                found = sequence_from_ocsf(ocsf.decode(record))
            except (InvalidRecord, ValueError):
                return None
            if isinstance(found, Sequence) and found.revision >= verdict.sequence_revision:
                return found
        return None

"""The investigation: what investigates, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agents.audit.event import AuditEvent
from agents.evidence.store import EvidenceStore
from agents.evidence.toolbox import Step
from models.action import Action
from models.finding import Sequence
from models.uids import content_uid
from models.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Investigation:
    """What came of one investigation.

    Attributes:
        verdict: The verdict on the sequence.
        actions: What it proposes to do.
        steps: Every question to the store that led there.
        events: What happened on the way that the audit log has to show, in order.
    """

    verdict: Verdict
    actions: tuple[Action, ...]
    steps: tuple[Step, ...]
    events: tuple[AuditEvent, ...] = ()


def investigation_uid(sequence: Sequence) -> str:
    """Name the investigation of one revision of a sequence: begun twice, it is the same one."""
    return name_of(sequence.uid, sequence.revision)


def name_of(sequence_uid: str, revision: int) -> str:
    """Name an investigation by what it is about."""
    return content_uid("investigation", sequence_uid, str(revision))


class Investigator(Protocol):
    """Judge sequences; the default needs no model."""

    @property
    def name(self) -> str:
        """Return the name and version that verdicts carry."""
        ...

    async def judge(self, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Gather evidence on one sequence and judge it. Reads the store, and asks nobody it was not given."""
        ...

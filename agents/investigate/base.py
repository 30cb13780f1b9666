"""The investigation: what investigates, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agents.evidence.store import EvidenceStore
from models.action import Action
from models.finding import Sequence
from models.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One tool call of an investigation, for the journal.

    Attributes:
        tool: Name of the tool.
        arguments: Argument names and values as text.
        rows: Rows it answered.
        size_bytes: Bytes of the records in the answer.
        more: Whether the bounds left rows behind.
        sha256: Hash over the hashes of the rows, in order: the same answer has the same hash.
    """

    tool: str
    arguments: tuple[tuple[str, str], ...]
    rows: int
    size_bytes: int
    more: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class Investigation:
    """The verdict on one sequence, the actions it proposes, and every step that led there."""

    verdict: Verdict
    actions: tuple[Action, ...]
    steps: tuple[Step, ...]


class Investigator(Protocol):
    """Judge sequences; the default needs no model."""

    @property
    def name(self) -> str:
        """Return the name and version that verdicts carry."""
        ...

    def investigate(self, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Gather evidence on one sequence and judge it. Reads the store, and asks nobody it was not given."""
        ...

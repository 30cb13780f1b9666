"""What is left of an answer once it is checked, and what was struck out of it."""

from __future__ import annotations

from dataclasses import dataclass

from agents.investigate.refs import Citable
from models.entity import EntityKey
from models.reasoning import Hypothesis

CLAIM, TIMELINE, HYPOTHESIS, TECHNIQUES, ACTION, SUMMARY, NEXT_STEP, NOTE = (
    *("claim", "timeline", "hypothesis", "technique", "action", "summary", "next step", "note"),
)


@dataclass(frozen=True, slots=True)
class Proven:
    """A statement that its evidence bears out.

    Attributes:
        text: The statement, cleaned.
        cited: What it cites, in its order.
        noted: Names of the notes it cites.
    """

    text: str
    cited: tuple[Citable, ...]
    noted: tuple[str, ...] = ()

    @property
    def uids(self) -> tuple[str, ...]:
        """Return the uids of what it cites."""
        return tuple(dict.fromkeys(one.uid for one in self.cited))


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action that a model proposes, and that what it cites is about: not yet decided by anybody."""

    kind: str
    target: EntityKey
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StruckPart:
    """A statement that was struck out: of which part of the answer, its text, cleaned, and why."""

    part: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of an answer.

    Attributes:
        claims: Claims that hold.
        timeline: Lines of the timeline that hold, each beginning with its time.
        hypotheses: Hypotheses whose decision holds, and open ones.
        techniques: Techniques of cited detections.
        actions: Proposals whose target the evidence names.
        summary: The sentences of it that hold.
        next_steps: Steps that name nothing invented.
        note: The sentences of it that hold.
        cited: What all of these cite.
        struck: Everything else, and why.
    """

    claims: tuple[Proven, ...] = ()
    timeline: tuple[Proven, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    techniques: tuple[str, ...] = ()
    actions: tuple[Proposal, ...] = ()
    summary: str = ""
    next_steps: tuple[str, ...] = ()
    note: str = ""
    cited: tuple[Citable, ...] = ()
    struck: tuple[StruckPart, ...] = ()

    def struck_of(self, part: str) -> int:
        """Return how many statements of a part were struck."""
        return sum(one.part == part for one in self.struck)

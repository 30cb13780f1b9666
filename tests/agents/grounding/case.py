"""A case that a model has investigated: the small intrusion, shown to it by name, and answers about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents.deterministic.investigator import judge
from agents.evidence.facts import Gathered
from agents.evidence.gather import gather
from agents.evidence.toolbox import Toolbox
from agents.grounding.answer import (
    Answer,
    AnsweredAction,
    AnsweredClaim,
    AnsweredHypothesis,
    AnsweredMoment,
)
from agents.grounding.calibration import NO_LABELS, Labels
from agents.grounding.check import Context, check
from agents.grounding.checked import Checked
from agents.grounding.conclude import conclude
from agents.investigate.refs import Refs
from models.verdict import Verdict
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import Scenario, intrusion

TECHNIQUES = frozenset({"T1003", "T1003.001", "T1078", "T1021.002", "T1566"})
CLAIMS = (
    AnsweredClaim("The user `alice` logged on from 203.0.113.9 at 15:06.", ("E1", "S1")),
    AnsweredClaim(
        "The command `procdump -ma lsass.exe C:\\temp\\out.dmp` was run 3 minutes later.", ("E1", "E2", "S2")
    ),
    AnsweredClaim("The service `x1` was created from 203.0.113.9, which is T1021.002.", ("E3", "S3")),
)
MADE_UP = AnsweredClaim("The user mallory logged on from 198.51.100.99.", ("E1",))


def answering(verdict: str = "true_positive", **other: Any) -> Answer:
    """Return an honest answer on the intrusion, or one that differs from it."""
    parts: dict[str, Any] = {
        "confidence": 99,
        "summary": "The account alice was taken over from 203.0.113.9.",
        "claims": CLAIMS,
        "timeline": (AnsweredMoment("2025-06-15T15:06:40Z", "alice logged on", ("E1",)),),
        "hypotheses": (
            AnsweredHypothesis("An administrator at work", "rejected", "`procdump` read `lsass.exe`.", ("E2",)),
            AnsweredHypothesis("A penetration test", "open", "Nobody said.", ()),
        ),
        "techniques": ("T1003.001",),
        "actions": (AnsweredAction("disable_user", "user:alice", "The user alice ran `procdump`.", ("E2", "S2")),),
        "next_steps": ("Ask alice.",),
        "note": "An account was taken over.",
    }
    return Answer(verdict=verdict, **{**parts, **other})  # type: ignore[arg-type]  # wrong ones are meant too


@dataclass
class Case:
    """One investigation up to the model's answer."""

    scenario: Scenario = field(default_factory=intrusion)
    notes: dict[str, str] = field(default_factory=dict)
    more: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.scenario.rows)
        self.gathered: Gathered = gather(self.scenario.sequence(), Toolbox(self.store))
        self.base: Verdict = judge(self.gathered)
        self.refs = Refs()
        for held in self.gathered.held:
            self.refs.ref(held.event)
            self.refs.ref(held.signal)
        for stored in self.gathered.others:
            self.refs.ref(stored)

    def check(self, answer: Answer) -> Checked:
        return check(answer, self.refs.shown, self.store, Context(TECHNIQUES, self.more, notes=self.notes))

    def conclude(self, answer: Answer, labels: Labels = NO_LABELS) -> Verdict:
        return conclude(self.gathered, self.base, answer, self.check(answer), labels)

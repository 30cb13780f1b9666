"""Verdicts: what an investigation concludes about a sequence, claim by claim. In OCSF: `models.verdict_ocsf`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from models.errors import InvalidRecord
from models.fact import Fact
from models.finding import Attack, SequenceClosed
from models.finding_ocsf import SEVERITY
from models.reasoning import NO_REASONING, Reasoning
from models.records import Coordinates
from models.uids import verdict_uid

FALSE_POSITIVE, TRUE_POSITIVE, SUSPICIOUS, BENIGN, INSUFFICIENT_DATA = 1, 2, 4, 5, 7
VERDICTS: Final = {
    1: "False Positive",
    2: "True Positive",
    3: "Disregard",
    4: "Suspicious",
    5: "Benign",
    6: "Test",
    7: "Insufficient Data",
    8: "Security Risk",
    9: "Managed Externally",
    10: "Duplicate",
}
PRIORITY: Final = {1: "Low", 2: "Medium", 3: "High", 4: "Critical"}
EVENT, SIGNAL = "event", "signal"
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One record that a claim rests on, with all it takes to fetch it again and to see that it is unchanged.

    Attributes:
        kind: `event` (the coordinates and hash are the raw record's) or `signal` (they are the signal record's).
        uid: Uid of the event or signal.
        time: Its event time in ms.
        at: Where to fetch it.
        sha256: Full SHA-256 of the bytes there, in hex.
    """

    kind: str
    uid: str
    time: int
    at: Coordinates
    sha256: str

    def __post_init__(self) -> None:
        """Refuse a kind or hash that cannot be one, with InvalidRecord."""
        if self.kind not in {EVENT, SIGNAL}:
            raise InvalidRecord(f"evidence kind {self.kind[:40]!r} is neither {EVENT} nor {SIGNAL}")
        if not _SHA256.match(self.sha256):
            raise InvalidRecord(f"evidence of {self.uid[:40]!r} carries no full SHA-256 in hex")


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of a verdict, and the uids of the evidence and facts it rests on (never none)."""

    text: str
    evidence: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a claim that rests on nothing, with InvalidRecord."""
        if not self.evidence:
            raise InvalidRecord("a claim cites no evidence")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an investigation concludes about one revision of one sequence.

    Attributes:
        sequence_uid: The sequence it judges.
        sequence_revision: The revision of it that was judged.
        group: The sequence's group key.
        time: The sequence's end time in ms: a verdict has no clock of its own.
        verdict_id: OCSF verdict, a key of VERDICTS.
        confidence: 0 to 100.
        title: One line.
        summary: What was found and how it was weighed, in prose.
        severity_id: OCSF severity 1 to 5.
        priority_id: OCSF priority 1 to 4.
        is_suspected_breach: Whether the attacker is believed to have got what he came for.
        investigator: Who judged, with version: `deterministic/1`.
        model_took_part: Whether a language model had a part in it.
        claims: Statements, each with its evidence.
        evidence: Every record that a claim cites.
        attacks: ATT&CK references of the detections.
        missing: Telemetry and records that were not there to be judged.
        rejected: Other explanations, and why they do not hold.
        facts: What services outside said, which claims cite as they do evidence.
        reasoning: How it came about.
        revision: 0 for what the investigation said, then one more with each correction by an analyst.
        corrected_by: Who made the last correction, empty when nobody did.
    """

    sequence_uid: str
    sequence_revision: int
    group: str
    time: int
    verdict_id: int
    confidence: int
    title: str
    summary: str
    severity_id: int
    priority_id: int
    is_suspected_breach: bool
    investigator: str
    model_took_part: bool
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    attacks: tuple[Attack, ...] = ()
    missing: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    reasoning: Reasoning = NO_REASONING
    revision: int = 0
    corrected_by: str = ""

    def __post_init__(self) -> None:
        """Refuse values outside OCSF's scales, with InvalidRecord."""
        for name, value, known in (
            ("verdict_id", self.verdict_id, VERDICTS),
            ("severity_id", self.severity_id, SEVERITY),
            ("priority_id", self.priority_id, PRIORITY),
            ("confidence", self.confidence, range(101)),
        ):
            if value not in known:
                raise InvalidRecord(f"{name}: {value} is not on its scale")

    @property
    def uid(self) -> str:
        """Return the verdict's uid: one for all revisions of a sequence."""
        return verdict_uid(self.sequence_uid)


@dataclass(frozen=True, slots=True)
class VerdictClosed:
    """A verdict that no longer stands, since its sequence was withdrawn.

    Attributes:
        sequence_uid: The withdrawn sequence.
        group: Its group key.
        time: Its start time in ms.
        title: Title of its correlation rule.
        severity_id: OCSF severity of that rule.
        replaced_by: Uid of the verdict on the sequence that stands in its place, empty when none does.
    """

    sequence_uid: str
    group: str
    time: int
    title: str
    severity_id: int
    replaced_by: str = ""

    @property
    def uid(self) -> str:
        """Return the uid of the verdict that is closed."""
        return verdict_uid(self.sequence_uid)


def close_verdict(closed: SequenceClosed) -> VerdictClosed:
    """Follow a withdrawn sequence: close the verdict on it, and name the verdict on what replaces it."""
    replaced_by = verdict_uid(closed.replaced_by) if closed.replaced_by else ""
    analytic = closed.analytic
    return VerdictClosed(closed.uid, closed.group, closed.time, analytic.name, analytic.severity_id, replaced_by)

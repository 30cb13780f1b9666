"""Verdicts: what an investigation concludes about a sequence, claim by claim, and how that looks in OCSF.

A verdict is an OCSF Incident Finding (2005). Its claims, its evidence and what OCSF has no attribute for stand under
`unmapped.braid`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from models import ocsf
from models.errors import InvalidRecord
from models.fact import Fact, fact_from_ocsf, fact_to_ocsf
from models.fields import take, take_objects, take_texts
from models.finding import Attack, SequenceClosed, group_entities
from models.finding_ocsf import CLOSE, CREATE, NEW, SEVERITY, attacks_from_ocsf, attacks_to_ocsf, observables
from models.ocsf_classes import INCIDENT_FINDING
from models.records import Coordinates
from models.uids import verdict_uid

CLOSED: Final = 5  # OCSF status of an incident
TRUE_POSITIVE, SUSPICIOUS, BENIGN, INSUFFICIENT_DATA = 2, 4, 5, 7
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
ASSIGNEE_GROUP: Final = "soc"
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


def _incident(standing: Verdict | VerdictClosed, activity_id: int, status_id: int, group_name: str) -> dict[str, Any]:
    record = ocsf.head(INCIDENT_FINDING, activity_id, standing.time, standing.severity_id)
    record["severity"] = SEVERITY[standing.severity_id]
    record["status_id"] = status_id
    record["message"] = standing.title
    record["finding_info_list"] = [{"uid": standing.sequence_uid, "title": standing.title}]
    record["assignee_group"] = {"name": group_name}
    entities = group_entities(standing.group)
    if entities:
        record["observables"] = observables(entities)
    record["metadata"] = {"version": ocsf.VERSION, "product": ocsf.PRODUCT, "uid": standing.uid}
    return record


def verdict_to_ocsf(verdict: Verdict, assignee_group: str = ASSIGNEE_GROUP) -> dict[str, Any]:
    """Render a verdict as an Incident Finding, assigned to a group of analysts."""
    record = _incident(verdict, CREATE, NEW, assignee_group)
    record["verdict_id"], record["verdict"] = verdict.verdict_id, VERDICTS[verdict.verdict_id]
    record["confidence_score"] = verdict.confidence
    record["priority_id"], record["priority"] = verdict.priority_id, PRIORITY[verdict.priority_id]
    record["is_suspected_breach"] = verdict.is_suspected_breach
    record["desc"] = verdict.summary
    if verdict.attacks:
        record["attacks"] = attacks_to_ocsf(verdict.attacks)
    if verdict.facts:
        record["enrichments"] = [fact_to_ocsf(fact) for fact in verdict.facts]
    record["unmapped"] = {
        "braid": {
            "group": verdict.group,
            "sequence_revision": verdict.sequence_revision,
            "investigator": verdict.investigator,
            "model_took_part": verdict.model_took_part,
            "claims": [{"text": claim.text, "evidence": list(claim.evidence)} for claim in verdict.claims],
            "evidence": [_evidence_to_json(item) for item in verdict.evidence],
            "missing": list(verdict.missing),
            "rejected": list(verdict.rejected),
        }
    }
    return record


def verdict_closed_to_ocsf(closed: VerdictClosed, assignee_group: str = ASSIGNEE_GROUP) -> dict[str, Any]:
    """Render the closing of a verdict: activity Close, and the uid of the verdict that replaces it."""
    record = _incident(closed, CLOSE, CLOSED, assignee_group)
    record["status_detail"] = f"replaced by {closed.replaced_by}" if closed.replaced_by else "sequence retracted"
    record["unmapped"] = {"braid": {"group": closed.group, "replaced_by": closed.replaced_by}}
    return record


def verdict_from_ocsf(record: Mapping[str, Any]) -> Verdict | VerdictClosed:
    """Read a verdict, or its closing, back; raise InvalidRecord naming what is missing or of the wrong shape."""
    if take(record, "class_uid", int) != INCIDENT_FINDING:
        raise InvalidRecord("class_uid: not an Incident Finding")
    findings = take_objects(record, "finding_info_list")
    if not findings:
        raise InvalidRecord("finding_info_list: names no sequence")
    sequence_uid = take(findings[0], "uid", str)
    closing = take(record, "activity_id", int) == CLOSE
    standing = _closed_from_ocsf(record, sequence_uid) if closing else _verdict_from_ocsf(record, sequence_uid)
    if take(record, "metadata.uid", str) != standing.uid:
        raise InvalidRecord("metadata.uid: not the uid of a verdict on this sequence")
    return standing


def _closed_from_ocsf(record: Mapping[str, Any], sequence_uid: str) -> VerdictClosed:
    return VerdictClosed(
        sequence_uid=sequence_uid,
        group=take(record, "unmapped.braid.group", str),
        time=take(record, "time", int),
        title=take(record, "message", str),
        severity_id=take(record, "severity_id", int),
        replaced_by=take(record, "unmapped.braid.replaced_by", str),
    )


def _verdict_from_ocsf(record: Mapping[str, Any], sequence_uid: str) -> Verdict:
    braid = take(record, "unmapped.braid", dict)
    return Verdict(
        sequence_uid=sequence_uid,
        sequence_revision=take(braid, "sequence_revision", int),
        group=take(braid, "group", str),
        time=take(record, "time", int),
        verdict_id=take(record, "verdict_id", int),
        confidence=take(record, "confidence_score", int),
        title=take(record, "message", str),
        summary=take(record, "desc", str),
        severity_id=take(record, "severity_id", int),
        priority_id=take(record, "priority_id", int),
        is_suspected_breach=take(record, "is_suspected_breach", bool),
        investigator=take(braid, "investigator", str),
        model_took_part=take(braid, "model_took_part", bool),
        claims=tuple(
            Claim(take(item, "text", str), take_texts(item, "evidence")) for item in take_objects(braid, "claims")
        ),
        evidence=tuple(_evidence_from_json(item) for item in take_objects(braid, "evidence")),
        attacks=_attacks(record),
        missing=take_texts(braid, "missing"),
        rejected=take_texts(braid, "rejected"),
        facts=tuple(map(fact_from_ocsf, take_objects(record, "enrichments") if "enrichments" in record else ())),
    )


def _attacks(record: Mapping[str, Any]) -> tuple[Attack, ...]:
    try:
        attacks = attacks_from_ocsf(take_objects(record, "attacks")) if "attacks" in record else ()
    except (AttributeError, TypeError) as error:
        raise InvalidRecord(f"attacks: {error}") from error
    if not all(isinstance(part, str) for attack in attacks for part in (attack.tactic, attack.technique)):
        raise InvalidRecord("attacks: a tactic or technique is not a string")
    return attacks


def _evidence_to_json(item: Evidence) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "uid": item.uid,
        "time": item.time,
        "topic": item.at.topic,
        "partition": item.at.partition,
        "offset": item.at.offset,
        "sha256": item.sha256,
    }


def _evidence_from_json(item: Mapping[str, Any]) -> Evidence:
    return Evidence(
        kind=take(item, "kind", str),
        uid=take(item, "uid", str),
        time=take(item, "time", int),
        at=Coordinates(take(item, "topic", str), take(item, "partition", int), take(item, "offset", int)),
        sha256=take(item, "sha256", str),
    )

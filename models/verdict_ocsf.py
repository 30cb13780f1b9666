"""Verdicts as OCSF records: Incident Findings (2005).

The claims of a verdict, its evidence and what OCSF has no attribute for stand under `unmapped.braid`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models import ocsf
from models.errors import InvalidRecord
from models.fact import fact_from_ocsf, fact_to_ocsf
from models.fields import take, take_objects, take_texts
from models.finding import Attack, group_entities
from models.finding_ocsf import CLOSE, CREATE, NEW, SEVERITY, attacks_from_ocsf, attacks_to_ocsf, observables
from models.ocsf_classes import INCIDENT_FINDING
from models.reasoning import reasoning_from_json, reasoning_to_json
from models.records import Coordinates
from models.verdict import PRIORITY, VERDICTS, Claim, Evidence, Verdict, VerdictClosed

CLOSED: Final = 5  # OCSF status of an incident
ASSIGNEE_GROUP: Final = "soc"


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
            "reasoning": reasoning_to_json(verdict.reasoning),
            "revision": verdict.revision,
            "corrected_by": verdict.corrected_by,
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
        reasoning=reasoning_from_json(take(braid, "reasoning", dict)),
        revision=take(braid, "revision", int),
        corrected_by=take(braid, "corrected_by", str),
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

"""Actions as OCSF records: Remediation Activities (7001, and 7004 where they concern traffic).

The countermeasure is named as D3FEND names it. What OCSF has no attribute for stands under `unmapped.braid`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models import ocsf
from models.action import (
    EXECUTED,
    FAILED,
    KINDS,
    OTHER,
    ROLLBACK_FAILED,
    UNVERIFIED,
    VERIFIED,
    Action,
    ActionKind,
)
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.fields import take, take_objects, take_texts
from models.finding_ocsf import observables
from models.ocsf_classes import NETWORK_REMEDIATION

SUCCESS, FAILURE, PARTIAL = 1, 2, 4  # OCSF status of a remediation
# All else is Other: nothing was done yet, nothing will be, or it was undone.
STATUS_ID: Final[Mapping[str, int]] = {
    EXECUTED: SUCCESS,
    VERIFIED: SUCCESS,
    UNVERIFIED: PARTIAL,
    FAILED: FAILURE,
    ROLLBACK_FAILED: FAILURE,
}


def action_to_ocsf(action: Action) -> dict[str, Any]:
    """Render an action as a Remediation Activity: whether its command has run, its status tells."""
    kind = KINDS[action.kind]
    record = ocsf.head(kind.class_uid, kind.activity_id, action.time)
    if kind.activity_id == OTHER:
        record["activity_name"] = kind.name
    record["status_id"], record["status"] = STATUS_ID.get(action.status, OTHER), action.status
    record["status_detail"] = action.detail
    record["message"] = action.reason
    record["command_uid"] = action.uid
    if kind.technique_uid:
        record["countermeasures"] = [_countermeasure(kind)]
    if kind.class_uid == NETWORK_REMEDIATION:
        record["connection_info"] = {"direction_id": 0}  # required; blocked whichever way it goes
    record["observables"] = observables((action.target,))
    record["metadata"] = {
        "version": ocsf.VERSION,
        "product": ocsf.PRODUCT,
        "uid": action.uid,
        "correlation_uid": action.verdict_uid,
    }
    record["unmapped"] = {
        "braid": {
            "kind": action.kind,
            "confidence": action.confidence,
            "evidence": list(action.evidence),
            "revision": action.revision,
            "by": action.by,
            "why": action.why,
            "at": action.at,
            "executor": action.executor,
            "receipt": dict(action.receipt),
            "sequence_revision": action.sequence_revision,
            "terms": dict(action.terms),
        }
    }
    return record


def _countermeasure(kind: ActionKind) -> dict[str, Any]:
    return {"d3f_tactic": {"name": kind.tactic}, "d3f_technique": {"uid": kind.technique_uid, "name": kind.technique}}


def action_from_ocsf(record: Mapping[str, Any]) -> Action:
    """Read an action back; raise InvalidRecord naming what is missing or of the wrong shape."""
    targets = take_objects(record, "observables")
    if len(targets) != 1:
        raise InvalidRecord("observables: an action has exactly one target")
    target = f"{take(targets[0], 'name', str).removeprefix('entity.')}:{take(targets[0], 'value', str)}"
    braid = take(record, "unmapped.braid", dict)
    action = Action(
        verdict_uid=take(record, "metadata.correlation_uid", str),
        kind=take(braid, "kind", str),
        target=EntityKey.parse(target),
        time=take(record, "time", int),
        confidence=take(braid, "confidence", int),
        reason=take(record, "message", str),
        evidence=take_texts(braid, "evidence"),
        status=take(record, "status", str),
        revision=take(braid, "revision", int),
        by=take(braid, "by", str),
        why=take(braid, "why", str),
        at=take(braid, "at", int),
        detail=take(record, "status_detail", str),
        executor=take(braid, "executor", str),
        receipt=_texts(braid, "receipt"),
        sequence_revision=take(braid, "sequence_revision", int),
        terms=_texts(braid, "terms"),
    )
    if take(record, "command_uid", str) != action.uid:
        raise InvalidRecord("command_uid: not the uid of this action")
    return action


def _texts(braid: Mapping[str, Any], name: str) -> dict[str, str]:
    value = take(braid, name, dict)
    if not all(isinstance(item, str) for item in value.values()):
        raise InvalidRecord(f"unmapped.braid.{name}: not every value is a string")
    return dict(value)

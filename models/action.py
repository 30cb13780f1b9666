"""Actions: what a verdict proposes to do, from a closed table, and how that looks in OCSF.

An action here is a proposal and nothing else: a human approves it before anything runs. It is an OCSF Remediation
Activity (7001, or 7004 where it concerns traffic) whose countermeasure is named as D3FEND names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from models import ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.fields import take, take_objects, take_texts
from models.finding_ocsf import observables
from models.ocsf_classes import NETWORK_REMEDIATION, REMEDIATION
from models.uids import action_uid

ISOLATE, EVICT = 1, 2  # OCSF activities of a remediation
OTHER: Final = 99
PROPOSED: Final = "proposed"


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One thing that may be proposed.

    Attributes:
        name: Its name on the wire.
        target: The entity type it is done to.
        class_uid: OCSF remediation class.
        activity_id: OCSF activity, which is the D3FEND tactic.
        tactic: D3FEND tactic.
        technique_uid: D3FEND technique id.
        technique: D3FEND technique name.
    """

    name: str
    target: str
    class_uid: int
    activity_id: int
    tactic: str
    technique_uid: str
    technique: str


KINDS: Final = {
    kind.name: kind
    for kind in (
        ActionKind("isolate_host", "host", REMEDIATION, ISOLATE, "Isolate", "D3-NI", "Network Isolation"),
        ActionKind("isolate_workload", "workload", REMEDIATION, ISOLATE, "Isolate", "D3-NI", "Network Isolation"),
        ActionKind("disable_user", "user", REMEDIATION, EVICT, "Evict", "D3-AL", "Account Locking"),
        ActionKind("revoke_session", "session", REMEDIATION, EVICT, "Evict", "D3-ST", "Session Termination"),
        ActionKind("block_ip", "ip", NETWORK_REMEDIATION, ISOLATE, "Isolate", "D3-NTF", "Network Traffic Filtering"),
    )
}


@dataclass(frozen=True, slots=True)
class Action:
    """One proposal of one verdict.

    Attributes:
        verdict_uid: The verdict that proposes it.
        kind: A key of KINDS.
        target: The entity it would be done to.
        time: The verdict's time in ms.
        confidence: The verdict's confidence, 0 to 100, which policy weighs.
        reason: Why, in one sentence.
        evidence: Uids of the verdict's evidence that names the target (never none).
        status: `proposed`; whoever decides and executes moves it on.
    """

    verdict_uid: str
    kind: str
    target: EntityKey
    time: int
    confidence: int
    reason: str
    evidence: tuple[str, ...]
    status: str = PROPOSED

    def __post_init__(self) -> None:
        """Refuse, with InvalidRecord, what is not in the table, does not fit its target or rests on nothing."""
        if self.kind not in KINDS:
            raise InvalidRecord(f"kind: {self.kind[:40]!r} is not one of {', '.join(KINDS)}")
        if KINDS[self.kind].target != self.target.type:
            raise InvalidRecord(f"target: {self.kind} is not done to a {self.target.type}")
        if not self.evidence:
            raise InvalidRecord("an action cites no evidence")

    @property
    def uid(self) -> str:
        """Return the action's uid: the same proposal of the same verdict is the same action."""
        return action_uid(self.verdict_uid, self.kind, str(self.target))


def action_to_ocsf(action: Action) -> dict[str, Any]:
    """Render a proposed action as a Remediation Activity whose command has not run."""
    kind = KINDS[action.kind]
    record = ocsf.head(kind.class_uid, kind.activity_id, action.time)
    record["status_id"], record["status"] = OTHER, action.status
    record["message"] = action.reason
    record["command_uid"] = action.uid
    record["countermeasures"] = [
        {"d3f_tactic": {"name": kind.tactic}, "d3f_technique": {"uid": kind.technique_uid, "name": kind.technique}}
    ]
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
        "braid": {"kind": action.kind, "confidence": action.confidence, "evidence": list(action.evidence)}
    }
    return record


def action_from_ocsf(record: Mapping[str, Any]) -> Action:
    """Read an action back; raise InvalidRecord naming what is missing or of the wrong shape."""
    targets = take_objects(record, "observables")
    if len(targets) != 1:
        raise InvalidRecord("observables: an action has exactly one target")
    target = f"{take(targets[0], 'name', str).removeprefix('entity.')}:{take(targets[0], 'value', str)}"
    action = Action(
        verdict_uid=take(record, "metadata.correlation_uid", str),
        kind=take(record, "unmapped.braid.kind", str),
        target=EntityKey.parse(target),
        time=take(record, "time", int),
        confidence=take(record, "unmapped.braid.confidence", int),
        reason=take(record, "message", str),
        evidence=take_texts(record, "unmapped.braid.evidence"),
        status=take(record, "status", str),
    )
    if take(record, "command_uid", str) != action.uid:
        raise InvalidRecord("command_uid: not the uid of this action")
    return action

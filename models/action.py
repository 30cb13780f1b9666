"""Actions: what a verdict proposes to do, from a closed table, and the life of such a proposal.

An action begins as a proposal and nothing else. Policy, people and executors move it on, one revision at a time, along
one table of transitions. In OCSF: `models.action_ocsf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from models.entity import ENTITY_TYPES, EntityKey
from models.errors import InvalidRecord
from models.fields import LARGEST
from models.ocsf_classes import NETWORK_REMEDIATION, REMEDIATION
from models.uids import action_uid

ISOLATE, EVICT = 1, 2  # OCSF activities of a remediation
OTHER: Final = 99
MAX_RECEIPT: Final = 32  # entries
MAX_RECEIPT_CHARS: Final = 8192  # of one entry

PROPOSED: Final = "proposed"
SHADOW: Final = "shadow"
DENIED: Final = "denied"
WAITING: Final = "waiting"
APPROVED: Final = "approved"
EXPIRED: Final = "expired"
DRY_RUN: Final = "dry_run"
EXECUTING: Final = "executing"
EXECUTED: Final = "executed"
FAILED: Final = "failed"
VERIFIED: Final = "verified"
UNVERIFIED: Final = "unverified"
ROLLING_BACK: Final = "rolling_back"
ROLLED_BACK: Final = "rolled_back"
ROLLBACK_FAILED: Final = "rollback_failed"

# In the mode of dry runs one is the end of an action: nothing is executed but what was approved. A failure may have
# come half way, so that there is something to roll back; what was verified may be found changed.
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    PROPOSED: frozenset({SHADOW, DENIED, WAITING, APPROVED, EXPIRED, DRY_RUN}),
    SHADOW: frozenset(),
    DENIED: frozenset(),
    WAITING: frozenset({DENIED, APPROVED, EXPIRED}),
    APPROVED: frozenset({DENIED, EXPIRED, DRY_RUN, EXECUTING, FAILED}),
    EXPIRED: frozenset(),
    DRY_RUN: frozenset(),
    EXECUTING: frozenset({EXECUTED, FAILED}),
    EXECUTED: frozenset({VERIFIED, UNVERIFIED, ROLLING_BACK}),
    FAILED: frozenset({ROLLING_BACK}),
    VERIFIED: frozenset({UNVERIFIED, ROLLING_BACK}),
    UNVERIFIED: frozenset({VERIFIED, ROLLING_BACK}),
    ROLLING_BACK: frozenset({ROLLED_BACK, ROLLBACK_FAILED}),
    ROLLED_BACK: frozenset(),
    ROLLBACK_FAILED: frozenset({ROLLING_BACK}),
}


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One thing that may be proposed.

    Attributes:
        name: Its name on the wire.
        targets: The entity types it is done to, or that it is about.
        class_uid: OCSF remediation class.
        activity_id: OCSF activity, which is the D3FEND tactic.
        tactic: D3FEND tactic; with what follows empty where nothing is done to the target.
        technique_uid: D3FEND technique id.
        technique: D3FEND technique name.
    """

    name: str
    targets: tuple[str, ...]
    class_uid: int
    activity_id: int
    tactic: str = ""
    technique_uid: str = ""
    technique: str = ""


def _isolate(name: str, target: str, class_uid: int, technique_uid: str, technique: str) -> ActionKind:
    return ActionKind(name, (target,), class_uid, ISOLATE, "Isolate", technique_uid, technique)


def _evict(name: str, target: str, technique_uid: str, technique: str) -> ActionKind:
    return ActionKind(name, (target,), REMEDIATION, EVICT, "Evict", technique_uid, technique)


KINDS: Final = {
    kind.name: kind
    for kind in (
        _isolate("isolate_host", "host", REMEDIATION, "D3-NI", "Network Isolation"),
        _isolate("isolate_workload", "workload", REMEDIATION, "D3-NI", "Network Isolation"),
        _evict("disable_user", "user", "D3-AL", "Account Locking"),
        _evict("revoke_sessions", "user", "D3-ST", "Session Termination"),
        _evict("restrict_role", "user", "D3-ST", "Session Termination"),
        _evict("reset_factors", "user", "D3-CR", "Credential Revocation"),
        _evict("revoke_session", "session", "D3-ST", "Session Termination"),
        _evict("deactivate_access_key", "session", "D3-CR", "Credential Revocation"),
        _isolate("block_ip", "ip", NETWORK_REMEDIATION, "D3-NTF", "Network Traffic Filtering"),
        ActionKind("open_ticket", ENTITY_TYPES, REMEDIATION, OTHER),
        ActionKind("notify", ENTITY_TYPES, REMEDIATION, OTHER),
    )
}
# What is proposed when nothing but the target's type is known.
DEFAULT_KIND: Final[Mapping[str, str]] = {
    "host": "isolate_host",
    "workload": "isolate_workload",
    "user": "disable_user",
    "session": "revoke_session",
    "ip": "block_ip",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One proposal of one verdict, and how far it has come.

    Attributes:
        verdict_uid: The verdict that proposes it.
        kind: A key of KINDS.
        target: The entity it would be done to.
        time: The verdict's time in ms.
        confidence: The verdict's confidence, 0 to 100, which policy weighs.
        reason: Why, in one sentence.
        evidence: Uids of the verdict's evidence that names the target (never none).
        status: A key of TRANSITIONS.
        revision: 0 for the proposal, then one more with each step.
        by: Who took the last step: a person, `policy` or `respond`; empty for a proposal.
        why: Why.
        at: When, in ms; 0 for a proposal.
        detail: How it came out, for a person.
        executor: Name of the executor that does it, empty until one is chosen.
        receipt: What the executor needs to check it and to roll it back, and no secret.
        sequence_revision: The revision of the sequence that the verdict judged: on another one it is another proposal.
        terms: On what terms people were asked (how many, of which roles, until when); empty where nobody was.
    """

    verdict_uid: str
    kind: str
    target: EntityKey
    time: int
    confidence: int
    reason: str
    evidence: tuple[str, ...]
    status: str = PROPOSED
    revision: int = 0
    by: str = ""
    why: str = ""
    at: int = 0
    detail: str = ""
    executor: str = ""
    receipt: Mapping[str, str] = field(default_factory=dict)
    sequence_revision: int = 0
    terms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse, with InvalidRecord, what is not in the tables, does not fit its target or rests on nothing."""
        if self.kind not in KINDS:
            raise InvalidRecord(f"kind: {self.kind[:40]!r} is not one of {', '.join(KINDS)}")
        if self.target.type not in KINDS[self.kind].targets:
            raise InvalidRecord(f"target: {self.kind} is not done to a {self.target.type[:40]}")
        if not self.evidence:
            raise InvalidRecord("an action cites no evidence")
        if self.confidence not in range(101):
            raise InvalidRecord(f"confidence: {self.confidence} is not on its scale")
        self._check_life()

    def _check_life(self) -> None:
        if self.status not in TRANSITIONS:
            raise InvalidRecord(f"status: {self.status[:40]!r} is not one of {', '.join(TRANSITIONS)}")
        if (self.status == PROPOSED) != (self.revision == 0) or not 0 <= self.revision <= LARGEST:
            raise InvalidRecord(f"revision: {self.revision} is none of an action that is {self.status}")
        if not 0 <= self.sequence_revision <= LARGEST:
            raise InvalidRecord(f"sequence_revision: {self.sequence_revision} is none")
        for name, texts in (("receipt", self.receipt), ("terms", self.terms)):
            longest = max(map(len, (*texts, *texts.values())), default=0)
            if len(texts) > MAX_RECEIPT or longest > MAX_RECEIPT_CHARS:
                raise InvalidRecord(f"{name}: larger than one may be")

    @property
    def uid(self) -> str:
        """Return the action's uid: the same proposal on the same revision of a sequence, whatever became of it."""
        return action_uid(self.verdict_uid, self.sequence_revision, self.kind, str(self.target))


def moved(
    action: Action,
    status: str,
    *,
    by: str,
    why: str,
    at: int,
    detail: str = "",
    executor: str = "",
    receipt: Mapping[str, str] | None = None,
    terms: Mapping[str, str] | None = None,
) -> Action:
    """Return the next revision of an action.

    Args:
        action: Its last revision.
        status: Where it moves.
        by: Who moves it (never nobody).
        why: Why.
        at: When, in ms.
        detail: How it came out.
        executor: Name of the executor; empty for the one that it has.
        receipt: What the executor gave back; None for the one that it has.
        terms: On what terms people are asked; None for those that it has.

    Raises:
        InvalidRecord: There is no such step, or nobody takes it.
    """
    if status not in TRANSITIONS[action.status]:
        raise InvalidRecord(f"status: an action that is {action.status} does not become {status[:40]!r}")
    if not by:
        raise InvalidRecord("by: somebody takes each step")
    return replace(
        action,
        status=status,
        revision=action.revision + 1,
        by=by,
        why=why,
        at=at,
        detail=detail,
        executor=executor or action.executor,
        receipt=action.receipt if receipt is None else dict(receipt),
        terms=action.terms if terms is None else dict(terms),
    )

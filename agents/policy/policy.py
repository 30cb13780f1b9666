"""The policy of actions: what may be done, to what, how surely, by whose leave. Values only; `file` reads them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from agents.policy.signing import PublicKey
from models.entity import EntityKey
from models.uids import content_uid

SHADOW, DRY_RUN, SUPERVISED, AUTONOMOUS = "shadow", "dry_run", "supervised", "autonomous"
MODES: Final = (SHADOW, DRY_RUN, SUPERVISED, AUTONOMOUS)  # each allows what those before it do, and more
BLASTS: Final = ("low", "medium", "high")
RULES, MIXED, ANOMALIES = "rules", "mixed", "anomalies"
EVIDENCE_KINDS: Final = (RULES, MIXED, ANOMALIES)
ALLOWED, ONE_PERSON, TWO_PEOPLE, FORBIDDEN = "allowed", "one_person", "two_people", "forbidden"
BEARINGS: Final = (ALLOWED, ONE_PERSON, TWO_PEOPLE, FORBIDDEN)
UNKNOWN: Final = "unknown"
LEVELS: Final = ("low", "medium", "high", "critical", UNKNOWN)
NEVER: Final = 100  # no confidence is above it
CERTAIN: Final = 100


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which confidence on something may be done, 0 to 100.

    Attributes:
        automatic_above: Above it without a person; NEVER for never.
        approval_from: From it on with a person's leave; below it nothing.
    """

    automatic_above: int = 90
    approval_from: int = 70


@dataclass(frozen=True, slots=True)
class Limits:
    """How often an action may run."""

    per_hour: int = 5
    per_day: int = 20
    per_target_per_day: int = 1


@dataclass(frozen=True, slots=True)
class Rollout:
    """To which targets an action may be done without a person, while trust in it grows.

    Attributes:
        percent: Share of all targets, by a hash that stays the same.
        entities: Targets that are in it besides.
    """

    percent: int = CERTAIN
    entities: frozenset[str] = frozenset()

    def has(self, kind: str, target: EntityKey) -> bool:
        """Tell whether a target has its turn."""
        if str(target) in self.entities:
            return True
        return int(content_uid("rollout", kind, str(target)), 16) % CERTAIN < self.percent


@dataclass(frozen=True, slots=True)
class ActionRule:
    """What the policy says of one kind of action.

    Attributes:
        kind: A key of `models.action.KINDS`.
        mode: The most that it may; the mode of the whole policy may say less.
        kill_switch: Whether it is stopped.
        reversible: Whether it can be taken back.
        blast_radius: One of BLASTS: how many feel it.
        rollback: How it is taken back, in words.
        if_nothing: What happens if nothing is done, in words.
        targets: Types of entities that it may be done to.
        approvals: How many people have to agree where anybody has to: 1 or 2.
        approver_roles: Roles of those who may.
        limits: How often.
        rollout: To which targets without a person.
    """

    kind: str
    mode: str
    reversible: bool
    blast_radius: str
    rollback: str
    if_nothing: str
    targets: tuple[str, ...]
    approver_roles: tuple[str, ...]
    kill_switch: bool = False
    approvals: int = 1
    limits: Limits = Limits()
    rollout: Rollout = Rollout()


@dataclass(frozen=True, slots=True)
class Approver:
    """A person who may approve.

    Attributes:
        name: Name, as approvals have it: ASCII, lower case.
        roles: What the person may approve.
        keys: Public keys, of which no other person has one.
        accounts: The person's entities (`user:alice@example.com`), so that nobody approves what concerns themselves.
    """

    name: str
    roles: frozenset[str]
    keys: tuple[PublicKey, ...]
    accounts: tuple[EntityKey, ...]


@dataclass(frozen=True, slots=True)
class Breaker:
    """When everything stops by itself: counts within a window, in ms.

    Attributes:
        window_ms: The window; what lies further back is forgotten.
        reversals: Actions that were taken back.
        errors: Actions that failed or could not be verified, if they are also `error_percent` of those that ran.
        error_percent: See `errors`.
        burst: Actions that ran at all.
    """

    window_ms: int = 3_600_000
    reversals: int = 2
    errors: int = 3
    error_percent: int = 50
    burst: int = 10


@dataclass(frozen=True, slots=True)
class Protected:
    """What nothing may be done to: `user:break-glass*`, `ip:10.0.0.0/8`."""

    type: str
    pattern: str

    def covers(self, target: EntityKey) -> bool:
        """Tell whether it means this entity; an address that cannot be read as one is covered by any network."""
        if target.type != self.type:
            return False
        if self.type == "ip" and "/" in self.pattern:
            try:
                return ipaddress.ip_address(target.value) in ipaddress.ip_network(self.pattern)
            except ValueError:
                return True
        return fnmatchcase(target.value.lower(), self.pattern.lower())

    def __str__(self) -> str:
        """Render as it stands in the file."""
        return f"{self.type}:{self.pattern}"


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it.

    Attributes:
        name: Its name.
        version: Grows with every change.
        owner: Who answers for it.
        sha256: Hash of the file.
        mode: The most that any action may.
        kill_switch: Whether everything is stopped.
        thresholds: By what kind of evidence stands behind an action: one of EVIDENCE_KINDS.
        criticality: What it means for an action how critical its target is, by LEVELS.
        protected: What nothing may be done to.
        approval_ms: How long an action waits for people; then nothing is done.
        clock_skew_ms: By how much the clock of a person's machine may be wrong.
        breaker: When everything stops by itself.
        in_flight: How many actions may run at the same time.
        unsigned_feedback: Whether corrections of verdicts count without a signature.
        feedback_roles: Roles of those who may correct verdicts.
        approvers: Who may approve and correct, by name.
        actions: What may be done; what is not there may not.
    """

    name: str
    version: int
    owner: str
    sha256: str
    mode: str = SHADOW
    kill_switch: bool = False
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    criticality: Mapping[str, str] = field(default_factory=dict)
    protected: tuple[Protected, ...] = ()
    approval_ms: int = 1_800_000
    clock_skew_ms: int = 120_000
    breaker: Breaker = Breaker()
    in_flight: int = 3
    unsigned_feedback: bool = False
    feedback_roles: tuple[str, ...] = ()
    approvers: Mapping[str, Approver] = field(default_factory=dict)
    actions: Mapping[str, ActionRule] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return name, version and the beginning of the file's hash, as verdicts and decisions carry them."""
        return f"{self.name}/{self.version} {self.sha256[:12]}"

"""What the tests of the policy are about: an intrusion whose events name their entities, a policy, people with keys."""

from __future__ import annotations

from dataclasses import replace

from agents.policy.corroborate import Corroboration
from agents.policy.policy import (
    ALLOWED,
    ANOMALIES,
    AUTONOMOUS,
    FORBIDDEN,
    MIXED,
    NEVER,
    ONE_PERSON,
    RULES,
    TWO_PEOPLE,
    ActionRule,
    Approver,
    Policy,
    Thresholds,
)
from agents.policy.signing import SigningKey
from models.action import Action
from models.approval import Approval
from models.entity import EntityKey
from models.verdict import TRUE_POSITIVE, Verdict
from tests.agents.scenario import Scenario, intrusion

NOW = 1_750_000_000_000
ALICE = EntityKey("user", "alice")
BOB = EntityKey("user", "bob@example.com")
WEB01 = EntityKey("host", "web01")
PEER = EntityKey("ip", "203.0.113.9")
KEYS = {name: SigningKey(name.encode().ljust(32, b".")) for name in ("alice", "bob", "carol", "mallory")}


def approver(name: str, *accounts: str, roles: tuple[str, ...] = ("responder",)) -> Approver:
    keys = tuple(EntityKey.parse(account) for account in accounts or (f"user:{name}@example.com",))
    return Approver(name, frozenset(roles), (KEYS[name].public,), keys)


def rule(kind: str = "disable_user", **changes: object) -> ActionRule:
    """Return a rule that lets everything run by itself, but for the changes."""
    made = ActionRule(
        kind=kind,
        mode=AUTONOMOUS,
        reversible=True,
        blast_radius="low",
        rollback="It is taken back.",
        if_nothing="It goes on.",
        targets=("user", "host", "ip", "session"),
        approver_roles=("responder",),
    )
    return replace(made, **changes)


def policy(*rules: ActionRule, **changes: object) -> Policy:
    made = Policy(
        name="test",
        version=3,
        owner="nobody",
        sha256="0" * 64,
        mode=AUTONOMOUS,
        thresholds={RULES: Thresholds(), MIXED: Thresholds(), ANOMALIES: Thresholds(NEVER, 80)},
        criticality={
            "low": ALLOWED,
            "medium": ALLOWED,
            "high": TWO_PEOPLE,
            "critical": FORBIDDEN,
            "unknown": ONE_PERSON,
        },
        approvers={name: approver(name) for name in ("bob", "carol")} | {"alice": approver("alice", "user:alice")},
        actions={one.kind: one for one in rules or (rule(),)},
    )
    return replace(made, **changes)


def verdict(**changes: object) -> Verdict:
    made = Verdict(
        sequence_uid="5" * 32,
        sequence_revision=3,
        group="user:alice",
        time=NOW - 60_000,
        verdict_id=TRUE_POSITIVE,
        confidence=95,
        title="Invented",
        summary="Invented.",
        severity_id=4,
        priority_id=3,
        is_suspected_breach=False,
        investigator="test/1",
        model_took_part=True,
    )
    return replace(made, **changes)


def action(kind: str = "disable_user", target: EntityKey = ALICE, of: Verdict | None = None) -> Action:
    by = of or verdict()
    return Action(by.uid, kind, target, by.time, by.confidence, "Invented.", ("e" * 32,))


def about(target: EntityKey = ALICE, **changes: object) -> Corroboration:
    """Return what two rules, records, sources and domains say of a target of low criticality, but for the changes."""
    made = Corroboration(
        target=target,
        sequence_uid="5" * 32,
        sequence_revision=3,
        detections=("rule-a", "rule-b"),
        records=("1" * 64, "2" * 64),
        sources=("okta", "windows"),
        domains=("identity", "workload"),
        kind=RULES,
        criticality="low",
        parties=frozenset({target}),
    )
    return replace(made, **changes)


def signed(approval: Approval, key: str = "") -> Approval:
    return replace(approval, signature=KEYS[key or approval.by].sign(approval.content))


def naming(scenario: Scenario | None = None) -> Scenario:
    """Return the intrusion with events that name in OCSF what the signals on them name."""
    made = scenario or intrusion()
    made.tell(6, device={"hostname": "web01"}, user={"name": "alice"}, src_endpoint={"ip": PEER.value})
    made.tell(7, device={"hostname": "web01"}, actor={"user": {"name": "alice"}})
    made.tell(8, device={"hostname": "web01"}, dst_endpoint={"ip": PEER.value})
    return made

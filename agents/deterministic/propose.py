"""Propose actions from facts: only on a True Positive, only on what several detections name, for a human to approve."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import Final

from agents.evidence.facts import Gathered, Held
from agents.text import Count, quoted
from enrichers.names import is_private
from models.action import KINDS, Action
from models.entity import EntityKey
from models.verdict import TRUE_POSITIVE, Verdict

MAX_ACTIONS: Final = 5
MIN_DETECTIONS: Final = 2
KIND_FOR: Final = {kind.target: kind.name for kind in KINDS.values()}


def propose(verdict: Verdict, gathered: Gathered) -> tuple[Action, ...]:
    """Return the actions that the verdict's evidence supports, the best supported first."""
    if verdict.verdict_id != TRUE_POSITIVE:
        return ()
    cited = {item.uid for item in verdict.evidence}
    naming: dict[EntityKey, list[Held]] = defaultdict(list)
    for held in gathered.held:
        if held.event.uid in cited:
            for entity in held.signal.signal.entities:
                naming[entity].append(held)
    support = {entity: len({one.detection for one in held}) for entity, held in naming.items()}
    targets = [entity for entity in sorted(support, key=lambda e: (-support[e], e)) if _may_be_target(entity)]
    return tuple(
        _action(verdict, entity, support[entity], naming[entity])
        for entity in targets[:MAX_ACTIONS]
        if support[entity] >= MIN_DETECTIONS
    )


def _action(verdict: Verdict, target: EntityKey, detections: int, naming: list[Held]) -> Action:
    reason = f"{Count(detections, 'distinct detection')} of this verdict name {target.type} {quoted(target.value)}."
    return Action(
        verdict_uid=verdict.uid,
        kind=KIND_FOR[target.type],
        target=target,
        time=verdict.time,
        confidence=verdict.confidence,
        reason=reason,
        evidence=tuple(dict.fromkeys(held.event.uid for held in naming)),
    )


def _may_be_target(entity: EntityKey) -> bool:
    """Tell whether an action fits; an address inside one's own networks is a host's business, not a firewall's."""
    return entity.type in KIND_FOR and (entity.type != "ip" or _is_foreign(entity.value))


def _is_foreign(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    special = address.is_loopback or address.is_link_local or address.is_unspecified
    return not (special or address.is_multicast or address.is_reserved or is_private(value))

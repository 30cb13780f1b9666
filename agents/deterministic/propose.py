"""Propose actions from facts: only on a True Positive, only on what several detections name, for a human to approve."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from agents.evidence.facts import Gathered, Held
from agents.text import Count, quoted
from enrichers.names import is_private
from models.action import DEFAULT_KIND, KINDS, Action
from models.entity import EntityKey
from models.verdict import TRUE_POSITIVE, Verdict

MAX_ACTIONS: Final = 5
MIN_DETECTIONS: Final = 2


def propose(verdict: Verdict, gathered: Gathered, wanted: Iterable[tuple[str, EntityKey]] = ()) -> tuple[Action, ...]:
    """Return the actions that the verdict's evidence supports, the best supported first.

    Args:
        verdict: The verdict.
        gathered: What it rests on.
        wanted: Kinds and targets that a model proposes besides. They need the same support, from outside the model.
    """
    if verdict.verdict_id != TRUE_POSITIVE:
        return ()
    naming = _naming(verdict, gathered)
    support = {entity: len({one.detection for one in held}) for entity, held in naming.items()}
    targets = [
        entity for entity in sorted(support, key=lambda e: (-support[e], e)) if support[entity] >= MIN_DETECTIONS
    ]
    own = [(DEFAULT_KIND[target.type], target) for target in targets if _may_be_target(target)][:MAX_ACTIONS]
    more = [(kind, target) for kind, target in dict.fromkeys(wanted) if _fits(kind, target) and target in targets]
    chosen = dict.fromkeys((*own, *more[:MAX_ACTIONS]))
    return tuple(_action(verdict, kind, target, support[target], naming[target]) for kind, target in chosen)


def _naming(verdict: Verdict, gathered: Gathered) -> dict[EntityKey, list[Held]]:
    """Return the entities that the verdict's evidence names, each with that evidence."""
    cited = {item.uid for item in verdict.evidence}
    naming: dict[EntityKey, list[Held]] = defaultdict(list)
    for held in gathered.held:
        if held.event.uid in cited:
            for entity in held.signal.signal.entities:
                naming[entity].append(held)
    return naming


def _action(verdict: Verdict, kind: str, target: EntityKey, detections: int, naming: list[Held]) -> Action:
    reason = f"{Count(detections, 'distinct detection')} of this verdict name {target.type} {quoted(target.value)}."
    return Action(
        verdict_uid=verdict.uid,
        kind=kind,
        target=target,
        time=verdict.time,
        confidence=verdict.confidence,
        reason=reason,
        evidence=tuple(dict.fromkeys(held.event.uid for held in naming)),
        sequence_revision=verdict.sequence_revision,
    )


def _fits(kind: str, target: EntityKey) -> bool:
    """Tell whether an action is done to such a target."""
    return kind in KINDS and target.type in KINDS[kind].targets and (target.type != "ip" or _is_foreign(target.value))


def _may_be_target(entity: EntityKey) -> bool:
    """Tell whether an action fits; an address inside one's own networks is a host's business, not a firewall's."""
    return entity.type in DEFAULT_KIND and (entity.type != "ip" or _is_foreign(entity.value))


def _is_foreign(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    special = address.is_loopback or address.is_link_local or address.is_unspecified
    return not (special or address.is_multicast or address.is_reserved or is_private(value))

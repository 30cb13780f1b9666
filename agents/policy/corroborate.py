"""What is known of an action's target without the model: fetched again, intact, and named by the events themselves.

It counts only what the sequence's own signals rest on: a model may cite what it likes, it cannot put anything here. An
entity that is only linked to what an event names is not named by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from agents.evidence.facts import Held
from agents.evidence.gather import members
from agents.evidence.store import EvidenceStore
from agents.evidence.toolbox import Toolbox
from agents.policy.criticality import NOTHING_KNOWN, Criticality
from agents.policy.policy import ANOMALIES, MIXED, RULES, UNKNOWN
from enrichers.entities import entities_of
from models.action import Action
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.finding import Sequence, group_entities
from models.verdict import Evidence

MIN_DETECTIONS: Final = 2
MIN_VIEWS: Final = 2
MAX_EVIDENCE: Final = 50


@dataclass(frozen=True, slots=True)
class Corroboration:
    """What stands behind an action on one entity.

    Attributes:
        target: The entity.
        sequence_uid: The sequence whose signals these are.
        sequence_revision: Its revision.
        detections: Distinct detections on events that name the target, sorted.
        records: Hashes of the distinct raw records behind them, sorted.
        sources: Sources of those, sorted.
        domains: Domains of those, sorted.
        kind: `rules`, `mixed` or `anomalies`: by what the detections are.
        criticality: Of the target, as the tables say.
        parties: Everything that the sequence's events and group name: nobody among these may approve.
        evidence: The records, to show to who decides; the first MAX_EVIDENCE.
        lost: What could not be fetched, or was not intact.
    """

    target: EntityKey
    sequence_uid: str
    sequence_revision: int
    detections: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    kind: str = ANOMALIES
    criticality: str = UNKNOWN
    parties: frozenset[EntityKey] = frozenset()
    evidence: tuple[Evidence, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def is_corroborated(self) -> bool:
        """Tell whether two detections on two records name the target."""
        return len(self.detections) >= MIN_DETECTIONS and len(self.records) >= MIN_DETECTIONS

    @property
    def is_independent(self) -> bool:
        """Tell whether two sources or two domains see it."""
        return len(self.sources) >= MIN_VIEWS or len(self.domains) >= MIN_VIEWS

    def to_json(self) -> dict[str, Any]:
        """Render for the audit log."""
        return {
            "target": str(self.target),
            "sequence": self.sequence_uid,
            "sequence_revision": self.sequence_revision,
            "detections": list(self.detections[:MAX_EVIDENCE]),
            "records": list(self.records[:MAX_EVIDENCE]),
            "sources": list(self.sources),
            "domains": list(self.domains),
            "kind": self.kind,
            "criticality": self.criticality,
            "lost": len(self.lost),
        }


def corroborate(
    action: Action, sequence: Sequence, store: EvidenceStore, criticality: Criticality = NOTHING_KNOWN
) -> Corroboration:
    """Fetch again what the sequence's signals say of an action's target.

    Asked for when it is decided, and again right before the action runs.

    Args:
        action: The action.
        sequence: The sequence that its verdict judges, in the revision that stands.
        store: Where the evidence is fetched.
        criticality: What the tables say.
    """
    held, lost = members(sequence, Toolbox(store))
    naming = [one for one in held if action.target in _named_by(one)]
    found = {part.rule: one.signal.signal.analytic.is_model for one in naming for part in one.signal.signal.made_of}
    evidence = {row.uid: row.evidence for one in naming for row in (one.signal, one.event)}
    return Corroboration(
        target=action.target,
        sequence_uid=sequence.uid,
        sequence_revision=sequence.revision,
        detections=tuple(sorted(found)),
        records=tuple(sorted({one.event.sha256 for one in naming})),
        sources=tuple(sorted({one.event.source for one in naming})),
        domains=tuple(sorted({one.signal.signal.domain for one in naming})),
        kind=_kind(found.values()),
        criticality=criticality.of(action.target),
        parties=_parties(action.target, sequence, held, criticality),
        evidence=tuple(evidence.values())[:MAX_EVIDENCE],
        lost=lost,
    )


def _named_by(held: Held) -> frozenset[EntityKey]:
    """Return the entities that both the signal and its event name."""
    return frozenset(held.signal.signal.entities) & _entities(held)


def _entities(held: Held) -> frozenset[EntityKey]:
    try:
        return frozenset(entities_of(held.event.ocsf))
    except InvalidRecord:
        return frozenset()


def _kind(are_models: Iterable[bool]) -> str:
    models = list(are_models)
    if sum(not model for model in models) >= MIN_DETECTIONS:
        return RULES
    return ANOMALIES if all(models) else MIXED


def _parties(
    target: EntityKey, sequence: Sequence, held: Iterable[Held], criticality: Criticality
) -> frozenset[EntityKey]:
    """Return who is concerned, by every name that the identity table has for them."""
    named = {target, *group_entities(sequence.group)}
    for one in held:
        named |= {*one.signal.signal.entities, *one.signal.signal.via, *_entities(one)}
    return frozenset(named | {first for entity in named if (first := criticality.persons.first_name(entity))})

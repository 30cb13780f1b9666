"""What an investigation knows before it judges: the gathered evidence, and the facts that follow from it alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents.evidence.store import SourceSeen, StoredEvent, StoredSignal
from models.entity import EntityKey
from models.fact import Fact
from models.finding import Sequence, SequenceMember
from models.ocsf import DOMAINS

KILL_CHAIN: Final = {
    tactic: place
    for place, tactic in enumerate(
        (
            "reconnaissance",
            "resource-development",
            "initial-access",
            "execution",
            "persistence",
            "privilege-escalation",
            "defense-evasion",
            "credential-access",
            "discovery",
            "lateral-movement",
            "collection",
            "command-and-control",
            "exfiltration",
            "impact",
        )
    )
}
DAY_MS: Final = 86_400_000
ROUTINE_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class Held:
    """One signal of the sequence and its event, both fetched, both with the hash they were stored under."""

    signal: StoredSignal
    event: StoredEvent

    @property
    def detection(self) -> str:
        """Return the uid of the rule or model that fired."""
        return self.signal.signal.analytic.uid

    @property
    def tactics(self) -> list[str]:
        """Return its tactics that have a place on the kill chain, in that order."""
        return sorted(self.signal.signal.analytic.tactics & KILL_CHAIN.keys(), key=KILL_CHAIN.__getitem__)


@dataclass(frozen=True, slots=True)
class Telling:
    """What a service outside said of an observable, and the first of the signals' events that names this."""

    fact: Fact
    event: StoredEvent


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything the tools answered about one sequence.

    Attributes:
        sequence: The sequence.
        entities: The entities looked at: the group's own, or else the one its signals name most.
        held: Its intact signals with their events, earliest first.
        lost: Its members that could not be fetched or were not intact, each with what is wrong.
        around: Events that name the entities, from before the sequence to its end, earliest first.
        others: Signals on the entities in that time which are no members.
        earlier: Signals on the entities in the days before.
        baseline: Sources heard in the day before.
        near: Sources heard around the sequence.
        refused: Questions that the budget refused, or whose answers were cut short.
        tellings: What services outside said of observables of the signals' events.
        untold: What they were to say and did not, in words.
    """

    sequence: Sequence
    entities: tuple[EntityKey, ...] = ()
    held: tuple[Held, ...] = ()
    lost: tuple[tuple[SequenceMember, str], ...] = ()
    around: tuple[StoredEvent, ...] = ()
    others: tuple[StoredSignal, ...] = ()
    earlier: tuple[StoredSignal, ...] = ()
    baseline: tuple[SourceSeen, ...] = ()
    near: tuple[SourceSeen, ...] = ()
    refused: tuple[str, ...] = ()
    tellings: tuple[Telling, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def detections(self) -> frozenset[str]:
        """Return the uids of the distinct rules and models that fired."""
        return frozenset(held.detection for held in self.held)

    @property
    def domains(self) -> frozenset[str]:
        """Return the domains the signals come from."""
        return frozenset(held.signal.signal.domain for held in self.held)

    @property
    def sources(self) -> frozenset[str]:
        """Return the sources whose events the signals rest on."""
        return frozenset(held.event.source for held in self.held)

    @property
    def tactics(self) -> frozenset[str]:
        """Return the tactics of all detections."""
        return frozenset(tactic for held in self.held for tactic in held.signal.signal.analytic.tactics)

    @property
    def severity_id(self) -> int:
        """Return the highest severity among the detections, the correlation's own when none is held."""
        own = self.sequence.analytic.severity_id
        return max((held.signal.signal.analytic.severity_id for held in self.held), default=own)

    @property
    def condemned(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Return kind and value of what services outside call malicious, each with those services."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for telling in self.tellings:
            if telling.fact.malicious:
                found[telling.fact.kind, telling.fact.value].add(telling.fact.provider)
        return {named: frozenset(services) for named, services in sorted(found.items())}

    @property
    def silent(self) -> tuple[str, ...]:
        """Return the sources heard in the day before and not around the sequence."""
        return tuple(sorted({seen.source for seen in self.baseline} - {seen.source for seen in self.near}))

    @property
    def unseen(self) -> tuple[str, ...]:
        """Return the domains of which no telemetry at all was seen around the sequence."""
        return tuple(domain for domain in DOMAINS if domain not in {seen.domain for seen in self.near})

    @property
    def routine(self) -> bool:
        """Tell whether every detection fired on these entities on three or more of the days before."""
        days: dict[str, set[int]] = defaultdict(set)
        for stored in self.earlier:
            days[stored.signal.analytic.uid].add(stored.time // DAY_MS)
        return bool(self.held) and all(len(days[uid]) >= ROUTINE_DAYS for uid in self.detections)

    @property
    def advance(self) -> tuple[tuple[str, Held], ...]:
        """Return the longest run of signals, in time order, whose tactics advance along the kill chain."""
        best: dict[str, tuple[tuple[str, Held], ...]] = {}
        for held in self.held:
            before = dict(best)
            for tactic in held.tactics:
                runs = (run for last, run in before.items() if KILL_CHAIN[last] < KILL_CHAIN[tactic])
                run = (*max(runs, key=len, default=()), (tactic, held))
                if len(run) > len(best.get(tactic, ())):
                    best[tactic] = run
        return max(best.values(), key=len, default=())

    @property
    def shared(self) -> Mapping[EntityKey, tuple[Held, ...]]:
        """Return the entities that signals of several domains name, with the first such signal of each domain."""
        named: dict[EntityKey, dict[str, Held]] = defaultdict(dict)
        for held in self.held:
            for entity in held.signal.signal.entities:
                named[entity].setdefault(held.signal.signal.domain, held)
        return {entity: tuple(by.values()) for entity, by in sorted(named.items()) if len(by) > 1}

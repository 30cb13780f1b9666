"""What services outside are asked about a sequence: the observables of its events, and what comes of it.

An investigation asks nobody unless it is given whom to ask. What is one's own is never sent out: that is decided by
`enrichers.lookups.gate`, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from agents.evidence.facts import Held
from agents.evidence.store import StoredEvent
from enrichers.intel import indicator
from enrichers.intel.observables import HOST, observables_of
from enrichers.intel.urls import host_of_key
from enrichers.intel.values import domain_name, plain
from enrichers.lookups.reputation import ADDRESS, DOMAIN, HASH, Reputation
from enrichers.lookups.told import Told
from models.errors import InvalidRecord
from models.fact import Fact
from models.fields import LARGEST

OWN_MACHINE: Final = "device."  # the machine that the sensor runs on is one's own, whatever it is called
MAX_CANDIDATES: Final = 100

Observable = tuple[str, str]  # kind and value


class Outside(Protocol):
    """Ask services outside."""

    def ask(self, observables: Iterable[Observable], most: int, seconds: float) -> Told:
        """Return what they say of at most so many observables, in at most so many seconds; nothing of one's own."""
        ...


def candidates(held: Iterable[Held]) -> Mapping[Observable, StoredEvent]:
    """Return the observables of a sequence's events, each with its first event; those of most events come first."""
    first: dict[Observable, StoredEvent] = {}
    named: Counter[Observable] = Counter()
    for event in {one.event.uid: one.event for one in held}.values():
        found = frozenset(observables(event))
        named.update(found)
        first.update({one: event for one in found if one not in first})
    ordered = sorted(first, key=lambda one: (-named[one], one))
    return {one: first[one] for one in ordered[:MAX_CANDIDATES]}


def observables(event: StoredEvent) -> Iterator[Observable]:
    """Yield what of an event may be asked about, in canonical form."""
    try:
        record = event.ocsf
    except InvalidRecord:
        return
    for path, kind, text in observables_of(record):
        try:
            found = None if path.startswith(OWN_MACHINE) else _observable(kind, text)
        except ValueError:
            continue
        if found:
            yield found


def _observable(kind: str, text: str) -> Observable | None:
    """Return what may be asked about; of a URL its host, since the rest of it may tell of people and secrets."""
    if kind == indicator.URL:
        return _host(host_of_key(plain(kind, text)[1]))
    if kind == HOST:
        return _host(text)
    asked = {indicator.IP: ADDRESS, indicator.HASH: HASH}.get(kind)
    return (asked, plain(kind, text)[1]) if asked else None


def _host(text: str) -> Observable:
    if ":" in text or text.rstrip(".").rpartition(".")[2].isdigit():
        return ADDRESS, plain(indicator.IP, text)[1]
    return DOMAIN, domain_name(text)


def facts_of(told: Told) -> tuple[Fact, ...]:
    """Return what was answered, as facts."""
    return tuple(
        Fact(
            provider=said.provider,
            kind=question.kind,
            value=question.value,
            time=said.asked,
            score=said.score,
            malicious=said.malicious,
            reports=min(said.reports, LARGEST),
            tags=said.tags,
            last_seen=said.last_seen,
        )
        for question, said in told.words
        if isinstance(said, Reputation)
    )


def unanswered(told: Told) -> tuple[str, ...]:
    """Name the services whose word is missing, each with why and on how many of the questions."""
    asked = Counter(said.provider for _, said in told.words)
    why = Counter((said.provider, said.reason) for _, said in told.words if not isinstance(said, Reputation))
    return tuple(
        f"intelligence of {provider} missing: {reason} ({count} of {asked[provider]} asked)"
        for (provider, reason), count in sorted(why.items())
    )

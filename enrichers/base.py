"""One small protocol for everything that adds to an event, and the chain that asks them all and fails open.

An enricher says what it would add and touches nothing: it may answer two events with the very same objects, and one
that fails has added nothing. What the source itself said always stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from models.errors import EnrichmentFailed
from models.event import Event
from models.finding import Signal

MAX_REASON: Final = 300
EVERY_RULE: Final = "*"
NOTHING_QUIET: Final[frozenset[str]] = frozenset()
Path = tuple[str, ...]
# What an enricher raises when it, or what it reads, has a fault: that enricher adds nothing to that event, no more.
_FAULTS: Final = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError),
    EnrichmentFailed,
)


class Additions(NamedTuple):
    """What one enricher adds to one event. Never changed once it is made: events share it.

    Attributes:
        attributes: Paths of objects of the event, such as `("actor", "user")`, and the OCSF attributes to add there. An
            attribute is added whole and only where the object has none of its name; an empty path is the event itself.
        enrichments: OCSF `enrichment` objects, for what has no attribute. `name` is the dotted path of the attribute
            that was looked up and `value` its value; `data` nests what was found under the path of the object it is
            about (`{"src_endpoint": {"is_tor": true}}`), so that a rule can say
            `enrichments.data.src_endpoint.is_tor: true`.
        hits: Signals of their own, such as a match of threat intelligence.
        missing: What could not be told, a sentence each; recorded as failures beside what could.
        quiet: Uids of the rules whose matches on this event do not fire; EVERY_RULE for all of them.
    """

    attributes: tuple[tuple[Path, Mapping[str, Any]], ...] = ()
    enrichments: tuple[Mapping[str, Any], ...] = ()
    hits: tuple[Signal, ...] = ()
    missing: tuple[str, ...] = ()
    quiet: frozenset[str] = NOTHING_QUIET


class Enricher(Protocol):
    """Know something of events from outside of them. For one thread; may remember, within a bound."""

    @property
    def name(self) -> str:
        """Return the short name under which failures are recorded and counted."""

    def enrich(self, event: Event) -> Additions | None:
        """Return what to add, None for nothing; raise EnrichmentFailed when it cannot be known.

        Sees the event as its source told it, without what other enrichers add. Reads no clock, file or network.
        """


class Enriched(NamedTuple):
    """An event with all that the enrichers know of it.

    Attributes:
        event: The event; the very same one when there was nothing to add.
        hits: The signals of the enrichers, in their order.
        quiet: Uids of the rules whose matches on it do not fire; EVERY_RULE for all of them.
        failed: Names of the enrichers that failed, once for each failure that stands on the event.
    """

    event: Event
    hits: tuple[Signal, ...] = ()
    quiet: frozenset[str] = NOTHING_QUIET
    failed: tuple[str, ...] = ()

    def silences(self, rule: str) -> bool:
        """Tell whether the matches of a rule on this event do not fire."""
        return rule in self.quiet or EVERY_RULE in self.quiet


class Chain:
    """The configured enrichers. What two of them would add in the same place, the first one does."""

    __slots__ = ("enrichers",)

    def __init__(self, enrichers: Iterable[Enricher] = ()) -> None:
        self.enrichers = tuple(enrichers)

    def enrich(self, event: Event) -> Enriched:
        """Ask every enricher. One that raises is noted in `unmapped.braid.enrichment_failures`, and stops no other."""
        found: list[Additions] = []
        failures: list[dict[str, str]] = []
        for enricher in self.enrichers:
            try:
                additions = enricher.enrich(event)
            except _FAULTS as error:
                failures.append(_failure(enricher, _reason(error)))
                continue
            if additions is None:
                continue
            found.append(additions)
            if additions.missing:
                failures += [_failure(enricher, reason) for reason in additions.missing]
        if not (found or failures):
            return Enriched(event)
        return _enriched(event, found, failures)


NO_ENRICHMENT: Final = Chain()


class Unavailable:
    """Stand in for an enricher that could not be made: every event says what it lacks, and why."""

    __slots__ = ("_additions", "name")

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._additions = Additions(missing=(reason,))

    def enrich(self, event: Event) -> Additions:  # noqa: ARG002  # the protocol's
        """Say that it is missing."""
        return self._additions


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, EnrichmentFailed) else f"{type(error).__name__}: {error}"


def _failure(enricher: Enricher, reason: str) -> dict[str, str]:
    told = reason[:MAX_REASON].encode("utf-8", "replace").decode()  # a reason may quote what no JSON can hold
    return {"enricher": enricher.name, "reason": told}


def _enriched(event: Event, found: list[Additions], failures: list[dict[str, str]]) -> Enriched:
    body = {**event.ocsf}
    enrichments: list[Mapping[str, Any]] = []
    hits: tuple[Signal, ...] = ()
    quiet = NOTHING_QUIET
    for additions in found:
        for path, members in additions.attributes:
            _add(body, path, members)
        enrichments += additions.enrichments
        hits += additions.hits
        quiet |= additions.quiet
    if enrichments:
        body["enrichments"] = [*_list(body["enrichments"]), *enrichments] if "enrichments" in body else enrichments
    if not failures:
        return Enriched(_with(event, body), hits, quiet)
    body["unmapped"] = _noted(body.get("unmapped"), failures)
    return Enriched(_with(event, body), hits, quiet, tuple([failure["enricher"] for failure in failures]))


def _with(event: Event, body: dict[str, Any]) -> Event:
    return Event(
        event.uid,
        event.time,
        event.source,
        event.logsource,
        event.native,
        body,
        event.at,
        event.sha256,
        event.about,
    )


def _add(body: dict[str, Any], path: Path, members: Mapping[str, Any]) -> None:
    """Add members to the object at a path; what lies on the path is copied, since others may have it too."""
    for name in path:
        inner = body.get(name)
        own = {**inner} if type(inner) is dict else {}
        body[name] = own
        body = own
    for name, value in members.items():
        if body.get(name) is None:
            body[name] = value


def _noted(unmapped: Any, failures: list[dict[str, str]]) -> dict[str, Any]:
    known = unmapped if isinstance(unmapped, dict) else {}
    own = known.get("braid")
    return {**known, "braid": {**(own if isinstance(own, dict) else {}), "enrichment_failures": failures}}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

"""Ask all enrichers of an event, remember what they told of its subjects, and fail open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from enrichers.base import (
    ALWAYS,
    MAX_REASON,
    NOTHING,
    NOTHING_QUIET,
    Additions,
    Enriched,
    Enricher,
    EventEnricher,
    Path,
    Told,
)
from enrichers.links.persons import NOBODY, Persons
from enrichers.subjects import OBJECTS, THE_EVENT, Key, Subject, subject_of, subjects_of
from models.errors import EnrichmentFailed
from models.event import Event
from models.finding import Signal

REMEMBERED: Final = 65_536  # subjects
# What an enricher raises when it, or what it reads, has a fault: that enricher adds nothing to that event, no more.
_FAULTS: Final = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError),
    EnrichmentFailed,
)
Failure = tuple[str, str]  # name of the enricher, reason


class _Known:
    """What all enrichers together told of one subject.

    Attributes:
        adds: Whether it changes an event.
        asks: Which enrichers are to be asked of the event itself.
        is_rare: Whether it has what few subjects have: failures, silence of rules, or asks.
    """

    __slots__ = ("adds", "asks", "attributes", "enrichments", "failures", "from_ms", "is_rare", "quiet", "to_ms")

    def __init__(self, additions: Additions, failures: tuple[Failure, ...] = ()) -> None:
        self.attributes = additions.attributes
        self.enrichments = additions.enrichments
        self.quiet = additions.quiet
        self.failures = failures
        self.asks: tuple[EventEnricher, ...] = ()
        self.from_ms, self.to_ms = -ALWAYS, ALWAYS
        self.is_rare = bool(self.quiet or failures)
        self.adds = bool(self.attributes or self.enrichments or self.is_rare)


_NOTHING: Final = Additions()


def _known(told: list[tuple[Enricher, Told]], faults: Sequence[Failure] = ()) -> _Known:
    """Join what several enrichers told of a subject."""
    if len(told) == 1 and not faults:
        enricher, each = told[0]
        additions = each.additions or _NOTHING
        known = _Known(additions, tuple([(enricher.name, why) for why in additions.missing]))
    else:
        added = [each.additions for _, each in told if each.additions is not None]
        missing = [(enricher.name, why) for enricher, each in told if each.additions for why in each.additions.missing]
        known = _Known(_joined(added), (*faults, *missing))
    for enricher, each in told:
        known.from_ms = max(known.from_ms, each.from_ms)
        known.to_ms = min(known.to_ms, each.to_ms)
        if each.ask and isinstance(enricher, EventEnricher):
            known.asks += (enricher,)
            known.is_rare = True
    return known


def _joined(added: list[Additions]) -> Additions:
    """Join what is added to one event; of two that add the same attribute to the same object, the first does."""
    if len(added) < 2:  # noqa: PLR2004  # one needs no joining
        return added[0] if added else _NOTHING
    objects: dict[Path, Mapping[str, Any]] = {}
    for additions in added:
        for path, members in additions.attributes:
            known = objects.get(path)
            objects[path] = members if known is None else {**members, **known}
    enrichments = tuple([one for additions in added for one in additions.enrichments])
    quiet = NOTHING_QUIET.union(*[additions.quiet for additions in added])
    return Additions(tuple(objects.items()), enrichments, (), (), quiet)


class Chain:
    """The configured enrichers. What two of them would add in the same place, the first one does. For one thread."""

    __slots__ = ("_always", "_known", "_most", "_of_kind", "_older", "_values", "enrichers", "persons")

    def __init__(self, enrichers: Iterable[Enricher] = (), most: int = REMEMBERED, persons: Persons = NOBODY) -> None:
        """Prepare.

        Args:
            enrichers: In the order in which they are asked.
            persons: Whose names are known, for entity links.
            most: How many subjects are remembered for sure; of twice as many those that came last.
        """
        self.enrichers = tuple(enrichers)
        self.persons = persons
        kinds = frozenset[str]().union(*(enricher.kinds for enricher in self.enrichers))
        self._of_kind = {kind: tuple(one for one in self.enrichers if kind in one.kinds) for kind in kinds}
        self._values = not kinds <= OBJECTS
        self._most = most
        self._known: dict[Key, _Known | None] = {}
        self._older: dict[Key, _Known | None] = {}
        always, _ = self._ask(subject_of(THE_EVENT)[0], 0)
        self._always = [always] if always is not None else []

    def enrich(self, event: Event) -> Enriched:
        """Ask every enricher. One that raises is noted in `unmapped.braid.enrichment_failures`, and stops no other."""
        if not self.enrichers:
            return Enriched(event)
        time_ms, known, found = event.time, self._known, [*self._always]
        for key in subjects_of(event.ocsf, values=self._values):
            try:
                one = known[key]
            except (KeyError, TypeError):  # what cannot be hashed is nobody's name
                one = self._meet(key, time_ms)
            if one is not None:
                if not one.from_ms <= time_ms < one.to_ms:
                    one = self._meet(key, time_ms)
                    if one is None:
                        continue
                found.append(one)
        return _enriched(event, found) if found else Enriched(event)

    def _meet(self, key: Key, time_ms: int) -> _Known | None:
        """Return what is known of a subject that was not met lately, or at another time."""
        subject, is_name = subject_of(key)
        if not is_name:
            return self._ask(subject, time_ms)[0]
        known = self._older.get(key)
        if known is None or not known.from_ms <= time_ms < known.to_ms:
            if known is None and key in self._older:
                return self._remember(key, None)
            known, is_lasting = self._ask(subject, time_ms)
            if not is_lasting:
                return known
        return self._remember(key, known)

    def _remember(self, key: Key, known: _Known | None) -> _Known | None:
        if len(self._known) >= self._most:
            self._older, self._known = self._known, {}
        self._known[key] = known
        return known

    def _ask(self, subject: Subject, time_ms: int) -> tuple[_Known | None, bool]:
        """Ask every enricher; tell too whether the answer is worth to be remembered, since a fault may pass."""
        told: list[tuple[Enricher, Told]] = []
        faults: list[Failure] = []
        for enricher in self._of_kind.get(subject.kind, ()):
            try:
                answer = enricher.about(subject, time_ms)
            except _FAULTS as error:
                faults.append((enricher.name, _reason(error)))
            else:
                if answer is not NOTHING:
                    told.append((enricher, answer))
        return _known(told, faults) if told or faults else None, not faults


NO_ENRICHMENT: Final = Chain()


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, EnrichmentFailed) else f"{type(error).__name__}: {error}"


class _Rare(NamedTuple):
    """What few events have."""

    hits: tuple[Signal, ...] = ()
    quiet: frozenset[str] = NOTHING_QUIET
    failures: tuple[Failure, ...] = ()


_COMMON: Final = _Rare()


def _enriched(event: Event, found: list[_Known]) -> Enriched:
    rare = _COMMON
    for known in found:
        if known.is_rare:
            found, rare = _with_rare(event, found)
            break
    body = {**event.ocsf}
    enrichments: list[Mapping[str, Any]] = []
    adds = False
    for known in found:
        if known.adds:
            adds = True
            for path, members in known.attributes:
                _add(body, path, members)
            enrichments += known.enrichments
    if not adds:
        return Enriched(event, rare.hits) if rare.hits else Enriched(event)
    if enrichments:
        body["enrichments"] = [*_list(body["enrichments"]), *enrichments] if "enrichments" in body else enrichments
    if rare is _COMMON:
        return Enriched(event.with_ocsf(body))
    if rare.failures:
        body["unmapped"] = _noted(body.get("unmapped"), rare.failures)
    return Enriched(event.with_ocsf(body), rare.hits, rare.quiet, tuple([name for name, _ in rare.failures]))


def _with_rare(event: Event, found: list[_Known]) -> tuple[list[_Known], _Rare]:
    """Ask of the event itself who is to be asked; return all that is known then, and what of it is rare."""
    hits: tuple[Signal, ...] = ()
    asked = []
    for enricher in dict.fromkeys(enricher for known in found for enricher in known.asks):
        try:
            additions = enricher.enrich(event)
        except _FAULTS as error:
            asked.append(_Known(_NOTHING, ((enricher.name, _reason(error)),)))
            continue
        if additions is not None:
            asked.append(_known([(enricher, Told(additions))]))
            hits += additions.hits
    found = [*found, *asked]
    quiet = NOTHING_QUIET.union(*(known.quiet for known in found))
    failures = dict.fromkeys(failure for known in found for failure in known.failures)
    return found, _Rare(hits, quiet, tuple(failures))


def _add(body: dict[str, Any], path: Path, members: Mapping[str, Any]) -> None:
    """Add members to the object at a path; what lies on the path is copied, since others may have it too."""
    for name in path:
        inner = body.get(name)
        own = body[name] = {**inner} if type(inner) is dict else {}
        body = own
    for name, value in members.items():
        if body.get(name) is None:
            body[name] = value


def _noted(unmapped: Any, failures: Iterable[Failure]) -> dict[str, Any]:
    known = unmapped if isinstance(unmapped, dict) else {}
    own = known.get("braid")
    told = [{"enricher": name, "reason": _printable(reason)} for name, reason in failures]
    return {**known, "braid": {**(own if isinstance(own, dict) else {}), "enrichment_failures": told}}


def _printable(reason: str) -> str:
    """Return a reason as it can be sent: it may be long, and quote what no JSON can hold."""
    return reason[:MAX_REASON].encode("utf-8", "replace").decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

"""The ingest stage: one raw record to its events, their signals and links, or to a dead letter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from enrichers.base import Enriched
from enrichers.chain import NO_ENRICHMENT, Chain
from enrichers.context.bearing import Bearing, bearing_of
from enrichers.entities import entities_of
from enrichers.links import links_of
from enrichers.links.persons import NOBODY
from enrichers.persons import linked_names
from models import ocsf
from models.entity import EntityLink
from models.event import Event
from models.finding import EventRef, Signal
from models.records import Context, DeadLetter, ParseError, RawRecord
from models.uids import signal_uid
from streams.alerts import alert_signal, is_alert
from streams.clock import ClockOffsets
from streams.correlate.routing import Router, Routes
from streams.detect.engine import Detector
from streams.detect.matching.ruleset import Match
from streams.detect.record import Record, text_of
from streams.sources.base import Source, too_long
from streams.sources.envelopes import unwrap
from streams.sources.framing import with_source
from streams.sources.registry import recognize, recognize_last
from streams.topics import EVENT_BYTES

UNRECOGNIZED: Final = "no source recognizes this record; name one with --source, or ship it to raw.<source>"
MAX_FIELD_CHARS: Final = 200
MAX_ENVELOPES: Final = 3  # one in the other: Filebeat of a file of Pub/Sub messages of syslog lines
MAX_EVENT_BYTES: Final = EVENT_BYTES - 65_536  # the topic's limit, less its headers
SURELY_FITS_BYTES: Final = EVENT_BYTES // 32  # no event is so many times its record: control characters make it 12


@dataclass(frozen=True, slots=True)
class Routed:
    """A signal and where it goes."""

    signal: Signal
    routes: Routes


@dataclass(frozen=True, slots=True)
class Ingested:
    """All that follows from one event, or from a record that became none.

    Attributes:
        event: The normalized event, None when there is none.
        signals: What fired on it, and the alert that it is itself.
        links: Entity links it shows.
        dead: Why the record, or a rule on it, failed.
        excepted: How many rules matched it and do not fire, because of an exception or an allow list.
        failed: Names of the enrichers that failed on it.
    """

    event: Event | None
    signals: tuple[Routed, ...] = ()
    links: tuple[EntityLink, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    excepted: int = 0
    failed: tuple[str, ...] = ()


class Ingest:
    """The stage with its rules and settings. Immutable; the same record always gives the same result."""

    __slots__ = ("_contexts", "_detector", "_enrichment", "_offsets", "_router")

    def __init__(
        self,
        detector: Detector,
        router: Router,
        offsets: ClockOffsets,
        contexts: Mapping[str, Context] | None = None,
        enrichment: Chain = NO_ENRICHMENT,
    ) -> None:
        """Prepare.

        Args:
            detector: The detection rules.
            router: Knows where signals go.
            offsets: Corrections of clocks.
            contexts: What is known of a source's records from outside, by the source's name.
            enrichment: Adds what surrounds an event, before the rules look at it.
        """
        self._detector = detector
        self._router = router
        self._offsets = offsets
        self._contexts = contexts or {}
        self._enrichment = enrichment

    def with_enrichment(self, enrichment: Chain) -> Ingest:
        """Return the same stage with other enrichers."""
        return Ingest(self._detector, self._router, self._offsets, self._contexts, enrichment)

    def process(self, source: Source | None, record: RawRecord) -> tuple[Ingested, ...]:
        """Parse, normalize and detect; look into the envelope of a record that its source cannot read.

        Args:
            source: Whose record it is, None when nobody recognized it.
            record: The raw record.

        Returns:
            One for each event that the record tells of, or one with its dead letter.
        """
        return self._process(source, record, MAX_ENVELOPES)

    def _process(self, source: Source | None, record: RawRecord, envelopes: int) -> tuple[Ingested, ...]:
        if source is None:
            error = ParseError(too_long(record.raw) or UNRECOGNIZED)
            return self._inside(None, record, envelopes, DeadLetter(record, "recognize", error))
        if record.source != source.name:
            record = with_source(record, source.name)
        known = self._contexts.get(source.name)
        if known is not None:
            record = replace(record, context=replace(record.context, zone=known.zone, year=known.year))
        parsed = source.parse_all(record)
        if isinstance(parsed, ParseError):
            return self._inside(source, record, envelopes, DeadLetter(record, "normalize", parsed))
        return tuple(self._detect(event, record) for event in parsed)

    def _inside(
        self, source: Source | None, record: RawRecord, envelopes: int, letter: DeadLetter
    ) -> tuple[Ingested, ...]:
        """Process what a record wraps; the letter when it wraps nothing that can be read."""
        found: list[Ingested] = []
        for inner in unwrap(record) if envelopes else ():
            found += self._process(recognize(inner) or source, inner, envelopes - 1)
        if any(result.event for result in found):
            return tuple(found)
        last = recognize_last(record) if source is None and envelopes == MAX_ENVELOPES else None
        if last is not None:
            return self._process(last, record, 0)
        return (Ingested(None, dead=(_with_reason_inside(letter, found),)),)

    def _detect(self, parsed: Event, record: RawRecord) -> Ingested:
        if reason := _too_large(parsed, len(record.raw)):
            return Ingested(None, dead=(DeadLetter(record, "normalize", ParseError(reason)),))
        enriched = self._enriched(self._offsets.apply(parsed), len(record.raw))
        event = enriched.event
        detection = self._detector.match(event)
        dead = tuple(
            DeadLetter(
                record, "detect", ParseError(f"rule failed: {failure.error}"), {"rule": failure.rule.analytic.uid}
            )
            for failure in detection.failures
        )
        matches, hits = detection.matches, enriched.hits
        if enriched.quiet:
            matches = tuple(match for match in matches if not enriched.silences(match.rule.analytic.uid))
            hits = tuple(hit for hit in hits if not enriched.silences(hit.analytic.uid))
        excepted = detection.excepted + len(detection.matches) - len(matches) + len(enriched.hits) - len(hits)
        signals = self._signals(event, matches, hits, parsed.ocsf)
        return Ingested(event, signals, self._links(event, signals), dead, excepted, enriched.failed)

    def _links(self, event: Event, signals: tuple[Routed, ...]) -> tuple[EntityLink, ...]:
        """Return what the event shows, and the names of those whom a signal is about."""
        persons = self._enrichment.persons
        shown = links_of(event, persons)
        if not signals or persons is NOBODY:
            return shown
        return (*shown, *linked_names(signals[0].signal.entities, persons, event.time, event.uid))

    def _enriched(self, event: Event, raw_bytes: int) -> Enriched:
        """Enrich an event; one that no topic would take any more goes on as it was."""
        found = self._enrichment.enrich(event)
        if found.event is not event and _too_large(found.event, raw_bytes):
            return found._replace(event=event)
        return found

    def _signals(
        self, event: Event, matches: tuple[Match, ...], hits: tuple[Signal, ...], told: Mapping[str, Any]
    ) -> tuple[Routed, ...]:
        alert = is_alert(event)
        if not (matches or alert or hits):
            return ()
        entities = entities_of(event.ocsf)
        ref = EventRef(event.uid, event.class_uid, event.source, event.at, event.sha256)
        signals = [
            *([alert_signal(event, ref, entities)] if alert else ()),
            *(self._wanted(hit, event) for hit in hits),
        ]
        for match in matches:
            rule = match.rule
            view = event.ocsf if rule.taxonomy == "ocsf" else event.native
            signals.append(
                Signal(
                    uid=signal_uid(rule.analytic.uid, event.uid),
                    time=event.time,
                    analytic=rule.analytic,
                    event=ref,
                    domain=event.domain,
                    confidence=rule.confidence,
                    risk=rule.risk,
                    entities=entities,
                    fields=_fields(view, self._router.fields_wanted(rule.analytic.uid)),
                    matched=match.matched,
                    selections=match.selections,
                )
            )
        bearing = bearing_of(told, event.ocsf)
        if bearing.facts:
            signals = [_weighed(signal, bearing) for signal in signals]
        return tuple(Routed(signal, self._router.routes(signal)) for signal in signals)

    def _wanted(self, hit: Signal, event: Event) -> Signal:
        """Give an enricher's signal the values that correlations group it by."""
        wanted = _fields(event.ocsf, self._router.fields_wanted(hit.analytic.uid))
        return replace(hit, fields={**hit.fields, **wanted}) if wanted else hit


def _weighed(signal: Signal, bearing: Bearing) -> Signal:
    """Give a signal the context of its event, behind what made it fire, and the risk that follows."""
    return replace(signal, risk=bearing.raised(signal.risk), matched=(*signal.matched, *bearing.facts))


def _with_reason_inside(letter: DeadLetter, found: Iterable[Ingested]) -> DeadLetter:
    """Add why the first record in the envelope could not be read: that is what somebody can mend."""
    inner = next((dead.error for result in found for dead in result.dead), None)
    if inner is None:
        return letter
    return replace(letter, error=replace(letter.error, reason=f"{letter.error.reason}; inside it: {inner.reason}"))


def _too_large(event: Event, raw_bytes: int) -> str:
    """Tell why no topic would take the event, empty when one will: a refused record would hold up its whole batch."""
    size = len(ocsf.encode(event.ocsf)) if raw_bytes > SURELY_FITS_BYTES else 0
    return f"its event has {size} bytes, more than the limit of {MAX_EVENT_BYTES}" if size > MAX_EVENT_BYTES else ""


def _fields(view: Mapping[str, Any], names: frozenset[str]) -> dict[str, str]:
    """Return the first value of each field, found as the rules find it; what has none is left out."""
    record = Record(view)
    texts = ((name, next(_scalars(record.values(name)), None)) for name in sorted(names))
    return {name: _short(text) for name, text in texts if text is not None}


def _scalars(values: Iterable[Any]) -> Iterator[str]:
    return (text for text in map(text_of, values) if text)


def _short(text: str) -> str:
    """Return a short text for a value to group by; a long one keeps its identity through its hash."""
    if len(text) <= MAX_FIELD_CHARS:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{text[: MAX_FIELD_CHARS - 33]}#{digest}"

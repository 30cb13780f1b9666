"""The ingest stage: one raw record to an event, its signals and links, or to a dead letter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from enrichers.entities import entities_of
from enrichers.links import links_of
from models import ocsf
from models.entity import EntityLink
from models.event import Event
from models.finding import EventRef, Signal
from models.records import DeadLetter, ParseError, RawRecord
from models.uids import signal_uid
from streams.clock import ClockOffsets
from streams.correlate.routing import Router, Routes
from streams.detect.engine import Detector, Match
from streams.detect.record import Record, text_of
from streams.sources.base import Source, too_long
from streams.topics import EVENT_BYTES

UNRECOGNIZED: Final = "no source recognizes this record; name one with --source, or ship it to raw.<source>"
MAX_FIELD_CHARS: Final = 200
MAX_EVENT_BYTES: Final = EVENT_BYTES - 65_536  # the topic's limit, less its headers
SURELY_FITS_BYTES: Final = (
    EVENT_BYTES // 32
)  # a character of six bytes in JSON stands in five places of an event at most


@dataclass(frozen=True, slots=True)
class Routed:
    """A signal and where it goes."""

    signal: Signal
    routes: Routes


@dataclass(frozen=True, slots=True)
class Ingested:
    """All that follows from one raw record.

    Attributes:
        event: The normalized event, None when there is none.
        signals: What fired on it.
        links: Entity links it shows.
        dead: Why the record, or a rule on it, failed.
    """

    event: Event | None
    signals: tuple[Routed, ...] = ()
    links: tuple[EntityLink, ...] = ()
    dead: tuple[DeadLetter, ...] = ()


class Ingest:
    """The stage with its rules and settings. Immutable; the same record always gives the same result."""

    __slots__ = ("_detector", "_offsets", "_router")

    def __init__(self, detector: Detector, router: Router, offsets: ClockOffsets) -> None:
        self._detector = detector
        self._router = router
        self._offsets = offsets

    def process(self, source: Source | None, record: RawRecord) -> Ingested:
        """Parse, normalize and detect.

        Args:
            source: Whose record it is, None when nobody recognized it.
            record: The raw record.
        """
        if source is None:
            return _refused(record, "recognize", too_long(record.raw) or UNRECOGNIZED)
        parsed = source.parse(record)
        if isinstance(parsed, ParseError):
            return Ingested(None, dead=(DeadLetter(record, "normalize", parsed),))
        if reason := _too_large(parsed, len(record.raw)):
            return _refused(record, "normalize", reason)
        event = self._offsets.apply(parsed)
        detection = self._detector.match(event)
        dead = tuple(
            DeadLetter(
                record, "detect", ParseError(f"rule failed: {failure.error}"), {"rule": failure.rule.analytic.uid}
            )
            for failure in detection.failures
        )
        return Ingested(event, self._signals(event, detection.matches), links_of(event), dead)

    def _signals(self, event: Event, matches: tuple[Match, ...]) -> tuple[Routed, ...]:
        if not matches:
            return ()
        entities = entities_of(event.ocsf)
        ref = EventRef(event.uid, event.class_uid, event.source, event.at, event.sha256)
        routed = []
        for match in matches:
            rule = match.rule
            view = event.ocsf if rule.taxonomy == "ocsf" else event.native
            signal = Signal(
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
            )
            routed.append(Routed(signal, self._router.routes(signal)))
        return tuple(routed)


def _refused(record: RawRecord, stage: str, reason: str) -> Ingested:
    return Ingested(None, dead=(DeadLetter(record, stage, ParseError(reason)),))


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

"""Mark events that touch an indicator, and make a signal of each match."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from enrichers.base import ALWAYS, NOTHING, Additions, Told
from enrichers.entities import entities_of
from enrichers.intel.analytics import analytic_of
from enrichers.intel.indicator import DOMAIN, EMAIL, IP, KINDS
from enrichers.intel.observables import HOST, Observable, observables_of
from enrichers.intel.table import IntelTable, Known
from enrichers.intel.values import domain_name, plain
from enrichers.subjects import EVENT, PLACE, RESOURCES, Subject
from models.event import Event
from models.finding import Analytic, EventRef, Signal
from models.uids import content_uid, sha256_hex

NAME: Final = "intel"
CACHED: Final = 65_536
CACHED_CHARS: Final = 256  # longer values are seldom seen twice, and would make the cache large
MAX_TOLD: Final = 4  # indicators named on the event and in the signal
MAX_TOLD_LABELS: Final = 8
MAX_MATCHES: Final = 16  # of one event: with these bounds its marks stay below 400 KB whatever lists say
MAX_LISTS: Final = 32
MAX_FIELD: Final = 200
LEAST_RISK: Final = 10
TYPE: Final = "threat intelligence"


class IntelEnricher:
    """Match events against a table. For one thread; a new file is a new table and a new enricher."""

    name = NAME
    kinds = frozenset({EVENT, PLACE, HOST, *KINDS})

    def __init__(self, table: IntelTable) -> None:
        self.table = table
        self._cached = lru_cache(maxsize=CACHED)(self._look_up)
        lacking = tuple(f"intelligence of {name} missing: {why}" for name, why in sorted(self.missing.items()))
        self._always = Told(Additions(missing=lacking[:MAX_LISTS])) if lacking else NOTHING

    @property
    def missing(self) -> Mapping[str, str]:
        """Return why lists are not all there, or not as new as they should be, by their names."""
        return {source["name"]: source["missing"] for source in self.table.about.sources if source.get("missing")}

    def about(self, subject: Subject, time_ms: int) -> Told:
        """Ask for the events with a subject that a list names at their time; nearly all are in none."""
        if subject.kind == EVENT:
            return self._always
        known: tuple[Known, ...] = ()
        for kind, text in _observed(subject):
            known += self._found(kind, text)
        if not known:
            return NOTHING
        ask = any(each.holds_at(time_ms) for each in known)
        times = sorted({time for each in known for time in (each.valid_from, each.valid_until)})
        after = bisect_right(times, time_ms)
        from_ms = times[after - 1] if after else -ALWAYS
        return Told(None, from_ms, times[after] if after < len(times) else ALWAYS, ask)

    def enrich(self, event: Event) -> Additions | None:
        """Return what lists say of the event's observables at its time, None when they say nothing."""
        time = event.time
        matches: list[tuple[Observable, list[Known]]] = []
        for observable in observables_of(event.ocsf):
            _, kind, text = observable
            found = self._found(kind, text)
            if found:
                standing = [known for known in found if known.valid_from <= time < known.valid_until]
                if standing:
                    matches.append((observable, standing))
        return _additions(event, matches[:MAX_MATCHES]) if matches else None

    def _found(self, kind: str, text: str) -> tuple[Known, ...]:
        return self._cached(kind, text) if len(text) <= CACHED_CHARS else self._look_up(kind, text)

    def _look_up(self, kind: str, text: str) -> tuple[Known, ...]:
        try:
            kind, value = _host(text) if kind == HOST else plain(kind, text)
        except ValueError:
            return ()
        found = self.table.find(kind, value)
        return found + self.table.find(DOMAIN, value.rpartition("@")[2]) if kind == EMAIL else found


def _observed(subject: Subject) -> tuple[tuple[str, str], ...]:
    """Return the kinds and texts of what a subject can be found by."""
    names = subject.names
    if subject.kind != PLACE:
        return ((subject.kind, names["value"]),)
    ip, host = names["ip"], names["hostname"]
    if subject.where == RESOURCES or not (ip or host):
        return ()
    if not host:
        return ((IP, ip),)
    return ((IP, ip), (HOST, host)) if ip else ((HOST, host),)


def _host(text: str) -> tuple[str, str]:
    if ":" in text or text.rstrip(".").rpartition(".")[2].isdigit():
        return plain(IP, text)
    return DOMAIN, domain_name(text)


def _additions(event: Event, matches: list[tuple[Observable, list[Known]]]) -> Additions:
    enrichments = tuple(_enrichment(observable, found) for observable, found in matches)
    return Additions(enrichments=enrichments, hits=tuple(_signals(event, matches)))


def _enrichment(observable: Observable, found: list[Known]) -> dict[str, Any]:
    path, _, text = observable
    holder = path.rpartition(".")[0].split(".")
    data: dict[str, Any] = {"intel": _told(found)}
    for name in reversed([part for part in holder if part]):
        data = {name: data}
    return {
        "name": path,
        "value": text,
        "type": TYPE,
        "provider": ", ".join(dict.fromkeys(known.source for known in found[:MAX_TOLD])),
        "data": data,
    }


def _told(found: list[Known]) -> dict[str, Any]:
    return {
        "kind": found[0].kind,
        "confidence": max(known.confidence for known in found),
        "sources": sorted({known.source for known in found})[:MAX_LISTS],
        "indicators": [_indicator(known) for known in found[:MAX_TOLD]],
    }


def _indicator(known: Known) -> dict[str, Any]:
    told = {"value": known.value, "match": known.how, "source": known.source, "confidence": known.confidence}
    more = {"id": known.id, "name": known.name, "labels": list(known.labels[:MAX_TOLD_LABELS])}
    return told | {name: value for name, value in more.items() if value}


def _signals(event: Event, matches: list[tuple[Observable, list[Known]]]) -> Iterator[Signal]:
    """Yield a signal for each kind of indicator and observed value, wherever in the event the value stands."""
    ref = EventRef(event.uid, event.class_uid, event.source, event.at, event.sha256)
    entities = entities_of(event.ocsf)
    for (analytic, value), found in _by_value(matches).items():
        confidence = max(known.confidence for known in found)
        yield Signal(
            uid=content_uid("signal", analytic.uid, event.uid, value),
            time=event.time,
            analytic=analytic,
            event=ref,
            domain=event.domain,
            confidence=confidence,
            risk=LEAST_RISK + confidence // 2,
            entities=entities,
            fields={"indicator": _short(value), "indicator_source": found[0].source},
            matched=tuple(_matched(value, found)),
        )


def _by_value(matches: Iterable[tuple[Observable, list[Known]]]) -> Mapping[tuple[Analytic, str], list[Known]]:
    grouped: dict[tuple[Analytic, str], dict[Known, None]] = {}
    for (_, _, text), found in matches:
        for known in found:
            grouped.setdefault((analytic_of(known.kind), text.lower()), {})[known] = None
    return {key: list(found) for key, found in grouped.items()}


def _matched(value: str, found: list[Known]) -> Iterator[tuple[str, str]]:
    yield "observable", value
    for known in found[:MAX_TOLD]:
        about = "; ".join(filter(None, (known.name, ", ".join(known.labels[:MAX_TOLD_LABELS]), known.id)))
        yield f"indicator of {known.source}", f"{known.value} ({about})" if about else known.value


def _short(text: str) -> str:
    if len(text) <= MAX_FIELD:
        return text
    return f"{text[: MAX_FIELD - 33]}#{sha256_hex(text.encode('utf-8', 'surrogatepass'))[:32]}"

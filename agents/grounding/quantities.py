"""Numbers in statements: what they count, and whether the cited evidence gives that count or has that number.

A number that counts something (`3 hosts`) has to follow from the citation, or stand in the evidence under a name that
counts. A number that is said to be something (`port 443`) has to stand under such a name, or inside a text. Any other
number has to stand in the evidence. Words such as `at least` and `within` turn equality into a bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents.evidence.store import StoredEvent, StoredSignal
from agents.grounding.times import Length, length_of
from agents.grounding.values import Value
from agents.grounding.vocabulary import NUMBER_WORDS
from agents.grounding.witness import Witness
from models.entity import PLACES
from models.fact import Fact
from models.ocsf import domain_of

MAX_TIMES: Final = 256  # between which spans are measured
AT_LEAST: Final = re.compile(r"(?:at least|more than|over|no fewer than|exceed\w*|upwards? of|minimum of)\W*\Z")
AT_MOST: Final = re.compile(r"(?:within|at most|less than|fewer than|under|up to|no more than|maximum of|inside)\W*\Z")
_SIZE: Final = re.compile(r"([\d.,]+)\s?([kmgtp])(i?)b\Z", re.IGNORECASE)
_BYTES: Final = re.compile(r"\s?bytes?\Z", re.IGNORECASE)
_ORDINAL: Final = re.compile(r"(?<=\d)(?:st|nd|rd|th)\Z", re.IGNORECASE)
POWERS: Final = {letter: power for power, letter in enumerate("kmgtp", 1)}
COUNTING: Final = re.compile(
    r"count|total|number|num_|attempts|failures|times|hits|occurrences|reports|size|length|pkts|packets"
)
LASTING: Final = re.compile(r"duration|elapsed|timeout|ttl|lifetime|interval|seconds|_ms\b|max_?age|span|period")
NOUNS: Final[Mapping[str, tuple[str, ...]]] = {
    "events": ("event", "record", "log entries", "entries", "entry"),
    "signals": ("signal", "alert", "finding", "firing"),
    "detections": ("detection", "rule", "analytic"),
    "matches": (
        *(
            "logon",
            "login",
            "attempt",
            "request",
            "connection",
            "call",
            "process",
            "command",
            "quer",
            "failure",
            "time",
        ),
        *("session", "sign-in", "execution", "occurrence", "match", "operation", "action", "lookup", "flow", "failed"),
    ),
    "users": ("user", "account", "identit", "principal", "person", "people"),
    "hosts": ("host", "machine", "server", "workstation", "device", "endpoint", "computer", "system"),
    "addresses": ("address", "ip"),
    "entities": ("entit",),
    "sources": ("source", "sensor", "log source", "product", "feed"),
    "domains": ("domain", "telemetry domain"),
    "tactics": ("tactic",),
    "techniques": ("technique",),
    "facts": ("service", "answer", "report", "provider"),
}
_NO_ADJECTIVE: Final = "|".join(
    (
        *(
            "on",
            "in",
            "at",
            "of",
            "by",
            "to",
            "from",
            "for",
            "with",
            "and",
            "or",
            "the",
            "a",
            "an",
            "was",
            "were",
            "is",
        ),
        *("are", "as", "then", "over", "via", "into", "against", "after", "before", "than", "within"),
    )
)
_STEMS: Final = tuple(
    (re.compile(rf"[ -](?:(?!(?:{_NO_ADJECTIVE})\b)[a-z]+[ -]){{0,2}}?{re.escape(stem)}"), name)
    for name, stems in NOUNS.items()
    for stem in stems
)
_OF_THEM: Final = re.compile(r" of (?:them|these|those|which|the (?:events|signals|records|detections))\b")
SAID_TO_BE: Final = (
    (re.compile(r"\bports?\W{0,3}\Z"), re.compile(r"port|_p\Z|pt\Z")),
    (re.compile(r"\b(?:pid|process id|process)\W{0,3}\Z"), re.compile(r"pid|process")),
    (re.compile(r"\b(?:event ?id|event ?code|event)\W{0,3}\Z"), re.compile(r"event|code|\bid\Z")),
    (re.compile(r"\blogon type\W{0,3}\Z"), re.compile(r"logon_?type")),
    (re.compile(r"\b(?:status|code|error)\W{0,3}\Z"), re.compile(r"status|code|error|result")),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What follows from a citation alone.

    Attributes:
        counts: How many different things of each kind of NOUNS are cited.
        spans: Times (ms) that passed between any two of the cited records.
    """

    counts: Mapping[str, frozenset[int]]
    spans: frozenset[int]


def measured(cited: Sequence[Witness]) -> Measured:
    """Return what follows from a citation."""
    events = [one.cited for one in cited if isinstance(one.cited, StoredEvent)]
    signals = [one.cited for one in cited if isinstance(one.cited, StoredSignal)]
    facts = [one.cited for one in cited if isinstance(one.cited, Fact)]
    entities = {entity for stored in signals for entity in stored.signal.entities}
    analytics = {stored.signal.analytic.uid: stored.signal.analytic for stored in signals}
    of_type = {name: {entity for entity in entities if entity.type in types} for name, types in _TYPES.items()}
    domains = {stored.signal.domain for stored in signals} | {domain_of(event.class_uid) for event in events}
    counts = {
        "events": {len(events), len({stored.signal.event.uid for stored in signals} | {event.uid for event in events})},
        "signals": {len(signals)},
        "detections": {len(analytics)},
        "matches": {len(events), len(signals), sum(stored.signal.count for stored in signals)},
        **{name: {len(found)} for name, found in of_type.items()},
        "entities": {len(entities)},
        "sources": {len({event.source for event in events} | {stored.signal.event.source for stored in signals})},
        "domains": {len(domains)},
        "tactics": {len({tactic for analytic in analytics.values() for tactic in analytic.tactics})},
        "techniques": {len({a.technique for analytic in analytics.values() for a in analytic.attacks if a.technique})},
        "facts": {len(facts), len({fact.provider for fact in facts})},
    }
    times = sorted({one.time for one in cited if one.time is not None})[:MAX_TIMES]
    spans = {later - earlier for at, earlier in enumerate(times) for later in times[at + 1 :]}
    return Measured({name: frozenset(found) for name, found in counts.items()}, frozenset({0, *spans}))


_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "users": ("user", "account"),
    "hosts": tuple(place for place in PLACES if place != "ip"),
    "addresses": ("ip",),
}


def bears_length(value: Value, cited: Sequence[Witness], known: Measured) -> bool:
    """Tell whether a stated length of time passed between cited records, or stands in one as such."""
    stated = length_of(value.text)
    if AT_MOST.search(value.before):
        return 0 < max(known.spans) <= stated.ms
    if AT_LEAST.search(value.before):
        return max(known.spans) >= stated.ms > 0
    return any(stated.is_about(span) for span in known.spans if span) or any(_lasts(stated, one) for one in cited)


def _lasts(stated: Length, witness: Witness) -> bool:
    return any(
        stated.is_about(number * unit)
        for number, paths in witness.numbers.items()
        if any(LASTING.search(path) for path in paths)
        for unit in (1, 1000)
    )


def bears_number(value: Value, cited: Sequence[Witness], known: Measured) -> bool:
    """Tell whether a stated number follows from the citation or stands in it as what it is said to be."""
    number, slack = _number(value.text)
    if _OF_THEM.match(value.after):
        return 0 < number <= max(known.counts["events"] | known.counts["signals"])
    for said, path in SAID_TO_BE:
        if said.search(value.before):
            return _held(number, cited, path, or_text=True)
    counted = next((name for stem, name in _STEMS if stem.match(value.after)), None)
    if counted and not slack:
        held = _held(number, cited, COUNTING, or_text=False)
        return _compared(number, value.before, known.counts[counted]) or held
    return any(abs(held - number) <= slack for one in cited for held in one.numbers)


def _compared(number: float, before: str, counts: frozenset[int]) -> bool:
    if AT_LEAST.search(before):
        return any(count >= number > 0 for count in counts)
    if AT_MOST.search(before):
        return any(0 < count <= number for count in counts)
    return number in counts


def _held(number: float, cited: Sequence[Witness], path: re.Pattern[str], *, or_text: bool) -> bool:
    paths = [found for one in cited for found in one.numbers.get(number, ())]
    return any(path.search(found) if found else or_text for found in paths)


def _number(text: str) -> tuple[float, float]:
    """Return the number, and how far what it is rounded from may be away."""
    lower = text.lower()
    if lower in NUMBER_WORDS:
        return NUMBER_WORDS[lower], 0
    sized = _SIZE.match(lower)
    if sized:
        digits = sized[1].replace(",", "")
        unit = (1024 if sized[3] else 1000) ** POWERS[sized[2]]
        decimals = len(digits.partition(".")[2])
        return float(digits) * unit, 0.5 * unit / 10**decimals
    plain = _ORDINAL.sub("", _BYTES.sub("", lower)).rstrip("% ").replace(",", "")
    return float(plain), 0

"""What is remembered for one key, and its safe form on the wire.

The form is versioned, self-describing JSON under zlib. `streams.correlate.bounds` keeps it small.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from models.entity import EntityKey, EntityLink
from models.errors import InvalidRecord
from models.finding import Analytic, Attack, EventRef, Signal
from models.finding_ocsf import parts_from_json, parts_to_json
from models.flood import flood_from_json, flood_to_json
from models.records import Coordinates

STATE_VERSION: Final = 4
MAX_PLAIN_BYTES: Final = 1_000_000  # a state that unpacks to more is not one of ours
PACKING_BYTES: Final = 64  # what packing adds at most
TEXT_BYTES: Final = 6  # what one text takes besides itself: quotes, a comma, brackets around it and its like
ENTITY_BYTES: Final = 9  # the longest type of an entity with its colon
FRAME_BYTES: Final = 200  # of a signal and its analytic without their texts: numbers, brackets, an analytic's place
EMPTY_BYTES: Final = 256  # of a state that holds nothing yet, its packing and growing numbers included
STAMP: Final = b"\x00braid\x00"  # no packed state begins like it
STAMP_BYTES: Final = 8
_SIGNAL: Final = (str, int, int, list, str, int, int, list, dict, list, int, list, list, list)


@dataclass(frozen=True, slots=True)
class Standing:
    """One sequence as it was last published.

    Attributes:
        spec: Uid of the correlation rule.
        uid: Uid of the sequence.
        digest: Content hash of what was published, to tell whether anything changed.
        start: Event time of its anchor, ms.
        end: Last millisecond at which a signal still joins it.
        is_alert: Whether it was escalated.
        told: Uid of the signal that it is for other correlations, and the keys that signal went to; else none.
    """

    spec: str
    uid: str
    digest: str
    start: int
    end: int
    is_alert: bool
    told: tuple[str, ...] = ()


class Known(NamedTuple):
    """What the last step knew of a state: it saves work and changes no answer, so it is not on the wire.

    Attributes:
        by: The correlations that found what stands.
        signals: The signals in which they found it.
        standing: What they found.
        floors: After which times.
        stale: Uids of correlations whose sequences are to be found anew all the same.
        most_bytes: How long the state is at most when it is encoded, an estimate.
    """

    by: object
    signals: tuple[Signal, ...]
    standing: tuple[Standing, ...]
    floors: tuple[tuple[str, int], ...]
    stale: frozenset[str]
    most_bytes: int


@dataclass(frozen=True, slots=True)
class KeyState:
    """Everything remembered for one key.

    Attributes:
        signals: Distinct signals, sorted by time and uid.
        links: Links of the entity that the key names, sorted by their end and uid.
        standing: Sequences that can still change, sorted by rule and start.
        floors: For a rule, the end of its last sequence that became final: no anchor at or before it.
        evicted: How many signals were folded away, and matches, links and sequences forgotten, to stay within bounds.
        watermark: Watermark (ms) of the last step: absences before it are judged.
        known: What the last step knew of it.
    """

    signals: tuple[Signal, ...] = ()
    links: tuple[EntityLink, ...] = ()
    standing: tuple[Standing, ...] = ()
    floors: tuple[tuple[str, int], ...] = ()
    evicted: int = 0
    watermark: int = 0
    known: Known | None = field(default=None, compare=False, repr=False)

    @property
    def empty(self) -> bool:
        """Tell whether nothing is remembered, so that the key can go."""
        return not (self.signals or self.links or self.standing or self.floors)


def encode_state(state: KeyState) -> bytes:
    """Serialize a state."""
    return packed(plain_bytes(state))


def stamped(data: bytes, deadline: int) -> bytes:
    """Put the time (ms) at which a key needs a step before its encoded state: that is read without unpacking it."""
    return STAMP + deadline.to_bytes(STAMP_BYTES, "big") + data


def read_stamped(value: bytes) -> tuple[int, bytes]:
    """Return deadline (ms) and encoded state of what `stamped` made; raise InvalidRecord when it is anything else."""
    start = len(STAMP) + STAMP_BYTES
    if not value.startswith(STAMP) or len(value) < start:
        raise InvalidRecord("not a correlation state, or one of an older version: it has no deadline before it")
    return int.from_bytes(value[len(STAMP) : start], "big"), value[start:]


def plain_bytes(state: KeyState) -> bytes:
    """Serialize a state without packing it."""
    return orjson.dumps(_plain(state))


def row_bytes(signal: Signal) -> int:
    """Return how many bytes a signal takes in a state at most before it is packed, its analytic included."""
    ref, analytic = signal.event, signal.analytic
    texts = [signal.uid, signal.domain, ref.uid, ref.source, ref.at.topic, ref.sha256]
    texts += (analytic.uid, analytic.name, analytic.author, *signal.selections)
    for pairs in (signal.fields.items(), signal.matched):
        for pair in pairs:
            texts += pair
    entities = (*signal.entities, *signal.via)
    texts += [entity.value for entity in entities]
    for attack in analytic.attacks:
        texts += (attack.tactic, attack.technique)
    for part in signal.parts:
        texts += (part.rule, part.domain, *part.tactics)
    return len(orjson.dumps("".join(texts))) + TEXT_BYTES * len(texts) + ENTITY_BYTES * len(entities) + FRAME_BYTES


def standing_bytes(one: Standing) -> int:
    """Return how many bytes a sequence takes in a state before it is packed."""
    return len(orjson.dumps(_standing_row(one))) + 1


def packed(plain: bytes) -> bytes:
    """Pack a serialized state; one that does not compress grows by less than PACKING_BYTES."""
    return zlib.compress(plain, 1)


def decode_state(data: bytes) -> KeyState:
    """Read a state back; raise InvalidRecord when it is not one, or of another version."""
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(data, MAX_PLAIN_BYTES + 1)
        if not unpacker.eof or unpacker.unused_data:
            raise InvalidRecord("correlation state is cut short, has a tail, or unpacks to more than its bound")
        plain = orjson.loads(unpacked)
        if plain["version"] != STATE_VERSION:
            raise InvalidRecord(f"correlation state of version {plain['version']!r}, expected {STATE_VERSION}")
        return _from_plain(plain)
    except (zlib.error, ValueError, KeyError, TypeError, IndexError) as error:
        raise InvalidRecord(f"not a correlation state: {type(error).__name__}: {error}") from error


def _plain(state: KeyState) -> dict[str, Any]:
    analytics: dict[Analytic, int] = {}
    signals = [_signal_row(signal, analytics.setdefault(signal.analytic, len(analytics))) for signal in state.signals]
    return {
        "version": STATE_VERSION,
        "analytics": [_analytic_row(analytic) for analytic in analytics],
        "signals": signals,
        "links": [_link_row(link) for link in state.links],
        "standing": [_standing_row(one) for one in state.standing],
        "floors": [list(floor) for floor in state.floors],
        "evicted": state.evicted,
        "watermark": state.watermark,
    }


def _from_plain(plain: dict[str, Any]) -> KeyState:
    analytics = [_analytic(row) for row in plain["analytics"]]
    evicted, watermark = _typed([plain["evicted"], plain["watermark"]], int, int)
    return KeyState(
        signals=tuple(_signal(row, analytics) for row in plain["signals"]),
        links=tuple(_link(row) for row in plain["links"]),
        standing=tuple(_standing(row) for row in plain["standing"]),
        floors=tuple(_pair(row, str, int) for row in plain["floors"]),
        evicted=evicted,
        watermark=watermark,
    )


def _typed(row: Any, *kinds: type) -> list[Any]:
    """Return the row when it is a list of exactly these types; raise TypeError when it is not."""
    if type(row) is not list or [type(value) for value in row] != list(kinds):
        raise TypeError(f"a row that is not of {', '.join(kind.__name__ for kind in kinds)}")
    return row


def _pair(row: Any, *kinds: type) -> tuple[Any, Any]:
    first, second = _typed(row, *kinds)
    return first, second


def _texts(values: Any) -> list[str]:
    return _typed(values, *[str] * len(values))


def _standing_row(one: Standing) -> list[Any]:
    return [one.spec, one.uid, one.digest, one.start, one.end, one.is_alert, list(one.told)]


def _standing(row: list[Any]) -> Standing:
    spec, uid, digest, start, end, is_alert, told = _typed(row, str, str, str, int, int, bool, list)
    return Standing(spec, uid, digest, start, end, is_alert, tuple(_texts(told)))


def _analytic_row(analytic: Analytic) -> list[Any]:
    attacks = [[attack.tactic, attack.technique] for attack in analytic.attacks]
    return [analytic.uid, analytic.name, analytic.type_id, analytic.author, analytic.severity_id, attacks]


def _analytic(row: list[Any]) -> Analytic:
    uid, name, type_id, author, severity_id, attacks = _typed(row, str, str, int, str, int, list)
    found = tuple(Attack(*_pair(attack, str, str)) for attack in attacks)
    return Analytic(uid, name, type_id, author, severity_id, found)


def _signal_row(signal: Signal, analytic: int) -> list[Any]:
    ref = signal.event
    return [
        signal.uid,
        signal.time,
        analytic,
        [ref.uid, ref.class_uid, ref.source, ref.at.topic, ref.at.partition, ref.at.offset, ref.sha256],
        signal.domain,
        signal.confidence,
        signal.risk,
        [str(entity) for entity in signal.entities],
        dict(signal.fields),
        [list(pair) for pair in signal.matched],
        signal.count,
        [str(entity) for entity in signal.via],
        [flood_to_json(signal.flood)] if signal.flood else [],
        list(signal.selections),
        parts_to_json(signal.parts),
    ]


def _signal(row: list[Any], analytics: list[Analytic]) -> Signal:
    (uid, time, analytic, ref, domain, confidence, risk, entities, fields, matched, count, via, flood, selections) = (
        _typed(row[:-1], *_SIGNAL)
    )
    event_uid, class_uid, source, topic, partition, offset, sha256 = _typed(ref, str, int, str, str, int, int, str)
    _texts(list(fields.values()))
    return Signal(
        uid=uid,
        time=time,
        analytic=analytics[analytic],
        event=EventRef(event_uid, class_uid, source, Coordinates(topic, partition, offset), sha256),
        domain=domain,
        confidence=confidence,
        risk=risk,
        entities=_entities(entities),
        fields=fields,
        matched=tuple(_pair(pair, str, str) for pair in matched),
        count=count,
        via=_entities(via),
        flood=flood_from_json(flood[0], time) if flood else None,
        selections=tuple(_texts(selections)),
        parts=parts_from_json(row[-1]),
    )


def _entities(texts: list[Any]) -> tuple[EntityKey, ...]:
    return tuple(EntityKey.parse(text) for text in _texts(texts))


def _link_row(link: EntityLink) -> list[Any]:
    ends = [str(link.left), str(link.right)]
    return [link.uid, *ends, link.valid_from, link.valid_to, link.confidence, link.source, link.evidence]


def _link(row: list[Any]) -> EntityLink:
    uid, left, right, *rest = _typed(row, str, str, str, int, int, int, str, str)
    return EntityLink(uid, EntityKey.parse(left), EntityKey.parse(right), *rest)

"""What is remembered for one key, and its safe form on the wire.

The form is versioned, self-describing JSON under zlib. One key's value stays under 16 KB whatever happens: when it
would not, the latest signals of the most frequent rule fold into one that carries their count. Early signals stay, so
that a flood never moves the start, and with it the name, of a sequence that stands. What was folded away is counted.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from models.entity import EntityKey, EntityLink
from models.errors import InvalidRecord
from models.finding import Analytic, Attack, EventRef, Signal
from models.records import Coordinates

STATE_VERSION: Final = 1
MAX_STATE_BYTES: Final = 16_000
MAX_PLAIN_BYTES: Final = 1_000_000  # a state that unpacks to more is not one of ours
MAX_SIGNALS: Final = 256
MAX_LINKS: Final = 64


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
    """

    spec: str
    uid: str
    digest: str
    start: int
    end: int
    is_alert: bool


@dataclass(frozen=True, slots=True)
class KeyState:
    """Everything remembered for one key.

    Attributes:
        signals: Distinct signals, sorted by time and uid.
        links: Links of the entity that the key names, sorted by uid.
        standing: Sequences that can still change, sorted by rule and start.
        floors: For a rule, the end of its last sequence that became final: no anchor at or before it.
        evicted: How many signals were folded away to stay within bounds.
    """

    signals: tuple[Signal, ...] = ()
    links: tuple[EntityLink, ...] = ()
    standing: tuple[Standing, ...] = ()
    floors: tuple[tuple[str, int], ...] = ()
    evicted: int = 0

    @property
    def empty(self) -> bool:
        """Tell whether nothing is remembered, so that the key can go."""
        return not (self.signals or self.links or self.standing or self.floors)


def encode_state(state: KeyState) -> tuple[bytes, KeyState]:
    """Serialize within the size bound; return the bytes and the state they hold (folded further when too large)."""
    while True:
        data = zlib.compress(orjson.dumps(_plain(state)), 1)
        if len(data) <= MAX_STATE_BYTES or not state.signals:
            return data, state
        smaller = fold(state, len(state.signals) - max(1, len(state.signals) // 8))
        state = smaller if smaller is not state else replace(state, signals=(), evicted=state.evicted + 1)


def fold(state: KeyState, limit: int) -> KeyState:
    """Fold signals until at most `limit` are left, or none has a like to fold into (every rule is down to one)."""
    signals = list(state.signals)
    while len(signals) > limit:
        (rule, count), *_ = Counter(signal.analytic.uid for signal in signals).most_common(1)
        if count == 1:
            break
        last, before = [i for i in range(len(signals) - 1, -1, -1) if signals[i].analytic.uid == rule][:2]
        signals[before] = replace(signals[before], count=signals[before].count + signals[last].count)
        del signals[last]
    dropped = len(state.signals) - len(signals)
    return replace(state, signals=tuple(signals), evicted=state.evicted + dropped) if dropped else state


def decode_state(data: bytes) -> KeyState:
    """Read a state back; raise InvalidRecord when it is not one, or of another version."""
    try:
        unpacker = zlib.decompressobj()
        plain = orjson.loads(unpacker.decompress(data, MAX_PLAIN_BYTES))
        if unpacker.unconsumed_tail:
            raise InvalidRecord("correlation state unpacks to more than its bound")
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
        "standing": [[s.spec, s.uid, s.digest, s.start, s.end, s.is_alert] for s in state.standing],
        "floors": [list(floor) for floor in state.floors],
        "evicted": state.evicted,
    }


def _from_plain(plain: dict[str, Any]) -> KeyState:
    analytics = [_analytic(row) for row in plain["analytics"]]
    return KeyState(
        signals=tuple(_signal(row, analytics) for row in plain["signals"]),
        links=tuple(_link(row) for row in plain["links"]),
        standing=tuple(Standing(*row) for row in plain["standing"]),
        floors=tuple((spec, end) for spec, end in plain["floors"]),
        evicted=plain["evicted"],
    )


def _analytic_row(analytic: Analytic) -> list[Any]:
    attacks = [[attack.tactic, attack.technique] for attack in analytic.attacks]
    return [analytic.uid, analytic.name, analytic.type_id, analytic.author, analytic.severity_id, attacks]


def _analytic(row: list[Any]) -> Analytic:
    uid, name, type_id, author, severity_id, attacks = row
    return Analytic(uid, name, type_id, author, severity_id, tuple(Attack(*attack) for attack in attacks))


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
    ]


def _signal(row: list[Any], analytics: list[Analytic]) -> Signal:
    uid, time, analytic, ref, domain, confidence, risk, entities, fields, matched, count, via = row
    return Signal(
        uid=uid,
        time=time,
        analytic=analytics[analytic],
        event=EventRef(ref[0], ref[1], ref[2], Coordinates(ref[3], ref[4], ref[5]), ref[6]),
        domain=domain,
        confidence=confidence,
        risk=risk,
        entities=tuple(EntityKey.parse(text) for text in entities),
        fields=fields,
        matched=tuple((name, value) for name, value in matched),
        count=count,
        via=tuple(EntityKey.parse(text) for text in via),
    )


def _link_row(link: EntityLink) -> list[Any]:
    ends = [str(link.left), str(link.right)]
    return [link.uid, *ends, link.valid_from, link.valid_to, link.confidence, link.source, link.evidence]


def _link(row: list[Any]) -> EntityLink:
    uid, left, right, *rest = row
    return EntityLink(uid, EntityKey.parse(left), EntityKey.parse(right), *rest)

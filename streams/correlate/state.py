"""What is remembered for one key, and its safe form on the wire.

The form is versioned, self-describing JSON under zlib. One key's value stays under 16 KB whatever happens: when it
would not, signals of one rule that are near in time fold into one that carries their count (`fold`), and only when that
is not enough does anything else go (`_smaller`). What goes is counted.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence
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
MAX_MEMBERS: Final = 32  # signals that a sequence shows
OTHER_VALUES_MS: Final = 3_600_000  # signals that differ in a grouped or counted value fold as if so much further apart
LARGEST: Final = 2**53  # no count or time is beyond it, and sums of many still fit 64 bits


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
        links: Links of the entity that the key names, sorted by their end and uid.
        standing: Sequences that can still change, sorted by rule and start.
        floors: For a rule, the end of its last sequence that became final: no anchor at or before it.
        evicted: How many signals were folded away, and links and sequences forgotten, to stay within bounds.
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


def encode_state(state: KeyState) -> bytes:
    """Serialize a state. One that `within_bounds` returned takes at most MAX_STATE_BYTES."""
    return _packed(_plain(state))


def within_bounds(state: KeyState) -> KeyState:
    """Return the state as it may be kept: the same one, unless it holds too much."""
    state = fold(state, MAX_SIGNALS)
    while not state.empty and not _fits(_plain(state)):
        state = _smaller(state)
    return state


def _fits(plain: dict[str, Any]) -> bool:
    size = len(orjson.dumps(plain))  # what is small enough unpacked is so packed
    return size < MAX_STATE_BYTES or len(_packed(plain)) <= MAX_STATE_BYTES


def _packed(plain: dict[str, Any]) -> bytes:
    return zlib.compress(orjson.dumps(plain), 1)


def fold(state: KeyState, limit: int) -> KeyState:
    """Fold signals until at most `limit` are left, or none has a like to fold into.

    A signal folds into the one of its rule before it, the nearest pair first: no count is lost, and none moves further
    in time than it must. Nothing folds across the start or the end of a sequence, so none changes its name or its
    count. What a sequence shows, its first signals and its last, folds only when there is nothing else.
    """
    signals = list(state.signals)
    edges = sorted({*(s.start for s in state.standing), *(end + 1 for end in _ends(state))})
    while len(signals) > limit and (pair := _nearest_pair(signals, edges)):
        into, away = pair
        signals[into] = replace(signals[into], count=signals[into].count + signals[away].count)
        del signals[away]
    dropped = len(state.signals) - len(signals)
    return replace(state, signals=tuple(signals), evicted=state.evicted + dropped) if dropped else state


def _ends(state: KeyState) -> list[int]:
    return [s.end for s in state.standing] + [end for _, end in state.floors]


def _nearest_pair(signals: Sequence[Signal], edges: Sequence[int]) -> tuple[int, int] | None:
    stretches = [bisect_right(edges, signal.time) for signal in signals]
    last = {stretch: index for index, stretch in enumerate(stretches)}
    first: dict[int, int] = {}
    before: dict[tuple[int, str], int] = {}
    best: tuple[bool, int, int, int] | None = None
    for index, (signal, stretch) in enumerate(zip(signals, stretches, strict=True)):
        start = first.setdefault(stretch, index)
        into = before.get((stretch, signal.analytic.uid))
        before[stretch, signal.analytic.uid] = index
        if into is not None:
            is_shown = into - start < MAX_MEMBERS or index == last[stretch]
            cost = is_shown, _distance(signals[into], signal), into, index
            best = cost if best is None else min(best, cost)
    return best[2:] if best else None


def _distance(signal: Signal, other: Signal) -> int:
    return other.time - signal.time + (OTHER_VALUES_MS if signal.fields != other.fields else 0)


def _smaller(state: KeyState) -> KeyState:
    """Let go of an eighth of what is missed least: details, then links or the oldest sequences, then signals."""
    folded = fold(state, len(state.signals) - _eighth(state.signals))
    if folded is not state:
        return folded
    if any(signal.matched for signal in state.signals):
        return replace(state, signals=tuple(replace(signal, matched=()) for signal in state.signals))
    if state.standing and len(state.standing) >= len(state.links):
        return _settled(state, _eighth(state.standing))
    part, count = ("links", _eighth(state.links)) if state.links else ("signals", _eighth(state.signals))
    if not state.signals and not state.links:
        part, count = "floors", _eighth(state.floors)
    kept = getattr(state, part)[count:]
    return replace(state, **{part: kept}, evicted=state.evicted + count)


def _eighth(items: Sequence[object]) -> int:
    return max(1, len(items) // 8)


def _settled(state: KeyState, count: int) -> KeyState:
    """Make the sequences that end first final, as the watermark would have done later."""
    ordered = sorted(state.standing, key=lambda s: (s.end, s.spec, s.uid))
    floors = dict(state.floors)
    for sequence in ordered[:count]:
        floors[sequence.spec] = max(floors.get(sequence.spec, -1), sequence.end)
    kept = frozenset(sequence.uid for sequence in ordered[count:])
    return replace(
        state,
        standing=tuple(s for s in state.standing if s.uid in kept),
        floors=tuple(sorted(floors.items())),
        evicted=state.evicted + count,
    )


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

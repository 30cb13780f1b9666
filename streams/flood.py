"""Fold floods: where one rule matches more often on one group and second than the limit, one signal stands for them.

Up to the limit there is a signal for each match. Beyond it the matches of a batch make one folded signal, a part; its
uid is that of the flood (rule, group, second), its identity (`Flood.part`) that of the matches it holds. The
correlations join the parts again (`streams.correlate.crowd`). In this module, pure: how matches become parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final, NamedTuple

import orjson

from models.finding import Analytic, Signal
from models.flood import IDENTITY_CHARS, SECOND_MS, Flood, Grain, Variant, flood_of, flood_to_json, join
from models.uids import content_uid

FLOOD_LIMIT: Final = 20
MAX_PART_BYTES: Final = 500_000  # of grains and values in one message; the topic takes 1 MiB
ROW_BYTES: Final = 80  # of one grain as JSON, at most
DIGEST_BYTES: Final = 16

Keyed = tuple[Signal, str]
Kind = tuple[Analytic, str, int, int, int]


def kind_of(signal: Signal) -> Kind:
    """Return what signals of one group have in common that may fold: their rule, what it weighs, their second."""
    return signal.analytic, signal.domain, signal.confidence, signal.risk, signal.time // SECOND_MS


def flood_uid(signal: Signal, key: str) -> str:
    """Name the folded signal of a signal's rule, group and second.

    One rule id can come with two weights (an alert's severity, a rule that was edited): these are two floods.
    """
    analytic = signal.analytic
    weight = f"{analytic.severity_id}/{signal.confidence}/{signal.risk}/{analytic.type_id}/{signal.domain}"
    attacks = (f"{attack.tactic}/{attack.technique}" for attack in analytic.attacks)
    second = str(signal.time // SECOND_MS)
    return content_uid("flood", analytic.uid, key, second, weight, analytic.name, analytic.author, *attacks)


def fold_batch(signals: Sequence[Keyed], limit: int) -> Sequence[Keyed]:
    """Fold the floods among the signals of one batch.

    Args:
        signals: Signals with the group key that each copy goes to.
        limit: How many of one rule, key and second stay single.

    Returns:
        What to send: the same object when there is no flood.
    """
    if len(signals) <= limit:
        return signals
    places = [(signal.analytic.uid, key, signal.time // SECOND_MS) for signal, key in signals]
    counts = Counter(places)
    if max(counts.values()) <= limit:
        return signals
    folds = Folds(limit)
    kept, once = [], set()
    for (signal, key), place in zip(signals, places, strict=True):
        if counts[place] <= limit:
            kept.append((signal, key))
        elif (signal.uid, key) not in once:
            once.add((signal.uid, key))
            folds.add(signal, key)
    return [*kept, *folds.parts(MAX_PART_BYTES)]


class Folds:
    """Gather the signals of a batch of any size; what is beyond the limit is held as grains only."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._few: dict[tuple[Kind, str], list[Signal]] = {}
        self._many: dict[tuple[Kind, str], _Crowd] = {}

    def add(self, signal: Signal, key: str) -> None:
        """Take one copy of a signal in; the caller sees to it that each comes once."""
        place = kind_of(signal), key
        crowd = self._many.get(place)
        if crowd is not None:
            crowd.add(signal)
            return
        few = self._few.setdefault(place, [])
        few.append(signal)
        if len(few) > self._limit:
            self._many[place] = _Crowd(self._few.pop(place))

    def parts(self, max_bytes: int | None = None) -> Iterator[Keyed]:
        """Yield what was gathered, parts of more than `max_bytes` of values and grains in several."""
        for (_, key), few in self._few.items():
            yield from ((signal, key) for signal in few)
        for (_, key), crowd in self._many.items():
            yield from ((signal, key) for signal in crowd.parts(key, max_bytes))


class _Crowd:
    """The matches of one rule, key and second: their number by values and millisecond, no longer each of them."""

    __slots__ = ("_digest", "_first", "_grains", "_number")

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._grains: dict[tuple[int, Variant], tuple[str, int]] = {}
        self._number = 0
        self._digest = 0
        self._first = signals[0]
        for signal in signals:
            self.add(signal)

    def add(self, signal: Signal) -> None:
        self._number += 1
        self._digest ^= int.from_bytes(sha256(signal.uid.encode("utf-8", "surrogatepass")).digest()[:DIGEST_BYTES])
        place = signal.time, variant_of(signal)
        uid, count = self._grains.get(place, (signal.uid, 0))
        self._grains[place] = min(uid, signal.uid), count + signal.count
        self._first = min(self._first, signal, key=_order)

    def parts(self, key: str, max_bytes: int | None) -> Iterator[Signal]:
        uid = flood_uid(self._first, key)
        name = f"{self._number}/{self._digest:x}"  # whatever order they came in
        rows = [Grain(time, least, count, variant) for (time, variant), (least, count) in self._grains.items()]
        rows.sort(key=lambda grain: (grain.time, grain.uid))
        for number, some in enumerate(_chunks(rows, max_bytes)):
            part = content_uid("part", uid, name, str(number))[:IDENTITY_CHARS]
            yield folded(self._first, uid, flood_of(replace(grain, part=part) for grain in some))


def _order(signal: Signal) -> tuple[int, str]:
    return signal.time, signal.uid


def _chunks(grains: list[Grain], max_bytes: int | None) -> Iterator[list[Grain]]:
    if max_bytes is None:
        yield grains
        return
    chunk: list[Grain] = []
    known: set[Variant] = set()
    size = 0
    for grain in grains:
        more = ROW_BYTES + (0 if grain.variant in known else _variant_bytes(grain))
        if chunk and size + more > max_bytes:
            yield chunk
            chunk, size, known = [], 0, set()
            more = ROW_BYTES + _variant_bytes(grain)
        chunk.append(grain)
        known.add(grain.variant)
        size += more
    yield chunk


def _variant_bytes(grain: Grain) -> int:
    return len(orjson.dumps(flood_to_json(Flood((grain,)))["variants"]))


def variant_of(signal: Signal) -> Variant:
    """Return a signal's values."""
    return Variant(tuple(sorted(signal.fields.items())), signal.entities, signal.via)


def folded(example: Signal, uid: str, flood: Flood) -> Signal:
    """Make the signal of a flood; `example` is that of its earliest match."""
    return replace(example, uid=uid, time=flood.start, count=flood.count, flood=flood)


def merged(signals: Iterable[Signal], key: str) -> Signal:
    """Fold signals, single and folded, of one kind (`kind_of`) on one key into one."""
    held = tuple(signals)
    first = min(held, key=lambda signal: (signal.time, signal.flood.first if signal.flood else signal.uid))
    flood = join(signal.flood or Flood((_grain(signal),)) for signal in held)
    return folded(first, flood_uid(first, key), flood)


def _grain(signal: Signal) -> Grain:
    return Grain(signal.time, signal.uid, signal.count, variant_of(signal))


class Moment(NamedTuple):
    """What windows see: a single signal, or one grain of a folded one. A tuple, for there are many at every step.

    Attributes:
        time: Event time in ms.
        uid: The uid that the (least of the) matches has as a signal of its own.
        matches: How many matches.
        signal: The signal, of a folded one with the values of the grain.
    """

    time: int
    uid: str
    matches: int
    signal: Signal


def moments(signal: Signal) -> Iterator[Moment]:
    """Yield what a signal stands for, earliest first; moments of the same values share one signal."""
    if signal.flood is None:
        yield Moment(signal.time, signal.uid, signal.count, signal)
        return
    known: dict[Variant, Signal] = {}
    for grain in signal.flood.grains:
        variant = grain.variant
        like = known.get(variant)
        if like is None:
            like = known[variant] = _with_values(signal, variant)
        yield Moment(grain.time, grain.uid, grain.count, like)


def _with_values(signal: Signal, variant: Variant) -> Signal:
    return replace(
        signal, fields=dict(variant.fields), entities=variant.entities, via=variant.via, matched=(), selections=()
    )


def clipped(signal: Signal, wanted: Callable[[int], bool]) -> Signal | None:
    """Return the part of a signal at the times (ms) that are wanted, None when there is none."""
    flood = signal.flood
    if flood is None:
        return signal if wanted(signal.time) else None
    grains = tuple(grain for grain in flood.grains if wanted(grain.time))
    if len(grains) == len(flood.grains):
        return signal
    return folded(signal, signal.uid, flood_of(grains, flood.seen)) if grains else None


def split_by_target(signal: Signal, over: Callable[[Signal], tuple[Signal, tuple[str, ...]]]) -> Iterator[Keyed]:
    """Yield the copies of a folded signal that go to other keys; values decide where to (`over`)."""
    flood = signal.flood
    if flood is None:
        copy, keys = over(signal)
        yield from ((copy, key) for key in keys)
        return
    ways: dict[Variant, tuple[Variant, tuple[str, ...]]] = {}
    targets: dict[str, list[Grain]] = {}
    for grain in flood.grains:
        if grain.variant not in ways:
            copy, keys = over(_with_values(signal, grain.variant))
            ways[grain.variant] = variant_of(copy), keys
        variant, keys = ways[grain.variant]
        for key in keys:
            targets.setdefault(key, []).append(replace(grain, variant=variant))
    for key, grains in sorted(targets.items()):
        copy = replace(signal, via=grains[0].variant.via)
        yield folded(copy, flood_uid(signal, key), flood_of(grains, flood.seen)), key


def flattened(signal: Signal) -> Signal:
    """Return a folded signal as a plain one at its first match: the count stays, all else that it knew goes."""
    return signal if signal.flood is None else replace(signal, uid=signal.flood.first, flood=None)


def last_time(signal: Signal) -> int:
    """Return the time of the latest match that a signal stands for, ms."""
    return signal.flood.end if signal.flood else signal.time

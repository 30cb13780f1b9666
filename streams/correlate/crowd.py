"""Floods in the state of one key: what was folded is joined, what is beyond the limit is folded.

A key that holds more than the flood limit of one kind (`streams.flood.kind_of`: rule and second) holds them as one
folded signal, whether they came single or in parts. So how the input was cut into batches shows in nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from models.finding import Signal
from models.flood import SEALED, SECOND_MS, Flood, Grain, better_way, flood_of, melt
from streams.correlate.state import KeyState
from streams.flood import flattened, folded, kind_of, last_time, merged

_UID: Final = attrgetter("uid")
STEPS_MS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def order(signal: Signal) -> tuple[int, str]:
    """Return what signals are sorted by."""
    return signal.time, signal.uid


def with_signal(state: KeyState, signal: Signal, key: str, limit: int) -> KeyState:
    """Take a signal, single or folded, in; return the same state when all of it is there."""
    if signal.flood is None and signal.uid in map(_UID, state.signals):
        return _by_the_better_way(state, signal)
    if signal.parts:  # it may be withdrawn, alone
        return _with(state, [], signal)
    near = _of_second(state.signals, signal.time)
    kind = kind_of(signal) if near else None
    alike = [held for held in near if kind_of(held) == kind]
    is_flood = signal.flood is not None or any(held.flood for held in alike)
    if not is_flood and sum(held.count for held in alike) + signal.count <= limit:
        return _with(state, [], signal)
    whole = merged([*alike, signal], key)
    if len(alike) == 1 and alike[0].flood == whole.flood:
        return state
    return _with(state, alike, whole)


def _by_the_better_way(state: KeyState, signal: Signal) -> KeyState:
    """Of two copies that came over two links keep one, whichever came first: that of a session before a place's."""
    held = next(held for held in state.signals if held.uid == signal.uid)
    way = better_way(held.via, signal.via)
    return state if way == held.via else _with(state, [held], replace(held, via=way))


def without_signal(state: KeyState, uid: str) -> KeyState:
    """Let a signal go that was withdrawn; return the same state when it is not there."""
    kept = tuple(held for held in state.signals if held.uid != uid)
    return state if len(kept) == len(state.signals) else replace(state, signals=kept)


def _of_second(signals: Sequence[Signal], time: int) -> Sequence[Signal]:
    start = time - time % SECOND_MS
    first = bisect_left(signals, start, key=lambda held: held.time)
    return signals[first : bisect_left(signals, start + SECOND_MS, lo=first, key=lambda held: held.time)]


def _with(state: KeyState, away: Sequence[Signal], signal: Signal) -> KeyState:
    kept = state.signals
    if away:
        gone = {held.uid for held in away}
        kept = tuple(held for held in kept if held.uid not in gone)
    place = bisect_right(kept, order(signal), key=order)
    signals = (*kept[:place], signal, *kept[place:])
    return KeyState(signals, state.links, state.standing, state.floors, state.evicted, state.watermark)


def is_across(signal: Signal, edges: Sequence[int]) -> bool:
    """Tell whether a signal stands for matches on both sides of an edge (ms)."""
    return signal.flood is not None and bisect_right(edges, signal.time) != bisect_right(edges, last_time(signal))


def coarsened(state: KeyState, limit: int, edges: Sequence[int]) -> KeyState:
    """Melt grains of like values together until at most `limit` are left, or no like ones.

    The nearest melt first, into the earlier one, and never across an edge (ms), so that no sequence that stands loses
    or wins a match. The first and the last match between two edges stay where they are.
    """
    floods = [signal.flood for signal in state.signals if signal.flood]
    before = sum(len(flood.grains) for flood in floods)
    fixed, after = _lasts(state.signals, edges), before
    if before <= limit or all(_melted(flood, STEPS_MS[-1], edges, fixed) is flood for flood in floods):
        return state
    for step in STEPS_MS:
        if after <= limit:
            break
        floods = [_melted(flood, step, edges, fixed) for flood in floods]
        after = sum(len(flood.grains) for flood in floods)
    fresh = iter(floods)
    signals = tuple(folded(held, held.uid, next(fresh)) if held.flood else held for held in state.signals)
    return replace(state, signals=signals, evicted=state.evicted + before - after)


def _lasts(signals: Sequence[Signal], edges: Sequence[int]) -> set[tuple[int, str]]:
    """Return time and uid of each rule's last grain before every edge."""
    lasts: dict[tuple[str, int], Grain] = {}
    for signal in signals:
        for grain in signal.flood.grains if signal.flood else ():
            lasts[signal.analytic.uid, bisect_right(edges, grain.time)] = grain
    return {(grain.time, grain.uid) for grain in lasts.values()}


def _melted(flood: Flood, step: int, edges: Sequence[int], fixed: set[tuple[int, str]]) -> Flood:
    """Melt the grains of one flood that lie in one step (ms); what the others were is sealed with them."""
    into: dict[object, Grain] = {}
    edges = [edge for edge in edges if flood.start < edge <= flood.end]
    for grain in flood.grains:
        is_last = (grain.time, grain.uid) in fixed
        place = grain.variant, bisect_right(edges, grain.time), grain.time % SECOND_MS // step, is_last
        into[place] = melt(into[place], grain) if place in into else grain
    if len(into) == len(flood.grains):
        return flood
    seen = {*flood.seen, *(grain.identity for grain in flood.grains if grain.part != SEALED)}
    return flood_of((replace(grain, part=SEALED) for grain in into.values()), seen)


def with_fewer_values(state: KeyState, least: int, edges: Sequence[int]) -> KeyState:
    """Let the flood of most values forget half of them, the latest to appear, and all others what is beyond that.

    Those matches count with the earlier ones, and never across an edge (ms). Every flood keeps `least` values.
    """
    most = max((len(_values(signal.flood)) for signal in state.signals if signal.flood), default=0)
    limit = max(least, most // 2)
    if limit >= most:
        return state
    signals, lost = [], 0
    for held in state.signals:
        flood = _fewer_values(held.flood, limit, edges) if held.flood else None
        lost += len(held.flood.grains) - len(flood.grains) if held.flood and flood else 0
        signals.append(folded(held, held.uid, flood) if flood else held)
    return replace(state, signals=tuple(signals), evicted=state.evicted + lost) if lost else state


def _values(flood: Flood) -> list[object]:
    return list(dict.fromkeys(grain.variant for grain in flood.grains))


def _fewer_values(flood: Flood, limit: int, edges: Sequence[int]) -> Flood:
    values = _values(flood)
    if len(values) <= limit:
        return flood
    kept = set(values[:limit])
    grains: list[Grain] = []
    for grain in flood.grains:
        before = next(_back(grains, grain, edges), None) if grain.variant not in kept else None
        if before is None:
            grains.append(grain)
        else:
            grains[before] = melt(grains[before], grain)
    if len(grains) == len(flood.grains):
        return flood
    seen = {*flood.seen, *(grain.identity for grain in flood.grains if grain.part != SEALED)}
    return flood_of((replace(grain, part=SEALED) for grain in grains), seen)


def _back(grains: Sequence[Grain], grain: Grain, edges: Sequence[int]) -> Iterator[int]:
    if grains and bisect_right(edges, grains[-1].time) == bisect_right(edges, grain.time):
        yield len(grains) - 1


def with_less_seen(state: KeyState, latest: int) -> KeyState:
    """Let floods but the `latest` forget which parts they took in, an eighth at a time: what comes again comes soon."""
    knowing = [signal.uid for signal in state.signals if signal.flood and signal.flood.seen]
    away = set(knowing[: min(max(1, len(knowing) // 8), max(0, len(knowing) - latest))])
    if not away:
        return state
    signals = tuple(
        replace(held, flood=replace(held.flood, seen=())) if held.flood and held.uid in away else held
        for held in state.signals
    )
    return replace(state, signals=signals)


def without_flood(signal: Signal, count: int) -> Signal:
    """Return a plain signal of that count in the place of one, folded or not."""
    return replace(flattened(signal), count=count)

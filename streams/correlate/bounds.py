"""Keep what is remembered for one key within its bound, and count what goes.

One key's value stays under 16 KB whatever happens. When it would not, the details of its signals go first (each is
whole on its topic): what matched, then the milliseconds of floods (`streams.correlate.crowd`). Then signals of one rule
that are near in time fold into one that carries their count (`fold`), and only when that is not enough does anything
else go (`_smaller`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from models.fields import LARGEST
from models.finding import Signal
from streams.correlate import crowd
from streams.correlate.state import MAX_PLAIN_BYTES, PACKING_BYTES, KeyState, Standing, packed, plain_bytes

MAX_STATE_BYTES: Final = 16_000
SPARE_BYTES: Final = 800  # the same bytes may pack this much worse beside other ones
MAX_SIGNALS: Final = 256
MAX_LINKS: Final = 64
MAX_MEMBERS: Final = 32  # signals that a sequence shows
VALUES_KEPT: Final = 4  # of every flood, before anything but its milliseconds goes
FLOODS_KNOWN: Final = 8  # the latest floods of a key remember longest which parts they took in
OTHER_VALUES_MS: Final = 3_600_000  # signals that differ in a grouped or counted value fold as if so much further apart


def within_bounds(state: KeyState) -> KeyState:
    """Return the state as it may be kept: the same one, unless it holds too much."""
    return measured(state)[0]


def measured(state: KeyState) -> tuple[KeyState, int]:
    """Return the state as it may be kept, and how many bytes it takes at most when it is encoded."""
    state = fold(state, MAX_SIGNALS)
    times, size = _size(state)
    while not state.empty and times > 1:
        state = _smaller(state, times)
        times, size = _size(state)
    return state, size


def surely_fits(state: KeyState, most_bytes: int) -> bool:
    """Tell whether a state that takes at most so many bytes is within all bounds."""
    return len(state.signals) <= MAX_SIGNALS and most_bytes <= MAX_STATE_BYTES


def _size(state: KeyState) -> tuple[float, int]:
    """Return how many times the bound a state has, at most 1 when it fits, and its bytes, rather more than less."""
    plain = plain_bytes(state)
    if len(plain) <= MAX_STATE_BYTES - PACKING_BYTES:
        return 0, len(plain) + PACKING_BYTES
    size = len(packed(plain))
    spare = SPARE_BYTES if len(plain) < MAX_PLAIN_BYTES // 2 else MAX_STATE_BYTES  # a bound of its own is near
    return max(len(plain) / MAX_PLAIN_BYTES, size / MAX_STATE_BYTES), size + spare


def fold(state: KeyState, limit: int) -> KeyState:
    """Fold signals until at most `limit` are left, or none has a like to fold into.

    A signal folds into the one of its rule before it, the nearest pair first: no count is lost, and none moves further
    in time than it must. Nothing folds across the start or the end of a sequence, so none changes its name or its
    count. What a sequence shows, its first signals and its last, folds only when there is nothing else.
    """
    if len(state.signals) <= limit:
        return state
    signals, values = list(state.signals), _values(state.signals)
    edges = _edges(state)
    while len(signals) > limit and (pair := _nearest_pair(signals, values, edges)):
        into, away = pair
        count = min(LARGEST, signals[into].count + signals[away].count)
        signals[into] = crowd.without_flood(signals[into], count)
        del signals[away], values[away]
    dropped = len(state.signals) - len(signals)
    kept = tuple(sorted(signals, key=crowd.order))
    return replace(state, signals=kept, evicted=state.evicted + dropped) if dropped else state


def _edges(state: KeyState) -> list[int]:
    """Return where sequences start, and the first milliseconds after their ends."""
    ends = [*(s.end for s in state.standing), *(end for _, end in state.floors)]
    return sorted({*(s.start for s in state.standing), *(end + 1 for end in ends)})


def _values(signals: Sequence[Signal]) -> list[int]:
    """Number the values that signals are grouped and counted by: equal ones have equal numbers."""
    numbers: dict[object, int] = {}
    keys = ((frozenset(signal.fields.items()), signal.entities, signal.via) for signal in signals)
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _nearest_pair(signals: Sequence[Signal], values: Sequence[int], edges: Sequence[int]) -> tuple[int, int] | None:
    stretches = [bisect_right(edges, signal.time) for signal in signals]
    last = {stretch: index for index, stretch in enumerate(stretches)}
    first: dict[int, int] = {}
    before: dict[tuple[int, str, int | None], int] = {}
    best: tuple[bool, int, int, int] | None = None
    for index, (signal, stretch) in enumerate(zip(signals, stretches, strict=True)):
        start = first.setdefault(stretch, index)
        if crowd.is_across(signal, edges):
            continue
        for alike in (values[index], None):
            into = before.get((stretch, signal.analytic.uid, alike))
            before[stretch, signal.analytic.uid, alike] = index
            if into is not None:
                is_shown = into - start < MAX_MEMBERS or index == last[stretch]
                further = 0 if values[into] == values[index] else OTHER_VALUES_MS
                cost = is_shown, signal.time - signals[into].time + further, into, index
                best = cost if best is None else min(best, cost)
    return best[2:] if best else None


def _smaller(state: KeyState, times: float) -> KeyState:
    """Let go of what is missed least: details, then an eighth of the likes, links or oldest sequences, then signals.

    Args:
        state: A state that is too large.
        times: How many times too large.
    """
    blurred = _blurred(state, times)
    if blurred is not state:
        return blurred
    folded = fold(state, len(state.signals) - _eighth(state.signals))
    if folded is not state:
        return folded
    if state.standing and len(state.standing) >= len(state.links):
        ordered = sorted(state.standing, key=lambda s: (s.end, s.spec, s.uid))
        return settled(state, ordered[: _eighth(ordered)])
    if state.links:
        return with_links(state, len(state.links) - _eighth(state.links))
    if state.signals:
        away = _eighth(state.signals)
        forgotten = sum(signal.count for signal in state.signals[:away])
        return replace(state, signals=state.signals[away:], evicted=min(LARGEST, state.evicted + forgotten))
    away = _eighth(state.floors)
    return replace(state, floors=state.floors[away:], evicted=state.evicted + away)


def _blurred(state: KeyState, times: float) -> KeyState:
    """Let go of what matched, then of what floods know: the milliseconds, some of many values, which parts are in."""
    if any(signal.matched for signal in state.signals):
        bare = (replace(signal, matched=(), selections=()) for signal in state.signals)
        return replace(state, signals=tuple(bare))
    edges = _edges(state)
    grains = sum(len(signal.flood.grains) for signal in state.signals if signal.flood)
    fewer = min(grains - max(1, grains // 4), int(grains / times))
    ways: tuple[Callable[[], KeyState], ...] = (
        lambda: crowd.coarsened(state, fewer, edges),
        lambda: crowd.with_fewer_values(state, VALUES_KEPT, edges),
        lambda: crowd.with_less_seen(state, FLOODS_KNOWN),
        lambda: crowd.with_fewer_values(state, 1, edges),
        lambda: crowd.with_less_seen(state, 0),
    )
    return next((blurred for way in ways if (blurred := way()) is not state), state)


def _eighth(items: Sequence[object]) -> int:
    return max(1, len(items) // 8)


def with_links(state: KeyState, limit: int) -> KeyState:
    """Keep the `limit` links that hold longest."""
    away = max(0, len(state.links) - limit)
    return replace(state, links=state.links[away:], evicted=state.evicted + away)


def settled(state: KeyState, final: Iterable[Standing]) -> KeyState:
    """Make standing sequences final, as the watermark would have done later; they count as forgotten."""
    floors, uids = dict(state.floors), set()
    for sequence in final:
        floors[sequence.spec] = max(floors.get(sequence.spec, -1), sequence.end)
        uids.add(sequence.uid)
    return replace(
        state,
        standing=tuple(s for s in state.standing if s.uid not in uids),
        floors=tuple(sorted(floors.items())),
        evicted=state.evicted + len(uids),
    )

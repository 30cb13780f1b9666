"""Minutes that are not closed yet: deltas join in them in any order."""

from __future__ import annotations

from collections.abc import Iterable

from models.feature import MINUTE_MS, Delta
from streams.profile.outputs import Evicted, Late, Output
from streams.profile.progress import Progress
from streams.profile.state import MAX_OPEN, Entity


def joined(
    key: str, state: Entity, deltas: Iterable[Delta], progress: Progress, offset: int, stamp: int
) -> tuple[Entity, list[Output]]:
    """Join the deltas of one message in the open minutes of their entity.

    Args:
        key: Of the entity.
        state: Its state.
        deltas: Of this entity.
        progress: How far minutes are closed.
        offset: Of the message; one that is known already changes nothing.
        stamp: The broker's time (ms) of the message.
    """
    if state.has_taken(offset, stamp):
        return state, []
    outputs: list[Output] = []
    opened: dict[str, dict[int, Delta]] = {}
    for delta in deltas:
        source, minute = delta.source, delta.minute
        behind = progress.own.get(source, 0) - (minute + 1) * MINUTE_MS
        if behind >= 0:
            outputs.append(Late(key, delta, behind))
            continue
        minutes = opened.get(source)
        if minutes is None:
            minutes = opened[source] = dict(state.open.get(source, ()))
        known = minutes.get(minute)
        minutes[minute] = delta if known is None else known.joined(delta)
    after = Entity(offset, stamp, {**state.open, **opened}, state.learned, state.waiting, state.travel)
    if after.open_minutes > MAX_OPEN:
        after, cut = after.without_oldest()
        outputs.append(Evicted(key, cut))
    return after, outputs

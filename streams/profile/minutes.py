"""Minutes that are not closed yet: deltas join in them in any order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from models.feature import MINUTE_MS, Delta
from streams.profile.outputs import Evicted, Late, Output
from streams.profile.progress import PLACES, Progress
from streams.profile.state import MAX_OPEN, Entity

DAY_MS: Final = 86_400_000
FORGOTTEN_MS: Final = 90 * DAY_MS  # without any activity: what was learned goes


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
    outputs, opened = list[Output](), dict(state.open)
    for delta in deltas:
        end = delta.start + MINUTE_MS
        behind = progress.own.get(delta.source, 0) - end
        if behind >= 0:
            outputs.append(Late(key, delta, behind))
            continue
        minutes = dict(opened.get(delta.source, {}))
        known = minutes.get(delta.minute)
        minutes[delta.minute] = delta if known is None else known.joined(delta)
        opened[delta.source] = minutes
    after = structs.replace(state, open=opened, offset=offset, stamp=stamp)
    if after.open_minutes > MAX_OPEN:
        after, cut = after.without_oldest()
        outputs.append(Evicted(key, cut))
    return after, outputs


def ends(state: Entity) -> dict[str, int]:
    """Return when (ms) an entity next has something to close, by the name under which it waits."""
    found = {source: (min(minutes) + 1) * MINUTE_MS for source, minutes in state.open.items()}
    for source, learned in state.learned.items():
        end = learned.running.end
        if end is None:
            end = (learned.last + 1) * MINUTE_MS + FORGOTTEN_MS
        found[source] = min(end, found.get(source, end))
    if state.waiting:
        found[PLACES] = _minute_end(state.waiting[0].point.time)
    return found


def _minute_end(time: int) -> int:
    return (time // MINUTE_MS + 1) * MINUTE_MS

"""What an entity is linked to: when, why, and whether signals travel over the link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from models.entity import EntityLink
from streams.correlate.fanout import limit_of, overlap

Read = Callable[[], Iterable[EntityLink]]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One link of an entity.

    Attributes:
        link: The link.
        entity: Its other end, rendered.
        shared: Why no signal travels over it, empty when signals do.
    """

    link: EntityLink
    entity: str
    shared: str


def neighbours(read: Read, key: str, at: int | None, limit: int) -> list[Neighbour]:
    """Return the links of an entity, the latest first.

    Args:
        read: Reads all links, in any order; a link may come more than once, and is shared if it ever is. It is called
            twice: whether a link is shared depends on those of its other end, too.
        key: The entity, rendered.
        at: Only those that hold at this time, ms; None for all.
        limit: How many of one type an entity may be linked to (`streams.correlate.fanout`).
    """
    mine = _of(read(), {key})
    ends = {str(link.other_end(key)) for link in mine}
    theirs = _of(read(), ends)
    wanted = (link for link in mine if at is None or link.holds_at(at))
    found = [Neighbour(link, str(link.other_end(key)), _why(link, key, mine, theirs, limit)) for link in wanted]
    return sorted(found, key=lambda one: (-one.link.valid_from, one.entity, one.link.uid))


def _of(links: Iterable[EntityLink], keys: set[str]) -> list[EntityLink]:
    """Return the links of these entities, each once, as a shared one if it came as one."""
    kept: dict[str, EntityLink] = {}
    for link in links:
        if str(link.left) in keys or str(link.right) in keys:
            known = kept.get(link.uid)
            if known is None or link.confidence < known.confidence:
                kept[link.uid] = link
    return list(kept.values())


def _why(link: EntityLink, key: str, mine: list[EntityLink], theirs: list[EntityLink], limit: int) -> str:
    other = str(link.other_end(key))
    for end, links in ((key, mine), (other, theirs)):
        kind = link.other_end(end).type
        observed = (one for one in links if not one.is_derived and end in {str(one.left), str(one.right)})
        near = (one for one in observed if overlap(one, link))
        number = len({one.other_end(end) for one in near if one.other_end(end).type == kind})
        if number > limit_of(end, kind, limit):
            return f"{end} has {number} of type {kind} at a time"
    if not link.is_shared:
        return ""
    return "follows from one that is shared" if link.is_derived else "too many at a time, as correlate found"

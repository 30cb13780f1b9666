"""Links of shared things: an address that hundreds sign in from makes none of them the other.

A link is shared when either end has, by links that hold at some time while it does, more than so many distinct entities
of the other end's type. No signal travels over a shared link. Each end finds that out from its own links and tells the
other, so both know; since links only come to be more, a link that is shared stays so, whatever comes in which order.
Links that are derived from others (`streams.correlate.deriving`) count for none, for they may be taken back.
A user may have some times more sessions than anything else, for they are hers alone; the builds of a runner are more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from models.entity import WITHDRAWN, EntityLink
from models.finding import Signal
from streams.correlate.crossing import is_of_others, leads
from streams.flood import last_time

LINK_FANOUT: Final = 6
SESSIONS: Final = 4  # so many times the limit are the sessions of one user

Links = tuple[EntityLink, ...]


def taken(links: Links, link: EntityLink, key: str, limit: int) -> tuple[Links, Links]:
    """Take a link in, or that one is shared.

    Args:
        links: Those of one entity.
        link: One more, or one of these as the other end knows it.
        key: The entity.
        limit: How many of one type it may be linked to.

    Returns:
        Its links, the same object when nothing is new, and those that are shared as it turns out here.
    """
    known = next((held for held in links if held.uid == link.uid), None)
    if known is not None and known.confidence <= link.confidence:
        return links, ()
    if known is None and link.is_derived and link.confidence == WITHDRAWN:
        return links, ()  # it never came, for whoever takes it back has told of it before
    held = [*(one for one in links if one is not known), link]
    kind = link.other_end(key).type
    alike = [one for one in held if one.other_end(key).type == kind]
    limit = limit_of(key, kind, limit)
    crowded = {one.uid for one in _crowded(alike, link, key, limit)}
    told = tuple(one.shared() for one in alike if one.uid in crowded)
    marked = {one.uid: one for one in told}
    away = _surplus([marked.get(one.uid, one) for one in alike], key, limit)
    kept = (marked.get(one.uid, one) for one in held if one.uid not in away)
    return tuple(sorted(kept, key=lambda one: (one.valid_to, one.uid))), told


def limit_of(key: str, kind: str, limit: int) -> int:
    """Return to how many entities of a type the entity of a key may be linked, for the limit that is set."""
    return limit * SESSIONS if kind == "session" and key.startswith("user:") else limit


def _crowded(alike: list[EntityLink], link: EntityLink, key: str, limit: int) -> Iterator[EntityLink]:
    """Yield the links that one more makes shared, or finds shared itself; only what was observed makes others so."""
    near = [(one, one.other_end(key).value) for one in alike if not one.is_derived] if len(alike) > limit else []
    if len({value for _, value in near}) > limit:
        for one in alike:
            if not one.is_shared and overlap(one, link):
                others = {value for other, value in near if overlap(one, other)}
                if len(others) > limit:
                    yield one


def overlap(one: EntityLink, other: EntityLink) -> bool:
    """Tell whether two links hold at the same time, for once at least."""
    return one.valid_from <= other.valid_to and other.valid_from <= one.valid_to


def _surplus(alike: Iterable[EntityLink], key: str, limit: int) -> set[str]:
    """Return the uids of links without which all others are found as shared as with them: they need not be kept."""
    spans: dict[tuple[int, int], list[EntityLink]] = {}
    for one in alike:
        if one.is_shared and not one.is_derived:
            spans.setdefault((one.valid_from, one.valid_to), []).append(one)
    away: set[str] = set()
    for links in spans.values():
        if len(links) > limit + 1:
            ends = sorted({one.other_end(key) for one in links})[: limit + 1]
            first = {end: min(one.uid for one in links if one.other_end(key) == end) for end in ends}
            if len(ends) > limit:
                away |= {one.uid for one in links} - set(first.values())
    return away


def is_carried(signal: Signal, time: int, key: str, links: Iterable[EntityLink], *, is_narrow: bool = False) -> bool:
    """Tell whether a signal at a key may count there: one that came over a link needs a link that is not shared.

    Args:
        signal: A single signal, or one with the values of a moment.
        time: When, ms.
        key: The key.
        links: The links of the entity that the key names.
        is_narrow: Whether a signal of one user does not count for another by a place that both were at
            (`streams.correlate.crossing.is_of_others`).
    """
    if not signal.via or str(signal.via[0]) != key:
        return True  # it is of this key, or the entity through which it came here has looked already
    return any(
        not link.is_shared
        and link.holds_at(time)
        and (here := link.other_end(key)) in signal.entities
        and leads(here, signal.via[0])
        and not (is_narrow and is_of_others(signal, signal.via[0], here))
        for link in links
    )


def needed(links: Links, signals: Iterable[Signal], key: str, horizon: int) -> Links:
    """Return the links that may still matter, after a horizon (ms).

    These are, beside those that hold beyond it, those that make one of them shared, and those over which a signal came
    that is still there.
    """
    open_links = [link for link in links if link.valid_to >= horizon]
    came = [signal for signal in signals if signal.via and str(signal.via[0]) == key]
    return tuple(
        link
        for link in links
        if link.valid_to >= horizon
        or (not link.is_derived and any(_decides(link, other, key) for other in open_links))
        or any(_carries(link, signal, key) for signal in came)
    )


def _decides(link: EntityLink, other: EntityLink, key: str) -> bool:
    """Tell whether a link may be among those that make another one shared."""
    return overlap(link, other) and link.other_end(key).type == other.other_end(key).type


def _carries(link: EntityLink, signal: Signal, key: str) -> bool:
    if link.valid_from > last_time(signal) or signal.time > link.valid_to:
        return False
    variants = (grain.variant.entities for grain in signal.flood.grains) if signal.flood else ()
    return any(link.other_end(key) in entities for entities in chain((signal.entities,), variants))

"""Where signals go over entity links, and what is taken back because a link turned out to be shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from models.entity import EntityKey, EntityLink
from models.finding import Signal, Withdrawn
from streams.correlate.fanout import Links
from streams.correlate.outputs import Forward
from streams.correlate.routing import Router
from streams.flood import clipped, split_by_target


class Carrier:
    """Know what a key sends on because of its links. Immutable once made."""

    __slots__ = ("_router",)

    def __init__(self, router: Router) -> None:
        self._router = router

    def copies(self, signal: Signal, links: Iterable[EntityLink], key: str) -> Iterator[Forward]:
        """Yield the copies of a signal that go on from here: over links, or, if it came over one, to further groups."""
        for link in links:
            there = None if link.is_shared else clipped(signal, link.holds_at)
            if there is not None:
                copies = split_by_target(there, partial(self._over_link, link.other_end(key), key))
                yield from (Forward(target, copy) for copy, target in copies)

    def _over_link(self, other: EntityKey, key: str, signal: Signal) -> tuple[Signal, tuple[str, ...]]:
        """Return where a signal goes because of a link to `other`.

        It goes to `other` first, even if all its groups there are of more than that one entity: only there it is known
        whether the link is shared at that end, too.
        """
        if signal.via:
            if str(signal.via[0]) != key or other not in signal.entities:
                return signal, ()
            copy, keys = self._router.over_link(replace(signal, via=()), signal.via[0], other)
            return copy, tuple(target for target in keys if target != key)
        here = next((entity for entity in signal.entities if str(entity) == key), None)
        if here is None:
            return signal, ()
        copy, keys = self._router.over_link(signal, other, here)
        return copy, (str(other),) if keys else ()

    def recopied(self, signal: Signal, before: Links, after: Links, key: str) -> Iterator[Forward]:
        """Yield what goes on because of new links, and what is taken back because links turned out to be shared.

        What came over a link that is shared now is not counted at the other end, which knows; only the groups beyond
        cannot know. The parts of a flood stay there: they may have been joined with what is not to be taken back.
        """
        known = {link.uid: link for link in before}
        changed = [link for link in after if known.get(link.uid) != link]
        yield from self.copies(signal, changed, key)
        if signal.via and signal.flood is None:
            now = {copy.key for copy in self.copies(signal, after, key)}
            gone = {copy.key for copy in self.copies(signal, before, key)} - now
            yield from (Forward(target, Withdrawn(signal.uid, signal.time)) for target in sorted(gone))

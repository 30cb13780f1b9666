"""Links that follow from two others: who took a role works where it does; who got into a machine has its address.

A signal travels over one link. Between a person and the address of a machine that she got into there are three: she
took a role, the role opened a shell on the machine, the machine has the address. The key in the middle of two links
knows both, and tells both ends of a third one, for as long as both hold, as sure as both are. Only these chains count:

    person - role session - role session, machine        (of role sessions observed there, no matter in which order)
    person or role session - machine - address, host     (whoever visits it, not its own accounts)

Neither part may be shared, and a link that follows from another one follows only one row further, so nothing goes
round. What is derived makes nothing shared, but is so where its end has too many of that type by what was observed.
When a part turns out to be shared, the derived link is told as shared. Its uid is made of the key, the ends and the
times of both parts: in whatever order and how often they come, the same links follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from enrichers.names import instance_id
from models.entity import DERIVED, FAN_OUT_CONFIDENCE, WITHDRAWN, EntityKey, EntityLink
from models.uids import link_uid
from streams.correlate.crossing import USER, WORKLOAD, is_account_of, is_role_session

ADDRESS: Final = "ip"
HOST: Final = "host"
# Parts that are together for less than this part of the shorter one are of different hours: their margins overlap.
LEAST_TOGETHER: Final = 3
# Types of what may be in a chain, or makes what is in one shared, by the type of what is in the middle.
_OF_INTEREST: Final = {WORKLOAD: frozenset({USER, ADDRESS, HOST}), USER: frozenset({USER, WORKLOAD})}


class Part(NamedTuple):
    """All links of the key to one entity that hold at the same time, whoever observed them.

    Attributes:
        other: The entity.
        valid_from: From when they hold, ms.
        valid_to: Until when, ms, inclusive.
        derived: Uid of a derived one, which stands for itself; empty for those that were observed.
    """

    other: EntityKey
    valid_from: int
    valid_to: int
    derived: str


Chain = tuple[Part, Part]


def follows(
    before: Sequence[EntityLink], after: Sequence[EntityLink], link: EntityLink, key: str
) -> Iterator[EntityLink]:
    """Yield the links that follow from those of one key and did not before, and as shared ones those that no longer do.

    Args:
        before: The links of the key before one more came, or one of them as a shared one.
        after: The same with it.
        link: The one that came.
        key: The entity.
    """
    here = _middle(key)
    if here is None or _other_end(link, here).type not in _OF_INTEREST[here.type]:
        return
    ends = [_other_end(one, here) for one in after]
    if not (any(_is_first(end, here) for end in ends) and any(_is_last(end, here) for end in ends)):
        return  # most machines have no visitors, most roles no machines
    uids = {one.uid for one in after}
    known = [*after, *(one.shared() for one in (*before, link) if one.uid not in uids)]  # too many to be kept
    was, now = _chains(before, here), _chains(known, here)
    for chain in sorted(now.keys() - was.keys()):
        yield _link(chain, key, *now[chain])
    # Also those that this key does not know to have told: before a crash it may have known other links than now.
    for chain in sorted(_broken(known, here) - _broken(before, here)):
        yield _link(chain, key, WITHDRAWN, link.evidence)


def _middle(key: str) -> EntityKey | None:
    """Return the entity of a key if it may be in the middle of a chain."""
    kind, _, value = key.partition(":")
    here = EntityKey(kind, value) if kind in {WORKLOAD, USER} else None
    return here if here and (kind == WORKLOAD or is_role_session(here)) else None


def _other_end(link: EntityLink, here: EntityKey) -> EntityKey:
    left = link.left
    return link.right if left.value == here.value and left.type == here.type else left


def _is_first(entity: EntityKey, here: EntityKey) -> bool:
    """Tell whether chains may begin with an entity."""
    if entity.type != USER:
        return False
    return not (is_account_of(entity, here) if here.type == WORKLOAD else is_role_session(entity))


def _is_last(entity: EntityKey, here: EntityKey) -> bool:
    """Tell whether chains may end with an entity."""
    if here.type == WORKLOAD:
        return entity.type == ADDRESS or (entity.type == HOST and instance_id(here.value) is not None)
    return entity.type == WORKLOAD or is_role_session(entity)


def _chains(links: Iterable[EntityLink], here: EntityKey) -> dict[Chain, tuple[int, str]]:
    """Return the chains through an entity, each with its confidence and the uid of an event that shows it."""
    parts, _ = _parts(links, here)
    return {
        (first, last): (confidence, min(parts[first][1], parts[last][1]))
        for first, last in _pairs(parts, here)
        if (confidence := parts[first][0] * parts[last][0] // 100) >= FAN_OUT_CONFIDENCE
    }


def _broken(links: Iterable[EntityLink], here: EntityKey) -> set[Chain]:
    """Return the chains of which a part is shared, so that nothing follows from them."""
    parts, shared = _parts(links, here)
    if not shared:
        return set()
    return {chain for chain in _pairs([*parts, *shared], here) if not shared.isdisjoint(chain)}


def _pairs(parts: Iterable[Part], here: EntityKey) -> Iterator[Chain]:
    """Yield the pairs of parts that are a chain."""
    known = list(parts)
    lasts = [part for part in known if not part.derived and _is_last(part.other, here)]
    for first in (part for part in known if _is_first(part.other, here)):
        for last in lasts:
            if _are_together(first, last) and not (first.derived and is_role_session(last.other)):
                yield first, last


def _parts(links: Iterable[EntityLink], here: EntityKey) -> tuple[dict[Part, tuple[int, str]], set[Part]]:
    """Return the parts that are not shared, with confidence and the uid of an event that shows it, and the others."""
    known: dict[Part, tuple[int, str]] = {}
    shared: set[Part] = set()
    for link in links:
        part = Part(_other_end(link, here), link.valid_from, link.valid_to, link.uid if link.is_derived else "")
        if link.is_shared:
            shared.add(part)
        confidence, evidence = known.get(part, (0, link.evidence))
        known[part] = max(confidence, link.confidence), min(evidence, link.evidence)
    return {part: said for part, said in known.items() if part not in shared}, shared


def _are_together(one: Part, other: Part) -> bool:
    """Tell whether both hold at the same time, for long enough to be of the same hour or of neighbouring ones."""
    together = min(one.valid_to, other.valid_to) - max(one.valid_from, other.valid_from) + 1
    shorter = min(part.valid_to - part.valid_from + 1 for part in (one, other))
    return together > 0 and together * LEAST_TOGETHER > shorter


def _link(chain: Chain, key: str, confidence: int, evidence: str) -> EntityLink:
    left, right = sorted(part.other for part in chain)
    times = "/".join(f"{part.valid_from}-{part.valid_to}{part.derived and '/'}{part.derived}" for part in chain)
    valid_from, valid_to = max(part.valid_from for part in chain), min(part.valid_to for part in chain)
    uid = link_uid(str(left), str(right), valid_from, f"{DERIVED}/{key}/{times}")
    return EntityLink(uid, left, right, valid_from, valid_to, confidence, DERIVED, evidence)

"""Entity links that one event shows: this host has this address, this user is at this address, this session is hers.

Stateless and idempotent: a link's validity is the hour of the observation and one hour on either side, so the same fact
seen a thousand times within an hour is one link with one uid, in whatever order and in however many batches it came. A
lease holds from when it was given for as long as it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from enrichers.links.authentication import signed_in
from enrichers.links.endpoints import connected, stated
from enrichers.links.instances import controlled, flowed
from enrichers.links.kubernetes import audited, contained
from enrichers.links.leases import leased, passed_through, resolved, tunnelled
from enrichers.links.observation import Observer, Pair
from enrichers.links.persons import BY_TABLE, NOBODY, Persons
from enrichers.links.roles import assumed
from enrichers.links.sessions import acted, called, ran
from models import ocsf_classes as classes
from models.entity import EntityKey, EntityLink
from models.event import Event
from models.uids import link_uid

__all__ = ["GIVEN_JUST_NOW_MS", "HOUR_MS", "OBSERVERS", "Persons", "links_of", "observed"]

HOUR_MS: Final = 3_600_000  # whoever is somewhere at five to is there at five past: an hour on either side covers it
GIVEN_JUST_NOW_MS: Final = 60_000  # a lease holds from here before it was logged
NETWORK: Final = (*range(4001, 4003), *range(4005, 4014))
CALLS: Final = (
    *(classes.ACCOUNT_CHANGE, classes.ENTITY_MANAGEMENT, classes.USER_ACCESS, classes.GROUP_MANAGEMENT),
    *(classes.DATASTORE_ACTIVITY, classes.FILE_HOSTING_ACTIVITY),
)
ON_HOSTS: Final = (
    *(classes.FILE_ACTIVITY, classes.KERNEL_EXTENSION, classes.KERNEL_ACTIVITY, classes.MODULE_ACTIVITY),
    *(classes.SCHEDULED_JOB, classes.SCRIPT_ACTIVITY, classes.REGISTRY_KEY, classes.REGISTRY_VALUE),
    *(classes.WINDOWS_RESOURCE, classes.WINDOWS_SERVICE, classes.AUTHORIZE_SESSION),
)

OBSERVERS: Final[Mapping[int, tuple[Observer, ...]]] = {
    **dict.fromkeys(NETWORK, (connected, flowed, passed_through)),
    **dict.fromkeys(CALLS, (called, audited)),
    **dict.fromkeys(ON_HOSTS, (acted,)),
    classes.DNS_ACTIVITY: (connected, flowed, resolved, passed_through),
    classes.DHCP_ACTIVITY: (leased,),
    classes.TUNNEL_ACTIVITY: (tunnelled,),
    classes.AUTHENTICATION: (signed_in, assumed, audited),
    classes.PROCESS_ACTIVITY: (ran, contained, audited),
    classes.APPLICATION_LIFECYCLE: (contained,),
    classes.API_ACTIVITY: (called, controlled, audited),
    classes.DETECTION_FINDING: (contained,),
}
_NONE: Final[tuple[Observer, ...]] = ()


def links_of(event: Event, persons: Persons = NOBODY) -> tuple[EntityLink, ...]:
    """Return the links one event shows, sorted by uid; none for most events.

    Args:
        event: A normalized event.
        persons: Whose names are known: what is linked to one of them is linked to the first of them as well, so that
            all that a person has is one link away from one name.
    """
    found = _pairs(event)
    if not found:
        return ()
    links: dict[str, EntityLink] = {}
    pairs = (pair for _, pair in found)
    if persons is not NOBODY:
        pairs = (one for _, pair in found for one in _known(pair, persons))
    for link in (_link(event, one) for one in pairs):
        known = links.get(link.uid)
        if known is None or known.confidence < link.confidence:
            links[link.uid] = link
    return tuple(links[uid] for uid in sorted(links))


def observed(event: Event, persons: Persons = NOBODY) -> Iterator[tuple[str, EntityLink]]:
    """Yield the same links, each with the name of the module whose observer says so; the same one maybe twice."""
    for observer, pair in _pairs(event):
        for one in _known(pair, persons):
            yield observer.__module__.rpartition(".")[2], _link(event, one)


def _known(pair: Pair, persons: Persons) -> Iterator[Pair]:
    """Yield a pair, and what follows from it for the person that one of the ends is a name of."""
    yield pair
    for end, other in ((pair.left, pair.right), (pair.right, pair.left)):
        first = persons.first_name(end)
        if first is not None and first != other:
            yield pair._replace(left=first, right=other)
            yield Pair(first, end, BY_TABLE)


def _pairs(event: Event) -> list[tuple[Observer, Pair]]:
    ocsf = event.ocsf
    found = [(observer, one) for observer in OBSERVERS.get(event.class_uid, _NONE) for one in observer(ocsf)]
    device = ocsf.get("device")
    if isinstance(device, dict) and ("ip" in device or "instance_uid" in device):
        found += [(stated, one) for one in stated(ocsf)]
    return found


def _link(event: Event, pair: Pair) -> EntityLink:
    left, right = pair.left, pair.right
    names = str(left), str(right)
    if names[0] > names[1]:  # as the keys themselves are sorted, and quicker
        left, right, names = right, left, (names[1], names[0])
    if pair.lease_ms is not None:
        return _lease(event, left, right, pair)
    hour = event.time - event.time % HOUR_MS
    valid_from = hour - HOUR_MS
    uid = _uid(*names, valid_from, event.source)
    return EntityLink(uid, left, right, valid_from, hour + 2 * HOUR_MS - 1, pair.confidence, event.source, event.uid)


def _lease(event: Event, left: EntityKey, right: EntityKey, pair: Pair) -> EntityLink:
    """Make the link of a lease. Its length is part of its name: one that is given anew may be longer."""
    valid_from, valid_to = event.time - GIVEN_JUST_NOW_MS, event.time + (pair.lease_ms or 0)
    uid = _uid(str(left), str(right), valid_from, f"{event.source}/{pair.lease_ms}")
    return EntityLink(uid, left, right, valid_from, valid_to, pair.confidence, event.source, event.uid)


@lru_cache(maxsize=65_536)
def _uid(left: str, right: str, valid_from: int, source: str) -> str:
    return link_uid(left, right, valid_from, source)

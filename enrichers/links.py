"""Entity links that one event shows: this host has this address, this user is at this address, this session is hers.

Stateless and idempotent: a link's validity is the hour of the observation and one hour on either side, so the same fact
seen a thousand times within an hour is one link with one uid, in whatever order and in however many batches it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from enrichers.entities import child, host_of
from enrichers.names import address, host_name, key, session_id, user_name
from models.entity import EntityKey, EntityLink
from models.event import Event
from models.ocsf_classes import AUTHENTICATION, DHCP_ACTIVITY
from models.uids import link_uid

HOUR_MS: Final = 3_600_000  # whoever is somewhere at five to is there at five past: an hour on either side covers it
BY_HOST: Final = 90  # the host itself says which address it used
BY_ISSUER: Final = 90  # who opened the session says whose it is
BY_LEASE: Final = 85  # the server knows whom it gave the address, not whether the name the client sent is true
BY_LOGON: Final = 80  # the address may be that of a gateway or a proxy
NETWORK: Final = range(4001, 5000)
ACK: Final = 5  # the server has granted the address; before that a client only asks
OUTBOUND: Final = 2
SUCCESS: Final = 1

_Pair = tuple[EntityKey, EntityKey, int]  # two ends and the confidence


def links_of(event: Event) -> tuple[EntityLink, ...]:
    """Return the links one event shows, sorted by uid; none for most events."""
    ocsf = event.ocsf
    device = ocsf.get("device")
    observe = _OBSERVERS.get(event.class_uid)
    if observe is None and not (isinstance(device, dict) and "ip" in device):
        return ()
    pairs = [*_own_address(ocsf), *(observe(ocsf) if observe else ())]
    links = {link.uid: link for link in (_link(event, *pair) for pair in pairs)}
    return tuple(links[uid] for uid in sorted(links))


def _link(event: Event, left: EntityKey, right: EntityKey, confidence: int) -> EntityLink:
    left, right = sorted((left, right))
    hour = event.time - event.time % HOUR_MS
    valid_from = hour - HOUR_MS
    uid = _uid(str(left), str(right), valid_from, event.source)
    return EntityLink(uid, left, right, valid_from, hour + 2 * HOUR_MS - 1, confidence, event.source, event.uid)


@lru_cache(maxsize=65_536)
def _uid(left: str, right: str, valid_from: int, source: str) -> str:
    return link_uid(left, right, valid_from, source)


def _own_address(event: Mapping[str, Any]) -> Iterator[_Pair]:
    yield from _host_at(host_of(event), child(event, "device").get("ip"), BY_HOST)


def _host_at(host: str | None, value: Any, confidence: int) -> Iterator[_Pair]:
    ip = address(value)
    if host and ip:
        yield key("host", host), key("ip", ip), confidence


def _connection(event: Mapping[str, Any]) -> Iterator[_Pair]:
    """Observe the address from which a host opened a connection; only the host itself knows the process that did."""
    outbound = child(event, "connection_info").get("direction_id") == OUTBOUND
    if outbound and child(child(event, "actor"), "process"):
        yield from _host_at(host_of(event), child(event, "src_endpoint").get("ip"), BY_HOST)


def _lease(event: Mapping[str, Any]) -> Iterator[_Pair]:
    if event.get("activity_id") != ACK:
        return
    client = child(event, "src_endpoint")
    yield from _host_at(host_name(client.get("hostname")), client.get("ip"), BY_LEASE)


def _authentication(event: Mapping[str, Any]) -> Iterator[_Pair]:
    if event.get("status_id") != SUCCESS:
        return
    host = host_of(event)
    user = user_name(child(event, "user"), host)
    session = session_id(child(event, "session").get("uid"), host)
    ip = address(child(event, "src_endpoint").get("ip"))
    if user and ip:
        yield key("user", user), key("ip", ip), BY_LOGON
    if session:
        for name in {user, user_name(child(child(event, "actor"), "user"), host)} - {None}:
            yield key("session", session), key("user", str(name)), BY_ISSUER


_OBSERVERS: Final[Mapping[int, Callable[[Mapping[str, Any]], Iterator[_Pair]]]] = {
    **dict.fromkeys(NETWORK, _connection),
    DHCP_ACTIVITY: _lease,
    AUTHENTICATION: _authentication,
}

"""Who was given an address: by DHCP, by a VPN gateway, by a name server, and who is behind a proxy or a NAT.

A lease holds until it ends, and only from when it was given: whoever had the address before is not who has it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from enrichers.entities import INTERNAL_DOMAINS, child, host_of
from enrichers.links.observation import (
    BY_CALL,
    BY_GATEWAY,
    BY_LEASE,
    BY_LOGON,
    BY_NAME,
    MAX_LEASE_MS,
    Pair,
    host_at,
    listed,
    pair,
)
from enrichers.names import address, dns_domain, host_name, is_private, user_name

ACK: Final = 5  # the server has granted the address; before that a client only asks
RESPONSE: Final = 2
ADDRESS_RECORDS: Final = frozenset({"A", "AAAA"})


def leased(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe an address that DHCP gave to a host, for as long as the lease says."""
    if event.get("activity_id") != ACK:
        return
    client, seconds = child(event, "src_endpoint"), event.get("lease_dur")
    is_stated = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0
    lease_ms = min(int(seconds) * 1000, MAX_LEASE_MS) if is_stated and seconds else None
    for found in host_at(host_name(client.get("hostname")), client.get("ip"), BY_LEASE):
        yield found._replace(lease_ms=lease_ms)


def tunnelled(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe the inner address that a VPN gateway gave to who came from an outer one."""
    host = host_of(event)
    name = user_name(child(event, "user"), host) or user_name(child(child(event, "actor"), "user"), host)
    outer = address(child(event, "src_endpoint").get("ip"))
    inner = address(child(event, "tunnel_interface").get("ip"))
    yield from pair("user", name, "ip", outer, BY_LOGON)
    yield from pair("user", name, "ip", inner, BY_LEASE)
    yield from pair("ip", inner, "ip", outer, BY_LOGON)


def resolved(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe the addresses of hosts of one's own in the answers of name servers.

    A name in a domain of somebody else may point anywhere, at addresses of one's own too.
    """
    yield from _asked(event)
    name = child(event, "query").get("hostname")
    if event.get("activity_id") != RESPONSE or not _is_own(name, dns_domain(child(event, "device").get("hostname"))):
        return
    for answer in listed(event.get("answers")):
        found = address(answer.get("rdata")) if isinstance(answer, dict) else None
        if found and answer.get("type") in ADDRESS_RECORDS and is_private(found):
            yield from host_at(host_name(name), found, BY_NAME)


def _asked(event: Mapping[str, Any]) -> Iterator[Pair]:
    """Observe which host asked, where the resolver's client on it told its name."""
    source = child(event, "src_endpoint")
    found = address(source.get("ip"))
    if found and is_private(found):
        yield from host_at(host_name(source.get("hostname")), found, BY_NAME)


def _is_own(name: Any, domain: str) -> bool:
    suffix = dns_domain(name)
    return bool(suffix) and (suffix == domain or suffix in INTERNAL_DOMAINS or suffix.endswith(_UNDER_INTERNAL))


_UNDER_INTERNAL: Final = tuple(f".{domain}" for domain in INTERNAL_DOMAINS)


def passed_through(event: Mapping[str, Any]) -> Iterable[Pair]:
    """Observe who is behind a gateway: the user it knows at an address, and the address it shows to the world."""
    source, actor = child(event, "src_endpoint"), child(event, "actor")
    if "intermediate_ips" in source or ("user" in actor and "process" not in actor):
        return _behind(event, source, actor)
    return ()


def _behind(event: Mapping[str, Any], source: Mapping[str, Any], actor: Mapping[str, Any]) -> Iterator[Pair]:
    inner = address(source.get("ip"))
    if inner is None:
        return
    if "user" in actor and "process" not in actor:
        yield from pair("user", user_name(child(actor, "user"), host_of(event)), "ip", inner, BY_CALL)
    for hop in listed(source.get("intermediate_ips")):
        yield from pair("ip", inner, "ip", address(hop), BY_GATEWAY)

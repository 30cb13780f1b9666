"""What is nobody's business outside: addresses that the internet does not route, and names that it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_INET, inet_pton
from typing import Final

from enrichers.entities import INTERNAL_DOMAINS

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_NAME: Final = 253
# RFC 6890 and its registries, RFC 6598, RFC 4193, RFC 3927, RFC 5737, RFC 3849, RFC 9637, RFC 6666, RFC 5180 ...
_BLOCKS: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "100::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
_IPV6_BLOCKS: Final = tuple(block for block in _BLOCKS if isinstance(block, IPv6Network))
# Blocks by the first octet of an IPv4 address: most addresses have none.
_BY_OCTET: Final = [
    tuple(block for block in _BLOCKS if isinstance(block, IPv4Network) and block.overlaps(octet))
    for octet in IPv4Network("0.0.0.0/0").subnets(8)
]
DOCUMENTATION: Final[tuple[Network, ...]] = tuple(
    map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
)
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE: Final = IPv6Network("::/96")
# RFC 2606, 6761, 6762, 7686, 8375, 9476, and `arpa`: a reverse name spells the address that was asked for.
RESERVED_DOMAINS: Final = frozenset(
    (
        *INTERNAL_DOMAINS,
        "test",
        "example",
        "invalid",
        "localhost",
        "onion",
        "alt",
        "arpa",
        "domain",
        "workgroup",
        "mail",
    )
)
_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", re.ASCII)


def read_network(text: str) -> Network:
    """Return the network or single address that a file names; raise ValueError when it is none."""
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address and no network") from error


@lru_cache(maxsize=65_536)
def reserved_block(text: str) -> Network | None:
    """Return the block of addresses of one's own that an address is in, None when the internet routes it.

    Args:
        text: An address as `ipaddress` reads it; raises ValueError for anything else.
    """
    found = ip_address(text.partition("%")[0])
    return next((block for inner in carried(found) if (block := _block_of(inner))), None)


def ipv4_number(text: str) -> int | None:
    """Return the number of an IPv4 address in canonical form, None for all else; ten times quicker than `ipaddress`."""
    try:
        return int.from_bytes(inet_pton(AF_INET, text))
    except (OSError, ValueError):
        return None


def is_routed_ipv4(text: str) -> bool:
    """Tell whether a text is an IPv4 address, in canonical form and in no block of one's own; most are."""
    number = ipv4_number(text)
    return number is not None and not _BY_OCTET[number >> 24]


def _block_of(found: Address) -> Network | None:
    near = _BY_OCTET[int(found) >> 24] if isinstance(found, IPv4Address) else _IPV6_BLOCKS
    return next((block for block in near if found in block), None)


def carried(found: Address) -> tuple[Address, ...]:
    """Return an address, and the IPv4 addresses it carries: mapped, 6to4, Teredo, NAT64, compatible."""
    if isinstance(found, IPv4Address):
        return (found,)
    teredo = found.teredo or ()
    inner = [part for part in (found.ipv4_mapped, found.sixtofour, *teredo) if part]
    if found in _COMPATIBLE or any(found in net for net in _NAT64):
        inner.append(IPv4Address(int(found) & 0xFFFF_FFFF))
    return (found, *inner) if int(found) > 1 else (found,)


def is_public_address(text: str) -> bool:
    """Tell whether the internet routes an address; False for whatever is no address, or one of documentation."""
    try:
        found = ip_address(text)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.scope_id:
        return False
    inside = carried(found)
    documented = any(inner.version == net.version and inner in net for inner in inside for net in DOCUMENTATION)
    known = all(inner.is_global and not inner.is_multicast for inner in inside)
    return known and not documented and reserved_block(text) is None


def is_public_name(text: str, internal: Iterable[str] = ()) -> bool:
    """Tell whether a name may be one that the internet knows.

    Args:
        text: A domain or host name, of any form.
        internal: Suffixes of one's own, compared by labels, whatever their letters and dots at the ends.
    """
    name = text.lower().removesuffix(".")
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        return False
    labels = name.split(".")
    return labels[-1] not in RESERVED_DOMAINS and not any(is_under(name, suffix) for suffix in internal)


def is_under(name: str, suffix: str) -> bool:
    """Tell whether a lower-cased name is a domain or below it."""
    parent = suffix.lower().strip(".")
    return bool(parent) and (name == parent or name.endswith(f".{parent}"))

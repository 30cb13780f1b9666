"""What is one's own: domains, networks and Windows domains, beside what is never anybody else's."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from enrichers.entities import INTERNAL_DOMAINS
from enrichers.reserved import Network, is_under, reserved_block

MAX_ADDRESS: Final = 64
# Addresses that say nothing of whose network it is: no host, this host, all hosts, the metadata services of clouds.
_NOBODY: Final = frozenset({"255.255.255.255", "169.254.169.254", "169.254.170.2", "fd00:ec2::254"})


@dataclass(frozen=True, slots=True)
class Own:
    """What is one's own beyond what is never anybody else's (RFC 1918 and the like, `.local`, `.internal` ...).

    Attributes:
        domains: DNS domains, lower-cased; whatever is below them is one's own too.
        networks: Public networks of one's own.
        windows_domains: Short (NetBIOS) names of Windows domains, lower-cased.
    """

    domains: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    windows_domains: tuple[str, ...] = ()

    def has_name(self, name: str) -> bool:
        """Tell whether a DNS name is one's own: below a domain of one's own, or below one that the internet has not."""
        folded = name.lower().rstrip(".")
        return any(is_under(folded, domain) for domain in (*self.domains, *INTERNAL_DOMAINS))

    def has_windows_domain(self, name: str) -> bool:
        """Tell whether a name is that of a Windows domain of one's own: as told, or the first label of a domain."""
        folded = name.lower()
        return folded in self.windows_domains or folded in {domain.partition(".")[0] for domain in self.domains}

    def has_address(self, canonical: str) -> bool:
        """Tell whether an address, in canonical form, is one's own."""
        found = ipaddress.ip_address(canonical)
        if reserved_block(canonical):
            return True
        return any(found.version == network.version and found in network for network in self.networks)


NOTHING_MORE: Final = Own()


@lru_cache(maxsize=65_536)
def canonical_address(text: str) -> str | None:
    """Return an address in canonical form, None for what is none and for one that names no single host."""
    if len(text) > MAX_ADDRESS:
        return None
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    nobody = found.is_unspecified or found.is_loopback or found.is_multicast or str(found) in _NOBODY
    return None if nobody else str(found)

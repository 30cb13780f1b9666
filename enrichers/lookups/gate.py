"""The one gate to the outside: what may be asked of others, and what is nobody's business."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, NamedTuple

from enrichers.intel import indicator
from enrichers.intel.values import canonical, domain_name
from enrichers.lookups.reputation import ADDRESS, DOMAIN, HASH, KINDS, NoReputation
from enrichers.names import MAX_ADDRESS
from enrichers.reserved import Network, carried, is_public_address, is_public_name

_PRIVATE_ADDRESS: Final = "an address of one's own, or of nobody: never sent out"
_PRIVATE_NAME: Final = "an internal or reserved name: never sent out"
_NO_NAMES: Final = "a name, and no domain is said to be one's own: never sent out"


class Question(NamedTuple):
    """What may be asked. Only `Gate.admit` makes one, and only of one a request is made.

    Attributes:
        kind: ADDRESS, DOMAIN or HASH.
        value: In canonical form.
    """

    kind: str
    value: str


class Gate:
    """Let through what the internet knows anyway."""

    __slots__ = ("_internal", "_networks")

    def __init__(self, internal: Iterable[str], networks: Iterable[Network] = ()) -> None:
        """Prepare.

        Args:
            internal: Domains of one's own, which no name below is sent of. Without any, no name is sent: the internet
                knows the domain that one's machines are named under, and nothing tells it from another.
            networks: Networks of one's own that the internet routes, which no address is sent of.
        """
        self._internal = tuple(internal)
        self._networks = tuple(networks)

    def admit(self, kind: str, value: str) -> Question | NoReputation:
        """Return the question, or why it must not be asked."""
        if kind not in KINDS:
            return NoReputation("", f"nobody is asked about a {kind}: there are {', '.join(KINDS)}", was_refused=True)
        try:
            return _READ[kind](self, value)
        except ValueError as error:
            return NoReputation("", f"no {kind}: {error}", was_refused=True)

    def address(self, value: str) -> Question | NoReputation:
        """Admit an address; raise ValueError for what is none."""
        found = ip_address(value.strip()[: MAX_ADDRESS + 1])
        text = str(getattr(found, "ipv4_mapped", None) or found)
        mine = any(inner in net for inner in carried(ip_address(text)) for net in self._networks)
        return Question(ADDRESS, text) if is_public_address(text) and not mine else _refused(_PRIVATE_ADDRESS)

    def domain(self, value: str) -> Question | NoReputation:
        """Admit a name; raise ValueError for what is none."""
        name = domain_name(value)
        if not self._internal:
            return _refused(_NO_NAMES)
        return Question(DOMAIN, name) if is_public_name(name, self._internal) else _refused(_PRIVATE_NAME)

    def hash(self, value: str) -> Question | NoReputation:
        """Admit a hash; raise ValueError for what is none."""
        return Question(HASH, canonical(indicator.HASH, value)[1])


def _refused(reason: str) -> NoReputation:
    return NoReputation("", reason, was_refused=True)


_READ: Final = {ADDRESS: Gate.address, DOMAIN: Gate.domain, HASH: Gate.hash}

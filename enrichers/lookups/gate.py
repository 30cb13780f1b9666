"""The one gate to the outside: what may be asked of others, and what is nobody's business."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, NamedTuple

from enrichers.intel import indicator
from enrichers.intel.values import canonical, domain_name
from enrichers.lookups.reputation import ADDRESS, DOMAIN, HASH, KINDS, NoReputation
from enrichers.names import MAX_ADDRESS
from enrichers.reserved import is_public_address, is_public_name

_PRIVATE_ADDRESS: Final = "an address of one's own, or of nobody: never sent out"
_PRIVATE_NAME: Final = "an internal or reserved name: never sent out"


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

    __slots__ = ("_internal",)

    def __init__(self, internal: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            internal: Domains of one's own, which no name below is sent of.
        """
        self._internal = tuple(internal)

    def admit(self, kind: str, value: str) -> Question | NoReputation:
        """Return the question, or why it must not be asked."""
        if kind not in KINDS:
            return NoReputation("", f"nobody is asked about a {kind}: there are {', '.join(KINDS)}", was_refused=True)
        try:
            return _ADMIT[kind](value, self._internal)
        except ValueError as error:
            return NoReputation("", f"no {kind}: {error}", was_refused=True)


def _address(value: str, _: tuple[str, ...]) -> Question | NoReputation:
    found = ip_address(value.strip()[: MAX_ADDRESS + 1])
    text = str(getattr(found, "ipv4_mapped", None) or found)
    return Question(ADDRESS, text) if is_public_address(text) else _refused(_PRIVATE_ADDRESS)


def _domain(value: str, internal: tuple[str, ...]) -> Question | NoReputation:
    name = domain_name(value)
    return Question(DOMAIN, name) if is_public_name(name, internal) else _refused(_PRIVATE_NAME)


def _hash(value: str, _: tuple[str, ...]) -> Question | NoReputation:
    return Question(HASH, canonical(indicator.HASH, value)[1])


def _refused(reason: str) -> NoReputation:
    return NoReputation("", reason, was_refused=True)


_ADMIT: Final = {ADDRESS: _address, DOMAIN: _domain, HASH: _hash}

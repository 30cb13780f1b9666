"""What an observer of links says, and how sure it can be: two ends, a confidence, and how long it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from enrichers.names import address, key
from models.entity import EntityKey

BY_PLATFORM: Final = 95  # who runs the machine, the pod or the account says what it gave it
BY_HOST: Final = 90  # the host itself says which address it used
BY_ISSUER: Final = 90  # who opened the session says whose it is
BY_DIRECTORY: Final = 90  # who keeps the accounts says which names are one
BY_LEASE: Final = 85  # the server knows whom it gave the address, not whether the name the client sent is true
BY_SWITCH: Final = 85  # one principal acts as another, as long as it does
BY_LOGON: Final = 80  # the address may be that of a gateway or a proxy
BY_CALL: Final = 75  # the same, and nobody signed in just then
BY_CREDENTIALS: Final = 70  # whoever knows the password of another account need not be its only user
BY_NAME: Final = 70  # a name resolves to what its zone says
BY_LAUNCH: Final = 60  # who started a machine need not be who works on it
BY_GATEWAY: Final = 60  # many are behind one address
MAX_LISTED: Final = 16  # of any list in an event
MAX_LEASE_MS: Final = 86_400_000  # longer ones are renewed long before they end
COVERED_MS: Final = 3_600_000  # so long after it an observation holds at least, whatever lease it tells of


class Pair(NamedTuple):
    """Two entities that an event shows to be one actor.

    Attributes:
        left: One.
        right: The other.
        confidence: 0 to 100.
        lease_ms: How long the address was given away for; None where the event shows no more than its own hour.
    """

    left: EntityKey
    right: EntityKey
    confidence: int
    lease_ms: int | None = None


Observer = Callable[[Mapping[str, Any]], Iterable[Pair]]


def pair(kind: str, name: str | None, other_kind: str, other: str | None, confidence: int) -> Iterator[Pair]:
    """Yield one pair; nothing when either end has no name, or both are the same."""
    if name and other and (kind != other_kind or name != other):
        yield Pair(_key(kind, name), _key(other_kind, other), confidence)


_key = lru_cache(maxsize=65_536)(key)  # the same few entities stand in thousands of events


def host_at(host: str | None, value: Any, confidence: int) -> Iterator[Pair]:
    """Yield that a host has an address, as it stands in an event."""
    return pair("host", host, "ip", address(value), confidence)


def lasting(event: Mapping[str, Any], found: Iterable[Pair]) -> Iterator[Pair]:
    """Yield pairs, and where an event says how long the credentials hold that it gave out, that they hold as long."""
    session, time = event.get("session"), event.get("time")
    expires = session.get("expiration_time") if isinstance(session, dict) else None
    lease_ms = min(expires - time, MAX_LEASE_MS) if isinstance(expires, int) and isinstance(time, int) else 0
    for one in found:
        yield one
        if lease_ms > COVERED_MS:
            yield one._replace(lease_ms=lease_ms)


def listed(value: Any) -> list[Any]:
    """Return the first items of what may be a list."""
    return value[:MAX_LISTED] if isinstance(value, list) else []

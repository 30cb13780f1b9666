"""An indicator, and what a feed says that is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

IP: Final = "ip"
NETWORK: Final = "network"
DOMAIN: Final = "domain"
URL: Final = "url"
HASH: Final = "hash"
EMAIL: Final = "email"
JA3: Final = "ja3"
KINDS: Final = (IP, NETWORK, DOMAIN, URL, HASH, EMAIL, JA3)
ALWAYS: Final = 0  # valid_from of what was always bad
NEVER: Final = (1 << 63) - 1  # valid_until of what does not expire
DEFAULT_CONFIDENCE: Final = 50
MAX_LABELS: Final = 16
MAX_TEXT: Final = 256


@dataclass(frozen=True, slots=True)
class Indicator:
    """One observable that a source calls bad.

    Attributes:
        kind: One of KINDS.
        value: The observable in canonical form (`enrichers.intel.values`).
        source: Name of the list it stands in.
        valid_from: First ms (event time) at which it holds.
        valid_until: First ms at which it no longer holds.
        confidence: 0 to 100.
        id: The source's own id for it, or empty.
        name: What the source calls it, or empty.
        labels: Its labels, sorted.
        modified: When the source last said something of it, ms; the latest word wins.
    """

    kind: str
    value: str
    source: str
    valid_from: int = ALWAYS
    valid_until: int = NEVER
    confidence: int = DEFAULT_CONFIDENCE
    id: str = ""
    name: str = ""
    labels: tuple[str, ...] = ()
    modified: int = 0


@dataclass(frozen=True, slots=True)
class Revoked:
    """A source takes back everything it said under one id.

    Attributes:
        source: Name of the list.
        id: The id.
        modified: When it did, ms.
    """

    source: str
    id: str
    modified: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something a source says that the table cannot hold. Part of the answer, never dropped silently.

    Attributes:
        source: Name of the list.
        where: `file:line`, the URL or the file it stands in.
        id: The source's own id for it, or empty.
        reason: Why, for a person.
        ends: Whether the rest of the source could not be read either.
    """

    source: str
    where: str
    id: str
    reason: str
    ends: bool = False

    def __str__(self) -> str:
        """Render as `where: id: reason`."""
        return f"{self.where}: {self.id}: {self.reason}" if self.id else f"{self.where}: {self.reason}"


Said = Indicator | Revoked | Rejected


def short(text: str) -> str:
    """Cut a text of a feed to what a name or label may have, without characters that no UTF-8 has."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def list_of(value: Any) -> list[Any]:
    """Return a list of what hostile JSON holds where one belongs, an empty one for anything else."""
    return value if isinstance(value, list) else []


def labels_of(values: object) -> tuple[str, ...]:
    """Return the labels in a list of a feed, sorted, MAX_LABELS at most."""
    texts = {short(item) for item in values if isinstance(item, str) and item} if isinstance(values, list) else set()
    return tuple(sorted(texts)[:MAX_LABELS])


def percent(value: object, default: int = DEFAULT_CONFIDENCE) -> int:
    """Return a confidence between 0 and 100, the default for what is no whole number."""
    return min(100, max(0, value)) if type(value) is int else default

"""Entities, and the links between them that hold for a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from models.errors import InvalidRecord

ENTITY_TYPES: Final = ("user", "host", "ip", "workload", "session", "account")
MAX_ENTITY_VALUE: Final = 256
PLACES: Final = ("ip", "host", "workload")  # where many users are
FAN_OUT_CONFIDENCE: Final = 25  # below it a link is one among the many of a shared thing
SHARED_CONFIDENCE: Final = 10
DERIVED: Final = "derived"  # the source of links that follow from others
WITHDRAWN: Final = 0  # the confidence of one that follows no longer


@dataclass(frozen=True, slots=True, order=True)
class EntityKey:
    """Name one entity: `user:alice@example.com`, `host:web01`, `ip:192.0.2.7`.

    Values are compared as they stand: whoever makes a key lower-cases and shortens it first
    (`enrichers.entities`).
    """

    type: str
    value: str

    def __str__(self) -> str:
        """Render as `type:value`, the form on the wire and in Kafka keys."""
        return f"{self.type}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the `type:value` form; raise InvalidRecord when the type is unknown or the value empty."""
        kind, _, value = text.partition(":")
        if kind not in ENTITY_TYPES or not value or len(value) > MAX_ENTITY_VALUE:
            raise InvalidRecord(f"not an entity key: {text[:80]!r}")
        return cls(kind, value)


@dataclass(frozen=True, slots=True)
class EntityLink:
    """Say that two entities were the same actor for a while: this host held this address from t1 to t2.

    Attributes:
        uid: Content hash of the ends, the start and the observer.
        left: One end. A link is symmetric; it is stored once under each end.
        right: The other end.
        valid_from: First millisecond (event time, inclusive) at which it holds.
        valid_to: Last millisecond at which it holds, inclusive.
        confidence: 0 to 100.
        source: The source that observed it.
        evidence: Uid of an event that shows it.
    """

    uid: str
    left: EntityKey
    right: EntityKey
    valid_from: int
    valid_to: int
    confidence: int
    source: str
    evidence: str

    def holds_at(self, time: int) -> bool:
        """Tell whether the link is valid at `time` (ms)."""
        return self.valid_from <= time <= self.valid_to

    @property
    def is_shared(self) -> bool:
        """Tell whether it is one of so many of an end that no signal travels over it."""
        return self.confidence < FAN_OUT_CONFIDENCE

    @property
    def is_derived(self) -> bool:
        """Tell whether it follows from two others, and was not seen by itself."""
        return self.source == DERIVED

    def shared(self) -> Self:
        """Return it as a link of a shared thing."""
        return replace(self, confidence=min(self.confidence, SHARED_CONFIDENCE))

    def other_end(self, end: str) -> EntityKey:
        """Return the other end than the one that is rendered as `end`."""
        kind, _, value = end.partition(":")
        return self.right if self.left.value == value and self.left.type == kind else self.left

"""What a service knows of an observable, and how it is said that it cannot be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ADDRESS: Final = "address"
DOMAIN: Final = "domain"
HASH: Final = "hash"
KINDS: Final = (ADDRESS, DOMAIN, HASH)
MAX_TAGS: Final = 16
MAX_TAG: Final = 64


@dataclass(frozen=True, slots=True)
class Reputation:
    """What one service knows of one observable.

    Attributes:
        provider: The service.
        score: 0 for nothing bad, to 100 for surely bad.
        malicious: Whether the service calls it so; None when it does not know the observable.
        reports: How many reports or engines stand behind that.
        tags: Its words for it, sorted.
        last_seen: When it was last seen doing something, ms; None when it does not say.
        asked: When the service said so, ms.
    """

    provider: str
    score: int = 0
    malicious: bool | None = None
    reports: int = 0
    tags: tuple[str, ...] = ()
    last_seen: int | None = None
    asked: int = 0


@dataclass(frozen=True, slots=True)
class NoReputation:
    """Why a service's word is missing. Part of the answer, never raised.

    Attributes:
        provider: The service; empty where none was asked.
        reason: For a person.
        was_refused: Whether the observable is nobody's business outside.
    """

    provider: str
    reason: str
    was_refused: bool = False


def tags_of(*groups: Any) -> tuple[str, ...]:
    """Return the texts of what should be lists of them, sorted, MAX_TAGS at most."""
    texts: set[str] = set()
    for group in groups:
        items: Iterable[Any] = group if isinstance(group, list | tuple) else (group,)
        texts.update(_tag(item) for item in items if isinstance(item, str) and item.strip())
    return tuple(sorted(texts)[:MAX_TAGS])


def _tag(text: str) -> str:
    return "".join(char for char in text.strip()[:MAX_TAG] if char.isprintable())


def count_of(told: Mapping[str, Any], name: str) -> int:
    """Return a number that is no less than 0, 0 for what is none."""
    value = told.get(name)
    return max(0, value) if type(value) is int else 0


def object_of(told: Any, *path: str) -> Mapping[str, Any]:
    """Return the object under a path, an empty one when there is none."""
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}

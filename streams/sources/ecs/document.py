"""One ECS document with what every builder wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.sources.ecs import objects
from streams.sources.ecs.fields import Fields, part, words
from streams.sources.edr.shapes import OTHER


@dataclass(frozen=True, slots=True)
class Doc:
    """One document, with what all drafts want of it.

    Attributes:
        fields: The document, nested.
        categories: `event.category`.
        types: `event.type`.
        action: `event.action`, empty when there is none.
        device: Its host.
        process: Its process, None when there is none.
        user: Its user, None when there is none.
    """

    fields: Fields
    categories: tuple[str, ...]
    types: tuple[str, ...]
    action: str
    device: dict[str, Any]
    process: dict[str, Any] | None
    user: dict[str, Any] | None

    @property
    def told(self) -> tuple[str, ...]:
        """Return what was done: the action first, then the types."""
        return (self.action, *self.types)


def doc_of(fields: Fields) -> Doc:
    """Read the categorization of a document, its host, process and user."""
    unix = objects.platform(fields) not in {objects.WINDOWS, ""}
    owner = part(fields, "user")
    return Doc(
        fields,
        words(fields, "event", "category"),
        words(fields, "event", "type"),
        next(iter(words(fields, "event", "action")), ""),
        objects.device(fields),
        objects.process_of(part(fields, "process"), owner, unix=unix),
        objects.user_of(owner, unix=unix),
    )


def meaning(doc: Doc, meanings: tuple[tuple[tuple[str, ...], int], ...]) -> int:
    """Return what the action means, or the first type that means something, 99 for nothing known."""
    return next((found for word in doc.told for known, found in meanings if word in known), OTHER)


def ends_of(doc: Doc) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return source and destination."""
    return objects.end(doc.fields, "source", "client"), objects.end(doc.fields, "destination", "server")

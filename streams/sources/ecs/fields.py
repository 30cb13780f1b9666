"""Reach into an ECS document, nested or flat, whatever its values are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.sources.base import text
from streams.sources.fields import MAX_LISTED

MAX_DOTS: Final = 12
MAX_NAME: Final = 256
NOTHING: Final[Mapping[str, Any]] = {}

Fields = Mapping[str, Any]


def nested(record: dict[str, Any]) -> dict[str, Any]:
    """Return the document with dotted names at its top made objects; itself where there are none.

    Objects and dotted names of the same field set are put together. What stands in the way of a longer name stays under
    its own dotted name.
    """
    if not any("." in name for name in record):
        return record
    whole: dict[str, Any] = {}
    for name, value in record.items():
        if "." not in name:
            whole[name] = dict(value) if isinstance(value, dict) else value
    for name, value in record.items():
        if "." in name and not (len(name) <= MAX_NAME and _put(whole, name.split(".", MAX_DOTS), value)):
            whole[name] = value
    return whole


def _put(whole: dict[str, Any], path: list[str], value: Any) -> bool:
    node = whole
    for step in path[:-1]:
        child = node.setdefault(step, {})
        if not isinstance(child, dict):
            return False
        node = child
    if path[-1] in node:
        return False
    node[path[-1]] = value
    return True


def part(fields: Fields, *names: str) -> Fields:
    """Return the object at the end of a path, an empty one when there is none; of a list its first object."""
    node: Any = fields
    for name in names:
        node = node.get(name)
        if node.__class__ is not dict:
            node = node[0] if isinstance(node, list) and node else None
            if node.__class__ is not dict:
                return NOTHING
    return node  # type: ignore[no-any-return]  # a dict, by the loop


def words(fields: Fields, *names: str) -> tuple[str, ...]:
    """Return the texts at the end of a path, one or many, in lower case."""
    value = part(fields, *names[:-1]).get(names[-1])
    listed = value[:MAX_LISTED] if isinstance(value, list) else (value,)
    return tuple(word.lower() for word in listed if isinstance(word, str) and len(word) <= MAX_NAME)


def first(fields: Fields, *names: str) -> str | None:
    """Return the text at the end of a path, of a list its first."""
    holder = fields if len(names) == 1 else part(fields, *names[:-1])
    value = holder.get(names[-1])
    if value is None:
        return None
    return text(value[0] if isinstance(value, list) and value else value)

"""Typed access to the maps of a tests file: a value of the right type, or a mistake that knows its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml

_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TIME: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
Place = tuple[str | int, ...]  # keys and indices from the top of the file


class Mistake(Exception):
    """Something its author must mend, and where; caught where the file is known."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


class Lines:
    """Find the line of a place in a file that is known to be sound YAML with one map at its top."""

    def __init__(self, data: bytes) -> None:
        nodes = yaml.compose_all(data, Loader=yaml.CSafeLoader)
        self._root: yaml.Node = next(node for node in nodes if isinstance(node, yaml.MappingNode))

    def at(self, place: Place) -> int:
        """Return the 1-based line of a place, or of the nearest one above it."""
        node, line = self._root, 1
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            start, node = found
            line = start.start_mark.line + 1
        return line


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Return where a child begins (a map's at its key) and the child."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def check_keys(item: Any, place: Place, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Raise Mistake unless `item` is a map that has all required keys and none that nobody knows."""
    if not isinstance(item, dict):
        raise Mistake(place, "must be a map")
    known = {*required, *optional}
    for key in item:
        if key not in known:
            raise Mistake((*place, key), f"unknown key {key!r}; known: {', '.join(sorted(known))}")
    missing = sorted(set(required) - item.keys())
    if missing:
        raise Mistake(place, f"lacks {', '.join(missing)}")


def list_of(item: Mapping[str, Any], key: str, place: Place) -> Sequence[Any]:
    """Return the list under a key, an empty one when there is none; raise Mistake for anything else."""
    value = item.get(key, [])
    if not isinstance(value, list):
        raise Mistake((*place, key), f"{key}: must be a list")
    return value


def text(item: Mapping[str, Any], key: str, place: Place, default: str | None = None) -> str:
    """Return the text under a key, the default when there is none; raise Mistake for anything else.

    Without a default the text may not be empty.
    """
    value = item.get(key, default)
    if not isinstance(value, str) or (not value and default is None):
        raise Mistake((*place, key), f"{key}: must be a text")
    return value


def texts(item: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
    """Return the list of texts under a key; raise Mistake at the first of its items that is none."""
    values = list_of(item, key, place)
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise Mistake((*place, key, number), f"{key}: {value!r} is no text; quote it")
    return tuple(values)


def flag(item: Mapping[str, Any], key: str, place: Place) -> bool:
    """Return the truth value under a key; raise Mistake for anything else."""
    value = item[key]
    if not isinstance(value, bool):
        raise Mistake((*place, key), f"{key}: must be true or false")
    return value


def number(item: Mapping[str, Any], key: str, place: Place) -> int:
    """Return the whole number under a key; raise Mistake for anything else, and for what is below 0."""
    value = item[key]
    if type(value) is not int or value < 0:
        raise Mistake((*place, key), f"{key}: must be a whole number, 0 or more")
    return value


def time_ms(item: Mapping[str, Any], key: str, place: Place) -> int:
    """Return the distance in time under a key, ms; raise Mistake when it is not written as `4m`."""
    match = _TIME.fullmatch(str(item[key]))
    if match is None:
        raise Mistake((*place, key), f"{key}: {item[key]!r} is no time; write 0s, 500ms, 4m, 2h or 1d")
    return int(match[1]) * _UNIT_MS[match[2]]

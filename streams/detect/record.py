"""One record as rules look at it: values by field name, in the forms that comparisons want, worked out at most once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import orjson

EVERYWHERE: Final = ""  # the field name of a keyword search: every value of the record
MAX_VALUES: Final = 10_000  # values of one field, or of one record in a keyword search; what follows is not looked at
MAX_NAME_CHARS: Final = 256
SEPARATOR: Final = "\uffff"  # a noncharacter: no keyword reaches across two values by accident
MAX_INT_BITS: Final = 256  # Python refuses to print very long integers; no telemetry has them
EXACT_FLOAT: Final = 2.0**63
_MISSING: Final = object()


class Record:
    """Read one mapping under Sigma's field names.

    A field name is first looked up as it stands; failing that, its dots reach into nested objects, where the rest of
    the name is again tried whole before it is split. Lists on the way are passed through (every element counts), or
    indexed when the name has a number there. Nothing is looked up or folded twice.
    """

    __slots__ = ("_data", "_folded", "_haystack", "_texts", "_values")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._values: dict[str, tuple[Any, ...]] = {}
        self._texts: dict[str, tuple[str, ...]] = {}
        self._folded: dict[str, tuple[str, ...]] = {}
        self._haystack: str | None = None

    def has(self, field: str) -> bool:
        """Tell whether the field is there, whatever its value (null and empty lists included)."""
        return field in self._data or bool(find(self._data, field))

    def values(self, field: str) -> tuple[Any, ...]:
        """Return the values of a field, lists taken apart; empty when the field is not there."""
        values = self._values.get(field)
        if values is None:
            found = (value for _, value in self._walk()) if field == EVERYWHERE else find(self._data, field)
            values = self._values[field] = tuple(islice(_elements(found), MAX_VALUES))
        return values

    def texts(self, field: str) -> tuple[str, ...]:
        """Return the values of a field as text. An object counts as its JSON text and as each value in it."""
        texts = self._texts.get(field)
        if texts is None:
            texts = self._texts[field] = tuple(_texts(self.values(field)))
        return texts

    def folded(self, field: str) -> tuple[str, ...]:
        """Return the texts of a field with case taken out."""
        folded = self._folded.get(field)
        if folded is None:
            folded = self._folded[field] = tuple(text.casefold() for text in self.texts(field))
        return folded

    def haystack(self) -> str:
        """Return every value of the record as one case-folded text, for keyword searches."""
        if self._haystack is None:
            self._haystack = SEPARATOR.join(self.folded(EVERYWHERE))
        return self._haystack

    def pairs(self, field: str) -> Iterator[tuple[str, str]]:
        """Yield name and text of a field's values; for a keyword search, those of the whole record with their paths."""
        if field != EVERYWHERE:
            yield from ((field, text) for text in self.texts(field))
            return
        for path, value in self._walk():
            text = text_of(value)
            if text is not None:
                yield path, text

    def _walk(self) -> Iterator[tuple[str, Any]]:
        return islice(_walk(self._data), MAX_VALUES)


def text_of(value: Any) -> str | None:
    """Return a scalar as the text that rules compare with; None for null, objects and anything JSON does not know."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= MAX_INT_BITS else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT_FLOAT else repr(value)
    return None


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        text = text_of(value)
        if text is not None:
            yield text
        elif isinstance(value, Mapping):
            yield from _object_texts(value)


def _object_texts(value: Mapping[str, Any]) -> Iterator[str]:
    """Rules say `requestParameters|contains: x` of an object as of its text: raw log or flattened strings, either."""
    with suppress(orjson.JSONEncodeError):  # nested too deeply or not JSON: its values still count
        yield orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    for _, leaf in islice(_walk(value), MAX_VALUES):
        text = text_of(leaf)
        if text is not None:
            yield text


def _elements(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        if not isinstance(node, list):
            yield node
            continue
        stack = node[::-1]
        while stack:
            item = stack.pop()
            if isinstance(item, list):
                stack.extend(reversed(item))
            else:
                yield item


def _walk(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield every scalar with its dotted path, in document order, however deep, without recursion."""
    stack: list[tuple[str, Any]] = [("", data)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, Mapping):
            prefix = f"{path}." if path else ""
            items = reversed(list(node.items()))
            stack.extend((f"{prefix}{name}"[:MAX_NAME_CHARS], value) for name, value in items)
        elif isinstance(node, list):
            stack.extend((path, item) for item in reversed(node))
        else:
            yield path, node


def find(data: Mapping[str, Any], field: str) -> list[Any]:
    """Return what stands in a field, before lists are taken apart; see `Record`."""
    value = data.get(field, _MISSING)
    if value is not _MISSING:
        return [value]
    return _descend(data, field.split(".")) if "." in field else []


def _descend(data: Mapping[str, Any], names: list[str]) -> list[Any]:
    found: list[Any] = []
    frontier: list[Any] = [data]
    for index, name in enumerate(names):
        frontier = _step(frontier, name, ".".join(names[index:]), found)
    return found + frontier


def _step(nodes: list[Any], name: str, rest: str, found: list[Any]) -> list[Any]:
    """Go one name down from every node; what stands under the whole rest of the field name goes to `found`."""
    reached: list[Any] = []
    stack = nodes[::-1]
    while stack and len(found) + len(reached) < MAX_VALUES:
        node = stack.pop()
        if isinstance(node, Mapping):
            if rest in node:
                found.append(node[rest])
            elif name in node:
                reached.append(node[name])
        elif isinstance(node, list):
            if name.isdecimal():
                reached.extend(node[int(name) :][:1])
            else:
                stack.extend(reversed(node))
    return reached

"""Take the values of a YAML file apart: each with its line, everything that is wrong told at once, nothing guessed.

A map refuses keys it does not know and keys that stand twice: in a file that says what may be done, the second `mode:`
must not silently win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import yaml

from models.errors import FileErrors

MAX_ITEMS: Final = 10_000
MAX_TEXT: Final = 1000
_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})
T = TypeVar("T")
Word = TypeVar("Word", bound=str)


@dataclass(slots=True)
class Problems:
    """What is wrong with a file: line (from 1), field and message, in the order in which it was found."""

    path: str
    found: dict[tuple[int, str, str], None] = field(default_factory=dict)

    def add(self, line: int, name: str, message: str) -> None:
        """Note one problem, once."""
        self.found[line, name, message] = None

    def lines(self) -> list[str]:
        """Return each problem as `file:line: field: message`, by line."""
        told = sorted(self.found, key=lambda problem: problem[0])
        return [f"{self.path}:{line}: {name}: {message}" for line, name, message in told]

    def raise_any(self) -> None:
        """Raise FileErrors with all problems, when there are any."""
        if self.found:
            raise FileErrors(self.lines())


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the file: where it stands, and readers that note what is wrong and then return the fallback.

    Attributes:
        node: As the parser gives it.
        name: Where it stands, as in `approvers[0].name`.
        problems: Of the whole file.
        bare: Its fields go by their names alone.
    """

    node: yaml.Node
    name: str
    problems: Problems
    bare: bool = False

    @property
    def line(self) -> int:
        """Return its line, from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing stands there: null, or a text, list or map with nothing in it."""
        return not self.node.value or self.node.tag == f"{_TAG}null"

    def wrong(self, message: str) -> None:
        """Note that something is wrong with it."""
        self._note(self.node, self.name, message)

    def about(self, field: str, message: str) -> None:
        """Note that something is wrong with a field of this map, which may be missing."""
        pairs = self._pairs()
        if pairs is not None:
            nodes = {key.value: node for key, node in pairs}
            self._note(nodes.get(field, self.node), self._named(field), message)

    def text(self, most: int = MAX_TEXT, *, lines: bool = False) -> str:
        """Return a text of one line (or of several where `lines`), empty when it is none."""
        text = self._scalar("str", "int", "float", "timestamp")
        if text is None or not text.strip():
            self.wrong("must be a text")
            return ""
        text = text.strip()
        if len(text) > most or not (text.replace("\n", " ") if lines else text).isprintable():
            self.wrong(f"must be of at most {most} visible characters")
            return ""
        return text

    def whole(self, least: int, most: int) -> int:
        """Return a whole number within bounds, `least` when it is none."""
        text = self._scalar("int") or ""
        if text.isascii() and text.isdigit() and len(text) < 16 and least <= int(text) <= most:  # noqa: PLR2004  # fits 2^53
            return int(text)
        self.wrong(f"must be a whole number from {least} to {most}")
        return least

    def flag(self) -> bool:
        """Return true or false, true when it is neither."""
        text = (self._scalar("bool") or "").lower()
        if text in _FALSE:
            return False
        if text not in _TRUE:
            self.wrong("must be true or false")
        return True

    def one_of(self, *words: Word) -> Word:
        """Return one of some words, the first when it is none."""
        text = self._scalar("str", "bool")
        for word in words:
            if word == text:
                return word
        self.wrong(f"must be one of {', '.join(words)}")
        return words[0]

    def items(self, most: int = MAX_ITEMS, bare: str = "") -> Iterator[Value]:
        """Yield the values of a list.

        Args:
            most: Values there may be.
            bare: What each is called, whose fields then go by their names alone; without it, name and number.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong("must be a list")
            return
        if len(self.node.value) > most:
            self.wrong(f"has more than {most} entries")
            return
        for number, node in enumerate(self.node.value):
            yield Value(node, bare or f"{self.name}[{number}]", self.problems, bool(bare))

    def texts(self, most: int = MAX_ITEMS) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(text for item in self.items(most) if (text := item.text()))

    def entries(self, most: int = MAX_ITEMS) -> dict[str, Value]:
        """Return the entries of a map, whose keys may be any text."""
        pairs = self._pairs() or []
        if len(pairs) > most:
            self.wrong(f"has more than {most} entries")
            return {}
        found: dict[str, Value] = {}
        for key, node in pairs:
            entry = Value(node, self._named(key.value), self.problems)
            if found.setdefault(key.value, entry) is not entry:
                self._note(key, entry.name, "stands twice")
        return found

    def fields(self, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, Value]:
        """Return the entries of a map of these fields and no others."""
        found = self.entries()
        for name, entry in found.items():
            if name not in known:
                entry.wrong(f"unknown; known are {', '.join(known)}")
        for name in needed:
            if name not in found:
                self.about(name, "must be given")
        return {name: entry for name, entry in found.items() if name in known}

    def values(self, readers: Mapping[str, Callable[[Any], Any]], needed: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return what readers make of the plain values of a map's fields; those that are no good are left out.

        Args:
            readers: By field; they raise TypeError or ValueError, which is noted.
            needed: Fields that must be given, and not be empty.
        """
        given = self.fields(tuple(readers), needed)
        found: dict[str, Any] = {}
        for name, entry in given.items():
            if name in needed and entry.is_empty:
                entry.wrong("must be given")
                continue
            try:
                found[name] = readers[name](entry.plain())
            except (TypeError, ValueError) as error:
                entry.wrong(str(error))
        return found

    def plain(self) -> Any:
        """Return texts, numbers, truth values, dates, lists and maps of them; raise ValueError when one is too odd."""
        if isinstance(self.node, yaml.MappingNode):
            return {name: entry.plain() for name, entry in self.entries().items()}
        if isinstance(self.node, yaml.SequenceNode):
            return [item.plain() for item in self.items()]
        if self.node.tag == f"{_TAG}str":
            return str(self.node.value)
        if len(self.node.value) > MAX_TEXT:
            raise ValueError("is too long for a number or date")
        try:
            return yaml.constructor.SafeConstructor().construct_object(self.node)
        except (ArithmeticError, ValueError, yaml.YAMLError) as error:
            raise ValueError("is no value that can be read") from error

    def read(self, reader: Callable[[str], T], most: int = MAX_TEXT) -> T | None:
        """Return what a reader makes of the text, None when it raises ValueError, which is noted."""
        text = self.text(most)
        try:
            return reader(text) if text else None
        except ValueError as error:
            self.wrong(str(error))
            return None

    def _pairs(self) -> list[tuple[yaml.ScalarNode, yaml.Node]] | None:
        """Return the keys and values of a map, None when it is none."""
        node = self.node
        if isinstance(node, yaml.MappingNode) and all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            return list(node.value)
        self.wrong("must be a map" if not isinstance(node, yaml.MappingNode) else "must be a map whose keys are names")
        return None

    def _named(self, field: str) -> str:
        return field if self.bare else f"{self.name}.{field}"

    def _note(self, node: yaml.Node, name: str, message: str) -> None:
        self.problems.add(int(node.start_mark.line) + 1, name, message)

    def _scalar(self, *kinds: str) -> str | None:
        fits = isinstance(self.node, yaml.ScalarNode) and self.node.tag.removeprefix(_TAG) in kinds
        return str(self.node.value) if fits else None


def one_of(*words: str) -> Callable[[Any], str]:
    """Return a reader of plain values that takes one of some words; it raises ValueError."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return read

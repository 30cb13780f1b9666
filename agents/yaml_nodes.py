"""Read a YAML file for people: every value with its line, everything that is wrong told at once, nothing guessed.

A map refuses keys it does not know and keys that stand twice: in a file that says what may be done, the second `mode:`
must not silently win. Aliases are refused too: who reads a line should see what holds there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import yaml

from models.errors import ConfigError

MAX_FILE_BYTES: Final = 1 << 20
MAX_ITEMS: Final = 10_000
MAX_TEXT: Final = 1000
MAX_DEPTH: Final = 12
_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})
T = TypeVar("T")


@dataclass(slots=True)
class Problems:
    """What is wrong with a file."""

    path: str
    found: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, line: int, name: str, message: str) -> None:
        """Note one problem: its line (from 1), the field, and what is wrong."""
        self.found.append((line, name, message))

    def raise_any(self) -> None:
        """Raise ConfigError with all problems as `file:line: field: message`, when there are any."""
        if self.found:
            lines = (f"{self.path}:{line}: {name or 'file'}: {message}" for line, name, message in sorted(self.found))
            raise ConfigError("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the file: where it stands, and readers that note what is wrong and then return the fallback."""

    node: yaml.Node
    name: str
    problems: Problems

    @property
    def line(self) -> int:
        """Return its line, from 1."""
        return int(self.node.start_mark.line) + 1

    def wrong(self, message: str) -> None:
        """Note that something is wrong with it."""
        self.problems.add(self.line, self.name, message)

    def text(self, most: int = MAX_TEXT) -> str:
        """Return a text of one or more lines, empty when it is none."""
        text = self._scalar("str", "int", "float", "timestamp")
        if text is None or not text.strip():
            self.wrong("must be a text")
            return ""
        if len(text) > most or not text.replace("\n", " ").isprintable():
            self.wrong(f"must be of at most {most} visible characters")
            return ""
        return text.strip()

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

    def one_of(self, *words: str) -> str:
        """Return one of some words, the first when it is none."""
        text = self._scalar("str", "bool")
        if text in words:
            return text
        self.wrong(f"must be one of {', '.join(words)}")
        return words[0]

    def items(self, most: int = MAX_ITEMS) -> Iterator[Value]:
        """Yield the values of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong("must be a list")
            return
        if len(self.node.value) > most:
            self.wrong(f"has more than {most} entries")
            return
        for number, node in enumerate(self.node.value):
            yield Value(node, f"{self.name}[{number}]", self.problems)

    def texts(self, most: int = MAX_ITEMS) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(text for item in self.items(most) if (text := item.text()))

    def entries(self, most: int = MAX_ITEMS) -> dict[str, Value]:
        """Return the entries of a map, whose keys may be any text."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong("must be a map")
            return {}
        if len(self.node.value) > most:
            self.wrong(f"has more than {most} entries")
            return {}
        found: dict[str, Value] = {}
        for key, node in self.node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            entry = Value(node, f"{self.name}.{name}" if self.name else name, self.problems)
            if not isinstance(key, yaml.ScalarNode) or name in found:
                self.problems.add(int(key.start_mark.line) + 1, entry.name, "stands twice, or is no name")
            else:
                found[name] = entry
        return found

    def fields(self, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, Value]:
        """Return the entries of a map of these fields and no others."""
        found = self.entries()
        for name, entry in found.items():
            if name not in known:
                entry.wrong(f"unknown; known are {', '.join(known)}")
        for name in needed:
            if name not in found:
                self.problems.add(self.line, f"{self.name}.{name}" if self.name else name, "must be given")
        return {name: entry for name, entry in found.items() if name in known}

    def read(self, reader: Callable[[str], T]) -> T | None:
        """Return what a reader makes of the text, None when it raises ValueError, which is noted."""
        text = self.text()
        try:
            return reader(text) if text else None
        except ValueError as error:
            self.wrong(str(error))
            return None

    def _scalar(self, *kinds: str) -> str | None:
        fits = isinstance(self.node, yaml.ScalarNode) and self.node.tag.removeprefix(_TAG) in kinds
        return str(self.node.value) if fits else None


def read_yaml(data: bytes, path: str) -> Value:
    """Read a file's one document; raise ConfigError when it is none that can be read.

    Args:
        data: The file.
        path: Its name, for problems.
    """
    problems = Problems(path)
    if len(data) > MAX_FILE_BYTES:
        problems.add(1, "", f"has more than {MAX_FILE_BYTES} bytes")
        problems.raise_any()
    node = _node(data, problems)
    problems.raise_any()
    return Value(node, "", problems)


def _node(data: bytes, problems: Problems) -> yaml.Node:
    nothing = yaml.MappingNode(f"{_TAG}map", [], yaml.Mark(problems.path, 0, 0, 0, "", 0))
    try:
        text = data.decode("utf-8")
        unwanted = next(_unwanted(text), 0)
        found = None if unwanted else yaml.compose(text, yaml.CSafeLoader)
    except UnicodeDecodeError as error:
        problems.add(1, "", f"not UTF-8: byte {error.start}")
        return nothing
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problems.add(mark.line + 1 if mark else 1, "", f"not YAML: {error.problem}")
        return nothing
    except yaml.YAMLError as error:
        problems.add(1, "", f"not YAML: {str(error).partition(chr(10))[0]}")
        return nothing
    if unwanted:
        problems.add(unwanted, "", f"aliases, anchors and more than {MAX_DEPTH} levels are not read")
    elif not isinstance(found, yaml.MappingNode):
        problems.add(1, "", "must be a map")
    return found or nothing


def _unwanted(text: str) -> Iterator[int]:
    """Yield the lines of events that make a document more than what is read there."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or depth > MAX_DEPTH:
            mark = event.start_mark
            yield mark.line + 1 if mark else 1

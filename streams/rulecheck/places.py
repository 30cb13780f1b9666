"""Where in a rule file a selection mentions a field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from streams.detect.documents import MAX_FILE_BYTES, parse_documents
from streams.detect.rule import DetectionRule


class Places:
    """Find lines in rule files; each file is read once. A place that cannot be told is at the rule's first line."""

    def __init__(self) -> None:
        self._files: dict[str, list[yaml.Node]] = {}

    def field(self, rule: DetectionRule, field: str) -> int:
        """Return the line of the first mention of a field among the rule's detections, else that of `detection`."""
        root = self._root(rule)
        for key, section in _pairs(root):
            if key.value == "detection":
                return next((line for name, line in _mentions(section) if name == field), _line(key))
        return _line(root) if root else 0

    def key(self, rule: DetectionRule, name: str) -> int:
        """Return the line of a key of the rule, else that of the rule."""
        root = self._root(rule)
        return next((_line(key) for key, _ in _pairs(root) if key.value == name), _line(root) if root else 0)

    def _root(self, rule: DetectionRule) -> yaml.Node | None:
        if rule.path not in self._files:
            self._files[rule.path] = _documents(Path(rule.path))
        return next((node for node in self._files[rule.path] if _is(node, rule)), None)


def _documents(path: Path) -> list[yaml.Node]:
    """Compose the documents of a file; none of one that is not there any more or is not safe to compose."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES)
    except OSError:
        return []
    if parse_documents(data, str(path))[1]:
        return []
    return list(yaml.compose_all(data, yaml.CSafeLoader))


def _is(node: yaml.Node, rule: DetectionRule) -> bool:
    said = {key.value: value.value for key, value in _pairs(node)}
    return str(said.get("id", "")).lower() == rule.uid or said.get("title") == rule.title


def _mentions(section: yaml.Node) -> Iterator[tuple[str, int]]:
    """Yield each field of the selections with its line, in the order of the file; modifiers taken off."""
    stack = [value for key, value in reversed(list(_pairs(section))) if key.value != "condition"]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.SequenceNode):
            stack.extend(reversed(node.value))
        yield from ((str(key.value).partition("|")[0], _line(key)) for key, _ in _pairs(node))


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line

"""YAML values with their text and their line, as the file has them.

Panther's files are written for another parser: under the one that Sigma rules are read with, `On:` is the key True, an
account number as a key is a number, and a time is no text. So what a value means is decided here, where it is known
what should stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from models.errors import RuleProblem
from streams.detect.documents import compose_documents
from streams.detect.loader import read_file

_TRUE: Final = frozenset({"true", "yes", "on"})
_MERGE: Final = "tag:yaml.org,2002:merge"
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,8}")
Members = Mapping[str, "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """One value.

    Attributes:
        kind: `map`, `list`, or the YAML type of a scalar: `str`, `int`, `float`, `bool`, `null`, `timestamp`.
        line: 1-based line; of a member of a map that of its key.
        text: A scalar as it stands there.
        items: Of a list.
        members: Of a map.
    """

    kind: str
    line: int
    text: str = ""
    items: tuple[Node, ...] = ()
    members: Mapping[str, Node] | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether it is null or a text of nothing."""
        return self.kind == "null" or (self.kind not in {"map", "list"} and not self.text.strip())


class Reading:
    """Typed access to the values of one file; collects what is wrong with them, and goes on."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.rule = ""
        self.problems: list[RuleProblem] = []

    def fault(self, line: int, message: str) -> None:
        """Report something."""
        self.problems.append(RuleProblem(self.path, line, self.rule, message))

    def members(self, node: Node, where: str, required: Iterable[str], optional: Iterable[str] = ()) -> Members:
        """Return the members of a map; report those that nobody knows and those that lack."""
        if node.members is None:
            self.fault(node.line, f"{where}: must be a map")
            return {}
        known = {*required, *optional}
        for key, member in node.members.items():
            if key not in known:
                self.fault(member.line, f"{where}: unknown key {key!r:.80}; known: {', '.join(sorted(known))}")
        lacking = sorted(key for key in required if key not in node.members or node.members[key].is_empty)
        if lacking:
            self.fault(node.line, f"{where}: lacks {', '.join(lacking)}")
        return node.members

    def any_members(self, node: Node, where: str) -> Members:
        """Return the members of a map whose keys are the file's own; none of null."""
        if node.members is None and node.kind != "null":
            self.fault(node.line, f"{where}: must be a map")
        return node.members or {}

    def items(self, members: Members, key: str) -> tuple[Node, ...]:
        """Return the list under a key, empty when there is none."""
        node = members.get(key)
        if node is None or node.kind == "null":
            return ()
        if node.kind != "list":
            self.fault(node.line, f"{key}: must be a list")
        return node.items

    def text(self, members: Members, key: str, default: str = "") -> str:
        """Return the text under a key, the default when there is none."""
        node = members.get(key)
        if node is None or node.is_empty:
            return default
        return self.scalar(node, key)

    def scalar(self, node: Node, where: str) -> str:
        """Return a scalar as text; report what is none, or is empty."""
        if node.is_empty or node.kind in {"map", "list"}:
            self.fault(node.line, f"{where}: must be a text")
            return ""
        return node.text

    def flag(self, members: Members, key: str, *, default: bool) -> bool:
        """Return the truth value under a key, the default when there is none."""
        node = members.get(key)
        if node is None or node.kind == "null":
            return default
        if node.kind != "bool":
            self.fault(node.line, f"{key}: must be true or false")
        return node.text.lower() in _TRUE

    def whole(self, members: Members, key: str) -> int | None:
        """Return the whole number under a key, 1 or more; None when there is none."""
        node = members.get(key)
        if node is None or node.kind == "null":
            return None
        if node.kind != "int" or not _WHOLE.fullmatch(node.text):
            self.fault(node.line, f"{key}: {node.text!r:.80} is not a whole number, 1 or more")
            return None
        return int(node.text)


def read_nodes(file: Path) -> tuple[Node | None, tuple[RuleProblem, ...]]:
    """Read the one document of a file, or tell what is wrong with it. Nothing is raised for bad content."""
    data = read_file(file)
    if isinstance(data, RuleProblem):
        return None, (data,)
    roots, problems = compose_documents(data, str(file))
    if not problems and len(roots) != 1:
        problems = [RuleProblem(str(file), 1, "", f"holds {len(roots)} documents; a Panther rule is one")]
    return (None, tuple(problems)) if problems else (_node(roots[0], roots[0].start_mark.line + 1), ())


def _node(node: yaml.Node, line: int) -> Node:
    if isinstance(node, yaml.MappingNode):
        return Node("map", line, members=_members(node))
    if isinstance(node, yaml.SequenceNode):
        return Node("list", line, items=tuple(_node(item, item.start_mark.line + 1) for item in node.value))
    return Node(node.tag.rpartition(":")[2], line, text=node.value)


def _members(node: yaml.MappingNode) -> dict[str, Node]:
    """Return the members of a map, over those that it merges in (`<<`)."""
    merged: dict[str, Node] = {}
    own: dict[str, Node] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            for base in reversed(value.value if isinstance(value, yaml.SequenceNode) else [value]):
                merged |= _members(base) if isinstance(base, yaml.MappingNode) else {}
        else:
            own[key.value] = _node(value, key.start_mark.line + 1)
    return merged | own

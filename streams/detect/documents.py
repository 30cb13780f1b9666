"""Read YAML rule files safely: bounded, without surprises, every document with its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import yaml

from models.errors import RuleProblem

MAX_FILE_BYTES: Final = 1_048_576
MAX_NODES: Final = 50_000  # values of one document, counted with aliases written out: what an alias bomb multiplies
MAX_DEPTH: Final = 32
MAX_NUMBER_CHARS: Final = 64  # longer digits are hashes someone forgot to quote, and slow to read as a number
SMALL_FILE_BYTES: Final = 65_536  # block nesting takes n * n / 2 bytes of indentation: here at most 362 levels
SAFE_DEPTH: Final = 500
_OPENINGS: Final = (b"[", b"{", b"-", b"?")
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
_STR: Final = "tag:yaml.org,2002:str"
_NULL: Final = "tag:yaml.org,2002:null"
_MERGE: Final = "tag:yaml.org,2002:merge"
_KEYS: Final = frozenset({_STR})
_SCALARS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")
)
_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# What PyYAML's constructors raise for a scalar that its tag does not fit, such as `!!bool maybe` or 2024-02-30.
_MISFITS: Final = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document.

    Attributes:
        content: Its top-level map.
        lines: 1-based lines: `""` of the document, `key` and `key.key` of the first two levels.
    """

    content: Mapping[str, Any]
    lines: Mapping[str, int]


def parse_documents(data: bytes, path: str, *, null_keys: bool = False) -> tuple[list[Document], list[RuleProblem]]:
    """Read all documents of a file. Documents with problems are left out; nothing is raised.

    Args:
        data: The file.
        path: Its name, for problems.
        null_keys: Let `null` be the key of a map, as in the field mappings of processing pipelines.
    """
    keys = _KEYS | {_NULL} if null_keys else _KEYS
    documents: list[Document] = []
    problems: list[RuleProblem] = []
    for loader, node in _nodes(data, path, problems):
        _read(loader, node, path, keys, documents, problems)
    return documents, problems


def compose_documents(data: bytes, path: str) -> tuple[list[yaml.Node], list[RuleProblem]]:
    """Read all documents of a file as nodes, for who needs the text and the line of every value as they stand there.

    They are as safe as those of `parse_documents`; any scalar may be the key of a map. Nothing is raised.
    """
    nodes: list[yaml.Node] = []
    problems: list[RuleProblem] = []
    for _, node in _nodes(data, path, problems):
        found = [RuleProblem(path, line, "", message) for line, message in _faults(node, _SCALARS)]
        problems.extend(found)
        if not found:
            nodes.append(node)
    return nodes, problems


def _nodes(data: bytes, path: str, problems: list[RuleProblem]) -> Iterator[tuple[yaml.CSafeLoader, yaml.Node]]:
    """Yield the node of every document with its loader, nothing of a file that nests too deep."""
    line = _too_deep(data) if _may_be_deep(data) else 0
    if line:
        problems.append(RuleProblem(path, line, "", _TOO_DEEP))
        return
    loader = yaml.CSafeLoader(data)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield loader, node
    except yaml.YAMLError as error:
        problems.append(_syntax(path, error))
    finally:
        loader.dispose()


def _may_be_deep(data: bytes) -> bool:
    """Bound the depth from above: a level takes a bracket, a dash or a question mark, or a deeper indentation."""
    return len(data) > SMALL_FILE_BYTES or sum(data.count(opening) for opening in _OPENINGS) > SAFE_DEPTH


def _too_deep(data: bytes) -> int:
    """Return the line that nests too deep, 0 when none does: the parser recurses in C, and a deep one crashes it."""
    depth = 0
    with suppress(yaml.YAMLError):  # reported when the documents are read
        for event in yaml.parse(data, yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH and event.start_mark is not None:
                return event.start_mark.line + 1
    return 0


def _read(
    loader: yaml.CSafeLoader,
    node: yaml.Node,
    path: str,
    keys: frozenset[str],
    documents: list[Document],
    problems: list[RuleProblem],
) -> None:
    found = [RuleProblem(path, line, "", message) for line, message in _faults(node, keys)]
    if not found:
        try:
            content = loader.construct_document(node)
        except _MISFITS as error:
            found = [RuleProblem(path, _line(node), "", f"not YAML that can be read: {_message(error)}")]
        else:
            if isinstance(content, dict) and isinstance(node, yaml.MappingNode):
                documents.append(Document(content, _lines(node)))
            elif content is not None:
                found = [RuleProblem(path, _line(node), "", f"a rule is a map, not a {type(content).__name__}")]
    problems.extend(found)


def _faults(root: yaml.Node, keys: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Walk the document as a tree, aliases written out, and name what is unsafe or ambiguous in it."""
    stack: list[tuple[yaml.Node, int]] = [(root, 1)]
    visited = 0
    while stack:
        node, depth = stack.pop()
        visited += 1
        if visited > MAX_NODES:
            yield _line(root), f"more than {MAX_NODES} values, or aliases that multiply to as many"
            return
        if depth > MAX_DEPTH:
            yield _line(node), _TOO_DEEP
            return
        if isinstance(node, yaml.MappingNode):
            yield from _key_faults(node, keys)
            stack.extend((child, depth + 1) for pair in node.value for child in pair)
        elif isinstance(node, yaml.SequenceNode):
            stack.extend((child, depth + 1) for child in node.value)
        elif node.tag in _NUMBERS and len(node.value) > MAX_NUMBER_CHARS:
            yield _line(node), "a number this long is a text; quote it"


def _key_faults(node: yaml.MappingNode, keys: frozenset[str]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag == _MERGE:
            continue
        if key.tag not in keys:
            yield _line(key), f"key {str(key.value)[:40]!r} is read as {key.tag.rpartition(':')[2]}; quote it"
        elif key.value in seen:
            yield _line(key), f"key {key.value!r} stands here twice; YAML would keep the last and drop the other"
        else:
            seen.add(key.value)


def _lines(root: yaml.MappingNode) -> dict[str, int]:
    lines = {"": _line(root)}
    for key, value in root.value:
        lines[key.value] = _line(key)
        if isinstance(value, yaml.MappingNode):
            lines.update((f"{key.value}.{inner.value}", _line(inner)) for inner, _ in value.value)
    return lines


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line


def _syntax(path: str, error: yaml.YAMLError) -> RuleProblem:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return RuleProblem(path, mark.line + 1 if mark else 0, "", f"not YAML: {_message(error)}")


def _message(error: Exception) -> str:
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else None
    return " ".join(str(problem or error).split())

"""Read a file written in YAML, or a text behind a front matter in YAML; what cannot be read is told by line.

Aliases and tags are refused: who reads a line should see what holds there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from enrichers.yaml_nodes import Problems, Value
from models.errors import FileErrors

MAX_FILE_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 12
FENCE: Final = "---\n"
UNWANTED: Final = f"aliases, anchors, tags and more than {MAX_DEPTH} levels are not read"


def file_bytes(path: Path, most_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return what a file holds; raise FileErrors when it cannot be read or has more than `most_bytes`."""
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise FileErrors([f"{path}: {error.strerror or error}"]) from error
    if len(data) > most_bytes:
        raise FileErrors([f"{path}:1: file: has more than {most_bytes} bytes"])
    return data


def load_yaml(path: Path, most_bytes: int = MAX_FILE_BYTES) -> Value:
    """Read the one document of a file; raise FileErrors when it is none that can be read."""
    return read_yaml(file_bytes(path, most_bytes), str(path))


def read_yaml(data: bytes, path: str, name: str = "file") -> Value:
    """Read one document; raise FileErrors when it is none that can be read.

    Args:
        data: The document; one that is empty is null.
        path: Name of its file, for problems.
        name: What the document as a whole is called in problems.
    """
    problems = Problems(path)
    node = _node(data, name, problems)
    problems.raise_any()
    return Value(node, name, problems, bare=True)


def read_front_matter(data: bytes, path: str) -> tuple[Value, str]:
    """Read a document between two lines of `---` and the text behind it; raise FileErrors as `read_yaml` does."""
    matter, fence, text = data.replace(b"\r\n", b"\n").partition(f"\n{FENCE}".encode())
    if not fence or not matter.startswith(FENCE.encode()):
        raise FileErrors([f"{path}:1: front matter: must begin the file, between two lines of ---"])
    try:
        return read_yaml(matter, path, "front matter"), text.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise FileErrors([f"{path}:1: text: not UTF-8: byte {error.start}"]) from error


def _node(data: bytes, name: str, problems: Problems) -> yaml.Node:
    nothing = yaml.ScalarNode("tag:yaml.org,2002:null", "", yaml.Mark(problems.path, 0, 0, 0, "", 0))
    try:
        text = data.decode("utf-8")
        unwanted = next(_unwanted(text), 0)
        if not unwanted:
            return yaml.compose(text, yaml.CSafeLoader) or nothing
        problems.add(unwanted, name, UNWANTED)
    except UnicodeDecodeError as error:
        problems.add(1, name, f"not UTF-8: byte {error.start}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problems.add(mark.line + 1 if mark else 1, name, f"not YAML: {error.problem}")
    except yaml.YAMLError as error:
        problems.add(1, name, f"not YAML: {str(error).partition(chr(10))[0]}")
    return nothing


def _unwanted(text: str) -> Iterator[int]:
    """Yield the lines of events that make a document more than what is read there."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        named = getattr(event, "anchor", None) or getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or named or depth > MAX_DEPTH:
            mark = event.start_mark
            yield mark.line + 1 if mark else 1

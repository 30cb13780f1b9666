"""Write generated rule files: the same bytes for the same content, and over nothing that somebody else wrote."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from streams.detect.documents import parse_documents

MARK: Final = "# Written by braid rules import-panther; a later import writes it anew."
WIDTH: Final = 120
SCRATCH: Final = ".import-panther"
WRITTEN, SAME, KEPT = "written", "unchanged", "kept"
_FLOW: Final = frozenset({"signals", "steps", "absent"})  # lists whose members stand in a line each


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """One file to be written.

    Attributes:
        path: Where.
        content: Its document.
        comment: Lines behind the mark, each with its `#`.
        replaceable: The name of a rule that may stand here in its place, written by somebody else; empty for none.
    """

    path: Path
    content: Mapping[str, Any]
    comment: str = ""
    replaceable: str = ""

    @property
    def data(self) -> bytes:
        """Return its bytes."""
        return f"{MARK}\n{self.comment}{as_yaml(self.content)}".encode()


class Refused(Exception):
    """A file stands in the way; the message says why it is not written over."""


def standing(file: GeneratedFile) -> str:
    """Return what becomes of a file: WRITTEN, SAME or KEPT; raise Refused when something else stands in its place."""
    for place in (file.path, file.path.parent):
        if place.is_symlink():
            raise Refused(f"{place} is a link; an import writes no further than its directory")
    try:
        found = file.path.read_bytes()
    except FileNotFoundError:
        return WRITTEN
    except OSError as error:
        raise Refused(f"{file.path} cannot be read: {error.strerror or error}") from error
    if found.startswith(f"{MARK}\n".encode()):
        return SAME if found == file.data else _ours(file, found)
    if file.replaceable and _has_rule(found, file):
        return KEPT
    raise Refused(f"{file.path} was not written by an import, so it is not written over")


def _ours(file: GeneratedFile, found: bytes) -> str:
    """Tell whether an earlier import wrote a file for the same rule: rules of different ids may have one name."""
    documents, _ = parse_documents(found, str(file.path))
    if any(document.content.get("id", file.content.get("id")) != file.content.get("id") for document in documents):
        raise Refused(f"{file.path} was imported from a rule of another id; import both at once, or elsewhere")
    return WRITTEN


def _has_rule(found: bytes, file: GeneratedFile) -> bool:
    documents, _ = parse_documents(found, str(file.path))
    return any(document.content.get("name") == file.replaceable for document in documents)


def write(file: GeneratedFile) -> None:
    """Write a file, whole or not at all; raise OSError when it cannot be."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.path.with_name(f"{SCRATCH}-{file.path.name}")
    scratch.unlink(missing_ok=True)
    try:
        with scratch.open("xb") as stream:
            stream.write(file.data)
        os.replace(scratch, file.path)  # noqa: PTH105  # the same as Path.replace, which reads as text
    finally:
        scratch.unlink(missing_ok=True)


class _Flow(dict[str, Any]):
    """A map that stands in one line."""


class _Dumper(yaml.SafeDumper):
    """Write lists under their key indented, and texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # of the base class
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out: no anchors."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _flow(dumper: yaml.SafeDumper, value: _Flow) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Flow, _flow)


def as_yaml(content: Mapping[str, Any]) -> str:
    """Return a document as YAML, its keys in their order."""
    text: str = yaml.dump(
        _arranged(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False
    )
    return text


def _arranged(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return (
            "\n".join(line.rstrip() for line in value.strip().split("\n"))
            if key in {"description", "investigation"}
            else value
        )
    if isinstance(value, Mapping):
        return {name: _arranged(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_Flow(item) if key in _FLOW else _arranged(item) for item in value]
    return value

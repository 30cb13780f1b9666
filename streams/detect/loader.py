"""Find rule files, tell their documents apart, compile the detections: every problem of a directory at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from models.errors import RuleErrors, RuleProblem
from streams.detect.condition import NO_PLACEHOLDERS
from streams.detect.documents import MAX_FILE_BYTES, Document, parse_documents
from streams.detect.filters import RuleFilter, apply_filters, compile_filter
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.problems import NO_LINES, Lines
from streams.detect.rule import DetectionRule, compile_rule
from streams.detect.values import Placeholders

SUFFIXES: Final = (".yml", ".yaml")
TESTS: Final = (".tests.yml", ".tests.yaml")  # the tests of a rule stand beside it
KINDS: Final = ("detection", "correlation", "filter")
Content = DetectionRule | RuleFilter | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """One rule document as it was found.

    Attributes:
        kind: `detection`, `correlation` or `filter`.
        document: The parsed document.
        path: Its file, as the user named it or the directory it is in.
        lines: 1-based lines by key: `""` for the document, `title`, `detection.selection` ...
    """

    kind: str
    document: Mapping[str, Any]
    path: str
    lines: Lines

    @property
    def line(self) -> int:
        """Return the 1-based line at which the document starts."""
        return self.lines.get("", 0)


@dataclass(frozen=True, slots=True)
class CompiledDocument:
    """One rule document, compiled as far as it can be by itself.

    Attributes:
        uid: Its `id` as rules carry it, however it is spelled; as it stands when it is none.
        title: Its `title`.
        line: 1-based line at which it starts.
        content: The detection or filter, the document itself for a correlation; None when it has problems.
        problems: What is wrong with it.
        lines: Of a correlation, which is compiled later: 1-based lines by key.
    """

    uid: str
    title: str
    line: int
    content: Content | None
    problems: tuple[RuleProblem, ...] = ()
    lines: Lines = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """All documents of one file, and what is wrong with the others."""

    documents: tuple[CompiledDocument, ...]
    problems: tuple[RuleProblem, ...] = ()


def load_documents(paths: Iterable[Path]) -> tuple[list[LoadedDocument], list[RuleProblem]]:
    """Read all rule documents of files and directories (see `rule_files`)."""
    documents: list[LoadedDocument] = []
    problems: list[RuleProblem] = []
    for file in rule_files(paths):
        data = read_file(file)
        found, faults = ([], [data]) if isinstance(data, RuleProblem) else _documents(data, str(file))
        documents.extend(found)
        problems.extend(faults)
    return documents, problems


def compile_detections(
    documents: Iterable[LoadedDocument],
    placeholders: Placeholders = NO_PLACEHOLDERS,
    pipelines: Pipelines = NO_PIPELINES,
) -> tuple[tuple[DetectionRule, ...], tuple[RuleProblem, ...]]:
    """Compile the detections among the documents, narrowed by the filters among them.

    Args:
        documents: From `load_documents`; correlations are passed over.
        placeholders: Values for `expand`, by placeholder name.
        pipelines: Rewrite the rules before they are compiled.

    Returns:
        The rules in the order of their uids, and what is wrong with the others.
    """
    compiled = tuple(compile_document(document, placeholders, pipelines) for document in documents)
    rules, problems = link_detections(document.content for document in compiled)
    return rules, (*(problem for document in compiled for problem in document.problems), *problems)


def compile_file(data: bytes, path: str, pipelines: Pipelines = NO_PIPELINES) -> CompiledFile:
    """Compile everything in one file that can be compiled without the others. Nothing is raised."""
    documents, problems = _documents(data, path)
    compiled = tuple(compile_document(document, NO_PLACEHOLDERS, pipelines) for document in documents)
    return CompiledFile(compiled, tuple(problems))


def compile_document(document: LoadedDocument, placeholders: Placeholders, pipelines: Pipelines) -> CompiledDocument:
    """Compile one document by itself; what is wrong with it is in the result."""
    content: Content | None = document.document
    problems: tuple[RuleProblem, ...] = ()
    given = document.document, document.path, document.lines, placeholders, pipelines
    try:
        if document.kind == "detection":
            content = compile_rule(*given)
        elif document.kind == "filter":
            content = compile_filter(*given)
    except RuleErrors as error:
        content, problems = None, error.problems
    title = str(document.document.get("title", ""))
    lines = document.lines if document.kind == "correlation" else NO_LINES
    return CompiledDocument(_uid(document.document), title, document.line, content, problems, lines)


def link_detections(contents: Iterable[Content | None]) -> tuple[tuple[DetectionRule, ...], tuple[RuleProblem, ...]]:
    """Bring rules and filters together.

    Args:
        contents: Of all documents; what is neither rule nor filter is passed over.

    Returns:
        The rules in the order of their uids, narrowed by the filters, and what only shows when all are known.
    """
    given = tuple(contents)
    unique, repeated = _unique(tuple(content for content in given if isinstance(content, DetectionRule)))
    narrowed, idle = apply_filters(unique, tuple(content for content in given if isinstance(content, RuleFilter)))
    return narrowed, (*repeated, *idle)


def rule_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Find the rule files of files and directories, each once.

    Directories are searched in depth for `*.yml` and `*.yaml`; `*.tests.yml` and hidden entries are left out. Files of
    a directory come in the order of their paths. What is no directory that can be listed is taken for a file, whether
    or not it is there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_files(path) if path.is_dir() else (path,)))
    return tuple(found)


def read_file(file: Path) -> bytes | RuleProblem:
    """Read one rule file; a problem when it cannot be read or is too long."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return RuleProblem(str(file), 0, "", f"cannot be read: {error.strerror or error}")
    if len(data) > MAX_FILE_BYTES:
        return RuleProblem(str(file), 0, "", f"longer than {MAX_FILE_BYTES} bytes; no rule is")
    return data


def _unique(rules: tuple[DetectionRule, ...]) -> tuple[tuple[DetectionRule, ...], list[RuleProblem]]:
    """Keep the first rule of every id, and refuse a second of the same name: correlations refer to both."""
    by_uid: dict[str, DetectionRule] = {}
    by_name: dict[str, DetectionRule] = {}
    problems = []
    for rule in rules:
        other = by_uid.setdefault(rule.uid, rule)
        if other is not rule:
            problems.append(RuleProblem(rule.path, 0, rule.title, f"id {rule.uid} is also that of {other.path}"))
        elif rule.name and by_name.setdefault(rule.name, rule) is not rule:
            other = by_name[rule.name]
            problems.append(RuleProblem(rule.path, 0, rule.title, f"name {rule.name} is also that of {other.path}"))
    return tuple(by_uid[uid] for uid in sorted(by_uid)), problems


def _files(folder: Path) -> list[Path]:
    """Walk a directory, past hidden entries and links to directories, in the order of the paths' parts."""
    found: list[tuple[str, ...]] = []
    pending: list[tuple[str, ...]] = [()]
    while pending:
        at = pending.pop()
        try:
            entries = list(os.scandir(folder.joinpath(*at)))
        except OSError:  # reading it as a file tells why
            found.append(at)
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append((*at, entry.name))
            elif _is_rule_file(entry):
                found.append((*at, entry.name))
    return [folder.joinpath(*parts) for parts in sorted(found)]


def _is_rule_file(entry: os.DirEntry[str]) -> bool:
    is_named = entry.name.endswith(SUFFIXES) and not entry.name.endswith(TESTS)
    return is_named and Path(entry).is_file()


def _uid(document: Mapping[str, Any]) -> str:
    text = str(document.get("id", ""))
    try:
        return str(UUID(text))
    except ValueError:
        return text


def _documents(data: bytes, path: str) -> tuple[list[LoadedDocument], list[RuleProblem]]:
    documents: list[LoadedDocument] = []
    parsed, problems = parse_documents(data, path)
    for document in parsed:
        _sort_in(document, path, documents, problems)
    return documents, problems


def _sort_in(document: Document, path: str, documents: list[LoadedDocument], problems: list[RuleProblem]) -> None:
    kinds = [kind for kind in KINDS if kind in document.content]
    if len(kinds) == 1:
        documents.append(LoadedDocument(kinds[0], document.content, path, document.lines))
        return
    title = str(document.content.get("title") or "")
    what = "more than one of" if kinds else "none of"
    message = f"has {what} `detection`, `correlation` and `filter`: is it a Sigma rule?"
    problems.append(RuleProblem(path, document.lines.get("", 0), title, message))

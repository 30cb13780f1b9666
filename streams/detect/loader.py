"""Find rule files, tell their documents apart, compile the detections: every problem of a directory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from models.errors import RuleErrors, RuleProblem
from streams.detect.condition import NO_PLACEHOLDERS
from streams.detect.documents import MAX_FILE_BYTES, Document, parse_documents
from streams.detect.filters import apply_filters, compile_filter
from streams.detect.problems import Lines
from streams.detect.rule import DetectionRule, compile_rule
from streams.detect.values import Placeholders

SUFFIXES: Final = (".yml", ".yaml")
TESTS: Final = (".tests.yml", ".tests.yaml")  # the tests of a rule stand beside it
KINDS: Final = ("detection", "correlation", "filter")
T = TypeVar("T")


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


def load_documents(paths: Iterable[Path]) -> tuple[list[LoadedDocument], list[RuleProblem]]:
    """Read all rule documents of files and directories.

    Directories are searched in depth for `*.yml` and `*.yaml`; `*.tests.yml` and hidden entries are left out. Files
    come in the order of their paths, each once.
    """
    documents: list[LoadedDocument] = []
    problems: list[RuleProblem] = []
    files: dict[Path, None] = {}
    for path in paths:
        files.update(dict.fromkeys(_files(path)))
    for file in files:
        parsed, faults = _parse(file)
        problems.extend(faults)
        for document in parsed:
            _sort_in(document, str(file), documents, problems)
    return documents, problems


def compile_detections(
    documents: Iterable[LoadedDocument], placeholders: Placeholders = NO_PLACEHOLDERS
) -> tuple[tuple[DetectionRule, ...], tuple[RuleProblem, ...]]:
    """Compile the detections among the documents, narrowed by the filters among them.

    Args:
        documents: From `load_documents`; correlations are passed over.
        placeholders: Values for `expand`, by placeholder name.

    Returns:
        The rules in the order of their uids, and what is wrong with the others.
    """
    given = tuple(documents)
    rules, problems = _compile_all(given, "detection", compile_rule, placeholders)
    filters, of_filters = _compile_all(given, "filter", compile_filter, placeholders)
    unique, repeated = _unique(rules)
    narrowed, idle = apply_filters(unique, filters)
    return narrowed, (*problems, *of_filters, *repeated, *idle)


Compile = Callable[[Mapping[str, Any], str, Lines, Placeholders], T]


def _compile_all(
    documents: tuple[LoadedDocument, ...], kind: str, compile_one: Compile[T], placeholders: Placeholders
) -> tuple[tuple[T, ...], tuple[RuleProblem, ...]]:
    compiled: list[T] = []
    problems: list[RuleProblem] = []
    for document in documents:
        if document.kind != kind:
            continue
        try:
            compiled.append(compile_one(document.document, document.path, document.lines, placeholders))
        except RuleErrors as error:
            problems.extend(error.problems)
    return tuple(compiled), tuple(problems)


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


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if not hidden and file.suffix in SUFFIXES and not file.name.endswith(TESTS) and file.is_file():
            yield file


def _parse(file: Path) -> tuple[list[Document], list[RuleProblem]]:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return [], [RuleProblem(str(file), 0, "", f"cannot be read: {error.strerror or error}")]
    if len(data) > MAX_FILE_BYTES:
        return [], [RuleProblem(str(file), 0, "", f"longer than {MAX_FILE_BYTES} bytes; no rule is")]
    return parse_documents(data, str(file))


def _sort_in(document: Document, path: str, documents: list[LoadedDocument], problems: list[RuleProblem]) -> None:
    kinds = [kind for kind in KINDS if kind in document.content]
    if len(kinds) == 1:
        documents.append(LoadedDocument(kinds[0], document.content, path, document.lines))
        return
    title = str(document.content.get("title") or "")
    what = "more than one of" if kinds else "none of"
    message = f"has {what} `detection`, `correlation` and `filter`: is it a Sigma rule?"
    problems.append(RuleProblem(path, document.lines.get("", 0), title, message))

"""Compiled rule files to JSON and back, without code: what a cache of compiled rules holds.

The form is self-describing and says nothing of the file's path, which is given anew when it is read. Whatever is read
is checked for its shape as it is decoded; what does not fit is Damaged, and nobody uses half of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from models.errors import RuleProblem
from models.finding import Analytic
from streams.detect.exceptions import RuleException, Terms
from streams.detect.filters import RuleFilter
from streams.detect.loader import CompiledDocument, CompiledFile, Content
from streams.detect.logsource import RuleLogSource
from streams.detect.rule import DetectionRule
from streams.detect.treecodec import Uncodable, decode_tree, encode_tree
from streams.detect.treeforms import NodeForm

FORMAT: Final = 2  # of the forms here and in `treeforms`
_DATE: Final = "!date"  # no YAML text is a map, so a map of this one key is nobody else's
_DATETIME: Final = "!datetime"
_MARKS: Final = frozenset({_DATE, _DATETIME})
_OWN: Final = frozenset(
    {"condition", "exceptions", "path", "warnings"}
)  # fields of a rule that have a form of their own
_COPIED: Final = tuple(item.name for item in fields(DetectionRule) if item.name not in _OWN)
_EXACT: Final = 2**53  # numbers beyond need not come back as they were
_DAMAGE: Final = (msgspec.MsgspecError, LookupError, OverflowError, RecursionError, TypeError, ValueError, re.error)


class Damaged(ValueError):
    """Say why something that was read is no compiled rule file."""


class ProblemForm(Struct, array_like=True, frozen=True, gc=False):
    """A RuleProblem without its path."""

    line: int
    rule: str
    message: str


class ExceptionForm(Struct, array_like=True, frozen=True, gc=False):
    """A RuleException."""

    title: str
    condition: tuple[NodeForm, ...]
    terms: Terms


class RuleForm(Struct, tag="detection", frozen=True, omit_defaults=True, gc=False):
    """A DetectionRule without its path."""

    analytic: Analytic
    name: str
    level: str
    status: str
    confidence: int
    risk: int
    logsource: RuleLogSource
    taxonomy: str
    condition: tuple[NodeForm, ...]
    description: str = ""
    owner: str = ""
    investigation: str = ""
    telemetry: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    exceptions: tuple[ExceptionForm, ...] = ()
    warnings: tuple[ProblemForm, ...] = ()


class FilterForm(Struct, tag="filter", frozen=True, omit_defaults=True, gc=False):
    """A RuleFilter without its path."""

    title: str
    rules: tuple[str, ...]
    logsource: RuleLogSource
    taxonomy: str
    condition: tuple[NodeForm, ...]
    place: ProblemForm
    uid: str = ""
    terms: Terms | None = None
    lines: tuple[int, int] = (0, 0)


class CorrelationForm(Struct, tag="correlation", frozen=True, gc=False):
    """The document of a correlation, which is compiled when all rules are known."""

    document: dict[str, Any]


class DocumentForm(Struct, frozen=True, omit_defaults=True, gc=False):
    """A CompiledDocument."""

    uid: str
    title: str
    line: int
    content: RuleForm | FilterForm | CorrelationForm | None = None
    problems: tuple[ProblemForm, ...] = ()
    lines: dict[str, int] = {}


class FileForm(Struct, frozen=True, omit_defaults=True, gc=False):
    """A CompiledFile."""

    documents: tuple[DocumentForm, ...] = ()
    problems: tuple[ProblemForm, ...] = ()


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(FileForm)


def encode_file(compiled: CompiledFile) -> bytes:
    """Serialize; raise Uncodable when something in it has no form, such as a lone surrogate."""
    documents = tuple(_document_form(document) for document in compiled.documents)
    try:
        return _ENCODER.encode(FileForm(documents, _problem_forms(compiled.problems)))
    except UnicodeEncodeError as error:
        raise Uncodable(str(error)) from error


def decode_file(data: bytes | msgspec.Raw, path: str) -> CompiledFile:
    """Read what `encode_file` wrote, as of a file of this path; raise Damaged for anything else."""
    try:
        form = _DECODER.decode(data)
        documents = tuple([_document(document, path) for document in form.documents])
    except _DAMAGE as error:
        raise Damaged(f"{type(error).__name__}: {error}") from error
    return CompiledFile(documents, _problems(form.problems, path))


def _document_form(document: CompiledDocument) -> DocumentForm:
    content = None if document.content is None else _content_form(document.content)
    about = document.uid, document.title, document.line
    return DocumentForm(*about, content, _problem_forms(document.problems), dict(document.lines))


def _content_form(content: Content) -> RuleForm | FilterForm | CorrelationForm:
    match content:
        case DetectionRule():
            copied = {name: getattr(content, name) for name in _COPIED}
            return RuleForm(
                **copied,
                condition=encode_tree(content.condition),
                exceptions=tuple(
                    ExceptionForm(known.title, encode_tree(known.condition), known.terms)
                    for known in content.exceptions
                ),
                warnings=_problem_forms(content.warnings),
            )
        case RuleFilter():
            return FilterForm(
                content.title,
                content.rules,
                content.logsource,
                content.taxonomy,
                encode_tree(content.condition),
                _problem_form(content.place),
                content.uid,
                content.terms,
                content.lines,
            )
    return CorrelationForm({key: _plain(value) for key, value in content.items()})


def _document(form: DocumentForm, path: str) -> CompiledDocument:
    content = None if form.content is None else _content(form.content, path)
    return CompiledDocument(form.uid, form.title, form.line, content, _problems(form.problems, path), form.lines)


def _content(form: RuleForm | FilterForm | CorrelationForm, path: str) -> Content:
    if isinstance(form, RuleForm):
        copied = {name: getattr(form, name) for name in _COPIED}
        exceptions = [
            RuleException(known.title, decode_tree(known.condition), known.terms) for known in form.exceptions
        ]
        condition, warnings = decode_tree(form.condition), _problems(form.warnings, path)
        return DetectionRule(**copied, condition=condition, exceptions=tuple(exceptions), path=path, warnings=warnings)
    if isinstance(form, FilterForm):
        condition, place = decode_tree(form.condition), _problem(form.place, path)
        about = form.title, form.rules, form.logsource, form.taxonomy
        return RuleFilter(*about, condition, place, form.uid, form.terms, form.lines)
    return {key: _restored(value) for key, value in form.document.items()}


def _problem_forms(problems: tuple[RuleProblem, ...]) -> tuple[ProblemForm, ...]:
    return tuple(_problem_form(problem) for problem in problems)


def _problem_form(problem: RuleProblem) -> ProblemForm:
    return ProblemForm(problem.line, problem.rule, problem.message)


def _problems(problem_forms: tuple[ProblemForm, ...], path: str) -> tuple[RuleProblem, ...]:
    return tuple([_problem(form, path) for form in problem_forms])


def _problem(form: ProblemForm, path: str) -> RuleProblem:
    return RuleProblem(path, form.line, form.rule, form.message)


def _plain(value: Any) -> Any:
    """Return a YAML value as JSON has it; raise Uncodable for a type that JSON and this module do not know."""
    match value:
        case None | bool() | str():
            return value
        case int() | float() if abs(value) <= _EXACT:
            return value
        case datetime():
            return {_DATETIME: value.isoformat()}
        case date():
            return {_DATE: value.isoformat()}
        case list():
            return [_plain(item) for item in value]
        case Mapping() if all(isinstance(key, str) for key in value) and _MARKS.isdisjoint(value):
            return {key: _plain(item) for key, item in value.items()}
    raise Uncodable(f"a correlation holds a {type(value).__name__}")


def _restored(value: Any) -> Any:
    match value:
        case {"!date": str(text)}:
            return date.fromisoformat(text)
        case {"!datetime": str(text)}:
            return datetime.fromisoformat(text)
        case dict():
            return {key: _restored(item) for key, item in value.items()}
        case list():
            return [_restored(item) for item in value]
    return value

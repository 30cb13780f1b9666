"""pySigma processing pipelines: files that rewrite rules before they are compiled.

Field names, values, conditions and log sources of rules written for another schema become those of the records here.
Only what rewrites a rule is taken (see `pipeline_items`); a pipeline never runs code, opens another file, or reaches
the network. Several pipelines act as one, ordered by priority and then by path, as pySigma's resolver has it.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import re2  # type: ignore[import-untyped]  # the package ships no annotations
import yaml
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from models.errors import RuleErrors, RuleProblem
from streams.detect.documents import MAX_FILE_BYTES, parse_documents
from streams.detect.pipeline_items import faults_of_item
from streams.detect.problems import UNREADABLE
from streams.detect.regex import POLICY
from streams.detect.values import RuleMistake

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline

R = TypeVar("R", SigmaRule, SigmaCorrelationRule)
_KEYS: Final = frozenset(
    {"name", "priority", "vars", "transformations", "allowed_backends", "postprocessing", "finalizers"}
)
_OF_QUERIES: Final = ("postprocessing", "finalizers")
_MISFITS: Final = (
    *UNREADABLE,
    NotImplementedError,
    re.error,
    re2.error,
)  # what pySigma raises over a rule it cannot rewrite


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Checked pipelines, in the order in which they act.

    Attributes:
        digest: SHA-256 over their contents in that order; empty for none. Rules compiled under one digest are the same.
        names: What they call themselves, or their file names.
        added: Names of the detections that they add.
        definition: All of them as one, in the form that pySigma reads. Nobody changes it.
    """

    digest: str = ""
    names: tuple[str, ...] = ()
    added: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    definition: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def apply(self, rule: R) -> R:
        """Rewrite a rule in place, and return it.

        pySigma keeps its notes on the rule at hand in the pipeline, so each rule gets one of its own.

        Raises:
            RuleMistake: When a pipeline refuses the rule, or cannot rewrite it.
        """
        if not self.digest:
            return rule
        taken = self.added.intersection(_detections(rule))
        if taken:  # pySigma would put one in the place of the other
            raise RuleMistake(
                f"a processing pipeline adds a condition `{min(taken)}`, which is a detection of the rule"
            )
        try:
            _parsed(self.definition).apply(rule)
        except _MISFITS as error:
            raise RuleMistake(f"a processing pipeline ({', '.join(self.names)}) refuses it: {error}") from error
        return rule


NO_PIPELINES: Final = Pipelines()


def _detections(rule: SigmaRule | SigmaCorrelationRule) -> Iterable[str]:
    return rule.detection.detections if isinstance(rule, SigmaRule) else ()


@dataclass(frozen=True, slots=True)
class _File:
    """One pipeline file.

    Attributes:
        path: As the user named it.
        digest: SHA-256 of its bytes.
        content: What it says.
    """

    path: str
    digest: bytes
    content: Mapping[str, Any]

    @property
    def order(self) -> tuple[int, str]:
        return self.content.get("priority", 0), self.path

    @property
    def name(self) -> str:
        return str(self.content.get("name") or Path(self.path).name)


def load_pipelines(paths: Iterable[Path]) -> Pipelines:
    """Read pipeline files; the same file twice counts once.

    Raises:
        RuleErrors: With everything that is wrong with any of them.
    """
    files: list[_File] = []
    problems: list[RuleProblem] = []
    for path in dict.fromkeys(paths):
        found, faults = _load(path)
        problems.extend(faults)
        files.extend(found)
    if problems:
        raise RuleErrors(tuple(problems))
    ordered = sorted(files, key=lambda file: file.order)
    return _joined(ordered) if ordered else NO_PIPELINES


def _joined(files: list[_File]) -> Pipelines:
    variables: dict[str, Any] = {}
    transformations: list[Any] = []
    for file in files:
        variables.update(file.content.get("vars") or {})
        for item in file.content.get("transformations") or ():
            transformations.append(_named(item, f"_pipeline_{len(transformations)}"))
    digest = hashlib.sha256(b"".join(file.digest for file in files)).hexdigest()
    definition = {"vars": variables, "transformations": transformations}
    return Pipelines(digest, tuple(file.name for file in files), frozenset(_added(transformations)), definition)


def _added(transformations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for item in transformations:
        if item["type"] == "add_condition":
            yield item["name"]
        yield from _added(item.get("items", ()))


def _named(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Name the detections that `add_condition` adds: pySigma draws lots, and rules would differ from run to run."""
    if item["type"] == "add_condition":
        return {"name": name, **item}
    if item["type"] == "nest":
        return {**item, "items": [_named(inner, f"{name}_{index}") for index, inner in enumerate(item["items"])]}
    return item


def _load(path: Path) -> tuple[list[_File], list[RuleProblem]]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return [], [RuleProblem(str(path), 0, "", f"cannot be read: {error.strerror or error}")]
    if len(data) > MAX_FILE_BYTES:
        return [], [RuleProblem(str(path), 0, "", f"longer than {MAX_FILE_BYTES} bytes; no pipeline is")]
    documents, problems = parse_documents(data, str(path), null_keys=True)
    if problems:
        return [], problems
    if len(documents) != 1:
        return [], [RuleProblem(str(path), 0, "", f"holds {len(documents)} YAML documents; a pipeline is one")]
    content = documents[0].content
    problems = list(_problems(content, str(path), documents[0].lines, data))
    return [_File(str(path), hashlib.sha256(data).digest(), content)], problems


def _problems(content: Mapping[str, Any], path: str, lines: Mapping[str, int], data: bytes) -> Iterator[RuleProblem]:
    name = str(content.get("name") or "")
    for key, fault in _faults(content):
        yield RuleProblem(path, lines.get(key) or lines.get("", 0), name, fault)
    items = content.get("transformations") or []
    if isinstance(items, list):
        at = _item_lines(data)
        for index, item in enumerate(items):
            for fault in _faults_of(item):
                yield RuleProblem(path, at.get(index, 0), name, f"transformation {index + 1}: {fault}")


def _faults(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong outside of the transformations, each with its key."""
    for key in content.keys() - _KEYS:
        yield key, f"{key}: unknown key; known: {', '.join(sorted(_KEYS))}"
    for key in _OF_QUERIES:
        if content.get(key):
            yield key, f"{key}: is refused: it works on the text of queries, and Braid makes no queries"
    if type(content.get("priority", 0)) is not int:
        yield "priority", "priority: must be a whole number"
    if not isinstance(content.get("vars") or {}, Mapping):
        yield "vars", "vars: must be a map"
    for name, value in _variables(content).items():
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(item, str | int | float) for item in values):
            yield "vars", f"vars.{name}: must be a text or a number, or a list of them"
    transformations = content.get("transformations")
    if transformations is None:
        yield "", "has no `transformations`: is it a processing pipeline?"
    elif not isinstance(transformations, list):
        yield "transformations", "transformations: must be a list"


def _variables(content: Mapping[str, Any]) -> Mapping[str, Any]:
    variables = content.get("vars")
    return variables if isinstance(variables, Mapping) else {}


def _faults_of(item: Any) -> Iterator[str]:
    found = list(faults_of_item(item))
    if not found:
        try:
            _parsed({"transformations": [item]})
        except _MISFITS as error:
            found = [str(error).removeprefix("Error in processing rule 1: ") or type(error).__name__]
    yield from found


def _parsed(definition: Mapping[str, Any]) -> ProcessingPipeline:
    """Let pySigma read a pipeline. Its half that knows them is heavy, and loaded only where there are some."""
    from sigma.processing.pipeline import ProcessingPipeline

    return ProcessingPipeline.from_dict(copy.deepcopy(dict(definition)), policy=POLICY)


def _item_lines(data: bytes) -> dict[int, int]:
    """Return the 1-based line of every transformation. The file has been read once: it is bounded and well-formed."""
    root = yaml.compose(data, yaml.CSafeLoader)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "transformations" and isinstance(value, yaml.SequenceNode):
            return {index: node.start_mark.line + 1 for index, node in enumerate(value.value)}
    return {}

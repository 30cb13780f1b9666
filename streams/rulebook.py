"""The rulebook: every detection and correlation of some directories, compiled, or everything wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from models.errors import RuleErrors, RuleProblem
from streams.correlate.spec import CorrelationSpec, Reference, compile_correlation
from streams.detect.loader import LoadedDocument, compile_detections, load_documents
from streams.detect.rule import DetectionRule


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Compiled content, and what was left out of it.

    Attributes:
        detections: Sigma detection rules, sorted by uid.
        correlations: Sigma correlation rules, sorted by uid.
        problems: What is wrong, sorted by file and line; a rule with a problem is in neither list.
    """

    detections: tuple[DetectionRule, ...]
    correlations: tuple[CorrelationSpec, ...]
    problems: tuple[RuleProblem, ...]

    def sound(self) -> Rulebook:
        """Return this rulebook when nothing is wrong with it; raise RuleErrors with every problem when something is."""
        if self.problems:
            raise RuleErrors(self.problems)
        return self


def load_rulebook(paths: Iterable[Path]) -> Rulebook:
    """Load and compile all rules of files and directories. Raises nothing for bad content: see `problems`."""
    found, unread = load_documents(paths)
    documents, repeated = _unique(sorted(found, key=lambda document: (document.path, document.line)))
    detections, wrong_detections = compile_detections(documents)
    problems = [*unread, *repeated, *wrong_detections]
    references = _references(detections)
    correlations = []
    for document in documents:
        if "correlation" in document.document:
            spec, wrong = compile_correlation(document.document, document.path, document.line, references)
            problems.extend(wrong)
            correlations.extend([spec] if spec else [])
    return Rulebook(
        tuple(sorted(detections, key=lambda rule: rule.analytic.uid)),
        tuple(sorted(correlations, key=lambda spec: spec.uid)),
        tuple(sorted(problems, key=lambda problem: (problem.path, problem.line, problem.message))),
    )


def _references(detections: Iterable[DetectionRule]) -> dict[str, Reference]:
    references = {}
    for rule in detections:
        reference = Reference(rule.analytic, rule.investigation)
        references[rule.analytic.uid] = reference
        if rule.name:
            references[rule.name] = reference
    return references


def _unique(documents: Iterable[LoadedDocument]) -> tuple[list[LoadedDocument], list[RuleProblem]]:
    """Keep the first document of every id: two rules of one would make signals or sequences of one uid."""
    first: dict[str, LoadedDocument] = {}
    kept, problems = [], []
    for document in documents:
        uid = _uid(document)
        at = first.setdefault(uid, document) if uid else document
        if at is document:
            kept.append(document)
        else:
            message = f"id {uid} is used before, in {at.path}:{at.line}"
            problems.append(RuleProblem(document.path, document.line, str(document.document.get("title", "")), message))
    return kept, problems


def _uid(document: LoadedDocument) -> str:
    """Return the id as rules carry it, however it is spelled; as it stands when it is none."""
    text = str(document.document.get("id", ""))
    try:
        return str(UUID(text))
    except ValueError:
        return text

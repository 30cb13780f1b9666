"""The rulebook: every detection and correlation of some directories, compiled, or everything wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from enrichers.intel.analytics import ANALYTICS as INTEL_ANALYTICS
from models.errors import RuleErrors, RuleProblem
from streams.correlate.compiling import Reference, compile_correlation
from streams.correlate.linking import Compiled, linked, reference_to
from streams.correlate.spec import CorrelationSpec
from streams.detect.filters import RuleFilter
from streams.detect.loader import CompiledDocument, link_detections
from streams.detect.logsource import RuleLogSource
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.rule import DetectionRule
from streams.profile.detectors import ANALYTICS as ANOMALY_ANALYTICS
from streams.rulebook.cache import RuleCache
from streams.rulebook.files import Progress, load_files
from streams.sources.producers import sources_of


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Compiled content, and what was left out of it.

    Attributes:
        detections: Sigma detection rules, sorted by uid.
        correlations: Sigma correlation rules, sorted by uid.
        problems: What is wrong, sorted by file and line; a rule with a problem is in neither list.
        digests: SHA-256 of every file that could be read, hexadecimal, by path.
        remarks: What the cache of compiled rules has to say; nothing is wrong with the rules.
        filters: Sigma filters, which the detections are narrowed by already, in the order of the files.
    """

    detections: tuple[DetectionRule, ...]
    correlations: tuple[CorrelationSpec, ...]
    problems: tuple[RuleProblem, ...]
    digests: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    remarks: tuple[str, ...] = field(default=(), compare=False)
    filters: tuple[RuleFilter, ...] = ()

    @property
    def digest(self) -> str:
        """Return one short name for the contents of all files, wherever they are."""
        return sha256("".join(sorted(set(self.digests.values()))).encode()).hexdigest()[:16]

    def sound(self) -> Rulebook:
        """Return this rulebook when nothing is wrong with it; raise RuleErrors with every problem when something is."""
        if self.problems:
            raise RuleErrors(self.problems)
        return self


def load_rulebook(
    paths: Iterable[Path],
    pipelines: Pipelines = NO_PIPELINES,
    cache: RuleCache | None = None,
    progress: Progress | None = None,
) -> Rulebook:
    """Load and compile all rules of files and directories. Raises nothing for bad content: see `problems`.

    Args:
        paths: Files and directories.
        pipelines: Rewrite the rules before they are compiled.
        cache: Where compiled rules are kept; None to compile all of them.
        progress: Told how many files have been compiled, of how many, while there are any to compile.
    """
    files = load_files(paths, pipelines, cache, progress)
    found = [_Placed(path, document) for path, file in files.compiled.items() for document in file.documents]
    placed, repeated = _unique(sorted(found, key=lambda each: (each.path, each.document.line)))
    detections, unlinked = link_detections(each.document.content for each in placed)
    problems = [problem for file in files.compiled.values() for problem in file.problems]
    problems += [*repeated, *(problem for each in placed for problem in each.document.problems), *unlinked]
    correlations, wrong = _correlations(placed, detections, pipelines)
    problems += wrong
    return Rulebook(
        tuple(sorted(detections, key=lambda rule: rule.analytic.uid)),
        tuple(sorted(correlations, key=lambda spec: spec.uid)),
        tuple(sorted(problems, key=lambda problem: (problem.path, problem.line, problem.message))),
        files.digests,
        files.remarks,
        tuple(each.document.content for each in placed if isinstance(each.document.content, RuleFilter)),
    )


class _Placed(NamedTuple):
    path: str
    document: CompiledDocument


def _correlations(
    placed: Iterable[_Placed], detections: Iterable[DetectionRule], pipelines: Pipelines
) -> tuple[list[CorrelationSpec], list[RuleProblem]]:
    documents = [(each.document.content, each) for each in placed if isinstance(each.document.content, Mapping)]
    references = _references(detections)
    logsources = {reference.analytic.uid: reference.logsource for reference in references.values()}
    for content, _ in documents:
        references.update((name, to) for name, to in reference_to(content).items() if name not in references)
    compiled, problems = [], list[RuleProblem]()
    for content, (path, document) in documents:
        spec, wrong = compile_correlation(content, path, document.lines, references, pipelines)
        problems += wrong
        if spec:
            line = document.lines.get("correlation.rules", document.line)
            compiled.append(Compiled(spec, path, line, content.get("generate") is True))
    specs, unlinked = linked(compiled, logsources)
    return [replace(spec, sources=_sources(spec, logsources)) for spec in specs], [*problems, *unlinked]


def _sources(spec: CorrelationSpec, logsources: Mapping[str, RuleLogSource]) -> frozenset[str]:
    """Return the sources in which it matters that something did not happen; none where that may be any."""
    of_rules = [sources_of(logsources[uid]) if uid in logsources else frozenset() for uid in spec.undecided]
    return frozenset().union(*of_rules) if all(of_rules) else frozenset()


def _references(detections: Iterable[DetectionRule]) -> dict[str, Reference]:
    references = {name: Reference(analytic) for name, analytic in {**INTEL_ANALYTICS, **ANOMALY_ANALYTICS}.items()}
    for rule in detections:
        reference = Reference(rule.analytic, rule.investigation, rule.logsource)
        references[rule.analytic.uid] = reference
        if rule.name:
            references[rule.name] = reference
    return references


def _unique(found: Iterable[_Placed]) -> tuple[list[_Placed], list[RuleProblem]]:
    """Keep the first document of every id: two rules of one would make signals or sequences of one uid."""
    first: dict[str, _Placed] = {}
    kept, problems = [], []
    for placed in found:
        document = placed.document
        at = first.setdefault(document.uid, placed) if document.uid else placed
        if at is placed:
            kept.append(placed)
        else:
            message = f"id {document.uid} is used before, in {at.path}:{at.document.line}"
            problems.append(RuleProblem(placed.path, document.line, document.title, message))
    return kept, problems

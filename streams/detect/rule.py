"""A detection rule: compiled once from its document, or refused with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sigma.rule import SigmaDetection, SigmaRule
from sigma.rule.detection import EmptySigmaDetections

from models.errors import RuleProblem
from models.finding import Analytic
from streams.detect import metadata
from streams.detect.condition import NO_PLACEHOLDERS, Compiled, compile_detections, doubts, respell
from streams.detect.exceptions import RuleException
from streams.detect.logsource import OCSF, RuleLogSource, compile_logsource
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.predicates import Predicate
from streams.detect.problems import NO_LINES, UNREADABLE, Lines, Problems
from streams.detect.regex import POLICY
from streams.detect.values import Placeholders, RuleMistake

SIGMA: Final = "sigma"
_ABOUT: Final = ("owner", "investigation", "telemetry", "falsepositives", "references")


@dataclass(frozen=True, slots=True)
class DetectionRule:
    """A Sigma rule, ready to be evaluated.

    Attributes:
        analytic: Id, title, author, severity and ATT&CK references, as its signals carry them.
        name: Sigma's `name`, by which correlations may refer to it; often empty.
        level: `informational` to `critical`, or empty.
        status: `stable`, `test`, `experimental`, ... or empty.
        confidence: 0 to 100, from the status.
        risk: 0 to 100, from the level.
        logsource: Which events it concerns.
        taxonomy: `ocsf` when its fields are those of the OCSF event, else `sigma`.
        condition: What it looks for.
        description: What it finds.
        owner: Who keeps it.
        investigation: What the investigator should check.
        telemetry: What has to be collected for it to see anything.
        falsepositives: What else it may be.
        references: Where to read on.
        path: The file it comes from.
        exceptions: What takes some of its matches out, for a time.
        warnings: What works but deserves a look.
    """

    analytic: Analytic
    name: str
    level: str
    status: str
    confidence: int
    risk: int
    logsource: RuleLogSource
    taxonomy: str
    condition: Predicate
    description: str = ""
    owner: str = ""
    investigation: str = ""
    telemetry: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    path: str = ""
    exceptions: tuple[RuleException, ...] = ()
    warnings: tuple[RuleProblem, ...] = field(default=(), compare=False)

    @property
    def uid(self) -> str:
        """Return the rule's id."""
        return self.analytic.uid

    @property
    def title(self) -> str:
        """Return the rule's title."""
        return self.analytic.name


def compile_rule(
    document: Mapping[str, Any],
    path: str,
    lines: Lines = NO_LINES,
    placeholders: Placeholders = NO_PLACEHOLDERS,
    pipelines: Pipelines = NO_PIPELINES,
) -> DetectionRule:
    """Compile one detection document.

    Args:
        document: The parsed YAML document. It is not changed.
        path: Its file, for problems.
        lines: 1-based lines by key: `""` for the document, `title`, `detection.selection` ...
        placeholders: Values for `expand`.
        pipelines: Rewrite the rule before it is compiled.

    Raises:
        RuleErrors: With everything that is wrong with it, or why a pipeline refuses it.
    """
    problems = Problems(document, path, lines)
    source = _parse(document, problems)
    logsource = problems.attempt("logsource", lambda: _logsource(document), RuleLogSource())
    about = {key: _about(key, document, problems) for key in _ABOUT}
    problems.check()
    if pipelines.digest:
        logsource = problems.insist("", lambda: rewrite(source, pipelines))
    compiled = problems.insist("detection", lambda: compile_detections(source.detection, placeholders))
    return _rule(source, document, logsource, about, compiled, problems)


def rewrite(source: SigmaRule, pipelines: Pipelines) -> RuleLogSource:
    """Let the pipelines rewrite a parsed rule in place, and return the log source it has now.

    A pipeline names the taxonomy of the fields it maps to by `set_custom_attribute`, attribute `taxonomy`.

    Raises:
        RuleMistake: When a pipeline refuses the rule.
    """
    pipelines.apply(source)
    source.taxonomy = str(source.custom_attributes.get("taxonomy", source.taxonomy))
    if source.taxonomy not in {SIGMA, OCSF}:
        raise RuleMistake(f"a processing pipeline sets taxonomy {source.taxonomy!r}; say {SIGMA} or {OCSF}")
    names = ("product", "category", "service")
    return compile_logsource({name: getattr(source.logsource, name) for name in names}, source.taxonomy)


def _rule(
    source: SigmaRule,
    document: Mapping[str, Any],
    logsource: RuleLogSource,
    about: Mapping[str, tuple[str, ...]],
    compiled: Compiled,
    problems: Problems,
) -> DetectionRule:
    level, status = metadata.level_of(source), metadata.status_of(source)
    return DetectionRule(
        analytic=metadata.analytic_of(source, document),
        name=source.name or "",
        level=level,
        status=status,
        confidence=metadata.CONFIDENCE_OF_STATUS.get(status, metadata.DEFAULT_CONFIDENCE),
        risk=metadata.RISK_OF_LEVEL[level or metadata.DEFAULT_LEVEL],
        logsource=logsource,
        taxonomy=source.taxonomy,
        condition=compiled.predicate,
        description=(source.description or "").strip(),
        owner=" ".join(about["owner"]),
        investigation="\n".join(about["investigation"]),
        telemetry=about["telemetry"],
        falsepositives=about["falsepositives"],
        references=about["references"],
        path=problems.path,
        warnings=tuple(_warnings(compiled, document.get("detection"), problems)),
    )


def _parse(document: Mapping[str, Any], problems: Problems) -> SigmaRule:
    """Let pySigma read the rule, and collect what it reports; raise RuleErrors where it gives up."""
    identifier = document.get("id")
    if not isinstance(identifier, str | None):
        problems.add("id", f"id: must be a UUID, not {identifier!r}")
    readable = {key: value for key, value in document.items() if key != "id" or isinstance(value, str)}
    readable["detection"] = problems.insist("detection", lambda: respell(document.get("detection")))
    if document.get("taxonomy") == OCSF and not document.get("logsource"):
        readable["logsource"] = {"product": OCSF}
    source = problems.insist("", lambda: SigmaRule.from_dict(readable, collect_errors=True, policy=POLICY))
    _collect(source, readable["detection"], problems)
    return source


def _collect(source: SigmaRule, detection: Any, problems: Problems) -> None:
    """Collect pySigma's errors. Of the detections it reports the first only, and not which: try them one by one."""
    unread = isinstance(source.detection, EmptySigmaDetections)
    errors, of_detections = (source.errors[:-1], source.errors[-1:]) if unread else (source.errors, [])
    problems.add_errors(errors)
    if of_detections and not _try_each(detection, problems):
        problems.add("detection", f"detection: {of_detections[0]}")
    if isinstance(detection, Mapping) and "timeframe" in detection:
        problems.add("detection.timeframe", "detection.timeframe: is a matter of correlation rules since Sigma 2")
    if source.taxonomy not in {SIGMA, OCSF}:
        problems.add("taxonomy", f"taxonomy: {source.taxonomy!r} is not known; say {SIGMA} or {OCSF}")


def _try_each(detection: Any, problems: Problems) -> bool:
    found = False
    for name, definition in detection.items() if isinstance(detection, Mapping) else ():
        if name != "condition":
            try:
                SigmaDetection.from_definition(definition, None, POLICY)
            except UNREADABLE as error:
                problems.add(f"detection.{name}", f"detection.{name}: {error}")
                found = True
    return found


def _logsource(document: Mapping[str, Any]) -> RuleLogSource:
    stated = document.get("logsource")
    readable = stated if isinstance(stated, Mapping) else {}  # pySigma has told of one that is no map
    return compile_logsource(readable, str(document.get("taxonomy", SIGMA)))


def _about(key: str, document: Mapping[str, Any], problems: Problems) -> tuple[str, ...]:
    return problems.attempt(key, lambda: metadata.texts(document.get(key)), ())


def _warnings(compiled: Compiled, detection: Any, problems: Problems) -> Iterator[RuleProblem]:
    for name in compiled.unused:
        yield problems.problem(f"detection.{name}", f"detection `{name}` is never used by the condition")
    for name, doubt in doubts(detection):
        yield problems.problem(f"detection.{name}", f"detection.{name}: {doubt}")

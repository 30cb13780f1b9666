"""Compile correlation documents: pySigma reads what is Sigma's, Braid what pySigma cannot and what is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaCorrelationTimespan,
    SigmaExtendedCorrelationCondition,
)

from models.entity import ENTITY_TYPES
from models.errors import RuleErrors, RuleProblem
from models.finding import Analytic
from streams.correlate.conditions import (
    MEDIAN,
    NUMERIC_KINDS,
    Formula,
    Threshold,
    read_formula,
    read_percentile,
    read_threshold,
)
from streams.correlate.documents import kind_of, named_rules, names_in_aliases, parse
from streams.correlate.numbers import Number
from streams.correlate.own_keys import KNOWN, Context, own_map, read_absences, read_session, read_steps, read_until
from streams.correlate.renaming import rewrite
from streams.correlate.risk import KIND as RISK
from streams.correlate.risk import Breadth, read_breadth
from streams.correlate.settings import duration, risk_threshold, timespan_ms
from streams.correlate.spec import EVERY, CorrelationSpec
from streams.correlate.steps import ENTITY_PREFIX, Absence, Step
from streams.detect import metadata
from streams.detect.logsource import RuleLogSource
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.problems import Lines, Problems
from streams.detect.values import RuleMistake

COOLDOWN: Final = "braid.cooldown"
BEHAVIORAL: Final = 2  # OCSF analytic type of a correlation
DEFAULT_RISK_THRESHOLD: Final = {
    "event_count": 50,
    "value_count": 50,
    **dict.fromkeys(sorted(NUMERIC_KINDS), 50),
    "temporal": 60,
    "temporal_ordered": 60,
    RISK: 60,
}
DEFAULT_LEVEL: Final = "high"  # several signals together weigh more than one
_UNNAMED: Final = RuleLogSource()
_MEDIAN: Final[Number] = MEDIAN
_NO_STEPS: Final[tuple[tuple[Step, ...], tuple[str, ...]]] = ((), ())


@dataclass(frozen=True, slots=True)
class Reference:
    """What a correlation may point at: a detection rule or another correlation, by id or name.

    Attributes:
        analytic: Its id, title ...
        investigation: What its author wants checked.
        logsource: Which events it concerns, as pipelines left it.
    """

    analytic: Analytic
    investigation: str = ""
    logsource: RuleLogSource = _UNNAMED


def compile_correlation(
    document: Mapping[str, Any],
    path: str,
    lines: Lines,
    references: Mapping[str, Reference],
    pipelines: Pipelines = NO_PIPELINES,
) -> tuple[CorrelationSpec | None, tuple[RuleProblem, ...]]:
    """Compile one correlation document.

    Args:
        document: The parsed YAML document.
        path: File it stands in, for problems.
        lines: 1-based lines by key: `""` for the document, `correlation.timespan` ...
        references: Detection rules and correlations by id and by name.
        pipelines: Rewrite the fields that it names as they rewrite those of rules.

    Returns:
        The compiled rule and no problems, or None and what has to be mended.
    """
    try:
        return _compile(document, references, pipelines, Problems(document, path, lines)), ()
    except RuleErrors as errors:
        return None, errors.problems


def _compile(
    document: Mapping[str, Any], references: Mapping[str, Reference], pipelines: Pipelines, problems: Problems
) -> CorrelationSpec:
    rule = parse(document, problems)
    own = _own(document, problems)
    about = _context(rule, document, references, pipelines, problems)
    hold, kind, condition = problems.hold, about.kind, document["correlation"].get("condition")
    named = dict(zip(about.names, about.rules, strict=True))
    uid_of = {**named, **{name: about.resolve(name) for name in names_in_aliases(rule)}}
    formula: Formula | None = hold("correlation.condition", lambda: _formula(rule, kind, uid_of), None)
    fields: tuple[str, ...] = hold("correlation.condition", lambda: _count_fields(rule, kind), ())
    numbers = condition if isinstance(condition, Mapping) else {}
    percentile: Number = hold("correlation.condition", lambda: read_percentile(numbers, kind), _MEDIAN)
    aliases: Mapping[str, Mapping[str, str]] = hold("correlation.aliases", lambda: _aliases(rule, uid_of), {})
    steps, names = hold("braid.steps", lambda: read_steps(own, about), _NO_STEPS)
    until: tuple[str, ...] = hold("braid.until", lambda: read_until(own, about), ())
    session: int | None = hold("braid.session", lambda: read_session(own, about.timespan), None)
    breadth: Breadth | None = hold("braid.risk", lambda: read_breadth(own, kind, about.timespan), None)
    problems.check()
    each = len(steps) or len(set(about.rules))
    threshold = hold("correlation.condition", lambda: _threshold(condition, formula, kind, each), Threshold("gte", 1))
    absences: tuple[Absence, ...] = hold("braid.absent", lambda: read_absences(own, names, until, about), ())
    problems.check()
    return CorrelationSpec(
        analytic=_analytic(rule),
        kind=kind,
        rules=about.rules,
        group_by=about.group_by,
        timespan=about.timespan,
        threshold=threshold,
        count_fields=fields,
        aliases=aliases,
        cooldown=duration(own["cooldown"], COOLDOWN) if "cooldown" in own else about.timespan,
        risk_threshold=own.get("risk_threshold", DEFAULT_RISK_THRESHOLD[kind]),
        investigation=str(document.get("investigation") or "").strip(),
        percentile=percentile,
        formula=formula,
        steps=steps,
        absences=absences,
        until=until,
        session=session,
        breadth=breadth,
        name=rule.name or "",
        description=(rule.description or "").strip(),
        falsepositives=tuple(map(str, rule.falsepositives or ())),
    )


def _own(document: Mapping[str, Any], problems: Problems) -> Mapping[str, Any]:
    """Return the `braid` map, as far as it can be read by itself."""
    stated = document.get("braid", {})
    own: Mapping[str, Any] = (
        {key: value for key, value in stated.items() if key in KNOWN} if isinstance(stated, Mapping) else {}
    )
    unknown = next((f".{key}" for key in stated if key not in KNOWN), "") if isinstance(stated, Mapping) else ""
    problems.hold(f"braid{unknown}", lambda: own_map(document), own)
    if "cooldown" in own:
        problems.hold(COOLDOWN, lambda: duration(own["cooldown"], COOLDOWN), 0)
    if "risk_threshold" in own:
        problems.hold("braid.risk_threshold", lambda: risk_threshold(own["risk_threshold"]), 0)
    return own


def _context(
    rule: SigmaCorrelationRule,
    document: Mapping[str, Any],
    references: Mapping[str, Reference],
    pipelines: Pipelines,
    problems: Problems,
) -> Context:
    """Read what the rest is read by, type, rules, group-by and timespan; raise RuleErrors when that cannot be."""
    if document.get("id") is None:
        problems.add("id", "a correlation rule needs an id (a UUID): sequences are named by it")
    named = problems.demand("correlation.rules", lambda: named_rules(document, rule))
    for name in dict.fromkeys((*named, *names_in_aliases(rule))):
        if name not in references:
            problems.add("correlation.rules" if name in named else "correlation.aliases", _unknown(name))
    group_by: tuple[str, ...] = problems.hold("correlation.group-by", lambda: _group_by(document), ())
    if isinstance(rule.timespan, SigmaCorrelationTimespan):
        problems.hold("correlation.timespan", lambda: timespan_ms("timespan", rule.timespan), 0)
    problems.check()
    timespan = timespan_ms("timespan", rule.timespan)
    if pipelines.digest:
        logsources = [references[name].logsource for name in named]
        entities = [name for name in group_by if name.startswith(ENTITY_PREFIX)]
        problems.demand("correlation", lambda: rewrite(rule, logsources, pipelines, entities))
        group_by = tuple(dict.fromkeys(rule.group_by or ()))
    rules = tuple(references[name].analytic.uid for name in named) or (EVERY,)
    resolve = partial(_uid_of, references)
    return Context(kind_of(document, rule), rules, tuple(named) or rules, group_by, timespan, resolve)


def _aliases(rule: SigmaCorrelationRule, uid_of: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    return {
        alias.alias: {
            uid_of[reference.reference]: _field_name(f"aliases.{alias.alias}", field)
            for reference, field in alias.mapping.items()
        }
        for alias in rule.aliases
    }


def _uid_of(references: Mapping[str, Reference], name: Any) -> str:
    found = references.get(name) if isinstance(name, str) else None
    if found is None:
        raise RuleMistake(_unknown(name))
    return found.analytic.uid


def _unknown(name: Any) -> str:
    return f"refers to rule {name!r}, which is in none of the loaded files (by id or name)"


def _group_by(document: Mapping[str, Any]) -> tuple[str, ...]:
    stated = document["correlation"].get("group-by")
    names = [_field_name("group-by", name) for name in ([stated] if isinstance(stated, str) else stated or ())]
    for name in names:
        kind = name.removeprefix(ENTITY_PREFIX)
        if name.startswith(ENTITY_PREFIX) and kind not in ENTITY_TYPES:
            raise RuleMistake(f"group-by {name}: unknown entity type; use one of {', '.join(ENTITY_TYPES)}")
    return tuple(names)


def _field_name(where: str, name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise RuleMistake(f"{where}: {name!r} is not the name of a field")
    return name


def _formula(rule: SigmaCorrelationRule, kind: str, uid_of: Mapping[str, str]) -> Formula | None:
    if not isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        return None
    if kind == "temporal_ordered":
        raise RuleMistake("temporal_ordered takes no boolean condition: what is absent has no place in an order")
    return read_formula(rule.condition, uid_of)


def _threshold(condition: Any, formula: Formula | None, kind: str, distinct_rules: int) -> Threshold:
    if formula is not None:
        return Threshold("gte", 1, grows=formula.monotone)
    every = Threshold("gte", distinct_rules)
    if condition is None and kind == RISK:
        raise RuleMistake("risk needs a condition, the sum of risks that is to be reached: `gte: 100`")
    if condition is None:
        return every
    threshold = read_threshold(condition, kind, distinct_rules)
    if kind == RISK and not threshold.upwards:
        raise RuleMistake("condition: risk takes gt and gte only, since it looks for the most that a window reaches")
    if kind == "temporal_ordered" and threshold != every:
        raise RuleMistake("temporal_ordered takes no condition: all of its rules have to fire, in the order of `rules`")
    return threshold


def _count_fields(rule: SigmaCorrelationRule, kind: str) -> tuple[str, ...]:
    if not kind.startswith("value_") or not isinstance(rule.condition, SigmaCorrelationCondition):
        return ()
    stated = rule.condition.fieldref
    fields = stated if isinstance(stated, list) and stated else [stated]
    if kind in NUMERIC_KINDS and len(fields) > 1:
        raise RuleMistake(f"condition.field: {kind} reckons with one field, not with {len(fields)}")
    return tuple(_field_name("condition.field", field) for field in fields)


def _analytic(rule: SigmaCorrelationRule) -> Analytic:
    return Analytic(
        uid=str(rule.id),
        name=rule.title,
        type_id=BEHAVIORAL,
        author=rule.author or "",
        severity_id=metadata.SEVERITY_OF_LEVEL[metadata.level_of(rule) or DEFAULT_LEVEL],
        attacks=metadata.attacks_of(rule.tags),
    )

"""A correlation rule, compiled: what belongs together, on which group, within how long.

Source: the Sigma correlation rules specification 2.1. Two things are Braid's own: `entity.<type>` as a group-by field
stands for every entity of that type that an event names or is linked to, and the optional top-level `braid` map sets
`cooldown` and `risk_threshold`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationTimespan,
    SigmaCorrelationType,
)
from sigma.exceptions import SigmaError

from models.entity import ENTITY_TYPES
from models.errors import RuleProblem
from models.finding import Analytic
from streams.correlate.renaming import rewrite
from streams.detect import metadata
from streams.detect.logsource import RuleLogSource
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.problems import UNREADABLE
from streams.detect.values import RuleMistake

ENTITY_PREFIX: Final = "entity."
BEHAVIORAL: Final = 2  # OCSF analytic type of a correlation
DEFAULT_RISK_THRESHOLD: Final = {"event_count": 50, "value_count": 50, "temporal": 60, "temporal_ordered": 60}
DEFAULT_LEVEL: Final = "high"  # several signals together weigh more than one
MAX_TIMESPAN_MS: Final = 366 * 86_400_000  # beyond a year nothing is remembered
_UNNAMED: Final = RuleLogSource()
_OPERATORS: Final[Mapping[str, Callable[[int | float, int | float], bool]]] = {
    name: getattr(operator, attribute)
    for name, attribute in {"lt": "lt", "lte": "le", "gt": "gt", "gte": "ge", "eq": "eq", "neq": "ne"}.items()
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """Compare a count with a number.

    Attributes:
        op: `gt`, `gte`, `lt`, `lte`, `eq` or `neq`.
        count: The number to compare with.
    """

    op: str
    count: int | float

    @property
    def monotone(self) -> bool:
        """Tell whether more signals can only make it true: then no waiting for the window to close is needed."""
        return self.op in {"gt", "gte"}

    def holds(self, count: int) -> bool:
        """Compare."""
        return _OPERATORS[self.op](count, self.count)


@dataclass(frozen=True, slots=True)
class CorrelationSpec:
    """One compiled correlation rule.

    Attributes:
        analytic: Its id, title, author, severity and ATT&CK references.
        kind: `event_count`, `value_count`, `temporal` or `temporal_ordered`.
        rules: Uids of the rules it looks at, in the order it names them.
        group_by: Group-by fields; `entity.<type>` or field names. Empty means one group for everything.
        timespan: Longest distance between the first and the last needed signal, ms, inclusive.
        threshold: What the count must meet; for the temporal kinds how many of the rules, unless it says, all.
        count_fields: For `value_count`: fields whose distinct values count.
        aliases: Alias to rule uid to that rule's field name.
        cooldown: How long after the window further signals still join the same sequence, ms.
        risk_threshold: Risk a sequence needs to be escalated.
        investigation: What its author wants checked.
    """

    analytic: Analytic
    kind: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    threshold: Threshold
    count_fields: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]]
    cooldown: int
    risk_threshold: int
    investigation: str = ""

    @property
    def uid(self) -> str:
        """Return the correlation rule's id."""
        return self.analytic.uid

    @property
    def span(self) -> int:
        """Return how long one sequence can last, from its first signal to the last that may join, ms."""
        return self.timespan + self.cooldown

    def field_name(self, name: str, rule_uid: str) -> str:
        """Resolve an alias for one rule; a name that is no alias is the field itself."""
        return self.aliases.get(name, {}).get(rule_uid, name)

    def fields_of(self, rule_uid: str) -> frozenset[str]:
        """Return the event fields whose values this correlation needs from signals of one rule."""
        names = (*(n for n in self.group_by if not n.startswith(ENTITY_PREFIX)), *self.count_fields)
        return frozenset(self.field_name(name, rule_uid) for name in names)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a correlation may point at: a detection rule, by id or name.

    Attributes:
        analytic: Its id, title ...
        investigation: What its author wants checked.
        logsource: Which events it concerns, as pipelines left it.
    """

    analytic: Analytic
    investigation: str = ""
    logsource: RuleLogSource = _UNNAMED


class _Mistake(Exception):
    """A rule its author must mend; caught where the rule's place is known."""


def compile_correlation(
    document: Mapping[str, Any],
    path: str,
    line: int,
    references: Mapping[str, Reference],
    pipelines: Pipelines = NO_PIPELINES,
) -> tuple[CorrelationSpec | None, tuple[RuleProblem, ...]]:
    """Compile one correlation document.

    Args:
        document: The parsed YAML document.
        path: File it stands in, for problems.
        line: 1-based line where it starts.
        references: Detection rules by id and by name.
        pipelines: Rewrite the fields that it names as they rewrite those of rules.

    Returns:
        The compiled rule and no problems, or None and what has to be mended.
    """
    title = document.get("title")
    try:
        _check_texts(document)
        rule = SigmaCorrelationRule.from_dict(dict(document))
        return _compile(rule, document, references, pipelines), ()
    except (SigmaError, _Mistake, RuleMistake) as error:
        message = str(error)
    except UNREADABLE as error:  # pySigma trusts the types of a document in places
        message = f"this cannot be read as a correlation: {type(error).__name__}: {error}"
    return None, (RuleProblem(path, line, title if isinstance(title, str) else "", message),)


def _check_texts(document: Mapping[str, Any]) -> None:
    """Refuse what pySigma takes for a text without looking."""
    stated = document.get("correlation")
    correlation = stated if isinstance(stated, Mapping) else {}
    rules = correlation.get("rules")
    texts = [("id", document.get("id")), ("correlation.type", correlation.get("type"))]
    texts += [("correlation.rules", rule) for rule in (rules if isinstance(rules, list) else ())]
    for where, value in texts:
        if value is not None and not isinstance(value, str):
            raise _Mistake(f"{where}: {value!r:.80} is not a text")


def _compile(
    rule: SigmaCorrelationRule, document: Mapping[str, Any], references: Mapping[str, Reference], pipelines: Pipelines
) -> CorrelationSpec:
    kind = rule.type.name.lower()
    if kind not in DEFAULT_RISK_THRESHOLD:
        raise _Mistake(f"correlation type {kind} is not supported; use one of {', '.join(DEFAULT_RISK_THRESHOLD)}")
    if not rule.rules:
        raise _Mistake("needs `rules`: the ids or names of the rules it looks at")
    uid_of = {name: _resolve(name, references).analytic.uid for name in _names(rule)}
    rules = tuple(uid_of[reference.reference] for reference in rule.rules)
    group_by = _group_by(document)
    if pipelines.digest:
        logsources = [_resolve(reference.reference, references).logsource for reference in rule.rules]
        rewrite(rule, logsources, pipelines, [name for name in group_by if name.startswith(ENTITY_PREFIX)])
        group_by = tuple(dict.fromkeys(rule.group_by or ()))
    timespan = _milliseconds("timespan", rule.timespan)
    own = _own_settings(document)
    return CorrelationSpec(
        analytic=_analytic(rule),
        kind=kind,
        rules=rules,
        group_by=group_by,
        timespan=timespan,
        threshold=_threshold(rule, document, kind, len(set(rules))),
        count_fields=_count_fields(rule, kind),
        aliases={
            alias.alias: {
                uid_of[reference.reference]: _field_name(f"aliases.{alias.alias}", field)
                for reference, field in alias.mapping.items()
            }
            for alias in rule.aliases
        },
        cooldown=_duration(own["cooldown"]) if "cooldown" in own else timespan,
        risk_threshold=_risk_threshold(own.get("risk_threshold", DEFAULT_RISK_THRESHOLD[kind])),
        investigation=str(document.get("investigation") or "").strip(),
    )


def _names(rule: SigmaCorrelationRule) -> set[str]:
    in_aliases = {reference.reference for alias in rule.aliases for reference in alias.mapping}
    return in_aliases | {reference.reference for reference in rule.rules or ()}


def _resolve(name: Any, references: Mapping[str, Reference]) -> Reference:
    found = references.get(name) if isinstance(name, str) else None
    if found is None:
        raise _Mistake(f"refers to rule {name!r}, which is in none of the loaded files (by id or name)")
    return found


def _group_by(document: Mapping[str, Any]) -> tuple[str, ...]:
    stated = document["correlation"].get("group-by")
    names = [_field_name("group-by", name) for name in ([stated] if isinstance(stated, str) else stated or ())]
    for name in names:
        kind = name.removeprefix(ENTITY_PREFIX)
        if name.startswith(ENTITY_PREFIX) and kind not in ENTITY_TYPES:
            raise _Mistake(f"group-by {name}: unknown entity type; use one of {', '.join(ENTITY_TYPES)}")
    return tuple(names)


def _field_name(where: str, name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise _Mistake(f"{where}: {name!r} is not the name of a field")
    return name


def _threshold(rule: SigmaCorrelationRule, document: Mapping[str, Any], kind: str, distinct_rules: int) -> Threshold:
    condition = rule.condition
    stated = document["correlation"].get("condition") is not None
    if not isinstance(condition, SigmaCorrelationCondition):
        raise _Mistake("boolean correlation conditions are not supported; name the rules in `rules`")
    if kind == "temporal_ordered" and stated:
        raise _Mistake("temporal_ordered takes no condition: all of its rules have to fire, in the order of `rules`")
    if kind.startswith("temporal") and not stated:
        return Threshold("gte", distinct_rules)
    threshold = Threshold(SigmaCorrelationConditionOperator(condition.op).name.lower(), condition.count)
    _check_reachable(threshold, kind, distinct_rules)
    return threshold


def _check_reachable(threshold: Threshold, kind: str, distinct_rules: int) -> None:
    """Refuse a condition that no window meets: each has the signal it begins with, and no rule beyond those named."""
    least = 0 if kind == "value_count" else 1
    most = distinct_rules if kind == "temporal" else max(ceil(threshold.count), least) + 1
    nearest = min(max(ceil(threshold.count), least), most)
    if not any(threshold.holds(count) for count in (least, nearest, most)):
        upwards = f"to {most}" if kind == "temporal" else "upwards"
        raise _Mistake(f"condition {threshold.op} {threshold.count} never holds: {kind} counts from {least} {upwards}")


def _count_fields(rule: SigmaCorrelationRule, kind: str) -> tuple[str, ...]:
    if kind != SigmaCorrelationType.VALUE_COUNT.name.lower() or not isinstance(
        rule.condition, SigmaCorrelationCondition
    ):
        return ()
    stated = rule.condition.fieldref
    fields = stated if isinstance(stated, list) and stated else [stated]
    return tuple(_field_name("condition.field", field) for field in fields)


def _own_settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    own = document.get("braid", {})
    if not isinstance(own, Mapping):
        raise _Mistake("braid: must be a map")
    unknown = set(own) - {"cooldown", "risk_threshold"}
    if unknown:
        raise _Mistake(f"braid: unknown key {', '.join(sorted(map(str, unknown)))}; known: cooldown, risk_threshold")
    return own


def _duration(value: Any) -> int:
    try:
        return _milliseconds("braid.cooldown", SigmaCorrelationTimespan(str(value)))
    except SigmaError as error:
        raise _Mistake(f"braid.cooldown: {error}") from error


def _milliseconds(where: str, timespan: SigmaCorrelationTimespan) -> int:
    if timespan.seconds * 1000 > MAX_TIMESPAN_MS:
        raise _Mistake(f"{where}: {timespan.spec} is longer than a year")
    return timespan.seconds * 1000


def _risk_threshold(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 100:  # noqa: PLR2004  # a risk score is 0 to 100
        raise _Mistake(f"braid.risk_threshold: {value!r} is not a whole number from 0 to 100")
    return value


def _analytic(rule: SigmaCorrelationRule) -> Analytic:
    if rule.id is None:
        raise _Mistake("a correlation rule needs an id (a UUID): sequences are named by it")
    return Analytic(
        uid=str(rule.id),
        name=rule.title,
        type_id=BEHAVIORAL,
        author=rule.author or "",
        severity_id=metadata.SEVERITY_OF_LEVEL[metadata.level_of(rule) or DEFAULT_LEVEL],
        attacks=metadata.attacks_of(rule.tags),
    )

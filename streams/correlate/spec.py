"""A correlation rule, compiled: what belongs together, on which group, within how long.

Source: the Sigma correlation rules specification 2.1. Two things are Braid's own: `entity.<type>` as a group-by field
stands for every entity of that type that an event names or is linked to, and the optional top-level `braid` map says
what Sigma cannot (`streams.correlate.own_keys`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
from streams.correlate.documents import named_rules, names_in_aliases, parse
from streams.correlate.numbers import Number
from streams.correlate.own_keys import KNOWN, Context, own_map, read_absences, read_session, read_steps, read_until
from streams.correlate.renaming import rewrite
from streams.correlate.settings import duration, risk_threshold, timespan_ms
from streams.correlate.steps import ANCHOR, ENTITY_PREFIX, Absence, Step
from streams.detect import metadata
from streams.detect.logsource import RuleLogSource
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.problems import Lines, Problems
from streams.detect.values import RuleMistake

__all__ = ["CorrelationSpec", "Reference", "Threshold", "compile_correlation"]

COOLDOWN: Final = "braid.cooldown"
BEHAVIORAL: Final = 2  # OCSF analytic type of a correlation
DEFAULT_RISK_THRESHOLD: Final = {
    "event_count": 50,
    "value_count": 50,
    **dict.fromkeys(sorted(NUMERIC_KINDS), 50),
    "temporal": 60,
    "temporal_ordered": 60,
}
_LEFTMOST: Final = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})
DEFAULT_LEVEL: Final = "high"  # several signals together weigh more than one
_UNNAMED: Final = RuleLogSource()
_MEDIAN: Final[Number] = MEDIAN
_NO_STEPS: Final[tuple[tuple[Step, ...], tuple[str, ...]]] = ((), ())


@dataclass(frozen=True, slots=True)
class CorrelationSpec:
    """One compiled correlation rule.

    Attributes:
        analytic: Its id, title, author, severity and ATT&CK references.
        kind: `event_count`, `value_count`, `value_sum`, `value_avg`, `value_percentile`, `value_median`, `temporal` or
            `temporal_ordered`.
        rules: Uids of the rules it looks at, in the order it names them.
        group_by: Group-by fields; `entity.<type>` or field names. Empty means one group for everything.
        timespan: Longest distance between the first and the last needed signal, ms, inclusive.
        threshold: What the count must meet; for the temporal kinds how many of the rules, unless it says, all; with a
            formula 1, since the figure of a window is 1 where the formula is true, otherwise 0.
        count_fields: For `value_count`: fields whose distinct values count. For the other `value_` kinds: the one field
            of numbers.
        aliases: Alias to rule uid to that rule's field name.
        cooldown: How long after the window further signals still join the same sequence, ms.
        risk_threshold: Risk a sequence needs to be escalated.
        investigation: What its author wants checked.
        percentile: For `value_percentile`: which, from 0 to 100.
        formula: For `temporal`: which rules have to fire and which must not, when its condition is boolean.
        steps: For the temporal kinds: one for each of `rules` when there is more to say about them; else none.
        absences: Rules that must not fire.
        until: Uids of rules that end a window.
        session: After how long without signals a window ends, ms; None when only the timespan ends it.
        name: Name by which other correlations may refer to it, or empty.
        is_chained: Whether another correlation looks at its sequences.
        is_part: Whether one does that does not say `generate`: then it is not escalated by itself.
        members: Uids of the rules whose signals belong to its sequences.
        others: Uids of the rules that it looks at besides.
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
    percentile: Number = MEDIAN
    formula: Formula | None = None
    steps: tuple[Step, ...] = ()
    absences: tuple[Absence, ...] = ()
    until: tuple[str, ...] = ()
    session: int | None = None
    name: str = ""
    is_chained: bool = False
    is_part: bool = False
    members: frozenset[str] = field(init=False, repr=False, compare=False)
    others: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once what every step of the correlator asks."""
        object.__setattr__(self, "members", frozenset(self.rules))
        object.__setattr__(self, "others", frozenset((*(one.rule for one in self.absences), *self.until)))

    @property
    def watched(self) -> frozenset[str]:
        """Return the uids of all rules whose signals it needs."""
        return self.members | self.others

    @property
    def is_steady(self) -> bool:
        """Tell whether more signals can only make its windows hold, one by one from the left."""
        return self.kind in _LEFTMOST and self.threshold.monotone and not self.others

    @property
    def is_plainly_ordered(self) -> bool:
        """Tell whether its order asks for nothing but one signal of each rule, one after the other."""
        return not self.steps and all(absence.step == ANCHOR for absence in self.absences)

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Return a step for each of its rules."""
        return self.steps or tuple(Step(rule) for rule in self.rules)

    @property
    def settles(self) -> int:
        """Return how long after its first signal (ms) all that a window depends on has happened."""
        return self.timespan + max((absence.after or 0 for absence in self.absences), default=0)

    @property
    def reach(self) -> int:
        """Return how far apart (ms) what one window depends on can be."""
        return self.settles + max((absence.before or 0 for absence in self.absences), default=0)

    @property
    def offsets(self) -> frozenset[int]:
        """Return how long after a signal (ms) it may become certain that a condition holds."""
        closing = {self.timespan, *([self.session] if self.session is not None else [])} if self.waits else set()
        return frozenset(closing | {absence.offset for absence in self.absences})

    @property
    def waits(self) -> bool:
        """Tell whether the condition holds only once its window is closed.

        A sum that has to be large does not wait, though a negative number may still undo it (and is a retraction then):
        nearly all that is summed up is bytes, amounts and counts, and to wait would be to tell late for nothing.
        """
        return not (self.threshold.monotone or (self.kind == "value_sum" and self.threshold.upwards))

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
        names = [name for fields in self.groupings(rule_uid) for name in fields if not name.startswith(ENTITY_PREFIX)]
        return frozenset((*names, *(self.field_name(name, rule_uid) for name in self.count_fields)))

    def groupings(self, rule_uid: str) -> tuple[tuple[str, ...], ...]:
        """Return the fields by which signals of a rule are grouped, once for each way in which it is looked at."""
        usual = tuple(self.field_name(name, rule_uid) for name in self.group_by)
        if not self.steps and not self.absences:
            return (usual,)
        ways = [step.group_by or usual for step in self.all_steps if step.rule == rule_uid]
        ways += [absence.group_by or usual for absence in self.absences if absence.rule == rule_uid]
        ways += [usual] if rule_uid in self.until else []
        return tuple(dict.fromkeys(ways)) or (usual,)


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
    uid_of = {name: about.resolve(name) for name in (*about.names, *names_in_aliases(rule))}
    formula: Formula | None = hold("correlation.condition", lambda: _formula(rule, kind, uid_of), None)
    fields: tuple[str, ...] = hold("correlation.condition", lambda: _count_fields(rule, kind), ())
    numbers = condition if isinstance(condition, Mapping) else {}
    percentile: Number = hold("correlation.condition", lambda: read_percentile(numbers, kind), _MEDIAN)
    aliases: Mapping[str, Mapping[str, str]] = hold("correlation.aliases", lambda: _aliases(rule, uid_of), {})
    steps, names = hold("braid.steps", lambda: read_steps(own, about), _NO_STEPS)
    until: tuple[str, ...] = hold("braid.until", lambda: read_until(own, about), ())
    session: int | None = hold("braid.session", lambda: read_session(own, about.timespan), None)
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
        name=rule.name or "",
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
    named = problems.demand("correlation.rules", lambda: named_rules(rule))
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
    rules = tuple(references[name].analytic.uid for name in named)
    resolve = partial(_uid_of, references)
    return Context(rule.type.name.lower(), rules, tuple(named), group_by, timespan, resolve)


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
    if condition is None:
        return every
    threshold = read_threshold(condition, kind, distinct_rules)
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

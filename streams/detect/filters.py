"""Sigma filters: exceptions kept apart from the rules they narrow.

Source: Sigma filters specification 2.1. A filter names the rules it concerns by id or name (or `any`) and their log
source; such a rule then fires only where the filter's condition holds too. A filter with terms of Braid's own is kept
beside the rule (`streams.detect.exceptions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from models.errors import RuleProblem
from streams.detect.condition import NO_PLACEHOLDERS, compile_detections, respell
from streams.detect.exceptions import KEY, RuleException, Terms, read_terms
from streams.detect.logsource import RuleLogSource, compile_logsource
from streams.detect.pipelines import NO_PIPELINES, Pipelines
from streams.detect.predicates import Predicate, every
from streams.detect.problems import NO_LINES, Lines, Problems
from streams.detect.regex import POLICY
from streams.detect.rule import SIGMA, DetectionRule, rewrite
from streams.detect.values import Placeholders


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """A compiled filter.

    Attributes:
        title: Its title.
        rules: Ids and names of the rules it narrows; empty for every rule of the log source.
        logsource: Log source of those rules.
        taxonomy: Field names it speaks, as of a rule.
        condition: What has to hold as well.
        place: Where it stands; the message is for a rule it names in vain.
        uid: Its id, or empty.
        terms: Who keeps it and when it holds; None when it says nothing of that.
        lines: 1-based lines of its `braid` map and of when it expires; of what holds them where they are not there.
    """

    title: str
    rules: tuple[str, ...]
    logsource: RuleLogSource
    taxonomy: str
    condition: Predicate
    place: RuleProblem
    uid: str = ""
    terms: Terms | None = None
    lines: tuple[int, int] = (0, 0)

    def concerns(self, rule: DetectionRule) -> bool:
        """Tell whether the filter narrows this rule."""
        named = not self.rules or rule.uid in self.rules or rule.name in self.rules
        return named and self.taxonomy == rule.taxonomy and rule.logsource.within(self.logsource)


def compile_filter(
    document: Mapping[str, Any],
    path: str,
    lines: Lines = NO_LINES,
    placeholders: Placeholders = NO_PLACEHOLDERS,
    pipelines: Pipelines = NO_PIPELINES,
) -> RuleFilter:
    """Compile one filter document; raise RuleErrors with everything that is wrong with it.

    Pipelines rewrite a filter as they would a rule of its log source and taxonomy.
    """
    problems = Problems(document, path, lines)
    section = problems.insist("filter", lambda: respell(document.get("filter")))
    readable = {**document, "filter": section}
    source = problems.insist("", lambda: SigmaFilter.from_dict(readable, collect_errors=True, policy=POLICY))
    problems.add_errors(source.errors, "filter")
    taxonomy = str(document.get("taxonomy", SIGMA))
    logsource = problems.attempt(
        "logsource", lambda: compile_logsource(document.get("logsource") or {}, taxonomy), RuleLogSource()
    )
    terms = read_terms(document, problems)
    problems.check()
    if pipelines.digest:
        rule = SigmaRule(source.title, logsource=source.logsource, detection=source.filter, taxonomy=taxonomy)
        logsource = problems.insist("", lambda: rewrite(rule, pipelines))
        taxonomy = rule.taxonomy
    compiled = problems.insist("filter", lambda: compile_detections(source.filter, placeholders))
    rules = source.filter.rules
    names = () if isinstance(rules, str) else tuple(reference.reference for reference in rules)
    place = problems.problem("filter.rules", "no rule that this filter names is loaded, or none of its log source")
    uid = str(source.id) if source.id else ""
    at = problems.problem(KEY, "").line, problems.problem(f"{KEY}.expires", "").line
    return RuleFilter(source.title, names, logsource, taxonomy, compiled.predicate, place, uid, terms, at)


def apply_filters(
    rules: tuple[DetectionRule, ...], filters: tuple[RuleFilter, ...]
) -> tuple[tuple[DetectionRule, ...], tuple[RuleProblem, ...]]:
    """Narrow the rules by the filters that concern them; a filter that names rules and concerns none is a problem."""
    idle = tuple(known.place for known in filters if known.rules and not any(known.concerns(rule) for rule in rules))
    return tuple(_narrow(rule, filters) for rule in rules), idle


def _narrow(rule: DetectionRule, filters: tuple[RuleFilter, ...]) -> DetectionRule:
    concerned = [known for known in filters if known.concerns(rule)]
    conditions = [known.condition for known in concerned if known.terms is None]
    exceptions = [RuleException(known.title, known.condition, known.terms) for known in concerned if known.terms]
    if not concerned:
        return rule
    return replace(rule, condition=every((rule.condition, *conditions)), exceptions=tuple(exceptions))

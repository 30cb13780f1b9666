"""Correlation documents on their way through pySigma: what it must not see, and what it leaves to be found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sigma.correlations import (
    SigmaCorrelationFieldAliases,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaCorrelationRuleError, SigmaCorrelationTypeError, SigmaError

from streams.correlate.risk import KIND as RISK
from streams.detect.problems import UNREADABLE, Problems
from streams.detect.values import RuleMistake

ANY_RULE: Final = "any"  # what pySigma is told of a correlation that names no rule


def parse(document: Mapping[str, Any], problems: Problems) -> SigmaCorrelationRule:
    """Let pySigma read a document, all but the numbers of its condition; raise RuleErrors when it gives up on it.

    What it has found wrong is collected, and stands in the rule as it stood in the document.
    """
    _check_types(document, problems)
    problems.check()
    given = _for_pysigma(document)
    try:
        rule = SigmaCorrelationRule.from_dict(given, collect_errors=True)
    except UNREADABLE:  # it goes on to make a rule of what it has found wrong: let it name the first mistake
        return problems.demand("correlation", lambda: SigmaCorrelationRule.from_dict(given))
    problems.add_errors(_independent(rule.errors), "correlation")
    return rule


def _independent(errors: Iterable[SigmaError]) -> list[SigmaError]:
    """Leave out what is only wrong because the type is."""
    found = list(errors)
    is_typed = not any(isinstance(error, SigmaCorrelationTypeError) for error in found)
    return [error for error in found if is_typed or type(error) is not SigmaCorrelationRuleError]


def _check_types(document: Mapping[str, Any], problems: Problems) -> None:
    """Refuse what pySigma takes for a text, or passes over, without looking."""
    stated = document.get("correlation")
    if not isinstance(stated, Mapping):
        problems.add("correlation", f"correlation: {stated!r:.80} is not a map")
    correlation = stated if isinstance(stated, Mapping) else {}
    rules = correlation.get("rules")
    texts = [("id", document.get("id")), ("correlation.type", correlation.get("type"))]
    texts += [("correlation.rules", rule) for rule in (rules if isinstance(rules, list) else ())]
    for where, value in texts:
        if value is not None and not isinstance(value, str):
            problems.add(where, f"{where}: {value!r:.80} is not a text")
    if not isinstance(document.get("generate", False), bool):
        problems.add("generate", f"generate: {document['generate']!r:.80} is not true or false")


def _for_pysigma(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document as pySigma takes it: one operator in its condition, and a type that it knows."""
    correlation = document.get("correlation")
    if not isinstance(correlation, Mapping):
        return dict(document)
    condition = correlation.get("condition")
    if isinstance(condition, Mapping):
        stand_in = {"gte": 1, **({"field": condition["field"]} if "field" in condition else {})}
        correlation = {**correlation, "condition": stand_in}
    if correlation.get("type") == RISK:
        correlation = {"rules": [ANY_RULE], **correlation, "type": "event_count", "condition": {"gte": 1}}
    return {**document, "correlation": correlation}


def kind_of(document: Mapping[str, Any], rule: SigmaCorrelationRule) -> str:
    """Return the type of a correlation; `risk` is one that pySigma does not know."""
    return RISK if document["correlation"].get("type") == RISK else rule.type.name.lower()


def named_rules(document: Mapping[str, Any], rule: SigmaCorrelationRule) -> list[str]:
    """Return the rules it looks at, as it names them; a boolean condition may name them alone.

    Raises:
        RuleMistake: When there are none; only `risk` may name none, and then looks at every signal.
    """
    if document["correlation"].get("type") == RISK and "rules" not in document["correlation"]:
        return []
    if rule.rules is None and isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        rule.rules = [SigmaRuleReference(name) for name in rule.condition.get_referenced_rules()]
    if not rule.rules:
        raise RuleMistake("needs `rules`: the ids or names of the rules it looks at")
    return [reference.reference for reference in rule.rules]


def names_in_aliases(rule: SigmaCorrelationRule) -> list[str]:
    """Return the rules that its aliases name; none when they are no aliases."""
    aliases: Any = rule.aliases  # what pySigma has refused stands there as it was
    is_read = isinstance(aliases, SigmaCorrelationFieldAliases)
    return [reference.reference for alias in aliases for reference in alias.mapping] if is_read else []

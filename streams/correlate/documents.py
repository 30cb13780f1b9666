"""Correlation documents on their way through pySigma: what it must not see, and what it leaves to be found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sigma.correlations import SigmaCorrelationRule, SigmaExtendedCorrelationCondition, SigmaRuleReference

from streams.detect.values import RuleMistake


def parse(document: Mapping[str, Any]) -> SigmaCorrelationRule:
    """Let pySigma read a document, all but the numbers of its condition.

    Raises:
        RuleMistake: When a value is of a type that pySigma would take for another.
        SigmaError: When pySigma refuses it.
    """
    _check_types(document)
    return SigmaCorrelationRule.from_dict(_for_pysigma(document))


def _check_types(document: Mapping[str, Any]) -> None:
    """Refuse what pySigma takes for a text, or passes over, without looking."""
    stated = document.get("correlation")
    correlation = stated if isinstance(stated, Mapping) else {}
    rules = correlation.get("rules")
    texts = [("id", document.get("id")), ("correlation.type", correlation.get("type"))]
    texts += [("correlation.rules", rule) for rule in (rules if isinstance(rules, list) else ())]
    for where, value in texts:
        if value is not None and not isinstance(value, str):
            raise RuleMistake(f"{where}: {value!r:.80} is not a text")
    if not isinstance(document.get("generate", False), bool):
        raise RuleMistake(f"generate: {document['generate']!r:.80} is not true or false")


def _for_pysigma(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with one operator in its condition, the only number of them that pySigma takes."""
    correlation = document.get("correlation")
    condition = correlation.get("condition") if isinstance(correlation, Mapping) else None
    if not isinstance(correlation, Mapping) or not isinstance(condition, Mapping):
        return dict(document)
    stand_in = {"gte": 1, **({"field": condition["field"]} if "field" in condition else {})}
    return {**document, "correlation": {**correlation, "condition": stand_in}}


def named_rules(rule: SigmaCorrelationRule) -> list[str]:
    """Return the rules it looks at, as it names them; a boolean condition may name them alone.

    Raises:
        RuleMistake: When there are none.
    """
    if rule.rules is None and isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        rule.rules = [SigmaRuleReference(name) for name in rule.condition.get_referenced_rules()]
    if not rule.rules:
        raise RuleMistake("needs `rules`: the ids or names of the rules it looks at")
    return [reference.reference for reference in rule.rules]


def names_in_aliases(rule: SigmaCorrelationRule) -> list[str]:
    """Return the rules that its aliases name."""
    return [reference.reference for alias in rule.aliases for reference in alias.mapping]

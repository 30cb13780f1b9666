"""Correlation rules under processing pipelines: their fields get the names that the fields of their rules get."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sigma.correlations import SigmaCorrelationFieldAlias, SigmaCorrelationRule, SigmaRuleReference
from sigma.rule import SigmaLogSource, SigmaRule
from sigma.rule.logsource import EmptyLogSource

from streams.detect.logsource import RuleLogSource
from streams.detect.pipelines import Pipelines


def rewrite(
    rule: SigmaCorrelationRule, logsources: Iterable[RuleLogSource], pipelines: Pipelines, kept: Collection[str]
) -> None:
    """Let the pipelines rewrite group-by fields, aliases and counted fields, in place.

    A condition on the log source holds when that of one of the rules meets it, after pipelines have changed it.

    Args:
        rule: The parsed correlation.
        logsources: Those of the rules it looks at.
        pipelines: What to apply.
        kept: Names in `group-by` that are no fields of events.

    Raises:
        RuleMistake: When a pipeline refuses the rule, or gives a counted field or an alias several names.
    """
    rule.referenced_rules = [_stand_in(logsource) for logsource in logsources]
    aliases = rule.aliases.aliases
    names = [name for name in kept if name not in aliases]
    aliases.update({name: SigmaCorrelationFieldAlias(name, {}) for name in names})  # pySigma maps no alias
    pipelines.apply(rule)
    for name in names:
        del aliases[name]


def _stand_in(logsource: RuleLogSource) -> SigmaRuleReference:
    """Return a reference to a rule of this log source, of which pipelines look at nothing else."""
    names = (logsource.category or None, logsource.product or None, logsource.service or None)
    reference = SigmaRuleReference("")
    reference.rule = SigmaRule("", logsource=SigmaLogSource(*names) if any(names) else EmptyLogSource())
    return reference

"""What a rule says about itself: how bad, how sure, which techniques, whom to ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sigma.rule import SigmaRule, SigmaRuleTag
from sigma.rule.base import SigmaRuleBase

from models.finding import Analytic, Attack
from models.uids import content_uid

SEVERITY_OF_LEVEL: Final = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
RISK_OF_LEVEL: Final = {"informational": 5, "low": 20, "medium": 40, "high": 60, "critical": 80}
CONFIDENCE_OF_STATUS: Final = {"stable": 80, "test": 60, "experimental": 40}
DEFAULT_LEVEL: Final = "medium"
DEFAULT_CONFIDENCE: Final = 50
_TECHNIQUE: Final = re.compile(r"t[0-9]{4}(\.[0-9]{3})?")
_NO_TACTIC: Final = re.compile(r"(g|s|c|ds|m|ta)[0-9]{4}")  # groups, software, campaigns, data sources, mitigations


def analytic_of(rule: SigmaRule, document: Mapping[str, Any]) -> Analytic:
    """Describe the rule as the analytic behind its signals; a rule without id is named by its content."""
    return Analytic(
        uid=str(rule.id) if rule.id else content_uid("rule", json.dumps(document, sort_keys=True, default=str)),
        name=rule.title,
        author=rule.author or "",
        severity_id=SEVERITY_OF_LEVEL[level_of(rule) or DEFAULT_LEVEL],
        attacks=attacks_of(rule.tags),
    )


def level_of(rule: SigmaRuleBase) -> str:
    """Return the rule's level in lower case, empty when it has none."""
    return rule.level.name.lower() if rule.level else ""


def status_of(rule: SigmaRule) -> str:
    """Return the rule's status in lower case, empty when it has none."""
    return rule.status.name.lower() if rule.status else ""


def attacks_of(tags: Iterable[SigmaRuleTag]) -> tuple[Attack, ...]:
    """Return the ATT&CK references among the tags: each technique by itself, each tactic by itself."""
    attacks: dict[Attack, None] = {}
    for tag in tags:
        name = tag.name.lower().replace("_", "-")
        if tag.namespace.lower() != "attack" or _NO_TACTIC.fullmatch(name):
            continue
        is_technique = _TECHNIQUE.fullmatch(name)
        attacks[Attack(technique=name.upper()) if is_technique else Attack(tactic=name)] = None
    return tuple(attacks)


def texts(value: Any) -> tuple[str, ...]:
    """Return a text or a list of scalars as texts; empty for null. Raise TypeError for anything else."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value.strip(),)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return tuple(str(item).strip() for item in value)
    raise TypeError("must be a text or a list of texts")

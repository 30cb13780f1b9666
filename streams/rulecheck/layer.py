"""Coverage as a layer of the ATT&CK Navigator.

Source: layer file format 4.5 of the ATT&CK Navigator.
"""

from __future__ import annotations

from typing import Any, Final

from agents.text import plain
from streams.rulecheck.attack import DOMAIN
from streams.rulecheck.coverage import Coverage, Covered

LAYER_VERSION: Final = "4.5"
NAVIGATOR_VERSION: Final = "5.1.0"
BY_SCORE: Final = 3  # sorted by score, the highest first
MAX_NAMED: Final = 20  # rules that a comment names
COLORS: Final = ("#e8f1fa", "#6baed6", "#08519c")


def layer(found: Coverage, name: str) -> dict[str, Any]:
    """Render a layer: the score of a technique is its number of rules, its comment names them."""
    scores = [len(one.rules) for one in found.covered.values()]
    return {
        "name": name,
        "versions": {"attack": found.attack.version, "navigator": NAVIGATOR_VERSION, "layer": LAYER_VERSION},
        "domain": DOMAIN,
        "description": f"{found.rules} detection rules; the score is the number of rules of a technique",
        "sorting": BY_SCORE,
        "layout": {
            "layout": "side",
            "aggregateFunction": "sum",
            "showID": True,
            "showName": True,
            "showAggregateScores": True,
            "countUnscored": False,
            "expandedSubtechniques": "none",
        },
        "hideDisabled": False,
        "techniques": [entry for one in found.covered.values() for entry in _entries(one)],
        "gradient": {"colors": list(COLORS), "minValue": 0, "maxValue": max(scores, default=1)},
        "legendItems": [],
        "metadata": [{"name": "ATT&CK facts", "value": found.attack.source}],
        "links": [],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _entries(one: Covered) -> list[dict[str, Any]]:
    """Return an entry for each tactic; one without a tactic stands for all of them."""
    about = {"score": len(one.rules), "comment": _comment(one), "enabled": True, "metadata": [], "links": []}
    about["showSubtechniques"] = False
    if not one.tactics:
        return [{"techniqueID": one.uid, **about}]
    return [{"techniqueID": one.uid, "tactic": tactic, **about} for tactic in one.tactics]


def _comment(one: Covered) -> str:
    named = [plain(rule.title) for rule in one.rules[:MAX_NAMED]]
    more = len(one.rules) - len(named)
    blind = [] if one.seeing else ["No telemetry for these rules."]
    return "\n".join((*blind, *named, *([f"and {more} more"] if more else [])))

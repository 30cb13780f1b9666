"""Decide which sequences go to investigation, and say why.

A sequence is escalated when it holds at least two distinct detections, from at least two domains or two ATT&CK tactics,
and its risk passes the threshold of its rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.finding import Signal

MIN_DETECTIONS = 2
MIN_DOMAINS = 2
MIN_TACTICS = 2


@dataclass(frozen=True, slots=True)
class Escalation:
    """The decision: the risk (0 to 100), whether to investigate, and the reasons either way."""

    risk: int
    is_alert: bool
    reasons: tuple[str, ...]


def combined_risk(signals: Iterable[Signal]) -> int:
    """Combine the risks of distinct detections as independent chances: 1 - product of (1 - risk).

    Only the highest risk of each detection counts, so a detection that repeats itself does not add up.
    """
    highest: dict[str, int] = {}
    for part in (part for signal in signals for part in signal.made_of):
        highest[part.rule] = max(highest.get(part.rule, 0), part.risk)
    harmless = 1.0
    for risk in sorted(highest.values()):
        harmless *= 1 - risk / 100
    return round(100 * (1 - harmless))


def decide(signals: Iterable[Signal], risk_threshold: int, *, is_part: bool = False) -> Escalation:
    """Weigh the signals of one sequence; what is only part of another correlation is never escalated by itself."""
    held = tuple(signals)
    parts = [part for signal in held for part in signal.made_of]
    detections, domains = {part.rule for part in parts}, {part.domain for part in parts}
    tactics = {tactic for part in parts for tactic in part.tactics}.union(*(s.analytic.tactics for s in held))
    risk = combined_risk(held)
    checks = (
        (len(detections) >= MIN_DETECTIONS, f"{len(detections)} distinct detections"),
        (
            len(domains) >= MIN_DOMAINS or len(tactics) >= MIN_TACTICS,
            f"{len(domains)} domains ({', '.join(sorted(domains))}), {len(tactics)} tactics",
        ),
        (risk >= risk_threshold, f"risk {risk} of {risk_threshold} needed"),
    )
    reasons = [text if met else f"not enough: {text}" for met, text in checks]
    if is_part:
        reasons.append("only part of another correlation, which does not say generate")
    return Escalation(risk, not is_part and all(met for met, _ in checks), tuple(reasons))

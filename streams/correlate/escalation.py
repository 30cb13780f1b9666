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
    for signal in signals:
        uid = signal.analytic.uid
        highest[uid] = max(highest.get(uid, 0), signal.risk)
    harmless = 1.0
    for risk in sorted(highest.values()):
        harmless *= 1 - risk / 100
    return round(100 * (1 - harmless))


def decide(signals: Iterable[Signal], risk_threshold: int) -> Escalation:
    """Weigh the signals of one sequence."""
    held = tuple(signals)
    detections = {signal.analytic.uid for signal in held}
    domains = {signal.domain for signal in held}
    tactics = {tactic for signal in held for tactic in signal.analytic.tactics}
    risk = combined_risk(held)
    checks = (
        (len(detections) >= MIN_DETECTIONS, f"{len(detections)} distinct detections"),
        (
            len(domains) >= MIN_DOMAINS or len(tactics) >= MIN_TACTICS,
            f"{len(domains)} domains ({', '.join(sorted(domains))}), {len(tactics)} tactics",
        ),
        (risk >= risk_threshold, f"risk {risk} of {risk_threshold} needed"),
    )
    is_alert = all(met for met, _ in checks)
    return Escalation(risk, is_alert, tuple(text if met else f"not enough: {text}" for met, text in checks))

"""The rules by which the deterministic investigator weighs evidence. The whole judgement stands in these tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Final

from agents.evidence.facts import Gathered
from models.verdict import INSUFFICIENT_DATA, SUSPICIOUS, TRUE_POSITIVE


@dataclass(frozen=True, slots=True)
class Rule:
    """One weight: its name in the verdict, the points it gives or takes, and the rule in words."""

    name: str
    points: Callable[[Gathered], int]
    says: str


def _further(things: Sized, each: int, most: int) -> int:
    """Give points for each thing after the first."""
    return min(each * max(len(things) - 1, 0), most)


RULES: Final = (
    Rule("detections", lambda g: _further(g.detections, 8, 24), "8 for each detection after the first, to 24"),
    Rule("domains", lambda g: _further(g.domains, 10, 20), "10 for each domain after the first"),
    Rule("sources", lambda g: 10 if len(g.sources) > 1 else 0, "10 when independent sources report it"),
    Rule("tactics", lambda g: _further(g.tactics, 5, 15), "5 for each ATT&CK tactic after the first, to 15"),
    Rule("order", lambda g: _further(g.advance, 5, 15), "5 for each step along the kill chain, to 15"),
    Rule("severity", lambda g: {4: 5, 5: 10}.get(g.severity_id, 0), "5 when a detection is high, 10 when critical"),
    Rule("risk", lambda g: g.sequence.risk // 10, "a tenth of the sequence's risk"),
    Rule("corroboration", lambda g: 10 if g.shared else 0, "10 when several domains name one entity"),
    Rule("company", lambda g: min(3 * len(_company(g)), 6), "3 for each other detection on the entity, to 6"),
    Rule(
        "reputation",
        lambda g: _told(g.condemned),
        "5 when a service outside calls one of its observables malicious, 10 when two agree on one",
    ),
    Rule("routine", lambda g: -20 if g.routine else 0, "20 off when all of it fires on the entity day after day"),
    Rule("lost", lambda g: max(-10 * len(g.lost), -30), "10 off for each signal that cannot be shown, to 30"),
    Rule("silence", lambda g: max(-5 * len(g.silent), -15), "5 off for each source that fell silent, to 15"),
    Rule("blindness", lambda g: -5 * len(g.unseen), "5 off for each domain without telemetry"),
    Rule("budget", lambda g: -10 if g.refused else 0, "10 off when the budget cut the search short"),
)
MIN_DETECTIONS: Final = 2
TRUE_POSITIVE_FROM: Final = 60
CRITICAL_FROM: Final = 80
HIGH_RISK: Final = 80
MAX_CONFIDENCE: Final = 85  # below the 90 from which a verdict may act without a human
MAX_UNSURE_CONFIDENCE: Final = 30
LATE_TACTICS: Final = frozenset({"lateral-movement", "collection", "command-and-control", "exfiltration", "impact"})


@dataclass(frozen=True, slots=True)
class Weighing:
    """The outcome: verdict, confidence, priority, whether it looks like a breach, and the points that led there."""

    verdict_id: int
    confidence: int
    priority_id: int
    is_suspected_breach: bool
    score: int
    points: tuple[tuple[str, int], ...]


def weigh(gathered: Gathered) -> Weighing:
    """Apply every rule and read the verdict off the sum."""
    points = tuple((rule.name, given) for rule in RULES if (given := rule.points(gathered)))
    score = sum(given for _, given in points)
    verdict_id = _verdict(gathered, score)
    return Weighing(
        verdict_id=verdict_id,
        confidence=_confidence(verdict_id, score),
        priority_id=_priority(verdict_id, score, gathered),
        is_suspected_breach=verdict_id == TRUE_POSITIVE and not LATE_TACTICS.isdisjoint(gathered.tactics),
        score=score,
        points=points,
    )


def _company(gathered: Gathered) -> frozenset[str]:
    return frozenset(stored.signal.analytic.uid for stored in gathered.others) - gathered.detections


def _told(condemned: Mapping[tuple[str, str], frozenset[str]]) -> int:
    """Give points for the observable that most services condemn: what one service says alone may be a lie."""
    return min(5 * max(map(len, condemned.values()), default=0), 10)


def _verdict(gathered: Gathered, score: int) -> int:
    """Judge: never without two detections that can be shown, never True Positive on one sensor's word or with gaps."""
    if len(gathered.detections) < MIN_DETECTIONS or len(gathered.lost) > len(gathered.held):
        return INSUFFICIENT_DATA
    corroborated = len(gathered.domains) > 1 or len(gathered.sources) > 1
    sure = score >= TRUE_POSITIVE_FROM and corroborated and not gathered.lost
    return TRUE_POSITIVE if sure else SUSPICIOUS


def _confidence(verdict_id: int, score: int) -> int:
    most = MAX_UNSURE_CONFIDENCE if verdict_id == INSUFFICIENT_DATA else MAX_CONFIDENCE
    return max(5, min(score, most))


def _priority(verdict_id: int, score: int, gathered: Gathered) -> int:
    if verdict_id == TRUE_POSITIVE:
        return 4 if score >= CRITICAL_FROM or gathered.severity_id == 5 else 3  # noqa: PLR2004  # OCSF: critical
    return 2 if verdict_id == SUSPICIOUS or gathered.sequence.risk >= HIGH_RISK else 1

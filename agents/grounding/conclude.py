"""From what is left of an answer to a verdict. The whole judgement stands in these tables; the model's word is one row.

1. The evidence is weighed by the fixed rules (`agents.deterministic.weigh`), what the model found with it.
2. DECISIONS says what comes of what the model asks for and what the rules bear: it may lower, never raise.
3. A sequence is closed only when something outside the model speaks for a harmless cause (`corroborate`).
4. Without enough proven claims nothing is concluded: Insufficient Data, for a human.
5. Confidence is the rules' score, less DEMOTIONS, calibrated by what analysts said of such verdicts (`calibration`).
   The model's own confidence counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from agents.deterministic.weigh import MAX_UNSURE_CONFIDENCE, Weighing, weigh
from agents.evidence.facts import Gathered
from agents.evidence.gather import LOOKBACK_MS
from agents.evidence.store import Stored, StoredEvent, StoredSignal
from agents.grounding.answer import Answer
from agents.grounding.calibration import NO_LABELS, Calibrated, Labels
from agents.grounding.checked import CLAIM, NOTE, SUMMARY, TECHNIQUES, Checked, Proven
from agents.grounding.corroborate import HARMLESS, harmless_by
from agents.text import MAX_PLAIN, Count, plain, quoted
from models.fact import Fact
from models.finding import Attack
from models.reasoning import SUPPORTED, Hypothesis, Reasoning, Struck
from models.verdict import (
    INSUFFICIENT_DATA,
    SUSPICIOUS,
    TRUE_POSITIVE,
    VERDICTS,
    Claim,
    Evidence,
    Verdict,
)

INVESTIGATOR: Final = "model/1"
MIN_CLAIMS: Final = 2
MIN_SHARE: Final = 0.6  # of the claims that the model made
MIN_DETECTIONS: Final = 2  # of the sequence that proven claims cite
HARMLESS_CONFIDENCE: Final = 75  # of closing a sequence for one reason, before demotions
BOTH_CONFIDENCE: Final = 85  # for two
LOWEST: Final = 5
MAX_STRUCK_TOLD: Final = 60
DECISIONS: Final[Mapping[tuple[int, int], int]] = {  # what the model asks for, what the rules bear: what is concluded
    (TRUE_POSITIVE, TRUE_POSITIVE): TRUE_POSITIVE,
    (TRUE_POSITIVE, SUSPICIOUS): SUSPICIOUS,
    (TRUE_POSITIVE, INSUFFICIENT_DATA): INSUFFICIENT_DATA,
    (SUSPICIOUS, TRUE_POSITIVE): SUSPICIOUS,
    (SUSPICIOUS, SUSPICIOUS): SUSPICIOUS,
    (SUSPICIOUS, INSUFFICIENT_DATA): INSUFFICIENT_DATA,
    **{(asked, TRUE_POSITIVE): SUSPICIOUS for asked in HARMLESS},  # unless corroborated
    **{(asked, SUSPICIOUS): SUSPICIOUS for asked in HARMLESS},  # unless corroborated
    **{(asked, INSUFFICIENT_DATA): INSUFFICIENT_DATA for asked in HARMLESS},
    **{(INSUFFICIENT_DATA, borne): INSUFFICIENT_DATA for borne in (TRUE_POSITIVE, SUSPICIOUS, INSUFFICIENT_DATA)},
}


@dataclass(frozen=True, slots=True)
class Demotion:
    """One reason to trust a verdict less: its name in the verdict, the points it takes, and the rule in words."""

    name: str
    points: Callable[[Checked, Gathered], int]
    says: str


def _other_struck(checked: Checked) -> int:
    return len(checked.struck) - sum(map(checked.struck_of, (CLAIM, TECHNIQUES, SUMMARY, NOTE)))


DEMOTIONS: Final = (
    Demotion("struck claims", lambda c, _: min(10 * c.struck_of(CLAIM), 40), "10 off for each struck claim, to 40"),
    Demotion(
        "struck statements",
        lambda c, _: min(5 * _other_struck(c), 20),
        "5 off for each struck line of the timeline, hypothesis, action and next step, to 20",
    ),
    Demotion(
        "struck words",
        lambda c, _: min(2 * sum(map(c.struck_of, (TECHNIQUES, SUMMARY, NOTE))), 10),
        "2 off for each struck technique, and sentence of the summary and the note, to 10",
    ),
    Demotion(
        "missing intelligence",
        lambda _, g: min(3 * len(g.untold), 9),
        "3 off for each missing answer from outside, to 9",
    ),
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The judgement before it is written down: verdict, why it is not what was asked for, confidence, points."""

    verdict_id: int
    why: str
    raw: int
    calibrated: Calibrated
    demoted: tuple[tuple[str, int], ...]
    weighing: Weighing


def conclude(
    gathered: Gathered,
    base: Verdict,
    answer: Answer,
    checked: Checked,
    labels: Labels = NO_LABELS,
    investigator: str = INVESTIGATOR,
) -> Verdict:
    """Return the verdict that an answer leads to, once it is checked.

    Args:
        gathered: What code gathered about the sequence.
        base: The deterministic verdict on it.
        answer: What the model answered.
        checked: What is left of that.
        labels: What analysts said of earlier verdicts.
        investigator: Who judged, with version.
    """
    judged = _judge(gathered, answer, checked, labels)
    cited = checked.cited
    return replace(
        base,
        verdict_id=judged.verdict_id,
        confidence=judged.calibrated.confidence,
        title=f"{VERDICTS[judged.verdict_id]}: {plain(gathered.sequence.analytic.name)} on {quoted(base.group)}",
        summary=_summary(judged, answer, checked, investigator),
        priority_id=_priority(base, judged),
        is_suspected_breach=_is_breach(base, judged),
        investigator=investigator,
        model_took_part=True,
        claims=_claims(base, checked),
        evidence=_evidence(base, cited),
        attacks=_attacks(base, checked, cited),
        facts=tuple({fact.uid: fact for fact in (*base.facts, *_only_facts(cited))}.values()),
        reasoning=_reasoning(judged, checked),
    )


def _judge(gathered: Gathered, answer: Answer, checked: Checked, labels: Labels) -> _Judged:
    weighing = weigh(_extended(gathered, checked))
    harmless = harmless_by(gathered, labels)
    verdict_id, why = _decide(answer.verdict_id, weighing.verdict_id, harmless, _too_little(gathered, checked))
    demoted = tuple((one.name, points) for one in DEMOTIONS if (points := one.points(checked, gathered)))
    score = weighing.score if verdict_id not in HARMLESS else BOTH_CONFIDENCE if harmless[1:] else HARMLESS_CONFIDENCE
    most = MAX_UNSURE_CONFIDENCE if verdict_id == INSUFFICIENT_DATA else 100
    raw = max(LOWEST, min(score - sum(points for _, points in demoted), most))
    calibrated = labels.calibrated(raw, verdict_id, gathered.sequence.analytic.uid)
    if calibrated.confidence > most:
        calibrated = replace(calibrated, confidence=most)
    return _Judged(verdict_id, why, raw, calibrated, demoted, weighing)


def _decide(asked: int, borne: int, harmless: tuple[str, ...], too_little: str) -> tuple[int, str]:
    """Return the verdict, and why it is not the one that was asked for, or what speaks for closing."""
    if too_little:
        return INSUFFICIENT_DATA, too_little
    if asked in HARMLESS and harmless and borne != INSUFFICIENT_DATA:
        return asked, "; ".join(harmless)
    decided = DECISIONS[asked, borne]
    if decided == asked:
        return decided, ""
    if asked in HARMLESS and decided == SUSPICIOUS:
        return decided, "nothing outside the model speaks for a harmless cause"
    return decided, f"the fixed rules bear no more than {VERDICTS[borne]}"


def _too_little(gathered: Gathered, checked: Checked) -> str:
    """Return what proven claims lack to conclude anything from, empty when they suffice."""
    kept, struck = len(checked.claims), checked.struck_of(CLAIM)
    cited = {uid for proven in checked.claims for uid in proven.uids}
    covered = {held.detection for held in gathered.held if cited & {held.signal.uid, held.event.uid}}
    if kept < MIN_CLAIMS:
        return f"{Count(kept, 'claim')} could be proven, fewer than {MIN_CLAIMS}"
    if kept < MIN_SHARE * (kept + struck):
        return f"only {kept} of {kept + struck} claims could be proven"
    if len(covered) < MIN_DETECTIONS:
        return f"proven claims rest on {Count(len(covered), 'detection')} of the sequence, fewer than {MIN_DETECTIONS}"
    return ""


def _extended(gathered: Gathered, checked: Checked) -> Gathered:
    """Return what was gathered, with the other signals on its entities around it that proven claims cite."""
    known = {held.signal.uid for held in gathered.held} | {stored.uid for stored in gathered.others}
    start, end = gathered.sequence.start_time - LOOKBACK_MS, gathered.sequence.end_time
    more = {
        one.uid: one
        for proven in checked.claims
        for one in proven.cited
        if isinstance(one, StoredSignal)
        and one.uid not in known
        and start <= one.time <= end
        and not set(gathered.entities).isdisjoint(one.signal.entities)
    }
    return replace(gathered, others=(*gathered.others, *more.values())) if more else gathered


def _claims(base: Verdict, checked: Checked) -> tuple[Claim, ...]:
    """Return the proven statements, then the claims of the fixed rules on what no proven one cites."""
    claims = [Claim(one.text, one.uids) for one in (*checked.claims, *checked.timeline) if one.cited]
    covered = {uid for claim in claims for uid in claim.evidence}
    return (*claims, *(claim for claim in base.claims if not covered.issuperset(claim.evidence)))


def _evidence(base: Verdict, cited: Iterable[Stored | Fact]) -> tuple[Evidence, ...]:
    stored = (one.evidence for one in cited if isinstance(one, StoredEvent | StoredSignal))
    evidence = {item.uid: item for item in (*base.evidence, *stored)}
    return tuple(sorted(evidence.values(), key=lambda item: (item.time, item.kind, item.uid)))


def _only_facts(cited: Iterable[Stored | Fact]) -> list[Fact]:
    return [one for one in cited if isinstance(one, Fact)]


def _attacks(base: Verdict, checked: Checked, cited: Iterable[Stored | Fact]) -> tuple[Attack, ...]:
    """Return the detections' ATT&CK references, with those of other cited detections that the model names."""
    more = {
        attack
        for one in cited
        if isinstance(one, StoredSignal)
        for attack in one.signal.analytic.attacks
        if attack.technique in checked.techniques
    }
    return tuple(sorted({*base.attacks, *more}, key=lambda attack: (attack.tactic, attack.technique)))


def _priority(base: Verdict, judged: _Judged) -> int:
    """Return the priority: a model can raise it with evidence and lower it only by closing what may be closed."""
    return 1 if judged.verdict_id in HARMLESS else max(base.priority_id, judged.weighing.priority_id)


def _is_breach(base: Verdict, judged: _Judged) -> bool:
    if judged.verdict_id in HARMLESS:
        return False
    return base.is_suspected_breach or (judged.verdict_id == TRUE_POSITIVE and judged.weighing.is_suspected_breach)


def _summary(judged: _Judged, answer: Answer, checked: Checked, investigator: str) -> str:
    made = len(checked.claims) + checked.struck_of(CLAIM)
    struck = f", {Count(len(checked.struck), 'statement')} struck out" if checked.struck else ""
    points = ", ".join(f"{name} {given:+d}" for name, given in judged.weighing.points)
    taken = "".join(f", {name} -{given}" for name, given in judged.demoted)
    sentences = [
        checked.summary,
        f"{investigator} investigated; {len(checked.claims)} of {Count(made, 'claim')} hold{struck}.",
        _why(judged, answer),
        f"Score {judged.weighing.score} ({points or 'no rule applies'}){taken}; {judged.calibrated.words}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _why(judged: _Judged, answer: Answer) -> str:
    if judged.verdict_id in HARMLESS:
        return f"Closed, since {plain(judged.why, MAX_PLAIN)}."
    if not judged.why:
        return ""
    return f"The model said {VERDICTS[answer.verdict_id]}; it is {VERDICTS[judged.verdict_id]}, since {judged.why}."


def _reasoning(judged: _Judged, checked: Checked) -> Reasoning:
    absent = (Hypothesis(one.text, SUPPORTED, _noted(one)) for one in checked.claims if not one.cited)
    struck = [Struck(f"{one.part}: {one.text}", one.reason) for one in checked.struck[:MAX_STRUCK_TOLD]]
    left = len(checked.struck) - MAX_STRUCK_TOLD
    if left > 0:
        struck.append(Struck(f"{Count(left, 'more statement')}", "struck for reasons like these"))
    return Reasoning(
        hypotheses=(*checked.hypotheses, *absent),
        struck=tuple(struck),
        next_steps=checked.next_steps,
        note=checked.note,
        raw_confidence=judged.raw,
    )


def _noted(proven: Proven) -> str:
    return f"tools found nothing else ({', '.join(proven.noted)})"

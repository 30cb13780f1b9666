"""The deterministic investigator: it gathers through the tools, weighs by stated rules, and says no model took part.

It is the default where no model is configured. The same sequence and the same stored evidence give the same verdict,
byte for byte, unless it is given services outside to ask.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from agents.deterministic.claims import make_claims, missing_in_words, rejected_in_words
from agents.deterministic.propose import propose
from agents.deterministic.weigh import MAX_UNSURE_CONFIDENCE, Weighing, weigh
from agents.evidence.facts import Gathered
from agents.evidence.gather import gather
from agents.evidence.outside import Outside
from agents.evidence.store import EvidenceStore
from agents.evidence.toolbox import Budget, Toolbox
from agents.grounding.cited import GroundingProblem, check_grounding
from agents.investigation import Investigation
from agents.text import Count, plain, quoted
from models.finding import Attack, Sequence
from models.verdict import INSUFFICIENT_DATA, VERDICTS, Verdict

NAME: Final = "deterministic/1"
MAX_INVESTIGATION_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class DeterministicInvestigator:
    """Judge sequences by the tables of `agents.deterministic.weigh`, within a budget."""

    budget: Budget = field(default_factory=Budget)
    outside: Outside | None = None

    @property
    def name(self) -> str:
        """Return the name and version that verdicts carry."""
        return NAME

    async def judge(self, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Gather evidence on one sequence and judge it, beside what else goes on."""
        return await asyncio.to_thread(self.investigate, sequence, store)

    def investigate(self, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Gather evidence on one sequence and judge it; what cannot be grounded is not claimed."""
        tools = Toolbox(store, self.budget, outside=self.outside)
        gathered = gather(sequence, tools)
        verdict = judge(gathered)
        problems = check_grounding(verdict, store, {telling.fact for telling in gathered.tellings})
        if problems:
            verdict = refuse(verdict, problems)
        return Investigation(verdict, propose(verdict, gathered), tuple(tools.steps))


def judge(gathered: Gathered) -> Verdict:
    """Weigh what was gathered and write it down."""
    sequence, weighing = gathered.sequence, weigh(gathered)
    claims, evidence = make_claims(gathered)
    return Verdict(
        sequence_uid=sequence.uid,
        sequence_revision=sequence.revision,
        group=sequence.group,
        time=sequence.end_time,
        verdict_id=weighing.verdict_id,
        confidence=weighing.confidence,
        title=f"{VERDICTS[weighing.verdict_id]}: {plain(sequence.analytic.name)} on {quoted(sequence.group)}",
        summary=_summary(gathered, weighing),
        severity_id=gathered.severity_id,
        priority_id=weighing.priority_id,
        is_suspected_breach=weighing.is_suspected_breach,
        investigator=NAME,
        model_took_part=False,
        claims=claims,
        evidence=evidence,
        attacks=_attacks(gathered),
        missing=missing_in_words(gathered),
        rejected=rejected_in_words(gathered),
        facts=tuple(telling.fact for telling in gathered.tellings),
    )


def _summary(gathered: Gathered, weighing: Weighing) -> str:
    held, sequence = gathered.held, gathered.sequence
    variety = ", ".join(
        (
            str(Count(len(gathered.detections), "distinct detection")),
            str(Count(len(gathered.domains), "domain")),
            str(Count(len(gathered.sources), "source")),
        )
    )
    points = ", ".join(f"{name} {given:+d}" for name, given in weighing.points)
    sentences = [
        f"No model took part: {NAME} weighed the evidence by fixed rules.",
        f"{len(held)} of {Count(len(sequence.members), 'signal')} could be shown, raw record unchanged: {variety}.",
        f"Score {weighing.score} ({points or 'no rule applies'}).",
    ]
    if sequence.investigation:
        checks = plain(sequence.investigation, MAX_INVESTIGATION_TEXT)
        sentences.append(f"Left to an analyst, as the rule's author wants it checked: {checks}")
    return " ".join(sentences)


def _attacks(gathered: Gathered) -> tuple[Attack, ...]:
    attacks = {attack for held in gathered.held for attack in held.signal.signal.analytic.attacks}
    return tuple(sorted(attacks - {Attack()}, key=lambda attack: (attack.tactic, attack.technique)))


def refuse(verdict: Verdict, problems: tuple[GroundingProblem, ...]) -> Verdict:
    """Withdraw the claims that do not hold, and with them the judgement: Insufficient Data, and why."""
    bad = {problem.claim for problem in problems}
    claims = tuple(claim for index, claim in enumerate(verdict.claims) if index not in bad)
    cited = {uid for claim in claims for uid in claim.evidence}
    counts = Counter(problem.kind for problem in problems)
    why = ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items()))
    return replace(
        verdict,
        verdict_id=INSUFFICIENT_DATA,
        confidence=min(verdict.confidence, MAX_UNSURE_CONFIDENCE),
        priority_id=min(verdict.priority_id, 2),
        is_suspected_breach=False,
        title=f"{VERDICTS[INSUFFICIENT_DATA]}: evidence does not bear out what was claimed on {quoted(verdict.group)}",
        summary=f"{verdict.summary} Grounding refused {Count(len(problems), 'statement')} ({why}).",
        claims=claims,
        evidence=tuple(item for item in verdict.evidence if item.uid in cited),
        facts=tuple(fact for fact in verdict.facts if fact.uid in cited),
        missing=(*verdict.missing, f"evidence that holds ({why})"),
    )

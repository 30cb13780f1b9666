"""The investigator with a model: code gathers, a model reads further and answers, code checks and decides.

Whatever the model does, there is a verdict: where it does not answer, or may not be asked, the deterministic
investigator's stands, and says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from agents.audit import events
from agents.deterministic.investigator import judge
from agents.deterministic.propose import propose
from agents.evidence.facts import Gathered
from agents.evidence.gather import gather
from agents.evidence.store import EvidenceStore
from agents.evidence.toolbox import Toolbox
from agents.grounding.answer import Answer
from agents.grounding.calibration import Labels
from agents.grounding.check import Context, check
from agents.grounding.conclude import conclude
from agents.investigate.begun import Begun, begun_from_json, begun_to_json
from agents.investigate.case_file import case_file
from agents.investigate.conversation import Conversation, Outcome
from agents.investigate.journal import BEGUN, ENDED
from agents.investigate.means import Means
from agents.investigate.refs import Refs
from agents.investigate.restore import restored
from agents.investigate.show import Showing
from agents.investigate.steps import JournalDiffers, Steps
from agents.investigate.told import spent_on
from agents.investigate.trail import Trail
from agents.investigation import Investigation, investigation_uid
from agents.llm.talk import Model
from agents.privacy.screen import Screen
from agents.text import plain
from agents.tools.desk import Desk
from models.action import Action
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.finding import Sequence
from models.reasoning import Spent, Struck
from models.verdict import INSUFFICIENT_DATA, Verdict

LOG: Final = logging.getLogger("braid")
NAME: Final = "model/1"
MAX_ATTEMPTS: Final = 5  # each begins where the one before could not go on: other versions, or evidence that is gone
HIGH_RISK: Final = 80  # from here the second model is asked at once
UNSURE: Final = 60  # below this confidence the second model is asked as well


@dataclass(frozen=True, slots=True)
class Case:
    """One investigation while it goes on: what it rests on, what is done in it, what a model is shown first."""

    gathered: Gathered
    base: Verdict
    labels: Labels
    tools: Toolbox
    steps: Steps
    trail: Trail
    showing: Showing
    first: str


@dataclass(frozen=True, slots=True)
class Concluded:
    """What came of one model's answer: the verdict, and kinds and targets of the actions that it wants besides."""

    verdict: Verdict
    wanted: tuple[tuple[str, EntityKey], ...]


@dataclass(frozen=True, slots=True)
class ModelInvestigator:
    """Judge sequences with a model, within bounds that code keeps."""

    means: Means

    @property
    def name(self) -> str:
        """Return the name and version that verdicts carry."""
        return NAME

    async def judge(self, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Investigate one sequence, or go on where it was left; there is a verdict in any case.

        Raises:
            KafkaUnavailable: The journal keeps nothing.
            LakeUnreadable: The store cannot be read.
        """
        uid = investigation_uid(sequence)
        for attempt in range(MAX_ATTEMPTS):
            steps = Steps(f"{uid}-{attempt}" if attempt else uid, self.means.journal)
            try:
                return await self.walk(sequence, store, steps)
            except (JournalDiffers, InvalidRecord) as error:
                LOG.warning("investigation %s begins anew: %s", steps.investigation, error)
        return await self._without_model(uid, sequence, store)

    async def _without_model(self, uid: str, sequence: Sequence, store: EvidenceStore) -> Investigation:
        """Judge by the fixed rules what was begun time after time and never went on."""
        trail, tools = Trail(uid, self.means.now), Toolbox(store, self.means.budget, outside=self.means.outside)
        gathered = await asyncio.to_thread(gather, sequence, tools)
        why = f"it was begun {MAX_ATTEMPTS} times and never went on"
        verdict = _fallen_back(judge(gathered), why)
        trail.add(events.investigation_fell_back(trail.now(), uid, why))
        trail.add(events.investigation_ended(trail.now(), uid, verdict))
        return Investigation(verdict, propose(verdict, gathered), tuple(tools.steps), tuple(trail.events))

    async def walk(self, sequence: Sequence, store: EvidenceStore, steps: Steps) -> Investigation:
        """Take all steps of an investigation; raise JournalDiffers when the journal has others."""
        trail = Trail(steps.investigation, self.means.now)
        tools = Toolbox(store, self.means.budget, outside=self.means.outside)
        models = self.means.models(trail.investigation).all
        begun = await self._begun(sequence, tools, steps, models)
        versions = self.means.versions()
        trail.add(
            events.investigation_begun(trail.now(), trail.investigation, sequence.uid, sequence.revision, versions)
        )
        case = await asyncio.to_thread(self._case, begun, tools, steps, trail, models)
        verdict, actions = await self._decided(case, models)
        trail.add(events.investigation_ended(trail.now(), trail.investigation, verdict))
        await steps.note(ENDED, {"sha256": events.verdict_hash(verdict)})
        return Investigation(verdict, actions, tuple(tools.steps), tuple(trail.events))

    async def _begun(self, sequence: Sequence, tools: Toolbox, steps: Steps, models: tuple[Model, ...]) -> Begun:
        """Gather evidence, or fetch again what was gathered when the investigation was begun."""

        async def begin() -> tuple[str, Mapping[str, Any]]:
            gathered = await asyncio.to_thread(gather, sequence, tools)
            begun = Begun(gathered, self.means.marker(), self.means.labels())
            return BEGUN, begun_to_json(begun, ((model.name, model.region) for model in models))

        _, kept = await steps.take((BEGUN,), begin)
        return await asyncio.to_thread(begun_from_json, kept, sequence, tools.store)

    def _case(self, begun: Begun, tools: Toolbox, steps: Steps, trail: Trail, models: tuple[Model, ...]) -> Case:
        """Name the entities of the case before anything else, then show what was gathered."""
        handling = self.means.privacy.handling((model.name, model.region) for model in models)
        showing, gathered = Showing(Screen(handling), Refs(), begun.marker), begun.gathered
        named = dict.fromkeys(entity for held in gathered.held for entity in held.signal.signal.entities)
        for entity in (*gathered.entities, *named):
            showing.screen.entity(entity)
        first = case_file(gathered, showing)
        return Case(gathered, judge(gathered), begun.labels, tools, steps, trail, showing, first)

    async def _decided(self, case: Case, models: tuple[Model, ...]) -> tuple[Verdict, tuple[Action, ...]]:
        """Ask the models in turn until one is sure; what the last that answered is worth decides.

        Where the risk is high the large one is asked first, and the small one only if that does not answer.
        """
        best: Concluded | None = None
        why = "no model is configured"
        is_grave = case.gathered.sequence.risk >= HIGH_RISK
        for model in reversed(models) if is_grave else models:
            if best is not None and (is_grave or _is_sure(best.verdict)):
                break
            outcome = await self._asked(model, case)
            if outcome.answer is None:
                why = outcome.why
            else:
                best = await self._checked(outcome.answer, case)
        if best is None:
            case.trail.add(events.investigation_fell_back(case.trail.now(), case.trail.investigation, why))
            return self._signed(_fallen_back(case.base, why), case), propose(case.base, case.gathered)
        actions = propose(best.verdict, case.gathered, best.wanted)
        taken = {(action.kind, action.target) for action in actions}
        for kind, target in dict.fromkeys(best.wanted):
            if (kind, target) not in taken:
                case.trail.add(events.proposal_dropped(case.trail.now(), case.trail.investigation, kind, target))
        return self._signed(best.verdict, case), actions

    async def _asked(self, model: Model, case: Case) -> Outcome:
        """Let one model investigate, where its records may go there at all."""
        refusal = self.means.privacy.refusal(model.name, model.region, self.means.data_region)
        if refusal:
            return Outcome(None, refusal)
        screen = case.showing.screen
        shown = (held.event for held in case.gathered.held)
        library = self.means.library()
        conversation = Conversation(
            model=model,
            system=self.means.prompt.instructions(case.showing.marker),
            desk=Desk(case.tools, library, case.gathered.sequence, screen.resolve, screen.restore, shown),
            store=case.tools.store,
            showing=case.showing,
            steps=case.steps,
            trail=case.trail,
            charge=partial(self.means.charge, case.trail.investigation),
            max_tokens=self.means.max_tokens,
        )
        return await conversation.hold(case.first)

    async def _checked(self, answer: Answer, case: Case) -> Concluded:
        """Check an answer against its evidence and conclude."""
        real, refs = restored(answer, case.showing.screen), case.showing.refs
        knowledge, gathered = self.means.library().knowledge, case.gathered
        names = frozenset(entity.value for entity in gathered.entities)
        sources = {seen.source for seen in (*gathered.near, *gathered.baseline)}
        techniques = knowledge.techniques.keys() | knowledge.replaced.keys()
        context = Context(techniques, names, knowledge.words | sources, refs.notes)
        checked = await asyncio.to_thread(check, real, refs.shown, case.tools.store, context)
        for one in checked.struck:
            struck = Struck(f"{one.part}: {one.text}", one.reason)
            case.trail.add(events.claim_struck(case.trail.now(), case.trail.investigation, struck))
        verdict = conclude(case.gathered, case.base, real, checked, case.labels, investigator=NAME)
        asked, kept, struck_out = (real.verdict_id, real.confidence), len(checked.claims), len(checked.struck)
        case.trail.add(
            events.answer_judged(
                case.trail.now(), case.trail.investigation, asked, verdict, kept=kept, struck=struck_out
            )
        )
        return Concluded(verdict, tuple((one.kind, one.target) for one in checked.actions))

    def _signed(self, verdict: Verdict, case: Case) -> Verdict:
        """Say on a verdict with what it was made, and what that took."""
        usage = spent_on(case.trail.replies)
        spent = Spent(
            requests=len(case.trail.replies),
            tool_calls=case.trail.tool_calls,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_micros=usage.cost_micros,
            latency_ms=usage.latency_ms,
        )
        versions = self.means.versions(tuple(case.trail.models))
        return replace(verdict, reasoning=replace(verdict.reasoning, versions=versions, spent=spent))


def _is_sure(verdict: Verdict) -> bool:
    return verdict.verdict_id != INSUFFICIENT_DATA and verdict.confidence >= UNSURE


def _fallen_back(base: Verdict, why: str) -> Verdict:
    """Say on the deterministic verdict that a model was to judge and did not."""
    told = f"A model was to judge and did not: {plain(why)}."
    return replace(base, summary=f"{base.summary} {told}", reasoning=replace(base.reasoning, fallback=plain(why)))

"""Repeat an investigation from its journal: an auditor sees whether the same steps lead to the same verdict.

No model and no service is asked; evidence is fetched from the store again, by the places and hashes in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from agents.audit.events import verdict_hash
from agents.evidence.store import EvidenceStore
from agents.investigate.begun import models_begun_with, sequence_begun_on
from agents.investigate.investigator import ModelInvestigator
from agents.investigate.journal import BEGUN, ENDED, Entry, MemoryJournal
from agents.investigate.means import Means
from agents.investigate.steps import Steps
from agents.llm.talk import Ask, Reply
from agents.llm.tiers import Tiers
from models.errors import InvalidRecord, ModelUnavailable
from models.fields import take
from models.reasoning import Versions
from models.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Silent:
    """A model that is not there: what it said is in the journal."""

    name: str
    region: str

    async def ask(self, _: Ask) -> Reply:
        """Refuse."""
        raise ModelUnavailable("no model is asked while an investigation is repeated")


@dataclass(frozen=True, slots=True)
class Repeated:
    """What came of repeating an investigation.

    Attributes:
        verdict: The verdict it leads to.
        expected: Hash of the verdict that it led to the first time.
        found: Hash of the verdict now.
    """

    verdict: Verdict
    expected: str
    found: str

    @property
    def is_same(self) -> bool:
        """Tell whether it is the same verdict, byte for byte."""
        return self.expected == self.found


async def repeat(entries: Mapping[str, tuple[Entry, ...]], store: EvidenceStore, means: Means) -> Repeated:
    """Repeat the attempt at an investigation that came to its end.

    Args:
        entries: The steps of its attempts.
        store: Where the evidence is.
        means: What it works with; its models, journal and outside are not used.

    Raises:
        InvalidRecord: No attempt came to its end, or evidence is gone or altered.
        JournalDiffers: The steps lead elsewhere, or need more than the journal has.
    """
    ended = {name: steps for name, steps in entries.items() if steps and steps[-1].kind == ENDED}
    if not ended:
        raise InvalidRecord("the journal has no investigation that came to its end")
    name, steps = max(ended.items())
    if steps[0].kind != BEGUN:
        raise InvalidRecord("the journal has lost the beginning of the investigation")
    begun = steps[0].data
    models = [Silent(*named) for named in models_begun_with(begun)]
    journal = MemoryJournal({name: list(steps)})
    alone = replace(means, models=_tiers(models), journal=journal, outside=None, charge=lambda _: None)
    walk = ModelInvestigator(alone).walk(sequence_begun_on(begun), store, Steps(name, journal, may_go_on=False))
    verdict = (await walk).verdict
    return Repeated(verdict, take(steps[-1].data, "sha256", str), verdict_hash(verdict))


def _tiers(models: list[Silent]) -> Callable[[str], Tiers]:
    if not models:
        raise InvalidRecord("models: none is named")
    tiers = Tiers(models[0], models[1] if len(models) > 1 else None)
    return lambda _: tiers


def other_versions(then: Versions, now: Versions) -> tuple[str, ...]:
    """Name what the verdict was made with that is another version now."""
    pairs = ((one.name, getattr(then, one.name), getattr(now, one.name)) for one in fields(Versions))
    return tuple(f"{name}: {was or 'none'}, now {is_now or 'none'}" for name, was, is_now in pairs if was != is_now)

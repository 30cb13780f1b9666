"""The investigator that the settings name, with all it works with: models, policies, knowledge. Knows no Kafka."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import httpx

from agents.deterministic.investigator import DeterministicInvestigator
from agents.evidence.outside import Outside
from agents.evidence.toolbox import Budget
from agents.grounding.calibration import Labels
from agents.investigate.investigator import ModelInvestigator
from agents.investigate.journal import Journal, MemoryJournal
from agents.investigate.means import Means
from agents.investigate.prompts import bundled_prompt
from agents.investigation import Investigator
from agents.llm.budget import Charge
from agents.llm.models_file import load_models
from agents.llm.tiers import Models, Tiers
from agents.policy.file import default_policy, load_policy
from agents.policy.policy import Policy
from agents.privacy.policy import PrivacyPolicy
from agents.privacy.policy_file import default_policy as default_privacy
from agents.privacy.policy_file import load_policy as load_privacy
from agents.tools.embedding import Embedder, Endpoint, HttpEmbedder
from agents.tools.library import Library, library
from enrichers.lookups.client import Clocks
from enrichers.secrets import Secret, read_secret
from models.errors import BraidError, ModelUnavailable
from streams.config import Settings
from streams.knowledge import load_knowledge, load_labels
from streams.lake_store import LakeStore
from streams.rulebook.configured import configured_rulebook

LOG: Final = logging.getLogger("braid")
RENEW_SECONDS: Final = 300.0  # between two looks at rules, runbooks and past verdicts
MARKER_BYTES: Final = 16
PROMPT: Final = "investigate"
CALLS: Final = 120  # questions to the store that one investigation by a model may ask


def configured_policy(settings: Settings) -> Policy:
    """Return the policy of actions; raise ConfigError with all that is wrong with its file."""
    return load_policy(settings.policy) if settings.policy else default_policy()


def configured_privacy(settings: Settings) -> PrivacyPolicy:
    """Return the privacy policy; raise ConfigError with all that is wrong with its file."""
    return load_privacy(settings.privacy) if settings.privacy else default_privacy()


def check_files(settings: Settings) -> None:
    """Read every file that an investigation needs; raise ConfigError with all that is wrong with the first bad one."""
    if settings.models is not None:
        load_models(settings.models)
    configured_policy(settings)
    configured_privacy(settings)


class Known:
    """Rules, runbooks, past cases and what analysts said of them: as they are now, looked at again now and then."""

    def __init__(self, settings: Settings, embedder: Embedder | None) -> None:
        """Load all of it; raise ConfigError with all that is wrong with runbooks."""
        self._settings = settings
        self._embedder = embedder
        self._lake = LakeStore(settings.lake)
        self.library: Library
        self.labels: Labels
        self.rules: str
        self.renew()

    def renew(self) -> None:
        """Load all of it again."""
        rulebook = configured_rulebook(self._settings)
        self.library = library(load_knowledge(rulebook, self._settings.runbooks, self._lake), self._embedder)
        self.labels, self.rules = load_labels(self._lake), rulebook.digest

    async def keep(self) -> None:
        """Load it again and again; what cannot be loaded leaves what there was."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await asyncio.to_thread(self.renew)
            except BraidError as error:
                LOG.warning("what investigations know is not renewed: %s", error)


@asynccontextmanager
async def open_investigator(
    settings: Settings,
    environment: Mapping[str, str],
    clocks: Clocks,
    outside: Outside | None,
    tell: Callable[[Models], None],
    journal: Journal,
    charges: Iterable[Charge] = (),
) -> AsyncIterator[Investigator]:
    """Open what judges, for as long as the context lasts: with a model where the settings name one.

    Args:
        settings: Name the files.
        environment: The variables of the process, where keys may be.
        clocks: The times.
        outside: What services outside are asked through, None when they are not.
        tell: Gets the models, whose health it may tell of.
        journal: Keeps the steps of investigations by a model.
        charges: What models took before a restart.

    Raises:
        ConfigError: A file, a key or a certificate is wrong.
    """
    if settings.models is None:
        yield DeterministicInvestigator(Budget(lookup_seconds=settings.lookup_seconds), outside)
        return
    file = load_models(settings.models)
    client = httpx.Client(trust_env=False)
    known = await asyncio.to_thread(Known, settings, _embedder(settings, environment, clocks, client))
    models = Models(file, environment, clocks, random.SystemRandom().random, charges=charges)
    keeping = asyncio.create_task(known.keep())
    tell(models)
    try:
        yield ModelInvestigator(_means(settings, clocks, journal, outside, models, known))
    finally:
        keeping.cancel()
        await models.close()
        await asyncio.to_thread(client.close)


def means_to_repeat(settings: Settings) -> Means:
    """Return what it takes to repeat an investigation from its journal: as much as is known now, and nobody to ask."""
    rulebook = configured_rulebook(settings)
    known = library(load_knowledge(rulebook, settings.runbooks))
    return Means(
        models=_nobody,
        charge=lambda _: None,
        prompt=bundled_prompt(PROMPT),
        privacy=configured_privacy(settings),
        library=lambda: known,
        labels=Labels,
        journal=MemoryJournal(),
        now=int,
        marker=str,
        data_region=settings.data_region,
        policy=configured_policy(settings).label,
        rules=lambda: rulebook.digest,
    )


def _nobody(_: str) -> Tiers:
    raise ModelUnavailable("nobody is asked")


def _embedder(
    settings: Settings, environment: Mapping[str, str], clocks: Clocks, client: httpx.Client
) -> Embedder | None:
    if not settings.embedding_url:
        return None
    place = settings.embedding_key
    key = read_secret(place, environment) if place else Secret("")
    endpoint = Endpoint(settings.embedding_url, settings.embedding_model, key)
    return HttpEmbedder(endpoint, client, clocks.monotonic)


def _means(
    settings: Settings, clocks: Clocks, journal: Journal, outside: Outside | None, models: Models, known: Known
) -> Means:
    policy = configured_policy(settings)
    return Means(
        models=models.tiers,
        charge=lambda case: models.purse(case).tool_call(),
        prompt=bundled_prompt(PROMPT),
        privacy=configured_privacy(settings),
        library=lambda: known.library,
        labels=lambda: known.labels,
        journal=journal,
        now=clocks.now,
        marker=_marker,
        data_region=settings.data_region,
        policy=policy.label,
        rules=lambda: known.rules,
        budget=Budget(calls=CALLS, lookup_seconds=settings.lookup_seconds),
        outside=outside,
    )


def _marker() -> str:
    return f"m{secrets.token_hex(MARKER_BYTES)}"

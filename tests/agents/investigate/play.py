"""Let a scripted model investigate: the real client, a real server, real tools over a made store."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agents.evidence.outside import Outside
from agents.evidence.store import EvidenceStore
from agents.evidence.toolbox import Budget
from agents.grounding.calibration import NO_LABELS, Labels
from agents.investigate.investigator import ModelInvestigator
from agents.investigate.journal import Journal, MemoryJournal
from agents.investigate.means import Means
from agents.investigate.prompts import bundled_prompt
from agents.investigation import Investigation
from agents.llm.budget import UNLIMITED, Budgets
from agents.llm.models_file import ModelsFile
from agents.llm.tiers import Models
from agents.privacy.policy import PrivacyPolicy
from agents.tools.knowledge import Knowledge, Technique
from agents.tools.library import library
from models.finding import Sequence
from tests.llm.endpoint import Time, settings_of
from tests.llm.script import Conversation, Script
from tests.llm.server import ScriptedServer

MARKER = "marker0123456789abcdef"
TECHNIQUES = {
    uid: Technique(uid, name, tactics)
    for uid, name, tactics in (
        ("T1078", "Valid Accounts", ("initial-access",)),
        ("T1003.001", "LSASS Memory", ("credential-access",)),
        ("T1021.002", "SMB", ("lateral-movement",)),
        ("T1486", "Data Encrypted for Impact", ("impact",)),
    )
}


@dataclass
class Table:
    """What an investigation is given; everything has a default."""

    store: EvidenceStore
    budgets: Budgets = UNLIMITED
    budget: Budget = field(default_factory=lambda: Budget(calls=120))
    privacy: PrivacyPolicy = field(default_factory=PrivacyPolicy)
    knowledge: Knowledge = field(default_factory=lambda: Knowledge(TECHNIQUES))
    labels: Labels = NO_LABELS
    journal: Journal = field(default_factory=MemoryJournal)
    outside: Outside | None = None
    time: Time = field(default_factory=Time)

    def means(self, models: Models) -> Means:
        made = library(self.knowledge)
        return Means(
            models=models.tiers,
            charge=lambda case: models.purse(case).tool_call(),
            prompt=bundled_prompt("investigate"),
            privacy=self.privacy,
            library=lambda: made,
            labels=lambda: self.labels,
            journal=self.journal,
            now=self.time.now,
            marker=lambda: MARKER,
            budget=self.budget,
            outside=self.outside,
        )

    def play(self, sequence: Sequence, *servers: ScriptedServer, **settings: Any) -> Investigation:
        """Investigate with one server, or with a second one for the large model."""
        return asyncio.run(self.investigate(sequence, *servers, **settings))

    async def investigate(self, sequence: Sequence, *servers: ScriptedServer, **settings: Any) -> Investigation:
        """Do so where an event loop runs already."""
        endpoints = {
            name: settings_of(server, name=name, model=name, **settings)
            for name, server in zip(("small", "large"), servers, strict=False)
        }
        file = ModelsFile(endpoints, "small", "large" if len(servers) > 1 else "", self.budgets)
        models = Models(file, {}, self.time.clocks, lambda: 1.0, self.time.sleep)
        try:
            return await ModelInvestigator(self.means(models)).judge(sequence, self.store)
        finally:
            await models.close()


def play(store: EvidenceStore, sequence: Sequence, script: Script, **more: Any) -> Investigation:
    """Investigate with a script."""
    with ScriptedServer(script) as server:
        return Table(store, **more).play(sequence, server)


def shown(conversation: Conversation) -> dict[str, dict[str, Any]]:
    """Return everything that the model was shown under a name."""
    return {row["ref"]: row for row in rows(conversation) if "ref" in row}


def rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """Return every row of data that the model was shown."""
    for turn in conversation.turns:
        if turn.role != "assistant":
            for block in re.findall(rf"<data {MARKER} [^\n]*>\n(.*?)\n</data {MARKER}>", turn.text, re.DOTALL):
                yield from (json.loads(line) for line in block.split("\n"))


def answer(**parts: Any) -> dict[str, Any]:
    """Return a whole answer, empty but for these parts."""
    empty: dict[str, Any] = {
        "verdict": "insufficient_data",
        "confidence": 50,
        "summary": "",
        "claims": [],
        "timeline": [],
        "hypotheses": [],
        "techniques": [],
        "actions": [],
        "next_steps": [],
        "note": "",
    }
    return {**empty, **parts}


def claim(text: str, *refs: str) -> dict[str, Any]:
    return {"text": text, "evidence": list(refs)}

"""Play scripts, and execute what comes of them as policy allows: against a service that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from agents.executors.webhook import Webhook
from agents.grounding.calibration import Label, labels_of
from agents.investigate.investigator import ModelInvestigator
from agents.investigation import Investigation
from agents.llm.models_file import ModelsFile
from agents.llm.tiers import Models
from agents.policy.corroborate import corroborate
from agents.policy.decide import AUTOMATIC, decide
from agents.policy.file import default_policy
from agents.policy.policy import ALLOWED, AUTONOMOUS, EVIDENCE_KINDS, LEVELS, Limits, Policy, Rollout, Thresholds
from agents.policy.standing import Standing
from enrichers.secrets import Secret
from enrichers.web import Limits as WebLimits
from enrichers.web import Web, new_client
from models.action import KINDS
from models.verdict import TRUE_POSITIVE
from tests.agents.investigate.play import Table
from tests.agents.scenario import CORRELATION, T0
from tests.enrichers.server import Server, json_reply, serving
from tests.llm.endpoint import settings_of
from tests.llm.script import Conversation, Protocol, Says
from tests.llm.server import ScriptedServer
from tests.scenarios.attacks.scripts import Script
from tests.scenarios.attacks.victim import Victim

MANY = Limits(1000, 1000, 1000)
LABELS = labels_of(
    Label(f"{n:032x}", T0 - n, 95, TRUE_POSITIVE, TRUE_POSITIVE, CORRELATION.uid, "host:x") for n in range(90)
)


@dataclass(frozen=True)
class Tried:
    """What came of one script.

    Attributes:
        script: The script.
        victim: The case.
        found: What the investigation came to.
        requests: All that the model was sent.
        executed: Bodies of what was executed by itself.
    """

    script: Script
    victim: Victim
    found: Investigation
    requests: tuple[Conversation, ...]
    executed: tuple[dict[str, Any], ...]

    @property
    def kinds(self) -> set[str]:
        """Kinds of the audit records."""
        return {event.kind for event in self.found.events}


def permissive() -> Policy:
    """Return the policy that allows most: all by itself, at any confidence, on what is not protected."""
    made = default_policy()
    rules = {
        kind: replace(
            rule,
            mode=AUTONOMOUS,
            reversible=True,
            blast_radius="low",
            approvals=1,
            targets=KINDS[kind].targets,
            limits=MANY,
            rollout=Rollout(),
        )
        for kind, rule in made.actions.items()
    }
    return replace(
        made,
        mode=AUTONOMOUS,
        thresholds=dict.fromkeys(EVIDENCE_KINDS, Thresholds(0, 0)),
        criticality=dict.fromkeys(LEVELS, ALLOWED),
        in_flight=1000,
        actions=rules,
    )


@dataclass
class Stage:
    """One model and one firewall that all scripts of a group meet."""

    server: ScriptedServer
    firewall: Server
    tried: list[Tried] = field(default_factory=list)
    now: Script | None = None

    async def play(self, scripts: Sequence[Script]) -> None:
        """Play scripts one after the other."""
        client = new_client(WebLimits())
        web = Web(client, WebLimits(), lambda: 1.0, asyncio.sleep)
        hook = Webhook("hook", {"execute": self.firewall.url}, lambda: Secret("key"), web, lambda: T0)
        models: Models | None = None
        for script in scripts:
            case = script.victim()
            table = Table(case.store, labels=LABELS)
            if models is None:
                file = ModelsFile({"small": settings_of(self.server)}, "small")
                models = Models(file, {}, table.time.clocks, lambda: 1.0, table.time.sleep)
            self.now, before = script, len(self.server.requests)
            found = await ModelInvestigator(table.means(models)).judge(case.sequence, case.store)
            requests = tuple(self.server.requests[before:])
            self.tried.append(Tried(script, case, found, requests, await self._executed(hook, case, found)))
            if script.group == "network":  # leaves a breaker open
                await models.close()
                models = None
        if models:
            await models.close()
        await client.aclose()

    async def _executed(self, hook: Webhook, case: Victim, found: Investigation) -> tuple[dict[str, Any], ...]:
        before, policy = len(self.firewall.asked), permissive()
        for action in found.actions:
            known = corroborate(action, case.sequence, case.store)
            if decide(policy, action, found.verdict, known, Standing(), T0).outcome == AUTOMATIC:
                assert (await hook.execute(action, action.uid)).ok
        return tuple(orjson.loads(asked.body) for asked in self.firewall.asked[before:])


def tried(scripts: Iterable[Script], protocol: Protocol = "openai") -> list[Tried]:
    """Play scripts against a model that speaks as each of them wants."""
    with _stage(protocol) as stage:
        asyncio.run(stage.play(list(scripts)))
        return stage.tried


@contextmanager
def _stage(protocol: Protocol) -> Iterator[Stage]:
    def speak(asked: Conversation) -> Says:
        assert stage.now is not None
        return stage.now.behaviour.speak(asked)

    with serving(lambda _: json_reply({"ok": True})) as firewall, ScriptedServer(speak, protocol) as server:
        stage = Stage(server, firewall)
        yield stage

"""An endpoint against the scripted server: time, chance and waiting are the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agents.llm.breaker import Breaker, BreakerRule
from agents.llm.budget import UNLIMITED, Budgets, Ledger, Purse
from agents.llm.client import Endpoint
from agents.llm.connection import Connection
from agents.llm.endpoints import EndpointSettings, Prices
from agents.llm.talk import Ask, ToolSpec, Turn
from enrichers.lookups.client import Clocks
from tests.llm.server import ScriptedServer

SEARCH = ToolSpec(
    "search",
    "Search events.",
    {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
        "additionalProperties": False,
    },
)
ANSWER = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["benign", "suspicious"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
ASK = Ask("Investigate.", (Turn("user", "What of alice?"),), (SEARCH,), ANSWER, 100)
PRICES = Prices(sent_micros=3_000_000, said_micros=15_000_000, cached_micros=300_000)


@dataclass
class Time:
    """A clock that only waiting moves."""

    seconds: float = 1_000_000.0
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    def now(self) -> int:
        return round(self.seconds * 1000)

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.now, lambda: self.seconds)


def settings_of(server: ScriptedServer, **more: Any) -> EndpointSettings:
    given = {"timeout_s": 20.0, "deadline_s": 100.0, **more}
    return EndpointSettings(
        **{"name": "small", "protocol": server.protocol, "url": server.url, "model": "m", "prices": PRICES, **given}
    )


@dataclass
class Asking:
    """An endpoint and what is around it."""

    endpoint: Endpoint
    connection: Connection
    ledger: Ledger
    time: Time


@asynccontextmanager
async def asking(
    settings: EndpointSettings,
    *,
    budgets: Budgets = UNLIMITED,
    rule: BreakerRule | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Asking]:
    """Open an endpoint whose waits are as long as they can be."""
    time, ledger = Time(), Ledger(budgets)
    breaker = Breaker(rule or BreakerRule())
    connection = Connection(settings, environment or {}, time.clocks, lambda: 1.0, time.sleep, breaker)
    try:
        yield Asking(Endpoint(connection, Purse(ledger, "case", time.now)), connection, ledger, time)
    finally:
        await connection.close()

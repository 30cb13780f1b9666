"""Ask a model: within budget, and again while that helps."""

from __future__ import annotations

from dataclasses import replace

from agents.llm.budget import NOTHING, Amounts, Purse, taken
from agents.llm.connection import Connection
from agents.llm.endpoints import CHARACTERS_PER_TOKEN
from agents.llm.failures import RESTING, NoReply
from agents.llm.heard import Heard, Tokens
from agents.llm.talk import Ask, Reply, Usage


class Endpoint:
    """The model behind an endpoint, as one investigation asks it."""

    def __init__(self, connection: Connection, purse: Purse) -> None:
        self._connection = connection
        self._purse = purse

    @property
    def name(self) -> str:
        """Return the name of the endpoint as the settings have it."""
        return self._connection.settings.name

    @property
    def region(self) -> str:
        """Return where it runs."""
        return self._connection.settings.region

    async def ask(self, ask: Ask) -> Reply:
        """Return what the model says; raise NoReply when it does not answer, Exhausted before asking."""
        link, lost = self._connection, NOTHING
        body = link.body(ask)
        begun = link.clocks.monotonic()
        until = begun + self._patience_s()
        while True:
            try:
                heard, tokens = await self._try(ask, body, until)
            except NoReply as failure:
                lost = lost.plus(taken(failure.usage))
                failure.usage = Usage(lost.tokens, 0, lost.micros, self._ms_since(begun), lost.requests)
                wait = link.retrying.wait_s(lost.requests - 1, failure, link.jitter)
                if wait is None or link.clocks.monotonic() + wait >= until:
                    raise
                await link.sleep(wait)
            else:
                cost = link.settings.prices.cost_micros(tokens)
                usage = Usage(tokens.sent, tokens.said, cost, self._ms_since(begun), lost.requests + 1)
                return Reply(heard.text, heard.calls, heard.stopped, usage, heard.model)

    def _patience_s(self) -> float:
        left, deadline_s = self._purse.ms_left, self._connection.settings.deadline_s
        return deadline_s if left is None else min(deadline_s, left / 1000)

    def _ms_since(self, begun: float) -> int:
        return round((self._connection.clocks.monotonic() - begun) * 1000)

    async def _try(self, ask: Ask, body: bytes, until: float) -> tuple[Heard, Tokens]:
        """Send one request within the budget, and charge what it took."""
        link = self._connection
        most = link.most(ask, body)
        asked = self._amounts(most)
        reserved = self._purse.reserve(replace(asked, ms=1))
        begun, took = link.clocks.monotonic(), asked  # what was begun and not told the end of may cost all of it
        try:
            heard = await link.send(body, max(until - begun, 0.001))
            tokens = heard.tokens or _counted(heard, body)
            took = self._amounts(tokens)
        except NoReply as failure:
            if not failure.may_cost:
                took = NOTHING if failure.kind == RESTING else Amounts(requests=1)
            failure.usage = Usage(took.tokens, 0, took.micros, 0, took.requests)
            raise
        finally:
            self._purse.settle(reserved, replace(took, ms=self._ms_since(begun)))
        return heard, tokens

    def _amounts(self, tokens: Tokens) -> Amounts:
        cost = self._connection.settings.prices.cost_micros(tokens)
        return Amounts(requests=1, tokens=tokens.sent + tokens.said, micros=cost)


def _counted(heard: Heard, body: bytes) -> Tokens:
    """Return the tokens of an answer whose endpoint does not count them."""
    said = len(heard.text) + sum(len(call.arguments) for call in heard.calls)
    return Tokens(len(body) // CHARACTERS_PER_TOKEN, said // CHARACTERS_PER_TOKEN)

"""The two tiers and the ledger that they share."""

from __future__ import annotations

import pytest

from agents.llm.budget import HOUR, Amounts, Budgets, Charge, Exhausted, Limits
from agents.llm.models_file import ModelsFile
from agents.llm.tiers import Models
from models.errors import ConfigError
from tests.llm.endpoint import ASK, Time, settings_of
from tests.llm.server import ScriptedServer, Tokens, fails, says


def models_of(server: ScriptedServer, second: str = "large", **more: object) -> tuple[Models, Time]:
    endpoints = {
        "small": settings_of(server, name="small", region="eu", tries=1),
        "large": settings_of(server, name="large", protocol="anthropic", url=server.url_of("anthropic")),
        "other": settings_of(server, name="other", key="env:MISSING"),
    }
    budgets = Budgets(sequence=Limits(requests=2), hour=Limits(requests=3))
    time = Time()
    file = ModelsFile(endpoints, "small", second, budgets)
    return Models(file, {}, time.clocks, lambda: 1.0, time.sleep, **more), time  # type: ignore[arg-type]  # charges only


async def test_both_tiers_speak_their_protocol_and_share_a_ledger() -> None:
    with ScriptedServer([says("a", tokens=Tokens(10, 5)), says("b"), says("c")]) as server:
        models, time = models_of(server)
        one, other = models.tiers("one"), models.tiers("other")
        assert one.second is not None
        assert one.names == ("small", "large")
        assert ((await one.first.ask(ASK)).text, (await one.second.ask(ASK)).text) == ("a", "b")
        with pytest.raises(Exhausted, match="budget of the sequence"):
            await one.first.ask(ASK)
        assert (await other.first.ask(ASK)).text == "c"
        with pytest.raises(Exhausted, match="budget of the hour"):
            await other.first.ask(ASK)
        await models.close()
    assert [asked.protocol for asked in server.requests] == ["openai", "anthropic", "openai"]
    assert models.ledger.spent(time.now())[HOUR].requests == 3
    assert models.purse("one").ledger.spent_by("one").requests == 2


async def test_one_tier_is_enough_and_health_is_told() -> None:
    with ScriptedServer([fails(500)]) as server:
        models, _ = models_of(server, second="")
        tiers = models.tiers("one")
        assert (tiers.second, tiers.names) == (None, ("small",))
        with pytest.raises(Exception, match="500"):
            await tiers.first.ask(ASK)
        await models.close()
    assert [(health.name, health.failed) for health in models.health] == [("small", 1)]
    assert "500" in models.health[0].why


async def test_a_restart_goes_on_with_what_was_taken() -> None:
    with ScriptedServer([]) as server:
        charges = [Charge("one", Time().now(), Amounts(requests=2))]
        models, _ = models_of(server, charges=charges)
        with pytest.raises(Exhausted):
            await models.tiers("one").first.ask(ASK)
        await models.close()


async def test_only_the_endpoints_of_the_tiers_need_a_key() -> None:
    with ScriptedServer([]) as server:
        models, _ = models_of(server)
        await models.close()
        with pytest.raises(ConfigError, match="MISSING"):
            models_of(server, second="other")

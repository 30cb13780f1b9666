"""Operations as respond asks for them: tried again where that helps, and looked at where nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from agents.executors.base import Outcome, done, failed
from agents.executors.executors import Executors
from agents.executors.file import Setting
from agents.executors.operate import LOOK_SECONDS, MAX_PAUSE_S, TRIES, operate
from agents.policy.life import DRY, EXECUTE, RESUME, ROLL_BACK, VERIFY
from models.action import APPROVED, EXECUTED, EXECUTING, ROLLING_BACK, Action, moved
from models.errors import ConfigError
from tests.agents.executors.cases import BLOCK

SETTING = Setting("firewall", "webhook", ("block_ip",), ("*",), "executors.yml:1", {})


@dataclass
class Scripted:
    """An executor that answers as told, and keeps what it was asked."""

    answers: dict[str, list[Outcome]]
    asked: list[str] = field(default_factory=list)
    name: str = "firewall"

    def _next(self, operation: str) -> Outcome:
        self.asked.append(operation)
        return self.answers[operation].pop(0)

    async def dry_run(self, action: Action) -> Outcome:
        del action
        return self._next("dry_run")

    async def execute(self, action: Action, key: str) -> Outcome:
        assert key == action.uid
        return self._next("execute")

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        assert receipt == action.receipt
        return self._next("verify")

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        assert receipt == action.receipt
        return self._next("rollback")


def at(status: str) -> Action:
    path = {APPROVED: 1, EXECUTING: 2, EXECUTED: 3, ROLLING_BACK: 4}[status]
    action = replace(BLOCK, status="proposed", revision=0, executor="", receipt={})
    for one in (APPROVED, EXECUTING, EXECUTED, ROLLING_BACK)[:path]:
        action = moved(action, one, by="respond", why="x", at=1, executor="firewall" if one == EXECUTING else "")
    return action


class Waits:
    """Time that passes at once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def asked(operation: str, status: str, **answers: list[Outcome]) -> tuple[Outcome, list[str], list[float]]:
    executor, waits = Scripted(answers), Waits()
    name, outcome = await operate(Executors(((SETTING, executor),)), operation, at(status), waits)
    assert name == "firewall"
    return outcome, executor.asked, waits.seconds


WELL, BADLY = done("well"), failed("badly")


async def test_what_went_well_is_asked_for_once() -> None:
    assert await asked(DRY, APPROVED, dry_run=[WELL]) == (WELL, ["dry_run"], [])
    assert await asked(EXECUTE, EXECUTING, execute=[WELL]) == (WELL, ["execute"], [])
    assert await asked(RESUME, EXECUTING, verify=[WELL]) == (WELL, ["verify"], [])
    assert await asked(ROLL_BACK, ROLLING_BACK, rollback=[WELL]) == (WELL, ["rollback"], [])
    assert await asked(VERIFY, EXECUTED, verify=[WELL]) == (WELL, ["verify"], [0.0])


async def test_what_is_too_much_for_now_is_tried_again_and_not_for_ever() -> None:
    later = failed("too many", 99.0)
    assert await asked(EXECUTE, EXECUTING, execute=[later, WELL]) == (WELL, ["execute"] * 2, [MAX_PAUSE_S])
    outcome, tried, waited = await asked(EXECUTE, EXECUTING, execute=[later] * 9)
    assert (outcome, len(tried), len(waited)) == (later, TRIES, TRIES - 1)
    outcome, tried, _ = await asked(ROLL_BACK, ROLLING_BACK, rollback=[later] * 9)
    assert (outcome, len(tried)) == (later, TRIES)


async def test_what_failed_for_good_is_not_tried_again() -> None:
    assert await asked(EXECUTE, EXECUTING, execute=[BADLY]) == (BADLY, ["execute"], [])
    assert await asked(ROLL_BACK, ROLLING_BACK, rollback=[BADLY]) == (BADLY, ["rollback"], [])


async def test_what_may_have_taken_effect_is_looked_at_first() -> None:
    unsure = failed("cut off", is_certain=False)
    outcome, tried, _ = await asked(EXECUTE, EXECUTING, execute=[unsure], verify=[WELL])
    assert (outcome.ok, tried) == (True, ["execute", "verify"])
    outcome, tried, _ = await asked(EXECUTE, EXECUTING, execute=[unsure], verify=[BADLY])
    assert (outcome, tried) == (unsure, ["execute", "verify"])


async def test_what_takes_a_moment_to_show_is_looked_at_again() -> None:
    outcome, tried, waited = await asked(VERIFY, EXECUTED, verify=[BADLY, WELL])
    assert (outcome, len(tried), waited) == (WELL, 2, list(LOOK_SECONDS[:2]))
    outcome, tried, _ = await asked(VERIFY, EXECUTED, verify=[BADLY] * 9)
    assert (outcome, len(tried)) == (BADLY, len(LOOK_SECONDS))


@pytest.mark.parametrize(
    "executors", [Executors(()), Executors(((replace(SETTING, kinds=("notify",)), Scripted({})),))]
)
async def test_what_nobody_does_is_said_to_be_so(executors: Executors) -> None:
    name, outcome = await operate(executors, DRY, at(APPROVED), Waits())
    assert (name, outcome.ok) == ("", False)


async def test_a_secret_that_is_gone_is_a_failure_and_no_crash() -> None:
    class Keyless(Scripted):
        async def execute(self, action: Action, key: str) -> Outcome:
            del action, key
            raise ConfigError("env:KEY is not set")

    executors = Executors(((SETTING, Keyless({"verify": []})),))
    name, outcome = await operate(executors, EXECUTE, at(EXECUTING), Waits())
    assert (name, outcome.ok, outcome.detail) == ("firewall", False, "env:KEY is not set")

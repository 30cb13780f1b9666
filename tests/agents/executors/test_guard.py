"""Nothing runs that was not moved to where it may run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from agents.executors.base import Outcome, done
from agents.executors.file import Setting
from agents.executors.guard import Guarded
from models.action import TRANSITIONS, Action
from tests.agents.executors.cases import CONTAIN, action

SETTING = Setting("edr", "edr", ("isolate_host",), ("host:web*",), "executors.yml:1", {})


@dataclass
class Counting:
    """An executor that does everything, and counts."""

    name: str = "edr"
    calls: list[str] = field(default_factory=list)

    async def dry_run(self, action: Action) -> Outcome:
        return self._did("dry_run", action)

    async def execute(self, action: Action, key: str) -> Outcome:
        return self._did("execute", action, key)

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        return self._did("verify", action, receipt)

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        return self._did("rollback", action, receipt)

    def _did(self, what: str, *told: object) -> Outcome:
        assert told
        self.calls.append(what)
        return done(what)


def at(status: str, what: Action = CONTAIN, executor: str = "edr") -> Action:
    return replace(what, status=status, revision=0 if status == "proposed" else 1, executor=executor)


@pytest.mark.parametrize("status", TRANSITIONS)
async def test_only_what_is_executing_is_executed_and_only_what_is_rolling_back_is_rolled_back(status: str) -> None:
    counting = Counting()
    guarded = Guarded(SETTING, counting)
    executed = await guarded.execute(at(status), CONTAIN.uid)
    undone = await guarded.rollback(at(status), {})
    assert executed.ok is (status == "executing")
    assert undone.ok is (status == "rolling_back")
    assert counting.calls == ["execute"] * executed.ok + ["rollback"] * undone.ok
    assert (await guarded.dry_run(at(status))).ok
    assert (await guarded.verify(at(status), {})).ok


@pytest.mark.parametrize(
    ("what", "key"),
    [
        (at("executing"), "another key"),
        (at("executing"), ""),
        (at("executing", executor="okta"), CONTAIN.uid),
        (at("executing", executor=""), CONTAIN.uid),
        (at("executing", action("isolate_host", "host:db01")), None),
        (at("executing", action("notify", "host:web01")), None),
    ],
)
async def test_what_is_not_for_this_executor_under_this_key_is_not_executed(what: Action, key: str | None) -> None:
    counting = Counting()
    guarded = Guarded(SETTING, counting)
    assert not (await guarded.execute(what, what.uid if key is None else key)).ok
    assert counting.calls == []


async def test_a_dry_run_of_what_is_for_another_executor_fails() -> None:
    counting = Counting()
    assert not (await Guarded(SETTING, counting).dry_run(action("isolate_host", "host:db01"))).ok
    assert counting.calls == []


async def test_what_is_with_another_executor_is_not_rolled_back() -> None:
    counting = Counting()
    assert not (await Guarded(SETTING, counting).rollback(at("rolling_back", executor="falcon"), {})).ok
    assert counting.calls == []


async def test_a_rollback_outlives_a_change_of_the_file() -> None:
    elsewhere = replace(SETTING, targets=("host:db*",))
    assert (await Guarded(elsewhere, Counting()).rollback(at("rolling_back"), {})).ok

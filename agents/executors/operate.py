"""Ask executors: one operation on one action, tried again where that may help, cut short where it may not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from agents.executors.base import Outcome, done, failed
from agents.executors.executors import Around, Executors, open_executors
from agents.executors.file import Setting
from agents.executors.guard import Guarded
from agents.policy.life import DRY, EXECUTE, RESUME, ROLL_BACK, VERIFY
from enrichers.web import Sleep
from models.action import Action
from models.errors import BraidError

TRIES: Final = 3
LOOK_SECONDS: Final = (0.0, 2.0, 10.0)  # what was done may take a moment to show
MAX_PAUSE_S: Final = 30.0
NOBODY: Final = failed("no executor does such a thing to such a target")


@asynccontextmanager
async def opened(settings: Iterable[Setting], around: Around) -> AsyncIterator[Executors]:
    """Open executors for as long as the context lasts; raise TableErrors with every secret that is not there."""
    executors = open_executors(settings, around)
    try:
        yield executors
    finally:
        await executors.aclose()


async def operate(executors: Executors, operation: str, action: Action, sleep: Sleep) -> tuple[str, Outcome]:
    """Ask the executor of an action, or the one that is for it; return its name and how that came out.

    Args:
        executors: All there are.
        operation: One of those in `agents.policy.life`.
        action: In the status that the operation needs.
        sleep: Waits for seconds.
    """
    executor = executors.named(action.executor) if action.executor else executors.for_action(action)
    if executor is None:
        return "", NOBODY
    try:
        return executor.name, await _OPERATIONS[operation](executor, action, sleep)
    except BraidError as error:
        return executor.name, failed(str(error), is_certain=False)


async def _dry(executor: Guarded, action: Action, _: Sleep) -> Outcome:
    return await executor.dry_run(action)


async def _execute(executor: Guarded, action: Action, sleep: Sleep) -> Outcome:
    """Do it; what failed and may have taken effect is looked at before anything else."""
    outcome = NOBODY
    for left in reversed(range(TRIES)):
        outcome = await executor.execute(action, action.uid)
        if not outcome.ok and not outcome.is_certain:
            looked = await executor.verify(action, action.receipt)
            outcome = done(f"it stands all the same: {looked.detail}", looked.receipt) if looked.ok else outcome
        if outcome.ok or not outcome.retry_after_s or not left:
            break
        await sleep(min(outcome.retry_after_s, MAX_PAUSE_S))
    return outcome


async def _look(executor: Guarded, action: Action, _: Sleep) -> Outcome:
    return await executor.verify(action, action.receipt)


async def _verify(executor: Guarded, action: Action, sleep: Sleep) -> Outcome:
    outcome = NOBODY
    for seconds in LOOK_SECONDS:
        await sleep(seconds)
        outcome = await executor.verify(action, action.receipt)
        if outcome.ok:
            break
    return outcome


async def _roll_back(executor: Guarded, action: Action, sleep: Sleep) -> Outcome:
    outcome = NOBODY
    for left in reversed(range(TRIES)):
        outcome = await executor.rollback(action, action.receipt)
        if outcome.ok or not outcome.retry_after_s or not left:
            break
        await sleep(min(outcome.retry_after_s, MAX_PAUSE_S))
    return outcome


_OPERATIONS: Final = {DRY: _dry, EXECUTE: _execute, RESUME: _look, VERIFY: _verify, ROLL_BACK: _roll_back}

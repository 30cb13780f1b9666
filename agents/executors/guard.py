"""The last gate before anything is done: whatever calls an executor, only an action that came all the way runs.

Who may move an action to `executing` or `rolling_back`, policy and approval decide. Here it is only made sure that
nothing runs without that step, twice under different keys, or through an executor that is not for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agents.executors.base import Executor, Outcome, failed
from agents.executors.file import Setting
from models.action import EXECUTING, ROLLING_BACK, Action

NOT_FOR_IT: Final = "the file does not give such an action to this executor"


class Guarded:
    """An executor that does nothing without being entitled to."""

    def __init__(self, setting: Setting, executor: Executor) -> None:
        """Prepare.

        Args:
            setting: What the executor is for.
            executor: The executor itself.
        """
        self.name = setting.name
        self._setting = setting
        self._executor = executor

    async def dry_run(self, action: Action) -> Outcome:
        """Say what would be done, of any action that is for it."""
        return await self._executor.dry_run(action) if self._setting.fits(action) else failed(NOT_FOR_IT)

    async def execute(self, action: Action, key: str) -> Outcome:
        """Do it, if the action is executing, under its own key, by this executor."""
        if not self._setting.fits(action):
            return failed(NOT_FOR_IT)
        wrong = self._wrong(action, EXECUTING)
        if wrong or key != action.uid:
            return failed(wrong or "the key is not the uid of the action")
        return await self._executor.execute(action, key)

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Look whether it stands."""
        return await self._executor.verify(action, receipt)

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Undo it, if the action is rolling back; the file may have given such actions to another one since."""
        wrong = self._wrong(action, ROLLING_BACK)
        return failed(wrong) if wrong else await self._executor.rollback(action, receipt)

    def _wrong(self, action: Action, status: str) -> str:
        if action.status != status:
            return f"the action is {action.status}, and not {status}"
        return "" if action.executor == self.name else "the action is with another executor"

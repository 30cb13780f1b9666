"""Operations of executors that are on their way, beside the worker's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from agents.executors.base import Outcome
from agents.executors.executors import Executors
from agents.executors.operate import operate
from enrichers.background import Background
from models.action import Action


@dataclass(frozen=True, slots=True)
class Landed:
    """How an operation on an action came out, and by which executor."""

    action: Action
    operation: str
    executor: str
    outcome: Outcome


class Flights:
    """At most one operation of each action at a time."""

    def __init__(self, executors: Executors, background: Background) -> None:
        self._executors = executors
        self._background = background
        self._going: dict[str, tuple[Action, str, Future[tuple[str, Outcome]]]] = {}

    def __len__(self) -> int:
        return len(self._going)

    def __contains__(self, uid: str) -> bool:
        return uid in self._going

    def start(self, action: Action, operation: str) -> None:
        """Ask for an operation on an action that has none on its way."""
        going = self._background.submit(operate(self._executors, operation, action, asyncio.sleep))
        self._going[action.uid] = action, operation, going

    def landed(self) -> Iterator[Landed]:
        """Yield what is over, and forget it."""
        for uid, (action, operation, going) in tuple(self._going.items()):
            if going.done():
                self._going.pop(uid)
                try:
                    executor, outcome = going.result()
                except CancelledError:
                    continue
                yield Landed(action, operation, executor, outcome)

    def cancel(self, is_ours: Callable[[str], bool]) -> None:
        """Cut short the operations on actions that are another worker's now."""
        for uid in [uid for uid in self._going if not is_ours(uid)]:
            _, _, going = self._going.pop(uid)
            going.cancel()

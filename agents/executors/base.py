"""What every executor can do, and how it says how that came out: as values, never as exceptions.

An action is executed in this order, and each outcome is written down before the next step:

1. `dry_run` looks, changes nothing, and gives a receipt of what was there before: with it the action moves to
   `executing`.
2. `execute` is called with the action that is `executing` and holds this receipt. Called again after a crash it changes
   nothing more, and the receipt still tells what was there before the first time.
3. `verify` looks whether what was done still stands.
4. `rollback` undoes what this action did, and never what somebody else had done before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from agents.text import plain
from models.action import Action

MAX_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation came out.

    Attributes:
        ok: Whether it did what it is there for.
        detail: For a person: one line, bounded, without a secret.
        receipt: What a later operation needs.
        retry_after_s: After how many seconds another try may help; 0 when it would not, or when nobody knows.
        is_certain: False when it failed and may have taken effect all the same: then verify before anything else.
    """

    ok: bool
    detail: str
    receipt: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float = 0.0
    is_certain: bool = True


def done(detail: str, receipt: Mapping[str, str] | None = None) -> Outcome:
    """Return the outcome of what went well."""
    return Outcome(ok=True, detail=plain(detail, MAX_DETAIL), receipt=receipt or {})


def failed(detail: str, retry_after_s: float = 0.0, *, is_certain: bool = True) -> Outcome:
    """Return the outcome of what did not."""
    return Outcome(ok=False, detail=plain(detail, MAX_DETAIL), retry_after_s=retry_after_s, is_certain=is_certain)


class Executor(Protocol):
    """Do one kind of thing to targets of one service."""

    @property
    def name(self) -> str:
        """Return its name in the file of executors: an action keeps it, so that the same one rolls it back."""

    async def dry_run(self, action: Action) -> Outcome:
        """Say what would be done, change nothing, and give a receipt of what is there now."""

    async def execute(self, action: Action, key: str) -> Outcome:
        """Do it, once.

        Args:
            action: With the receipt of its dry run.
            key: The action's uid, which goes along as the idempotency key.
        """

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Tell whether it stands; `ok` is False too where nobody can tell."""

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Undo it, as far as it was this action's doing."""


class ByKind:
    """Do several kinds of things in one service, each by an executor of its own."""

    def __init__(self, name: str, executors: Mapping[str, Executor]) -> None:
        self.name = name
        self._executors = executors

    async def dry_run(self, action: Action) -> Outcome:
        """Hand it on."""
        executor = self._executors.get(action.kind)
        return await executor.dry_run(action) if executor else self._unknown(action)

    async def execute(self, action: Action, key: str) -> Outcome:
        """Hand it on."""
        executor = self._executors.get(action.kind)
        return await executor.execute(action, key) if executor else self._unknown(action)

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Hand it on."""
        executor = self._executors.get(action.kind)
        return await executor.verify(action, receipt) if executor else self._unknown(action)

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Hand it on."""
        executor = self._executors.get(action.kind)
        return await executor.rollback(action, receipt) if executor else self._unknown(action)

    def _unknown(self, action: Action) -> Outcome:
        return failed(f"{self.name} does not {action.kind}")

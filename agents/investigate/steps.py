"""Take the steps of one investigation, each once: what the journal has is read, what it lacks is done and kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.investigate.journal import Entry, Journal
from models.errors import BraidError

Json = Mapping[str, Any]


class JournalDiffers(BraidError):
    """The journal has another step than the one that comes now: it was written with other versions or evidence."""


@dataclass(slots=True)
class Steps:
    """Walk through one investigation's journal.

    Attributes:
        investigation: Its uid.
        journal: Where its entries are kept.
        may_go_on: Whether steps beyond the journal are taken; an auditor who repeats an investigation takes none.
    """

    investigation: str
    journal: Journal
    may_go_on: bool = True
    _recorded: tuple[Entry, ...] = field(init=False)
    _next: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Read what the journal has."""
        self._recorded = self.journal.recorded(self.investigation)

    async def note(self, kind: str, data: Json) -> None:
        """Keep what is about to be done; one that is kept already has to say the same, or JournalDiffers is raised."""

        async def same() -> tuple[str, Json]:
            return kind, data

        _, kept = await self.take((kind,), same)
        if kept != data:
            raise JournalDiffers(f"step {self._next - 1} ({kind}) is not what the journal has")

    async def take(self, kinds: tuple[str, ...], do: Callable[[], Awaitable[tuple[str, Json]]]) -> tuple[str, Json]:
        """Return what came of a step: from the journal where it has the step, else by taking it.

        Args:
            kinds: How it may come out.
            do: Takes it; only called when the journal lacks it.

        Raises:
            JournalDiffers: The journal has a step of another kind here, or is over and nothing new may be done.
        """
        if self._next < len(self._recorded):
            entry = self._recorded[self._next]
            if entry.kind not in kinds:
                raise JournalDiffers(f"step {self._next} is {entry.kind!r}, expected {' or '.join(kinds)}")
            self._next += 1
            return entry.kind, entry.data
        if not self.may_go_on:
            raise JournalDiffers(f"the journal ends before step {self._next} ({' or '.join(kinds)})")
        kind, data = await do()
        await self.journal.append(self.investigation, Entry(self._next, kind, data))
        self._next += 1
        return kind, data

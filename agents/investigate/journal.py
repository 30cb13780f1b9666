"""The journal of investigations: every step, kept before the next is taken.

An investigation that was cut off begins again from its journal: what a model said is read and not paid for again, and
what a tool answered is not asked again. From the same entries comes the same verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

BEGUN: Final = "begun"  # what it is about, and with which versions, marker and time
ASKED: Final = "asked"  # a model is about to be asked: hash and size of the request
REPLIED: Final = "replied"  # what it said and what that took
FAILED: Final = "failed"  # it did not answer, and why
CALLED: Final = "called"  # a tool is about to be called: name and arguments
ANSWERED: Final = "answered"  # what it answered, and the hash of that
ENDED: Final = "ended"  # the verdict's hash
KINDS: Final = (BEGUN, ASKED, REPLIED, FAILED, CALLED, ANSWERED, ENDED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One step.

    Attributes:
        number: Counts from 0 within the investigation.
        kind: One of KINDS.
        data: JSON values only.
    """

    number: int
    kind: str
    data: Mapping[str, Any]


class Journal(Protocol):
    """Keep the steps of investigations."""

    def recorded(self, investigation: str) -> tuple[Entry, ...]:
        """Return the entries that an investigation has so far, in order."""
        ...

    async def append(self, investigation: str, entry: Entry) -> None:
        """Keep an entry; it is kept for good when this returns."""
        ...


@dataclass(slots=True)
class MemoryJournal:
    """A journal of one process: for replays, where a crash loses nothing that cannot be had again."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    def recorded(self, investigation: str) -> tuple[Entry, ...]:
        """Return the entries that an investigation has so far, in order."""
        return tuple(self.entries.get(investigation, ()))

    async def append(self, investigation: str, entry: Entry) -> None:
        """Keep an entry."""
        self.entries[investigation].append(entry)

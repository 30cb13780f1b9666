"""What the tools of one investigation work with, and how they read what a model means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from agents.evidence.facts import DAY_MS
from agents.evidence.gather import LOOKBACK_MS
from agents.evidence.outside import Observable, observables
from agents.evidence.query import Forms, forms_of
from agents.evidence.store import StoredEvent
from agents.evidence.toolbox import MAX_WINDOW_MS, Toolbox
from agents.text import EPOCH, moment, plain
from agents.tools.answers import Row
from agents.tools.arguments import Window
from agents.tools.knowledge import Case
from agents.tools.library import Library
from models.entity import EntityKey
from models.errors import InvalidRecord, ToolRefused
from models.finding import Sequence

MAX_TEXT_WINDOW_MS: Final = 7 * DAY_MS  # of a text that is looked for in every record
MIN_TEXT: Final = 3
SPELT_OUT: Final = ("ip", "host")  # entities that stand in records as they are named


@dataclass(frozen=True, slots=True)
class Bench:
    """What the tools work with.

    Attributes:
        tools: The questions to the store, within a budget.
        library: What is known before.
        sequence: What is investigated.
        resolve: Returns the entity behind what a model was shown for it; raises ToolRefused for anything else.
        restore: Returns a text with what a model was shown put back to what it stands for.
        seen: Kind and value of every observable of the events that were answered: what may be asked about outside.
    """

    tools: Toolbox
    library: Library
    sequence: Sequence
    resolve: Callable[[str], EntityKey]
    restore: Callable[[str], str]
    seen: set[Observable] = field(default_factory=set)

    def show(self, rows: Iterable[Row]) -> None:
        """Remember what of these may be asked about outside."""
        for row in rows:
            if isinstance(row, StoredEvent):
                self.seen.update(observables(row))

    def entity(self, named: str) -> EntityKey:
        """Return the entity that a model names; raise ToolRefused when it names none."""
        try:
            return self.resolve(named)
        except InvalidRecord as error:
            raise ToolRefused(f"{plain(named, 80)} is no entity that you were shown") from error

    def maybe_entity(self, named: str) -> EntityKey | None:
        """Return the entity that a model names, None for an empty name."""
        return self.entity(named) if named else None

    def earlier_cases(self) -> tuple[Case, ...]:
        """Return the cases that were there before this sequence ended, the latest first."""
        own, end = self.sequence.uid, self.sequence.end_time
        return tuple(case for case in self.library.knowledge.cases if case.time < end and case.sequence_uid != own)

    def texts(self, text: str) -> tuple[Forms, ...]:
        """Return what to look for in records; raise ToolRefused for a text that is in nearly all of them."""
        if not text:
            return ()
        if len(text.strip()) < MIN_TEXT:
            raise ToolRefused(f"a text to look for has at least {MIN_TEXT} characters")
        return (forms_of(self.restore(text)),)

    def subject(self, value: str) -> tuple[EntityKey | None, tuple[Forms, ...]]:
        """Return what to look for where a model asks about a value: the entity it stands for, or the text itself.

        A session, a user or an account stands in records in parts and spellings that its name does not have.
        """
        try:
            entity = self.resolve(value)
        except (InvalidRecord, ToolRefused):
            return None, self.texts(value)
        return (None, self.texts(value)) if entity.type in SPELT_OUT else (entity, ())

    def window(
        self, asked: Window, back_ms: int = LOOKBACK_MS, most_ms: int = MAX_WINDOW_MS, until: int | None = None
    ) -> tuple[int, int]:
        """Return the window that a model asks for, both ends inclusive, ms.

        Args:
            asked: What it wrote.
            back_ms: Where it does not say since when: that long before the sequence, or as far back as may be.
            most_ms: The longest window.
            until: Where it does not say until when; by default the end of the sequence.

        Raises:
            ToolRefused: The window is empty, too long, or has a date that is none.
        """
        end = _time(asked.until) if asked.until else self.sequence.end_time if until is None else until
        default = max(min(self.sequence.start_time, end) - back_ms, end - most_ms)
        start = _time(asked.since) if asked.since else default
        if start > end:
            raise ToolRefused(f"the window begins at {moment(start)}, after it ends at {moment(end)}")
        if end - start > most_ms:
            raise ToolRefused(f"the window is longer than {most_ms // DAY_MS} days: ask for a part of it")
        return start, end


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolRefused(f"{plain(text, 40)} is no time: write it as 2025-06-15T15:06:40Z") from error
    span = found - EPOCH
    return span.days * DAY_MS + span.seconds * 1000 + span.microseconds // 1000

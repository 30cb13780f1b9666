"""The tools of an investigation: named, typed, read-only, within a budget, every call in the journal.

The deterministic investigator and a model use the same ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from agents.evidence.outside import Observable, Outside, facts_of
from agents.evidence.query import Query
from agents.evidence.store import (
    MAX_ROWS,
    EntitySeen,
    EvidenceStore,
    Found,
    SourceSeen,
    Stored,
    StoredEvent,
    StoredSignal,
)
from enrichers.lookups.told import Told
from models.entity import EntityKey
from models.errors import BudgetExhausted
from models.uids import sha256_hex

MAX_WINDOW_MS: Final = 31 * 86_400_000

S = TypeVar("S", StoredEvent, StoredSignal)


@dataclass(frozen=True, slots=True)
class Step:
    """One tool call of an investigation, for the journal.

    Attributes:
        tool: Name of the tool.
        arguments: Argument names and values as text.
        rows: Rows it answered.
        size_bytes: Bytes of the records in the answer.
        more: Whether the bounds left rows behind.
        sha256: Hash over the hashes of the rows, in order: the same answer has the same hash.
    """

    tool: str
    arguments: tuple[tuple[str, str], ...]
    rows: int
    size_bytes: int
    more: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What one investigation may spend: calls, rows and bytes of records; lookups outside, and seconds of waiting."""

    calls: int = 40
    rows: int = 4000
    size_bytes: int = 67_108_864
    lookups: int = 10
    lookup_seconds: float = 5.0


@dataclass(slots=True)
class Toolbox:
    """Ask the store on behalf of one investigation. Holds its journal, so one is made for each investigation.

    Every tool raises BudgetExhausted when the budget is spent or the question is larger than any budget. The call that
    overspends rows or bytes is still answered (one answer is bounded); the next is refused.
    """

    store: EvidenceStore
    budget: Budget = Budget()
    steps: list[Step] = field(default_factory=list)
    outside: Outside | None = None
    waited_s: float = 0.0

    def signals(self, uids: Sequence[str], start: int, end: int) -> Found[StoredSignal]:
        """Return these signals."""
        self._admit("signals", start, end, len(uids))
        return self._journal("signals", self.store.signals(uids, start, end), uids=",".join(uids), start=start, end=end)

    def events(self, uids: Sequence[str], start: int, end: int) -> Found[StoredEvent]:
        """Return these events."""
        self._admit("events", start, end, len(uids))
        return self._journal("events", self.store.events(uids, start, end), uids=",".join(uids), start=start, end=end)

    def timeline(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredEvent]:
        """Return the first events in the window that name the entity."""
        self._admit("timeline", start, end, limit)
        found = self.store.timeline(entity, start, end, limit)
        return self._journal("timeline", found, entity=str(entity), start=start, end=end, limit=limit)

    def signals_on(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredSignal]:
        """Return the first signals in the window that name the entity."""
        self._admit("signals_on", start, end, limit)
        found = self.store.signals_on(entity, start, end, limit)
        return self._journal("signals_on", found, entity=str(entity), start=start, end=end, limit=limit)

    def coverage(self, start: int, end: int) -> tuple[SourceSeen, ...]:
        """Return which sources sent events in the window."""
        self._admit("coverage", start, end, 0)
        seen = self.store.coverage(start, end)
        self._write("coverage", {"start": start, "end": end}, [repr(source) for source in seen], 0, more=False)
        return seen

    def search_events(self, query: Query, limit: int) -> Found[StoredEvent]:
        """Return the first (or last) events that are as the query asks."""
        self._admit("search_events", query.start, query.end, limit)
        return self._journal("search_events", self.store.search_events(query, limit), query=repr(query), limit=limit)

    def search_signals(self, query: Query, limit: int) -> Found[StoredSignal]:
        """Return the first (or last) signals that are as the query asks."""
        self._admit("search_signals", query.start, query.end, limit)
        return self._journal("search_signals", self.store.search_signals(query, limit), query=repr(query), limit=limit)

    def sources_of(self, query: Query) -> tuple[SourceSeen, ...]:
        """Return which sources sent events that are as the query asks."""
        self._admit("sources_of", query.start, query.end, 0)
        seen = self.store.sources_of(query)
        self._write("sources_of", {"query": repr(query)}, [repr(source) for source in seen], 0, more=False)
        return seen

    def entities_of_events(self, query: Query, limit: int) -> Found[EntitySeen]:
        """Return the entities that such events name."""
        self._admit("entities_of_events", query.start, query.end, limit)
        return self._name("entities_of_events", self.store.entities_of_events(query, limit), query, limit)

    def entities_of_signals(self, query: Query, limit: int) -> Found[EntitySeen]:
        """Return the entities that such signals name."""
        self._admit("entities_of_signals", query.start, query.end, limit)
        return self._name("entities_of_signals", self.store.entities_of_signals(query, limit), query, limit)

    def read(self, tool: str, text: str) -> None:
        """Take a call for a question that is answered from what is known and not from the store."""
        self._admit(tool, 0, 0, 0)
        self._write(tool, {"text": text}, [], 0, more=False)

    def lookup(self, observables: Collection[Observable]) -> Told:
        """Return what services outside say of observables, the first ones; nothing where there is nobody to ask.

        All lookups of an investigation together wait no longer than the budget says. Nothing of one's own is sent.
        """
        if self.outside is None or not observables:
            return Told()
        self._admit("lookup", 0, 0, len(observables))
        left_s = self.budget.lookup_seconds - self.waited_s
        if left_s <= 0:
            raise BudgetExhausted(f"lookup: all {self.budget.lookup_seconds:g} s of this investigation are spent")
        told = self.outside.ask(observables, self.budget.lookups, left_s)
        self.waited_s += told.spent_s
        asked = ",".join(dict.fromkeys(f"{question.kind} {question.value}" for question, _ in told.words))
        facts = [fact.content for fact in facts_of(told)]
        rows = [content.decode() for content in facts]
        self._write("lookup", {"observables": asked}, rows, sum(map(len, facts)), more=told.unasked > 0)
        return told

    def _admit(self, tool: str, start: int, end: int, rows: int) -> None:
        if len(self.steps) >= self.budget.calls:
            raise BudgetExhausted(f"{tool}: all {self.budget.calls} calls of this investigation are spent")
        if sum(step.rows for step in self.steps) >= self.budget.rows:
            raise BudgetExhausted(f"{tool}: all {self.budget.rows} rows of this investigation are spent")
        if sum(step.size_bytes for step in self.steps) >= self.budget.size_bytes:
            raise BudgetExhausted(f"{tool}: all {self.budget.size_bytes} bytes of this investigation are spent")
        if end - start > MAX_WINDOW_MS or rows > MAX_ROWS:
            raise BudgetExhausted(f"{tool}: asks for more than {MAX_WINDOW_MS} ms or {MAX_ROWS} rows at once")

    def _journal(self, tool: str, found: Found[S], **arguments: str | int) -> Found[S]:
        rows: tuple[Stored, ...] = found.rows
        size_bytes = sum(len(row.record) for row in rows)
        self._write(tool, arguments, [f"{row.uid}{row.sha256}" for row in rows], size_bytes, more=found.more)
        return found

    def _name(self, tool: str, found: Found[EntitySeen], query: Query, limit: int) -> Found[EntitySeen]:
        arguments: dict[str, str | int] = {"query": repr(query), "limit": limit}
        self._write(tool, arguments, [repr(seen) for seen in found.rows], 0, more=found.more)
        return found

    def _write(
        self,
        tool: str,
        arguments: Mapping[str, str | int],
        rows: list[str],
        size_bytes: int,
        *,
        more: bool,
    ) -> None:
        named = tuple((name, str(value)) for name, value in arguments.items())
        digest = sha256_hex("\n".join(rows).encode())
        self.steps.append(Step(tool, named, len(rows), size_bytes, more, digest))

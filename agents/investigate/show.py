"""Show records to a model: under short names, masked, bounded, between the markers of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agents.evidence.store import StoredEvent, StoredSignal
from agents.grounding.corroborate import MAX_ENTRIES, accepted_by
from agents.investigate.refs import Refs
from agents.privacy.clean import wrap
from agents.privacy.screen import Screen
from agents.text import moment
from agents.tools.answers import Note, Row, ToolAnswer
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.fact import Fact
from models.finding import group_entities
from models.finding_ocsf import SEVERITY

MAX_MATCHED: Final = 20  # fields of one signal
MORE: Final = "there is more than the bounds let through: ask for less at a time"
NOTHING: Final = "nothing was found"
UNREADABLE: Final = "its record cannot be read"
_EVENTS: Final = frozenset({"event", "parent_event"})  # parts of notes that name an event

Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Showing:
    """How one investigation shows things.

    Attributes:
        screen: Masks, and knows what a mask stands for.
        refs: The short names of evidence.
        marker: Stands around all data of the run; nobody outside can know it.
    """

    screen: Screen
    refs: Refs
    marker: str
    _events: dict[str, str] = field(default_factory=dict)  # names of events by uid

    def answer(self, kind: str, answer: ToolAnswer) -> str:
        """Render what a tool answered."""
        self.learn(answer.rows)
        rows = [self.row(row) for row in answer.rows]
        said = [*answer.notes, *([MORE] if answer.more else []), *([] if rows else [NOTHING])]
        notes = [{"note": text} for text in said]
        if not answer.more and (not rows or all(isinstance(row, Note) for row in answer.rows)):
            notes.append({"ref": self.refs.note(f"{kind}: {' '.join(said) or 'what is said here'}")})
        return self.wrapped(kind, [*rows, *notes])

    def wrapped(self, kind: str, rows: Iterable[Shown]) -> str:
        """Render rows that are masked already."""
        return wrap(self.marker, kind, list(rows))

    def learn(self, rows: Iterable[Row]) -> None:
        """Learn the names in rows before any is shown: what one names may stand in the text of another."""
        for row in rows:
            self.row(row)

    def row(self, row: Row) -> Shown:
        """Mask one row."""
        if isinstance(row, StoredEvent):
            return self.event(row)
        if isinstance(row, StoredSignal):
            return self.signal(row)
        return self.fact(row) if isinstance(row, Fact) else self.note(row)

    def event(self, event: StoredEvent) -> Shown:
        """Mask an event."""
        ref = self._events[event.uid] = self.refs.ref(event)
        head = {"ref": ref, "time": moment(event.time), "source": self.screen.text(event.source)}
        try:
            shown = {**head, **self.screen.event(event.ocsf), **head}
        except InvalidRecord:
            return {**head, "note": UNREADABLE}
        accepted = sorted(accepted_by(event))[:MAX_ENTRIES]
        return {**shown, "accepted_by_allow_lists": list(map(self.screen.text, accepted))} if accepted else shown

    def signal(self, stored: StoredSignal) -> Shown:
        """Mask a signal."""
        signal = stored.signal
        shown: dict[str, Any] = {
            "ref": self.refs.ref(stored),
            "time": moment(signal.time),
            "detection": self.screen.text(signal.analytic.name),
            "rule": self.screen.text(signal.analytic.uid),
            "severity": SEVERITY[signal.analytic.severity_id],
            "domain": signal.domain,
            "techniques": sorted({attack.technique for attack in signal.analytic.attacks if attack.technique}),
            "entities": [self.screen.entity(entity) for entity in signal.entities],
            "matched": {self.screen.text(name): self.screen.value(name, text) for name, text in _first(signal.matched)},
        }
        if signal.count > 1:
            shown["times_in_that_second"] = signal.count
        if signal.event.uid in self._events:
            shown["event"] = self._events[signal.event.uid]
        return shown

    def fact(self, fact: Fact) -> Shown:
        """Mask what a service outside said."""
        return {
            "ref": self.refs.ref(fact),
            "time": moment(fact.time),
            "service": self.screen.text(fact.provider),
            fact.kind: self.screen.text(fact.value),
            "malicious": fact.malicious,
            "score": fact.score,
            "reports": fact.reports,
            "tags": [self.screen.text(tag) for tag in fact.tags],
        }

    def note(self, note: Note) -> Shown:
        """Mask what is to be known and is no evidence."""
        return {"kind": note.kind, **{name: self._part(name, value) for name, value in note.data.items()}}

    def group(self, group: str) -> list[str]:
        """Mask the key of a group."""
        return [self.screen.entity(entity) for entity in group_entities(group)] or [self.screen.text(group)]

    def _part(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            return value
        if name in _EVENTS:
            return self._events.get(value, "not shown")
        if name == "group":
            return self.group(value)
        return self._entity(value) if name == "entity" else self.screen.text(value)

    def _entity(self, value: str) -> str:
        try:
            return self.screen.entity(EntityKey.parse(value))
        except InvalidRecord:
            return self.screen.text(value)


def _first(matched: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return matched[:MAX_MATCHED]

"""Gather what a judgement needs, through the tools: members, their events, what surrounds them, who was heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, ParamSpec, TypeVar

from agents.evidence.facts import DAY_MS, Gathered, Held, Telling
from agents.evidence.outside import Observable, candidates, facts_of, unanswered
from agents.evidence.store import Found, SourceSeen, StoredEvent, StoredSignal, is_intact
from agents.evidence.toolbox import Toolbox
from agents.text import Count
from enrichers.lookups.told import Told
from models.entity import EntityKey
from models.errors import BudgetExhausted
from models.finding import Sequence, SequenceMember, group_entities

LOOKBACK_MS: Final = 3_600_000  # what counts as around the sequence; nothing after its end, which is still arriving
HISTORY_MS: Final = 7 * DAY_MS
FOLD_MS: Final = 1_000  # a folded signal stands for a second, and its example event lies anywhere in it
MAX_ENTITIES: Final = 3
MAX_AROUND: Final = 200
MAX_EARLIER: Final = 500

P = ParamSpec("P")
RowT = TypeVar("RowT", StoredEvent, StoredSignal)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Ask tool after tool, and note what the budget refused instead of stopping there."""

    tools: Toolbox
    refused: list[str] = field(default_factory=list)

    def found(self, tool: Callable[P, Found[RowT]], *args: P.args, **kwargs: P.kwargs) -> Found[RowT]:
        try:
            return tool(*args, **kwargs)
        except BudgetExhausted as refusal:
            self.refused.append(str(refusal))
            return Found()

    def every(self, tool: Callable[P, Found[RowT]], *args: P.args, **kwargs: P.kwargs) -> tuple[RowT, ...]:
        found = self.found(tool, *args, **kwargs)
        if found.more:
            self.refused.append("there are more records behind the signals than one answer may hold")
        return found.rows

    def coverage(self, start: int, end: int) -> tuple[SourceSeen, ...]:
        try:
            return self.tools.coverage(start, end)
        except BudgetExhausted as refusal:
            self.refused.append(str(refusal))
            return ()

    def outside(self, observables: tuple[Observable, ...]) -> Told:
        try:
            return self.tools.lookup(observables)
        except BudgetExhausted as refusal:
            self.refused.append(str(refusal))
            return Told()


def gather(sequence: Sequence, tools: Toolbox) -> Gathered:
    """Ask all questions about one sequence; what the budget refuses is noted in the answer."""
    asking = _Asking(tools)
    held, lost = _members(sequence, asking)
    entities = _entities(sequence, held)
    start, end = sequence.start_time - LOOKBACK_MS, sequence.end_time
    members = {member.uid for member in sequence.members}
    near = [asking.found(tools.signals_on, entity, start, end, MAX_AROUND) for entity in entities]
    history = (start - HISTORY_MS, start - 1, MAX_EARLIER)
    gathered = Gathered(
        sequence=sequence,
        entities=entities,
        held=held,
        lost=lost,
        around=_merged(asking.found(tools.timeline, entity, start, end, MAX_AROUND) for entity in entities),
        others=tuple(stored for stored in _merged(near) if stored.uid not in members),
        earlier=_merged(asking.found(tools.signals_on, entity, *history) for entity in entities),
        baseline=asking.coverage(start - DAY_MS, start - 1),
        near=asking.coverage(start, end),
    )
    gathered = _with_outside(gathered, asking) if tools.outside else gathered
    return replace(gathered, refused=tuple(asking.refused))


def members(sequence: Sequence, tools: Toolbox) -> tuple[tuple[Held, ...], tuple[str, ...]]:
    """Fetch a sequence's signals with their events; return those that are intact, and what is wrong with the others."""
    asking = _Asking(tools)
    held, lost = _members(sequence, asking)
    return held, (*(f"signal {member.uid}: {wrong}" for member, wrong in lost), *asking.refused)


def _with_outside(gathered: Gathered, asking: _Asking) -> Gathered:
    """Ask services outside what they know of the observables of the signals' events."""
    named = candidates(gathered.held)
    told = asking.outside(tuple(named))
    left = (f"no service was asked about {Count(told.unasked, 'more observable')}",) if told.unasked else ()
    tellings = tuple(Telling(fact, named[fact.kind, fact.value]) for fact in facts_of(told))
    return replace(gathered, tellings=tellings, untold=(*unanswered(told), *left))


def _members(sequence: Sequence, asking: _Asking) -> tuple[tuple[Held, ...], tuple[tuple[SequenceMember, str], ...]]:
    window = sequence.start_time - FOLD_MS, sequence.end_time + FOLD_MS
    names = (uid for member in sequence.members for uid in (member.uid, member.first) if uid)
    signal_uids = tuple(dict.fromkeys(names))
    event_uids = tuple(dict.fromkeys(member.event_uid for member in sequence.members))
    signals = {signal.uid: signal for signal in asking.every(asking.tools.signals, signal_uids, *window)}
    events = {event.uid: event for event in asking.every(asking.tools.events, event_uids, *window)}
    held, lost = [], []
    for member in sequence.members:
        signal, event = _stored(member, signals), events.get(member.event_uid)
        wrong = _wrong(signal, event)
        if signal and event and not wrong:
            held.append(Held(signal, event))
        else:
            lost.append((member, wrong))
    return tuple(sorted(held, key=lambda one: (one.signal.time, one.signal.uid))), tuple(lost)


def _stored(member: SequenceMember, signals: Mapping[str, StoredSignal]) -> StoredSignal | None:
    """Return the signal behind a member; of a folded one a part, or its first match alone: whichever has its event."""
    found = [signals[uid] for uid in (member.uid, member.first) if uid in signals]
    return next((one for one in found if one.signal.event.uid == member.event_uid), found[0] if found else None)


def _wrong(signal: StoredSignal | None, event: StoredEvent | None) -> str:
    if signal is None:
        return "it is not in the lake"
    if event is None:
        return "its event is not in the lake"
    if not is_intact(signal):
        return "its record does not match its hash"
    if not is_intact(event):
        return "the raw record of its event does not match its hash"
    return "" if signal.signal.event.sha256 == event.sha256 else "it was raised on another record than the one stored"


def _entities(sequence: Sequence, held: tuple[Held, ...]) -> tuple[EntityKey, ...]:
    """Return the group's own entities, or else the one that most of its signals name."""
    named = Counter(entity for one in held for entity in one.signal.signal.entities)
    most = sorted(named, key=lambda entity: (-named[entity], entity))
    return group_entities(sequence.group)[:MAX_ENTITIES] or tuple(most[:1])


def _merged(answers: Iterable[Found[RowT]]) -> tuple[RowT, ...]:
    rows = {row.uid: row for found in answers for row in found.rows if is_intact(row)}
    return tuple(sorted(rows.values(), key=lambda row: (row.time, row.uid)))

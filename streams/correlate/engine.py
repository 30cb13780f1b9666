"""The event-time core: one step takes the state of one key and one input to the next state and what follows from it.

`step` is pure. Inputs are a signal, an entity link, or a watermark; the shell owns time, keys and delivery. Whatever
the order, the grouping and the repetitions in which on-time inputs arrive, the same sequences stand in the end,
because they are found anew in the sorted signals at every step (`streams.correlate.windows`).

A link may be observed up to LINK_HORIZON_MS after the signals it joins; so state is kept that much longer than the
watermark alone would ask for, and a copy that comes over a link is late only beyond it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Final

from models.entity import EntityKey, EntityLink
from models.finding import Sequence, SequenceClosed, Signal
from streams.correlate.bounds import MAX_LINKS, settled, with_links, within_bounds
from streams.correlate.crowd import with_signal
from streams.correlate.routing import Router, group_keys
from streams.correlate.sequences import sequence_of, standing_of
from streams.correlate.spec import CorrelationSpec
from streams.correlate.state import KeyState, Standing
from streams.correlate.windows import find_spans
from streams.flood import FLOOD_LIMIT, Moment, clipped, last_time, moments, split_by_target

LINK_HORIZON_MS: Final = 2 * 3_600_000  # a link's validity reaches at most this far back from the event that shows it
NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Published:
    """A sequence that is new or has changed.

    Attributes:
        sequence: It, whole.
        replaces: Uids of earlier sequences that it stands in for.
    """

    sequence: Sequence
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """A copy of a signal that has to go to another key, over an entity link."""

    key: str
    signal: Signal

    @property
    def uid(self) -> str:
        """Return the signal's uid."""
        return self.signal.uid


@dataclass(frozen=True, slots=True)
class Late:
    """A signal behind the watermark. It still joined what was there to join.

    Attributes:
        signal: The signal.
        key: The key at which it came late.
        behind_ms: How far behind the watermark its event time is.
    """

    signal: Signal
    key: str
    behind_ms: int


@dataclass(frozen=True, slots=True)
class Evicted:
    """Signals folded away, and matches, links and sequences forgotten, to keep a key's state within its bound."""

    key: str
    count: int


Output = Published | SequenceClosed | Forward | Late | Evicted


class Correlator:
    """The compiled correlations and the pure step over them. Immutable once made."""

    __slots__ = ("_hold", "flood_limit", "router", "specs")

    def __init__(self, specs: Iterable[CorrelationSpec], flood_limit: int = FLOOD_LIMIT) -> None:
        """Prepare.

        Args:
            specs: The compiled correlations.
            flood_limit: How many signals of one rule and second stay single in a group.
        """
        self.flood_limit = flood_limit
        self.specs = tuple(sorted(specs, key=lambda spec: spec.uid))
        self.router = Router(self.specs)
        self._hold = max((spec.timespan for spec in self.specs), default=0)

    def step(
        self, key: str, state: KeyState, item: Signal | EntityLink | None, watermark: int
    ) -> tuple[KeyState, tuple[Output, ...]]:
        """Take one input at one key.

        Args:
            key: The group key or entity that the state belongs to.
            state: What is remembered for it.
            item: A signal routed to this key, a link of the entity it names, or None when only time has passed.
            watermark: Event time (ms) before which nothing more is expected. Never decides whether a sequence whose
                signals are all there is found; only what is late, what state goes, and when an absence is certain.

        Returns:
            The next state and the outputs, in deterministic order.
        """
        evicted, outputs = state.evicted, list[Output]()
        horizon = watermark - LINK_HORIZON_MS
        if isinstance(item, Signal):
            held = with_signal(state, item, key, self.flood_limit)
            if held is state:
                return state, ()
            state = held
            on_time = horizon if item.via else watermark
            late = clipped(item, lambda time: time < on_time)
            if late is not None:
                outputs.append(Late(late, key, on_time - late.time))
            outputs.extend(self._over_links(item, state.links, key))
        elif isinstance(item, EntityLink):
            if any(known.uid == item.uid for known in state.links):
                return state, ()
            state = _with_link(state, item)
            outputs.extend(out for signal in state.signals for out in self._over_links(signal, (item,), key))
        state, changes = self._restate(key, state, watermark)
        outputs.extend(changes)
        state = self._bounded(key, self._pruned(state, horizon), watermark)
        if state.evicted > evicted:
            outputs.append(Evicted(key, state.evicted - evicted))
        return state, tuple(outputs)

    def deadline(self, key: str, state: KeyState) -> int:
        """Return the watermark (ms) at which this key needs a step without input, NEVER when it does not.

        It is beyond the watermark of the last step: a step without input at the deadline always moves the deadline on.
        """
        oldest = _oldest(state.signals)
        ends = [end + self._hold for _, end in state.floors if end < oldest] + [link.valid_to for link in state.links]
        ends += [self._needed_until(signal, state) for signal in state.signals] + [s.end for s in state.standing]
        waiting = [spec for spec in self.specs if not spec.threshold.monotone]
        held = self._moments(state) if waiting else []
        waits = [
            moment.time + spec.timespan
            for spec in waiting
            for moment in self._seen_by(spec, key, held)
            if moment.time + spec.timespan >= state.watermark
        ]
        return min((*(end + LINK_HORIZON_MS for end in ends), *waits), default=NEVER - 1) + 1

    def _over_links(self, signal: Signal, links: Iterable[EntityLink], key: str) -> Iterator[Forward]:
        for link in links:
            there = clipped(signal, link.holds_at)
            if there is not None:
                copies = split_by_target(there, partial(self._over_link, _other_end(link, key), key))
                yield from (Forward(target, copy) for copy, target in copies)

    def _over_link(self, other: EntityKey, key: str, signal: Signal) -> tuple[Signal, tuple[str, ...]]:
        is_from_here = any(str(entity) == key for entity in signal.entities)
        return self.router.over_link(signal, other) if is_from_here else (signal, ())

    def _moments(self, state: KeyState) -> list[Moment]:
        """Return what there is to see: every signal, and every moment of a flood, sorted."""
        return sorted(chain.from_iterable(map(moments, state.signals)), key=itemgetter(0, 1))

    def _seen_by(self, spec: CorrelationSpec, key: str, held: Iterable[Moment]) -> list[Moment]:
        """Return what a rule sees of it: the signals of its rules that are in the group."""
        seen, known = [], dict[int, bool]()
        for moment in held:
            signal = moment.signal
            is_seen = known.get(id(signal))
            if is_seen is None:
                is_seen = signal.analytic.uid in spec.rules and key in group_keys(spec, signal)
                known[id(signal)] = is_seen
            if is_seen:
                seen.append(moment)
        return seen

    def _restate(self, key: str, state: KeyState, watermark: int) -> tuple[KeyState, list[Output]]:
        """Find all sequences anew and tell what changed against those that stood."""
        floors, held = dict(state.floors), self._moments(state)
        standing: list[Standing] = []
        outputs: list[Output] = []
        for spec in self.specs:
            before = {s.uid: s for s in state.standing if s.spec == spec.uid}
            mine = self._seen_by(spec, key, held)
            if not mine and not before:
                continue
            spans = list(find_spans(spec, mine, floors.get(spec.uid, -1), watermark))
            found = [sequence_of(spec, key, span) for span in spans]
            entries = [standing_of(sequence, span) for sequence, span in zip(found, spans, strict=True)]
            standing.extend(entries)
            outputs.extend(_changes(spec, key, before, found, entries))
        return replace(state, standing=tuple(standing), watermark=watermark), outputs

    def _pruned(self, state: KeyState, horizon: int) -> KeyState:
        """Let go of what no on-time input can touch any more; copies over links come as late as the horizon."""
        floors = dict(state.floors)
        for sequence in state.standing:
            if sequence.end < horizon:
                floors[sequence.spec] = max(floors.get(sequence.spec, -1), sequence.end)
        signals = tuple(s for s in state.signals if self._needed_until(s, state) >= horizon)
        oldest = _oldest(signals)  # what another rule still needs must not anchor a second time
        return replace(
            state,
            signals=signals,
            links=tuple(link for link in state.links if link.valid_to >= horizon),
            standing=tuple(s for s in state.standing if s.end >= horizon),
            floors=tuple(sorted(f for f in floors.items() if f[1] >= oldest or f[1] + self._hold >= horizon)),
        )

    def _needed_until(self, signal: Signal, state: KeyState) -> int:
        """Return the last horizon (ms) at which a signal may still be an anchor or belongs to what can still change."""
        first, last = signal.time, last_time(signal)
        ends = [s.end for s in state.standing if s.start <= last and first <= s.end and self._looks_at(s.spec, signal)]
        return max(last + self._hold, *ends) if ends else last + self._hold

    def _looks_at(self, spec_uid: str, signal: Signal) -> bool:
        return any(spec.uid == spec_uid for spec in self.router.wanted_by(signal.analytic.uid))

    def _bounded(self, key: str, state: KeyState, watermark: int) -> KeyState:
        """Keep within bounds. A sequence whose signals had to go is final: a flood must not be able to retract it."""
        kept = within_bounds(state)
        if kept is state:
            return state
        found = {sequence.uid for sequence in self._restate(key, kept, watermark)[0].standing}
        return settled(kept, [sequence for sequence in kept.standing if sequence.uid not in found])


def _oldest(signals: tuple[Signal, ...]) -> int:
    return signals[0].time if signals else NEVER


def _other_end(link: EntityLink, key: str) -> EntityKey:
    return link.right if str(link.left) == key else link.left


def _with_link(state: KeyState, link: EntityLink) -> KeyState:
    links = sorted((*state.links, link), key=lambda held: (held.valid_to, held.uid))
    return with_links(replace(state, links=tuple(links)), MAX_LINKS)


def _changes(
    spec: CorrelationSpec, key: str, before: dict[str, Standing], found: list[Sequence], entries: list[Standing]
) -> Iterator[Output]:
    now = {entry.uid for entry in entries}
    gone = [s for s in before.values() if s.uid not in now]
    for sequence, entry in zip(found, entries, strict=True):
        known = before.get(sequence.uid)
        if known is None or known.digest != entry.digest:
            replaced = tuple(s.uid for s in gone if entry.start <= s.start <= entry.end) if known is None else ()
            yield Published(sequence, replaced)
    for old in gone:
        heir = next((entry.uid for entry in entries if entry.start <= old.start <= entry.end), "")
        yield SequenceClosed(old.uid, spec.analytic, key, old.start, heir, old.is_alert)

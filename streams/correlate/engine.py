"""The event-time core: one step takes the state of one key and one input to the next state and what follows from it.

`step` is pure. Inputs are a signal, an entity link, or a watermark; the shell owns time, keys and delivery. Whatever
the order, the grouping and the repetitions in which on-time inputs arrive, the same sequences stand in the end,
because they are found anew in the sorted signals at every step (`streams.correlate.windows`).

A link may be observed up to LINK_HORIZON_MS after the signals it joins; so state is kept that much longer than the
watermark alone would ask for, and a copy that comes over a link is late only beyond it. So is what a model finds, once
a minute or an hour is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from models.entity import EntityLink
from models.finding import SequenceClosed, Signal, Withdrawn
from streams.correlate.bounds import MAX_LINKS, measured, settled, surely_fits, with_links
from streams.correlate.carrying import Carrier
from streams.correlate.crowd import with_signal, without_signal
from streams.correlate.deriving import follows
from streams.correlate.fanout import LINK_FANOUT, needed, taken
from streams.correlate.now import LINK_HORIZON_MS, Now
from streams.correlate.outputs import Evicted, Forward, Item, Late, Output, Published
from streams.correlate.restating import Restated, Restater, Touched, moments_in, touched_by
from streams.correlate.routing import Router
from streams.correlate.spec import EVERY, CorrelationSpec
from streams.correlate.state import EMPTY_BYTES, KeyState, Known, row_bytes, standing_bytes
from streams.correlate.watermark import Watermarks
from streams.flood import FLOOD_LIMIT, clipped, last_time

NEVER: Final = 2**62
_NONE: Final = frozenset[str]()
ALL_SOURCES: Final = frozenset[str]()


class Correlator:
    """The compiled correlations and the pure step over them. Immutable once made."""

    __slots__ = ("_carrier", "_lag", "_restater", "_waiting", "flood_limit", "link_fanout", "router", "specs")

    def __init__(
        self, specs: Iterable[CorrelationSpec], flood_limit: int = FLOOD_LIMIT, link_fanout: int = LINK_FANOUT
    ) -> None:
        """Prepare.

        Args:
            specs: The compiled correlations.
            flood_limit: How many signals of one rule and second stay single in a group.
            link_fanout: To how many entities of one type an entity may be linked before its links are shared.
        """
        self.flood_limit = flood_limit
        self.link_fanout = link_fanout
        self.specs = tuple(sorted(specs, key=lambda spec: spec.uid))
        self.router = Router(self.specs)
        self._carrier = Carrier(self.router)
        self._restater = Restater(self.specs, self.router)
        self._lag = max((spec.lag for spec in self.specs), default=0)  # of what comes over a link
        self._waiting = tuple((spec, sorted(spec.offsets)) for spec in self.specs if spec.offsets)

    def step(
        self, key: str, state: KeyState, item: Item | None, watermark: int, marks: Watermarks | None = None
    ) -> tuple[KeyState, tuple[Output, ...]]:
        """Take one input at one key.

        Args:
            key: The group key or entity that the state belongs to.
            state: What is remembered for it.
            item: A signal routed to this key, or that one no longer stands, a link of the entity that it names, or None
                when only time has passed.
            watermark: Event time (ms) before which nothing more is expected. Never decides whether a sequence whose
                signals are all there is found; only what is late, what state goes, and when an absence is certain.
            marks: How far each source has come, if that is known: then an absence waits for its own sources alone.

        Returns:
            The next state and the outputs, in deterministic order.
        """
        outputs: list[Output] = []
        before = state
        known = state.known if self._restater.knows(state) else None
        stale, touched = known.stale if known else _NONE if _is_blank(state) else None, None
        if isinstance(item, Signal):
            held, outputs = self._with_signal(key, state, item, watermark)
            if held is state:
                return state, tuple(outputs)
            state, touched = held, touched_by(item)
        elif isinstance(item, Withdrawn):
            held = without_signal(state, item.uid)
            if held is state:
                return state, ()
            gone = [signal for signal in state.signals if signal.uid == item.uid]
            copies = [copy for signal in gone for copy in self._carrier.copies(signal, state.links, key)]
            outputs.extend(Forward(copy.key, item) for copy in copies)
            state, stale = held, None
        elif isinstance(item, EntityLink):
            links, told = taken(state.links, item, key, self.link_fanout)
            if links is state.links:
                return state, ()
            outputs.extend(Forward(str(link.other_end(key)), link) for link in told)
            derived = follows(before.links, links, item, key)
            outputs.extend(Forward(str(end), link) for link in derived for end in (link.left, link.right))
            state = with_links(replace(state, links=links), MAX_LINKS)
            for signal in state.signals:
                outputs.extend(self._carrier.recopied(signal, before.links, links, key))
            stale = None if any(signal.via for signal in state.signals) else stale
        state, changes = self._restate(key, state, Now(watermark, marks), touched, stale)
        most_bytes = _most_bytes(before, state, known, item)
        outputs.extend(changes)
        state = self._bounded(
            key, self._pruned(key, state, watermark - LINK_HORIZON_MS), Now(watermark, marks), most_bytes
        )
        if state.evicted > before.evicted:
            outputs.append(Evicted(key, state.evicted - before.evicted))
        return state, tuple(outputs)

    def _with_signal(self, key: str, state: KeyState, item: Signal, watermark: int) -> tuple[KeyState, list[Output]]:
        """Take a signal in and send it on; return the same state when it is there, or comes once more for nothing."""
        held = with_signal(state, item, key, self.flood_limit)
        if held is state:
            return state, []
        horizon = watermark - LINK_HORIZON_MS
        on_time = horizon - self._lag if item.parts else horizon if item.via or item.analytic.is_model else watermark
        late = clipped(item, lambda time: time < on_time) if item.time < on_time else None
        outputs: list[Output] = [] if late is None else [Late(late, key, on_time - late.time)]
        if (item.parts or item.via) and last_time(item) < on_time:
            return state, outputs  # sent again after a kill, when what it led to has long gone
        return held, [*outputs, *self._carrier.copies(item, state.links, key)]

    def deadline(self, key: str, state: KeyState) -> int:
        """Return the watermark (ms) over all sources at which this key needs a step, NEVER when it does not.

        It is beyond the watermark of the last step: a step without input at the deadline always moves the deadline on.
        """
        return min(self.deadlines(key, state).values())

    def deadlines(self, key: str, state: KeyState, marks: Watermarks | None = None) -> Mapping[frozenset[str], int]:
        """Return the watermarks (ms) at which this key needs a step without input, by the sources they are of.

        Args:
            key: The group key.
            state: Its state after a step.
            marks: Those of that step, if it had any.

        Returns:
            For no source, which stands for all, always one; NEVER where there is none.
        """
        holds, oldest = self._restater.holds(key), _oldest(state.signals)
        longest = max(holds.values(), default=0)
        ends = [end + longest for _, end in state.floors if end < oldest]
        open_from = state.watermark - LINK_HORIZON_MS  # those before stay for the sake of others
        ends += [link.valid_to + self._lag for link in state.links if link.valid_to + self._lag >= open_from]
        ends += [self._restater.final(one) for one in state.standing]
        least = min(ends, default=NEVER - LINK_HORIZON_MS - 1)
        for signal in state.signals:
            if signal.time >= least:
                break  # no later one is needed for less long
            least = min(least, self._needed_until(signal, state, holds))
        found = {ALL_SOURCES: least + LINK_HORIZON_MS + 1}
        for sources, time in self._decisions(key, state, Now(state.watermark, marks)):
            found[sources] = min(found.get(sources, NEVER), time + 1)
        return found

    def _decisions(self, key: str, state: KeyState, now: Now) -> Iterator[tuple[frozenset[str], int]]:
        """Yield the watermarks (ms), from those of the last step on, beyond which a condition may be certain."""
        rules = {signal.analytic.uid for signal in state.signals} if self._waiting else set()
        for spec, offsets in self._waiting:
            if spec.is_general or not rules.isdisjoint(spec.members):
                near = [signal for signal in state.signals if spec.takes(signal)]
                times = [moment.time for moment in moments_in(spec, key, near, state.links)]
                reached = now.of(spec)
                yield from ((spec.sources, t + o) for o in offsets for t in times if t + o >= reached)

    def _restate(
        self, key: str, state: KeyState, now: Now, touched: Touched | None, stale: frozenset[str] | None
    ) -> tuple[KeyState, list[Output]]:
        """Find the sequences anew that may have changed, and tell what did against those that stood."""
        standing, restated = self._restater.restated(key, state, now, touched, stale)
        outputs = [out for one in restated for out in _changes(one, key)]
        return KeyState(state.signals, state.links, standing, state.floors, state.evicted, now.watermark), outputs

    def _pruned(self, key: str, state: KeyState, horizon: int) -> KeyState:
        """Let go of what no on-time input can touch any more; copies over links come as late as the horizon."""
        if _is_young(state, horizon):
            return state
        holds = self._restater.holds(key)
        signals = tuple([s for s in state.signals if self._needed_until(s, state, holds) >= horizon])
        if len(signals) == len(state.signals) and not (state.links or state.standing or state.floors):
            return state
        longest = max(holds.values(), default=0)
        floors = dict(state.floors)
        for sequence in state.standing:
            if self._restater.final(sequence) < horizon:
                floors[sequence.spec] = max(floors.get(sequence.spec, -1), sequence.end)
        oldest = _oldest(signals)  # what another rule still needs must not anchor a second time
        return replace(
            state,
            signals=signals,
            links=needed(state.links, signals, key, horizon - self._lag),
            standing=tuple(s for s in state.standing if self._restater.final(s) >= horizon),
            floors=tuple(sorted(f for f in floors.items() if f[1] >= oldest or f[1] + longest >= horizon)),
        )

    def _needed_until(self, signal: Signal, state: KeyState, holds: Mapping[str, int]) -> int:
        """Return the last horizon (ms) at which a signal may still be an anchor or belongs to what can still change."""
        first, last = signal.time, last_time(signal)
        needed = last + max(holds.get(signal.analytic.uid, 0), holds.get(EVERY, 0))
        for s in state.standing:
            if s.start <= last and first <= s.end and self._looks_at(s.spec, signal):
                needed = max(needed, self._restater.final(s))
        return needed

    def _looks_at(self, spec_uid: str, signal: Signal) -> bool:
        return self._restater.looks_at(spec_uid, signal)

    def _bounded(self, key: str, state: KeyState, now: Now, most_bytes: int) -> KeyState:
        """Keep within bounds. A sequence whose signals had to go is final: a flood must not be able to retract it."""
        if surely_fits(state, most_bytes):
            return self._noted(state, frozenset(), most_bytes)
        kept, most_bytes = measured(state)
        if kept is state:
            return self._noted(state, frozenset(), most_bytes)
        standing, restated = self._restater.restated(key, kept, now, None, None)
        found = {sequence.uid for sequence in standing}
        after = settled(kept, [sequence for sequence in kept.standing if sequence.uid not in found])
        stale = frozenset(one.spec.uid for one in restated if one.before != one.entries)
        return self._noted(after, stale, most_bytes)

    def _noted(self, state: KeyState, stale: frozenset[str], most_bytes: int) -> KeyState:
        """Note for the next step what this one knows."""
        signals, links, standing, floors = state.signals, state.links, state.standing, state.floors
        known = Known(self._restater, signals, standing, floors, stale, most_bytes)
        return KeyState(signals, links, standing, floors, state.evicted, state.watermark, known)


def _most_bytes(before: KeyState, after: KeyState, known: Known | None, item: Item | None) -> int:
    """Return how long a state is at most when it is encoded, from what is known of the one before; NEVER if unknown."""
    most = known.most_bytes if known else NEVER if before.signals or before.links or before.floors else EMPTY_BYTES
    if isinstance(item, EntityLink | Withdrawn) or most == NEVER:
        return NEVER
    if item is not None:
        if item.flood or len(after.signals) != len(before.signals) + 1:
            return NEVER
        most += row_bytes(item)
    if after.standing is before.standing:
        return most
    known_uids = {one.uid for one in before.standing}
    return most + sum(standing_bytes(one) for one in after.standing if one.uid not in known_uids)


def _is_blank(state: KeyState) -> bool:
    """Tell whether nothing can have been found in a state yet."""
    return not (state.signals or state.standing or state.floors)


def _is_young(state: KeyState, horizon: int) -> bool:
    """Tell at a glance that nothing of a state can go; signals and links are sorted by what decides it first."""
    return (
        (not state.signals or state.signals[0].time >= horizon)
        and (not state.links or state.links[0].valid_to >= horizon)
        and all(sequence.end >= horizon for sequence in state.standing)
        and all(end >= horizon for _, end in state.floors)
    )


def _oldest(signals: tuple[Signal, ...]) -> int:
    return signals[0].time if signals else NEVER


def _changes(restated: Restated, key: str) -> Iterator[Output]:
    entries, before = restated.entries, {one.uid: one for one in restated.before}
    now = {entry.uid for entry in entries}
    gone = [s for s in before.values() if s.uid not in now]
    for sequence, entry in zip(restated.found, entries, strict=True):
        known = before.get(sequence.uid)
        if known is None or known.digest != entry.digest:
            replaced = tuple(s.uid for s in gone if entry.start <= s.start <= entry.end) if known is None else ()
            yield Published(sequence, replaced)
    yield from _told(restated)
    for old in gone:
        heir = next((entry.uid for entry in entries if entry.start <= old.start <= entry.end), "")
        yield SequenceClosed(old.uid, restated.spec.analytic, key, old.start, heir, old.is_alert)


def _told(restated: Restated) -> Iterator[Forward]:
    """Tell other correlations what has become of the sequences that they look at."""
    before = {one.uid: one.told for one in restated.before if one.told}
    now = {entry.uid: entry.told for entry in restated.entries}
    for one in restated.before:
        if one.told and now.get(one.uid, ()) != one.told:
            yield from (Forward(key, Withdrawn(one.told[0], one.start)) for key in one.told[1:])
    for entry, signal in zip(restated.entries, restated.signals, strict=bool(restated.signals)):
        if entry.told != before.get(entry.uid, ()):
            yield from (Forward(key, signal) for key in entry.told[1:])

"""Find the sequences of a key anew, as far as a step can have changed them.

A sequence follows from the signals of a key alone. So when a step adds one, of a condition that more signals can only
make true nothing changes but what reaches the time of that signal: no window that lies before it, and no sequence that
ended before it. What was found last time is taken for the rest, if this very set of rules found it in these signals
(`streams.correlate.state.Known`); a state that was read back, or folded, or stood under other rules is searched whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from models.finding import Sequence as Found
from models.finding import Signal
from models.flood import SECOND_MS
from streams.correlate.chaining import signal_of
from streams.correlate.fanout import Links, is_carried
from streams.correlate.now import LINK_HORIZON_MS, Now
from streams.correlate.risk import most
from streams.correlate.routing import Router, is_in_group
from streams.correlate.sequences import sequence_of, standing_of
from streams.correlate.spec import EVERY, CorrelationSpec
from streams.correlate.state import KeyState, Standing
from streams.correlate.watches import Shape, Watch, read_key, watch_of
from streams.correlate.windows import NOTHING_DECIDED, Decided, find_spans
from streams.flood import Moment, moments

_NO_HOLDS: Final[Mapping[str, int]] = {}


class Touched(NamedTuple):
    """What a step has changed: signals of one rule, at times (ms) from `first` to `last`."""

    rule: str
    first: int
    last: int


class Restated(NamedTuple):
    """The sequences of one rule that may have changed.

    Attributes:
        spec: The rule.
        before: What stood.
        found: What was found.
        entries: What is noted of it.
        signals: What it is to other correlations, if any looks at it.
    """

    spec: CorrelationSpec
    before: tuple[Standing, ...]
    found: tuple[Found, ...]
    entries: tuple[Standing, ...]
    signals: tuple[Signal, ...] = ()


class _Place(NamedTuple):
    """Where sequences are searched.

    Attributes:
        parts: Parts of the key.
        floor: After which time, ms.
        now: As of when.
        before: The watermark of the step before, ms: what could not change any more then cannot now.
        links: Links of the entity that the key names.
    """

    parts: tuple[str, ...]
    floor: int
    now: Now
    before: int
    links: Links


def touched_by(signal: Signal) -> Touched:
    """Return what a signal that is taken in can change; folding stays within its second."""
    first = signal.time - signal.time % SECOND_MS
    return Touched(signal.analytic.uid, first, first + SECOND_MS - 1)


class Restater:
    """All correlations, by the rules they look at. Immutable once made."""

    __slots__ = ("_fickle", "_holds", "_is_sound", "_of", "_reaching", "_router", "_uids")

    def __init__(self, specs: Iterable[CorrelationSpec], router: Router) -> None:
        self._router = router
        watches = [watch_of(number, spec) for number, spec in enumerate(specs)]
        of: dict[str, list[Watch]] = {}
        for watch in watches:
            of.setdefault(watch.spec.uid, []).append(watch)
        self._of: Mapping[str, tuple[Watch, ...]] = {uid: tuple(found) for uid, found in of.items()}
        self._is_sound = len(self._of) == len(watches)
        self._uids = frozenset(self._of)
        self._fickle = frozenset(watch.shape for watch in watches if not watch.is_steady)
        reaching: dict[tuple[Shape, str], list[Watch]] = {}
        self._holds: dict[Shape, dict[str, int]] = {}
        for watch in watches:
            holds = self._holds.setdefault(watch.shape, {})
            for rule in watch.spec.watched | watch.spec.members:
                reaching.setdefault((watch.shape, rule), []).append(watch)
                holds[rule] = max(holds.get(rule, 0), watch.spec.reach)
        self._reaching = {place: tuple(found) for place, found in reaching.items()}

    def holds(self, key: str) -> Mapping[str, int]:
        """Return for how long (ms) a key has to remember signals, by rule; EVERY for any, and else no time."""
        return self._holds.get(read_key(key)[1], _NO_HOLDS)

    def final(self, standing: Standing) -> int:
        """Return the horizon (ms) beyond which a sequence can no longer change."""
        return standing.end + max((watch.spec.lag for watch in self._of.get(standing.spec, ())), default=0)

    def looks_at(self, spec_uid: str, signal: Signal) -> bool:
        """Tell whether a correlation looks at a signal."""
        return any(watch.spec.looks_at(signal) for watch in self._of.get(spec_uid, ()))

    def knows(self, state: KeyState) -> bool:
        """Tell whether what stands in a state is what these correlations found in its signals."""
        known = state.known
        return (
            known is not None
            and known.by is self
            and known.signals is state.signals
            and known.standing is state.standing
            and known.floors is state.floors
        )

    def restated(
        self, key: str, state: KeyState, now: Now, touched: Touched | None, stale: frozenset[str] | None
    ) -> tuple[tuple[Standing, ...], list[Restated]]:
        """Find the sequences anew.

        Args:
            key: The group key.
            state: The state with its new signal; `standing` is that of the step before.
            now: How far event time has come.
            touched: What the new signal can have changed.
            stale: Correlations whose sequences may be out of date; None for all.

        Returns:
            What stands now, sorted by rule and start, and what may have changed, in the order of rules.
        """
        before = _by_spec(state.standing)
        floors = dict(state.floors)
        parts, shape = read_key(key)
        if stale is None or not self._is_sound:
            reached: Sequence[Watch] = self._all_of(shape, state, before)
            stale = self._uids
        else:
            reached = self._reached(shape, state, before, touched, stale)
        found: list[Restated] = []
        after: dict[int, tuple[Standing, ...]] = {}
        for watch in reached:
            uid = watch.spec.uid
            stood = before.get(uid, ())
            place = _Place(parts, floors.get(uid, -1), now, state.watermark, state.links)
            kept: tuple[Standing, ...] = ()
            if touched is not None and watch.is_steady and uid not in stale:
                kept, one = self._partly(watch, key, state, stood, touched, place)
            else:
                one = self._whole(watch, key, state, stood, place)
            after[watch.number] = (*kept, *one.entries) if one else kept
            if one:
                found.append(one)
        if not found and before.keys() <= self._of.keys():
            return state.standing, found
        for uid, stood in before.items():
            for watch in self._of.get(uid, ()):
                after.setdefault(watch.number, stood)
        return tuple(chain.from_iterable(after[number] for number in sorted(after))), found

    def _all_of(self, shape: Shape, state: KeyState, before: Mapping[str, object]) -> list[Watch]:
        """Return, in their order, all that look at a signal of a state, or have a sequence there."""
        rules = {signal.analytic.uid for signal in state.signals}
        watches = {watch.number: watch for rule in rules for watch in self._reached_by(shape, rule)}
        for uid in before:
            watches.update((watch.number, watch) for watch in self._of.get(uid, ()))
        return [watches[number] for number in sorted(watches)]

    def _reached(
        self,
        shape: Shape,
        state: KeyState,
        before: Mapping[str, object],
        touched: Touched | None,
        stale: frozenset[str],
    ) -> Sequence[Watch]:
        """Return, in their order, those that a step can concern; it concerns any that more signals could undo."""
        watches = self._reached_by(shape, touched.rule) if touched else ()
        if not stale and shape not in self._fickle:
            return watches
        own = {watch.number for watch in watches}
        further = [
            watch
            for watch in self._all_of(shape, state, before)
            if watch.number not in own and (not watch.is_steady or watch.spec.uid in stale)
        ]
        return sorted((*watches, *further), key=lambda watch: watch.number)

    def _reached_by(self, shape: Shape, rule: str) -> tuple[Watch, ...]:
        """Return, in their order, those that look at a rule, or at every one, in groups of a shape."""
        named, general = self._reaching.get((shape, rule), ()), self._reaching.get((shape, EVERY), ())
        return tuple(sorted((*named, *general), key=lambda watch: watch.number)) if general else named

    def _whole(
        self, watch: Watch, key: str, state: KeyState, stood: tuple[Standing, ...], place: _Place
    ) -> Restated | None:
        """Find all sequences of a rule anew; None when there were none and are none."""
        near = watch.near(state.signals) if watch.fits(place.parts) else []
        if not stood and (not near or (watch.is_steady and not _may_hold(watch, near))):
            return None
        return self._found(watch, key, near, stood, place)

    def _partly(
        self, watch: Watch, key: str, state: KeyState, stood: tuple[Standing, ...], touched: Touched, place: _Place
    ) -> tuple[tuple[Standing, ...], Restated | None]:
        """Find the sequences of a rule anew that a new signal can have changed; also return those that stay."""
        if not watch.fits(place.parts):
            return stood, None
        kept = tuple(one for one in stood if one.end < touched.first)
        changing = stood[len(kept) :]
        start = min(touched.first - watch.spec.timespan, changing[0].start if changing else touched.first)
        floor = max(place.floor, start - 1, kept[-1].end if kept else -1)
        near = watch.near(_later(state.signals, floor), floor)
        if not changing:
            end = touched.last + watch.spec.timespan
            if not _may_hold(watch, [signal for signal in near if signal.time <= end]):
                return kept, None
        return kept, self._found(watch, key, near, changing, place._replace(floor=floor))

    def _found(
        self, watch: Watch, key: str, near: Iterable[Signal], stood: tuple[Standing, ...], place: _Place
    ) -> Restated:
        spec = watch.spec
        mine = moments_in(spec, key, near, place.links)
        decided = NOTHING_DECIDED if watch.is_steady else _decided(spec, stood, place)
        spans = list(find_spans(spec, mine, place.floor, place.now.of(spec), key, decided))
        unheard = [place.now.unheard(spec, span.moments[0].time + spec.settles) for span in spans]
        found = tuple(sequence_of(spec, key, span, silent) for span, silent in zip(spans, unheard, strict=True))
        pairs = list(zip(found, spans, strict=True))
        if not spec.is_chained:
            return Restated(spec, stood, found, tuple(standing_of(sequence, span) for sequence, span in pairs))
        wanted = self._router.fields_wanted(spec.uid)
        signals = tuple(signal_of(spec, key, span, sequence.uid, wanted) for sequence, span in pairs)
        told = [(signal.uid, *self._router.routes(signal).keys) for signal in signals]
        entries = tuple(standing_of(sequence, span, to) for (sequence, span), to in zip(pairs, told, strict=True))
        return Restated(spec, stood, found, entries, signals)


def _by_spec(standing: Iterable[Standing]) -> dict[str, tuple[Standing, ...]]:
    found: dict[str, tuple[Standing, ...]] = {}
    for one in standing:
        found[one.spec] = (*found.get(one.spec, ()), one)
    return found


def _later(signals: tuple[Signal, ...], floor: int) -> tuple[Signal, ...]:
    """Return the signals after a time (ms), and all of its second: a flood lasts no longer."""
    return signals[bisect_left(signals, floor - SECOND_MS, key=lambda signal: signal.time) :]


def _may_hold(watch: Watch, near: Collection[Signal]) -> bool:
    """Tell whether some window of these signals may meet a condition that more of them can only make true."""
    threshold = watch.spec.threshold
    if watch.spec.breadth is not None:
        return threshold.holds(most(watch.spec.breadth, near))
    if watch.spec.kind in {"event_count", "value_count"}:
        return threshold.holds(sum(signal.count for signal in near))
    present = {signal.analytic.uid for signal in near}
    if watch.spec.kind == "temporal_ordered":
        return len(present) == len(watch.spec.members)
    steps = watch.spec.steps
    return threshold.holds(sum(step.rule in present for step in steps) if steps else len(present))


def _decided(spec: CorrelationSpec, stood: tuple[Standing, ...], place: _Place) -> Decided:
    """Return which anchors are too old to change: what spoke against them may be forgotten by now."""
    since = place.before - LINK_HORIZON_MS - spec.settles - spec.lag
    return Decided(since, frozenset(one.start for one in stood if one.start < since))


def moments_in(spec: CorrelationSpec, key: str, signals: Iterable[Signal], links: Links) -> list[Moment]:
    """Return what a rule sees in its group: every signal of its rules, and every moment of a flood, sorted.

    What came over a link that is shared, or has not come here yet, is left out.
    """
    found = (_moments_in(spec, key, signal, links) for signal in signals)
    return sorted(chain.from_iterable(found), key=itemgetter(0, 1))


def _moments_in(spec: CorrelationSpec, key: str, signal: Signal, links: Links) -> Iterator[Moment]:
    known: dict[int, bool] = {}
    for moment in moments(signal):
        like = moment.signal
        is_in = known.get(id(like))
        if is_in is None:
            is_in = known[id(like)] = is_in_group(spec, key, like)
        if is_in and is_carried(like, moment.time, key, links, is_narrow=spec.breadth is not None):
            yield moment

"""Find the sequences in a sorted list of signals. A function of the signals alone: arrival order cannot show.

One sequence is anchored at the earliest signal whose window `[anchor, anchor + timespan]` (both ends included) meets
the condition; `until` and `session` end a window sooner. It takes in every signal of its rules up to
`anchor + timespan + cooldown`. The next anchor is searched after that: leftmost first, never overlapping.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from models.finding import Signal
from streams.correlate import figures
from streams.correlate.conditions import NUMERIC_KINDS
from streams.correlate.numbers import Number, number_of
from streams.correlate.ordered import NEVER, completions, is_free
from streams.correlate.risk import reaching
from streams.correlate.routing import is_in_group
from streams.correlate.spec import CorrelationSpec
from streams.correlate.steps import ANCHOR, Absence, Step
from streams.flood import Moment


class Decided(NamedTuple):
    """Which anchors can no longer change: of those before `since` (ms), only those at `starts` stand."""

    since: int
    starts: frozenset[int]

    def refuses(self, anchor: int) -> bool:
        """Tell whether no sequence can begin at a time any more."""
        return anchor < self.since and anchor not in self.starts


NOTHING_DECIDED: Final = Decided(-1, frozenset())


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence that was found.

    Attributes:
        moments: Its signals, sorted by time and uid; the first is the anchor.
        end: Last millisecond at which a signal still joins it.
        met: Event time (ms) of the signal with which its condition was met; of a condition that more signals could
            undo, that of the last signal in its window.
    """

    moments: tuple[Moment, ...]
    end: int
    met: int


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the windows of one rule in one group are judged by.

    Attributes:
        spec: The rule.
        key: The group.
        moments: Signals of its rules, and their `times`.
        ends: For each position the first one beyond the window that begins there.
        others: Signals that must not be there, or end a window, by rule.
        watermark: Event time (ms) before which nothing more is expected.
    """

    spec: CorrelationSpec
    key: str
    moments: Sequence[Moment]
    times: Sequence[int]
    ends: Sequence[int]
    others: Mapping[str, Sequence[Moment]]
    watermark: int

    def last(self, position: int) -> int:
        """Return the time of the last signal in the window that begins at a position, ms."""
        return self.times[self.ends[position] - 1]


def find_spans(
    spec: CorrelationSpec,
    moments: Sequence[Moment],
    floor: int,
    watermark: int,
    key: str = "",
    decided: Decided = NOTHING_DECIDED,
) -> Iterator[Span]:
    """Yield the sequences of one rule in one group, earliest first.

    Args:
        spec: The correlation rule.
        moments: Signals of the group that the rule looks at, floods by their moments, sorted by time and uid, distinct.
        floor: No anchor at or before this time (ms): an earlier sequence, already final, reached this far.
        watermark: Event time (ms) before which nothing more is expected. Conditions that more signals could undo
            (`lt`, `eq`, a range, `not`, an average ...) hold only once their window lies before it; so do absences.
        key: The group's key, for rules whose steps have keys of their own.
        decided: Anchors that can no longer change.
    """
    scene = _scene(spec, moments, watermark, key)
    times, holds = scene.times, _condition(scene)
    position = bisect_right(times, floor)
    while position < len(times):
        anchor = times[position]
        if not decided.refuses(anchor) and holds(position):
            end = anchor + spec.span
            last = bisect_right(times, end)
            met = _met(scene, position) if spec.is_chained else anchor
            yield Span(tuple(scene.moments[position:last]), end, met)
            position = last
        else:
            position = bisect_right(times, anchor)  # the window of another signal at that time is the same one


def _scene(spec: CorrelationSpec, moments: Sequence[Moment], watermark: int, key: str) -> _Scene:
    others: dict[str, list[Moment]] = {}
    if spec.others:
        for moment in moments:
            if moment.signal.analytic.uid in spec.others:
                others.setdefault(moment.signal.analytic.uid, []).append(moment)
        moments = [moment for moment in moments if spec.takes(moment.signal)]
    times = [moment.time for moment in moments]
    until = sorted(moment.time for rule in spec.until for moment in others.get(rule, ()))
    ends = figures.window_ends(times, spec.timespan, until, spec.session)
    return _Scene(spec, key, moments, times, ends, others, watermark)


def _met(scene: _Scene, position: int) -> int:
    """Return when the condition of the window that begins at a position was met; it only grows with its signals."""
    first, end = position + 1, scene.ends[position]
    if scene.spec.waits:
        return scene.last(position)
    while first < end:
        middle = (first + end) // 2
        if _condition(_part(scene, position, middle))(0):
            end = middle
        else:
            first = middle + 1
    return scene.times[end - 1]


def _part(scene: _Scene, position: int, end: int) -> _Scene:
    moments, times = scene.moments[position:end], scene.times[position:end]
    ends = figures.window_ends(times, scene.spec.timespan, (), scene.spec.session)
    return _Scene(scene.spec, scene.key, moments, times, ends, scene.others, scene.watermark)


def _condition(scene: _Scene) -> Callable[[int], bool]:
    """Return the test of the window that begins at a position. All windows together take little more than one pass."""
    spec, holds = scene.spec, _figure_holds(scene)
    absences = [(one, _absent(scene, one)) for one in spec.absences if one.step == ANCHOR]
    if not spec.waits and not absences:
        return holds
    return lambda position: (
        (not spec.waits or _is_closed(scene, position))
        and all(_is_absent(scene, absence, times, scene.times[position]) for absence, times in absences)
        and holds(position)
    )


def _is_closed(scene: _Scene, position: int) -> bool:
    """Tell whether nothing more is expected in a window."""
    closes = scene.times[position] + scene.spec.timespan
    if scene.spec.session is not None:
        closes = min(closes, scene.last(position) + scene.spec.session)
    return closes < scene.watermark


def _absent(scene: _Scene, absence: Absence) -> list[int]:
    """Return the times (ms) at which a rule fired in this group that must not."""
    found, fields = scene.others.get(absence.rule, ()), _by_which(scene.spec, absence)
    return [m.time for m in found if not fields or is_in_group(scene.spec, scene.key, m.signal, fields)]


def _is_absent(scene: _Scene, absence: Absence, times: Sequence[int], anchor: int) -> bool:
    first, last = anchor - (absence.before or 0), anchor + (absence.after or 0)
    own = anchor if absence.rule in scene.spec.members or scene.spec.is_general else None
    return last < scene.watermark and is_free(times, first, last, own)


def _figure_holds(scene: _Scene) -> Callable[[int], bool]:
    spec = scene.spec
    if spec.kind == "temporal_ordered":
        return _ordered(scene)
    if spec.breadth is not None:
        return reaching(spec.breadth, spec.threshold.holds, scene.moments, scene.ends)
    found = _figures(scene)
    return lambda position: spec.threshold.holds(found[position])


def _ordered(scene: _Scene) -> Callable[[int], bool]:
    spec, moments, times = scene.spec, scene.moments, scene.times
    if spec.is_plainly_ordered:
        by_rule = {rule: _times(moments, rule, len(spec.rules)) for rule in spec.rules}
        return lambda position: _in_order(spec, by_rule, times[position], scene.last(position))
    absent = [_absent(scene, absence) for absence in spec.absences]
    placed = [_placed(scene, step) for step in spec.all_steps]
    complete = completions(spec.all_steps, spec.absences, placed, absent, scene.watermark)
    return lambda position: complete.get(times[position], NEVER) <= scene.last(position)


def _placed(scene: _Scene, step: Step) -> Mapping[int, int]:
    """Return the times of the signals that fit a step, and how many there are at each."""
    placed: Counter[int] = Counter()
    for moment, fits in zip(scene.moments, _fitting(scene, step), strict=True):
        if fits:
            placed[moment.time] += moment.matches
    return placed


def _fitting(scene: _Scene, step: Step) -> list[bool]:
    """Tell of each signal whether it fits a step."""
    mine = [moment.signal.analytic.uid == step.rule for moment in scene.moments]
    fields = _by_which(scene.spec, step)
    if not fields:
        return mine
    pairs = zip(mine, scene.moments, strict=True)
    return [fits and is_in_group(scene.spec, scene.key, moment.signal, fields) for fits, moment in pairs]


def _by_which(spec: CorrelationSpec, place: Step | Absence) -> tuple[str, ...]:
    """Return the fields by which a signal has to be in the group; none when all of its rule's are there by them."""
    if len(spec.groupings(place.rule)) == 1:
        return ()
    return place.group_by or tuple(spec.field_name(name, place.rule) for name in spec.group_by)


def _figures(scene: _Scene) -> Sequence[Number | None]:
    """Return what the condition compares, for the window that begins at each position."""
    spec, moments, ends = scene.spec, scene.moments, scene.ends
    if spec.kind in NUMERIC_KINDS:
        return _numeric(spec, [_weighed(spec, moment) for moment in moments], ends)
    if spec.kind == "event_count":
        return figures.sums([moment.matches for moment in moments], ends)
    if spec.kind == "value_count":
        return figures.distinct([counted(spec, moment.signal) for moment in moments], ends)
    if spec.steps:
        return _steps_taken(scene)
    rules = [moment.signal.analytic.uid for moment in moments]
    if spec.formula is not None:
        return figures.judged(rules, ends, spec.formula.holds)
    return figures.distinct(rules, ends)


def _steps_taken(scene: _Scene) -> Sequence[Number]:
    """Return how many steps have all of their signals in each window, or whether the formula holds of their rules."""
    taken: list[list[bool]] = []
    spec = scene.spec
    for step in spec.steps:
        pairs = zip(scene.moments, _fitting(scene, step), strict=True)
        counts = figures.sums([moment.matches if fits else 0 for moment, fits in pairs], scene.ends)
        taken.append([count >= step.count for count in counts])
    if spec.formula is None:
        return [sum(steps) for steps in zip(*taken, strict=True)]
    rules = [step.rule for step in spec.steps]
    present = (
        {rule for rule, is_taken in zip(rules, steps, strict=True) if is_taken} for steps in zip(*taken, strict=True)
    )
    return [int(spec.formula.holds(fired)) for fired in present]


def _numeric(
    spec: CorrelationSpec, weighed: Sequence[figures.Weighed | None], ends: Sequence[int]
) -> Sequence[Number | None]:
    if spec.kind == "value_sum":
        return figures.totals(weighed, ends)
    if spec.kind == "value_avg":
        return figures.averages(weighed, ends)
    return figures.percentiles(weighed, ends, spec.percentile)


def _weighed(spec: CorrelationSpec, moment: Moment) -> figures.Weighed | None:
    """Return the number of a moment and how often it counts, None when the field is missing or holds no number."""
    values = counted(spec, moment.signal)
    number = number_of(values[0]) if values else None
    return None if number is None else (number, moment.matches)


def _times(moments: Sequence[Moment], rule: str, most: int) -> list[int]:
    """Return the times of a rule's matches, one that stands for several as often as the order can need it."""
    return [m.time for m in moments if m.signal.analytic.uid == rule for _ in range(min(m.matches, most))]


def counted(spec: CorrelationSpec, signal: Signal) -> tuple[str, ...] | None:
    """Return the values of the fields that a rule counts or reckons with, None when one is missing."""
    names = [spec.field_name(name, signal.analytic.uid) for name in spec.count_fields]
    if any(name not in signal.fields for name in names):
        return None
    return tuple(signal.fields[name] for name in names)


def _in_order(spec: CorrelationSpec, times: Mapping[str, Sequence[int]], anchor: int, last: int) -> bool:
    """Tell whether the rules fire one after the other, each on a signal of its own; equal times count as in order."""
    unused = dict.fromkeys(spec.rules, 0)
    latest = anchor  # for the first rule; the others have the whole window
    reached = anchor
    for rule in spec.rules:
        position = max(bisect_left(times[rule], reached), unused[rule])
        if position >= len(times[rule]) or times[rule][position] > latest:
            return False
        reached, unused[rule] = times[rule][position], position + 1
        latest = last
    return True

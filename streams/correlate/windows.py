"""Find the sequences in a sorted list of signals. A function of the signals alone: arrival order cannot show.

One sequence is anchored at the earliest signal whose window `[anchor, anchor + timespan]` (both ends included) meets
the condition. It takes in every signal of its rules up to `anchor + timespan + cooldown`. The next anchor is searched
after that: leftmost first, never overlapping.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.finding import Signal
from streams.correlate import figures
from streams.correlate.conditions import NUMERIC_KINDS
from streams.correlate.numbers import Number, number_of
from streams.correlate.spec import CorrelationSpec
from streams.flood import Moment


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence that was found.

    Attributes:
        moments: Its signals, sorted by time and uid; the first is the anchor.
        end: Last millisecond at which a signal still joins it.
    """

    moments: tuple[Moment, ...]
    end: int


def find_spans(spec: CorrelationSpec, moments: Sequence[Moment], floor: int, watermark: int) -> Iterator[Span]:
    """Yield the sequences of one rule in one group, earliest first.

    Args:
        spec: The correlation rule.
        moments: Signals of the group that the rule looks at, floods by their moments, sorted by time and uid, distinct.
        floor: No anchor at or before this time (ms): an earlier sequence, already final, reached this far.
        watermark: Event time (ms) before which nothing more is expected. Conditions that more signals could undo
            (`lt`, `eq`, a range, `not`, an average ...) hold only once their window lies before it.
    """
    times = [moment.time for moment in moments]
    holds, waits = _condition(spec, moments, times), spec.waits
    position = bisect_right(times, floor)
    while position < len(moments):
        anchor = times[position]
        closed = anchor + spec.timespan < watermark
        if (closed or not waits) and holds(position):
            end = anchor + spec.span
            last = bisect_right(times, end)
            yield Span(tuple(moments[position:last]), end)
            position = last
        else:
            position = bisect_right(times, anchor)  # the window of another signal at that time is the same one


def _condition(spec: CorrelationSpec, moments: Sequence[Moment], times: Sequence[int]) -> Callable[[int], bool]:
    """Return the test of the window that begins at a position. All windows together take little more than one pass."""
    if spec.kind == "temporal_ordered":
        by_rule = {rule: _times(moments, rule, len(spec.rules)) for rule in spec.rules}
        return lambda position: _in_order(spec, by_rule, times[position])
    found = _figures(spec, moments, times)
    return lambda position: spec.threshold.holds(found[position])


def _figures(spec: CorrelationSpec, moments: Sequence[Moment], times: Sequence[int]) -> Sequence[Number | None]:
    """Return what the condition compares, for the window that begins at each position."""
    if spec.kind in NUMERIC_KINDS:
        return _numeric(spec, [_weighed(spec, moment) for moment in moments], times)
    if spec.kind == "event_count":
        return figures.sums([moment.matches for moment in moments], times, spec.timespan)
    if spec.kind == "value_count":
        return figures.distinct([counted(spec, moment.signal) for moment in moments], times, spec.timespan)
    rules = [moment.signal.analytic.uid for moment in moments]
    if spec.formula is not None:
        return figures.judged(rules, times, spec.timespan, spec.formula.holds)
    return figures.distinct(rules, times, spec.timespan)


def _numeric(
    spec: CorrelationSpec, weighed: Sequence[figures.Weighed | None], times: Sequence[int]
) -> Sequence[Number | None]:
    if spec.kind == "value_sum":
        return figures.totals(weighed, times, spec.timespan)
    if spec.kind == "value_avg":
        return figures.averages(weighed, times, spec.timespan)
    return figures.percentiles(weighed, times, spec.timespan, spec.percentile)


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


def _in_order(spec: CorrelationSpec, times: Mapping[str, Sequence[int]], anchor: int) -> bool:
    """Tell whether the rules fire one after the other, each on a signal of its own; equal times count as in order."""
    unused = dict.fromkeys(spec.rules, 0)
    latest = anchor  # for the first rule; the others have the whole window
    reached = anchor
    for rule in spec.rules:
        position = max(bisect_left(times[rule], reached), unused[rule])
        if position >= len(times[rule]) or times[rule][position] > latest:
            return False
        reached, unused[rule] = times[rule][position], position + 1
        latest = anchor + spec.timespan
    return True

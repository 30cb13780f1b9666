"""Find the sequences in a sorted list of signals. A function of the signals alone: arrival order cannot show.

One sequence is anchored at the earliest signal whose window `[anchor, anchor + timespan]` (both ends included) meets
the condition. It takes in every signal of its rules up to `anchor + timespan + cooldown`. The next anchor is searched
after that: leftmost first, never overlapping.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.finding import Signal
from streams.correlate.spec import CorrelationSpec


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence that was found.

    Attributes:
        signals: Its signals, sorted by time and uid; the first is the anchor.
        end: Last millisecond at which a signal still joins it.
    """

    signals: tuple[Signal, ...]
    end: int


def find_spans(spec: CorrelationSpec, signals: Sequence[Signal], floor: int, watermark: int) -> Iterator[Span]:
    """Yield the sequences of one rule in one group, earliest first.

    Args:
        spec: The correlation rule.
        signals: Signals of the group that the rule looks at, sorted by time and uid, distinct.
        floor: No anchor at or before this time (ms): an earlier sequence, already final, reached this far.
        watermark: Event time (ms) before which nothing more is expected. Conditions that more signals could undo
            (`lt`, `eq`, ...) hold only once their window lies before it.
    """
    times = [signal.time for signal in signals]
    position = bisect_right(times, floor)
    while position < len(signals):
        anchor = times[position]
        window = signals[position : bisect_right(times, anchor + spec.timespan)]
        closed = anchor + spec.timespan < watermark
        if _anchors(spec, window) and (spec.threshold.monotone or closed) and _condition(spec, window):
            end = anchor + spec.span
            last = bisect_right(times, end)
            yield Span(tuple(signals[position:last]), end)
            position = last
        else:
            position += 1


def _anchors(spec: CorrelationSpec, window: Sequence[Signal]) -> bool:
    return spec.kind != "temporal_ordered" or window[0].analytic.uid == spec.rules[0]


def _condition(spec: CorrelationSpec, window: Sequence[Signal]) -> bool:
    if spec.kind == "event_count":
        return spec.threshold.holds(sum(signal.count for signal in window))
    if spec.kind == "value_count":
        return spec.threshold.holds(len({values for s in window if (values := counted(spec, s)) is not None}))
    if spec.kind == "temporal":
        return spec.threshold.holds(len({signal.analytic.uid for signal in window}))
    return _in_order(spec, window)


def counted(spec: CorrelationSpec, signal: Signal) -> tuple[str, ...] | None:
    """Return the values a `value_count` rule counts on one signal, None when a field is missing."""
    names = [spec.field_name(name, signal.analytic.uid) for name in spec.count_fields]
    if any(name not in signal.fields for name in names):
        return None
    return tuple(signal.fields[name] for name in names)


def _in_order(spec: CorrelationSpec, window: Sequence[Signal]) -> bool:
    """Tell whether the rules fired one after the other; equal times count as in order."""
    times = {rule: [s.time for s in window if s.analytic.uid == rule] for rule in spec.rules}
    reached = window[0].time
    for rule in spec.rules:
        position = bisect_left(times[rule], reached)
        if position == len(times[rule]):
            return False
        reached = times[rule][position]
    return True

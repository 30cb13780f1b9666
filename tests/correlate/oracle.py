"""The naive oracle: given everything at once, which sequences stand? Slow, short and obviously right.

What `braid` keys ask for is in `tests.correlate.oracle_steps`, where signals are over links in `oracle_links`.
"""

from __future__ import annotations

import math
import operator
from dataclasses import replace
from fractions import Fraction

from models.entity import EntityLink
from models.finding import Signal
from models.uids import sequence_uid
from streams.correlate.chaining import signal_of
from streams.correlate.conditions import Formula
from streams.correlate.fanout import LINK_FANOUT
from streams.correlate.routing import Router
from streams.correlate.spec import CorrelationSpec
from streams.correlate.windows import Span
from streams.flood import Moment
from tests.correlate.oracle_links import groups_of, with_derived
from tests.correlate.oracle_steps import Group, cut, is_risky

COMPARE = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "neq": operator.ne,
}


def holds(spec: CorrelationSpec, window: list[Signal], group: Group) -> bool:
    if group.is_spoilt(window[0].time):
        return False
    if spec.kind == "temporal_ordered":
        return group.has_run(window)
    if spec.breadth:
        return any(is_risky(spec, spec.breadth, [s for s in window if s.time <= end.time]) for end in window)
    fired = group.fired(window)
    if spec.formula:
        return is_true(spec.formula, {step.rule for step in fired})
    figure = len(fired) if spec.kind == "temporal" else figure_of(spec, window)
    return figure is not None and all(COMPARE[op](figure, number) for op, number in spec.threshold.bounds)


def figure_of(spec: CorrelationSpec, window: list[Signal]) -> Fraction | int | None:
    if spec.kind == "event_count":
        return sum(s.count for s in window)
    texts = [texts for s in window for texts in [texts_of(spec, s)] * s.count if None not in texts]
    if spec.kind == "value_count":
        return len(set(texts))
    numbers = sorted(Fraction(text) for (text,) in texts if is_number(text))
    if not numbers:
        return None
    if spec.kind in {"value_sum", "value_avg"}:
        return sum(numbers) / (len(numbers) if spec.kind == "value_avg" else 1)
    place = (len(numbers) - 1) * Fraction(spec.percentile) / 100
    lower, upper = numbers[math.floor(place)], numbers[math.ceil(place)]
    return lower + (upper - lower) * (place - math.floor(place))


def texts_of(spec: CorrelationSpec, signal: Signal) -> tuple[str | None, ...]:
    return tuple(signal.fields.get(spec.aliases.get(f, {}).get(signal.analytic.uid, f)) for f in spec.count_fields)


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def is_true(formula: Formula, fired: set[str]) -> bool:
    parts = [is_true(part, fired) for part in formula.parts]
    return {"and": all(parts), "or": any(parts), "not": parts == [False]}.get(formula.op, formula.op in fired)


def met(spec: CorrelationSpec, window: list[Signal], group: Group) -> int:
    """When the window was enough."""
    times = [] if spec.waits else [s.time for s in window]
    enough = [time for time in times if holds(spec, [s for s in window if s.time <= time], group)]
    return min(enough, default=window[-1].time)


def as_signal(specs: list[CorrelationSpec], spec: CorrelationSpec, key: str, taken: list[Signal], at: int) -> Signal:
    span = Span(tuple(Moment(s.time, s.uid, s.count, s) for s in taken), 0, at)
    return signal_of(spec, key, span, sequence_uid(spec.uid, key, taken[0].uid), Router(specs).fields_wanted(spec.uid))


def sequences(
    specs: list[CorrelationSpec], signals: list[Signal], links: list[EntityLink], fanout: int = LINK_FANOUT
) -> set[tuple[str, str, str]]:
    """Return (rule, group, uids of all signals) of every sequence that stands; what others look at comes first."""
    links = with_derived(links, fanout)
    found = set()
    for stated in specs:
        every = tuple(sorted({s.analytic.uid for s in signals if not s.parts}))
        spec = replace(stated, rules=every) if stated.is_general else stated
        distinct = {s.uid: s for s in signals if s.analytic.uid in {*spec.rules, *spec.others}}
        ways = [(one.rule, one.group_by) for one in (*spec.all_steps, *spec.absences)] + [(u, ()) for u in spec.until]
        placed = [
            (key, signal, fields)
            for signal in sorted(distinct.values(), key=lambda s: (s.time, s.uid))
            for rule, fields in ways
            if rule == signal.analytic.uid
            for key in groups_of(spec, signal, links, fields)
        ]
        for key in {key for key, _, _ in placed}:
            group = Group(spec, [(signal, fields) for group, signal, fields in placed if group == key])
            here = list({s.uid: s for s, _ in group.placed if s.analytic.uid in spec.rules}.values())
            while here:
                first, window = here[0].time, cut(spec, here, group)
                if holds(spec, window, group):
                    taken = [s for s in here if s.time <= first + spec.timespan + spec.cooldown]
                    found.add((spec.uid, key, " ".join(s.uid for s in taken)))
                    if spec.is_chained:
                        signals = [*signals, as_signal(specs, spec, key, taken, met(spec, window, group))]
                    here = here[len(taken) :]
                else:
                    here = [s for s in here if s.time > first]
    return found

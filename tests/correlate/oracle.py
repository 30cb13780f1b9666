"""The naive oracle: given everything at once, which sequences stand? Slow, short and obviously right."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from itertools import pairwise, product

from models.entity import EntityLink
from models.finding import Signal
from streams.correlate.conditions import Formula
from streams.correlate.spec import CorrelationSpec

COMPARE = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "neq": operator.ne,
}


def groups_of(spec: CorrelationSpec, signal: Signal, links: list[EntityLink]) -> set[str]:
    """All groups of a signal: its own entities, or one of them swapped for what it is linked to."""
    own = {str(e) for e in signal.entities}
    linked = set()
    for link in links:
        if link.valid_from <= signal.time <= link.valid_to:
            ends = {str(link.left), str(link.right)}
            if ends & own:
                linked |= ends - own
    groups = set()
    for extra in [None, *linked]:
        choices = []
        for name in spec.group_by:
            if name.startswith("entity."):
                known = own | ({extra} if extra else set())
                choices.append([e for e in known if e.startswith(name[7:] + ":")])
            else:
                field = spec.aliases.get(name, {}).get(signal.analytic.uid, name)
                choices.append([f"{name}={signal.fields[field]}"] if field in signal.fields else [])
        groups |= {"|".join(choice) for choice in product(*choices)} if spec.group_by else {"*"}
    return groups


def holds(spec: CorrelationSpec, window: list[Signal]) -> bool:
    if spec.kind == "temporal_ordered":
        return in_order(spec, window)
    if spec.formula:
        return is_true(spec.formula, {s.analytic.uid for s in window})
    figure = figure_of(spec, window)
    return figure is not None and all(COMPARE[op](figure, number) for op, number in spec.threshold.bounds)


def figure_of(spec: CorrelationSpec, window: list[Signal]) -> Fraction | int | None:
    if spec.kind == "event_count":
        return sum(s.count for s in window)
    if spec.kind == "temporal":
        return len({s.analytic.uid for s in window})
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


def in_order(spec: CorrelationSpec, window: list[Signal]) -> bool:
    return any(
        choice[0].time == window[0].time
        and len({s.uid for s in choice}) == len(choice)
        and all(a.time <= b.time for a, b in pairwise(choice))
        for choice in product(*([s for s in window if s.analytic.uid == rule] for rule in spec.rules))
    )


def sequences(
    specs: list[CorrelationSpec], signals: list[Signal], links: list[EntityLink]
) -> set[tuple[str, str, str]]:
    """Return (rule, group, uids of all signals) of every sequence that stands."""
    found = set()
    for spec in specs:
        mine = sorted(
            {s.uid: s for s in signals if s.analytic.uid in spec.rules}.values(), key=lambda s: (s.time, s.uid)
        )
        for group in {g for s in mine for g in groups_of(spec, s, links)}:
            here = [s for s in mine if group in groups_of(spec, s, links)]
            while here:
                first = here[0].time
                window = [s for s in here if s.time <= first + spec.timespan]
                if holds(spec, window):
                    taken = [s for s in here if s.time <= first + spec.timespan + spec.cooldown]
                    found.add((spec.uid, group, " ".join(s.uid for s in taken)))
                    here = here[len(taken) :]
                else:
                    here = [s for s in here if s.time > first]
    return found

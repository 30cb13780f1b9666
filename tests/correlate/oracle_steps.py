"""The naive oracle of what stands under `braid`: every choice of signals for the steps is tried."""

from __future__ import annotations

import math
from itertools import combinations, pairwise, product

from models.finding import Signal
from streams.correlate.risk import Breadth
from streams.correlate.spec import CorrelationSpec
from streams.correlate.steps import ANCHOR, Absence, Step

Run = tuple[Signal, ...]


def cut(spec: CorrelationSpec, here: list[Signal], group: Group) -> list[Signal]:
    """The window that begins with the first signal."""
    first = here[0].time
    until = min([t for rule in spec.until for t in group.times(rule) if t >= first], default=math.inf)
    window = [s for s in here if s.time <= min(first + spec.timespan, until)]
    gaps = [n for n, (a, b) in enumerate(pairwise(window), 1) if spec.session and b.time - a.time > spec.session]
    return window[: gaps[0]] if gaps else window


def is_risky(spec: CorrelationSpec, asked: Breadth, held: list[Signal]) -> bool:
    """Whether signals up to now, each at what is left of its risk, are enough and from enough sides."""
    now, total = held[-1].time, 0.0
    for kind in sorted({(s.analytic.uid, s.event.source) for s in held}):
        mine = [s for s in held if (s.analytic.uid, s.event.source) == kind]
        left = sorted(s.risk * 0.5 ** ((now - s.time) / (asked.half_life or math.inf)) for s in mine)
        total += sum(left[-asked.repeats :])
    parts = [part for s in held for part in s.made_of]
    return (
        round(total, 6) >= spec.threshold.count
        and len({part.rule for part in parts}) >= asked.detections
        and len({tactic for part in parts for tactic in part.tactics}) >= asked.tactics
        and len({part.domain for part in parts}) >= asked.domains
        and len({s.event.source for s in held}) >= asked.sources
    )


class Group:
    """What happened in one group: every signal with the fields by which it is there."""

    def __init__(self, spec: CorrelationSpec, placed: list[tuple[Signal, tuple[str, ...]]]) -> None:
        self.spec, self.placed = spec, placed

    def times(self, rule: str, fields: tuple[str, ...] = ()) -> list[int]:
        return [s.time for s, by in self.placed if s.analytic.uid == rule and by == fields]

    def is_broken(self, absence: Absence, first: int, last: int, following: int = 0) -> bool:
        """Whether the rule fired that must not, near what lasts from `first` to `last`."""
        own = {first, last} if absence.rule in self.spec.rules else set()
        times = [t for t in self.times(absence.rule, absence.group_by) if t not in own]
        before, after = absence.before, absence.after
        return (
            any(first - before <= t <= first for t in times if before is not None)
            or any(last <= t <= last + after for t in times if after is not None)
            or any(last <= t <= following for t in times if absence.between)
        )

    def is_spoilt(self, anchor: int) -> bool:
        return any(self.is_broken(one, anchor, anchor) for one in self.spec.absences if one.step == ANCHOR)

    def runs(self, step: Step, window: list[Signal]) -> list[Run]:
        """Every choice of signals for a step."""
        fits = {s.uid for s, by in self.placed if s.analytic.uid == step.rule and by == step.group_by}
        return list(combinations([s for s in window if s.uid in fits], step.count))

    def fired(self, window: list[Signal]) -> list[Step]:
        """The steps that have all their signals; those of one rule that ask for no more are one."""
        steps = self.spec.steps or list(dict.fromkeys(self.spec.all_steps))
        return [step for step in steps if self.runs(step, window)]

    def has_run(self, window: list[Signal]) -> bool:
        choices = product(*(self.runs(step, window) for step in self.spec.all_steps))
        return any(choice[0][0].time == window[0].time and self.is_run(choice) for choice in choices)

    def is_run(self, choice: tuple[Run, ...]) -> bool:
        steps, absences = self.spec.all_steps, [one for one in self.spec.absences if one.step != ANCHOR]
        is_plain = not self.spec.steps and not absences
        for (n, a), (m, b) in combinations(enumerate(choice), 2):
            gap = b[0].time - a[-1].time
            is_near = m > n + 1 or steps[m].within is None or gap <= steps[m].within
            if gap < 0 or not is_near or (gap == 0 and steps[n].rule == steps[m].rule and not is_plain):
                return False
        if len({s.uid for run in choice for s in run}) < sum(map(len, choice)):
            return False
        following = [run[0].time for run in choice[1:]] + [0]
        return not any(
            self.is_broken(one, choice[one.step][0].time, choice[one.step][-1].time, following[one.step])
            for one in absences
        )

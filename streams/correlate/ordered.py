"""Steps in order: where does a run through all of them begin, and when is it complete at the earliest?

One pass from the latest signal to the earliest answers it for every beginning. For each step it keeps, of what lies
later, the earliest completion when so many more signals of the step are needed, and those of runs that begin there,
the least of which within reach of the step before is at the end of a queue. So all beginnings together cost about as
much as the signals times the steps.

Steps of one rule are at distinct times; steps of different rules may be at one time, and count as in order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from streams.correlate.steps import ANCHOR, Absence, Step

NEVER: Final = inf
Placed = Mapping[int, int]  # time (ms) of signals that fit a step, and how many there are


def completions(
    steps: Sequence[Step],
    absences: Sequence[Absence],
    placed: Sequence[Placed],
    absent: Sequence[Sequence[int]],
    watermark: int,
) -> Mapping[int, float]:
    """Return for every time at which the first step can begin when the last one is complete, NEVER where it is not.

    Args:
        steps: The steps.
        absences: What must not happen; those about the anchor are not looked at.
        placed: For each step the times of the signals that fit it.
        absent: For each absence the sorted times (ms) at which its rule fired.
        watermark: Event time (ms) before which nothing more is expected: an absence counts when its time is over.
    """
    chain = _Chain(steps, absences, placed, absent, watermark)
    times = sorted(set().union(*placed), reverse=True)
    return {time: complete for time in times if (complete := chain.at(time)) is not None}


def is_free(times: Sequence[int], first: int, last: int, own: int | None = None) -> bool:
    """Tell whether none of some sorted times lies from `first` to `last`, one's own aside."""
    inside = bisect_right(times, last) - bisect_left(times, first)
    if inside and own is not None:
        inside -= bisect_right(times, own) - bisect_left(times, own)
    return not inside


class _Chain:
    """The pass over all times, backwards."""

    def __init__(
        self,
        steps: Sequence[Step],
        absences: Sequence[Absence],
        placed: Sequence[Placed],
        absent: Sequence[Sequence[int]],
        watermark: int,
    ) -> None:
        self._steps, self._placed, self._watermark = steps, placed, watermark
        self._about: list[list[tuple[Absence, Sequence[int]]]] = [[] for _ in steps]
        for absence, times in zip(absences, absent, strict=True):
            if absence.step != ANCHOR:
                self._about[absence.step].append((absence, times))
        self._needed = [deque([NEVER] * step.count, maxlen=step.count) for step in steps]
        self._begun: list[deque[tuple[int, float]]] = [deque() for _ in steps]
        self._reach = [_reach(steps, number) for number in range(len(steps))]

    def at(self, time: int) -> float | None:
        """Take the signals of one time in; return the completion of a run that begins there."""
        here = {number: fitting for number in range(len(self._steps)) if (fitting := self._placed[number].get(time))}
        alone = {number: self._alone(number, time, fitting) for number, fitting in sorted(here.items(), reverse=True)}
        whole = {number for number, fitting in here.items() if self._is_whole(number, time, fitting)}
        begun = {number: self._joined(number, self._reach[number], time, alone, whole) for number in here}
        ended = {number: self._ended(number, time, alone, whole) for number in here}
        for number, fitting in here.items():
            self._take(number, time, fitting, begun[number], ended[number])
        return begun.get(0)

    def _alone(self, number: int, time: int, fitting: int) -> float:
        """Return the completion when a step begins now and the next one later."""
        if not self._may_begin(number, time):
            return NEVER
        count = self._steps[number].count
        ends = self._later(number, time) if fitting >= count and self._may_end(number, time) else NEVER
        lasts = self._needed[number][max(0, count - fitting - 1)] if count > 1 else NEVER
        return min(ends, lasts)

    def _later(self, number: int, time: int) -> float:
        """Return the completion when a step ends now and the next one begins later."""
        if number + 1 == len(self._steps):
            return time
        begun, last = self._begun[number + 1], self._until(number, time)
        while begun and begun[-1][0] > last:
            begun.pop()
        return begun[-1][1] if begun else NEVER

    def _until(self, number: int, time: int) -> float:
        """Return the latest time at which the next step may begin when one ends now."""
        within = self._steps[number + 1].within
        last: float = NEVER if within is None else time + within
        for absence, times in self._about[number]:
            if absence.between:
                place = bisect_left(times, time)
                last = min(last, self._watermark - 1, times[place] - 1 if place < len(times) else NEVER)
        return last

    def _joined(
        self, number: int, reach: int, time: int, alone: Mapping[int, float], whole: set[int], best: float = NEVER
    ) -> float:
        """Return the completion when a step begins now, and with it perhaps some of those after it."""
        for step in range(number, reach):
            best = min(best, alone.get(step, NEVER))
            if step not in whole or not self._goes_on(step, time):
                break
        return best

    def _goes_on(self, number: int, time: int) -> bool:
        """Tell whether the next step may begin at the very time at which one ends."""
        return number + 1 < len(self._steps) and self._until(number, time) >= time

    def _ended(self, number: int, time: int, alone: Mapping[int, float], whole: set[int]) -> float:
        """Return the completion when a step that began earlier, or now, ends now."""
        if not self._may_end(number, time):
            return NEVER
        best = self._later(number, time)
        if not self._goes_on(number, time):
            return best
        return self._joined(number + 1, self._reach[number], time, alone, whole, best)

    def _take(self, number: int, time: int, fitting: int, begun: float, ended: float) -> None:
        needed = self._needed[number]
        for _ in range(min(fitting, len(needed))):
            needed.appendleft(min(needed[0], ended))
        if begun < NEVER:
            queue = self._begun[number]
            while queue and queue[0][1] >= begun:
                queue.popleft()
            queue.appendleft((time, begun))

    def _is_whole(self, number: int, time: int, fitting: int) -> bool:
        """Tell whether a step may begin and end now."""
        is_enough = fitting >= self._steps[number].count
        return is_enough and self._may_begin(number, time) and self._may_end(number, time)

    def _may_begin(self, number: int, time: int) -> bool:
        return all(
            time < self._watermark and is_free(times, time - absence.before, time, self._own(absence, time))
            for absence, times in self._about[number]
            if absence.before is not None
        )

    def _may_end(self, number: int, time: int) -> bool:
        return all(
            time + absence.after < self._watermark
            and is_free(times, time, time + absence.after, self._own(absence, time))
            for absence, times in self._about[number]
            if absence.after is not None
        )

    def _own(self, absence: Absence, time: int) -> int | None:
        """Return the time at which a rule that is looked for near a step is no absence, since it is a step itself."""
        return time if any(absence.rule == step.rule for step in self._steps) else None


def _reach(steps: Sequence[Step], number: int) -> int:
    """Return the first step after one that cannot be at the same time as all between: its rule was there before."""
    seen: set[str] = set()
    for step in range(number, len(steps)):
        if steps[step].rule in seen:
            return step
        seen.add(steps[step].rule)
    return len(steps)

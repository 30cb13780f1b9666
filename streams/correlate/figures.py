"""The figure of every window: how many, how many distinct, the sum, the average, a percentile.

A window begins at each position of what is sorted by time, and reaches up to the position that `ends` has for it
(`window_ends`). All of them together take little more than one pass. Figures are exact, so no order and no folding of
floods shows in them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import TypeVar

from streams.correlate.numbers import Number

V = TypeVar("V")
Weighed = tuple[Number, int]


def window_ends(times: Sequence[int], timespan: int, until: Sequence[int] = (), gap: int | None = None) -> list[int]:
    """Return for each position the first one beyond the window that begins there.

    Args:
        times: Sorted times, ms.
        timespan: How long a window lasts at most, ms, both ends included.
        until: Sorted times at which a window ends sooner; what is at that very time still belongs to it.
        gap: A window ends sooner where nothing happened for longer than this, ms.
    """
    ends = []
    unbroken = _unbroken(times, gap) if gap is not None else ()
    for start, time in enumerate(times):
        stop = bisect_left(until, time) if until else 0
        last = min(time + timespan, until[stop]) if stop < len(until) else time + timespan
        end = bisect_right(times, last)
        ends.append(min(end, unbroken[start]) if unbroken else end)
    return ends


def _unbroken(times: Sequence[int], gap: int) -> list[int]:
    """Return for each position the first one after it before which there is a longer gap."""
    ends, end = [0] * len(times), len(times)
    for start in range(len(times) - 1, -1, -1):
        if start + 1 < len(times) and times[start + 1] - times[start] > gap:
            end = start + 1
        ends[start] = end
    return ends


def sums(amounts: Sequence[Number], ends: Sequence[int]) -> list[Number]:
    """Sum the amounts of the window that begins at each position."""
    nothing: Number = 0
    before = list(accumulate(amounts, initial=nothing))
    return [before[end] - before[start] for start, end in enumerate(ends)]


def distinct(values: Sequence[object], ends: Sequence[int]) -> list[int]:
    """Count the distinct values, None aside, of the window that begins at each position."""
    return [len(held) - (None in held) for held in _held(values, ends)]


def judged(values: Sequence[str], ends: Sequence[int], judge: Callable[[Mapping[str, int]], bool]) -> list[int]:
    """Return 1 where the distinct values of the window that begins at a position pass the judge, otherwise 0."""
    return [int(judge(held)) for held in _held(values, ends)]


def _held(values: Sequence[V], ends: Sequence[int]) -> Iterator[Mapping[V, int]]:
    """Yield for each position the values in its window with how often they are there; valid until the next."""
    held: dict[V, int] = {}
    end = 0
    for start, stop in enumerate(ends):
        while end < stop:
            held[values[end]] = held.get(values[end], 0) + 1
            end += 1
        yield held
        held[values[start]] -= 1
        if not held[values[start]]:
            del held[values[start]]


def totals(weighed: Sequence[Weighed | None], ends: Sequence[int]) -> list[Number | None]:
    """Sum numbers, each as often as it counts; None for a window without any."""
    counts, amounts = _counts_and_sums(weighed, ends)
    return [amount if count else None for count, amount in zip(counts, amounts, strict=True)]


def averages(weighed: Sequence[Weighed | None], ends: Sequence[int]) -> list[Number | None]:
    """Return the mean of numbers, each as often as it counts; None for a window without any."""
    counts, amounts = _counts_and_sums(weighed, ends)
    return [Fraction(amount) / count if count else None for count, amount in zip(counts, amounts, strict=True)]


def _counts_and_sums(weighed: Sequence[Weighed | None], ends: Sequence[int]) -> tuple[list[Number], list[Number]]:
    counts = [pair[1] if pair else 0 for pair in weighed]
    amounts: list[Number] = [pair[0] * pair[1] if pair else 0 for pair in weighed]
    return sums(counts, ends), sums(amounts, ends)


def percentiles(weighed: Sequence[Weighed | None], ends: Sequence[int], percentile: Number) -> list[Number | None]:
    """Return a percentile of numbers, each as often as it counts; None for a window without any.

    Of n numbers in order, counted from 0, it is the one at `percentile / 100 * (n - 1)`; between two, on the straight
    line from one to the other (definition 7 of Hyndman and Fan, 1996). So 0 is the least, 50 the median, 100 the most.
    """
    ranks = _Ranks(sorted({pair[0] for pair in weighed if pair}))
    found: list[Number | None] = []
    end = 0
    for start, stop in enumerate(ends):
        while end < stop:
            ranks.add(weighed[end], 1)
            end += 1
        found.append(_at(ranks, percentile))
        ranks.add(weighed[start], -1)
    return found


def _at(ranks: _Ranks, percentile: Number) -> Number | None:
    if not ranks.total:
        return None
    hundredths = 100 * percentile.denominator
    below, rest = divmod((ranks.total - 1) * percentile.numerator, hundredths)
    lower = ranks.at(below)
    return lower + (ranks.at(below + 1) - lower) * Fraction(rest, hundredths) if rest else lower


class _Ranks:
    """Numbers with how often each counts, as a tree of partial sums (Fenwick, 1994): every step is logarithmic."""

    def __init__(self, numbers: Sequence[Number]) -> None:
        self._numbers = numbers
        self._place = {number: index + 1 for index, number in enumerate(numbers)}
        self._tree = [0] * (len(numbers) + 1)
        self.total = 0

    def add(self, weighed: Weighed | None, sign: int) -> None:
        """Take a number in as often as it counts, or, with sign -1, out again."""
        if weighed is None:
            return
        number, times = weighed
        self.total += sign * times
        place = self._place[number]
        while place < len(self._tree):
            self._tree[place] += sign * times
            place += place & -place

    def at(self, rank: int) -> Number:
        """Return the number of this rank, from 0; there have to be more than so many."""
        place, step = 0, 1 << len(self._numbers).bit_length()
        while step := step >> 1:
            if place + step < len(self._tree) and self._tree[place + step] <= rank:
                place += step
                rank -= self._tree[place]
        return self._numbers[place]

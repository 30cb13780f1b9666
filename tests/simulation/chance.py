"""Chance that is the same everywhere: each thing of each day has dice of its own, so that none shifts another."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import exp
from random import Random
from typing import Final, Generic, TypeVar

GOLDEN: Final = (5**0.5 - 1) / 2  # its multiples are spread evenly over 0 to 1
T = TypeVar("T")
MANY: Final = 30.0  # above it a Poisson number is as good as a normal one


def dice(seed: int, *about: object) -> Random:
    """Return the dice for one thing, named by what it is about."""
    return Random("/".join(map(str, (seed, *about))))  # noqa: S311  # a simulation has to be repeatable, not secret


def poisson(rng: Random, mean: float) -> int:
    """Draw how often something happens that happens `mean` times on average."""
    if mean > MANY:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def sizes(rng: Random, median: float, spread: float = 0.8) -> int:
    """Draw a size whose logarithm is normal, as those of transfers are."""
    return max(1, round(median * exp(rng.gauss(0.0, spread))))


def some(rng: Random, things: Sequence[T], count: int) -> list[T]:
    """Return that many different things at most, in their order."""
    count = min(len(things), count)
    return [things[index] for index in sorted(rng.sample(range(len(things)), count))]


class Menu(Generic[T]):
    """Things to draw from, each with its weight."""

    def __init__(self, weighted: Iterable[tuple[T, float]]) -> None:
        pairs = tuple(weighted)
        self.things: tuple[T, ...] = tuple(thing for thing, _ in pairs)
        self._bounds = tuple(accumulate(weight for _, weight in pairs))

    def draw(self, rng: Random) -> T:
        """Draw one."""
        return self.things[min(bisect(self._bounds, rng.random() * self._bounds[-1]), len(self.things) - 1)]


def zipf(things: Sequence[T], power: float = 1.0) -> Menu[T]:
    """Make a menu of which the first are drawn far more often."""
    return Menu((thing, 1 / (rank + 1) ** power) for rank, thing in enumerate(things))


def deal(things: Sequence[T], shares: Sequence[float], number: int) -> T:
    """Return the kind of the n-th of many: one of each first, from then on by their shares, round and round."""
    if number < len(things):
        return things[number]
    place = number * GOLDEN % 1.0 * sum(shares)
    return things[min(bisect(tuple(accumulate(shares)), place), len(things) - 1)]

"""A robust level: where numbers lie and how far they scatter, learned one by one in three whole numbers.

Numbers are on a scale where differences mean the same everywhere (logarithms, logits), in thousandths once they are
kept. An outlier moves a level no further than CLIP scales do (winsorised: Huber, Robust estimation of a location
parameter, Annals of Mathematical Statistics 35, 1964), so that what is to be found does not teach that it is normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Final

from msgspec import Struct

from models.anomaly.base import Natural, Whole, chance

UNIT: Final = 1000  # parts of one that means and spreads are kept in
PARTS: Final = 8  # parts of one observation that weights are kept in
CLIP: Final = 3.0  # scales
SCALE_OF_SPREAD: Final = 1.2533  # standard deviation over mean deviation, of a normal distribution
FREEDOM: Final = 3.0, 8.0  # of the tail: around a level hardly known, and around a well-known one
SURE_AFTER: Final = 60  # observations until a level is well known
FIRST_SPREAD: Final = 0.5  # of what was seen but once


class Level(Struct, frozen=True, array_like=True, gc=False):
    """Where numbers lie.

    Attributes:
        weight: How much was learned, in 1/PARTS of an observation.
        mean: In 1/UNIT.
        spread: How far above the mean those lie that lie above it, in 1/UNIT: what is too much is judged by it.
    """

    weight: Natural = 0
    mean: Whole = 0
    spread: Natural = 0


def scale_of(level: Level, least: float) -> float:
    """Return the scale (standard deviation) of a level, at least `least`."""
    return max(level.spread * SCALE_OF_SPREAD / UNIT, least)


def freedom_of(weight: float) -> float:
    """Return the degrees of freedom of the tail around a level that so many observations have taught."""
    least, most = FREEDOM
    return least + (most - least) * min(1.0, weight / SURE_AFTER)


def clipped(number: float, bound: float) -> float:
    """Return a number held within plus and minus a bound."""
    return number if -bound <= number <= bound else min(max(number, -bound), bound)


def faded(level: Level, share: float) -> Level:
    """Return a level that is less sure of itself; it lies where it was."""
    return Level(floor(level.weight * share), level.mean, level.spread)


def taught(level: Level, number: float, most: int, least: float, salt: int) -> Level:
    """Return a level that has learned one more number.

    Args:
        level: The level.
        number: On the level's own scale, not in parts.
        most: Observations that are remembered: each further one counts for one in so many.
        least: The least scale, which says what an outlier is.
        salt: Any whole number that differs from one observation to the next: it decides how parts are rounded.
    """
    lot = chance(salt, level.mean)
    if not level.weight:
        return Level(PARTS, floor(number * UNIT + lot), floor(FIRST_SPREAD * UNIT))
    weight = min(level.weight + PARTS, most * PARTS)
    step = PARTS / weight
    apart = clipped(number - level.mean / UNIT, CLIP * scale_of(level, least)) * UNIT
    mean, spread = floor(level.mean + step * apart + lot), level.spread
    if apart > 0:
        spread = max(0, floor(spread + step * (apart - spread) + (lot + 0.5) % 1))
    return Level(weight, mean, spread)


def taught_all(level: Level, numbers: Sequence[float], most: int, least: float, salt: int) -> Level:
    """Return a level that has learned several numbers of one moment, none of them before another.

    Args:
        level: The level.
        numbers: On the level's own scale, at least one.
        most: As of `taught`.
        least: As of `taught`.
        salt: As of `taught`.
    """
    lot = chance(salt, level.mean)
    if not level.weight:
        middle = sum(numbers) / len(numbers)
        level = Level(0, floor(middle * UNIT + lot), floor(FIRST_SPREAD * UNIT))
    weight = min(level.weight + PARTS * len(numbers), most * PARTS)
    step = min(PARTS / weight, 1 / len(numbers))  # never beyond their mean, though they be more than are remembered
    centre, most_off = level.mean / UNIT, CLIP * scale_of(level, least)
    off = [clipped(number - centre, most_off) * UNIT for number in numbers]
    above = [one for one in off if one > 0]
    mean, spread = floor(level.mean + step * sum(off) + lot), level.spread
    if above:
        spread = max(0, floor(spread + step * (sum(above) - spread * len(above)) + (lot + 0.5) % 1))
    return Level(weight, mean, spread)

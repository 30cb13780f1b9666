"""What there is to see at one value of a series, from several points of view, by moving means.

A mean starts as the plain mean of all values so far and becomes one with exponential weights (Roberts, Control chart
tests based on geometric moving averages, Technometrics 1, 1959). river has such means; here they are plain numbers of a
frozen state, so that a state can be saved, compared and gone back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh
from typing import Final

from msgspec import Struct

DEPARTURES: Final = (
    "a jump up",
    "a jump down",
    "above the last values",
    "below the last values",
    "a window that lies higher",
    "a window that lies lower",
    "a high level",
    "a low level",
)
ABOVE: Final = DEPARTURES.index("above the last values")
BELOW: Final = DEPARTURES.index("below the last values")


@dataclass(frozen=True, slots=True)
class MeansConfig:
    """How fast means move: which part of the way each goes towards a value.

    Attributes:
        last: The mean of the last values, which is what is expected.
        window: The mean of a window.
        around: The mean that a window is compared with, at least.
        level: The level of the series, at least.
        scale: The centre and the spread by which patterns are measured, at least.
    """

    last: float = 1 / 5
    window: float = 1 / 8
    around: float = 1 / 100
    level: float = 1 / 1000
    scale: float = 1 / 2000


class Means(Struct, frozen=True, array_like=True):
    """Moving means of a series.

    Attributes:
        before: The value before.
        last: Mean of the last values.
        window: Mean of a window.
        around: Mean of what lies around the window.
        level: Mean of much of the past.
        centre: Mean of more of it.
        spread: Mean distance from the centre.
    """

    before: float
    last: float
    window: float
    around: float
    level: float
    centre: float
    spread: float


def first(value: float) -> Means:
    """Return the means after the first value."""
    return Means(value, value, value, value, value, value, 0.0)


def moved(means: Means, value: float, count: int, config: MeansConfig) -> Means:
    """Return the means after one more value, the `count`th."""
    share = 1 / count
    apart = abs(value - means.centre)
    return Means(
        before=value,
        last=means.last + (value - means.last) * config.last,
        window=means.window + (value - means.window) * config.window,
        around=means.around + (value - means.around) * max(share, config.around),
        level=means.level + (value - means.level) * max(share, config.level),
        centre=means.centre + (value - means.centre) * max(share, config.scale),
        spread=means.spread + (apart - means.spread) * max(share, config.scale),
    )


def departures(before: Means, after: Means, value: float) -> tuple[float, ...]:
    """Return how far a value departs, in the order of DEPARTURES: in units of the series, below 0 where it does not."""
    apart = value - before.before, value - before.last, after.window - before.around, value - before.level
    return tuple(signed for each in apart for signed in (each, -each))


def compressed(value: float, means: Means) -> float:
    """Return a value on a scale that is even near the centre and logarithmic far out: tails are tame on it."""
    return asinh((value - means.centre) / means.spread) if means.spread > 0 else 0.0

"""Short patterns of a series: how far the newest is from all that were seen before.

A pattern is the last few values side by side, a point in a space of as many dimensions. Seen points gather into a fixed
number of prototypes: each new point draws the nearest one a little towards itself, and one far from all becomes a
prototype, in the place of the least used when none is free. That is the leader clustering of adaptive resonance theory
(Carpenter, Grossberg and Rosen, Fuzzy ART, Neural Networks 4, 1991), with a vigilance that follows what distances are
usual; its use on time series is that of Hampton's ARTime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

NEAR: Final = 0.02  # distances below it, in spreads of the series, are never new
NEW: Final = 3.0  # times the usual distance at which a pattern replaces an old one
FADING: Final = 0.9995  # of the use of a prototype, from pattern to pattern
FARTHEST: Final = 1e4  # no value of a pattern is beyond it, and no use
Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PatternsConfig:
    """How patterns are remembered.

    Attributes:
        width: Values in a pattern.
        most: Prototypes.
        rate: The least part of the way that a prototype goes towards a pattern.
        slow: Patterns that the usual distance is a mean of.
    """

    width: int
    most: int = 64
    rate: float = 0.1
    slow: int = 100


class Patterns(Struct, frozen=True, array_like=True):
    """Prototypes of patterns.

    Attributes:
        seen: Patterns seen, until there are enough for the usual distance.
        usual: Mean distance of a pattern from the nearest prototype.
        points: The prototypes, as little-endian floats.
        uses: How much each was used of late, as little-endian floats.
    """

    seen: int = 0
    usual: float = 0.0
    points: bytes = b""
    uses: bytes = b""


def step(state: Patterns, pattern: Sequence[float], config: PatternsConfig) -> tuple[Patterns, float]:
    """Return what is known after one more pattern, and how far it was from all before: a mean over its values."""
    newest = np.array(pattern, "<f4")
    if not state.uses:
        return Patterns(1, 0.0, newest.tobytes(), np.ones(1, "<f4").tobytes()), 0.0
    points = np.frombuffer(state.points, "<f4").reshape(-1, config.width)
    distances = np.abs(points - newest).sum(axis=1)
    nearest = int(distances.argmin())
    distance = float(distances[nearest]) / config.width
    usual = state.usual + (distance - state.usual) / min(state.seen, config.slow)
    points, uses = _taught(points, np.frombuffer(state.uses, "<f4"), newest, nearest, _newness(distance, usual), config)
    after = Patterns(min(state.seen + 1, config.slow), usual, points.tobytes(), uses.tobytes())
    return after, distance


def holds(state: Patterns, config: PatternsConfig) -> bool:
    """Tell whether a state that came from outside is one of this config, with numbers in it that steps can bear."""
    if len(state.uses) % 4 or len(state.points) != len(state.uses) * config.width:
        return False
    points, uses = np.frombuffer(state.points, "<f4"), np.frombuffer(state.uses, "<f4")
    known = (state.seen >= 1) == bool(len(uses)) and 0 <= state.seen <= config.slow and len(uses) <= config.most
    return known and bool((np.abs(points) <= FARTHEST).all() and (uses >= 0).all() and (uses <= FARTHEST).all())


def _newness(distance: float, usual: float) -> float:
    """Return how many usual distances a pattern is away, 0 when it is near by any measure."""
    return distance / usual if distance > NEAR and usual > 0 else 0.0


def _taught(
    points: Numbers, uses: Numbers, newest: Numbers, nearest: int, newness: float, config: PatternsConfig
) -> tuple[Numbers, Numbers]:
    if newness > 1 and len(uses) < config.most:
        return np.vstack((points, newest)), np.append(uses * FADING, newest.dtype.type(FADING))
    points, uses = points.copy(), uses * FADING
    if newness > NEW:
        place = int(uses.argmin())
        points[place], uses[place] = newest, float(np.median(uses)) / 2
    else:
        uses[nearest] += FADING
        points[nearest] += (newest - points[nearest]) * max(config.rate, 1 / max(uses[nearest], 1.0))
    return points, uses

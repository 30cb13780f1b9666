"""A memory of windows by adaptive resonance: categories that narrow or multiply, and how well a window fits one.

A category is the box of all windows that it learned, held as in fuzzy ART (Carpenter, Grossberg and Rosen, Fuzzy ART:
fast stable learning and categorization of analog patterns, Neural Networks 4, 1991): the least of each feature and of
its complement to 1, side by side. There are two vigilances (Brito da Silva, Elnabarawy and Wunsch, Dual vigilance fuzzy
adaptive resonance theory, Neural Networks 109, 2019). What fits a category by the upper one is learned by it; what fits
only by the lower one becomes another category of a known kind; what does not is of a new kind. That a window of a
series is of a new kind is the sign of an anomaly in Hampton's ARTime (2021, github.com/markNZed/ARTimeNAB.jl), from
which the measure of fit is, with its weight on the newest feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

WHOLE: Final = 3  # power of the fit of all features
NEWEST: Final = 2  # power of the fit of the last feature
WIDE: Final = np.uint16(65535)  # stands for 1
STORED: Final = np.dtype("<u2")
STAMP: Final = np.dtype("<u4")
Numbers = NDArray[np.float64]


class Vigilance(NamedTuple):
    """How well a window has to fit.

    Attributes:
        lower: A category, to be of a known kind.
        upper: A category, to be learned by it; at least `lower`.
    """

    lower: float
    upper: float


class Fit(NamedTuple):
    """How a window fits the category that it fits best.

    Attributes:
        similarity: By all features, 0 to 1; 0 when there is no category.
        newest: By the last feature alone, 0 to 1.
        new: Whether it is of a new kind.
    """

    similarity: float
    newest: float
    new: bool


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """How windows are remembered.

    Attributes:
        features: Numbers in a window, each 0 to 1.
        most: Categories; when there are so many, a new one takes the place of the one that was used longest ago.
    """

    features: int
    most: int = 128


class Memory(Struct, frozen=True, array_like=True):
    """Categories.

    Attributes:
        boxes: By category, the least of each feature, then of each complement, in parts of WIDE, as
            little-endian whole numbers of two bytes.
        used: By category, the window that used it last, counted from 0, as little-endian whole numbers of four bytes.
    """

    boxes: bytes = b""
    used: bytes = b""


def step(memory: Memory, window: Numbers, at: int, vigilance: Vigilance, config: MemoryConfig) -> tuple[Memory, Fit]:
    """Return the memory after one more window, the `at`th, and how well that fitted what had been known before it."""
    coded, now = _coded(window), np.array([at], STAMP)
    if not memory.used:
        return Memory(coded.tobytes(), now.tobytes()), Fit(0.0, 0.0, new=True)
    boxes, used = _read(memory, config), np.frombuffer(memory.used, STAMP)
    common = np.minimum(boxes, coded)
    newest = _newest(common, config) / np.maximum(_newest(boxes, config), 1)
    fits = (common.sum(axis=1) / np.maximum(boxes.sum(axis=1), 1)) ** WHOLE * newest**NEWEST
    best = int(fits.argmax())
    fit = Fit(float(fits[best]), float(newest[best]), new=bool(fits[best] < vigilance.lower))
    if fits[best] < vigilance.upper and len(used) < config.most:
        return Memory(memory.boxes + coded.tobytes(), memory.used + now.tobytes()), fit
    boxes, used = boxes.copy(), used.copy()
    if fits[best] < vigilance.upper:
        which, taught = np.array([used.argmin()]), coded
    else:
        which = (fits >= vigilance.upper).nonzero()[0]
        taught = common[which]
    boxes[which], used[which] = taught, at
    return Memory(boxes.tobytes(), used.tobytes()), fit


def limits(memory: Memory, config: MemoryConfig) -> tuple[Numbers, Numbers]:
    """Return by category the least and the largest of each feature."""
    found = _read(memory, config) / WIDE
    return found[:, : config.features], 1 - found[:, config.features :]


def holds(memory: Memory, config: MemoryConfig) -> bool:
    """Tell whether a memory that came from outside is one of this config: then no window can break a step."""
    count, rest = divmod(len(memory.used), 4)
    return not rest and count <= config.most and len(memory.boxes) == 4 * config.features * count


def _coded(window: Numbers) -> NDArray[np.uint16]:
    """Return a window and its complement as whole numbers, by which sums are exact."""
    found = np.rint(window * WIDE).astype(STORED)
    return np.concatenate((found, WIDE - found))


def _read(memory: Memory, config: MemoryConfig) -> NDArray[np.uint16]:
    return np.frombuffer(memory.boxes, STORED).reshape(-1, 2 * config.features)


def _newest(rows: NDArray[np.uint16], config: MemoryConfig) -> Numbers:
    """Return of each row how much of the last feature and of its complement there is."""
    found: Numbers = rows[:, config.features - 1].astype(np.float64) + rows[:, -1]
    return found

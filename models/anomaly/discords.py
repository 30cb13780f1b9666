"""Stretches of a series that are like none before: its discords.

The series is averaged over short blocks, and the last stretch of blocks is compared with each one before it that does
not overlap it: the distance to the nearest is the left matrix profile (Yeh et al., Matrix profile I, ICDM 2016; Lu et
al., DAMP, KDD 2022), here of levels as they are, since a stretch that is flat where it used not to be is strange though
its shape is not. What comes again, daily or never on time, has a near one in the past; no period need be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.lib.stride_tricks import sliding_window_view

LARGEST: Final = 1e303  # of a mean: beyond it sums of distances would overflow
ENOUGH: Final = 3  # stretches that the past must hold before the nearest says anything


@dataclass(frozen=True, slots=True)
class DiscordsConfig:
    """What a stretch is.

    Attributes:
        block: Values that are averaged into one.
        width: Blocks in a stretch.
        most: Blocks that are remembered.
    """

    block: int = 8
    width: int = 24
    most: int = 512


class Past(Struct, frozen=True, array_like=True):
    """What is remembered of a series.

    Attributes:
        seen: Values in the block under way.
        total: Their sum.
        means: The means of the blocks before, the oldest first, as little-endian doubles.
    """

    seen: int = 0
    total: float = 0.0
    means: bytes = b""


def step(state: Past, value: float, config: DiscordsConfig) -> tuple[Past, float | None]:
    """Return what is remembered after one more value, and how far the last stretch is from the nearest before it.

    The distance is a mean over blocks, in units of the series; None within a block, and while the past is too short.
    """
    seen, total = state.seen + 1, state.total + value
    if seen < config.block:
        return Past(seen, total, state.means), None
    means = (state.means + np.array(total / config.block, "<f8").tobytes())[-8 * config.most :]
    return Past(0, 0.0, means), _nearest(means, config.width)


def holds(state: Past, config: DiscordsConfig) -> bool:
    """Tell whether a state that came from outside is one of this config, with numbers in it that steps can bear."""
    whole = len(state.means) % 8 == 0 and len(state.means) <= 8 * config.most and 0 <= state.seen < config.block
    return whole and abs(state.total) <= LARGEST and bool((np.abs(np.frombuffer(state.means, "<f8")) <= LARGEST).all())


def _nearest(means: bytes, width: int) -> float | None:
    past = np.frombuffer(means, "<f8")
    if len(past) < ENOUGH * width:
        return None
    stretches = sliding_window_view(past[:-width], width)
    return float(np.abs(stretches - past[-width:]).sum(axis=1).min()) / width

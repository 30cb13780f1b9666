"""Values of a series in blocks: one number for each block, which is its spike where it has one and else its mean.

A mean alone would hide a single strange value among ordinary ones, an extreme alone would be all noise. The spike of a
block is its largest or its least value, whichever is farther from the mean of the last blocks, when it is far enough
from the mean of its own block. The rule is that of Hampton's ARTime (2021, github.com/markNZed/ARTimeNAB.jl).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

FAR: Final = 0.1  # of the mean: a value nearer to it is no spike
PACE: Final = 0.5  # the part of the way that the mean of blocks goes towards a block


class Block(Struct, frozen=True, array_like=True):
    """A block under way, and what is remembered of those before.

    Attributes:
        seen: Values in it.
        total: Their sum.
        low: The least of them, 0 when there are none.
        high: The largest of them, 0 when there are none.
        around: Moving mean of the blocks before, None before the first.
    """

    seen: int = 0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0
    around: float | None = None


def step(block: Block, value: float, size: int) -> tuple[Block, float | None]:
    """Return the block under way after one more value, and the number of the block that ended with it, if one did."""
    seen, total = block.seen + 1, block.total + value
    low, high = (min(block.low, value), max(block.high, value)) if block.seen else (value, value)
    if seen < size:
        return Block(seen, total, low, high, block.around), None
    mean = total / size
    around = mean if block.around is None else block.around + (mean - block.around) * PACE
    spike = low if abs(low - around) > abs(high - around) else high
    return Block(around=around), mean if abs(spike - mean) < FAR * abs(mean) else spike

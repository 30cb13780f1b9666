"""How rare a number is that may be the largest ever: by the largest of those before it.

Numbers are cut into blocks and each block leaves its largest, so that one long excursion counts once. Of these maxima a
few of the largest are kept; beyond the least of them the tail is taken for a power law, whose exponent is their mean
logarithmic excess (Hill, A simple general approach to inference about the tail of a distribution, Annals of Statistics
3, 1975). Where all that is large is of one size, the tail is steep and a little more is already strange; where sizes
differ by magnitudes, only what exceeds them by magnitudes is. Several statistics of one series share their blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log10
from typing import Final

from msgspec import Struct

from models.anomaly.base import MAX_SCORE, Natural

LEAST_KEPT: Final = 3


@dataclass(frozen=True, slots=True)
class ExtremesConfig:
    """How extremes are remembered.

    Attributes:
        block: Numbers in a block.
        kept: Maxima that are kept of each statistic.
        share: Of all blocks, those whose maxima are kept at most, while there are few.
        warmup: Blocks before anything is strange.
        prior: Mean logarithmic excess before anything is known: 0.15 says that extremes differ by 15 %.
        prior_weight: How many maxima the prior is worth.
        fade: What is left of a maximum from block to block, so that what was long ago is forgotten.
    """

    block: int = 16
    kept: int = 12
    share: float = 1 / 3
    warmup: int = 6
    prior: float = 0.15
    prior_weight: float = 2.0
    fade: float = 0.999


class Extremes(Struct, frozen=True, array_like=True):
    """The largest numbers of some statistics.

    Attributes:
        blocks: Blocks that are full.
        seen: Numbers in the block under way.
        peaks: By statistic, the largest number of the block under way, 0 when none is above 0.
        tops: By statistic, the largest maxima of blocks, the highest first, all above 0.
    """

    blocks: Natural
    seen: Natural
    peaks: tuple[float, ...]
    tops: tuple[tuple[float, ...], ...]


def fresh(statistics: int) -> Extremes:
    """Return what is known of so many statistics before the first number."""
    return Extremes(0, 0, (0.0,) * statistics, ((),) * statistics)


def score(state: Extremes, numbers: Sequence[float], config: ExtremesConfig) -> list[float]:
    """Return by statistic how strange a number is: minus the decimal logarithm of its chance to turn up in a block.

    What is not above 0, or no larger than the kept maxima, scores 0.
    """
    if state.blocks < config.warmup:
        return [0.0] * len(numbers)
    return [
        _beyond(state.blocks, top, number, config) if number > (top[-1] if top else 0.0) else 0.0
        for top, number in zip(state.tops, numbers, strict=True)
    ]


def learn(state: Extremes, numbers: Sequence[float], config: ExtremesConfig) -> Extremes:
    """Return what is known after one more number of each statistic."""
    peaks, seen = tuple(map(max, state.peaks, numbers)), state.seen + 1
    if seen < config.block:
        return Extremes(state.blocks, seen, peaks, state.tops)
    most = min(config.kept, max(LEAST_KEPT, int((state.blocks + 1) * config.share)))
    tops = tuple(_joined(top, peak, most, config.fade) for top, peak in zip(state.tops, peaks, strict=True))
    return Extremes(state.blocks + 1, 0, (0.0,) * len(peaks), tops)


def usual(state: Extremes, statistic: int) -> float:
    """Return the least of the kept maxima of a statistic: what it seldom exceeds; 0 before the first."""
    top = state.tops[statistic]
    return top[-1] if top else state.peaks[statistic]


def _beyond(blocks: int, top: tuple[float, ...], number: float, config: ExtremesConfig) -> float:
    if not top:
        return min(MAX_SCORE, log10(blocks + 1) + 1 / config.prior)
    least = top[-1]
    known = len(top) - 1 + config.prior_weight
    excess = (sum(log(each / least) for each in top) + config.prior_weight * config.prior) / known
    return min(MAX_SCORE, max(0.0, log10((blocks + 1) / len(top)) + log10(number / least) / excess))


def _joined(top: tuple[float, ...], peak: float, most: int, fade: float) -> tuple[float, ...]:
    kept = [each * fade for each in top]
    if peak > 0:
        kept.append(peak)
        kept.sort(reverse=True)
    return tuple(kept[:most])

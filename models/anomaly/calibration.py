"""What the score of a model is worth: a probability, by what the same model has scored before.

Scores fall into bins of a fixed width, so that a state is small, and two of them are joined by adding. Far out, where
few or no scores have been, the excesses over a high threshold follow a generalised Pareto distribution (Siffer, Fouque,
Termier and Largouet, Anomaly detection in streams with extreme value theory, KDD 2017), fitted by probability-weighted
moments (Hosking and Wallis, Parameter and quantile estimation for the generalized Pareto distribution, Technometrics
29, 1987). It starts from the tail of a model that is right: its scores are decimal logarithms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, log1p, log10
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly.base import LEAST, MAX_SCORE, Natural

BINS_OF_ONE: Final = 20  # bins from one score to the next whole one
MAX_BIN: Final = int(MAX_SCORE) * BINS_OF_ONE
RIGHT_SCALE: Final = 1 / log(10)  # of the tail of a model whose scores are what they say
LEAST_SHAPE: Final = 1e-6  # below it a tail is exponential
MAX_SHAPE: Final = 0.5  # heavier tails have no variance
_Bin = Annotated[int, Meta(ge=0, le=MAX_BIN)]


@dataclass(frozen=True, slots=True)
class CalibrationConfig:
    """How scores are judged.

    Attributes:
        most: Scores that are remembered; when there are more, all counts are halved.
        tail: The share of the highest scores that the tail is fitted to.
        prior: How many excesses the presumed tail is worth.
        scale: Of the excesses of the presumed tail: that of a model that is right.
    """

    most: int = 2_000_000
    tail: float = 0.01
    prior: int = 30
    scale: float = RIGHT_SCALE


SCORES: Final = CalibrationConfig()


class Calibration(Struct, frozen=True, array_like=True, tag=19):
    """What a model has scored.

    Attributes:
        total: How many scores.
        bins: How many by bin, of those that have any.
    """

    total: Natural = 0
    bins: dict[_Bin, Natural] = {}


class Tail(NamedTuple):
    """Probabilities of scores, as fitted to a calibration.

    Attributes:
        above: By bin below the threshold, the share of scores in it or above it.
        threshold: Where the tail begins.
        share: Of scores at or above the threshold.
        scale: Of the excesses.
        shape: Of the excesses, 0 to MAX_SHAPE.
        learned: How many scores were fitted to.
    """

    above: tuple[float, ...]
    threshold: float
    share: float
    scale: float
    shape: float
    learned: int

    def probability(self, score: float) -> float:
        """Return how probable a score at least as high is: in (0, 1], never more for a higher score."""
        if not score >= self.threshold:
            return self.above[_bin(score)] if self.above else 1.0
        excess = (min(score, MAX_SCORE) - self.threshold) / self.scale
        rest = exp(-log1p(self.shape * excess) / self.shape) if self.shape > LEAST_SHAPE else exp(-excess)
        return max(self.share * rest, LEAST)


def learn(state: Calibration, scores: Iterable[float], config: CalibrationConfig = SCORES) -> Calibration:
    """Learn scores, in any order: 0 is one, too.

    The caller leaves out those that it takes for true: what is found must not become usual.
    """
    bins, total = dict(state.bins), state.total
    for score in scores:
        place = _bin(score)
        bins[place] = bins.get(place, 0) + 1
        total += 1
    found = Calibration(total, bins)
    return halved(found) if total > config.most else found


def merged(one: Calibration, other: Calibration) -> Calibration:
    """Return what two calibrations have learned together."""
    bins = dict(one.bins)
    for place, count in other.bins.items():
        bins[place] = bins.get(place, 0) + count
    return Calibration(one.total + other.total, bins)


def fitted(state: Calibration, config: CalibrationConfig = SCORES) -> Tail:
    """Fit probabilities to what was scored. It costs some ten microseconds: keep it for a batch."""
    ranked = sorted(state.bins.items(), reverse=True)
    first = min(ranked[0][0] + 1, MAX_BIN) if ranked else 0
    wanted, over = config.tail * state.total, 0
    excesses: list[tuple[int, int]] = []
    for place, count in ranked:
        if over + count > wanted or place == 0:
            break
        over, first = over + count, place
        excesses.append((place, count))
    scale, shape = _moments(excesses, first, over, config)
    share = (over + 1) / (state.total + 1)
    return Tail(_above(state, first), first / BINS_OF_ONE, share, scale, shape, state.total)


def strength(state: Calibration, score: float, days: float, config: CalibrationConfig = SCORES) -> float:
    """Return minus the decimal logarithm of how often such a score comes in a day of one entity; at least 0.

    Args:
        state: What was scored.
        score: The score.
        days: In how many days of entities that was.
        config: How scores are judged.
    """
    often = (state.total + 1) / (days + 1)
    place = _bin(score)
    above = sum(count for other, count in state.bins.items() if other >= place)
    if above > config.tail * state.total:  # no tail needed, which takes longer to fit
        return max(0.0, -log10(often * (above + 1) / (state.total + 1)))
    return max(0.0, -log10(often * fitted(state, config).probability(score)))


def held(state: Calibration, score: float, most: float, days: float, config: CalibrationConfig = SCORES) -> float:
    """Return the highest score up to this one whose `strength` is not above `most`: what of it may be learned."""
    place = _bin(score)
    if strength(state, score, days, config) <= most:
        return score
    low = 0
    while low < place:
        middle = (low + place + 1) // 2
        if strength(state, middle / BINS_OF_ONE, days, config) <= most:
            low = middle
        else:
            place = middle - 1
    return low / BINS_OF_ONE


def halved(state: Calibration) -> Calibration:
    """Return a calibration that remembers half as much; of single scores every other one stays."""
    left = {place: (count + place % 2) >> 1 for place, count in state.bins.items()}
    return Calibration(sum(left.values()), {place: count for place, count in left.items() if count})


def _bin(score: float) -> int:
    return int(min(score, MAX_SCORE) * BINS_OF_ONE) if score > 0 else 0


def _above(state: Calibration, first: int) -> tuple[float, ...]:
    """Return for each bin below the first of the tail the share of scores in it or above it."""
    counts = [state.bins.get(place, 0) for place in range(first)]
    left = state.total
    found = []
    for count in counts:
        found.append(min(1.0, (left + 1) / (state.total + 1)))
        left -= count
    return tuple(found)


def _moments(excesses: list[tuple[int, int]], first: int, over: int, config: CalibrationConfig) -> tuple[float, float]:
    """Return scale and shape of excesses by bin, the highest first, by probability-weighted moments."""
    mean = weighted = 0.0
    higher = 0
    for place, count in excesses:
        excess = (place - first + 0.5) / BINS_OF_ONE
        mean += count * excess
        # Of equal ones each has half of its equals above it.
        weighted += count * excess * (higher + (count - 1) / 2) / max(over - 1, 1)
        higher += count
    number = over + config.prior
    mean = (mean + config.prior * config.scale) / number
    weighted = (weighted + config.prior * config.scale / 4) / number
    apart = mean - 2 * weighted
    shape = 2 - mean / apart if apart > 0 else MAX_SHAPE
    if shape <= 0:
        return mean, 0.0
    shape = min(shape, MAX_SHAPE)
    return mean * (1 - shape), shape

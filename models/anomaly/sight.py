"""A series seen within a span of values: what in it is of a new kind, and how sure that is.

Numbers are put on a scale of levels between the ends of the span, and those near the middle of all count as it, so that
noise is no shape. The last few levels, and what a Haar transform says of their course, are a window; windows are
remembered by adaptive resonance (`models.anomaly.resonance`), and one of a new kind is an anomaly, the surer the less
it is like those known. How alike windows must be follows the series: it begins with how alike those of the warm-up are
and is drawn towards the least alike of late, so that a series without surprises is watched more closely, and a restless
one less. After an anomaly only what is stranger counts for a while. The steps and their constants are those of
Hampton's ARTime (2021, github.com/markNZed/ARTimeNAB.jl; 74.9 on the Numenta Anomaly Benchmark). That, however, is told
the least and the largest value of the whole series beforehand; here a span is only what was seen so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from models.anomaly import resonance
from models.anomaly.base import Natural
from models.anomaly.resonance import STAMP, Fit, Memory, MemoryConfig, Numbers, Vigilance

WIDTH: Final = 8  # levels in a window, as many as the transform takes
FIRST: Final = Vigilance(0.8, 0.8)  # by which the windows of the warm-up are compared
HIGHEST: Final = 0.97  # vigilance
RISE: Final = 0.19  # the part of the way that the lower vigilance goes up to the least similarity of late
SHORT: Final = 0.05  # similarities that fall shorter of the upper vigilance than this bring the lower one down ...
SHORTEST: Final = 0.37  # ... by half of how much, of which no more than this counts ...
LEAST_FALL: Final = 0.01  # ... and at least by half of this
STRANGER: Final = 0.9  # of the similarity of the last anomaly, soon after it: what is below counts as well
STRANGER_LATE: Final = 0.7  # the same, later
OF_UPPER, OF_LOWER, OF_NEWEST = 0.35, 0.65, 1.5  # weights of what makes an anomaly sure
SUREST: Final = 0.999  # no similarity counts for more
TINY: Final = 1e-9
REACH: Final = 1e303  # what ends of spans stay within
MOST_SEEN: Final = 2**31  # numbers: when levels came more often, half of it is forgotten


@dataclass(frozen=True, slots=True)
class SightConfig:
    """How a series is seen.

    Attributes:
        warmup: Numbers in the warm-up.
        levels: Levels between the ends of the span.
        near: The part of the span within which a level counts as the median.
        pause: Numbers for which the watch is off after something new.
        memory: How windows are remembered.
    """

    warmup: int
    levels: int = 80
    near: float = 0.075
    pause: int = 12
    memory: MemoryConfig = field(default_factory=lambda: MemoryConfig(2 * WIDTH))

    @property
    def half(self) -> int:
        """Half of the warm-up."""
        return self.warmup // 2


class Sight(Struct, frozen=True, array_like=True):
    """What is known of a series within a span.

    Attributes:
        low: The lower end of the span.
        high: The upper end.
        seen: Numbers so far.
        counts: How often each level came, as little-endian whole numbers of four bytes.
        levels: The last levels, 0 to 1.
        memory: Windows of levels.
        lower: Lower vigilance.
        upper: Upper vigilance.
        mean: Mean similarity of all windows to what was known before them.
        late: Similarities of the last windows, as many as the warm-up has numbers at most, as little-endian floats.
        moved: The number at which the vigilance moved last.
        alarm: The number of the last anomaly, 0 when there was none.
        alarms: Anomalies so far.
        alike: Mean of how similar anomalies before the last one were, at the least.
        strange: How similar the last anomaly was.
        strangest: The least similarity while that was fresh.
        calm: Numbers since the last one of a new kind.
    """

    low: float
    high: float
    seen: Natural = 0
    counts: bytes = b""
    levels: tuple[float, ...] = ()
    memory: Memory = Memory()
    lower: float = 0.0
    upper: float = 0.0
    mean: float = 0.0
    late: bytes = b""
    moved: Natural = 0
    alarm: Natural = 0
    alarms: Natural = 0
    alike: float = 0.0
    strange: float = 0.0
    strangest: float = 0.0
    calm: Natural = 0


class News(NamedTuple):
    """How sure it is that a number is an anomaly.

    Attributes:
        sure: 0 to 1.
        by_course: How much of it the course of the window is the reason for, 0 when it is no anomaly.
        by_level: How much of it the newest level is the reason for.
    """

    sure: float
    by_course: float = 0.0
    by_level: float = 0.0


NOTHING: Final = News(0.0)
UNKNOWN: Final = Fit(0.0, 0.0, new=False)


def _haar(size: int) -> NDArray[np.float64]:
    """Return the orthonormal Haar transform of so many numbers, a power of 2, as a matrix."""
    if size == 1:
        return np.ones((1, 1))
    sums, differences = np.kron(_haar(size // 2), (1, 1)), np.kron(np.eye(size // 2), (1, -1))
    found: NDArray[np.float64] = np.vstack((sums, differences)) / np.sqrt(2)
    return found


HAAR: Final = _haar(WIDTH)


def begun(numbers: Sequence[float], low: float, high: float, config: SightConfig) -> Sight:
    """Return what is known after the warm-up, whose numbers lie in the span from `low` to `high`."""
    sight = Sight(low, high, counts=bytes(4 * (config.levels + 1)))
    windows: list[Numbers | None] = []
    for number in numbers:
        counts, levels = _levelled(sight, number, config)
        sight = replace(sight, counts=counts, levels=levels)
        windows.append(_window(levels))
    vigilance = _first([each for each in windows if each is not None], config)
    sight = replace(sight, lower=vigilance, upper=vigilance)
    for window in windows:
        sight, _ = _learned(sight, window, config)
    return replace(sight, calm=0)


def step(sight: Sight, number: float, config: SightConfig) -> tuple[Sight, News]:
    """Return what is known after one more number, and whether it is an anomaly; beyond an end of the span is there."""
    counts, levels = _levelled(sight, number, config)
    after, fit = _learned(replace(sight, counts=counts, levels=levels), _window(levels), config)
    since = after.seen - sight.alarm
    if sight.alarms and since < config.pause:
        after = replace(after, strangest=min(sight.strangest, fit.similarity))
    news = NOTHING
    if fit.new and _counts(sight, fit, since, config):
        news, after = _news(fit, sight), _noted(after, fit)
    if since == config.pause or after.seen - sight.moved >= config.half:
        lower, upper = _vigilance(after, config)
        after = replace(after, lower=lower, upper=upper, moved=after.seen)
    return after, news


def expected(sight: Sight, config: SightConfig) -> tuple[float, float]:
    """Return between which numbers the next one lies if it goes on as the most similar course so far did."""
    lows, highs = resonance.limits(sight.memory, config.memory)
    recent = np.array(sight.levels[1:])
    begins = slice(WIDTH, 2 * WIDTH - 1)
    apart = np.maximum(lows[:, begins] - recent, 0) + np.maximum(recent - highs[:, begins], 0)
    best = int(apart.sum(axis=1).argmin())
    wide = sight.high - sight.low
    least, most = float(lows[best, -1]) - config.near, float(highs[best, -1]) + config.near
    return max(sight.low, sight.low + least * wide), min(sight.high, sight.low + most * wide)


def holds(sight: Sight, config: SightConfig) -> bool:
    """Tell whether what came from outside is of this config, with numbers in it that steps can bear."""
    shares = sight.lower, sight.upper, sight.mean, sight.alike, sight.strange, sight.strangest, *sight.levels
    late = np.frombuffer(sight.late, "<f4") if len(sight.late) % 4 == 0 else np.full(1, np.nan)
    return (
        -REACH <= sight.low <= sight.high <= REACH
        and len(sight.counts) == 4 * (config.levels + 1)
        and len(sight.levels) == WIDTH
        and 1 <= len(late) <= config.warmup
        and all(0 <= each <= 1 for each in shares)
        and bool(((late >= 0) & (late <= 1)).all())
        and resonance.holds(sight.memory, config.memory)
        and len(sight.memory.used) > 0
        and max(sight.moved, sight.alarm, sight.calm, sight.alarms) <= sight.seen <= MOST_SEEN
    )


def _levelled(sight: Sight, number: float, config: SightConfig) -> tuple[bytes, tuple[float, ...]]:
    """Return how often each level came, with that of a number, and the last levels: those near the median are it."""
    wide = sight.high - sight.low
    share = min(max((number - sight.low) / wide, 0.0), 1.0) if wide > 0 else 0.0
    level = round(share * config.levels)
    counts = np.frombuffer(sight.counts, STAMP).astype(np.int64)
    counts[level] += 1
    sums = counts.cumsum()
    if sums[-1] > MOST_SEEN:
        counts //= 2
    median = int(sums.searchsorted(sums[-1] / 2))
    kept = median if abs(level - median) < config.near * config.levels else level
    return counts.astype(STAMP).tobytes(), (*sight.levels, kept / config.levels)[-WIDTH:]


def _window(levels: tuple[float, ...]) -> Numbers | None:
    """Return a window of levels, the transform of its course first; None while there are too few."""
    if len(levels) < WIDTH:
        return None
    found = np.array(levels)
    return np.concatenate((_stretched(HAAR @ _stretched(found)), found))


def _stretched(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers moved and stretched to lie between 0 and 1."""
    moved = numbers - numbers.min()
    largest = moved.max()
    found: NDArray[np.float64] = moved / largest if largest > 0 else moved
    return found


def _first(windows: Sequence[Numbers], config: SightConfig) -> float:
    """Return the vigilance to begin with: how well windows fit, those like the others last, when half are known."""
    rows = np.array(windows)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), TINY)
    fits: list[float] = []
    memory = Memory()
    for at in (rows @ rows.sum(axis=0)).argsort(kind="stable"):
        memory, fit = resonance.step(memory, windows[int(at)], len(fits), FIRST, config.memory)
        fits.append(fit.similarity)
    return float(np.mean(fits[config.half - 1 :]))


def _learned(sight: Sight, window: Numbers | None, config: SightConfig) -> tuple[Sight, Fit]:
    """Return what is known after one more window, if it is one, and how it fitted."""
    seen, memory, late, fit = sight.seen + 1, sight.memory, sight.late, UNKNOWN
    if window is not None:
        vigilance = Vigilance(sight.lower, sight.upper)
        memory, fit = resonance.step(memory, window, sight.seen, vigilance, config.memory)
        late = (late + np.array(fit.similarity, "<f4").tobytes())[-4 * config.warmup :]
    mean = sight.mean + (fit.similarity - sight.mean) / seen
    calm = 0 if fit.new else sight.calm + 1
    return replace(sight, seen=seen, memory=memory, late=late, mean=mean, calm=calm), fit


def _counts(sight: Sight, fit: Fit, since: int, config: SightConfig) -> bool:
    """Tell whether a window of a new kind is an anomaly: always while the watch is on, else when it is stranger."""
    if since > config.pause and sight.calm >= config.pause:
        return True
    return fit.similarity < sight.strange * (STRANGER if since <= config.pause else STRANGER_LATE)


def _news(fit: Fit, sight: Sight) -> News:
    """Return how sure an anomaly is: the more, the farther it is below both vigilances, and the newest level off."""
    similarity = min(SUREST, fit.similarity)
    below = OF_UPPER * (sight.upper - similarity) + OF_LOWER * (sight.lower - similarity)
    by_course, by_level = max(0.0, below / (1 - similarity)), OF_NEWEST * max(0.0, 1 - fit.newest)
    return News(min(1.0, by_course + by_level), by_course, by_level)


def _noted(sight: Sight, fit: Fit) -> Sight:
    """Return what is known after an anomaly."""
    now, similar = sight.seen, fit.similarity
    return replace(sight, alarm=now, alarms=sight.alarms + 1, alike=_alike(sight), strange=similar, strangest=similar)


def _alike(sight: Sight) -> float:
    """Return how similar anomalies were at the least, as a mean, the last one among them; 0 when there was none."""
    return sight.alike + (sight.strangest - sight.alike) / sight.alarms if sight.alarms else 0.0


def _vigilance(sight: Sight, config: SightConfig) -> Vigilance:
    """Return the vigilance that the windows of late call for."""
    upper = min(HIGHEST, sight.mean)
    late = np.frombuffer(sight.late, "<f4")
    least = float(late[-config.half - 1 :].min())
    if sight.lower <= least:
        return Vigilance(min(upper, sight.lower + RISE * (least - sight.lower)), upper)
    lower = sight.lower - max(LEAST_FALL, _shortfall(late, sight.upper) if sight.seen > 2 * config.warmup else 0.0) / 2
    return Vigilance(max(0.0, min(upper, max(lower, _alike(sight)))), upper)


def _shortfall(late: NDArray[np.float32], upper: float) -> float:
    """Return by how much the similarities of late that fall short of the upper vigilance do so, as a mean."""
    short = [min(SHORTEST, upper - each) for each in late.tolist() if upper - each > SHORT]
    return sum(short) / len(short) if short else 0.0

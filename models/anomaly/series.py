"""A series of numbers, watched value by value: what was expected, what came, and how strange that is.

Nothing is known of the series beforehand, neither its unit nor its period, and only its values are looked at, in their
order. Several views of it are each surprised in their own way: by a jump, by a departure from the last few values, by a
shift of a window's mean, by a level far out, by a pattern of a few values in a row that is unlike all before. How much
each says is judged by the extremes of the same view of the same series (`models.anomaly.extremes`), so none needs a
threshold of its own, and what they say is added, none of them counting for more than a limit: several views that agree
outweigh one that is beside itself. Apart from them, a long stretch unlike all before it (`models.anomaly.discords`) is
strange by itself. The idea of judging prediction errors by their own recent distribution is that of Ahmad, Lavin,
Purdy and Agha, Unsupervised real-time anomaly detection for streaming data, Neurocomputing 262, 2017.

An alarm is told once: after it only what is stranger still shows, by as much as the alarm has not yet died away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import astuple

from models.anomaly import discords, extremes, patterns, views
from models.anomaly.base import Natural, Reason, decode
from models.anomaly.discords import DiscordsConfig, Past
from models.anomaly.extremes import Extremes, ExtremesConfig
from models.anomaly.patterns import Patterns, PatternsConfig
from models.anomaly.views import ABOVE, BELOW, Means, MeansConfig
from models.errors import InvalidRecord

LARGEST: Final = 1e300  # of a value: beyond it sums would overflow
REACH: Final = 1e303  # what differences and sums of such values stay within
VIEWS: Final = (*views.DEPARTURES, "a new pattern of three values", "a new pattern of five values")
STRETCH: Final = "a stretch unlike all before"


@dataclass(frozen=True, slots=True)
class SeriesConfig:
    """How a series is watched.

    Attributes:
        limit: The most that one view counts for.
        stretch: What the score of a stretch counts for, beside the sum of the views.
        half: The sum at which the score of a value is 0.5.
        rest: The part of all values so far that it takes an alarm to die away ...
        rest_least: ... but no fewer values than these ...
        rest_most: ... and no more than these.
        means: How fast the means move.
        views: How extremes of the views are remembered.
        stretches: How extremes of the distances of stretches are remembered.
        three: How patterns of three values are remembered.
        five: How patterns of five values are remembered.
        past: What a stretch is.
    """

    limit: float = 3.0
    stretch: float = 1.5
    half: float = 9.0
    rest: float = 0.1
    rest_least: int = 20
    rest_most: int = 600
    means: MeansConfig = field(default_factory=MeansConfig)
    views: ExtremesConfig = field(default_factory=ExtremesConfig)
    stretches: ExtremesConfig = field(default_factory=lambda: ExtremesConfig(block=8))
    three: PatternsConfig = field(default_factory=lambda: PatternsConfig(width=3))
    five: PatternsConfig = field(default_factory=lambda: PatternsConfig(width=5))
    past: DiscordsConfig = field(default_factory=DiscordsConfig)


class SeriesState(Struct, frozen=True, array_like=True, tag=21):
    """What is known of a series. `models.anomaly.base.encode` writes it, `restored` reads it.

    Attributes:
        count: Values so far.
        means: None before the first value.
        recent: The last values, in spreads from the centre.
        views: Extremes of the views, in the order of VIEWS.
        stretches: Extremes of the distances of stretches.
        three: Patterns of three values.
        five: Patterns of five values.
        past: Block means.
        alarm: What is left of the last alarm, in the measure of the sum.
        fall: How much of it dies away with each value.
    """

    count: Natural
    means: Means | None
    recent: tuple[float, ...]
    views: Extremes
    stretches: Extremes
    three: Patterns
    five: Patterns
    past: Past
    alarm: float = 0.0
    fall: float = 0.0


class Scored(Struct, frozen=True):
    """What is to be said of one value.

    Attributes:
        score: How strange it is: 0 to 1, and 0.5 at a sum of `half`.
        value: What came.
        expected: What was expected.
        low: What the value was expected to lie above ...
        high: ... and below: a departure of that size has been among the dozen largest so far.
        because: What the score rests on, the most important first; empty when it is 0.
    """

    score: float
    value: float
    expected: float
    low: float
    high: float
    because: tuple[Reason, ...] = ()


class _Look(NamedTuple):
    """What there is to see at a value; `seen` has a number for each of VIEWS."""

    means: Means
    recent: tuple[float, ...]
    three: Patterns
    five: Patterns
    seen: tuple[float, ...]


class SeriesDetector:
    """Watch series of numbers by one config; the detector itself remembers nothing."""

    def __init__(self, config: SeriesConfig | None = None) -> None:
        self._config = config or SeriesConfig()

    def start(self) -> SeriesState:
        """Return the state before the first value."""
        seen, stretches = extremes.fresh(len(VIEWS)), extremes.fresh(1)
        return SeriesState(0, None, (), seen, stretches, Patterns(), Patterns(), Past())

    def step(self, state: SeriesState, value: float) -> tuple[SeriesState, Scored]:
        """Return the state after one more value, and what is to be said of it.

        What is no finite number teaches nothing and scores 0.
        """
        if state.means is None:
            return self._first(state, value)
        if not isfinite(value):
            return state, _said(state, value, 0.0, ())
        config, value = self._config, _held(value)
        look = _looked(state, state.means, value, config)
        said = [min(each, config.limit) for each in extremes.score(state.views, look.seen, config.views)]
        past, distance = discords.step(state.past, value, config.past)
        stretches, unlike = self._stretched(state.stretches, distance)
        alarm, fall, shown = self._rested(state, max(sum(said), unlike))
        after = SeriesState(
            state.count + 1,
            look.means,
            look.recent,
            extremes.learn(state.views, look.seen, config.views),
            stretches,
            look.three,
            look.five,
            past,
            alarm,
            fall,
        )
        because = _because(said, unlike) if shown else ()
        return after, _said(state, value, shown / (shown + config.half), because)

    def restored(self, data: bytes) -> SeriesState:
        """Read a state that `models.anomaly.base.encode` wrote.

        Raises:
            InvalidRecord: When it is not a state of this version and config.
        """
        state = decode(SeriesState, data)
        if not self._holds(state):
            raise InvalidRecord("not a state of SeriesState: its parts do not fit the config")
        return state

    def _first(self, state: SeriesState, value: float) -> tuple[SeriesState, Scored]:
        if not isfinite(value):
            return state, Scored(0.0, value, value, value, value)
        value = _held(value)
        past, _ = discords.step(state.past, value, self._config.past)
        after = SeriesState(1, views.first(value), (0.0,), state.views, state.stretches, state.three, state.five, past)
        return after, Scored(0.0, value, value, value, value)

    def _stretched(self, state: Extremes, distance: float | None) -> tuple[Extremes, float]:
        """Return what is known of stretches after one more, and what it counts for."""
        if distance is None:
            return state, 0.0
        config = self._config.stretches
        (found,) = extremes.score(state, (distance,), config)
        return extremes.learn(state, (distance,), config), self._config.stretch * found

    def _rested(self, state: SeriesState, strength: float) -> tuple[float, float, float]:
        """Return what is left of an alarm after this value, how fast it dies away, and what shows of the value."""
        config, shown = self._config, 0.0
        alarm, fall = state.alarm, state.fall
        if strength > alarm:
            rest = min(max(config.rest * state.count, config.rest_least), config.rest_most)
            alarm, fall, shown = strength, strength / rest, strength
        return max(0.0, alarm - fall), fall, shown

    def _holds(self, state: SeriesState) -> bool:
        """Tell whether the parts of a state that came from outside fit together: then no value can break a step."""
        config = self._config
        return (
            _descends(state.views, len(VIEWS), config.views)
            and _descends(state.stretches, 1, config.stretches)
            and patterns.holds(state.three, config.three)
            and patterns.holds(state.five, config.five)
            and discords.holds(state.past, config.past)
            and len(state.recent) <= config.five.width
            and all(abs(each) <= patterns.FARTHEST for each in state.recent)
            and all(abs(each) <= REACH for each in _numbers(state))
            and not (state.means and state.means.spread < 0)
        )


def _held(value: float) -> float:
    return min(max(value, -LARGEST), LARGEST)


def _looked(state: SeriesState, before: Means, value: float, config: SeriesConfig) -> _Look:
    means = views.moved(before, value, state.count + 1, config.means)
    recent = (*state.recent, views.compressed(value, means))[-config.five.width :]
    three, new_three = _patterns(state.three, recent, config.three)
    five, new_five = _patterns(state.five, recent, config.five)
    return _Look(means, recent, three, five, (*views.departures(before, means, value), new_three, new_five))


def _patterns(state: Patterns, recent: tuple[float, ...], config: PatternsConfig) -> tuple[Patterns, float]:
    if len(recent) < config.width:
        return state, 0.0
    return patterns.step(state, recent[-config.width :], config)


def _said(state: SeriesState, value: float, score: float, because: tuple[Reason, ...]) -> Scored:
    expected = state.means.last if state.means else 0.0
    low, high = (extremes.usual(state.views, view) for view in (BELOW, ABOVE))
    return Scored(score, value, expected, expected - low, expected + high, because)


def _because(said: list[float], unlike: float) -> tuple[Reason, ...]:
    """Return what a score above 0 rests on: the views or the stretch, whichever counts for more."""
    total = sum(said)
    if unlike > total:
        return (Reason(STRETCH, 1.0),)
    shares = sorted(((each / total, name) for each, name in zip(said, VIEWS, strict=True) if each), reverse=True)
    return tuple(Reason(name, share) for share, name in shares)


def _numbers(state: SeriesState) -> tuple[float, ...]:
    means = astuple(state.means) if state.means else ()
    return (*means, *state.views.peaks, *state.stretches.peaks, state.three.usual, state.five.usual, state.alarm)


def _descends(known: Extremes, statistics: int, config: ExtremesConfig) -> bool:
    """Tell whether maxima are as many as they should be, in order and above 0, as logarithms need them."""
    return len(known.peaks) == len(known.tops) == statistics and all(
        len(top) <= config.kept and list(top) == sorted(top, reverse=True) and all(0 < each <= REACH for each in top)
        for top in known.tops
    )

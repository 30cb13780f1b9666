"""A series of numbers, watched value by value: what was expected, what came, and how strange that is.

Nothing is known of the series beforehand, neither its unit nor its period, and only its values are looked at, in their
order. During a warm-up it only learns. Then the values, in blocks (`models.anomaly.blocks`), are seen within several
spans side by side (`models.anomaly.sight`): one is as wide as the values so far, the others leave room beyond them.
What is within the usual shows best in the first, what lies far out in the others, and what is strange in several of
them is stranger than what is so in one: the score is their mean. A number beyond a span widens it, and the series is
seen anew within the wider one, as far back as it is remembered.

An alarm is told once: after it only what is stranger still shows, by as much as the alarm has not yet died away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from models.anomaly import blocks, sight
from models.anomaly.base import Natural, Reason, decode
from models.anomaly.blocks import Block
from models.anomaly.sight import News, Sight, SightConfig
from models.errors import InvalidRecord

LARGEST: Final = 1e300  # of a value: beyond it sums would overflow
REACH: Final = 1e303  # what sums of such values stay within
LEAST_WARMUP: Final = 64  # values
COURSE: Final = "a course of values unlike all before"
LEVEL: Final = "a level unlike that of any such course before"


@dataclass(frozen=True, slots=True)
class SeriesConfig:
    """How a series is watched.

    Attributes:
        warmup: Values from which is only learned, at least LEAST_WARMUP. Nothing is strange before their end.
        numbers: Blocks that the warm-up is cut into, about: it says how long a block is.
        room: By span, the room that is left beyond the values of the warm-up, in widths of what they span.
        slack: The part of its width by which a number may lie outside of a span without widening it: each widening
            costs as much as all blocks that are remembered, so there should not be one for every new extreme.
        past: Blocks after the warm-up that are remembered.
        rest: The part of all values so far that it takes an alarm to die away ...
        rest_least: ... but no fewer values than these ...
        rest_most: ... and no more than these.
    """

    warmup: int = 600
    numbers: int = 104
    room: tuple[float, ...] = (0.0, 1.0, 2.0)
    slack: float = 0.03
    past: int = 512
    rest: float = 0.05
    rest_least: int = 20
    rest_most: int = 600

    def __post_init__(self) -> None:
        """Refuse a warm-up that is too short to learn from.

        Raises:
            ValueError: When it is.
        """
        if self.warmup < LEAST_WARMUP:
            raise ValueError(f"a warm-up of {self.warmup} values is too short: at least {LEAST_WARMUP}")

    @property
    def block(self) -> int:
        """Values in a block."""
        return max(1, self.warmup // self.numbers)

    @property
    def sights(self) -> SightConfig:
        """How each span is seen."""
        return SightConfig(self.warmup // self.block)


class SeriesState(Struct, frozen=True, array_like=True, tag=22):
    """What is known of a series. `models.anomaly.base.encode` writes it, `restored` reads it.

    Attributes:
        count: Values so far.
        block: The block under way.
        low: The least value of the warm-up; the least that is expected after it.
        high: The largest value of the warm-up; the largest that is expected after it.
        first: Numbers of the blocks of the warm-up, as little-endian doubles.
        past: Numbers of the blocks after it, as far as they are remembered, the oldest first.
        sights: By span, what is known within it; none before the end of the warm-up.
        alarm: What is left of the last alarm.
        fall: How much of it dies away with each value.
    """

    count: Natural
    block: Block
    low: float
    high: float
    first: bytes = b""
    past: bytes = b""
    sights: tuple[Sight, ...] = ()
    alarm: float = 0.0
    fall: float = 0.0


class Scored(Struct, frozen=True):
    """What is to be said of one value.

    Attributes:
        score: How strange it is, or the block that ends with it: 0 to 1.
        value: What came; when that is strange, the number of the block that ends with it.
        expected: What was expected.
        low: What the value was expected to lie above ...
        high: ... and below: what came after the most similar course so far.
        because: What the score rests on, the most important first; empty when it is 0.
    """

    score: float
    value: float
    expected: float
    low: float
    high: float
    because: tuple[Reason, ...] = ()


class SeriesDetector:
    """Watch series of numbers by one config; the detector itself remembers nothing."""

    def __init__(self, config: SeriesConfig | None = None) -> None:
        self._config = config or SeriesConfig()
        self._sights, self._block = self._config.sights, self._config.block

    def start(self) -> SeriesState:
        """Return the state before the first value."""
        return SeriesState(0, Block(), 0.0, 0.0)

    def step(self, state: SeriesState, value: float) -> tuple[SeriesState, Scored]:
        """Return the state after one more value, and what is to be said of it.

        What is no finite number teaches nothing and scores 0.
        """
        if not isfinite(value):
            return state, _said(state, value, 0.0, ())
        value = min(max(value, -LARGEST), LARGEST)
        block, number = blocks.step(state.block, value, self._block)
        after = replace(state, count=state.count + 1, block=block, alarm=max(0.0, state.alarm - state.fall))
        if not state.sights:
            after = self._warmed(after, value, number)
            return after, _said(after, value, 0.0, ())
        if number is None:
            return after, _said(state, value, 0.0, ())
        config, (sights, news) = self._config, self._seen(state, number)
        low, high = sight.expected(sights[0], self._sights)
        after = replace(after, low=low, high=high, past=_joined(state.past, number)[-8 * config.past :], sights=sights)
        score = sum(each.sure for each in news) / len(news)
        if score <= after.alarm:
            return after, _said(state, value, 0.0, ())
        rest = min(max(config.rest * after.count, config.rest_least), config.rest_most)
        return replace(after, alarm=score, fall=score / rest), _said(state, number, score, _because(news))

    def restored(self, data: bytes) -> SeriesState:
        """Read a state that `models.anomaly.base.encode` wrote.

        Raises:
            InvalidRecord: When it is not a state of this version and config.
        """
        state = decode(SeriesState, data)
        if not self._holds(state):
            raise InvalidRecord("not a state of SeriesState: its parts do not fit the config")
        return state

    def _warmed(self, state: SeriesState, value: float, number: float | None) -> SeriesState:
        """Return the state after one more value of the warm-up, the `number` of the block that it ends if it does."""
        low, high = (min(state.low, value), max(state.high, value)) if state.count > 1 else (value, value)
        first = state.first if number is None else _joined(state.first, number)
        state = replace(state, low=low, high=high, first=first)
        numbers = _numbers(first)
        if len(numbers) < self._sights.warmup:
            return state
        spans = [_span(low, high, room) for room in self._config.room]
        return replace(state, sights=tuple(sight.begun(numbers, *span, self._sights) for span in spans))

    def _seen(self, state: SeriesState, number: float) -> tuple[tuple[Sight, ...], tuple[News, ...]]:
        """Return what is known by span after one more number, and what each span says of it."""
        steps = [sight.step(self._within(state, each, number), number, self._sights) for each in state.sights]
        return tuple(after for after, _ in steps), tuple(news for _, news in steps)

    def _within(self, state: SeriesState, known: Sight, number: float) -> Sight:
        """Return what is known within a span that has room for a number: as it is, or within a wider one anew."""
        slack = (known.high - known.low) * self._config.slack
        if known.low - slack <= number <= known.high + slack:
            return known
        wider = sight.begun(_numbers(state.first), min(known.low, number), max(known.high, number), self._sights)
        for each in _numbers(state.past):
            wider, _ = sight.step(wider, each, self._sights)
        return wider

    def _holds(self, state: SeriesState) -> bool:
        """Tell whether the parts of a state that came from outside fit together: then no value can break a step."""
        config, block = self._config, state.block
        if len(state.first) % 8 or len(state.past) % 8 or len(state.past) > 8 * config.past:
            return False
        warm, sights = len(state.first) // 8 >= self._sights.warmup, len(state.sights)
        numbers = *_numbers(state.first + state.past), block.total, block.low, block.high, block.around or 0.0
        return (
            warm == bool(sights)
            and sights in {0, len(config.room)}
            and len(state.first) // 8 <= self._sights.warmup
            and all(abs(each) <= REACH for each in (*numbers, state.low, state.high))
            and 0 <= block.seen < self._block
            and 0 <= state.alarm <= 1
            and 0 <= state.fall <= 1
            and all(sight.holds(each, self._sights) for each in state.sights)
        )


def _joined(numbers: bytes, number: float) -> bytes:
    return numbers + np.array(number, "<f8").tobytes()


def _numbers(written: bytes) -> list[float]:
    found: list[float] = np.frombuffer(written, "<f8").tolist()
    return found


def _span(low: float, high: float, room: float) -> tuple[float, float]:
    """Return a span with room beyond the values of the warm-up; what never was below 0 is not expected there."""
    more = (high - low) * room
    return max(0.0, low - more) if low >= 0 else low - more, high + more


def _said(state: SeriesState, value: float, score: float, because: tuple[Reason, ...]) -> Scored:
    return Scored(score, value, state.low + (state.high - state.low) / 2, state.low, state.high, because)


def _because(news: Sequence[News]) -> tuple[Reason, ...]:
    """Return what a score above 0 rests on."""
    by_course, by_level = sum(each.by_course for each in news), sum(each.by_level for each in news)
    total = by_course + by_level
    shares = sorted(((by_course / total, COURSE), (by_level / total, LEVEL)), reverse=True)
    return tuple(Reason(name, share) for share, name in shares if share > 0)

"""Watch a level: find one that stays changed, and one that grows so slowly that no single hour shows it.

A change that stays is found by sums of what lies beyond a tolerance (Page, Continuous inspection schemes, Biometrika
41, 1954), in whole numbers; it is told once, and the level learned anew from there. `river.drift.PageHinkley` finds the
same, but its state is floats that do not fit the bytes an entity may have.

Beside the level stands an anchor, which follows it by halves of weeks and never by more than a fixed part a day. Who
raises the level a little every day, so that each hour looks like the one before, leaves the anchor behind: the distance
between the two is told once it is a multiple, and again whenever it has grown. Changes that stay count to that
distance, too: one after the other they are growth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, floor, log
from typing import Final, Literal

from msgspec import Struct

from models.anomaly.base import MAX_SCORE, Natural, Whole, chance
from models.anomaly.levels import CLIP, UNIT, Level, clipped

SUM_UNIT: Final = 16  # parts of one scale that sums are kept in
SHIFT: Final = "shift"
GROWTH: Final = "growth"
LOG_TWO: Final = log(2)


@dataclass(frozen=True, slots=True)
class ShiftConfig:
    """When a change of level is told.

    Attributes:
        tolerance: Scales that an hour may lie off without adding to a sum.
        limit: Sum, in scales, at which a change is sure: one of 3 scales is found in limit / (3 - tolerance) hours.
        growth: Logarithm of the multiple of the anchor at which growth is told: 0.7 is twofold.
        again: How much farther, as a logarithm, the level is when growth is told once more.
        half_life_days: Of the anchor's distance from the level.
        most_a_day: How much the anchor rises a day at most, as a logarithm.
    """

    tolerance: float = 1.0
    limit: float = 12.0
    growth: float = 0.7
    again: float = 0.35
    half_life_days: float = 60.0
    most_a_day: float = 0.003


class Watch(Struct, frozen=True, array_like=True):
    """What is kept to find a change.

    Attributes:
        up: Sum of what was too much, in 1/SUM_UNIT of a scale.
        down: Sum of what was too little.
        anchor: Where the level was long ago, in 1/UNIT.
        told: How far the level had left the anchor when that was told last, in 1/UNIT.
    """

    up: Natural = 0
    down: Natural = 0
    anchor: Whole = 0
    told: Natural = 0


class Change(Struct, frozen=True, array_like=True):
    """A level that has changed.

    Attributes:
        kind: SHIFT or GROWTH.
        before: The level before, in 1/UNIT of log(1 + amount).
        after: The level from now on.
        score: 0 to MAX_SCORE.
    """

    kind: Literal["shift", "growth"]
    before: int
    after: int
    score: float


def watched(
    watch: Watch, level: Level, recent: int, deviation: float, days: float, is_sure: bool, config: ShiftConfig
) -> tuple[Watch, Change | None]:
    """Watch one more closed hour.

    Args:
        watch: What was kept.
        level: The level, with the hour learned.
        recent: How much too much the last hours had, in 1/UNIT: where a level that has changed lies now.
        deviation: How many scales the hour lay off.
        days: Since the last hour that was learned.
        is_sure: Whether the level is known well enough to tell of changes.
        config: When a change is told.

    Returns:
        What is kept from now on, and the change.
    """
    if not is_sure:
        return Watch(anchor=level.mean), None
    off = clipped(deviation, CLIP)
    up = max(0, watch.up + floor((off - config.tolerance) * SUM_UNIT))
    down = max(0, watch.down + floor((-off - config.tolerance) * SUM_UNIT))
    if max(up, down) > config.limit * SUM_UNIT:
        after = level.mean + recent
        anchor, strength = min(watch.anchor, after), max(up, down) / SUM_UNIT / 3
        if watch.told and after - anchor > watch.told + config.again * UNIT:
            strength = max(strength, 4 * (after - anchor) / UNIT / config.growth)
        return Watch(anchor=anchor, told=after - anchor), Change(SHIFT, level.mean, after, min(MAX_SCORE, strength))
    grown = level.mean - watch.anchor
    anchor, told = _followed(watch.anchor, level.mean, days, config), min(watch.told, max(grown, 0))
    if grown > config.growth * UNIT and grown > told + config.again * UNIT:
        strength = min(MAX_SCORE, 4 * grown / UNIT / config.growth)
        return Watch(up, down, anchor, grown), Change(GROWTH, watch.anchor, level.mean, strength)
    return Watch(up, down, anchor, told), None


def _followed(anchor: int, mean: int, days: float, config: ShiftConfig) -> int:
    """Return the anchor some days later."""
    step = (mean - anchor) * (1 - exp(-LOG_TWO * days / config.half_life_days))
    rise = min(step, config.most_a_day * UNIT * days)
    return floor(anchor + rise + chance(anchor, mean))

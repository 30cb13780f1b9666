"""An alert budget: so many signals a day, the strongest first.

Whoever asks is told at once, so the strongest of a day are not known yet. The budget learns how strong those are that
ask, and grants what would be among the strongest `daily` of a day like the last ones; what a flood of weak ones could
take before noon is bounded by the time of day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly.base import MAX_SCORE, Natural
from models.anomaly.rarity import DAY_MS, MAX_DAY, Day

BINS_OF_ONE: Final = 10
MAX_BIN: Final = int(MAX_SCORE) * BINS_OF_ONE
ONCE: Final = 64  # what one that asks adds to its bin
KEPT: Final = 7, 8  # of what was learned, from one day to the next
AT_ONCE: Final = 0.25  # share of the budget that is there from the first moment of a day
MAX_FADED: Final = 64  # days after which nothing of what was learned is left
GENEROUS: Final = 1.25  # days differ: aim at a little more than the budget, which bounds it after all
_Bin = Annotated[int, Meta(ge=0, le=MAX_BIN)]


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """What may be spent.

    Attributes:
        daily: Signals a day, of event time in UTC.
    """

    daily: int = 100


class Budget(Struct, frozen=True, array_like=True, tag=20):
    """What was spent, and how strong those are that ask.

    Attributes:
        day: Day of the last one that asked.
        spent: Granted on that day.
        withheld: Not granted on that day.
        days: How many days were learned before it, in 1/ONCE; later ones count for more.
        bins: How many asked by strength, in 1/ONCE.
    """

    day: Day = 0
    spent: Natural = 0
    withheld: Natural = 0
    days: Natural = 0
    bins: dict[_Bin, Natural] = {}


class Answer(NamedTuple):
    """What a budget says.

    Attributes:
        is_granted: Whether it may be told.
        threshold: The strength that it takes now.
    """

    is_granted: bool
    threshold: float


def step(state: Budget, time: int, strength: float, config: BudgetConfig) -> tuple[Budget, Answer]:
    """Ask for one signal.

    Args:
        state: What was spent.
        time: Event time, ms; a day that has passed counts as the last.
        strength: How strange it is: minus the decimal logarithm of its probability.
        config: What may be spent.
    """
    day = min(max(time // DAY_MS, 0), MAX_DAY)
    current = _begun(state, day)
    passed = 1.0 if day < current.day else time % DAY_MS / DAY_MS
    place = int(min(strength, MAX_SCORE) * BINS_OF_ONE) if strength > 0 else 0
    bins = {**current.bins, place: current.bins.get(place, 0) + ONCE}
    learned = Budget(current.day, current.spent, current.withheld, current.days, bins)
    share = AT_ONCE + (1 - AT_ONCE) * passed
    is_early = current.spent >= config.daily * share
    threshold = _threshold(learned, passed, config.daily * (AT_ONCE if is_early else 1.0))
    is_granted = current.spent < config.daily and place >= threshold
    spent, withheld = current.spent + is_granted, current.withheld + (not is_granted)
    return Budget(current.day, spent, withheld, current.days, bins), Answer(is_granted, threshold / BINS_OF_ONE)


def _threshold(state: Budget, passed: float, daily: float) -> int:
    """Return the least bin from which on no more than so many ask a day."""
    most = GENEROUS * daily * max(state.days / ONCE + passed, AT_ONCE) * ONCE
    asked, threshold = 0, MAX_BIN + 1
    for place in sorted(state.bins, reverse=True):
        asked += state.bins[place]
        if asked > most:
            return threshold
        threshold = place
    return 0


def _begun(state: Budget, day: int) -> Budget:
    """Return the budget of a later day."""
    if day <= state.day:
        return state
    part, whole = KEPT
    days, bins = state.days + (ONCE if state.bins else 0), state.bins
    for _ in range(min(day - state.day, MAX_FADED)):
        days, bins = days * part // whole, {place: count * part // whole for place, count in bins.items()}
    return Budget(day, 0, 0, days, {place: count for place, count in bins.items() if count})

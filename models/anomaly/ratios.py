"""Shares of a whole: names that do not exist among those asked for, failures among calls, bytes out among all.

What is learned is the logit of the share in each hour, robustly (`models.anomaly.levels`): where it lies and how far it
scatters. A share of few is uncertain by itself, so its own variance (Haldane's, of counts with a half added: The
estimation and significance of the logarithm of a ratio of frequencies, Annals of Human Genetics 20, 1956) is added to
what was learned when it is judged, and it teaches the less. It is taken at the share that was expected, so that more of
the same whole is never less strange.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log, sqrt
from typing import Annotated, Final

from msgspec import Meta, Struct

from models.anomaly.base import HOUR_MS, MAX_HOUR, Finding, Natural, Reason, held_hour, tail_score
from models.anomaly.levels import PARTS, UNIT, Level, clipped, freedom_of, scale_of, taught
from models.anomaly.seasons import DAY_HOURS
from models.fields import LARGEST

NAME: Final = "ratio"
FARTHEST: Final = 40.0  # logit that no share of counts passes
Hour = Annotated[int, Meta(ge=0, le=MAX_HOUR)]


@dataclass(frozen=True, slots=True)
class RatioConfig:
    """How shares are judged.

    Attributes:
        most: Hours that are remembered.
        warmup_days: Days from the first hour until shares have a score, unless peers stand in.
        floor: The least scale, in logits.
        prior_scale: The scale of which nothing is known.
        prior_hours: How many hours of learning that guess is worth.
        enough: What the whole must be in an hour to be judged, and to teach.
    """

    most: int = 200
    warmup_days: int = 7
    floor: float = 0.3
    prior_scale: float = 1.0
    prior_hours: int = 6
    enough: int = 10


SHARES: Final = RatioConfig()
GROUPS: Final = RatioConfig(most=8000)


class Ratio(Struct, frozen=True, array_like=True, gc=False, tag=17):
    """What share is usual.

    Attributes:
        since: First hour learned; 0 when none was.
        learned: How many hours.
        level: Of the logit of the share.
    """

    since: Hour = 0
    learned: Natural = 0
    level: Level = Level()


def score(
    state: Ratio, hour: int, part: int, whole: int, config: RatioConfig = SHARES, peers: Ratio | None = None
) -> float:
    """Score a share of an hour; the larger the share of the same whole, the more the score.

    Args:
        state: What share is usual.
        hour: Event time in whole hours.
        part: What is counted, at most the whole.
        whole: Out of how many.
        config: As it was learned with.
        peers: The same of the peer group; they stand in until the entity is known.
    """
    part, whole = _held(part, whole)
    known = _speaker(state, hour, config, peers)
    if known is None or whole < config.enough:
        return 0.0
    weight = known.level.weight / PARTS
    unsure = config.prior_hours / (weight + config.prior_hours) * config.prior_scale
    scale = hypot(scale_of(known.level, config.floor), unsure, _noise(known, whole))
    return tail_score((_logit(part, whole) - known.level.mean / UNIT) / scale, freedom_of(weight))


def finding(
    state: Ratio, hour: int, part: int, whole: int, config: RatioConfig = SHARES, peers: Ratio | None = None
) -> Finding:
    """Put the score of a share into words; arguments as of `score`."""
    part, whole = _held(part, whole)
    known = _speaker(state, hour, config, peers)
    speaker = known or state
    usual = _usual(speaker)
    return Finding(
        model=NAME,
        score=score(state, hour, part, whole, config, peers),
        expected=f"about {usual:.1%}" if known else "not known yet",
        seen=f"{part / max(whole, 1):.1%}: {part:,} of {whole:,} in an hour",
        since=speaker.since * HOUR_MS,
        learned=speaker.learned,
        because=(Reason(f"{part / max(whole, 1) / max(usual, 0.001):,.1f} times the usual share", 1.0),),
        by_peers=speaker is peers,
    )


def learn(state: Ratio, hour: int, part: int, whole: int, config: RatioConfig = SHARES) -> Ratio:
    """Learn the share of a closed hour; one of too few changes nothing."""
    part, whole = _held(part, whole)
    if whole < config.enough:
        return state
    hour = held_hour(hour)
    number, mean = _logit(part, whole), state.level.mean / UNIT
    if state.learned:
        scale = scale_of(state.level, config.floor)
        number = mean + (number - mean) / (1 + (_noise(state, whole) / scale) ** 2)
    level = taught(state.level, number, config.most, config.floor, hour)
    return Ratio(state.since if state.learned else hour, min(state.learned + 1, LARGEST), level)


def _speaker(state: Ratio, hour: int, config: RatioConfig, peers: Ratio | None) -> Ratio | None:
    """Return who is known well enough to say what is usual."""
    for one in (state, peers):
        if one is not None and one.learned and hour - one.since >= config.warmup_days * DAY_HOURS:
            return one
    return None


def _held(part: int, whole: int) -> tuple[int, int]:
    whole = min(max(whole, 0), LARGEST)
    return min(max(part, 0), whole), whole


def _logit(part: int, whole: int) -> float:
    return log((part + 0.5) / (whole - part + 0.5))


def _noise(state: Ratio, whole: int) -> float:
    """Return the standard deviation that the logit of the usual share has by chance, out of so many."""
    share = _usual(state)
    return sqrt(1 / (whole * share + 0.5) + 1 / (whole * (1 - share) + 0.5))


def _usual(state: Ratio) -> float:
    """Return the usual share."""
    return 1 / (1 + exp(-clipped(state.level.mean / UNIT, FARTHEST)))

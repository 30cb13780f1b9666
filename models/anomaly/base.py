"""What all models share: scores, findings, and the safe form of a state.

A score is minus the decimal logarithm of how probable something at least as strange is, by the model's own reckoning:
0 is ordinary, 3 is one in a thousand. Models err; `models.anomaly.calibration` turns scores into probabilities by what
a model has scored before.
"""

from __future__ import annotations

from functools import lru_cache
from math import erfc, expm1, log1p, log10, sqrt
from statistics import NormalDist
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from models.errors import InvalidRecord
from models.fields import LARGEST

MAX_SCORE: Final = 30.0
HOUR_MS: Final = 3_600_000
MAX_HOUR: Final = 2**31  # no time of an event is beyond it
LEAST: Final = 10.0**-MAX_SCORE
FARTHEST: Final = 40.0  # no `log_of` is beyond it
SAFE_Z: Final = 37.0  # beyond it erfc underflows

Natural = Annotated[int, Meta(ge=0, le=LARGEST)]
Whole = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
State = TypeVar("State", bound=Struct)


class Reason(Struct, frozen=True, array_like=True, gc=False):
    """What a finding rests on.

    Attributes:
        name: In words, or the name of a feature.
        share: How much of the score it explains, 0 to 1.
    """

    name: str
    share: float


class Finding(Struct, frozen=True, array_like=True, gc=False):
    """What a model has to say about something strange, in words and numbers.

    Attributes:
        model: Name of the model, `baseline`.
        score: 0 to MAX_SCORE.
        expected: What the model had expected.
        seen: What there was.
        since: Event time (ms) from which on the model has learned; of the peers where they were asked.
        learned: How many observations it has learned, as far as it still remembers them.
        because: What the score rests on, the most important first.
        by_peers: Whether the peers said so, since the entity itself is too little known.
    """

    model: str
    score: float
    expected: str
    seen: str
    since: int
    learned: int
    because: tuple[Reason, ...] = ()
    by_peers: bool = False


def encode(state: Struct) -> bytes:
    """Write a state: MessagePack, its tag first."""
    return _ENCODER.encode(state)


def decode(kind: type[State], data: bytes) -> State:
    """Read what `encode` wrote.

    Raises:
        InvalidRecord: When it is not a state of this kind and version; whoever holds it learns anew, and says so.
    """
    try:
        found: State = _decoder(kind).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRecord(f"not a state of {kind.__name__}: {error}") from error
    return found


def score_of(probability: float) -> float:
    """Return the score of a probability; of anything that is none, the nearest."""
    if not probability > LEAST:
        return MAX_SCORE
    return -log10(probability) if probability < 1 else 0.0


def tail_score(deviation: float, freedom: float) -> float:
    """Return the score of how many scales something lies above its centre, by Student's t.

    Heavy tails, since the centre and the scale are themselves only estimates. The probability is that of the normal
    deviate which Wallace gives for t. Source: Wallace, Bounds on normal approximations to Student's and the chi-square
    distributions, Annals of Mathematical Statistics 30, 1959.

    Args:
        deviation: How many scales; below the centre nothing is strange.
        freedom: Degrees of freedom, at least 1: how sure the scale is.
    """
    if not deviation > 0:
        return 0.0
    ratio = min(deviation, 1e100) ** 2 / freedom
    normal = (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * log1p(ratio))
    if normal > SAFE_Z:
        return MAX_SCORE
    return min(MAX_SCORE, max(0.0, -log10(erfc(normal / _ROOT_TWO) / 2) - _EVEN))


@lru_cache(maxsize=1024)
def deviation_of(score: float, freedom: float) -> float:
    """Return how many scales lie above the centre what `tail_score` gives a score, above 0 and below MAX_SCORE."""
    normal = _normal_of(score) * (8 * freedom + 3) / (8 * freedom + 1)
    return sqrt(freedom * expm1(normal**2 / freedom))


@lru_cache(maxsize=64)
def _normal_of(score: float) -> float:
    return -NormalDist().inv_cdf(10.0 ** -(score + _EVEN))


def log_of(amount: int) -> float:
    """Return log(1 + amount) of a count; of less than nothing 0, of more than LARGEST that of LARGEST."""
    return log1p(held_amount(amount))


def amount_of(number: float) -> int:
    """Return the whole amount whose `log_of` is nearest."""
    return max(0, round(expm1(min(number, FARTHEST))))


def hour_of(time: int) -> int:
    """Return the whole hour of an event time (ms), held within what a state can keep."""
    return held_hour(time // HOUR_MS)


def held_hour(hour: int) -> int:
    """Return an hour that a state can keep: the nearest."""
    return hour if 0 <= hour <= MAX_HOUR else min(max(hour, 0), MAX_HOUR)


def held_amount(amount: int) -> int:
    """Return an amount that nothing of ours is beyond: the nearest."""
    return amount if 0 <= amount <= LARGEST else min(max(amount, 0), LARGEST)


def chance(one: int, two: int = 0) -> float:
    """Return a number in [0, 1) that looks drawn by lot and is the same for the same whole numbers.

    Rounding by it (`floor(value + chance)`) keeps small states honest: steps smaller than the last digit add up in the
    long run, where plain rounding would lose every one of them.
    """
    return ((one * _GOLDEN ^ two * _OTHER) * _MIXING & _MASK) / _SPAN


@lru_cache(maxsize=64)
def _decoder(kind: type[Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


_ENCODER: Final = msgspec.msgpack.Encoder()
_ROOT_TWO: Final = sqrt(2)
_EVEN: Final = log10(2)  # the score of the centre itself, so that there nothing is strange
_GOLDEN: Final = 0x9E3779B1  # large odd numbers, whose multiples spread evenly over 32 bits
_OTHER: Final = 0x85EBCA6B
_MIXING: Final = 0xC2B2AE35
_MASK: Final = 2**32 - 1
_SPAN: Final = 2.0**32

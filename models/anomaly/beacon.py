"""Beacons: a destination that is asked again and again in the same rhythm.

Of each destination the last GAPS times between two contacts are kept. Their rhythm is the median; where beats may be
missed it is the lower third, and a gap may span several of it. How strange it is that so many gaps lie so near the
rhythm is judged as if contacts came by chance, with exponential gaps (a Poisson process): then the number that lie
within a tolerance is binomial. Several tolerances are tried, with missed beats and without, so that jitter is no way
out, and the best is paid for by how many were tried. Outliers cost only their place among the gaps.

Clocks, updates and monitoring beat, too: `combined` counts a rhythm the less, the more peers know the destination.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, exp, log
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly.base import HOUR_MS, MAX_HOUR, Finding, Natural, Reason, score_of

NAME: Final = "beacon"
GAPS: Final = 16
WIDTH: Final = 2  # bytes of a gap: its logarithm, in 1/LOG_UNIT
LOG_UNIT: Final = 3000
LEAST_GAP_MS: Final = 1000
MOST_GAP_MS: Final = 2**30  # 12 days: after it a rhythm begins anew
TOLERANCES: Final = (0.02, 0.05, 0.1, 0.2, 0.3)
RHYTHMS: Final = ((1, 2), (3, 3))  # beats that a gap may span, and the part of the gaps that are as short as a beat
TRIES: Final = len(TOLERANCES) * len(RHYTHMS)
MAX_TRACKED: Final = 64
SHARED: Final = 3.0  # how much less a rhythm is worth for each other member that knows the destination
MASK: Final = 2**32 - 1  # of a name
_Time = Annotated[int, Meta(ge=0, le=MAX_HOUR * HOUR_MS)]


@dataclass(frozen=True, slots=True)
class BeaconConfig:
    """What is tracked.

    Attributes:
        most: Destinations that are kept, at most MAX_TRACKED; the one asked longest ago goes first.
        enough: Gaps without which nothing is judged; at most GAPS.
    """

    most: int = 8
    enough: int = 11


BEATS: Final = BeaconConfig()


class Rhythm(Struct, frozen=True, array_like=True):
    """Contacts with one destination.

    Attributes:
        name: The destination, by `rarity.name_of`.
        first: Event time of the first contact, ms.
        last: Event time of the last one, ms.
        count: How many.
        gaps: WIDTH bytes for each of the last GAPS times between two.
    """

    name: Annotated[int, Meta(ge=0, le=MASK)]
    first: _Time
    last: _Time
    count: Natural = 1
    gaps: Annotated[bytes, Meta(max_length=GAPS * WIDTH)] = b""


class Beacons(Struct, frozen=True, array_like=True, tag=16):
    """Contacts with the destinations that were asked last; in order of the last contact."""

    tracked: Annotated[tuple[Rhythm, ...], Meta(max_length=MAX_TRACKED)] = ()


class Beat(NamedTuple):
    """How regular the contacts with a destination are.

    Attributes:
        score: 0 to MAX_SCORE.
        every_ms: The rhythm.
        within: The tolerance that says most, as a share of the rhythm.
        regular: How many gaps lie within it.
        gaps: Of how many.
        contacts: Contacts in all.
        since: Event time of the first one, ms.
    """

    score: float
    every_ms: int
    within: float
    regular: int
    gaps: int
    contacts: int
    since: int


def step(state: Beacons, name: int, time: int, config: BeaconConfig = BEATS) -> tuple[Beacons, Beat | None]:
    """Take in a contact, in order of time, and return how regular they are; None while they are too few.

    A contact within LEAST_GAP_MS of the last one belongs to it; one that comes before it changes nothing.
    """
    time = min(max(time, 0), MAX_HOUR * HOUR_MS)
    name &= MASK
    known = next((one for one in state.tracked if one.name == name), None)
    if known is None:
        most = min(config.most, MAX_TRACKED)
        return Beacons((*state.tracked, Rhythm(name, time, time))[-most:]), None
    gap = time - known.last
    if gap < LEAST_GAP_MS:
        return state, None
    if gap > MOST_GAP_MS:
        rhythm = Rhythm(name, time, time)
    else:
        written = round(log(gap) * LOG_UNIT).to_bytes(WIDTH, "big")
        rhythm = Rhythm(name, known.first, time, known.count + 1, (known.gaps + written)[-GAPS * WIDTH :])
    others = (one for one in state.tracked if one is not known)
    return Beacons((*others, rhythm)), beat(rhythm, config)


def beat(rhythm: Rhythm, config: BeaconConfig = BEATS) -> Beat | None:
    """Return how regular the contacts with a destination are; None while they are too few."""
    if len(rhythm.gaps) < WIDTH * max(config.enough, 1):
        return None
    gaps = _gaps(rhythm.gaps)
    best = Beat(0.0, round(sorted(gaps)[len(gaps) // 2]), TOLERANCES[-1], 0, len(gaps), rhythm.count, rhythm.first)
    for beats, part in RHYTHMS:
        every = sorted(gaps)[len(gaps) // part]
        off = [abs(gap / max(1, min(beats, round(gap / every))) / every - 1) for gap in gaps]
        for tolerance in TOLERANCES:
            inside = sum(one <= tolerance for one in off)
            found = score_of(TRIES * _by_chance(len(gaps), inside, tolerance, beats, part))
            if found > best.score:
                best = best._replace(score=found, every_ms=round(every), within=tolerance, regular=inside)
    return best


def combined(score: float, members: int) -> float:
    """Return the score of a rhythm with a destination that so many of the peers know, the member itself among them.

    All of it where no other does, and a third for each that does.
    """
    return score / SHARED ** max(members - 1, 0)


def finding(found: Beat, destination: str, score: float) -> Finding:
    """Put a rhythm into words, with the score that it has after all."""
    return Finding(
        model=NAME,
        score=score,
        expected="contacts at irregular times, or with a destination that peers know",
        seen=(
            f"{destination}: {found.contacts:,} contacts, every {found.every_ms / 1000:,.0f} s; "
            f"{found.regular} of the last {found.gaps} within {found.within:.0%} of it"
        ),
        since=found.since,
        learned=found.contacts,
        because=(Reason("regular", min(1.0, score / found.score) if found.score else 0.0),),
    )


def _gaps(gaps: bytes) -> list[float]:
    return [exp(int.from_bytes(gaps[at : at + WIDTH], "big") / LOG_UNIT) for at in range(0, len(gaps) - 1, WIDTH)]


@lru_cache(maxsize=1024)
def _by_chance(number: int, inside: int, tolerance: float, beats: int, part: int) -> float:
    """Return the probability that so many of a number of exponential gaps lie so near to beats of their rhythm.

    The rhythm is one of them and lies on itself: it proves nothing.
    """
    rate = -log(1 - 1 / part)  # of gaps by the rhythm, so that one part of them is shorter than it
    spans = range(1, beats + 1)
    near = sum(exp(-rate * beat * (1 - tolerance)) - exp(-rate * beat * (1 + tolerance)) for beat in spans)
    others = number - 1
    return sum(comb(others, k) * near**k * (1 - near) ** (others - k) for k in range(max(inside - 1, 0), others + 1))

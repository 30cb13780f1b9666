"""Travel that nobody makes: how fast a user would have moved between two places seen one after the other.

Points of all sources come in any order: each is compared with its neighbours in time among the last KEPT, where of a
stay only its end is kept. Points that a VPN, Tor or a hosting network hides say nothing of a place, and the caller
leaves them out. Nor does a pair nearer than addresses can be told apart, nor one between two places that the user is
known at, each on several days: such users have two ways out, an office and a mobile network for instance.

Distances are great-circle distances by the haversine (Sinnott, Virtues of the haversine, Sky and Telescope 68, 1984),
on a sphere: at most 0.6 % off, far less than what is known of where an address is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from models.anomaly import rarity
from models.anomaly.base import HOUR_MS, MAX_HOUR, MAX_SCORE, Finding, Natural, Reason
from models.anomaly.rarity import RarityConfig, Values

NAME: Final = "travel"
KEPT: Final = 4
DEGREE: Final = 10_000  # parts of a degree that places are given in
EARTH_KM: Final = 6371.0088  # mean radius
LEAST_HOURS: Final = 1 / 60  # between two places: clocks are not better than that
SCORE_AT_AIRLINER: Final = 3.0
CELL: Final = 10_000  # parts of a degree: places in the same square of one degree are one place
_PLACES: Final = RarityConfig(most=8)
_Time = Annotated[int, Meta(ge=0, le=MAX_HOUR * HOUR_MS)]
_Latitude = Annotated[int, Meta(ge=-90 * DEGREE, le=90 * DEGREE)]
_Longitude = Annotated[int, Meta(ge=-180 * DEGREE, le=180 * DEGREE)]


@dataclass(frozen=True, slots=True)
class TravelConfig:
    """What is impossible.

    Attributes:
        error_km: How far off a place may be.
        near_km: Pairs nearer than this are never judged.
        airliner_kmh: The speed of what people travel by.
        known_days: Days on which a user must have been at a place to be known there.
    """

    error_km: float = 50.0
    near_km: float = 200.0
    airliner_kmh: float = 1000.0
    known_days: int = 3


JOURNEYS: Final = TravelConfig()


class Place(Struct, frozen=True, array_like=True, order=True):
    """Where a user was at a time.

    Attributes:
        time: Event time, ms.
        latitude: In 1/DEGREE of a degree.
        longitude: In 1/DEGREE of a degree.
        name: Country or city, for people.
    """

    time: _Time
    latitude: _Latitude
    longitude: _Longitude
    name: Annotated[str, Meta(max_length=40)] = ""


class Travel(Struct, frozen=True, array_like=True, tag=14):
    """Where a user was last.

    Attributes:
        since: Event time of the first place, ms; 0 when there was none.
        learned: How many places.
        last: The ends of the last KEPT stays, by time.
        places: On which days the user was in which square.
    """

    since: Natural = 0
    learned: Natural = 0
    last: Annotated[tuple[Place, ...], Meta(max_length=KEPT)] = ()
    places: Values = Values()


class Leap(NamedTuple):
    """Two places, and what moving between them would take.

    Attributes:
        score: 0 to MAX_SCORE; in proportion to the speed, SCORE_AT_AIRLINER at that of an airliner.
        start: The earlier.
        end: The later.
        km: The distance less what the places may be off.
        kmh: The speed.
    """

    score: float
    start: Place
    end: Place
    km: float
    kmh: float


def step(state: Travel, place: Place, config: TravelConfig = JOURNEYS) -> tuple[Travel, Leap | None]:
    """Take in a place, and return the next state and the fastest leap to or from it, however slow.

    No leap is returned when the place is the only one, or near or known as its neighbours are.
    """
    place = held(place)
    before = max((one for one in state.last if one <= place), default=None)
    after = min((one for one in state.last if one > place), default=None)
    day = rarity.day_of(place.time)
    pairs = ((before, place), (place, after))
    leaps = [_leap(state, one, other, day, config) for one, other in pairs if one is not None and other is not None]
    found = max((leap for leap in leaps if leap is not None), key=lambda leap: leap.kmh, default=None)
    places, _ = rarity.learn(state.places, _cell(place), day, _PLACES)
    last = _with_stay(state.last, before, place, after, config)
    since = min(state.since, place.time) if state.learned else place.time
    return Travel(since, state.learned + 1, last, places), found


def finding(state: Travel, leap: Leap) -> Finding:
    """Put a leap into words."""
    minutes = max(leap.end.time - leap.start.time, 0) / 60_000
    return Finding(
        model=NAME,
        score=leap.score,
        expected=f"at most {JOURNEYS.airliner_kmh:,.0f} km/h between two places",
        seen=(
            f"from {_named(leap.start)} to {_named(leap.end)}, at least {leap.km:,.0f} km in {minutes:,.0f} minutes: "
            f"{leap.kmh:,.0f} km/h"
        ),
        since=state.since,
        learned=state.learned,
        because=(Reason("speed", 1.0),),
    )


def held(place: Place) -> Place:
    """Return a place whose numbers are of this earth."""
    latitude = min(max(place.latitude, -90 * DEGREE), 90 * DEGREE)
    longitude = min(max(place.longitude, -180 * DEGREE), 180 * DEGREE)
    return Place(min(max(place.time, 0), MAX_HOUR * HOUR_MS), latitude, longitude, place.name[:40])


def distance_km(one: Place, other: Place) -> float:
    """Return the great-circle distance of two places, by the haversine."""
    north, south = radians(one.latitude / DEGREE), radians(other.latitude / DEGREE)
    east = radians((other.longitude - one.longitude) / DEGREE)
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(east / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))


def _with_stay(
    last: tuple[Place, ...], before: Place | None, place: Place, after: Place | None, config: TravelConfig
) -> tuple[Place, ...]:
    """Return the stays with a place put between two of them: near the one before it goes on, near the one after it."""
    if after is not None and distance_km(place, after) < config.near_km:
        return last
    is_longer = before is not None and distance_km(before, place) < config.near_km
    kept = {one for one in last if not (is_longer and one == before)}
    return tuple(sorted({*kept, place})[-KEPT:])


def _leap(state: Travel, start: Place, end: Place, day: int, config: TravelConfig) -> Leap | None:
    apart = distance_km(start, end)
    if apart < config.near_km or all(_is_known(state, place, day, config) for place in (start, end)):
        return None
    km = max(0.0, apart - 2 * config.error_km)
    kmh = km / max((end.time - start.time) / HOUR_MS, LEAST_HOURS)
    return Leap(min(MAX_SCORE, SCORE_AT_AIRLINER * kmh / config.airliner_kmh), start, end, km, kmh)


def _is_known(state: Travel, place: Place, day: int, config: TravelConfig) -> bool:
    return rarity.days_seen(state.places, _cell(place), day) >= config.known_days


def _cell(place: Place) -> int:
    """Return the square that a place is in."""
    return (place.latitude + 90 * DEGREE) // CELL * 1000 + (place.longitude + 180 * DEGREE) // CELL


def _named(place: Place) -> str:
    return f"{place.name or 'a place'} ({place.latitude / DEGREE:.1f}, {place.longitude / DEGREE:.1f})"

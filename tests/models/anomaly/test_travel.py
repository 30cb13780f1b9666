"""Travel: what an airliner can do is ordinary, what nothing can do is not, and two known ways out are no journey."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anomaly.base import HOUR_MS
from models.anomaly.travel import KEPT, Leap, Place, Travel, distance_km, finding, step

START = 1_782_000_000_000
CITIES = {
    "Berlin": (525_200, 134_050),
    "Potsdam": (523_906, 130_645),
    "London": (515_074, -1_278),
    "New York": (407_128, -740_060),
    "Sydney": (-338_688, 1_512_093),
    "Suva": (-181_416, 1_784_419),
    "Apia": (-138_506, -1_717_514),
}
places = st.builds(
    Place, st.integers(0, 2**42), st.integers(-900_000, 900_000), st.integers(-1_800_000, 1_800_000), st.just("XX")
)


def at(city: str, hours: float) -> Place:
    return Place(START + round(hours * HOUR_MS), *CITIES[city], city)


def leaps(*seen: Place, state: Travel | None = None) -> tuple[Travel, list[Leap]]:
    state, found = state or Travel(), []
    for place in seen:
        state, leap = step(state, place)
        found += [leap] if leap is not None else []
    return state, found


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [("Berlin", "London", 932), ("London", "New York", 5570), ("London", "Sydney", 16_994), ("Suva", "Apia", 1150)],
)
def test_distances_are_those_of_the_earth(one: str, other: str, km: float) -> None:
    assert distance_km(at(one, 0), at(other, 0)) == pytest.approx(km, rel=0.01)


@given(places, places)
def test_distances_are_symmetric_and_on_this_earth(one, other):
    assert distance_km(one, other) == pytest.approx(distance_km(other, one), abs=1e-6)
    assert 0 <= distance_km(one, other) <= 20_016
    assert distance_km(one, one) == 0


def test_a_flight_is_possible_and_an_hour_to_sydney_is_not() -> None:
    _, [flight] = leaps(at("London", 0), at("New York", 8))
    assert flight.score < 3
    _, [impossible] = leaps(at("London", 0), at("Sydney", 1))
    assert impossible.score > 10
    assert impossible.kmh > 10_000


def test_the_faster_the_higher_the_score() -> None:
    scores = [leaps(at("London", 0), at("New York", hours))[1][0].score for hours in (24, 8, 4, 2, 1, 0.1, 0)]
    assert scores == sorted(scores)


def test_near_places_are_never_judged() -> None:
    assert leaps(at("Berlin", 0), at("Potsdam", 0))[1] == []


def test_a_place_that_comes_late_is_compared_with_both_its_neighbours() -> None:
    seen = (at("London", 0), at("Sydney", 0.5), at("London", 1))
    for order in permutations(seen):
        state, found = leaps(*order)
        assert max(leap.score for leap in found) > 10
        assert {place.name for place in state.last} == {"London", "Sydney"}


def test_of_a_stay_only_the_end_is_kept_so_that_what_comes_late_still_has_neighbours() -> None:
    stay = [at(("Berlin", "Potsdam")[minute % 2], minute / 60) for minute in range(50)]
    state, found = leaps(*stay[::2], *stay[1::2])
    assert state.last == (stay[-1],)
    assert found == []
    _, [late] = leaps(at("Sydney", 0.7), state=state)
    assert late.score > 10
    assert late.end == stay[-1]


def test_two_places_a_user_is_known_at_are_no_journey() -> None:
    commuter = [at(city, 24 * day + hour) for day in range(4) for city, hour in (("London", 9), ("New York", 9.5))]
    state, found = leaps(*commuter)
    assert len(found) >= 5
    _, later = leaps(at("London", 24 * 5), at("New York", 24 * 5 + 0.5), state=state)
    assert later == []
    _, [away] = leaps(at("Sydney", 24 * 5), state=state)
    assert away.score > 0


@given(st.lists(places, max_size=20))
def test_a_state_is_bounded_and_in_order(seen):
    state, _ = leaps(*seen)
    assert len(state.last) <= KEPT
    assert list(state.last) == sorted(state.last)
    assert state.learned == len(seen)


def test_findings_name_both_places() -> None:
    state, [leap] = leaps(at("London", 0), at("Sydney", 1))
    told = finding(state, leap)
    assert "from London (51.5, -0.1) to Sydney (-33.9, 151.2), at least 16,8" in told.seen
    assert "in 60 minutes" in told.seen
    assert told.since == START

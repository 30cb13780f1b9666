"""The behaviours: twenty, each read by the real sources, on the entities that the truth names, with its sign in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from math import asin, cos, log2, radians, sin, sqrt
from statistics import fmean, pstdev
from typing import Any

import orjson
import pytest

from enrichers.entities import entities_of
from models.event import Event
from models.records import Coordinates, RawRecord
from streams.features.catalog import CATALOG
from streams.features.folding import Counting
from streams.sources.registry import SOURCES
from tests.simulation.behaviours import BEHAVIOURS, Injection, inject
from tests.simulation.behaviours.scene import STRENGTHS
from tests.simulation.days import HOUR, START, start_of
from tests.simulation.ordinary.signins import signins
from tests.simulation.organization import Organization, make_organization
from tests.simulation.writing import in_order

NAMES = [behaviour.name for behaviour in BEHAVIOURS]
by_name = pytest.mark.parametrize("name", NAMES)
PARSED_AT_MOST = 150
MODELS_OF_SEVERAL = ("hour_of_week", "impossible_travel", "beaconing")


@pytest.fixture(scope="module")
def organization() -> Organization:
    return make_organization(5, 2, 60, 100, 12)


@pytest.fixture(scope="module")
def injected(organization: Organization) -> dict[tuple[str, str], Injection]:
    return {(found.name, found.strength): found for found in inject(organization, NAMES, STRENGTHS)}


@pytest.fixture(scope="module")
def signed_in(organization: Organization) -> dict[str, list[int]]:
    """When people do something at Okta by themselves, by their key."""
    times: dict[str, list[int]] = {f"user:{person.email}": [] for person in organization.people}
    for day in range(organization.days):
        for record in signins(organization, day):
            actor = orjson.loads(record.data)["actor"]
            if actor["id"] != "unknown":
                times[f"user:{actor['alternateId']}"].append(record.time)
    return times


def fields_of(found: Injection) -> list[dict[str, Any]]:
    return [orjson.loads(record.data) for record in found.records]


def event_of(found: Injection, index: int) -> Event:
    record = found.records[index]
    event = SOURCES[record.source].parse(RawRecord(record.source, record.data.rstrip(), Coordinates("raw", 0, 0)))
    assert isinstance(event, Event), event
    return event


def test_there_are_twenty_of_three_domains(injected: dict[tuple[str, str], Injection]) -> None:
    assert len(set(NAMES)) == len(NAMES) == 20
    assert Counter(behaviour.domain for behaviour in BEHAVIOURS) == {"identity": 8, "network": 7, "workload": 5}
    assert len(injected) == 60


@by_name
def test_its_entities_are_those_that_braid_finds(name: str, injected: dict[tuple[str, str], Injection]) -> None:
    for strength in STRENGTHS:
        found = injected[name, strength]
        step = max(1, len(found.records) // PARSED_AT_MOST)
        numbers = {*range(0, len(found.records), step), len(found.records) - 1}
        events = [event_of(found, number) for number in sorted(numbers)]
        seen = {str(key) for event in events for key in entities_of(event.ocsf)}
        named = set(found.entities)
        if found.domain == "network":  # Zeek names addresses; leases and the logs of the host link them to it
            named = {key for key in named if key.startswith("ip:")}
        assert named
        assert named <= seen, (strength, named - seen)


def _counted(found: Injection) -> dict[str, set[str]]:
    """Return which features are counted of an injection, by entity."""
    counting, features = Counting(), defaultdict[str, set[str]](set)
    for number in range(len(found.records)):
        counting.add(event_of(found, number))
    for delta in counting.deltas():
        features[delta.entity] |= {*delta.counts, *delta.values, *delta.distinct, *delta.peaks}
    return features


@by_name
def test_its_features_are_counted_and_nobody_elses(name: str, injected: dict[tuple[str, str], Injection]) -> None:
    (behaviour,) = (behaviour for behaviour in BEHAVIOURS if behaviour.name == name)
    wanted = {feature for feature in behaviour.detected_by if feature not in MODELS_OF_SEVERAL}
    assert wanted <= CATALOG.keys()
    seen: set[str] = set()
    for strength in STRENGTHS:
        found = injected[name, strength]
        if len(found.records) < 1000:  # the loudest take long, and show no more
            features = _counted(found)
            assert features.keys() <= {*found.entities, *found.touched}
            assert found.entities[0] in features
            seen |= set[str]().union(*features.values())
    assert wanted <= seen


def _amount(found: Injection) -> float:
    sent: int = sum(fields.get("orig_bytes", 0) for fields in fields_of(found))
    return len(found.records) + sent / 1e5


@by_name
def test_it_plays_in_the_last_week_and_the_stronger_the_more(
    name: str, organization: Organization, injected: dict[tuple[str, str], Injection]
) -> None:
    faint, plain, loud = (injected[name, strength] for strength in STRENGTHS)
    assert _amount(faint) < _amount(loud)
    assert _amount(faint) <= _amount(plain) <= _amount(loud)
    for found in (faint, plain, loud):
        assert found.records == tuple(sorted(found.records))
        assert found.start_ms >= start_of(organization.warm_up_days) or name == "baseline_poisoning"
        assert found.end_ms < start_of(organization.days)


def test_nobody_has_two_attackers_while_there_are_people_enough(injected: dict[tuple[str, str], Injection]) -> None:
    first = Counter(found.entities[0] for found in injected.values())
    assert max(first.values()) <= 2  # a person has an address and a role too, which count by themselves
    assert sum(count == 1 for count in first.values()) > 50


def test_attackers_change_nothing_else() -> None:
    organization = make_organization(5, 1, 20, 32, 5)
    calm = [record for day in in_order(organization, ()) for record in day]
    attacked = inject(organization, ["beacon", "mfa_fatigue"], ["plain"])
    extra = [record for found in attacked for record in found.records]
    assert sorted([*calm, *extra]) == [record for day in in_order(organization, attacked) for record in day]


def test_pushes_are_refused_and_then_one_is_not(injected: dict[tuple[str, str], Injection]) -> None:
    for strength, refused in zip(STRENGTHS, (3, 8, 25), strict=True):
        kinds = [fields["eventType"] for fields in fields_of(injected["mfa_fatigue", strength])]
        assert kinds.count("user.mfa.okta_verify.deny_push") == refused
        assert kinds[-2:] == ["user.authentication.auth_via_mfa", "user.session.start"]


def _kilometres(one: dict[str, float], two: dict[str, float]) -> float:
    """Return the great-circle distance (haversine)."""
    lat1, lon1, lat2, lon2 = map(radians, (one["lat"], one["lon"], two["lat"], two["lon"]))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 12_742 * asin(sqrt(half))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_nobody_can_travel_so_fast(
    strength: str,
    organization: Organization,
    signed_in: dict[str, list[int]],
    injected: dict[tuple[str, str], Injection],
) -> None:
    found = injected["impossible_travel", strength]
    there = fields_of(found)[0]["client"]["geographicalContext"]["geolocation"]
    (person,) = (person for person in organization.people if f"user:{person.email}" == found.entities[0])
    here = {"lat": person.home.latitude, "lon": person.home.longitude}
    nearest = min(abs(time - found.start_ms) for time in signed_in[found.entities[0]])
    assert _kilometres(here, there) / (nearest / HOUR) > 900


def test_beats_are_regular_where_visits_are_not(injected: dict[tuple[str, str], Injection]) -> None:
    for strength, most, longest in zip(STRENGTHS, (0.2, 0.1, 0.05), (1600, 350, 65), strict=True):
        fields = [fields for fields in fields_of(injected["beacon", strength]) if fields["_path"] == "conn"]
        gaps = [gap for one, two in pairwise(fields) if (gap := two["ts"] - one["ts"]) < longest]  # breaks left out
        assert len(gaps) > 15
        assert pstdev(gaps) / fmean(gaps) < most


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(count / len(text) * log2(count / len(text)) for count in counts.values())


def test_names_of_a_tunnel_are_long_and_random(injected: dict[tuple[str, str], Injection]) -> None:
    for strength in STRENGTHS:
        names = [fields["query"].partition(".")[0] for fields in fields_of(injected["dns_tunnel", strength])]
        assert len(set(names)) == len(names)
        assert min(map(len, names)) >= 28
        assert fmean(map(_entropy, names)) > 3.8


def test_a_poisoned_baseline_rises_every_day(injected: dict[tuple[str, str], Injection]) -> None:
    for strength, least in zip(STRENGTHS, (1.1, 1.3, 1.7), strict=True):
        sent: Counter[int] = Counter()
        for fields in fields_of(injected["baseline_poisoning", strength]):
            sent[int(fields["ts"] * 1000 - START) // (24 * HOUR)] += fields.get("orig_bytes", 0)
        days = [sent[day] for day in sorted(sent)]
        assert len(days) == 10
        assert fmean(two / one for one, two in pairwise(days)) > least


def test_an_odd_hour_is_one_at_which_the_person_never_works(
    signed_in: dict[str, list[int]], injected: dict[tuple[str, str], Injection]
) -> None:
    for strength in STRENGTHS:
        found = injected["odd_hour_login", strength]
        hours = {(time - START) // HOUR % 24 for time in signed_in[found.entities[0]]}
        assert (found.start_ms - START) // HOUR % 24 not in hours

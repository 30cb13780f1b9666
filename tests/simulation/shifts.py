"""What a person does with a day: where they are, from when to when, and behind which addresses."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation import places
from tests.simulation.chance import dice
from tests.simulation.days import HOUR, MINUTE, is_weekend, start_of
from tests.simulation.organization import Organization
from tests.simulation.people import Person
from tests.simulation.places import Place

HOME_OFFICE: Final = 0.25  # of the days of those who come to the office


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's day at work.

    Attributes:
        person: Who.
        day: Which day, of the place of work.
        spans: When they are at the machine: morning, afternoon, and sometimes the evening; ms.
        place: Where they are.
        seen_place: Where Okta sees them: that of the gateway, when they work through it.
        outer: The address that Okta and the cloud see.
        inner: The address in the organization's network; empty when they are not in it.
        laptop: The machine they work at.
        is_in_office: Whether they are in an office.
    """

    person: Person
    day: int
    spans: tuple[tuple[int, int], ...]
    place: Place
    seen_place: Place
    outer: str
    inner: str
    laptop: str
    is_in_office: bool

    @property
    def first(self) -> int:
        """Return when it starts, ms."""
        return self.spans[0][0]

    @property
    def last(self) -> int:
        """Return when it ends, ms."""
        return self.spans[-1][1]

    def moments(self, rng: Random, count: int) -> list[int]:
        """Draw moments at which something is done, in order."""
        total = sum(last - first for first, last in self.spans)
        return sorted(self._at(int(rng.random() * total)) for _ in range(count))

    def _at(self, passed: int) -> int:
        for first, last in self.spans:
            if passed < last - first:
                return first + passed
            passed -= last - first
        return self.last


def shift_of(organization: Organization, person: Person, day: int) -> Shift | None:
    """Return what a person does on a day, None when they do not work."""
    rng = dice(organization.seed, "shift", person.number, day)
    works = rng.random() < person.weekends if is_weekend(day) else True
    if not works or day < person.hired or day in person.away or person.flies(day):
        return None
    trip = person.trip(day)
    place = trip.place if trip else person.home
    in_office = trip is None and not person.is_remote and not is_weekend(day) and rng.random() > HOME_OFFICE
    by_vpn = trip.by_vpn if trip else not in_office
    number = person.office if trip is None else -1
    outer = places.OFFICE_EGRESS[number] if in_office else _outer(person, place, day, by_vpn=by_vpn)
    return Shift(
        person=person,
        day=day,
        spans=_spans(rng, person, place, day),
        place=place,
        seen_place=places.VPN if by_vpn and not in_office else place,
        outer=outer,
        inner=inner_address(person, in_office=in_office) if in_office or by_vpn else "",
        laptop=person.laptop(day),
        is_in_office=in_office,
    )


def _outer(person: Person, place: Place, day: int, *, by_vpn: bool) -> str:
    return places.VPN_EGRESS[person.number % 2] if by_vpn else person.home_address(day, place)


def inner_address(person: Person, *, in_office: bool) -> str:
    """Return a person's address in the office, or behind the gateway."""
    net = 16 + person.office if in_office else 32
    return f"10.{net}.{person.number // 250}.{person.number % 250 + 2}"


def _spans(rng: Random, person: Person, place: Place, day: int) -> tuple[tuple[int, int], ...]:
    midnight = start_of(day) - place.utc_hours * HOUR
    start = midnight + (person.starts_minute + round(rng.gauss(0, 18))) * MINUTE + rng.randrange(MINUTE)
    minutes = person.works_minutes if not is_weekend(day) else rng.randrange(60, 240)
    noon = start + round(minutes * rng.uniform(0.4, 0.5)) * MINUTE
    after = noon + rng.randrange(25, 60) * MINUTE
    end = start + (minutes + round(rng.gauss(0, 25)) + 40) * MINUTE
    spans = [(start, noon), (after, max(end, after + 30 * MINUTE))]
    if rng.random() < person.evenings:
        evening = midnight + round(rng.uniform(20.0, 22.0) * HOUR)
        spans.append(
            (max(evening, spans[-1][1] + 10 * MINUTE), max(evening, spans[-1][1]) + rng.randrange(30, 80) * MINUTE)
        )
    return tuple(spans)

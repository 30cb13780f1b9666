"""The people: each with habits of their own, hired, travelling, ill and with a new laptop when chance has it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation import catalogue, places
from tests.simulation.catalogue import DEPARTMENTS, Department
from tests.simulation.chance import Menu, deal, dice, some
from tests.simulation.places import Place

SID: Final = "S-1-5-21-1000000001-1000000002-1000000003-"
ACCOUNT: Final = "111122223333"
SSO_ROLES: Final = {
    "engineering": "AWSReservedSSO_Engineer_0a1b2c3d4e5f6071",
    "operations": "AWSReservedSSO_Operator_1b2c3d4e5f607182",
}
BROWSER: Final = 145  # its version on the first day
HIRED_SHARE: Final = 0.03
REPLACED_SHARE: Final = 0.04
REMOTE_SHARE: Final = 0.3
TRAVEL_SHARE: Final = 0.12
TOLD_SHARE: Final = 0.75  # of the trips, in the table of identities
HOLIDAY_SHARE: Final = 0.15
SICK_SHARE: Final = 0.02  # of the days


@dataclass(frozen=True, slots=True)
class Trip:
    """Days somebody is elsewhere.

    Attributes:
        first: Day of the flight there.
        last: Day of the flight back.
        place: Where.
        by_vpn: Whether the work goes through the gateway.
        is_told: Whether the identity table knows of it.
    """

    first: int
    last: int
    place: Place
    by_vpn: bool
    is_told: bool


@dataclass(frozen=True, slots=True)
class Person:
    """One of the organization's people, with what is usual for them.

    Attributes:
        number: Their number, unique.
        department: Their peer group.
        home: Where they live, and work from.
        office: Number of their office; they come there unless they work from home.
        is_remote: Whether they always work from home, through the gateway.
        starts_minute: When they start, minutes of their own day.
        works_minutes: For how long.
        weekends: How likely they work on a day of the weekend.
        evenings: How likely they do something once more in the evening.
        typos: How likely a password is mistyped.
        apps: Their applications, by habit.
        sites: Their sites, by habit.
        browser: User agent of their browser, without its version.
        renews_browser: Day on which the browser gets its next version.
        phone: User agent of their phone.
        hired: First day at work; below 0 for those who are there already.
        new_laptop: Day on which the laptop is replaced; beyond the last day where it is not.
        away: Days ill or on holiday.
        leave: Days of the holiday, first and last, empty when there is none.
        trips: Travels.
        uploads: How likely a day has a large upload.
        visits: Visits to sites on a day, on average.
    """

    number: int
    department: Department
    home: Place
    office: int
    is_remote: bool
    starts_minute: int
    works_minutes: int
    weekends: float
    evenings: float
    typos: float
    apps: Menu[str]
    sites: Menu[str]
    browser: str
    renews_browser: int
    phone: str
    hired: int
    new_laptop: int
    away: frozenset[int]
    leave: tuple[int, int] | None
    trips: tuple[Trip, ...]
    uploads: float
    visits: float

    @property
    def login(self) -> str:
        """Return the account name."""
        return f"u{self.number:04d}"

    @property
    def email(self) -> str:
        """Return the name at Okta."""
        return f"{self.login}@example.com"

    @property
    def sid(self) -> str:
        """Return the SID of the account in the directory."""
        return f"{SID}{1100 + self.number}"

    @property
    def okta_id(self) -> str:
        """Return Okta's id of the account."""
        return f"00u{self.number:04d}Xy7Zq2mNb5697"

    @property
    def role_session(self) -> str:
        """Return the ARN of the session in which the person calls the cloud."""
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{SSO_ROLES[self.department.name]}/{self.email}"

    def home_address(self, day: int, place: Place) -> str:
        """Return the address at home or at a hotel; providers give another one every twelve days."""
        return place.address(self.number + 500 * ((day + self.number) // 12))

    def laptop(self, day: int) -> str:
        """Return the laptop of a day."""
        return f"ws-{self.number:04d}" if day < self.new_laptop else f"ws-{self.number:04d}b"

    def agent(self, day: int) -> str:
        """Return the user agent of the browser, which everybody has a new version of sooner or later."""
        return self.browser.format(v=BROWSER + (day >= self.renews_browser))

    def flies(self, day: int) -> bool:
        """Tell the days of flights, on which nothing is done."""
        return any(day in (trip.first, trip.last) for trip in self.trips)

    def trip(self, day: int) -> Trip | None:
        """Return the trip of a day."""
        return next((trip for trip in self.trips if trip.first <= day <= trip.last), None)


def make_people(seed: int, count: int, days: int) -> tuple[Person, ...]:
    """Make the people of an organization; each department has one at least."""
    shares = [department.share for department in DEPARTMENTS]
    dealt = (deal(DEPARTMENTS, shares, number) for number in range(count))
    return tuple(_person(dice(seed, "person", number), number, of, days) for number, of in enumerate(dealt))


def _person(rng: Random, number: int, department: Department, days: int) -> Person:
    office = rng.choices(range(len(places.OFFICES)), places.OFFICE_SHARES)[0]
    sick = {day for day in range(days) if rng.random() < SICK_SHARE}
    leave = _leave(rng, days)
    return Person(
        number=number,
        department=department,
        home=places.OFFICES[office],
        office=office,
        is_remote=rng.random() < REMOTE_SHARE,
        starts_minute=round(rng.gauss(8.4 * 60, 45)),
        works_minutes=round(rng.gauss(8.4 * 60, 30)),
        weekends=rng.choice((0.0, 0.0, 0.0, 0.05, 0.15)),
        evenings=rng.choice((0.0, 0.0, 0.05, 0.15, 0.35)),
        typos=rng.choice((0.02, 0.04, 0.08, 0.15)),
        apps=_apps(rng, department),
        sites=_sites(rng, department),
        browser=rng.choice(catalogue.BROWSERS),
        renews_browser=rng.randrange(8, 16),
        phone=rng.choice(catalogue.PHONES),
        hired=rng.choice((7, 8, 9)) if number >= len(DEPARTMENTS) and rng.random() < HIRED_SHARE else -1,
        new_laptop=rng.randrange(3, days + 3) if rng.random() < REPLACED_SHARE else days + 1,
        away=frozenset(sick if leave is None else sick | set(range(leave[0], leave[1] + 1))),
        leave=leave,
        trips=_trips(rng, office, days),
        uploads=rng.uniform(0.02, 0.5) if department.uploads_bytes else 0.01,
        visits=max(8.0, rng.gauss(26, 8)),
    )


def _leave(rng: Random, days: int) -> tuple[int, int] | None:
    if rng.random() > HOLIDAY_SHARE:
        return None
    first = rng.randrange(days)
    return first, first + rng.choice((1, 4, 6, 11))


def _trips(rng: Random, office: int, days: int) -> tuple[Trip, ...]:
    if rng.random() > TRAVEL_SHARE:
        return ()
    first = rng.randrange(days)
    elsewhere = tuple(place for number, place in enumerate(places.OFFICES) if number != office)
    place = rng.choice((*elsewhere, *places.ABROAD))
    return (Trip(first, first + rng.randrange(2, 6), place, rng.random() < 0.5, rng.random() < TOLD_SHARE),)


def _apps(rng: Random, department: Department) -> Menu[str]:
    own = some(rng, department.apps, rng.randrange(2, len(department.apps) + 1))
    odd = some(rng, catalogue.ALL_APPS[:-4], 1) if rng.random() < 0.2 else []
    used = dict.fromkeys((*catalogue.EVERYBODYS_APPS[:3], *own, *some(rng, catalogue.EVERYBODYS_APPS[3:], 1), *odd))
    return Menu((app, rng.uniform(0.3, 1.0) / (rank + 1)) for rank, app in enumerate(used))


def _sites(rng: Random, department: Department) -> Menu[str]:
    """Mix the sites of the department, some of one's own and those that everybody visits."""
    own = [(site, rng.uniform(1.0, 3.0)) for site in department.sites]
    liked = [(site, rng.uniform(0.2, 1.0)) for site in rng.sample(catalogue.POPULAR, 12)]
    known = [(site, 4 / (rank + 2)) for rank, site in enumerate(catalogue.POPULAR[:40])]
    cdn = [(site, 0.15) for site in catalogue.DELIVERY]
    return Menu((*own, *liked, *known, *cdn, (catalogue.SYNC, 0.6), ("intranet.example.com", 2.0)))

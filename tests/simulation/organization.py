"""An organization: who and what is in it, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.simulation.chance import dice
from tests.simulation.days import WEEK_DAYS, is_release_day
from tests.simulation.machines import Server, make_servers
from tests.simulation.people import Person, make_people
from tests.simulation.services import Service, make_services

LEAST_SERVERS: Final = 10
LEAST_PEOPLE: Final = 16
LEAST_SERVICES: Final = 4
RELEASED_SHARE: Final = 0.3  # of the services on a release day
NOBODYS_ACCOUNTS: Final = ("svc-deploy", "svc-backup", "svc-monitor", "svc-patch")


@dataclass(frozen=True, slots=True)
class Organization:
    """All of it.

    Attributes:
        seed: What it was made from.
        weeks: How long it is watched.
        people: Its people.
        servers: Its servers.
        services: Its services.
    """

    seed: int
    weeks: int
    people: tuple[Person, ...]
    servers: tuple[Server, ...]
    services: tuple[Service, ...]

    @property
    def days(self) -> int:
        """Return how many days there are."""
        return self.weeks * WEEK_DAYS

    @property
    def warm_up_days(self) -> int:
        """Return how many days pass before anything is injected: all but the last week."""
        return self.days - WEEK_DAYS

    def group(self, name: str) -> tuple[Server, ...]:
        """Return the servers of a group."""
        return tuple(server for server in self.servers if server.group == name)

    def department(self, *names: str) -> tuple[Person, ...]:
        """Return the people of some departments."""
        return tuple(person for person in self.people if person.department.name in names)

    def on_call(self, day: int) -> tuple[Person, ...]:
        """Return who is on call this week: one of operations, one of engineering."""
        rosters = (self.department("operations"), self.department("engineering"))
        return tuple(roster[(day // WEEK_DAYS) % len(roster)] for roster in rosters if roster)

    def releases(self, day: int) -> tuple[Service, ...]:
        """Return the services of which a new version comes on a day."""
        if not is_release_day(day):
            return ()
        rng = dice(self.seed, "release", day)
        return tuple(service for service in self.services if rng.random() < RELEASED_SHARE)

    def version(self, service: Service, day: int) -> int:
        """Return the version of a service at the end of a day."""
        return service.release + sum(service in self.releases(earlier) for earlier in range(day + 1))

    def app_version(self, app: str, day: int) -> str:
        """Return the version of an application on the servers, which changes with the weeks, each on its own day."""
        turn = sum(is_release_day(earlier) and (earlier + len(app)) % 4 == 0 for earlier in range(day + 1))
        return f"4.{len(app)}.{turn}"


def make_organization(seed: int, weeks: int, users: int, hosts: int, services: int) -> Organization:
    """Make an organization; of each there are at least as many as every role takes.

    Args:
        seed: The same seed makes the same organization.
        weeks: How long it is watched.
        users: People; each has a laptop.
        hosts: Laptops and servers together.
        services: Services in the cluster.
    """
    people = max(users, LEAST_PEOPLE)
    return Organization(
        seed,
        weeks,
        make_people(seed, people, weeks * WEEK_DAYS),
        make_servers(seed, max(hosts - people, LEAST_SERVERS)),
        make_services(seed, max(services, LEAST_SERVICES)),
    )

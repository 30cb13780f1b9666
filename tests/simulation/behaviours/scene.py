"""Where a behaviour plays: whom it may choose, when, and how strong it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal, NamedTuple, TypeVar

from tests.simulation.days import HOUR, WEEK_DAYS, is_weekend, start_of
from tests.simulation.machines import Server
from tests.simulation.organization import Organization
from tests.simulation.people import Person
from tests.simulation.records.record import Record
from tests.simulation.services import Service
from tests.simulation.shifts import Shift, shift_of

Strength = Literal["faint", "plain", "loud"]
STRENGTHS: Final[tuple[Strength, ...]] = ("faint", "plain", "loud")
Domain = Literal["identity", "network", "workload"]
T = TypeVar("T")


class Played(NamedTuple):
    """What a behaviour did.

    Attributes:
        entities: Keys of the entities it is about, as Braid names them; the one that matters most first.
        records: What the sources log of it.
        touched: Keys of others that it shows at too: what is found there is not wrong.
    """

    entities: tuple[str, ...]
    records: tuple[Record, ...]
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Injection:
    """One behaviour, played once: a line of the truth.

    Attributes:
        name: Name of the behaviour.
        domain: To which domain it belongs.
        strength: How strong it is.
        entities: As of `Played`.
        touched: As of `Played`.
        detected_by: Kinds of features that can show it.
        records: What the sources log of it, in order of time.
    """

    name: str
    domain: Domain
    strength: Strength
    entities: tuple[str, ...]
    touched: tuple[str, ...]
    detected_by: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def start_ms(self) -> int:
        """Return the time of its first record, ms."""
        return self.records[0].time

    @property
    def end_ms(self) -> int:
        """Return the time of its last record, ms."""
        return self.records[-1].time


@dataclass(slots=True)
class Scene:
    """What a behaviour plays in.

    Attributes:
        organization: The organization.
        rng: Its dice.
        strength: How strong it shall be.
        taken: Names of those whom other behaviours have chosen.
    """

    organization: Organization
    rng: Random
    strength: Strength
    taken: set[str] = field(default_factory=set)

    def by(self, faint: T, plain: T, loud: T) -> T:
        """Return what fits the strength."""
        return (faint, plain, loud)[STRENGTHS.index(self.strength)]

    def days(self) -> tuple[int, ...]:
        """Return the working days of the last week but its first, which begins in the week before far in the east."""
        first = self.organization.warm_up_days
        return tuple(day for day in range(first + 1, first + WEEK_DAYS) if not is_weekend(day))

    def night(self, person: Person) -> int:
        """Return a time in a night of the last week when a person sleeps, ms."""
        day = self.rng.choice(self.days())
        return start_of(day) - person.home.utc_hours * HOUR + int(self.rng.uniform(26.5, 28.0) * HOUR)

    def colleague(self, *departments: str, fits: Callable[[Person], bool] = lambda _: True) -> Person:
        """Choose somebody of some departments (of any, without), whom no other behaviour has."""
        people = self.organization.department(*departments) if departments else self.organization.people
        settled = [person for person in people if person.hired < 0 and not set(self.days()) <= person.away]
        return self._choose([p for p in settled if fits(p)] or settled or people, lambda person: person.login)

    def server(self, *groups: str) -> Server:
        """Choose a server of some groups."""
        servers = [server for server in self.organization.servers if server.group in groups]
        return self._choose(servers, lambda server: server.name)

    def service(self) -> Service:
        """Choose a service."""
        return self._choose(self.organization.services, lambda service: service.name)

    def shifts(self, person: Person, *, inside: bool = True) -> list[Shift]:
        """Return the working days of somebody in the last week, those within the network if asked for."""
        found = (shift_of(self.organization, person, day) for day in self.days())
        return [shift for shift in found if shift and (shift.inner or not inside)]

    def shift(self, *departments: str, inside: bool = True) -> Shift:
        """Choose a working day of somebody, within the network if asked for."""
        person = self.colleague(*departments, fits=lambda person: bool(self.shifts(person, inside=inside)))
        return self.rng.choice(self.shifts(person, inside=inside))

    def _choose(self, things: Sequence[T], name: Callable[[T], str]) -> T:
        free = [thing for thing in things if name(thing) not in self.taken]
        chosen = self.rng.choice(free or things)
        self.taken.add(name(chosen))
        return chosen


def names_of(person: Person) -> tuple[str, str]:
    """Return the keys of a person: at Okta, and in the directory."""
    return f"user:{person.email}", f"user:corp\\{person.login}"


def role_key(session: str) -> str:
    """Return the key of the session of a role."""
    return f"user:{session.lower()}"


def played(entities: Iterable[str], records: Iterable[Record], touched: Iterable[str] = ()) -> Played:
    """Put what was done in order."""
    return Played(tuple(entities), tuple(sorted(records)), tuple(dict.fromkeys(touched)))

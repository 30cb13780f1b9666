"""Ordinary laptops: logons, what people start, what starts by itself, what they write and fetch from file servers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation import catalogue
from tests.simulation.catalogue import Program
from tests.simulation.chance import Menu, dice, poisson
from tests.simulation.days import MINUTE, SECOND
from tests.simulation.machines import Server
from tests.simulation.organization import Organization
from tests.simulation.people import Person
from tests.simulation.records import windows
from tests.simulation.records.record import Record
from tests.simulation.records.windows import Account
from tests.simulation.records.zeek import address_of
from tests.simulation.shifts import Shift, shift_of

PROGRAMS_A_DAY: Final = 11.0
BY_THEMSELVES: Final = 2.5
CONNECTIONS: Final = 3.0
FILES: Final = 1.5
SHARES: Final = 1.5
INSTALLER: Final = f"{catalogue.SYSTEM32}msiexec.exe"
COLLAB: Final = "C:\\Program Files\\Collab\\5.2\\collab.exe"
SERVES: Final = ("C:\\Program Files\\nodejs\\node.exe", catalogue.TEAMS)  # programs that listen for others
STORED_IN: Final = "C:\\Users\\{user}\\Documents\\{word}-{n}.docx"
_OF_MACHINES: Final = Menu((program, program.weight) for program in catalogue.OF_WORKSTATIONS)


def desks(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what the logs of laptops hold for a day, and the logons on file servers from them."""
    files = organization.group("file")
    for person in organization.people:
        shift = shift_of(organization, person, day)
        if shift:
            rng = dice(organization.seed, "desk", person.number, day)
            who = account_of(person, day)
            yield from _logons(rng, shift, who)
            yield from _programs(rng, shift, who)
            yield from _machine(rng, shift)
            yield from _shares(rng, shift, who, files)
            if day >= rolled_out(organization, person):
                yield from _new_program(rng, organization, shift, who)


def account_of(person: Person, day: int) -> Account:
    """Return the account of a person with the logon of a day."""
    return Account(person.login, person.sid, f"0x{(person.number + 1) * 4096 + day:x}")


def fill(program: Program, rng: Random, user: str) -> tuple[str, str]:
    """Return path and command line of a program that is started now."""
    if "{" not in program.command:
        return program.image, program.command
    given = {"user": user, "n": rng.randrange(1, 40), "word": rng.choice(catalogue.WORDS)}
    return program.image.format(**given), program.command.format(**given)


def _logons(rng: Random, shift: Shift, who: Account) -> Iterator[Record]:
    """Log on in the morning, unlock after each break; passwords are mistyped here too."""
    for number, (first, _) in enumerate(shift.spans):
        if rng.random() < shift.person.typos:
            kind = windows.CONSOLE if number == 0 else windows.UNLOCK
            yield windows.logged_on(rng, first, shift.laptop, who, kind, ok=False)
        kind = windows.CONSOLE if number == 0 else windows.UNLOCK
        yield windows.logged_on(rng, first + 8 * SECOND, shift.laptop, who, kind)


def _programs(rng: Random, shift: Shift, who: Account) -> Iterator[Record]:
    menu = Menu((program, program.weight) for program in shift.person.department.programs)
    for time in shift.moments(rng, poisson(rng, PROGRAMS_A_DAY)):
        program = menu.draw(rng)
        image, command = fill(program, rng, who.name)
        yield windows.started(rng, time, shift.laptop, who, program.parent, image, command)
        if image in SERVES:
            yield windows.listening(rng, time + 2 * SECOND, shift.laptop, image, rng.choice((3000, 3000, 8000, 8080)))
    for time in shift.moments(rng, poisson(rng, CONNECTIONS)) if shift.inner else ():
        ends = (shift.inner, address_of(shift.person.sites.draw(rng)), 443)
        yield windows.connected(rng, time, shift.laptop, who, catalogue.EDGE, ends)
    for time in shift.moments(rng, poisson(rng, FILES)):
        file = STORED_IN.format(user=who.name, word=rng.choice(catalogue.WORDS), n=rng.randrange(1, 40))
        yield windows.wrote(rng, time, shift.laptop, who, catalogue.WORD, file)


def _machine(rng: Random, shift: Shift) -> Iterator[Record]:
    for time in shift.moments(rng, poisson(rng, BY_THEMSELVES)):
        program = _OF_MACHINES.draw(rng)
        yield windows.started(rng, time, shift.laptop, windows.SYSTEM, program.parent, program.image, program.command)


def rolled_out(organization: Organization, person: Person) -> int:
    """Return the day on which the laptops of a department get a program that is new: in the last week."""
    return organization.warm_up_days + len(person.department.name) % 4


def _new_program(rng: Random, organization: Organization, shift: Shift, who: Account) -> Iterator[Record]:
    """Use the new program; on the first day it is installed."""
    time = shift.first + rng.randrange(5, 60) * MINUTE
    if shift.day == rolled_out(organization, shift.person):
        yield windows.started(
            *(rng, time, shift.laptop, windows.SYSTEM, catalogue.SERVICES, INSTALLER),
            "msiexec.exe /i C:\\Windows\\Temp\\collab-5.2.msi /qn",
        )
    yield windows.started(rng, time + MINUTE, shift.laptop, who, catalogue.EXPLORER, COLLAB, f'"{COLLAB}"')


def _shares(rng: Random, shift: Shift, who: Account, files: tuple[Server, ...]) -> Iterator[Record]:
    """Open folders on the file server of the department, seldom on another."""
    if not shift.inner:
        return
    own = len(shift.person.department.name) % len(files)
    for time in shift.moments(rng, poisson(rng, SHARES)):
        server = files[own] if rng.random() < 0.9 else rng.choice(files)
        yield windows.logged_on(rng, time + rng.randrange(MINUTE), server.name, who, windows.NETWORK, shift.inner)

"""Ordinary traffic of laptops: names, sites, leases, heartbeats, uploads, and names that do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation import catalogue
from tests.simulation.chance import dice, poisson, sizes, zipf
from tests.simulation.days import HOUR, MINUTE, SECOND
from tests.simulation.organization import Organization
from tests.simulation.people import Person
from tests.simulation.records import zeek
from tests.simulation.records.record import Record
from tests.simulation.records.zeek import Transfer
from tests.simulation.shifts import Shift, shift_of

ASKED: Final = 0.5  # how often the name of a site is not remembered
TAIL: Final = 0.12  # of the visits, to sites of the long tail
NO_SUCH_NAME: Final = 0.03  # of the questions
NEVER_SEEN: Final = 0.015  # of the visits, to sites that nobody visited before
BY_SCRIPT: Final = 0.04  # of the visits of those who program, with a client of their own
TO_CUSTOMERS: Final = 0.12  # of the large uploads, to a place that is new
LOOKS_FOR_OLD: Final = 0.015  # of the days
KEEPS_CHAT_OPEN: Final = 3  # of five people
POLLED_EVERY: Final = 10 * MINUTE
FILE_SERVER_PORT: Final = 445
AGENT: Final = catalogue.ja3("agent")
_TAIL: Final = zipf(catalogue.POPULAR, 0.8)
_CONSONANTS: Final = "bcdfghklmnprstvz"
_VOWELS: Final = "aeiou"
_RANDOM: Final = "abcdefghijklmnopqrstuvwxyz"


def browsing(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what Zeek sees of the laptops in the offices and behind the gateway."""
    files = organization.group("file")
    for person in organization.people:
        shift = shift_of(organization, person, day)
        if shift and shift.inner:
            rng = dice(organization.seed, "traffic", person.number, day)
            if shift.is_in_office:
                yield zeek.lease(rng, shift.first - 20 * SECOND, shift.inner, shift.laptop)
            yield from _visits(rng, shift)
            yield from _heartbeats(rng, shift)
            yield from _uploads(rng, shift)
            yield from _probes(rng, shift)
            if person.number % 5 < KEEPS_CHAT_OPEN:
                yield from _chats(rng, shift)
            for time in shift.moments(rng, poisson(rng, 3.0)):
                moved = Transfer(sizes(rng, 9_000), sizes(rng, 60_000, 1.5), 4_000)
                server = files[len(person.department.name) % len(files)]
                yield zeek.conn(rng, time, shift.inner, server.ip, FILE_SERVER_PORT, moved, service="smb")


def fingerprint_of(person: Person, day: int) -> str:
    """Return the TLS fingerprint of a person's browser: shared by all who use the same version of the same."""
    return catalogue.ja3(person.agent(day))


def new_site(rng: Random) -> str:
    """Return a site that nobody visited before and perhaps nobody will again: there are always some."""
    name = "".join(part for _ in range(rng.randrange(2, 4)) for part in (rng.choice(_CONSONANTS), rng.choice(_VOWELS)))
    return f"{rng.choice(('', 'www.', 'my', 'go', 'app.'))}{name}{rng.choice(catalogue.WORDS)}.example"


def visit(rng: Random, time: int, origin: str, site: str, moved: Transfer, fingerprint: str) -> Iterator[Record]:
    """Yield what Zeek sees of one visit: perhaps the question for the name, the handshake, the connection."""
    if rng.random() < ASKED:
        yield zeek.lookup(rng, time - rng.randrange(20, 90), origin, site)
    yield zeek.handshake(rng, time + 30, origin, site, fingerprint)
    yield zeek.conn(rng, time, origin, zeek.address_of(site), 443, moved, service="ssl")


def _visits(rng: Random, shift: Shift) -> Iterator[Record]:
    fingerprint, person = fingerprint_of(shift.person, shift.day), shift.person
    script = catalogue.ja3(f"script {person.number % 90}")
    for time in shift.moments(rng, poisson(rng, person.visits)):
        site = _TAIL.draw(rng) if rng.random() < TAIL else person.sites.draw(rng)
        if rng.random() < NEVER_SEEN:
            site = new_site(rng)
        used = script if person.department.has_cluster and rng.random() < BY_SCRIPT else fingerprint
        moved = Transfer(sizes(rng, 2_500), sizes(rng, 40_000, 1.4), sizes(rng, 9_000, 1.2))
        yield from visit(rng, time, shift.inner, site, moved, used)
        if rng.random() < NO_SUCH_NAME:
            yield zeek.lookup(rng, time + rng.randrange(3000), shift.inner, _no_name(rng, site), found=False)


def _no_name(rng: Random, site: str) -> str:
    """Mistype a name, append the search suffix, or probe for a provider that answers everything, as browsers do."""
    kind = rng.randrange(3)
    if kind == 0:
        index = rng.randrange(len(site))
        return f"{site[:index]}{rng.choice(_RANDOM)}{site[index:]}"
    return f"{site}.corp.example.com" if kind == 1 else "".join(rng.choices(_RANDOM, k=rng.randrange(7, 16)))


def _heartbeats(rng: Random, shift: Shift) -> Iterator[Record]:
    """Let the agent on the laptop report: once an hour, at its own minute, with little jitter."""
    site = catalogue.HEARTBEATS[shift.person.number % len(catalogue.HEARTBEATS)]
    minute = shift.person.number * 7 % 60
    for first, last in shift.spans:
        time = first - first % HOUR + minute * MINUTE
        while time < last:
            if time > first:
                moved = Transfer(1_400 + rng.randrange(60), 900 + rng.randrange(40), 600)
                yield from visit(rng, time + rng.randrange(20 * SECOND), shift.inner, site, moved, AGENT)
            time += HOUR


def _probes(rng: Random, shift: Shift) -> Iterator[Record]:
    """Ask for what does not exist: browsers at their start, and sometimes a machine that looks for an old network."""
    for first, _ in shift.spans if "Chrome" in shift.person.browser else ():
        time = first + rng.randrange(30, 90) * SECOND
        for _ in range(3):
            name = "".join(rng.choices(_RANDOM, k=rng.randrange(7, 16)))
            yield zeek.lookup(rng, time + rng.randrange(50), shift.inner, name, found=False)
    if rng.random() < LOOKS_FOR_OLD:
        time = shift.first + rng.randrange(20) * MINUTE
        for _ in range(rng.randrange(6, 22)):
            time += rng.randrange(SECOND, 40 * SECOND)
            name = (
                f"{rng.choice(('nas', 'printer', 'wpad', 'srv-old', '_ldap._tcp'))}{rng.randrange(4)}.old.example.net"
            )
            yield zeek.lookup(rng, time, shift.inner, name, found=False)


def _chats(rng: Random, shift: Shift) -> Iterator[Record]:
    """Let the chat look for news: as regular as any implant, to where everybody's does."""
    for first, last in shift.spans:
        for time in range(first + rng.randrange(POLLED_EVERY), last, POLLED_EVERY):
            moved = Transfer(500 + rng.randrange(90), sizes(rng, 900), 700)
            at = time + rng.randrange(8 * SECOND)
            yield zeek.conn(rng, at, shift.inner, zeek.address_of(catalogue.CHAT), 443, moved, service="ssl")


def _uploads(rng: Random, shift: Shift) -> Iterator[Record]:
    """Upload something large now and then: campaigns, reports, a folder that is synchronized."""
    if rng.random() > shift.person.uploads:
        return
    usual = shift.person.department.uploads_bytes or 2_000_000
    site = shift.person.department.sites[0] if shift.person.department.uploads_bytes else catalogue.SYNC
    if rng.random() < TO_CUSTOMERS:
        site = new_site(rng)
    for time in shift.moments(rng, rng.randrange(1, 4)):
        moved = Transfer(sizes(rng, usual, 1.0), sizes(rng, 20_000), sizes(rng, 40_000))
        yield from visit(rng, time, shift.inner, site, moved, fingerprint_of(shift.person, shift.day))

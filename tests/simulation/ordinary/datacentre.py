"""Ordinary traffic of servers: requests, backups at night, monitoring, the weekly scan, scripts that fail for ever."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation import catalogue
from tests.simulation.chance import dice, poisson, sizes
from tests.simulation.days import DAY, HOUR, MINUTE, SECOND, day_of_month, load, start_of, weekday
from tests.simulation.machines import BACKUP_STORE, MONITOR, SCANNER, Server
from tests.simulation.ordinary.browsing import AGENT, visit
from tests.simulation.organization import Organization
from tests.simulation.places import FAR, OFFICES
from tests.simulation.records import zeek
from tests.simulation.records.record import Record
from tests.simulation.records.zeek import Transfer

MONITORED_EVERY: Final = 3 * HOUR
REPORTED_EVERY: Final = 6 * HOUR
FAILING_EVERY: Final = 15 * MINUTE
ASKED_A_DAY: Final = 20.0  # hashes that a scanner of files asks for
SCANNED: Final = (22, 80, 135, 443, 445, 3389, 5432, 8443)
SCAN_DAY: Final = 6  # Sunday
MONTHLY: Final = (1, 15)  # days on which accounts are closed and wages are paid
PORTS: Final = {"db": 5432, "app": 8080, "web": 443, "file": 445, "dc": 389, "build": 8443, "batch": 8081}
_NEXT: Final = {"web": "app", "app": "db", "batch": "db", "build": "file", "file": "dc", "db": "dc", "dc": "dc"}
_HEX: Final = "0123456789abcdef"


def datacentre(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what Zeek sees of the servers."""
    for server in organization.servers:
        rng = dice(organization.seed, "server", server.name, day)
        yield from _requests(rng, organization, server, day)
        yield from _backup(rng, server, day)
        yield from _reports(rng, server, day)
        if server.fails_to:
            yield from _fails(rng, server, day)
        if server.group in {"dc", "file"}:
            yield from _asks(rng, server, day)
    yield from _watched(organization, day)
    if weekday(day) == SCAN_DAY:
        yield from _scan(organization, day)
    if day_of_month(day) in MONTHLY:
        yield from _monthly(organization, day)


def peers_of(organization: Organization, server: Server) -> tuple[Server, ...]:
    """Return the few servers that a server calls: always the same."""
    rng = dice(organization.seed, "peers", server.name)
    near = [other for other in organization.group(_NEXT[server.group]) if other is not server]
    return tuple(rng.sample(near, min(len(near), 3)))


def _requests(rng: Random, organization: Organization, server: Server, day: int) -> Iterator[Record]:
    peers = peers_of(organization, server)
    for hour in range(24):
        begin = start_of(day) + hour * HOUR
        for _ in range(poisson(rng, server.busy * load(begin)) if peers else 0):
            peer, time = rng.choice(peers), begin + rng.randrange(HOUR)
            moved = Transfer(sizes(rng, 3_000), sizes(rng, 15_000, 1.2), sizes(rng, 700))
            yield zeek.conn(rng, time, server.ip, peer.ip, PORTS[peer.group], moved)
        if server.group == "web":
            yield from _from_outside(rng, server, begin)


def _from_outside(rng: Random, server: Server, begin: int) -> Iterator[Record]:
    for _ in range(poisson(rng, 1.5 * load(begin))):
        place = rng.choice((*OFFICES, *FAR))
        moved = Transfer(sizes(rng, 1_500), sizes(rng, 60_000, 1.2), sizes(rng, 2_000))
        caller = place.address(rng.randrange(2000))
        yield zeek.conn(rng, begin + rng.randrange(HOUR), caller, server.ip, 443, moved, service="ssl")


def _backup(rng: Random, server: Server, day: int) -> Iterator[Record]:
    """Send the night's backup to the store; on Sundays all of it, else what changed."""
    share = 1.0 if weekday(day) == SCAN_DAY else 0.12
    time = start_of(day) + server.backup_minute * MINUTE + rng.randrange(90 * SECOND)
    if rng.random() < 0.01:  # it fails, and runs in the morning
        time += 5 * HOUR
    moved = Transfer(sizes(rng, server.backup_bytes * share, 0.15), 2_000_000, sizes(rng, 25 * MINUTE, 0.3))
    yield zeek.conn(rng, time, server.ip, BACKUP_STORE, 9102, moved)


def _reports(rng: Random, server: Server, day: int) -> Iterator[Record]:
    """Let the agent report, and look for updates of the system once a day."""
    offset = rng.randrange(5 * MINUTE) + server.backup_minute * MINUTE
    for time in range(start_of(day) + offset % REPORTED_EVERY, start_of(day + 1), REPORTED_EVERY):
        moved = Transfer(1_500 + rng.randrange(80), 900 + rng.randrange(40), 600)
        yield from visit(rng, time, server.ip, catalogue.HEARTBEATS[0], moved, AGENT)
    time = start_of(day) + 4 * HOUR + rng.randrange(HOUR)
    moved = Transfer(4_000, sizes(rng, 300_000, 1.5), 9_000)
    yield from visit(rng, time, server.ip, catalogue.HEARTBEATS[1], moved, AGENT)


def _fails(rng: Random, server: Server, day: int) -> Iterator[Record]:
    """Try what has not worked for years; now and then look for a host that was switched off."""
    for time in range(start_of(day), start_of(day + 1), FAILING_EVERY):
        moved = Transfer(0, 0, 3_000, zeek.UNANSWERED)
        yield zeek.conn(rng, time + rng.randrange(4 * SECOND), server.ip, server.fails_to, 8125, moved)
        if rng.random() < 0.2:
            name = f"stats-old.{server.group}.corp.example.com"
            yield zeek.lookup(rng, time + rng.randrange(MINUTE), server.ip, name, found=False)


def _asks(rng: Random, server: Server, day: int) -> Iterator[Record]:
    for _ in range(poisson(rng, ASKED_A_DAY)):
        name = f"{''.join(rng.choices(_HEX, k=40))}.{catalogue.REPUTATION}"
        found = rng.random() < 0.7
        yield zeek.lookup(rng, start_of(day) + rng.randrange(DAY), server.ip, name, qtype="TXT", found=found)


def _watched(organization: Organization, day: int) -> Iterator[Record]:
    """Ask every server how it is, one after the other."""
    rng = dice(organization.seed, "monitor", day)
    for begin in range(start_of(day), start_of(day + 1), MONITORED_EVERY):
        for number, server in enumerate(organization.servers):
            moved = Transfer(600, 1_800 + rng.randrange(300), 40)
            yield zeek.conn(rng, begin + number * 300 + rng.randrange(90), MONITOR, server.ip, 9100, moved)


def _scan(organization: Organization, day: int) -> Iterator[Record]:
    """Look for weaknesses on every server, on Sunday nights."""
    rng = dice(organization.seed, "scan", day)
    time = start_of(day) + 2 * HOUR
    for server in organization.servers:
        for port in SCANNED:
            state = zeek.ESTABLISHED if port == PORTS[server.group] else zeek.REFUSED
            time += rng.randrange(200, 2_000)
            yield zeek.conn(rng, time, SCANNER, server.ip, port, Transfer(200, 200, 20, state))


def _monthly(organization: Organization, day: int) -> Iterator[Record]:
    """Close the accounts: databases send far more than on other days, to the batch servers and to the bank."""
    rng = dice(organization.seed, "monthly", day)
    batch = organization.group("batch")
    for server in organization.group("db")[::4]:
        time = start_of(day) + rng.randrange(18, 20) * HOUR + rng.randrange(HOUR)
        moved = Transfer(sizes(rng, 2_000_000_000, 0.5), 4_000_000, 14 * MINUTE)
        yield zeek.conn(rng, time, server.ip, rng.choice(batch).ip, 8081, moved)
    for server in batch[::3]:
        time = start_of(day) + 21 * HOUR + rng.randrange(HOUR)
        moved = Transfer(sizes(rng, 40_000_000, 0.5), 90_000, 50 * SECOND)
        yield from visit(rng, time, server.ip, "bank.example", moved, AGENT)

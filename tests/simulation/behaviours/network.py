"""Behaviours that show in the traffic: to whom, how regular, how much, under which names."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation import catalogue
from tests.simulation.behaviours.scene import Played, Scene, played
from tests.simulation.chance import sizes
from tests.simulation.days import HOUR, MINUTE, SECOND, start_of
from tests.simulation.ordinary.browsing import fingerprint_of, new_site, visit
from tests.simulation.records import zeek
from tests.simulation.records.record import Record
from tests.simulation.records.zeek import Transfer
from tests.simulation.shifts import Shift

IMPLANT: Final = catalogue.ja3("implant")
POISONED_DAYS: Final = 10
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def _word(rng: Random, letters: str, length: int) -> str:
    return "".join(rng.choices(letters, k=length))


def _machine(shift: Shift) -> tuple[str, ...]:
    """Name a laptop: Zeek knows its address, the lease and the logs on it know its name."""
    return (f"ip:{shift.inner}", f"host:{shift.laptop}")


def _beats(scene: Scene, shift: Shift, site: str, period: int, jitter: float, fingerprint: str) -> Iterator[Record]:
    rng = scene.rng
    for first, last in shift.spans:
        time = first + rng.randrange(period)
        while time < last:
            moved = Transfer(600 + rng.randrange(80), 400 + rng.randrange(60), 300)
            yield from visit(rng, time, shift.inner, site, moved, fingerprint)
            time += max(SECOND, int(period * rng.uniform(1 - jitter, 1 + jitter)))


def beacon(scene: Scene) -> Played:
    """Ask a server of one's own for orders again and again, from a laptop that an implant is on.

    The smallest sign: every twenty minutes with 30 % of jitter on two days, small, with the fingerprint of the
    browser that is there anyway; only the site is nobody else's.
    """
    rng = scene.rng
    person = scene.colleague(fits=lambda person: len(scene.shifts(person)) > 1)
    shifts = scene.shifts(person)[: scene.by(2, 2, 1)]
    site = new_site(rng)
    period, jitter = scene.by((20 * MINUTE, 0.3), (5 * MINUTE, 0.15), (MINUTE, 0.03))
    fingerprint = scene.by(fingerprint_of(person, shifts[0].day), IMPLANT, IMPLANT)
    records = [record for shift in shifts for record in _beats(scene, shift, site, period, jitter, fingerprint)]
    return played(dict.fromkeys(key for shift in shifts for key in _machine(shift)), records)


def dns_tunnel(scene: Scene) -> Played:
    """Carry data out in the names that are asked for.

    The smallest sign: forty names with long random labels under one domain within an hour.
    """
    rng, shift = scene.rng, scene.shift()
    domain, (time,) = f"{_word(rng, _LETTERS, 7)}.example", shift.moments(rng, 1)
    records = []
    for _ in range(scene.by(40, 300, 3000)):
        time += int(rng.uniform(0.5, 1.5) * scene.by(80 * SECOND, 6 * SECOND, 700))
        name = f"{_word(rng, _BASE32, scene.by(28, 45, 60))}.{domain}"
        records.append(zeek.lookup(rng, time, shift.inner, name, qtype=scene.by("A", "TXT", "TXT")))
    return played(_machine(shift), records)


def generated_names(scene: Scene) -> Played:
    """Look for the server of the day among names that are computed, most of which nobody has registered.

    The smallest sign: fifteen names that do not exist within the hour, where one or two are usual.
    """
    rng, shift = scene.rng, scene.shift()
    (time,) = shift.moments(rng, 1)
    records = []
    for _ in range(scene.by(15, 60, 400)):
        time += int(rng.uniform(0.3, 1.7) * scene.by(4 * MINUTE, 20 * SECOND, 2 * SECOND))
        name = f"{_word(rng, _LETTERS, rng.randrange(10, 18))}.example"
        records.append(zeek.lookup(rng, time, shift.inner, name, found=False))
    site = f"{_word(rng, _LETTERS, 13)}.example"
    records += visit(rng, time + 2 * SECOND, shift.inner, site, Transfer(900, 4_000, 800), IMPLANT)
    return played(_machine(shift), records)


def internal_scan(scene: Scene) -> Played:
    """Look for servers to go on to, from a laptop.

    The smallest sign: one port of twelve servers over four hours, a few of which refuse.
    """
    rng, shift = scene.rng, scene.shift()
    servers, ports = list(scene.organization.servers), scene.by((445,), (445, 3389), (22, 445, 3389, 5432, 5985))
    targets = rng.sample(servers, min(len(servers), scene.by(12, 60, 300)))
    time, records = shift.first + rng.randrange(30, 90) * MINUTE, []
    for target in targets:
        for port in ports:
            time += int(rng.uniform(0.3, 1.7) * scene.by(20 * MINUTE, 5 * SECOND, 60))
            state = zeek.REFUSED if rng.random() < 0.6 else zeek.UNANSWERED
            moved = Transfer(0, 0, 5 if state == zeek.REFUSED else 3_000, state)
            records.append(zeek.conn(rng, time, shift.inner, target.ip, port, moved))
    return played(_machine(shift), records)


def rare_tls_client(scene: Scene) -> Played:
    """Talk to a site that none of the peers visits, with a TLS client that none of them has.

    The smallest sign: three short connections.
    """
    rng, shift = scene.rng, scene.shift("finance", "people", "sales", "management")
    site = new_site(rng)
    records: list[Record] = []
    for time in shift.moments(rng, scene.by(3, 10, 40)):
        moved = Transfer(sizes(rng, 1_200), sizes(rng, 6_000), 900)
        records += visit(rng, time, shift.inner, site, moved, catalogue.ja3(f"tool {site}"))
    return played(_machine(shift), records)


def small_exports(scene: Scene) -> Played:
    """Take data out in portions that look like any upload, to a place of one's own.

    The smallest sign: five uploads of 4 MB a day on three days, from a department that uploads little.
    """
    rng = scene.rng
    quiet = ("support", "people", "sales", "engineering", "management", "operations")
    person = scene.colleague(*quiet, fits=lambda person: len(scene.shifts(person)) > 2)
    shifts = scene.shifts(person)[:3]
    site = new_site(rng)
    records: list[Record] = []
    for shift in shifts:
        for time in shift.moments(rng, 5):
            moved = Transfer(sizes(rng, scene.by(4e6, 5e7, 6e8), 0.3), 9_000, sizes(rng, 30_000))
            records += visit(rng, time, shift.inner, site, moved, fingerprint_of(person, shift.day))
    return played(dict.fromkeys(key for shift in shifts for key in _machine(shift)), records)


def baseline_poisoning(scene: Scene) -> Played:
    """Raise what a server uploads a little a day, so that the theft at the end looks like the day before.

    The smallest sign: ten days on each of which 20 % more goes to a site that all synchronize with.
    """
    rng, server = scene.rng, scene.server("app", "batch")
    last = scene.organization.days - 2
    days = range(max(0, last - POISONED_DAYS), last)
    records: list[Record] = []
    for number, day in enumerate(days):
        size = 3e5 * scene.by(1.2, 1.5, 2.0) ** number
        for hour in range(0, 24, 2):
            time = start_of(day) + hour * HOUR + rng.randrange(20 * MINUTE)
            moved = Transfer(sizes(rng, size, 0.1), 6_000, 9_000)
            records += visit(rng, time, server.ip, catalogue.SYNC, moved, catalogue.ja3("agent"))
    return played((f"ip:{server.ip}",), records)

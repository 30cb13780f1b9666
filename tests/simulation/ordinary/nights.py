"""Nights on call: somebody is woken, signs in from home, looks, enters a container, and goes to bed again."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation import places
from tests.simulation.chance import dice
from tests.simulation.days import HOUR, MINUTE, SECOND, start_of
from tests.simulation.ordinary.cloud import habits
from tests.simulation.ordinary.cluster import enter, pod_of
from tests.simulation.organization import Organization
from tests.simulation.people import Person
from tests.simulation.records import cloudtrail, okta
from tests.simulation.records.kubernetes import request
from tests.simulation.records.okta import Client
from tests.simulation.records.record import Record
from tests.simulation.shifts import inner_address

WOKEN: Final = 0.3  # how likely, each night


def nights(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what whoever is on call does in the night that begins a day."""
    for person in organization.on_call(day):
        rng = dice(organization.seed, "night", person.number, day)
        if day >= person.hired and day not in person.away and not person.trip(day) and rng.random() < WOKEN:
            local = start_of(day) - person.home.utc_hours * HOUR + rng.randrange(30, 290) * MINUTE
            yield from _woken(rng, organization, person, day, local)


def _woken(rng: Random, organization: Organization, person: Person, day: int, time: int) -> Iterator[Record]:
    outer, inner = places.VPN_EGRESS[person.number % 2], inner_address(person, in_office=False)
    client = Client(outer, places.VPN, person.agent(day), f"idx{rng.getrandbits(80):020x}", person.laptop(day))
    yield okta.event(rng, time, "user.authentication.auth_via_mfa", person, client, factor=okta.PUSH)
    yield okta.event(rng, time + SECOND, "user.session.start", person, client)
    for app in ("Pager", "Monitoring", "AWS"):
        time += rng.randrange(1, 6) * MINUTE
        yield okta.event(rng, time, "user.authentication.sso", person, client, targets=[okta.app(app)])
    service, menu = rng.choice(organization.services), habits(organization, person)
    for _ in range(rng.randrange(3, 12)):
        time += rng.randrange(20, 400) * SECOND
        yield cloudtrail.call(rng, time, person.role_session, menu.draw(rng), ip=outer, agent=cloudtrail.CLI)
        name = pod_of(service, 0)
        yield request(rng, time + SECOND, person.email, "get pods/log", service.namespace, ip=inner, name=name)
    if rng.random() < 0.5:
        yield enter(rng, time + MINUTE, person.email, (service, 0), inner, ("sh",))

"""Behaviours that show in who signs in, from where, to what, and with which rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from tests.simulation import catalogue, places
from tests.simulation.behaviours.scene import Played, Scene, names_of, played, role_key
from tests.simulation.days import MINUTE, SECOND
from tests.simulation.ordinary.signins import client_of
from tests.simulation.people import ACCOUNT, Person
from tests.simulation.places import Place
from tests.simulation.records import cloudtrail, okta
from tests.simulation.records.okta import Client
from tests.simulation.records.record import Record

VICTIM: Final = "svc-report"  # a user of the cloud
ATTACKER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
REJECTED: Final = ("FAILURE", "USER_REJECTED")
ABUSED: Final = (
    ("iam.amazonaws.com", "ListUsers", True, ""),
    ("iam.amazonaws.com", "CreateAccessKey", False, "user"),
    ("sts.amazonaws.com", "GetCallerIdentity", True, ""),
    ("iam.amazonaws.com", "ListAttachedUserPolicies", True, "user"),
    ("iam.amazonaws.com", "CreateUser", False, "user"),
    ("iam.amazonaws.com", "AttachUserPolicy", False, "user"),
    ("cloudtrail.amazonaws.com", "StopLogging", False, "trail"),
    ("ec2.amazonaws.com", "ModifySnapshotAttribute", False, "snapshot"),
    ("lambda.amazonaws.com", "UpdateFunctionCode", False, "function"),
)


def _start(rng: Random, time: int, person: Person, client: Client, *news: str) -> Iterator[Record]:
    yield okta.event(rng, time, "user.authentication.auth_via_mfa", person, client, factor=okta.PUSH, news=news)
    yield okta.event(rng, time + SECOND, "user.session.start", person, client)


def _open(rng: Random, time: int, person: Person, client: Client, names: list[str], pause_ms: int) -> Iterator[Record]:
    for name in names:
        time += int(rng.uniform(0.3, 1.7) * pause_ms)
        yield okta.event(rng, time, "user.authentication.sso", person, client, targets=[okta.app(name)])


def _stranger(scene: Scene, place: Place, agent: str = ATTACKER) -> Client:
    return Client(place.address(scene.rng.randrange(1200, 1900)), place, agent, f"idx{scene.rng.getrandbits(80):020x}")


def mfa_fatigue(scene: Scene) -> Played:
    """Send pushes to somebody asleep whose password is known, until one is accepted.

    The smallest sign: three pushes refused within half an hour at night, then one accepted, from a hosting network.
    """
    rng, person = scene.rng, scene.colleague()
    client, time = _stranger(scene, places.HOSTING), scene.night(person)
    records = []
    for _ in range(scene.by(3, 8, 25)):
        records.append(okta.event(rng, time, "system.push.send_factor_verify_push", person, client, factor=okta.PUSH))
        time += rng.randrange(8, 50) * SECOND
        records.append(
            okta.event(
                rng,
                time,
                "user.mfa.okta_verify.deny_push",
                person,
                client,
                REJECTED,
                factor=okta.PUSH,
                news=("New IP",),
            )
        )
        time += scene.by(480, 120, 20) * SECOND
    records += _start(rng, time, person, client, "New IP", "New Geo-Location")
    return played(names_of(person)[:1], records)


def password_spray(scene: Scene) -> Played:
    """Try one likely password for many accounts, then sign in where it was right.

    The smallest sign: every account fails once, slowly, from a dozen addresses; one of them then lets somebody in.
    """
    rng, victim = scene.rng, scene.colleague()
    clients = [_stranger(scene, places.HOSTING) for _ in range(scene.by(12, 3, 1))]
    others = [person for person in scene.organization.people if person is not victim]
    tried = rng.sample(others, min(len(others), scene.by(30, 80, 300)))
    time, records = scene.night(victim), []
    for person in tried:
        time += int(rng.uniform(0.3, 1.7) * scene.by(7 * MINUTE, MINUTE, 4 * SECOND))
        client = replace(rng.choice(clients), session="")
        records.append(okta.event(rng, time, "user.session.start", person, client, okta.BAD_PASSWORD))
    records += _start(rng, time + MINUTE, victim, clients[0], "New IP")
    addresses = [f"ip:{client.ip}" for client in clients]
    touched = (names_of(person)[0] for person in tried)
    return played((names_of(victim)[0], *addresses[: scene.by(0, 3, 1)]), records, touched)


def new_device_takeover(scene: Scene) -> Played:
    """Use a stolen password from another machine in the victim's own city, at an hour when the victim works.

    The smallest sign: one session with a browser, an address and a network that the victim never had.
    """
    rng, shift = scene.rng, scene.shift(inside=False)
    person = shift.person
    _, near = shift.place.mobile(0)
    client = _stranger(scene, near, scene.by(catalogue.BROWSERS[2].format(v=141), ATTACKER, ATTACKER))
    (time,) = shift.moments(rng, 1)
    records = [*_start(rng, time, person, client, "New Device", "New IP")]
    names = ["Mail", "Intranet", "Chat", "Expenses", "Wiki", "Password Vault", "People", "Contracts"]
    records += _open(rng, time, person, client, names[: scene.by(1, 3, 8)], 3 * MINUTE)
    return played(names_of(person)[:1], records)


def impossible_travel(scene: Scene) -> Played:
    """Sign in from another country within the hour in which the victim works at home.

    The smallest sign: two places that nobody can travel between in the time; the nearer one is a country away.
    """
    rng = scene.rng
    person = scene.colleague(fits=lambda person: not person.trips and bool(scene.shifts(person, inside=False)))
    shift = rng.choice(scene.shifts(person, inside=False))
    place = scene.by(places.ABROAD[-1], places.FAR[1], rng.choice(places.FAR))
    client = _stranger(scene, place, scene.by(person.agent(shift.day), ATTACKER, ATTACKER))
    time = shift.first + rng.randrange(25, 70) * MINUTE
    records = [*_start(rng, time, person, client, *scene.by((), ("New Country",), ("New Country", "Velocity")))]
    records += _open(rng, time, person, client, ["Mail", "Chat", "Contracts"][: scene.by(1, 2, 3)], 2 * MINUTE)
    return played(names_of(person)[:1], records)


def odd_hour_login(scene: Scene) -> Played:
    """Sign in from the victim's own machine and address, at an hour of the week when the victim never does.

    The smallest sign: one sign-in in the small hours, and one application.
    """
    rng = scene.rng
    person = scene.colleague(
        fits=lambda p: p.evenings + p.weekends == 0.0 and not p.trips and p.department.name != "operations"
    )
    client = Client(
        *(
            person.home_address(scene.days()[0], person.home),
            person.home,
            person.agent(scene.days()[0]),
            f"idx{rng.getrandbits(80):020x}",
        ),
        person.laptop(scene.days()[0]),
    )
    time = scene.night(person)
    records = [*_start(rng, time, person, client)]
    names = [person.apps.draw(rng) for _ in range(scene.by(1, 4, 12))]
    records += _open(rng, time, person, client, names, 4 * MINUTE)
    return played(names_of(person)[:1], records)


def application_hoarding(scene: Scene) -> Played:
    """Open one application after the other in a stolen session, most of them none of the victim's.

    The smallest sign: four applications that are new for the person, spread over an afternoon.
    """
    rng, shift = scene.rng, scene.shift(inside=False)
    person, client = shift.person, client_of(shift)
    strange = [app for app in catalogue.ALL_APPS if app not in person.apps.things]
    names = rng.sample(strange, min(len(strange), scene.by(4, 9, 18)))
    records = _open(rng, shift.spans[1][0], person, client, names, scene.by(25 * MINUTE, 5 * MINUTE, 20 * SECOND))
    return played(names_of(person)[:1], records)


def privilege_grant(scene: Scene) -> Played:
    """Give an account of one's own the rights of an administrator, from an account that never gave any.

    The smallest sign: one membership of the group of administrators, given by somebody of the help desk.
    """
    rng, shift = scene.rng, scene.shift("support", "sales", inside=False)
    person, client = shift.person, client_of(shift)
    receiver = scene.colleague()
    target = okta.user(receiver)
    (time,) = shift.moments(rng, 1)
    admins = [target, okta.group("Administrators")]
    records = [okta.event(rng, time, "group.user_membership.add", person, client, targets=admins)]
    if scene.strength != "faint":
        granted = "Super administrator"
        records += [
            okta.event(
                rng, time + MINUTE, "user.account.privilege.grant", person, client, targets=[target], granted=granted
            )
        ]
    if scene.strength == "loud":
        for number, kind in enumerate(
            ("user.mfa.factor.deactivate", "user.account.reset_password", "system.api_token.create")
        ):
            records += [okta.event(rng, time + (2 + number) * MINUTE, kind, person, client, targets=[target])]
    return played(names_of(person)[:1], records, names_of(receiver)[:1])


def first_api_use(scene: Scene) -> Played:
    """Use the cloud session of an engineer for what nobody of the department calls.

    The smallest sign: two calls that are new for the principal and for the peers, from the usual address.
    """
    rng, shift = scene.rng, scene.shift("engineering", inside=False)
    session, (time,) = shift.person.role_session, shift.moments(rng, 1)
    touched = f"user:arn:aws:iam::{ACCOUNT}:user/{VICTIM}"
    records = []
    for what in ABUSED[: scene.by(2, 5, 9)]:
        time += int(rng.uniform(0.3, 1.7) * MINUTE)
        records.append(cloudtrail.call(rng, time, session, what, ip=shift.outer, agent=cloudtrail.CLI, on=VICTIM))
    return played((role_key(session),), records, (touched,))

"""Ordinary sign-ins: mornings, typos, phones in the evening, help desk, new people, and guesses from the internet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from tests.simulation import catalogue, places
from tests.simulation.chance import dice, poisson
from tests.simulation.days import DAY, HOUR, MINUTE, SECOND, is_weekend, start_of
from tests.simulation.organization import Organization
from tests.simulation.people import Person
from tests.simulation.records import okta
from tests.simulation.records.okta import Client
from tests.simulation.records.record import Record
from tests.simulation.shifts import Shift, shift_of

APPS_A_DAY: Final = 7.0
SOMETHING_NEW: Final = 0.012  # of the applications that are opened
ELSEWHERE: Final = 0.012  # how likely a day has a sign-in from a machine that is not one's own
AGAIN: Final = 0.4  # how likely Okta asks once more after lunch
PHONE: Final = 0.18  # how likely somebody looks at mail from the phone outside work
DENIED_BY_MISTAKE: Final = 0.008
OTHER_SYSTEMS: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
)
GUESSERS_A_DAY: Final = 1.5
SPREAD: Final = 0x9E37_79B9_7F4A_7C15  # odd: what it multiplies within 64 bits stays different
GUESSER: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36"


def signins(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what Okta logs on a day."""
    for person in organization.people:
        rng = dice(organization.seed, "okta", person.number, day)
        shift = shift_of(organization, person, day)
        if shift:
            yield from sign_in(rng, shift, shift.first + rng.randrange(20, 400) * SECOND)
            yield from _use(rng, shift)
        if day >= person.hired and not person.flies(day) and rng.random() < PHONE:
            yield from _phone(rng, person, day)
        if day >= person.hired and not person.flies(day) and rng.random() < ELSEWHERE:
            yield from _elsewhere(rng, person, day)
        if day == person.hired:
            yield from _hired(rng, organization, person, day)
    yield from _administration(organization, day)
    yield from _guesses(organization, day)


def client_of(shift: Shift) -> Client:
    """Return the browser of a shift, with the session of the day."""
    person = shift.person
    session = f"idx{(person.number * DAY + shift.day + 1) * SPREAD % 2**64:016x}"
    return Client(shift.outer, shift.seen_place, person.agent(shift.day), session, shift.laptop)


def sign_in(rng: Random, shift: Shift, time: int) -> Iterator[Record]:
    """Yield a sign-in as it goes: a typo or two, the password, the push."""
    person, client = shift.person, client_of(shift)
    while rng.random() < person.typos:
        yield okta.event(rng, time, "user.session.start", person, replace(client, session=""), okta.BAD_PASSWORD)
        time += rng.randrange(4, 25) * SECOND
    news = ("New Device",) if shift.day in (person.new_laptop, person.hired) else ()
    push = time + rng.randrange(5, 30) * SECOND
    if rng.random() < DENIED_BY_MISTAKE:
        yield okta.event(
            rng, push, "user.mfa.okta_verify.deny_push", person, client, ("FAILURE", "USER_REJECTED"), factor=okta.PUSH
        )
        push += rng.randrange(20, 60) * SECOND
    yield okta.event(rng, push, "user.authentication.auth_via_mfa", person, client, factor=okta.PUSH, news=news)
    yield okta.event(rng, push + SECOND, "user.session.start", person, client)


def _use(rng: Random, shift: Shift) -> Iterator[Record]:
    """Open applications through the day; Okta asks again now and then."""
    client = client_of(shift)
    for time in shift.moments(rng, poisson(rng, APPS_A_DAY)):
        name = shift.person.apps.draw(rng) if rng.random() > SOMETHING_NEW else rng.choice(catalogue.ALL_APPS)
        yield okta.event(rng, time, "user.authentication.sso", shift.person, client, targets=[okta.app(name)])
    if len(shift.spans) > 1 and rng.random() < AGAIN:
        yield from sign_in(rng, shift, shift.spans[1][0] + rng.randrange(1, 20) * MINUTE)
    if len(shift.spans) > 2:  # there is an evening
        yield from sign_in(rng, shift, shift.spans[2][0] + rng.randrange(1, 5) * MINUTE)


def _elsewhere(rng: Random, person: Person, day: int) -> Iterator[Record]:
    """Sign in from the family's computer, or from that of a customer."""
    trip = person.trip(day)
    place = trip.place if trip else person.home
    ip, seen = (person.home_address(day, place), place) if rng.random() < 0.5 else place.mobile(rng.randrange(2000))
    agent = rng.choice((*catalogue.BROWSERS, *OTHER_SYSTEMS)).format(v=rng.randrange(139, 147))
    client = Client(ip, seen, agent, f"idx{rng.getrandbits(80):020x}")
    time = start_of(day) - place.utc_hours * HOUR + round(rng.uniform(8.0, 21.0) * HOUR)
    yield okta.event(
        rng, time, "user.authentication.auth_via_mfa", person, client, factor=okta.PUSH, news=("New Device", "New IP")
    )
    yield okta.event(rng, time + SECOND, "user.session.start", person, client)
    for _ in range(rng.randrange(1, 4)):
        time += rng.randrange(1, 6) * MINUTE
        yield okta.event(
            rng, time, "user.authentication.sso", person, client, targets=[okta.app(person.apps.draw(rng))]
        )


def _phone(rng: Random, person: Person, day: int) -> Iterator[Record]:
    """Look at mail in the evening or at the weekend, from home or wherever the trip went."""
    trip = person.trip(day)
    place = trip.place if trip else person.home
    time = start_of(day) - place.utc_hours * HOUR + round(rng.uniform(7.0, 22.5) * HOUR)
    ip = person.home_address(day, place)
    if rng.random() < 0.5:
        ip, place = place.mobile(rng.randrange(2000))
    client = Client(ip, place, person.phone, f"idx{rng.getrandbits(80):020x}")
    app = rng.choice(("Mail", "Chat", "Calendar"))
    yield okta.event(rng, time, "user.authentication.sso", person, client, targets=[okta.app(app)])


def _hired(rng: Random, organization: Organization, person: Person, day: int) -> Iterator[Record]:
    """Make the account of somebody new, on the morning of the first day."""
    makers = [maker for maker in organization.department("people") if maker.hired < 0]
    if not makers:
        return
    maker = makers[person.number % len(makers)]
    client = Client(places.OFFICE_EGRESS[maker.office], maker.home, maker.agent(day), f"idx{rng.getrandbits(80):020x}")
    time = start_of(day) - maker.home.utc_hours * HOUR + 7 * HOUR + rng.randrange(40) * MINUTE
    target, group = okta.user(person), okta.group(person.department.name)
    yield okta.event(rng, time, "user.lifecycle.create", maker, client, targets=[target])
    yield okta.event(rng, time + 5 * SECOND, "user.lifecycle.activate", maker, client, targets=[target])
    yield okta.event(rng, time + MINUTE, "group.user_membership.add", maker, client, targets=[target, group])


_DESK: Final = (  # what the help desk and the administrators do to others' accounts, and how often in a day's work
    ("support", "user.account.reset_password", 0.25),
    ("support", "user.account.unlock", 0.2),
    ("support", "user.mfa.factor.reset_all", 0.05),
    ("operations", "group.user_membership.add", 0.15),
    ("operations", "application.user_membership.add", 0.2),
    ("operations", "user.account.privilege.grant", 0.015),
)


def _administration(organization: Organization, day: int) -> Iterator[Record]:
    rng = dice(organization.seed, "administration", day)
    for department, kind, often in _DESK:
        for person in organization.department(department):
            shift = shift_of(organization, person, day)
            if shift is None or rng.random() > often:
                continue
            (time,) = shift.moments(rng, 1)
            target = okta.user(rng.choice(organization.people))
            beside = okta.group("engineering") if kind.startswith("group.") else okta.app("Monitoring")
            targets = [target, beside] if "membership" in kind else [target]
            granted = "Report Administrator" if "privilege" in kind else ""
            yield okta.event(rng, time, kind, person, client_of(shift), targets=targets, granted=granted)


def _guesses(organization: Organization, day: int) -> Iterator[Record]:
    """Let strangers guess: a few names, most of which nobody has."""
    rng = dice(organization.seed, "guesses", day)
    for _ in range(poisson(rng, GUESSERS_A_DAY * (0.6 if is_weekend(day) else 1.0))):
        client = Client(places.HOSTING.address(rng.randrange(100, 200)), places.HOSTING, GUESSER)
        time = start_of(day) + rng.randrange(DAY - HOUR)
        for _ in range(rng.randrange(2, 9)):
            names = ("admin", "info", "test", "office", rng.choice(organization.people).login)
            who = f"{rng.choice(names)}@example.com"
            yield okta.event(rng, time, "user.session.start", who, client, okta.BAD_PASSWORD)
            time += rng.randrange(20, 300) * SECOND

"""Ordinary calls of the cloud: services all day, engineers at work, deployments, and what is refused for ever."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation.chance import Menu, dice, poisson, some
from tests.simulation.days import HOUR, MINUTE, SECOND, load, start_of
from tests.simulation.organization import Organization
from tests.simulation.people import ACCOUNT, Person
from tests.simulation.places import CLOUD_EGRESS
from tests.simulation.records import cloudtrail
from tests.simulation.records.record import Record
from tests.simulation.services import Service
from tests.simulation.shifts import Shift, shift_of

USES: Final = 0.45  # how likely an engineer calls the cloud on a day
CALLS_A_DAY: Final = 14.0
BY_BROWSER: Final = 0.6
REFUSED: Final = 0.02  # of what people try
FAILING_EVERY: Final = 2 * HOUR
What = tuple[str, str, bool, str]
# What engineers look at: event source, name, whether it only reads, and on what.
OF_ENGINEERS: Final[tuple[What, ...]] = (
    ("logs.amazonaws.com", "FilterLogEvents", True, ""),
    ("cloudwatch.amazonaws.com", "GetMetricData", True, ""),
    ("s3.amazonaws.com", "ListBuckets", True, ""),
    ("s3.amazonaws.com", "GetObject", True, "bucket"),
    ("ec2.amazonaws.com", "DescribeInstances", True, ""),
    ("ecr.amazonaws.com", "DescribeImages", True, "repository"),
    ("eks.amazonaws.com", "DescribeCluster", True, "cluster"),
    ("lambda.amazonaws.com", "ListFunctions", True, ""),
    ("sqs.amazonaws.com", "GetQueueAttributes", True, "queue"),
    ("dynamodb.amazonaws.com", "DescribeTable", True, "table"),
    ("secretsmanager.amazonaws.com", "ListSecrets", True, ""),
)
OF_OPERATORS: Final[tuple[What, ...]] = (
    *OF_ENGINEERS,
    ("ec2.amazonaws.com", "DescribeSecurityGroups", True, ""),
    ("ec2.amazonaws.com", "RebootInstances", False, ""),
    ("iam.amazonaws.com", "ListRoles", True, ""),
    ("iam.amazonaws.com", "GetRole", True, "role"),
    ("rds.amazonaws.com", "DescribeDBInstances", True, ""),
    ("rds.amazonaws.com", "CreateDBSnapshot", False, "snapshot"),
)
_OF_DEPLOYMENTS: Final[tuple[What, ...]] = (
    ("ecr.amazonaws.com", "GetAuthorizationToken", True, ""),
    ("ecr.amazonaws.com", "PutImage", False, "repository"),
    ("eks.amazonaws.com", "DescribeCluster", True, "cluster"),
    ("ssm.amazonaws.com", "PutParameter", False, "parameter"),
)


def cloud(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what CloudTrail logs on a day."""
    for service in organization.services:
        yield from _service(dice(organization.seed, "calls", service.number, day), service, day)
    for person in organization.department("engineering", "operations"):
        rng, shift = dice(organization.seed, "cloud", person.number, day), shift_of(organization, person, day)
        if shift and rng.random() < USES:
            yield from _person(rng, organization, shift)
    yield from _deployments(organization, day)


def _service(rng: Random, service: Service, day: int) -> Iterator[Record]:
    ip = CLOUD_EGRESS[service.number % len(CLOUD_EGRESS)]
    for hour in range(24):
        begin = start_of(day) + hour * HOUR
        often = service.calls_an_hour * max(service.nights, load(begin))
        for _ in range(poisson(rng, often)):
            what = service.calls.draw(rng)
            error = "ThrottlingException" if rng.random() < service.errors else ""
            time = begin + rng.randrange(HOUR)
            yield cloudtrail.call(rng, time, service.role_session, what, ip=ip, on=on(service, what), error=error)
    for time in range(start_of(day), start_of(day + 1), FAILING_EVERY) if service.is_failing else ():
        what = ("s3.amazonaws.com", "PutObject", False, "bucket")
        yield cloudtrail.call(
            rng, time, service.role_session, what, ip=ip, on="old-reports-archive", error=cloudtrail.DENIED
        )


def on(service: Service, what: What) -> str:
    """Return the name of what a service calls something on: a few of its own, shared within its namespace."""
    return f"{service.namespace}-{what[3]}-{service.number % 3}" if what[3] else ""


def habits(organization: Organization, person: Person) -> Menu[What]:
    """Return what a person calls: some of what the peers do, in an own mixture."""
    rng = dice(organization.seed, "habits", person.number)
    known = OF_OPERATORS if person.department.name == "operations" else OF_ENGINEERS
    return Menu((what, rng.uniform(0.1, 1.0)) for what in some(rng, known, rng.randrange(4, 9)))


def _person(rng: Random, organization: Organization, shift: Shift) -> Iterator[Record]:
    person, menu = shift.person, habits(organization, shift.person)
    known = OF_OPERATORS if person.department.name == "operations" else OF_ENGINEERS
    agent = cloudtrail.CONSOLE if rng.random() < BY_BROWSER else cloudtrail.CLI
    times = shift.moments(rng, 1 + poisson(rng, CALLS_A_DAY))
    if agent == cloudtrail.CONSOLE:
        yield cloudtrail.console_login(
            rng, times[0], person.role_session, ip=shift.outer, agent=person.agent(shift.day)
        )
    for time in times:
        what = menu.draw(rng) if rng.random() > 0.05 else rng.choice(known)
        error = cloudtrail.DENIED if rng.random() < REFUSED else ""
        name = f"shop-{what[3]}-{rng.randrange(3)}" if what[3] else ""
        yield cloudtrail.call(
            rng, time + SECOND, person.role_session, what, ip=shift.outer, agent=agent, on=name, error=error
        )


def deployed_at(organization: Organization, service: Service, day: int) -> int:
    """Return when a service is deployed on a release day, ms."""
    rng = dice(organization.seed, "deployed", service.number, day)
    return start_of(day) + 9 * HOUR + rng.randrange(4 * HOUR)


def _deployments(organization: Organization, day: int) -> Iterator[Record]:
    """Let the build server deploy, each build in a session of its own; new versions bring a new call now and then."""
    rng = dice(organization.seed, "deployments", day)
    for service in organization.releases(day):
        time = deployed_at(organization, service, day)
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-deploy/build-{day * 100 + service.number}"
        for what in _OF_DEPLOYMENTS:
            time += rng.randrange(2, 40) * SECOND
            yield cloudtrail.call(rng, time, session, what, ip=CLOUD_EGRESS[0], on=service.name)
        if rng.random() < 0.1:
            what = ("events.amazonaws.com", "PutEvents", False, "")
            for number in range(6):
                later = time + (number + 1) * 20 * MINUTE
                yield cloudtrail.call(rng, later, service.role_session, what, ip=CLOUD_EGRESS[0])

"""The services: pods in the cluster with a service account, and a role in the cloud, that do the same all day."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.chance import Menu, dice, some
from tests.simulation.people import ACCOUNT

REGISTRY: Final = "registry.example.com"
NAMESPACES: Final = ("shop", "billing", "search", "identity", "data", "platform")
_WORK: Final = ("api", "worker", "gateway", "sync", "mailer", "index", "report", "export", "cache", "scheduler")
# What services call: event source, event name, whether it only reads, and what it is called on.
CALLS: Final = (
    ("s3.amazonaws.com", "GetObject", True, "bucket"),
    ("s3.amazonaws.com", "PutObject", False, "bucket"),
    ("s3.amazonaws.com", "ListObjects", True, "bucket"),
    ("sqs.amazonaws.com", "ReceiveMessage", False, "queue"),
    ("sqs.amazonaws.com", "SendMessage", False, "queue"),
    ("dynamodb.amazonaws.com", "GetItem", True, "table"),
    ("dynamodb.amazonaws.com", "PutItem", False, "table"),
    ("secretsmanager.amazonaws.com", "GetSecretValue", True, "secret"),
    ("kms.amazonaws.com", "Decrypt", True, "key"),
    ("sns.amazonaws.com", "Publish", False, "topic"),
    ("ssm.amazonaws.com", "GetParameter", True, "parameter"),
)
# What service accounts do at the API server: verb, resource, code, and whether it is in their own namespace.
VERBS: Final = (
    ("get", "configmaps"),
    ("watch", "configmaps"),
    ("get", "leases"),
    ("update", "leases"),
    ("list", "endpoints"),
    ("watch", "endpointslices"),
    ("get", "services"),
    ("list", "pods"),
    ("create", "events"),
)


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        number: Its number, unique.
        name: Its name.
        namespace: Where it runs.
        calls: Calls to the cloud, by habit.
        requests: Requests to the API server, by habit.
        calls_an_hour: How many calls in an hour of the working day, on average.
        requests_an_hour: How many requests.
        errors: How likely a call fails.
        is_failing: Whether one of its scripts is refused again and again, and nobody minds.
        nights: What is left of it at night, between 0 and 1.
        release: Versions by now, before the first day.
    """

    number: int
    name: str
    namespace: str
    calls: Menu[tuple[str, str, bool, str]]
    requests: Menu[tuple[str, str]]
    calls_an_hour: float
    requests_an_hour: float
    errors: float
    is_failing: bool
    nights: float
    release: int

    @property
    def account(self) -> str:
        """Return the name of its service account."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def role_session(self) -> str:
        """Return the ARN of the session in which it calls the cloud."""
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/svc-{self.name}/{self.name}"

    @property
    def pod_ip(self) -> str:
        """Return the address that its requests come from."""
        return f"10.244.{self.number // 200}.{self.number % 200 + 10}"

    def image(self, version: int) -> str:
        """Return the image of a version."""
        return f"{REGISTRY}/{self.namespace}/{self.name}:{version // 10}.{version % 10}"


def make_services(seed: int, count: int) -> tuple[Service, ...]:
    """Make the services."""
    return tuple(_service(dice(seed, "service", number), number) for number in range(count))


def _service(rng: Random, number: int) -> Service:
    namespace = NAMESPACES[number % len(NAMESPACES)]
    calls, verbs = some(rng, CALLS, rng.randrange(2, 5)), some(rng, VERBS, rng.randrange(2, 5))
    return Service(
        number=number,
        name=f"{namespace}-{_WORK[number // len(NAMESPACES) % len(_WORK)]}"
        + (f"-{number // 60}" if number >= 60 else ""),
        namespace=namespace,
        calls=Menu((call, rng.uniform(0.3, 3.0)) for call in calls),
        requests=Menu((verb, rng.uniform(0.3, 3.0)) for verb in verbs),
        calls_an_hour=rng.uniform(1.0, 5.0),
        requests_an_hour=rng.uniform(1.0, 4.0),
        errors=rng.choice((0.0, 0.002, 0.01, 0.02)),
        is_failing=rng.random() < 0.05,
        nights=rng.choice((0.15, 0.4, 1.0)),
        release=rng.randrange(11, 60),
    )

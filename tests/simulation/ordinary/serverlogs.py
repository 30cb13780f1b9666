"""Ordinary Windows logs of servers: jobs, logons of accounts that are nobody's, administrators, new versions."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.simulation import catalogue
from tests.simulation.chance import Menu, dice, poisson
from tests.simulation.days import HOUR, MINUTE, SECOND, day_of_month, start_of, weekday
from tests.simulation.machines import MONITOR, Server
from tests.simulation.ordinary.datacentre import PORTS
from tests.simulation.ordinary.desks import INSTALLER, account_of
from tests.simulation.organization import Organization
from tests.simulation.records import windows
from tests.simulation.records.record import Record
from tests.simulation.shifts import shift_of

JOBS_A_DAY: Final = 8.0
CHECKED_EVERY: Final = 6 * HOUR
DEPLOY_HOST: Final = "10.0.3.249"
PATCH_DAY: Final = 2  # Wednesday; the agents of all servers get a new version in the second week
PATCHED_IN_WEEK: Final = 1
LOGONS_A_DAY: Final = 1.5  # of each administrator at servers
_JOBS: Final = Menu((program, program.weight) for program in catalogue.OF_SERVERS)
MONITORS: Final = windows.service_account("svc-monitor")
DEPLOYS: Final = windows.service_account("svc-deploy")
BACKS_UP: Final = windows.service_account("svc-backup")


def serverlogs(organization: Organization, day: int) -> Iterator[Record]:
    """Yield the Windows logs of servers."""
    for server in organization.servers:
        if server.is_windows:
            rng = dice(organization.seed, "log", server.name, day)
            yield from _jobs(rng, server, day)
            yield from _checks(rng, server, day)
            if server.app:
                yield from _application(rng, organization, server, day)
            if weekday(day) == PATCH_DAY and day // 7 == PATCHED_IN_WEEK:
                yield from _patched(rng, server, day)
    yield from _administrators(organization, day)


def _jobs(rng: Random, server: Server, day: int) -> Iterator[Record]:
    """Start what is scheduled; a script that measures asks in another way each time."""
    for _ in range(poisson(rng, JOBS_A_DAY)):
        program, time = _JOBS.draw(rng), start_of(day) + rng.randrange(24 * HOUR)
        yield windows.process_created(
            rng, time, server.name, windows.SYSTEM, program.parent, program.image, program.command
        )
    time = start_of(day) + server.backup_minute * MINUTE
    yield windows.logged_on(rng, time, server.name, BACKS_UP, windows.NETWORK, "10.0.3.250")


def _checks(rng: Random, server: Server, day: int) -> Iterator[Record]:
    for begin in range(start_of(day), start_of(day + 1), CHECKED_EVERY):
        time = begin + rng.randrange(20 * MINUTE)
        ok = rng.random() > 0.004  # now and then the password has just been changed
        yield windows.logged_on(rng, time, server.name, MONITORS, windows.NETWORK, MONITOR, ok=ok)


def image_of(app: str, version: str) -> str:
    """Return where a version of an application is."""
    return f"C:\\Apps\\{app}\\{version}\\{app}.exe"


def _application(rng: Random, organization: Organization, server: Server, day: int) -> Iterator[Record]:
    """Start the application once a day; install it first where a new version has come."""
    version = organization.app_version(server.app, day)
    image = image_of(server.app, version)
    if day and version != organization.app_version(server.app, day - 1):
        time = start_of(day) + 10 * HOUR + rng.randrange(HOUR)
        yield windows.logged_on(rng, time, server.name, DEPLOYS, windows.NETWORK, DEPLOY_HOST)
        msi = f"C:\\Windows\\Temp\\{server.app}-{version}.msi"
        command = f"msiexec.exe /i {msi} /qn"
        yield windows.process_created(rng, time + SECOND, server.name, DEPLOYS, catalogue.SERVICES, INSTALLER, command)
        yield windows.service_installed(rng, time + 20 * SECOND, server.name, DEPLOYS, server.app, image)
        started = time + 40 * SECOND
    else:
        started = start_of(day) + 3 * HOUR + rng.randrange(20 * MINUTE)
    command = f"{image} --config C:\\Apps\\{server.app}\\app.toml"
    yield windows.process_created(rng, started, server.name, windows.SYSTEM, catalogue.SERVICES, image, command)
    yield windows.listening(rng, started + 2 * SECOND, server.name, image, PORTS[server.group])
    if server.group == "batch" and day_of_month(day) in (1, 15):
        time = start_of(day) + 18 * HOUR + rng.randrange(30 * MINUTE)
        yield windows.process_created(
            *(rng, time, server.name, windows.SYSTEM, image),
            f"C:\\Apps\\{server.app}\\monthly.exe",
            f"monthly.exe --close --day {day_of_month(day)}",
        )


def _patched(rng: Random, server: Server, day: int) -> Iterator[Record]:
    """Give every server the new agent within a night, and the task that renews it."""
    time = start_of(day) + 22 * HOUR + rng.randrange(90 * MINUTE)
    image = "C:\\Program Files\\Agent\\agent-2.exe"
    yield windows.service_installed(rng, time, server.name, DEPLOYS, "AgentNext", image)
    yield windows.task_created(rng, time + SECOND, server.name, DEPLOYS, "\\Agent\\Renew", image, "--renew")
    yield windows.process_created(
        rng, time + 5 * SECOND, server.name, windows.SYSTEM, catalogue.SERVICES, image, "agent-2.exe --service"
    )


def _administrators(organization: Organization, day: int) -> Iterator[Record]:
    """Let operations log on at servers, look around, and make a task now and then."""
    machines = [server for server in organization.servers if server.is_windows]
    for person in organization.department("operations"):
        shift = shift_of(organization, person, day)
        if shift is None or not shift.inner:
            continue
        rng, who = dice(organization.seed, "administrator", person.number, day), account_of(person, day)
        own = dice(organization.seed, "own servers", person.number).sample(machines, min(6, len(machines)))
        for time in shift.moments(rng, poisson(rng, LOGONS_A_DAY)):
            server = rng.choice(own)
            yield windows.logged_on(rng, time, server.name, who, windows.REMOTE, shift.inner)
            shell = catalogue.POWERSHELL
            yield windows.process_created(
                rng, time + 30 * SECOND, server.name, who, catalogue.EXPLORER, shell, "powershell.exe"
            )
            if rng.random() < 0.08:
                name = f"\\Operations\\{rng.choice(catalogue.WORDS)}"
                yield windows.task_created(
                    rng, time + 3 * MINUTE, server.name, who, name, shell, "-File C:\\Scripts\\job.ps1"
                )

"""The servers: groups of machines that run the same things, each with an address of its own."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.chance import deal, dice

DOMAIN: Final = "corp.example.com"
RESOLVER: Final = "10.0.0.53"
BACKUP_STORE: Final = "10.0.3.250"
MONITOR: Final = "10.0.3.251"
SCANNER: Final = "10.0.3.252"
GROUPS: Final = (  # name, share, whether it runs Windows, criticality
    ("dc", 0.02, True, "critical"),
    ("file", 0.06, True, "high"),
    ("db", 0.16, False, "critical"),
    ("web", 0.28, False, "medium"),
    ("app", 0.30, True, "high"),
    ("build", 0.08, False, "medium"),
    ("batch", 0.10, True, "medium"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A machine in a data centre.

    Attributes:
        name: Host name.
        group: What it does.
        ip: Its address.
        is_windows: Whether Windows event logs come from it.
        criticality: How much depends on it.
        busy: Requests in an hour of the working day, on average.
        backup_minute: Minute after midnight UTC at which its backup starts.
        backup_bytes: Median size of the backup.
        app: Name of the application on it, for those of the groups app, web and batch.
        fails_to: Address that a broken script of it never reaches; empty for the most.
    """

    name: str
    group: str
    ip: str
    is_windows: bool
    criticality: str
    busy: float
    backup_minute: int
    backup_bytes: int
    app: str
    fails_to: str

    @property
    def fqdn(self) -> str:
        """Return its full name."""
        return f"{self.name}.{DOMAIN}"


APPS: Final = ("shop", "billing", "catalog", "portal", "search", "reports", "ledger", "partners")


def make_servers(seed: int, count: int) -> tuple[Server, ...]:
    """Make the servers; of every group there is one at least."""
    shares = [group[1] for group in GROUPS]
    groups = [deal(GROUPS, shares, number) for number in range(count)]
    seen: dict[str, int] = {}
    servers = []
    for number, group in enumerate(sorted(groups, key=GROUPS.index)):
        seen[group[0]] = seen.get(group[0], 0) + 1
        servers.append(_server(dice(seed, "server", number), number, seen[group[0]], group))
    return tuple(servers)


def _server(rng: Random, number: int, of_group: int, group: tuple[str, float, bool, str]) -> Server:
    name, _, is_windows, criticality = group
    return Server(
        name=f"srv-{name}-{of_group}",
        group=name,
        ip=f"10.0.{1 + number // 200}.{number % 200 + 10}",
        is_windows=is_windows,
        criticality=criticality,
        busy={"dc": 6.0, "file": 4.0, "db": 1.0, "web": 4.0, "app": 2.5, "build": 2.0, "batch": 0.5}[name],
        backup_minute=rng.randrange(60, 240),
        backup_bytes=round({"db": 9e9, "file": 2e10}.get(name, 8e8) * rng.uniform(0.4, 2.5)),
        app=APPS[of_group % len(APPS)] if name in {"app", "web", "batch"} else "",
        fails_to=f"10.0.9.{rng.randrange(2, 250)}" if rng.random() < 0.03 else "",
    )

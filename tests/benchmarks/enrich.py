"""What enriching an event costs with everything local: `python -m tests.benchmarks.enrich [EVENTS]`.

The telemetry is made: five kinds of events of an organization whose people, machines and counterparts come again, few
of them very often and many of them seldom (Zipf), and mostly many times in a row. How often somebody is met for the
first time decides more than anything else, so that share is printed: recorded telemetry of five kinds (Zeek, Windows,
CloudTrail and mixtures) has it at 5 % of events in the second half of each recording, and so has this.
"""

from __future__ import annotations

import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import orjson

from enrichers.base import Enricher
from enrichers.chain import Chain
from enrichers.context.allow import Allowed, AllowEnricher
from enrichers.context.enricher import ContextEnricher
from enrichers.context.known import Asset, Identity, Interval, Trip
from enrichers.intel.builder import Builder
from enrichers.intel.enricher import IntelEnricher
from enrichers.intel.table import IntelTable
from enrichers.mmdb import open_geo
from enrichers.subjects import Key, subjects_of
from models.event import Event, LogSource
from models.ocsf import head
from models.ocsf_proof import is_valid
from models.records import Coordinates
from tests.benchmarks.intel import indicators
from tests.enrichers.mmdb_file import write_mmdb

EVENTS: Final = 400_000
PEOPLE: Final = 20_000
MACHINES: Final = 5_000
OUTSIDE: Final = 50_000  # addresses
INDICATORS: Final = 1_000_000
BURST: Final = 40  # events in a row of one person, machine and counterpart, on average
ROUNDS: Final = 3
STRETCH: Final = 1000  # events
NOON: Final = 1_790_078_400_000
METADATA: Final = {"version": "1.8.0", "product": {"name": "Example", "vendor_name": "Example"}, "profiles": ["host"]}
Pick = Callable[[], int]


def zipf(rng: random.Random, count: int) -> Pick:
    """Return what picks one of `count` things, the first ones far more often."""
    weights = list(accumulate(1 / (rank + 1) for rank in range(count)))
    numbers = range(count)
    return lambda: rng.choices(numbers, cum_weights=weights)[0]


def outside(number: int) -> str:
    """Return an address somewhere in the world."""
    return f"{20 + number % 150}.{number // 150 % 256}.{number // 38_400}.{number % 251}"


def inside(number: int) -> str:
    """Return the address of a machine."""
    return f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}"


def made_events(count: int) -> list[tuple[int, bytes]]:
    """Make events as JSON, in the mix of one organization: half network and DNS, the rest on hosts and in clouds."""
    rng = random.Random(7)  # noqa: S311  # telemetry, not secrets
    person, machine, address = zipf(rng, PEOPLE * 2), zipf(rng, MACHINES * 2), zipf(rng, OUTSIDE)
    kinds = rng.choices((_connection, _process, _sign_in, _call, _query), weights=(40, 30, 10, 10, 10), k=count)
    found: list[tuple[int, bytes]] = []
    who = person(), machine(), address()
    for at, kind in enumerate(kinds, NOON):
        if rng.random() * BURST < 1:
            who = person(), machine(), address()
        found.append((at, orjson.dumps(_body(at, *kind(*who)))))
    return found


def _body(at: int, class_uid: int, attributes: dict[str, Any]) -> dict[str, Any]:
    return {**head(class_uid, 1, at), "metadata": METADATA, **attributes}


def event_of(at: int, data: bytes) -> Event:
    """Return a fresh event: its values have never been looked at, as with an event that was just normalized."""
    return Event(str(at), at, "made", LogSource("made"), {}, orjson.loads(data), Coordinates("raw.made", 0, at), "")


def _connection(_: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    return 4001, {
        "src_endpoint": {"ip": inside(machine), "port": 50_000},
        "dst_endpoint": {"ip": outside(address), "port": 443},
    }


def _process(person: int, machine: int, _: int) -> tuple[int, dict[str, Any]]:
    machine = person % MACHINES * 2 if person % 10 else machine  # most people work on a machine of their own
    user = {"name": f"user{person:05d}", "domain": "EXAMPLE", "uid": f"S-1-5-21-1-2-3-{person}"}
    return 1007, {
        "device": {"hostname": f"ws{machine:05d}.example.com", "type_id": 2, "ip": inside(machine)},
        "actor": {"process": {"pid": 4, "name": "shell.exe"}},
        "process": {"pid": 5, "name": "probe.exe", "user": user, "file": _program(person % 97)},
    }


def _program(number: int) -> dict[str, Any]:
    hashes = [{"algorithm_id": 3, "value": f"{number:064x}"}]
    return {"name": "probe.exe", "type_id": 1, "hashes": hashes}


def _query(_: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    return 4003, {
        "src_endpoint": {"ip": inside(machine), "port": 50_000},
        "dst_endpoint": {"ip": "10.255.0.53", "port": 53},
        "query": {"hostname": f"h{address}.example.net", "type": "A"},
        "answers": [{"rdata": outside(address)}],
    }


def _sign_in(person: int, _: int, address: int) -> tuple[int, dict[str, Any]]:
    return 3002, {
        "user": {"name": f"user{person:05d}@example.com", "uid": f"00u{person:08d}"},
        "src_endpoint": {"ip": outside(address)},
        "service": {"name": "portal"},
    }


def _call(person: int, machine: int, address: int) -> tuple[int, dict[str, Any]]:
    arn = f"arn:aws:iam::111122223333:user/user{person:05d}"
    return 6003, {
        "api": {"operation": "DescribeInstances"},
        "actor": {"user": {"name": f"user{person:05d}", "uid": f"AIDA{person:012d}", "uid_alt": arn}},
        "src_endpoint": {"ip": outside(address)},
        "resources": [{"uid": f"i-{machine:017x}"}],
    }


def makers(folder: Path) -> dict[str, Callable[[], Enricher]]:
    """Make each enricher with tables as an organization of this size has them; half of what is seen is in none."""
    country = {
        "country": {"iso_code": "NO"},
        "city": {"names": {"en": "Oslo"}},
        "continent": {"names": {"en": "Europe"}},
    }
    place = {**country, "location": {"latitude": 59.91, "longitude": 10.75}}
    system, hosting = {"autonomous_system_number": 64_500}, {"is_hosting_provider": True}
    ranges = [f"{first}.{second}.0.0/16" for first in range(20, 170) for second in range(0, 256, 8)]
    paths = [
        write_mmdb(folder / "city.mmdb", dict.fromkeys(ranges, place)),
        write_mmdb(folder / "asn.mmdb", dict.fromkeys(ranges, system), "Example-ASN"),
        write_mmdb(folder / "anonymous.mmdb", dict.fromkeys(ranges[::40], hosting), "Example-Anon"),
    ]
    assets, identities = list(map(_asset, range(MACHINES))), list(map(_identity, range(PEOPLE)))
    allowed = list(_allowed())
    table = folder / "table.intel"
    builder = Builder()
    for said in indicators(INDICATORS):
        builder.add(said)
    builder.write(table, {})
    return {
        "geo": lambda: open_geo(paths)[0],
        "context": lambda: ContextEnricher(assets, identities),
        "intel": lambda: IntelEnricher(IntelTable(table)),
        "allow": lambda: AllowEnricher(allowed),
    }


def _asset(number: int) -> Asset:
    name = f"ws{number:05d}"
    return Asset(
        name,
        names=(f"{name}.example.com",),
        ips=(inside(number),),
        instances=(f"i-{number:017x}",),
        criticality="high",
        owner="bob@example.com",
        environment="production",
    )


def _identity(number: int) -> Identity:
    name = f"user{number:05d}"
    away = Interval(NOON, NOON + 60_000)
    return Identity(
        name,
        names=(rf"EXAMPLE\{name}",),
        emails=(f"{name}@example.com",),
        sids=(f"S-1-5-21-1-2-3-{number}",),
        principals=(f"arn:aws:iam::111122223333:user/{name}",),
        employee_id=str(number),
        peer_group="payments",
        manager="bob@example.com",
        privileged=number % 20 == 0,
        leave=(away,) if number % 50 == 0 else (),
        travel=(Trip(away, ("SE",)),) if number % 50 == 1 else (),
    )


def _allowed() -> Iterator[Allowed]:
    for number in range(200):
        yield Allowed(f"Known {number}", "bob", Interval(None, NOON * 2), hosts=frozenset({f"scan{number:03d}"}))
        addresses = (IPv4Network(f"10.{100 + number % 100}.{number}.0/{24 + number % 5}"),)
        yield Allowed(f"Network {number}", "bob", Interval(None, NOON * 2), addresses=addresses)
    yield Allowed("Backup", "bob", Interval(None, NOON * 2), users=frozenset({"svc-backup"}))


def microseconds(make: Callable[[], Chain | None], events: Sequence[tuple[int, bytes]]) -> float:
    """Return the processor time that making an event and enriching it takes on average.

    Every round begins with enrichers that remember nothing, and the first half of the events is not measured: a worker
    runs for days. Of each stretch of events the fastest round counts, so that what else this machine does shows less.
    """
    rounds = [list(_stretches(make(), events)) for _ in range(ROUNDS)]
    fastest = list(map(min, zip(*rounds, strict=True)))
    measured = fastest[len(fastest) // 2 :]
    return sum(measured) / (len(measured) * STRETCH) * 1e6


def _stretches(chain: Chain | None, events: Sequence[tuple[int, bytes]]) -> Iterator[float]:
    for first in range(0, len(events), STRETCH):
        began = time.process_time()
        for at, data in events[first : first + STRETCH]:
            event = event_of(at, data)
            if chain is not None:
                chain.enrich(event)
        yield time.process_time() - began


def main(arguments: Sequence[str]) -> None:
    """Print what each enricher costs, and all of them together."""
    events = made_events(int(arguments[0]) if arguments else EVENTS)
    with tempfile.TemporaryDirectory(prefix="braid-enrich-") as folder:
        make = makers(Path(folder))
        gc.collect()
        gc.freeze()
        share, met = share_enriched(Chain(made() for made in make.values()), events)
        told = (
            f"{len(events)} events, {share:.0%} of them enriched, {met:.1%} with somebody new; microseconds per event"
        )
        sys.stdout.write(f"{told}\n")
        base = microseconds(lambda: None, events)
        for name, made in make.items():
            sys.stdout.write(f"{name:8} {microseconds(lambda made=made: Chain([made()]), events) - base:6.2f}\n")
        cost = microseconds(lambda: Chain(made() for made in make.values()), events) - base
    sys.stdout.write(f"{'all':8} {cost:6.2f}, beside {base:.2f} for orjson.loads and an Event around it\n")


def share_enriched(chain: Chain, events: Sequence[tuple[int, bytes]]) -> tuple[float, float]:
    """Return how many of the measured events get anything, and how many have a subject that was not there before.

    Raises:
        ValueError: An event is not valid OCSF with what it got.
    """
    enriched = new = 0
    seen: set[Key] = set()
    for number, (at, data) in enumerate(events):
        event = event_of(at, data)
        keys = set(subjects_of(event.ocsf)) - seen
        seen |= keys
        if number < len(events) // 2:
            continue
        found = chain.enrich(event).event
        enriched += found is not event
        new += bool(keys)
        if not is_valid(found.ocsf):
            raise ValueError(f"not valid: {found.ocsf}")
    return enriched / (len(events) // 2), new / (len(events) // 2)


if __name__ == "__main__":
    main(sys.argv[1:])

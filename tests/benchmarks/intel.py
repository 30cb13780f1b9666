"""How large and how quick the indicator table is: `python -m tests.benchmarks.intel [--indicators N]`.

Made indicators of every kind, in the proportions of common feeds, go through the builder; another process maps the
file, so that its memory is that of a worker. Hits ask for what is listed, misses for what is not; each value is asked
for twice, and the first time brings its pages into the process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table

from enrichers.intel.builder import Builder
from enrichers.intel.enricher import IntelEnricher
from enrichers.intel.indicator import DOMAIN, EMAIL, HASH, IP, JA3, NETWORK, URL, Indicator
from enrichers.intel.table import IntelTable
from models.event import Event, LogSource
from models.ocsf import head
from models.records import Coordinates

SHARES = {HASH: 40, IP: 20, DOMAIN: 20, URL: 15, NETWORK: 2, EMAIL: 2, JA3: 1}  # percent
ASKED = 50_000
EVENTS = 50_000
DISTINCT = 2_000  # addresses and names in the stream: real telemetry repeats itself
ABSENT = 1 << 40  # numbers from here on are in no list
DISTINCT_FACTS = 10  # every so many indicators there is one with an id and times of its own
_CHILD = "from tests.benchmarks.intel import measure; measure({!r}, {!r})"


def value_of(kind: str, number: int) -> str:
    """Return the observable of a kind with a number: another for each number."""
    mixed = sha256(b"%s%d" % (kind.encode(), number)).digest()
    if kind == IP:
        return _address(mixed, number)
    if kind == NETWORK:
        return f"{IPv4Address((int.from_bytes(mixed[:4]) | 1 << 29) & 0xDFFFFF00)}/24"
    name = f"{mixed[:5].hex()}.{mixed[5:7].hex()}.example"
    if kind in {HASH, JA3}:
        return mixed.hex() if kind == HASH else mixed[:16].hex()
    return {DOMAIN: name, URL: f"{name}/{mixed[7:9].hex()}/{mixed[9:13].hex()}.bin", EMAIL: f"u{number}@{name}"}[kind]


def _address(mixed: bytes, number: int) -> str:
    if number % 10:
        return str(IPv4Address((int.from_bytes(mixed[:4]) | 1 << 29) & 0xDFFFFFFF))
    return str(IPv6Address(0x2001 << 112 | int.from_bytes(mixed[:14])))


def indicators(count: int) -> Iterator[Indicator]:
    """Yield made indicators."""
    for kind, share in SHARES.items():
        for number in range(count * share // 100):
            own = number % DISTINCT_FACTS == 0
            yield Indicator(
                kind,
                value_of(kind, number),
                f"list-{number % 7}",
                confidence=70,
                id=f"indicator--{number:032x}" if own else "",
                valid_from=number if own else 0,
            )


def measure(path: str, count: str) -> None:
    """Map the table, ask it, and print figures as JSON."""
    before = _memory()
    began = time.perf_counter()
    table = IntelTable(Path(path))
    opened = time.perf_counter() - began
    mapped = _memory()
    lookups = {}
    for kind, share in SHARES.items():
        listed = int(count) * share // 100
        hits = [value_of(kind, number) for number in range(0, listed, max(1, listed // ASKED))][:ASKED]
        misses = [value_of(kind, ABSENT + number) for number in range(ASKED)]
        if kind == NETWORK:
            hits, misses = ([each.replace("0/24", "9") for each in values] for values in (hits, misses))
        asked = IP if kind == NETWORK else kind
        ask = partial(table.find, asked)
        lookups[kind] = {
            f"{which}, {time_of}": _nanoseconds(ask, values)
            for which, values in (("hit", hits), ("miss", misses))
            for time_of in ("first", "again")
        }
        lookups[kind]["found"] = sum(bool(table.find(asked, value)) for value in hits) / len(hits)
    stream = _per_event(table)
    memory = {"before": before, "mapped": mapped, "after": _memory()}
    click.echo(orjson.dumps({"open_ms": opened * 1000, "memory": memory, "lookups": lookups, "events": stream}))


def _nanoseconds(ask: Callable[[str], object], values: list[str]) -> float:
    began = time.perf_counter_ns()
    for value in values:
        ask(value)
    return (time.perf_counter_ns() - began) / len(values)


def _per_event(table: IntelTable) -> dict[str, float]:
    """Return microseconds for an event whose values repeat, none listed, and for one that has a match."""
    enricher = IntelEnricher(table)
    clean = [_connection(number, value_of(IP, ABSENT + number % DISTINCT)) for number in range(EVENTS)]
    listed = [_connection(number, value_of(IP, number % DISTINCT)) for number in range(EVENTS // 5)]
    return {"clean_us": _event_us(enricher, clean), "match_us": _event_us(enricher, listed)}


def _event_us(enricher: IntelEnricher, events: list[Event]) -> float:
    began = time.perf_counter()
    for event in events:
        enricher.enrich(event)
    return (time.perf_counter() - began) / len(events) * 1e6


def _connection(number: int, address: str) -> Event:
    body = {
        **head(4001, 6, 1_790_000_000_000),
        "metadata": {"version": "1.8.0", "product": {"vendor_name": "x"}},
        "src_endpoint": {"ip": f"10.0.{number % 8}.{number % 250}", "port": number % 60_000},
        "dst_endpoint": {"ip": address, "port": 443, "hostname": f"h{number % DISTINCT}.example.net"},
        "connection_info": {"protocol_name": "tcp"},
        "tls": {"sni": f"h{number % DISTINCT}.example.net", "version": "1.3"},
    }
    return Event(
        f"e{number}", 1_790_000_000_000, "made", LogSource("made"), {}, body, Coordinates("made", 0, number), ""
    )


def _memory() -> dict[str, float]:
    """Return MB in memory by itself, and of mapped files, which other workers share."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    kilobytes = {
        name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest.endswith("kB")
    }
    return {"own": kilobytes["RssAnon"] / 1024, "shared": kilobytes["RssFile"] / 1024}


@click.command()
@click.option("--indicators", "count", default=10_000_000, show_default=True)
def main(count: int) -> None:
    """Build, then measure in another process."""
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made.intel")
        builder = Builder()
        began = time.perf_counter()
        for said in track(indicators(count), "building", count, console=Console(stderr=True), transient=True):
            builder.add(said)
        added, memory = time.perf_counter() - began, _memory()
        built = builder.write(path, {})
        written = time.perf_counter() - began - added
        command = [sys.executable, "-c", _CHILD.format(str(path), str(count))]
        figures = orjson.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603  # our own program
    console.print(f"{built.indicators:,} indicators, {built.size_bytes / 1e6:,.0f} MB on disk")
    console.print(
        f"made and added in {added:,.1f} s, sorted and written in {written:,.1f} s; builder {memory['own']:,.0f} MB"
    )
    console.print(f"opened in {figures['open_ms']:.1f} ms; MB in memory: {figures['memory']}")
    console.print(f"us per event: {figures['events']}")
    table = Table("kind", "hit, first", "hit, again", "miss, first", "miss, again", "found", title="ns a lookup")
    for kind, each in figures["lookups"].items():
        *times, found = each.values()
        table.add_row(kind, *(f"{each_time:,.0f}" for each_time in times), f"{found:.1%}")
    console.print(table)


if __name__ == "__main__":
    main()

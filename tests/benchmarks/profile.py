"""How quick the profile core is: `python -m tests.benchmarks.profile [--entities N] [--hours N]`.

Feature deltas of made entities through one partition on one core: deltas are joined, minutes and hours closed, models
asked and taught, scores judged, changed states encoded. Once with entities that are active every minute, once with some
that are active three minutes an hour: then most of the time goes into ending hours. Encoding stands apart.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import click
from rich.console import Console
from rich.table import Table

from models.anomaly.base import HOUR_MS
from models.feature import MINUTE_MS, Delta
from streams.cli.output import print_json
from streams.profile.engine import Profiler
from streams.profile.partition import Partition
from streams.profile.progress import Progress
from streams.profile.settings import ProfileSettings
from tests.profile.made import HOUR, START, delta

AIM = 20_000  # deltas a second on one core
SOURCE = "zeek"
SHAPES = {"active every minute": 1, "active three minutes an hour": 20}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        what: Shape of the input.
        deltas: How many.
        per_second: Deltas a CPU second, encoding left out.
        with_encoding: The same with the states encoded that each minute changed.
        state_bytes: Median of an entity.
    """

    what: str
    deltas: int
    per_second: float
    with_encoding: float
    state_bytes: int


def made(entities: int, hours: int, every: int) -> Iterator[list[Delta]]:
    """Yield the deltas of each minute: every entity once in `every` minutes, as a host with its own destinations."""
    chance = Random(1)  # noqa: S311  # a benchmark has to be repeatable, not secret
    for at in range(hours * HOUR):
        yield [
            delta(
                f"host:h{n}",
                at,
                source=SOURCE,
                counts={"connections": chance.randint(1, 9), "bytes_out": chance.randint(100, 10**6), "dns_queries": 3},
                values={"destination": [f"203.0.113.{(n + chance.randrange(4)) % 200}"], "port": ["443"]},
                distinct={"destinations": [str(chance.randrange(4))]},
                peaks={"dns_entropy": chance.randint(2500, 3500)},
            )
            for n in range(at % every, entities, every)
        ]


def measure(what: str, entities: int, hours: int) -> Measured:
    """Measure one shape."""
    minutes = list(made(entities, hours, SHAPES[what]))
    partition = Partition(Profiler(ProfileSettings()), 0, 1, {})
    core = encoding = 0.0
    sizes = dict[bytes, int]()
    for at, deltas in enumerate(minutes):
        end = START + (at + 1) * MINUTE_MS
        began = time.process_time()
        partition.take_deltas(deltas, at, 0)
        partition.come(Progress({SOURCE: end}, {SOURCE: {0: end - HOUR_MS}}, end))
        partition.outputs()
        between = time.process_time()
        sizes.update((key, len(value)) for key, value in partition.changes() if value and key.startswith(b"host:"))
        core, encoding = core + between - began, encoding + time.process_time() - between
    number = sum(map(len, minutes))
    middle = sorted(sizes.values())[len(sizes) // 2]
    return Measured(what, number, number / core, number / (core + encoding), middle)


@click.command()
@click.option("--entities", default=500, show_default=True, help="Entities.")
@click.option("--hours", default=4, show_default=True, help="Hours of event time.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(*, entities: int, hours: int, as_json: bool) -> None:
    """Measure the profile core."""
    found = [measure(what, entities, hours) for what in SHAPES]
    if as_json:
        print_json({one.what: {"per_second": one.per_second, "with_encoding": one.with_encoding} for one in found})
        return
    table = Table("", "deltas", "deltas/CPU s", "with encoding", "bytes of an entity", title=f"Aim: {AIM:,}")
    for one in found:
        table.add_row(
            one.what, f"{one.deltas:,}", f"{one.per_second:,.0f}", f"{one.with_encoding:,.0f}", f"{one.state_bytes:,}"
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())

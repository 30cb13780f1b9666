"""How quick the profile core is: `python -m tests.benchmarks.profile [--entities N] [--hours N] [--days N]`.

Feature deltas of made entities through one partition on one core: deltas are joined, minutes and hours closed, models
asked and taught, scores judged, changed states encoded. Once with entities that are active every minute, once with some
that are active three minutes an hour: then most of the time goes into ending hours. Encoding stands apart. What is
measured comes after days in which the entities were learned, so that every model has something to say.
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
from streams.profile.outputs import Told
from streams.profile.partition import Partition
from streams.profile.progress import Progress
from streams.profile.settings import ProfileSettings
from tests.profile.made import DAY, HOUR, START, delta

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


def made(entities: int, minutes: range, every: int, times: int = 1) -> Iterator[list[Delta]]:
    """Yield the deltas of each minute: every entity once in `every` minutes, as a host with its own destinations.

    Amounts are `times` as large: one minute can stand for many.
    """
    chance = Random(minutes.start)  # noqa: S311  # a benchmark has to be repeatable, not secret
    for at in minutes:
        yield [
            delta(
                f"host:h{n}",
                at,
                source=SOURCE,
                counts={
                    "connections": times * chance.randint(1, 9),
                    "bytes_out": times * chance.randint(100, 10**6),
                    "dns_queries": times * 3,
                },
                values={"destination": [f"203.0.113.{(n + chance.randrange(4)) % 200}"], "port": ["443"]},
                distinct={"destinations": [str(chance.randrange(4))]},
                peaks={"dns_entropy": chance.randint(2500, 3500)},
            )
            for n in range(at % every, entities, every)
        ]


def measure(what: str, entities: int, hours: int, days: int) -> Measured:
    """Measure one shape, after so many days in which every hour of an entity came as one minute."""
    every, first = SHAPES[what], days * DAY
    partition = Partition(Profiler(ProfileSettings()), 0, 1, {})
    for at, deltas in enumerate(made(entities, range(first), HOUR, HOUR // every)):
        _play(partition, at, deltas)
    sizes = {key: len(value) for key, value in partition.changes() if value and key.startswith(b"host:")}
    core = encoding = 0.0
    number = 0
    minutes = list(made(entities, range(first, first + hours * HOUR), every))
    for at, deltas in enumerate(minutes, first):
        began = time.process_time()
        _play(partition, at, deltas)
        between = time.process_time()
        list(partition.changes())
        core, encoding, number = core + between - began, encoding + time.process_time() - between, number + len(deltas)
    middle = sorted(sizes.values())[len(sizes) // 2]
    return Measured(what, number, number / core, number / (core + encoding), middle)


def _play(partition: Partition, at: int, deltas: list[Delta]) -> None:
    """Give a partition the deltas of a minute, close it, and an hour later what groups were told of it."""
    end = START + (at + 1) * MINUTE_MS
    partition.take_deltas(deltas, at, 0)
    partition.come(Progress({SOURCE: end}, {SOURCE: {0: end - HOUR_MS}}, end))
    partition.take_reports([out.report for out in partition.outputs() if isinstance(out, Told)])


@click.command()
@click.option("--entities", default=500, show_default=True, help="Entities.")
@click.option("--hours", default=4, show_default=True, help="Hours of event time.")
@click.option("--days", default=8, show_default=True, help="Days that are learned before.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(*, entities: int, hours: int, days: int, as_json: bool) -> None:
    """Measure the profile core."""
    found = [measure(what, entities, hours, days) for what in SHAPES]
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

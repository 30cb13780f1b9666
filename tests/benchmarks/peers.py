"""Braid beside its peers: `make bench-peers`, or `python -m tests.benchmarks.peers`.

One rule, A then B of one host within ten minutes, on the same messages and the same broker: Braid's correlate worker, a
windowed table of Faust (`peer_faust.py`), and Quix Streams in two ways (`peer_quix.py`), each written as its
documentation has it, with what helps it: settings of Braid's own worker, event time from the record, each host told of
once. One process each, one after the other. What they find is judged by the naive oracle of the tests, with the signals
in order, shuffled, late and repeated, and with the process stopped midway, in good order (`restart`) or by `kill -9`.

Quix Streams binds another Kafka client, so it gets an environment of its own in the cache folder, made the first time.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from streams.cli.output import print_json
from streams.workers.local_kafka import LocalKafka
from tests.benchmarks.peers_engines import QUIX, engines, make_quix, quix_folder
from tests.benchmarks.peers_input import HOUR_MS, MINUTE_MS, ORDERS, feed
from tests.benchmarks.peers_run import BREAKS, Engine, Place, Ran, run

SIGNALS = 20_000
HOSTS = 2_000
PARTITIONS = 2
GRACE_MIN = 5
CASES = "ordered,shuffled,late,shuffled+restart,shuffled+kill"
SINCE_MS = 12 * HOUR_MS


def measure(
    chosen: Sequence[Engine], cases: Sequence[tuple[str, str]], size: tuple[int, int], place: Place, progress: Progress
) -> Iterator[Ran]:
    """Run every engine on every case, each on topics and files of its own.

    Args:
        chosen: The engines.
        cases: Order of arrival, and how the process is stopped midway.
        size: How many signals of how many hosts.
        place: Where; folder and prefix are those that the runs' own begin with.
        progress: Shows how far they are.
    """
    now_ms = int(time.time() * 1000)  # noqa: TID251  # Faust forgets windows by the wall clock, so times are near it
    for order, midway in cases:
        given = feed(order, *size, place.partitions, now_ms - SINCE_MS)
        for engine in chosen:
            task = progress.add_task(f"{engine.name}, {order} {midway}", total=len(given.expected))
            name = f"{place.prefix}{secrets.token_hex(4)}."
            folder = place.folder / name
            folder.mkdir()
            own = Place(place.bootstrap, name, folder, place.partitions, place.grace_ms)
            yield run(engine, given, own, midway, partial(_advance, progress, task))


def _advance(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)


def _cases(_context: click.Context, _option: click.Parameter, given: str) -> tuple[tuple[str, str], ...]:
    cases = tuple((order, midway) for order, _, midway in (part.partition("+") for part in given.split(",")))
    if not all(order in ORDERS and midway in BREAKS for order, midway in cases):
        known = " or ".join(name for name in BREAKS if name)
        raise click.BadParameter(f"{', '.join(ORDERS)} with commas between, each with +{known} where it is wanted")
    return cases


def _quix(console: Console) -> Path | None:
    """Return an interpreter that has Quix Streams, None, told why, when its packages cannot be had."""
    folder = quix_folder()
    try:
        return make_quix(folder) if folder else None
    except (OSError, subprocess.CalledProcessError) as error:
        console.print(f"left out: {QUIX} ({error})")
        return None


@click.command()
@click.option("--signals", default=SIGNALS, show_default=True, help="Distinct signals.")
@click.option("--hosts", default=HOSTS, show_default=True, help="Hosts they are of.")
@click.option("--partitions", default=PARTITIONS, show_default=True, help="Partitions of their topic.")
@click.option("--grace", default=GRACE_MIN, show_default=True, help="Minutes that the peers are told signals are late.")
@click.option("--cases", default=CASES, show_default=True, callback=_cases, help="Orders of arrival, and stops.")
@click.option("--engine", "names", multiple=True, help="Only engines whose names begin so; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(
    *,
    signals: int,
    hosts: int,
    partitions: int,
    grace: int,
    cases: tuple[tuple[str, str], ...],
    names: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure Braid and its peers on a Kafka of their own."""
    console = Console(stderr=True)
    known = engines(_quix(console) if not names or any("Quix".startswith(name[:4]) for name in names) else None)
    chosen = [engine for name, engine in known.items() if name.startswith(names or "")]
    if not chosen:
        raise click.BadParameter(f"no such engine; there are {', '.join(known)}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-bench-")))
        kafka = stack.enter_context(LocalKafka(tell=console.print))
        progress = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        place = Place(kafka.bootstrap, "peers-", folder, partitions, grace * MINUTE_MS)
        ran = []
        for one in measure(chosen, cases, (signals, hosts), place, progress):
            ran.append(one)
            console.print(f"{one.case}: {one.engine} found {one.verdict.found:,} of {one.verdict.expected:,}")
    about = {"cores": len(os.sched_getaffinity(0)), "signals": signals, "hosts": hosts, "partitions": partitions}
    if as_json:
        print_json({**about, "ran": [asdict(one) | {"missed": one.verdict.missed} for one in ran]})
        return
    out = Console(width=150)
    out.print(", ".join(f"{name} {value:,}" for name, value in about.items()))
    for table in (_speed(ran), _answers(ran)):
        out.print(table)


def _speed(ran: Sequence[Ran]) -> Table:
    head = ("case", "engine", "signals", "wall s", "signals/s", "CPU s", "signals/CPU s", "peak MB")
    table = Table(*head, title="One process each; broker and this command share the cores")
    for one in ran:
        numbers = (
            f"{one.signals:,}",
            f"{one.wall_s:.2f}",
            f"{one.per_second:,.0f}",
            f"{one.cpu_s:.2f}",
            f"{one.per_core:,.0f}",
            f"{one.peak_mb:,.0f}",
        )
        table.add_row(one.case, one.engine, *numbers)
    return table


def _answers(ran: Sequence[Ran]) -> Table:
    head = ("case", "engine", "expected", "found", "missed", "twice", "wrong", "whole", "records", "")
    table = Table(*head, title="Against the oracle: sequences")
    for one in ran:
        found = one.verdict
        counts = found.expected, found.found, found.missed, found.twice, found.wrong, found.exact, found.records
        table.add_row(one.case, one.engine, *(f"{count:,}" for count in counts), one.problem)
    return table


if __name__ == "__main__":
    sys.exit(main())

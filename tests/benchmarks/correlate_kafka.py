"""How fast correlate is on a real Kafka: `make bench-correlate-kafka`, or `python -m tests.benchmarks.correlate_kafka`.

Workers (`braid worker correlate`, processes of their own) with the made rules and signals of `correlating`; a copy is
one message of `signals`, a signal at one of its group keys. Then a changelog is filled with quiet entities, and a
worker started that has to restore them: how long until it works again, and how much memory it takes.

Broker, workers and this process share the cores of one machine: CPU seconds say more than wall clocks.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from streams.cli.output import print_json
from streams.topics import KEYED_PARTITIONS
from streams.workers.local_kafka import LocalKafka
from tests.benchmarks.correlate_kafka_input import write_rules
from tests.benchmarks.correlate_kafka_run import Recovered, recovery, throughput
from tests.benchmarks.ingest import Measured
from tests.benchmarks.watching import WorkerEnded
from tests.workers.processes import Braid

RULES = 200
SIGNALS = 4_000
ENTITIES = 1_000_000
SHAPES = "1x1,2x1,4x1,4x2"
Shape = tuple[int, int]


def _advance(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)


def _shapes(_context: click.Context, _option: click.Parameter, given: str) -> tuple[Shape, ...]:
    parts = [part.partition("x") for part in given.split(",") if part]
    if not all(left.isdigit() and right.isdigit() and 0 < int(right) <= int(left) for left, _, right in parts):
        raise click.BadParameter("PARTITIONSxWORKERS with commas between, such as 1x1,4x2")
    return tuple((int(left), int(right)) for left, _, right in parts)


@click.command()
@click.option("--signals", default=SIGNALS, show_default=True, help="Signals; each goes to several keys.")
@click.option("--rules", default=RULES, show_default=True, help="Correlations.")
@click.option("--shapes", default=SHAPES, show_default=True, callback=_shapes, help="PARTITIONSxWORKERS, in turn.")
@click.option("--entities", default=ENTITIES, show_default=True, help="Quiet entities to recover; 0 for no recovery.")
@click.option("--partitions", default=KEYED_PARTITIONS, show_default=True, help="Partitions to recover.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(*, signals: int, rules: int, shapes: tuple[Shape, ...], entities: int, partitions: int, as_json: bool) -> None:
    """Measure the correlate worker on a Kafka of its own."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-bench-")))
        specs = write_rules(folder / "rules", rules)
        kafka = stack.enter_context(LocalKafka(tell=console.print))
        progress = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        measured, recovered = list[Measured](), list[Recovered]()
        try:
            for shape in shapes:
                tell = partial(_advance, progress, progress.add_task(f"{shape[0]} partitions, {shape[1]} workers"))
                measured.append(throughput(_braid(kafka, folder), specs, signals, shape, kafka.pid, tell))
            if entities:
                tell = partial(_advance, progress, progress.add_task("recovery", total=entities))
                recovered.append(recovery(_braid(kafka, folder), entities, partitions, kafka.pid, tell))
        except WorkerEnded as error:
            raise click.ClickException(f"{error}\n{_last_log(folder)}") from error
    about = {"cores": len(os.sched_getaffinity(0)), "rules": rules, "signals": signals}
    if as_json:
        print_json(
            {**about, "measured": [one.as_json() for one in measured], "recovered": [asdict(one) for one in recovered]}
        )
        return
    out = Console(width=150)
    out.print(", ".join(f"{name} {value:,}" for name, value in about.items()))
    out.print(_speed(measured))
    for one in recovered:
        out.print(_recovery(one))


def _braid(kafka: LocalKafka, folder: Path) -> Braid:
    """Return an installation with a prefix and a folder of its own."""
    name = f"correlate-{secrets.token_hex(4)}."
    (folder / name).mkdir()
    return Braid(kafka.bootstrap, name, folder / "rules", folder / name)


def _last_log(folder: Path) -> str:
    logs = sorted(folder.glob("*/*.log"), key=lambda log: log.stat().st_mtime)
    return logs[-1].read_text("utf-8", "replace")[-2000:] if logs else ""


def _speed(found: list[Measured]) -> Table:
    head = ("", "copies", "wall s", "copies/s", "CPU s", "copies/CPU s", "us later", "broker CPU s", "shares")
    table = Table(*head, title="Copies of signals through correlate")
    for one in found:
        numbers = (
            f"{one.records:,}",
            f"{one.wall_s:.2f}",
            f"{one.per_second:,.0f}",
            f"{one.cpu_s:.2f}",
            f"{one.per_core:,.0f}",
            f"{one.later_us:.0f}",
            f"{one.broker_cpu_s:.2f}",
            " ".join(f"{share:,}" for share in one.shares),
        )
        table.add_row(one.what, *numbers)
    return table


def _recovery(one: Recovered) -> Table:
    table = Table("what", "measured", title=f"Recovery of {one.entities:,} entities, {one.partitions} partitions")
    table.add_row("keys and values, MB", f"{one.state_bytes / 1e6:,.0f}")
    table.add_row("changelog on the broker's disk, MB", f"{one.log_bytes / 1e6:,.0f}")
    table.add_row("s from start to partitions", f"{one.assigned_s:.1f}")
    table.add_row("s from start to restored tables", f"{one.restored_s:.1f}")
    table.add_row("s from start to the first signal", f"{one.first_s:.1f}")
    table.add_row("s from start to a signal in every partition", f"{one.all_s:.1f}")
    table.add_row("CPU s", f"{one.cpu_s:.1f}")
    table.add_row("memory, MB (most)", f"{one.resident_mb:,.0f} ({one.peak_mb:,.0f})")
    return table


if __name__ == "__main__":
    sys.exit(main())

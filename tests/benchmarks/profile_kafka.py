"""How fast profile is on a real Kafka: `make bench-profile-kafka`, or `python -m tests.benchmarks.profile_kafka`.

One worker (`braid worker profile`, a process of its own) with its changelog, that gets what ingest sends: envelopes of
the feature deltas of each minute, and a tick. Entities are learned for days first; what is measured are the hours after
these, in which every entity has a delta every minute. All lies there before the worker comes to it: a bundle of records
has several minutes, and each state that it changes is written once.

Broker, worker and this process share the cores of one machine: CPU seconds say more than wall clocks.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from streams.cli.output import print_json
from streams.workers.local_kafka import LocalKafka
from tests.benchmarks.ingest import Measured
from tests.benchmarks.profile_kafka_run import Load, throughput
from tests.benchmarks.watching import WorkerEnded
from tests.workers.processes import Braid

AIM = 10_000  # deltas a second
Found = tuple[Measured, int]


def _advance(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)


def _numbers(_context: click.Context, _option: click.Parameter, given: str) -> tuple[int, ...]:
    parts = [part for part in given.split(",") if part]
    if not all(part.isdigit() and int(part) for part in parts):
        raise click.BadParameter("numbers with commas between, such as 1,4")
    return tuple(map(int, parts))


@click.command()
@click.option("--entities", default=500, show_default=True, help="Entities.")
@click.option("--days", default=8, show_default=True, help="Days that are learned before.")
@click.option("--hours", default=4, show_default=True, help="Hours of event time that are measured.")
@click.option("--partitions", default="1,4", show_default=True, callback=_numbers, help="Partitions, in turn.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(*, entities: int, days: int, hours: int, partitions: tuple[int, ...], as_json: bool) -> None:
    """Measure the profile worker on a Kafka of its own."""
    console, load = Console(stderr=True), Load(entities, days, hours)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-bench-")))
        kafka = stack.enter_context(LocalKafka(tell=console.print))
        progress = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        found = list[Found]()
        try:
            for number in partitions:
                task = progress.add_task(f"{number} partitions", total=load.learned + load.measured)
                tell = partial(_advance, progress, task)
                found.append(throughput(_braid(kafka, folder), load, number, kafka.pid, tell))
        except WorkerEnded as error:
            raise click.ClickException(f"{error}\n{_last_log(folder)}") from error
    about = {"cores": len(os.sched_getaffinity(0)), "entities": entities, "deltas": load.measured}
    if as_json:
        print_json({**about, "measured": [{**one.as_json(), "states_written": written} for one, written in found]})
        return
    out = Console(width=130)
    out.print(", ".join(f"{name} {value:,}" for name, value in about.items()))
    out.print(_speed(found))


def _braid(kafka: LocalKafka, folder: Path) -> Braid:
    """Return an installation with a prefix and a folder of its own."""
    name = f"profile-{secrets.token_hex(4)}."
    (folder / name / "rules").mkdir(parents=True)
    return Braid(kafka.bootstrap, name, folder / name / "rules", folder / name)


def _last_log(folder: Path) -> str:
    logs = sorted(folder.glob("*/*.log"), key=lambda log: log.stat().st_mtime)
    return logs[-1].read_text("utf-8", "replace")[-2000:] if logs else ""


def _speed(found: list[Found]) -> Table:
    head = ("", "deltas", "wall s", "deltas/s", "CPU s", "deltas/CPU s", "us later", "broker CPU s", "states written")
    table = Table(*head, title=f"Feature deltas through profile (aim: {AIM:,}/s)")
    for one, written in found:
        numbers = (
            f"{one.records:,}",
            f"{one.wall_s:.2f}",
            f"{one.per_second:,.0f}",
            f"{one.cpu_s:.2f}",
            f"{one.per_core:,.0f}",
            f"{one.later_us:.0f}",
            f"{one.broker_cpu_s:.2f}",
            f"{written:,}",
        )
        table.add_row(one.what, *numbers)
    return table


if __name__ == "__main__":
    sys.exit(main())

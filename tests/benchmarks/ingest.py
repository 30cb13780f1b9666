"""How fast ingest is on a real Kafka: `make bench-ingest`, or `python -m tests.benchmarks.ingest RULES LABEL=PATH...`.

Every file of a path gives a stretch of its records. They are sent to topics of their own in one transaction that stays
open until the workers (`braid worker ingest`, processes of their own) have shared the partitions; what is measured
goes from the commit of that transaction to the commit of the last record's results. Beside it stand, in the same run,
what the stage takes in this process without any Kafka, and what a consumer takes that only reads.

Broker, workers and this process share the cores of one machine, and the broker alone takes a good part of one: wall
clocks of several workers say little there, CPU seconds do.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from streams.cli.output import print_json
from streams.config import load_settings
from streams.detect.matching.meter import Meter
from streams.rulebook import Rulebook, load_rulebook
from streams.sources.registry import SOURCES
from streams.stage import build_stages
from streams.topics import RAW_PARTITIONS
from streams.topics import table as topics_of
from streams.workers import clients, kafka_admin
from streams.workers.local_kafka import LocalKafka, free_ports
from tests.benchmarks.detect import records_of
from tests.benchmarks.sending import ASK_S, Load, can_be_sent, hold, load_of, thinned
from tests.benchmarks.watching import Sample, Worker, WorkerEnded, await_group, cpu_seconds, look, until_done
from tests.workers.processes import Braid

RECORDS = 60_000
START_S = 90.0  # with rules that nobody has compiled yet
RUN_S = 120.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A stretch of work.

    Attributes:
        what: Who did it.
        records: How many records.
        wall_s: Seconds by the clock.
        cpu_s: CPU seconds of those who did it, all threads.
        broker_cpu_s: CPU seconds of the broker meanwhile.
        later_us: CPU microseconds per record of the second half: rules and values have been met before.
        shares: Records of each process.
    """

    what: str
    records: int
    wall_s: float
    cpu_s: float
    broker_cpu_s: float = 0.0
    later_us: float = 0.0
    shares: tuple[int, ...] = ()

    @property
    def per_second(self) -> float:
        """Return records per second by the clock."""
        return self.records / self.wall_s

    @property
    def per_core(self) -> float:
        """Return records per CPU second."""
        return self.records / self.cpu_s

    def as_json(self) -> dict[str, object]:
        """Render with what follows from it."""
        return {**asdict(self), "per_second": round(self.per_second), "per_core": round(self.per_core)}


def summary(what: str, samples: Sequence[Sample]) -> Measured:
    """Sum up the samples of one run, the first of which was taken when it began."""
    first, last = samples[0], samples[-1]
    total = sum(last.records) - sum(first.records)
    middle = next(sample for sample in samples if (sum(sample.records) - sum(first.records)) * 2 >= total)
    later = sum(last.records) - sum(middle.records)
    return Measured(
        what,
        total,
        last.at_s - first.at_s,
        last.cpu_s - first.cpu_s,
        last.broker_cpu_s - first.broker_cpu_s,
        (last.cpu_s - middle.cpu_s) / max(1, later) * 1e6,
        tuple(after - before for before, after in zip(first.records, last.records, strict=True)),
    )


def on_kafka(braid: Braid, load: Load, processes: int, broker_pid: int, told: Callable[[int], object]) -> Measured:
    """Measure workers in one group on topics of their own, which are there already.

    Args:
        braid: Broker, prefix, rules.
        load: What to send.
        processes: How many workers.
        broker_pid: Process id of the broker, 0 when it is none of ours.
        told: Told how many records are done.
    """
    held = hold(braid.bootstrap, braid.prefix, load.messages)
    with ExitStack() as stack:
        workers = [_worker(stack, braid) for _ in range(processes)]
        group, partitions = f"{braid.prefix}braid-ingest", len(SOURCES) * RAW_PARTITIONS
        await_group(braid.bootstrap, group, processes, partitions, START_S, lambda: [w.health() for w in workers])
        samples = [look(workers, broker_pid)]
        held.commit_transaction(ASK_S)
        for sample in until_done(workers, broker_pid, len(load.records), RUN_S):
            samples.append(sample)
            told(sum(sample.records))
    return summary(f"{processes} process" + "es" * (processes > 1), samples)


def _worker(stack: ExitStack, braid: Braid) -> Worker:
    port, _ = free_ports()
    process = stack.enter_context(braid.running("worker", "ingest", BRAID_HEALTH_PORT=str(port)))
    return Worker(process, port)


def stage_alone(rulebook: Rulebook, load: Load) -> Measured:
    """Measure the stage as the worker has it, in this process and without Kafka."""
    ingest = build_stages(rulebook, meter=Meter(time.perf_counter_ns)).ingest
    half = len(load.records) // 2
    marks = [(time.perf_counter(), time.process_time())]
    for part in (load.records[:half], load.records[half:]):
        for source, record in part:
            ingest.process(source, record)
        marks.append((time.perf_counter(), time.process_time()))
    walls, spent = ([after[n] - before[n] for before, after in pairwise(marks)] for n in (0, 1))
    later = spent[1] / max(1, len(load.records) - half) * 1e6
    return Measured("the stage alone", len(load.records), sum(walls), sum(spent), later_us=later)


def reading_alone(braid: Braid, messages: int, broker_pid: int) -> Measured:
    """Measure a consumer that is set up as the worker's is and does nothing but take batches.

    Its clock begins when it gets its partitions.
    """
    settings = load_settings(bootstrap=braid.bootstrap, topic_prefix=braid.prefix)
    topics = [source.topic for source in SOURCES.values()]
    marks: list[tuple[float, float, float]] = []
    mark = partial(_mark, marks, broker_pid)
    consumer = clients.consumer(settings, "benchmark", topics, on_assign=mark)
    try:
        deadline = time.monotonic() + RUN_S
        taken = 0
        while taken < messages:
            if time.monotonic() > deadline:
                raise WorkerEnded(f"not in {RUN_S:g} s: {messages} messages read")
            taken += len(clients.usable(consumer.consume(settings.batch_records, 0.2)))
        mark()
    finally:
        consumer.close()
    wall, cpu, broker = (after - before for before, after in zip(marks[0], marks[-1], strict=True))
    return Measured("reading alone", taken, wall, cpu, broker)


def _mark(marks: list[tuple[float, float, float]], broker_pid: int, *_: object) -> None:
    marks.append((time.perf_counter(), time.process_time(), cpu_seconds(broker_pid)))


def measure_all(
    kafka: LocalKafka, rules: Path, load: Load, processes: Iterable[int], folder: Path, progress: Progress
) -> list[Measured]:
    """Measure the stage, then workers in each number, each on a fresh copy of the topics, then reading alone."""
    rulebook = load_rulebook([rules])
    found = [stage_alone(rulebook, load)]
    for count in processes:
        braid = Braid(kafka.bootstrap, f"ingest-{count}-{secrets.token_hex(4)}.", rules, folder)
        kafka_admin.create(kafka.bootstrap, topics_of(SOURCES, braid.prefix))
        task = progress.add_task(f"{count} processes", total=len(load.records))
        found.append(on_kafka(braid, load, count, kafka.pid, partial(_advance, progress, task)))
    return [*found, reading_alone(braid, len(load.messages), kafka.pid)]


def _advance(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)


def _counts(_context: click.Context, _option: click.Parameter, given: str) -> tuple[int, ...]:
    try:
        counts = tuple(int(part) for part in given.split(","))
    except ValueError:
        counts = ()
    if not counts or not all(0 < count <= RAW_PARTITIONS for count in counts):
        raise click.BadParameter(f"numbers from 1 to {RAW_PARTITIONS} with commas between, such as 1,2")
    return counts


def _paths(_context: click.Context, _argument: click.Parameter, given: tuple[str, ...]) -> tuple[Path, ...]:
    paths = tuple(Path(path) for _, _, path in (each.partition("=") for each in given) if path)
    missing = [str(path) for path in paths if not path.exists()]
    if missing or len(paths) < len(given):
        raise click.BadParameter(f"no such path: {', '.join(missing)}" if missing else "LABEL=PATH, one or more")
    return paths


@click.command()
@click.argument("rules", type=click.Path(exists=True, path_type=Path))
@click.argument("telemetry", nargs=-1, required=True, callback=_paths)
@click.option("--records", default=RECORDS, show_default=True, help="Most records in all.")
@click.option("--processes", default="1,2", show_default=True, callback=_counts, help="Workers in one group, in turn.")
@click.option("--json", "as_json", is_flag=True, help="Machine output.")
def main(rules: Path, telemetry: tuple[Path, ...], *, records: int, processes: tuple[int, ...], as_json: bool) -> None:
    """Measure ingest on a Kafka of its own: RULES is a rule folder, TELEMETRY is LABEL=PATH, one or more."""
    found = [stretch for path in telemetry for stretch in records_of(path, records)]
    stretches = [list(filter(can_be_sent, stretch)) for stretch in found]
    load = load_of(thinned(stretches, records))
    console = Console(stderr=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="braid-bench-")))
        kafka = stack.enter_context(LocalKafka(tell=console.print))
        progress = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        try:
            measured = measure_all(kafka, rules.absolute(), load, processes, folder, progress)
        except WorkerEnded as error:
            raise click.ClickException(f"{error}\n{_last_log(folder)}") from error
    about = {
        "cores": len(os.sched_getaffinity(0)),
        "records": len(load.records),
        "mean_bytes": load.mean_bytes,
        "left_out": sum(map(len, found)) - sum(map(len, stretches)),
        "sources": len({topic for topic, _ in load.messages}),
    }
    if as_json:
        print_json({**about, "measured": [one.as_json() for one in measured]})
        return
    out = Console(width=150)
    out.print(", ".join(f"{name} {value:,}" for name, value in about.items()))
    out.print(_table(measured))


def _last_log(folder: Path) -> str:
    logs = sorted(folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
    return logs[-1].read_text("utf-8", "replace")[-2000:] if logs else ""


def _table(found: Sequence[Measured]) -> Table:
    head = ("", "records", "wall s", "records/s", "CPU s", "records/CPU s", "us later", "broker CPU s", "x", "shares")
    table = Table(*head, title="Broker, workers and this command share the cores")
    alone = next(one for one in found if one.shares)
    for one in found:
        numbers = (
            f"{one.records:,}",
            f"{one.wall_s:.2f}",
            f"{one.per_second:,.0f}",
            f"{one.cpu_s:.2f}",
            f"{one.per_core:,.0f}",
            f"{one.later_us:.1f}" if one.later_us else "",
            f"{one.broker_cpu_s:.2f}" if one.broker_cpu_s else "",
            f"{one.per_second / alone.per_second:.2f}" if one.shares else "",
            " ".join(f"{share:,}" for share in one.shares),
        )
        table.add_row(one.what, *numbers)
    return table


if __name__ == "__main__":
    sys.exit(main())

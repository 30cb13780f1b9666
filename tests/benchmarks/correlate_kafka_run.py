"""Measure the correlate worker on a Kafka: how fast signals go through it, and how it comes back with its state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from streams.correlate.spec import CorrelationSpec
from streams.topics import CHANGELOGS, SIGNALS, TOPICS, Topic
from streams.workers import kafka_admin
from streams.workers.local_kafka import free_ports
from tests.benchmarks.correlate_kafka_input import fill, messages, probes, send
from tests.benchmarks.ingest import Measured, summary
from tests.benchmarks.watching import LOOK_S, Sample, Worker, WorkerEnded, await_group, cpu_seconds
from tests.workers.processes import Braid

START_S = 60.0
RUN_S = 240.0
RESTORED_PER_S = 1_000  # a worker that is slower than that is not waited for
GROUP = "braid-correlate"
CHANGELOG = CHANGELOGS[0].name
RECOVERED = b"Worker ready"  # Faust's word for it, after it restored its tables
NEEDED = ("signals", "entity-links", "sequences", "late", "dead-letter")


@dataclass(frozen=True, slots=True)
class Recovered:
    """A worker that started with a changelog. Seconds are from the start of its process.

    Attributes:
        entities: How many keys the changelog holds.
        partitions: How many partitions.
        state_bytes: Length of all keys and values.
        log_bytes: What the broker's files of the changelog take.
        assigned_s: Until it had its partitions.
        restored_s: Until its tables were restored.
        first_s: Until its first signal was through.
        all_s: Until a signal was through in every partition: from then on it works as before.
        cpu_s: CPU seconds it took, all threads.
        resident_mb: Memory it has then.
        peak_mb: Most memory it had.
    """

    entities: int
    partitions: int
    state_bytes: int
    log_bytes: int
    assigned_s: float
    restored_s: float
    first_s: float
    all_s: float
    cpu_s: float
    resident_mb: float
    peak_mb: float


def make_topics(braid: Braid, partitions: int) -> None:
    """Make the topics of the worker, with so many partitions of `signals` and all that lies beside it."""
    wanted = [topic for topic in TOPICS if topic.name in NEEDED]
    kafka_admin.create(braid.bootstrap, [_placed(topic, braid.prefix, partitions) for topic in (*wanted, *CHANGELOGS)])


def _placed(topic: Topic, prefix: str, partitions: int) -> Topic:
    count = partitions if SIGNALS.name in {topic.name, topic.beside} else topic.partitions
    return replace(topic, name=prefix + topic.name, partitions=count, beside="")


def throughput(
    braid: Braid,
    specs: Iterable[CorrelationSpec],
    signals: int,
    shape: tuple[int, int],
    broker_pid: int,
    told: Callable[[int], object],
) -> Measured:
    """Measure workers that share partitions; what they get is sent once all of them are ready.

    Args:
        braid: Broker, prefix, rules.
        specs: The correlations of those rules.
        signals: How many signals; each goes to several keys.
        shape: How many partitions and workers.
        broker_pid: Process id of the broker, 0 when it is none of ours.
        told: Told how many copies are done.
    """
    partitions, processes = shape
    make_topics(braid, partitions)
    given = list(messages(specs, signals, partitions))
    with ExitStack() as stack:
        workers = [_worker(stack, braid) for _ in range(processes)]
        _await_ready(braid, workers, partitions)
        samples = [_look(workers, broker_pid)]
        copies = send(braid.bootstrap, braid.prefix, given)
        for sample in _until(workers, broker_pid, copies):
            samples.append(sample)
            told(sum(sample.records))
    return summary(
        f"{partitions} partition{'s' * (partitions > 1)}, {processes} worker{'s' * (processes > 1)}", samples
    )


def _worker(stack: ExitStack, braid: Braid) -> Worker:
    port, _ = free_ports()
    return Worker(stack.enter_context(braid.running("worker", "correlate", BRAID_HEALTH_PORT=str(port))), port)


def _await_ready(braid: Braid, workers: Sequence[Worker], partitions: int) -> None:
    """Wait until all share the partitions.

    Faust assigns each with that of the links and of the changelog; a second worker has the latter too, as a standby.
    """
    total = partitions * (3 + (len(workers) > 1))
    group = braid.prefix + GROUP
    await_group(braid.bootstrap, group, len(workers), total, START_S, lambda: [worker.health() for worker in workers])
    for _ in _looks(START_S, "running workers"):
        if all(worker.health().get("status") == "running" for worker in workers):
            return


def _look(workers: Sequence[Worker], broker_pid: int) -> Sample:
    done = tuple(int(worker.health().get("signals", 0)) for worker in workers)
    spent = sum(cpu_seconds(worker.process.pid) for worker in workers)
    return Sample(time.perf_counter(), done, spent, cpu_seconds(broker_pid))


def _until(workers: Sequence[Worker], broker_pid: int, copies: int) -> Iterator[Sample]:
    for _ in _looks(RUN_S, f"{copies} signals"):
        sample = _look(workers, broker_pid)
        yield sample
        if sum(sample.records) >= copies:
            return


def _looks(most_s: float, what: str) -> Iterator[None]:
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        yield
        time.sleep(LOOK_S)
    raise WorkerEnded(f"not in {most_s:g} s: {what}")


def recovery(braid: Braid, entities: int, partitions: int, broker_pid: int, told: Callable[[int], object]) -> Recovered:
    """Fill the changelog, then measure a worker that starts with it.

    Args:
        braid: Broker, prefix, rules.
        entities: How many keys to fill it with.
        partitions: How many partitions.
        broker_pid: Process id of a broker on this machine, by which its files are found.
        told: Told how many keys are there.
    """
    make_topics(braid, partitions)
    size = fill(braid.bootstrap, braid.prefix + CHANGELOG, entities, partitions, told)
    wanted = send(braid.bootstrap, braid.prefix, probes(partitions))
    log_bytes = _log_bytes(broker_pid, braid.prefix + CHANGELOG)
    with ExitStack() as stack:
        began = time.perf_counter()
        worker = _worker(stack, braid)
        marks = dict[str, float]()
        for _ in _looks(START_S + entities / RESTORED_PER_S, "a worker that is back"):
            for name in _reached(braid, worker, wanted):
                marks.setdefault(name, time.perf_counter() - began)
            if "all" in marks:
                break
        status = _status(worker.process.pid)
        return Recovered(
            entities=entities,
            partitions=partitions,
            state_bytes=size,
            log_bytes=log_bytes,
            assigned_s=marks["assigned"],
            restored_s=marks["restored"],
            first_s=marks["first"],
            all_s=marks["all"],
            cpu_s=cpu_seconds(worker.process.pid),
            resident_mb=status["VmRSS"] / 1e3,
            peak_mb=status["VmHWM"] / 1e3,
        )


def _reached(braid: Braid, worker: Worker, wanted: int) -> Iterator[str]:
    """Yield how far a worker has come."""
    health = worker.health()
    done = health.get("signals", 0)
    if health.get("status") == "running":
        yield "assigned"
    if any(RECOVERED in log.read_bytes() for log in braid.folder.glob("*.log")):
        yield "restored"
    yield from ["first"] * (done > 0) + ["all"] * (done >= wanted)


def _status(pid: int) -> dict[str, int]:
    """Return the sizes (kB) in /proc/PID/status (proc(5))."""
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if row[-1] == "kB"}


def _log_bytes(broker_pid: int, topic: str) -> int:
    """Return what the segments of a topic take, of a broker that runs in the folder of its data."""
    folders = Path(f"/proc/{broker_pid}/cwd/data").glob(f"{topic}-*")
    return sum(file.stat().st_size for file in chain.from_iterable(folder.glob("*.log") for folder in folders))

"""What processes take, seen from outside: their CPU seconds, and how far the workers of a group have come."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.04
ASK_S = 5.0


class WorkerEnded(Exception):
    """A worker ended, or did not come as far as it should in time."""


def cpu_ticks(stat: str) -> int:
    """Return user and system time in clock ticks from the text of /proc/PID/stat (proc(5)): all threads of a process.

    The name of the program stands in parentheses and may hold anything.
    """
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has taken so far; 0 where nobody knows the process."""
    return cpu_ticks(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")) / TICKS_PER_SECOND if pid else 0.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process and the port of its health endpoint."""

    process: subprocess.Popen[bytes]
    port: int

    def health(self) -> dict[str, Any]:
        """Return what it says of itself, nothing while it does not answer; raise WorkerEnded when it has ended."""
        if self.process.poll() is not None:
            raise WorkerEnded(f"a worker ended with code {self.process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S)
        try:
            connection.request("GET", "/health")
            facts: dict[str, Any] = json.loads(connection.getresponse().read())
        except OSError:
            return {}
        finally:
            connection.close()
        return facts


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a group.

    Attributes:
        at_s: When, on a clock of its own.
        records: Records that each worker has committed.
        cpu_s: CPU seconds of all workers together.
        broker_cpu_s: CPU seconds of the broker.
    """

    at_s: float
    records: tuple[int, ...]
    cpu_s: float
    broker_cpu_s: float


def look(workers: Sequence[Worker], broker_pid: int) -> Sample:
    """Look at a group; the workers are asked first, so that all of what they say was paid for."""
    records = tuple(int(worker.health().get("records", 0)) for worker in workers)
    spent = sum(cpu_seconds(worker.process.pid) for worker in workers)
    return Sample(time.perf_counter(), records, spent, cpu_seconds(broker_pid))


def until_done(workers: Sequence[Worker], broker_pid: int, expected: int, most_s: float) -> Iterator[Sample]:
    """Yield samples until so many records are committed; raise WorkerEnded when that takes too long."""
    for _ in _until(most_s, f"{expected} records"):
        sample = look(workers, broker_pid)
        yield sample
        if sum(sample.records) >= expected:
            return


def await_group(
    bootstrap: str, group: str, members: int, partitions: int, most_s: float, check: Callable[[], object]
) -> None:
    """Wait until so many members share so many partitions; `check` is called meanwhile, and may raise."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for _ in _until(most_s, f"{members} workers with partitions"):
        check()
        shares = _shares(admin, group)
        if len(shares) == members and all(shares) and sum(shares) == partitions:
            return


def _shares(admin: AdminClient, group: str) -> list[int]:
    """Return how many partitions each member of a group has; nothing while that changes."""
    try:
        found = admin.describe_consumer_groups([group], request_timeout=ASK_S)[group].result()
    except KafkaException:  # not there yet
        return []
    is_stable = found.state == ConsumerGroupState.STABLE
    return [len(member.assignment.topic_partitions) for member in found.members] if is_stable else []


def _until(most_s: float, what: str) -> Iterator[None]:
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        yield
        time.sleep(LOOK_S)
    raise WorkerEnded(f"not in {most_s:g} s: {what}")

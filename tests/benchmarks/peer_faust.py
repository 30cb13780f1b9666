"""A then B of one host within ten minutes, on a windowed table of Faust. Runs by path, see `tests.benchmarks.peers`.

Two hopping windows hold each signal, each twice as long as the pair may last, so that every pair is whole in one of
them; the times in them decide. Windows follow the time in the record. A plain table remembers when a host was told of.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import faust
from peer_pairs import TIMESPAN_MS, Job, Seen, alert_of, first_pair, is_told, read_arguments, seen_in, with_one

# Windows go by the wall clock, so what is held has to outlive the backlog.
EXPIRES = timedelta(days=1)


def build(job: Job) -> faust.App:
    """Make the app."""
    app = faust.App(
        f"{job.prefix}pairs",
        broker=f"kafka://{job.bootstrap}",
        store="memory://",
        datadir=str(job.folder),
        topic_partitions=job.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        consumer_auto_offset_reset="earliest",
        worker_redirect_stdouts=False,
    )
    signals = app.topic(f"{job.prefix}signals", key_type=str, key_serializer="raw", value_serializer="json")
    found = app.topic(f"{job.prefix}found", key_type=str, key_serializer="raw", value_serializer="json")
    windows = (
        app.Table("windows", default=list, partitions=job.partitions)
        .hopping(timedelta(milliseconds=2 * TIMESPAN_MS), timedelta(milliseconds=TIMESPAN_MS), expires=EXPIRES)
        .relative_to(lambda event: event.value["time"] / 1000)
    )
    alerted = app.Table("alerted", partitions=job.partitions)

    @app.agent(signals)
    async def processor(stream: Any) -> None:
        async for host, record in stream.items():
            merged: list[list[Seen]] = []
            windows[host].apply(_adding_to(merged), seen_in(record))
            pairs = [pair for held in merged if (pair := first_pair(held, job.first, job.then))]
            if pairs and not is_told(alerted.get(host), pairs[0][0][2]):
                alerted[host] = pairs[0][0][2]
                await found.send(key=pairs[0][0][0], value=alert_of(host, pairs[0]))

    return app


def _adding_to(merged: list[list[Seen]]) -> Callable[[list[Seen], Seen], list[Seen]]:
    """Return the operation that adds a signal to a window, and keeps what became of it in `merged`."""

    def added(held: list[Seen], one: Seen) -> list[Seen]:
        merged.append(with_one(held, one))
        return merged[-1]

    return added


if __name__ == "__main__":
    faust.Worker(build(read_arguments()), loglevel="WARNING", quiet=True).execute_from_commandline()

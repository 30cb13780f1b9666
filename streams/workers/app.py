"""The Faust app around a keyed worker."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import faust
from yarl import URL

from models.errors import ConfigError
from streams.config import Settings
from streams.workers.clients import Stop
from streams.workers.committed import Bundles, CommittedTransport
from streams.workers.health import Health
from streams.workers.security import security_of

BUFFERED_BUNDLES: Final = 16
# At DEBUG it logs every request whole, that with the password too.
logging.getLogger("aiokafka.conn").setLevel(logging.INFO)


def keyed_app(settings: Settings, name: str) -> faust.App:
    """Make the Faust app of a keyed worker, still without topics."""
    brokers = [URL(f"kafka://{server.strip()}") for server in settings.bootstrap.split(",")]
    app = faust.App(
        settings.topic_prefix + name,
        broker=brokers,
        broker_credentials=security_of(settings).credentials(),
        store="memory://",
        datadir=str(settings.data_dir),
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_buffer_maxsize=BUFFERED_BUNDLES,
        broker_commit_interval=1.0,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        consumer_auto_offset_reset="earliest",
        worker_redirect_stdouts=False,
    )
    app.transport = CommittedTransport(brokers, app, loop=app.loop)
    return app


class Work(Protocol):
    """What takes the bundles of a keyed worker, and has its state in a table."""

    table: Any

    def hold(self, partitions: set[int]) -> None:
        """Note the partitions that this worker has now."""

    def forget(self, partitions: set[int]) -> None:
        """Drop what is remembered of partitions that other workers have now."""

    async def take(self, records: Sequence[Any]) -> None:
        """Take a bundle of records of one topic and partition."""


def attach(app: faust.App, keyed: Work, topics: Iterable[str], health: Health) -> None:
    """Have an app hand the bundles of some topics (with their prefix) to a keyed worker."""
    channel = app.topic(*topics, schema=Bundles())

    @app.agent(channel, name=f"{app.conf.id}-processor")
    async def processor(stream: Any) -> None:
        async for event in stream.events():
            await keyed.take(event.value)

    async def revoked(_: faust.App, partitions: Any, **__: Any) -> None:
        keyed.forget({tp.partition for tp in partitions})

    async def recovered(*_: Any) -> None:
        health.set(status="running")

    async def assigned(_: faust.App, partitions: Any, **__: Any) -> None:
        keyed.hold({tp.partition for tp in partitions})
        health.set(status="recovering")

    keyed.table.on_recover(recovered)
    signals: Any = app  # the type of its signals admits no coroutine function, their code does
    signals.on_partitions_revoked.connect(revoked)
    signals.on_partitions_assigned.connect(assigned)


def run_app(app: faust.App, settings: Settings, stop: Stop) -> None:
    """Run an app; Faust takes SIGTERM and SIGINT over and ends in good order."""
    if stop.requested:
        return
    worker = faust.Worker(app, loglevel=settings.log_level, quiet=True, redirect_stdouts=False)
    worker.execute_from_commandline()


def make_folder(folder: Path) -> None:
    """Make a folder with all above it, which Faust would not; raise ConfigError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"BRAID_DATA_DIR={folder}: {error.strerror}") from error

"""`braid up`: every worker as a child process against one broker, and, if asked, that broker too."""

from __future__ import annotations

import os
import signal as os_signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import BraidError
from streams.config import CONFIG_VARIABLE, PREFIX, Settings
from streams.sources.registry import SOURCES
from streams.topics import table
from streams.workers import kafka_admin
from streams.workers.clients import LOG, Stop
from streams.workers.local_kafka import LocalKafka
from streams.workers.reaching import reach
from streams.workers.security import client_settings, plaintext

WORKERS: Final = ("ingest", "profile", "correlate", "archive", "investigate", "respond")
STOP_SECONDS: Final = 10.0
RESTARTS: Final = 5  # of one worker, before the whole tree gives up
_POLL_SECONDS: Final = 0.2
_PATHS: Final = (
    "rules",
    "rule_pipelines",
    "geo_databases",
    "assets",
    "identities",
    "allow_lists",
    "runbooks",
)  # several paths each


class WorkerFailed(BraidError):
    """A worker kept dying; the message names it."""


@dataclass(slots=True)
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    restarts: int = 0


def run_up(settings: Settings, *, with_kafka: bool, stop: Stop, say: Callable[[str], None]) -> None:
    """Run Kafka (if asked), the topics and all workers until asked to stop.

    Args:
        settings: The settings of the tree; where Kafka is and how to talk to it is replaced when `with_kafka`.
        with_kafka: Start a local Kafka for as long as the tree runs.
        stop: Ends it.
        say: Gets one line for a person at each step.

    Raises:
        KafkaUnavailable: When no broker answers.
        WorkerFailed: When a worker dies again and again.
    """
    # Workers take SIGHUP for a reload; the tree takes it for what it says, or they would outlive their terminal.
    os_signal.signal(os_signal.SIGHUP, lambda _number, _frame: stop.request())
    with ExitStack() as stack:
        if with_kafka:
            say("starting Kafka ...")
            bootstrap = stack.enter_context(LocalKafka(tell=say)).bootstrap
            settings = plaintext(settings).model_copy(update={"bootstrap": bootstrap})
        reach(settings, stop)
        say(f"Kafka answers at {settings.bootstrap}")
        wanted = table(SOURCES, settings.topic_prefix)
        kafka_admin.create(settings.bootstrap, wanted, client=client_settings(settings))
        environment = child_environment(settings, settings.bootstrap)
        children = [_Child(name, _spawn(name, environment)) for name in WORKERS]
        stack.callback(_end, children)
        say(f"workers: {', '.join(f'{c.name} (pid {c.process.pid})' for c in children)}")
        while not stop.wait(_POLL_SECONDS):
            for child in children:
                _tend(child, environment)


def child_environment(settings: Settings, bootstrap: str) -> dict[str, str]:
    """Return the environment that gives a child exactly these settings, whatever file or option they came from."""
    settable = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    # Others that begin like these may hold a password that a setting names.
    own = {name: value for name, value in os.environ.items() if name.upper() not in settable}
    update = {"bootstrap": bootstrap, "health_port": 0, "cache_dir": str(settings.cache_folder or "")}
    values = settings.model_copy(update=update).model_dump()
    return own | {PREFIX + name.upper(): _as_text(name, value) for name, value in values.items() if value is not None}


def _as_text(name: str, value: object) -> str:
    if isinstance(value, tuple):
        is_paths = name in _PATHS
        return (os.pathsep if is_paths else ",").join(str(Path(v).absolute()) if is_paths else v for v in value)
    return str(value)


def _spawn(name: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own program, no shell, fixed arguments
        [sys.executable, "-m", "streams.cli", "worker", name], env=dict(environment), stdin=subprocess.DEVNULL
    )


def _tend(child: _Child, environment: Mapping[str, str]) -> None:
    code = child.process.poll()
    if code is None:
        return
    if child.restarts >= RESTARTS:
        raise WorkerFailed(f"worker {child.name} ended {child.restarts + 1} times, the last time with code {code}")
    LOG.warning("worker %s ended with code %s and is started again", child.name, code)
    child.restarts += 1
    child.process = _spawn(child.name, environment)


def _end(children: list[_Child]) -> None:
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(os_signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            LOG.error("worker %s did not end in %g s and is killed", child.name, STOP_SECONDS)
            child.process.kill()
            child.process.wait()

"""A worker that is told to end while it still waits for its broker ends in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from streams.workers.up import WORKERS

END_S = 10


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_without_a_broker_ends_when_told(worker: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and never listened on: every connection is refused
        environment = os.environ | {
            "BRAID_BOOTSTRAP": f"127.0.0.1:{nobody.getsockname()[1]}",
            "BRAID_CACHE_DIR": "",
        }
        with subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "streams.cli", "worker", worker],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert "health on" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            told = process.communicate(timeout=END_S)[1]
            assert process.returncode == 0, told

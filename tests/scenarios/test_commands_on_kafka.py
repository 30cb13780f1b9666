"""The commands that look at a broker: they end, and they say so when there is none."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from streams.workers.local_kafka import free_ports
from tests.command import braid, output_of
from tests.workers.processes import WAIT_S, Braid

NOBODY = "127.0.0.1:1"
BROKEN = (b'{"eventType": "user.session.start", "act', b"{", b"[")


@pytest.mark.parametrize("command", [("verdicts", "tail"), ("dead-letter", "replay")])
def test_without_a_broker_one_line_says_where_none_answered(command: tuple[str, str]) -> None:
    done = braid(*command, BRAID_BOOTSTRAP=NOBODY)
    assert done.returncode == 1
    assert done.stderr.startswith(f"braid: {NOBODY}")
    assert done.stderr.count("\n") == 1


def test_replay_sends_each_dead_letter_once_though_they_all_come_back(
    bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    installed = Braid(bootstrap, topic_prefix, tmp_path / "no-rules", tmp_path)
    settings = {"BRAID_BOOTSTRAP": bootstrap, "BRAID_TOPIC_PREFIX": topic_prefix}
    (tmp_path / "no-rules").mkdir()
    output_of("topics", "create", **settings)
    assert output_of("dead-letter", "list", **settings) == ""
    with installed.running("worker", "ingest"):
        installed.send("raw.okta", BROKEN)
        installed.read_until("dead-letter", lambda held: len(held) == len(BROKEN))
        assert json.loads(output_of("dead-letter", "replay", "--json", **settings)) == {"sent": len(BROKEN)}
        installed.read_until("dead-letter", lambda held: len(held) == 2 * len(BROKEN))
    listed = [json.loads(line) for line in output_of("dead-letter", "list", "--json", **settings).splitlines()]
    assert len(listed) == 2 * len(BROKEN)
    assert {letter["source"] for letter in listed} == {"okta"}
    assert json.loads(output_of("dead-letter", "replay", "--source", "zeek", "--json", **settings)) == {"sent": 0}


def test_correlate_starts_where_no_folder_was_made_for_it(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    installed = Braid(bootstrap, topic_prefix, tmp_path, tmp_path)
    output_of("topics", "create", BRAID_BOOTSTRAP=bootstrap, BRAID_TOPIC_PREFIX=topic_prefix)
    port, _ = free_ports()
    own = {"BRAID_DATA_DIR": str(tmp_path / "not" / "there" / "yet"), "BRAID_HEALTH_PORT": str(port)}
    with installed.running("worker", "correlate", **own) as worker:
        deadline = time.monotonic() + WAIT_S
        while _status(port) != "running":
            with suppress(TimeoutExpired):
                worker.wait(0.2)
            assert worker.poll() is None
            assert time.monotonic() < deadline


def _status(port: int) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return str(json.load(answer)["status"])
    except (HTTPError, URLError):
        return "not yet"

"""The investigate worker asks services outside: verdicts carry what they say, and wait for none that stalls."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from streams.workers.local_kafka import free_ports
from tests.enrichers.server import Asked, Reply, json_reply, serving
from tests.workers.attack import attack, write_rules
from tests.workers.processes import STOP_S, WAIT_S, Braid, body, standing

OUTSIDE = "8.8.8.8"
HOSTS = 3


@pytest.fixture
def braid(bootstrap: str, topic_prefix: str, tmp_path: Path) -> Iterator[Braid]:
    """Give an installation that has been attacked, and whose sequences wait to be investigated."""
    made = Braid(bootstrap, topic_prefix, write_rules(tmp_path / "rules"), tmp_path)
    with made.running("topics", "create") as create:
        assert create.wait(30) == 0
    zeek, windows = attack(HOSTS)
    made.send("raw.windows", (line.replace(b"203.0.113.9", OUTSIDE.encode()) for line in windows))
    made.send("raw.zeek", (line.replace(b"203.0.113.9", OUTSIDE.encode()) for line in zeek))
    with made.running("worker", "archive"):
        with made.running("worker", "ingest"), made.running("worker", "correlate"):
            made.read_until("sequences", lambda held: len(standing(held)) >= HOSTS)
        yield made


def settings(url: str, folder: Path, seconds: str, **more: str) -> dict[str, str]:
    return {
        "BRAID_LOOKUPS": f"abuseipdb@{url}=env:ABUSE_KEY,internetdb@{url}",
        "BRAID_LOOKUP_CACHE": str(folder / "lookups.sqlite"),
        "BRAID_LOOKUP_SECONDS": seconds,
        "ABUSE_KEY": "hunter2",
        **more,
    }


def test_verdicts_carry_what_services_say_and_name_the_one_that_stalls(braid: Braid, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        known = json_reply({"data": {"abuseConfidenceScore": 90, "totalReports": 3}})
        return known if "check" in asked.path else Reply(b"{", stall=True)

    port, _ = free_ports()
    with serving(answer) as server:
        more = settings(server.url, tmp_path, "3", BRAID_HEALTH_PORT=str(port))
        with braid.running("worker", "investigate", **more):
            verdicts = standing(braid.read_until("verdicts", lambda held: len(standing(held)) >= HOSTS))
            health = health_of(port)
    for verdict in verdicts.values():
        assert [(one["provider"], one["value"]) for one in verdict["enrichments"]] == [("abuseipdb", OUTSIDE)]
        missing = "intelligence of internetdb missing: no answer within 3 s (1 of 1 asked)"
        assert missing in verdict["unmapped"]["braid"]["missing"]
    asked = [path for path in server.paths if "check" in path]
    assert len(asked) == 1, "the answer to the first is remembered for the others"
    assert health["lookups"]["abuseipdb"] == {"answered": 1, "remembered": HOSTS - 1, "failed": 0, "why": ""}
    assert health["lookups"]["internetdb"]["failed"] == HOSTS
    logs = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.log"))
    assert "hunter2" not in logs + json.dumps(list(verdicts.values())) + json.dumps(health)


def health_of(port: int) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{port}/health") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_a_worker_that_is_told_to_end_waits_for_no_service(braid: Braid, tmp_path: Path) -> None:
    reached = threading.Event()

    def stalling(_: Asked) -> Reply:
        reached.set()
        return Reply(b"{", stall=True)

    with (
        serving(stalling) as server,
        braid.running("worker", "investigate", **settings(server.url, tmp_path, "60")) as one,
    ):
        assert reached.wait(WAIT_S)
        one.send_signal(signal.SIGTERM)
        assert one.wait(STOP_S) == 0
    with braid.running("worker", "investigate"):
        verdicts = braid.read_until("verdicts", lambda held: len(standing(held)) >= HOSTS)
    told = [missing for each in verdicts for missing in body(each)["unmapped"]["braid"]["missing"]]
    assert not any("intelligence" in missing for missing in told)  # what was begun on is judged anew, in full

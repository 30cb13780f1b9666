"""`braid replay --lookups`: services outside are asked when somebody says so, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import braid
from tests.enrichers.server import Reply, Server, json_reply, serving
from tests.workers.attack import attack, write_rules

OUTSIDE = "8.8.8.8"
ABUSE = {"data": {"abuseConfidenceScore": 90, "totalReports": 3}}


@pytest.fixture
def replay(tmp_path: Path) -> tuple[str | Path, ...]:
    """Give the command that replays an attack from an address that the internet routes."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for name, lines in zip(("zeek", "windows"), attack(1), strict=True):
        (raw / f"{name}.ndjson").write_bytes(b"\n".join(lines).replace(b"203.0.113.9", OUTSIDE.encode()))
    return "replay", raw, "--rules", write_rules(tmp_path / "rules"), "--no-default-rules", "--out"


def settings(server: Server, folder: Path) -> dict[str, str]:
    return {
        "BRAID_LOOKUPS": f"abuseipdb@{server.url}=env:ABUSE_KEY,internetdb@{server.url},virustotal@{server.url}",
        "BRAID_LOOKUP_CACHE": str(folder / "lookups.sqlite"),
        "ABUSE_KEY": "hunter2",
    }


def verdict_in(out: Path) -> dict[str, Any]:
    (line,) = (out / "verdicts.ndjson").read_text("utf-8").splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_replay_is_offline_and_the_same_whatever_services_the_settings_name(
    replay: tuple[str | Path, ...], tmp_path: Path
) -> None:
    with serving(lambda _: json_reply(ABUSE)) as server:
        assert braid(*replay, tmp_path / "with", **settings(server, tmp_path)).returncode == 0
    assert braid(*replay, tmp_path / "without").returncode == 0
    assert server.asked == []
    for path in (tmp_path / "without").iterdir():
        assert path.read_bytes() == (tmp_path / "with" / path.name).read_bytes()


def test_a_replay_that_is_told_to_asks_and_says_who_did_not_answer(
    replay: tuple[str | Path, ...], tmp_path: Path
) -> None:
    with serving(lambda asked: json_reply(ABUSE) if "check" in asked.path else Reply(b"{", 500)) as server:
        done = braid(*replay, tmp_path / "out", "--lookups", **settings(server, tmp_path))
    assert done.returncode == 0
    assert "virustotal: no key: say where it is" in done.stderr
    verdict = verdict_in(tmp_path / "out")
    (fact,) = verdict["enrichments"]
    assert (fact["provider"], fact["value"], fact["data"]["score"]) == ("abuseipdb", OUTSIDE, 90)
    assert any(
        claim["text"].startswith("abuseipdb called the address") for claim in verdict["unmapped"]["braid"]["claims"]
    )
    missing = verdict["unmapped"]["braid"]["missing"]
    assert "intelligence of internetdb missing: 127.0.0.1 answered 500 (1 of 1 asked)" in missing
    assert "intelligence of virustotal missing: no key is configured (1 of 1 asked)" in missing
    assert {path.split("?")[0] for path in server.paths} == {"/api/v2/check", f"/{OUTSIDE}"}
    everything = done.stdout + done.stderr + json.dumps(verdict)
    assert "hunter2" not in everything


def test_a_replay_without_services_to_ask_says_so(replay: tuple[str | Path, ...], tmp_path: Path) -> None:
    done = braid(*replay, tmp_path / "out", "--lookups")
    assert (done.returncode, "BRAID_LOOKUPS names no service" in done.stderr) == (2, True)

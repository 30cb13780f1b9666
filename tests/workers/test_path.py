"""The whole path on a real Kafka: the same sequences and verdicts as a replay, bad input kept, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

from streams.lake_store import LakeStore
from tests.workers.attack import START_S, attack, write_rules
from tests.workers.processes import STOP_S, Braid, body, headers, standing

HOSTS = 5
BAD = {
    b'{"EventID": 1, "Channel": "Sec': "not JSON",
    b"\xff\xfe{}": "not UTF-8",
    b'{"EventID":\x00 1}': "NUL",
    b'{"EventID": {"a": []}, "Channel": 7}': "",
    b"[1, 2": "",
    b"x" * 2_000_000: "more than the limit",
}
# One line whose event would be larger than any topic takes: control characters grow sixfold in JSON.
SWELLING = (
    b"#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\n1790000000.5\tC1\t10.0.0.1\t10.0.0.2\t" + b"\x01" * 1_000_000
)


def replayed(folder: Path, rules: Path, zeek: list[bytes], windows: list[bytes]) -> tuple[set[str], set[str]]:
    """Return the uids of sequences and verdicts of a replay of the same records."""
    raw = folder / "raw"
    raw.mkdir()
    (raw / "zeek.ndjson").write_bytes(b"\n".join(zeek))
    (raw / "windows.ndjson").write_bytes(b"\n".join(windows))
    command = ["replay", str(raw), "--rules", str(rules), "--no-default-rules", "--out", str(folder / "out")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BRAID_")}
    subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "streams.cli", *command], check=True, env=environment, capture_output=True, timeout=60
    )
    lines = {
        name: (folder / "out" / f"{name}.ndjson").read_text("utf-8").splitlines() for name in ("sequences", "verdicts")
    }
    uids = {name: {json.loads(line)["metadata"]["uid"] for line in found} for name, found in lines.items()}
    return uids["sequences"], uids["verdicts"]


def test_the_path_on_kafka_ends_where_a_replay_ends(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    rules = write_rules(tmp_path / "rules")
    zeek, windows = attack(HOSTS, noise=500)
    sequences, verdicts = replayed(tmp_path, rules, zeek, windows)
    assert len(sequences) == len(verdicts) == HOSTS
    braid = Braid(bootstrap, topic_prefix, rules, tmp_path)
    with braid.running("topics", "create") as made:
        assert made.wait(30) == 0
    with braid.running("up") as up:
        braid.send("raw.windows", windows)
        braid.send("raw.zeek", zeek)
        braid.send("raw.windows", BAD)
        braid.send("raw.zeek", [SWELLING])
        found = braid.read_until("verdicts", lambda held: verdicts <= standing(held).keys())
        assert standing(found).keys() == verdicts
        assert standing(braid.read_until("sequences", lambda held: len(held) >= HOSTS)).keys() == sequences
        dead = braid.read_until("dead-letter", lambda held: len(held) > len(BAD))
        began = time.monotonic()
        up.send_signal(signal.SIGTERM)
        assert up.wait(STOP_S + 5) == 0
        assert time.monotonic() - began < STOP_S + 1
    check_dead_letters([body(message) for message in dead])
    check_records(braid)
    events = LakeStore(tmp_path / "lake").coverage(START_S * 1000 - 10**9, START_S * 1000 + 10**9)
    assert {seen.source for seen in events} == {"windows", "zeek"}


def check_dead_letters(letters: list[dict[str, object]]) -> None:
    """Every bad record is there, byte for byte, with its reason and where it came from."""
    reasons = {b64decode(str(letter["raw"])): str(letter["reason"]) for letter in letters}
    swollen = reasons.pop(SWELLING.splitlines()[1])
    assert "event" in swollen
    assert "more than the limit" in swollen
    assert reasons.keys() == BAD.keys()
    for raw, reason in BAD.items():
        assert reason in reasons[raw]
    assert all(str(letter["topic"]).endswith(("raw.windows", "raw.zeek")) for letter in letters)


def check_records(braid: Braid) -> None:
    """Every record carries CloudEvents headers."""
    for topic in ("events.network", "signals", "sequences", "verdicts"):
        for message in braid.read_until(topic, lambda held: len(held) >= HOSTS):
            assert headers(message).keys() >= {"ce_id", "ce_type", "ce_source", "ce_time", "braid_schema"}

"""The investigate worker with a model: killed in a tool call, it goes on there and pays for nothing twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.audit.chain import followed_by, read_record
from agents.policy.signing import read_signing_key
from streams.lake_store import LakeStore
from streams.workers.local_kafka import free_ports
from tests.agents.investigate.play import answer, claim, shown
from tests.enrichers.server import Asked, Reply, json_reply, serving
from tests.llm.server import Conversation, Says, ScriptedServer, answers, calls
from tests.workers.attack import attack, write_rules
from tests.workers.processes import STOP_S, WAIT_S, Braid, body, headers, standing
from tests.workers.test_lookups import health_of

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


def honest(conversation: Conversation) -> Says:
    """Ask about the address, then answer with what the signals say."""
    if conversation.step == 0:
        return calls(("lookup_indicator", {"kind": "address", "value": OUTSIDE}))
    signals = [row for ref, row in shown(conversation).items() if ref.startswith("S")]
    claims = [claim(f"`{row['detection']}` fired at {row['time']}.", row["ref"]) for row in signals]
    return answers(answer(verdict="true_positive", confidence=99, claims=claims))


def settings(model: ScriptedServer, lookups: str, folder: Path, **more: str) -> dict[str, str]:
    models = folder / "models.yml"
    endpoint = {
        "protocol": model.protocol,
        "url": model.url,
        "model": "m",
        "key": "env:MODEL_KEY",
        "plain_http": True,
        "prices": {"input": 1.0, "output": 2.0},
    }
    models.write_text(json.dumps({"endpoints": {"small": endpoint}, "tiers": {"first": "small"}}), "utf-8")
    return {
        "BRAID_MODELS": str(models),
        "MODEL_KEY": "hunter3",
        "BRAID_LOOKUPS": f"abuseipdb@{lookups}=env:ABUSE_KEY",
        "BRAID_LOOKUP_CACHE": str(folder / "lookups.sqlite"),
        "BRAID_LOOKUP_SECONDS": "60",
        "BRAID_INVESTIGATIONS_AT_ONCE": "1",
        "ABUSE_KEY": "hunter2",
        **more,
    }


def stalling(model: ScriptedServer, asked: threading.Event, may_answer: threading.Event) -> Callable[[Asked], Reply]:
    """Fail while evidence is gathered; stall what a tool asks, until it may be answered."""

    def reply(_: Asked) -> Reply:
        if may_answer.is_set():
            return json_reply({"data": {"abuseConfidenceScore": 90, "totalReports": 3}})
        if not model.requests:
            return Reply(b"", status=400)
        asked.set()
        return Reply(b"{", stall=True)

    return reply


def test_after_a_kill_in_a_tool_call_it_goes_on_and_pays_for_nothing_twice(braid: Braid, tmp_path: Path) -> None:
    asked, may_answer = threading.Event(), threading.Event()
    port, _ = free_ports()
    with ScriptedServer(honest) as model, serving(stalling(model, asked, may_answer)) as lookups:
        more = settings(model, lookups.url, tmp_path, BRAID_HEALTH_PORT=str(port))
        with braid.running("worker", "investigate", **more) as first:
            assert asked.wait(WAIT_S)
            first.kill()
            assert first.wait(STOP_S) == -9
        assert len(model.requests) == 1
        may_answer.set()
        with braid.running("worker", "investigate", **more):
            verdicts = standing(braid.read_until("verdicts", lambda held: len(standing(held)) >= HOSTS))
            health = health_of(port)
    assert len(model.requests) == 2 * HOSTS, "each investigation has asked twice, the one that was cut off too"
    assert health["models"][0]["answered"] == 2 * HOSTS - 1
    for verdict in verdicts.values():
        told = verdict["unmapped"]["braid"]
        assert told["investigator"] == "model/1"
        assert told["model_took_part"] is True
        assert told["reasoning"]["struck"] == []
        assert told["reasoning"]["spent"]["requests"] == 2
        assert told["reasoning"]["spent"]["cost_micros"] > 0
    uid = next(iter(verdicts))
    wait_for(lambda: LakeStore(tmp_path / "lake").standing("verdicts", [uid]).rows)
    with braid.running("audit", "replay", uid, "--json") as replay:
        assert replay.wait(WAIT_S) == 0
    steps = braid.read_until("journal", lambda held: sum(kind(one) == "ended" for one in held) >= HOSTS)
    assert sum(kind(one) == "replied" for one in steps) == 2 * HOSTS
    assert sum(kind(one) == "called" for one in steps) == HOSTS
    logs = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.log"))
    sent = b"".join(one.value() or b"" for one in steps).decode()
    assert not [secret for secret in ("hunter2", "hunter3") if secret in logs + sent + json.dumps(verdicts)]


def test_what_happens_is_in_the_audit_log(braid: Braid, tmp_path: Path) -> None:
    with ScriptedServer(honest, protocol="anthropic") as model, serving(lambda _: Reply(b"", status=404)) as lookups:
        folder = str(tmp_path / "audit")
        with braid.running("worker", "investigate", **settings(model, lookups.url, tmp_path, BRAID_AUDIT_DIR=folder)):
            braid.read_until("verdicts", lambda held: len(standing(held)) >= HOSTS)
            ended = braid.read_until("audit", lambda held: count(held, "investigation.ended") >= HOSTS)
    assert count(ended, "request.answered") == 2 * HOSTS
    assert count(ended, "tool.called") == HOSTS
    assert {headers(one)["ce_type"] for one in ended} == {b"braid.audit-record"}
    records = [read_record(one.value() or b"") for one in ended]
    assert [record.seq for record in records] == list(range(len(records)))
    assert all(record.is_intact for record in records)
    (file,) = (tmp_path / "audit").glob("*.ndjson")
    assert file.read_bytes().startswith(b"\n".join(one.value() or b"" for one in ended))
    with braid.running("worker", "investigate", BRAID_AUDIT_DIR=folder):
        begun = braid.read_until("audit", lambda held: count(held, "genesis") >= 2)
    ends = [read_record(one.value() or b"").head for one in begun if kind(one) == "end"]
    (again,) = (record for one in begun if (record := read_record(one.value() or b"")).head.chain != ends[0].chain)
    assert followed_by(again) == tuple(ends)
    key = read_signing_key(f"file:{tmp_path / 'state' / 'audit-key'}", {}).public.text
    with braid.running("audit", "verify", folder, "--topic", "--key", key) as verify:
        assert verify.wait(WAIT_S) == 0


def wait_for(found: Callable[[], object]) -> None:
    """Look until something is found; fail when it never is."""
    deadline = time.monotonic() + WAIT_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kind(message: Any) -> str:
    found: str = body(message)["kind"]
    return found


def count(messages: Any, wanted: str) -> int:
    return sum(kind(one) == wanted for one in messages)

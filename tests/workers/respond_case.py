"""An installation with a verdict that proposes to disable a user, people with keys, and a firewall to ask."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Producer

from agents.policy.signing import SigningKey
from models import ocsf
from models.action import Action
from models.finding_ocsf import sequence_to_ocsf
from models.records import Coordinates
from models.verdict import EVENT, Claim, Evidence, Verdict
from streams import wire
from streams.lake import EVENTS, SEQUENCES, SIGNALS, LakeWriter, row_of
from tests.agents.policy.cases import ALICE, naming, verdict
from tests.enrichers.server import Asked, Reply, json_reply
from tests.workers.processes import Braid, body

HOOK_KEY = "hook-key-of-respond"
KEYS = {name: SigningKey(name.encode().ljust(32, b".")) for name in ("bob", "carol", "alice", "mallory")}
POLICY = """
name: test
version: 1
owner: nobody
mode: MODE
thresholds:
  rules: {automatic_above: 90, approval_from: 70}
  mixed: {automatic_above: 90, approval_from: 70}
  anomalies: {automatic_above: never, approval_from: 80}
criticality: {low: allowed, medium: allowed, high: two_people, critical: forbidden, unknown: allowed}
approval: {timeout_minutes: 30, clock_skew_seconds: 120}
breaker: {window_minutes: 60, reversals: 5, errors: 9, error_percent: 50, burst: 50}
in_flight: 9
feedback: {unsigned: false, roles: [responder]}
approvers:
APPROVERS
actions:
  disable_user:
    mode: autonomous
    reversible: true
    blast_radius: low
    rollback: The account is enabled again.
    if_nothing: The account stays usable.
    targets: [user]
    approver_roles: [responder]
    limits: {per_hour: 50, per_day: 90, per_target_per_day: 50}
"""
APPROVER = "  - {name: NAME, roles: [responder], keys: ['KEY'], accounts: ['user:ACCOUNT']}"


def policy_file(folder: Path, mode: str, **changes: str) -> Path:
    """Write a policy with these words in place of others."""
    accounts = {"bob": "bob@example.com", "carol": "carol@example.com", "alice": "alice"}
    people = [
        APPROVER.replace("NAME", name).replace("KEY", KEYS[name].public.text).replace("ACCOUNT", account)
        for name, account in accounts.items()
    ]
    text = POLICY.replace("MODE", mode).replace("APPROVERS", "\n".join(people))
    for old, new in changes.items():
        assert f"{old}:" in text
        text = text.replace(f"{old}: true", f"{old}: {new}")
    path = folder / "policy.yml"
    path.write_text(text, "utf-8")
    return path


@dataclass
class Hook:
    """What disables users: keeps who is disabled, does nothing twice under one key, and can be told to stall."""

    disabled: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    effects: int = 0
    stall_after: bool = False  # does it, and says nothing
    stall_before: bool = False  # does nothing, and says nothing
    asked: threading.Event = field(default_factory=threading.Event)
    seen: set[tuple[str, str]] = field(default_factory=set)
    forged: int = 0

    def __call__(self, asked: Asked) -> Reply:
        stated = dict(part.split("=", 1) for part in asked.headers["braid-signature"].split(","))
        digest = hmac.digest(HOOK_KEY.encode(), f"{stated['t']}.{asked.body}".encode(), "sha256").hex()
        if not hmac.compare_digest(digest, stated["v1"]):
            self.forged += 1
            return Reply(status=401)
        told = orjson.loads(asked.body)
        operation, target = told["operation"], told["action"]["target"]["value"]
        self.operations.append(operation)
        if operation == "verify":
            return json_reply({"ok": target in self.disabled})
        if operation == "execute" and self.stall_before:
            self.asked.set()
            return Reply(b"{", stall=True)
        if (operation, told["key"]) not in self.seen:
            self.seen.add((operation, told["key"]))
            self.effects += 1
            (self.disabled.append if operation == "execute" else self.disabled.remove)(target)
        if operation == "execute" and self.stall_after:
            self.asked.set()
            return Reply(b"{", stall=True)
        return json_reply({"ok": True, "detail": "as you wish"})


def environment(folder: Path, url: str, mode: str, **more: str) -> dict[str, str]:
    """Return the settings of a respond worker that may ask the hook."""
    executors = folder / "executors.yml"
    entry = {
        "name": "hook",
        "type": "webhook",
        "kinds": ["disable_user"],
        "key": "env:HOOK_KEY",
        "url": f"{url}/execute",
        "verify_url": f"{url}/verify",
        "rollback_url": f"{url}/rollback",
    }
    executors.write_text(json.dumps({"executors": [entry]}), "utf-8")
    return {
        "BRAID_POLICY": str(policy_file(folder, mode)),
        "BRAID_EXECUTORS": str(executors),
        "HOOK_KEY": HOOK_KEY,
        "BRAID_EVIDENCE_SECONDS": "2",
        **more,
    }


def judged(number: int = 0) -> tuple[Verdict, Action]:
    """Return a verdict, of its own for each number, and the action that it proposes."""
    scenario = naming()
    sequence = scenario.sequence(f"host:web01-{number}" if number else "host:web01")
    cited = [row for row in scenario.rows[EVENTS] if str(ALICE) in row.entities]
    evidence = tuple(
        Evidence(EVENT, row.uid, row.time, Coordinates(row.topic, row.partition, row.offset), row.sha256)
        for row in cited
    )
    made = verdict(
        sequence_uid=sequence.uid,
        sequence_revision=sequence.revision,
        group=sequence.group,
        time=sequence.end_time,
        evidence=evidence,
        claims=(Claim("Two detections name the user.", tuple(item.uid for item in evidence)),),
    )
    uids = tuple(item.uid for item in evidence)
    action = Action(made.uid, "disable_user", ALICE, made.time, made.confidence, "Two detections.", uids)
    return made, replace(action, sequence_revision=made.sequence_revision)


def fill_lake(folder: Path, numbers: Iterable[int] = (0,)) -> None:
    """Write what the verdicts rest on into the lake."""
    scenario, writer = naming(), LakeWriter(folder)
    for kind in (EVENTS, SIGNALS):
        writer.write(kind, scenario.rows[kind])
    sequences = [scenario.sequence(f"host:web01-{number}" if number else "host:web01") for number in numbers]
    records = [ocsf.encode(sequence_to_ocsf(sequence)) for sequence in sequences]
    writer.write(
        SEQUENCES,
        [row_of(SEQUENCES, record, Coordinates("sequences", 0, number)) for number, record in enumerate(records)],
    )


def produce(made: Braid, *messages: wire.Message) -> None:
    """Send messages as a worker does."""
    producer = Producer({"bootstrap.servers": made.bootstrap, "partitioner": "murmur2"})
    for message in messages:
        producer.produce(made.prefix + message.topic, message.value, message.key, headers=list(message.headers))
    assert producer.flush(30) == 0


def propose(made: Braid, *numbers: int) -> list[Action]:
    """Send verdicts and the actions that they propose; return the actions."""
    found = [judged(number) for number in numbers or (0,)]
    for verdict_, action in found:
        produce(made, wire.verdict_message(verdict_), wire.action_message(action))
    return [action for _, action in found]


def statuses(messages: Iterable[Any], uid: str = "") -> list[str]:
    """Return the statuses on a topic of actions, in order."""
    told = [body(one) for one in messages if len(one.value() or b"") > len(b"{}")]
    return [one["status"] for one in told if uid in ("", one["metadata"]["uid"])]


def until(made: Braid, *wanted: str, uid: str = "") -> list[str]:
    """Wait until an action has had these statuses as its last; return all it had."""
    found = made.read_until("actions", lambda held: statuses(held, uid)[-len(wanted) :] == list(wanted))
    return statuses(found, uid)


def audited(made: Braid, kind: str, is_it: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
    """Wait for a record of the audit log; return its data."""

    def ours(held: Iterable[Any]) -> list[dict[str, Any]]:
        return [body(one)["data"] for one in held if body(one)["kind"] == kind and is_it(body(one)["data"])]

    return ours(made.read_until("audit", lambda held: bool(ours(held))))[0]


def key_file(folder: Path, name: str) -> str:
    """Write a person's private key; return how a command is told of it."""
    path = folder / f"{name}.key"
    path.write_text(KEYS[name].reveal(), "utf-8")
    return f"file:{path}"

"""The respond worker on a real broker: what is proposed runs when policy and people say so, once, and comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.policy.signing import read_signing_key
from models.action import APPROVED, moved
from streams import wire
from streams.config import Settings
from streams.knowledge import load_cases
from streams.lake_store import LakeStore
from streams.workers.clients import Stop
from streams.workers.health import Health
from streams.workers.local_kafka import free_ports
from streams.workers.respond import RespondWorker
from tests.enrichers.server import serving
from tests.workers.processes import STOP_S, WAIT_S, Braid, body
from tests.workers.respond_case import (
    HOOK_KEY,
    Hook,
    audited,
    environment,
    fill_lake,
    key_file,
    policy_file,
    produce,
    propose,
    statuses,
    until,
)
from tests.workers.test_lookups import health_of

PATH = ["proposed", "waiting", "approved", "executing", "executed", "verified"]


@pytest.fixture
def braid(bootstrap: str, topic_prefix: str, tmp_path: Path) -> Braid:
    """Give an installation with its topics, and the evidence in the lake."""
    made = Braid(bootstrap, topic_prefix, tmp_path / "rules", tmp_path)
    fill_lake(tmp_path / "lake", range(9))
    with made.running("topics", "create") as create:
        assert create.wait(30) == 0
    return made


@pytest.fixture
def hook() -> Iterator[tuple[Hook, str]]:
    made = Hook()
    with serving(made) as server:
        yield made, server.url


def command(made: Braid, *arguments: str, code: int = 0) -> Any:
    """Run a command with --json; return what it printed."""
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "streams.cli", *arguments, "--json"],
        env=made.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds that nothing tells of."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline


def answer(made: Braid, decision: str, uid: str, by: str, key: str = "") -> None:
    key_place = key_file(made.folder, key or by)
    command(made, "approvals", decision, uid, "--by", by, "--reason", "Seen.", "--key", key_place)


def test_by_default_nothing_is_executed(braid: Braid, hook: tuple[Hook, str], tmp_path: Path) -> None:
    made, url = hook
    settings = environment(tmp_path, url, "autonomous")
    settings.pop("BRAID_POLICY")
    with braid.running("worker", "respond", **settings):
        (action,) = propose(braid)
        assert until(braid, "shadow") == ["proposed", "shadow"]
        decided = audited(braid, "action.decided")
    assert (decided["outcome"], decided["action"]) == ("shadow", action.uid)
    assert made.operations == []


def test_an_approved_action_runs_once_and_is_taken_back(braid: Braid, hook: tuple[Hook, str], tmp_path: Path) -> None:
    made, url = hook
    with braid.running("worker", "respond", **environment(tmp_path, url, "supervised")):
        (action,) = propose(braid)
        until(braid, "waiting")
        assert made.operations == []
        (listed,) = command(braid, "approvals", "list")
        shown = command(braid, "approvals", "show", action.uid)
        assert (listed["uid"], shown["target"], len(shown["evidence"])) == (action.uid, "user:alice", 2)
        assert shown["terms"]["if_nothing"] == "The account stays usable."
        answer(braid, "approve", action.uid, "bob")
        assert until(braid, "verified") == PATH
        assert (made.effects, made.disabled, made.forged) == (1, ["alice"], 0)
        key = key_file(tmp_path, "carol")
        command(braid, "actions", "rollback", action.uid, "--by", "carol", "--reason", "Ours.", "--key", key)
        assert until(braid, "rolled_back") == [*PATH, "rolling_back", "rolled_back"]
    assert (made.effects, made.disabled, made.operations.count("rollback")) == (2, [], 1)
    ended = audited(braid, "action.rolling_back")
    assert (ended["by"], ended["why"]) == ("carol", "Ours.")
    assert_log_is_good(braid)


def assert_log_is_good(made: Braid) -> None:
    """Check all of the audit log on the topic with `braid audit verify`."""
    key = read_signing_key(f"file:{made.folder}/state/audit-key", {}).public.text
    told = command(made, "audit", "verify", "--key", key)
    assert told["problems"] == [], told


def test_what_a_person_denies_does_not_run(braid: Braid, hook: tuple[Hook, str], tmp_path: Path) -> None:
    made, url = hook
    with braid.running("worker", "respond", **environment(tmp_path, url, "supervised")):
        (action,) = propose(braid)
        until(braid, "waiting")
        answer(braid, "deny", action.uid, "bob")
        assert until(braid, "denied") == ["proposed", "waiting", "denied"]
    assert made.operations == []
    refused = command(
        braid,
        "approvals",
        "approve",
        action.uid,
        "--by",
        "bob",
        "--reason",
        "x",
        "--key",
        key_file(tmp_path, "bob"),
        code=2,
    )
    assert "is denied, and waits for nobody" in refused


def test_approvals_that_do_not_count_are_refused_and_told(braid: Braid, hook: tuple[Hook, str], tmp_path: Path) -> None:
    made, url = hook
    with braid.running("worker", "respond", **environment(tmp_path, url, "supervised")):
        first, second = propose(braid, 1, 2)
        until(braid, "waiting", uid=first.uid)
        until(braid, "waiting", uid=second.uid)
        answer(braid, "approve", first.uid, "alice")  # who is concerned
        answer(braid, "approve", first.uid, "bob", key="mallory")
        answer(braid, "approve", first.uid, "mallory")
        answer(braid, "deny", second.uid, "carol")
        until(braid, "denied", uid=second.uid)
        (denial,) = [
            one.value() or b""
            for one in braid.read_until("approvals", lambda held: len(held) >= 4)
            if body(one)["decision"] == "deny"
        ]
        again = wire.Message("approvals", second.uid.encode(), denial, [])
        moved_on = wire.Message(
            "approvals", first.uid.encode(), denial.replace(second.uid.encode(), first.uid.encode()), []
        )
        produce(braid, again, moved_on)
        for why in ("nobody approves their own", "nobody whom the policy knows", "sent before"):
            audited(braid, "approval.refused", lambda told, why=why: why in told["refusal"])
        audited(braid, "approval.refused", lambda told: told["action"] == first.uid and told["by"] == "carol")
        forged = moved(replace(first), APPROVED, by="policy", why="x", at=1)
        produce(braid, wire.action_message(forged, "investigate"))
        audited(braid, "record.refused", lambda told: "somebody else says" in told["why"])
        produce(braid, wire.Message("actions", b"x", b"{", []), wire.Message("approvals", b"x", b"{}", []))
        braid.read_until("dead-letter", lambda held: len(held) >= 2)
        actions = braid.read_until("actions", lambda held: len(held) >= 7)
    assert statuses(actions, second.uid) == ["proposed", "waiting", "denied"]
    assert made.operations == []


@pytest.mark.parametrize("stall", ["stall_before", "stall_after"])
def test_after_a_kill_while_it_executes_it_is_done_once(
    braid: Braid, hook: tuple[Hook, str], tmp_path: Path, stall: str
) -> None:
    made, url = hook
    setattr(made, stall, True)
    settings = environment(tmp_path, url, "autonomous")
    with braid.running("worker", "respond", **settings) as first:
        propose(braid)
        assert made.asked.wait(WAIT_S)
        assert until(braid, "executing") == ["proposed", "approved", "executing"]
        first.kill()
        assert first.wait(STOP_S) == -9
    setattr(made, stall, False)
    with braid.running("worker", "respond", **settings):
        assert until(braid, "executed", "verified") == ["proposed", "approved", "executing", "executed", "verified"]
    assert (made.effects, made.disabled) == (1, ["alice"])
    assert made.operations.count("execute") == (2 if stall == "stall_before" else 1)


def test_two_workers_share_the_partitions_and_one_takes_over(
    braid: Braid, hook: tuple[Hook, str], tmp_path: Path
) -> None:
    made, url = hook
    settings, ports = environment(tmp_path, url, "autonomous"), free_ports()

    def shares() -> list[list[int]]:
        return sorted(health_of(port).get("partitions", []) for port in ports)

    with braid.running("worker", "respond", **settings, BRAID_HEALTH_PORT=str(ports[0])):
        audited(braid, "policy.loaded")
        with braid.running("worker", "respond", **settings, BRAID_HEALTH_PORT=str(ports[1])):
            braid.read_until("audit", lambda held: sum(body(one)["kind"] == "policy.loaded" for one in held) == 2)
            wait_for(lambda: shares() == [[0, 1], [2]])
            actions = propose(braid, *range(1, 9))
            braid.read_until("actions", lambda held: statuses(held).count("verified") >= len(actions))
        actions += propose(braid)
        done = braid.read_until("actions", lambda held: statuses(held).count("verified") >= len(actions))
    for action in actions:
        assert statuses(done, action.uid) == ["proposed", "approved", "executing", "executed", "verified"]
    assert made.effects == len(actions)
    assert_log_is_good(braid)


def test_the_kill_switch_stops_what_was_approved(braid: Braid, hook: tuple[Hook, str], tmp_path: Path) -> None:
    made, url = hook
    switch = tmp_path / "stop"
    with braid.running("worker", "respond", **environment(tmp_path, url, "supervised", BRAID_KILL_SWITCH=str(switch))):
        (action,) = propose(braid)
        until(braid, "waiting")
        switch.touch()
        audited(braid, "kill_switch", lambda told: told["on"])
        answer(braid, "approve", action.uid, "bob")
        assert until(braid, "denied") == ["proposed", "waiting", "approved", "denied"]
        switch.unlink()
        audited(braid, "kill_switch", lambda told: not told["on"])
    assert made.operations == []


def test_a_correction_is_a_new_revision_and_stops_what_waits(
    braid: Braid, hook: tuple[Hook, str], tmp_path: Path
) -> None:
    made, url = hook
    with (
        braid.running("worker", "archive"),
        braid.running("worker", "respond", **environment(tmp_path, url, "supervised")),
    ):
        (action,) = propose(braid)
        until(braid, "waiting")
        feedback = ("--set", "false_positive", "--reason", "A test of ours.", "--by", "bob")
        command(braid, "feedback", action.verdict_uid, *feedback)
        audited(braid, "feedback.refused", lambda told: "not signed" in told["refusal"])
        command(braid, "feedback", action.verdict_uid, *feedback, "--key", key_file(tmp_path, "bob"))
        assert until(braid, "denied") == ["proposed", "waiting", "denied"]
        shown = command(braid, "verdicts", "show", action.verdict_uid)["verdict"]
        told = shown["unmapped"]["braid"]
        assert (shown["verdict"], told["revision"], told["corrected_by"]) == ("False Positive", 1, "bob")
        assert (told["reasoning"]["concluded_id"], told["reasoning"]["raw_confidence"]) == (2, 95)
        (letter,) = [one for one in braid.read_until("feedback", lambda held: len(held) >= 2) if body(one)["signature"]]
        produce(braid, wire.Message("feedback", letter.key(), letter.value(), []))
        audited(braid, "feedback.refused", lambda told: "out of date" in told["refusal"])
        standing = LakeStore(tmp_path / "lake")
        wait_for(lambda: [one.corrected_by for one in load_cases(standing)] == ["bob"])
    assert made.operations == []


def test_a_policy_that_is_damaged_stops_everything_until_it_is_mended(
    braid: Braid, hook: tuple[Hook, str], tmp_path: Path
) -> None:
    made, url = hook
    settings = environment(tmp_path, url, "autonomous")
    with braid.running("worker", "respond", **settings):
        audited(braid, "policy.loaded")
        Path(settings["BRAID_POLICY"]).write_text("name: [", "utf-8")
        audited(braid, "kill_switch", lambda told: told["on"])
        propose(braid, 1)
        until(braid, "denied")
        policy_file(tmp_path, "autonomous")
        audited(braid, "kill_switch", lambda told: not told["on"])
        (action,) = propose(braid, 2)
        until(braid, "verified", uid=action.uid)
    assert made.effects == 1


def test_what_nobody_approves_in_time_expires(braid: Braid, hook: tuple[Hook, str], tmp_path: Path) -> None:
    made, url = hook
    given = {**braid.environment, **environment(tmp_path, url, "supervised")}
    names = ("BOOTSTRAP", "TOPIC_PREFIX", "LAKE", "DATA_DIR", "POLICY", "EXECUTORS", "EVIDENCE_SECONDS")
    settings = Settings(**{name.lower(): given[f"BRAID_{name}"] for name in names})
    propose(braid)
    (proposed,) = braid.read_until("actions", lambda held: len(held) == 1)
    clock, stop = [proposed.timestamp()[1]], Stop()
    worker = RespondWorker(settings, Health("respond"), stop, lambda: clock[0], {"HOOK_KEY": HOOK_KEY})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(worker.run)
        try:
            until(braid, "waiting")
            clock[0] += 31 * 60_000
            assert until(braid, "expired") == ["proposed", "waiting", "expired"]
        finally:
            stop.request()
        running.result(WAIT_S)
    assert made.operations == []

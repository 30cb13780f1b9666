"""`braid approvals`, `actions`, `feedback` and `verdicts show`: what is wrong is told before anybody is asked.

What they do on a broker: `tests/workers/test_respond.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from models.action import SHADOW, moved
from models.approval import ROLLBACK
from models.errors import ConfigError
from streams.board import Known
from streams.cli import board as shown
from streams.cli.approvals import signed
from tests.agents.policy.cases import KEYS, NOW, action
from tests.cli.run import braid

WHO = ("--by", "bob", "--reason", "Seen.")
COMMANDS = (
    ("approvals", "approve", "a" * 32),
    ("approvals", "deny", "a" * 32),
    ("actions", "rollback", "a" * 32),
    ("feedback", "a" * 32, "--set", "benign"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_key_that_is_none_is_told_by_its_option(command: tuple[str, ...], tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("hunter2")
    for place, why in (
        (f"file:{key}", "is no private key as"),
        ("file:/nowhere/key", "/nowhere/key"),
        ("hunter2", "file:PATH"),
    ):
        ran = braid(*command, *WHO, "--key", place)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("braid: --key: ")
        assert why in ran.err
        assert place == "hunter2" or "hunter2" not in ran.err


@pytest.mark.parametrize("command", COMMANDS[:3], ids=lambda command: " ".join(command[:2]))
@pytest.mark.parametrize("left_out", ["--by", "--reason", "--key"])
def test_who_and_why_must_be_said(command: tuple[str, ...], left_out: str) -> None:
    given = [part for name in ("--by", "--reason", "--key") if name != left_out for part in (name, "x")]
    ran = braid(*command, *given)
    assert ran.code == 2
    assert f"Missing option '{left_out}'" in ran.err


def test_a_word_that_no_verdict_is_is_told_with_those_that_are() -> None:
    ran = braid("feedback", "a" * 32, "--set", "fine", *WHO)
    assert ran.code == 2
    assert "'false_positive'" in ran.err


@pytest.mark.parametrize(
    "command",
    [("approvals", "list"), ("approvals", "show", "x"), ("actions", "list"), ("verdicts", "show", "x")],
    ids=" ".join,
)
def test_without_a_broker_it_is_said_so(command: tuple[str, ...]) -> None:
    ran = braid(*command, kafka_ca="/nowhere/ca.pem", kafka_protocol="SSL")
    assert ran.code == 2
    assert "/nowhere/ca.pem" in ran.err


def test_what_is_signed_is_the_action_as_it_stands() -> None:
    known = Known(moved(action(), SHADOW, by="policy", why="x", at=NOW), 0, NOW)
    made = signed(known, ROLLBACK, "bob", "Seen.", KEYS["bob"])
    assert (made.action_uid, made.action_revision, made.decision) == (action().uid, 1, ROLLBACK)
    assert KEYS["bob"].public.verifies(made.content, made.signature)
    assert signed(known, ROLLBACK, "bob", "Seen.", KEYS["bob"]).nonce != made.nonce
    with pytest.raises(ConfigError, match=r"^reason: must be 1 to 1000 long"):
        signed(known, ROLLBACK, "bob", " ", KEYS["bob"])


def test_what_a_log_said_cannot_command_the_terminal() -> None:
    line = shown.action_line(moved(action(), SHADOW, by="\x1b[2Jevil", why="x", at=NOW))
    assert "\x1b" not in line


def test_times_that_are_none_are_shown_as_unknown() -> None:
    assert shown.moment_of("") == "unknown"
    assert shown.moment_of("9" * 15) == "unknown"
    assert shown.moment_of("9" * 9999) == "unknown"
    assert shown.moment_of(str(NOW)) == "2025-06-15T15:06:40.000Z"

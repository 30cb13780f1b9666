"""`braid audit` and the making of keys, as who checks a log runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.audit.files import ChainFile
from agents.policy.signing import PRIVATE, PublicKey, read_signing_key
from tests.agents.audit.log import KEY, STRANGER, Log
from tests.cli.run import Ran, braid

PUBLIC = KEY.public.text


def log_in(folder: Path, *names: str, **how: bool) -> Log:
    log = Log()
    for name in names:
        log.chain(name, 9, **how)
        with ChainFile(folder, name) as file:
            file.write(log.of(name))
    return log


def verified(*arguments: object) -> Ran:
    return braid("audit", "verify", "--key", PUBLIC, *arguments)


def test_a_good_log_is_good(tmp_path: Path) -> None:
    log_in(tmp_path, "first", "second")
    ran = verified(tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "26 records in 2 chains: nothing wrong\n"


@pytest.mark.parametrize("name", ["first", "second"])
def test_an_altered_record_is_told_with_file_and_line(tmp_path: Path, name: str) -> None:
    log_in(tmp_path, "first", "second")
    path = tmp_path / f"{name}.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"n":4', b'"n":5', 1))
    ran = verified(tmp_path)
    assert ran.code == 1
    assert f"{path}:7: altered: {name} record 6: its content does not have its hash" in ran.out
    told = verified(tmp_path, "--json")
    assert told.code == 1
    assert [(one["kind"], one["chain"], one["seq"]) for one in told.json["problems"]] == [("altered", name, 6)]


def test_a_log_of_another_key_is_forged(tmp_path: Path) -> None:
    log_in(tmp_path, "first")
    ran = braid("audit", "verify", tmp_path, "--key", STRANGER.public.text)
    assert ran.code == 1
    assert "forged: first record 0" in ran.out
    assert braid("audit", "verify", tmp_path, "--key", STRANGER.public.text, "--key", PUBLIC).code == 0


def test_without_a_key_nothing_is_checked(tmp_path: Path) -> None:
    log_in(tmp_path, "first")
    ran = braid("audit", "verify", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "--key: without the public key anybody could have written the log" in ran.err


@pytest.mark.parametrize("key", ["nonsense", PRIVATE + "x", "file:/nowhere/key.pub"])
def test_what_is_no_key_is_told(tmp_path: Path, key: str) -> None:
    ran = braid("audit", "verify", tmp_path, "--key", key)
    assert ran.code == 2
    assert ran.err.startswith("braid: --key")


def test_heads_remember_what_was_there(tmp_path: Path) -> None:
    log_in(tmp_path / "log", "first", ended=False)
    heads = tmp_path / "heads.json"
    assert verified(tmp_path / "log", "--heads", heads).code == 0
    path = tmp_path / "log" / "first.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]))
    assert verified(tmp_path / "log").code == 0
    before = heads.read_bytes()
    ran = verified(tmp_path / "log", "--heads", heads)
    assert ran.code == 1
    assert f"an earlier check: cut: first record {len(lines) - 1}" in ran.out
    assert heads.read_bytes() == before


def test_heads_of_chains_that_lie_elsewhere_are_kept(tmp_path: Path) -> None:
    log_in(tmp_path, "first", "second")
    heads = tmp_path / "heads.json"
    assert verified(tmp_path / "first.ndjson", "--heads", heads).code == 0
    assert verified(tmp_path / "second.ndjson", "--heads", heads, "--part").code == 0
    assert {one["chain"] for one in json.loads(heads.read_bytes())["heads"]} == {"first", "second"}


def test_what_was_not_written_by_a_check_is_told(tmp_path: Path) -> None:
    log_in(tmp_path / "log", "first")
    heads = tmp_path / "heads.json"
    for content in ("nonsense", "{}", '{"heads":[{"chain":"x"}]}'):
        heads.write_text(content)
        ran = verified(tmp_path / "log", "--heads", heads)
        assert ran.code == 2
        assert "not what an earlier check has written" in ran.err


def test_a_chain_that_lies_elsewhere_is_missed_unless_it_is_a_part(tmp_path: Path) -> None:
    log_in(tmp_path, "first", "second")
    assert verified(tmp_path / "second.ndjson").code == 1
    part = verified(tmp_path / "second.ndjson", "--part")
    assert part.code == 0
    assert "cannot be known: first is not here" in part.out


def test_what_cannot_be_known_is_told(tmp_path: Path) -> None:
    log_in(tmp_path, "first", ended=False)
    path = tmp_path / "first.ndjson"
    path.write_bytes(path.read_bytes()[:-5])
    ran = verified(path)
    assert ran.code == 0
    assert "ends in the middle of a record" in ran.out
    assert "cannot be known: first has no end" in ran.out


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    ran = verified(tmp_path / "nowhere")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("command", ["audit", "approvals"])
def test_keys_are_made_once_and_fit_each_other(tmp_path: Path, command: str) -> None:
    file = tmp_path / "keys" / "bob.key"
    ran = braid(command, "keygen", file, "--json")
    assert ran.code == 0
    key = read_signing_key(f"file:{file}", {})
    assert ran.json["public_key"] == key.public.text
    assert (tmp_path / "keys" / "bob.key.pub").read_text() == key.public.text + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert key.reveal() not in ran.out + ran.err
    assert PublicKey.read(key.public.text).verifies(b"x", key.sign(b"x"))
    again = braid(command, "keygen", file)
    assert again.code == 2
    assert read_signing_key(f"file:{file}", {}).public == key.public


def test_two_keys_are_not_the_same(tmp_path: Path) -> None:
    made = {braid("approvals", "keygen", tmp_path / name, "--json").json["public_key"] for name in "ab"}
    assert len(made) == 2


def test_a_public_key_is_read_from_its_file(tmp_path: Path) -> None:
    log_in(tmp_path / "log", "first")
    (tmp_path / "audit.pub").write_text(PUBLIC + "\n")
    assert braid("audit", "verify", tmp_path / "log", "--key", f"file:{tmp_path / 'audit.pub'}").code == 0

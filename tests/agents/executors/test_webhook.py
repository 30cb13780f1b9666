from __future__ import annotations

import hmac
from pathlib import Path

import orjson
import pytest

from models.action import MAX_RECEIPT, MAX_RECEIPT_CHARS
from tests.agents.executors.cases import BLOCK, CASES, opened
from tests.agents.executors.server import HOOK_KEY, NOW_MS
from tests.enrichers.server import Reply, json_reply

CASE = CASES["webhook"]


async def test_a_request_is_signed_over_its_time_and_body_and_carries_its_key(tmp_path: Path) -> None:
    async with opened(CASE, tmp_path) as (executor, service, _):
        assert (await executor.execute(BLOCK, BLOCK.uid)).ok
        asked = service.asked[0]
        signed = f"{NOW_MS // 1000}.{asked.body}".encode()
        digest = hmac.digest(HOOK_KEY.encode(), signed, "sha256").hex()
        assert asked.headers["braid-signature"] == f"t={NOW_MS // 1000},v1={digest}"
        assert asked.headers["idempotency-key"] == BLOCK.uid
        body = orjson.loads(asked.body)
        assert (asked.method, asked.path, body["operation"], body["key"]) == ("POST", "/do", "execute", BLOCK.uid)
        assert body["action"]["target"] == {"type": "ip", "value": "198.51.100.7"}


async def test_a_request_of_another_key_or_an_old_one_is_refused_by_a_receiver(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("another key")
    fields = CASE.fields.replace("env:HOOK_KEY", f"file:{key}")
    async with opened(CASE, tmp_path, fields=fields) as (executor, service, _):
        assert not (await executor.execute(BLOCK, BLOCK.uid)).ok
        assert service.changes == []
        key.write_text(HOOK_KEY)  # a new key is taken up at once
        assert (await executor.execute(BLOCK, BLOCK.uid)).ok


async def test_what_has_no_url_cannot_be_done_and_says_so(tmp_path: Path) -> None:
    async with opened(CASE, tmp_path, fields="url: SERVICE/do, key: env:HOOK_KEY") as (executor, service, _):
        assert "cannot be rolled back" in (await executor.dry_run(BLOCK)).detail
        done = await executor.execute(BLOCK, BLOCK.uid)
        assert not (await executor.verify(BLOCK, done.receipt)).ok
        assert not (await executor.rollback(BLOCK, done.receipt)).ok
        assert len(service.asked) == 1


async def test_the_receipt_comes_back_with_the_rollback(tmp_path: Path) -> None:
    async with opened(CASE, tmp_path) as (executor, service, _):
        done = await executor.execute(BLOCK, BLOCK.uid)
        assert done.receipt == {"rule": "r-1"}
        await executor.rollback(BLOCK, done.receipt)
        assert orjson.loads(service.asked[-1].body)["receipt"] == {"rule": "r-1"}


@pytest.mark.parametrize(
    ("reply", "ok"),
    [
        (Reply(status=204), True),
        (Reply(b" "), True),
        (json_reply({"ok": True}), True),
        (json_reply({"ok": False, "detail": "no such firewall"}), False),
        (json_reply({"ok": "true"}), False),
        (json_reply({"ok": True, "detail": ["x"]}), False),
        (json_reply({"ok": True, "receipt": {"rule": 5}}), False),
        (json_reply({"ok": True, "receipt": {"rule": "x" * (MAX_RECEIPT_CHARS + 1)}}), False),
        (json_reply({"ok": True, "receipt": {str(n): "" for n in range(MAX_RECEIPT)}}), False),
        (json_reply({"ok": True, "receipt": []}), False),
        (json_reply([]), False),
    ],
)
async def test_an_answer_is_what_was_agreed_on_or_a_failure(reply: Reply, ok: bool, tmp_path: Path) -> None:
    async with opened(CASE, tmp_path) as (executor, service, _):
        service.before = lambda _: reply
        assert (await executor.execute(BLOCK, BLOCK.uid)).ok is ok


async def test_what_a_receiver_says_is_bounded_and_made_visible(tmp_path: Path) -> None:
    async with opened(CASE, tmp_path) as (executor, service, _):
        service.before = lambda _: json_reply({"ok": True, "detail": "\x1b[31m\u202e" + "x" * 5000})
        outcome = await executor.execute(BLOCK, BLOCK.uid)
        assert (len(outcome.detail) <= 320, outcome.detail.isprintable()) == (True, True)

"""Hand actions to a service of one's own: signed POSTs of JSON. What blocks addresses at a firewall is one of these.

The body is `{"operation": "execute" | "verify" | "rollback", "key": ..., "action": {...}, "receipt": {...}}`. The
header `braid-signature` is `t=SECONDS,v1=HEX` with the HMAC-SHA256 of `SECONDS.BODY` under the shared key. Receivers
compare it in constant time, refuse what is more than WINDOW_S off their clock, and remember keys with operations for as
long: what comes again under the same key is answered as before, and not done again.

The answer is any status of 200 to 299, with nothing or with `{"ok": true, "detail": "...", "receipt": {...}}`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from agents.executors.api import ReadSecret, Told, at, read_answer, unanswered
from agents.executors.base import Outcome, done, failed
from enrichers.secrets import Secret
from enrichers.web import Request, Unanswered, Web
from models.action import MAX_RECEIPT, MAX_RECEIPT_CHARS, Action
from models.errors import ConfigError

WINDOW_S: Final = 300  # how old a request may be that a receiver takes
SIGNATURE: Final = "braid-signature"
EXECUTE, VERIFY, ROLLBACK = "execute", "verify", "rollback"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Post actions.

    Attributes:
        name: Of the executor.
        urls: Where each operation is posted; one that is missing cannot be done.
        key: Reads the shared key.
        web: Asks over HTTP.
        now: The time, ms.
    """

    name: str
    urls: Mapping[str, str]
    key: ReadSecret
    web: Web
    now: Callable[[], int]

    async def dry_run(self, action: Action) -> Outcome:
        """Say what would be posted; nothing is."""
        undo = "can be rolled back" if ROLLBACK in self.urls else "cannot be rolled back"
        return done(f"would post {action.kind} to {self.name}, which {undo}")

    async def execute(self, action: Action, key: str) -> Outcome:
        """Post it."""
        return await self._post(EXECUTE, action, key, action.receipt)

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Ask whether it stands."""
        return await self._post(VERIFY, action, action.uid, receipt)

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Ask to undo it."""
        return await self._post(ROLLBACK, action, action.uid, receipt)

    async def _post(self, operation: str, action: Action, key: str, receipt: Mapping[str, str]) -> Outcome:
        if operation not in self.urls:
            return failed(f"{self.name} has no URL to {operation}")
        body = orjson.dumps(
            {"operation": operation, "key": key, "action": _told(action), "receipt": dict(receipt)},
            option=orjson.OPT_SORT_KEYS,
        )
        try:
            secrets = {SIGNATURE: self._signed(body)}
        except ConfigError as error:
            return failed(str(error))
        headers = {"content-type": "application/json", "accept": "application/json", "idempotency-key": key}
        answer = await self.web.get(Request(self.urls[operation], headers, secrets, method="POST", body=body))
        if isinstance(answer, Unanswered):
            return unanswered(answer, "POST")
        told = read_answer(answer.status, answer.body, "POST")
        if isinstance(told, Told) and told.value is None and operation == VERIFY:
            return failed("it does not say whether it stands")
        return _read(told, receipt) if isinstance(told, Told) else told

    def _signed(self, body: bytes) -> Secret:
        seconds = self.now() // 1000
        digest = hmac.digest(self.key().reveal().encode(), b"%d." % seconds + body, "sha256")
        return Secret(f"t={seconds},v1={digest.hex()}")


def _told(action: Action) -> dict[str, Any]:
    return {
        "uid": action.uid,
        "verdict": action.verdict_uid,
        "kind": action.kind,
        "target": {"type": action.target.type, "value": action.target.value},
        "confidence": action.confidence,
        "reason": action.reason,
        "evidence": list(action.evidence),
    }


def _read(told: Told, receipt: Mapping[str, str]) -> Outcome:
    """Read an answer; what it says is a word from outside, and bounded as such."""
    if told.value is None:
        return done(f"it was taken (status {told.status})", receipt)
    ok, detail, more = at(told.value, "ok"), at(told.value, "detail"), at(told.value, "receipt")
    if type(ok) is not bool or not isinstance(detail or "", str) or not _is_receipt(more):
        return failed("its answer is not what was agreed on", is_certain=False)
    words = f"it says: {detail}" if detail else f"it was {'taken' if ok else 'refused'}"
    return done(words, {**receipt, **(more or {})}) if ok else failed(words)


def _is_receipt(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or len(value) > MAX_RECEIPT // 2:
        return False
    texts = (*value, *value.values())
    return all(isinstance(text, str) and len(text) <= MAX_RECEIPT_CHARS for text in texts)

"""The connection to an endpoint: one request over HTTP at a time, keys, certificates, and how the endpoint is."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Final

import httpx
import orjson

from agents.llm import anthropic, openai
from agents.llm.breaker import Breaker, State
from agents.llm.endpoints import ANTHROPIC, AZURE, CHARACTERS_PER_TOKEN, EndpointSettings
from agents.llm.failures import (
    BREAKING,
    BROKEN,
    BUSY,
    KEY,
    MALFORMED,
    NETWORK,
    RESTING,
    STATUS,
    TOO_LONG,
    UNSENDABLE,
    Kind,
    NoReply,
)
from agents.llm.heard import MAX_BODY_BYTES, Heard, Tokens, parsed
from agents.llm.retrying import Retrying
from agents.llm.talk import REFUSED, Ask
from enrichers.lookups.client import Clocks
from enrichers.secrets import PLACES, Secret, read_secret
from enrichers.web import OK, TOO_MANY, Answer, Jitter, Limits, Request, Sleep, Unanswered, Web, new_client
from models.errors import ConfigError

CONNECT_S: Final = 10.0
EVENT_STREAM: Final = "text/event-stream"
UNAUTHORIZED: Final = frozenset({401, 403})
SERVER_ERROR: Final = 500
FILTERED: Final = Heard("", (), REFUSED, "", None)
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint is.

    Attributes:
        name: Of the endpoint.
        state: Of its breaker.
        rests_s: Seconds until it is tried again, 0 when it is not left alone.
        answered: Requests with an answer.
        failed: Requests without one.
        why: Why the last one had none, empty when it had one.
    """

    name: str
    state: State
    rests_s: float
    answered: int
    failed: int
    why: str


class Connection:
    """One endpoint, for all investigations of an event loop. Close it after use."""

    def __init__(
        self,
        settings: EndpointSettings,
        environment: Mapping[str, str],
        clocks: Clocks,
        jitter: Jitter,
        sleep: Sleep = asyncio.sleep,
        breaker: Breaker | None = None,
    ) -> None:
        """Prepare.

        Args:
            settings: The endpoint.
            environment: The variables of the process, where keys may be.
            clocks: The times.
            jitter: Returns numbers from 0 to 1.
            sleep: Waits for seconds.
            breaker: Its breaker, where the usual rule does not do.

        Raises:
            ConfigError: A certificate cannot be read, or there is no key.
        """
        self.settings = settings
        self.breaker = breaker or Breaker()
        self.retrying = Retrying(settings.tries)
        self.clocks = clocks
        self.jitter = jitter
        self.sleep = sleep
        self._environment = environment
        self._protocol: ModuleType = anthropic if settings.protocol == ANTHROPIC else openai
        self._limits = Limits(CONNECT_S, settings.timeout_s, settings.timeout_s, MAX_BODY_BYTES, tries=1)
        self._answered = self._failed = 0
        self._why = ""
        self._secrets()
        self._client = new_client(self._limits, http2=False, tls=_tls(settings), proxy=settings.proxy or None)

    @property
    def health(self) -> Health:
        """Return how the endpoint is."""
        now = self.clocks.monotonic()
        state, rests_s = self.breaker.state(now), self.breaker.rests_s(now)
        return Health(self.settings.name, state, rests_s, self._answered, self._failed, self._why)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    def body(self, ask: Ask) -> bytes:
        """Return the body of a request; raise NoReply when there can be none, or it is more than the model reads."""
        try:
            body = orjson.dumps(self._protocol.encode(ask, self.settings), default=_plain)
        except TypeError as error:  # orjson's own errors are of this kind
            raise NoReply("the request cannot be written as JSON", UNSENDABLE) from error
        most = self.settings.context_tokens
        asked = self.most(ask, body)
        if most and asked.sent + asked.said > most:
            raise NoReply(f"the request is more than the {most} tokens that the model takes", TOO_LONG)
        return body

    def most(self, ask: Ask, body: bytes) -> Tokens:
        """Return the tokens that a request may take at most, as far as can be told from its length."""
        return Tokens(len(body) // CHARACTERS_PER_TOKEN, min(ask.max_tokens, self.settings.max_output_tokens))

    async def send(self, body: bytes, within_s: float) -> Heard:
        """Send one request and return the answer; raise NoReply when there is none. The breaker learns of it."""
        if not self.breaker.enter(self.clocks.monotonic()):
            raise NoReply("it failed time after time, and is left alone for a while", RESTING)
        is_told = False
        try:
            heard = await self._exchange(body, within_s)
            self.breaker.succeeded(self.clocks.monotonic())
            is_told = True
            self._answered, self._why = self._answered + 1, ""
        except NoReply as failure:
            is_told = failure.kind != NETWORK or within_s >= self.settings.timeout_s  # else it was our own impatience
            self._note(failure, is_told=is_told)
            raise
        finally:
            if not is_told:
                self.breaker.abandoned()
        return heard

    def _note(self, failure: NoReply, *, is_told: bool) -> None:
        now = self.clocks.monotonic()
        self._failed, self._why = self._failed + 1, str(failure)
        if is_told and failure.kind in BREAKING:
            self.breaker.failed(now, failure.retry_after_s)
        elif is_told:
            self.breaker.succeeded(now)

    async def _exchange(self, body: bytes, within_s: float) -> Heard:
        secrets = self._keys()
        answer = await self._post(body, secrets, within_s)
        if isinstance(answer, Answer) and answer.status in UNAUTHORIZED:
            renewed = self._keys()
            if _revealed(renewed) != _revealed(secrets):  # it was rotated in this very moment
                answer = await self._post(body, renewed, within_s)
        return self._read(answer)

    async def _post(self, body: bytes, secrets: Mapping[str, Secret], within_s: float) -> Answer | Unanswered:
        limits = replace(self._limits, total_s=min(self._limits.total_s, within_s))
        headers = {"content-type": "application/json", **self._headers()}
        request = Request(self._url(), headers, secrets, method="POST", body=body)
        return await Web(self._client, limits, self.jitter, self.sleep).get(request)

    def _url(self) -> str:
        query = f"?api-version={self.settings.api_version}" if self.settings.api_version else ""
        return f"{self.settings.url}{self._protocol.PATH}{query}"

    def _headers(self) -> dict[str, str]:
        own = {"anthropic-version": anthropic.VERSION} if self.settings.protocol == ANTHROPIC else {}
        given = {name.lower(): text for name, text in self.settings.headers.items() if not text.startswith(PLACES)}
        return own | given

    def _keys(self) -> Mapping[str, Secret]:
        try:
            return self._secrets()
        except ConfigError as error:
            raise NoReply(str(error), KEY) from error

    def _secrets(self) -> dict[str, Secret]:
        """Return the secret headers, read anew each time: whoever rotates a key needs to tell nobody."""
        places = {name.lower(): text for name, text in self.settings.headers.items() if text.startswith(PLACES)}
        secrets = {name: read_secret(place, self._environment) for name, place in places.items()}
        if self.settings.key:
            secrets |= self._authorization(read_secret(self.settings.key, self._environment))
        return secrets

    def _authorization(self, key: Secret) -> dict[str, Secret]:
        if self.settings.protocol == ANTHROPIC:
            return {"x-api-key": key}
        if self.settings.protocol == AZURE:
            return {"api-key": key}
        return {"authorization": Secret(f"Bearer {key.reveal()}")}

    def _read(self, answer: Answer | Unanswered) -> Heard:
        if isinstance(answer, Unanswered):
            raise _unanswered(answer)
        if answer.status != OK:
            if openai.is_filtered(answer.status, answer.body):
                return FILTERED
            raise _declined(answer)
        media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        heard: Heard = (
            self._protocol.decode_stream(answer.body)
            if media == EVENT_STREAM
            else self._protocol.decode(parsed(answer.body))
        )
        return heard


def _revealed(secrets: Mapping[str, Secret]) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in secrets.items()}


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _kind(status: int) -> Kind:
    if status in UNAUTHORIZED:
        return KEY
    if status == TOO_MANY:
        return BUSY
    return BROKEN if status >= SERVER_ERROR else STATUS


def _unanswered(answer: Unanswered) -> NoReply:
    """Return the failure of a request that got no answer, or one that says to come again."""
    if answer.status:
        return NoReply(answer.reason, _kind(answer.status), status=answer.status, retry_after_s=answer.retry_after_s)
    return NoReply(answer.reason, MALFORMED if answer.is_final else NETWORK, may_cost=answer.is_sent)


def _declined(answer: Answer) -> NoReply:
    """Return the failure of a status; of the body only a code is shown, since the rest may quote key or prompt."""
    code = _code(answer.body)
    reason = f"it answered {answer.status}" + (f" ({code})" if code else "")
    return NoReply(reason, _kind(answer.status), status=answer.status)


def _code(body: bytes) -> str:
    try:
        error = orjson.loads(body)["error"]
        found = [error.get(name) for name in ("code", "type")]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, IndexError):
        return ""
    return next((code for code in found if isinstance(code, str) and _CODE.fullmatch(code)), "")


def _tls(settings: EndpointSettings) -> ssl.SSLContext | None:
    if not (settings.ca or settings.client_certificate):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca) if settings.ca else httpx.create_ssl_context()
        if settings.client_certificate:
            context.load_cert_chain(settings.client_certificate, settings.client_key or None)
    except (OSError, ValueError) as error:
        named = ", ".join(filter(None, (settings.ca, settings.client_certificate, settings.client_key)))
        raise ConfigError(f"endpoint {settings.name}: {named}: cannot be read: {type(error).__name__}") from error
    return context

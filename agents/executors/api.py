"""Ask the JSON interface of a service: bounded in time, size and tries, nowhere but there; a failure is a value."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import orjson

from agents.executors.base import Outcome, failed
from enrichers.secrets import Secret
from enrichers.web import Limits, Request, Unanswered, Web
from models.errors import ConfigError

# What is asked for is one small document, and an attacker is at work meanwhile.
LIMITS: Final = Limits(connect_s=5.0, read_s=10.0, total_s=20.0, max_bytes=1024 * 1024, tries=3, longest_wait_s=10.0)
MULTIPLE_CHOICES: Final = 300
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, SERVER_ERROR = 400, 401, 403, 404, 500
READING: Final = frozenset({"GET", "HEAD"})
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", re.ASCII)

ReadSecret = Callable[[], Secret]


@dataclass(frozen=True, slots=True)
class Told:
    """What a service answered.

    Attributes:
        status: Below 300, or one that the caller was prepared for.
        value: The JSON, None for an empty answer.
    """

    status: int
    value: Any


class Auth(Protocol):
    """Show a service who asks."""

    async def headers(self) -> Mapping[str, Secret] | Outcome:
        """Return the headers that do; raise ConfigError when a secret is not where it should be."""

    def refused(self) -> None:
        """Note that the service took offence at the last ones."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A key that stands in a header. It is read for every request, so a new one is taken up at once.

    Attributes:
        read: Reads the key.
        scheme: What stands before it: `Bearer`, `SSWS`; empty for nothing.
        header: The header.
        user: With a user it is a password of Basic authentication.
    """

    read: ReadSecret
    scheme: str = "Bearer"
    header: str = "authorization"
    user: str = ""

    async def headers(self) -> Mapping[str, Secret]:
        """Return the header."""
        text = self.read().reveal()
        if self.user:
            text = base64.b64encode(f"{self.user}:{text}".encode()).decode()
        return {self.header: Secret(f"{self.scheme} {text}".strip())}

    def refused(self) -> None:
        """Do nothing: the key is read again anyway."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """No authentication: the URL is the secret, or the body is signed."""

    async def headers(self) -> Mapping[str, Secret]:
        """Return nothing."""
        return {}

    def refused(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Api:
    """One service.

    Attributes:
        url: Where its interface begins, without a slash at the end.
        web: Asks over HTTP.
        auth: Shows who asks.
    """

    url: str
    web: Web
    auth: Auth = field(default_factory=Nobody)

    async def call(
        self,
        method: str,
        path: str,
        told: Any = None,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        prepared: frozenset[int] = frozenset(),
        is_repeatable: bool = True,
    ) -> Told | Outcome:
        """Send one request.

        Args:
            method: HTTP method.
            path: Of the URL, its parts quoted with `segment`.
            told: JSON that goes along, None for nothing.
            query: Of the URL; a list stands for a name that comes several times.
            prepared: Statuses of 400 and above that are an answer.
            is_repeatable: Whether the request may be sent again when nobody knows what became of it.
        """
        try:
            secrets = await self.auth.headers()
        except ConfigError as error:
            return failed(str(error))
        if isinstance(secrets, Outcome):
            return secrets
        url = f"{self.url}{path}{'?' + urlencode(query, doseq=True, quote_via=quote) if query else ''}"
        headers = {"accept": "application/json", **({"content-type": "application/json"} if told is not None else {})}
        body = orjson.dumps(told) if told is not None else b""
        request = Request(url, headers, secrets, method=method, body=body, is_repeatable=is_repeatable)
        answer = await self.web.get(request)
        if isinstance(answer, Unanswered):
            return unanswered(answer, method)
        if answer.status in {UNAUTHORIZED, FORBIDDEN}:
            self.auth.refused()
        return read_answer(answer.status, answer.body, method, prepared)


def unanswered(answer: Unanswered, method: str) -> Outcome:
    """Return the failure that no answer is; a change may have been made all the same."""
    is_certain = method in READING or BAD_REQUEST <= answer.status < SERVER_ERROR
    return failed(answer.reason, answer.retry_after_s or LIMITS.longest_wait_s, is_certain=is_certain)


def read_answer(status: int, body: bytes, method: str, prepared: frozenset[int] = frozenset()) -> Told | Outcome:
    """Read an answer. What it says of an error is shown to nobody: it may hold what was sent."""
    if status in {UNAUTHORIZED, FORBIDDEN} - prepared:
        return failed(f"it does not accept our credentials, or not for this (status {status})")
    if status >= MULTIPLE_CHOICES and status not in prepared:
        return failed(f"it refused (status {status})", is_certain=status < SERVER_ERROR)
    try:
        return Told(status, orjson.loads(body) if body.strip() else None)
    except orjson.JSONDecodeError:
        return failed("its answer is not JSON", is_certain=method in READING)


def segment(text: str) -> str:
    """Quote one segment of a path. `.` and `..` stay and lead elsewhere: callers let nothing in that is called so."""
    return quote(text, safe="")


def identifier(value: Any) -> str:
    """Return what a service names a thing by, empty when it cannot be that."""
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else ""


def at(value: Any, *path: str | int) -> Any:
    """Return what stands in JSON from outside at a path, None when there is no such place."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def objects(value: Any, *path: str | int) -> list[dict[str, Any]]:
    """Return the objects of a list at a path."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

"""Ask servers over HTTP that may be slow, broken, huge or lying: bounded in time, size, tries and places."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from typing import Final

import httpx

from enrichers.secrets import Secret

MAX_REDIRECTS: Final = 3
RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 529})  # the last: overloaded, as some model hosts say
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
OK: Final = 200
TOO_MANY: Final = 429
MAX_DIGITS: Final = 19  # of a length that an answer states
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.InvalidURL)

Sleep = Callable[[float], Awaitable[None]]
Jitter = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a request may go.

    Attributes:
        connect_s: Seconds until there is a connection.
        read_s: Seconds between two pieces of the answer.
        total_s: Seconds for one try, whatever trickles in.
        max_bytes: Of an answer.
        tries: Requests at most.
        backoff_s: Wait before the second try; doubles with each.
        longest_wait_s: A server that asks for more patience than this is given up.
    """

    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 60.0
    max_bytes: int = 64 * 1024 * 1024
    tries: int = 3
    backoff_s: float = 0.5
    longest_wait_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of any status that is not retried; without a body where that went into a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why there is no answer. Part of the answer, never raised.

    Attributes:
        reason: For a person; names no key and no query.
        status: HTTP status, 0 when none came.
        retry_after_s: How long the server asked to be left alone, 0 when it did not say.
        is_final: Whether another try would change nothing.
        is_sent: Whether the server may have seen the request.
    """

    reason: str
    status: int = 0
    retry_after_s: float = 0.0
    is_final: bool = False
    is_sent: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One GET, one POST of a form, or one request of any method with a body.

    Attributes:
        url: Where.
        headers: Sent as they are.
        secrets: Headers whose values nothing shows.
        form: What is posted; empty for a GET. A posted form is sent nowhere else, whatever the server says.
        into: The file that the body of a 200 is written to, piece by piece, in place of the memory. What it holds after
            anything but such an answer means nothing.
        max_bytes: Of the answer, where this is less than the limits allow; 0 for what they allow.
        method: Of a request that changes something or goes with a key that changes something: it is sent nowhere else,
            whatever the server says. Empty for a GET, or the POST of a form.
        body: What goes along with the method; its content type stands in the headers.
        is_repeatable: Whether the same request may come twice. If not, only what was surely turned away is tried again.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    into: Path | None = None
    max_bytes: int = 0
    method: str = ""
    body: bytes = b""
    is_repeatable: bool = True


def new_client(
    limits: Limits, *, http2: bool = True, tls: ssl.SSLContext | None = None, proxy: str | None = None
) -> httpx.AsyncClient:
    """Return a client that follows nothing and takes no settings from the environment; close it after use.

    The header compression of HTTP/2 logs every header at DEBUG, keys too, and httpx logs every URL at INFO, which is
    all the secret that a webhook has: both are silenced for good.
    """
    for name in ("hpack", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    timeout = httpx.Timeout(limits.read_s, connect=limits.connect_s, pool=limits.total_s)
    return httpx.AsyncClient(
        http2=http2, timeout=timeout, follow_redirects=False, trust_env=False, verify=tls or True, proxy=proxy
    )


class Web:
    """Ask servers, politely."""

    def __init__(self, client: httpx.AsyncClient, limits: Limits, jitter: Jitter, sleep: Sleep = asyncio.sleep) -> None:
        """Prepare.

        Args:
            client: From `new_client`.
            limits: How far a request may go.
            jitter: Returns numbers from 0 to 1 that spread the tries of many.
            sleep: Waits for seconds.
        """
        self._client = client
        self._limits = limits
        self._jitter = jitter
        self._sleep = sleep

    async def get(self, request: Request) -> Answer | Unanswered:
        """Ask, and ask again while the server is busy or out of reach."""
        for number in range(self._limits.tries):
            answer = await self._try(request)
            wait = self._wait(request, answer, number)
            if wait is None or number + 1 == self._limits.tries:
                return answer
            await self._sleep(wait)
        return Unanswered("no try was granted")

    def _wait(self, request: Request, answer: Answer | Unanswered, number: int) -> float | None:
        """Return how long to wait before the next try, None when there is to be none."""
        if not request.is_repeatable and answer.status != TOO_MANY:
            return None
        if isinstance(answer, Answer) or answer.is_final or answer.retry_after_s > self._limits.longest_wait_s:
            return None
        backoff = self._limits.backoff_s * 2.0**number * (0.5 + self._jitter() / 2)
        return max(answer.retry_after_s, backoff)

    async def _try(self, request: Request) -> Answer | Unanswered:
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._follow(request)
        except TimeoutError:
            return Unanswered(f"no whole answer within {self._limits.total_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            is_sent = not isinstance(error, _NOT_SENT)
            return Unanswered(f"{type(error).__name__} from {_host(request.url)}", is_sent=is_sent)

    async def _follow(self, request: Request) -> Answer | Unanswered:
        url = httpx.URL(request.url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._ask(url, request)
            if isinstance(answer, Unanswered) or answer.status not in REDIRECTS:
                return answer
            if request.form or request.method:
                return _final("it redirects what was posted", answer.status)
            target = url.join(answer.headers.get("location", ""))
            if _origin(target) != _origin(url):
                return _final(f"it redirects to another server, {target.host[:100]}", answer.status)
            url = target
        return _final(f"it redirects more than {MAX_REDIRECTS} times")

    async def _ask(self, url: httpx.URL, request: Request) -> Answer | Unanswered:
        # Nothing compressed is asked for and none taken: a small answer that unfolds to a huge one is an old trick.
        headers = {"accept-encoding": "identity", "user-agent": "braid"} | dict(request.headers)
        headers |= {name: secret.reveal() for name, secret in request.secrets.items()}
        form = dict(request.form) if request.form else None
        method, body = request.method or ("POST" if form else "GET"), request.body or None
        async with self._client.stream(method, url, headers=headers, data=form, content=body) as response:
            if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
                return _final(f"{url.host} sent a compressed answer that was not asked for")
            if response.status_code in RETRIED:
                reason = f"{url.host} answered {response.status_code}"
                return Unanswered(reason, response.status_code, _retry_after(response.headers))
            return await self._read(response, request)

    async def _read(self, response: httpx.Response, request: Request) -> Answer | Unanswered:
        most = min(request.max_bytes or self._limits.max_bytes, self._limits.max_bytes)
        too_large = _final(f"an answer of more than {most:,} bytes")
        stated = response.headers.get("content-length", "")
        if stated.isdecimal() and len(stated) < MAX_DIGITS and int(stated) > most:
            return too_large
        into, size = request.into, 0
        with into.open("wb") if into and response.status_code == OK else BytesIO() as sink:
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > most:
                    return too_large
                sink.write(piece)
            body = sink.getvalue() if isinstance(sink, BytesIO) else b""
        return Answer(response.status_code, dict(response.headers), body)


def _final(reason: str, status: int = 0) -> Unanswered:
    return Unanswered(reason, status, is_final=True)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host or "nowhere"
    except (httpx.InvalidURL, ValueError):
        return "what is no URL"


def _retry_after(headers: httpx.Headers) -> float:
    stated = headers.get("retry-after", "")
    if stated.isdecimal() and len(stated) < 10:  # noqa: PLR2004  # no wait takes so many digits of seconds
        return float(stated)
    try:
        wait = parsedate_to_datetime(stated) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, wait.total_seconds())

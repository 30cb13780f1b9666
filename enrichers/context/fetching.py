"""Fetch a table from an HTTP JSON API, page by page. For a command, never for the stream.

The key goes to the server that the description names and nowhere else: a redirect to another one is not followed, and
neither is a next page there. Neither the key nor an answer is in any message.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Self

import httpx
import orjson

from enrichers.context.description import Description, Http
from enrichers.context.fields import at
from enrichers.context.files import Row
from enrichers.secrets import Secret, read_secret
from enrichers.web import OK, Answer, Jitter, Limits, Request, Sleep, Unanswered, Web, new_client
from models.errors import ConfigError, EnrichmentFailed

PATIENCE: Final = 10.0  # an answer may take so many times as long as the server may stay silent


class Asking:
    """Ask for one page after the other, and wait for each. Connections are kept; use it as a context."""

    def __init__(
        self, jitter: Jitter, sleep: Sleep = asyncio.sleep, opened: Callable[[Limits], httpx.AsyncClient] = new_client
    ) -> None:
        """Prepare.

        Args:
            jitter: Returns numbers from 0 to 1 that spread the tries of many.
            sleep: Waits for seconds.
            opened: Makes a client.
        """
        self._jitter = jitter
        self._sleep = sleep
        self._opened = opened
        self._runner = asyncio.Runner()
        self._clients: dict[int, tuple[httpx.AsyncClient, Web]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        for client, _web in self._clients.values():
            self._runner.run(client.aclose())
        self._runner.close()

    def ask(self, request: Request, seconds: int) -> Answer | Unanswered:
        """Ask a server that may stay silent for some seconds."""
        if seconds not in self._clients:
            limits = Limits(read_s=seconds, total_s=seconds * PATIENCE)
            client = self._opened(limits)
            self._clients[seconds] = client, Web(client, limits, self._jitter, self._sleep)
        return self._runner.run(self._clients[seconds][1].get(request))


def fetch_rows(description: Description, asking: Asking) -> Iterator[Row]:
    """Yield the records of every page, numbered as they come.

    Args:
        description: The API.
        asking: Asks for the pages.

    Raises:
        ConfigError: The key is not where the description says.
        EnrichmentFailed: A page cannot be had, or is not what the description says.
    """
    number = 0
    for page in _pages(description, asking):
        records = at(page, description.http.records) if description.http.records else page
        if not isinstance(records, list):
            raise EnrichmentFailed(
                f"{description.place}: no list of records at {description.http.records or 'the top'!r}"
            )
        for record in records:
            number += 1
            yield Row(number, record) if isinstance(record, dict) else Row(number, {}, "not a JSON object")


def _pages(description: Description, asking: Asking) -> Iterator[Any]:
    http, first = description.http, httpx.URL(description.url)
    key = _key(description)
    url: httpx.URL | None = first
    seen: set[str] = set()
    while url is not None:
        if str(url) in seen or len(seen) >= http.pages:
            raise EnrichmentFailed(f"{description.place}: does not end after {len(seen)} pages")
        seen.add(str(url))
        answer, links = _ask(asking, url, key, http.seconds)
        yield answer
        url = _next(first, url, http, answer, links)


def _ask(asking: Asking, url: httpx.URL, key: Mapping[str, Secret], seconds: int) -> tuple[Any, Mapping[Any, Any]]:
    bare = url.copy_with(query=None)
    answer = asking.ask(Request(str(url), {"accept": "application/json"}, key), seconds)
    if isinstance(answer, Unanswered):
        raise EnrichmentFailed(f"{bare}: {answer.reason}")
    if answer.status != OK:
        raise EnrichmentFailed(f"{bare}: answered {answer.status}")
    try:
        return orjson.loads(answer.body), httpx.Response(OK, headers=answer.headers).links
    except orjson.JSONDecodeError as error:
        raise EnrichmentFailed(f"{bare}: the answer is not JSON") from error


def _next(first: httpx.URL, url: httpx.URL, http: Http, answer: Any, links: Mapping[Any, Any]) -> httpx.URL | None:
    """Return the address of the next page, None behind the last one."""
    if http.next_token:
        token = at(answer, http.next_token) if isinstance(answer, dict) else None
        return first.copy_merge_params({http.token_parameter: str(token)}) if token not in (None, "") else None
    link = at(answer, http.next) if http.next and isinstance(answer, dict) else links.get("next", {}).get("url")
    if link in (None, ""):
        return None
    try:
        found = url.join(str(link))
    except httpx.InvalidURL as error:
        raise EnrichmentFailed(f"{first.copy_with(query=None)}: the next page has no address") from error
    if (found.scheme, found.host, found.port) != (first.scheme, first.host, first.port):
        raise EnrichmentFailed(f"{first.copy_with(query=None)}: the next page is at another place, {found.host}")
    return found


def _key(description: Description) -> dict[str, Secret]:
    http = description.http
    if not http.key:
        return {}
    try:
        return {http.header: Secret(http.prefix + read_secret(http.key, os.environ).reveal())}
    except ConfigError as error:
        raise ConfigError(f"{description.path}: http.key: {error}") from error

"""Fetch a table from an HTTP JSON API, page by page. For a command, never for the stream.

The key goes to the origin that the description names and nowhere else: no redirect is followed, and neither is a next
page elsewhere. Neither the key nor an answer is in any message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import orjson

from enrichers.context.description import Description, Http
from enrichers.context.fields import at
from enrichers.context.files import Row
from enrichers.secrets import read_secret
from models.errors import ConfigError, EnrichmentFailed

MAX_ANSWER_BYTES: Final = 64 << 20


def fetch_rows(description: Description, client: httpx.Client) -> Iterator[Row]:
    """Yield the records of every page, numbered as they come.

    Args:
        description: The API.
        client: Asks; without redirects.

    Raises:
        ConfigError: The key is not where the description says.
        EnrichmentFailed: A page cannot be had, or is not what the description says.
    """
    number = 0
    for page in _pages(description, client):
        records = at(page, description.http.records) if description.http.records else page
        if not isinstance(records, list):
            raise EnrichmentFailed(
                f"{description.place}: no list of records at {description.http.records or 'the top'!r}"
            )
        for record in records:
            number += 1
            yield Row(number, record) if isinstance(record, dict) else Row(number, {}, "not a JSON object")


def _pages(description: Description, client: httpx.Client) -> Iterator[Any]:
    http, first = description.http, httpx.URL(description.url)
    headers = {"accept": "application/json", **_key(description)}
    url: httpx.URL | None = first
    seen: set[str] = set()
    while url is not None:
        if str(url) in seen or len(seen) >= http.pages:
            raise EnrichmentFailed(f"{description.place}: does not end after {len(seen)} pages")
        seen.add(str(url))
        answer, links = _ask(client, url, headers, http.seconds)
        yield answer
        url = _next(first, url, http, answer, links)


def _ask(
    client: httpx.Client, url: httpx.URL, headers: Mapping[str, str], seconds: int
) -> tuple[Any, Mapping[Any, Any]]:
    bare = url.copy_with(query=None)
    try:
        with client.stream("GET", url, headers=dict(headers), timeout=seconds, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise EnrichmentFailed(f"{bare}: answered {response.status_code} {response.reason_phrase}")
            return orjson.loads(_body(response, bare)), response.links
    except httpx.HTTPError as error:
        raise EnrichmentFailed(f"{bare}: {type(error).__name__}") from error
    except orjson.JSONDecodeError as error:
        raise EnrichmentFailed(f"{bare}: the answer is not JSON") from error


def _body(response: httpx.Response, bare: httpx.URL) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise EnrichmentFailed(f"{bare}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


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


def _key(description: Description) -> dict[str, str]:
    http = description.http
    if not http.key:
        return {}
    try:
        return {http.header: http.prefix + read_secret(http.key, os.environ).reveal()}
    except ConfigError as error:
        raise ConfigError(f"{description.path}: http.key: {error}") from error

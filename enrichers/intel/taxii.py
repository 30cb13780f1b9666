"""Fetch the objects of TAXII 2.1 collections, only those that came since the last time. Source: TAXII 2.1, 4 and 5."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urljoin

import orjson

from enrichers.web import OK, Answer, Request, Unanswered, Web

MEDIA_TYPE: Final = "application/taxii+json;version=2.1"
ADDED_LAST: Final = "x-taxii-date-added-last"
MAX_PAGES: Final = 10_000
MAX_BYTES: Final = 1 << 32  # of all pages
MAX_COLLECTIONS: Final = 256
PAGE: Final = 1000

Prepare = Callable[[str], Request]


class Page(NamedTuple):
    """One page of a collection.

    Attributes:
        collection: Its URL.
        objects: STIX objects, unread.
        added_last: When the server got the last of them, as it says; empty when it does not.
    """

    collection: str
    objects: list[Any]
    added_last: str


class _Told(NamedTuple):
    content: dict[str, Any]
    answer: Answer


async def collections(web: Web, prepare: Prepare, location: str) -> list[str] | Unanswered:
    """Return the URLs of the collections behind a URL: a collection itself, an API root, or a discovery endpoint.

    Args:
        web: Asks.
        prepare: Makes a request of a URL, with its credentials.
        location: The URL.
    """
    location = location.rstrip("/") + "/"
    found = await _json(web, prepare, location)
    if isinstance(found, Unanswered):
        return found
    roots = found.content.get("api_roots")
    if isinstance(roots, list):
        named = [urljoin(location, root) for root in roots if isinstance(root, str)]
        return await _of_roots(web, prepare, named, _origin(location))
    if "can_read" in found.content:
        return [location]
    return await _of_roots(web, prepare, [location], _origin(location))


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3]) + "/"


async def _of_roots(web: Web, prepare: Prepare, roots: list[str], start: str) -> list[str] | Unanswered:
    """Ask the API roots of the server itself: one that names another server's may mean one of ours."""
    found: list[str] = []
    for root in [root for root in roots if root.startswith(start)][:MAX_COLLECTIONS]:
        base = f"{root.rstrip('/')}/collections/"
        told = await _json(web, prepare, base)
        if isinstance(told, Unanswered):
            return told
        listed = told.content.get("collections")
        items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        readable = [item.get("id") for item in items if item.get("can_read") is not False]
        found += [urljoin(base, f"{quote(name)}/") for name in readable if isinstance(name, str)]
    return found[:MAX_COLLECTIONS] or Unanswered("no collection that may be read")


async def pages(web: Web, prepare: Prepare, collection: str, added_after: str) -> AsyncIterator[Page | Unanswered]:
    """Yield the pages of a collection; the last is why there are no more, if something went wrong.

    Args:
        web: Asks.
        prepare: Makes a request of a URL, with its credentials.
        collection: Its URL.
        added_after: Only what came after this time, as a server once said it; empty for all.
    """
    query = {"limit": str(PAGE), "match[type]": "indicator"} | ({"added_after": added_after} if added_after else {})
    size = 0
    for _ in range(MAX_PAGES):
        told = await _json(web, prepare, f"{collection}objects/?{urlencode(query)}")
        if isinstance(told, Unanswered):
            yield told
            return
        size += len(told.answer.body)
        if size > MAX_BYTES:
            yield Unanswered(f"more than {MAX_BYTES:,} bytes of pages")
            return
        objects, more = told.content.get("objects", []), told.content.get("next")
        yield Page(collection, objects if isinstance(objects, list) else [], told.answer.headers.get(ADDED_LAST, ""))
        if told.content.get("more") is not True:
            return
        if not isinstance(more, str) or more == query.get("next"):
            yield Unanswered("it says that there is more, and not where")
            return
        query["next"] = more
    yield Unanswered(f"more than {MAX_PAGES} pages")


async def _json(web: Web, prepare: Prepare, url: str) -> _Told | Unanswered:
    answer = await web.get(prepare(url))
    if isinstance(answer, Unanswered):
        return answer
    if answer.status != OK:
        return Unanswered(f"it answered {answer.status}", answer.status)
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        return Unanswered(f"its answer is not JSON: {error.msg}", answer.status)
    return _Told(content, answer) if isinstance(content, dict) else Unanswered("its answer is no JSON object")

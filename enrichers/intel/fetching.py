"""Bring lists of other servers onto the disk. A list that cannot be fetched keeps its last copy, and says so.

What comes is looked into before it takes the place of a copy: a page that says with status 200 that the server is down
is no list. Each list has its time; one that takes longer holds up no other.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import quote

import orjson

from enrichers.intel import taxii
from enrichers.intel.indicator import Rejected, Said
from enrichers.intel.misp import MANIFEST, read_manifest
from enrichers.intel.reading import read, read_one_event
from enrichers.intel.sources import MISP, TAXII, Source
from enrichers.secrets import Secret, read_secret
from enrichers.web import OK, Answer, Request, Unanswered, Web

MAX_EVENTS: Final = 50_000
MAX_IN_MEMORY: Final = 16 * 1024 * 1024  # of a page or a manifest: what is read of JSON takes many times its length
OBJECTS: Final = "objects.ndjson"
STATE: Final = "added-after.json"
LIST: Final = "list"
WHOLE_AT: Final = "whole-at"
SOURCE_S: Final = 900.0  # for one list
AT_ONCE: Final = 4  # lists
MAX_DIGITS: Final = 16  # of a time in ms
MOST_SHOWN: Final = 120


class Fetched(NamedTuple):
    """What came of fetching one list.

    Attributes:
        path: Where it lies now, or its last copy; None when there is none.
        missing: Why it is not as new as it should be, empty when it is.
        as_of: When it was last here as a whole, ms; 0 when nobody knows.
    """

    path: Path | None
    missing: str = ""
    as_of: int = 0


class Fetcher:
    """Fetch lists into a folder that keeps them from one time to the next."""

    def __init__(
        self, web: Web, folder: Path, environment: Mapping[str, str], now: int, source_s: float = SOURCE_S
    ) -> None:
        """Prepare.

        Args:
            web: Asks the servers.
            folder: For the copies, a folder each.
            environment: Holds the keys that settings name.
            now: The time, ms.
            source_s: Seconds for one list, with all its pages and tries.
        """
        self._web = web
        self._folder = folder
        self._environment = environment
        self._now = now
        self._source_s = source_s
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, source: Source) -> Fetched:
        """Bring a list here; one that is here already is left where it is.

        Raises:
            ConfigError: A key is not where the settings say.
        """
        if not source.is_remote:
            return Fetched(Path(source.location), as_of=_written_at(Path(source.location)))
        folder = self._folder / quote(source.name, safe=" ")
        folder.mkdir(parents=True, exist_ok=True)
        login = _login(source, self._environment)
        async with self._slots:
            found = await self._in_time(source, folder, login)
        if not found.missing:
            _replace(folder / WHOLE_AT, str(self._now).encode())
        return found._replace(as_of=_whole_at(folder / WHOLE_AT))

    async def _in_time(self, source: Source, folder: Path, login: Mapping[str, Secret]) -> Fetched:
        """Fetch a list; of one that takes too long, what the last time left stands."""
        try:
            async with asyncio.timeout(self._source_s):
                return await self._remote(source, folder, login)
        except TimeoutError:
            copy = {TAXII: OBJECTS, MISP: MANIFEST}.get(source.format, LIST)
            return _copy(folder / copy, f"not whole within {self._source_s:g} s")

    async def _remote(self, source: Source, folder: Path, login: Mapping[str, Secret]) -> Fetched:
        if source.format == TAXII:
            return await self._taxii(source, folder, login)
        if source.format == MISP:
            return await self._misp(source, folder, login)

        def told(path: Path) -> Iterator[Said]:
            return read(source, path, self._now)

        return await self._file(source.location, login, folder / LIST, told)

    async def _file(
        self, url: str, login: Mapping[str, Secret], path: Path, told: Callable[[Path], Iterator[Said]]
    ) -> Fetched:
        """Fetch one file; it takes the place of the copy when what it has told, read from its path, is a list."""
        beside = _beside(path)
        try:
            missing = _missing(await self._web.get(Request(url, {}, login, into=beside)))
            missing = missing or _page(beside) or _fault(told(beside))
            if not missing:
                beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return _copy(path, missing)

    async def _misp(self, source: Source, folder: Path, login: Mapping[str, Secret]) -> Fetched:
        """Fetch the events that changed since the copy was made; the manifest last, for it says what is whole."""
        base = source.location.removesuffix(MANIFEST).rstrip("/")
        copy = folder / MANIFEST
        answer = await self._web.get(Request(f"{base}/{MANIFEST}", {}, login, max_bytes=MAX_IN_MEMORY))
        missing = _missing(answer)
        if missing or not isinstance(answer, Answer):
            return _copy(copy, missing)
        try:
            wanted = read_manifest(answer.body)
        except ValueError as error:
            return _copy(copy, f"not a manifest of a MISP feed: {error}")

        def told(path: Path) -> Iterator[Said]:
            """Read an event only for what is wrong with all of it: one of nothing that is matched is one as well."""
            return (said for said in read_one_event(source, path) if not isinstance(said, Rejected) or said.ends)

        known = _known_events(copy)
        failed = ""
        for name, changed in sorted(wanted.items())[:MAX_EVENTS]:
            path = folder / f"{name}.json"
            if known.get(name) != changed or not path.exists():
                fetched = await self._file(f"{base}/{name}.json", login, path, told)
                failed = failed or (f"event {name}: {fetched.missing}" if fetched.missing else "")
        if not failed or not copy.exists():
            _replace(copy, answer.body)
        return Fetched(copy, failed)

    async def _taxii(self, source: Source, folder: Path, login: Mapping[str, Secret]) -> Fetched:
        path, state_path = folder / OBJECTS, folder / STATE

        def prepare(url: str) -> Request:
            return Request(url, {"accept": taxii.MEDIA_TYPE}, login, max_bytes=MAX_IN_MEMORY)

        found = await taxii.collections(self._web, prepare, source.location)
        if isinstance(found, Unanswered):
            return _copy(path, found.reason)
        if path.exists() and path.stat().st_size > taxii.MAX_BYTES:  # of versions, and of pages that broke off
            path.unlink()
            state_path.unlink(missing_ok=True)
        state = _state(state_path)
        missing = ""
        with path.open("ab") as objects:
            for collection in found:
                missing = await self._collection(prepare, collection, state, objects) or missing
        _replace(state_path, orjson.dumps(state))
        return Fetched(path, missing)

    async def _collection(
        self, prepare: taxii.Prepare, collection: str, state: dict[str, str], objects: BinaryIO
    ) -> str:
        """Append what is new; what a broken answer left behind is fetched again, which changes nothing."""
        latest = state.get(collection, "")
        async for page in taxii.pages(self._web, prepare, collection, latest):
            if isinstance(page, Unanswered):
                return page.reason
            objects.writelines(orjson.dumps(item) + b"\n" for item in page.objects)
            latest = max(latest, page.added_last)
        objects.flush()
        state[collection] = latest
        return ""


def _copy(path: Path, missing: str) -> Fetched:
    return Fetched(path if path.exists() else None, missing)


def _page(path: Path) -> str:
    """Tell a page of HTML or XML: no list begins like one, and lines of one may look like names."""
    with path.open("rb") as file:
        begins = file.read(MOST_SHOWN).lstrip(b"\xef\xbb\xbf \t\r\n")
    return "a page, and no list" if begins.startswith(b"<") else ""


def _fault(said: Iterable[Said]) -> str:
    """Return why what was fetched is no list: nothing in it can be read though there is something, or it breaks off.

    Only as much is read as it takes to find the first thing that can be.
    """
    first = ""
    for one in said:
        if not isinstance(one, Rejected):
            return ""
        first = first or f"nothing in it can be read: {one.reason}"
        if one.ends:
            return f"not such a list: {one.reason}"
    return first[:MOST_SHOWN]


def _written_at(path: Path) -> int:
    try:
        return (path / MANIFEST if path.is_dir() else path).stat().st_mtime_ns // 1_000_000
    except OSError:
        return 0


def _whole_at(path: Path) -> int:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return 0
    return int(text) if text.isdecimal() and len(text) < MAX_DIGITS else 0


def _login(source: Source, environment: Mapping[str, str]) -> dict[str, Secret]:
    login: dict[str, Secret] = {}
    if source.user and source.password:
        password = read_secret(source.password, environment).reveal()
        login["authorization"] = Secret("Basic " + b64encode(f"{source.user}:{password}".encode()).decode())
    if source.key:
        login[source.key_header.lower()] = read_secret(source.key, environment)
    return login


def _missing(answer: Answer | Unanswered) -> str:
    if isinstance(answer, Unanswered):
        return answer.reason
    return "" if answer.status == OK else f"it answered {answer.status}"


def _known_events(manifest: Path) -> dict[str, int]:
    try:
        return read_manifest(manifest.read_bytes())
    except (OSError, ValueError):
        return {}


def _state(path: Path) -> dict[str, str]:
    try:
        told = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return {key: value for key, value in told.items() if isinstance(value, str)} if isinstance(told, dict) else {}


def _replace(path: Path, data: bytes) -> None:
    beside = _beside(path)
    beside.write_bytes(data)
    beside.replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")

"""Bring lists of other servers onto the disk. A list that cannot be fetched keeps its last copy, and says so."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import quote

import orjson

from enrichers.intel import taxii
from enrichers.intel.misp import MANIFEST, read_manifest
from enrichers.intel.sources import MISP, TAXII, Source
from enrichers.secrets import Secret, read_secret
from enrichers.web import OK, Answer, Request, Unanswered, Web

MAX_EVENTS: Final = 50_000
OBJECTS: Final = "objects.ndjson"
STATE: Final = "added-after.json"
LIST: Final = "list"


class Fetched(NamedTuple):
    """What came of fetching one list.

    Attributes:
        path: Where it lies now, or its last copy; None when there is none.
        missing: Why it is not as new as it should be, empty when it is.
    """

    path: Path | None
    missing: str = ""


class Fetcher:
    """Fetch lists into a folder that keeps them from one time to the next."""

    def __init__(self, web: Web, folder: Path, environment: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            web: Asks the servers.
            folder: For the copies, a folder each.
            environment: Holds the keys that settings name.
        """
        self._web = web
        self._folder = folder
        self._environment = environment

    async def fetch(self, source: Source) -> Fetched:
        """Bring a list here; one that is here already is left where it is.

        Raises:
            ConfigError: A key is not where the settings say.
        """
        if not source.is_remote:
            return Fetched(Path(source.location))
        folder = self._folder / quote(source.name, safe=" ")
        folder.mkdir(parents=True, exist_ok=True)
        login = _login(source, self._environment)
        if source.format == TAXII:
            return await self._taxii(source, folder, login)
        if source.format == MISP:
            return await self._misp(source, folder, login)
        return await self._file(Request(source.location, {}, login), folder / LIST)

    async def _file(self, request: Request, path: Path) -> Fetched:
        answer = await self._web.get(request)
        missing = _missing(answer)
        if isinstance(answer, Answer) and not missing:
            _replace(path, answer.body)
        return _copy(path, missing)

    async def _misp(self, source: Source, folder: Path, login: Mapping[str, Secret]) -> Fetched:
        """Fetch the events that changed since the copy was made; the manifest last, for it says what is whole."""
        base = source.location.removesuffix(MANIFEST).rstrip("/")
        copy = folder / MANIFEST
        answer = await self._web.get(Request(f"{base}/{MANIFEST}", {}, login))
        missing = _missing(answer)
        if missing or not isinstance(answer, Answer):
            return _copy(copy, missing)
        try:
            wanted = read_manifest(answer.body)
        except ValueError as error:
            return _copy(copy, f"not a manifest of a MISP feed: {error}")
        known = _known_events(copy)
        failed = ""
        for name, changed in sorted(wanted.items())[:MAX_EVENTS]:
            path = folder / f"{name}.json"
            if known.get(name) != changed or not path.exists():
                fetched = await self._file(Request(f"{base}/{name}.json", {}, login), path)
                failed = failed or (f"event {name}: {fetched.missing}" if fetched.missing else "")
        if not failed or not copy.exists():
            _replace(copy, answer.body)
        return Fetched(copy, failed)

    async def _taxii(self, source: Source, folder: Path, login: Mapping[str, Secret]) -> Fetched:
        path, state_path = folder / OBJECTS, folder / STATE

        def prepare(url: str) -> Request:
            return Request(url, {"accept": taxii.MEDIA_TYPE}, login)

        found = await taxii.collections(self._web, prepare, source.location)
        if isinstance(found, Unanswered):
            return _copy(path, found.reason)
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
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(data)
    beside.replace(path)

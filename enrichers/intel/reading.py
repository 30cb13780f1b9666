"""Read lists that lie on disk, whatever their format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from enrichers.intel.indicator import Indicator, Rejected, Said
from enrichers.intel.lists import read_csv, read_list
from enrichers.intel.misp import MANIFEST, read_event, read_manifest
from enrichers.intel.sources import CSV, LIST, MISP, STIX, TAXII, Source
from enrichers.intel.stix import read_bundle
from enrichers.intel.times import DAY_MS

_Reader = Callable[[Source, Path, int], Iterator[Said]]


def read(source: Source, path: Path, read_at: int) -> Iterator[Said]:
    """Yield what a list says, with the expiry that its settings add.

    Args:
        source: The list.
        path: Where it, or the copy of it, lies.
        read_at: When a list without times said what it says, ms: when it was fetched, or is read.
    """
    try:
        for said in _READERS[source.format](source, path, read_at):
            yield _expiring(said, source.days) if source.days and isinstance(said, Indicator) else said
    except OSError as error:
        yield Rejected(source.name, str(path), "", f"cannot be read: {error.strerror or error}", ends=True)
    except UnicodeDecodeError as error:
        yield Rejected(source.name, str(path), "", f"not UTF-8: {error.reason}", ends=True)


def _expiring(said: Indicator, days: int) -> Indicator:
    return replace(said, valid_until=min(said.valid_until, said.modified + days * DAY_MS))


def _lines(source: Source, path: Path, read_at: int) -> Iterator[Said]:
    known = Indicator("", "", source.name, confidence=source.confidence, modified=read_at)
    reader = read_csv if source.format == CSV else read_list
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        yield from reader(lines, known, str(path), source.layout)


def _bundle(source: Source, path: Path, _: int) -> Iterator[Said]:
    yield from read_bundle(path.read_bytes(), source.name, str(path), source.confidence)


def _objects(source: Source, path: Path, _: int) -> Iterator[Said]:
    """Read the objects of a TAXII collection as they were stored: one in a line."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            yield from read_bundle(line, source.name, f"{path}:{number}", source.confidence)


def read_one_event(source: Source, path: Path) -> Iterator[Said]:
    """Yield what one event of a MISP feed says; raise OSError when it cannot be read."""
    yield from read_event(path.read_bytes(), source.name, str(path), source.confidence)


def _events(source: Source, path: Path, _: int) -> Iterator[Said]:
    folder = path.parent if path.name == MANIFEST else path
    manifest = folder / MANIFEST
    try:
        names = sorted(read_manifest(manifest.read_bytes()))
    except ValueError as error:
        yield Rejected(source.name, str(manifest), "", f"not a manifest of a MISP feed: {error}", ends=True)
        return
    for name in names:
        event = folder / f"{name}.json"
        try:
            data = event.read_bytes()
        except OSError as error:
            yield Rejected(source.name, str(event), name, f"cannot be read: {error.strerror or error}")
        else:
            yield from read_event(data, source.name, str(event), source.confidence)


_READERS: Final[Mapping[str, _Reader]] = {STIX: _bundle, TAXII: _objects, MISP: _events, CSV: _lines, LIST: _lines}

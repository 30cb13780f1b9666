"""Open MMDB files: each in a copy of its own, so that a file that is written over cannot end the process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import maxminddb

from enrichers.geo import GeoEnricher
from models.errors import EnrichmentFailed

MAX_LABEL: Final = 100


class MmdbDatabase:
    """One open file. Looking up raises EnrichmentFailed where the file is damaged."""

    __slots__ = ("_name", "_reader", "label")

    def __init__(self, path: Path) -> None:
        """Open a file; raise EnrichmentFailed when it is missing or no MMDB file.

        The reader maps its file into memory, and a mapped file that is cut short kills who reads it: so it gets a copy
        without a name. The copy is as large as the file, and goes with the reader.
        """
        self._name = path.name
        self._reader = _open(path)
        self.label = self._reader.metadata().database_type[:MAX_LABEL] or path.stem

    def get(self, ip: str) -> Mapping[str, Any] | None:
        """Return the record of the network an address is in, None when there is none."""
        try:
            found = self._reader.get(ip)
        except maxminddb.InvalidDatabaseError as error:
            raise EnrichmentFailed(f"{self._name} is damaged: {error}") from error
        except ValueError:  # an IPv6 address, and a database of IPv4 only
            return None
        return found if isinstance(found, dict) else None


def _open(path: Path) -> maxminddb.Reader:
    try:
        with tempfile.NamedTemporaryFile(prefix="braid-mmdb-") as copy, path.open("rb") as file:
            shutil.copyfileobj(file, copy)
            copy.flush()
            return maxminddb.open_database(copy.name)
    except OSError as error:
        raise EnrichmentFailed(f"{path}: {error.strerror or error}") from error
    except (maxminddb.InvalidDatabaseError, ValueError) as error:
        raise EnrichmentFailed(f"{path}: no MMDB file: {error}") from error


def open_geo(paths: Iterable[Path]) -> tuple[GeoEnricher, tuple[str, ...]]:
    """Open the databases; return the enricher, and what is wrong with those that it has to do without."""
    opened, missing = [], []
    for path in paths:
        try:
            opened.append(MmdbDatabase(path))
        except EnrichmentFailed as error:
            missing.append(str(error))
    return GeoEnricher(opened, missing), tuple(missing)

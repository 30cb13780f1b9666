"""Build the indicator table: what many lists say, each in its latest word, as sorted arrays."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enrichers.intel.facts import Facts
from enrichers.intel.indicator import DOMAIN, NETWORK, URL, Indicator, Revoked
from enrichers.intel.keys import SEEDS, digest, encoded, said_name
from enrichers.intel.layout import About, write_file
from enrichers.intel.networks import columns_of
from models.errors import ConfigError

MAX_ROWS: Final = (1 << 32) - 1
MAX_SOURCES: Final = 65_535
FILTER_BITS: Final = 16  # for each indicator, at least: 15 of 16 misses end there
FEWEST_BITS: Final = 16
MOST_BITS: Final = 32
ROWS_PER_BUCKET: Final = 4
UNNAMED: Final = 0

_Numbers = NDArray[Any]


class Built(NamedTuple):
    """What was written.

    Attributes:
        indicators: Rows of the table.
        superseded: Indicators that a later word of their source took the place of.
        revoked: Indicators that their source took back.
        size_bytes: Of the file.
    """

    indicators: int
    superseded: int
    revoked: int
    size_bytes: int


class Builder:
    """Take in what lists say, then write the table. Holds about 40 bytes for each indicator."""

    def __init__(self) -> None:
        self._facts = Facts()
        self._sources: dict[str, int] = {}
        self._rows = {name: array(code) for name, code in _ROW.items()}
        self._taken_back: list[tuple[int, int]] = []
        self._networks: list[tuple[str, int]] = []
        self._domain_labels = 0
        self._url_depth = 0

    def __len__(self) -> int:
        return len(self._rows["fact"])

    def add(self, said: Indicator) -> None:
        """Take in one indicator; raise ConfigError when there are more than a table can hold."""
        source = self._sources.setdefault(said.source, len(self._sources))
        if source >= MAX_SOURCES or len(self) >= MAX_ROWS:
            raise ConfigError(f"an indicator table holds at most {MAX_ROWS} indicators of {MAX_SOURCES} sources")
        data = encoded(said.value)
        high, low = digest(said.kind, data)
        values = (
            *(high, low, self._facts.number(said, source), crc32(data, SEEDS[said.kind])),
            said_name(said.source, said.id) if said.id else UNNAMED,
        )
        for column, value in zip(self._rows.values(), values, strict=True):
            column.append(value)
        if said.kind in _MEASURED:
            self._measure(said)

    def _measure(self, said: Indicator) -> None:
        if said.kind == NETWORK:
            self._networks.append((said.value, len(self) - 1))
        elif said.kind == DOMAIN:
            self._domain_labels = max(self._domain_labels, said.value.count(".") + 1)
        elif said.value.endswith("/"):
            self._url_depth = max(self._url_depth, said.value.count("/"))

    def take_back(self, said: Revoked) -> None:
        """Take out what a source said under an id until then."""
        self._taken_back.append((said_name(said.source, said.id), said.modified))

    def write(self, path: Path, sources: Mapping[str, Mapping[str, Any]], built: int = 0) -> Built:
        """Write the table.

        Args:
            path: The file; one that is there is replaced in one step.
            sources: What to tell of each list beside its name and the number of its indicators.
            built: The time, ms.
        """
        rows = {name: np.frombuffer(column, column.typecode) for name, column in self._rows.items() if column}
        rows = rows or {name: np.empty(0, code) for name, code in _ROW.items()}
        standing = self._standing(rows)
        order, latest = self._sorted(rows, np.flatnonzero(standing))
        kept = order[latest]
        standing[order[~latest]] = False
        counts = Counter(self._facts.numbers_of("source")[rows["fact"][kept]].tolist() if len(kept) else [])
        told = [
            {"name": name, "indicators": counts.get(self._sources.get(name, -1), 0), **about}
            for name, about in (dict.fromkeys(self._sources, _NO_FACTS) | dict(sources)).items()
        ]
        columns = {
            **_exact(rows, kept),
            **self._facts.columns(),
            **columns_of(text for text, row in self._networks if standing[row]),
        }
        write_file(path, columns, About(told, self._domain_labels, self._url_depth, built))
        revoked = len(self) - len(order)
        return Built(len(kept), len(order) - len(kept), revoked, path.stat().st_size)

    def _standing(self, rows: Mapping[str, _Numbers]) -> _Numbers:
        """Tell of each row whether it is of the latest version of its id, and not taken back."""
        standing = np.ones(len(self), bool)
        named = np.flatnonzero(rows["said"] != UNNAMED)
        if not len(named):
            return standing
        modified = self._facts.numbers_of("modified")[rows["fact"][named]]
        back = np.array([name for name, _ in self._taken_back], np.uint64)
        back_at = np.array([at for _, at in self._taken_back], np.int64)
        ids, which = np.unique(np.concatenate((rows["said"][named], back)), return_inverse=True)
        latest, ended = np.full((2, len(ids)), -1, np.int64)
        np.maximum.at(latest, which[: len(named)], modified)
        np.maximum.at(ended, which[len(named) :], back_at)
        mine = which[: len(named)]
        standing[named] = (modified == latest[mine]) & (modified > ended[mine])
        return standing

    def _sorted(self, rows: Mapping[str, _Numbers], chosen: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Return the chosen rows by key, and which of them are the latest word of their source on their key."""
        order = chosen[np.argsort(rows["high"][chosen], kind="stable")]
        high = rows["high"][order]
        alike = np.zeros(len(order), bool)
        alike[1:] |= high[1:] == high[:-1]
        alike[:-1] |= alike[1:]
        group = order[alike]
        facts = rows["fact"][group]
        source, modified = (self._facts.numbers_of(name)[facts] for name in ("source", "modified"))
        # The rows of one key stay in the places of that key: only their order among each other changes.
        group = group[np.lexsort((group, modified, source, rows["low"][group], rows["high"][group]))]
        order[alike] = group
        low, source = rows["low"][order], self._facts.numbers_of("source")[rows["fact"][order]]
        latest = np.ones(len(order), bool)
        latest[:-1] = (high[1:] != high[:-1]) | (low[1:] != low[:-1]) | (source[1:] != source[:-1])
        return order, latest


_ROW: Final = {"high": "Q", "low": "Q", "fact": "I", "crc": "I", "said": "Q"}
_NO_FACTS: Final[Mapping[str, Any]] = {}
_MEASURED: Final = frozenset({NETWORK, DOMAIN, URL})


def _exact(rows: Mapping[str, _Numbers], kept: _Numbers) -> dict[str, pa.Array]:
    high = rows["high"][kept]
    return {
        "filter": pa.array(_filter(rows["crc"][kept])),
        "starts": pa.array(_starts(high)),
        "key_high": pa.array(high),
        "key_low": pa.array(rows["low"][kept]),
        "fact": pa.array(rows["fact"][kept].astype(np.uint32, copy=False)),
    }


def _filter(crc: _Numbers) -> _Numbers:
    """Return one bit for each of many places, set where an indicator is; its place is the highest bits of the CRC."""
    bits = min(MOST_BITS, max(FEWEST_BITS, (FILTER_BITS * len(crc) - 1).bit_length()))
    places = crc >> np.uint32(MOST_BITS - bits)
    found = np.zeros(1 << bits >> 3, np.uint8)
    np.bitwise_or.at(found, places >> np.uint32(3), np.left_shift(1, places & 7).astype(np.uint8))
    return found


def _starts(high: _Numbers) -> _Numbers:
    """Return where each bucket of the sorted keys begins, and the end of the last: the highest bits are the bucket."""
    bits = max(1, (len(high) // ROWS_PER_BUCKET).bit_length())
    counts = np.bincount((high >> np.uint64(64 - bits)).astype(np.int64), minlength=1 << bits)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)

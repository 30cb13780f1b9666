"""Ask the indicator table: addresses and networks around them, domains and their parents, URLs and their folders."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from enrichers.intel import indicator
from enrichers.intel.facts import LABEL_JOINT
from enrichers.intel.keys import SEEDS, digest, encoded
from enrichers.intel.layout import About, map_file
from enrichers.intel.networks import Networks
from enrichers.intel.urls import host_of_key, shorter_keys
from enrichers.reserved import reserved_block

EXACT: Final = "exact"
WITHIN: Final = "network"
PARENT: Final = "parent domain"
FOLDER: Final = "shorter URL"
_LABELS: Final = 2  # of the shortest domain that a list may have
MAX_FOUND: Final = 64  # indicators told of one observable


@dataclass(frozen=True, slots=True)
class Known:
    """One indicator, as one source has it.

    Attributes:
        kind: Its kind, one of `indicator.KINDS`.
        value: Its value.
        how: How it meets the observable: EXACT, WITHIN, PARENT or FOLDER.
        source: Name of the list.
        valid_from: First ms at which it holds.
        valid_until: First ms at which it no longer holds.
        confidence: 0 to 100.
        id: The source's id for it.
        name: What the source calls it.
        labels: Its labels.
    """

    kind: str
    value: str
    how: str
    source: str
    valid_from: int
    valid_until: int
    confidence: int
    id: str
    name: str
    labels: tuple[str, ...]

    def holds_at(self, time: int) -> bool:
        """Tell whether it is valid at a time (ms)."""
        return self.valid_from <= time < self.valid_until


class _Step(NamedTuple):
    kind: str
    value: str
    how: str


class IntelTable:
    """A table file, mapped. Any number of readers; what it holds never changes."""

    def __init__(self, path: Path) -> None:
        """Map the file; raise ConfigError when it is no table."""
        arrays = map_file(path)
        columns = arrays.columns
        self.about: About = arrays.about
        self.size_bytes = arrays.size_bytes
        self._columns = columns
        self._filter = columns["filter"]
        self._filter_shift = 32 - (len(self._filter) * 8).bit_length() + 1
        self._starts = columns["starts"]
        self._bucket_shift = 64 - (len(self._starts) - 1).bit_length() + 1
        self._high, self._low = columns["key_high"], columns["key_low"]
        self._networks = Networks(columns)
        self._names = [str(source.get("name", "")) for source in arrays.about.sources]

    def __len__(self) -> int:
        """Return the number of indicators."""
        return len(self._high)

    def find(self, kind: str, value: str) -> tuple[Known, ...]:
        """Return what the lists say of an observable, whatever the time; the narrowest first, MAX_FOUND at most.

        Args:
            kind: One of `indicator.KINDS`, but not NETWORK.
            value: The observable in canonical form.
        """
        if kind == indicator.DOMAIN:
            return self._of_domain(value)[:MAX_FOUND]
        if kind == indicator.URL:
            return self._of_url(value)[:MAX_FOUND]
        if kind == indicator.IP:
            return self._of_address(value)[:MAX_FOUND]
        return self._at(kind, value, EXACT)[:MAX_FOUND]

    def _of_domain(self, name: str) -> tuple[Known, ...]:
        labels = name.count(".") + 1
        found = self._at(indicator.DOMAIN, name, EXACT) if labels <= self.about.domain_labels else ()
        while labels > _LABELS:
            name, labels = name[name.index(".") + 1 :], labels - 1
            if labels <= self.about.domain_labels:
                found += self._at(indicator.DOMAIN, name, PARENT)
        return found

    def _of_url(self, key: str) -> tuple[Known, ...]:
        found = self._at(indicator.URL, key, EXACT)
        for text in shorter_keys(key, self.about.url_depth)[1:]:
            found += self._at(indicator.URL, text, FOLDER)
        host = host_of_key(key)
        is_address = ":" in host or host.rpartition(".")[2].isdigit()
        return found + (self._address_or_nothing(host) if is_address else self._of_domain(host))

    def _address_or_nothing(self, text: str) -> tuple[Known, ...]:
        try:
            return self._of_address(text)
        except ValueError:
            return ()

    def _of_address(self, text: str) -> tuple[Known, ...]:
        found = self._at(indicator.IP, text, EXACT)
        around = self._networks.around(text) if self._networks else ()
        if around and (block := reserved_block(text)):
            # Lists of what is not routed name whole blocks of private addresses; only who lists less means it.
            around = [network for network in around if int(network.rpartition("/")[2]) > block.prefixlen]
        for network in around:
            found += self._at(indicator.NETWORK, network, WITHIN)
        return found

    def _at(self, kind: str, value: str, how: str) -> tuple[Known, ...]:
        """Return what stands under one value; nearly all that is not listed ends at the filter."""
        data = encoded(value)
        place = crc32(data, SEEDS[kind]) >> self._filter_shift
        if not self._filter[place >> 3] >> (place & 7) & 1:
            return ()
        return tuple(self._known(row, _Step(kind, value, how)) for row in self._rows(kind, data))

    def _rows(self, kind: str, data: bytes) -> Iterator[int]:
        high, low = digest(kind, data)
        bucket = high >> self._bucket_shift
        end = self._starts[bucket + 1]
        row = bisect_left(self._high, high, self._starts[bucket], end)
        while row < end and self._high[row] == high:
            if self._low[row] == low:
                yield row
            row += 1

    def _known(self, row: int, step: _Step) -> Known:
        columns = self._columns
        fact = columns["fact"][row]
        labels = columns["labels"][fact].as_py()
        return Known(
            *step,
            self._names[columns["source"][fact]],
            columns["valid_from"][fact],
            columns["valid_until"][fact],
            columns["confidence"][fact],
            columns["id"][fact].as_py(),
            columns["name"][fact].as_py(),
            tuple(labels.split(LABEL_JOINT)) if labels else (),
        )

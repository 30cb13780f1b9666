"""Networks around an address: the address space in segments, each with its innermost network, each with its parent."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, Final, NamedTuple

import pyarrow as pa

MAPPED: Final = 0xFFFF << 32  # where IPv4 lies in the space of IPv6
_V4_BITS: Final = 96  # before an IPv4 prefix there
_LOW: Final = (1 << 64) - 1
_WHOLE: Final = 128
NOTHING: Final = -1


class _Block(NamedTuple):
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + (1 << (_WHOLE - self.length))


def number(text: str) -> int:
    """Return an address as a number in the space of IPv6; raise ValueError for what is none."""
    try:
        if ":" in text:
            return int.from_bytes(inet_pton(AF_INET6, text))
        return MAPPED | int.from_bytes(inet_pton(AF_INET, text))
    except OSError as error:
        raise ValueError("not an address") from error


def columns_of(networks: Iterable[str]) -> dict[str, pa.Array]:
    """Return the columns of some networks for the file."""
    blocks = sorted({_block(ip_network(text)) for text in networks})
    parents, segments = _nested(blocks)
    starts = sorted(segments)
    return {
        "network_high": pa.array([block.start >> 64 for block in blocks], pa.uint64()),
        "network_low": pa.array([block.start & _LOW for block in blocks], pa.uint64()),
        "network_length": pa.array([block.length for block in blocks], pa.uint8()),
        "network_parent": pa.array(parents, pa.int32()),
        "segment_high": pa.array([start >> 64 for start in starts], pa.uint64()),
        "segment_low": pa.array([start & _LOW for start in starts], pa.uint64()),
        "segment_network": pa.array([segments[start] for start in starts], pa.int32()),
    }


def _block(network: IPv4Network | IPv6Network) -> _Block:
    start = int(network.network_address)
    if isinstance(network, IPv4Network):
        return _Block(MAPPED | start, _V4_BITS + network.prefixlen)
    return _Block(start, network.prefixlen)


def _nested(blocks: list[_Block]) -> tuple[list[int], dict[int, int]]:
    """Return the parent of each block, and the innermost block from each boundary on.

    Args:
        blocks: Sorted by start, the wider before the narrower: of two that meet, one holds the other.
    """
    parents, segments, open_ones = list[int](), dict[int, int](), list[int]()
    for index, block in enumerate(blocks):
        _close(blocks, segments, open_ones, block.start)
        parents.append(open_ones[-1] if open_ones else NOTHING)
        open_ones.append(index)
        segments[block.start] = index
    _close(blocks, segments, open_ones, 1 << _WHOLE)
    return parents, segments


def _close(blocks: list[_Block], segments: dict[int, int], open_ones: list[int], before: int) -> None:
    while open_ones and (end := blocks[open_ones[-1]].end) <= before:
        open_ones.pop()
        if end < 1 << _WHOLE:
            segments[end] = open_ones[-1] if open_ones else NOTHING


class Networks:
    """Find the networks around an address."""

    __slots__ = ("_columns", "_end_of_first", "_innermost", "_segments_high", "_segments_low")

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns
        self._segments_high, self._segments_low = columns["segment_high"], columns["segment_low"]
        self._innermost = columns["segment_network"]
        self._end_of_first = bisect_right(self._segments_high, 0)  # all of IPv4 is in front of it

    def __bool__(self) -> bool:
        return len(self._innermost) > 0

    def around(self, text: str) -> list[str]:
        """Return the networks that hold an address, the narrowest first.

        Args:
            text: An address; raises ValueError for anything else.
        """
        found = number(text)
        at = self._segment(found >> 64, found & _LOW)
        index = self._innermost[at] if at >= 0 else NOTHING
        networks = []
        while index != NOTHING:
            networks.append(self._text(index))
            index = self._columns["network_parent"][index]
        return networks

    def _segment(self, high: int, low: int) -> int:
        """Return the last segment that starts at the address or before it, -1 when none does."""
        if high:
            left = bisect_left(self._segments_high, high, self._end_of_first)
            right = bisect_right(self._segments_high, high, left)
        else:
            left, right = 0, self._end_of_first
        return bisect_right(self._segments_low, low, left, right) - 1

    def _text(self, index: int) -> str:
        columns = self._columns
        start = columns["network_high"][index] << 64 | columns["network_low"][index]
        length = columns["network_length"][index]
        if start >> 32 == MAPPED >> 32 and length >= _V4_BITS:
            return str(IPv4Network((start & 0xFFFF_FFFF, length - _V4_BITS)))
        return str(IPv6Network((start, length)))

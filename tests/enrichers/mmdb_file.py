"""Write small MMDB files (MaxMind DB format 2.0), for tests of what reads them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

MARKER = b"\xab\xcd\xefMaxMind.com"
RECORD_BITS = 32
_SEPARATOR = bytes(16)
_UINT16, _UINT32, _UINT64 = 5, 6, 9


class _Uint(NamedTuple):
    """A number whose type the format prescribes."""

    value: int
    kind: int = _UINT32


def write_mmdb(path: Path, networks: Mapping[str, Any], kind: str = "Example-City", *, version: int = 6) -> Path:
    """Write a database of networks (`203.0.113.0/24`) and their records; return its path."""
    data, offsets = bytearray(), {}
    for network, record in networks.items():
        offsets[network] = len(data)
        data += _encoded(record)
    nodes = _tree({network: offsets[network] for network in networks}, version)
    tree = b"".join(struct.pack(">II", *(_pointer(end, len(nodes)) for end in node)) for node in nodes)
    metadata = {
        "binary_format_major_version": _Uint(2, _UINT16),
        "binary_format_minor_version": _Uint(0, _UINT16),
        "build_epoch": _Uint(1_790_000_000, _UINT64),
        "database_type": kind,
        "description": {"en": "Written by a test"},
        "ip_version": _Uint(version, _UINT16),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": _Uint(RECORD_BITS, _UINT16),
    }
    path.write_bytes(tree + _SEPARATOR + bytes(data) + MARKER + _encoded(metadata))
    return path


Node = list["int | tuple[int] | None"]  # a node's number, the offset of a record in a tuple, or nothing


def _tree(offsets: Mapping[str, int], version: int) -> list[Node]:
    nodes: list[Node] = [[None, None]]
    for network in sorted(map(ipaddress.ip_network, offsets), key=lambda known: known.prefixlen):
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        if version == 6 and network.version == 4:
            bits = "0" * 96 + bits
        at = 0
        for bit in bits[:-1]:
            below = nodes[at][int(bit)]
            if not isinstance(below, int):
                nodes.append([below, below])  # a wider network goes on around the narrower one in it
                below = nodes[at][int(bit)] = len(nodes) - 1
            at = below
        nodes[at][int(bits[-1])] = (offsets[str(network)],)
    return nodes


def _pointer(end: int | tuple[int] | None, count: int) -> int:
    if end is None:
        return count
    return end if isinstance(end, int) else count + len(_SEPARATOR) + end[0]


def _encoded(value: Any) -> bytes:
    match value:
        case bool():
            return _control(14, int(value))
        case int() | _Uint():
            number, kind = value if isinstance(value, _Uint) else _Uint(value)
            size = (number.bit_length() + 7) // 8
            return _control(kind, size) + number.to_bytes(size, "big")
        case float():
            return _control(3, 8) + struct.pack(">d", value)
        case str():
            data = value.encode()
            return _control(2, len(data)) + data
        case list():
            return _control(11, len(value)) + b"".join(map(_encoded, value))
        case dict():
            return _control(7, len(value)) + b"".join(_encoded(name) + _encoded(item) for name, item in value.items())
    raise TypeError(f"no MMDB type for {value!r}")


def _control(kind: int, size: int) -> bytes:
    more = b""
    if size >= 29:
        size, more = 29, bytes([size - 29])  # up to 284, which is enough for a test
    return bytes([size, kind - 7]) + more if kind > 7 else bytes([kind << 5 | size]) + more

"""How an observable becomes a place in the table: 32 bits for the filter, 128 for the row."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final
from zlib import crc32

from enrichers.intel.indicator import KINDS

DIGEST_BYTES: Final = 16
# The filter starts from another number for each kind: the MD5 of a file is not a JA3.
SEEDS: Final = {kind: crc32(b"%s:" % kind.encode()) for kind in KINDS}
_PREFIXES: Final = {kind: b"%s:" % kind.encode() for kind in KINDS}


def digest(kind: str, data: bytes) -> tuple[int, int]:
    """Return the 128-bit name of an observable as two halves.

    BLAKE2b, not something quicker: who could make collisions could make a harmless site match, or fill one bucket.
    """
    found = blake2b(_PREFIXES[kind] + data, digest_size=DIGEST_BYTES).digest()
    return int.from_bytes(found[:8]), int.from_bytes(found[8:])


def encoded(value: str) -> bytes:
    """Return a value as bytes, whatever characters it has."""
    return value.encode("utf-8", "surrogatepass")


def said_name(source: str, uid: str) -> int:
    """Return a number, never 0, for an id of a source."""
    found = blake2b(encoded(f"{source}\x00{uid}"), digest_size=8).digest()
    return int.from_bytes(found) or 1

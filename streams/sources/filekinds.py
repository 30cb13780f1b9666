"""Tell by its first bytes whether a file holds records, and what it is when it holds none. Pure."""

from __future__ import annotations

import re
from typing import Final

from models.records import Coordinates, RawRecord
from streams.sources.blocks import pieces
from streams.sources.framing import is_text, is_whole
from streams.sources.headers import Headers
from streams.sources.registry import recognize

PARQUET: Final = b"PAR1"
LOOKED_AT_LINES: Final = 50

JSON_START: Final = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{\]])')
_YAML_LINE: Final = re.compile(rb"---(?:\s|$)|[A-Za-z_][\w .-]{0,60}:(?:\s|$)")
_MAGIC: Final = {
    b"\xd4\xc3\xb2\xa1": "a packet capture",
    b"\xa1\xb2\xc3\xd4": "a packet capture",
    b"\x4d\x3c\xb2\xa1": "a packet capture",
    b"\xa1\xb2\x3c\x4d": "a packet capture",
    b"\x0a\x0d\x0d\x0a": "a packet capture",
    b"ElfFile\x00": "a Windows event log in binary form; export it as JSON",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"BZh": "bzip2 data; only gzip is read",
    b"\xfd7zXZ": "xz data; only gzip is read",
    b"\x28\xb5\x2f\xfd": "zstd data; only gzip is read",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def kind_of_text(head: bytes) -> str:
    """Name what the first bytes of a file are when they are no records; empty when they are."""
    if head.startswith(PARQUET):
        return ""
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    if found or not head.strip():
        return found or "an empty file"
    lines = [piece.raw for piece in pieces(head.split(b"\n")) if piece.raw.strip()]
    headers = Headers()
    records = [line for line in lines if not headers.read(line.strip())]
    if JSON_START.match(head) or headers.columns or _mostly_records(records):
        return ""  # whatever else is in it: one broken line must not hide a file
    if not is_text(head, is_cut=True):
        return "binary data"
    first = records[0].strip() if records else b""
    return "an XML document" if first[:1] == b"<" else "a YAML document" if _YAML_LINE.match(first) else "text"


def _mostly_records(lines: list[bytes]) -> bool:
    seen = lines[:LOOKED_AT_LINES]
    return sum(is_whole(line.strip()) or _is_known(line) for line in seen) * 2 > len(seen)


def _is_known(line: bytes) -> bool:
    return recognize(RawRecord("", line, Coordinates("", 0, 0))) is not None

"""Text inside Base64: decoded once, so that nothing hides in it that would not pass in the open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MIN_CHARS: Final = 20
MAX_CHARS: Final = 24_000  # of Base64 that is decoded; what is longer is not shown
_BLOB: Final = re.compile(rf"(?<![\w+/-])[A-Za-z0-9+/_-]{{{MIN_CHARS},}}+={{0,2}}(?![\w+/=-])")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_FEW_NULS: Final = 3  # of four characters, for a text to be taken for UTF-16
_MIN_TEXT: Final = 8


class Encoded(NamedTuple):
    """A run of Base64 that holds text: `text[start:end]`, and what it says, None when it is too long to be decoded."""

    start: int
    end: int
    says: str | None


def encoded_in(text: str) -> Iterator[Encoded]:
    """Yield the runs of Base64 in a text that are text themselves: UTF-16 as PowerShell takes it, or UTF-8."""
    for match in _BLOB.finditer(text):
        if len(match.group()) > MAX_CHARS:
            yield Encoded(*match.span(), None)
        elif says := _decoded(match.group()):
            yield Encoded(*match.span(), says)


def _decoded(blob: str) -> str:
    bare = blob.rstrip("=").translate(_URL_SAFE)
    try:
        data = base64.b64decode(bare[: len(bare) - (len(bare) % 4 == 1)] + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return ""
    wide = data[: len(data) // 2 * 2]
    if wide[1::2].count(0) * 4 >= len(wide[1::2]) * _FEW_NULS:
        return _text(wide, "utf-16-le")
    return _text(data, "utf-8")


def _text(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return ""
    seen = text.replace("\n", " ").replace("\r", " ").replace("\t", " ").rstrip("\0")
    return text.rstrip("\0") if len(seen) >= _MIN_TEXT and seen.isprintable() else ""

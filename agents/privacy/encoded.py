"""Text that stands encoded in text: decoded once, so that nothing hides in it that would not pass in the open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

MIN_CHARS: Final = 12
MAX_CHARS: Final = 24_000  # of one run that are decoded; what is longer is not shown
BASE64, HEX, URL = "base64", "hex", "url"
_BLOB: Final = re.compile(rf"(?<![\w+/-])[A-Za-z0-9+/_-]{{{MIN_CHARS},}}+={{0,2}}(?![\w+/=-])")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_DIGITS: Final = re.compile(r"(?<![^\W_])(?:[0-9A-Fa-f]{2}){8,}+(?![^\W_])")
_NUMBER_BELOW: Final = 24  # digits: a shorter run without a letter is a number
_ESCAPED: Final = re.compile(r"(?<![\w%.~+-])[\w.~+-]*+(?:%[0-9A-Fa-f]{2}[\w.~+-]*+)++")
_FEW_NULS: Final = 3  # of four characters, for a text to be taken for UTF-16
_MIN_TEXT: Final = 8


class Encoded(NamedTuple):
    """A run that holds text: `text[start:end]`, what it says, None when it is too long to be decoded, and how."""

    start: int
    end: int
    says: str | None
    how: str = BASE64


def encoded_in(text: str) -> Iterator[Encoded]:
    """Yield the runs in a text that are text themselves, in their order: Base64, hexadecimal, escaped for URLs.

    Base64 and hexadecimal are read as UTF-16, as PowerShell takes it, or UTF-8.
    """
    found = sorted((*_runs(text, _ESCAPED, URL), *_runs(text, _DIGITS, HEX), *_runs(text, _BLOB, BASE64)), key=_place)
    end = 0
    for one in found:
        if one.start >= end:
            end = one.end
            yield one


def _place(one: Encoded) -> tuple[int, int]:
    return one.start, -one.end


def _runs(text: str, pattern: re.Pattern[str], how: str) -> Iterator[Encoded]:
    for match in pattern.finditer(text):
        if len(match.group()) > MAX_CHARS:
            yield Encoded(*match.span(), None, how)
        elif says := _decoded(match.group(), how):
            yield Encoded(*match.span(), says, how)


def _decoded(run: str, how: str) -> str:
    if how == URL:
        return unquote(run)
    return _read(_bytes(run, how))


def _bytes(run: str, how: str) -> bytes:
    if how == HEX:
        return b"" if run.isdigit() and len(run) < _NUMBER_BELOW else bytes.fromhex(run)
    bare = run.rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(bare[: len(bare) - (len(bare) % 4 == 1)] + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return b""


def _read(data: bytes) -> str:
    wide = data[: len(data) // 2 * 2]
    if wide and wide[1::2].count(0) * 4 >= len(wide[1::2]) * _FEW_NULS:
        return _text(wide, "utf-16-le")
    return _text(data, "utf-8")


def _text(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return ""
    seen = text.replace("\n", " ").replace("\r", " ").replace("\t", " ").rstrip("\0")
    return text.rstrip("\0") if len(seen) >= _MIN_TEXT and seen.isprintable() else ""

"""Values as they are kept: short, writable, and measured."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from math import log2
from typing import Any, Final

from models.feature import MAX_TEXT
from models.uids import sha256_hex

HASH_HEX: Final = 16
MEASURED: Final = 2000  # characters of a text whose entropy is taken
LEAST_MEASURED: Final = 8  # shorter ones say nothing: there are too few characters to repeat any
REMEMBERED: Final = 8192
MILLI: Final = 1000


def short(text: str) -> str:
    """Return a text that can be written and has MAX_TEXT characters at most; a longer one is told apart by a hash."""
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT - HASH_HEX - 1]}#{sha256_hex(text.encode('utf-8', 'surrogatepass'))[:HASH_HEX]}"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def words(value: Any) -> str:
    """Return a text in lower case without blanks around it, empty when it is none."""
    return value.strip().lower() if type(value) is str else ""


def base_name(path: str) -> str:
    r"""Return what follows the last `/` or `\`."""
    return path[max(path.rfind("/"), path.rfind("\\")) + 1 :]


def millibits(text: str) -> int:
    """Return the Shannon entropy of a text's characters in 1/1000 bit a character, 0 for a very short one."""
    return _millibits(text[:MEASURED]) if len(text) >= LEAST_MEASURED else 0


@lru_cache(REMEMBERED)
def _millibits(text: str) -> int:
    size = len(text)
    return round(sum(count * log2(size / count) for count in Counter(text).values()) * MILLI / size)

"""JSON in one form only: what is signed or chained has the same bytes wherever it is written.

Keys sorted by code point, UTF-8, no spaces, no floats (no two programs agree on how to write them), whole numbers to
2^53.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from models.errors import InvalidRecord
from models.fields import is_too_large

MAX_DEPTH: Final = 16
MAX_BYTES: Final = 262_144


def canonical(value: Mapping[str, Any]) -> bytes:
    """Render a JSON object in its one form.

    Raises:
        InvalidRecord: It is nested too deep or too long, or holds what has no such form: a float, a number beyond
            2^53, a key that is no text, a text that is no Unicode.
    """
    _check(value)
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidRecord(f"no canonical form: {error}") from error
    if len(data) > MAX_BYTES:
        raise InvalidRecord(f"no canonical form: {len(data)} bytes, more than {MAX_BYTES}")
    return data


def read_canonical(data: bytes) -> dict[str, Any]:
    """Read a JSON object; raise InvalidRecord when it is none, or is not written in its one form."""
    if len(data) > MAX_BYTES:
        raise InvalidRecord(f"{len(data)} bytes, more than {MAX_BYTES}")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRecord("not a JSON object")
    if canonical(value) != data:
        raise InvalidRecord("not in canonical form")
    return value


def _check(value: object) -> None:
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise InvalidRecord(f"no canonical form: nested deeper than {MAX_DEPTH}")
        if isinstance(item, Mapping):
            if not all(type(key) is str for key in item):
                raise InvalidRecord("no canonical form: a key is no text")
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list | tuple):
            waiting.extend((inner, depth + 1) for inner in item)
        elif type(item) not in (str, int, bool, type(None)) or is_too_large(item):
            raise InvalidRecord(f"no canonical form: {type(item).__name__} {item!r:.40}")

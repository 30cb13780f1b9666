"""Reach into nested JSON that may be anything, and read the few values that several sources spell alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from streams.sources.base import LATEST_MS, OLDEST_MS
from streams.sources.times import from_any

MAX_LISTED: Final = 32  # elements taken from a list; a record with more keeps them in raw_data
MAX_EMAIL: Final = 254  # RFC 5321

_EMAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")
_NOTHING: Final[Mapping[str, Any]] = {}


def object_at(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object under `name`, an empty one when there is none."""
    value = parent.get(name)
    return value if isinstance(value, dict) else _NOTHING


def objects_at(parent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects in the list under `name`, MAX_LISTED at most."""
    value = parent.get(name)
    return [item for item in value[:MAX_LISTED] if isinstance(item, dict)] if isinstance(value, list) else []


def email(value: str | None) -> str | None:
    """Return `value` when OCSF would take it for an e-mail address, else None."""
    return value if value and "@" in value and len(value) <= MAX_EMAIL and _EMAIL.fullmatch(value) else None


def timestamp(value: Any) -> int | None:
    """Return a time that OCSF accepts as a `timestamp_t` (ms), None for anything else."""
    time = from_any(value)
    return time if time is not None and OLDEST_MS <= time <= LATEST_MS else None


def lowered(names: str) -> dict[str, str]:
    """Map the lower-cased form of each of the names (apart by blanks) to the name."""
    return {name.lower(): name for name in names.split()}


def restore_case(value: Any, names: Mapping[str, str], levels: int) -> Any:
    """Give the names of `value` their capitals back, which some data lakes take away.

    Args:
        value: Any JSON value; objects are copied, lists too, the rest is returned as it is.
        names: From `lowered`.
        levels: How many levels of objects and lists to go into, 1 for `value` alone.
    """
    if not levels:
        return value
    if isinstance(value, list):
        return [restore_case(item, names, levels - 1) for item in value]
    if not isinstance(value, dict):
        return value
    return {names.get(name, name): restore_case(item, names, levels - 1) for name, item in value.items()}

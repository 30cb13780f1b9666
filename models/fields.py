"""Read typed fields out of a decoded record, and refuse what has another shape."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from models.errors import InvalidRecord

T = TypeVar("T")
LARGEST: Final = 2**53  # no count and no time is beyond it, and sums of many still fit 64 bits


def take(record: Any, path: str, kind: type[T]) -> T:
    """Return the value at a dotted path when it is exactly of `kind` (a bool is no int), an int of at most LARGEST.

    Raises:
        InvalidRecord: Naming the path, when the value is missing, of another type or too large.
    """
    value = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if type(value) is not kind:
        raise InvalidRecord(f"{path}: expected {kind.__name__}, found {type(value).__name__}")
    if is_too_large(value):
        raise InvalidRecord(f"{path}: beyond 2^53")
    return value


def is_too_large(value: object) -> bool:
    """Tell an int that nothing of ours holds."""
    return type(value) is int and abs(value) > LARGEST


def take_objects(record: Any, path: str) -> list[dict[str, Any]]:
    """Return the list of objects at a dotted path; raise InvalidRecord when it is anything else."""
    items = take(record, path, list)
    if not all(isinstance(item, dict) for item in items):
        raise InvalidRecord(f"{path}: not every item is an object")
    return items


def take_texts(record: Any, path: str) -> tuple[str, ...]:
    """Return the list of strings at a dotted path; raise InvalidRecord when it is anything else."""
    items = take(record, path, list)
    if not all(isinstance(item, str) for item in items):
        raise InvalidRecord(f"{path}: not every item is a string")
    return tuple(items)

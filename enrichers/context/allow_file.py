"""Read allow lists: YAML, a list of entries; everything wrong with a file is told at once, by line and field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from enrichers.context.allow import Allowed
from enrichers.context.fields import read_intervals, read_text, read_texts
from enrichers.context.known import Interval
from enrichers.context.loading import TableErrors
from enrichers.names import host_name, user_name
from enrichers.reserved import read_network
from enrichers.yaml_files import load_yaml
from enrichers.yaml_nodes import Value
from models.errors import FileErrors
from models.moments import read_moment

SUBJECTS: Final = ("addresses", "hosts", "users", "hashes")
NEEDED: Final = ("title", "owner", "expires")
MAX_BYTES: Final = 16 << 20
MAX_ENTRIES: Final = 500_000
MAX_ITEMS: Final = 10_000  # of one entry
_HEX: Final = frozenset("0123456789abcdef")


def load_allowed(paths: Iterable[Path]) -> tuple[Allowed, ...]:
    """Load the entries of all files; raise TableErrors with all that is wrong with them."""
    found: list[Allowed] = []
    problems: list[str] = []
    for path in paths:
        try:
            root = load_yaml(path, MAX_BYTES)
        except FileErrors as error:
            problems += error.problems
            continue
        for entry in root.items(MAX_ENTRIES, "entry") if not root.is_empty else ():
            found += _read(entry)
        problems += root.problems.lines()
    if problems:
        raise TableErrors(problems)
    return tuple(found)


def _read(entry: Value) -> Iterator[Allowed]:
    """Yield the entry, unless something is wrong with it, which is noted."""
    before = len(entry.problems.found)
    values = entry.values(_READERS, NEEDED)
    given = {name for name, value in entry.entries().items() if not value.is_empty}
    if given and given.isdisjoint(SUBJECTS):
        entry.wrong(f"must name one of {', '.join(SUBJECTS)}")
    if len(entry.problems.found) > before:
        return
    try:
        interval = Interval(values.pop("valid_from", None), values.pop("expires"))
    except ValueError as error:
        entry.about("expires", str(error))
        return
    yield Allowed(**values, interval=interval)


def _host(text: str) -> str:
    if host_name(text) is None:
        raise ValueError(f"{text!r} is no host name")
    return text.lower().rstrip(".")


def _user(text: str) -> str:
    found = user_name({"uid": text} if text.lower().startswith("arn:") else {"name": text}, None)
    if found is None:
        raise ValueError(f"{text!r} is a user that every machine has; write HOST\\{text}")
    return found


def _hash(text: str) -> str:
    folded = text.lower()
    if not _HEX.issuperset(folded):
        raise ValueError(f"{text!r} is no hash in hexadecimal")
    return folded


def _each(read: Callable[[str], Any]) -> Callable[[Any], frozenset[Any]]:
    return lambda value: frozenset(map(read, read_texts(value, MAX_ITEMS)))


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title": read_text,
    "owner": read_text,
    "reason": read_text,
    "valid_from": lambda value: None if value is None else read_moment(value),
    "expires": read_moment,
    "windows": read_intervals,
    "rules": lambda value: frozenset(read_texts(value, MAX_ITEMS)),
    "addresses": lambda value: tuple(map(read_network, read_texts(value, MAX_ITEMS))),
    "hosts": _each(_host),
    "users": _each(_user),
    "hashes": _each(_hash),
}

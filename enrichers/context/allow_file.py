"""Read allow lists: YAML, a list of entries; everything wrong with a file is told at once, by line and field."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from enrichers.context.allow import Allowed, Network
from enrichers.context.fields import read_intervals, read_text, read_texts
from enrichers.context.known import Interval
from enrichers.context.loading import TableErrors
from enrichers.names import host_name, user_name
from models.moments import read_moment

KEYS: Final = (
    *("title", "owner", "reason", "valid_from", "expires", "windows", "rules"),
    *("addresses", "hosts", "users", "hashes"),
)
SUBJECTS: Final = ("addresses", "hosts", "users", "hashes")
NEEDED: Final = ("title", "owner", "expires")
MAX_BYTES: Final = 16 << 20
MAX_ITEMS: Final = 10_000  # of one entry
_HEX: Final = frozenset("0123456789abcdef")


def load_allowed(paths: Iterable[Path]) -> tuple[Allowed, ...]:
    """Load the entries of all files; raise TableErrors with all that is wrong with them."""
    found: list[Allowed] = []
    problems: list[str] = []
    for path in paths:
        try:
            entries = list(_entries(path))
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            problems.append(f"{path}: not an allow list: {error}")
        else:
            for line, entry in entries:
                allowed, wrong = _read(entry)
                problems += [f"{path}:{line}: {name}: {message}" for name, message in wrong.items()]
                found += [allowed] if allowed else []
    if problems:
        raise TableErrors(problems)
    return tuple(found)


def _entries(path: Path) -> Iterator[tuple[int, Any]]:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES} bytes")
    loader = yaml.CSafeLoader(path.read_text("utf-8"))
    try:
        node = loader.get_single_node()
        if node is None:
            return
        document = loader.construct_document(node)
        if not isinstance(document, list):
            raise ValueError("must be a list of entries")  # noqa: TRY004  # of the file, not of an argument
        for child, entry in zip(node.value, document, strict=True):
            yield child.start_mark.line + 1, entry
    finally:
        loader.dispose()


def _read(entry: Any) -> tuple[Allowed | None, dict[str, str]]:
    if not isinstance(entry, dict):
        return None, {"entry": "must be a map"}
    wrong = {str(name): f"unknown; known are {', '.join(KEYS)}" for name in entry if name not in KEYS}
    wrong |= {name: "must be given" for name in NEEDED if not entry.get(name)}
    if not any(entry.get(name) for name in SUBJECTS):
        wrong["entry"] = f"must name one of {', '.join(SUBJECTS)}"
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        try:
            values[name] = read(entry.get(name))
        except (TypeError, ValueError) as error:
            wrong.setdefault(name, str(error))
    if not wrong:
        values["interval"] = _interval(entry, wrong)
    return (None, wrong) if wrong else (Allowed(**values), {})


def _interval(entry: Mapping[str, Any], wrong: dict[str, str]) -> Interval:
    begin = entry.get("valid_from")
    try:
        return Interval(read_moment(begin) if begin is not None else None, read_moment(entry["expires"]))
    except ValueError as error:
        wrong["expires"] = str(error)
        return Interval()


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address and no network") from error


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
    "windows": read_intervals,
    "rules": lambda value: frozenset(read_texts(value, MAX_ITEMS)),
    "addresses": lambda value: tuple(map(_network, read_texts(value, MAX_ITEMS))),
    "hosts": _each(_host),
    "users": _each(_user),
    "hashes": _each(_hash),
}

"""Which lists there are: files named on the command line, or a TOML file that says more of each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from enrichers.intel.indicator import DEFAULT_CONFIDENCE, KINDS
from enrichers.intel.lists import COLUMNS, Layout
from enrichers.intel.misp import MANIFEST
from models.errors import ConfigError

STIX, TAXII, MISP, CSV, LIST = "stix", "taxii", "misp", "csv", "list"
FORMATS: Final = (STIX, TAXII, MISP, CSV, LIST)
MOST_DAYS: Final = 36_500
_NAME: Final = re.compile(r"[\w][\w .-]{0,63}", re.ASCII)
_URL: Final = re.compile(r"https?://[^/@\s]+(?:/\S*)?", re.IGNORECASE)
_KEYS: Final = frozenset(
    {
        *("name", "format", "location", "kind", "columns", "delimiter", "labels", "confidence", "days"),
        *("user", "password", "key", "key_header"),
    }
)


@dataclass(frozen=True, slots=True)
class Source:
    """One list.

    Attributes:
        name: By which its indicators name it.
        format: One of FORMATS.
        location: A path, or an http(s) URL.
        layout: How to read a list or CSV.
        confidence: Of indicators that do not tell theirs.
        days: How many days after its last word an indicator expires, 0 for never.
        user: Name for basic authentication, or empty.
        password: Where its password is, `env:NAME` or `file:PATH`, or empty.
        key: Where a key is that goes into a header, or empty.
        key_header: That header.
    """

    name: str
    format: str
    location: str
    layout: Layout = field(default_factory=Layout)
    confidence: int = DEFAULT_CONFIDENCE
    days: int = 0
    user: str = ""
    password: str = ""
    key: str = ""
    key_header: str = "Authorization"

    @property
    def is_remote(self) -> bool:
        """Tell whether it has to be fetched."""
        return _URL.fullmatch(self.location) is not None


def read_sources(arguments: Sequence[str]) -> tuple[Source, ...]:
    """Return the lists that arguments name: TOML files with several, or the path or URL of one, maybe `NAME=` before.

    Raises:
        ConfigError: An argument or an entry is wrong; the message says where.
    """
    found: list[Source] = []
    for argument in arguments:
        found += _from_toml(Path(argument)) if argument.endswith(".toml") else [_named(argument)]
    for name in {source.name for source in found}:
        if sum(source.name == name for source in found) > 1:
            raise ConfigError(
                f"two lists are named {name!r}: say NAME=PATH, so that later words replace the right ones"
            )
    return tuple(found)


def _named(argument: str) -> Source:
    name, equals, location = argument.partition("=")
    if not equals or not _NAME.fullmatch(name):
        name, location = "", argument
    if not location:
        raise ConfigError(f"{argument}: no location behind the name")
    _refuse_other_urls(location, "an argument")
    made = _guess_format(location)
    return Source(_checked_name(name or _stem(location), argument), made, location)


def _refuse_other_urls(location: str, where: str) -> None:
    """Refuse, and do not repeat, what may have a password in it."""
    if "://" in location and not _URL.fullmatch(location):
        raise ConfigError(f"{where}: location: not an http(s) URL without user and password")


def _stem(location: str) -> str:
    stem = Path(location.rstrip("/").rpartition("?")[0] or location.rstrip("/")).stem
    return re.sub(r"[^\w .-]", "_", stem, flags=re.ASCII)[:64] or "list"


def _guess_format(location: str) -> str:
    path = Path(location)
    if _URL.fullmatch(location) and "/taxii" in location.lower():
        return TAXII
    if path.name == MANIFEST or (path / MANIFEST).is_file():
        return MISP
    return {".json": STIX, ".stix": STIX, ".csv": CSV}.get(path.suffix.lower(), LIST)


def _from_toml(path: Path) -> list[Source]:
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    entries = told.get("source")
    if not isinstance(entries, list) or not entries or set(told) != {"source"}:
        raise ConfigError(f"{path}: it should hold [[source]] tables and nothing else")
    return [_entry(entry, f"{path}: source {number}", path.parent) for number, entry in enumerate(entries, 1)]


def _entry(entry: Any, where: str, folder: Path) -> Source:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: not a table")
    if unknown := entry.keys() - _KEYS:
        raise ConfigError(f"{where}: unknown {', '.join(sorted(unknown))}; there are {', '.join(sorted(_KEYS))}")
    name = _checked_name(_text(entry, "name", where), where)
    location = _text(entry, "location", where)
    _refuse_other_urls(location, where)
    if not _URL.fullmatch(location):
        location = str(folder / Path(location).expanduser())
    made = _text(entry, "format", where, _guess_format(location))
    if made not in FORMATS:
        raise ConfigError(f"{where}: format {made!r}: there are {', '.join(FORMATS)}")
    return Source(
        name=name,
        format=made,
        location=location,
        layout=_layout(entry, where),
        confidence=_number(entry, "confidence", where, DEFAULT_CONFIDENCE, 100),
        days=_number(entry, "days", where, 0, MOST_DAYS),
        **{key: _text(entry, key, where, "") for key in ("user", "password", "key")},
        key_header=_text(entry, "key_header", where, "Authorization"),
    )


def _layout(entry: Mapping[str, Any], where: str) -> Layout:
    kind = _text(entry, "kind", where, "")
    if kind and kind not in KINDS:
        raise ConfigError(f"{where}: kind {kind!r}: there are {', '.join(KINDS)}")
    columns = entry.get("columns", {"value": 0})
    good = isinstance(columns, dict) and "value" in columns and not columns.keys() - set(COLUMNS)
    if not good or any(type(at) is not str and not (type(at) is int and at >= 0) for at in columns.values()):
        raise ConfigError(f"{where}: columns: title or number (from 0) for value and any of {', '.join(COLUMNS[1:])}")
    delimiter = _text(entry, "delimiter", where, ",")
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise ConfigError(f"{where}: delimiter: one character")
    labels = entry.get("labels", [])
    if not isinstance(labels, list) or any(not isinstance(label, str) for label in labels):
        raise ConfigError(f"{where}: labels: a list of texts")
    return Layout(kind, columns, delimiter, tuple(sorted(labels)))


def _checked_name(name: str, where: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where}: name {name!r}: letters, digits, spaces, `.`, `-` and `_`, 64 at most")
    return name


def _text(entry: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise ConfigError(f"{where}: {key}: a text is needed")
    return value


def _number(entry: Mapping[str, Any], key: str, where: str, default: int, most: int) -> int:
    value = entry.get(key, default)
    if type(value) is not int or not 0 <= value <= most:
        raise ConfigError(f"{where}: {key}: a whole number from 0 to {most}")
    return value

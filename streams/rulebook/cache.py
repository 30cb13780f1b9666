"""Compiled rule sets on disk, so that a second start need not compile them again.

One file a rule set: a line that says what it is, with the SHA-256 of the rest, then the compiled form of every rule
file by the SHA-256 of its bytes (`streams.detect.codec`). Nothing in it is code. A file that is damaged, foreign or of
another version counts as absent; the caller is told why. Several processes may share a folder: a file changes whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

import msgspec

KEPT_SETS: Final = 16  # the least recently used goes first
MAX_CACHE_BYTES: Final = 268_435_456
_PREFIX: Final = "rules-"
_PRIVATE: Final = 0o700
_FILE: Final = 0o600
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

Entries = Mapping[str, msgspec.Raw | bytes]


class _Header(msgspec.Struct, frozen=True):
    """The first line of a cache file."""

    what: Literal["compiled Sigma rules of Braid"]
    environment: str
    sha256: str


_BODY: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_HEADER: Final = msgspec.json.Decoder(_Header)


class _Unusable(Exception):
    """A cache that must not be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the cache holds of one rule set.

    Attributes:
        entries: Compiled rule files by the SHA-256 of their bytes, hexadecimal.
        remark: Why there are none, where that is worth telling.
    """

    entries: Entries = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True, slots=True)
class RuleCache:
    """A folder of compiled rule sets.

    Attributes:
        folder: Where they are; made when it is not there. Nobody else may write to it.
    """

    folder: Path

    def read(self, name: str, environment: str) -> Held:
        """Return what is held of a rule set. Nothing is raised.

        Args:
            name: Of the rule set; letters and digits.
            environment: What its rules were compiled by; those of another are not used.
        """
        path = self._path(name)
        try:
            self._check_folder()
            entries = _entries(_read(path), environment)
        except FileNotFoundError:
            return Held()
        except _Unusable as problem:
            return Held(remark=f"compiled rules in {path} are not used: {problem}")
        except OSError as error:
            return Held(remark=f"compiled rules in {path} cannot be read: {error.strerror or error}")
        with suppress(OSError):  # a cache that cannot be written serves all the same
            os.utime(path)
        return Held(entries)

    def write(self, name: str, environment: str, entries: Entries) -> str:
        """Replace what is held of a rule set, and drop the sets that were not used for longest. Nothing is raised.

        Returns:
            Why it could not be written; empty when it was.
        """
        body = msgspec.json.encode({key: msgspec.Raw(entries[key]) for key in sorted(entries)})
        header = _Header("compiled Sigma rules of Braid", environment, sha256(body).hexdigest())
        try:
            self.folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            self._check_folder()
            _replace(self._path(name), msgspec.json.encode(header) + b"\n" + body)
            self._evict()
        except _Unusable as problem:
            return f"compiled rules are not kept: {problem}"
        except OSError as error:
            return f"compiled rules are not kept in {self.folder}: {error.strerror or error}"
        return ""

    def _path(self, name: str) -> Path:
        return self.folder / f"{_PREFIX}{name}.json"

    def _check_folder(self) -> None:
        _check_owner(self.folder.stat(), str(self.folder))

    def _evict(self) -> None:
        """Leave the sets used last; what a killed process left half-written goes the same way."""
        with os.scandir(self.folder) as entries:
            ours = [(entry.stat().st_mtime_ns, Path(entry)) for entry in entries if entry.name.startswith(_PREFIX)]
        for _, path in sorted(ours, reverse=True)[KEPT_SETS:]:
            with suppress(FileNotFoundError):  # another process evicts too
                path.unlink()


def _check_owner(found: os.stat_result, name: str) -> None:
    if found.st_uid not in {0, os.geteuid()} or found.st_mode & _OTHERS_WRITE:
        raise _Unusable(f"{name} can be written by others")


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        _check_owner(os.fstat(stream.fileno()), str(path))
        data = stream.read(MAX_CACHE_BYTES + 1)
    if len(data) > MAX_CACHE_BYTES:
        raise _Unusable(f"longer than {MAX_CACHE_BYTES} bytes")
    return data


def _entries(data: bytes, environment: str) -> Entries:
    line, _, body = data.partition(b"\n")
    try:
        header = _HEADER.decode(line)
        if header.environment != environment:
            raise _Unusable("they were compiled by another version, or with other settings")
        if header.sha256 != sha256(body).hexdigest():
            raise _Unusable("the file is damaged")
        return _BODY.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _Unusable(f"the file is damaged or no cache of rules: {error}") from error


def _replace(path: Path, data: bytes) -> None:
    with _temporary(path) as (number, name):
        with os.fdopen(number, "wb") as stream:
            stream.write(data)
        name.replace(path)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[int, Path]]:
    name = path.with_suffix(f".{token_hex(8)}")
    number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE)
    try:
        yield number, name
    finally:
        with suppress(FileNotFoundError):  # it has its name by now, unless something went wrong
            name.unlink()

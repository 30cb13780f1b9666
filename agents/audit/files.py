"""The audit log in files: one for each chain, a record a line, each on the disk before anything else is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Final, Self

from agents.audit.chain import CHAIN_NAME, MAX_FOLLOWED, Head, read_record
from agents.audit.verify import Lines
from models.canonical import MAX_BYTES
from models.errors import ConfigError, InvalidRecord

SUFFIX: Final = ".ndjson"
MAX_LINE_BYTES: Final = MAX_BYTES + 2
OWNER_ONLY: Final = 0o600


class ChainFile:
    """The file of one chain, opened to be written."""

    __slots__ = ("_fd", "path")

    def __init__(self, folder: Path, chain: str) -> None:
        """Make the file; raise ConfigError when that cannot be done or there is one already.

        Args:
            folder: Where the audit log is.
            chain: Name of the chain, which no other has.
        """
        if not CHAIN_NAME.fullmatch(chain):
            raise ConfigError(f"no chain can be called {chain[:80]!r}")
        self.path = folder / f"{chain}{SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, OWNER_ONLY)
            _sync_folder(folder)
        except OSError as error:
            raise ConfigError(f"{self.path}: the audit log cannot be written: {error.strerror}") from error

    def write(self, lines: Iterable[bytes]) -> None:
        """Write records; they are on the disk when this returns. Raise ConfigError when they are not."""
        data = b"".join(line + b"\n" for line in lines)
        try:
            while data:
                data = data[os.write(self._fd, data) :]
            os.fsync(self._fd)
        except OSError as error:
            raise ConfigError(f"{self.path}: the audit log cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sync_folder(folder: Path) -> None:
    """Keep the file's name as well as the file."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def files_in(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return files as they are, and of folders the chains in them, sorted; raise ConfigError for what is not there."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path}: there is no such file or folder")
        found += sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    return tuple(dict.fromkeys(found))


def lines_of(paths: Iterable[Path], torn: Callable[[str], None]) -> Lines:
    """Yield the records of some files, which are one place together, each with where it stands: `FILE:LINE`.

    Args:
        paths: The files.
        torn: Told where a file ends in the middle of a line, as it does after a crash; that line is left out.

    Raises:
        ConfigError: A file cannot be read.
    """
    for path in paths:
        try:
            yield from _lines(path, torn)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error


def _lines(path: Path, torn: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(MAX_LINE_BYTES)
            if not line:
                return
            if line.endswith(b"\n"):
                yield f"{path}:{number}", line[:-1]
            elif len(line) < MAX_LINE_BYTES:
                torn(f"{path}:{number}")
            else:
                yield f"{path}:{number}", line
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)


def heads_in(folder: Path) -> tuple[Head, ...]:
    """Return the last record of each chain in a folder, of the newest MAX_FOLLOWED files: what a genesis follows.

    What cannot be read is passed over here: finding that is the business of `verify`.
    """
    files = sorted(folder.glob(f"*{SUFFIX}"), key=_changed, reverse=True)[:MAX_FOLLOWED]
    return tuple(head for head in map(_head, files) if head)


def _changed(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name


def _head(path: Path) -> Head | None:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 2 * MAX_LINE_BYTES))
            whole = file.read(2 * MAX_LINE_BYTES).rpartition(b"\n")[0]
        return read_record(whole.rpartition(b"\n")[2]).head
    except (OSError, InvalidRecord):
        return None

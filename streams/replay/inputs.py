"""The files of a replay: which hold telemetry, their records one by one, and whose each record is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.errors import ConfigError
from models.records import DeadLetter, RawRecord
from streams.sources.base import Source
from streams.sources.files import not_telemetry, read_records
from streams.sources.framing import with_source
from streams.sources.joining import Joiner
from streams.sources.registry import SOURCES, recognize, recognize_last

Sourced = tuple[Source | None, RawRecord]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a replay reads.

    Attributes:
        files: Files to read, sorted by path.
        left_out: Files of a directory that hold no telemetry and were not named themselves, and why.
    """

    files: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]


def find_inputs(paths: Iterable[Path]) -> Inputs:
    """Find the files of paths; a file that is named itself is read whatever it looks like.

    Raises:
        ConfigError: When a path does not exist, or nothing at all is left to read.
    """
    files: set[Path] = set()
    left_out: dict[Path, str] = {}
    named = list(paths)
    for path in named:
        if path.is_dir():
            for file in sorted(file for file in path.rglob("*") if file.is_file()):
                reason = not_telemetry(file)
                if reason:
                    left_out[file] = reason
                else:
                    files.add(file)
        elif path.is_file():
            files.add(path)
        else:
            raise ConfigError(f"{path}: no such file or directory")
    if not files:
        reasons = left_out or dict.fromkeys(named, "no file in it")
        raise ConfigError("no file with telemetry: " + "; ".join(f"{p}: {why}" for p, why in reasons.items()))
    return Inputs(tuple(sorted(files)), tuple(sorted(item for item in left_out.items() if item[0] not in files)))


def read_file(path: Path, forced: Source | None) -> Iterator[Sourced | DeadLetter]:
    """Yield the records of one file with their source, and what cannot even be cut into records.

    Args:
        path: The file.
        forced: The source all records are of; None recognizes each by its shape, and gives one that has nobody's (cut
            off, garbled) to the source of the record before it, whose parser then says what is wrong with it.
    """
    before: Source | None = None
    joiners: dict[str, Joiner] = {}
    for record in read_records(path):
        if isinstance(record, DeadLetter):
            yield record
            continue
        source = forced or recognize(record) or (None if recognize_last(record) else before)
        if source is None:
            yield None, record
            continue
        before = source
        own = with_source(record, source.name)
        if source.join is None:
            yield source, own
        else:
            joiner = joiners.setdefault(source.name, Joiner(source.join))
            yield from ((source, whole) for whole in joiner.push(own))
    for name, joiner in sorted(joiners.items()):
        yield from ((SOURCES[name], whole) for whole in joiner.flush())


def read_all(
    files: Iterable[Path], forced: Source | None, told: Callable[[Path], None]
) -> Iterator[Sourced | DeadLetter]:
    """Yield the records of all files, telling which file is read."""
    for path in files:
        told(path)
        yield from read_file(path, forced)

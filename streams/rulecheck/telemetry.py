"""Events to try rules on: from files as `braid replay` reads them, or from the lake, where they are normalized again.

The lake keeps the OCSF event with its raw record, and not the native view that most rules look at. The source is run on
the raw record again for that. Where this cannot be done (a line of a TSV file lost the file's header), the event has
its OCSF view alone, and is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from models import ocsf
from models.errors import ConfigError, LakeUnreadable
from models.event import Event, LogSource
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from streams.config import Settings
from streams.enrichment import make_chain
from streams.lake import EVENTS
from streams.replay.inputs import find_inputs, read_all
from streams.rulebook import Rulebook
from streams.sources.base import Source
from streams.sources.registry import SOURCES
from streams.stage import build_stages

ROWS: Final = 1_000
COLUMNS: Final = ("uid", "time", "source", "topic", "partition", "offset", "sha256", "record")
NO_NATIVE: Final = LogSource("")
_MAY_DIFFER: Final = frozenset({"metadata", "unmapped", "time", "start_time", "end_time"})  # clock offsets, envelopes
Tell = Callable[[str, int], None]  # what is read, and how many records so far


@dataclass(slots=True)
class Counts:
    """What was read.

    Attributes:
        records: Raw records, or rows of the lake.
        events: Events that rules were tried on.
        unread: Records that became no event.
        without_native: Events of the lake, by source, that only rules of the OCSF taxonomy can be tried on.
    """

    records: int = 0
    events: int = 0
    unread: int = 0
    without_native: Counter[str] = field(default_factory=Counter)


def events_of_files(
    paths: tuple[Path, ...], source: Source | None, settings: Settings, counts: Counts, tell: Tell
) -> Iterator[Event]:
    """Yield the events of files and directories, in their order.

    Args:
        paths: Files and directories.
        source: Whose the records are; None to recognize each.
        settings: Clock offsets, time zones and year count.
        counts: Added to.
        tell: Told now and then how far it is.

    Raises:
        ConfigError: When there is nothing to read.
    """
    clocks = settings.clock_offsets, settings.time_zones, settings.log_year
    stages = build_stages(Rulebook((), (), ()), *clocks, enrichment=make_chain(settings))
    inputs = find_inputs(paths)
    for item in read_all(inputs.files, source, lambda path: tell(path.name, counts.records)):
        counts.records += 1
        if counts.records % ROWS == 0:
            tell("", counts.records)
        if isinstance(item, DeadLetter):
            counts.unread += 1
            continue
        for result in stages.ingest.process(*item):
            counts.unread += result.event is None
            if result.event is not None:
                counts.events += 1
                yield result.event


def events_of_lake(root: Path, counts: Counts, tell: Tell) -> Iterator[Event]:
    """Yield the events below the directory of a lake, by date; memory holds a few of them at a time.

    Raises:
        ConfigError: When there is no lake.
        LakeUnreadable: When a file of it is damaged.
    """
    files = sorted((root / EVENTS).glob("date=*/part-*.parquet"))
    if not files:
        raise ConfigError(f"{root}: no lake with events there; `braid worker archive` writes one to BRAID_LAKE")
    for file in files:
        tell(file.parent.name, counts.records)
        for row in _rows(file):
            counts.records += 1
            event = _event(row, counts)
            if event is None:
                counts.unread += 1
            else:
                counts.events += 1
                yield event


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        for batch in pq.ParquetFile(file).iter_batches(ROWS, columns=list(COLUMNS)):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, KeyError) as error:
        raise LakeUnreadable(f"{file}: {error}") from error


def _event(row: dict[str, Any], counts: Counts) -> Event | None:
    try:
        kept = ocsf.decode(row["record"])
    except ValueError:
        return None
    if not isinstance(kept.get("class_uid"), int):
        return None
    at = Coordinates(row["topic"], row["partition"], row["offset"])
    again = _again(row, kept, at)
    if again is None:
        counts.without_native[row["source"]] += 1
        return Event(row["uid"], row["time"], row["source"], NO_NATIVE, {}, kept, at, row["sha256"])
    return Event(
        row["uid"], row["time"], row["source"], again.logsource, again.native, kept, at, row["sha256"], again.about
    )


def _again(row: dict[str, Any], kept: dict[str, Any], at: Coordinates) -> Event | None:
    """Run the source on the raw record; None when it does not become the event that the lake has."""
    source, raw = SOURCES.get(row["source"]), kept.get("raw_data")
    if source is None or not isinstance(raw, str):
        return None
    record = RawRecord(source.name, raw.encode("utf-8", "replace"), at, row["time"])
    found = source.parse_all(record)  # of one that was cut from a larger record, several may come again
    events = () if isinstance(found, ParseError) else found
    same = (one for one in events if one.sha256 == row["sha256"] and _agrees(one, kept, raw))
    return next(same, None)


def _agrees(again: Event, kept: dict[str, Any], raw: str) -> bool:
    """Tell whether a record became what it had been. A line of a table that lost its header may be read amiss."""
    if "\t" not in raw or raw.startswith("{"):
        return bool(again.class_uid == kept["class_uid"])
    return all(again.ocsf.get(name) == kept.get(name) for name in (again.ocsf.keys() | kept.keys()) - _MAY_DIFFER)

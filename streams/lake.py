"""The Parquet lake: its rows, its layout on disk, and how a batch is written to it.

`<root>/<kind>/date=YYYY-MM-DD/part-<hash>.parquet`, by the UTC date of event time. A file appears whole or not at all
(written beside, synced, renamed), and is named by the coordinates of what it holds: the same batch delivered again
overwrites its own files. A batch that is cut differently the second time leaves rows twice; readers
(`streams.lake_store`) tell them apart by uid.
"""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from enrichers.entities import entities_of
from models import ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.event import Event
from models.fields import take
from models.finding import Sequence, SequenceClosed, Signal, group_entities
from models.finding_ocsf import sequence_from_ocsf, signal_from_ocsf
from models.flood import SECOND_MS
from models.ocsf_schema import LATEST_MS
from models.records import Coordinates
from models.uids import content_uid, sha256_hex
from models.verdict import Verdict, VerdictClosed
from models.verdict_ocsf import verdict_from_ocsf

EVENTS, SIGNALS, SEQUENCES, VERDICTS = "events", "signals", "sequences", "verdicts"
KINDS: Final = (EVENTS, SIGNALS, SEQUENCES, VERDICTS)
MIXED: Final = "mixed"  # where the rest goes when one batch names more dates than MAX_DATES; read by every query
MAX_DATES: Final = 32
WITHDRAWN: Final = 2**62  # revision of a record that closes an earlier one: nothing comes after it
RANKED_CORRECTIONS: Final = 16  # bits
RANKED_BYTES: Final = 6  # of a uid, so that the rank of a part stays below WITHDRAWN
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ROWS_PER_GROUP: Final = 16_384
SCHEMA: Final = pa.schema(
    [
        ("uid", pa.string()),
        ("revision", pa.int64()),
        ("time", pa.int64()),
        ("class_uid", pa.int32()),
        ("source", pa.string()),
        ("domain", pa.string()),
        ("entities", pa.list_(pa.string())),
        ("topic", pa.string()),
        ("partition", pa.int64()),
        ("offset", pa.int64()),
        ("sha256", pa.string()),
        ("size_bytes", pa.int64()),
        ("record", pa.large_binary()),
    ]
)


@dataclass(frozen=True, slots=True)
class LakeRow:
    """One record as the lake keeps it; all kinds have the same columns.

    Attributes:
        uid: The record's uid.
        revision: Which version of the uid this is, higher wins: a sequence's or verdict's revision, a signal's count,
            of a folded signal's parts the one with its earliest match, 0 for events, WITHDRAWN for a withdrawal.
        time: Event time in ms.
        class_uid: OCSF class.
        source: Name of the source, empty for what Braid makes itself from several.
        domain: `identity`, `network` or `workload`, empty for sequences and verdicts.
        entities: Entities it names, as `type:value`.
        topic: Where to fetch it again: the raw record of an event, the record itself of all else.
        partition: Same.
        offset: Same.
        sha256: SHA-256 of the bytes at those coordinates.
        size_bytes: Length of `record`.
        record: The OCSF record as JSON.
    """

    uid: str
    revision: int
    time: int
    class_uid: int
    source: str
    domain: str
    entities: tuple[str, ...]
    topic: str
    partition: int
    offset: int
    sha256: str
    size_bytes: int
    record: bytes

    def __post_init__(self) -> None:
        """Refuse numbers that have no place in a column, with InvalidRecord: one would cost its whole batch."""
        if not 0 <= self.time <= LATEST_MS:
            raise InvalidRecord(f"time: {self.time} is not between 1970 and 2100")
        if not 0 <= self.revision <= WITHDRAWN:
            raise InvalidRecord(f"revision: {self.revision} is out of range")
        if self.class_uid not in ocsf.CLASSES:
            raise InvalidRecord(f"class_uid: {self.class_uid} is unknown")


COLUMNS: Final = tuple(column.name for column in fields(LakeRow))


def event_row(event: Event, record: bytes) -> LakeRow:
    """Make the row of an event that was just normalized; `record` is its OCSF form as JSON."""
    return _event_row(event.ocsf, record, event.at, event.source)


def row_of(kind: str, record: bytes, at: Coordinates, source: str = "") -> LakeRow:
    """Make the row of a record read from a topic or file.

    Args:
        kind: One of KINDS.
        record: The OCSF record as JSON.
        at: For an event the coordinates of its raw record, for all else those of `record` itself.
        source: For an event the name of its source.

    Raises:
        InvalidRecord: When it is no record of that kind.
    """
    try:
        decoded = ocsf.decode(record)
    except ValueError as error:
        raise InvalidRecord(f"not JSON: {error}") from error
    if kind == EVENTS:
        return _event_row(decoded, record, at, source)
    if kind == SIGNALS:
        return _signal_row(decoded, record, at)
    return _finding_row(kind, decoded, record, at)


def _event_row(decoded: Mapping[str, Any], record: bytes, at: Coordinates, source: str) -> LakeRow:
    class_uid = take(decoded, "class_uid", int)
    return _row(
        uid=take(decoded, "metadata.uid", str),
        revision=0,
        time=take(decoded, "time", int),
        class_uid=class_uid,
        source=source,
        domain=ocsf.domain_of(class_uid),
        entities=entities_of(decoded),
        at=at,
        sha256=take(decoded, "raw_data_hash.value", str),
        record=record,
    )


def _signal_row(decoded: Mapping[str, Any], record: bytes, at: Coordinates) -> LakeRow:
    signal = signal_from_ocsf(decoded)
    return _row(
        uid=signal.uid,
        revision=_rank(signal),
        time=signal.time,
        class_uid=take(decoded, "class_uid", int),
        source=signal.event.source,
        domain=signal.domain,
        entities=tuple(dict.fromkeys((*signal.entities, *signal.via))),
        at=at,
        sha256=sha256_hex(record),
        record=record,
    )


def _rank(signal: Signal) -> int:
    """Rank the parts of a folded signal: what a sequence shows of it is its earliest match (least time, then uid)."""
    if signal.flood is None:
        return signal.count
    least = int.from_bytes(signal.flood.first.encode()[:RANKED_BYTES].ljust(RANKED_BYTES))
    return (SECOND_MS - signal.time % SECOND_MS << 8 * RANKED_BYTES) - least


def _verdict_rank(verdict: Verdict) -> int:
    """Rank revisions: a verdict on a later revision of the sequence first, then the corrections by analysts."""
    return (verdict.sequence_revision << RANKED_CORRECTIONS) + verdict.revision


def _finding_row(kind: str, decoded: Mapping[str, Any], record: bytes, at: Coordinates) -> LakeRow:
    finding = sequence_from_ocsf(decoded) if kind == SEQUENCES else verdict_from_ocsf(decoded)
    if isinstance(finding, SequenceClosed | VerdictClosed):
        revision = WITHDRAWN
    else:
        revision = finding.revision if isinstance(finding, Sequence) else _verdict_rank(finding)
    return _row(
        uid=finding.uid,
        revision=revision,
        time=take(decoded, "time", int),
        class_uid=take(decoded, "class_uid", int),
        source="",
        domain="",
        entities=group_entities(finding.group),
        at=at,
        sha256=sha256_hex(record),
        record=record,
    )


def _row(*, entities: Iterable[EntityKey], at: Coordinates, record: bytes, **columns: Any) -> LakeRow:
    return LakeRow(
        entities=tuple(map(str, entities)),
        topic=at.topic,
        partition=at.partition,
        offset=at.offset,
        size_bytes=len(record),
        record=record,
        **columns,
    )


def date_of(time: int) -> str:
    """Return the UTC date of a time in ms, as directories name it."""
    return (EPOCH + timedelta(milliseconds=time)).date().isoformat()


@dataclass(frozen=True, slots=True)
class LakeWriter:
    """Write batches below one directory. Several writers may share it."""

    root: Path

    def write(self, kind: str, rows: Iterable[LakeRow]) -> tuple[Path, ...]:
        """Write one batch, a file for each date; return the files, which are on disk for good when this returns."""
        return tuple(
            self._publish(Path(kind, f"date={date}"), part) for date, part in sorted(_by_date(rows).items()) if part
        )

    def _publish(self, folder: Path, rows: list[LakeRow]) -> Path:
        ordered = sorted(rows, key=lambda row: (row.time, row.uid, row.revision, row.topic, row.partition, row.offset))
        target = self.root / folder / f"part-{_name(ordered)}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with beside.open("xb") as file:
                pq.write_table(_table(ordered), file, compression="zstd", row_group_size=ROWS_PER_GROUP)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        for directory in (target.parent, target.parent.parent, self.root):
            _sync(directory)
        return target


def _by_date(rows: Iterable[LakeRow]) -> dict[str, list[LakeRow]]:
    """Divide rows by date; hostile times may name any number of dates, so the rarest share one file."""
    dates: dict[str, list[LakeRow]] = defaultdict(list)
    for row in rows:
        dates[date_of(row.time)].append(row)
    kept = dict(sorted(dates.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_DATES])
    rest = [row for date, part in dates.items() if date not in kept for row in part]
    return {**kept, MIXED: rest}


def _name(rows: Iterable[LakeRow]) -> str:
    return content_uid("part", *(f"{r.uid}/{r.revision}/{r.topic}/{r.partition}/{r.offset}" for r in rows))


def _table(rows: list[LakeRow]) -> pa.Table:
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    return pa.table(columns, schema=SCHEMA)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A naive evidence store over lake rows in memory: what the Parquet lake's answers are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from agents.evidence.store import MAX_ROWS, Found, SourceSeen, Stored, StoredEvent, StoredSignal, rows_that_fit
from models import ocsf
from models.entity import EntityKey
from models.finding_ocsf import signal_from_ocsf
from models.records import Coordinates
from models.verdict import Evidence
from streams.lake import EVENTS, SIGNALS, LakeRow


@dataclass
class MemoryStore:
    rows: dict[str, list[LakeRow]] = field(default_factory=dict)

    def write(self, kind: str, rows: Iterable[LakeRow]) -> None:
        self.rows.setdefault(kind, []).extend(rows)

    def signals(self, uids: Sequence[str], start: int, end: int) -> Found[StoredSignal]:
        return self._answer(SIGNALS, start, end, lambda row: row.uid in uids, MAX_ROWS)

    def events(self, uids: Sequence[str], start: int, end: int) -> Found[StoredEvent]:
        return self._answer(EVENTS, start, end, lambda row: row.uid in uids, MAX_ROWS)

    def timeline(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredEvent]:
        return self._answer(EVENTS, start, end, lambda row: str(entity) in row.entities, limit)

    def signals_on(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredSignal]:
        return self._answer(SIGNALS, start, end, lambda row: str(entity) in row.entities, limit)

    def coverage(self, start: int, end: int) -> tuple[SourceSeen, ...]:
        times: dict[tuple[str, str], list[int]] = {}
        for row in self.rows.get(EVENTS, []):
            if start <= row.time <= end:
                times.setdefault((row.source, row.domain), []).append(row.time)
        return tuple(
            SourceSeen(*key, min(held), max(held), len({time // 60_000 for time in held}))
            for key, held in sorted(times.items())
        )

    def cited(self, evidence: Sequence[Evidence]) -> tuple[Stored, ...]:
        wanted = {(item.kind + "s", item.uid, item.at) for item in evidence}
        found = {
            (kind, row.uid, _at(row)): _stored(kind, row)
            for kind, rows in self.rows.items()
            for row in rows
            if (kind, row.uid, _at(row)) in wanted
        }
        return tuple(sorted(found.values(), key=lambda row: (isinstance(row, StoredSignal), row.time, row.uid)))

    def _answer(self, kind: str, start: int, end: int, where: Callable[[LakeRow], bool], limit: int) -> Found:
        best: dict[str, LakeRow] = {}
        for row in self.rows.get(kind, []):
            if start <= row.time <= end and where(row):
                best[row.uid] = min(best.get(row.uid, row), row, key=lambda r: (-r.revision, _at_key(r)))
        ordered = sorted(best.values(), key=lambda row: (row.time, row.uid))
        fit = rows_that_fit((row.size_bytes for row in ordered), limit)
        return Found(tuple(_stored(kind, row) for row in ordered[:fit]), more=fit < len(ordered))


def _at(row: LakeRow) -> Coordinates:
    return Coordinates(row.topic, row.partition, row.offset)


def _at_key(row: LakeRow) -> tuple[str, int, int]:
    return row.topic, row.partition, row.offset


def _stored(kind: str, row: LakeRow) -> Stored:
    if kind == EVENTS:
        return StoredEvent(row.uid, row.time, row.class_uid, row.source, _at(row), row.sha256, row.record)
    return StoredSignal(signal_from_ocsf(ocsf.decode(row.record)), _at(row), row.sha256, row.record)

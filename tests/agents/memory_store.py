"""A naive evidence store over lake rows in memory: what the Parquet lake's answers are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from agents.evidence.query import Query, attribute
from agents.evidence.store import (
    MAX_ROWS,
    EntitySeen,
    Found,
    SourceSeen,
    Stored,
    StoredEvent,
    StoredSignal,
    rows_that_fit,
)
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

    def search_events(self, query: Query, limit: int) -> Found[StoredEvent]:
        return self._answer(
            EVENTS, query.start, query.end, lambda row: _is_asked(row, query), limit, latest=query.latest
        )

    def search_signals(self, query: Query, limit: int) -> Found[StoredSignal]:
        return self._answer(
            SIGNALS, query.start, query.end, lambda row: _is_asked(row, query), limit, latest=query.latest
        )

    def coverage(self, start: int, end: int) -> tuple[SourceSeen, ...]:
        return self.sources_of(Query(start, end))

    def sources_of(self, query: Query) -> tuple[SourceSeen, ...]:
        times: dict[tuple[str, str], list[int]] = {}
        for row in self._asked(EVENTS, query):
            times.setdefault((row.source, row.domain), []).append(row.time)
        return tuple(SourceSeen(*key, *_span(held)) for key, held in sorted(times.items()))

    def entities_of_events(self, query: Query, limit: int) -> Found[EntitySeen]:
        return self._named(EVENTS, query, limit)

    def entities_of_signals(self, query: Query, limit: int) -> Found[EntitySeen]:
        return self._named(SIGNALS, query, limit)

    def _named(self, kind: str, query: Query, limit: int) -> Found[EntitySeen]:
        times: dict[str, list[int]] = {}
        for row in self._asked(kind, query):
            for entity in row.entities:
                times.setdefault(entity, []).append(row.time)
        ordered = sorted(times.items(), key=lambda item: (min(item[1]), item[0]))
        seen = tuple(EntitySeen(EntityKey(*key.split(":", 1)), *_span(held)) for key, held in ordered)
        return Found(seen[: min(limit, MAX_ROWS)], more=len(seen) > min(limit, MAX_ROWS))

    def _asked(self, kind: str, query: Query) -> list[LakeRow]:
        return [
            row for row in self.rows.get(kind, []) if query.start <= row.time <= query.end and _is_asked(row, query)
        ]

    def cited(self, evidence: Sequence[Evidence]) -> tuple[Stored, ...]:
        wanted = {(item.kind + "s", item.uid, item.at) for item in evidence}
        found = {
            (kind, row.uid, _at(row)): _stored(kind, row)
            for kind, rows in self.rows.items()
            for row in rows
            if (kind, row.uid, _at(row)) in wanted
        }
        return tuple(sorted(found.values(), key=lambda row: (isinstance(row, StoredSignal), row.time, row.uid)))

    def _answer(
        self, kind: str, start: int, end: int, where: Callable[[LakeRow], bool], limit: int, *, latest: bool = False
    ) -> Found:
        best: dict[str, LakeRow] = {}
        for row in self.rows.get(kind, []):
            if start <= row.time <= end and where(row):
                best[row.uid] = min(best.get(row.uid, row), row, key=lambda r: (-r.revision, _at_key(r)))
        ordered = sorted(best.values(), key=lambda row: (row.time, row.uid), reverse=latest)
        fit = rows_that_fit((row.size_bytes for row in ordered), limit)
        shown = sorted(ordered[:fit], key=lambda row: (row.time, row.uid))
        return Found(tuple(_stored(kind, row) for row in shown), more=fit < len(ordered))


def _is_asked(row: LakeRow, query: Query) -> bool:
    return (
        (query.entity is None or str(query.entity) in row.entities)
        and (not query.class_uids or row.class_uid in query.class_uids)
        and query.domain in ("", row.domain)
        and query.source in ("", row.source)
        and all(any(form.encode().lower() in row.record.lower() for form in forms) for forms in query.texts)
        and all(
            any(attribute(ocsf.decode(row.record), path) in values for path in paths)
            for paths, values in query.attributes
        )
    )


def _span(times: list[int]) -> tuple[int, int, int]:
    return min(times), max(times), len({time // 60_000 for time in times})


def _at(row: LakeRow) -> Coordinates:
    return Coordinates(row.topic, row.partition, row.offset)


def _at_key(row: LakeRow) -> tuple[str, int, int]:
    return row.topic, row.partition, row.offset


def _stored(kind: str, row: LakeRow) -> Stored:
    if kind == EVENTS:
        return StoredEvent(row.uid, row.time, row.class_uid, row.source, _at(row), row.sha256, row.record)
    return StoredSignal(signal_from_ocsf(ocsf.decode(row.record)), _at(row), row.sha256, row.record)

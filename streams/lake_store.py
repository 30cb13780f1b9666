"""Read the Parquet lake: the evidence store of investigations, over lazy scans with pushed-down predicates.

Files are chosen by date directory, row groups by the statistics of `time`, and columns by what a question needs: keys
first, and the records of only those rows that fit the bounds. What is still being written, or was left by a crash, is
not a `part-*.parquet` and is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl

from agents.evidence.gather import FOLD_MS
from agents.evidence.query import Query
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
from models import finding, finding_ocsf, ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord, LakeUnreadable, QueryTooLarge
from models.ocsf_schema import LATEST_MS
from models.records import Coordinates
from models.verdict import EVENT, Evidence
from streams.lake import EVENTS, MIXED, SCHEMA, SIGNALS, date_of

AT: Final = ("topic", "partition", "offset")
KEYS: Final = ("uid", "revision", "time", *AT, "size_bytes")
PLACE: Final = ("uid", "revision", *AT)
CITED: Final = {"uid": pl.String, "topic": pl.String, "partition": pl.Int64, "offset": pl.Int64, "time": pl.Int64}
EMPTY: Final = pl.DataFrame(schema=pl.Schema(SCHEMA))
INT64: Final = range(-(2**63), 2**63)
MOST_BYTES: Final = 8 << 30  # searched at some hundred megabytes a second: half a minute
_TIME: Final = pl.col("time")
SPAN: Final = (
    _TIME.min().alias("first"),
    _TIME.max().alias("last"),
    (_TIME // 60_000).n_unique().alias("minutes"),
)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LakeStore:
    """Answer questions from the lake below one directory; an empty or missing lake answers with nothing.

    Every method raises LakeUnreadable when a file is damaged, naming it. What takes a Query raises QueryTooLarge when
    more bytes of records than `most_bytes` had to be searched for a text or an attribute.
    """

    root: Path
    most_bytes: int = MOST_BYTES

    def signals(self, uids: Sequence[str], start: int, end: int) -> Found[StoredSignal]:
        """Return the signals of these uids whose time lies in the window."""
        return self._answer(SIGNALS, start, end, pl.col("uid").is_in(list(uids)), MAX_ROWS, _signal)

    def events(self, uids: Sequence[str], start: int, end: int) -> Found[StoredEvent]:
        """Return the events of these uids whose time lies in the window."""
        return self._answer(EVENTS, start, end, pl.col("uid").is_in(list(uids)), MAX_ROWS, _event)

    def timeline(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredEvent]:
        """Return the first events in the window that name the entity."""
        return self._answer(EVENTS, start, end, pl.col("entities").list.contains(str(entity)), limit, _event)

    def signals_on(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredSignal]:
        """Return the first signals in the window that name the entity."""
        return self._answer(SIGNALS, start, end, pl.col("entities").list.contains(str(entity)), limit, _signal)

    def search_events(self, query: Query, limit: int) -> Found[StoredEvent]:
        """Return the first (or last) events that are as the query asks."""
        where = self._where(EVENTS, query)
        return self._answer(EVENTS, query.start, query.end, where, limit, _event, latest=query.latest)

    def search_signals(self, query: Query, limit: int) -> Found[StoredSignal]:
        """Return the first (or last) signals that are as the query asks."""
        where = self._where(SIGNALS, query)
        return self._answer(SIGNALS, query.start, query.end, where, limit, _signal, latest=query.latest)

    def findings(self, kind: str, start: int, end: int, limit: int, *, latest: bool = False) -> Found[bytes]:
        """Return the standing revision of the first (or last) sequences or verdicts in the window.

        Withdrawals are revisions, too.
        """
        standing = self._one_each(self._scan(kind, 0, LATEST_MS))
        keys = _in_order(standing.filter(pl.col("time").is_between(start, end)), latest=latest).head(limit + 1)
        return self._records(kind, self._collect(kind, keys), limit, lambda row: row["record"])

    def standing(self, kind: str, uids: Sequence[str]) -> Found[bytes]:
        """Return the standing revisions of the sequences or verdicts of these uids."""
        keys = self._one_each(self._scan(kind, 0, LATEST_MS).filter(pl.col("uid").is_in(list(uids))))
        ordered = _in_order(keys, latest=False).head(MAX_ROWS + 1)
        return self._records(kind, self._collect(kind, ordered), MAX_ROWS, lambda row: row["record"])

    def coverage(self, start: int, end: int) -> tuple[SourceSeen, ...]:
        """Return which sources sent events in the window, by source and domain."""
        return self.sources_of(Query(start, end))

    def sources_of(self, query: Query) -> tuple[SourceSeen, ...]:
        """Return which sources sent events that are as the query asks, by source and domain."""
        rows = self._scan(EVENTS, query.start, query.end).filter(self._where(EVENTS, query))
        seen = rows.group_by("source", "domain").agg(*SPAN).sort("source", "domain")
        return tuple(SourceSeen(**row) for row in self._collect(EVENTS, seen).iter_rows(named=True))

    def entities_of_events(self, query: Query, limit: int) -> Found[EntitySeen]:
        """Return the entities that such events name, the earliest named first."""
        return self._named(EVENTS, query, limit)

    def entities_of_signals(self, query: Query, limit: int) -> Found[EntitySeen]:
        """Return the entities that such signals name, the earliest named first."""
        return self._named(SIGNALS, query, limit)

    def cited(self, evidence: Sequence[Evidence]) -> tuple[Stored, ...]:
        """Fetch evidence again: what is stored under exactly these uids and coordinates."""
        events = [item for item in evidence if item.kind == EVENT]
        signals = [item for item in evidence if item.kind != EVENT]
        return (*self._at(EVENTS, events, _event), *self._at(SIGNALS, signals, _signal))

    def missing(self, sequence: finding.Sequence) -> tuple[str, ...]:
        """Return the uids of a sequence's signals and events that the lake does not hold yet; reads no record.

        A folded signal is there when a part of it is, or the signal of its first match alone.
        """
        window = sequence.start_time - FOLD_MS, sequence.end_time + FOLD_MS
        names = {uid for m in sequence.members for uid in (m.uid, m.first) if uid}
        signals, event_uids = self._held(SIGNALS, names, *window), {m.event_uid for m in sequence.members}
        lacking = sorted({m.uid for m in sequence.members if not signals & {m.uid, m.first}})
        return *lacking, *sorted(event_uids - self._held(EVENTS, event_uids, *window))

    def _held(self, kind: str, uids: Iterable[str], start: int, end: int) -> set[str]:
        scan = self._scan(kind, start, end).filter(pl.col("uid").is_in(list(uids))).select("uid")
        return set(self._collect(kind, scan)["uid"])

    def _named(self, kind: str, query: Query, limit: int) -> Found[EntitySeen]:
        rows = self._scan(kind, query.start, query.end).filter(self._where(kind, query)).select("entities", "time")
        named = rows.explode("entities").rename({"entities": "entity"}).drop_nulls("entity")
        seen = named.group_by("entity").agg(*SPAN).sort("first", "entity").head(min(limit, MAX_ROWS) + 1)
        found = self._collect(kind, seen).to_dicts()
        most = min(limit, MAX_ROWS)
        return Found(tuple(map(_entity, found[:most])), more=len(found) > most)

    def _answer(
        self,
        kind: str,
        start: int,
        end: int,
        where: pl.Expr,
        limit: int,
        make: Callable[[dict[str, Any]], R | None],
        *,
        latest: bool = False,
    ) -> Found[R]:
        rows = self._one_each(self._scan(kind, start, end).filter(where))
        keys = self._collect(kind, _in_order(rows, latest=latest).head(limit + 1))
        return self._records(kind, keys, limit, make)

    def _records(
        self, kind: str, keys: pl.DataFrame, limit: int, make: Callable[[dict[str, Any]], R | None]
    ) -> Found[R]:
        fit = rows_that_fit(keys["size_bytes"], limit)
        rows = self._fetch(kind, keys.head(fit), PLACE)
        return Found(tuple(made for row in rows if (made := make(row)) is not None), more=fit < len(keys))

    def _at(self, kind: str, evidence: Sequence[Evidence], make: Callable[[dict[str, Any]], R | None]) -> tuple[R, ...]:
        cited = [
            (item.uid, item.at.topic, item.at.partition, item.at.offset, item.time) for item in evidence[:MAX_ROWS]
        ]
        real = [row for row in cited if all(number in INT64 for number in row[2:])]
        keys = pl.DataFrame(real, schema=CITED, orient="row")
        return tuple(made for row in self._fetch(kind, keys, ("uid", *AT)) if (made := make(row)) is not None)

    def _fetch(self, kind: str, keys: pl.DataFrame, place: tuple[str, ...]) -> list[dict[str, Any]]:
        """Read the whole rows that stand at the keys' places, each once."""
        if keys.is_empty():
            return []
        first, last = keys["time"].min(), keys["time"].max()
        uids = keys["uid"].to_list()
        rows = (
            self._scan(kind, first, last)  # type: ignore[arg-type]  # an Int64 column's bounds are ints
            .filter(pl.col("uid").is_in(uids))
            .join(keys.select(place).lazy(), on=list(place), how="semi")
            .unique(list(place), keep="first", maintain_order=True)
            .sort("time", "uid", *AT)
        )
        return self._collect(kind, rows).to_dicts()

    def _one_each(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the keys of one row for each uid: the highest revision, then the first coordinates."""
        descending = [False, True, False, False, False]
        return rows.select(KEYS).sort(PLACE, descending=descending).unique("uid", keep="first", maintain_order=True)

    def _where(self, kind: str, query: Query) -> pl.Expr:
        """Return the predicate of a query; raise QueryTooLarge when its answer takes too much reading."""
        columns = _columns(query)
        if not (query.texts or query.attributes):
            return columns
        read = self._scan(kind, query.start, query.end).filter(columns).select(pl.col("size_bytes").sum())
        to_read: int = self._collect(kind, read).item()
        if to_read > self.most_bytes:
            raise QueryTooLarge(f"{to_read:,} bytes of records would have to be read, of {self.most_bytes:,} at most")
        return columns & _content(query)

    def _scan(self, kind: str, start: int, end: int) -> pl.LazyFrame:
        start, end = max(start, 0), min(end, LATEST_MS)
        files = self._files(kind, start, end) if start <= end else []
        if not files:
            return EMPTY.lazy()
        scan = pl.scan_parquet(files, hive_partitioning=False, glob=False)
        return scan.filter(pl.col("time").is_between(start, end))

    def _files(self, kind: str, start: int, end: int) -> list[Path]:
        """List the files that may hold rows of the window. The one place, with `_scan`, that knows a file system."""
        first, last = f"date={date_of(start)}", f"date={date_of(end)}"
        dates = (self.root / kind).glob("date=*")
        wanted = [folder for folder in dates if first <= folder.name <= last or folder.name == f"date={MIXED}"]
        return sorted(file for folder in wanted for file in folder.glob("part-*.parquet"))

    def _collect(self, kind: str, frame: pl.LazyFrame) -> pl.DataFrame:
        try:
            return frame.collect(engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as error:
            raise LakeUnreadable(f"{self.root / kind}: {self._damaged(kind)}{error}") from error

    def _damaged(self, kind: str) -> str:
        for file in sorted((self.root / kind).glob("date=*/part-*.parquet")):
            try:
                pl.read_parquet_schema(file)
            except (pl.exceptions.PolarsError, OSError):
                return f"{file.parent.name}/{file.name}: "
        return ""


def _in_order(rows: pl.LazyFrame, *, latest: bool) -> pl.LazyFrame:
    return rows.sort("time", "uid", descending=latest)


def _columns(query: Query) -> pl.Expr:
    """Return what a query asks of columns that need no reading of records."""
    return pl.all_horizontal(
        pl.lit(value=True),
        *([pl.col("entities").list.contains(str(query.entity))] if query.entity else []),
        *([pl.col("class_uid").is_in(list(query.class_uids))] if query.class_uids else []),
        *([pl.col("domain") == query.domain] if query.domain else []),
        *([pl.col("source") == query.source] if query.source else []),
    )


def _content(query: Query) -> pl.Expr:
    """Return what a query asks of the records themselves."""
    record = pl.col("record").cast(pl.String)
    return pl.all_horizontal(
        *(record.str.contains_any(list(forms), ascii_case_insensitive=True) for forms in query.texts),
        *(_has(record, *attribute) for attribute in query.attributes),
    )


def _has(record: pl.Expr, paths: tuple[str, ...], values: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(record.str.json_path_match(f"$.{path}").is_in(list(values)) for path in paths)


def _entity(row: dict[str, Any]) -> EntitySeen:
    kind, _, value = row["entity"].partition(":")
    return EntitySeen(EntityKey(kind, value), row["first"], row["last"], row["minutes"])


def _at(row: dict[str, Any]) -> Coordinates:
    return Coordinates(row["topic"], row["partition"], row["offset"])


def _event(row: dict[str, Any]) -> StoredEvent:
    return StoredEvent(row["uid"], row["time"], row["class_uid"], row["source"], _at(row), row["sha256"], row["record"])


def _signal(row: dict[str, Any]) -> StoredSignal | None:
    """Return the signal, None when its record is none: to an investigation it is missing."""
    try:
        signal = finding_ocsf.signal_from_ocsf(ocsf.decode(row["record"]))
    except (InvalidRecord, ValueError):
        return None
    return StoredSignal(signal, _at(row), row["sha256"], row["record"])

"""What an investigation may read: stored signals and events, bounded answers, and the protocol of the store.

Agents know this protocol and no class behind it. Every question is bounded in time, rows and bytes, so that no answer
can outgrow memory whatever the lake holds. Times are event times in ms, both ends inclusive.
What is looked for: `agents.evidence.query`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from agents.evidence.query import Query
from models import ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.finding import Signal
from models.records import Coordinates
from models.uids import sha256_hex
from models.verdict import EVENT, SIGNAL, Evidence

MAX_ROWS: Final = 1000
MAX_ANSWER_BYTES: Final = 16_777_216  # of records, per answer

RowT_co = TypeVar("RowT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Found(Generic[RowT_co]):
    """Rows in order of time and uid, and whether the bounds left more behind."""

    rows: tuple[RowT_co, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as the store holds it.

    Attributes:
        uid: Content hash of source and raw bytes.
        time: Event time in ms.
        class_uid: OCSF class.
        source: Name of the source.
        at: Coordinates of the raw record.
        sha256: SHA-256 of the raw record, as it was when stored.
        record: The OCSF event as JSON.
    """

    uid: str
    time: int
    class_uid: int
    source: str
    at: Coordinates
    sha256: str
    record: bytes

    @property
    def ocsf(self) -> dict[str, Any]:
        """Return the OCSF event; raise InvalidRecord when the stored bytes are not one."""
        try:
            return ocsf.decode(self.record)
        except ValueError as error:
            raise InvalidRecord(f"event {self.uid}: {error}") from error

    @property
    def content(self) -> bytes:
        """Return the raw record that the hash covers, empty when it cannot be read."""
        try:
            raw = self.ocsf.get("raw_data")
        except InvalidRecord:
            return b""
        return raw.encode() if isinstance(raw, str) else b""

    @property
    def evidence(self) -> Evidence:
        """Return what cites this event."""
        return Evidence(EVENT, self.uid, self.time, self.at, self.sha256)


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """One signal as the store holds it: decoded, and the bytes at its coordinates with their hash."""

    signal: Signal
    at: Coordinates
    sha256: str
    record: bytes

    @property
    def uid(self) -> str:
        """Return the signal's uid."""
        return self.signal.uid

    @property
    def time(self) -> int:
        """Return the signal's event time in ms."""
        return self.signal.time

    @property
    def content(self) -> bytes:
        """Return the bytes that the hash covers: the signal's record."""
        return self.record

    @property
    def evidence(self) -> Evidence:
        """Return what cites this signal."""
        return Evidence(SIGNAL, self.uid, self.time, self.at, self.sha256)


Stored = StoredEvent | StoredSignal


def is_intact(stored: Stored) -> bool:
    """Tell whether the stored bytes still have the hash they were stored under."""
    return sha256_hex(stored.content) == stored.sha256


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """One source's telemetry of one domain in a window.

    Attributes:
        source: Name of the source.
        domain: `identity`, `network` or `workload`.
        first: Time of its first event in the window, ms.
        last: Time of its last event in the window, ms.
        minutes: Minutes of event time in which it sent anything. Unlike a count of events it needs no memory of every
            uid to be exact when a batch was stored twice.
    """

    source: str
    domain: str
    first: int
    last: int
    minutes: int


@dataclass(frozen=True, slots=True)
class EntitySeen:
    """One entity that what was looked for names.

    Attributes:
        entity: The entity.
        first: Time of the first such record, ms.
        last: Time of the last, ms.
        minutes: Minutes of event time in which there were any.
    """

    entity: EntityKey
    first: int
    last: int
    minutes: int


class EvidenceStore(Protocol):
    """Answer an investigation's questions, read-only; each uid at most once in an answer."""

    def signals(self, uids: Sequence[str], start: int, end: int) -> Found[StoredSignal]:
        """Return the signals of these uids whose time lies in the window."""
        ...

    def events(self, uids: Sequence[str], start: int, end: int) -> Found[StoredEvent]:
        """Return the events of these uids whose time lies in the window."""
        ...

    def timeline(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredEvent]:
        """Return the first events in the window that name the entity."""
        ...

    def signals_on(self, entity: EntityKey, start: int, end: int, limit: int) -> Found[StoredSignal]:
        """Return the first signals in the window that name the entity."""
        ...

    def coverage(self, start: int, end: int) -> tuple[SourceSeen, ...]:
        """Return which sources sent events in the window, by source and domain."""
        ...

    def search_events(self, query: Query, limit: int) -> Found[StoredEvent]:
        """Return the first events (the last ones where the query says so) that are as the query asks."""
        ...

    def search_signals(self, query: Query, limit: int) -> Found[StoredSignal]:
        """Return the first signals (the last ones where the query says so) that are as the query asks."""
        ...

    def sources_of(self, query: Query) -> tuple[SourceSeen, ...]:
        """Return which sources sent events that are as the query asks, by source and domain."""
        ...

    def entities_of_events(self, query: Query, limit: int) -> Found[EntitySeen]:
        """Return the entities that such events name, the earliest named first."""
        ...

    def entities_of_signals(self, query: Query, limit: int) -> Found[EntitySeen]:
        """Return the entities that such signals name, the earliest named first."""
        ...

    def cited(self, evidence: Sequence[Evidence]) -> tuple[Stored, ...]:
        """Fetch evidence again: what is stored under exactly these uids and coordinates, whatever its hash now is."""
        ...


def rows_that_fit(sizes_bytes: Iterable[int], limit: int, most_bytes: int = MAX_ANSWER_BYTES) -> int:
    """Return how many leading rows stay within `limit`, MAX_ROWS and `most_bytes`."""
    most, total_bytes, fit = min(limit, MAX_ROWS), 0, 0
    for size_bytes in sizes_bytes:
        total_bytes += size_bytes
        if fit >= most or total_bytes > most_bytes:
            break
        fit += 1
    return fit

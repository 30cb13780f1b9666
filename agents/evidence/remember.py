"""Write down which records an investigation gathered, and fetch the same ones again.

What is written are coordinates and hashes, never records: those stay in the store. So an investigation that goes on
after a crash, or is repeated by an auditor, sees what it saw the first time, although more has come in since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import asdict
from typing import Any

from agents.evidence.facts import Gathered, Held, Telling
from agents.evidence.store import MAX_ROWS, EvidenceStore, SourceSeen, Stored, StoredEvent, StoredSignal, is_intact
from models.entity import EntityKey
from models.errors import InvalidRecord
from models.fact import fact_from_ocsf, fact_to_ocsf
from models.fields import take, take_objects, take_texts
from models.finding import Sequence
from models.records import Coordinates
from models.verdict import EVENT, Evidence


def evidence_to_json(item: Evidence) -> list[Any]:
    """Render where a record is and what its hash was."""
    return [item.kind, item.uid, item.time, item.at.topic, item.at.partition, item.at.offset, item.sha256]


def evidence_from_json(value: Any) -> Evidence:
    """Read it back; raise InvalidRecord when it is not that."""
    try:
        kind, uid, time, topic, partition, offset, sha256 = value
        at = Coordinates(topic, partition, offset)
    except (TypeError, ValueError) as error:
        raise InvalidRecord(f"not a place of evidence: {error}") from error
    texts, numbers = (kind, uid, topic, sha256), (time, partition, offset)
    if not (all(type(text) is str for text in texts) and all(type(number) is int for number in numbers)):
        raise InvalidRecord("a place of evidence has a part of the wrong type")
    return Evidence(kind, uid, time, at, sha256)


def fetch(store: EvidenceStore, wanted: Iterable[Evidence]) -> dict[Evidence, Stored]:
    """Fetch records again; raise InvalidRecord naming the first that is gone or not what it was."""
    asked = list(dict.fromkeys(wanted))
    found: dict[Evidence, Stored] = {}
    for start in range(0, len(asked), MAX_ROWS):
        rows = {(row.evidence.kind, row.uid, row.at): row for row in store.cited(asked[start : start + MAX_ROWS])}
        for item in asked[start : start + MAX_ROWS]:
            row = rows.get((item.kind, item.uid, item.at))
            if row is None or row.sha256 != item.sha256 or not is_intact(row):
                what = "is gone" if row is None else "is not what it was"
                raise InvalidRecord(
                    f"{item.kind} {item.uid} at {item.at.topic}/{item.at.partition}/{item.at.offset} {what}"
                )
            found[item] = row
    return found


def gathered_to_json(gathered: Gathered) -> dict[str, Any]:
    """Render what was gathered, without the sequence."""
    places = _Places()
    return {
        "entities": [str(entity) for entity in gathered.entities],
        "held": [[places.of(held.signal), places.of(held.event)] for held in gathered.held],
        "lost": [[gathered.sequence.members.index(member), wrong] for member, wrong in gathered.lost],
        "around": [places.of(row) for row in gathered.around],
        "others": [places.of(row) for row in gathered.others],
        "earlier": [places.of(row) for row in gathered.earlier],
        "baseline": [asdict(seen) for seen in gathered.baseline],
        "near": [asdict(seen) for seen in gathered.near],
        "refused": list(gathered.refused),
        "tellings": [[fact_to_ocsf(telling.fact), places.of(telling.event)] for telling in gathered.tellings],
        "untold": list(gathered.untold),
        "places": [evidence_to_json(item) for item in places.known],
    }


class _Places:
    """Each record once, by number."""

    def __init__(self) -> None:
        self.known: dict[Evidence, int] = {}

    def of(self, row: Stored) -> int:
        return self.known.setdefault(row.evidence, len(self.known))


def gathered_from_json(value: Mapping[str, Any], sequence: Sequence, store: EvidenceStore) -> Gathered:
    """Fetch the same records again; raise InvalidRecord when one is gone, or when this is not what was written."""
    places = [evidence_from_json(item) for item in take(value, "places", list)]
    found = fetch(store, places)
    rows = _Rows([found[place] for place in places])
    return Gathered(
        sequence=sequence,
        entities=tuple(EntityKey.parse(key) for key in take_texts(value, "entities")),
        held=tuple(Held(rows.signal(signal), rows.event(event)) for signal, event in _pairs(value, "held")),
        lost=tuple((_member(sequence, index), str(wrong)) for index, wrong in _pairs(value, "lost")),
        around=tuple(map(rows.event, take(value, "around", list))),
        others=tuple(map(rows.signal, take(value, "others", list))),
        earlier=tuple(map(rows.signal, take(value, "earlier", list))),
        baseline=_seen(value, "baseline"),
        near=_seen(value, "near"),
        refused=take_texts(value, "refused"),
        tellings=tuple(Telling(fact_from_ocsf(fact), rows.event(event)) for fact, event in _pairs(value, "tellings")),
        untold=take_texts(value, "untold"),
    )


class _Rows:
    """Records by number, of the kind that is expected at that place."""

    def __init__(self, rows: Many[Stored]) -> None:
        self._rows = rows

    def event(self, number: Any) -> StoredEvent:
        row = self._row(number)
        if not isinstance(row, StoredEvent):
            raise InvalidRecord(f"place {number} is not an {EVENT}")
        return row

    def signal(self, number: Any) -> StoredSignal:
        row = self._row(number)
        if not isinstance(row, StoredSignal):
            raise InvalidRecord(f"place {number} is not a signal")
        return row

    def _row(self, number: Any) -> Stored:
        if type(number) is not int or not 0 <= number < len(self._rows):
            raise InvalidRecord("the number of a place is out of range")
        return self._rows[number]


def _pairs(value: Mapping[str, Any], name: str) -> Iterator[tuple[Any, Any]]:
    for pair in take(value, name, list):
        if not (isinstance(pair, list) and len(pair) == 2):  # noqa: PLR2004  # a pair
            raise InvalidRecord(f"{name}: not every item is a pair")
        yield pair[0], pair[1]


def _member(sequence: Sequence, index: Any) -> Any:
    if type(index) is not int or not 0 <= index < len(sequence.members):
        raise InvalidRecord("lost: no member of that number")
    return sequence.members[index]


def _seen(value: Mapping[str, Any], name: str) -> tuple[SourceSeen, ...]:
    return tuple(
        SourceSeen(
            take(item, "source", str),
            take(item, "domain", str),
            take(item, "first", int),
            take(item, "last", int),
            take(item, "minutes", int),
        )
        for item in take_objects(value, name)
    )

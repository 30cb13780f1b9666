"""The tool over entity links: which entities were the same actor, as the events that name them show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from agents.evidence.query import Query
from agents.evidence.store import StoredEvent
from agents.text import moment
from agents.tools.answers import Note, ToolAnswer, answer
from agents.tools.arguments import OfEntity
from agents.tools.bench import Bench
from agents.tools.telemetry import LAST
from enrichers.links import links_of
from models.entity import EntityKey, EntityLink
from models.errors import InvalidRecord
from models.event import Event, LogSource
from models.ocsf import CLASSES

MAX_READ: Final = 200  # events that are looked at


def linked_entities(bench: Bench, asked: OfEntity) -> ToolAnswer:
    """Answer with the entities that events link to one, when and how surely, and with the first event of each link."""
    entity = bench.entity(asked.entity)
    start, end = bench.window(asked)
    found = bench.tools.search_events(Query(start, end, entity=entity, latest=asked.order == LAST), MAX_READ)
    shown: dict[EntityKey, tuple[EntityLink, StoredEvent]] = {}
    for link, event in _links(found.rows, entity):
        other = link.other_end(str(entity))
        if other not in shown or shown[other][0].confidence < link.confidence:
            shown[other] = link, event
    kept = sorted(shown.items(), key=lambda item: (-item[1][0].confidence, item[0]))
    most = kept[: asked.limit]
    events = {event.uid: event for _, (_, event) in most}
    rows = sorted(events.values(), key=lambda event: (event.time, event.uid))
    notes = [_note(other, link) for other, (link, _) in most]
    return answer(rows, notes, more=found.more or len(most) < len(kept))


def _links(events: Iterable[StoredEvent], entity: EntityKey) -> Iterator[tuple[EntityLink, StoredEvent]]:
    for stored in events:
        try:
            record = stored.ocsf
        except InvalidRecord:
            continue
        if record.get("class_uid") == stored.class_uid and stored.class_uid in CLASSES:
            event = Event(stored.uid, stored.time, stored.source, LogSource(""), {}, record, stored.at, stored.sha256)
            yield from ((link, stored) for link in links_of(event) if entity in (link.left, link.right))


def _note(other: EntityKey, link: EntityLink) -> Note:
    return Note(
        "link",
        {
            "entity": str(other),
            "valid_from": moment(link.valid_from),
            "valid_to": moment(link.valid_to),
            "confidence": link.confidence,
            "source": link.source,
            "event": link.evidence,
        },
    )

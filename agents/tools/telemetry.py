"""Tools over events and signals: what happened, to whom, when first and last, and who was listening."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from agents.evidence.facts import DAY_MS
from agents.evidence.query import Query
from agents.evidence.store import EntitySeen, SourceSeen, Stored, StoredSignal
from agents.evidence.toolbox import MAX_WINDOW_MS
from agents.text import moment
from agents.tools.answers import Note, Scalar, ToolAnswer, answer
from agents.tools.arguments import OfEntity, OfValue, SearchEvents, Seen, SessionTrail, Window
from agents.tools.bench import MAX_TEXT_WINDOW_MS, Bench
from models.errors import ToolRefused
from models.finding import group_entities
from models.ocsf import DOMAINS

MAX_ENTITIES: Final = 50  # that one answer names
SESSION: Final = "session"
LAST: Final = "last"


def search_events(bench: Bench, asked: SearchEvents) -> ToolAnswer:
    """Answer with the events that are as asked."""
    most_ms = MAX_TEXT_WINDOW_MS if asked.text and not asked.entity else MAX_WINDOW_MS
    start, end = bench.window(asked, most_ms=most_ms)
    query = Query(
        start,
        end,
        entity=bench.maybe_entity(asked.entity),
        class_uids=(asked.class_uid,) if asked.class_uid else (),
        domain=asked.domain,
        source=asked.source,
        texts=bench.texts(asked.text),
        latest=asked.order == LAST,
    )
    found = bench.tools.search_events(query, asked.limit)
    return answer(found.rows, more=found.more)


def timeline(bench: Bench, asked: OfEntity) -> ToolAnswer:
    """Answer with the events and signals that name an entity, in the order of time."""
    start, end = bench.window(asked)
    latest = asked.order == LAST
    query = Query(start, end, entity=bench.entity(asked.entity), latest=latest)
    events = bench.tools.search_events(query, asked.limit)
    signals = bench.tools.search_signals(query, asked.limit)
    rows = _by_time((*events.rows, *signals.rows))
    kept = rows[-asked.limit :] if latest else rows[: asked.limit]
    return answer(kept, more=events.more or signals.more or len(kept) < len(rows))


def first_and_last_seen(bench: Bench, asked: Seen) -> ToolAnswer:
    """Answer with the first and the last event that names an entity or contains a value, and with how often, by source.

    Without a window, as far back as may be.
    """
    if bool(asked.entity) == bool(asked.value):
        raise ToolRefused("give an entity or a value, and not both")
    most_ms = MAX_WINDOW_MS if asked.entity else MAX_TEXT_WINDOW_MS
    start, end = bench.window(asked, back_ms=most_ms, most_ms=most_ms)
    entity, texts = (bench.entity(asked.entity), ()) if asked.entity else bench.subject(asked.value)
    query = Query(start, end, entity=entity, texts=texts)
    first = bench.tools.search_events(query, 1).rows
    if not first:
        return answer(notes=(f"nothing from {moment(start)} to {moment(end)}",))
    last = bench.tools.search_events(replace(query, latest=True), 1).rows
    rows = {row.uid: row for row in (*first, *last)}
    return answer(rows.values(), map(_seen, bench.tools.sources_of(query)))


def who_else_touched(bench: Bench, asked: OfValue) -> ToolAnswer:
    """Answer with every entity that an event with a value names, and with the first such events.

    Without a window, as far back as may be.
    """
    start, end = bench.window(asked, back_ms=MAX_TEXT_WINDOW_MS, most_ms=MAX_TEXT_WINDOW_MS)
    entity, texts = bench.subject(asked.value)
    query = Query(start, end, entity=entity, texts=texts)
    named = bench.tools.entities_of_events(query, MAX_ENTITIES)
    found = bench.tools.search_events(query, asked.limit)
    return answer(found.rows, _entities(bench, named.rows), more=named.more or found.more)


def session_trail(bench: Bench, asked: SessionTrail) -> ToolAnswer:
    """Answer with what a session, access key or logon did, and with every entity that its events name: whose it is."""
    session = bench.entity(asked.session)
    if session.type != SESSION:
        raise ToolRefused(f"this is a {session.type} and no session: ask for its timeline")
    start, end = bench.window(asked, back_ms=DAY_MS)
    query = Query(start, end, entity=session)
    found = bench.tools.search_events(query, asked.limit)
    named = bench.tools.entities_of_events(query, MAX_ENTITIES)
    others = [seen for seen in named.rows if seen.entity != session]
    return answer(found.rows, _entities(bench, others), more=named.more or found.more)


def coverage(bench: Bench, asked: Window) -> ToolAnswer:
    """Answer with which sources sent events when, and with those heard the day before and not in the window."""
    start, end = bench.window(asked)
    heard = bench.tools.coverage(start, end)
    before = bench.tools.coverage(start - DAY_MS, start - 1)
    silent = sorted({seen.source for seen in before} - {seen.source for seen in heard})
    unheard = [domain for domain in DOMAINS if domain not in {seen.domain for seen in heard}]
    said = (
        *([f"no {' and no '.join(unheard)} telemetry at all in the window"] if unheard else []),
        *([f"heard the day before and not in the window: {', '.join(silent)}"] if silent else []),
    )
    return answer(known=map(_seen, heard), notes=said)


def _by_time(rows: Iterable[Stored]) -> list[Stored]:
    """Sort by time; of one moment an event comes before the signals on it."""
    return sorted(rows, key=lambda row: (row.time, isinstance(row, StoredSignal), row.uid))


def _seen(seen: SourceSeen) -> Note:
    return Note("coverage", {"source": seen.source, "domain": seen.domain, **span(seen)})


def _entities(bench: Bench, named: Iterable[EntitySeen]) -> Iterable[Note]:
    own = group_entities(bench.sequence.group)
    for seen in named:
        yield Note("entity", {"entity": str(seen.entity), **span(seen), "is_investigated": seen.entity in own})


def span(seen: SourceSeen | EntitySeen) -> dict[str, Scalar]:
    """Return since when, until when and in how many minutes something was seen, as a note has it."""
    return {"first": moment(seen.first), "last": moment(seen.last), "minutes": seen.minutes}

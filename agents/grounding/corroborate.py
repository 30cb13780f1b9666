"""What speaks for a harmless cause, from outside the model: without it nothing is closed, whatever the model says.

1. Everything that fired, fired on events that our own allow lists and maintenance windows accept.
2. Or analysts said of earlier verdicts of the same rule on the same group, at least AGREEING times and without one of
   them saying otherwise, that they were benign or false.

That a thing happens day after day speaks for nothing: so does an attacker who has settled in. And nothing counts where
a record is lost, the budget cut the search short, or a service outside condemns an observable.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from agents.evidence.facts import Gathered
from agents.evidence.store import StoredEvent
from agents.grounding.calibration import Labels
from agents.text import Count, plain
from models.errors import InvalidRecord
from models.verdict import BENIGN, FALSE_POSITIVE

AGREEING: Final = 2
MAX_ENTRIES: Final = 3
HARMLESS: Final = frozenset({BENIGN, FALSE_POSITIVE})
ALLOWED, OURS = "allowed", "braid"


def harmless_by(gathered: Gathered, labels: Labels) -> tuple[str, ...]:
    """Return what speaks for a harmless cause, in words; nothing when nothing does that may count."""
    if not gathered.held or gathered.lost or gathered.refused or gathered.condemned:
        return ()
    return (*_by_lists(gathered), *_by_analysts(gathered, labels))


def _by_lists(gathered: Gathered) -> tuple[str, ...]:
    events = {one.event.uid: one.event for one in gathered.held}.values()
    entries = [accepted_by(event) for event in events]
    if not all(entries):
        return ()
    titles = sorted({title for found in entries for title in found})
    named = ", ".join(titles[:MAX_ENTRIES])
    return (f"allow lists accept {Count(len(entries), 'event')} of {len(entries)}: {named}",)


def accepted_by(event: StoredEvent) -> frozenset[str]:
    """Return the entries of allow lists that an event is marked with; a mark that its source wrote itself is none."""
    try:
        marks = _marks(event.ocsf)
    except InvalidRecord:
        return frozenset()
    forged = _marks(_parsed(event.content))
    titles = (_title(mark) for mark in marks if mark not in forged)
    return frozenset(title for title in titles if title)


def _marks(record: Any) -> list[dict[str, Any]]:
    found = record.get("enrichments") if isinstance(record, dict) else None
    marks = found if isinstance(found, list) else []
    return [mark for mark in marks if isinstance(mark, dict) and _is_ours(mark)]


def _is_ours(mark: dict[str, Any]) -> bool:
    return mark.get("type") == ALLOWED and mark.get("provider") == OURS


def _title(mark: dict[str, Any]) -> str:
    data = mark.get("data")
    allowed = data.get(ALLOWED) if isinstance(data, dict) else None
    title = allowed.get("title") if isinstance(allowed, dict) else None
    return plain(title) if isinstance(title, str) else ""


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _by_analysts(gathered: Gathered, labels: Labels) -> tuple[str, ...]:
    sequence = gathered.sequence
    said = [label.said_id for label in labels.on(sequence.analytic.uid, sequence.group)]
    if len(said) < AGREEING or not HARMLESS.issuperset(said):
        return ()
    return (f"analysts called {len(said)} of {Count(len(said), 'earlier verdict')} of this rule here harmless",)

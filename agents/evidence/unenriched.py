"""Name what enrichment could not tell of the evidence: whoever judges it did not know, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from agents.evidence.facts import Held
from agents.text import MAX_PLAIN, Count, plain
from models.errors import InvalidRecord

MAX_TOLD: Final = 8
MAX_OF_ONE: Final = 32  # failures of one event that are read
INTELLIGENCE: Final = "intelligence of "


def unenriched(held: Iterable[Held]) -> tuple[str, ...]:
    """Return a sentence for each enrichment that some of the signals' events lack, the one that most lack first."""
    events = {one.event.uid: one.event for one in held}
    lacking: Counter[tuple[str, str]] = Counter()
    for event in events.values():
        try:
            lacking.update(frozenset(_failures(event.ocsf)))
        except InvalidRecord:
            continue  # the record is named as lost already
    ordered = sorted(lacking, key=lambda failure: (-lacking[failure], failure))
    told = [_in_words(*failure, lacking[failure], len(events)) for failure in ordered[:MAX_TOLD]]
    left = len(ordered) - MAX_TOLD
    return (*told, *([f"{Count(left, 'more enrichment')} missing"] if left > 0 else ()))


def _failures(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    found: Any = record
    for name in ("unmapped", "braid", "enrichment_failures"):
        found = found.get(name) if isinstance(found, dict) else None
    for failure in found[:MAX_OF_ONE] if isinstance(found, list) else ():
        if isinstance(failure, dict):
            enricher, reason = failure.get("enricher"), failure.get("reason")
            if isinstance(enricher, str) and isinstance(reason, str):
                yield enricher, reason


def _in_words(enricher: str, reason: str, lacking: int, events: int) -> str:
    what = reason if reason.startswith(INTELLIGENCE) else f"enrichment {enricher} missing: {reason}"
    return f"{plain(what, MAX_PLAIN)} (on {lacking} of {Count(events, 'event')})"

"""Events for tests of features, and what they count to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from enrichers.entities import child
from models.event import Event, LogSource
from models.feature import Delta
from models.records import Coordinates
from models.uids import content_uid
from streams.features.folding import Counting

NOON = 1_790_078_400_000  # 2026-09-22T12:00:00Z, the beginning of a minute
ALICE = {"name": "alice@example.com"}
SUCCESS, FAILURE = 1, 2


def event(class_uid: int, activity_id: int, /, *, at: int = 0, source: str = "made", **body: Any) -> Event:
    """Make an event, `at` ms after noon; its uid is that of its time and what is in it."""
    ocsf = {"class_uid": class_uid, "activity_id": activity_id, **body}
    uid = content_uid("event", source, str(at), repr(ocsf))
    return Event(uid, NOON + at, source, LogSource(source), {}, ocsf, Coordinates(f"raw.{source}", 0, at), "ab" * 32)


def sign_in(at: int = 0, *, ip: str = "203.0.113.7", failed: bool = False, **body: Any) -> Event:
    """Make a sign-in of alice to a service."""
    status, cloud = FAILURE if failed else SUCCESS, {"provider": "Example"}
    start = {"user": ALICE, "src_endpoint": {"ip": ip}, "status_id": status, "cloud": cloud}
    return event(3002, 1, at=at, **(start | body))


def folded(events: Iterable[Event]) -> tuple[Delta, ...]:
    """Count events as one batch."""
    counting = Counting()
    for one in events:
        counting.add(one)
    return counting.deltas()


def by_entity(*events: Event) -> dict[str, Delta]:
    """Count events of one source and minute; raise where there are more."""
    found = folded(events)
    assert len({one.key[1:] for one in found}) <= 1
    return {one.entity: one for one in found}


def of(entity: str, *events: Event) -> Delta:
    """Return what one entity did in these events."""
    return by_entity(*events)[entity]


def amounts(delta: Delta) -> dict[str, int]:
    """Return the counts alone."""
    return {name: tally.amount for name, tally in delta.counts.items()}


def values(delta: Delta) -> dict[str, set[str]]:
    """Return the names of the values alone."""
    return {name: set(tallies) for name, tallies in delta.values.items()}


def distinct(delta: Delta) -> dict[str, int]:
    """Return how many different ones there were."""
    return {name: seen.count for name, seen in delta.distinct.items()}


def enriched(one: Event, *data: Mapping[str, Any]) -> Event:
    """Return an event with what enrichers would say of it beside it."""
    one.ocsf["enrichments"] = [{"name": "x", "value": "y", "data": dict(item)} for item in data]
    assert child(one.ocsf["enrichments"][0], "data") == data[0]
    return one

"""The inventory of what sources produce, held against what they do produce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from models.event import Event
from models.records import DeadLetter, ParseError
from streams.replay.inputs import find_inputs, read_file
from streams.sources.inventory import Fields, Produced, inventory, joined
from streams.sources.registry import SOURCES
from streams.sources.windows import logsource
from tests.sources.samples import samples

DEPTH = 5
RECORDS_OF_A_FILE = 150


def leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths of all values, lists passed through."""
    if isinstance(value, Mapping) and value and depth < DEPTH:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for item in value:
            yield from leaves(item, path, depth)
    else:
        yield path


def entries(event: Event) -> list[Produced]:
    """Return the entries that speak of an event's log source."""
    found = event.logsource
    return [
        one
        for one in inventory()
        if one.source == event.source
        and one.logsource.product == found.product
        and one.logsource.service in {found.service, "*"}
        and one.logsource.categories == found.categories
    ]


def missing(event: Event) -> list[str]:
    """Return what the inventory does not know of an event: its log source, or fields of it."""
    known = entries(event)
    if not known:
        return [f"{event.source}: {event.logsource}"]
    fields = joined(known)
    return [] if fields.open else [f"{event.source}: {name}" for name in leaves(event.native) if not fields.has(name)]


@pytest.mark.parametrize("source", SOURCES)
def test_what_the_samples_of_a_source_become_is_listed(source: str) -> None:
    events = [event for record in samples(source) for event in _events(source, record)]
    assert events
    assert [lack for event in events for lack in missing(event)] == []


def _events(source: str, record: Any) -> tuple[Event, ...]:
    found = SOURCES[source].parse_all(record)
    return () if isinstance(found, ParseError) else found


@pytest.mark.parametrize(
    "folder",
    ["aws_cloudtrail", "linux_auditd", "multi_source", "panther", "suricata", "windows_evtx", "windows_host", "zeek"],
)
def test_what_recorded_telemetry_becomes_is_listed(shared: Path, folder: str) -> None:
    if not (shared / "data" / folder).is_dir():
        pytest.skip(f"left out: no recorded telemetry of the kind {folder}")
    lacks = set()
    for file in find_inputs([shared / "data" / folder]).files:
        for item in islice(read_file(file, None), RECORDS_OF_A_FILE):
            if not isinstance(item, DeadLetter) and item[0] is not None:
                lacks.update(lack for event in _events(item[0].name, item[1]) for lack in missing(event))
    assert lacks == set()


def test_every_source_is_in_it_and_nothing_else() -> None:
    assert {one.source for one in inventory()} == SOURCES.keys()


def test_every_windows_service_and_category_is_in_it() -> None:
    listed = {one.logsource.service for one in inventory() if one.source == "windows"}
    assert set(logsource.CHANNELS.values()) <= listed
    kinds = {(one.logsource.service, one.logsource.categories) for one in inventory() if one.source == "windows"}
    made = {(service, names) for (service, _), names in logsource.CATEGORIES.items()}
    assert made <= kinds


def test_an_object_around_listed_names_is_known_and_an_index_is_passed_over() -> None:
    fields = Fields(frozenset({"actor.user.name", "id.orig_h"}), frozenset({"request.body"}))
    assert [name for name in ("actor", "actor.user", "actor.0.user.name", "id.orig_h") if not fields.has(name)] == []
    assert fields.has("request.body.any.thing")
    assert fields.has("request")
    assert not fields.has("actor.name")
    assert not fields.has("request.headers")
    assert not fields.has("ID.orig_h")

"""Where an attacker can write: every free-text field of every source, found by writing into the sources' samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from agents.privacy.render import render
from models.event import Event
from models.records import ParseError, RawRecord
from streams.sources.registry import SOURCES
from tests.sources.samples import samples

PROBE = "zqxjvk ignore all"  # a word that stands nowhere else, and that there may be several
_INDEX = re.compile(r"\[\w+\]")
_TEXT = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?')  # of JSON; with a colon behind it, it is a name
_WORDS = re.compile(rb'[^\s="\',|:]{3,}')


@dataclass(frozen=True)
class Vehicle:
    """One free-text field.

    Attributes:
        source: The source whose record it is.
        field: The OCSF path under which a model is shown what stands there.
        record: A record of that source.
        start: Where in its bytes the text begins that an attacker chooses.
        end: Where it ends.
    """

    source: str
    field: str
    record: RawRecord
    start: int
    end: int


def carried(text: str, fields: Iterable[Vehicle]) -> list[Event]:
    """Return events of which every one of these fields carries a text; as few as the sources let it be."""
    events = []
    by_record: dict[bytes, list[Vehicle]] = {}
    for one in fields:
        by_record.setdefault(one.record.raw, []).append(one)
    for together in by_record.values():
        whole = _event(together, text)
        events += [whole] if whole else [event for one in together if (event := _event([one], text))]
    return events


def _event(fields: list[Vehicle], text: str) -> Event | None:
    """Return the event of a record with a text in all these places; None where its source takes no such record."""
    record = fields[0].record
    for start, end in sorted({(one.start, one.end) for one in fields}, reverse=True):
        record = _with(record, start, end, text)
    parsed = SOURCES[fields[0].source].parse(record)
    return None if isinstance(parsed, ParseError) else parsed


@cache
def vehicles(source: str) -> tuple[Vehicle, ...]:
    """Return the free-text fields of a source, one vehicle for each."""
    found: dict[str, Vehicle] = {}
    for record in samples(source):
        for start, end in _places(record.raw):
            event = SOURCES[source].parse(_with(record, start, end, PROBE))
            if not isinstance(event, ParseError):
                for field in _fields(event, PROBE):
                    found.setdefault(field, Vehicle(source, field, record, start, end))
    return tuple(found.values())


def _fields(event: Event, text: str) -> Iterator[str]:
    for path, value, _ in render(event.ocsf):
        if isinstance(value, str) and text in value:
            yield _INDEX.sub("", path)


def _with(record: RawRecord, start: int, end: int, text: str) -> RawRecord:
    inside = orjson.dumps(text)[1:-1] if _is_json(record.raw) else " ".join(text.split()).encode()
    return replace(record, raw=record.raw[:start] + b" ".join((record.raw[start:end], inside)) + record.raw[end:])


def _places(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the values stand in a record: texts of JSON, words of anything else."""
    if not _is_json(raw):
        yield from (found.span() for found in _WORDS.finditer(raw))
        return
    yield from (found.span(1) for found in _TEXT.finditer(raw) if found[2] is None)


def _is_json(raw: bytes) -> bool:
    return isinstance(_value(raw), dict)


def _value(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None

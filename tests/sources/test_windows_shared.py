"""Recorded telemetry: every record of it becomes a valid event."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson
import pytest

from models.ocsf_schema import validate
from streams.sources.windows.source import SOURCE
from tests.sources.windows_records import parse

PER_FILE = 3000
FILES = 8


def recordings(shared: Path) -> list[Path]:
    data = shared / "data"
    found = [
        *sorted(data.glob("windows_evtx/*.ndjson.gz")),
        *sorted(data.glob("multi_source/*/host_events.ndjson.gz")),
        *sorted(data.glob("windows_host/**/*.ndjson.gz")),
    ]
    step = max(1, len(found) // FILES)
    return found[::step]


def regression_events(shared: Path) -> Iterator[object]:
    decoder = json.JSONDecoder()
    for path in sorted((shared / "data" / "sigma" / "regression_data").rglob("*.json")):
        text = path.read_text(encoding="utf-8").strip()
        while text:
            value, end = decoder.raw_decode(text)
            text = text[end:].lstrip()
            yield value


def test_recordings(shared: Path) -> None:
    paths = recordings(shared)
    if not paths:
        pytest.skip("left out: the recorded Windows events are not there")
    for path in paths:
        with gzip.open(path) as lines:
            for number, line in enumerate(islice(lines, PER_FILE), 1):
                event = parse(line.rstrip(b"\n"))
                assert validate(event.ocsf) == [], f"{path.name}:{number}"
                assert SOURCE.recognize(line, orjson.loads(line)), f"{path.name}:{number}"
                assert event.ocsf["device"]["hostname"], f"{path.name}:{number}"


def test_events_that_detection_rules_are_tested_with(shared: Path) -> None:
    values = [value for value in regression_events(shared) if isinstance(value, dict) and "Event" in value]
    if not values:
        pytest.skip("left out: the recorded Sigma regression events are not there")
    for value in values:
        event = parse(value)
        assert validate(event.ocsf) == []
        assert event.logsource.service

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from models.event import Event
from models.ocsf_schema import validate
from models.records import RawRecord
from streams.sources.files import not_telemetry, read_records
from streams.sources.framing import with_source
from streams.sources.zeek.source import SOURCE


@pytest.fixture
def recorded(shared: Path) -> list[Path]:
    """Return every recorded Zeek log."""
    data = shared / "data"
    return sorted([*data.glob("zeek/**/*.ndjson.gz"), *data.glob("multi_source/*/zeek/*.log")])


def records(files: list[Path]) -> Iterator[RawRecord]:
    for file in files:
        assert not_telemetry(file) == ""
        for record in read_records(file):
            assert isinstance(record, RawRecord), record
            yield with_source(record, "zeek")


def test_every_recorded_line_is_a_valid_event_and_recognized(recorded: list[Path]) -> None:
    count = 0
    for record in records(recorded):
        parsed = SOURCE.parse(record)
        assert isinstance(parsed, Event), (record.at, parsed)
        assert validate(parsed.ocsf) == [], record.at
        assert parsed.logsource.service, record.at
        value = orjson.loads(record.raw) if record.raw[:1] == b"{" else None
        assert SOURCE.recognize(record.raw, value), record.at
        count += 1
    assert count > 1000


def test_recorded_tsv_lines_are_the_same_without_their_header(recorded: list[Path]) -> None:
    count = 0
    for record in records([file for file in recorded if file.suffix == ".log"]):
        bare = RawRecord("zeek", record.raw, record.at)
        assert SOURCE.parse(bare) == SOURCE.parse(record), record.at
        count += 1
    assert count > 1000

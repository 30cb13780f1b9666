"""Everything recorded that a source claims to read is recognized by its shape, normalizes, and is valid OCSF."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.ocsf_proof import is_valid
from models.ocsf_schema import validate
from models.records import Coordinates, DeadLetter, RawRecord
from streams.ingest import Ingest
from streams.replay.inputs import Sourced, read_file
from streams.rulebook import Rulebook
from streams.sources.registry import recognize
from streams.stage import build_stages

PER_FILE = 150
NO_TELEMETRY = {"scenario", "pcap", "sigma_rules", "correlation_rule", "incident_graph", "sigma_regression"}
RECORDS = {".ndjson", ".log", ".gz", ".txt"}
# Services that no source is for; what stands beside them in the same file is read.
TOO_LITTLE = 3  # fields, of which nothing can be made
NOT_OURS = ("Zendesk.", "Asana.", "Box.", "OnePassword.", "Notion.", "Zoom.")


@pytest.fixture(scope="module")
def ingest() -> Ingest:
    return build_stages(Rulebook((), (), ())).ingest


def files(shared: Path) -> Iterator[Path]:
    for entry in json.loads((shared / "data/index.json").read_bytes()):
        names = entry.get("file") or []
        for name in names if isinstance(names, list) else [names]:
            path = shared / "data" / str(name)
            if entry["source"] not in NO_TELEMETRY and path.suffix in RECORDS and ".rules." not in name:
                yield path


def records(path: Path) -> Iterator[Sourced | DeadLetter]:
    if ".tests." not in path.name:
        yield from read_file(path, None)
        return
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        log: dict[str, Any] = orjson.loads(line)["log"]
        ours = not str(log.get("p_log_type", "")).startswith(NOT_OURS)
        if ours and len(log) > TOO_LITTLE:
            record = RawRecord("", orjson.dumps(log), Coordinates(path.name, 0, number), 1_718_452_800_000)
            yield recognize(record), record


def outcome(ingest: Ingest, item: Sourced | DeadLetter) -> str:
    """Return why nothing came of a record, empty when valid events did."""
    if isinstance(item, DeadLetter):
        return item.error.reason
    for result in ingest.process(*item):
        if result.event is None:
            return result.dead[0].error.reason
        if not is_valid(result.event.ocsf) and (problems := validate(result.event.ocsf)):
            return f"invalid: {problems[0]}"
    return ""


def test_every_recorded_kind_becomes_valid_events(shared: Path, ingest: Ingest) -> None:
    wrong: dict[str, list[str]] = {}
    for path in files(shared):
        reasons = [outcome(ingest, item) for item in islice(records(path), PER_FILE)]
        told = [reason for reason in reasons if reason]
        if len(told) > len(reasons) / 100:
            wrong[path.name] = told[:3]
    assert wrong == {}

"""Records of others: every one is recognized, becomes a valid event, and belongs to one source only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.ocsf_schema import validate
from models.records import Coordinates, ParseError, RawRecord
from streams.sources.alerts import falco, splunk_notable, upwind, wazuh
from streams.sources.base import Source
from streams.sources.edr import carbonblack, crowdstrike, sentinelone

AT = Coordinates("shared", 0, 1)
BROKER_MS = 1_718_452_800_000
SOURCES = (
    crowdstrike.SOURCE,
    sentinelone.SOURCE,
    carbonblack.SOURCE,
    falco.SOURCE,
    wazuh.SOURCE,
    splunk_notable.SOURCE,
    upwind.SOURCE,
)


def logs(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            log = orjson.loads(line).get("log")
            if isinstance(log, dict):
                yield log


@pytest.mark.parametrize("source", [crowdstrike.SOURCE, sentinelone.SOURCE, carbonblack.SOURCE, upwind.SOURCE])
def test_records_of_each_kind(shared: Path, source: Source) -> None:
    path = shared / "data" / "panther" / f"{source.name}.tests.ndjson"
    if not path.exists():
        pytest.skip(f"left out: {path.name} is not there")
    for number, log in enumerate(logs(path), 1):
        raw = orjson.dumps(log)
        found = source.parse(RawRecord(source.name, raw, AT, BROKER_MS))
        assert not isinstance(found, ParseError), f"{path.name}:{number} {found}"
        assert validate(found.ocsf) == [], f"{path.name}:{number}"
        assert [other.name for other in SOURCES if other.recognize(raw, log)] == [source.name]


def test_falco_sample(shared: Path) -> None:
    samples = sorted((shared / "data" / "ocsf_pairs").glob("*alco*.raw.txt"))
    if not samples:
        pytest.skip("left out: the recorded Falco alert is not there")
    for path in samples:
        raw = path.read_bytes()
        found = falco.SOURCE.parse(RawRecord("falco", raw, AT, BROKER_MS))
        assert not isinstance(found, ParseError)
        assert validate(found.ocsf) == []
        assert falco.SOURCE.recognize(raw, orjson.loads(raw))


def test_records_of_other_vendors_are_left_to_them(shared: Path) -> None:
    paths = sorted((shared / "data" / "panther").glob("*.tests.ndjson"))
    if not paths:
        pytest.skip("left out: the recorded logs of other vendors are not there")
    own = {source.name for source in SOURCES}
    for path in paths:
        if path.name.partition(".")[0] in own:
            continue
        for log in logs(path):
            if not str(log.get("p_log_type", "")).startswith("Crowdstrike."):
                assert [source.name for source in SOURCES if source.recognize(b"", log)] == [], path.name

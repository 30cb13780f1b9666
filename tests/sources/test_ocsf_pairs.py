"""Recorded pairs of a raw record and somebody else's OCSF event of it: where ours differs, the reason stands here.

The other mappings are examples by several authors for several versions of OCSF: a second opinion, no answer sheet. A
disagreement that is not in the table fails, and so does a row of the table that no longer explains one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import pytest

from models.records import DeadLetter
from streams.clock import ClockOffsets
from streams.correlate.engine import Correlator
from streams.detect.engine import Detector
from streams.ingest import Ingest
from streams.replay.inputs import read_file

COMPARED: Final = (
    *("class_uid", "activity_id", "time", "status_id", "user.name", "user.uid", "actor.user.name", "actor.user.uid"),
    *("src_endpoint.ip", "src_endpoint.port", "dst_endpoint.ip", "dst_endpoint.port"),
    *("process.pid", "process.name", "actor.process.pid", "actor.process.name"),
)
UNREADABLE: Final = "expected"
ALTERED: Final = "the expected event was made of other data than the raw record beside it holds"
ARN: Final = "the expected event has the ARN, ours the principal id, which stays when a role is renamed"
SECONDS: Final = "the expected time is in seconds, ours in milliseconds"
NAMES: Final = "the expected name is the display name, ours the login by which other sources know the user too"
DEFECT: Final = "the expected file is no JSON"
DRAFT_CLASS: Final = "the expected class is of an OCSF version before 1.1, which had other numbers"
INITIATOR: Final = "the expected source is the first address written; of a connection built outbound it is the second"
UNZONED: Final = "the record names no zone: the expected time was read in the author's, ours in UTC unless it is set"
SID: Final = "the expected uid is the account's name as rendered, ours its well-known security identifier"
PLACEHOLDER: Final = "the expected event keeps what the record writes for nothing"
# By the name of the pair (or what it matches) and the attribute.
REASONS: Final[dict[tuple[str, str], str]] = {
    ("bloblang_AWS_CloudTrail_*_Account_*", "user.uid"): ALTERED,
    ("bloblang_AWS_CloudTrail_*", "actor.user.uid"): ARN,
    ("bloblang_AWS_CloudTrail_*_Api_Activity_*", "time"): ALTERED,
    ("bloblang_AWS_CloudTrail_*_Api_Activity_*", "status_id"): "ours says success where there is no error code",
    ("bloblang_AWS_route53_v1.0.0_*", "time"): "the expected time is text",
    ("bloblang_AWS_route53_v1.0.0_*", "src_endpoint.port"): "the expected port is text",
    ("bloblang_AWS_route53_v1.1.0_*", UNREADABLE): DEFECT,
    ("markdown_AWS_v1.0.0-rc.2_CloudTrail_API_Activity_*", "class_uid"): DRAFT_CLASS,
    ("markdown_AWS_v1.[15].0_CloudTrail_*", "actor.user.uid"): ARN,
    ("markdown_AWS_v1.1.0_CloudTrail_Account_Change_*", "user.uid"): ARN,
    ("markdown_AWS_v1.5.0_CloudTrail_API_Activity_*", UNREADABLE): DEFECT,
    ("markdown_AWS_v1.[15].0_Route53_*", "activity_id"): "the record has the answers: ours is a response, not traffic",
    ("markdown_Cisco_*_302015_*", "src_endpoint.ip"): INITIATOR,
    ("markdown_Cisco_*_302015_*", "src_endpoint.port"): INITIATOR,
    ("markdown_Cisco_*_302015_*", "dst_endpoint.ip"): INITIATOR,
    ("markdown_Cisco_*_302015_*", "dst_endpoint.port"): INITIATOR,
    ("markdown_Falco_*", "class_uid"): DRAFT_CLASS,
    ("markdown_IBM_QRadar_*", "class_uid"): DRAFT_CLASS,
    ("markdown_GitHub_*_Account_Change_*", "src_endpoint.ip"): ALTERED,
    ("markdown_Microsoft_Windows_*", "time"): UNZONED,
    ("markdown_Microsoft_Windows_*_4624_*", "user.uid"): SID,
    ("markdown_Microsoft_Windows_*_4624_*", "actor.user.uid"): SID,
    ("markdown_Microsoft_Windows_*_4624_*", "src_endpoint.ip"): PLACEHOLDER,
    ("markdown_Microsoft_Windows_*_4624_*", "src_endpoint.port"): PLACEHOLDER,
    ("markdown_Okta_*", "time"): SECONDS,
    ("markdown_Okta_*", "user.name"): NAMES,
    ("markdown_Okta_*", "actor.user.name"): NAMES,
    ("markdown_Zeek_*", "time"): f"{SECONDS}; {ALTERED}",
    ("markdown_Zeek_*_rdp_log_*", "events"): "the raw file has two records, the expected file one of them",
    ("markdown_Zeek_*_ssh_log_*", "activity_id"): "ours is the opening of the connection; its status is the login's",
    ("markdown_Zeek_*_x509_log_*", "user.name"): "the expected event calls nobody N/A, since its class needs a user",
}


class Disagreement(NamedTuple):
    """One attribute that the other mapping has and ours has otherwise."""

    pair: str
    attribute: str
    theirs: Any
    ours: Any


def pairs(shared: Path) -> list[tuple[str, Path, Path]]:
    """Return name, raw file and expected file of each pair that has both."""
    data = shared / "data"
    entries = orjson.loads((data / "index.json").read_bytes())
    named = [entry["file"] for entry in entries if entry.get("kind") == "raw_to_ocsf_pair" and entry.get("file")]
    whole = [files for files in named if len(files) == 2 and all(files)]
    if not whole:
        pytest.skip("left out: the recorded pairs are not there")
    return [(Path(raw).name.removesuffix(".raw.txt"), data / raw, data / expected) for raw, expected in whole]


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def ours(raw: Path) -> list[dict[str, Any]]:
    """Return what a replay makes of the file: its sources guessed, without a rule."""
    ingest = Ingest(Detector(()), Correlator(()).router, ClockOffsets())
    read = [item for item in read_file(raw, None) if not isinstance(item, DeadLetter)]
    return [result.event.ocsf for source, record in read for result in ingest.process(source, record) if result.event]


def disagreements(name: str, raw: Path, expected: Path) -> Iterator[Disagreement]:
    events = ours(raw)
    if len(events) != 1:
        yield Disagreement(name, "events", 1, len(events))
        return
    try:
        theirs = orjson.loads(expected.read_bytes())
    except orjson.JSONDecodeError as error:
        yield Disagreement(name, UNREADABLE, "an event", str(error))
        return
    for path in COMPARED:
        wanted, found = at(theirs, path), at(events[0], path)
        if wanted is not None and wanted != found:
            yield Disagreement(name, path, wanted, found)


def explains(row: tuple[str, str], found: Disagreement) -> bool:
    return row[1] == found.attribute and fnmatch(found.pair, row[0])


def test_every_disagreement_has_its_reason(shared: Path) -> None:
    found = [each for pair in pairs(shared) for each in disagreements(*pair)]
    unexplained = [each for each in found if not any(explains(row, each) for row in REASONS)]
    assert unexplained == []


def test_every_reason_explains_a_disagreement(shared: Path) -> None:
    found = [each for pair in pairs(shared) for each in disagreements(*pair)]
    assert [row for row in REASONS if not any(explains(row, each) for each in found)] == []

"""The tools over recorded telemetry: what a naive search finds, they find."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.evidence.store import StoredEvent
from agents.evidence.toolbox import Toolbox
from agents.text import moment
from agents.tools.answers import Note, ToolAnswer
from agents.tools.desk import Desk
from agents.tools.knowledge import Knowledge
from agents.tools.library import library
from agents.tools.process_tree import SAME_MS
from models import ocsf
from models.entity import EntityKey
from models.finding import Analytic, Sequence
from models.records import DeadLetter
from streams.lake import EVENTS, LakeRow, LakeWriter, event_row
from streams.lake_store import LakeStore
from streams.replay.inputs import read_file
from streams.rulebook import Rulebook
from streams.stage import build_stages

PER_FILE = 600
FILES = 20
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[LakeRow]:
    ingest = build_stages(Rulebook((), (), ())).ingest
    found: dict[str, LakeRow] = {}
    for folder in ("windows_host", "multi_source", "linux_auditd", "zeek", "aws_cloudtrail"):
        paths = (
            path for path in sorted((shared / "data" / folder).rglob("*")) if path.suffix in {".ndjson", ".log", ".gz"}
        )
        for path in islice(paths, FILES):
            for item in islice(read_file(path, None), PER_FILE):
                results = () if isinstance(item, DeadLetter) else ingest.process(*item)
                for event in (result.event for result in results if result.event):
                    found[event.uid] = event_row(event, ocsf.encode(event.ocsf))
    return list(found.values())


@pytest.fixture(scope="module")
def lake(rows: list[LakeRow], tmp_path_factory: pytest.TempPathFactory) -> LakeStore:
    root = tmp_path_factory.mktemp("lake")
    LakeWriter(root).write(EVENTS, rows)
    return LakeStore(root)


def ask(lake: LakeStore, at: LakeRow, name: str, **arguments: Any) -> ToolAnswer:
    """Ask within an hour around an event, with everything under its own name."""
    sequence = Sequence("s" * 32, 1, Analytic("c", "c"), "", (), at.time, at.time, 50, is_alert=True)
    desk = Desk(Toolbox(lake), library(Knowledge()), sequence, EntityKey.parse, str)
    window = {"since": moment(at.time - HOUR_MS), "until": moment(at.time + HOUR_MS)}
    return desk.call(name, orjson.dumps({**window, **arguments}).decode())


Launch = tuple[LakeRow, str, dict[str, Any]]  # with the host that it was on, and the process


def launches(rows: list[LakeRow]) -> list[Launch]:
    found: list[Launch] = []
    for row in rows:
        record = ocsf.decode(row.record) if row.class_uid == 1007 else {}
        host = next((name for name in row.entities if name.startswith("host:")), "")
        if record.get("activity_id") == 1 and host:
            found.append((row, host, record["process"]))
    return found


def parent_of(child: Launch, known: list[Launch]) -> Launch | None:
    """Return the last launch before on the same host of what the child names as its parent, none when it is unclear."""
    row, host, process = child
    named = process.get("parent_process", {})
    name = "uid" if "uid" in named else "pid"
    before = [one for one in known if one[1] == host and row.time - HOUR_MS < one[0].time < row.time]
    found = [one for one in before if name in named and one[2].get(name) == named[name]]
    return max(found, key=lambda one: one[0].time, default=None)


def test_the_tree_of_a_recorded_process_has_its_parent(rows: list[LakeRow], lake: LakeStore) -> None:
    known = launches(rows)
    pairs = [(child, parent) for child in known if (parent := parent_of(child, known))]
    assert len(pairs) > 20
    for (child, host, process), (parent, _, above) in pairs[:: max(1, len(pairs) // 25)]:
        until = {"until": moment(child.time), "since": moment(child.time - HOUR_MS), "host": host}
        answer = ask(lake, child, "process_tree", **until, process=str(process.get("uid", process.get("pid"))))
        depths = {str(row.data["event"]): row.data["depth"] for row in answer.rows if isinstance(row, Note)}
        found = {row.uid: row for row in answer.rows if isinstance(row, StoredEvent)}
        if depths.get(child.uid) == 0:  # else another sensor's word of the same launch stands for it
            (told,) = (found[uid] for uid, depth in depths.items() if depth == -1)
            assert told.uid == parent.uid or abs(told.time - parent.time) <= SAME_MS
        whole = ask(lake, child, "process_tree", **until, process=str(above.get("uid", above.get("pid"))))
        assert child.uid in {row.uid for row in whole.rows if isinstance(row, StoredEvent)} or whole.more


def test_recorded_events_are_found_by_what_they_contain(rows: list[LakeRow], lake: LakeStore) -> None:
    asked = 0
    for row in rows[:: max(1, len(rows) // 40)]:
        values = [value for value in ocsf.decode(row.record).get("process", {}).values() if isinstance(value, str)]
        hosts = (name.partition(":")[2] for name in row.entities if name.startswith("host:"))
        others = (name for name in row.entities if not name.startswith(("host:", "ip:")))
        for value in [*values, *hosts, *islice(others, 2)]:
            if 4 <= len(value) <= 300:
                answer = ask(lake, row, "first_and_last_seen", value=value)
                times = [one.time for one in answer.rows if isinstance(one, StoredEvent)]
                assert min(times) <= row.time <= max(times)
                asked += 1
    assert asked > 40


def test_every_entity_of_recorded_events_has_a_timeline_and_links(rows: list[LakeRow], lake: LakeStore) -> None:
    for row in rows[:: max(1, len(rows) // 40)]:
        for name in row.entities[:3]:
            entity = EntityKey.parse(name)
            if len(entity.value) <= 290:
                timeline = ask(lake, row, "timeline", entity=name, limit=50)
                assert timeline.more or row.uid in {one.uid for one in timeline.rows if isinstance(one, StoredEvent)}
                assert ask(lake, row, "linked_entities", entity=name).notes == ()

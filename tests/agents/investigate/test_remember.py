"""What was gathered is written as places and hashes, and the same records are fetched again, or it is refused."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from agents.evidence.gather import gather
from agents.evidence.remember import gathered_from_json, gathered_to_json
from agents.evidence.toolbox import Toolbox
from models.errors import InvalidRecord
from streams.lake import EVENTS, SIGNALS
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import DAY, DUMP, T0, WEB01, Scenario, intrusion


def busy() -> Scenario:
    """An intrusion, a detection besides, and one three days before."""
    scenario = intrusion()
    besides = scenario.event("windows", 1007, T0 + 60_000, (WEB01,), {"host": "web01", "note": "besides"})
    scenario.signal(besides, DUMP, {"note": "besides"}, member=False)
    before = scenario.event("windows", 1007, T0 - 3 * DAY, (WEB01,), {"host": "web01", "note": "before"})
    scenario.signal(before, DUMP, {"note": "before"}, member=False)
    return scenario


def test_the_same_is_gathered_again_although_more_has_come_in() -> None:
    scenario = busy()
    store, sequence = MemoryStore(scenario.rows), scenario.sequence()
    gathered = gather(sequence, Toolbox(store))
    kept = orjson.loads(orjson.dumps(gathered_to_json(gathered)))
    late = scenario.event("windows", 1007, T0 + 90_000, (WEB01,), {"host": "web01", "note": "late"})
    scenario.signal(late, DUMP, {"note": "late"}, member=False)
    assert gather(sequence, Toolbox(store)) != gathered
    assert gathered_from_json(kept, sequence, store) == gathered
    assert gathered.others
    assert gathered.earlier


def test_a_lost_member_is_still_lost() -> None:
    scenario = busy()
    sequence = scenario.sequence()
    del scenario.rows[SIGNALS][0]
    store = MemoryStore(scenario.rows)
    gathered = gather(sequence, Toolbox(store))
    assert len(gathered.lost) == 1
    assert gathered_from_json(orjson.loads(orjson.dumps(gathered_to_json(gathered))), sequence, store) == gathered


@pytest.mark.parametrize("kind", [EVENTS, SIGNALS])
def test_evidence_that_is_gone_or_altered_is_named(kind: str) -> None:
    scenario = busy()
    store, sequence = MemoryStore(scenario.rows), scenario.sequence()
    kept = gathered_to_json(gather(sequence, Toolbox(store)))
    row = scenario.rows[kind][-3]
    where = scenario.rows[kind].index(row)
    scenario.rows[kind][where] = replace(row, sha256="0" * 64)
    with pytest.raises(InvalidRecord, match=f"{row.uid}.*is not what it was"):
        gathered_from_json(kept, sequence, store)
    del scenario.rows[kind][where]
    with pytest.raises(InvalidRecord, match=f"{row.uid}.*is gone"):
        gathered_from_json(kept, sequence, store)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("places", [["event", "u", 1, "t", 0, 0]]),
        ("places", [["event", "u", "1", "t", 0, 0, "0" * 64]]),
        ("held", [[0]]),
        ("held", [[999, 999]]),
        ("around", ["0"]),
        ("lost", [[99, "gone"]]),
        ("entities", [1]),
    ],
)
def test_what_was_not_written_by_us_is_refused(name: str, wrong: object) -> None:
    scenario = busy()
    store, sequence = MemoryStore(scenario.rows), scenario.sequence()
    kept = gathered_to_json(gather(sequence, Toolbox(store)))
    with pytest.raises(InvalidRecord):
        gathered_from_json({**kept, name: wrong}, sequence, store)

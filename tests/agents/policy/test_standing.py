"""What has happened, from the records of the topic."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.policy.standing import DAY_MS, MAX_REMEMBERED, Ran, Standing
from models.action import (
    APPROVED,
    EXECUTED,
    EXECUTING,
    FAILED,
    PROPOSED,
    ROLLED_BACK,
    ROLLING_BACK,
    TRANSITIONS,
    VERIFIED,
    Action,
    moved,
)
from models.entity import EntityKey
from models.errors import InvalidRecord
from tests.agents.policy.cases import NOW, action


def life(target: str, *steps: str, at: int = NOW) -> list[Action]:
    records = [action("disable_user", EntityKey("user", target))]
    for number, status in enumerate(steps):
        records.append(moved(records[-1], status, by="respond", why="Because.", at=at + number))
    return records


WHOLE = life("alice", APPROVED, EXECUTING, EXECUTED, VERIFIED, ROLLING_BACK, ROLLED_BACK)


def test_a_life_is_counted_by_its_steps() -> None:
    found = Standing().after(WHOLE).ran[WHOLE[0].uid]
    assert (found.started_ms, found.failed_ms, found.reversed_ms, found.running) == (NOW + 1, 0, NOW + 4, False)
    half = Standing().after(WHOLE[:3])
    assert (half.in_flight, half.started(NOW, DAY_MS)) == (1, 1)
    failed = Standing().after(life("bob", APPROVED, EXECUTING, FAILED))
    assert failed.ran.popitem()[1].failed_ms == NOW + 2


def test_an_older_record_changes_nothing() -> None:
    assert Standing().after(WHOLE).after(WHOLE[:3]) == Standing().after(WHOLE)


def test_what_did_not_run_is_not_counted() -> None:
    assert Standing().after(life("alice", APPROVED)) == Standing()


def _lives() -> st.SearchStrategy[list[list[Action]]]:
    steps = st.lists(st.integers(0, 5), max_size=8)

    def walk(target: int, choices: list[int]) -> list[Action]:
        status, path = PROPOSED, []
        for choice in choices:
            following = sorted(TRANSITIONS[status])
            if not following:
                break
            status = following[choice % len(following)]
            path.append(status)
        return life(f"u{target}", *path)

    return st.lists(steps, min_size=1, max_size=4).map(
        lambda every: [walk(number, choices) for number, choices in enumerate(every)]
    )


@given(_lives(), st.data())
def test_batches_and_repetitions_come_to_the_same(lives: list[list[Action]], data: st.DataObject) -> None:
    records = [record for one in lives for record in one]
    whole = Standing().after(records)
    cut = data.draw(st.integers(0, len(records)))
    again = data.draw(st.integers(0, cut))
    assert Standing().after(records[:cut]).after(records[again:]) == whole
    interleaved = [record for step in range(9) for one in lives for record in one[step : step + 1]]
    assert dict(Standing().after(interleaved).ran) == dict(whole.ran)
    assert Standing.from_json(orjson.loads(orjson.dumps(whole.to_json()))) == whole


def test_what_ended_long_ago_is_forgotten_and_what_runs_is_not() -> None:
    old = [*life("alice", APPROVED, EXECUTING, EXECUTED), *life("bob", APPROVED, EXECUTING)]
    found = Standing().after(old).after(life("carol", APPROVED, EXECUTING, at=NOW + DAY_MS + 5))
    assert {one.target.value for one in found.ran.values()} == {"bob", "carol"}


def test_a_reversal_of_what_was_forgotten_counts() -> None:
    records = life("alice", APPROVED, EXECUTING, EXECUTED)
    late = moved(records[-1], ROLLING_BACK, by="bob", why="Wrong.", at=NOW + 3 * DAY_MS)
    assert Standing().after([late]).ran.popitem()[1].reversed_ms == NOW + 3 * DAY_MS


def test_memory_is_bounded_and_the_latest_are_kept() -> None:
    many = {str(n): Ran(str(n), "notify", EntityKey("user", "a"), 1, NOW + n) for n in range(MAX_REMEMBERED + 10)}
    found = Standing(many).after(())
    assert (len(found.ran), "9" in found.ran, "10" in found.ran) == (MAX_REMEMBERED, False, True)


@pytest.mark.parametrize("value", [{}, {"ran": [{}]}, {"ran": [{"uid": 1}]}, {"ran": "x"}])
def test_a_snapshot_that_is_none_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord):
        Standing.from_json(value)

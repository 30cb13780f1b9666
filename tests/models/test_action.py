from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ocsf
from models.action import DEFAULT_KIND, KINDS, TRANSITIONS, Action, moved
from models.action_ocsf import action_from_ocsf, action_to_ocsf
from models.entity import ENTITY_TYPES, EntityKey
from models.errors import InvalidRecord
from models.ocsf_proof import is_valid
from models.ocsf_schema import validate
from tests.models import strategies as given_

receipts = st.dictionaries(given_.names, given_.texts, max_size=4)
steps = st.tuples(st.randoms(use_true_random=False), given_.names, given_.texts, given_.times, given_.texts, receipts)


def a_life(action: Action, taken: list[tuple]) -> list[Action]:
    """Return every revision of an action that takes some steps, as far as there are any."""
    lived = [action]
    for random, by, text, at, name, receipt in taken:
        ways = sorted(TRANSITIONS[lived[-1].status])
        if ways:
            step = moved(
                lived[-1], random.choice(ways), by=by, why=text, at=at, detail=text, executor=name, receipt=receipt
            )
            lived.append(step)
    return lived


lives = st.builds(a_life, given_.actions, st.lists(steps, max_size=7))
lived_actions = lives.map(lambda lived: lived[-1])
PROPOSAL = Action("v", "isolate_host", EntityKey("host", "web01"), 1_790_000_000_000, 80, "because", ("e",))


def reached(status: str) -> Action:
    """Return an action that came to a status on the shortest way."""
    ways = [[PROPOSAL]]
    while ways[0][-1].status != status:
        way = ways.pop(0)
        ways += [
            [*way, moved(way[-1], then, by="policy", why="a rule", at=5)]
            for then in sorted(TRANSITIONS[way[-1].status])
            if then not in {one.status for one in way}
        ]
    return ways[0][-1]


@given(lived_actions)
def test_an_action_is_valid_ocsf_and_comes_back_the_same(action: Action) -> None:
    record = ocsf.decode(ocsf.encode(action_to_ocsf(action)))
    assert validate(record) == []
    assert is_valid(record)
    assert action_from_ocsf(record) == action


@given(lives)
def test_an_action_keeps_its_name_and_what_it_is_all_its_life(lived: list[Action]) -> None:
    assert {one.uid for one in lived} == {lived[0].uid}
    assert [one.revision for one in lived] == list(range(len(lived)))
    first = (lived[0].kind, lived[0].target, lived[0].time, lived[0].confidence, lived[0].evidence)
    assert all((one.kind, one.target, one.time, one.confidence, one.evidence) == first for one in lived)


@pytest.mark.parametrize("status", TRANSITIONS)
@pytest.mark.parametrize("then", TRANSITIONS)
def test_every_step_is_taken_or_refused_by_the_table(status: str, then: str) -> None:
    action = reached(status)
    if then in TRANSITIONS[status]:
        assert moved(action, then, by="policy", why="a rule", at=9).status == then
        return
    with pytest.raises(InvalidRecord, match="does not become"):
        moved(action, then, by="policy", why="a rule", at=9)


@pytest.mark.parametrize("status", ["shadow", "denied", "dry_run", "expired", "rolled_back"])
def test_what_is_over_stays_over(status: str) -> None:
    assert not TRANSITIONS[status]


@pytest.mark.parametrize(
    ("status", "ways"),
    [
        ("proposed", ""),
        ("shadow", "proposed"),
        ("denied", "approved proposed waiting"),
        ("waiting", "proposed"),
        ("approved", "proposed waiting"),
        ("expired", "approved proposed waiting"),
        ("dry_run", "approved proposed"),
        ("executing", "approved"),
        ("executed", "executing"),
        ("failed", "approved executing"),
        ("verified", "executed unverified"),
        ("unverified", "executed verified"),
        ("rolling_back", "executed failed rollback_failed unverified verified"),
        ("rolled_back", "rolling_back"),
        ("rollback_failed", "rolling_back"),
    ],
)
def test_a_status_is_reached_only_so(status: str, ways: str) -> None:
    assert sorted(before for before, then in TRANSITIONS.items() if status in then) == ways.split()


def test_a_step_without_anybody_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="somebody"):
        moved(PROPOSAL, "waiting", by="", why="", at=1)


def test_a_step_keeps_executor_and_receipt_unless_it_brings_its_own() -> None:
    executing = replace(reached("executing"), executor="okta", receipt={"thing": "00u1"})
    done = moved(executing, "executed", by="respond", why="approved", at=7)
    assert (done.executor, done.receipt) == ("okta", {"thing": "00u1"})
    done = moved(executing, "executed", by="respond", why="approved", at=7, receipt={"thing": "00u2"})
    assert (done.executor, done.receipt) == ("okta", {"thing": "00u2"})


@pytest.mark.parametrize(
    ("status", "status_id"),
    [
        ("proposed", 99),
        ("denied", 99),
        ("executing", 99),
        ("executed", 1),
        ("verified", 1),
        ("failed", 2),
        ("unverified", 4),
        ("rolled_back", 99),
        ("rollback_failed", 2),
    ],
)
def test_the_status_is_told_in_the_words_of_ocsf(status: str, status_id: int) -> None:
    record = action_to_ocsf(reached(status))
    assert (record["status_id"], record["status"]) == (status_id, status)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_done_to_somebody_is_named_as_d3fend_names_it(kind: str) -> None:
    action = Action("v", kind, EntityKey(KINDS[kind].targets[0], "x"), 0, 80, "because", ("e",))
    record = action_to_ocsf(action)
    if kind in {"open_ticket", "notify"}:
        assert (record["activity_id"], record["activity_name"], "countermeasures" in record) == (99, kind, False)
    else:
        assert record["activity_id"] in {1, 2}
        assert record["countermeasures"][0]["d3f_technique"]["uid"].startswith("D3-")


@given(given_.damaged(lived_actions.map(action_to_ocsf)))
def test_a_damaged_action_is_refused_or_is_well_typed(record: dict[str, object]) -> None:
    try:
        action = action_from_ocsf(record)
    except InvalidRecord:
        return
    assert ocsf.encode(action_to_ocsf(action))


@given(given_.json_values)
def test_no_json_value_raises_anything_but_invalid_record(value: object) -> None:
    with pytest.raises(InvalidRecord):
        action_from_ocsf(value)


@given(given_.actions)
def test_an_action_whose_target_was_changed_is_refused(action: Action) -> None:
    record = action_to_ocsf(action)
    record["observables"][0]["value"] += "x"
    with pytest.raises(InvalidRecord):
        action_from_ocsf(record)


@pytest.mark.parametrize("kind", ["format_disk", "isolate_host"])
def test_an_action_outside_the_table_or_on_the_wrong_target_cannot_be_made(kind: str) -> None:
    with pytest.raises(InvalidRecord):
        Action("v", kind, EntityKey("user", "alice"), 0, 80, "because", ("e",))


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": ()},
        {"confidence": 101},
        {"status": "done", "revision": 1},
        {"revision": 1},
        {"status": "executed"},
        {"status": "executed", "revision": -1},
        {"receipt": {str(number): "" for number in range(33)}},
        {"receipt": {"thing": "x" * 8193}},
    ],
)
def test_what_no_action_can_be_cannot_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRecord):
        replace(PROPOSAL, **changes)


def test_every_type_of_target_that_something_is_done_to_has_one_default() -> None:
    done_to = {target for kind in KINDS.values() if kind.technique_uid for target in kind.targets}
    assert set(DEFAULT_KIND) == done_to == set(ENTITY_TYPES) - {"account"}
    assert all(target in KINDS[kind].targets for target, kind in DEFAULT_KIND.items())

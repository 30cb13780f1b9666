from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evidence.store import StoredEvent, StoredSignal
from agents.evidence.toolbox import Budget
from agents.tools.answers import (
    MAX_ANSWER_RECORDS_BYTES,
    MAX_ANSWER_ROWS,
    MAX_NOTE_CHARS,
    Note,
    ToolAnswer,
    answer,
)
from agents.tools.arguments import MAX_ARGUMENTS_CHARS
from agents.tools.desk import TOO_LARGE, TOOLS, UNREADABLE, Desk
from models.errors import BudgetExhausted, ToolRefused
from models.fact import Fact
from streams.lake import EVENTS
from streams.lake_store import LakeStore
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import OUTSIDE, T0, WEB01
from tests.agents.tools.made import HASH, SHOWN, Made, desk, everything, in_lake
from tests.models import strategies as given_

MOMENTS = (
    "2025-06-15T15:06:40Z",
    "2025-06-15T15:10:00.500Z",
    "2025-06-14T00:00:00Z",
    "2025-06-16T00:00:00Z",
    "",
    "now",
)
NAMES = st.sampled_from([*SHOWN, "host-9", ""])
VALUES = st.sampled_from([HASH, OUTSIDE.value, "procdump", "user-1", "alice", "C:\\temp", "no such value", "x"])
FIELDS = {
    "since": st.sampled_from(MOMENTS),
    "until": st.sampled_from(MOMENTS),
    "entity": NAMES,
    "host": NAMES,
    "session": NAMES,
    "process": st.sampled_from(["200", "{b}", "300", "0"]),
    "value": VALUES,
    "text": VALUES,
    "words": VALUES,
    "class_uid": st.sampled_from([0, 1007, 3002, 7]),
    "domain": st.sampled_from(["", "network", "space"]),
    "source": st.sampled_from(["", "okta"]),
    "order": st.sampled_from(["first", "last"]),
    "limit": st.integers(-1, 60),
    "kind": st.sampled_from(["address", "domain", "hash", "url"]),
    "rule": st.sampled_from(["rule-spray", "anomaly-travel", "x"]),
    "technique": st.sampled_from(["T1621", "T1", "T1562.001"]),
    "runbook": st.sampled_from(["push", "x"]),
}


def fitting(name: str) -> st.SearchStrategy[str]:
    """Return arguments of the names that a tool has, of values that are mostly right."""
    named = TOOLS[name].arguments.__struct_fields__
    required = desk_over(MemoryStore({})).specs()[list(TOOLS).index(name)].parameters["required"]
    known = {field: FIELDS[field] for field in named}
    return st.fixed_dictionaries(
        {field: known[field] for field in required},
        optional={field: value for field, value in known.items() if field not in required},
    ).map(lambda held: orjson.dumps(held).decode())


def desk_over(store: LakeStore | MemoryStore, **more: object):
    return desk(store, everything().scenario.sequence(), **more)


CALLS = st.sampled_from(list(TOOLS)).flatmap(lambda name: st.tuples(st.just(name), fitting(name)))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[LakeStore, MemoryStore]:
    scenario = everything().scenario
    return in_lake(tmp_path_factory.mktemp("lake"), scenario), MemoryStore(scenario.rows)


def said(store: LakeStore | MemoryStore, call: tuple[str, str]) -> ToolAnswer | str:
    try:
        return desk_over(store).call(*call)
    except ToolRefused as refused:
        return str(refused)


@settings(max_examples=250)
@given(call=CALLS)
def test_every_tool_answers_over_the_lake_as_over_memory(
    call: tuple[str, str], stores: tuple[LakeStore, MemoryStore]
) -> None:
    lake, memory = stores
    assert said(lake, call) == said(memory, call)


def is_bounded(found: ToolAnswer) -> bool:
    stored = [row for row in found.rows if isinstance(row, StoredEvent | StoredSignal)]
    texts = [str(value) for row in found.rows if isinstance(row, Note) for value in row.data.values()]
    return (
        len(found.rows) <= MAX_ANSWER_ROWS
        and sum(len(row.record) for row in stored) <= MAX_ANSWER_RECORDS_BYTES
        and all(len(text) <= MAX_NOTE_CHARS + 1 for text in texts)
        and all(len(note) < 400 for note in found.notes)
    )


@settings(max_examples=200)
@given(name=st.sampled_from([*TOOLS, "", "no_such_tool", "__class__"]), value=given_.json_values, call=CALLS)
def test_whatever_is_asked_is_answered_within_bounds_or_refused(
    name: str, value: object, call: tuple[str, str], stores: tuple[LakeStore, MemoryStore]
) -> None:
    for one in ((name, orjson.dumps(value).decode()), call):
        found = said(stores[1], one)
        assert len(found) < 600 if isinstance(found, str) else is_bounded(found)


@pytest.mark.parametrize(
    "arguments",
    [
        "null",
        "[]",
        "{",
        '"x"',
        "NaN",
        "{} {}",
        "[" * 4000,
        '{"a":' * 800,
        '{"entity": "\\ud800"}',
        '{"entity": "\ud800"}',
        '{"limit": 1e400}',
        '{"limit": "20"}',
        '{"limit": true}',
        '{"limit": 51}',
        '{"limit": 99999999999999999999999999}',
        '{"x": 1}',
        '{"since": "2025-06-15T15:06:40Z\\n"}',
        '{"since": "2025-06-15"}',
        '{"since": "9999-99-99T99:99:99Z"}',
        '{"class_uid": 9999}',
        '{"entity": "' + "x" * 301 + '"}',
        " " * (MAX_ARGUMENTS_CHARS + 1),
    ],
)
def test_arguments_of_any_kind_are_refused_in_a_sentence(arguments: str) -> None:
    with pytest.raises(ToolRefused, match=r"\w"):
        desk_over(MemoryStore({})).call("search_events", arguments)


def test_a_tool_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(ToolRefused, match=r"no tool close_case; there are search_events, .*coverage"):
        desk_over(MemoryStore({})).call("close_case", "{}")


def test_every_tool_is_described_and_takes_one_flat_object_of_bounded_values() -> None:
    specs = desk_over(MemoryStore({})).specs()
    assert [spec.name for spec in specs] == list(TOOLS)
    for spec in specs:
        assert 20 < len(spec.description) < 200
        assert spec.parameters["type"] == "object"
        assert spec.parameters["additionalProperties"] is False
        assert set(spec.parameters["required"]) <= set(spec.parameters["properties"])
        for name, value in spec.parameters["properties"].items():
            bounded = (
                {"enum", "maxLength"} & set(value) if value.get("type") != "integer" else {"maximum"} <= set(value)
            )
            assert bounded or "enum" in value, (spec.name, name)


def test_the_runbooks_that_there_are_stand_in_the_schema() -> None:
    (spec,) = (spec for spec in desk_over(MemoryStore({})).specs() if spec.name == "runbook")
    assert spec.parameters["properties"]["runbook"]["enum"] == ["push", "movement"]


def for_ever(asked: Desk, name: str, arguments: str) -> None:
    for _ in range(100):
        asked.call(name, arguments)


@pytest.mark.parametrize(("budget", "spent"), [(Budget(calls=2), "2 calls"), (Budget(rows=1), "1 rows")])
def test_what_the_budget_does_not_grant_is_not_asked(budget: Budget, spent: str) -> None:
    asked = desk_over(MemoryStore(everything().scenario.rows), budget=budget)
    with pytest.raises(BudgetExhausted, match=spent):
        for_ever(asked, "search_events", '{"limit": 2}')
    assert len(asked.tools.steps) <= 2


def test_an_endless_loop_of_any_tool_ends_at_the_budget() -> None:
    rows = everything().scenario.rows
    arguments = {
        "process_tree": '{"host": "host-1", "process": "200"}',
        "session_trail": '{"session": "session-1"}',
        "first_and_last_seen": '{"entity": "user-1"}',
        "who_else_touched": f'{{"value": "{HASH}"}}',
        "same_rule_before": '{"rule": "x"}',
        "technique": '{"technique": "T1621"}',
        "rule": '{"rule": "x"}',
        "runbook": '{"runbook": "push"}',
        **dict.fromkeys(("timeline", "linked_entities", "peers_behaviour"), '{"entity": "user-1"}'),
    }
    for name in set(TOOLS) - {"lookup_indicator"}:
        asked = desk_over(MemoryStore(rows), budget=Budget(calls=12))
        with pytest.raises(BudgetExhausted):
            for_ever(asked, name, arguments.get(name, "{}"))
        assert len(asked.tools.steps) == 12


def test_a_store_that_cannot_be_read_is_an_answer_that_names_no_file(tmp_path: Path) -> None:
    lake = in_lake(tmp_path, everything().scenario)
    for path in (tmp_path / EVENTS).rglob("part-*.parquet"):
        path.write_bytes(b"damaged")
    asked = desk_over(lake, budget=Budget(calls=3))
    assert asked.call("search_events", "{}") == ToolAnswer(notes=(UNREADABLE,))
    with pytest.raises(BudgetExhausted):
        for_ever(asked, "search_events", "{}")


def test_a_question_that_would_read_too_much_is_not_asked_and_costs_a_call(tmp_path: Path) -> None:
    asked = desk_over(replace(in_lake(tmp_path, everything().scenario), most_bytes=100), budget=Budget(calls=3))
    assert asked.call("who_else_touched", f'{{"value": "{HASH}"}}') == ToolAnswer(notes=(TOO_LARGE,))
    assert len(asked.tools.steps) == 1
    with pytest.raises(BudgetExhausted):
        for_ever(asked, "coverage", "{}")


def test_an_answer_has_no_more_rows_and_bytes_than_its_bounds() -> None:
    made = Made()
    for number in range(6):
        made.told("zeek", 4001, T0 + number, (WEB01,), pad="x" * 900_000)
    found = desk(MemoryStore(made.scenario.rows), made.scenario.sequence()).call("search_events", '{"source": "zeek"}')
    assert is_bounded(found)
    assert found.more
    assert len([row for row in found.rows if isinstance(row, StoredEvent)]) < 8
    facts = [Fact("p", "domain", f"{n}.example.com", 1) for n in range(2 * MAX_ANSWER_ROWS)]
    cut = answer(known=[Note("runbook", {"text": "x" * (2 * MAX_NOTE_CHARS)}), *facts])
    assert cut.more
    assert is_bounded(cut)

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.evidence.query import RULE, Query, forms_of
from agents.evidence.store import EntitySeen
from models.entity import EntityKey
from models.errors import LakeUnreadable, QueryTooLarge
from models.ocsf import DOMAINS
from streams.lake import EVENTS, SIGNALS, LakeWriter
from streams.lake_store import LakeStore
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import ALICE, DAY, DUMP, MINUTE, OUTSIDE, SPRAY, T0, WEB01, Scenario
from tests.agents.tools.made import BOB, HASH, KEY, WEB02, Made, everything, in_lake

WHOLE = (T0 - DAY, T0 + DAY)
TEXTS = st.sampled_from(
    ["procdump", "C:\\temp\\OUT.dmp", "alice", '"', "\\", "{c}", HASH[:9].upper(), "web01", "x\u00e9"]
)
QUERIES = st.builds(
    Query,
    start=st.just(T0 - DAY) | st.integers(T0 - 6 * 60 * MINUTE, T0 + 10 * MINUTE),
    end=st.just(T0 + DAY) | st.integers(T0, T0 + DAY),
    entity=st.none() | st.none() | st.sampled_from([ALICE, BOB, WEB01, WEB02, KEY, OUTSIDE, EntityKey("host", "web0")]),
    class_uids=st.just(()) | st.lists(st.sampled_from([1007, 3002, 4006, 2004]), max_size=2).map(tuple),
    domain=st.just("") | st.sampled_from(DOMAINS),
    source=st.just("") | st.sampled_from(["okta", "windows", "okt"]),
    texts=st.lists(TEXTS.map(forms_of), max_size=2).map(tuple),
    attributes=st.lists(
        st.tuples(
            st.sampled_from([("process.pid", "process.uid"), RULE, ("activity_id",), ("metadata.product.name",)]),
            st.lists(st.sampled_from(["200", "{b}", "rule-dump", "1", "okta"]), max_size=3).map(tuple),
        ),
        max_size=1,
    ).map(tuple),
    latest=st.booleans(),
)


def answers(store: LakeStore | MemoryStore, query: Query, limit: int) -> list[object]:
    return [
        store.search_events(query, limit),
        store.search_signals(query, limit),
        store.sources_of(query),
        store.entities_of_events(query, limit),
        store.entities_of_signals(query, limit),
    ]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[LakeStore, MemoryStore]:
    scenario = everything().scenario
    lake = in_lake(tmp_path_factory.mktemp("lake"), scenario)
    LakeWriter(lake.root).write(EVENTS, scenario.rows[EVENTS][3:9])  # as after a batch that was delivered again
    return lake, MemoryStore(scenario.rows)


@settings(max_examples=150)
@given(query=QUERIES, limit=st.integers(0, 30))
def test_the_lake_finds_what_the_naive_store_does(
    query: Query, limit: int, stores: tuple[LakeStore, MemoryStore]
) -> None:
    lake, memory = stores
    assert answers(lake, query, limit) == answers(memory, query, limit)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_of_an_attribute_or_of_the_raw_record_is_found(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = Made(Scenario())
    made.scenario.event("windows", 1007, T0, (WEB01,), {"CommandLine": value})
    made.told("windows", 1007, T0 + 1, (WEB01,), process={"cmd_line": value})
    query = Query(*WHOLE, texts=(forms_of(value),))
    for store in (in_lake(tmp_path_factory.mktemp("lake"), made.scenario), MemoryStore(made.scenario.rows)):
        assert len(store.search_events(query, 10).rows) == 2


def test_letters_match_in_either_case_and_only_those_of_ascii(tmp_path: Path) -> None:
    made = Made()
    made.told("windows", 1007, T0, (WEB01,), process={"cmd_line": "Whoami /ÄLL"})
    lake = in_lake(tmp_path, made.scenario)
    for text, count in (("wHOAMI", 1), ("WHOAMI /Äll", 1), ("whoami /äll", 0)):
        query = Query(*WHOLE, texts=(forms_of(text),))
        assert len(lake.search_events(query, 10).rows) == count
        assert lake.search_events(query, 10) == MemoryStore(made.scenario.rows).search_events(query, 10)


def test_the_last_rows_are_those_next_to_the_end_in_the_order_of_time(stores: tuple[LakeStore, MemoryStore]) -> None:
    lake, _ = stores
    found = lake.search_events(Query(*WHOLE, latest=True), 3)
    assert [row.time - T0 for row in found.rows] == [5 * MINUTE, 6 * MINUTE, 9 * MINUTE]
    assert found.more
    assert not lake.search_events(Query(*WHOLE, latest=True), 100).more


def test_signals_of_a_rule_are_told_from_signals_that_only_speak_of_it(tmp_path: Path) -> None:
    made = Made()
    row = made.told("okta", 3002, T0, (BOB,))
    made.scenario.signal(row, DUMP, {"uid": "rule-spray", "x": '"uid":"rule-spray"'}, member=False)
    found = in_lake(tmp_path, made.scenario).search_signals(Query(*WHOLE, attributes=((RULE, ("rule-spray",)),)), 10)
    assert [row.signal.analytic for row in found.rows] == [SPRAY]


def test_entities_are_named_with_first_last_and_minutes(stores: tuple[LakeStore, MemoryStore]) -> None:
    lake, _ = stores
    found = lake.entities_of_events(Query(*WHOLE, texts=(forms_of(HASH),)), 3)
    assert found.rows == (
        EntitySeen(WEB01, T0 + 2 * MINUTE, T0 + 2 * MINUTE, 1),
        EntitySeen(ALICE, T0 + 2 * MINUTE, T0 + 2 * MINUTE, 1),
        EntitySeen(WEB02, T0 + 5 * MINUTE, T0 + 5 * MINUTE, 1),
    )
    assert found.more


def test_files_of_other_dates_are_not_opened(tmp_path: Path) -> None:
    made = everything()
    for day in range(1, 6):
        made.told("okta", 3002, T0 - day * DAY, (ALICE,))
    lake = in_lake(tmp_path, made.scenario)
    other = [path for path in (tmp_path / EVENTS).rglob("part-*.parquet") if path.parent.name != "date=2025-06-15"]
    assert len(other) == 5
    for path in other:
        path.write_bytes(b"damaged")
    query = Query(T0 - MINUTE, T0 + DAY, entity=ALICE, texts=(forms_of("alice"),))
    assert lake.search_events(query, 10).rows
    assert lake.entities_of_events(query, 10).rows
    assert lake.sources_of(query)
    for ask in (lake.search_events, lake.entities_of_events):
        with pytest.raises(LakeUnreadable, match=r"date=2025-06-1[0-4]"):
            ask(replace(query, start=T0 - DAY), 10)


def test_a_record_that_is_no_text_is_a_damaged_lake_and_no_other_error(tmp_path: Path) -> None:
    made = everything()
    rows = made.scenario.rows[EVENTS]
    rows[0] = replace(rows[0], record=b"\xff\xfe")
    with pytest.raises(LakeUnreadable):
        in_lake(tmp_path, made.scenario).search_events(Query(*WHOLE, texts=(forms_of("alice"),)), 10)


def test_records_that_are_no_json_or_very_deep_match_no_attribute(tmp_path: Path) -> None:
    made = everything()
    rows = made.scenario.rows[EVENTS]
    for index, record in enumerate((b"not json", b"[" * 50_000, orjson.dumps([1]), b'{"process": 7}')):
        rows[index] = replace(rows[index], record=record)
    query = Query(*WHOLE, attributes=((("process.pid",), ("200",)),))
    assert len(in_lake(tmp_path, made.scenario).search_events(query, 10).rows) == 1


def test_what_would_read_too_much_is_not_asked_and_what_needs_no_reading_is(tmp_path: Path) -> None:
    made = everything()
    rows = made.scenario.rows[EVENTS]
    of_alice = sum(row.size_bytes for row in rows if str(ALICE) in row.entities)
    lake = replace(in_lake(tmp_path, made.scenario), most_bytes=of_alice)
    texts = (forms_of("procdump"),)
    assert len(lake.search_events(Query(*WHOLE, entity=ALICE, texts=texts), 10).rows) == 1
    assert len(lake.search_events(Query(*WHOLE), 100).rows) == len(rows)
    for ask in (lake.search_events, lake.entities_of_events):
        with pytest.raises(QueryTooLarge, match="bytes of records"):
            ask(Query(*WHOLE, texts=texts), 10)
    with pytest.raises(QueryTooLarge):
        lake.sources_of(Query(*WHOLE, attributes=((("process.pid",), ("200",)),)))


def test_an_empty_lake_has_nothing(tmp_path: Path) -> None:
    query = Query(*WHOLE, entity=ALICE, texts=(forms_of("x y"),), attributes=((RULE, ("x",)),))
    assert answers(LakeStore(tmp_path), query, 10) == answers(MemoryStore({SIGNALS: []}), query, 10)

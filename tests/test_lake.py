from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.deterministic.investigator import DeterministicInvestigator
from agents.evidence.store import MAX_ANSWER_BYTES, EvidenceStore, StoredSignal
from enrichers.entities import entities_of
from models import ocsf
from models.action_ocsf import action_to_ocsf
from models.entity import EntityKey
from models.errors import InvalidRecord, LakeUnreadable
from models.event import Event, LogSource
from models.finding import Sequence, SequenceClosed
from models.finding_ocsf import sequence_closed_to_ocsf, sequence_to_ocsf
from models.records import Coordinates
from models.verdict import close_verdict
from models.verdict_ocsf import verdict_closed_to_ocsf, verdict_from_ocsf, verdict_to_ocsf
from streams.lake import EVENTS, KINDS, MAX_DATES, SEQUENCES, SIGNALS, VERDICTS, LakeRow, LakeWriter, event_row, row_of
from streams.lake_store import LakeStore
from tests.agents.memory_store import MemoryStore
from tests.agents.scenario import ALICE, DAY, MINUTE, OUTSIDE, SPRAY, T0, WEB01, Scenario, intrusion
from tests.models import strategies as given_

HERE = Coordinates("signals", 0, 7)


def in_lake(root: Path, scenario: Scenario, batch: int = 4) -> LakeStore:
    writer = LakeWriter(root)
    for kind, rows in scenario.rows.items():
        for start in range(0, len(rows), batch):
            writer.write(kind, rows[start : start + batch])
    return LakeStore(root)


def in_memory(_: Path, scenario: Scenario) -> MemoryStore:
    return MemoryStore(scenario.rows)


def files_below(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def all_answers(store: EvidenceStore, scenario: Scenario) -> list[object]:
    signals, events = scenario.rows[SIGNALS], scenario.rows[EVENTS]
    outcome = DeterministicInvestigator().investigate(scenario.sequence(), store)
    start, end = T0 - DAY, T0 + DAY
    return [
        store.signals([row.uid for row in signals], start, end),
        store.signals([signals[0].uid, "no such signal"], T0, T0),
        store.signals([], start, end),
        store.events([row.uid for row in events], start, T0 + 3 * MINUTE),
        store.events([events[0].uid], T0 + 1, end),
        *(store.timeline(entity, start, end, 100) for entity in (WEB01, ALICE, OUTSIDE, EntityKey("host", "web0"))),
        store.timeline(WEB01, start, end, 2),
        store.timeline(WEB01, start, end, 0),
        store.timeline(WEB01, end, start, 10),
        store.timeline(WEB01, -(2**70), 2**70, 10),
        store.signals_on(ALICE, start, end, 100),
        store.signals_on(WEB01, T0, T0 + 3 * MINUTE, 100),
        store.coverage(start, end),
        store.coverage(T0, T0),
        store.coverage(T0 + DAY, T0 + DAY),
        store.cited(outcome.verdict.evidence),
        store.cited([replace(item, at=Coordinates("elsewhere", 0, 0)) for item in outcome.verdict.evidence]),
        store.cited([replace(item, at=Coordinates(item.at.topic, 0, 2**64 - 1)) for item in outcome.verdict.evidence]),
        store.cited(()),
        outcome,
    ]


@pytest.mark.parametrize("make", [in_lake, in_memory])
def test_a_store_answers_what_is_asked(make: Callable[[Path, Scenario], EvidenceStore], tmp_path: Path) -> None:
    scenario = intrusion()
    store = make(tmp_path, scenario)
    logon, theft, moved = scenario.rows[EVENTS][-3:]
    timeline = store.timeline(ALICE, T0, T0 + DAY, 10)
    assert [row.uid for row in timeline.rows] == [logon.uid, theft.uid]
    assert not timeline.more
    assert store.timeline(WEB01, T0, T0 + DAY, 2).more
    assert [row.record for row in store.events([moved.uid], T0, T0 + DAY).rows] == [moved.record]
    (signal,) = store.signals_on(OUTSIDE, T0, T0, 10).rows
    assert isinstance(signal, StoredSignal)
    assert (signal.signal.analytic, signal.at) == (SPRAY, Coordinates("signals", 0, 0))
    assert [(seen.source, seen.domain, seen.minutes) for seen in store.coverage(T0, T0 + DAY)] == [
        ("okta", "identity", 1),
        ("windows", "workload", 1),
        ("zeek", "network", 1),
    ]
    verdict = DeterministicInvestigator().investigate(scenario.sequence(), store).verdict
    assert {row.evidence for row in store.cited(verdict.evidence)} == set(verdict.evidence)


def test_the_lake_answers_as_the_naive_store_does(tmp_path: Path) -> None:
    scenario = intrusion()
    lake = in_lake(tmp_path, scenario)
    assert all_answers(lake, scenario) == all_answers(MemoryStore(scenario.rows), scenario)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=6))
def test_batches_delivered_again_and_cut_otherwise_change_no_answer(
    cuts: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scenario = intrusion()
    root = tmp_path_factory.mktemp("lake")
    lake = in_lake(root, scenario)
    for kind, rows in scenario.rows.items():
        for start, length in cuts:
            LakeWriter(root).write(kind, reversed(rows[start : start + length]))
    assert all_answers(lake, scenario) == all_answers(MemoryStore(scenario.rows), scenario)


@pytest.mark.parametrize("root", ["nothing/here", "empty"])
def test_a_missing_or_empty_lake_answers_with_nothing(root: str, tmp_path: Path) -> None:
    (tmp_path / "empty" / EVENTS / "date=2025-06-15").mkdir(parents=True)
    scenario = intrusion()
    empty = Scenario(members=scenario.members)
    lake = LakeStore(tmp_path / root)
    assert lake.coverage(0, 2**62) == ()
    assert lake.timeline(WEB01, 0, 2**62, 10).rows == ()
    assert lake.findings(VERDICTS, 0, 2**62, 10).rows == ()
    outcome = DeterministicInvestigator().investigate(scenario.sequence(), lake)
    assert outcome == DeterministicInvestigator().investigate(scenario.sequence(), MemoryStore(empty.rows))


def test_files_lie_by_kind_and_date_of_event_time(tmp_path: Path) -> None:
    scenario = intrusion()
    in_lake(tmp_path, scenario, batch=100)
    assert {str(Path(file).parent) for file in files_below(tmp_path)} == {
        "events/date=2025-06-15",
        "signals/date=2025-06-15",
    }
    assert all(Path(file).match("part-*.parquet") for file in files_below(tmp_path))


def test_a_batch_delivered_again_overwrites_its_own_files_byte_for_byte(tmp_path: Path) -> None:
    rows = intrusion().rows[EVENTS]
    first = LakeWriter(tmp_path).write(EVENTS, rows)
    before = {path: path.read_bytes() for path in first}
    again = LakeWriter(tmp_path).write(EVENTS, reversed(rows))
    assert again == first
    assert {path: path.read_bytes() for path in again} == before
    assert len(files_below(tmp_path)) == len(first)


def test_an_empty_batch_writes_nothing(tmp_path: Path) -> None:
    assert LakeWriter(tmp_path).write(EVENTS, []) == ()
    assert files_below(tmp_path) == set()


def test_what_a_crash_left_behind_is_not_read(tmp_path: Path) -> None:
    scenario = intrusion()
    lake = in_lake(tmp_path, scenario)
    whole = next((tmp_path / EVENTS).rglob("part-*.parquet"))
    data = whole.read_bytes()
    (whole.parent / ".0123456789abcdef.tmp").write_bytes(data[: len(data) // 2])
    (whole.parent / ".fedcba9876543210.tmp").write_bytes(b"")
    (whole.parent / "part-half.parquet.tmp").write_bytes(b"PAR1")
    (whole.parent / "notes.txt").write_text("written by hand")
    (tmp_path / EVENTS / "stray").mkdir()
    assert all_answers(lake, scenario) == all_answers(MemoryStore(scenario.rows), scenario)


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    good = intrusion().rows[EVENTS][0]
    bad = replace(good, offset=2**70)
    with pytest.raises(OverflowError):
        LakeWriter(tmp_path).write(EVENTS, [good, bad])
    assert files_below(tmp_path) == set()


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not parquet at all"])
def test_a_damaged_file_is_named(damage: bytes, tmp_path: Path) -> None:
    scenario = intrusion()
    lake = in_lake(tmp_path, scenario)
    broken = max((tmp_path / EVENTS).rglob("part-*.parquet"))
    broken.write_bytes(damage)
    with pytest.raises(LakeUnreadable, match=broken.name):
        lake.timeline(WEB01, T0 - DAY, T0 + DAY, 10)


def test_a_row_whose_record_is_no_signal_is_missing_and_harms_no_other(tmp_path: Path) -> None:
    scenario = intrusion()
    broken = scenario.rows[SIGNALS][0]
    scenario.rows[SIGNALS][0] = replace(broken, record=b'{"finding_info": 7}')
    lake = in_lake(tmp_path, scenario)
    assert [row.uid for row in lake.signals([row.uid for row in scenario.rows[SIGNALS]], T0, T0 + DAY).rows] == [
        row.uid for row in scenario.rows[SIGNALS][1:]
    ]


def test_missing_names_what_the_lake_does_not_hold_yet(tmp_path: Path) -> None:
    scenario = intrusion()
    sequence = scenario.sequence()
    lake, writer = LakeStore(tmp_path), LakeWriter(tmp_path)
    wanted = {row.uid for row in scenario.rows[SIGNALS]} | {row.uid for row in scenario.rows[EVENTS][-3:]}
    assert set(lake.missing(sequence)) == wanted
    writer.write(SIGNALS, scenario.rows[SIGNALS])
    assert lake.missing(sequence) == tuple(sorted(row.uid for row in scenario.rows[EVENTS][-3:]))
    writer.write(EVENTS, scenario.rows[EVENTS])
    assert lake.missing(sequence) == ()


def test_answers_are_bounded_in_bytes(tmp_path: Path) -> None:
    scenario = Scenario()
    for minute in range(10):
        scenario.event("zeek", 4001, T0 + minute * MINUTE, (WEB01,), {"n": minute, "pad": "x" * 1_900_000})
    found = in_lake(tmp_path, scenario).timeline(WEB01, T0, T0 + DAY, 100)
    assert found.more
    assert MAX_ANSWER_BYTES // 2 < sum(len(row.record) for row in found.rows) <= MAX_ANSWER_BYTES
    assert found == MemoryStore(scenario.rows).timeline(WEB01, T0, T0 + DAY, 100)


def test_a_batch_of_any_number_of_dates_makes_a_bounded_number_of_files(tmp_path: Path) -> None:
    scenario = Scenario()
    for day in range(3 * MAX_DATES):
        scenario.event("zeek", 4001, T0 + day * DAY, (WEB01,), {"day": day})
    written = LakeWriter(tmp_path).write(EVENTS, scenario.rows[EVENTS])
    assert len(written) == MAX_DATES + 1
    for day in (0, MAX_DATES, 3 * MAX_DATES - 1):
        found = LakeStore(tmp_path).timeline(WEB01, T0 + day * DAY, T0 + (day + 1) * DAY - 1, 10)
        assert [row.time for row in found.rows] == [T0 + day * DAY]


@pytest.mark.parametrize("hostile", ["../../out", "/etc/x", "..", "a/b", "date=2025-01-01", "\x00"])
def test_no_value_of_a_row_leads_outside_the_lake(hostile: str, tmp_path: Path) -> None:
    root = tmp_path / "lake"
    row = intrusion().rows[EVENTS][0]
    names = {"uid": hostile, "source": hostile, "domain": hostile, "topic": hostile, "sha256": hostile}
    LakeWriter(root).write(EVENTS, [replace(row, entities=(hostile,), **names)])
    assert all(file.startswith("lake/events/date=2025-06-15/part-") for file in files_below(tmp_path))


def revisions(sequence: Sequence) -> list[bytes]:
    later = replace(sequence, revision=5, end_time=sequence.end_time + 3 * DAY)
    closed = SequenceClosed(sequence.uid, sequence.analytic, sequence.group, sequence.start_time, "f" * 32)
    records = [sequence_to_ocsf(sequence), sequence_to_ocsf(later), sequence_closed_to_ocsf(closed)]
    return [ocsf.encode(record) for record in records]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_the_highest_revision_of_a_sequence_stands_and_a_withdrawal_is_higher_than_any(
    order: tuple[int, ...], tmp_path: Path
) -> None:
    records = revisions(intrusion().sequence())
    lake, writer = LakeStore(tmp_path), LakeWriter(tmp_path)
    kept: list[int] = []
    for index in order:
        writer.write(SEQUENCES, [row_of(SEQUENCES, records[index], Coordinates("sequences", 0, index))])
        kept.append(index)
        assert lake.findings(SEQUENCES, T0 - DAY, T0 + 30 * DAY, 10).rows == (records[max(kept)],)
    assert lake.findings(SEQUENCES, T0 + DAY, T0 + 30 * DAY, 10).rows == ()


def test_the_latest_verdicts_are_found_with_their_closings(tmp_path: Path) -> None:
    scenario = intrusion()
    sequence = scenario.sequence()
    verdict = DeterministicInvestigator().investigate(sequence, MemoryStore(scenario.rows)).verdict
    closed = close_verdict(SequenceClosed(sequence.uid, sequence.analytic, sequence.group, T0))
    records = [ocsf.encode(verdict_to_ocsf(verdict)), ocsf.encode(verdict_closed_to_ocsf(closed))]
    for offset, standing in enumerate((verdict, closed)):
        row = row_of(VERDICTS, records[offset], Coordinates("verdicts", 0, offset))
        assert row.entities == ("host:web01",)
        LakeWriter(tmp_path).write(VERDICTS, [row])
        (found,) = LakeStore(tmp_path).findings(VERDICTS, T0 - DAY, T0 + DAY, 10).rows
        assert verdict_from_ocsf(ocsf.decode(found)) == standing


def test_the_larger_count_of_a_folded_signal_stands(tmp_path: Path) -> None:
    scenario = intrusion()
    first = scenario.rows[SIGNALS][0]
    grown = orjson.loads(first.record)
    grown["count"] = 900
    larger = row_of(SIGNALS, orjson.dumps(grown), Coordinates("signals", 3, 1))
    lake = in_lake(tmp_path, scenario)
    LakeWriter(tmp_path).write(SIGNALS, [larger])
    (found,) = lake.signals([first.uid], T0, T0 + DAY).rows
    assert found.signal.count == 900
    assert found.at == Coordinates("signals", 3, 1)


def test_an_events_row_names_the_entities_that_the_event_does() -> None:
    raw = b'{"host": "web01"}'
    body = ocsf.head(1007, 1, T0)
    body["device"] = {"hostname": "web01.corp.example.com", "type_id": 0}
    body["metadata"] = {"version": ocsf.VERSION, "product": {"name": "x"}, "uid": "e" * 32}
    body["raw_data"], body["raw_data_hash"] = raw.decode(), {"algorithm_id": 3, "value": "a" * 64}
    at = Coordinates("raw.windows", 1, 12)
    event = Event("e" * 32, T0, "windows", LogSource("windows"), {}, body, at, "a" * 64)
    row = event_row(event, ocsf.encode(body))
    assert row.entities == tuple(map(str, entities_of(body)))
    assert row.entities
    assert row == row_of(EVENTS, ocsf.encode(body), at, "windows")


@pytest.mark.parametrize("kind", KINDS)
@given(value=given_.json_values)
def test_a_record_of_any_other_shape_is_refused(kind: str, value: object) -> None:
    for record in (orjson.dumps(value), b"\xff", b"", b"[" * 5000):
        with pytest.raises(InvalidRecord):
            row_of(kind, record, HERE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", 2**63), ("count", -1), ("time", -1), ("time", 2**62), ("time", 4_102_444_800_001)],
)
def test_a_number_that_has_no_place_in_a_column_is_refused(name: str, value: int) -> None:
    record = {**orjson.loads(intrusion().rows[SIGNALS][0].record), name: value}
    with pytest.raises(InvalidRecord):
        row_of(SIGNALS, orjson.dumps(record), HERE)


def test_an_event_of_an_unknown_class_is_refused() -> None:
    record = {**orjson.loads(intrusion().rows[EVENTS][0].record), "class_uid": 2**40}
    with pytest.raises(InvalidRecord, match="class_uid"):
        row_of(EVENTS, orjson.dumps(record), HERE, "zeek")


@given(given_.damaged(st.builds(lambda: orjson.loads(intrusion().rows[SIGNALS][1].record))))
def test_a_damaged_signal_is_refused_or_can_be_written(record: dict[str, object]) -> None:
    try:
        row = row_of(SIGNALS, orjson.dumps(record), HERE)
    except InvalidRecord:
        return
    assert isinstance(row, LakeRow)
    assert _fits_the_schema(row)


@given(given_.damaged(st.builds(lambda: orjson.loads(intrusion().rows[EVENTS][-1].record))))
def test_a_damaged_event_is_refused_or_can_be_written(record: dict[str, object]) -> None:
    try:
        row = row_of(EVENTS, orjson.dumps(record), HERE, "zeek")
    except InvalidRecord:
        return
    assert _fits_the_schema(row)


def _fits_the_schema(row: LakeRow) -> bool:
    from streams.lake import _table

    return _table([row]).num_rows == 1


def test_columns_are_readable_by_any_parquet_reader(tmp_path: Path) -> None:
    (path,) = LakeWriter(tmp_path).write(SIGNALS, intrusion().rows[SIGNALS])
    table = pq.read_table(path, partitioning=None)
    assert table.column("time").to_pylist() == sorted(row.time for row in intrusion().rows[SIGNALS])
    assert table.schema.names[0] == "uid"


def test_actions_of_an_investigation_over_the_lake_are_those_over_memory(tmp_path: Path) -> None:
    scenario = intrusion()
    lake = DeterministicInvestigator().investigate(scenario.sequence(), in_lake(tmp_path, scenario))
    memory = DeterministicInvestigator().investigate(scenario.sequence(), MemoryStore(scenario.rows))
    assert [ocsf.encode(action_to_ocsf(action)) for action in lake.actions] == [
        ocsf.encode(action_to_ocsf(action)) for action in memory.actions
    ]

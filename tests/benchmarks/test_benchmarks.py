"""The benchmarks run, and leave no source out. What they measure is for people to judge."""

from __future__ import annotations

from pathlib import Path

from models.records import Coordinates, RawRecord
from streams.rulebook import load_rulebook
from streams.sources.registry import SOURCES
from streams.topics import table
from streams.workers import kafka_admin
from tests.benchmarks import correlate, features, ruletest
from tests.benchmarks.detect import measure
from tests.benchmarks.ingest import on_kafka, reading_alone, stage_alone, summary
from tests.benchmarks.sending import Sourced, can_be_sent, load_of, thinned
from tests.benchmarks.sources import measure_all
from tests.benchmarks.watching import Sample, cpu_ticks
from tests.workers.attack import attack, write_rules
from tests.workers.processes import Braid


def sourced(name: str, raw: bytes, columns: tuple[str, ...] = ()) -> Sourced:
    return SOURCES[name], RawRecord(name, raw, Coordinates("file", 0, 1), 0, columns)


def test_every_source_is_measured() -> None:
    found = list(measure_all(rounds=1, records=1))
    assert [one.source for one in found] == sorted(SOURCES)
    assert all(one.parse_us > 0 and one.floor_us > 0 for one in found)


def test_matching_is_measured_by_part_and_by_number_of_rules() -> None:
    package = Path(__file__).parents[2] / "streams"
    found = measure("demo", package / "demo", load_rulebook([package / "rules"]).detections, 200, None)
    assert found.events > 100
    assert found.matches > 10
    assert all(us > 0 for us in (found.json_us, found.first_us, found.again_us, found.whole_us, found.every_us))
    assert found.rsigma_us == 0


def test_cpu_time_is_read_whatever_the_program_is_called() -> None:
    stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 3"
    assert cpu_ticks(stat) == 175


def test_correlation_is_measured_against_its_aims() -> None:
    found = correlate.measure(signals=200, entities=200, crowd=250, others=(1, 2))
    assert found.against().keys() == correlate.AIMS.keys()
    assert found.steps == len(found.step_us) > 200
    assert min(*found.by_others.values(), *found.crowd_us, found.mean_us, found.deadline_us, found.encode_us) > 0
    aim = correlate.AIMS["bytes of a quiet entity"]
    assert [held for held, (size, *_) in found.state_bytes.items() if size <= aim] == [1, 3]


def test_counting_behaviour_is_measured_by_class() -> None:
    found = features.measure(2_000)
    assert set(found.by_class) == {1007, 3002, 4001, 4003, 6003}
    assert found.messages == features.PARTITIONS
    assert 0 < found.deltas < 1
    assert found.delta_bytes > 0


def test_a_run_is_summed_up_from_where_it_began() -> None:
    samples = [
        Sample(10.0, (5, 0), 2.0, 1.0),
        Sample(11.0, (105, 20), 3.0, 1.5),
        Sample(12.0, (205, 100), 3.5, 2.0),
        Sample(13.0, (305, 100), 5.0, 3.0),
    ]
    found = summary("2 processes", samples)
    assert (found.records, found.wall_s, found.cpu_s, found.broker_cpu_s) == (400, 3.0, 3.0, 2.0)
    assert found.shares == (300, 100)
    assert found.later_us == 1.5 / 100 * 1e6  # half was there at the third look
    assert (found.per_second, found.per_core) == (400 / 3, 400 / 3)


def test_every_file_gives_the_same_part_of_its_records() -> None:
    stretches = [[sourced("zeek", b"%d" % number) for number in range(count)] for count in (30, 10)]
    assert thinned(stretches, 20) == [*stretches[0][:15], *stretches[1][:5]]
    assert thinned(stretches, 100) == [*stretches[0], *stretches[1]]


def test_what_means_nothing_by_itself_is_not_sent() -> None:
    assert can_be_sent(sourced("zeek", b"{}"))
    assert not can_be_sent(sourced("zeek", b"a\tb", ("ts", "uid")))
    assert not can_be_sent(sourced("auditd", b"type=SYSCALL"))


def test_records_are_counted_as_the_worker_cuts_them() -> None:
    load = load_of([sourced("zeek", b'{"a":1}'), sourced("zeek", b'[{"a":1},{"a":2}]'), sourced("windows", b"")])
    assert [topic for topic, _ in load.messages] == ["raw.zeek", "raw.zeek", "raw.windows"]
    assert [record.raw for _, record in load.records] == [b'{"a":1}', b'{"a":1}', b'{"a":2}', b""]


def test_rule_tests_are_measured_as_a_command_and_pass() -> None:
    found = ruletest.measure(detections=10, correlations=8, rounds=1)
    assert (found.rules, found.tests) == (18, 10 * 2 + 8 * 3)
    assert len(found.whole_s) == 1
    assert min(*found.whole_s, found.start_s) > 0


def test_ingest_is_measured_on_kafka_and_beside_it(bootstrap: str, topic_prefix: str, tmp_path: Path) -> None:
    rules = write_rules(tmp_path / "rules")
    zeek, windows = attack(20, noise=100)
    records = [*(sourced("zeek", raw) for raw in zeek), *(sourced("windows", raw) for raw in windows)]
    load = load_of(records)
    kafka_admin.create(bootstrap, table(SOURCES, topic_prefix))
    braid, told = Braid(bootstrap, topic_prefix, rules, tmp_path), list[int]()
    worker = on_kafka(braid, load, 1, 0, told.append)
    assert worker.records == told[-1] == len(records)
    assert worker.shares == (len(records),)
    for found in (worker, stage_alone(load_rulebook([rules]), load), reading_alone(braid, len(load.messages), 0)):
        assert found.records == len(records)
        assert found.per_core > 0
        assert found.per_second > 0

from __future__ import annotations

import gzip
import json
import random
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.deterministic.investigator import DeterministicInvestigator
from models.finding_ocsf import sequence_from_ocsf, signal_from_ocsf
from models.ocsf_schema import validate
from models.uids import sha256_hex
from models.verdict import EVENT, Verdict
from models.verdict_ocsf import verdict_from_ocsf
from streams.replay.inputs import read_file
from streams.replay.run import TELL_EVERY, Replay, Replayed
from streams.rulebook import load_rulebook
from streams.sources.registry import SOURCES
from streams.stage import build_stages
from tests.raw_records import connection
from tests.replay.play import DEMO, NAMES, demo_lines, lines, play, stages, write
from tests.workers.attack import attack, write_rules

FILES = sorted(path.name for path in DEMO.iterdir())


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the output of one replay of the demo."""
    folder = tmp_path_factory.mktemp("replay") / "new" / "out"
    play([DEMO], folder)
    return folder


@pytest.fixture(scope="module")
def demo() -> Replayed:
    return play([DEMO])


@pytest.fixture(scope="module")
def summary(out: Path) -> Any:
    return json.loads((out / "summary.json").read_bytes())


# What is written.


def test_every_output_is_written_and_nothing_else(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == {*(f"{name}.ndjson" for name in NAMES), "summary.json"}


def test_the_demo_reaches_every_stage(out: Path) -> None:
    assert all(lines(out / f"{name}.ndjson") for name in NAMES if name != "late")


def test_the_summary_counts_what_is_in_the_files(out: Path, summary: Any) -> None:
    written = {name: len(lines(out / f"{name}.ndjson")) for name in NAMES}
    assert {name: summary["counts"][name] for name in NAMES} == written
    events, signals = lines(out / "events.ndjson"), lines(out / "signals.ndjson")
    assert sum(summary["events_by_source"].values()) == len(events)
    assert summary["signals_by_rule"] == Counter(signal["finding_info"]["title"] for signal in signals)
    alerts = [sequence["finding_info"]["uid"] for sequence in lines(out / "sequences.ndjson") if sequence["is_alert"]]
    assert summary["counts"]["escalated"] == len(alerts)
    assert [entry["sequence"] for entry in summary["escalated"]] == alerts
    verdicts = lines(out / "verdicts.ndjson")
    assert [entry["verdict"] for entry in summary["escalated"]] == [v["metadata"]["uid"] for v in verdicts]


def test_no_record_is_lost_and_none_is_counted_twice(out: Path, summary: Any) -> None:
    counts = summary["counts"]
    records = sum(not line.startswith(b"#") for name in FILES for line in demo_lines(name))
    assert counts["records"] == records
    assert counts["events"] + counts["duplicates"] + counts["dead-letter"] == records
    for name in ("events", "signals", "sequences", "verdicts", "actions"):
        uids = [record["metadata"]["uid"] for record in lines(out / f"{name}.ndjson")]
        assert len(uids) == len(set(uids)), name


def test_every_record_that_is_written_passes_ocsf(out: Path) -> None:
    for name in ("events", "signals", "sequences", "verdicts", "actions"):
        for record in lines(out / f"{name}.ndjson"):
            assert validate(record) == [], name


def test_events_and_signals_are_sorted_by_time_and_uid(out: Path) -> None:
    for name in ("events", "signals"):
        keys = [(record["time"], record["metadata"]["uid"]) for record in lines(out / f"{name}.ndjson")]
        assert keys == sorted(keys)


def test_sequences_are_sorted_by_their_start_and_verdicts_follow_them(out: Path) -> None:
    sequences = lines(out / "sequences.ndjson")
    keys = [(record["start_time"], record["metadata"]["uid"]) for record in sequences]
    assert keys == sorted(keys)
    escalated = [record["metadata"]["uid"] for record in sequences if record["is_alert"]]
    verdicts = [verdict["finding_info_list"][0]["uid"] for verdict in lines(out / "verdicts.ndjson")]
    assert verdicts == escalated


def test_what_is_written_is_what_is_returned(out: Path, demo: Replayed) -> None:
    assert [signal_from_ocsf(record) for record in lines(out / "signals.ndjson")] == demo.signals
    assert [sequence_from_ocsf(record) for record in lines(out / "sequences.ndjson")] == demo.sequences
    assert [verdict_from_ocsf(record) for record in lines(out / "verdicts.ndjson")] == [
        investigation.verdict for investigation in demo.investigations
    ]


def test_without_an_out_directory_nothing_is_written(tmp_path: Path) -> None:
    before = set(Path.cwd().iterdir())
    write(tmp_path / "in.ndjson", demo_lines("okta.ndjson"))
    assert play([tmp_path]).counts["events"] > 0
    assert set(Path.cwd().iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["in.ndjson"]


def test_the_members_of_a_sequence_are_signals_on_events_that_are_there(out: Path) -> None:
    signals = {record["finding_info"]["uid"]: record for record in lines(out / "signals.ndjson")}
    events = {record["metadata"]["uid"] for record in lines(out / "events.ndjson")}
    for sequence in lines(out / "sequences.ndjson"):
        for related in sequence["finding_info"]["related_events"]:
            tags = {tag["name"]: tag["value"] for tag in related["tags"]}
            assert signals[related["uid"]]["finding_info"]["related_events"][0]["uid"] == tags["event"]
            assert tags["event"] in events


def test_evidence_of_every_verdict_can_be_fetched_again_and_is_unchanged(out: Path, demo: Replayed) -> None:
    fetched = 0
    signals = (out / "signals.ndjson").read_bytes().splitlines()
    for investigation in demo.investigations:
        for evidence in investigation.verdict.evidence:
            place = Path(evidence.at.topic).read_bytes().splitlines() if evidence.kind == EVENT else signals
            assert sha256_hex(place[evidence.at.offset - 1]) == evidence.sha256
            fetched += 1
    assert fetched


def test_progress_is_told_now_and_then(tmp_path: Path) -> None:
    records = (json.dumps(connection(ts=1_790_000_000 + n, uid=f"C{n}")).encode() for n in range(2 * TELL_EVERY + 1))
    told: list[int] = []
    source = SOURCES["zeek"]
    at = write(tmp_path / "many.ndjson", records)
    Replay(stages(), DeterministicInvestigator(), None).run(read_file(at, source), (), told.append)
    assert told == [TELL_EVERY, 2 * TELL_EVERY]


# The same input, the same output.


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_runs_write_the_same_bytes(out: Path, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_bytes(b"from an earlier run, and longer than what comes" * 1000)
    play([DEMO], tmp_path)
    assert contents(tmp_path) == contents(out)


def test_the_order_in_which_files_are_named_shows_nowhere(out: Path, tmp_path: Path) -> None:
    play([DEMO / name for name in reversed(FILES)], tmp_path)
    assert contents(tmp_path) == contents(out)


def found(replayed: Replayed) -> dict[str, Any]:
    """Return what must not depend on where the records lay: all but the places that evidence is fetched from."""
    return {
        "sequences": replayed.sequences,
        "verdicts": [placeless(investigation.verdict) for investigation in replayed.investigations],
        "actions": [investigation.actions for investigation in replayed.investigations],
        "signals": [(signal.uid, signal.time, signal.fields, signal.matched) for signal in replayed.signals],
        "sources": replayed.by_source,
        "late": replayed.late,
    }


def placeless(verdict: Verdict) -> tuple[Verdict, list[tuple[str, ...]]]:
    cited = [(e.kind, e.uid, str(e.time), e.sha256 if e.kind == EVENT else "") for e in verdict.evidence]
    return replace(verdict, evidence=()), cited


def headed(name: str) -> tuple[list[bytes], list[bytes]]:
    """Return the header lines and the records of one file of the demo."""
    every = demo_lines(name)
    return [line for line in every if line.startswith(b"#")], [line for line in every if not line.startswith(b"#")]


def test_cutting_the_input_into_more_files_gives_the_same(demo: Replayed, tmp_path: Path) -> None:
    for name in FILES:
        header, records = headed(name)
        for part in range(4):
            write(tmp_path / str(part) / name, [*header, *records[part::4]])
    assert found(play([tmp_path])) == found(demo)


def test_putting_the_input_into_one_file_gives_the_same(demo: Replayed, tmp_path: Path) -> None:
    parts = [headed(name) for name in FILES]
    everything = [line for header, records in parts for line in (*header, *records)]
    assert found(play([write(tmp_path / "all.log", everything)])) == found(demo)


@pytest.mark.parametrize("seed", range(2))
def test_shuffling_the_records_gives_the_same(demo: Replayed, tmp_path: Path, seed: int) -> None:
    order = random.Random(seed)  # noqa: S311  # an order to try, no secret
    for name in FILES:
        header, records = headed(name)
        write(tmp_path / f"{order.random()}-{name}", [*header, *order.sample(records, len(records))])
    assert found(play([tmp_path])) == found(demo)


def test_packing_the_files_gives_the_same(demo: Replayed, tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((DEMO / name).read_bytes()))
    assert found(play([tmp_path])) == found(demo)


def test_reading_everything_twice_gives_the_same_once(demo: Replayed, tmp_path: Path) -> None:
    for name in FILES:
        for copy in "ab":
            write(tmp_path / copy / name, demo_lines(name))
    twice = play([tmp_path])
    assert found(twice) == found(demo)
    assert twice.counts["events"] == demo.counts["events"]
    assert twice.counts["duplicates"] == demo.counts["duplicates"] * 2 + demo.counts["events"]


def test_a_forced_source_gives_the_same_where_it_is_the_right_one(tmp_path: Path) -> None:
    file = write(tmp_path / "okta.ndjson", demo_lines("okta.ndjson"))
    assert found(play([file], forced=SOURCES["okta"])) == found(play([file]))


def test_a_wrong_source_makes_dead_letters_of_every_record(tmp_path: Path) -> None:
    file = write(tmp_path / "okta.ndjson", demo_lines("okta.ndjson"))
    wrong = play([file], tmp_path / "out", forced=SOURCES["aws_cloudtrail"])
    assert wrong.counts["events"] == 0
    assert wrong.counts["dead-letter"] == wrong.counts["records"]
    letters = lines(tmp_path / "out" / "dead-letter.ndjson")
    assert {letter["source"] for letter in letters} == {"aws_cloudtrail"}
    assert [letter["offset"] for letter in letters] == list(range(1, len(letters) + 1))


# Dead letters.


def test_dead_letters_are_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    for name in "ba":
        write(tmp_path / "in" / f"{name}.ndjson", [b'{"nobody": %d}' % n for n in range(12)])
    play([tmp_path / "in"], tmp_path / "out")
    letters = lines(tmp_path / "out" / "dead-letter.ndjson")
    places = [(Path(letter["topic"]).name, letter["offset"]) for letter in letters]
    assert places == [(name, line) for name in ("a.ndjson", "b.ndjson") for line in range(1, 13)]
    assert [b64decode(letter["raw"]) for letter in letters[:2]] == [b'{"nobody": 0}', b'{"nobody": 1}']


def test_bad_records_on_one_line_are_dead_letters_each(tmp_path: Path) -> None:
    line = json.dumps([{"nobody": 1}, {"nobody": 2}, connection()]).encode()
    replayed = play([write(tmp_path / "in.ndjson", [line, b'{"nobody": 3}'])], tmp_path / "out")
    letters = lines(tmp_path / "out" / "dead-letter.ndjson")
    assert {(letter["offset"], b64decode(letter["raw"])) for letter in letters} == {
        (1, b'{"nobody":1}'),
        (1, b'{"nobody":2}'),
        (2, b'{"nobody": 3}'),
    }
    assert replayed.counts["dead-letter"] + replayed.counts["events"] == replayed.counts["records"] == 4


def test_left_out_files_are_in_the_summary(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.ndjson", demo_lines("okta.ndjson"))
    (tmp_path / "in" / "notes.txt").write_text("Only words.\nMore words.\n")
    play([tmp_path / "in"], tmp_path / "out")
    left_out = json.loads((tmp_path / "out" / "summary.json").read_bytes())["left_out"]
    assert left_out == {str(tmp_path / "in" / "notes.txt"): "text"}


# An attack that only meets over links, on rules of its own.


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Any]:
    zeek, windows = attack(3)
    write(tmp_path / "in" / "zeek.ndjson", zeek)
    write(tmp_path / "in" / "windows.ndjson", windows)
    return tmp_path / "in", build_stages(load_rulebook([write_rules(tmp_path / "rules")]).sound(), ())


def test_signals_that_meet_over_a_link_make_a_sequence_and_a_verdict(small: tuple[Path, Any]) -> None:
    folder, own = small
    replayed = play([folder], with_=own)
    assert [sequence.group for sequence in replayed.sequences] == ["host:ws0", "host:ws1", "host:ws2"]
    assert all(sequence.is_alert for sequence in replayed.sequences)
    assert {member.domain for s in replayed.sequences for member in s.members} == {"network", "workload"}
    assert len(replayed.investigations) == 3


def test_without_the_event_that_shows_the_link_nothing_meets(small: tuple[Path, Any]) -> None:
    folder, own = small
    kept = [line for line in (folder / "windows.ndjson").read_bytes().splitlines() if json.loads(line)["EventID"] != 3]
    write(folder / "windows.ndjson", kept)
    replayed = play([folder], with_=own)
    assert replayed.counts["signals"] == 6
    assert replayed.sequences == []


def test_the_configured_offset_of_a_clock_brings_together_what_belongs_together(tmp_path: Path) -> None:
    zeek, windows = attack(2)
    slow = [line.replace(b"T13:", b"T03:") for line in windows]
    assert slow != windows
    write(tmp_path / "in" / "zeek.ndjson", zeek)
    write(tmp_path / "in" / "windows.ndjson", slow)
    rulebook = load_rulebook([write_rules(tmp_path / "rules")]).sound()
    apart, together, by_host = (
        play([tmp_path / "in"], with_=build_stages(rulebook, offsets))
        for offsets in ((), ["windows=10h"], ["host:ws0=10h", "host:ws1=10h"])
    )
    assert apart.sequences == []
    assert len(together.sequences) == 2
    assert found(together) == found(by_host)

"""Rules tried on recorded events, alone and against another version, from files and from the lake."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest

from models import ocsf
from models.errors import ConfigError, LakeUnreadable
from models.event import Event
from models.records import Coordinates, RawRecord
from streams.config import load_settings
from streams.detect.rule import DetectionRule
from streams.lake import EVENTS, LakeWriter, event_row
from streams.rulecheck.backtest import MAX_ENTITIES, Backtest, Change, Example, paired
from streams.rulecheck.backtest_report import closing, to_json
from streams.rulecheck.telemetry import Counts, events_of_files, events_of_lake
from streams.sources.registry import SOURCES
from streams.sources.zeek.layouts import LAYOUTS
from tests.raw_records import event, process_start, raw
from tests.rulecheck.build import WINDOWS, load, rule_text
from tests.sources.samples import samples

DAYS = ("2026-09-21T12:00:00Z", "2026-09-22T12:00:00Z", "2026-09-22T15:30:00Z")
PROBE = "a: {Image|endswith: probe.exe}\ncondition: a"


def starts(*images: str) -> list[Event]:
    """Return an event for each started program, at times that follow each other over two days."""
    return [_start(number, image) for number, image in enumerate(images)]


def _start(number: int, image: str) -> Event:
    fields = process_start(Image=image, TimeCreated=DAYS[number % len(DAYS)], ProcessId=str(number))
    return event(raw("windows", fields, at=Coordinates("in.ndjson", 0, number + 1)))


def tried(
    rules: Iterable[DetectionRule], events: Iterable[Event], against: Iterable[DetectionRule] | None = None
) -> Backtest:
    found = Backtest(rules, against)
    for one in events:
        found.add(one)
    return found


def changes(found: Backtest) -> dict[str, tuple[str, int, int, int]]:
    return {
        tally.rule.title: (tally.status, tally.change.new, tally.change.gone, tally.change.changed)
        for tally in found.tallies.values()
    }


def test_hits_are_counted_by_day_with_first_and_last(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(1, WINDOWS, PROBE), rule_text(2, WINDOWS, "a: {Image: nothing}\ncondition: a"))
    found = tried(rules, starts(r"C:\probe.exe", r"C:\probe.exe", r"C:\other.exe", r"D:\probe.exe"))
    tally = found.tallies[rules[0].uid]
    assert tally.hits == 3
    assert dict(tally.days) == {"2026-09-21": 2, "2026-09-22": 1}
    assert tally.first is not None
    assert tally.last is not None
    assert (tally.first.at.offset, tally.last.at.offset) == (1, 2)
    assert tally.entities["host:ws1"] == 3
    assert tally.examples[0].matched == (("Image", r"C:\probe.exe"),)
    assert found.tallies[rules[1].uid].hits == 0


def test_signals_a_day_are_estimated_from_the_hours_with_telemetry(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(1, WINDOWS, PROBE))
    found = tried(rules, starts(r"C:\probe.exe", r"C:\probe.exe", r"C:\other.exe"))
    assert found.hours == 3
    assert found.per_day(2) == 16.0
    assert "about 16.0 signals a day, from 3 hours with telemetry: less than a day" in "\n".join(
        closing(found, Counts())
    )
    assert Backtest(()).per_day(1) == 0.0


def test_an_event_that_comes_twice_counts_once(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(1, WINDOWS, PROBE))
    events = starts(r"C:\probe.exe")
    assert tried(rules, events * 3).tallies[rules[0].uid].hits == 1


def test_two_versions_differ_by_what_is_new_gone_and_changed(tmp_path: Path) -> None:
    new = load(
        tmp_path / "new",
        rule_text(1, WINDOWS, "a: {Image|endswith: [probe.exe, more.exe]}\ncondition: a", "Widened"),
        rule_text(2, WINDOWS, "a: {Image: nothing}\ncondition: a", "Narrowed"),
        rule_text(3, WINDOWS, "a: {Image|endswith: probe.exe, User|exists: true}\ncondition: a", "Other reasons"),
        rule_text(4, WINDOWS, PROBE, "Added"),
        rule_text(5, WINDOWS, PROBE, "The same"),
    )
    old = load(
        tmp_path / "old",
        rule_text(1, WINDOWS, PROBE, "Widened"),
        rule_text(2, WINDOWS, PROBE, "Narrowed"),
        rule_text(3, WINDOWS, PROBE, "Other reasons"),
        rule_text(5, WINDOWS, PROBE, "The same"),
        rule_text(6, WINDOWS, PROBE, "Removed"),
    )
    found = tried(new, starts(r"C:\probe.exe", r"C:\more.exe", r"C:\other.exe"), old)
    assert changes(found) == {
        "Widened": ("kept", 1, 0, 0),
        "Narrowed": ("kept", 0, 1, 0),
        "Other reasons": ("kept", 0, 0, 1),
        "Added": ("added", 1, 0, 0),
        "The same": ("kept", 0, 0, 0),
        "Removed": ("removed", 0, 1, 0),
    }
    (gone,) = found.tallies[old[1].uid].change.examples["gone"]
    assert gone.at == Coordinates("in.ndjson", 0, 1)
    assert gone.matched == (("Image", r"C:\probe.exe"),)


def test_rules_are_the_same_by_id_else_by_title(tmp_path: Path) -> None:
    ours = load(tmp_path / "a", rule_text(1, WINDOWS, PROBE, "One"), rule_text(2, WINDOWS, PROBE, "Two"))
    theirs = load(tmp_path / "b", rule_text(1, WINDOWS, PROBE, "Two"), rule_text(9, WINDOWS, PROBE, "Two"))
    by_id, by_title = (rule.uid for rule in theirs)
    assert paired(ours, theirs) == {by_id: ours[0].uid, by_title: ours[1].uid}


def test_few_examples_are_kept() -> None:
    change = Change()
    for one in starts(*[r"C:\probe.exe"] * 10):
        change.add("new", Example(one.time, one.at, one.uid, ()))
    assert (change.new, len(change.examples["new"])) == (10, 3)


def test_entities_are_counted_to_a_bound(tmp_path: Path) -> None:
    (probe,) = load(tmp_path, rule_text(1, WINDOWS, PROBE))
    found = Backtest((probe,))
    for number in range(MAX_ENTITIES + 50):
        fields = process_start(f"ws{number}.example.com", Image=r"C:\probe.exe")
        found.add(event(raw("windows", fields)))
    assert found.tallies[probe.uid].hits == MAX_ENTITIES + 50
    assert len(found.tallies[probe.uid].entities) <= MAX_ENTITIES
    assert found.tallies[probe.uid].entities["user:example\\alice"] == MAX_ENTITIES + 50


# The lake.


def archive(root: Path, events: Iterable[Event]) -> Path:
    LakeWriter(root).write(EVENTS, [event_row(one, ocsf.encode(one.ocsf)) for one in events])
    return root


def told_nothing(_what: str, _records: int) -> None:
    pass


def test_the_lake_and_the_files_give_the_same_hits(tmp_path: Path) -> None:
    rules = load(tmp_path / "rules", rule_text(1, WINDOWS, PROBE))
    events = starts(r"C:\probe.exe", r"C:\other.exe", r"D:\probe.exe")
    file = tmp_path / "in.ndjson"
    file.write_text("".join(f"{one.ocsf['raw_data']}\n" for one in events))
    counts = Counts()
    from_files = tried(rules, events_of_files((file,), None, load_settings(), counts, told_nothing))
    assert (counts.records, counts.events, counts.unread) == (3, 3, 0)
    kept = Counts()
    from_lake = tried(rules, events_of_lake(archive(tmp_path / "lake", events), kept, told_nothing))
    assert (kept.records, kept.events, kept.unread, kept.without_native) == (3, 3, 0, {})
    assert dict(from_lake.tallies[rules[0].uid].days) == dict(from_files.tallies[rules[0].uid].days)
    assert from_lake.tallies[rules[0].uid].hits == 2


@pytest.mark.parametrize("source", SOURCES)
def test_the_native_view_of_the_samples_is_rebuilt_from_the_lake(tmp_path: Path, source: str) -> None:
    made = [SOURCES[source].parse_all(record) for record in samples(source) if not record.columns]
    events = {one.uid: one for found in made if isinstance(found, tuple) for one in found}
    if not events:
        pytest.skip("its samples are lines of a table")
    counts = Counts()
    again = {one.uid: one for one in events_of_lake(archive(tmp_path, events.values()), counts, told_nothing)}
    assert again.keys() == events.keys()
    assert counts.without_native == {}
    for uid, one in again.items():
        assert one.logsource == events[uid].logsource
        assert one.native.keys() == events[uid].native.keys()
        assert one.ocsf == orjson.loads(ocsf.encode(events[uid].ocsf))


def test_a_line_that_lost_its_header_has_its_ocsf_view_alone(tmp_path: Path) -> None:
    columns = ("ts", "id.resp_p", "id.resp_h", "id.orig_p", "id.orig_h", "uid", "_path", "proto")
    line = b"1790078400.0\t443\t203.0.113.9\t50123\t192.0.2.10\tCaB3xw2kqG1oYd4Zu6\tconn\ttcp"
    record = RawRecord("zeek", line, Coordinates("raw.zeek", 0, 1), 0, columns)
    rules = load(
        tmp_path / "rules",
        rule_text(1, "{product: zeek, service: conn}", "a: {id.orig_h: 192.0.2.10}\ncondition: a", "Native"),
        rule_text(
            2,
            "{category: network_activity}",
            "a: {src_endpoint.ip: 192.0.2.10}\ncondition: a",
            "OCSF",
            "taxonomy: ocsf\n",
        ),
    )
    made = event(record)
    assert {tally.rule.title for tally in tried(rules, [made]).tallies.values() if tally.hits} == {"Native", "OCSF"}
    counts = Counts()
    found = tried(rules, events_of_lake(archive(tmp_path / "lake", [made]), counts, told_nothing))
    assert {tally.rule.title for tally in found.tallies.values() if tally.hits} == {"OCSF"}
    assert counts.without_native == {"zeek": 1}
    assert to_json(found, counts)["without_native"] == {"zeek": 1}
    assert "zeek: the native view of 1 event cannot be rebuilt" in "\n".join(closing(found, counts))


def test_a_line_that_would_be_read_amiss_without_its_header_is_not_read(tmp_path: Path) -> None:
    layout = next(layout for layout in LAYOUTS if layout.log == "conn")
    values = {"ts": "1790078400.0", "proto": "tcp", "id.orig_p": "50123", "id.resp_p": "443", "conn_state": "SF"}
    addresses = {"uid": "CaB3xw2kqG1oYd4Zu6", "id.orig_h": "192.0.2.10", "id.resp_h": "203.0.113.9"}
    line = "\t".join({**values, **addresses}.get(name, "-") for name in layout.names).encode()
    swapped = {"id.orig_h": "id.resp_h", "id.resp_h": "id.orig_h"}
    columns = tuple(swapped.get(name, name) for name in layout.names)
    for names, lost in ((layout.names, {}), (columns, {"zeek": 1})):
        made = event(RawRecord("zeek", line, Coordinates("raw.zeek", 0, 1), 0, tuple(names)))
        counts = Counts()
        assert len(list(events_of_lake(archive(tmp_path / str(len(lost)), [made]), counts, told_nothing))) == 1
        assert counts.without_native == lost


def test_a_folder_that_is_no_lake_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no lake with events"):
        list(events_of_lake(tmp_path, Counts(), told_nothing))


def test_a_damaged_file_of_the_lake_is_named(tmp_path: Path) -> None:
    archive(tmp_path, starts(r"C:\probe.exe"))
    (file,) = tmp_path.rglob("part-*.parquet")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(LakeUnreadable, match=file.name):
        list(events_of_lake(tmp_path, Counts(), told_nothing))

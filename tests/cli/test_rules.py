"""`braid rules list|check|explain|backtest|coverage|profile` as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import ocsf
from streams.detect.matching.meter import TELLING
from streams.lake import EVENTS, LakeWriter, event_row
from tests.cli.run import Ran, braid
from tests.raw_records import event, process_start, raw
from tests.rulecheck.build import UID, WINDOWS, rule_text

PROBE = "a: {Image|endswith: probe.exe}\ncondition: a"
TITLE = "Probe started"


def failed(ran: Ran, code: int = 2) -> str:
    """Check that a command failed as a person wants it: a message, no traceback."""
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    return ran.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with rules and recorded events."""
    (tmp_path / "rules").mkdir()
    text = rule_text(1, WINDOWS, PROBE, TITLE, "name: probe_started\ntags: [attack.t1059.001]\n")
    (tmp_path / "rules" / "probe.yml").write_text(text)
    records = [
        process_start(TimeCreated="2026-09-21T12:00:00Z"),
        process_start(Image=r"C:\other.exe"),
        process_start(Image=r"D:\probe.exe"),
    ]
    (tmp_path / "in.ndjson").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    (tmp_path / "one.json").write_text(json.dumps(records[0]))
    return tmp_path


def rules(folder: Path, *arguments: object) -> Ran:
    """Run a command with the rules of the folder as the configured ones."""
    return braid("rules", *arguments, rules=str(folder / "rules"), default_rules="false", cache_dir="")


# list and check


def test_rules_are_listed(folder: Path) -> None:
    (row,) = rules(folder, "list", "--json").json
    assert row == {
        "id": UID.format(1),
        "kind": "detection",
        "level": "high",
        "about": "product windows, category process_creation",
        "title": TITLE,
        "path": str(folder / "rules" / "probe.yml"),
    }
    assert TITLE in rules(folder, "list").out


def test_the_pack_is_listed_with_its_correlations() -> None:
    kinds = {row["kind"] for row in braid("rules", "list", "--json").json}
    assert kinds == {"detection", "correlation"}


def test_warnings_are_told_apart_from_errors_and_counted(folder: Path) -> None:
    (folder / "rules" / "bad.yml").write_text(rule_text(2, WINDOWS, "a: {Imag: x}\ncondition: a", "Misspelled"))
    ran = rules(folder, "check")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "warnings:"
    assert lines[1].strip().startswith(f"{folder / 'rules' / 'bad.yml'}:7: Misspelled: field 'Imag'")
    assert lines[-1] == "2 detections, 0 correlations, 0 problems, 1 warnings (1 unknown-field)"
    (warning,) = rules(folder, "check", "--json").json["warnings"]
    assert (warning["kind"], warning["line"], warning["rule"]) == ("unknown-field", 7, "Misspelled")
    assert rules(folder, "check", "--strict").code == 2
    (folder / "rules" / "broken.yml").write_text("title: No rule\n")
    assert rules(folder, "check").code == 2


def test_without_warnings_strict_is_content(folder: Path) -> None:
    assert rules(folder, "check", "--strict").code == 0


# exceptions

OURS = "title: Ours\nlogsource: {product: windows}\nfilter: {rules: any, x: {User|endswith: alice}, condition: not x}\n"
TERMS = "braid: {owner: platform, reason: new agent, valid_from: 2026-09-01, expires: 2026-09-22}\n"


@pytest.fixture
def excepting(folder: Path) -> Path:
    """Return the folder with an exception that takes one of the two matches out: that of 2026-09-21."""
    (folder / "rules" / "ours.yml").write_text(OURS + TERMS)
    return folder


def test_filters_are_listed_with_owner_and_expiry(excepting: Path) -> None:
    _, row = rules(excepting, "list", "--json").json
    assert row == {
        "id": "",
        "kind": "filter",
        "level": "",
        "about": "product windows",
        "title": "Ours",
        "path": str(excepting / "rules" / "ours.yml"),
        "owner": "platform",
        "reason": "new agent",
        "valid_from": "2026-09-01T00:00:00.000Z",
        "expires": "2026-09-22T00:00:00.000Z",
    }
    line = rules(excepting, "list").out.splitlines()[1]
    assert "filter         Ours  (product windows; owner platform; expires 2026-09-22T00:00:00.000Z; " in line
    (excepting / "rules" / "ours.yml").write_text(OURS)
    _, row = rules(excepting, "list", "--json").json
    assert (row["owner"], row["expires"]) == ("", "")


def test_check_tells_of_expired_exceptions_when_it_is_told_the_day(excepting: Path) -> None:
    assert rules(excepting, "check", "--strict").code == 0
    assert rules(excepting, "check", "--strict", "--today", "2026-09-21").code == 0
    ran = rules(excepting, "check", "--strict", "--today", "2026-09-22")
    assert ran.code == 2
    assert "1 warnings (1 exception-expired)" in ran.out
    assert "--today" in failed(rules(excepting, "check", "--today", "soon"))
    (excepting / "rules" / "ours.yml").write_text(OURS)
    warnings = rules(excepting, "check", "--json").json["warnings"]
    assert [one["kind"] for one in warnings] == ["exception-without-owner", "exception-without-expiry"]


def test_an_exception_holds_by_the_time_of_the_event(excepting: Path) -> None:
    ran = rules(excepting, "backtest", "--on", excepting / "in.ndjson", "--json")
    assert [list(fired["days"]) for fired in ran.json["fired"]] == [["2026-09-22"]]
    told = rules(excepting, "explain", TITLE, excepting / "in.ndjson", "--line", 1)
    assert told.code == 1
    assert "it is excepted by: Ours (owner platform, from 2026-09-01" in told.out
    assert rules(excepting, "explain", TITLE, excepting / "in.ndjson", "--line", 3).code == 0


def test_a_test_of_a_rule_sees_the_exceptions_beside_it(excepting: Path) -> None:
    tests = [
        {"name": name, "source": "windows", "record": process_start(TimeCreated=time), "fires": fires}
        for name, time, fires in (
            ("the day before", "2026-08-31T23:59:59.999Z", True),
            ("the first day", "2026-09-01T00:00:00Z", False),
            ("before it expires", "2026-09-21T23:59:59.999Z", False),
            ("after", "2026-09-22T00:00:00Z", True),
        )
    ]
    (excepting / "rules" / "probe.tests.yml").write_text(json.dumps({"tests": tests}))
    ran = rules(excepting, "test", excepting / "rules", "--json")
    assert (ran.code, ran.json["passed"], ran.json["problems"]) == (0, 4, [])


# explain


@pytest.mark.parametrize("name", [UID.format(1), "probe_started", "probe STARTED", "rules/probe.yml"])
def test_a_rule_is_found_by_any_of_its_names(folder: Path, name: str) -> None:
    text = str(folder / name) if "/" in name else name
    ran = rules(folder, "explain", text, folder / "one.json")
    assert (ran.code, ran.err) == (0, "")
    assert "The rule fires." in ran.out


def test_a_rule_that_does_not_fire_exits_1(folder: Path) -> None:
    ran = rules(folder, "explain", TITLE, folder / "in.ndjson", "--line", 2, "--json")
    assert ran.code == 1
    assert ran.json["matched"] is False
    assert ran.json["concerned"] is True
    assert ran.json["event"]["at"]["offset"] == 2
    assert rules(folder, "explain", TITLE, folder / "in.ndjson", "--line", 3).code == 0


def test_an_event_that_does_not_concern_the_rule_says_why(folder: Path) -> None:
    (folder / "dns.json").write_text(json.dumps(process_start(EventID=22, QueryName="example.com")))
    ran = rules(folder, "explain", TITLE, folder / "dns.json")
    assert ran.code == 1
    assert "the rule is about product windows, category process_creation; the event is" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("probe startet", "one.json"), "did you mean"),
        (("nothing like it at all", "one.json"), "`braid rules list` names all"),
        (("x" * 5000, "one.json"), "no detection has this id"),
        ((TITLE, "in.ndjson"), "holds more than one record; choose one with --line N"),
        ((TITLE, "in.ndjson", "--line", "9"), "no record begins at line 9; they do from 1 to 3"),
        ((TITLE, "empty"), "the record cannot be read as an event"),
        ((TITLE, "one.json", "--source", "netflow"), "netflow"),
        ((TITLE, "nowhere.json"), "nowhere.json"),
    ],
)
def test_what_cannot_be_explained_is_told_and_exits_2(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    (folder / "empty").write_text("")
    name, file, *others = arguments
    assert words in failed(rules(folder, "explain", name, folder / file, *others))


def test_a_name_of_several_rules_asks_for_the_id(folder: Path) -> None:
    (folder / "rules" / "again.yml").write_text(rule_text(2, WINDOWS, PROBE, TITLE))
    message = failed(rules(folder, "explain", TITLE, folder / "one.json"))
    assert UID.format(1) in message
    assert UID.format(2) in message


# backtest


def test_hits_are_counted(folder: Path) -> None:
    ran = rules(folder, "backtest", "--on", folder / "in.ndjson", "--json")
    assert ran.code == 0
    (fired,) = ran.json["fired"]
    assert (fired["title"], fired["hits"]) == (TITLE, 2)
    assert fired["days"] == {"2026-09-21": 1, "2026-09-22": 1}
    assert fired["first"]["offset"] == 1
    assert {"field": "Image", "value": r"D:\probe.exe"} in fired["last"]["matched"]
    assert (ran.json["events"], ran.json["hits"], ran.json["silent"]) == (3, 2, 0)
    text = rules(folder, "backtest", "--on", folder / "in.ndjson").out
    assert "2 hits of 1 rule on 3 events" in text
    assert "2026-09-21" in text


def test_another_version_shows_what_changed(folder: Path) -> None:
    (folder / "old").mkdir()
    narrow = PROBE.replace("probe.exe", r"Tools\probe.exe")
    (folder / "old" / "probe.yml").write_text(rule_text(1, WINDOWS, narrow, TITLE))
    ran = rules(folder, "backtest", "--on", folder / "in.ndjson", "--against", folder / "old", "--json")
    against = ran.json["fired"][0]["against"]
    assert (against["status"], against["new"], against["gone"], against["changed"]) == ("kept", 1, 0, 0)
    assert against["examples"]["new"][0]["offset"] == 3
    text = rules(folder, "backtest", "--on", folder / "in.ndjson", "--against", folder / "old").out
    assert "new: 2026-09-22T12:00:00.000Z" in text


def test_the_lake_is_read(folder: Path) -> None:
    made = [event(raw("windows", json.loads(line))) for line in (folder / "in.ndjson").read_text().splitlines()]
    LakeWriter(folder / "lake").write(EVENTS, [event_row(one, ocsf.encode(one.ocsf)) for one in made])
    ran = rules(folder, "backtest", "--lake", folder / "lake", "--json")
    assert [(fired["title"], fired["hits"]) for fired in ran.json["fired"]] == [(TITLE, 2)]
    seen = rules(folder, "coverage", "--lake", folder / "lake", "--json").json
    assert seen["rules_without_telemetry"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--on FILE"),
        (("--on", "in.ndjson", "--lake", "rules"), "--on FILE"),
        (("--lake", "rules"), "no lake with events"),
        (("--on", "nowhere"), "nowhere"),
    ],
)
def test_a_backtest_without_telemetry_says_what_to_do(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    told = [word if word.startswith("--") else str(folder / word) for word in arguments]
    assert words in failed(rules(folder, "backtest", *told))


def test_a_wrong_rule_is_named_before_anything_is_read(folder: Path) -> None:
    (folder / "rules" / "broken.yml").write_text("title: No rule\n")
    assert "broken.yml:1" in failed(rules(folder, "backtest", "--on", folder / "in.ndjson"))


# coverage


def test_coverage_is_told_and_the_layer_written(folder: Path) -> None:
    ran = rules(folder, "coverage", "--layer", folder / "layer.json")
    assert ran.code == 0
    assert "1 techniques covered" in ran.out
    layer = json.loads((folder / "layer.json").read_bytes())
    assert [(entry["techniqueID"], entry["tactic"], entry["score"]) for entry in layer["techniques"]] == [
        ("T1059.001", "execution", 1)
    ]


def test_coverage_by_observed_telemetry_differs(folder: Path) -> None:
    every = rules(folder, "coverage", "--json").json
    seen = rules(folder, "coverage", "--json", "--from", folder / "in.ndjson").json
    assert (every["telemetry"], seen["telemetry"]) == ("all sources", "observed")
    assert [one["technique"] for one in every["covered"]] == ["T1059.001"]
    assert 0 < len(seen["telemetry_without_rule"]) < len(every["telemetry_without_rule"])
    assert {tuple(row) for row in every["tactics"]} == {
        ("tactic", "techniques", "with a rule", "rules", "telemetry, no rule", "rules, no telemetry")
    }


def test_a_layer_that_cannot_be_written_is_named(folder: Path) -> None:
    path = folder / "one.json" / "layer.json"
    assert str(path) in failed(rules(folder, "coverage", "--layer", path))
    assert "not both" in failed(rules(folder, "coverage", "--from", folder / "in.ndjson", "--lake", folder))


# profile


def test_what_rules_cost_is_told_of_those_that_had_to_be_tried(folder: Path) -> None:
    found = rules(folder, "profile", "--on", folder / "in.ndjson", "--json").json
    assert (found["events"], found["matches"], found["over_budget"]) == (3, 2, [])
    (cost,) = found["rules"]
    assert (cost["id"], cost["title"], cost["fired"], cost["events"]) == (UID.format(1), TITLE, 2, 3)
    assert cost["us_per_event"] > 0


def test_a_rule_over_its_budget_is_named_and_exits_with_1(folder: Path) -> None:
    line = (folder / "in.ndjson").read_text().splitlines()[0]
    (folder / "many.ndjson").write_text(
        "".join(f"{line.replace('12:00:00', f'12:{n // 60:02}:{n % 60:02}')}\n" for n in range(TELLING))
    )
    told = rules(folder, "profile", "--on", folder / "many.ndjson", "--budget", "0.0001")
    assert told.code == 1
    assert f"over the budget of 0.0001 us per event: {TITLE}" in told.out
    assert f"{TELLING:,} events, {TELLING:,} matches" in told.out
    assert rules(folder, "profile", "--on", folder / "many.ndjson", "--budget", "1e9").code == 0


def test_profile_says_what_is_missing(folder: Path) -> None:
    assert "--on" in failed(rules(folder, "profile"))

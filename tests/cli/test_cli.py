from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import Context

from streams.cli import COMMANDS, cli
from streams.sources.registry import SOURCES
from streams.topics import CHANGELOGS, TOPICS
from tests.cli.run import Ran, braid
from tests.raw_records import process_start
from tests.replay.play import DEMO, NAMES, lines, write
from tests.workers.attack import attack, write_rules

BROKEN = """\
title: Broken on purpose
id: 0a4c7c52-7f3a-4a51-9d53-300000000001
status: test
level: high
logsource: {product: windows}
detection:
  selection:
    Image|nosuchmodifier: a.exe
  condition: selection
"""
ID = "0a4c7c52-7f3a-4a51-9d53-300000000002"
SOUND = BROKEN.replace("nosuchmodifier", "endswith").replace("Broken on purpose", "Sound").replace("01\n", "02\n", 1)


def failed(ran: Ran, code: int = 2) -> str:
    """Check that a command failed as a person wants it: a message, nothing else, no traceback."""
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    assert ran.err.strip()
    return ran.err


def rule(folder: Path, content: str, name: str = "rule") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yml"
    path.write_text(content, "utf-8")
    return path


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a small attack in it, and the rules that see it."""
    folder = tmp_path_factory.mktemp("cli")
    zeek, windows = attack(2)
    write(folder / "in" / "zeek.ndjson", zeek)
    write(folder / "in" / "windows.ndjson", windows)
    write_rules(folder / "rules")
    return folder


def replayed(records: Path, *arguments: object, **settings: str) -> Ran:
    return braid("replay", "--no-default-rules", "--rules", records / "rules", *arguments, **settings)


# What there is.


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    ran = braid(name, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: braid {name}")


def test_all_commands_are_listed() -> None:
    out = braid("--help").out
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_list_says_of_a_command_is_how_its_own_help_begins(name: str) -> None:
    command = cli.get_command(Context(cli), name)
    assert command is not None
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name].words.rstrip("."))


def test_an_unknown_command_is_a_usage_error() -> None:
    assert "nosuch" in failed(braid("nosuch"))


def test_sources_are_listed() -> None:
    ran = braid("sources", "list", "--json")
    assert ran.code == 0
    assert [row["name"] for row in ran.json] == list(SOURCES)
    for row in ran.json:
        source = SOURCES[row["name"]]
        assert row == {
            "name": source.name,
            "title": source.title,
            "topic": f"raw.{source.name}",
            "shippers": list(source.shippers),
            "classes": list(source.classes),
            "entities": list(source.entities),
            "delay_ms": source.delay_ms,
        }


def test_sources_are_listed_for_people_too() -> None:
    out = braid("sources", "list").out
    assert [source.topic for source in SOURCES.values() if source.topic not in out] == []


def test_topics_are_listed_without_a_broker_and_with_their_prefix() -> None:
    ran = braid("topics", "list", "--json", topic_prefix="lab.", bootstrap="192.0.2.1:1")
    assert ran.code == 0
    known = [f"raw.{name}" for name in SOURCES] + [topic.name for topic in (*TOPICS, *CHANGELOGS)]
    assert [row["name"] for row in ran.json] == [f"lab.{name}" for name in known]
    assert all(row["partitions"] > 0 and row["cleanup"] in {"delete", "compact"} for row in ran.json)
    plain = braid("topics", "list").out
    assert [name for name in known if name not in plain] == []


def test_a_prefix_that_no_topic_can_have_is_an_error() -> None:
    assert "a b." in failed(braid("topics", "list", topic_prefix="a b."))


# Rules.


def test_the_pack_is_sound() -> None:
    ran = braid("rules", "check", "--json")
    assert ran.code == 0
    assert ran.json["problems"] == []
    assert ran.json["detections"] > 0
    assert sum(ran.json["correlations"].values()) > 0


def test_everything_that_is_wrong_is_told_with_file_and_line(tmp_path: Path) -> None:
    broken = rule(tmp_path, BROKEN, "broken")
    other = rule(tmp_path, "title: No rule at all\n", "other")
    rule(tmp_path, SOUND, "sound")
    ran = braid("rules", "check", "--json", tmp_path)
    assert ran.code == 2
    assert ran.json["detections"] == 1
    problems = {Path(problem["path"]): problem for problem in ran.json["problems"]}
    assert problems.keys() == {broken, other}
    assert problems[broken]["line"] == BROKEN.splitlines().index("  selection:") + 1
    assert problems[broken]["rule"] == "Broken on purpose"
    assert "nosuchmodifier" in problems[broken]["message"]
    plain = braid("rules", "check", tmp_path)
    assert plain.code == 2
    assert f"{broken}:7: Broken on purpose: " in plain.out


def test_rules_of_the_settings_are_checked_when_none_are_named(tmp_path: Path) -> None:
    rule(tmp_path, BROKEN)
    ran = braid("rules", "check", "--json", rules=str(tmp_path), default_rules="false")
    assert (ran.code, ran.json["detections"], len(ran.json["problems"])) == (2, 0, 1)


def test_rules_that_are_not_there_are_named(tmp_path: Path) -> None:
    assert "nowhere" in failed(braid("rules", "check", tmp_path / "nowhere"))


def outcome(folder: Path, *, fires: bool) -> Ran:
    """Run the test of a sound rule that either expects what happens or does not."""
    rule(folder, SOUND, "sound")
    case = {
        "name": "the probe",
        "source": "windows",
        "record": process_start(Image=r"C:\Tools\a.exe"),
        "fires": fires,
    }
    (folder / "sound.tests.yml").write_text(json.dumps({"tests": [case]}), "utf-8")
    return braid("rules", "test", "--json", folder)


def test_a_rule_that_does_as_its_test_says_passes(tmp_path: Path) -> None:
    ran = outcome(tmp_path, fires=True)
    assert (ran.code, ran.json["passed"], ran.json["failed"]) == (0, 1, 0)
    (case,) = ran.json["cases"]
    assert case["passed"]
    assert "the probe" in case["name"]


def test_a_rule_that_does_otherwise_fails_and_says_which_test(tmp_path: Path) -> None:
    ran = outcome(tmp_path, fires=False)
    assert ran.code != 0
    assert (ran.json["passed"], ran.json["failed"]) == (0, 1)
    assert "sound" in ran.json["cases"][0]["path"]
    assert "the probe" in braid("rules", "test", tmp_path).out


def test_the_tests_of_the_pack_pass() -> None:
    ran = braid("rules", "test", "--json")
    assert ran.code == 0
    assert ran.json["failed"] == 0
    assert ran.json["passed"] == len(ran.json["cases"]) > 100


# Replay.


def test_a_replay_tells_its_summary(records: Path, tmp_path: Path) -> None:
    ran = replayed(records, "--json", "--out", tmp_path / "out", records / "in")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json == json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert ran.json["events_by_source"] == {"windows": 4, "zeek": 2}
    assert [entry["group"] for entry in ran.json["escalated"]] == ["host:ws0", "host:ws1"]
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {*NAMES, "summary"}


def test_a_replay_tells_a_person_what_it_found(records: Path, tmp_path: Path) -> None:
    ran = replayed(records, "--out", tmp_path / "out", records / "in")
    assert ran.code == 0
    assert "Downloaded, then LSASS read" in ran.out
    assert str(tmp_path / "out") in ran.out


def test_the_offset_of_a_clock_is_taken_from_the_option_or_the_settings(records: Path, tmp_path: Path) -> None:
    by_option = replayed(records, "--json", "--out", tmp_path, "--clock-offset", "windows=40m", records / "in")
    labels = {str(event["metadata"].get("labels")) for event in lines(tmp_path / "events.ndjson")}
    assert labels == {"None", "['clock_offset_ms:2400000']"}
    assert by_option.json["escalated"] == []
    assert replayed(records, "--json", records / "in", clock_offsets="windows=40m").json == by_option.json


def test_the_pack_is_left_out_only_when_told(records: Path) -> None:
    with_pack = braid("replay", "--json", "--rules", records / "rules", records / "in").json
    without = replayed(records, "--json", records / "in").json
    alone = braid("replay", "--json", records / "in").json
    assert without["signals_by_rule"].items() < with_pack["signals_by_rule"].items()
    assert alone["signals_by_rule"] != with_pack["signals_by_rule"]


def test_several_rule_directories_are_read(records: Path, tmp_path: Path) -> None:
    rule(tmp_path, SOUND)
    ran = replayed(records, "--json", "--rules", tmp_path, records / "in")
    assert "Sound" not in ran.json["signals_by_rule"]
    assert ran.json == replayed(records, "--json", records / "in").json
    assert "Broken on purpose" in failed(replayed(records, "--rules", rule(tmp_path, BROKEN), records / "in"))


def test_a_forced_source_is_taken(records: Path) -> None:
    ran = replayed(records, "--json", "--source", "zeek", records / "in" / "zeek.ndjson")
    assert ran.json["events_by_source"] == {"zeek": 2}


def test_files_that_are_left_out_are_named(records: Path, tmp_path: Path) -> None:
    write(tmp_path / "a.ndjson", (records / "in" / "zeek.ndjson").read_bytes().splitlines())
    notes = tmp_path / "notes.txt"
    notes.write_text("Only words.\nMore words.\n")
    assert replayed(records, "--json", tmp_path).json["left_out"] == {str(notes): "text"}
    assert f"{notes}: text" in replayed(records, tmp_path).err


def test_an_unknown_source_lists_the_known(records: Path) -> None:
    message = failed(replayed(records, "--source", "netflow", records / "in"))
    assert "netflow" in message
    assert [name for name in SOURCES if name not in message] == []


def test_a_path_that_is_not_there_is_named(records: Path) -> None:
    assert str(records / "none.ndjson") in failed(replayed(records, records / "in", records / "none.ndjson"))


def test_no_path_at_all_is_a_usage_error() -> None:
    assert "PATHS" in failed(braid("replay"))


def test_a_directory_without_telemetry_says_why(records: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Only words.\nMore words.\n")
    assert "notes.txt: text" in failed(replayed(records, tmp_path))


def test_a_broken_rule_stops_a_replay_with_file_line_and_field(records: Path, tmp_path: Path) -> None:
    broken = rule(tmp_path / "mine", BROKEN)
    message = failed(braid("replay", "--rules", tmp_path / "mine", "--out", tmp_path / "out", records / "in"))
    assert f"{broken}:7: Broken on purpose: " in message
    assert "detection.selection" in message
    assert not (tmp_path / "out").exists()


def test_rules_that_are_not_there_stop_a_replay(records: Path, tmp_path: Path) -> None:
    assert "nowhere" in failed(braid("replay", "--rules", tmp_path / "nowhere", records / "in"))


@pytest.mark.parametrize("offset", ["windows", "windows=soon", "windws=19h", "host:=1h"])
def test_an_offset_that_is_none_is_shown(records: Path, offset: str) -> None:
    assert repr(offset) in failed(replayed(records, "--clock-offset", offset, records / "in"))


def test_an_out_directory_that_is_a_file_is_named(records: Path) -> None:
    file = records / "in" / "zeek.ndjson"
    assert file.name in failed(replayed(records, "--out", file, records / "in"))


def test_an_out_directory_that_cannot_be_made_is_named(records: Path) -> None:
    below_a_file = records / "in" / "zeek.ndjson" / "out"
    assert str(below_a_file) in failed(replayed(records, "--out", below_a_file, records / "in"))


# Settings and the demo.


def test_a_bad_setting_is_named_with_its_variable() -> None:
    assert "BRAID_BATCH_RECORDS" in failed(braid("topics", "list", batch_records="many"))


def test_a_bad_key_is_named_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "braid.toml"
    file.write_text("nosuchkey = 1\n")
    message = failed(braid("topics", "list", config=str(file)))
    assert str(file) in message
    assert "nosuchkey" in message


def test_further_rules_come_from_the_settings(records: Path) -> None:
    ran = braid("replay", "--json", records / "in", rules=str(records / "rules"), default_rules="false")
    assert ran.json == replayed(records, "--json", records / "in").json


def test_the_demo_reaches_verdicts_without_a_broker(tmp_path: Path) -> None:
    ran = braid("demo", "--json", "--out", tmp_path / "out", bootstrap="192.0.2.1:1")
    assert (ran.code, ran.err) == (0, "")
    summary = ran.json
    assert set(summary["events_by_source"]) == {"aws_cloudtrail", "okta", "windows", "zeek"}
    assert summary["counts"]["verdicts"] == summary["counts"]["escalated"] > 0
    assert summary["counts"]["actions"] > 0
    assert len(lines(tmp_path / "out" / "events.ndjson")) == summary["counts"]["events"]


def test_the_demo_and_a_replay_of_its_files_agree() -> None:
    demo, replay = braid("demo", "--json").json, braid("replay", "--json", DEMO).json
    assert demo["counts"] == replay["counts"]
    assert demo["escalated"] == replay["escalated"]


def test_the_demo_tells_its_story() -> None:
    ran = braid("demo")
    assert (ran.code, ran.err) == (0, "")
    assert all(word in ran.out for word in ("raw record", "verdict", "proposed"))

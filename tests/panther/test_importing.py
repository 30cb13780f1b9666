"""What an import writes, and over what it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ConfigError
from streams.panther.importing import import_rules
from streams.panther.names import MAX_SLUG, correlation_uid, rule_uid, slug, slugs
from streams.panther.writing import MARK, as_yaml
from streams.rulebook import load_rulebook
from streams.ruletest import run_tests
from tests.panther.build import GROUP, SEQUENCE, fires, imported, sound, text, with_cases

WHOLE = with_cases(GROUP, fires(Guesses={"actor.email": {"alice": [0, 1, 2]}}))


def content_of(folder: Path) -> dict[str, bytes]:
    out = folder / "out"
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_files_and_their_first_line(folder: Path) -> None:
    report = sound(folder, WHOLE)
    found = content_of(folder)
    assert set(found) == {
        "detections/example_data_exported.yml",
        "detections/example_login_failed.yml",
        "example_rule.tests.yml",
        "example_rule.yml",
    }
    assert all(data.startswith(f"{MARK}\n".encode()) for data in found.values())
    assert set(report.files.values()) == {"written"}


def test_importing_again_writes_the_same_bytes(folder: Path) -> None:
    sound(folder, WHOLE, text(SEQUENCE, uid="Other"))
    before = content_of(folder)
    again = sound(folder, WHOLE, text(SEQUENCE, uid="Other"))
    assert set(again.files.values()) == {"unchanged"}
    (folder / "elsewhere").mkdir()
    sound(folder / "elsewhere", WHOLE, text(SEQUENCE, uid="Other"))
    assert content_of(folder) == before == content_of(folder / "elsewhere")


def test_a_changed_rule_is_written_anew_under_its_id(folder: Path) -> None:
    sound(folder, WHOLE)
    report = sound(folder, WHOLE.replace("High", "Low"))
    assert sorted(report.files.values()) == ["unchanged", "unchanged", "unchanged", "written"]
    found = yaml.safe_load(content_of(folder)["example_rule.yml"])
    assert (found["level"], found["id"]) == ("low", correlation_uid("Example.Rule"))


def test_what_others_wrote_is_not_written_over(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "example_rule.tests.yml").write_text("tests: []\n")
    report = imported(folder, WHOLE, text(SEQUENCE, uid="Other"))
    (problem,) = report.problems
    assert "example_rule.tests.yml was not written by an import" in problem.message
    assert [one.name for one in report.imported] == ["other"]
    assert content_of(folder)["example_rule.tests.yml"] == b"tests: []\n"
    assert "example_rule.yml" not in content_of(folder)


def test_a_detection_that_an_engineer_put_in_its_place_is_kept(folder: Path) -> None:
    sound(folder, WHOLE)
    own = folder / "out" / "detections" / "example_login_failed.yml"
    named = own.read_text().replace(f"{MARK}\n", "").replace("level: medium", "level: low")
    own.write_text(named)
    report = sound(folder, WHOLE)
    assert report.files[own] == "kept"
    assert own.read_text() == named
    own.write_text(named.replace("name: example_login_failed", "name: other"))
    assert "was not written by an import" in imported(folder, WHOLE).problems[0].message


def test_links_lead_nowhere(folder: Path) -> None:
    outside = folder / "outside.yml"
    outside.write_text(f"{MARK}\n")
    (folder / "out").mkdir()
    (folder / "out" / "example_rule.yml").symlink_to(outside)
    assert "is a link" in imported(folder, WHOLE).problems[0].message
    assert outside.read_text() == f"{MARK}\n"
    (folder / "out" / "example_rule.yml").unlink()
    (folder / "out" / "detections").symlink_to(folder)
    assert "is a link" in imported(folder, WHOLE).problems[0].message


def test_a_directory_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "rule.yml").write_text(WHOLE)
    problems = import_rules([folder / "rule.yml"], folder / "file").problems
    assert problems
    assert all("cannot be" in problem.message for problem in problems)


@pytest.mark.parametrize(
    "uid", ["../../etc/passwd", "/etc/passwd", "..", "C:\\x", "a/../b", "~root", "Ω", "-", "first"]
)
def test_names_cannot_leave_the_directory(folder: Path, uid: str) -> None:
    content = GROUP.replace("Example.Login.Failed", f"'{uid}'")
    report = sound(folder, text(content, uid=f"'{uid}'"))
    out = folder / "out"
    assert all(path.parent in {out, out / "detections"} for path in report.files)
    assert {path.name for path in folder.iterdir()} == {"rule0.yml", "out"}
    assert load_rulebook((out,)).problems == ()


@given(st.text(min_size=1, max_size=200))
def test_a_slug_is_a_plain_name(panther_id: str) -> None:
    name = slug(panther_id)
    assert name == os.path.basename(name)  # noqa: PTH119  # as the system sees it
    assert name.replace("_", "a").isalnum()
    assert name.isascii()
    assert len(name) <= MAX_SLUG + 9


def test_ids_of_one_name_are_told_apart(folder: Path) -> None:
    names = slugs(["Example.Login", "example-login", "Other"])
    assert len(set(names.values())) == 3
    assert names["Other"] == "other"
    both = GROUP.replace("Example.Data.Exported", "EXAMPLE.LOGIN.FAILED")
    report = sound(folder, text(both))
    assert load_rulebook((folder / "out",)).problems == ()
    assert len(report.files) == 3


def test_a_correlation_and_a_detection_of_one_id_are_two_rules(folder: Path) -> None:
    sound(folder, text(GROUP), text(SEQUENCE.replace("Example.Guard.Off", "Example.Rule"), uid="Later"))
    book = load_rulebook((folder / "out",))
    assert book.problems == ()
    assert rule_uid("Example.Rule") in {rule.uid for rule in book.detections}
    assert correlation_uid("Example.Rule") in {spec.uid for spec in book.correlations}


def test_a_name_that_another_import_gave_to_another_rule_is_not_taken(folder: Path) -> None:
    sound(folder, text(GROUP))
    report = imported(folder, text(GROUP, uid="EXAMPLE.RULE"))
    assert "imported from a rule of another id" in report.problems[0].message


MATCH = {"p_event_time": "2024-06-15T12:00:00Z", "p_log_type": "Okta.SystemLog", "p_rule_severity": "LOW"}


def test_detections_match_the_rule_they_stand_for_and_no_other(folder: Path) -> None:
    uid = r"Example\*?.Failed\x"
    sound(folder, text(GROUP.replace("Example.Login.Failed", f"'{uid}'")))
    cases = [
        {"name": other, "source": "panther", "record": MATCH | {"p_rule_id": other}, "fires": other == uid}
        for other in (uid, r"Example\xx.Failed\x", r"EXAMPLE\*?.FAILED\X", r"Example*?.Failed\x")
    ]
    (folder / "out" / "detections" / "example_failed_x.tests.yml").write_text(yaml.safe_dump({"tests": cases}))
    report = run_tests([folder / "out"])
    assert ([one.why for one in report.cases], report.problems) == ([""] * 4, ())


def test_matches_of_panther_go_the_whole_way(folder: Path) -> None:
    sound(folder, text(GROUP))
    guess = MATCH | {"p_rule_id": "Example.Login.Failed", "actor": {"email": "alice@example.com"}}
    export = MATCH | {"p_rule_id": "Example.Data.Exported", "p_alert_context": '{"owner": "alice@example.com"}'}
    times = zip([guess, guess, guess, export], ["0s", "1m", "2m", "1h"], strict=True)
    records = [{"source": "panther", "record": record, "at": at} for record, at in times]
    cases = [
        {"name": "all", "records": records, "sequences": 1},
        {"name": "one guess less", "records": records[1:], "sequences": 0},
    ]
    (folder / "out" / "example_rule.tests.yml").write_text(yaml.safe_dump({"tests": cases}))
    report = run_tests([folder / "out"])
    assert ([one.why for one in report.cases], report.problems) == (["", ""], ())


def test_texts_are_written_as_they_are(folder: Path) -> None:
    for value in ("a: b", "# no comment", "- x", "---", "a\nb\n", "“quoted” ümlaut", "\t", "*", "yes"):
        assert yaml.safe_load(as_yaml({"x": value}))["x"] == value
    sound(folder, text(GROUP, 'Runbook: "1. look  \\n2. act \\n"\n'))
    assert "investigation: |-\n  1. look\n  2. act\n" in content_of(folder)["example_rule.yml"].decode()


@settings(max_examples=150)
@given(data=st.data())
def test_hostile_files_give_rules_or_problems(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    lines = with_cases(SEQUENCE, fires(Change={"repo": {"shop": [0, 1]}})).splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[at].partition(":")
        wrong = data.draw(
            st.sampled_from(["", "x", "3", "[]", "{}", "[[a]]", "{a: 1}", "null", "'", "&a *a", "-1", "~"])
        )
        lines[at] = data.draw(st.sampled_from([f"{key}{colon} {wrong}", wrong, lines[at] * 2, lines[at - 1]]))
    report = imported(folder, "\n".join(lines))
    assert bool(report.problems) is not bool(report.imported)
    if report.imported:
        try:
            load_rulebook((folder / "out",)).sound()
        except ConfigError as error:  # what an import lets through, Braid takes
            raise AssertionError("\n".join(lines)) from error

"""`braid rules import-panther` as a shell sees it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.run import Ran, braid
from tests.panther.build import GROUP, fires, line_of, text, with_cases

PERSON = {"alice": [0, 1, 2]}


def run(folder: Path, *texts: str, options: tuple[str, ...] = ()) -> Ran:
    files = []
    for number, content in enumerate(texts):
        files.append(folder / f"rule{number}.yml")
        files[-1].write_text(content)
    return braid("rules", "import-panther", *options, "--out", folder / "out", *files)


def test_a_sound_file_is_imported_checked_and_tested(folder: Path) -> None:
    owner = {"p_alert_context.owner": {"alice": [5]}}
    ran = run(folder, with_cases(GROUP, fires(Guesses={"actor.email": PERSON}, Export=owner)))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "1 rules with 1 tests imported, 0 problems; 4 files written\n"
    assert braid("rules", "check", "--strict", folder / "out").code == 0
    assert braid("rules", "test", folder / "out").out.endswith("1 passed, 0 failed\n")
    again = run(folder, with_cases(GROUP, fires(Guesses={"actor.email": PERSON}, Export=owner)))
    assert again.out.endswith("4 files unchanged\n")


def test_mistakes_name_file_and_line_and_exit_2(folder: Path) -> None:
    wrong = text(GROUP, uid="Example.Wrong").replace("MinMatchCount", "MaxMatchCount")
    ran = run(folder, text(GROUP), wrong)
    assert ran.code == 2
    assert f"{folder / 'rule1.yml'}:{line_of(wrong, 'MaxMatchCount')}: Example.Wrong: " in ran.err
    assert ran.out.endswith("1 rules with 0 tests imported, 1 problems; 3 files written\n")
    assert "Traceback" not in ran.err


def test_machine_output(folder: Path) -> None:
    disabled = text(GROUP).replace("Enabled: true", "Enabled: false")
    ran = run(folder, disabled, "AnalysisType: rule", options=("--json",))
    assert ran.code == 2
    (row,) = ran.json["imported"]
    assert (row["rule_id"], row["name"], row["enabled"], row["tests"]) == ("Example.Rule", "example_rule", False, 0)
    assert "status: test" in row["remarks"][0]
    assert set(ran.json["files"].values()) == {"written"}
    assert [(one["line"], one["path"]) for one in ran.json["problems"]] == [(1, str(folder / "rule1.yml"))]


def test_what_was_kept_and_what_is_disabled_is_told(folder: Path) -> None:
    disabled = text(GROUP).replace("Enabled: true", "Enabled: false")
    assert "Panther has it disabled" in run(folder, disabled).out
    own = folder / "out" / "detections" / "example_login_failed.yml"
    own.write_text(own.read_text().partition("\n")[2])
    assert f"{own}: kept" in run(folder, disabled).out


def test_it_needs_files_and_a_place(folder: Path) -> None:
    assert braid("rules", "import-panther", "--out", folder).code == 2
    assert braid("rules", "import-panther", folder / "x.yml").code == 2

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import RuleProblem
from streams.detect.documents import MAX_FILE_BYTES
from streams.detect.loader import LoadedDocument, compile_detections, load_documents
from streams.detect.rule import DetectionRule
from tests.detect.build import fires

RULE = """\
title: {title}
id: 00000000-0000-4000-8000-{number:012d}
name: {name}
logsource: {{product: windows}}
detection:
  selection: {{a: {number}}}
  condition: selection
"""
CORRELATION = """\
title: Many
id: 00000000-0000-4000-8000-0000000000cc
correlation: {type: event_count, rules: [one], group-by: [a], timespan: 5m, condition: {gte: 5}}
"""
FILTER = """\
title: Not the lab
logsource: {product: windows}
filter:
  rules: [one]
  lab: {Host: lab}
  condition: not lab
"""


def a_rule(number: int, name: str = "", title: str = "A rule") -> str:
    return RULE.format(number=number, name=name or f"rule{number}", title=title)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_yml", ".yml").replace("_yaml", ".yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def load(*paths: Path) -> tuple[list[LoadedDocument], list[RuleProblem]]:
    return load_documents(paths)


def compiled(*paths: Path) -> tuple[tuple[DetectionRule, ...], tuple[RuleProblem, ...]]:
    documents, problems = load_documents(paths)
    assert problems == []
    return compile_detections(documents)


def test_directories_are_searched_in_depth_and_tests_and_hidden_files_left_out(tmp_path: Path) -> None:
    write(tmp_path, b_yml=a_rule(1), a__deep__c_yaml=a_rule(2), d_txt="x")
    (tmp_path / "b.tests.yml").write_text("tests: []")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yml").write_text("no: rule")
    documents, problems = load(tmp_path)
    assert problems == []
    assert [Path(document.path).relative_to(tmp_path).as_posix() for document in documents] == [
        "a/deep/c.yaml",
        "b.yml",
    ]


def test_kinds_are_told_apart_and_know_their_line(tmp_path: Path) -> None:
    write(tmp_path, a_yml="---\n".join([a_rule(1), CORRELATION, FILTER]))
    documents, problems = load(tmp_path)
    assert problems == []
    assert [(document.kind, document.line) for document in documents] == [
        ("detection", 1),
        ("correlation", 9),
        ("filter", 13),
    ]
    assert documents[1].document["title"] == "Many"


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a_yml=a_rule(1))
    assert len(load(tmp_path, tmp_path / "a.yml")[0]) == 1


def test_every_problem_of_a_directory_comes_at_once(tmp_path: Path) -> None:
    write(tmp_path, a_yml="x: [", b_yml="title: Neither\n", c_yml=a_rule(1), d_yml="detection: {}\ncorrelation: {}\n")
    (tmp_path / "e.yml").write_bytes(b"a: " + b"x" * MAX_FILE_BYTES)
    documents, problems = load(tmp_path, tmp_path / "gone.yml")
    assert len(documents) == 1
    messages = {Path(problem.path).name: str(problem) for problem in problems}
    assert sorted(messages) == ["a.yml", "b.yml", "d.yml", "e.yml", "gone.yml"]
    assert "Neither: has none of" in messages["b.yml"]
    assert "more than one" in messages["d.yml"]
    assert "longer than" in messages["e.yml"]
    assert "No such file" in messages["gone.yml"]


def test_rules_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    rules, problems = compiled(
        write(tmp_path, a_yml=a_rule(3), b_yml=a_rule(1), c_yml="---\n".join([a_rule(4), CORRELATION]))
    )
    assert problems == ()
    assert [rule.uid[-1] for rule in rules] == ["1", "3", "4"]


def test_filters_narrow_rules_of_other_files(tmp_path: Path) -> None:
    rules, problems = compiled(write(tmp_path, a_yml=a_rule(1, "one"), b_yml=a_rule(2), z_yml=FILTER))
    assert problems == ()
    assert [fires(rule, {"a": number, "Host": "lab"}) for number, rule in enumerate(rules, 1)] == [False, True]
    assert fires(rules[0], {"a": 1, "Host": "desk"})


def test_a_filter_for_no_loaded_rule_is_a_problem(tmp_path: Path) -> None:
    _, (problem,) = compiled(write(tmp_path, a_yml=a_rule(1), z_yml=FILTER))
    assert (Path(problem.path).name, problem.line, problem.rule) == ("z.yml", 4, "Not the lab")


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        (a_rule(1, title="Again"), "id 00000000-0000-4000-8000-000000000001"),
        (a_rule(2, "rule1", "Again"), "name rule1"),
    ],
)
def test_an_id_or_name_that_is_taken_is_a_problem(tmp_path: Path, second: str, complaint: str) -> None:
    _, (problem,) = compiled(write(tmp_path, a_yml=a_rule(1), b_yml=second))
    assert problem.rule == "Again"
    assert complaint in problem.message
    assert "a.yml" in problem.message


def test_bad_rules_are_left_out_and_told_with_their_lines(tmp_path: Path) -> None:
    bad = a_rule(2, title="Bad").replace("{a: 2}", "{a|nope: 2}").replace("name: rule2", "level: loud")
    rules, problems = compiled(write(tmp_path, a_yml=a_rule(1), b_yml=bad))
    assert len(rules) == 1
    assert [(Path(problem.path).name, problem.line, problem.rule) for problem in problems] == [
        ("b.yml", 3, "Bad"),
        ("b.yml", 6, "Bad"),
    ]


def test_placeholders_reach_the_rules(tmp_path: Path) -> None:
    write(tmp_path, a_yml=a_rule(1).replace("{a: 1}", "{User|expand: '%admins%'}"))
    documents, _ = load(tmp_path)
    assert "%admins%" in compile_detections(documents)[1][0].message
    (compiled_rule,), problems = compile_detections(documents, {"admins": ("alice",)})
    assert problems == ()
    assert fires(compiled_rule, {"User": "alice"})

"""The runner: which tests there are, what each says when it fails. Detections; correlations are next door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.ruletest import TestCase, run_tests
from tests.rules.build import FETCH, INSTALL, SERVICE, chain_test, fetch_test, only, run, write, write_pack

OURS = """\
---
title: Not ours
logsource: {product: zeek}
filter:
  rules: [fetch]
  ours: {uri: /tool/ours}
  condition: not ours
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_pack(tmp_path)


@pytest.mark.parametrize(("uri", "fires"), [("/tool", True), ("/page", False)])
def test_a_detection_passes_as_expected(pack, uri, fires):
    case = only(run(pack, "network/fetch", fetch_test(uri, fires=fires)))
    assert case == TestCase(str(pack / "network" / "fetch.tests.yml"), "a request", passed=True)


def test_a_detection_that_does_not_fire_fails_with_file_name_and_why(pack):
    case = only(run(pack, "network/fetch", fetch_test("/page", fires=True)))
    assert case == TestCase(str(pack / "network/fetch.tests.yml"), "a request", passed=False, why="does not fire")


def test_a_detection_that_fires_unasked_fails_with_what_matched(pack):
    case = only(run(pack, "network/fetch", fetch_test("/tool.bin", fires=False)))
    assert not case.passed
    assert case.why == "fires on {'uri': '/tool.bin'}"


def test_a_record_of_another_log_source_fails_with_its_log_source(pack):
    test = f"- {{name: a service, source: windows, fires: true, record: {json.dumps(SERVICE)}}}"
    case = only(run(pack, "network/fetch", test))
    assert not case.passed
    assert case.why.startswith("does not concern windows/system")


@pytest.mark.parametrize("fires", ["true", "false"])
def test_a_record_that_does_not_parse_fails_whatever_was_expected(pack, fires):
    case = only(run(pack, "network/fetch", f"- {{name: broken, source: windows, fires: {fires}, line: 'no json'}}"))
    assert not case.passed
    assert case.why.startswith("the record does not parse: ")


def test_a_line_is_parsed_with_its_columns(pack):
    test = r"""
        - name: a line of a file
          source: zeek
          line: "1731405012.481\tCqT5bA2wLx8nE1vRd\t192.168.40.31\t51544\t203.0.113.45\t80\tGET\t/tool"
          columns: ["#path=http", ts, uid, id.orig_h, id.orig_p, id.resp_h, id.resp_p, method, uri]
          fires: true
        """
    assert only(run(pack, "network/fetch", test)).passed


def test_only_the_rule_beside_the_file_counts(pack):
    write(
        pack / "network" / "other.yml", FETCH.replace("fetch", "other").replace("4d51", "4d54").replace("/tool", "/x")
    )
    assert only(run(pack, "network/other", fetch_test("/tool", fires=False))).passed


def test_the_tests_of_a_file_with_several_rules_name_theirs(pack):
    write(pack / "network" / "both.yml", FETCH + "---\n" + INSTALL)
    (pack / "network" / "fetch.yml").unlink()
    (pack / "workload" / "install.yml").unlink()
    named = fetch_test("/tool", fires=True).replace("name: a", "rule: fetch, name: a")
    other = named.replace("rule: fetch", "rule: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d52").replace(
        "fires: true", "fires: false"
    )
    report = run(pack, "network/both", f"{named}\n{other}\n{fetch_test('/tool', fires=True)}")
    assert [case.passed for case in report.cases] == [True, True]
    assert [(problem.line, problem.message) for problem in report.problems] == [
        (4, "several rules: name one with `rule`")
    ]


def test_a_filter_beside_its_rule_is_no_second_rule(pack):
    write(pack / "network" / "fetch.yml", FETCH + OURS)
    report = run(pack, "network/fetch", fetch_test("/tool", fires=True) + "\n" + fetch_test("/tool/ours", fires=False))
    assert not report.problems
    assert [case.passed for case in report.cases] == [True, True]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d51\n", ""),
        ("3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d51", "3D8F6A1E-52C7-4B9D-8E04-6F1A2B3C4D51"),
    ],
)
def test_a_detection_without_id_or_with_it_in_capitals_is_found(pack, given, written):
    write(pack / "network" / "fetch.yml", FETCH.replace(given, written))
    assert only(run(pack, "network/fetch", fetch_test("/tool", fires=True))).passed


def test_a_correlation_with_its_id_in_capitals_is_found(pack):
    file = pack / "correlations" / "fetch_then_install.yml"
    write(file, file.read_text().replace("3d8f6a1e-52c7-4b9d-8e04", "3D8F6A1E-52C7-4B9D-8E04"))
    assert only(run(pack, "correlations/fetch_then_install", chain_test(install_at="20m"))).passed


def test_a_rule_that_does_not_compile_is_reported_and_its_tests_too(pack):
    write(pack / "network" / "fetch.yml", FETCH.replace("condition: selection", "condition: nothing"))
    report = run(pack, "network/fetch", fetch_test("/tool", fires=True))
    assert report.cases == ()
    assert ("a request", "no sound rule stands beside this file") in [(p.rule, p.message) for p in report.problems]
    assert str(pack / "network" / "fetch.yml") in [problem.path for problem in report.problems]


def test_tests_without_a_rule_are_reported(pack):
    report = run(pack, "network/gone", fetch_test("/tool", fires=True))
    (problem,) = report.problems
    assert (problem.path, problem.line) == (str(pack / "network" / "gone.tests.yml"), 2)
    assert problem.message == "no sound rule stands beside this file"


@pytest.mark.parametrize(
    ("rule", "test", "line", "message"),
    [
        (
            "network/fetch",
            chain_test(install_at="1m"),
            2,
            "tests a detection: give one `record`, not `signals` or `records`",
        ),
        (
            "correlations/many_fetched",
            fetch_test("/tool", fires=True),
            2,
            "tests a correlation: give `signals` or `records`, not a `record`",
        ),
        (
            "correlations/fetch_then_install",
            chain_test(install_at="1m").replace("install,", "instal,"),
            5,
            "no detection or correlation is named 'instal'",
        ),
        (
            "network/fetch",
            fetch_test("/tool", fires=True).replace("name:", "rule: fetsch, name:"),
            2,
            "no rule beside this file is named 'fetsch'",
        ),
    ],
)
def test_a_test_that_does_not_fit_its_rule_is_a_problem_at_its_line(pack, rule, test, line, message):
    report = run(pack, rule, test)
    (problem,) = report.problems
    assert report.cases == ()
    assert (problem.path, problem.line, problem.message) == (str(pack / f"{rule}.tests.yml"), line, message)
    assert problem.rule in {"a chain", "a request"}


def test_every_signal_of_an_unknown_rule_is_a_problem_at_its_line(pack):
    test = chain_test(install_at="1m").replace("install,", "instal,").replace("fetch,", "fetsch,")
    report = run(pack, "correlations/fetch_then_install", test)
    assert [(problem.line, problem.message) for problem in report.problems] == [
        (4, "no detection or correlation is named 'fetsch'"),
        (5, "no detection or correlation is named 'instal'"),
    ]


def test_files_and_directories_lead_to_the_same_tests_once(pack):
    run(pack, "network/fetch", fetch_test("/tool", fires=True))
    rule, tests = pack / "network" / "fetch.yml", pack / "network" / "fetch.tests.yml"
    for paths in ([rule], [tests], [rule, tests], [pack / "network"], [pack / "network", rule]):
        assert only(run_tests(paths)) == TestCase(str(tests), "a request", passed=True), paths


def test_the_long_suffix_serves_too(pack):
    (pack / "network" / "fetch.yml").rename(pack / "network" / "fetch.yaml")
    write(pack / "network" / "fetch.tests.yaml", "tests:\n  " + fetch_test("/tool", fires=True) + "\n")
    assert only(run_tests([pack])).passed
    assert only(run_tests([pack / "network" / "fetch.yaml"])).passed


def test_hidden_files_are_left_out(pack):
    run(pack, ".draft/fetch", "- nonsense")
    report = run_tests([pack])
    assert (report.cases, report.problems) == ((), ())


def test_cases_come_by_file_and_in_their_order(pack):
    run(pack, "network/fetch", fetch_test("/tool", fires=True) + "\n" + fetch_test("/page", fires=True))
    report = run(pack, "correlations/fetch_then_install", chain_test(install_at="20m"))
    assert [(Path(case.path).name, case.passed) for case in report.cases] == [
        ("fetch_then_install.tests.yml", True),
        ("fetch.tests.yml", True),
        ("fetch.tests.yml", False),
    ]


def test_a_missing_path_is_a_problem(tmp_path):
    for name in ("gone.yml", "gone.tests.yml"):
        (problem,) = run_tests([tmp_path / name]).problems
        assert problem.path == str(tmp_path / name)
        assert problem.message.startswith("cannot be read: ")

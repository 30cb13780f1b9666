"""The runner on correlations of correlations: their hits are given by id or name; only the tested one is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streams.rulebook import load_rulebook
from streams.ruletest import run_tests
from streams.ruletest.subjects import Subjects
from tests.rules.build import HTTP, only, path_test, record, run, write, write_pack

MANY = "3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d64"
OFTEN = f"""\
title: Fetched often
id: {MANY}
name: fetched_often
level: high
correlation: {{type: event_count, rules: [fetch], group-by: [entity.host], timespan: 10m, condition: {{gte: 3}}}}
"""
CHAIN = """\
title: Fetched often, then a service installed
id: 3d8f6a1e-52c7-4b9d-8e04-6f1a2b3c4d65
name: often_then_install
correlation: {type: temporal_ordered, rules: [fetched_often, install], group-by: [entity.host], timespan: 1h}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Return the pack with a correlation that looks at another one."""
    write(tmp_path / "correlations" / "often.yml", OFTEN)
    write(tmp_path / "correlations" / "chain.yml", CHAIN)
    return write_pack(tmp_path)


def hits(first: str, expected: str, at: str = "30m") -> str:
    """Return a test of one hit, and of a service that is installed later."""
    return f"""
        - name: a chain
          signals:
            - {{{first}, at: 0s, entities: [host:ws31]}}
            - {{rule: install, at: {at}, entities: [host:ws31]}}
          {expected}
        """


@pytest.mark.parametrize("rule", [MANY, "fetched_often"])
def test_a_signal_may_be_the_hit_of_a_correlation_by_id_or_name(pack, rule):
    there = hits(f"rule: {rule}", "fires: true\n          groups: [host:ws31]")
    assert only(run(pack, "correlations/chain", there)).passed
    late = only(run(pack, "correlations/chain", hits(f"rule: {rule}", "fires: true", at="61m")))
    assert late.why == "does not fire; fired: Fetched often (1), Service installed (1)"


@pytest.mark.parametrize(("repeat", "n"), [(3, 1), (2, 0)])
def test_a_correlation_is_played_with_those_that_it_looks_at(pack, repeat, n):
    tests = hits(f"rule: fetch, repeat: {repeat}, every: 1m", f"sequences: {n}")
    assert only(run(pack, "correlations/chain", tests)).passed


def test_records_reach_a_correlation_through_another(pack):
    requests = [record("zeek", HTTP, at=f"{n}m") for n in range(3)]
    links = "links: [{left: 'ip:192.168.40.31', right: 'host:ws31'}]"
    tests = path_test(*requests, more=links) + ("          signals: [{rule: install, at: 5m, entities: [host:ws31]}]")
    assert only(run(pack, "correlations/chain", tests)).passed


def test_the_sequences_of_what_it_looks_at_do_not_count(pack):
    tests = hits("rule: fetch, repeat: 3, every: 1m", "fires: false", at="2h")
    assert only(run(pack, "correlations/chain", tests)).passed


def test_what_is_looked_at_is_tested_by_itself_too(pack):
    tests = hits("rule: fetch, repeat: 3, every: 1m", "fires: true\n          groups: [host:ws31]")
    assert only(run(pack, "correlations/often", tests)).passed


def test_the_hit_of_a_correlation_weighs_as_one_detection_of_its_level(pack):
    case = only(
        run(
            pack,
            "correlations/chain",
            hits("rule: fetched_often, domain: network", "alert: false\n          fires: true"),
        )
    )
    assert case.why.startswith("escalated: 2 distinct detections; 2 domains (network, workload), ")
    assert "risk 76 of 60 needed" in case.why
    case = only(run(pack, "correlations/chain", hits("rule: fetched_often", "alert: true\n          fires: true")))
    assert "1 domains (workload)" in case.why


def test_a_rule_that_nobody_looks_at_may_fire_too(pack):
    tests = hits("rule: many_fetched", "sequences: 1")
    case = only(run(pack, "correlations/chain", tests))
    assert case.why == "0 sequences stand, 1 expected; fired: Many tools fetched (1), Service installed (1)"


def test_only_what_a_correlation_looks_at_is_played_with_it(pack):
    book = load_rulebook([pack]).sound()
    subjects = Subjects(book)
    called = {spec.name: spec for spec in book.correlations}
    chain, often = called["often_then_install"], called["fetched_often"]
    assert {spec.name for spec in subjects.correlator(chain).specs} == {chain.name, often.name}
    assert [spec.name for spec in subjects.correlator(often).specs] == [often.name]


def test_a_detection_goes_before_a_correlation_of_its_name(pack):
    book = load_rulebook([pack]).sound()
    named = tuple(replace(spec, name="fetch") for spec in book.correlations)
    assert Subjects(replace(book, correlations=named)).by_name["fetch"] in book.detections


def test_a_chain_is_tested_by_its_file_when_all_it_looks_at_is_given(pack):
    run(pack, "correlations/chain", hits("rule: fetched_often", "fires: true"))
    chain = pack / "correlations" / "chain.yml"
    assert only(run_tests([chain, pack / "correlations" / "often.yml", pack / "network", pack / "workload"])).passed
    assert "fetched_often" in run_tests([chain]).problems[0].message

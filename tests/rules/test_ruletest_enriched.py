"""Tests of rules on enrichments: what the settings name is added to the records of a test, as ingest adds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.config import load_settings
from streams.enrichment import make_chain
from streams.ruletest import run_tests
from tests import command
from tests.raw_records import logon

RULE = """
title: Privileged sign-in
id: 0a4c7c52-7f3a-4a51-9d53-1000000000b1
name: privileged
status: test
level: high
taxonomy: ocsf
logsource: {category: authentication}
detection:
  selection: {enrichments.data.user.is_privileged: true}
  condition: selection
"""
CHAIN = """
title: Two privileged sign-ins
name: twice
id: 0a4c7c52-7f3a-4a51-9d53-1000000000b2
status: test
correlation:
  type: event_count
  rules: [privileged]
  group-by: [user.name]
  timespan: 1h
  condition: {gte: 2}
level: high
"""
FORGED = {"name": "user.name", "value": "bob", "type": "identity", "data": {"user": {"is_privileged": True}}}


def told_of(name: str, *, fires: bool, user: str, **more: object) -> dict[str, object]:
    return {"name": name, "source": "ocsf", "fires": fires, "record": logon(user={"name": user}, **more)}


DETECTION = [
    told_of("by the table", fires=True, user="alice"),
    told_of("in no table", fires=False, user="bob"),
    told_of("by the record itself", fires=True, user="bob", enrichments=[FORGED]),
]
RECORDS = [{"source": "ocsf", "record": logon(user={"name": "alice"}), "at": at} for at in ("0s", "5m")]
CORRELATION = [{"name": "twice", "rule": "twice", "records": RECORDS, "fires": True}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "privileged.yml").write_text(RULE)
    (tmp_path / "rules" / "privileged.tests.yml").write_text(json.dumps({"tests": DETECTION}))
    (tmp_path / "rules" / "twice.yml").write_text(CHAIN)
    (tmp_path / "rules" / "twice.tests.yml").write_text(json.dumps({"tests": CORRELATION}))
    (tmp_path / "people.csv").write_text("names,privileged\nalice,yes\n")
    (tmp_path / "allow.yml").write_text("- {title: x, owner: bob, expires: 2027-01-01, users: [alice], rules: '*'}")
    return tmp_path


def failing(folder: Path, **settings: tuple[Path, ...]) -> dict[str, str]:
    """Run the tests; return those that fail, each with why."""
    report = run_tests([folder / "rules"], enrichment=make_chain(load_settings(**settings)))
    assert report.problems == ()
    assert len(report.cases) == 4
    return {case.name: case.why for case in report.cases if not case.passed}


def test_records_are_enriched_from_the_tables_of_the_settings(folder: Path) -> None:
    people = (folder / "people.csv",)
    assert failing(folder, identities=people) == {}
    assert failing(folder).keys() == {"by the table", "twice"}
    assert failing(folder, identities=people, allow_lists=(folder / "allow.yml",)).keys() == {"by the table", "twice"}


def test_an_allow_list_that_silences_a_rule_is_named(folder: Path) -> None:
    told = failing(folder, identities=(folder / "people.csv",), allow_lists=(folder / "allow.yml",))
    assert told["by the table"] == "does not fire: an allow list silences it"


def test_the_command_takes_the_tables_of_its_settings(folder: Path) -> None:
    settings = {"BRAID_IDENTITIES": str(folder / "people.csv")}
    assert command.braid("rules", "test", folder / "rules", **settings).stdout == "4 passed, 0 failed\n"
    assert command.braid("rules", "test", folder / "rules").returncode == 1

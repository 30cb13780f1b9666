"""Panther's own correlation rules: imported whole, and right about every test that Panther wrote for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from streams.panther.importing import import_rules
from streams.rulebook import load_rulebook
from streams.rulecheck.findings import find
from streams.ruletest import run_tests


def test_every_rule_passes_every_test_of_panthers(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "data" / "correlation_rules").glob("*.yml"))
    if not files:
        pytest.skip("left out: needs Panther's correlation rules in the recorded telemetry")
    report = import_rules(files, tmp_path)
    assert report.problems == ()
    assert len(report.imported) == len(files)
    book = load_rulebook((tmp_path,))
    assert (book.problems, find(book.detections)) == ((), ())
    given = [len(yaml.safe_load(file.read_bytes())["Tests"]) for file in files]
    ran = run_tests([tmp_path])
    assert ran.problems == ()
    assert [(one.path, one.name, one.why) for one in ran.cases if not one.passed] == []
    assert len(ran.cases) == sum(given) > 0

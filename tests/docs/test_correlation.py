"""The reference of the correlation language: each of its examples compiles, and does what its tests say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_DNS, uuid5

import pytest
import yaml

from streams.correlate.own_keys import KNOWN
from streams.rulebook import load_rulebook
from streams.ruletest import run_tests
from tests.docs.made import DOCS

PAGE = DOCS / "correlation.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ELSEWHERE = "risk", "risk_threshold", "cooldown"  # told in prose, here and in rules.md


class Example(NamedTuple):
    """Correlations that stand one after the other, the last of which the tests behind them are of."""

    correlations: tuple[Mapping[str, Any], ...]
    tests: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.correlations[-1]["title"])


def _examples() -> Iterator[Example]:
    held: list[Mapping[str, Any]] = []
    for block in map(yaml.safe_load, BLOCK.findall(PAGE.read_text("utf-8"))):
        if "correlation" in block:
            held.append(block)
        elif "tests" in block:
            yield Example(tuple(held), block)
            held = []
    assert not held, "an example without tests"


EXAMPLES = list(_examples())
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)


def _named(value: object) -> Iterator[str]:
    """Yield what a correlation refers to: its rules, and those under `absent` and `until`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _named(one["rule"] if isinstance(one, dict) else one)


def _detections(correlations: tuple[Mapping[str, Any], ...]) -> Iterator[Mapping[str, Any]]:
    """Make a detection for each name that no correlation of the example has."""
    places = [place for one in correlations for place in (one["correlation"], one.get("braid", {}))]
    named = {name for place in places for key in ("rules", "absent", "until") for name in _named(place.get(key))}
    for name in sorted(named - {one.get("name") for one in correlations}):
        yield {
            "title": name,
            "id": str(uuid5(NAMESPACE_DNS, f"{name}.example.com")),
            "name": name,
            "logsource": {"product": "okta"},
            "detection": {"one": {"eventType": name}, "condition": "one"},
        }


def _written(example: Example, folder: Path) -> Path:
    rules = [*_detections(example.correlations), *example.correlations]
    (folder / "example.yml").write_text(yaml.safe_dump_all(rules), "utf-8")
    tests = [{"rule": example.correlations[-1]["id"], **test} for test in example.tests["tests"]]
    (folder / "example.tests.yml").write_text(yaml.safe_dump({"tests": tests}), "utf-8")
    return folder


@examples
def test_an_example_compiles_as_it_stands(example: Example, tmp_path: Path) -> None:
    book = load_rulebook([_written(example, tmp_path)]).sound()
    assert {spec.analytic.name for spec in book.correlations} == {one["title"] for one in example.correlations}


@examples
def test_an_example_does_what_its_tests_say(example: Example, tmp_path: Path) -> None:
    report = run_tests([_written(example, tmp_path)])
    assert report.problems == ()
    assert [(case.name, case.why) for case in report.cases if not case.passed] == []
    assert len(report.cases) == len(example.tests["tests"])


@examples
def test_an_example_has_a_case_that_fires_and_one_that_does_not(example: Example) -> None:
    fires = {bool(test.get("groups") or test.get("sequences") or test.get("fires")) for test in example.tests["tests"]}
    assert fires == {True, False}


def test_every_key_has_an_example() -> None:
    own = [one.get("braid", {}) for example in EXAMPLES for one in example.correlations]
    assert {key for keys in own for key in keys} | {*ELSEWHERE} >= {*KNOWN}
    places = [place for keys in own for key in ("steps", "absent") for place in keys.get(key, [])]
    assert {key for place in places for key in place} == {
        *("rule", "name", "count", "within", "group-by", "after", "before", "between")
    }

"""The public rule set and its regression records, where they are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sigma.policy.profiles import TrustedPolicy
from sigma.rule import SigmaRule

from models.event import Event, LogSource
from models.records import RawRecord
from streams.detect.engine import Detector
from streams.detect.loader import LoadedDocument, compile_detections, load_documents
from streams.detect.rule import DetectionRule
from streams.sources.producers import producers
from streams.sources.windows.source import SOURCE as WINDOWS
from tests.detect import oracle
from tests.detect.build import AT, event


def compiled(folder: Path) -> tuple[DetectionRule, ...]:
    documents, problems = load_documents([folder])
    rules, more = compile_detections(documents)
    assert [str(problem) for problem in (*problems, *more)] == []
    return rules


@pytest.fixture(scope="module")
def all_rules(shared: Path) -> tuple[DetectionRule, ...]:
    return compiled(shared / "data/sigma/rules")


@pytest.fixture(scope="module")
def regression(shared: Path) -> Detector:
    return Detector(compiled(shared / "data/sigma/rules_for_regression"))


def test_every_rule_compiles(shared: Path, all_rules: tuple[DetectionRule, ...]) -> None:
    count = sum(1 for _ in (shared / "data/sigma/rules").rglob("*.yml"))
    assert len(all_rules) == len({rule.uid for rule in all_rules}) == count > 3000
    assert [warning for rule in all_rules for warning in rule.warnings] == []
    assert all(rule.analytic.author and rule.analytic.name and rule.level for rule in all_rules)


def test_nearly_every_rule_speaks_of_a_log_source_that_some_source_produces(
    all_rules: tuple[DetectionRule, ...],
) -> None:
    unheard = [rule.path for rule in all_rules if not producers(rule.logsource)]
    assert len(unheard) <= len(all_rules) / 50, unheard


def json_documents(text: str) -> Iterator[Any]:
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield from value if isinstance(value, list) else (value,)
        position += len(text[position:]) - len(text[position:].lstrip())


def events_of(file: Path) -> list[Event]:
    text = file.read_text("utf-8-sig").strip()
    if file.suffix != ".json":  # a line of syslog, from a product without a source of its own
        return [event({"message": line}, LogSource("cisco", "aaa")) for line in text.splitlines()]
    parsed = [WINDOWS.parse(RawRecord("windows", orjson.dumps(value), AT)) for value in json_documents(text)]
    events = [found for found in parsed if isinstance(found, Event)]
    assert len(events) == len(parsed)
    return events


def test_every_regression_case_fires_its_rule(shared: Path, regression: Detector) -> None:
    index = json.loads((shared / "data/index.json").read_text())
    cases = [entry for entry in index if entry["source"] == "sigma_regression"]
    assert len(cases) > 100
    wrong = []
    for case in cases:
        expected = case["expected"]
        events = [found for file in case["file"] for found in events_of(shared / "data" / file)]
        wanted = max(count or 1 for count in (*expected["match_count"], 1))  # at least: some files hold more
        for rule_id in expected["rule_ids"]:
            fired = [m for e in events for m in regression.match(e).matches if m.rule.uid == rule_id]
            if len(fired) < wanted or not all(match.matched for match in fired):
                wrong.append((case["file"], rule_id, wanted, len(fired)))
    assert wrong == []


def test_all_rules_on_real_records_decide_as_the_oracle(shared: Path, all_rules: tuple[DetectionRule, ...]) -> None:
    detector = Detector(all_rules)
    documents, _ = load_documents([shared / "data/sigma/rules"])
    trees = {document.document["id"]: parsed(document) for document in documents}
    files = sorted((shared / "data/sigma/regression_data").rglob("*.json"))
    fired = 0
    for found in (found for file in files for found in events_of(file) if is_flat(found)):
        detection = detector.match(found)
        assert detection.failures == ()
        expected = [rule.uid for rule in detector.candidates(found) if any_holds(trees[rule.uid], found)]
        assert [match.rule.uid for match in detection.matches] == expected
        fired += len(expected)
    assert fired > len(files)


def parsed(document: LoadedDocument) -> list[Any]:
    rule = SigmaRule.from_dict(dict(document.document), policy=TrustedPolicy)
    return [condition.parsed for condition in rule.detection.parsed_condition]


def any_holds(trees: list[Any], found: Event) -> bool:
    return any(oracle.holds(tree, found.native) for tree in trees)


def is_flat(found: Event) -> bool:
    return not any(isinstance(value, dict | list) for value in found.native.values())

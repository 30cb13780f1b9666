"""The rule pack is held to what it promises, by reading it."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from enrichers.entities import entities_of
from models.event import Event
from models.ocsf import DOMAINS
from models.records import RawRecord
from streams.detect.loader import TESTS, load_documents
from streams.profile.detectors import DETECTORS
from streams.rulebook import load_rulebook
from streams.ruletest import run_tests
from streams.ruletest.given import DetectionTest, GivenRecord
from streams.ruletest.play import START_MS, WHERE
from streams.ruletest.reader import read_tests
from streams.sources.registry import SOURCES

RULES = Path(__file__).resolve().parents[2] / "streams" / "rules"
FILES = sorted(file for file in RULES.rglob("*.yml") if not file.name.endswith(TESTS))
BESIDE = sorted(file for file in RULES.rglob("*") if file.name.endswith(TESTS))
DETECTIONS = [file for file in FILES if file.parent.name in DOMAINS]
CORRELATIONS = [file for file in FILES if file.parent.name == "correlations"]
REPORT = run_tests([RULES])
TEXTS = ("title", "description", "author", "owner", "level", "investigation")
LISTS = ("tags", "telemetry", "falsepositives")
TACTIC = re.compile(r"attack\.[a-z]+(-[a-z]+)*")
TECHNIQUE = re.compile(r"attack\.t[0-9]{4}(\.[0-9]{3})?")
TACTICS = {
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
}
# A weak detection is worth something only beside others, so a correlation has to look at it: one that names it, or one
# that looks at all and groups by what the records of its tests name. These have none yet.
# The list may shrink, and a new weak detection does not go on it.
WAITING = {
    "dns_query_too_long",
    "dns_rare_top_level_domain",
    "dns_text_from_odd_domain",
    "large_upload_to_internet",
    "smb_admin_share_opened",
    "ssh_login_from_internet",
}


def name_of(file: Path) -> str:
    return file.relative_to(RULES).with_suffix("").as_posix()


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def shown(file: Path) -> list[dict[str, Any]]:
    beside = file.with_name(f"{file.stem}.tests.yml")
    return read(beside)["tests"] if beside.is_file() else []


def stands(test: dict[str, Any]) -> bool:
    """Tell whether a test of a correlation asks for a sequence; it says so by a number or by a truth value."""
    return bool(test["sequences"] if "sequences" in test else test["fires"])


def named_by(correlation: Path) -> list[str]:
    """Return the rules that a correlation names; one of the type risk may name none, and then looks at all."""
    named: list[str] = read(correlation)["correlation"].get("rules", [])
    return named


def mentioned() -> set[str]:
    return {rule for file in CORRELATIONS for rule in named_by(file)}


def domains_of(correlation: Path) -> set[str]:
    domain = {name: one.domain for name, one in DETECTORS.items()} | {
        file.stem: file.parent.name for file in DETECTIONS
    }
    return {domain[rule] for rule in named_by(correlation)}


def groups_of_all() -> set[str]:
    """Return the types of entity by which correlations group that look at every detection."""
    all_seeing = [read(file)["correlation"] for file in CORRELATIONS if not named_by(file)]
    return {field.removeprefix("entity.") for correlation in all_seeing for field in correlation["group-by"]}


def entity_types(detection: Path) -> set[str]:
    """Return the types of the entities that the records name on which a detection is shown to fire."""
    firing, _ = read_tests(detection.with_name(f"{detection.stem}.tests.yml"))
    events = [parse(test.record) for test in firing if isinstance(test, DetectionTest) and test.fires]
    return {entity.type for event in events for entity in entities_of(event.ocsf)}


def parse(given: GivenRecord) -> Event:
    event = SOURCES[given.source].parse(RawRecord(given.source, given.raw, WHERE, START_MS, given.columns))
    assert isinstance(event, Event), event
    return event


@pytest.mark.parametrize("case", REPORT.cases, ids=lambda case: f"{name_of(Path(case.path))}: {case.name}")
def test_every_test_beside_a_rule_passes(case):
    assert case.passed, case.why


def test_every_test_beside_a_rule_runs():
    assert not REPORT.problems, "\n".join(map(str, REPORT.problems))
    assert len(REPORT.cases) == sum(len(shown(file)) for file in FILES)


def test_every_rule_compiles_and_every_file_is_in_its_place():
    book = load_rulebook([RULES])
    assert not book.problems, "\n".join(map(str, book.problems))
    assert not [warning for rule in book.detections for warning in rule.warnings]
    assert (len(book.detections), len(book.correlations)) == (len(DETECTIONS), len(CORRELATIONS))
    assert sorted(DETECTIONS + CORRELATIONS) == FILES


def test_no_tests_without_a_rule():
    assert [file.name for file in BESIDE] == [f"{file.stem}.tests.yml" for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_rule_says_what_its_reader_needs(file):
    rule = read(file)
    assert rule["name"] == file.stem
    assert UUID(rule["id"]).version == 4
    assert [key for key in TEXTS if not (isinstance(rule.get(key), str) and rule[key].strip())] == []
    assert [key for key in LISTS if not (isinstance(rule.get(key), list) and all(rule[key]))] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_rule_names_tactic_and_technique(file):
    tags = [tag for tag in read(file)["tags"] if not TECHNIQUE.fullmatch(tag)]
    assert len(tags) < len(read(file)["tags"]), "no technique"
    assert tags, "no tactic"
    assert {tag.removeprefix("attack.") for tag in tags if TACTIC.fullmatch(tag)} <= TACTICS
    assert [tag for tag in tags if not TACTIC.fullmatch(tag)] == []


@pytest.mark.parametrize("key", ["id", "name", "title"])
def test_no_two_rules_share(key):
    values = Counter(read(file)[key] for file in FILES)
    assert [value for value, count in values.items() if count > 1] == []


def test_no_file_holds_two_rules():
    documents, _ = load_documents([RULES])
    assert len(documents) == len(FILES)


@pytest.mark.parametrize("file", DETECTIONS, ids=name_of)
def test_a_detection_is_shown_firing_and_quiet(file):
    assert {test["fires"] for test in shown(file)} == {True, False}


@pytest.mark.parametrize("file", CORRELATIONS, ids=name_of)
def test_a_correlation_is_shown_standing_escalated_and_quiet(file):
    tests = shown(file)
    assert any(stands(test) for test in tests), "none stands"
    assert any(test.get("alert") for test in tests), "none is escalated"
    assert any(not stands(test) for test in tests), "none is quiet"


@pytest.mark.parametrize("file", CORRELATIONS, ids=name_of)
def test_a_correlation_is_shown_on_raw_records(file):
    """But for one that needs an anomaly: weeks of records stand behind that (`tests/scenarios/test_anomaly.py`)."""
    assert DETECTORS.keys() & named_by(file) or any(test.get("records") and stands(test) for test in shown(file))


def test_enough_detections_over_every_domain():
    count = Counter(file.parent.name for file in DETECTIONS)
    assert sum(count.values()) >= 30
    assert set(count) == set(DOMAINS)


def test_enough_correlations_cross_domains():
    assert sum(len(domains_of(file)) > 1 for file in CORRELATIONS) >= 6


def test_all_domains_meet_in_a_correlation():
    assert set(chain.from_iterable(map(domains_of, CORRELATIONS))) == set(DOMAINS)
    assert any(domains_of(file) == set(DOMAINS) for file in CORRELATIONS)


def test_weak_detections_are_looked_at_by_a_correlation():
    weak = [file for file in DETECTIONS if read(file)["level"] in {"informational", "low"}]
    unnamed = {file.stem for file in weak if file.stem not in mentioned() and not entity_types(file) & groups_of_all()}
    assert unnamed == WAITING

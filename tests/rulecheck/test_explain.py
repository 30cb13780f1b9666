"""Why a rule fires on an event, or why not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.event import Event
from models.records import ParseError
from streams.detect.engine import Detector
from streams.detect.exceptions import RuleException, Terms
from streams.detect.record import Record
from streams.rulebook import load_rulebook
from streams.rulecheck.explain import Explanation, Step, explain, render
from streams.sources.registry import SOURCES
from tests.conftest import REPO
from tests.detect.build import event as plain_event
from tests.detect.build import rule
from tests.raw_records import NOON, event, process_start, raw
from tests.sources.samples import samples

PROCESS = {"product": "windows", "category": "process_creation"}


def told(detection: str, logsource: dict[str, str] | None = None, **fields: Any) -> Explanation:
    return explain(rule(detection, logsource=logsource or PROCESS), event(raw("windows", process_start(**fields))))


def parts_of(step: Step) -> list[Step]:
    return [step] if step.kind == "test" else [test for part in step.steps for test in parts_of(part)]


def only_test(detection: str, **fields: Any) -> Step:
    (test,) = parts_of(told(detection, **fields).condition)
    return test


def test_a_rule_that_fires_says_what_stood_there() -> None:
    found = told("selection: {Image|endswith: \\probe.exe}")
    assert found.matched
    (test,) = parts_of(found.condition)
    assert (test.holds, test.name, test.found) == (True, "Image", ("C:\\Tools\\probe.exe",))
    assert test.wanted == r'ends with "\\probe.exe"'


def test_a_rule_that_does_not_fire_says_what_stood_there_instead() -> None:
    found = told("selection: {Image|endswith: \\other.exe, CommandLine|contains: all}")
    assert not found.matched
    assert found.why_not_concerned == ""
    assert [(test.name, test.holds) for test in parts_of(found.condition)] == [("Image", False), ("CommandLine", True)]
    text = "\n".join(render(found))
    assert "✗ Image ends with" in text
    assert "✓ CommandLine contains" in text
    assert "The rule does not fire." in text


def test_a_field_that_is_not_there_is_absent() -> None:
    test = only_test("selection: {ParentImage: x}")
    assert (test.absent, test.found) == (True, ())
    assert "nothing (the field is absent)" in "\n".join(render(told("selection: {ParentImage: x}")))


def test_a_log_source_that_does_not_concern_the_event_says_why_and_the_condition_is_decided_all_the_same() -> None:
    found = told("selection: {Image|endswith: probe.exe}", {"product": "linux", "category": "process_creation"})
    assert not found.matched
    assert found.condition.holds
    assert "product linux" in found.why_not_concerned
    assert "product windows, service sysmon, category process_creation" in found.why_not_concerned
    assert "its log source does not concern this event" in "\n".join(render(found))


def test_a_class_that_does_not_concern_the_event_says_so() -> None:
    found = explain(
        rule("selection: {time|gt: 1}", taxonomy="ocsf", logsource={"category": "authentication"}),
        event(raw("windows", process_start())),
    )
    assert "OCSF class 3002" in found.why_not_concerned


def test_not_and_filters_are_part_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "title: A\nid: 5f0a1c9e-3b7d-4f7e-9d3a-0c1b2a394857\nstatus: test\nlogsource: {product: windows}\ndetection:\n"
        "  selection: {Image|endswith: probe.exe}\n  condition: selection\n"
        "---\ntitle: Not ours\nlogsource: {product: windows}\nfilter:\n"
        "  rules: [5f0a1c9e-3b7d-4f7e-9d3a-0c1b2a394857]\n  ours: {User|endswith: alice}\n  condition: not ours\n"
    )
    (narrowed,) = load_rulebook([tmp_path]).sound().detections
    found = explain(narrowed, event(raw("windows", process_start())))
    assert not found.matched
    text = "\n".join(render(found))
    assert "✗ not" in text
    assert '✓ ours: User ends with "alice"' in text


def excepted(**others: Any) -> Explanation:
    """Explain a rule that fires at noon of 2026-09-22 and has an exception for alice."""
    made = rule("selection: {Image|endswith: probe.exe}", logsource=PROCESS)
    condition = rule("ours: {User|endswith: alice}\ncondition: not ours").condition
    known = RuleException("Ours", condition, Terms(**{"owner": "platform", "reason": "new", **others}))
    return explain(replace(made, exceptions=(known,)), event(raw("windows", process_start())))


def test_an_exception_that_takes_the_match_out_is_named_with_its_owner_and_expiry() -> None:
    found = excepted(from_ms=NOON, to_ms=NOON + 1)
    assert (found.condition.holds, found.matched) == (True, False)
    lines = list(render(found))
    name = "Ours (owner platform, from 2026-09-22T12:00:00.000Z, expires 2026-09-22T12:00:00.001Z)"
    assert f"✗ exception: {name}: takes this event out" in lines
    assert lines[-1] == f"The rule does not fire. Its condition holds, but it is excepted by: {name}."
    (told_json,) = json.loads(json.dumps(found.to_json()))["exceptions"]
    assert told_json.pop("condition")["holds"] is False
    assert told_json == {
        "title": "Ours",
        "owner": "platform",
        "reason": "new",
        "valid_from": "2026-09-22T12:00:00.000Z",
        "expires": "2026-09-22T12:00:00.001Z",
        "in_force": True,
        "excepts": True,
    }


@pytest.mark.parametrize("limits", [{"to_ms": NOON}, {"from_ms": NOON + 1}])
def test_an_exception_that_does_not_hold_at_the_time_of_the_event_lets_the_rule_fire(limits: dict[str, int]) -> None:
    found = excepted(**limits)
    assert found.matched
    assert "does not hold at the time of this event" in "\n".join(render(found))
    assert found.to_json()["exceptions"][0]["excepts"] is False


def test_an_exception_without_owner_and_end_says_so() -> None:
    assert "Ours (no owner, never expires): takes this event out" in "\n".join(render(excepted(owner="")))
    made = excepted().rule
    other = explain(made, event(raw("windows", process_start(User="bob"))))
    assert other.matched
    assert "is not about this event" in "\n".join(render(other))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("{Image: a.exe}", 'is "a.exe"'),
        ("{Image: '*'}", "has any value"),
        ("{Image: 'a*b'}", 'looks like "a*b"'),
        ("{Image: 'a?b'}", 'looks like the pattern "a.b"'),
        ("{Image|cased: A.exe}", 'is "A.exe", in this case'),
        ("{Image|re: '^a.*b$'}", 'matches "^a.*b$"'),
        ("{Image|startswith: [a, b]}", 'begins with "a" or "b"'),
        ("{ProcessId|gte: 5}", ">= 5"),
        ("{ProcessId: [4100, 53]}", 'is "4100" or "53"'),
        ("{Ip|cidr: 192.0.2.0/24}", "is in 192.0.2.0/24"),
        ("{Image: null}", "is absent or null"),
        ("{Image|exists: true}", "is there"),
        ("{Image|exists: false}", "is not there"),
        ("{Image|fieldref: User}", "equals the field User"),
        ("{Image|fieldref|endswith: User}", "ends with the field User"),
        ("{TimeCreated|hour: 3}", "has a time whose hour is 3"),
        ("[one, two]", 'contains "one" or "two"'),
    ],
)
def test_what_a_test_wants_is_said_in_words(item: str, words: str) -> None:
    assert only_test(f"selection: {item}").wanted == words


def test_a_long_list_is_cut() -> None:
    values = ", ".join(f"a{number:03}" for number in range(100))
    assert only_test(f"selection: {{Image: [{values}]}}").wanted.endswith("or 92 more")


def test_keywords_show_where_they_stand() -> None:
    assert only_test("selection: [probe.exe]").found[0] == "Image: C:\\Tools\\probe.exe"
    assert "in no value of the record" in "\n".join(render(told("selection: [nowhere]")))


def test_hostile_values_are_escaped_and_cut() -> None:
    hostile = 'a"\x1b[2J\u202e\nThe rule fires.' + "x" * 5000
    found = told("selection: {CommandLine|contains: nothing}", CommandLine=hostile)
    text = "\n".join(render(found))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert [line for line in text.splitlines() if line.startswith("The rule")] == ["The rule does not fire."]
    assert max(map(len, text.splitlines())) < 1000


EVERYTHING = rule(
    """
    a: {x|contains: [q, 5], y.z|re: 'a+', 'n|gt': 3}
    b: [p, q]
    c: {x: null}
    d: {x|fieldref: y, w|exists: false}
    e: {t|hour: 3, i|cidr: 192.0.2.0/24, s|cased|startswith: A}
    condition: (a or not b) and (c or d) or e
    """
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyznpq"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("xyzwntis"), VALUES, max_size=6))
def test_whatever_stands_in_a_record_is_explained_as_it_is_decided(native: dict[str, Any]) -> None:
    found = explain(EVERYTHING, plain_event(native))
    assert found.matched is EVERYTHING.condition.matches(Record(native))
    assert all("\n" not in line for line in render(found))
    json.dumps(found.to_json())


def test_the_engine_and_the_explanation_agree_on_every_rule_and_sample() -> None:
    rules = load_rulebook([REPO / "streams" / "rules"]).sound().detections
    detector = Detector(rules)
    fired = 0
    for name, source in SOURCES.items():
        for record in samples(name):
            found = source.parse_all(record)
            for one in () if isinstance(found, ParseError) else found:
                fired += _agree(detector, one)
    assert fired > 0


def _agree(detector: Detector, one: Event) -> int:
    fires = {match.rule.uid for match in detector.match(one).matches}
    assert {each.uid for each in detector.rules if explain(each, one).matched} == fires
    return len(fires)

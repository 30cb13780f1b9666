"""Exceptions with dates: every way of matching takes the same matches out, and those that a naive reading takes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.event import LogSource
from streams.detect.engine import Detector
from streams.detect.exceptions import RuleException, Terms
from streams.detect.record import Record
from streams.detect.rule import DetectionRule
from tests.detect.build import event
from tests.detect.matching.test_exactness import RECORDS, rules

TIMES = st.integers(0, 40)
SYSMON = LogSource("windows", "sysmon")


@st.composite
def windows(draw: st.DrawFn) -> Terms:
    start, end = draw(st.none() | st.integers(0, 20)), draw(st.none() | st.integers(21, 40))
    return Terms("svc-platform", "", start, end)


@st.composite
def excepted_rules(draw: st.DrawFn) -> tuple[DetectionRule, ...]:
    """Give rules the conditions of other rules, which speak of the same few fields, as exceptions."""
    conditions = st.sampled_from([found.condition for found in draw(rules())])
    exceptions = st.lists(st.builds(RuleException, st.just("E"), conditions, windows()), max_size=3).map(tuple)
    return tuple(replace(found, exceptions=draw(exceptions)) for found in draw(rules()))


def naively(rule: DetectionRule, view: dict[str, Any], time: int) -> tuple[bool, bool]:
    """Tell whether the rule matches, and whether it fires, from the definition alone."""
    matched = rule.condition.matches(Record(view))
    for known in rule.exceptions:
        since, until = known.terms.from_ms, known.terms.to_ms
        in_force = time in range(0 if since is None else since, 10**6 if until is None else until)
        if in_force and not known.condition.matches(Record(view)):
            return matched, False
    return matched, matched


@settings(max_examples=300, deadline=None)
@given(excepted_rules(), st.lists(st.tuples(RECORDS, TIMES), min_size=1, max_size=8))
def test_all_ways_of_matching_agree_at_any_event_time(
    some: tuple[DetectionRule, ...], given_records: list[tuple[dict[str, Any], int]]
) -> None:
    detector = Detector(some)
    for record, time in (*given_records, *given_records):  # the second time from memory
        found = replace(event(record, SYSMON, 1007, a=record.get("a")), time=time)
        detection = detector.match(found)
        assert detection == detector.match_by_plan(found) == detector.match_every(found)
        decided = [
            (rule.uid, *naively(rule, found.ocsf if rule.taxonomy == "ocsf" else record, time))
            for rule in detector.candidates(found)
        ]
        assert [match.rule.uid for match in detection.matches] == [uid for uid, _, fires in decided if fires]
        assert detection.excepted == sum(matched and not fires for _, matched, fires in decided)

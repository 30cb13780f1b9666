from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.event import LogSource
from streams.detect.engine import Detection, Detector
from streams.detect.record import Record
from streams.detect.rule import DetectionRule
from tests.detect.build import event, rule

SYSMON = LogSource("windows", "sysmon", ("process_creation",))


def numbered(number: int, item: dict[str, object], **others: Any) -> DetectionRule:
    return rule({"selection": item}, id=f"00000000-0000-4000-8000-{number:012d}", **others)


RULES = (
    numbered(1, {"Image|endswith": ".exe"}, logsource={"product": "windows", "category": "process_creation"}),
    numbered(2, {"Image|endswith": ".exe"}, logsource={"product": "linux"}),
    numbered(3, {"device.hostname": "web01"}, taxonomy="ocsf", logsource={"category": "process_activity"}),
    numbered(4, {"device.hostname": "web01"}, taxonomy="ocsf", logsource={"category": "authentication"}),
    numbered(5, {"User|exists": True}, logsource={"product": "windows"}),
)
EVENT = event({"Image": r"C:\a.exe", "User": "alice"}, SYSMON, device={"hostname": "WEB01"})


def uids(detection: Detection) -> list[int]:
    return [int(match.rule.uid[-12:]) for match in detection.matches]


def test_rules_meet_the_view_of_the_event_that_they_speak_of() -> None:
    detection = Detector(RULES).match(EVENT)
    assert uids(detection) == [1, 3, 5]
    assert detection.matches[0].matched == (("Image", r"C:\a.exe"),)
    assert detection.matches[1].matched == (("device.hostname", "WEB01"),)
    assert detection.failures == ()


def test_an_event_meets_only_the_rules_that_concern_it() -> None:
    detector = Detector(RULES)
    assert [rule.uid[-1] for rule in detector.candidates(EVENT)] == ["1", "3", "5"]
    logon = event({"Image": "x.exe"}, LogSource("linux", "auditd"), 3002, device={"hostname": "web01"})
    assert [rule.uid[-1] for rule in detector.candidates(logon)] == ["2", "4"]


@given(st.permutations(RULES))
def test_the_order_of_the_rules_does_not_show(rules: list[DetectionRule]) -> None:
    assert Detector(rules).match(EVENT) == Detector(RULES).match(EVENT)


def test_no_rules_no_matches() -> None:
    assert Detector(()).match(EVENT) == Detection(())


@dataclass(frozen=True, slots=True)
class Faulty:
    """A predicate with a fault, as the engine has to expect one."""

    error: Exception

    def matches(self, _: Record) -> bool:
        raise self.error

    def evidence(self, _: Record) -> Iterator[tuple[str, str]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class FaultyEvidence:
    def matches(self, _: Record) -> bool:
        return True

    def evidence(self, _: Record) -> Iterator[tuple[str, str]]:
        raise KeyError("lost")


@pytest.mark.parametrize(
    "error", [ValueError("no"), TypeError("no"), RecursionError("no"), KeyError("no"), OverflowError("no")]
)
def test_a_rule_that_raises_is_a_failure_and_stops_no_other(error: Exception) -> None:
    broken = replace(RULES[0], condition=Faulty(error))
    detection = Detector((broken, *RULES[1:])).match(EVENT)
    assert uids(detection) == [3, 5]
    (failure,) = detection.failures
    assert failure.rule == broken
    assert failure.error == f"{type(error).__name__}: {error}"


def test_evidence_that_raises_is_a_failure_too() -> None:
    detection = Detector((replace(RULES[0], condition=FaultyEvidence()), RULES[4])).match(EVENT)
    assert uids(detection) == [5]
    assert [failure.error for failure in detection.failures] == ["KeyError: 'lost'"]


def test_many_log_sources_are_no_memory() -> None:
    detector = Detector(RULES)
    for number in range(3000):
        assert uids(detector.match(event({"User": "x"}, LogSource("windows", f"service-{number}")))) == [5]

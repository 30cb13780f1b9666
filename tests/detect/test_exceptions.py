"""Filters with terms: who keeps them, and when they hold, in event time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from models.errors import RuleErrors
from models.moments import start_of
from streams.detect.engine import Detection, Detector
from streams.detect.exceptions import RuleException, Terms
from streams.detect.filters import RuleFilter, apply_filters, compile_filter
from streams.detect.loader import compile_file, link_detections
from streams.detect.record import Record
from streams.detect.rule import DetectionRule
from tests.detect.build import ID, event, fires, rule

NOVEMBER = 1_793_491_200_000  # 2026-11-01T00:00:00Z
NEW_YEARS_EVE = 1_798_675_200_000  # 2026-12-31T00:00:00Z
ADMIN = {"a": 1, "User": "adm-x"}
ANYONE = {"a": 1, "User": "alice"}
SECTION = {"admins": {"User|startswith": "adm-"}, "condition": "not admins", "rules": "any"}
BASE: dict[str, Any] = {"title": "Admins do that", "logsource": {"product": "windows"}, "filter": SECTION}
LINES = {"": 1, "braid": 8, "braid.owner": 9, "braid.valid_from": 10, "braid.expires": 11, "braid.until": 12}


def dated(**own: Any) -> RuleFilter:
    return compile_filter({**BASE, "braid": own}, "rules/f.yml", LINES)


def terms(**own: Any) -> Terms:
    found = dated(**own).terms
    assert found is not None
    return found


def narrowed(*filters: RuleFilter, **others: Any) -> DetectionRule:
    (result,), _ = apply_filters((rule({"selection": {"a": 1}}, **others),), filters)
    return result


def detected(compiled: DetectionRule, native: dict[str, Any], time: int) -> Detection:
    detector, found = Detector((compiled,)), replace(event(native), time=time)
    detection = detector.match(found)
    assert detection == detector.match_by_plan(found) == detector.match_every(found)
    return detection


def fires_at(compiled: DetectionRule, native: dict[str, Any], time: int) -> bool:
    detection = detected(compiled, native, time)
    assert len(detection.matches) + detection.excepted == 1
    return bool(detection.matches)


# when


EXPIRING = narrowed(dated(owner="platform", valid_from=date(2026, 11, 1), expires=date(2026, 12, 31)))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (0, True),
        (NOVEMBER - 1, True),
        (NOVEMBER, False),
        (NEW_YEARS_EVE - 1, False),
        (NEW_YEARS_EVE, True),
        (NEW_YEARS_EVE + 86_400_000, True),
    ],
)
def test_an_exception_holds_from_its_first_millisecond_to_before_its_last(time: int, expected: bool) -> None:
    assert fires_at(EXPIRING, ADMIN, time) is expected
    assert fires_at(EXPIRING, ANYONE, time)


def test_without_a_limit_it_holds_for_ever() -> None:
    since, until = narrowed(dated(valid_from="2026-11-01")), narrowed(dated(expires="2026-12-31"))
    assert [fires_at(since, ADMIN, time) for time in (0, NOVEMBER, 10**14)] == [True, False, False]
    assert [fires_at(until, ADMIN, time) for time in (0, NEW_YEARS_EVE - 1, 10**14)] == [False, False, True]
    assert not fires_at(narrowed(dated(owner="platform")), ADMIN, 10**14)


def test_the_order_in_which_events_are_processed_does_not_count() -> None:
    detector = Detector((EXPIRING,))
    times = [NEW_YEARS_EVE + 1, NOVEMBER, NEW_YEARS_EVE, NEW_YEARS_EVE - 1, NOVEMBER]
    found = [bool(detector.match(replace(event(ADMIN), time=time)).matches) for time in times]
    assert found == [True, False, True, False, False]


def test_exceptions_add_up_and_one_that_holds_is_enough() -> None:
    first = dated(expires="2026-11-01")
    second = compile_filter(
        {**BASE, "filter": {"lab": {"Host": "lab"}, "condition": "not lab", "rules": "any"}, "braid": {"owner": "x"}},
        "rules/g.yml",
    )
    both = narrowed(first, second)
    assert not fires_at(both, ADMIN, NOVEMBER - 1)
    assert fires_at(both, ADMIN, NOVEMBER)
    assert not fires_at(both, {**ADMIN, "Host": "lab"}, NOVEMBER)
    assert detected(both, {**ADMIN, "Host": "lab"}, 0).excepted == 1


def test_a_filter_without_terms_stays_in_the_condition() -> None:
    plain = compile_filter(BASE, "rules/f.yml")
    compiled = narrowed(plain, dated(owner="platform"))
    assert [known.title for known in compiled.exceptions] == ["Admins do that"]
    assert not fires(compiled, ADMIN)
    assert detected(compiled, ADMIN, 0) == Detection(())


def test_an_exception_of_another_log_source_is_not_kept() -> None:
    assert narrowed(dated(owner="x"), logsource={"product": "linux"}).exceptions == ()


def test_an_exception_sees_the_view_of_its_rule() -> None:
    section = {"ours": {"device.hostname": "web01"}, "condition": "not ours", "rules": "any"}
    made = compile_filter(
        {"title": "F", "taxonomy": "ocsf", "logsource": {"product": "ocsf"}, "filter": section, "braid": {}},
        "f.yml",
    )
    (compiled,), _ = apply_filters(
        (rule({"selection": {"device.hostname|exists": True}}, taxonomy="ocsf", logsource={"product": "ocsf"}),),
        (made,),
    )
    for host, matches, excepted in (("web01", 0, 1), ("web02", 1, 0)):
        found = Detector((compiled,)).match(event({"device": "no map"}, device={"hostname": host}))
        assert (len(found.matches), found.excepted) == (matches, excepted)


# a fault


@dataclass(frozen=True, slots=True)
class Faulty:
    def matches(self, _: Record) -> bool:
        raise ValueError("no")

    def evidence(self, _: Record) -> Iterator[tuple[str, str]]:
        return iter(())


def test_an_exception_that_raises_is_a_failure_of_its_rule_while_it_holds() -> None:
    broken = replace(EXPIRING, exceptions=(RuleException("F", Faulty(), Terms(to_ms=NOVEMBER)),))
    other = rule({"selection": {"a": 1}}, id=ID.replace("5f", "6f"))
    detector = Detector((broken, other))
    before = detector.match(replace(event(ADMIN), time=NOVEMBER - 1))
    assert [failure.rule for failure in before.failures] == [broken]
    assert before.failures[0].error == "ValueError: no"
    assert ([match.rule for match in before.matches], before.excepted) == ([other], 0)
    assert detector.match(replace(event({"a": 2}), time=0)) == Detection(())
    after = detector.match(replace(event(ADMIN), time=NOVEMBER))
    assert ([match.rule for match in after.matches], after.failures) == ([broken, other], ())


# what is said of it


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (date(2026, 12, 31), NEW_YEARS_EVE),
        ("2026-12-31", NEW_YEARS_EVE),
        (" 2026-12-31 ", NEW_YEARS_EVE),
        (datetime(2026, 12, 31, tzinfo=UTC), NEW_YEARS_EVE),
        (datetime(2026, 12, 31, 1, tzinfo=timezone(timedelta(hours=1))), NEW_YEARS_EVE),
        ("2026-12-31T00:00:00Z", NEW_YEARS_EVE),
        ("2026-12-30T19:00:00-05:00", NEW_YEARS_EVE),
        ("2026-12-31T00:00:00.001Z", NEW_YEARS_EVE + 1),
        ("2026-12-31T00:00:00.000001Z", NEW_YEARS_EVE + 1),  # the event at the whole ms is before it
        ("1970-01-01", 0),
        (date(9999, 12, 31), 253_402_214_400_000),
    ],
)
def test_a_date_is_its_first_moment_in_utc_and_a_time_says_its_zone(value: object, ms: int) -> None:
    assert terms(expires=value).to_ms == ms
    assert terms(valid_from=value).from_ms == ms


def test_days_begin_at_midnight_in_utc() -> None:
    assert start_of(date(2026, 12, 31)) == NEW_YEARS_EVE


def test_what_yaml_makes_of_dates_is_read() -> None:
    text = """\
title: Admins do that
logsource: {product: windows}
filter: {admins: {User|startswith: adm-}, condition: not admins, rules: any}
braid:
  owner: platform
  reason: the migration
  valid_from: %s
  expires: %s
"""
    for start, end in (("2026-11-01", "2026-12-31"), ("2026-11-01T01:00:00+01:00", "'2026-12-31'")):
        (found,) = compile_file((text % (start, end)).encode(), "f.yml").documents
        assert isinstance(found.content, RuleFilter)
        assert found.content.terms == Terms("platform", "the migration", NOVEMBER, NEW_YEARS_EVE)
        assert found.content.lines == (4, 8)
    (found,) = compile_file((text % ("2026-12-31", "2026-11-01")).encode(), "f.yml").documents
    assert [(problem.line, problem.message) for problem in found.problems] == [
        (8, "braid.expires: valid_from must be before expires, or it never holds")
    ]


@pytest.mark.parametrize(
    ("own", "line", "words"),
    [
        ({"until": "2026-12-31"}, 12, "unknown key until; known: owner, reason, valid_from, expires"),
        ({"expires": "soon"}, 11, "'soon' is no date"),
        ({"expires": ""}, 11, "is no date"),
        ({"expires": None}, 11, "None is no date"),
        ({"expires": 20261231}, 11, "20261231 is no date"),
        ({"expires": True}, 11, "is no date"),
        ({"expires": ["2026-12-31"]}, 11, "is no date"),
        ({"expires": "2026-02-30"}, 11, "is no date"),
        ({"expires": "2026-12-31T18:00:00"}, 11, "has no zone"),
        ({"expires": datetime(2026, 12, 31)}, 11, "has no zone"),  # noqa: DTZ001  # as YAML has it
        ({"expires": date(1969, 12, 31)}, 11, "1970 to 9999"),
        ({"expires": "9999-12-31T23:59:59.9999Z"}, 11, "1970 to 9999"),
        ({"expires": "0001-01-01T00:00:00+23:00"}, 11, "1970 to 9999"),
        ({"expires": "9999-12-31T23:59:59-23:00"}, 11, "1970 to 9999"),
        ({"valid_from": "soon"}, 10, "'soon' is no date"),
        ({"valid_from": "2026-12-31", "expires": "2026-11-01"}, 11, "valid_from must be before expires"),
        ({"valid_from": "2026-11-01", "expires": "2026-11-01"}, 11, "valid_from must be before expires"),
        ({"owner": ""}, 9, "must be a text"),
        ({"owner": None}, 9, "must be a text"),
        ({"owner": ["platform"]}, 9, "must be a text"),
        ({"reason": 5}, 8, "must be a text"),
        (None, 8, "must be a map of owner, reason, valid_from, expires"),
        (["owner"], 8, "must be a map"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(own: Any, line: int, words: str) -> None:
    with pytest.raises(RuleErrors) as told:
        compile_filter({**BASE, "braid": own}, "rules/f.yml", LINES)
    (problem,) = told.value.problems
    assert (problem.path, problem.line, problem.rule) == ("rules/f.yml", line, "Admins do that")
    assert words in problem.message


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(RuleErrors) as told:
        dated(owner=5, valid_from="x", expires="y", until="z")
    assert sorted(problem.line for problem in told.value.problems) == [9, 10, 11, 12]


def test_a_filter_that_is_wrong_leaves_the_rule_as_it_is() -> None:
    text = (
        "title: F\nlogsource: {product: windows}\nfilter: {a: {User: x}, condition: not a, rules: any}\nbraid: {x: 1}"
    )
    compiled = compile_file(text.encode(), "f.yml")
    rules, problems = link_detections((rule({"selection": {"a": 1}}), compiled.documents[0].content))
    assert (rules[0].exceptions, problems) == ((), ())
    assert [problem.line for problem in compiled.documents[0].problems] == [4]

"""What groups and sequences become, and that it does what Panther's tests say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.panther.build import GROUP, SEQUENCE, document, fires, line_of, played, refusals, silent, text, with_cases

ABSENT_FIRST = """\
- Sequence:
    - {ID: Ask, RuleID: Example.Asked, Absence: true}
    - {ID: Do, RuleID: Example.Done}
  Transitions:
    - {From: Ask, To: Do, WithinTimeFrameMinutes: 10, Match: [{From: asked.by, To: done.by}]}
  LookbackWindowMinutes: 60
"""
ABSENT_BETWEEN = """\
- Sequence:
    - {ID: In, RuleID: Example.In}
    - {ID: Mfa, RuleID: Example.Mfa, Absence: true}
    - {ID: Read, RuleID: Example.Read}
  Transitions:
    - {From: In, To: Mfa, Match: [{On: user}]}
    - {From: Mfa, To: Read, Match: [{On: user}]}
    - {From: In, To: Read, WithinTimeFrameMinutes: 20, Match: [{On: user}]}
  LookbackWindowMinutes: 60
"""
AGAIN = """\
- Sequence:
    - {ID: Sign in, RuleID: Example.In}
    - {ID: Change, RuleID: Example.Changed, MinMatchCount: 2}
    - {ID: Sign in again, RuleID: Example.In}
    - {ID: Alarm, RuleID: Example.Alarm, Absence: true}
  Transitions:
    - {From: Sign in, To: Change, Match: [{On: user}, {On: ip}]}
    - {From: Change, To: Sign in again, WithinTimeFrameMinutes: 5, Match: [{On: ip}, {On: user}]}
    - {From: Sign in again, To: Alarm, Match: [{On: user}, {On: ip}]}
  LookbackWindowMinutes: 60
"""


def test_a_group_is_temporal_with_counts_and_aliases(folder: Path) -> None:
    found = document(folder, text(GROUP))
    assert found["correlation"] == {
        "type": "temporal",
        "rules": ["example_login_failed", "example_data_exported"],
        "group-by": ["person"],
        "aliases": {
            "person": {"example_login_failed": "actor.email", "example_data_exported": "p_alert_context.owner"}
        },
        "timespan": "90m",
    }
    assert found["braid"] == {"steps": [{"rule": "example_login_failed", "count": 3}]}


def test_one_field_of_all_needs_no_alias(folder: Path) -> None:
    found = document(folder, text(GROUP.replace("actor.email", "p_alert_context.owner")))
    assert found["correlation"]["group-by"] == ["p_alert_context.owner"]
    assert "aliases" not in found["correlation"]


def test_a_sequence_is_ordered_with_limits_and_an_absence_behind(folder: Path) -> None:
    found = document(folder, text(SEQUENCE))
    assert found["correlation"] == {
        "type": "temporal_ordered",
        "rules": ["example_guard_off", "example_code_pushed"],
        "group-by": ["repo"],
        "timespan": "2h",
    }
    assert found["braid"] == {
        "steps": [{"rule": "example_code_pushed", "within": "30m"}],
        "absent": [{"rule": "example_guard_on", "after": "example_code_pushed", "within": "45m"}],
    }


def test_absences_before_and_between(folder: Path) -> None:
    before = document(folder, text(ABSENT_FIRST))
    assert before["braid"] == {"absent": [{"rule": "example_asked", "before": "example_done", "within": "10m"}]}
    assert before["correlation"]["aliases"]["match"] == {"example_asked": "asked.by", "example_done": "done.by"}


def test_an_absence_between_steps(folder: Path) -> None:
    assert document(folder, text(ABSENT_BETWEEN))["braid"] == {
        "steps": [{"rule": "example_read", "within": "20m"}],
        "absent": [{"rule": "example_mfa", "between": ["example_in", "example_read"]}],
    }


def test_a_rule_that_is_two_steps_is_told_apart_by_their_ids(folder: Path) -> None:
    found = document(folder, text(AGAIN))
    assert found["correlation"]["rules"] == ["example_in", "example_changed", "example_in"]
    assert found["correlation"]["group-by"] == ["user", "ip"]
    assert found["braid"] == {
        "steps": [
            {"rule": "example_in", "name": "sign_in"},
            {"rule": "example_changed", "count": 2},
            {"rule": "example_in", "name": "sign_in_again", "within": "5m"},
        ],
        "absent": [{"rule": "example_alarm", "after": "sign_in_again", "within": "1h"}],
    }


def test_a_rule_that_is_two_entries_has_fields_of_each(folder: Path) -> None:
    group = """\
    - Group:
        - {ID: Giver, RuleID: Example.Granted}
        - {ID: Taker, RuleID: Example.Granted}
      MatchCriteria:
        who:
          - {GroupID: Giver, Match: actor}
          - {GroupID: Taker, Match: target}
    """
    found = document(folder, text(group))
    assert found["correlation"]["rules"] == ["example_granted", "example_granted"]
    assert found["correlation"]["timespan"] == "15m"
    assert found["braid"]["steps"][1] == {"rule": "example_granted", "name": "taker", "group-by": ["target"]}
    cases = [
        fires(Giver={"actor": {"alice": [0]}}, Taker={"target": {"alice": [5]}}),
        silent(Giver={"actor": {"alice": [0]}}, Taker={"target": {"bob": [5]}}),
    ]
    assert [one.why for one in played(folder, with_cases(group, *cases)).cases] == ["", ""]


def test_a_field_that_is_called_like_an_entity_is_still_a_field(folder: Path) -> None:
    correlation = document(folder, text(SEQUENCE.replace("On: repo", "On: entity.user")))["correlation"]
    (name,) = correlation["group-by"]
    assert set(correlation["aliases"][name].values()) == {"entity.user"}


def test_entries_that_agree_on_nothing_are_one_group(folder: Path) -> None:
    bare = GROUP[: GROUP.index("  MatchCriteria")]
    assert "group-by" not in document(folder, text(bare))["correlation"]


def _both(value: str, *times: int) -> dict[str, Any]:
    return {"repo": {value: list(times)}}


SEQUENCE_CASES = [
    fires(Change=_both("shop", 0), Push=_both("shop", 30)),
    silent(Change=_both("shop", 0), Push=_both("shop", 31)),
    silent(Change=_both("shop", 5), Push=_both("shop", 0)),
    silent(Change=_both("shop", 0), Push=_both("site", 5)),
    silent(Change=_both("shop", 0), Push=_both("shop", 5), Back=_both("shop", 50)),
    fires(Change=_both("shop", 0), Push=_both("shop", 5), Back=_both("shop", 51)),
    fires(Change=_both("shop", 0), Push=_both("shop", 5), Back=_both("site", 20)),
]
FIRST_CASES = [
    fires(Do={"done.by": {"alice": [20]}}),
    silent(Ask={"asked.by": {"alice": [10]}}, Do={"done.by": {"alice": [20]}}),
    fires(Ask={"asked.by": {"alice": [9]}}, Do={"done.by": {"alice": [20]}}),
    fires(Ask={"asked.by": {"alice": [21]}}, Do={"done.by": {"alice": [20]}}),
    fires(Ask={"asked.by": {"bob": [15]}}, Do={"done.by": {"alice": [20]}}),
]
BETWEEN_CASES = [
    fires(In={"user": {"alice": [0]}}, Read={"user": {"alice": [9]}}),
    silent(In={"user": {"alice": [0]}}, Mfa={"user": {"alice": [3]}}, Read={"user": {"alice": [9]}}),
    fires(In={"user": {"alice": [1]}}, Mfa={"user": {"alice": [0, 10]}}, Read={"user": {"alice": [9]}}),
    silent(In={"user": {"alice": [0]}}, Read={"user": {"alice": [21]}}),
]
AGAIN_CASES = [
    (fires if expected else silent)(
        **{
            "Sign in": {"user": {"alice": [0]}, "ip": {"192.0.2.7": [0]}},
            "Change": {"user": {"alice": [1, 2]}, "ip": {"192.0.2.7": [1, 2]}},
            "Sign in again": {"user": {"alice": [again]}, "ip": {address: [again]}},
            "Alarm": {"user": {"alice": alarms}, "ip": {"192.0.2.7": alarms}},
        },
    )
    for expected, again, address, alarms in [
        (True, 7, "192.0.2.7", []),
        (False, 8, "192.0.2.7", []),
        (False, 7, "192.0.2.8", []),
        (False, 7, "192.0.2.7", [30]),
        (True, 7, "192.0.2.7", [6]),
    ]
]


@pytest.mark.parametrize(
    ("detection", "cases"),
    [
        (SEQUENCE, SEQUENCE_CASES),
        (ABSENT_FIRST, FIRST_CASES),
        (ABSENT_BETWEEN, BETWEEN_CASES),
        (AGAIN, AGAIN_CASES),
    ],
    ids=["behind", "before", "between", "twice"],
)
def test_sequences_do_what_their_tests_say(folder: Path, detection: str, cases: list[Any]) -> None:
    report = played(folder, with_cases(detection, *cases))
    assert report.problems == ()
    assert [(one.name, one.why) for one in report.cases if not one.passed] == []
    assert len(report.cases) == len(cases)


def test_a_group_has_no_order_whatever_order_its_events_are_evaluated_in(folder: Path) -> None:
    group = GROUP + "  EventEvaluationOrder: Chronological\n"
    person = {"p_alert_context.owner": {"alice": [0]}}
    guesses = {"actor.email": {"alice": [1, 2, 3]}}
    report = played(folder, with_cases(group, fires(Export=person, Guesses=guesses)))
    assert [one.passed for one in report.cases] == [True]


# what cannot be carried over


def two_keys(second: str) -> str:
    return SEQUENCE.replace("- On: repo\n  Event", f"- {second}\n  Event")


@pytest.mark.parametrize(
    ("content", "part", "message"),
    [
        (two_keys("On: user"), "- On: repo", "'Change', 'Push' agree on this, but not 'Back'"),
        (two_keys("{From: user, To: repo}"), "- On: repo", "agree on this, but not 'Back'"),
        (
            two_keys("{From: repo, To: repo}\n        - {From: user, To: repo}"),
            "- On: repo",
            "'Push' would need the same value in 'repo' and in 'user'",
        ),
        (GROUP.replace("GroupID: Export", "GroupID: Expert"), "GroupID: Expert", "no entry has the ID 'Expert'"),
        (
            GROUP[: GROUP.index("      - GroupID: Export")] + "  LookbackWindowMinutes: 5\n",
            "person:",
            "'Guesses' agree on this, but not 'Export'",
        ),
        (SEQUENCE.replace("From: Change", "From: Chance"), "From: Chance", "no entry has the ID 'Chance'"),
        (
            SEQUENCE.replace("From: Push\n", "From: Back\n").replace("To: Back\n", "To: Push\n"),
            "- ID: Push NOT",
            "leads from 'Back' back to 'Push'",
        ),
        (
            ABSENT_BETWEEN.replace("To: Mfa,", "To: Mfa, WithinTimeFrameMinutes: 5,"),
            "- {From: In, To: Mfa",
            "'Mfa' must be absent all the time between 'In' and 'Read'",
        ),
        (
            SEQUENCE.replace("From: Push\n", "From: Change\n"),
            "- ID: Push NOT",
            "Braid limits the time from a step to the next one only",
        ),
        (
            SEQUENCE.replace("Chronological", "ReverseChronological"),
            "EventEvaluationOrder",
            "in the order of time only",
        ),
        (
            GROUP.replace("Example.Data.Exported", "Example.Login.Failed").replace(
                "p_alert_context.owner", "actor.email"
            ),
            "- ID: Export",
            "stands in this Group twice",
        ),
        (ABSENT_BETWEEN.replace("Example.Mfa", "Example.In"), "- {ID: Mfa", "cannot be a step and absent"),
        (GROUP.replace("MinMatchCount: 3", "MaxMatchCount: 3"), "MaxMatchCount", "unknown key 'MaxMatchCount'"),
        (
            GROUP.replace("MinMatchCount: 3", "MinMatchCount: 3\n      Absence: true"),
            "MinMatchCount",
            "fewer matches than that",
        ),
    ],
)
def test_what_cannot_be_carried_over_is_told_with_its_line(folder: Path, content: str, part: str, message: str) -> None:
    whole = text(content)
    problem = refusals(folder, whole)[0]
    assert message in problem.message
    assert (problem.line, problem.rule) == (line_of(whole, part), "Example.Rule")


def test_only_absences_are_no_rule(folder: Path) -> None:
    (problem,) = refusals(folder, text(ABSENT_FIRST.replace("Example.Done}", "Example.Done, Absence: true}")))
    assert "nothing in it has to happen" in problem.message


def test_a_limit_as_long_as_the_window_says_nothing(folder: Path) -> None:
    long = ABSENT_BETWEEN.replace("To: Mfa,", "To: Mfa, WithinTimeFrameMinutes: 60,")
    assert document(folder, text(long))["braid"]["absent"][0]["between"]

"""What the plan could get wrong, one by one; `test_exactness` tries everything else."""

from __future__ import annotations

from typing import Any

import pytest

from models.event import LogSource
from streams.detect.engine import Detector
from streams.detect.matching.memory import Memory
from streams.detect.matching.plan import MAX_NODES, Planner, Switch, switch_field
from streams.detect.rule import DetectionRule
from tests.detect.build import event, rule
from tests.detect.matching.differential import difference


def numbered(number: int, selection: dict[str, Any], **others: Any) -> DetectionRule:
    return rule({"selection": selection}, id=f"00000000-0000-4000-8000-{number:012d}", **others)


def keyword(*words: object) -> DetectionRule:
    return rule({"selection": list(words)})


def fired(detector: Detector, record: dict[str, Any]) -> bool:
    found = event(record)
    assert difference(detector, found) == ""
    return bool(detector.match(found).matches)


@pytest.mark.parametrize("wanted", [True, "1", 1])
def test_numbers_that_a_dictionary_takes_for_equal_are_told_apart(wanted: object) -> None:
    for order in ((1, True, 1.0, "1"), (True, 1.0, 1, "1"), (1.0, "1", True, 1)):
        detector = Detector([numbered(1, {"a": wanted})])
        assert [value for value in order if fired(detector, {"a": value})] == [
            value for value in order if (value is True) == (wanted is True)
        ]


def test_large_numbers_are_compared_as_they_are_written() -> None:
    detector = Detector([numbered(1, {"a": str(10**20)})])
    assert fired(detector, {"a": 10**20})
    assert not fired(detector, {"a": 1e20})


@pytest.mark.parametrize("text", ["\u017ftop", "\u212aill", "STOP", "kIlL"])
def test_keywords_are_found_whatever_their_letters_fold_from(text: str) -> None:
    detector = Detector([keyword("stop", "kill")])
    assert fired(detector, {"a": f"please {text} it"})
    assert not fired(detector, {"a": "please s\u00fcop it"})


def test_keywords_are_found_in_numbers_that_json_writes_in_another_way() -> None:
    detector = Detector([keyword("00000000000")])
    assert fired(detector, {"a": 1e16})
    assert fired(detector, {"a": {"b": [1.0, 1e17]}})
    assert not fired(detector, {"a": 1.5})


def test_a_keyword_that_is_only_a_name_is_no_match() -> None:
    detector = Detector([keyword("password")])
    assert not fired(detector, {"password": "x"})
    assert fired(detector, {"a": ["y", {"b": "the PassWord"}]})


@pytest.mark.parametrize("text", ["\x02cmd.exe\x03", "\x02cmd", ".exe\x03", "cmd.exe\x03x", "x\x02cmd.exe"])
def test_marks_in_a_value_pass_for_no_beginning_and_no_end(text: str) -> None:
    for selection in ({"a": "cmd.exe"}, {"a|startswith": "cmd"}, {"a|endswith": ".exe"}, {"a|contains": "\x03"}):
        detector = Detector([numbered(1, selection)])
        assert not fired(detector, {"a": "none"})
        fired(detector, {"a": text})
        fired(detector, {"b": text})


def test_what_was_forgotten_is_learned_again() -> None:
    rules = [numbered(n, {"a|contains": f"<{n}>", "b": n % 3}) for n in range(30)]
    detector = Detector(rules, memory_bytes=5000)
    for n in [*range(30), *reversed(range(30)), *range(30)]:
        assert fired(detector, {"a": f"x<{n}>", "b": n % 3})
        assert not fired(detector, {"a": f"x<{n}>", "b": n % 3 + 1})


def test_a_list_is_of_the_classes_of_its_elements_together() -> None:
    detector = Detector([numbered(1, {"a|contains|all": ["x", "y"], "b": "z"})])
    assert fired(detector, {"a": ["ax", "by"], "b": ["q", "z"]})
    assert not fired(detector, {"a": ["ax", "bx"], "b": "z"})
    assert not fired(detector, {"a": [], "b": "z"})
    assert fired(detector, {"a": [["x"], {"c": "y"}], "b": "z"})


def test_nested_fields_are_reached_as_the_record_does() -> None:
    detector = Detector([numbered(1, {"a.b.c": "x"})])
    for record in ({"a": {"b": {"c": "x"}}}, {"a.b.c": "x"}, {"a": {"b.c": "x"}}, {"a": [{"b": {"c": ["y", "x"]}}]}):
        assert fired(detector, record)
    for other in ({"a": {"b": "x"}}, {"a": "x"}, {"a": {"b": {"d": "x"}}}, {"a": None}, {}):
        assert not fired(detector, other)


def test_the_field_that_spares_the_most_others_comes_first() -> None:
    planner = Planner(Memory())
    rules = [numbered(n, {"EventID": n, f"a{n}": "x", f"b{n}|contains": "y"}) for n in range(3)]
    other = numbered(9, {"Image|endswith": ".exe", "User": "SYSTEM"})
    assert switch_field([planner.first_asked(known) for known in (*rules, other)]) == "EventID"
    assert switch_field([planner.first_asked(known) for known in (other, numbered(8, {"Image": "a"}))]) is None


def test_log_sources_of_the_same_rules_share_a_plan() -> None:
    detector = Detector([numbered(1, {"a": "x"})])
    for service in ("security", "system", "sysmon"):
        detector.match(event({"a": "x"}, LogSource("windows", service)))
    assert len({id(root) for root in detector._native._roots.values()}) == 1  # noqa: SLF001  # what it costs, no answer


def test_plans_can_be_made_before_they_are_needed() -> None:
    old, new = (Detector([numbered(n, {"a": "x"}) for n in range(count)]) for count in (2, 3))
    old.match(event({"a": "x"}, LogSource("windows", "sysmon")))
    new.prepare_like(old)
    made = dict(new._native._roots)  # noqa: SLF001  # when it is made, no answer
    assert len(made) == 1
    assert len(new.match(event({"a": "x"}, LogSource("windows", "sysmon"))).matches) == 3
    assert new._native._roots == made  # noqa: SLF001  # same


def nodes_made(detector: Detector) -> int:
    (root,) = detector._native._roots.values()  # noqa: SLF001  # what it costs, no answer
    return len(root._by_answer) if isinstance(root, Switch) else 0  # noqa: SLF001  # same


def test_lists_and_objects_in_the_field_that_is_switched_on_make_no_nodes() -> None:
    rules = [numbered(n, {"EventID": n, f"a{n}": "x", f"b{n}|contains": "y"}) for n in range(12)]
    detector = Detector(rules)
    for n in range(200):
        ids = [m for m in range(12) if (n * 37 >> m % 8) & 1]
        fired(detector, {"EventID": ids, "a3": "x", "b3": "y"})
        fired(detector, {"EventID": {"id": n}, "a3": "x", "b3": "y"})
    assert fired(detector, {"EventID": [1, 3], "a3": "x", "b3": "y"})
    assert nodes_made(detector) == 0
    assert fired(detector, {"EventID": 3, "a3": "x", "b3": "y"})
    assert nodes_made(detector) == 1


def test_a_switch_makes_no_more_nodes_than_its_bound() -> None:
    rules = [numbered(n, {"EventID": str(n), f"a{n}": "x", f"b{n}": "y"}) for n in range(MAX_NODES + 20)]
    detector = Detector(rules)
    for n in range(MAX_NODES + 20):
        assert (
            detector.match_by_plan(event({"EventID": str(n), f"a{n}": "x", f"b{n}": "y"})).matches[0].rule is rules[n]
        )
    assert nodes_made(detector) == MAX_NODES

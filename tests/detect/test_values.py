from __future__ import annotations

from typing import Any

import pytest

from tests.detect.build import fires, matched, rule, selection

CASES: list[tuple[str, dict[str, Any], bool]] = [
    # text: whole value, case-insensitive
    ("a: Value", {"a": "vALUE"}, True),
    ("a: Value", {"a": "Values"}, False),
    ("a: STRASSE", {"a": "straße"}, True),
    ("a|contains: ΑΣ", {"a": "ΒΑΣΓ"}, True),
    # lists of values are alternatives
    ("a: [x, y]", {"a": "Y"}, True),
    ("a: [x, y]", {"a": "z"}, False),
    # wildcards and escapes
    ("a: 'x*z'", {"a": "xyyz"}, True),
    ("a: 'x*z'", {"a": "xz"}, True),
    ("a: 'x*z'", {"a": "xyy"}, False),
    ("a: 'x?z'", {"a": "xyz"}, True),
    ("a: 'x?z'", {"a": "xz"}, False),
    ("a: '*'", {"a": ""}, True),
    ("a: '*'", {"a": None}, False),
    ("a: '*'", {}, False),
    ("a: '?*'", {"a": ""}, False),
    ("a: '?*'", {"a": "x"}, True),
    (r"a: 'x\*z'", {"a": "x*z"}, True),
    (r"a: 'x\*z'", {"a": "xyz"}, False),
    (r"a: 'x\?z'", {"a": "x?z"}, True),
    (r"a: 'x\\*z'", {"a": "x\\yz"}, True),
    (r"a: 'x\\*z'", {"a": "xyz"}, False),
    (r"a: 'x\\\*z'", {"a": r"x\*z"}, True),
    (r"a: 'C:\Windows\x'", {"a": r"c:\windows\X"}, True),
    (r"a: 'x\\y'", {"a": r"x\y"}, True),
    (r"a: 'x\\\\y'", {"a": r"x\\y"}, True),
    (r"a|endswith: '\x.exe'", {"a": r"C:\x.exe"}, True),
    ("a: 'x*y*z'", {"a": "x\n1y2\nz"}, True),
    ("a: 'x?y*'", {"a": "x\ny"}, True),
    # null and empty
    ("a: null", {"a": None}, True),
    ("a: null", {}, True),
    ("a: null", {"a": []}, True),
    ("a: null", {"a": ""}, False),
    ("a: null", {"a": 0}, False),
    ("a: []", {}, True),
    ("a: ''", {"a": ""}, True),
    ("a: ''", {}, False),
    ("a: ''", {"a": None}, False),
    ("a: ['', null]", {"b": 1}, True),
    ("a: [x, null]", {"a": "x"}, True),
    ("a: [x, null]", {"a": "y"}, False),
    ("a: null", {"a": ["x", None]}, True),
    # numbers and booleans against their text and their type
    ("EventID: 4688", {"EventID": 4688}, True),
    ("EventID: 4688", {"EventID": "4688"}, True),
    ("EventID: '4688'", {"EventID": 4688}, True),
    ("EventID: 4688", {"EventID": 4688.0}, True),
    ("EventID: 4688", {"EventID": "46880"}, False),
    ("EventID|contains: '68'", {"EventID": 4688}, True),
    ("Mask: 0x1F", {"Mask": "0x1f"}, True),
    ("Mask: 0x1F", {"Mask": 31}, True),
    ("n: -5", {"n": -5}, True),
    ("n: 1.5", {"n": 1.5}, True),
    ("n: 1.5", {"n": "1.5"}, True),
    ("n: 1", {"n": True}, False),
    ("b: true", {"b": True}, True),
    ("b: true", {"b": "True"}, True),
    ("b: 'true'", {"b": True}, True),
    ("b: false", {"b": False}, True),
    ("b: false", {"b": None}, False),
    ("b: true", {"b": 1}, False),
    ("a: [x, 5, true, null]", {"a": 5}, True),
    ("a: [x, 5, true, null]", {"a": 6}, False),
]


@pytest.mark.parametrize(("item", "record", "expected"), CASES)
def test_value(item: str, record: dict[str, Any], expected: bool) -> None:
    assert fires(selection(item), record) is expected


KEYWORDS: list[tuple[Any, dict[str, Any], bool]] = [
    (["dropped", "denied"], {"msg": "Access DENIED for alice"}, True),
    (["dropped"], {"msg": "Access denied"}, False),
    ("denied", {"deep": [{"er": {"msg": "denied!"}}]}, True),
    ("msg", {"msg": "the name of a field is no value"}, False),
    ("a*c", {"msg": "xxabbcxx"}, True),
    ("a*c", {"one": "a", "two": "c"}, False),
    ("a?c", {"msg": "xxabcxx"}, True),
    (["nothing", "a*c"], {"msg": "xxabbcxx"}, True),
    (["nothing", 7], {"n": 7}, True),
    ("one two", {"a": "one", "b": "two"}, False),
    ([0, 6], {"argv": ["init", "6"]}, True),
    ([0, 6], {"argv": ["init", "16"]}, False),
    ({"|all": ["login", "failed"]}, {"a": "Login", "b": "it failed"}, True),
    ({"|all": ["login", "failed"]}, {"a": "Login", "b": "it worked"}, False),
    ({"|cased": "Failed"}, {"a": "it failed"}, False),
    ({"|cased": "Failed"}, {"a": "it Failed"}, True),
    ({"|re": "fail(ed|ure)$"}, {"a": 1, "b": "it failed"}, True),
    ({"|startswith": "it"}, {"a": "it failed"}, True),
    ({"|startswith": "failed"}, {"a": "it failed"}, False),
    ({"|contains": "fail"}, {"a": "it failed"}, True),
    ({"|cidr": "192.0.2.0/24"}, {"a": {"b": "192.0.2.9"}}, True),
    ("x", {}, False),
]


@pytest.mark.parametrize(("keywords", "record", "expected"), KEYWORDS)
def test_keyword(keywords: Any, record: dict[str, Any], expected: bool) -> None:
    assert fires(rule({"selection": keywords}), record) is expected


def test_keyword_evidence_names_the_path() -> None:
    record = {"deep": [{"er": {"msg": "Access denied"}}], "n": 4}
    assert matched(rule({"selection": ["DENIED"]}), record) == (("deep.er.msg", "Access denied"),)
    assert matched(rule({"selection": [4]}), record) == (("n", "4"),)


def test_evidence_holds_the_values_that_match_and_only_those() -> None:
    compiled = rule("{selection: {a|contains: x, b: [1, 2]}, other: {c: y}, condition: selection or other}")
    assert matched(compiled, {"a": "axe", "b": 2, "c": "z", "d": "x"}) == (("a", "axe"), ("b", "2"))
    assert matched(compiled, {"a": ["no", "ox", "xi"], "b": 1, "c": "Y"}) == (("a", "ox"), ("b", "1"), ("c", "Y"))


def test_evidence_is_bounded() -> None:
    compiled = rule({"selection": {f"f{n}|startswith": "x" for n in range(40)}})
    pairs = matched(compiled, {f"f{n}": "x" * 5000 for n in range(40)})
    assert pairs is not None
    assert len(pairs) == 16
    assert {len(value) for _, value in pairs} == {256}


def test_what_holds_by_absence_has_no_evidence_and_still_holds() -> None:
    assert matched(rule("{selection: {a: x}, condition: not selection}"), {"a": "y"}) == ()

"""The examples of the Sigma specification 2.1 with values of our own, and what its words leave to be read closely."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import yaml

from models.errors import RuleErrors
from tests.detect.build import fires, rule, selection

# --- rules: wildcards and escaping

TEXTS: list[tuple[str, str, bool]] = [
    ("tool?.exe", "toolA.exe", True),
    ("tool?.exe", "tool.exe", False),
    ("tool?.exe", "toolAB.exe", False),
    ("scan_V*.exe", "SCAN_v1.exe", True),
    ("scan_V*.exe", "scan_V.exe", True),
    ("scan_V*.exe", "scan_V4.5.6.exe", True),
    ("scan_V*.exe", "scan_V4.dll", False),
    # a backslash before anything but a wildcard is one backslash, written once or twice
    (r"C:\Temp\new", r"c:\temp\new", True),
    (r"C:\\Temp\\new", r"c:\temp\new", True),
    (r"\\host\share", r"\host\share", True),
    (r"\\\\host\share", r"\\host\share", True),
    (r"\\\host\share", r"\\host\share", True),
    # before a wildcard: one makes it plain, two are a backslash and a wildcard, three are both plain, four two and one
    (r"a\*", "a*", True),
    (r"a\*", "ab", False),
    (r"a\?", "a?", True),
    (r"a\?", "ab", False),
    (r"a\\*", r"a\anything", True),
    (r"a\\*", "a*", False),
    (r"a\\?", r"a\b", True),
    (r"a\\\*", r"a\*", True),
    (r"a\\\*", r"a\b", False),
    (r"a\\\\*", r"a\\b", True),
    (r"a\\\\*", r"a\b", False),
    ("a*?b", "axb", True),
    ("a*?b", "ab", False),
    ("a**b", "ab", True),
    ("??", "xy", True),
    ("??", "x", False),
    ("?", "\N{GRINNING FACE}", True),
]


@pytest.mark.parametrize(("value", "text", "expected"), TEXTS)
def test_wildcards_and_escapes(value: str, text: str, expected: bool) -> None:
    assert fires(rule({"selection": {"Image": value}}), {"Image": text}) is expected


# --- rules: lists, maps, special values

SELECTIONS: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (  # keywords are alternatives, anywhere in the record
        "keywords: [BADSERVICE, 'host.exe -k bad']",
        [{"m": "a badservice b"}, {"a": {"b": ["run host.exe -k bad now"]}}],
        [{"m": "bad service"}],
    ),
    (
        "keywords: {'|all': [VirtualDirectory, ' -Url ']}",
        [{"m": "x -Url y", "n": "VirtualDirectory"}],
        [{"m": " -Url "}],
    ),
    (  # a list of maps is OR, a map is AND
        r"selection: [{Image|endswith: '\tool.exe'}, {Description|contains: a test}]",
        [{"Image": r"C:\tool.exe"}, {"Description": "only A Test"}],
        [{"Image": "tool.exe", "Description": "none"}],
    ),
    (
        "selection: {EventLog: Security, EventID: [517, 1102]}",
        [{"EventLog": "security", "EventID": "1102"}],
        [{"EventLog": "Security", "EventID": 4688}, {"EventLog": "System", "EventID": 517}],
    ),
    (
        "selection: {EventID: 4769, TicketOptions: '0x40810000', TicketEncryption: '0x17'}",
        [{"EventID": 4769, "TicketOptions": "0x40810000", "TicketEncryption": "0x17"}],
        [{"EventID": 4769, "TicketOptions": "0x40810000", "TicketEncryption": "0x12"}],
    ),
    (  # texts, maps and lists may stand in one list
        "selection: [denied, {EventID: 7}, [{a: 1}, {b: 2}]]",
        [{"m": "access denied"}, {"EventID": 7}, {"b": 2}],
        [{"m": "access", "EventID": 8, "a": 2}],
    ),
    (  # not null is a negated detection
        "{selection: {EventID: 4738}, filter: {PasswordLastSet: null}, condition: selection and not filter}",
        [{"EventID": 4738, "PasswordLastSet": "2024-01-01"}, {"EventID": 4738, "PasswordLastSet": ""}],
        [{"EventID": 4738, "PasswordLastSet": None}, {"EventID": 4738}],
    ),
    (
        "selection: {EventID: 4738, PasswordLastSet|exists: true}",
        [{"EventID": 4738, "PasswordLastSet": None}],
        [{"EventID": 4738}],
    ),
    ("selection: {a: ''}", [{"a": ""}], [{"a": " "}, {"a": None}, {}]),
    ("selection: {a: [null, '']}", [{"a": ""}, {}, {"a": None}, {"a": []}], [{"a": "x"}]),
    # a field may be nested, and hold several values or several objects
    ("selection: {user.name: alice}", [{"user": {"name": "Alice"}}, {"user.name": "alice"}], [{"user": "alice"}]),
    (
        "selection: {users.name: alice}",
        [{"users": [{"name": "bob"}, {"name": "alice"}]}],
        [{"users": [{"name": "bob"}]}],
    ),
    ("selection: {groups|contains: adm}", [{"groups": ["users", "Admins"]}], [{"groups": ["users"]}]),
    ("selection: {groups|contains|all: [adm, dev]}", [{"groups": ["Devs", "Admins"]}], [{"groups": ["Admins"]}]),
    # names of fields are as they are written, values are not
    ("selection: {Image: A}", [{"Image": "a"}], [{"image": "A"}]),
    # types: what is written without quotes is compared by its text as well
    ("selection: {a: 1.0}", [{"a": 1}, {"a": "1"}, {"a": 1.0}], [{"a": "1.5"}, {"a": True}]),
    ("selection: {a: no}", [{"a": False}, {"a": "FALSE"}], [{"a": 0}, {"a": "no"}]),
]


@pytest.mark.parametrize(("detection", "hits", "misses"), SELECTIONS)
def test_selections(detection: str, hits: list[dict[str, Any]], misses: list[dict[str, Any]]) -> None:
    section = yaml.safe_load(detection)
    compiled = rule({**section, "condition": section.get("condition", next(iter(section)))})
    assert [fires(compiled, record) for record in hits] == [True] * len(hits)
    assert [fires(compiled, record) for record in misses] == [False] * len(misses)


# --- modifiers, alone and chained, where test_modifiers.py leaves off

UTF16 = b"\xff\xfec\x00m\x00d\x00"
CHAINS: list[tuple[str, Any, bool]] = [
    ("a|neq: 5", 5, False),
    ("a|neq: 5", "6", True),
    ("a|neq: [1, 2]", 3, True),
    ("a|startswith|neq: x", "ax", True),
    ("a|re|neq: '^x'", "xa", False),
    ("a|re|i|neq: '^x'", "Xa", False),
    ("a|cidr|neq: 192.0.2.0/24", "192.0.2.1", False),
    ("a|cidr|neq: 192.0.2.0/24", "198.51.100.1", True),
    ("a|gt|neq: 5", 5, True),
    ("a|contains|all|neq: [x, y]", "xy", False),
    ("a|contains|all|neq: [x, y]", "x", True),
    ("a|re|ignorecase: X", "x", True),
    ("a|re|multiline: ^x", "y\nx", True),
    ("a|re|dotall: x.y", "x\ny", True),
    ("a|re|s|i|m: ^X.y$", "z\nx\nY\nz", True),
    ("a|cidr: 192.0.2.7", "192.0.2.7", True),  # a network of one address
    ("a|cidr: '2001:db8::/32'", "2001:0db8:0001::5", True),
    ("a|cidr: '::ffff:192.0.2.0/120'", "192.0.2.1", False),
    ("a|cidr|all: [192.0.2.0/24, 192.0.2.0/28]", "192.0.2.1", True),
    ("a|cidr|all: [192.0.2.0/24, 192.0.2.0/28]", "192.0.2.99", False),
    ("a|gte|all: [1, 5]", 4, False),
    ("a|gte: [9, 5]", 6, True),
    ("a|hour|lte: 5", "2024-03-09T05:59:00Z", True),
    ("a|minute|neq: 5", "2024-03-09T05:05:00Z", False),
    ("a|minute|neq: 5", "2024-03-09T05:06:00Z", True),
    ("a|week: 1", "2024-12-31T00:00:00Z", True),
    ("a|contains: 46", 4688, True),  # a number under a modifier of texts is its text
    ("a|startswith: 46", "4688", True),
    ("a|endswith: [88, x]", "4688", True),
    ("a|cased: 5", "5", True),
    ("a|contains|windash: ' \N{EN DASH}enc'", "p -enc", True),  # every dash stands for every other
    ("a|contains|windash: ' \N{EM DASH}enc'", "p /enc", True),
    ("a|contains|windash: ' \N{HORIZONTAL BAR}enc'", "p \N{EN DASH}enc", True),
    ("a|contains|windash: ' \N{EN DASH} enc'", "p - enc", False),  # but only where an option begins
    ("a|contains|windash|all: [' -a', ' -b']", "x \N{EM DASH}a /b", True),
    ("a|endswith|windash: ' -c'", "x /c", True),
    ("a|startswith|windash: '-c'", "/c x", True),
    ("a|base64: cmd", b64encode(b"cmd").decode(), True),
    ("a|base64offset: cmd", "Y21k", True),
    ("a|utf16|base64: cmd", b64encode(UTF16).decode(), True),
    ("a|utf16|base64offset|contains: cmd", b64encode(b"x" + UTF16 + b"x").decode(), True),
    ("a|wide|contains: cmd", "xc\x00m\x00d\x00x", True),
    ("a|wide|contains|cased: cmd", "xC\x00m\x00d\x00x", False),
    ("a|utf16be|startswith: cmd", "\x00c\x00m\x00dx", True),
    ("a|cased|startswith: Cmd", "Cmd.exe", True),
    ("a|cased|endswith: Cmd", "x.cmd", False),
    ("a|cased: 'C*d'", "Cmd", True),
    ("a|cased|all: ['C*', '*D']", "CmD", True),
]


@pytest.mark.parametrize(("item", "value", "expected"), CHAINS)
def test_chains_of_modifiers(item: str, value: Any, expected: bool) -> None:
    assert fires(selection(item), {"a": value}) is expected


REFERENCES: list[tuple[str, dict[str, Any], bool]] = [
    ("a|fieldref: [b, c]", {"a": "x", "b": "y", "c": "X"}, True),
    ("a|fieldref|all: [b, c]", {"a": "x", "b": "x", "c": "y"}, False),
    ("a|fieldref|neq: b", {"a": "x", "b": "X"}, False),
    ("a|fieldref|neq: b", {"a": "x"}, True),
    ("a|fieldref|startswith|neq: b", {"a": "xy", "b": "x"}, False),
    ("a|fieldref|endswith: b", {"a": ["no", "yx"], "b": ["z", "X"]}, True),
]


@pytest.mark.parametrize(("item", "record", "expected"), REFERENCES)
def test_references_to_fields(item: str, record: dict[str, Any], expected: bool) -> None:
    assert fires(selection(item), record) is expected


@pytest.mark.parametrize(
    "item",
    [
        "a|re|cased: x",
        "a|re|base64: x",
        "a|contains|re: x",
        "a|contains|cidr: 192.0.2.0/24",
        "a|i: x",
        "a|gt: '5'",
        "a|gt|contains: 5",
        "a|gt: [1, null]",
        "a|contains: null",
        "a|contains: true",
        "a|exists: 'true'",
        "a|contains|exists: true",
        "a|hour: '9'",
        "a|base64: 5",
        "a|base64offset: 'x?'",
        "a|fieldref: 5",
        "a|cidr: 192.0.2.0/33",
        "a|Contains: x",
        "a||contains: x",
        "a|: x",
    ],
)
def test_what_does_not_go_together_is_a_problem(item: str) -> None:
    with pytest.raises(RuleErrors):
        selection(item)


# --- placeholders

PLACEHOLDERS = {"Servers": ("srv*", "192.0.2.9"), "name": ("alice",)}
EXPANDED: list[tuple[str, str, bool]] = [
    ("a: '%name%'", "%name%", True),  # without the modifier it is text
    ("a: '%name%'", "alice", False),
    ("a|expand: '%name%'", "Alice", True),
    ("a|expand: '%Servers%'", "SRV-07", True),
    ("a|expand|contains: '%Servers%'", "x srv y", True),
    ("a|expand: 'x-%name%-%Servers%'", "x-alice-192.0.2.9", True),
    ("a|expand|all: ['%name%', '*']", "alice", True),
    (r"a|expand: '\%plain%name%'", "%plainalice", True),
    (r"a|expand: '\%plain%name%'", "plainalice", False),
    (r"a|expand: '\%name\%'", "%name%", True),
    (r"a|expand: 'C:\\%name%\x'", r"C:\alice\x", True),  # a backslash of its own is written twice here
    (r"a|re|expand: '^\%%name%$'", "%alice", True),
    ("a|expand: '%name'", "%name", True),
    ("a|expand: '%%'", "%%", True),
]


@pytest.mark.parametrize(("item", "value", "expected"), EXPANDED)
def test_placeholders(item: str, value: str, expected: bool) -> None:
    compiled = rule({"selection": yaml.safe_load(item)}, placeholders=PLACEHOLDERS)
    assert fires(compiled, {"a": value}) is expected


# --- what is allowed and most likely not meant


@pytest.mark.parametrize(
    ("item", "doubt"),
    [
        ("a|contains|all: x", "has one value"),
        ("a|contains|all: [x]", "has one value"),
        (r"a|expand: '\%name%'", "has no placeholder"),
    ],
)
def test_a_doubt_is_a_warning_that_names_the_detection(item: str, doubt: str) -> None:
    (warning,) = selection(item).warnings
    assert warning.message.startswith("detection.selection: ")
    assert doubt in warning.message


@pytest.mark.parametrize("item", ["a|contains|all: [x, y]", "a|contains: x", "a|expand|all: '%name%'"])
def test_what_is_meant_is_no_warning(item: str) -> None:
    assert rule({"selection": yaml.safe_load(item)}, placeholders=PLACEHOLDERS).warnings == ()


# --- conditions

NAMED = "{sel_a: {a: 1}, sel_b: {b: 1}, keywords: [word], _own: {o: 1}, a_sel_x: {x: 1}, 1st: {f: 1}"
CONDITIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("keywords or sel_a", {"m": "a word"}, True),
    ("sel_a or not sel_b and keywords", {"a": 1, "b": 1}, True),  # not binds before and, and before or
    ("not sel_a and sel_b", {"b": 1}, True),
    ("not (sel_a and sel_b)", {"a": 1}, True),
    ("not sel_a or sel_b", {"a": 1, "b": 1}, True),
    ("1 of sel* and keywords", {"a": 1, "m": "word"}, True),
    ("1 of sel* and not 1 of a_*", {"a": 1, "x": 1}, False),
    ("1 of *sel*", {"x": 1}, True),
    ("1 of a*x", {"x": 1}, True),
    ("1 of _*", {"o": 1}, True),
    ("1 of them", {"o": 1}, False),
    ("all of them", {"a": 1, "b": 1, "x": 1, "f": 1, "m": "word"}, True),
    ("all of them", {"a": 1, "b": 1, "x": 1, "m": "word", "o": 1}, False),
    ("1 of sel_a", {"a": 1}, True),
    ("all of sel_* and 1 of them", {"a": 1, "b": 1}, True),
    ("not all of sel_*", {"a": 1}, True),
    ("1st", {"f": 1}, True),
]


@pytest.mark.parametrize(("condition", "record", "expected"), CONDITIONS)
def test_conditions(condition: str, record: dict[str, Any], expected: bool) -> None:
    assert fires(rule(f"{NAMED}, condition: '{condition}'}}"), record) is expected


@pytest.mark.parametrize(
    "condition",
    ["sel_a AND sel_b", "2 of sel_*", "1 of (sel_a)", "sel_a sel_b", "all of", "them", "sel_a or", "(sel_a"],
)
def test_what_is_no_condition_is_a_problem(condition: str) -> None:
    with pytest.raises(RuleErrors):
        rule(f"{NAMED}, condition: '{condition}'}}")

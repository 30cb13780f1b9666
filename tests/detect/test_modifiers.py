from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import yaml

from models.errors import RuleErrors
from tests.detect.build import fires, matched, rule, selection

COMMAND = {"CommandLine": r'C:\Windows\System32\whoami.exe /all "a b"', "EventID": 1}
CASES: list[tuple[str, dict[str, Any], bool]] = [
    # contains, startswith, endswith
    ("CommandLine|contains: WHOAMI", COMMAND, True),
    ("CommandLine|contains: whoareyou", COMMAND, False),
    (r"CommandLine|startswith: 'c:\windows'", COMMAND, True),
    ("CommandLine|startswith: whoami", COMMAND, False),
    ("CommandLine|endswith: 'A B\"'", COMMAND, True),
    ("CommandLine|endswith: whoami.exe", COMMAND, False),
    ("CommandLine|contains: [nothing, /ALL]", COMMAND, True),
    ("CommandLine|contains: ''", COMMAND, True),
    ("CommandLine|contains: ''", {}, False),
    # all
    ("CommandLine|contains|all: [whoami, /all]", COMMAND, True),
    ("CommandLine|contains|all: [whoami, /none]", COMMAND, False),
    ("CommandLine|all: ['*whoami*', '*/all*']", COMMAND, True),
    ("CommandLine|all|contains: [whoami, /none]", COMMAND, False),
    ("tags|all: [a, b]", {"tags": ["b", "c", "A"]}, True),
    ("tags|all: [a, d]", {"tags": ["b", "c", "A"]}, False),
    # cased
    ("Image|cased: Cmd.exe", {"Image": "Cmd.exe"}, True),
    ("Image|cased: Cmd.exe", {"Image": "cmd.exe"}, False),
    ("Image|contains|cased: Cmd", {"Image": "xCmdx"}, True),
    ("Image|cased|contains: Cmd", {"Image": "xcmdx"}, False),
    ("Image|cased|contains|windash: ' -Ex'", {"Image": "a /Ex"}, True),
    ("Image|cased|contains|windash: ' -Ex'", {"Image": "a /ex"}, False),
    # windash: every dash that begins an option, in all spellings, and no other
    ("CommandLine|contains|windash: ' -enc '", {"CommandLine": "p /enc x"}, True),
    ("CommandLine|contains|windash: ' -enc '", {"CommandLine": "p \N{EN DASH}enc x"}, True),
    ("CommandLine|contains|windash: ' -enc '", {"CommandLine": "p \N{EM DASH}enc x"}, True),
    ("CommandLine|contains|windash: ' -enc '", {"CommandLine": "p \N{HORIZONTAL BAR}enc x"}, True),
    ("CommandLine|contains|windash: ' -enc '", {"CommandLine": "p -enc x"}, True),
    ("CommandLine|contains|windash: ' -enc '", {"CommandLine": "p +enc x"}, False),
    ("CommandLine|windash|contains: ' /a-b '", {"CommandLine": "p -a-b x"}, True),
    ("CommandLine|windash|contains: ' /a-b '", {"CommandLine": "p -a/b x"}, False),
    ("CommandLine|contains|windash|all: [' -a ', ' -b ']", {"CommandLine": "p /b -a x"}, True),
    ("CommandLine|contains|windash|all: [' -a ', ' -b ']", {"CommandLine": "p /b x"}, False),
    # base64
    ("CommandLine|base64: ping", {"CommandLine": b64encode(b"ping").decode()}, True),
    ("CommandLine|base64|contains: ping", {"CommandLine": f"x {b64encode(b'ping').decode()} y"}, True),
    *[
        (
            "CommandLine|base64offset|contains: 'http://'",
            {"CommandLine": b64encode(b"z" * n + b"http://abc").decode()},
            True,
        )
        for n in range(7)
    ],
    ("CommandLine|base64offset|contains: 'http://'", {"CommandLine": b64encode(b"https://abc").decode()}, False),
    (
        "CommandLine|base64offset|contains|all: ['http', 'abc']",
        {"CommandLine": b64encode(b"zhttp://abc").decode()},
        True,
    ),
    (
        "CommandLine|base64offset|contains|all: ['http', 'xyz']",
        {"CommandLine": b64encode(b"zhttp://abc").decode()},
        False,
    ),
    # the 16-bit encodings, alone and as they are used
    ("Data|wide: ab", {"Data": "a\x00b\x00"}, True),
    ("Data|utf16le: ab", {"Data": "a\x00b\x00"}, True),
    ("Data|utf16be: ab", {"Data": "\x00a\x00b"}, True),
    ("Data|utf16: ab", {"Data": "\ufeffa\x00b\x00"}, True),
    ("Data|utf16le: ab", {"Data": "ab"}, False),
    *[
        (
            f"Data|{name}|base64offset|contains: ping -n",
            {"Data": b64encode(b"%%" + "ping -n 1".encode(codec)).decode()},
            True,
        )
        for name, codec in (("wide", "utf-16-le"), ("utf16le", "utf-16-le"), ("utf16be", "utf-16-be"))
    ],
    ("Data|utf16|base64: ping", {"Data": b64encode(b"\xff\xfe" + "ping".encode("utf-16-le")).decode()}, True),
    # re and its flags
    (r"CommandLine|re: 'who[a-z]+\.exe'", COMMAND, True),
    (r"CommandLine|re: 'WHO[a-z]+\.exe'", COMMAND, False),
    (r"CommandLine|re|i: 'WHO[a-z]+\.exe'", COMMAND, True),
    (r"CommandLine|re: '^whoami'", COMMAND, False),
    ("Text|re: '^b$'", {"Text": "a\nb\nc"}, False),
    ("Text|re|m: '^b$'", {"Text": "a\nb\nc"}, True),
    ("Text|re: 'a.b'", {"Text": "a\nb"}, False),
    ("Text|re|s: 'a.b'", {"Text": "a\nb"}, True),
    ("Text|re|i|m|s: '^A.b$'", {"Text": "x\na\nB"}, True),
    ("Text|re: ['^x', 'b$']", {"Text": "ab"}, True),
    ("Text|re|all: ['^a', 'b$']", {"Text": "ab"}, True),
    ("Text|re|all: ['^a', 'c$']", {"Text": "ab"}, False),
    ("Text|re: '[*?]'", {"Text": "what?"}, True),
    (r"Text|re: '\\\\\*'", {"Text": r"a\\*"}, True),
    ("Text|re|startswith: 'a|b'", {"Text": "bcd"}, True),
    ("Text|re|startswith: 'c|d'", {"Text": "bcd"}, False),
    ("Text|re|endswith: 'c|d'", {"Text": "bcd"}, True),
    ("Text|re|endswith: 'b|c'", {"Text": "bcd"}, False),
    ("Text|re|contains: 'c'", {"Text": "b\ncd"}, True),
    ("Number|re: '^4[0-9]+$'", {"Number": 4688}, True),
    # cidr
    ("ip|cidr: 192.0.2.0/24", {"ip": "192.0.2.77"}, True),
    ("ip|cidr: 192.0.2.0/24", {"ip": "192.0.3.77"}, False),
    ("ip|cidr: 192.0.2.0/24", {"ip": "::ffff:192.0.2.77"}, True),
    ("ip|cidr: [198.51.100.0/25, '2001:db8::/32']", {"ip": "2001:DB8:0:0::9%eth0"}, True),
    ("ip|cidr: '2001:db8::/32'", {"ip": "192.0.2.1"}, False),
    ("ip|cidr: 192.0.2.0/24", {"ip": "192.0.2.77:443"}, False),
    ("ip|cidr: 192.0.2.0/24", {"ip": ["x", "192.0.2.1"]}, True),
    ("ip|cidr: 0.0.0.0/0", {"ip": 1}, False),
    # exists
    ("a|exists: true", {"a": None}, True),
    ("a|exists: true", {"a": []}, True),
    ("a|exists: true", {"b": 1}, False),
    ("a|exists: false", {"b": 1}, True),
    ("a|exists: false", {"a": ""}, False),
    ("a.b|exists: true", {"a": {"b": None}}, True),
    ("a.b|exists: false", {"a": {"c": 1}}, True),
    # numeric comparison, numbers written as text included
    ("n|lt: 5", {"n": 4}, True),
    ("n|lt: 5", {"n": 5}, False),
    ("n|lte: 5", {"n": "5"}, True),
    ("n|gt: 5", {"n": "5.5"}, True),
    ("n|gt: 5", {"n": 5.0}, False),
    ("n|gte: 5", {"n": 5.0}, True),
    ("n|gt: 5", {"n": "many"}, False),
    ("n|gt: 5", {"n": True}, False),
    ("n|gt: -1", {"n": True}, False),
    ("n|gt: 5", {"n": None}, False),
    ("n|gt: 5", {}, False),
    ("n|lt: 5", {"n": float("nan")}, False),
    ("n|gt: 5", {"n": "inf"}, False),
    ("n|gt: 5", {"n": "1_0"}, False),
    ("n|gt: 15", {"n": "0x10"}, True),
    ("n|lt: 0.5", {"n": "-1e3"}, True),
    ("n|gt: 5", {"n": [1, 2, 9]}, True),
    ("n|gt: 5", {"n": 10**400}, True),
    # neq
    ("a|neq: x", {"a": "y"}, True),
    ("a|neq: x", {"a": "X"}, False),
    ("a|neq: x", {}, True),
    ("a|neq: [x, y]", {"a": "y"}, False),
    ("a|contains|neq: x", {"a": "axb"}, False),
    ("a|neq: null", {"a": 1}, True),
    # fieldref
    ("a|fieldref: b", {"a": "X", "b": "x"}, True),
    ("a|fieldref: b", {"a": "X", "b": "y"}, False),
    ("a|fieldref: b", {"a": "x"}, False),
    ("a|fieldref: b", {}, False),
    ("a|fieldref: b", {"a": 5, "b": "5"}, True),
    ("a|cased|fieldref: b", {"a": "X", "b": "x"}, False),
    ("a|fieldref|startswith: b", {"a": "Abc", "b": "ab"}, True),
    ("a|fieldref|startswith: b", {"a": "cab", "b": "ab"}, False),
    ("a|fieldref|endswith: b", {"a": "cAB", "b": "ab"}, True),
    ("a|fieldref|contains: b", {"a": "cABd", "b": "ab"}, True),
    ("a|fieldref|contains: b", {"a": "ab", "b": "cabd"}, False),
    ("a|fieldref: b.c", {"a": "x", "b": {"c": ["y", "x"]}}, True),
    ("a|fieldref|neq: b", {"a": "x", "b": "y"}, True),
    # parts of a time stamp, in UTC
    ("t|minute: 4", {"t": "2024-03-09T23:04:05Z"}, True),
    ("t|hour: 23", {"t": "2024-03-09T23:04:05Z"}, True),
    ("t|hour: 23", {"t": "2024-03-09T23:04:05-02:00"}, False),
    ("t|hour: 1", {"t": "2024-03-09T23:04:05-02:00"}, True),
    ("t|day: 9", {"t": 1_710_025_445}, True),
    ("t|day: 9", {"t": 1_710_025_445_000}, True),
    ("t|day: 9", {"t": "1710025445.5"}, True),
    ("t|week: 10", {"t": "2024-03-09 23:04:05"}, True),
    ("t|month: 3", {"t": "2024-03-09T23:04:05.1234567Z"}, True),
    ("t|year: 2024", {"t": "2024-03-09T23:04:05Z"}, True),
    ("t|year: 2025", {"t": "2024-03-09T23:04:05Z"}, False),
    ("t|hour: [22, 23]", {"t": "2024-03-09T23:04:05Z"}, True),
    ("t|hour|gte: 22", {"t": "2024-03-09T23:04:05Z"}, True),
    ("t|hour|lt: 6", {"t": "2024-03-09T23:04:05Z"}, False),
    ("t|hour: 0", {"t": "yesterday"}, False),
    ("t|year: 1970", {"t": None}, False),
    ("t|year: 9999", {"t": 9 * 10**18}, False),
    ("t|year: 9999", {"t": "9999-12-31T23:59:59-12:00"}, False),  # in UTC that is a year too far
]


@pytest.mark.parametrize(("item", "record", "expected"), CASES)
def test_modifier(item: str, record: dict[str, Any], expected: bool) -> None:
    assert fires(selection(item), record) is expected


@pytest.mark.parametrize(
    "item",
    [
        "a|base64: 'x*'",
        "a|wide: 'ü'",
        "a|cidr: 192.0.2.1/24",
        "a|cidr: nonsense",
        "a|re: '(unclosed'",
        "a|gt: many",
        "a|exists: maybe",
        "a|hour: noon",
        "a|shouting: x",
        "a|fieldref: 'x*'",
        "a|windash: '-a -b -c -d'",
        "a: 2024-01-01",
        "'|fieldref': b",
        "'|exists': true",
        "a|re: 5",
        "a|contains: [[nested]]",
    ],
)
def test_what_cannot_be_evaluated_is_a_problem_that_names_the_detection(item: str) -> None:
    with pytest.raises(RuleErrors) as caught:
        selection(item)
    assert [str(problem) for problem in caught.value.problems if "detection" in problem.message]


def test_placeholder_without_values_says_so() -> None:
    with pytest.raises(RuleErrors, match="placeholder %admins% has no values"):
        selection("User|expand: '%admins%'")
    with pytest.raises(RuleErrors, match="placeholder %admins% has no values"):
        selection("User|re|expand: '^%admins%$'")
    with pytest.raises(RuleErrors, match="placeholder %admins% has no values"):
        rule({"selection": {"User|re|expand": "%admins%"}}, placeholders={"admins": ()})


@pytest.mark.parametrize(
    "item", ["User|expand: '%admins%'", "User|expand|contains: '%admins%'", "User|re|expand: '^%admins%$'"]
)
def test_placeholder_with_values_is_any_of_them(item: str) -> None:
    compiled = rule({"selection": yaml.safe_load(item)}, placeholders={"admins": ("alice", "svc.backup")})
    assert fires(compiled, {"User": "svc.backup"})
    assert not fires(compiled, {"User": "svcxbackup"})


def test_percent_signs_that_are_no_placeholder_stay() -> None:
    assert fires(selection("a|expand: '100% 5'"), {"a": "100% 5"})


def test_evidence_of_a_field_reference_names_both_sides() -> None:
    assert matched(selection("a|fieldref: b"), {"a": "X", "b": "x"}) == (("a", "X"), ("b", "x"))

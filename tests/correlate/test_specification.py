"""Every example and statement of the Sigma correlation specification, with values of our own, as whole documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.finding import Analytic, Signal
from streams.correlate.compiling import Reference, compile_correlation
from streams.correlate.engine import Correlator
from streams.correlate.spec import CorrelationSpec
from streams.rulebook import load_rulebook
from tests.correlate.build import signal
from tests.correlate.drive import Driver
from tests.correlate.one_key import PAST_ALL
from tests.correlate.test_properties import standing as rows

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BLOCKED = "6f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0b01"
NAMES = ["blocked", "refused", "signed_in", "whoami", "netstat", "net_user", "server_error", "connected", "upload"]
REFERENCES = {name: Reference(Analytic(name, name)) for name in NAMES}
REFERENCES[BLOCKED] = REFERENCES["blocked"]


def compiled(correlation: str, **around: Any) -> CorrelationSpec:
    """Compile a correlation section with what has to stand around it."""
    document = {"title": "Example", "id": "6f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0bff", **around}
    spec, problems = compile_correlation(
        {**document, "correlation": yaml.safe_load(correlation)}, "example.yml", {"": 1}, REFERENCES
    )
    assert problems == ()
    assert spec is not None
    return spec


def fired(rule: str, at: int, name: str = "", **fields: str) -> Signal:
    return signal(rule, at, fields={field.replace("__", "."): value for field, value in fields.items()}, name=name)


def repeated(rule: str, number: int, apart: int, **fields: str) -> list[Signal]:
    """Return so many hits; `{n}` in a field is the number of the hit."""
    return [
        fired(rule, n * apart, f"{rule}{n}{fields}", **{name: text.format(n=n) for name, text in fields.items()})
        for n in range(number)
    ]


def standing(spec: CorrelationSpec, *signals: Signal) -> int:
    """Return how many sequences stand in the end."""
    return len(Driver(Correlator([spec])).feed(signals).tick(PAST_ALL).standing)


BRUTE_FORCE = """
type: event_count
rules: [refused]
group-by: [ComputerName]
timespan: 1h
condition: {gte: 100}
"""


def test_event_count_many_failed_sign_ins_on_one_computer_in_an_hour():
    spec = compiled(BRUTE_FORCE)
    assert standing(spec, *repeated("refused", 100, 36 * SECOND, ComputerName="ws1")) == 1
    assert standing(spec, *repeated("refused", 99, SECOND, ComputerName="ws1")) == 0
    assert standing(spec, *repeated("refused", 120, SECOND, ComputerName="ws{n}")) == 0
    edge = repeated("refused", 99, SECOND, ComputerName="ws1")
    assert standing(spec, *edge, fired("refused", HOUR, ComputerName="ws1")) == 1
    assert standing(spec, *edge, fired("refused", HOUR + 1, ComputerName="ws1")) == 0


@pytest.mark.parametrize(("number", "told"), [(100, 0), (101, 1), (200, 1), (201, 0)])
def test_a_condition_with_two_operators_is_a_range(number, told):
    spec = compiled(BRUTE_FORCE.replace("{gte: 100}", "{gt: 100, lte: 200}"))
    together = [fired("refused", 0, f"{n}", ComputerName="ws1") for n in range(number)]
    assert standing(spec, *together) == told


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("{gt: 2}", [0, 0, 1, 1]),
        ("{gte: 2}", [0, 1, 1, 1]),
        ("{lt: 2}", [1, 0, 0, 0]),
        ("{lte: 2}", [1, 1, 0, 0]),
        ("{eq: 2}", [0, 1, 0, 0]),
        ("{neq: 2}", [1, 0, 1, 1]),
        ("{gt: 1, lt: 4}", [0, 1, 1, 0]),
        ("{gte: 2, lte: 3, neq: 3}", [0, 1, 0, 0]),
    ],
)
def test_every_operator_alone_and_together(condition, told):
    spec = compiled(BRUTE_FORCE.replace("{gte: 100}", condition))
    together = [fired("refused", 0, f"{n}", ComputerName="ws1") for n in range(4)]
    assert [standing(spec, *together[:number]) for number in (1, 2, 3, 4)] == told


def test_value_count_many_accounts_from_one_workstation_to_one_computer_in_a_day():
    spec = compiled("""
        type: value_count
        rules: [refused]
        group-by: [ComputerName, WorkstationName]
        timespan: 1d
        condition: {field: User, gte: 100}
        """)
    place = {"ComputerName": "dc1", "WorkstationName": "ws7"}
    assert standing(spec, *repeated("refused", 100, 14 * MINUTE, **place, User="u{n}")) == 1
    assert standing(spec, *repeated("refused", 100, 15 * MINUTE, **place, User="u{n}")) == 0
    assert standing(spec, *repeated("refused", 120, SECOND, **place, User="alice")) == 0
    apart = [*repeated("refused", 60, SECOND, **place, User="u{n}")]
    apart += repeated("refused", 60, SECOND, ComputerName="dc1", WorkstationName="ws8", User="v{n}")
    assert standing(spec, *apart) == 0


def test_value_count_of_several_fields_counts_their_combinations():
    spec = compiled("""
        type: value_count
        rules: [refused]
        timespan: 1m
        condition: {field: [User, Domain], gte: 3}
        """)
    pairs = [("a", "x"), ("a", "y"), ("b", "x")]
    hits = [fired("refused", n, User=user, Domain=domain) for n, (user, domain) in enumerate(pairs)]
    assert standing(spec, *hits) == 1
    assert standing(spec, *hits[:2], fired("refused", 5, "again", User="a", Domain="x")) == 0
    assert standing(spec, *hits[:2], fired("refused", 5, User="c")) == 0


DISCOVERY = """
type: temporal
rules: [whoami, netstat, net_user]
group-by: [ComputerName, User]
timespan: 5m
"""


def test_temporal_three_commands_of_one_user_on_one_computer_in_any_order():
    spec = compiled(DISCOVERY)
    who = {"ComputerName": "ws1", "User": "alice"}
    hits = [fired("net_user", 0, **who), fired("whoami", MINUTE, **who)]
    assert standing(spec, *hits, fired("netstat", 5 * MINUTE, **who)) == 1
    assert standing(spec, *hits, fired("netstat", 5 * MINUTE + 1, **who)) == 0
    assert standing(spec, *hits, fired("netstat", MINUTE, ComputerName="ws1", User="bob")) == 0
    assert standing(spec, *hits, fired("netstat", MINUTE, ComputerName="ws1")) == 0


def test_a_count_on_temporal_is_of_the_rules_that_fired():
    spec = compiled(DISCOVERY + "condition: {gte: 2}")
    who = {"ComputerName": "ws1", "User": "alice"}
    assert standing(spec, fired("whoami", 0, **who), fired("net_user", 1, **who)) == 1
    assert standing(spec, fired("whoami", 0, **who), fired("whoami", 1, **who)) == 0


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("whoami and netstat and not net_user", {"whoami netstat"}),
        ("whoami and (netstat or net_user)", {"whoami netstat", "whoami net_user", "whoami netstat net_user"}),
        (
            "whoami or netstat and net_user",
            {"whoami", "whoami netstat", "whoami net_user", "netstat net_user", "whoami netstat net_user"},
        ),
        ("whoami and not (netstat or net_user)", {"whoami"}),
    ],
)
def test_a_boolean_condition_on_temporal_judges_which_rules_fired(condition, told):
    spec = compiled(DISCOVERY + f"condition: {condition}")
    names = ["whoami", "netstat", "net_user"]
    every = {" ".join(name for bit, name in enumerate(names) if choice & 1 << bit) for choice in range(1, 8)}
    who = {"ComputerName": "ws1", "User": "alice"}
    assert {chosen for chosen in every if standing(spec, *(fired(name, 0, **who) for name in chosen.split()))} == told


def test_temporal_ordered_failures_and_then_a_success_of_the_same_user():
    spec = compiled("""
        type: temporal_ordered
        rules: [refused, signed_in]
        group-by: [User]
        timespan: 1h
        """)
    first = fired("refused", 0, User="alice", ComputerName="ws1")
    assert standing(spec, first, fired("signed_in", HOUR, User="alice", ComputerName="ws2")) == 1
    assert standing(spec, first, fired("signed_in", HOUR + 1, User="alice")) == 0
    assert standing(spec, first, fired("signed_in", 5, User="bob")) == 0
    assert standing(spec, first, fired("signed_in", -1, User="alice")) == 0


def test_aliases_join_the_two_ends_of_a_connection_whichever_field_they_are_in():
    spec = compiled("""
        type: temporal
        rules: [server_error, connected]
        group-by: [inside, outside]
        timespan: 10s
        aliases:
          inside: {server_error: destination.ip, connected: source.ip}
          outside: {server_error: source.ip, connected: destination.ip}
        """)
    error = fired("server_error", 0, source__ip="203.0.113.9", destination__ip="10.4.4.4")
    back = {"source__ip": "10.4.4.4", "destination__ip": "203.0.113.9"}
    assert standing(spec, error, fired("connected", 10 * SECOND, **back)) == 1
    assert standing(spec, error, fired("connected", 10 * SECOND + 1, **back)) == 0
    same = {"source__ip": "203.0.113.9", "destination__ip": "10.4.4.4"}
    assert standing(spec, error, fired("connected", SECOND, **same)) == 0
    assert spec.fields_of("connected") == {"source.ip", "destination.ip"}


def test_an_alias_is_also_what_is_counted_and_summed_up():
    for kind, condition, last in [("value_count", "gte: 2", "2"), ("value_sum", "gte: 3", "2")]:
        spec = compiled(f"""
            type: {kind}
            rules: [upload, connected]
            timespan: 1m
            aliases: {{bytes: {{upload: sent, connected: network.bytes}}}}
            condition: {{field: bytes, {condition}}}
            """)
        assert standing(spec, fired("upload", 0, sent="1"), fired("connected", 1, network__bytes=last)) == 1
        assert standing(spec, fired("upload", 0, sent="1"), fired("connected", 1, sent=last)) == 0


def test_several_fields_to_group_by_are_one_group_each_combination():
    spec = compiled("""
        type: event_count
        rules: [refused]
        group-by: [TargetUserName, TargetDomainName]
        timespan: 90m
        condition: {gte: 2}
        """)
    first = fired("refused", 0, TargetUserName="alice", TargetDomainName="EAST")
    assert standing(spec, first, fired("refused", 90 * MINUTE, TargetUserName="alice", TargetDomainName="EAST")) == 1
    assert (
        standing(spec, first, fired("refused", 90 * MINUTE + 1, TargetUserName="alice", TargetDomainName="EAST")) == 0
    )
    assert standing(spec, first, fired("refused", 1, TargetUserName="alice", TargetDomainName="WEST")) == 0


@pytest.mark.parametrize(
    ("text", "timespan"),
    [
        ("15s", 15 * SECOND),
        ("90m", 90 * MINUTE),
        ("36h", 36 * HOUR),
        ("3d", 3 * DAY),
        ("2w", 14 * DAY),
        ("6M", 6 * 2_629_746 * SECOND),
        ("1y", 31_556_952 * SECOND),
    ],
)
def test_every_unit_of_time_to_the_millisecond(text, timespan):
    spec = compiled(f"{{type: event_count, rules: [blocked], timespan: {text}, condition: {{gte: 2}}}}")
    hits = [fired("blocked", 0), fired("blocked", timespan)]
    assert standing(spec, *hits) == 1
    assert standing(spec, hits[0], fired("blocked", timespan + 1)) == 0


def test_rules_are_named_by_id_or_by_name():
    spec = compiled(f"{{type: event_count, rules: [{BLOCKED}, refused], timespan: 1m, condition: {{gte: 2}}}}")
    assert spec.rules == ("blocked", "refused")
    assert standing(spec, fired("blocked", 0), fired("refused", 1)) == 1


def reckoned(kind: str, condition: str) -> CorrelationSpec:
    return compiled(f"""
        type: {kind}
        rules: [upload]
        group-by: [ComputerName]
        timespan: 1h
        condition: {{field: bytes, {condition}}}
        """)


@pytest.mark.parametrize(
    ("kind", "condition", "told"),
    [
        ("value_sum", "gte: 1500", True),
        ("value_sum", "gt: 1500", False),
        ("value_sum", "gt: 1000, lt: 1501", True),
        ("value_avg", "eq: 375", True),
        ("value_avg", "gt: 375", False),
        ("value_median", "gte: 200", True),
        ("value_median", "gt: 200", False),
        ("value_percentile", "percentile: 0, lte: 100", True),
        ("value_percentile", "percentile: 75, eq: 475", True),
        ("value_percentile", "percentile: 99.5, gt: 989.5", False),
        ("value_percentile", "percentile: 99.5, gte: 989.5", True),
        ("value_percentile", "percentile: 100, gte: 1000", True),
    ],
)
def test_reckoning_with_the_numbers_of_a_field(kind, condition, told):
    numbers = ["100", "100", "300", "1000"]
    spec = reckoned(kind, condition)
    hits = [fired("upload", 0, f"{n}", ComputerName="ws1", bytes=text) for n, text in enumerate(numbers)]
    aside = [fired("upload", 0, "nan", ComputerName="ws1", bytes="NaN"), fired("upload", 0, "none", ComputerName="ws1")]
    elsewhere = fired("upload", 0, "else", ComputerName="ws2")
    assert bool(standing(spec, *hits, *aside, elsewhere)) is told


def test_generate_at_either_place_leaves_the_rule_as_it_is():
    assert compiled(BRUTE_FORCE + "generate: true") == compiled(BRUTE_FORCE, generate=True) == compiled(BRUTE_FORCE)


def test_what_a_rule_says_of_itself_is_taken():
    said = {"status": "experimental", "date": "2026-05-04", "falsepositives": ["A backup"], "references": ["a"]}
    spec = compiled(BRUTE_FORCE, level="low", description="Somebody guesses.", **said)
    assert spec.analytic.severity_id == 2


CHAIN = """\
title: Guessed at last
id: 6f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0b11
correlation: {type: temporal_ordered, rules: [guessed_often, let_in], group-by: [User], timespan: 10m}
---
title: Guessed often
id: 6f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0b12
name: guessed_often
correlation: {type: event_count, rules: [wrong_password], group-by: [User], timespan: 10m, condition: {gte: 10}}
---
title: Wrong password
id: 6f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0b13
name: wrong_password
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}
---
title: Let in
id: 6f1d6f36-24b0-4b0c-9d0e-6b1f0a4e0b14
name: let_in
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4624}, condition: selection}
"""


def test_a_chain_of_correlations_in_one_file_is_linked_in_any_order(tmp_path: Path):
    (tmp_path / "chain.yml").write_text(CHAIN, encoding="utf-8")
    book = load_rulebook([tmp_path]).sound()
    last, often = sorted(book.correlations, key=lambda spec: spec.is_chained)
    assert (last.analytic.name, often.analytic.name) == ("Guessed at last", "Guessed often")
    assert last.rules[0] == often.uid
    guesses = [signal(often.rules[0], at, fields={"User": "bob"}) for at in range(10)]
    let_in = signal(last.rules[1], 9, fields={"User": "bob"})
    found = Driver(Correlator(book.correlations)).feed([let_in, *guesses])
    assert sorted(rule for rule, _, _ in rows(found)) == sorted([last.uid, often.uid])

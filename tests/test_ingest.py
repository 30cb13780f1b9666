from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.entity import EntityKey
from models.finding_ocsf import signal_from_ocsf, signal_to_ocsf
from models.ocsf_schema import validate
from models.records import Coordinates, DeadLetter, ParseError, RawRecord
from models.uids import event_uid, sha256_hex, signal_uid
from streams.clock import ClockOffsets
from streams.correlate.engine import Correlator
from streams.detect.engine import Detector
from streams.detect.record import Record
from streams.ingest import MAX_FIELD_CHARS, Ingest, Ingested
from streams.rulebook import Rulebook, load_rulebook
from streams.sources.base import MAX_RECORD_BYTES
from streams.sources.registry import SOURCES, recognize
from tests.raw_records import AT, NOON, connection, event, logon, process_start, raw

STARTED, OTHER, SIGNED_IN, AUDITED = (f"0a4c7c52-7f3a-4a51-9d53-1000000000{n:02d}" for n in range(1, 5))
RULES = f"""
title: Probe started
id: {STARTED}
name: started
author: Example
status: test
level: high
tags: [attack.discovery, attack.t1057]
logsource: {{product: windows, category: process_creation}}
detection:
  selection: {{Image|endswith: \\probe.exe}}
  condition: selection
---
title: Something started
id: {OTHER}
name: other
status: experimental
level: low
logsource: {{product: windows, category: process_creation}}
detection:
  selection: {{Image|exists: true}}
  condition: selection
---
title: Signed in
id: {SIGNED_IN}
name: signed_in
status: stable
level: medium
taxonomy: ocsf
logsource: {{category: authentication}}
detection:
  selection: {{user.name: alice}}
  condition: selection
---
title: Audited
id: {AUDITED}
name: audited
status: test
level: medium
logsource: {{product: aws, service: cloudtrail}}
detection:
  selection: {{eventSource: sts.amazonaws.com}}
  condition: selection
"""
OUTBOUND = process_start(
    EventID=3, Initiated="true", Protocol="tcp", SourceIp="192.0.2.10", DestinationIp="203.0.113.9"
)
HEAD = "title: Correlation {n}\nid: 0a4c7c52-7f3a-4a51-9d53-2000000000{n:02d}\nstatus: test\nlevel: high\n"


def correlation(number: int, body: str) -> str:
    return f"---\n{HEAD.format(n=number)}correlation:\n  timespan: 5m\n{body}"


def by_fields(number: int, rule: str, *fields: str) -> str:
    body = f"  type: event_count\n  rules: [{rule}]\n  group-by: [{', '.join(fields)}]\n  condition: {{gte: 2}}\n"
    return correlation(number, body)


def book(folder: Path, *correlations: str) -> Rulebook:
    (folder / "rules.yml").write_text(RULES + "".join(correlations), "utf-8")
    return load_rulebook([folder]).sound()


def stage(rulebook: Rulebook, *offsets: str) -> Ingest:
    correlator = Correlator(rulebook.correlations)
    return Ingest(Detector(rulebook.detections), correlator.router, ClockOffsets.parse(offsets))


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return stage(book(tmp_path))


def process(ingest: Ingest, record: RawRecord) -> Ingested:
    (result,) = ingest.process(SOURCES[record.source], record)
    return result


def fields(ingest: Ingest, record: RawRecord) -> dict[str, str]:
    (routed,) = process(ingest, record).signals
    return dict(routed.signal.fields)


def test_a_record_becomes_an_event_and_its_signals(ingest: Ingest) -> None:
    record = raw("windows", process_start())
    result = process(ingest, record)
    assert result.event == event(record)
    assert result.dead == ()
    first, second = (routed.signal for routed in result.signals)
    assert [first.analytic.name, second.analytic.name] == ["Probe started", "Something started"]
    assert first.uid == signal_uid(STARTED, event_uid("windows", sha256_hex(record.raw)))
    assert (first.time, first.domain) == (NOON, "workload")
    assert (first.analytic.author, first.analytic.severity_id, first.risk) == ("Example", 4, 60)
    assert first.risk > second.risk
    assert first.confidence > second.confidence
    assert first.matched == (("Image", r"C:\Tools\probe.exe"),)
    assert first.selections == ("selection",)
    assert {str(entity) for entity in first.entities} == {"host:ws1", r"user:example\alice"}


def test_a_match_that_is_excepted_is_counted_and_no_signal(tmp_path: Path) -> None:
    for year, excepted in (("2026", 0), ("2027", 2)):
        (tmp_path / "excepted.yml").write_text(
            "title: Ours\nlogsource: {product: windows}\n"
            f"filter: {{rules: any, ours: {{User|endswith: alice}}, condition: not ours}}\n"
            f"braid: {{owner: platform, expires: {year}-01-01}}\n"
        )
        result = process(stage(book(tmp_path)), raw("windows", process_start()))
        assert (len(result.signals), result.excepted, result.dead) == (2 - excepted, excepted, ())


def test_a_signal_says_where_its_record_can_be_fetched_again(ingest: Ingest) -> None:
    record = raw("windows", process_start(), at=Coordinates("raw.windows", 5, 1234))
    for routed in process(ingest, record).signals:
        ref = routed.signal.event
        assert (ref.at, ref.sha256, ref.source) == (record.at, sha256_hex(record.raw), "windows")
        assert (ref.uid, ref.class_uid) == (event_uid("windows", sha256_hex(record.raw)), 1007)


def test_events_and_signals_pass_ocsf(ingest: Ingest) -> None:
    for source, given_fields in (("windows", process_start()), ("zeek", connection()), ("ocsf", logon())):
        result = process(ingest, raw(source, given_fields))
        assert result.event is not None
        assert validate(result.event.ocsf) == []
        for routed in result.signals:
            rendered = orjson.loads(orjson.dumps(signal_to_ocsf(routed.signal)))
            assert validate(rendered) == []
            assert signal_from_ocsf(rendered) == routed.signal


def test_an_event_that_no_rule_concerns_has_no_signals(ingest: Ingest) -> None:
    result = process(ingest, raw("zeek", connection()))
    assert result.event is not None
    assert (result.signals, result.dead) == ((), ())


def test_the_domain_is_that_of_the_event(ingest: Ingest) -> None:
    (routed,) = process(ingest, raw("ocsf", logon())).signals
    assert routed.signal.domain == "identity"


def test_links_that_an_event_shows_come_with_it(ingest: Ingest) -> None:
    (link,) = process(ingest, raw("windows", OUTBOUND)).links
    assert {link.left, link.right} == {EntityKey("host", "ws1"), EntityKey("ip", "192.0.2.10")}
    assert link.holds_at(NOON)


def test_the_clock_is_corrected_before_everything_else(tmp_path: Path) -> None:
    ingest = stage(book(tmp_path), "windows=24h")
    (link,) = process(ingest, raw("windows", OUTBOUND)).links
    assert not link.holds_at(NOON)
    assert link.holds_at(NOON + 86_400_000)
    result = process(ingest, raw("windows", process_start()))
    assert result.event is not None
    assert {result.event.time, *(routed.signal.time for routed in result.signals)} == {NOON + 86_400_000}


def test_processing_again_gives_the_same(ingest: Ingest) -> None:
    record = raw("windows", process_start())
    assert process(ingest, record) == process(ingest, record)


def test_a_record_elsewhere_gives_the_same_uids(ingest: Ingest) -> None:
    one = process(ingest, raw("windows", process_start(), at=Coordinates("a", 0, 1)))
    other = process(ingest, raw("windows", process_start(), at=Coordinates("b", 7, 9)))
    assert [routed.signal.uid for routed in one.signals] == [routed.signal.uid for routed in other.signals]
    assert one.event is not None
    assert other.event is not None
    assert one.event.uid == other.event.uid


# Dead letters.


def dead(result: Ingested) -> DeadLetter:
    assert (result.event, result.signals, result.links) == (None, (), ())
    (letter,) = result.dead
    return letter


def test_a_record_that_cannot_be_read_is_a_dead_letter_with_the_parsers_reason(ingest: Ingest) -> None:
    record = raw("windows", b'{"EventID": 1, ')
    letter = dead(process(ingest, record))
    assert (letter.record, letter.stage) == (record, "normalize")
    assert letter.error == SOURCES["windows"].parse(record)


def test_a_record_of_nobody_says_how_to_name_its_source(ingest: Ingest) -> None:
    record = RawRecord("", b'{"anything": 1}', AT)
    letter = dead(*ingest.process(None, record))
    assert (letter.record, letter.stage) == (record, "recognize")
    assert "--source" in letter.error.reason


@pytest.mark.parametrize("source", [None, *SOURCES.values()])
def test_a_record_that_is_too_long_says_so_whoever_sent_it(ingest: Ingest, source: Any) -> None:
    record = RawRecord("", b'{"a":"' + b"x" * MAX_RECORD_BYTES + b'"}', AT)
    reason = dead(*ingest.process(source, record)).error.reason
    assert str(len(record.raw)) in reason
    assert str(MAX_RECORD_BYTES) in reason


@dataclass(frozen=True, slots=True)
class Faulty:
    """A predicate with a fault, as the stage has to expect one."""

    def matches(self, _: Record) -> bool:
        raise LookupError("out of letters")

    def evidence(self, _: Record) -> Iterator[tuple[str, str]]:
        return iter(())


def broken(rulebook: Rulebook, *uids: str) -> Rulebook:
    """Return the rulebook with a fault in some of its rules."""
    rules = (replace(rule, condition=Faulty()) if rule.uid in uids else rule for rule in rulebook.detections)
    return replace(rulebook, detections=tuple(rules))


def test_a_rule_that_fails_is_a_dead_letter_and_the_event_and_the_other_rules_go_on(tmp_path: Path) -> None:
    record = raw("windows", process_start())
    result = process(stage(broken(book(tmp_path), STARTED)), record)
    assert result.event == event(record)
    assert [routed.signal.analytic.uid for routed in result.signals] == [OTHER]
    error = ParseError("rule failed: LookupError: out of letters")
    assert result.dead == (DeadLetter(record, "detect", error, {"rule": STARTED}),)


def test_every_rule_that_fails_is_told(tmp_path: Path) -> None:
    result = process(stage(broken(book(tmp_path), STARTED, OTHER)), raw("windows", process_start()))
    assert [letter.details for letter in result.dead] == [{"rule": STARTED}, {"rule": OTHER}]
    assert result.event is not None
    assert result.signals == ()


@given(st.sampled_from(sorted(SOURCES)), st.binary(max_size=300))
def test_any_bytes_give_an_event_or_a_dead_letter_with_those_bytes(source: str, data: bytes) -> None:
    result = process(stage(Rulebook((), (), ())), raw(source, data))
    if result.event is None:
        assert dead(result).record.raw == data


@given(st.binary(max_size=300))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    record = RawRecord("", data, AT)
    for result in stage(Rulebook((), (), ())).process(recognize(record), record):
        assert (result.event is None) == bool(result.dead)


# What correlations ask for.


def test_a_signal_that_no_correlation_asks_for_carries_no_fields_and_goes_out_once(ingest: Ingest) -> None:
    for routed in process(ingest, raw("windows", process_start())).signals:
        assert routed.signal.fields == {}
        assert len(routed.routes.keys) == 1


def test_fields_that_correlations_group_by_and_count_are_carried_and_no_others(tmp_path: Path) -> None:
    counted = "  type: value_count\n  rules: [started]\n  group-by: [User]\n  condition: {gte: 2, field: CommandLine}\n"
    ingest = stage(book(tmp_path, by_fields(1, "started", "ProcessId", "Absent"), correlation(2, counted)))
    found = {r.signal.analytic.name: r.signal.fields for r in process(ingest, raw("windows", process_start())).signals}
    assert found["Probe started"] == {
        "CommandLine": "probe.exe --all",
        "ProcessId": "4100",
        "User": r"EXAMPLE\alice",
    }
    assert found["Something started"] == {}


def test_an_alias_asks_for_the_field_of_its_rule(tmp_path: Path) -> None:
    body = (
        "  type: temporal\n  rules: [started, signed_in]\n  group-by: [who]\n"
        "  aliases:\n    who:\n      started: CommandLine\n      signed_in: user.name\n"
    )
    ingest = stage(book(tmp_path, correlation(1, body)))
    first, _ = process(ingest, raw("windows", process_start())).signals
    assert first.signal.fields == {"CommandLine": "probe.exe --all"}
    assert "who=probe.exe --all" in first.routes.keys
    assert fields(ingest, raw("ocsf", logon())) == {"user.name": "alice"}


def test_fields_of_an_ocsf_rule_come_from_the_ocsf_event_and_reach_into_it(tmp_path: Path) -> None:
    ingest = stage(book(tmp_path, by_fields(1, "signed_in", "user.uid", "service.name", "user", "user.name.first")))
    assert fields(ingest, raw("ocsf", logon())) == {"user.uid": "1001", "service.name": "vpn"}


def trail(**changes: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventTime": "2026-09-22T12:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "GetCallerIdentity",
        "awsRegion": "eu-north-1",
        "sourceIPAddress": "203.0.113.9",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice"},
        **changes,
    }


def asked(tmp_path: Path, name: str, **changes: Any) -> str | None:
    """Return what a CloudTrail signal carries under one field name."""
    ingest = stage(book(tmp_path, by_fields(1, "audited", name)))
    return fields(ingest, raw("aws_cloudtrail", trail(**changes))).get(name)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("requestParameters.name", {"name": "a"}, "a"),
        ("requestParameters.name", {"name": 7}, "7"),
        ("requestParameters.name", {"name": False}, "false"),
        ("requestParameters.name", {"name": 7.0}, "7"),
        ("requestParameters.name", {"name": ["a", "b"]}, "a"),
        ("requestParameters.name", {"name": [None, "", "b"]}, "b"),
        ("requestParameters.name", {"name": []}, None),
        ("requestParameters.name", {"name": None}, None),
        ("requestParameters.name", {"name": ""}, None),
        ("requestParameters.name", {"name": {"deeper": 1}}, None),
        ("requestParameters.name", {"name": [{"deeper": 1}]}, None),
        ("requestParameters.name", {}, None),
        ("requestParameters.name", None, None),
        ("requestParameters.a.b.c", {"a": {"b": {"c": "deep"}}}, "deep"),
        ("requestParameters.items.name", {"items": [{"name": "a"}, {"name": "b"}]}, "a"),
        ("requestParameters.items.name", {"items": [{"other": "a"}, {"name": "b"}]}, "b"),
        ("requestParameters.tag.key", {"tag.key": "a"}, "a"),
    ],
)
def test_a_field_is_found_wherever_a_rule_would_find_it(tmp_path: Path, name: str, value: Any, expected: Any) -> None:
    assert asked(tmp_path, name, requestParameters=value) == expected


def test_a_long_value_is_cut_and_keeps_its_identity_through_its_hash(tmp_path: Path) -> None:
    name = "requestParameters.name"
    whole = "\xe9" * MAX_FIELD_CHARS
    assert asked(tmp_path, name, requestParameters={"name": whole}) == whole
    longer = [asked(tmp_path, name, requestParameters={"name": whole + end}) for end in ("a", "b", "a")]
    assert [len(value or "") for value in longer] == [MAX_FIELD_CHARS] * 3
    assert longer[0] == longer[2] != longer[1]
    assert all(value is not None and value.startswith("\xe9" * 100) for value in longer)


def test_a_signal_goes_to_every_group_it_is_wanted_in(tmp_path: Path) -> None:
    hosts = correlation(2, "  type: temporal\n  rules: [started, other]\n  group-by: [entity.host]\n")
    ingest = stage(book(tmp_path, by_fields(1, "started", "CommandLine", "ProcessId"), hosts))
    first, second = process(ingest, raw("windows", process_start())).signals
    assert first.routes.keys == ("CommandLine=probe.exe --all|ProcessId=4100", "host:ws1", r"user:example\alice")
    assert second.routes.keys == ("host:ws1", r"user:example\alice")
    assert first.routes.dropped == 0

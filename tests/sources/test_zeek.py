from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.event import Event
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, ParseError
from streams.sources.framing import split_message
from streams.sources.zeek.layouts import KINDS
from streams.sources.zeek.source import SOURCE
from tests.sources.zeek_records import (
    AT,
    BROKER_TIME,
    CONNECTED,
    RECORDS,
    TS_MS,
    UID,
    dotted,
    event,
    header,
    nested,
    parse,
    tagged,
    tsv,
    underscored,
)

LOGS = sorted(RECORDS)


def without_raw(parsed: Event) -> dict[str, Any]:
    metadata = {name: value for name, value in parsed.ocsf["metadata"].items() if name != "uid"}
    rest = {name: value for name, value in parsed.ocsf.items() if name not in {"raw_data", "raw_data_hash"}}
    return rest | {"metadata": metadata}


def with_header(log: str, record: dict[str, Any]) -> bytes:
    return header(log, record) + b"\n" + tsv(log, record)


def test_there_is_an_example_of_every_log_with_a_layout() -> None:
    assert RECORDS.keys() == KINDS.keys()


@pytest.mark.parametrize("write", [underscored, nested, tagged, with_header, tsv])
@pytest.mark.parametrize("log", LOGS)
def test_a_record_is_the_same_event_in_every_form(log: str, write: Callable[[str, dict[str, Any]], bytes]) -> None:
    [record] = split_message("zeek", write(log, RECORDS[log]), AT, BROKER_TIME)
    parsed = SOURCE.parse(record)
    expected = event(log, RECORDS[log])
    assert isinstance(parsed, Event), parsed
    assert without_raw(parsed) == without_raw(expected)
    assert parsed.native == expected.native
    assert parsed.logsource == expected.logsource


@pytest.mark.parametrize("log", LOGS)
def test_a_log_is_known_by_its_fields(log: str) -> None:
    parsed = parse(orjson.dumps(RECORDS[log]))
    assert isinstance(parsed, Event)
    assert parsed.logsource.service == log


NORMALIZED = {"TLSv12", "DISK", "alice/EXAMPLE.COM"}  # words that OCSF writes otherwise


@pytest.mark.parametrize("log", LOGS)
def test_nothing_of_a_record_is_lost(log: str) -> None:
    """Every word is somewhere in the event beside its raw data."""
    found = plainly(without_raw(event(log, RECORDS[log])))
    for value in RECORDS[log].values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item not in NORMALIZED:
                word = item.rpartition("::")[2].rpartition("<")[2].rstrip(">")
                assert plainly(word).strip('"') in found


def plainly(value: Any) -> str:
    return orjson.dumps(value).decode().lower().replace("-", ":")


@given(st.sampled_from(LOGS), st.data())
@settings(max_examples=500, deadline=None)
def test_any_part_of_a_record_is_an_event(log: str, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(RECORDS[log]))))
    event(log, {name: RECORDS[log][name] for name in names})


@pytest.mark.parametrize(
    ("said", "log"),
    [
        ({"_path": "conn"}, "conn"),
        ({"@stream": "CONN"}, "conn"),
        ({"_log": "conn.log"}, "conn"),
        ({"_path": "bro_conn"}, "conn"),
        ({"event.dataset": "zeek.conn"}, "conn"),
        ({"event": {"dataset": "zeek.conn"}}, "conn"),
        ({"log": {"file": {"path": "/opt/zeek/logs/current/conn.log"}}}, "conn"),
        ({"log_file_path": "C:\\zeek\\conn.12_00_00-13_00_00.log.gz"}, "conn"),
        ({"_path": "broker"}, "broker"),
        ({"_path": "my_own_log"}, "my_own_log"),
        ({"log_type": "json"}, ""),
        ({"_path": 7}, ""),
        ({"_path": "no log's name"}, ""),
    ],
)
def test_the_log_is_named_under_many_keys(said: dict[str, Any], log: str) -> None:
    parsed = parse(orjson.dumps({**said, **CONNECTED}))
    assert isinstance(parsed, Event)
    assert parsed.logsource.service == log
    assert validate(parsed.ocsf) == []


@pytest.mark.parametrize("ts", [1718452800.25, "2024-06-15T12:00:00.250000Z", 1718452800250, "1718452800.250000"])
def test_times_of_every_writer(ts: Any) -> None:
    parsed = event("conn", RECORDS["conn"] | {"ts": ts})
    assert parsed.time == TS_MS
    assert parsed.ocsf["start_time"] == TS_MS
    assert parsed.ocsf["end_time"] == TS_MS + 1500
    assert "ts" not in parsed.ocsf["unmapped"]


@pytest.mark.parametrize("ts", [None, -1.0, "yesterday", 9e18, [1718452800.25]])
def test_without_a_usable_time_the_brokers_is_taken(ts: Any) -> None:
    parsed = event("conn", RECORDS["conn"] | {"ts": ts})
    assert parsed.time == BROKER_TIME
    assert parsed.ocsf["metadata"]["labels"] == [TIME_FROM_BROKER]
    assert "start_time" not in parsed.ocsf
    assert parsed.ocsf["unmapped"].get("ts") == ts


def test_without_any_time_there_is_no_event() -> None:
    assert isinstance(parse(orjson.dumps({"_path": "conn", "uid": UID}), broker_time=0), ParseError)


def test_sigmas_generic_names_for_dns() -> None:
    parsed = event("dns", RECORDS["dns"])
    assert parsed.logsource.categories == ("dns",)
    assert parsed.native["query"] == "www.example.com"
    assert parsed.native["record_type"] == "A"
    assert parsed.native["answer"] == ["203.0.113.5", "TXT 11 hello, world"]
    assert parsed.native["id.resp_p"] == 53


def test_sigmas_generic_names_for_http() -> None:
    parsed = event("http", RECORDS["http"])
    assert parsed.logsource.categories == ("proxy", "webserver")
    names = ("c-uri", "c-uri-stem", "c-uri-extension", "c-useragent", "cs-host", "cs-method", "sc-status", "cs-referer")
    assert [parsed.native[name] for name in names] == [
        "/files/report.exe?id=7",
        "/files/report.exe",
        "exe",
        "curl/8.5.0",
        "www.example.com",
        "GET",
        200,
        "http://www.example.com/",
    ]
    assert "cs-cookie" not in parsed.native
    assert "c-uri-extension" not in event("http", RECORDS["http"] | {"uri": "/a.d/b"}).native


def test_other_logs_have_zeeks_names_alone() -> None:
    parsed = event("conn", RECORDS["conn"])
    assert parsed.native == {"_path": "conn", **RECORDS["conn"]}
    assert (parsed.logsource.product, parsed.logsource.service, parsed.logsource.categories) == ("zeek", "conn", ())


def test_null_is_unset() -> None:
    assert event("conn", RECORDS["conn"] | {"tunnel_parents": None}).native == {"_path": "conn", **RECORDS["conn"]}


def test_zeeks_uid_is_in_the_metadata_and_nowhere_unmapped() -> None:
    for log in LOGS:
        found = event(log, RECORDS[log]).ocsf
        assert found["metadata"].get("original_event_uid") not in found.get("unmapped", {}).values()


def test_a_dotted_name_wins_over_its_copy() -> None:
    parsed = event("x509", RECORDS["x509"] | {"certificate_serial": "FF"})
    assert parsed.native["certificate.serial"] == "0A1B2C3D4E"


@pytest.mark.parametrize("log", LOGS)
def test_every_form_is_recognized(log: str) -> None:
    record = RECORDS[log]
    for raw in (dotted(log, record), underscored(log, record), nested(log, record), tagged(log, record)):
        assert SOURCE.recognize(raw, orjson.loads(raw))
    assert SOURCE.recognize(b"", record) is (log not in {"known_hosts", "reporter", "traceroute"})
    assert SOURCE.recognize(tsv(log, record), None)
    assert SOURCE.recognize(header(log, record), None)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"eventVersion":"1.08","eventName":"GetObject"}',
        b'{"EventID":4624,"Channel":"Security"}',
        b'{"ts":1718452800.25,"name":"other"}',
        b'{"ts":1718452800.25,"level":"info","message":"started"}',
        b'{"conn":{"id":7}}',
        b"plain text",
        b"2024-06-15\tnot a time stamp of Zeek",
    ],
)
def test_others_are_not_recognized(raw: bytes) -> None:
    assert not SOURCE.recognize(raw, orjson.loads(raw) if raw[:1] == b"{" else None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"\x00", "NUL"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"a":', "not JSON"),
        (b'{"a":1}', "no Zeek log"),
        (b"[1]", "neither a JSON object nor a TSV line"),
        (b"hello", "neither a JSON object nor a TSV line"),
        (b"#fields\tts\tuid", "header"),
        (b'{"x":' + b"[" * 100 + b"]" * 100 + b"}", "nested"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    parsed = parse(raw)
    assert isinstance(parsed, ParseError)
    assert reason in parsed.reason


def test_the_delay_of_the_source() -> None:
    assert (SOURCE.name, SOURCE.topic, SOURCE.delay_ms) == ("zeek", "raw.zeek", 300_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TELLING = st.sampled_from(
    [
        "-",
        "T",
        "tcp",
        "icmp",
        "SF",
        "::1",
        "1.2.3.4",
        "::ffff:192.0.2.1",
        "a@b.example",
        "/x?y",
        "S0",
        "ACK",
        "Tunnel::",
    ]
)
FIELDS = sorted({name for columns in KINDS.values() for name in columns})


@given(
    log=st.sampled_from([*LOGS, "conn_long", "own"]),
    junk=st.dictionaries(st.sampled_from(FIELDS), JSON | TELLING, max_size=8),
    keep=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_junk_in_fields_gives_valid_events(log: str, junk: dict[str, Any], keep: bool) -> None:
    record = {"ts": TS_MS / 1000, **(RECORDS.get(log, {}) if keep else {}), **junk}
    try:
        raw = orjson.dumps({**record, "_path": log})
    except TypeError:  # integers that JSON cannot hold
        return
    parsed = parse(raw)
    assert isinstance(parsed, Event)
    assert validate(parsed.ocsf) == []
    assert orjson.loads(orjson.dumps(parsed.ocsf))["raw_data"] == raw.decode()


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode) | JSON.map(repr).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_value_or_a_reason(raw: bytes) -> None:
    parsed = parse(raw)
    assert isinstance(parsed, ParseError) or validate(parsed.ocsf) == []


def test_an_absurd_name_is_not_repeated_in_all_below_it() -> None:
    long = "x" * 500_000
    found = event("conn", CONNECTED | {long: {f"{number}": number for number in range(20_000)}})
    assert len(found.native[long]) == 20_000


def test_parsing_is_pure() -> None:
    raw = dotted("http", RECORDS["http"])
    assert parse(raw) == parse(raw)

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrichers.entities import entities_of
from models import ocsf
from models.event import Event, LogSource
from models.ocsf_schema import validate
from models.records import TIME_FROM_BROKER, Coordinates, ParseError, RawRecord
from models.uids import event_uid, sha256_hex
from streams.sources.ocsf.source import SOURCE

NOON = 1_718_452_800_000  # 2024-06-15T12:00:00Z
LOGON: dict[str, Any] = {
    "class_uid": 3002,
    "class_name": "Authentication",
    "category_uid": 3,
    "activity_id": 1,
    "type_uid": 300201,
    "time": NOON,
    "severity_id": 1,
    "status_id": 1,
    "user": {"name": "alice", "uid": "1001", "type_id": 1},
    "service": {"name": "vpn"},
    "src_endpoint": {"ip": "203.0.113.7"},
    "metadata": {"version": "1.8.0", "uid": "their-uid", "product": {"name": "Example VPN", "vendor_name": "Example"}},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def record(value: Any, broker_time: int = 0) -> RawRecord:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord("ocsf", raw, Coordinates("raw.ocsf", 0, 1), broker_time)


def with_metadata(value: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return value | {"metadata": value["metadata"] | changes}


def accepted(value: dict[str, Any], broker_time: int = 0) -> dict[str, Any]:
    event = SOURCE.parse(record(value, broker_time))
    assert isinstance(event, Event), event
    assert validate(event.ocsf) == []
    return event.ocsf


def refused(value: dict[str, Any]) -> ParseError:
    error = SOURCE.parse(record(value))
    assert isinstance(error, ParseError)
    return error


def test_a_valid_event_is_taken_as_it_is() -> None:
    raw = record(LOGON)
    event = SOURCE.parse(raw)
    assert isinstance(event, Event)
    assert event.uid == event_uid("ocsf", sha256_hex(raw.raw))
    assert event.logsource == LogSource("ocsf", "authentication")
    assert event.native is event.ocsf
    digest = {"algorithm": "SHA-256", "algorithm_id": 3, "value": sha256_hex(raw.raw)}
    expected = with_metadata(LOGON, uid=event.uid, original_event_uid="their-uid")
    assert event.ocsf == expected | {"raw_data": raw.raw.decode(), "raw_data_hash": digest}


def test_uid_of_the_first_shipper_stays() -> None:
    metadata = accepted(with_metadata(LOGON, original_event_uid="first"))["metadata"]
    assert metadata["original_event_uid"] == "first"


def test_raw_data_is_the_record_as_it_came_with_the_shippers_inside_and_its_hash_is_ours() -> None:
    theirs = {"raw_data": "<134>login alice", "raw_data_hash": {"algorithm_id": 1, "value": "d41d8cd98f00b204"}}
    made = accepted(LOGON | theirs)
    assert json.loads(made["raw_data"]) == LOGON | theirs
    assert made["raw_data_hash"]["value"] == sha256_hex(made["raw_data"].encode())


def test_service_names_the_class() -> None:
    event = SOURCE.parse(record(LOGON | {"class_uid": 3005, "type_uid": 300501, "privileges": ["x"], "service": None}))
    assert isinstance(event, Event)
    assert event.logsource == LogSource("ocsf", "user_access_management")


@pytest.mark.parametrize("version", ["1.0.0", "1.3.0", "1.9.0"])
def test_other_versions_become_this_one_and_say_so(version: str) -> None:
    made = accepted(with_metadata(LOGON, version=version, labels=["edge"]))
    assert made["metadata"]["version"] == "1.8.0"
    assert made["metadata"]["labels"] == ["edge", f"ocsf_version:{version}"]
    assert json.loads(made["raw_data"])["metadata"]["version"] == version


def test_nulls_are_absent_attributes() -> None:
    value = LOGON | {
        "status_detail": None,
        "actor": {"idp": {"name": None}, "user": {"name": "alice", "email_addr": None}},
        "observables": [None, {"name": "user.name", "type_id": 4, "value": None}],
        "unmapped": {"kept": None},
    }
    made = accepted(value)
    assert "status_detail" not in made
    assert made["actor"] == {"user": {"name": "alice"}}
    assert made["observables"] == [{"name": "user.name", "type_id": 4}]
    assert made["unmapped"] == {"kept": None}
    assert json.loads(made["raw_data"]) == value
    assert made["raw_data_hash"]["algorithm_id"] == 3


def test_a_draft_s_names_are_brought_up_to_date() -> None:
    value = with_metadata(LOGON, version="1.0.0-rc.2") | {
        "user": {"name": "alice", "uuid": "arn:aws:iam::123456789012:user/alice", "account_uid": "123456789012"},
        "session": {"uid": "s-1", "mfa": True},
        "actor": {"user": {"name": "alice", "account_type": "Windows Account", "account_type_id": 2}},
    }
    made = accepted(value)
    assert made["user"]["uid_alt"] == "arn:aws:iam::123456789012:user/alice"
    assert made["user"]["account"] == {"uid": "123456789012"}
    assert made["session"]["is_mfa"] is True
    assert made["actor"]["user"]["account"] == {"type": "Windows Account", "type_id": 2, "name": "alice"}


def test_a_draft_s_class_goes_by_its_name() -> None:
    value = with_metadata(LOGON, version="1.0.0-rc.2") | {
        "class_uid": 3005,
        "class_name": "API Activity",
        "type_uid": 300502,
        "activity_id": 2,
        "actor": {"user": {"name": "alice"}},
        "api": {"operation": "GetObject"},
    }
    del value["user"], value["service"]
    made = accepted(value)
    assert (made["class_uid"], made["category_uid"], made["type_uid"]) == (6003, 6, 600302)


def test_a_release_s_class_goes_by_its_number() -> None:
    assert refused(LOGON | {"class_name": "API Activity", "user": None}).field == "user"


def test_type_uid_follows_from_class_and_activity_but_is_never_overruled() -> None:
    assert accepted({name: value for name, value in LOGON.items() if name != "type_uid"})["type_uid"] == 300201
    assert refused(LOGON | {"type_uid": 300202}).field == "type_uid"


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"class_uid": 9999}, "class_uid", "unknown class_uid 9999"),
        ({"class_uid": "3002"}, "class_uid", "unknown class_uid '3002'"),
        ({"user": None}, "user", "required attribute is missing"),
        ({"user": {"email_addr": "a@example.com"}}, "user", "needs at least one of"),
        ({"src_endpoint": {"ip": "300.1.1.1"}}, "src_endpoint.ip", "is not a valid ip_t"),
        ({"src_endpoint": {"ip": "192.0.2.1", "colour": "red"}}, "src_endpoint.colour", "not defined here"),
        ({"severity_id": 7}, "severity_id", "not a member of the enum"),
        ({"time": NOON // 1000}, "time", "looks like seconds"),
        ({"time": "at noon"}, "time", "must be an integer"),
    ],
)
def test_a_refusal_names_the_first_problem(changes: dict[str, Any], field: str, says: str) -> None:
    error = refused(LOGON | changes)
    assert error.field == field
    assert says in error.reason


@pytest.mark.parametrize(
    "metadata", [None, [], {}, {"version": ""}, {"version": ["1.8.0"]}, {"product": {"name": "x"}}]
)
def test_what_has_no_version_is_no_ocsf(metadata: Any) -> None:
    assert refused(LOGON | {"metadata": metadata}).field == "metadata.version"


def test_a_version_is_text() -> None:
    assert refused(with_metadata(LOGON, version=1.8)).field == "metadata.version"


def test_without_a_time_the_broker_s_counts() -> None:
    made = accepted(LOGON | {"time": None}, broker_time=NOON)
    assert made["time"] == NOON
    assert made["metadata"]["labels"] == [TIME_FROM_BROKER]
    assert refused(LOGON | {"time": None}).field == "time"


def test_a_long_refusal_is_cut() -> None:
    error = refused(LOGON | {"user": {"name": "alice", "x" * 5000: 1}})
    assert len(error.field) <= 256
    assert len(error.reason) < 1000


def test_an_address_as_long_as_the_record_is_refused_at_once() -> None:
    error = refused(LOGON | {"src_endpoint": {"ip": "::%" + " " * 900_000 + "\nx"}})
    assert error.field == "src_endpoint.ip"


def test_depth_is_bounded() -> None:
    deep: Any = {"pid": 1}
    for _ in range(70):
        deep = {"pid": 1, "parent_process": deep}
    assert "nested deeper" in refused(LOGON | {"logon_process": deep}).reason


def test_recognizes_class_and_version() -> None:
    assert SOURCE.recognize(b"", LOGON)
    for other in (None, {}, {"class_uid": 3002}, {"class_uid": "3002", "metadata": {"version": "1.8.0"}}):
        assert not SOURCE.recognize(b"", other)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for name, item in members for p in [(*path, name), *paths(item, (*path, name))]]


def put(value: Any, path: tuple[Any, ...], replacement: Any) -> None:
    with suppress(KeyError, IndexError, TypeError):  # another replacement may have taken the way there
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = replacement


@pytest.mark.parametrize(
    "replacement", [None, [], {}, [1], [[]], {"a": []}, True, -1, 2**63, 1e300, "", "-", "x" * 300]
)
def test_every_field_may_hold_anything(replacement: Any) -> None:
    for version in ("1.8.0", "1.0.0-rc.2"):
        for path in paths(LOGON):
            value = copy.deepcopy(with_metadata(LOGON, version=version))
            put(value, path, replacement)
            result = SOURCE.parse(record(value, NOON))
            assert isinstance(result, ParseError) or validate(result.ocsf) == [], path


@given(st.sampled_from(["1.8.0", "1.0.0-rc.2"]), st.dictionaries(st.sampled_from(paths(LOGON)), JSON, max_size=3))
@settings(max_examples=300)
def test_any_value_anywhere_gives_a_valid_event_or_an_error(version: str, changes: dict[tuple[Any, ...], Any]) -> None:
    value: Any = copy.deepcopy(with_metadata(LOGON, version=version))
    for path, replacement in changes.items():
        put(value, path, replacement)
    result = SOURCE.parse(record(value, NOON))
    if isinstance(result, Event):
        assert validate(result.ocsf) == []
        assert ocsf.decode(ocsf.encode(result.ocsf)) == result.ocsf
        entities_of(result.ocsf)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_an_event_or_an_error(raw: bytes) -> None:
    assert isinstance(SOURCE.parse(record(raw)), Event | ParseError)


def test_recorded_telemetry(shared: Path) -> None:
    kept = total = 0
    for path in sorted((shared / "data/ocsf_pairs").glob("*.expected.json")):
        with suppress(orjson.JSONDecodeError):  # some are no JSON upstream
            value = orjson.loads(path.read_bytes())
            event = SOURCE.parse(record(value, NOON))
            assert isinstance(event, ParseError) or validate(event.ocsf) == []
            kept, total = kept + isinstance(event, Event), total + 1
    assert kept > total / 2

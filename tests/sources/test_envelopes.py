"""What shippers wrap around records comes off, and what else it says goes along."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import Coordinates, RawRecord
from streams.sources.envelopes import MAX_ENVELOPE_BYTES, unwrap

AT = Coordinates("raw.any", 1, 5)
INNER = {"eventType": "user.session.start", "published": "2026-03-10T09:41:07.000Z"}
LINE = json.dumps(INNER)
CRI = f"2026-03-10T09:41:07.123456789Z stdout F {LINE}".encode()


def record(raw: bytes) -> RawRecord:
    return RawRecord("okta", raw, AT, 7)


def inside(envelope: Any) -> tuple[RawRecord, ...]:
    return unwrap(record(envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()))


@pytest.mark.parametrize(
    ("envelope", "host"),
    [
        pytest.param(
            {"@timestamp": "t", "message": LINE, "host": {"name": "web01"}, "agent": {"type": "filebeat"}},
            "web01",
            id="Filebeat",
        ),
        pytest.param(
            {"message": "rewritten", "event": {"original": LINE}, "agent": {"hostname": "web02"}},
            "web02",
            id="Elastic Agent",
        ),
        pytest.param({"date": 1.5, "log": LINE + "\n", "stream": "stdout"}, "", id="Fluent Bit"),
        pytest.param(
            {"log": LINE, "kubernetes": {"host": "node1", "pod_name": "p"}}, "node1", id="Fluent Bit in a pod"
        ),
        pytest.param({"host": "web01", "message": LINE, "source_type": "file"}, "web01", id="Vector"),
        pytest.param({"_raw": LINE, "_time": 1, "host": "web01", "sourcetype": "okta"}, "web01", id="Cribl"),
        pytest.param({"time": 1, "host": "web01", "event": INNER}, "web01", id="Splunk HEC"),
        pytest.param({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": LINE}]}, "", id="CloudWatch"),
        pytest.param({"records": [INNER], "more": 1}, "", id="event hub"),
        pytest.param({"version": "0", "detail-type": "x", "detail": INNER}, "", id="EventBridge"),
        pytest.param({"Type": "Notification", "Message": LINE}, "", id="SNS"),
        pytest.param({"message": {"data": b64encode(LINE.encode()).decode(), "messageId": "1"}}, "", id="Pub/Sub"),
        pytest.param({"@odata.context": "x", "value": [INNER]}, "", id="Graph"),
        pytest.param(f"<134>Mar 10 09:41:07 gw1 okta[5]: {LINE}".encode(), "gw1", id="RFC 3164"),
        pytest.param(f"<134>1 2026-03-10T09:41:07Z gw1 okta 5 - - {LINE}".encode(), "gw1", id="RFC 5424"),
        pytest.param(CRI, "", id="containerd"),
        pytest.param({"log": CRI.decode(), "hostname": "n1"}, "n1", id="the log of one in another"),
    ],
)
def test_the_record_comes_out(envelope: Any, host: str) -> None:
    (inner,) = inside(envelope)
    if inner.raw == CRI:
        (inner,) = unwrap(inner)
    assert json.loads(inner.raw) == INNER
    assert inner.context.host == host
    assert (inner.source, inner.at, inner.broker_time) == ("okta", AT, 7)


def test_open_telemetry_holds_many_records() -> None:
    values = {"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}}]}}
    logs = [{"body": {"stringValue": LINE}, "timeUnixNano": "1"}, {"body": values}]
    resource = {"attributes": [{"key": "host.name", "value": {"stringValue": "web01"}}]}
    first, second = inside({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": logs}]}]})
    assert json.loads(first.raw) == INNER
    assert json.loads(second.raw) == {"a": ["1"]}
    assert {first.context.host, second.context.host} == {"web01"}
    assert first.context.envelope["timeUnixNano"] == "1"


def test_findings_of_an_event_come_out_one_by_one() -> None:
    found = inside({"detail-type": "Findings", "detail": {"findings": [{"Id": "1"}, {"Id": "2"}]}})
    assert [json.loads(inner.raw)["Id"] for inner in found] == ["1", "2"]


def test_what_else_the_envelope_says_goes_along() -> None:
    (inner,) = inside({"message": LINE, "log": {"file": "/var/log/a"}, "host": {"name": "h"}})
    assert inner.context.envelope == {"log": {"file": "/var/log/a"}, "host": {"name": "h"}}
    (inner,) = inside({"message": LINE, "note": "x" * MAX_ENVELOPE_BYTES})
    assert inner.context.envelope == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"5",
        b'{"a": 1}',
        b'{"message": ""}',
        b'{"message": 5}',
        b'{"records": {}}',
        b"no record",
        b'{"message": {"data": "%%"}}',
        b'{"resourceLogs": {}}',
        b'{"logEvents": [1]}',
        b'{"value": [1]}',
        b'{"message": "',
    ],
)
def test_what_is_no_envelope_holds_nothing(raw: bytes) -> None:
    assert unwrap(record(raw)) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "message",
                    "log",
                    "event",
                    "records",
                    "resourceLogs",
                    "scopeLogs",
                    "logRecords",
                    "body",
                    "kvlistValue",
                    "values",
                    "host",
                    "detail",
                    "findings",
                    "value",
                    "data",
                    "logEvents",
                    "_raw",
                    "original",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_can_be_looked_into(value: Any) -> None:
    for inner in inside(value):
        assert inner.raw


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_into(data: bytes) -> None:
    assert all(inner.raw for inner in unwrap(record(data)))
